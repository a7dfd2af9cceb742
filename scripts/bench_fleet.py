"""Measure one controller over many groups: seconds and memory of a tick, against ports in memory.

    python scripts/bench_fleet.py --groups 100 1000

Each number of groups gets a process of its own, so that memory is its own. AWS is played by
objects in memory that make up metrics, history and models as they are asked for; models are
real ones, read from bytes with all their checks, and the calls are counted that AWS would see.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from predictive_autoscaler.adapters.aws.cloudwatch import CloudWatchMetricSource
from predictive_autoscaler.adapters.aws.cloudwatch_calls import MetricDimensions, series_of
from predictive_autoscaler.adapters.memory import (
    FixedClock,
    MemoryActuator,
    MemoryNets,
    MemoryNotifier,
    MemorySink,
)
from predictive_autoscaler.adapters.objects import StoredObject
from predictive_autoscaler.adapters.stores import (
    StoredControls,
    StoredDecisions,
    StoredHistory,
    StoredModels,
)
from predictive_autoscaler.adapters.stores.keys import PUBLISHED, latest_key
from predictive_autoscaler.app.control import Controller
from predictive_autoscaler.app.settings import GroupSettings, read_settings
from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.core.csv_text import samples_to_csv
from predictive_autoscaler.core.timegrid import to_interval
from predictive_autoscaler.core.types import Bounds, GroupState, Json, Samples
from predictive_autoscaler.ports import Ports

PATTERNS = 8
"""Different days that the groups have; more would only take the benchmark's own memory."""
DAYS = 16
START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=15, hours=9, minutes=32)
INTERVAL = timedelta(minutes=5)
CAPACITY = 1000.0
MOST_SECONDS, MOST_MEGABYTES, MOST_METRIC_READS = 60.0, 512.0, 20


@cache
def pattern(number: int) -> Samples:
    """Minutes of metrics with a daily wave, noise, and everything that CloudWatch would have."""
    rng = np.random.default_rng(number)
    minutes = np.arange(DAYS * 1440)
    wave = 1.2 + np.sin(2 * np.pi * (minutes / 1440 + number / PATTERNS))
    requests = np.round(600 * wave * rng.normal(1, 0.05, len(minutes)).clip(0.5, 1.5))
    ready = np.ceil(5 * requests / CAPACITY / 0.7)
    cpu = 70 * 5 * requests / (ready * CAPACITY)
    columns = {
        "requests": requests,
        "cpu_percent": cpu,
        "in_service": ready,
        "healthy_hosts": ready,
        "response_time_seconds": 0.05 + cpu / 1000,
        "errors": np.zeros(len(minutes)),
    }
    return Samples.of(START, 60, columns)


def pattern_of(group: str) -> int:
    """Which of the patterns a group has."""
    return int(group.removeprefix("group-")) % PATTERNS


