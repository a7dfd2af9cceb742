"""Measure `train --groups`: joblib against a Dask cluster, and a run that is killed half-way.

    python scripts/bench_training.py --groups 200 --max-bins 2000

Makes CSV files of generated groups, trains all of them with joblib and on a LocalCluster of as
many processes, and compares every byte of the models. Then a third run is killed (SIGKILL) once
half of the groups are done, started again, and has to train the rest only, to the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from predictive_autoscaler.core.csv_text import samples_to_csv
from predictive_autoscaler.core.workloads import recorded_shop

START = datetime(2026, 3, 2, tzinfo=UTC)
FILES = ("model.npz", "model.json")
LOOK_SECONDS = 0.05
_OURS = ("AWS_", "AUTOSCALER_", "ASG_", "LOAD_", "TARGET_", "S3_", "SNS_")


def make_groups(folder: Path, count: int, days: int) -> list[str]:
    """Write groups.json and csv/NAME.csv for each; returns what the command takes of them."""
    names = [f"shop-{number:04}" for number in range(count)]
    (folder / "csv").mkdir(parents=True)
    for seed, name in enumerate(names):
        text = samples_to_csv(recorded_shop(START, days, seed, ()))
        (folder / "csv" / f"{name}.csv").write_text(text)
    groups = {"defaults": {"boot_minutes": 4}, "groups": {name: {} for name in names}}
    (folder / "groups.json").write_text(json.dumps(groups))
    return ["--groups", str(folder / "groups.json"), "--csv", str(folder / "csv")]


def command(words: Sequence[str], out: Path) -> list[str]:
    """The command line of one run."""
    program = [sys.executable, "-m", "predictive_autoscaler", "train"]
    return [*program, *words, "--out", str(out), "--json"]


def environment() -> dict[str, str]:
    """Without anything that would change the settings."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}


def run(words: Sequence[str], out: Path) -> dict[str, Any]:
    """Train; returns the totals, with `start_seconds` that the whole command took beside."""
    begun = time.monotonic()
    done = subprocess.run(
        command(words, out), stdout=subprocess.PIPE, check=True, text=True, env=environment()
    )
    totals: dict[str, Any] = json.loads(done.stdout)["totals"]
    return totals | {"command_seconds": round(time.monotonic() - begun, 1)}


def digests(out: Path) -> dict[str, str]:
    """The hash of every model's files, by their path below the folder."""
    paths = sorted(path for name in FILES for path in out.glob(f"*/{name}"))
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }


def finished(out: Path) -> int:
    """How many groups are done: their record is written last."""
    return len(list(out.glob("*/result.json")))


def kill_half_way(words: Sequence[str], out: Path, groups: int) -> int:
    """Kill a run and its workers without warning; returns how many groups it had done."""
    process = subprocess.Popen(
        command(words, out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )
    try:
        while process.poll() is None and finished(out) < groups // 2:
            time.sleep(LOOK_SECONDS)
    finally:
        # The session is its own, so nobody else is hit; it may have ended by itself.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return finished(out)


@contextmanager
def local_cluster(processes: int) -> Iterator[str]:
    """Address of the scheduler of a cluster on this machine, a thread to each process."""
    from predictive_autoscaler.model.extras import distributed_module

    with distributed_module().LocalCluster(
        n_workers=processes,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster.scheduler_address


def measure(
    folder: Path, groups: int, days: int, max_bins: int, processes: int
) -> dict[str, dict[str, Any]]:
    """Totals of the three ways.

    Raises:
        AssertionError: bytes differ, or a run that goes on trains what was done.
    """
    words = [*make_groups(folder / "made", groups, days), "--max-bins", str(max_bins)]
    here = [*words, "--jobs", str(processes)]
    found = {"joblib": run(here, folder / "joblib")}
    _tell("joblib", found["joblib"])
    with local_cluster(processes) as address:
        found["dask"] = run([*words, "--scheduler", address], folder / "dask")
    _tell("dask", found["dask"])
    expected = digests(folder / "joblib")
    assert len(expected) == len(FILES) * groups
    assert digests(folder / "dask") == expected, "models differ between joblib and Dask"
    before = kill_half_way(here, folder / "killed", groups)
    found["resumed"] = run(here, folder / "killed") | {"done_before": before}
    _tell(f"resumed after a kill at {before}", found["resumed"])
    assert 0 < before < groups
    assert found["resumed"]["kept"] == before
    assert found["resumed"]["trained"] == groups - before
    assert digests(folder / "killed") == expected, "models differ after a kill"
    return found


def _tell(what: str, totals: dict[str, Any]) -> None:
    print(
        f"{what}: {totals['trained']} trained, {totals['kept']} kept, {totals['failed']} failed in "
        f"{totals['seconds']:.1f} s ({totals['command_seconds']:.1f} s with the start), "
        f"{totals['groups_per_minute']:.1f} a minute; CPU {totals['fit_cpu_seconds']:.1f} s in "
        f"fits, {totals['own_cpu_seconds']:.1f} s beside them; {totals['better']} better than "
        "the baselines",
        flush=True,
    )


def main(arguments: list[str] | None = None) -> None:
    """`python scripts/bench_training.py`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=200)
    parser.add_argument("--days", type=int, default=16, help="of generated traffic per group")
    parser.add_argument("--max-bins", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.groups, options.days, options.max_bins, options.processes)
    print("every model has the same bytes, whichever way it was made")


if __name__ == "__main__":
    main()
