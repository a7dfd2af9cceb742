"""Many policies on many traces, side by side: the work behind `backtest`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from predictive_autoscaler.backtest.csv_files import write_rows, write_table
from predictive_autoscaler.backtest.peers import PEERS, PeerContext, Setting, by_name
from predictive_autoscaler.backtest.replay import (
    ReplayOptions,
    default_first,
    lab_parameters,
    replay_together,
)
from predictive_autoscaler.backtest.world import serve
from predictive_autoscaler.core.features import DAY
from predictive_autoscaler.core.scoring import Elasticity, ScalingScore, elasticity, score_scaling
from predictive_autoscaler.core.timegrid import known_part
from predictive_autoscaler.core.types import Bounds, CalendarEvent, FloatArray, Samples, utc_text
from predictive_autoscaler.errors import AutoscalerError, DataError, UsageError
from predictive_autoscaler.model.recorded import at_interval, read_recording

OURS = "predictive"
WITH_NET = "predictive + net"
WITH_CARELESS_NET = "predictive + 70 % net"
OUR_POLICIES: Mapping[str, float | None] = {OURS: None, WITH_NET: 1.2, WITH_CARELESS_NET: 0.7}
"""Our policies, and the share of capacity at which a net beside each adds instances."""
ORACLE = "oracle"
MINUTE_SECONDS = 60
INSTANCES_AT_PEAK = 30
PEAK_QUANTILE = 0.999
USUAL_SECONDS = 300
"""Control interval; misses counted by a longer one are fewer than they look."""
DAY_LONG = timedelta(days=1)
LEARNED = timedelta(days=3)
"""At the least, before evaluation may begin."""


@dataclass(frozen=True)
class LabOptions:
    """What can be chosen; the defaults are the lab's world.

    Attributes:
        capacity_per_instance: requests per interval; None: p99.9 of the evaluated part
            needs 30 instances.
        eval_start: None: after the first 55 %, at least six days.
        parameters: fields of the control parameters to set for our own policies; what they say
            of instances is believed, and the world stays as it is.
        calendar: announced events, which our own policies know of from the start.
        grain_minutes: 1 counts misses by the minute, where a minute file is given.
    """

    policies: tuple[str, ...] = (OURS,)
    boot_minutes: float = 5.0
    interval_minutes: int = 5
    capacity_per_instance: float | None = None
    eval_start: datetime | None = None
    bounds: Bounds = field(default_factory=lambda: Bounds(1, 60))
    parameters: Mapping[str, Any] = field(default_factory=dict)
    calendar: tuple[CalendarEvent, ...] = ()
    grain_minutes: int = 5
    seed: int = 1

    @property
    def interval_seconds(self) -> int:
        return self.interval_minutes * 60

    def of_replay(self, setting: Setting, policy: str = OURS) -> ReplayOptions:
        """How one of our own policies is replayed under these options."""
        parameters = lab_parameters(setting, self.boot_minutes, **self.parameters)
        net = OUR_POLICIES[policy]
        return ReplayOptions(setting, parameters, self.calendar, net_share=net, seed=self.seed)

    @property
    def by_minute(self) -> bool:
        """Whether misses are counted by the minute."""
        return self.grain_minutes == 1


@dataclass(frozen=True, eq=False)
class LabTraffic:
    """One trace, ready to be replayed.

    Attributes:
        demand: the whole trace on the control interval's grid.
        first: the first evaluated bin.
        per_minute: (evaluated minutes,) requests per minute, where they are known.
        had: (evaluated bins,) instances in service, where the recording tells; NaN unknown.
        recorded_seconds: how far apart the recording's values are, where that is known.
    """

    name: str
    demand: Samples
    first: int
    setting: Setting
    per_minute: FloatArray | None = None
    had: FloatArray | None = None
    recorded_seconds: int | None = None

    @property
    def remarks(self) -> list[str]:
        """What the recording lacks, for whoever reads the results."""
        return [*self._coarse(), *self._absent()]

    def _coarse(self) -> Iterator[str]:
        recorded, interval = self.recorded_seconds, self.setting.interval_seconds
        if recorded is None:
            return
        minutes = f"{interval // 60} minutes" if interval > MINUTE_SECONDS else "one minute"
        if recorded > interval:
            yield (
                f"Recorded every {recorded // 60} minutes: the values of {minutes} are drawn out "
                "between them, and calmer than real traffic."
            )
        elif recorded < interval and interval > USUAL_SECONDS and self.per_minute is None:
            yield (
                f"Misses are counted by intervals of {minutes}: a peak within one is not seen, for "
                "any policy."
            )

    def _absent(self) -> Iterator[str]:
        absent = np.isnan(self.evaluated)
        if not absent.any():
            return
        begins = np.flatnonzero(np.diff(absent, prepend=False) & absent)
        ends = np.flatnonzero(np.diff(absent, append=False) & absent) + 1
        longest = int(np.argmax(ends - begins))
        hours = (ends - begins)[longest] * self.setting.interval_seconds / 3600
        since = self.demand.time_of(self.first + int(begins[longest]))
        yield (
            f"{absent.sum()} of {len(absent)} evaluated intervals ({absent.mean():.1%}) are absent "
            f"from the recording, the longest gap {hours:.1f} hours from {utc_text(since)}. "
            "Nothing can be missed in a gap; to the policies it is a loss of metrics."
        )

    @property
    def days(self) -> float:
        """How long the evaluated part is."""
        return len(self.evaluated) * self.setting.interval_seconds / DAY

    @property
    def evaluated(self) -> FloatArray:
        """Requests per interval from the first evaluated bin on."""
        return self.demand.requests[self.first :]

    def times(self) -> list[datetime]:
        """Starts of the evaluated bins."""
        return [self.demand.time_of(index) for index in range(self.first, len(self.demand))]


@dataclass(frozen=True, eq=False)
class PolicyResult:
    """One policy on one trace; arrays over the evaluated bins."""

    policy: str
    asked: FloatArray
    ready: FloatArray
    score: ScalingScore
    elasticity: Elasticity


def known_policies() -> tuple[str, ...]:
    """All names, ours first."""
    return (*OUR_POLICIES, *(peer.name for peer in PEERS))


def chosen_policies(names: Iterable[str]) -> tuple[str, ...]:
    """The policies asked for, with the oracle, each once; case and spaces do not matter.

    Raises:
        UsageError: a name is not known.
    """
    known = {_spelt(name): name for name in known_policies()}
    wanted = list(names)
    if "all" in map(_spelt, wanted):
        return known_policies()
    for name in wanted:
        if _spelt(name) not in known:
            near = get_close_matches(_spelt(name), known, 1)
            meant = f"; did you mean {known[near[0]]!r}?" if near else ";"
            raise UsageError(
                f"unknown policy {name!r}{meant} known are all, {', '.join(known.values())}"
            )
    return tuple(dict.fromkeys([*(known[_spelt(name)] for name in wanted), ORACLE]))


def _spelt(name: str) -> str:
    """Without what nobody means: a name's case and spaces."""
    return "".join(name.split()).lower()


