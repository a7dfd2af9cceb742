#!/usr/bin/env bash
# The release step: the application's database user, the signing key, and the migrations of this
# release, which run once however many of these run at once; then the mark that web instances
# wait for. release.sql holds the lock.
set -euo pipefail

shop=${SHOP:-/srv/shop}
# shellcheck source=/dev/null
source "$shop/settings.env"
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$shop/lib.sh"

master=$(secret "$MASTER_SECRET_ARN")
PGUSER=$(jq --raw-output --exit-status .username <<<"$master")
PGPASSWORD=$(jq --raw-output --exit-status .password <<<"$master")
app=$(secret "$APP_SECRET_ARN")
APP_PASSWORD=$(jq --raw-output --exit-status .DATABASE_PASSWORD <<<"$app")

export PGUSER PGPASSWORD APP_PASSWORD RELEASE
export PGHOST=$DATABASE_HOST PGPORT=${DATABASE_PORT:-5432} PGDATABASE=$DATABASE_NAME
export PGSSLMODE=verify-full PGSSLROOTCERT=$shop/rds-ca.pem
export ENSURE_KEY=$shop/ensure_key.sh MIGRATE=$shop/migrate.sh

psql --no-psqlrc --quiet --no-align --tuples-only --output /dev/null --file "$shop/release.sql"

aws s3api put-object --region "$AWS_REGION" --bucket "$RECORDS_BUCKET" \
  --key "releases/$RELEASE" >/dev/null
note "release $RELEASE is in place"
