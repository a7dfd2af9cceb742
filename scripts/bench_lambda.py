"""Measure the Lambda's cold start and warm tick beside the ordinary design of such a function.

    python scripts/bench_lambda.py

The ordinary design makes the same decision from the same data: its model is scikit-learn's
forests, unpickled by joblib, and it reads its history with pandas. Both run as processes of
their own against one moto server (with boto3), and against files (without it). A cold start is
everything from the start of the interpreter to the end of the first decision: imports, clients,
two weeks of history, the model, the record.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

# Only what both designs need may be imported up here: the rest would count against one of them.
import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.forest import FlatForest
from predictive_autoscaler.core.types import FloatArray

OURS, ORDINARY = "this project", "scikit-learn + pandas + joblib"
DESIGNS = (OURS, ORDINARY)
START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=15, hours=9, minutes=32)
INTERVAL = timedelta(minutes=5)
CAPACITY = 1000.0
WARM_TICKS = 5
MOST_CPU, MOST_MEMORY = 1 / 4, 1 / 3


def environment_of(
    load_balancer: str, target_group: str, group: str, bucket: str
) -> dict[str, str]:
    """The Lambda's settings."""
    return {
        "ASG_NAME": group,
        "LOAD_BALANCER": load_balancer,
        "TARGET_GROUP": target_group,
        "S3_BUCKET": bucket,
        "AUTOSCALER_MODE": "full",
        "AUTOSCALER_CAPACITY_PER_INSTANCE": str(CAPACITY),
        "AUTOSCALER_METRIC_PERIOD_SECONDS": "300",
    }


# --- the ordinary design's forest ----------------------------------------------------------------


class SklearnForest(FlatForest):
    """A flat forest that asks a fitted scikit-learn forest which leaves a row reaches.

    The leaves' samples, which quantiles need, come from the arrays in both designs.
    """

    estimator: Any

    @classmethod
    def over(cls, flat: FlatForest, estimator: Any) -> SklearnForest:
        """The same forest, walked by its estimator."""
        forest = cls(**{field.name: getattr(flat, field.name) for field in fields(flat)})
        object.__setattr__(forest, "estimator", estimator)  # past the frozen dataclass
        return forest

    def leaves(self, features: FloatArray) -> NDArray[np.int32]:
        """As FlatForest says."""
        reached: NDArray[np.int32] = (self.estimator.apply(features) + self.roots).astype(np.int32)
        return reached


# --- in a process of its own -------------------------------------------------------------------


def be_ordinary() -> None:
    """Import what the ordinary design carries, and let it take the place of our own readers."""
    import joblib
    import pandas as pd
    import sklearn.ensemble  # noqa: F401  (unpickling needs it)

    from predictive_autoscaler.adapters.stores import history, models
    from predictive_autoscaler.core.artifact import Card, Model
    from predictive_autoscaler.core.csv_text import CSV_NAMES
    from predictive_autoscaler.core.types import Samples

    def load_pickle(data: bytes, card: str) -> Model:
        return Model(joblib.load(io.BytesIO(data)), Card.from_json(card))

    def read_with_pandas(text: str, interval_seconds: int) -> Samples:
        frame = pd.read_csv(io.StringIO(text), parse_dates=["timestamp"])
        columns = {
            metric: frame[column].to_numpy("float64") for metric, column in CSV_NAMES.items()
        }
        start = frame["timestamp"].iloc[0].to_pydatetime()
        return Samples.of(start, interval_seconds, columns, frame["coverage"].to_numpy("float64"))

    patch.object(models, "load_model", load_pickle).start()
    patch.object(history, "samples_from_csv", read_with_pandas).start()


def child(design: str, given: Mapping[str, Any]) -> None:
    """Run the ticks of one design and print what they took."""
    if design == ORDINARY:
        be_ordinary()
    tick = against_aws(given) if given["boto3"] else against_files(given)
    records, seconds = [tick(NOW)], [time.process_time()]
    cold_memory = peak_megabytes()
    for number in range(1, WARM_TICKS + 1):
        records.append(tick(NOW + number * INTERVAL))
        seconds.append(time.process_time())
    warm = [later - earlier for earlier, later in pairwise(seconds)]
    answer = {
        "cold_cpu_seconds": seconds[0],
        "cold_peak_megabytes": cold_memory,
        "warm_cpu_seconds": statistics.median(warm),
        "warm_peak_megabytes": peak_megabytes(),
        "decisions": [only_decisions(record) for record in records],
    }
    print(json.dumps(answer))


def only_decisions(record: Mapping[str, Any]) -> list[Any]:
    """What was decided, without what differs from run to run."""
    (entry,) = record["groups"].values()
    return [entry["decision"], entry["outcome"]]