def name_of(path: Path) -> str:
    """What the trace in a file is called: the file's name without its ending.

    Raises:
        DataError: nothing is left that a folder can be called.
    """
    name = Path(path.name.removesuffix(".gz")).stem
    if not name.strip("."):
        raise DataError(f"{path}: a trace is called after its file, which needs a name before .csv")
    return name


def load_traffic(path: Path, options: LabOptions, minutes: Path | None = None) -> LabTraffic:
    """Read a trace and put it on the grid.

    Args:
        minutes: a file with the trace's minutes; a trace of minutes needs none.

    Raises:
        DataError: it cannot be read, is too short, or has no name.
    """
    name = name_of(path)
    recording = read_recording(path).samples
    traffic = traffic_of(name, recording, options, str(path))
    if not options.by_minute:
        return traffic
    if minutes:
        recording = read_recording(minutes).samples
        if recording.interval_seconds != MINUTE_SECONDS:
            raise DataError(f"{minutes}: a minute file has bins of one minute")
    if recording.interval_seconds != MINUTE_SECONDS:
        return traffic
    return replace(traffic, per_minute=_per_minute(recording, traffic))


def traffic_of(name: str, recording: Samples, options: LabOptions, source: str = "") -> LabTraffic:
    """A recording, ready to be replayed: on the grid, from its first known bin to its last.

    Args:
        source: what errors call it; its name by default.

    Raises:
        DataError: it is too short, or nothing came.
    """
    recorded = known_part(at_interval(recording, options.interval_seconds))
    demand = recorded.demand_alone()
    first = default_first(demand, options.eval_start)
    _check_span(demand, first, source or name, options.eval_start)
    capacity = options.capacity_per_instance or _capacity(demand.requests[first:], source or name)
    boot_bins = -(-int(options.boot_minutes * 60) // options.interval_seconds)
    setting = Setting(capacity, options.bounds, options.interval_seconds, boot_bins)
    in_service = recorded.in_service[first:]
    had = None if np.isnan(in_service).all() else in_service
    return LabTraffic(
        name, demand, first, setting, had=had, recorded_seconds=recording.interval_seconds
    )


def _check_span(demand: Samples, first: int, source: str, eval_start: datetime | None) -> None:
    if LEARNED // demand.interval <= first < len(demand):
        return
    days = len(demand) * demand.interval / DAY_LONG
    earliest, latest = demand.start + LEARNED, demand.end - demand.interval
    if eval_start is not None and earliest <= latest:
        raise DataError(
            f"{source}: --eval-start is {utc_text(eval_start)}; allowed is {utc_text(earliest)} to "
            f"{utc_text(latest)}, three days after the file's start until its last interval"
        )
    raise DataError(
        f"{source}: {days:.4g} days of traffic; more than 6 are needed, as evaluation begins after "
        "55 %, and at least 6 days. With --eval-start more than 3 are enough"
    )


def _capacity(evaluated: FloatArray, source: str) -> float:
    known = evaluated[~np.isnan(evaluated)]
    peak = float(np.quantile(known, PEAK_QUANTILE)) if len(known) else 0.0
    if not peak > 0:
        raise DataError(f"{source}: the evaluated part has no requests")
    return peak / INSTANCES_AT_PEAK


def _per_minute(samples: Samples, traffic: LabTraffic) -> FloatArray:
    """Requests of the evaluated minutes; NaN where the recording has none."""
    start = traffic.demand.time_of(traffic.first)
    wanted = len(traffic.evaluated) * traffic.setting.interval_seconds // 60
    values = np.full(wanted, np.nan)
    found = samples.between(start, start + timedelta(minutes=wanted))
    offset = (found.start - start) // timedelta(minutes=1)
    values[offset : offset + len(found)] = found.requests
    return values


def run_policy(traffic: LabTraffic, policy: str, options: LabOptions) -> PolicyResult:
    """Replay one policy on one trace."""
    return run_policies(traffic, [policy], options)[0]


def run_policies(
    traffic: LabTraffic, policies: Sequence[str], options: LabOptions
) -> list[PolicyResult]:
    """Replay one policy on one trace, or several of our own, which share models and forecasts."""
    setting = traffic.setting
    if policies[0] in OUR_POLICIES:
        chosen = [options.of_replay(setting, policy) for policy in policies]
        replays = replay_together(traffic.demand, traffic.first, chosen)
        return [
            judged(traffic, policy, done.asked)
            for policy, done in zip(policies, replays, strict=True)
        ]
    context = PeerContext(
        demand=traffic.demand.requests,
        start=traffic.demand.start,
        first=traffic.first,
        setting=setting,
        seed=options.seed,
    )
    return [judged(traffic, policy, by_name(policy).asked(context)) for policy in policies]


def judged(traffic: LabTraffic, policy: str, asked: FloatArray) -> PolicyResult:
    """Score what a policy asked for; it begins with what it asked for first."""
    setting = traffic.setting
    ready = serve(asked, setting.boot_bins, int(asked[0]))
    score = score_scaling(
        traffic.evaluated, asked, ready, setting.capacity_per_instance, setting.interval_seconds
    )
    if traffic.per_minute is not None:
        missed, total = _missed_per_minute(traffic, traffic.per_minute, ready)
        score = replace(score, missed_requests=missed, total_requests=total)
    loads = np.nan_to_num(traffic.evaluated) / setting.capacity_per_instance
    needed = np.maximum(np.ceil(loads), 1)
    return PolicyResult(policy, asked, ready, score, elasticity(needed, ready))


def _missed_per_minute(
    traffic: LabTraffic, per_minute: FloatArray, ready: FloatArray
) -> tuple[float, float]:
    """Requests missed, and all, when capacity is held against each minute."""
    requests = np.nan_to_num(per_minute)
    minutes = traffic.setting.interval_seconds // 60
    limit = np.repeat(ready, minutes) * traffic.setting.capacity_per_instance / minutes
    return float(requests[requests > limit].sum()), float(requests.sum())


@dataclass(frozen=True, eq=False)
class LabResult:
    """Everything that came of a lab run.

    Attributes:
        results: by trace name, in the order of the policies.
        failed: what could not be done, by trace name.
    """

    results: dict[str, list[PolicyResult]]
    failed: dict[str, str]


def in_goes(policies: Sequence[str]) -> list[list[str]]:
    """What `run_policies` is to replay in one go: all of our own, and each peer by itself."""
    ours = [policy for policy in policies if policy in OUR_POLICIES]
    peers = [[policy] for policy in policies if policy not in OUR_POLICIES]
    return [ours, *peers] if ours else peers


def run_lab(
    traffics: Sequence[LabTraffic],
    options: LabOptions,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> LabResult:
    """Replay every policy on every trace, side by side.

    The results do not depend on `jobs` nor on joblib's backend, which the caller may set
    with `joblib.parallel_config`. One broken trace does not end the others.
    """
    goes = in_goes(options.policies)
    work = [(traffic, policies) for traffic in traffics for policies in goes]
    # The longest first, so that no core idles at the end.
    work.sort(key=lambda item: (item[1][0] not in OUR_POLICIES, -len(item[0].demand)))
    done = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(_attempt)(traffic, policies, options) for traffic, policies in work
    )
    results: dict[str, list[PolicyResult]] = {traffic.name: [] for traffic in traffics}
    failed: dict[str, str] = {}
    for count, ((traffic, policies), outcome) in enumerate(zip(work, done, strict=True), 1):
        progress(f"{count} of {len(work)}: {', '.join(policies)} on {traffic.name}")
        if isinstance(outcome, str):
            failed[traffic.name] = "; ".join(filter(None, [failed.get(traffic.name), outcome]))
        else:
            results[traffic.name] += outcome
    order = {policy: position for position, policy in enumerate(options.policies)}
    for found in results.values():
        found.sort(key=lambda result: order[result.policy])
    return LabResult(results, failed)


def _attempt(
    traffic: LabTraffic, policies: Sequence[str], options: LabOptions
) -> list[PolicyResult] | str:
    try:
        return run_policies(traffic, policies, options)
    except (AutoscalerError, ValueError, ArithmeticError) as error:
        return f"{', '.join(policies)}: {error}"


def summary_rows(result: LabResult) -> list[dict[str, str | float | int]]:
    """One row per trace and policy."""
    rows: list[dict[str, str | float | int]] = []
    for trace, found in result.results.items():
        oracle = next((one.score for one in found if one.policy == ORACLE), None)
        for one in found:
            rows.append(
                {
                    "trace": trace,
                    "policy": one.policy,
                    "missed_share": one.score.missed_share,
                    "missed_requests": one.score.missed_requests,
                    "instance_hours": one.score.instance_hours,
                    "cost": one.score.cost_against(oracle) if oracle else float("nan"),
                    "actions": one.score.actions,
                    **vars(one.elasticity),
                }
            )
    return rows


def write_results(result: LabResult, traffics: Sequence[LabTraffic], folder: Path) -> None:
    """Write TRACE/decisions.csv for each trace, and summary.csv."""
    for traffic in traffics:
        found = result.results[traffic.name]
        if found:
            times = [utc_text(moment) for moment in traffic.times()]
            lines = [
                (one.policy, time, int(asked))
                for one in found
                for time, asked in zip(times, one.asked.tolist(), strict=True)
            ]
            path = folder / traffic.name / "decisions.csv"
            write_table(path, ("policy", "time", "desired_capacity"), lines)
    write_rows(folder / "summary.csv", summary_rows(result))
