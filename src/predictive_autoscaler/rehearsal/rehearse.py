"""The whole rehearsal: learn how much a user asks for, train, then play it with each scaler."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from predictive_autoscaler.adapters.aws.s3 import S3Objects
from predictive_autoscaler.adapters.stores import StoredControls
from predictive_autoscaler.app.train import CARD_NAME
from predictive_autoscaler.backtest.world import Instances, recorded_under
from predictive_autoscaler.core.target_tracking import TargetTracking
from predictive_autoscaler.core.types import Bounds, FloatArray, Json, Samples
from predictive_autoscaler.core.workloads import USER_PATTERNS, UserPattern
from predictive_autoscaler.demo.controller import controller_environment, train_and_publish
from predictive_autoscaler.demo.local_aws import BUCKET, GROUP, local_aws, pointed_at, put_metrics
from predictive_autoscaler.demo.run import OURS, TARGET_SHARE, TARGET_TRACKING
from predictive_autoscaler.ports import GroupControl
from predictive_autoscaler.rehearsal.course import Course, RehearsalOptions
from predictive_autoscaler.rehearsal.play import Progress, Take, play
from predictive_autoscaler.rehearsal.scalers import Controlled, Group, Tracked

PROBE_SECONDS = 20.0
PROBE_USERS = 60
PROBE_INSTANCES = 4


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """What came of it.

    Attributes:
        requests_per_user_second: found by the probe, before the history was made.
        records: of the controller's decisions; card: of the model, None if none was published.
    """

    options: RehearsalOptions
    course: Course
    requests_per_user_second: float
    takes: tuple[Take, ...]
    records: list[Json]
    card: Json | None


@dataclass(frozen=True)
class News:
    """How a rehearsal tells what it does: steps in words, and every interval."""

    step: Callable[[str], None]
    interval: Callable[[Progress], None]


def rehearse(
    options: RehearsalOptions,
    news: News,
    policies: Sequence[str] = (OURS, TARGET_TRACKING),
    pattern: UserPattern | None = None,
) -> Rehearsal:
    """Play a scenario once with each of the policies.

    Raises:
        AutoscalerError: a part of it did not start, or broke.
    """
    course = Course.of(options, pattern)
    rate = _probe(options, news)
    past = course.history(rate, options.seed)
    tracked, initial = _tracked(past, options)
    takes: list[Take] = []
    records: list[Json] = []
    card: Json | None = None
    for policy in policies:
        if policy == OURS:
            take, records, card = _with_controller(course, rate, past, tracked, initial, news)
        else:
            take = _with_tracking(options, initial, news)
        takes.append(take)
    return Rehearsal(options, course, rate, tuple(takes), records, card)


def _probe(options: RehearsalOptions, news: News) -> float:
    """Requests that a user makes in a real second, where the shop is quick."""
    small = replace(
        options,
        scenario="baseline",
        trace=None,
        duration_seconds=PROBE_SECONDS,
        users=PROBE_USERS,
        capacity_per_instance=1e9,
        bounds=Bounds(PROBE_INSTANCES, PROBE_INSTANCES),
        boot_minutes=1,
    )
    news.step(f"asking the shop for {PROBE_SECONDS:.0f} s how much a user asks for")
    with local_aws(1, PROBE_INSTANCES, PROBE_INSTANCES) as aws:
        group = Group(aws)
        still = Tracked(group, small, TARGET_SHARE, PROBE_INSTANCES)
        take = play("probe", still, group, small, _load_words(small), news.interval)
    # Users come at once, and all with a request: the first interval is not like the others.
    settled = take.windows[1:] or take.windows
    return sum(window.requests for window in settled) / (
        PROBE_USERS * sum(window.seconds for window in settled)
    )


def _load_words(options: RehearsalOptions) -> list[str]:
    pattern = USER_PATTERNS.get(options.scenario)
    words = [
        *("--scenario", options.scenario, "--duration", f"{options.duration_seconds:.0f}s"),
        *("--think-scale", f"{options.think_scale:g}", "--seed", str(options.seed)),
        # The rehearsal judges by itself, and an overloaded shop is a part of it.
        *("--max-errors-percent", "100", "--max-p95-seconds", "1000"),
    ]
    if options.trace is not None:
        words += ["--trace", str(options.trace), "--peak-users", str(options.users)]
        return [*words, "--trace-skip-hours", "0", "--trace-hours", f"{options.trace_hours:g}"]
    assert pattern is not None
    scale = Course.of(options, pattern).scale
    return [*words, "--users-scale", f"{scale:.4f}"]


def _tracked(past: Samples, options: RehearsalOptions) -> tuple[FloatArray, int]:
    """What target tracking would have had in the past, which is where both passes begin."""
    state = TargetTracking(TARGET_SHARE, options.bounds.min_instances)
    held = []
    for requests in past.requests.tolist():
        state = state.step(requests, options.capacity, options.bounds, options.interval_seconds)
        held.append(state.instances)
    return np.array(held, dtype=np.float64), held[-1]


def _with_controller(
    course: Course,
    rate: float,
    past: Samples,
    tracked: FloatArray,
    initial: int,
    news: News,
) -> tuple[Take, list[Json], Json | None]:
    options = course.options
    bounds = options.bounds
    with ExitStack() as stack:
        aws = stack.enter_context(local_aws(bounds.min_instances, bounds.max_instances, initial))
        environment = controller_environment(
            aws, options.capacity, options.interval_minutes, options.boot_minutes
        )
        news.step("writing the history to CloudWatch")
        recorded = recorded_under(past, tracked, Instances(options.capacity))
        put_metrics(aws, aws.client("cloudwatch"), recorded)
        news.step("training on it")
        folder = options.out / "model"
        published = train_and_publish(
            environment, past, folder, options.seed, options.training_script
        )
        if options.announced:
            calendar = tuple(course.announcement(rate))
            controls = StoredControls(S3Objects(aws.client("s3"), BUCKET))
            controls.save(GROUP, GroupControl(calendar=calendar))
        group = Group(aws)
        stack.enter_context(pointed_at(aws.environment))
        scaler = Controlled(aws, group, options, environment)
        news.step(f"{OURS}: {options.duration_seconds:.0f} s of load")
        take = play(OURS, scaler, group, options, _load_words(options), news.interval)
    card: Any = json.loads((folder / CARD_NAME).read_text()) if published else None
    return take, scaler.records, card


def _with_tracking(options: RehearsalOptions, initial: int, news: News) -> Take:
    bounds = options.bounds
    with local_aws(bounds.min_instances, bounds.max_instances, initial) as aws:
        group = Group(aws)
        scaler = Tracked(group, options, TARGET_SHARE, initial)
        news.step(f"{TARGET_TRACKING}: {options.duration_seconds:.0f} s of load")
        return play(TARGET_TRACKING, scaler, group, options, _load_words(options), news.interval)
