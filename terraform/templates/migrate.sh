#!/usr/bin/env bash
# Run the migrations of this release, in a container of their own.
set -euo pipefail

shop=${SHOP:-/srv/shop}
# shellcheck source=/dev/null
source "$shop/settings.env"
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$shop/lib.sh"

# The master's access is psql's, not the application's.
unset PGUSER PGPASSWORD PGHOST PGPORT PGDATABASE PGSSLMODE PGSSLROOTCERT APP_PASSWORD

export_environment
docker compose --file "$shop/compose.yaml" run --rm --no-deps -T worker \
  python3 manage.py migrate --no-input
