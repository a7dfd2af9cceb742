#!/usr/bin/env bash
# Wait until the group lets this instance go, then let the requests in hand finish.
set -euo pipefail

shop=${SHOP:-/srv/shop}
# shellcheck source=/dev/null
source "$shop/settings.env"
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$shop/lib.sh"

until [[ $(metadata autoscaling/target-lifecycle-state || true) == Terminated ]]; do
  sleep "${POLL_SECONDS:-5}"
done

note "the group lets this instance go"
# The load balancer needs a moment to stop sending.
sleep "${SETTLE_SECONDS:-15}"
docker compose --file "$shop/compose.yaml" stop
lifecycle complete-lifecycle-action terminate --lifecycle-action-result CONTINUE
# systemd would start it again, to no avail: the instance is going.
sleep "${GONE_SECONDS:-300}"