def peak_megabytes() -> float:
    """Peak resident memory of this process so far (Linux)."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def against_aws(given: Mapping[str, Any]) -> Callable[[datetime], Any]:
    """The real handler's application, with its clients."""
    from predictive_autoscaler.adapters.memory import FixedClock
    from predictive_autoscaler.lambda_app import Application

    clock = FixedClock(NOW)
    application = Application(given["environment"], clock, log=lambda line: None)

    def tick(now: datetime) -> Any:
        clock.set(now)
        return application.handle({})

    return tick


def against_files(given: Mapping[str, Any]) -> Callable[[datetime], Any]:
    """The same controller, with files for S3 and arrays for CloudWatch."""
    from predictive_autoscaler.adapters.memory import (
        FixedClock,
        MemoryActuator,
        MemoryMetricSource,
        MemoryNets,
        MemoryNotifier,
        MemorySink,
    )
    from predictive_autoscaler.adapters.objects import DirectoryObjects
    from predictive_autoscaler.adapters.stores import (
        StoredControls,
        StoredDecisions,
        StoredHistory,
        StoredModels,
    )
    from predictive_autoscaler.app.control import Controller
    from predictive_autoscaler.app.settings import read_settings
    from predictive_autoscaler.core.types import Bounds, GroupState, Samples
    from predictive_autoscaler.ports import Ports

    with np.load(given["metrics"]) as arrays:
        samples = Samples.of(START, 300, dict(arrays))
    settings = read_settings(given["environment"])
    group = settings.groups[0].name
    objects, clock = DirectoryObjects(Path(given["folder"])), FixedClock(NOW)
    ports = Ports(
        clock=clock,
        metrics=MemoryMetricSource({group: samples}),
        actuator=MemoryActuator([GroupState(group, 2, 2, Bounds(1, 60))]),
        nets=MemoryNets(),
        models=StoredModels(objects),
        decisions=StoredDecisions(objects, INTERVAL),
        controls=StoredControls(objects),
        history=StoredHistory(objects),
        sink=MemorySink(),
        notifier=MemoryNotifier(),
    )
    controller = Controller(ports, settings.groups, log=lambda line: None)

    def tick(now: datetime) -> Any:
        clock.set(now)
        return controller.run_once()

    return tick


# --- in the process that looks on --------------------------------------------------------------


@dataclass(frozen=True)
class Prepared:
    """Data and models that the children find.

    Attributes:
        models: by design, the bytes of the artifact.
    """

    samples: Any
    models: Mapping[str, bytes]
    cards: Mapping[str, str]


def prepare() -> Prepared:
    """Two weeks of a shop, and one forecaster trained from it, written down in two ways."""
    import joblib

    from predictive_autoscaler.backtest.world import Instances, recorded_under
    from predictive_autoscaler.core.parameters import ControlParameters
    from predictive_autoscaler.core.workloads import recorded_shop
    from predictive_autoscaler.demo.local_aws import GROUP
    from predictive_autoscaler.model import fit
    from predictive_autoscaler.model.fit import ForestOptions
    from predictive_autoscaler.model.train import TrainOptions, train

    demand = recorded_shop(START, 16, 1, ())
    samples = recorded_under(demand, np.full(len(demand), 30.0), Instances(CAPACITY))
    fitted: list[Any] = []
    flatten = fit.flatten

    def watched(forest: Any, features: Any, paths: Any) -> Any:
        flat = flatten(forest, features, paths)
        fitted.append((forest, flat))
        return flat

    past = samples.between(START, NOW - timedelta(minutes=32))
    options = TrainOptions(
        group=GROUP, parameters=ControlParameters().features, forest=ForestOptions(jobs=2)
    )
    with patch.object(fit, "flatten", watched):
        trained = train(past, options)
    from predictive_autoscaler.core.artifact import load_model

    card = trained.card.to_json()
    mixture = load_model(trained.npz, card).forecaster
    # The last two that were fitted are those of the published model.
    (direct, _), (residual, _) = fitted[-2:]
    ordinary = type(mixture)(
        SklearnForest.over(mixture.direct, direct),
        mixture.linear,
        SklearnForest.over(mixture.residual, residual),
    )
    buffer = io.BytesIO()
    joblib.dump(ordinary, buffer)
    models = {OURS: trained.npz, ORDINARY: buffer.getvalue()}
    return Prepared(samples, models, dict.fromkeys(DESIGNS, card))


def measure(prepared: Prepared, design: str, with_boto3: bool, folder: Path) -> Any:
    """What a fresh process of this design takes."""
    return _against_moto(prepared, design) if with_boto3 else _offline(prepared, design, folder)


