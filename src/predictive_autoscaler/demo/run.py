"""From traffic to a report: train, replay a day through the handler, compare, draw."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from predictive_autoscaler.adapters.memory import FixedClock
from predictive_autoscaler.app.train import CARD_NAME
from predictive_autoscaler.backtest.peers import Setting, oracle, target_tracking
from predictive_autoscaler.backtest.world import (
    Fleet,
    Instances,
    measured,
    recorded_under,
    serve,
)
from predictive_autoscaler.core.demand import instances_for
from predictive_autoscaler.core.scoring import score_scaling
from predictive_autoscaler.core.types import Bounds, FloatArray, Json, Samples, utc_text
from predictive_autoscaler.demo.controller import (
    controller_environment,
    explained,
    forecast_band,
    train_and_publish,
)
from predictive_autoscaler.demo.local_aws import (
    GROUP,
    LocalAws,
    local_aws,
    pointed_at,
    put_metrics,
)
from predictive_autoscaler.demo.traffic import Traffic, default_capacity, joined
from predictive_autoscaler.lambda_app import Application
from predictive_autoscaler.report.replay import (
    PolicyRun,
    ReplayReport,
)
from predictive_autoscaler.wiring import aws_mode_desk

OURS = "predictive"
TARGET_TRACKING = "target tracking 70 %"
ORACLE = "oracle"
TARGET_SHARE = 0.7
NO_MODEL = (
    "On held-back time the trained forest was no better than the baselines, so it was not "
    "published; the day was forecast from the season and from the last value instead."
)
DEFAULT_BOUNDS = Bounds(1, 60)


@dataclass(frozen=True)
class DemoOptions:
    """What can be chosen.

    Attributes:
        capacity_per_instance: requests per interval; None: p99.9 of the day needs 30.
        training_script: run with this interpreter; None: the installed command's `train`.
    """

    out: Path
    seed: int = 1
    capacity_per_instance: float | None = None
    bounds: Bounds = DEFAULT_BOUNDS
    boot_minutes: int = 5
    interval_minutes: int = 5
    training_script: Path | None = None

    @property
    def interval_seconds(self) -> int:
        return self.interval_minutes * 60

    @property
    def boot_bins(self) -> int:
        return -(-self.boot_minutes // self.interval_minutes)

    @property
    def model_folder(self) -> Path:
        return self.out / "model"


class Progress:
    """What the demonstration tells while it runs; the command line shows it."""

    def __init__(self, step: Callable[[str], None], advance: Callable[[int, int], None]) -> None:
        self.step = step
        self.advance = advance


@dataclass(frozen=True, eq=False)
class DemoResult:
    """The day, ready to be drawn and printed."""

    report: ReplayReport
    records: list[Json]
    published: bool


def run_demo(traffic: Traffic, options: DemoOptions, progress: Progress) -> DemoResult:
    """Do everything. Nothing outside `options.out` is written, and no server is left.

    Raises:
        AutoscalerError: the training failed for another reason than lack of skill.
    """
    capacity = options.capacity_per_instance or default_capacity(traffic.day.requests)
    setting = Setting(capacity, options.bounds, options.interval_seconds, options.boot_bins)
    tracked = target_tracking(joined(traffic).requests, setting, TARGET_SHARE)
    split = len(traffic.history)
    initial = int(tracked[split - 1])
    bounds = options.bounds
    with local_aws(bounds.min_instances, bounds.max_instances, initial) as aws:
        environment = controller_environment(
            aws, capacity, options.interval_minutes, options.boot_minutes
        )
        progress.step("writing the history to CloudWatch")
        ready = serve(tracked[:split], options.boot_bins, int(tracked[0]))
        past = recorded_under(traffic.history, ready, Instances(capacity))
        put_metrics(aws, aws.client("cloudwatch"), past)
        progress.step("training on it")
        published = train_and_publish(
            environment, past, options.model_folder, options.seed, options.training_script
        )
        with pointed_at(aws.environment):
            aws_mode_desk(environment).change("observe", "full", lambda line: None)
        progress.step("replaying the day through the Lambda handler")
        records, fleet = _replay(
            traffic.day, aws, environment, Instances(capacity), initial, options, progress
        )
    day = Day(traffic.day, setting, initial)
    runs = [
        day.run(OURS, np.array(fleet.asked, dtype=np.float64)),
        day.run(TARGET_TRACKING, tracked[split:]),
        day.run(ORACLE, oracle(traffic.day.requests, setting), prepared=True),
    ]
    return DemoResult(_report(traffic, day, runs, records, published, options), records, published)


@dataclass(frozen=True, eq=False)
class Day:
    """The replayed day and the rules by which every policy on it is judged."""

    demand: Samples
    setting: Setting
    initial: int

    def run(self, name: str, asked: FloatArray, *, prepared: bool = False) -> PolicyRun:
        """Score a policy by what it asked for; one that is prepared begins with enough."""
        initial = int(asked[0]) if prepared else self.initial
        ready = serve(asked, self.setting.boot_bins, initial)
        score = score_scaling(
            self.demand.requests,
            asked,
            ready,
            self.setting.capacity_per_instance,
            self.setting.interval_seconds,
        )
        return PolicyRun(name, asked, ready, score)


def _replay(
    day: Samples,
    aws: LocalAws,
    environment: Mapping[str, str],
    instances: Instances,
    initial: int,
    options: DemoOptions,
    progress: Progress,
) -> tuple[list[Json], Fleet]:
    """Call the handler at each interval of the day, with metrics up to then and no further."""
    clock = FixedClock(day.start)
    application = Application(environment, clock, log=lambda line: None)
    fleet = Fleet(options.boot_bins, initial)
    groups, cloudwatch = aws.client("autoscaling"), aws.client("cloudwatch")
    records = []
    with pointed_at(aws.environment):
        for index, moment in enumerate(day.times()):
            clock.set(moment)
            records.append(application.handle({"time": utc_text(moment)}))
            ready = fleet.ask(_desired(groups))
            served = measured(float(day.requests[index]), ready, instances)
            columns = {name: np.array([value]) for name, value in served.items()}
            put_metrics(aws, cloudwatch, Samples.of(moment, day.interval_seconds, columns))
            progress.advance(index + 1, len(day))
    return records, fleet


def _desired(groups: Any) -> int:
    found = groups.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])
    return int(found["AutoScalingGroups"][0]["DesiredCapacity"])


def _report(
    traffic: Traffic,
    day: Day,
    runs: list[PolicyRun],
    records: list[Json],
    published: bool,
    options: DemoOptions,
) -> ReplayReport:
    capacity = day.setting.capacity_per_instance
    card = json.loads((options.model_folder / CARD_NAME).read_text()) if published else None
    decisions = explained(records)
    needed = np.array([instances_for(value, capacity) for value in day.demand.requests.tolist()])
    return ReplayReport(
        title=f"{day.demand.start:%A %-d %B %Y}, replayed",
        subtitle=f"Traffic from {traffic.source}; forecast, decided and scaled by the real handler",
        times=list(day.demand.times()),
        interval_seconds=day.setting.interval_seconds,
        capacity_per_instance=capacity,
        demand=day.demand.requests,
        needed=needed.astype(np.float64),
        band=forecast_band(decisions, day.demand, day.setting.boot_bins),
        runs=runs,
        decisions=decisions,
        model_scores=card["scores"] if card else {},
        facts=_facts(day, card, options),
        notes=[] if published else [NO_MODEL],
    )


def _facts(day: Day, card: Json | None, options: DemoOptions) -> dict[str, str]:
    capacity, bounds = day.setting.capacity_per_instance, day.setting.bounds
    facts = {
        "One instance carries": f"{capacity:,.6g} requests per {options.interval_minutes} minutes",
        "Instances allowed": f"{bounds.min_instances} to {bounds.max_instances}",
        "Boot time": f"{options.boot_minutes} minutes",
        "Metrics": "complete when their interval ends",
        "Seed": str(options.seed),
    }
    if card:
        facts["Model"] = f"forest of {card['rows']:,} intervals up to {card['trained_until']}"
    return facts
