"""A decision in words, from its record alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from predictive_autoscaler.core.drivers import FAMILIES, seen
from predictive_autoscaler.core.otherwise import otherwise
from predictive_autoscaler.core.types import Candidate, Decision, Quality
from predictive_autoscaler.core.why import PriceGrounds
from predictive_autoscaler.core.words import change, count, percent

CANDIDATES_NOTE = (
    "Missed: the share of the requests in intervals in which more comes than the instances carry; "
    "all requests of such an interval count. Cost: an instance that is kept is billed until the "
    "next chance, one that is added while it boots as well; misses at their price."
)
"""What the columns of the candidates mean."""
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


def explain(
    decision: Decision,
    mode: str,
    outcome: Mapping[str, object],
    then: Decision | None = None,
) -> Explanation:
    """Explain one group's decision.

    Args:
        then: what was decided at the same time a week before, if that is known.
    """
    return Explanation(
        headline=headline(decision),
        paragraphs=tuple(
            text
            for text in (
                _traffic(decision),
                _forecast(decision),
                _drivers(decision),
                _last_week(decision, then),
                _wish(decision),
                *(_policy_lines(decision)),
                *otherwise(decision),
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
        f"the forecast expects a peak of {count(middle)} requests and calls for "
        f"{decision.wish_instances}"
    )


def _traffic(decision: Decision) -> str:
    return (
        f"The newest interval brought {count(decision.present_demand_requests)} requests; the "
        f"count is {_QUALITY_WORDS[decision.present_quality]}. An instance carries "
        f"{count(decision.capacity_per_instance)}, so that alone needs {decision.floor_instances}."
    )


def _forecast(decision: Decision) -> str:
    if not decision.quantiles:
        return "No predictor could answer, so capacity is held."
    low, middle, high = (decision.quantiles[q] for q in ("0.05", "0.5", "0.95"))
    source = f", model {decision.model_id}" if decision.model_id else ""
    return (
        f"The forecast ({decision.rung.value}{source}) expects a peak of {count(middle)} requests "
        f"per interval, with 90 % confidence between {count(low)} and {count(high)}, before "
        "capacity that is asked for at the next chance could serve."
    )


def _drivers(decision: Decision) -> str:
    drivers = decision.drivers
    if drivers is None:
        return ""
    parts = [f"what is usual in its training ({change(drivers.usual)})"]
    for driver in sorted(drivers.families, key=lambda one: -abs(one.moved)):
        why = seen(driver)
        parts.append(
            f"{FAMILIES[driver.family].text}{f', {why}' if why else ''} ({change(driver.moved)})"
            if driver.family in FAMILIES
            else f"{driver.family} ({change(driver.moved)})"
        )
    if drivers.others:
        parts.append(f"all else ({change(drivers.others)})")
    return (
        f"The model starts from the recent level, {count(drivers.level_requests)} requests per "
        f"interval, and comes to about {count(drivers.middle_requests)}. What moved it, as factors "
        f"that multiply: {'; '.join(parts)}."
    )


def _last_week(decision: Decision, then: Decision | None) -> str:
    week = decision.last_week
    told = []
    if week and week.requests is not None:
        told.append(f"A week earlier the newest interval had {count(week.requests)} requests")
        if week.peak_requests is not None:
            told.append(f"up to {count(week.peak_requests)} per interval followed")
        if week.in_service is not None:
            told.append(f"{week.in_service:g} instances were in service")
    sentence = f"{_listed(told)}." if told else ""
    return f"{sentence} The decision of then: {headline(then)}".strip() if then else sentence


def _listed(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _wish(decision: Decision) -> str:
    chosen = [c for c in decision.candidates if c.instances == decision.wish_instances]
    if not chosen:
        return ""
    if decision.miss_price is None:
        return _served_quantile(decision, chosen[0])
    return (
        f"A missed request is priced at {decision.miss_price:.3g} times the capacity that would "
        f"have served it{_because(decision.price_grounds)}. At that price the forecast calls for "
        f"{decision.wish_instances} instances; {percent(chosen[0].expected_missed_share)} of the "
        "requests that they would serve are still expected to be missed."
        f"{_not_the_cheapest(decision, chosen[0])}"
    )


def _because(grounds: PriceGrounds | None) -> str:
    """What the price followed; begins with what joins it to the price."""
    if grounds is None:
        return ""  # A record of an older version.
    if grounds.missed_share is None:
        return ", as the settings have it"
    missed = f"{percent(grounds.missed_share)} of the requests were missed of late"
    if grounds.budget is not None:
        return f": {missed}, of a budget of {percent(grounds.budget)}"
    if grounds.left is None or grounds.overspent_hours is None or grounds.left > 0.99:
        return f": {missed}"
    return (
        f": {missed}, and {grounds.overspent_hours:.2g} hours' spending beyond what target "
        f"tracking would have spent leave {percent(grounds.left)} of it"
    )


def _not_the_cheapest(decision: Decision, chosen: Candidate) -> str:
    """Why another number of instances has a lower cost, where one has; begins with a space."""
    priced = [one for one in decision.candidates if one.cost is not None]
    least = min(priced, key=lambda one: one.cost or 0.0, default=chosen)
    if chosen.cost is None or least.cost is None or least.cost >= chosen.cost:
        return ""
    return (
        f" Of whole instances {least.instances} would cost {chosen.cost - least.cost:.2g} "
        "instance-intervals less. What is worth serving is found as if instances could be divided, "
        "so that more demand never calls for fewer of them; the last fraction becomes a whole one "
        "only if the misses that it spares are worth one."
    )


def _served_quantile(decision: Decision, chosen: Candidate) -> str:
    level = "" if decision.served_quantile is None else f"{100 * decision.served_quantile:g} % "
    return (
        f"The setting is to serve the {level}quantile of the expected peak, whatever that costs: "
        f"{decision.wish_instances} instances. {percent(chosen.expected_missed_share)} of the "
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