def _offline(prepared: Prepared, design: str, folder: Path) -> Any:
    from predictive_autoscaler.adapters.objects import DirectoryObjects
    from predictive_autoscaler.demo.local_aws import GROUP

    objects = DirectoryObjects(folder / "bucket")
    _fill(objects, prepared, design)
    np.savez(folder / "metrics.npz", **prepared.samples.columns())
    return _run(
        design,
        {
            "boto3": False,
            "environment": environment_of("app/shop/1", "targetgroup/shop/1", GROUP, "none"),
            "folder": str(folder / "bucket"),
            "metrics": str(folder / "metrics.npz"),
        },
        {},
    )


def _against_moto(prepared: Prepared, design: str) -> Any:
    from predictive_autoscaler.adapters.aws.s3 import S3Objects
    from predictive_autoscaler.demo.local_aws import BUCKET, GROUP, local_aws, put_metrics

    with local_aws(1, 60, 2) as aws:
        _fill(S3Objects(aws.client("s3"), BUCKET), prepared, design)
        midnight = NOW.replace(hour=0, minute=0)
        today = prepared.samples.between(midnight, NOW + (WARM_TICKS + 1) * INTERVAL)
        put_metrics(aws, aws.client("cloudwatch"), today)
        settings = environment_of(aws.load_balancer, aws.target_group, GROUP, BUCKET)
        return _run(design, {"boto3": True, "environment": settings}, aws.environment)


def _fill(objects: Any, prepared: Prepared, design: str) -> None:
    """A bucket with the model, and with all finished days."""
    from predictive_autoscaler.adapters.stores import StoredHistory, StoredModels
    from predictive_autoscaler.demo.local_aws import GROUP

    StoredModels(objects).publish(GROUP, prepared.models[design], prepared.cards[design], "1")
    history = StoredHistory(objects)
    for number in range(15):
        midnight = START + timedelta(days=number)
        day = prepared.samples.between(midnight, midnight + timedelta(days=1))
        history.save(GROUP, midnight.date(), day)


def _run(design: str, given: Mapping[str, Any], variables: Mapping[str, str]) -> Any:
    command = [sys.executable, __file__, "--child", design]
    # One thread of a numerical library each: a Lambda of this size has less than one core.
    environment = {"PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        env=environment | dict(variables),
    )
    if done.returncode:
        raise SystemExit(f"{design} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def compare(repeats: int) -> list[dict[str, Any]]:
    """Both designs, with and without boto3; the median of the repeats."""
    say("training the model")
    prepared = prepare()
    rows = []
    for with_boto3 in (False, True):
        for design in DESIGNS:
            say(f"{design}, {'with' if with_boto3 else 'without'} boto3")
            runs = []
            # The first only writes byte code, as a deployed zip has it.
            for _ in range(repeats + 1):
                with tempfile.TemporaryDirectory() as folder:
                    runs.append(measure(prepared, design, with_boto3, Path(folder)))
            rows.append(
                {
                    "design": design,
                    "boto3": with_boto3,
                    "decisions": runs[-1]["decisions"],
                    "artifact_megabytes": len(prepared.models[design]) / 1e6,
                }
                | {
                    name: statistics.median(run[name] for run in runs[1:])
                    for name in runs[0]
                    if name != "decisions"
                }
            )
    return rows


def say(text: str) -> None:
    """A line of progress."""
    print(f"bench: {text} ...", file=sys.stderr, flush=True)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: the two designs, and what ours takes of the other."""
    lines = [
        "| design | boto3 | cold start, CPU s | peak MB | warm tick, CPU ms | peak MB | model MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['design']} | {'with' if row['boto3'] else 'without'} "
            f"| {row['cold_cpu_seconds']:.2f} | {row['cold_peak_megabytes']:.0f} "
            f"| {1000 * row['warm_cpu_seconds']:.1f} | {row['warm_peak_megabytes']:.0f} "
            f"| {row['artifact_megabytes']:.1f} |"
        )
    for ours, other in zip(rows[::2], rows[1::2], strict=True):
        lines.append(
            f"| ours over the other | {'with' if ours['boto3'] else 'without'} "
            f"| {ours['cold_cpu_seconds'] / other['cold_cpu_seconds']:.2f} "
            f"| {ours['cold_peak_megabytes'] / other['cold_peak_megabytes']:.2f} "
            f"| {ours['warm_cpu_seconds'] / other['warm_cpu_seconds']:.2f} "
            f"| {ours['warm_peak_megabytes'] / other['warm_peak_megabytes']:.2f} | |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--repeats", type=int, default=3, help="processes for each figure")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--child", choices=DESIGNS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        child(options.child, json.load(sys.stdin))
        return
    rows = compare(options.repeats)
    same = all(row["decisions"] == rows[0]["decisions"] for row in rows[:2])
    same &= all(row["decisions"] == rows[2]["decisions"] for row in rows[2:])
    print(table(rows))
    print(f"The decisions of both designs are {'the same' if same else 'NOT THE SAME'}.")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    if not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
