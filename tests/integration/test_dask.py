"""The same work on a Dask cluster."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.core.workloads import recorded_shop
from tests.helpers.commands import call, complaint, succeeded

distributed = pytest.importorskip("distributed")

NAMES = ("shop",)
OPTIONS = ("--interval-minutes", "60", "--boot-minutes", "20", "--what-if")
POLICIES = ("--policies", "predictive,static peak")


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("traces")
    paths = []
    for seed, name in enumerate(NAMES):
        samples = recorded_shop(datetime(2026, 3, 2, tzinfo=UTC), 7, seed, (), 3600)
        rows = zip(samples.times(), samples.requests.tolist(), strict=True)
        lines = "".join(f"{utc_text(moment)},{count}\n" for moment, count in rows)
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text("timestamp,requests\n" + lines)
    return paths


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Two workers in processes of their own."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster.scheduler_address


def files(folder: Path) -> dict[str, bytes]:
    names = ("summary.csv", "what_if.csv", *(f"{name}/decisions.csv" for name in NAMES))
    return {name: (folder / name).read_bytes() for name in names}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_results_are_the_same_to_the_bit(
    traces: list[Path],
    scheduler: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def replayed(name: str, *backend: str) -> dict[str, bytes]:
        words = ("backtest", *traces, *OPTIONS, *POLICIES, *backend, "--out", tmp_path / name)
        succeeded(call(capfd, monkeypatch, *words))
        return files(tmp_path / name)

    here = replayed("here", "--backend", "loky", "--jobs", "1")
    done_before = tasks_done(scheduler)
    there = replayed("there", "--backend", "dask", "--scheduler", scheduler)
    assert here == there
    # And the workers did it: three policies, and the settings in a part for each worker
    assert tasks_done(scheduler) >= done_before + 2
    assert len(here["shop/decisions.csv"].splitlines()) == 1 + 3 * 24


def tasks_done(scheduler: str) -> int:
    """How many tasks the cluster has finished so far."""

    def finished(dask_scheduler: Any) -> int:
        log = dask_scheduler.transition_log
        return sum(1 for entry in log if entry[1:3] == ("processing", "memory"))

    with distributed.Client(scheduler) as client:
        return int(client.run_on_scheduler(finished))


def done_within(
    seconds: float,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *words: object,
) -> subprocess.CompletedProcess[str]:
    begun = time.monotonic()
    done = call(capfd, monkeypatch, *words)
    assert time.monotonic() - begun < seconds
    return done


def test_a_scheduler_that_does_not_answer_is_told(
    traces: list[Path], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    words = ("backtest", *traces, "--backend", "dask", "--scheduler", address)
    message = complaint(done_within(10, capfd, monkeypatch, *words))
    assert f"--scheduler is '{address}'; no Dask scheduler answers there" in message


def test_a_cluster_without_workers_is_told(
    traces: list[Path], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with distributed.LocalCluster(
        n_workers=0,
        processes=False,
        host="127.0.0.1",
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        words = ("backtest", *traces, "--backend", "dask", "--scheduler", cluster.scheduler_address)
        message = complaint(call(capfd, monkeypatch, *words))
    assert "that cluster has no workers" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--backend", "dask"), "--backend dask needs --scheduler ADDRESS"),
        (("--scheduler", "tcp://h:1"), "--scheduler is 'tcp://h:1', but --backend is loky"),
        (("--backend", "dask", "--scheduler", "nonsense://x"), "--scheduler is 'nonsense://x'"),
    ],
)
def test_what_does_not_fit_is_told(
    traces: list[Path],
    options: tuple[str, ...],
    message: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = call(capfd, monkeypatch, "backtest", *traces, *options)
    assert message in complaint(done, done.returncode)
    assert done.returncode in (1, 2)
