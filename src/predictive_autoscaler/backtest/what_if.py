"""What other prices and budgets would have cost and missed on the same traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np

from predictive_autoscaler.backtest.lab import LabOptions, LabTraffic, judged, run_policy
from predictive_autoscaler.backtest.replay import replay_together
from predictive_autoscaler.core.outlay import Outlay
from predictive_autoscaler.core.scoring import score_scaling
from predictive_autoscaler.errors import AutoscalerError

MISS_PRICES = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
BUDGETS = (0.001, 0.005, 0.01, 0.02)
AIMS = ("miss_price", "missed_budget", "quantile")
"""Fields of the control parameters of which at most one is set: how much to spend."""
RIVAL = "target tracking 70 %"
HAD = "what the group had"
DEFAULT = "shipped default"


@dataclass(frozen=True)
class Variant:
    """One way to set the autoscaler.

    Attributes:
        aim: at most one of `AIMS`, with its value; none is the shipped default.
        present: whether it is set so now.
    """

    name: str
    aim: Mapping[str, float]
    present: bool = False


def variants(present: Mapping[str, float]) -> list[Variant]:
    """The default, a range of prices and of budgets, and the present setting among them."""
    aims: list[dict[str, float]] = [{}]
    aims += [{"miss_price": price} for price in MISS_PRICES]
    aims += [{"missed_budget": budget} for budget in BUDGETS]
    if dict(present) not in aims:
        aims.append(dict(present))
    return [Variant(_name(aim), aim, aim == dict(present)) for aim in aims]


def _name(aim: Mapping[str, float]) -> str:
    if "miss_price" in aim:
        return f"price {aim['miss_price']:g}"
    if "missed_budget" in aim:
        return f"budget {100 * aim['missed_budget']:g} %"
    return f"quantile {100 * aim['quantile']:g} %" if "quantile" in aim else DEFAULT


def what_if(
    traffics: Sequence[LabTraffic],
    options: LabOptions,
    hour_price: float | None = None,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> tuple[dict[str, list[Outlay]], dict[str, str]]:
    """Replay every variant on every trace, beside target tracking and what there was.

    The results do not depend on `jobs` nor on how the variants are dealt out.

    Returns:
        Outlays, and what went wrong, both by trace name.
    """
    chosen = variants(
        {key: float(options.parameters[key]) for key in AIMS if key in options.parameters}
    )
    hands = _dealt(chosen, max(1, joblib.effective_n_jobs(jobs) // max(1, len(traffics))))
    work = [(traffic, hand) for traffic in traffics for hand in hands]
    progress(f"what if: {len(chosen)} settings on {len(traffics)} traces")
    done = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(_attempt)(traffic, options, hand, hour_price) for traffic, hand in work
    )
    found: dict[str, dict[str, Outlay]] = {traffic.name: {} for traffic in traffics}
    failed: dict[str, str] = {}
    for count, ((traffic, _), outcome) in enumerate(zip(work, done, strict=True), 1):
        progress(f"what if: {count} of {len(work)} parts done, the last on {traffic.name}")
        if isinstance(outcome, str):
            failed[traffic.name] = outcome
        else:
            found[traffic.name] |= {outlay.name: outlay for outlay in outcome}
    return {
        traffic.name: [
            *(found[traffic.name][variant.name] for variant in chosen),
            *yardsticks(traffic, options, hour_price),
        ]
        for traffic in traffics
        if traffic.name not in failed
    }, failed


def _dealt(chosen: Sequence[Variant], hands: int) -> list[Sequence[Variant]]:
    """The variants in so many parts of like size, none empty."""
    return [chosen[first::hands] for first in range(min(hands, len(chosen)))]


def _attempt(
    traffic: LabTraffic, options: LabOptions, hand: Sequence[Variant], hour_price: float | None
) -> list[Outlay] | str:
    try:
        return replay_variants(traffic, options, hand, hour_price)
    except (AutoscalerError, ValueError, ArithmeticError) as error:
        return f"what if: {error}"


def replay_variants(
    traffic: LabTraffic,
    options: LabOptions,
    chosen: Sequence[Variant],
    hour_price: float | None,
    tell: Callable[[float], None] = lambda share: None,
) -> list[Outlay]:
    """Replay some variants side by side; see `replay_together`."""
    common = {key: value for key, value in options.parameters.items() if key not in AIMS}
    together = [
        replace(options, parameters=common | dict(variant.aim)).of_replay(traffic.setting)
        for variant in chosen
    ]
    replays = replay_together(traffic.demand, traffic.first, together, tell)
    return [
        Outlay(
            variant.name,
            judged(traffic, variant.name, done.asked).score,
            traffic.days,
            hour_price,
            variant.present,
        )
        for variant, done in zip(chosen, replays, strict=True)
    ]


def yardsticks(
    traffic: LabTraffic, options: LabOptions, hour_price: float | None
) -> Iterator[Outlay]:
    """Target tracking and, where the metrics tell, the capacity that there was."""
    yield Outlay(RIVAL, run_policy(traffic, RIVAL, options).score, traffic.days, hour_price)
    if traffic.had is None or not np.isfinite(traffic.had).any():
        return
    known = np.isfinite(traffic.had)
    setting, had = traffic.setting, traffic.had[known]
    score = score_scaling(
        traffic.evaluated[known], had, had, setting.capacity_per_instance, setting.interval_seconds
    )
    days = float(known.mean()) * traffic.days
    yield Outlay(HAD, score, days, hour_price)


def outlay_rows(found: Mapping[str, Sequence[Outlay]]) -> list[dict[str, Any]]:
    """One row per trace and variant; money is empty without a price."""
    return [
        {
            "trace": trace,
            "setting": outlay.name,
            "present": outlay.present,
            "missed_share": outlay.score.missed_share,
            "missed_requests": outlay.score.missed_requests,
            "instance_hours": outlay.score.instance_hours,
            "days": outlay.days,
            "instance_hours_per_day": outlay.hours_per_day,
            "usd_per_day": outlay.usd_per_day,
            "usd_per_30_days": outlay.usd_per_month,
            "actions": outlay.score.actions,
        }
        for trace, outlays in found.items()
        for outlay in outlays
    ]