class CloudWatch:
    """GetMetricData over the patterns; counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self._columns = {
            (one.namespace, one.name): one.column
            for one in series_of(MetricDimensions("app/x/1", "targetgroup/x/1", "x"))
        }

    def get_metric_data(self, **request: Any) -> Json:
        """What boto3 would give back."""
        self.calls += 1
        start, end = request["StartTime"], request["EndTime"]
        first, last = (int((moment - START).total_seconds()) // 60 for moment in (start, end))
        times = [start + timedelta(minutes=n) for n in range(last - first)]
        results = []
        for query in request["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            column = self._columns[metric["Namespace"], metric["MetricName"]]
            values = pattern(_number(metric)).column(column)[first:last].tolist()
            known = [(at, value) for at, value in zip(times, values, strict=True) if value == value]
            results.append(
                {
                    "Id": query["Id"],
                    "StatusCode": "Complete",
                    "Timestamps": [at for at, _ in known],
                    "Values": [value for _, value in known],
                }
            )
        return {"MetricDataResults": results}


def _number(metric: Json) -> int:
    dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
    name = dimensions.get("AutoScalingGroupName") or dimensions["LoadBalancer"].split("/")[1]
    return pattern_of(name)


class Bucket:
    """An S3 bucket with everybody's models and finished days; counts its calls."""

    def __init__(self, groups: Sequence[str], npz: bytes, card: str) -> None:
        self.calls: Counter[str] = Counter()
        self._npz, self._card = npz, Card.from_json(card)
        self._written: dict[str, bytes] = {}
        self._pointers = {latest_key(group): group for group in groups}

    def get(self, key: str, known: StoredObject | None = None) -> StoredObject | None:
        """The object, made up if it is a model or a day of history."""
        self.calls["get"] += 1
        data = self._written.get(key) or self._made_up(key)
        return None if data is None else StoredObject(data, "1")

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> bool:
        """Keep it."""
        self.calls["put"] += 1
        if if_absent and key in self._written:
            return False
        self._written[key] = data
        return True

    def replace(self, key: str, data: bytes, known: StoredObject) -> bool:
        """Keep it; nobody else writes here."""
        return self.put(key, data)

    def delete(self, key: str) -> None:
        """Forget what was written."""
        self.calls["delete"] += 1
        self._written.pop(key, None)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Of what was written."""
        self.calls["list"] += 1
        return iter(sorted(key for key in self._written if key.startswith(prefix) and key > after))

    def tags(self, prefix: str) -> dict[str, str]:
        """Of the pointers to models; nobody has said anything about the groups."""
        self.calls["list"] += 1 + len(self._pointers) // 1000
        return dict.fromkeys(self._pointers, "1") if prefix == PUBLISHED else {}

    def _made_up(self, key: str) -> bytes | None:
        folder, _, rest = key.partition("/")
        if folder == "published":
            return b'{"version": "1"}'
        if folder == "models" and rest.endswith(".npz"):
            return self._npz
        if folder == "models":
            return replace(self._card, group=rest.split("/")[0]).to_json().encode()
        if folder == "history":
            group, _, name = rest.partition("/")
            return _finished_day(pattern_of(group), date.fromisoformat(name[:10]))
        return None


@cache
def _finished_day(number: int, day: date) -> bytes | None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if not midnight >= START or midnight + timedelta(days=1) > NOW:
        return None
    minutes = pattern(number).between(midnight, midnight + timedelta(days=1))
    return gzip.compress(samples_to_csv(to_interval(minutes, 300)).encode(), mtime=0)


def settings_of(names: Sequence[str]) -> tuple[GroupSettings, ...]:
    """As the Lambda would read them."""
    listed = {
        "defaults": {"mode": "full", "capacity_per_instance": CAPACITY},
        "groups": {
            name: {"load_balancer": f"app/{name}/1", "target_group": f"targetgroup/{name}/1"}
            for name in names
        },
    }
    return read_settings({"S3_BUCKET": "b", "AUTOSCALER_GROUPS": json.dumps(listed)}).groups


def measure(count: int, model: Path, ticks: int, cache_mb: int) -> Json:
    """A first tick of a new function, and warm ones after it."""
    names = [f"group-{number}" for number in range(count)]
    groups = settings_of(names)
    bucket = Bucket(names, (model / "model.npz").read_bytes(), (model / "model.json").read_text())
    client: Any = CloudWatch()
    dimensions = [
        MetricDimensions(group.load_balancer, group.target_group, group.name) for group in groups
    ]
    clock = FixedClock(NOW)
    actuator = MemoryActuator(GroupState(name, 6, 6, Bounds(1, 60)) for name in names)
    ports = Ports(
        clock=clock,
        metrics=CloudWatchMetricSource(client, dimensions, max_days_per_call=1),
        actuator=actuator,
        nets=MemoryNets(),
        models=StoredModels(bucket, cache_mb * 1_000_000),
        decisions=StoredDecisions(bucket, INTERVAL),
        controls=StoredControls(bucket),
        history=StoredHistory(bucket),
        sink=MemorySink(),
        notifier=MemoryNotifier(),
    )
    for number in range(PATTERNS):  # the world's own making is not what is measured
        pattern(number)
        for day in range(DAYS):
            _finished_day(number, (START + timedelta(days=day)).date())
    _forget_peak()
    before = _megabytes("VmRSS")
    controller = Controller(ports, groups, log=lambda line: None)
    results = []
    for _ in range(ticks):
        client.calls = 0
        bucket.calls.clear()
        wall, processor = time.perf_counter(), time.process_time()
        record = controller.run_once()
        results.append(
            {
                "seconds": time.perf_counter() - wall,
                "cpu_seconds": time.process_time() - processor,
                "metric_reads": client.calls,
                "s3_calls": dict(bucket.calls),
                "outcomes": Counter(
                    entry["outcome"]["status"] for entry in record["groups"].values()
                ),
                "forest": sum(
                    (entry["decision"] or {}).get("rung") == "forest"
                    for entry in record["groups"].values()
                ),
                "record_megabytes": len(json.dumps(record)) / 1e6,
            }
        )
        clock.advance(INTERVAL)
    return {
        "groups": count,
        "ticks": results,
        "world_megabytes": before,
        "peak_megabytes": _megabytes("VmHWM"),
    }


def _megabytes(name: str) -> float:
    """Resident memory of this process: now (VmRSS), or its peak (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if name in line) * 1024 / 1e6


