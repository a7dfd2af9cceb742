"""What it would have taken to decide otherwise, in words, from a decision's record alone."""

from __future__ import annotations

import math

from predictive_autoscaler.core.policies.floors import ReactiveFloor
from predictive_autoscaler.core.types import Decision, utc_text
from predictive_autoscaler.core.why import Alternative, Limit
from predictive_autoscaler.core.words import count, percent


def otherwise(decision: Decision) -> tuple[str, ...]:
    """A sentence or two each about one more instance and about one fewer.

    Empty where the record is an older one, or nothing could be forecast.
    """
    more, fewer = decision.one_more, decision.one_fewer
    told = (_one_more(decision, more) if more else "", _one_fewer(decision, fewer) if fewer else "")
    return tuple(filter(None, told))


def _one_more(decision: Decision, more: Alternative) -> str:
    limits = [limit for limit in decision.limits if limit.most_instances is not None]
    if max(decision.wish_instances, decision.floor_instances) >= more.instances:
        return f"One more, {more.instances}, was called for. {_kept(decision, limits)}".strip()
    factor = min(_factor(more), _floor_factor(decision, more.instances - 1))
    ways = []
    if math.isfinite(factor):
        ways.append(
            f"{percent(factor - 1)} more demand, from about "
            f"{count(factor * decision.present_demand_requests)} requests in the newest interval on"
        )
    ways += _other_aim(decision, more)
    if not ways:
        return ""
    told = f"One more, {more.instances}, would have taken {', or '.join(ways)}."
    return f"{told} {_kept(decision, limits, 'Even then, ')}".strip()


def _one_fewer(decision: Decision, fewer: Alternative) -> str:
    limits = [
        limit
        for limit in decision.limits
        # Less demand lowers the floor: it is among the ways, and nothing beside them.
        if limit.least_instances is not None and limit.policy != ReactiveFloor.name
    ]
    if max(decision.wish_instances, decision.floor_instances) <= fewer.instances:
        return f"One fewer, {fewer.instances}, would do by the forecast. {_kept(decision, limits)}"
    factor = min(_factor(fewer), _floor_factor(decision, fewer.instances))
    ways = []
    if factor > 0:
        ways.append(
            f"{percent(1 - factor)} less demand, below about "
            f"{count(factor * decision.present_demand_requests)} requests in the newest interval"
        )
    if decision.floor_instances <= fewer.instances:
        ways += _other_aim(decision, fewer)
    told = f"One fewer, {fewer.instances}, would have taken {', or '.join(ways)}."
    if not ways:
        told = f"No demand would have led to one fewer, {fewer.instances}."
    return f"{told} {_kept(decision, limits, 'Even then, ')}".strip()


def _factor(alternative: Alternative) -> float:
    return math.inf if alternative.demand_factor is None else alternative.demand_factor


def _floor_factor(decision: Decision, instances: int) -> float:
    """On the present demand, up to which so many instances carry it."""
    present = decision.present_demand_requests
    return instances * decision.capacity_per_instance / present if present > 0 else math.inf


def _other_aim(decision: Decision, alternative: Alternative) -> list[str]:
    """The price of a miss or the served quantile with which the forecast calls for it."""
    if alternative.miss_price is not None and decision.miss_price is not None:
        return [
            f"a missed request priced at {alternative.miss_price:.3g} instead of "
            f"{decision.miss_price:.3g}"
        ]
    if alternative.quantile is not None and decision.served_quantile is not None:
        beyond = "above" if alternative.quantile >= decision.served_quantile else "of at most"
        return [
            f"a served quantile {beyond} {100 * alternative.quantile:.4g} % instead of "
            f"{100 * decision.served_quantile:g} %"
        ]
    return []


def _kept(decision: Decision, limits: list[Limit], begin: str = "") -> str:
    """Which rules keep the capacity, and when each would no longer."""
    told = []
    for limit in limits:
        notes = [f"until {utc_text(limit.until)}"] if limit.until else []
        notes += _remedy(decision, limit)
        note = f" ({'; '.join(notes)})" if notes else ""
        told.append(
            f"{limit.policy} would keep {decision.after_instances}, because {limit.text}{note}"
        )
    sentence = f"{begin}{'; '.join(told)}."
    return sentence[0].upper() + sentence[1:] if told else ""


def _remedy(decision: Decision, limit: Limit) -> list[str]:
    """The value at which a rule would no longer stand in the way, where it has one."""
    fewer, more = decision.after_instances - 1, decision.after_instances + 1
    if limit.policy == "bounds":
        side = "minimum" if limit.least_instances is not None else "maximum"
        return [f"not with a {side} of {fewer if side == 'minimum' else more}"]
    if limit.policy == "step limit":
        return [f"not with a step of {decision.before_instances - fewer}"]
    if limit.policy == "calendar":
        return [f"not with an announcement of {fewer}"]
    if limit.policy == "spending cap" and decision.spending:
        return [f"not with a cap above {float(decision.spending['spent_usd']):,.2f} USD"]
    return []
