"""Whether the shop behind the load balancer is in trouble, told by its answers.

Errors and slow answers turn visitors away, so traffic falls although nobody wanted less.
"""

from __future__ import annotations

import numpy as np

from predictive_autoscaler.core.types import FloatArray, Samples

TROUBLE_SECONDS = 30 * 60
"""Trouble counts for so long: those who were turned away come back late."""
ERROR_SHARE = 0.02
LEAST_ERRORS = 20.0
SLOWER = 5.0
"""Times the usual response time."""
LEAST_SLOW_SECONDS = 0.5
USUAL_SECONDS = 86400


def trouble(samples: Samples, capacity_per_instance: float) -> str | None:
    """What is wrong, in words; None if nothing is, or nothing is known.

    An overloaded group fails requests as well, but more capacity is all that it lacks; so only
    trouble counts that came while there was capacity enough.
    """
    bins = max(1, TROUBLE_SECONDS // samples.interval_seconds)
    recent = samples.latest(bins)
    failed = np.nan_to_num(recent.failed)
    came = np.nan_to_num(recent.requests) + np.nan_to_num(recent.refused)
    enough = ~(came > recent.in_service * capacity_per_instance)
    failing = enough & (failed >= LEAST_ERRORS) & (failed >= ERROR_SHARE * came)
    if failing.any():
        share = 100 * float(failed[failing].sum() / max(came[failing].sum(), failed[failing].sum()))
        return f"{share:.0f} % of the requests failed within the last half hour"
    usual = _median(samples.latest(USUAL_SECONDS // samples.interval_seconds))
    slowest = float(np.nanmax(np.append(recent.response_time_seconds[enough], 0.0)))
    if usual is not None and slowest >= max(SLOWER * usual, LEAST_SLOW_SECONDS):
        return f"answers took {slowest:.1f} s within the last half hour, {usual:.2g} s are usual"
    return None


def _median(samples: Samples) -> float | None:
    known: FloatArray = samples.response_time_seconds[~np.isnan(samples.response_time_seconds)]
    return float(np.median(known)) if len(known) else None