def _forget_peak() -> None:
    """Count the peak of memory anew from here; Linux only."""
    Path("/proc/self/clear_refs").write_text("5")


def train_model(folder: Path) -> None:
    """A model of the usual size, from a pattern."""
    from predictive_autoscaler.app.train import write_artifact
    from predictive_autoscaler.core.parameters import ControlParameters
    from predictive_autoscaler.model.fit import ForestOptions
    from predictive_autoscaler.model.train import TrainOptions, train

    samples = to_interval(pattern(0), 300).between(START, NOW - timedelta(minutes=10))
    options = TrainOptions(
        group="group-0", parameters=ControlParameters().features, forest=ForestOptions(seed=1)
    )
    write_artifact(train(samples, options), folder)


def main(arguments: list[str] | None = None) -> None:
    """Measure each number of groups and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--groups", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--ticks", type=int, default=3, help="the first is a cold start")
    parser.add_argument("--cache-mb", type=int, default=100, help="memory for models between ticks")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.model:  # the process of one number of groups
        print(
            json.dumps(measure(options.groups[0], options.model, options.ticks, options.cache_mb))
        )
        return
    with tempfile.TemporaryDirectory() as folder:
        print("training a model ...", flush=True)
        train_model(Path(folder))
        size = (Path(folder) / "model.npz").stat().st_size / 1e6
        print(f"its npz has {size:.1f} MB", flush=True)
        found = []
        for count in options.groups:
            command = [sys.executable, __file__, "--groups", str(count), "--model", folder]
            command += ["--ticks", str(options.ticks), "--cache-mb", str(options.cache_mb)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
            found.append(json.loads(done.stdout))
            _print(found[-1])
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


def _print(result: Json) -> None:
    count = result["groups"]
    for number, tick in enumerate(result["ticks"]):
        print(
            f"{count:5} groups, {'cold' if number == 0 else 'warm'}: "
            f"{tick['cpu_seconds']:6.2f} s of a core, {1000 * tick['cpu_seconds'] / count:5.1f} ms "
            f"a group; {tick['metric_reads']} metric reads, S3 {tick['s3_calls']}; "
            f"record {tick['record_megabytes']:.1f} MB; {tick['forest']} by forest; "
            f"{dict(tick['outcomes'])}",
            flush=True,
        )
    print(
        f"{count:5} groups: peak {result['peak_megabytes']:.0f} MB, of which the simulated AWS "
        f"and Python took {result['world_megabytes']:.0f} MB before the first tick",
        flush=True,
    )


if __name__ == "__main__":
    main()
