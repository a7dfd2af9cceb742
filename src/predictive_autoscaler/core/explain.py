"""A decision in words, from its record alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from predictive_autoscaler.core.types import Candidate, Decision, Quality

_QUALITY_WORDS = {
    Quality.OK: "complete",
    Quality.QUIET: "absent because nobody came",
    Quality.CENSORED: "a lower bound, since the group was overloaded",
    Quality.PARTIAL: "a lower bound, since minutes are absent",
    Quality.MISSING: "absent; the newest known one, if there is any, is shown",
    Quality.GLITCH: "zero in the midst of traffic, which is not believed",
}


@dataclass(frozen=True)
class Explanation:
    """What a person reads.

    Attributes:
        headline: what happened, in one sentence.
        paragraphs: why, in order of thought.
        outcome: what came of it.
    """

    headline: str
    paragraphs: tuple[str, ...]
    outcome: str


def explain(decision: Decision, mode: str, outcome: Mapping[str, object]) -> Explanation:
    """Explain one group's decision."""
    return Explanation(
        headline=headline(decision),
        paragraphs=tuple(
            text
            for text in (
                _traffic(decision),
                _forecast(decision),
                _wish(decision),
                *(_policy_lines(decision)),
                _money(decision),
                *(f"Trouble: {fault}." for fault in decision.faults),
            )
            if text
        ),
        outcome=_outcome(mode, outcome),
    )


def headline(decision: Decision) -> str:
    """One sentence: from, to, and the rule that had the last word."""
    before, after = decision.before_instances, decision.after_instances
    if after > before:
        what = f"Scale out from {before} to {after}"
    elif after < before:
        what = f"Scale in from {before} to {after}"
    else:
        what = f"Stay at {before}"
    return f"{what}: {deciding_reason(decision)}."


def deciding_reason(decision: Decision) -> str:
    """Why it came out so, in a few words."""
    if decision.reasons:
        last = decision.reasons[-1]
        return f"{last.text} ({last.policy})"
    if not decision.quantiles:
        return "nothing could be forecast"
    middle = decision.quantiles["0.5"]
    return (
        f"the forecast expects a peak of {_count(middle)} requests and calls for "
        f"{decision.wish_instances}"
    )


def _count(value: float) -> str:
    """A number of requests: whole, but with three digits at least."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if share < 0.0995 else f"{100 * share:.0f} %"


def _traffic(decision: Decision) -> str:
    return (
        f"The newest interval brought {_count(decision.present_demand_requests)} requests; the "
        f"count is {_QUALITY_WORDS[decision.present_quality]}. An instance carries "
        f"{_count(decision.capacity_per_instance)}, so that alone needs {decision.floor_instances}."
    )


def _forecast(decision: Decision) -> str:
    if not decision.quantiles:
        return "No predictor could answer, so capacity is held."
    low, middle, high = (decision.quantiles[q] for q in ("0.05", "0.5", "0.95"))
    source = f", model {decision.model_id}" if decision.model_id else ""
    return (
        f"The forecast ({decision.rung.value}{source}) expects a peak of {_count(middle)} requests "
        f"per interval, with 90 % confidence between {_count(low)} and {_count(high)}, before "
        "capacity that is asked for at the next chance could serve."
    )


def _wish(decision: Decision) -> str:
    chosen = [c for c in decision.candidates if c.instances == decision.wish_instances]
    if not chosen:
        return ""
    if decision.miss_price is None:
        return _served_quantile(decision, chosen[0])
    return (
        f"A missed request is priced at {decision.miss_price:.3g} times the capacity that would "
        f"have served it. At that price the forecast calls for {decision.wish_instances} "
        f"instances; {_percent(chosen[0].expected_missed_share)} of the requests that they would "
        "serve are still expected to be missed."
    )


def _served_quantile(decision: Decision, chosen: Candidate) -> str:
    level = "" if decision.served_quantile is None else f"{100 * decision.served_quantile:g} % "
    return (
        f"The setting is to serve the {level}quantile of the expected peak, whatever that costs: "
        f"{decision.wish_instances} instances. {_percent(chosen.expected_missed_share)} of the "
        "requests until the next chance are still expected to be missed."
    )


def _policy_lines(decision: Decision) -> list[str]:
    return [
        f"{reason.policy.capitalize()}: {reason.before_instances} becomes "
        f"{reason.after_instances}, because {reason.text}."
        for reason in decision.reasons
    ]


def _money(decision: Decision) -> str:
    money = decision.spending
    if money is None:
        return ""
    spent, expected = float(money["spent_usd"]), float(money["expected_usd"])
    cap = f"; the cap is {float(money['cap_usd']):,.2f}" if "cap_usd" in money else ""
    return (
        f"In the period up to {money['until']}, {spent:,.2f} USD are spent so far and about "
        f"{expected:,.2f} are expected by its end{cap}."
    )


def _outcome(mode: str, outcome: Mapping[str, object]) -> str:
    status = outcome.get("status")
    texts = {
        "applied": f"The group was set to {outcome.get('instances')}.",
        "unchanged": "The group already had it, so nothing was done.",
        "observed": "The mode is observe, so nothing was done.",
        "off": "The mode is off, so nothing was done.",
        "failed": f"It could not be carried out: {outcome.get('error')}.",
        "gone": f"It could not be carried out: {outcome.get('error')}.",
        "held": f"It was not tried: {outcome.get('error')}.",
        "left": f"It was not carried out: {outcome.get('error')}.",
        "claimed": "The run ended before it could say what came of it.",
        "dry run": "This was a dry run: nothing was done.",
    }
    return texts.get(str(status), f"Outcome: {status} (mode {mode}).")
