"""A trial's figures, for machines and in words for people."""

from __future__ import annotations

from datetime import timedelta

from predictive_autoscaler.core.trial import Tally, Trial
from predictive_autoscaler.core.types import Json, utc_text

_ROLES = {
    True: ("observing", "acting would have", "the group"),
    False: ("acting", "the controller has", "target tracking would have"),
}


def figures(trial: Trial, instance_hour_usd: float | None) -> Json:
    """The trial as plain values; money only where an instance-hour has a price."""
    found: Json = {
        "observing": trial.observing,
        "since": utc_text(trial.since),
        "until": utc_text(trial.until),
        "days": round(trial.length / timedelta(days=1), 2),
        "requests": trial.requests,
        "ours": vars(trial.ours),
        "theirs": vars(trial.theirs),
        "saved_hours": trial.saved_hours,
        "avoided_misses": trial.avoided_misses,
        "worth_it": trial.worth_it,
    }
    if instance_hour_usd is None:
        return found
    return found | {"saved_usd": trial.saved_hours * instance_hour_usd}


def in_words(trial: Trial, instance_hour_usd: float | None) -> str:
    """One sentence: over which time, hours against hours, misses against misses, money."""
    doing, ours, theirs = _ROLES[trial.observing]
    text = (
        f"In {trial.length / timedelta(days=1):.1f} days of {doing}, {ours} taken "
        f"{_tally(trial.ours, trial.requests)}; {theirs} {'took' if trial.observing else 'taken'} "
        f"{_tally(trial.theirs, trial.requests)}"
    )
    if instance_hour_usd is None:
        return f"{text}."
    usd = trial.saved_hours * instance_hour_usd
    return f"{text}. That is {abs(usd):,.2f} USD {'less' if usd >= 0 else 'more'}."


def _tally(tally: Tally, requests: float) -> str:
    share = tally.missed_requests / requests if requests > 0 else 0.0
    return (
        f"{tally.instance_hours:,.1f} instance-hours and missed {tally.missed_requests:,.0f} "
        f"requests ({100 * share:.2f} %)"
    )
