"""All checks, in the order in which they are shown. One more is one more row in its module."""

from predictive_autoscaler.app.doctor.checks import (
    account,
    decision,
    function,
    group,
    metrics,
    mode,
    model,
    people,
    room,
    settings,
)

CHECKS = (
    *account.CHECKS,
    *settings.CHECKS,
    *group.CHECKS,
    *metrics.CHECKS,
    *model.CHECKS,
    *function.CHECKS,
    *decision.CHECKS,
    *mode.CHECKS,
    *room.CHECKS,
    *people.CHECKS,
)
