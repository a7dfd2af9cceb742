#!/usr/bin/env bash
# Build the training container and try it out: it must not run as root, and has to retrain a small
# generated shop without a network. Where there is no docker, or no way to its registry, it is left
# out, audibly; on GitHub Actions that is a failure.
#
#   scripts/build_image.sh [TAG]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

tag=${1:-predictive-autoscaler-retrain}

leave_out() { # leave_out REASON
  echo "image: left out, $1"
  if [[ ${GITHUB_ACTIONS:-} == true ]]; then
    exit 1
  fi
  exit 0
}

if ! command -v docker >/dev/null || ! docker info >/dev/null 2>&1; then
  leave_out "there is no docker"
fi
base=$(sed -n 's/^ARG BASE=//p' Dockerfile)
docker pull --quiet "$base" || leave_out "$base cannot be fetched"

docker build --tag "$tag" .

user=$(docker run --rm --entrypoint id "$tag" -u)
if [[ $user == 0 ]]; then
  echo "image: runs as root" >&2
  exit 1
fi

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
.venv/bin/python - "$scratch/shop.csv" <<'PYTHON'
import sys
from datetime import UTC, datetime
from pathlib import Path

from predictive_autoscaler.core.csv_text import samples_to_csv
from predictive_autoscaler.core.workloads import recorded_shop

shop = recorded_shop(datetime(2026, 3, 2, tzinfo=UTC), 4, 1, (), 900)
Path(sys.argv[1]).write_text(samples_to_csv(shop))
PYTHON
chmod -R a+rX "$scratch"
docker run --rm --network none --read-only --tmpfs /tmp --cap-drop ALL \
  --volume "$scratch:/data:ro" --env AUTOSCALER_INTERVAL_MINUTES=15 --env ASG_NAME=shop \
  "$tag" --csv /data/shop.csv --store /tmp/store --max-bins 200 --json
echo "image: $tag is built, and retrains"
