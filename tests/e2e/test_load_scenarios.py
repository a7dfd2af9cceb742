"""Every load scenario against the storefront, with Locust as a process of its own."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from predictive_autoscaler.core.workloads import USER_PATTERNS
from predictive_autoscaler.loadtest.scenarios import SCENARIOS
from tests.helpers.commands import ROOT, clean_environment
from tests.helpers.load_runs import load_command, load_test, requests_of, users_of
from tests.helpers.storefront import Instance, started, stopped, storefront

pytestmark = pytest.mark.slow

# Users of each scenario, so that all of them have about 30 at their peak.
SCALES = {"baseline": 1.0, "surge": 0.15, "sinusoidal": 0.2, "step": 0.3, "flash-sale": 0.1}
SHORT = ("--duration", "20s", "--think-scale", "0.25")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    database = tmp_path_factory.mktemp("shop") / "shop.sqlite"
    instance = started(database, "--workers", 16, "--service-ms", 40, "--queue", 400)
    yield instance
    stopped(instance)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "trace.csv"
    rows = [f"2026-11-20T{hour:02d}:00:00,{100 + 400 * (hour % 12)}" for hour in range(24)]
    path.write_text("timestamp,requests\n" + "\n".join(rows))
    return path


def without_errors(done: subprocess.CompletedProcess[str], out: Path) -> dict[str, tuple[int, int]]:
    """The operations of a run that went well."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gate: passed" in done.stdout
    assert "Aggregated" in done.stdout
    operations = requests_of(out)
    assert {name: failed for name, (_, failed) in operations.items() if failed} == {}
    return operations


@pytest.mark.parametrize("name", sorted(SCALES))
def test_a_scenario_runs_without_errors(name: str, shop: Instance, tmp_path: Path) -> None:
    done = load_test(
        *("--scenario", name, "--host", shop.url, "--out", tmp_path, *SHORT),
        *("--users-scale", SCALES[name]),
    )
    operations = without_errors(done, tmp_path)
    # All journeys are made, and checkouts completed.
    for operation in ("products", "product", "search", "category", "collection"):
        assert operations[operation][0] > 0
    assert operations["checkoutComplete"][0] > 0
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert json.loads((tmp_path / "stats.json").read_text())
    follows(name, users_of(tmp_path))


def follows(name: str, measured: list[tuple[float, int]]) -> None:
    """See that the users measured are those of the pure function, give or take two seconds."""
    pattern = USER_PATTERNS[name]
    checked = 0
    for seconds, users in measured:
        near = [
            pattern.users(max(seconds + step / 4, 0), 20.0, SCALES[name]) for step in range(-8, 9)
        ]
        known = [one for one in near if one is not None]
        # The first and the last seconds are those of starting and ending.
        if 2 <= seconds <= 17:
            assert min(known) - 1 <= users <= max(known) + 1, (seconds, users, near)
            checked += 1
    assert checked >= 8


def test_a_recording_is_replayed(shop: Instance, recording: Path, tmp_path: Path) -> None:
    done = load_test(
        *("--scenario", "replay", "--trace", recording, "--peak-users", 20),
        *("--host", shop.url, "--out", tmp_path, *SHORT),
    )
    without_errors(done, tmp_path)
    users = [users for _, users in users_of(tmp_path)]
    assert 14 <= max(users) <= 20


def test_two_processes_share_the_users(shop: Instance, tmp_path: Path) -> None:
    done = load_test(
        *("--scenario", "baseline", "--host", shop.url, "--out", tmp_path, *SHORT, "--workers", 2)
    )
    operations = without_errors(done, tmp_path)
    assert operations["checkoutComplete"][0] > 0
    assert max(users for _, users in users_of(tmp_path)) == 20


def test_workers_of_other_machines_join_a_master(shop: Instance, tmp_path: Path) -> None:
    port = 5600 + shop.port % 300
    joining = subprocess.Popen(
        load_command("--worker", "--master-host", "127.0.0.1", "--master-port", port),
        cwd=ROOT,
        env=clean_environment(),
    )
    try:
        done = load_test(
            *("--master", "--master-port", port, "--host", shop.url, "--out", tmp_path),
            *("--scenario", "baseline", *SHORT),
        )
        without_errors(done, tmp_path)
        joining.wait(30)
    finally:
        joining.kill()
        joining.wait()


class TestGate:
    def test_an_overloaded_shop_fails_it(self, tmp_path: Path) -> None:
        options = ("--workers", 1, "--queue", 0, "--service-ms", 400)
        with storefront(tmp_path / "shop.sqlite", *options) as small:
            # The look before the load takes its time of the one worker.
            done = load_test("--host", small.url, "--out", tmp_path / "out", *SHORT)
        assert done.returncode == 1
        assert "gate: failed: " in done.stdout
        assert "requests failed" in done.stdout
        assert "--max-errors-percent" in done.stdout
        assert "HTTP 503: Too many requests are waiting." in done.stdout
        assert "Traceback" not in done.stderr

    def test_a_slow_shop_fails_it(self, shop: Instance, tmp_path: Path) -> None:
        done = load_test(
            "--host", shop.url, "--out", tmp_path, *SHORT, "--max-p95-seconds", "0.001"
        )
        assert done.returncode == 1
        assert "95th percentile" in done.stdout
        assert "requests failed" not in done.stdout

    def test_an_operation_that_never_ran_fails_it(self, shop: Instance, tmp_path: Path) -> None:
        done = load_test(
            *("--host", shop.url, "--out", tmp_path, *SHORT),
            *("--key-operations", "products,orderCancel"),
        )
        assert done.returncode == 1
        assert "gate: failed: orderCancel never succeeded, in 0 calls" in done.stdout

    def test_a_shop_that_dies_fails_it(self, tmp_path: Path) -> None:
        instance = started(tmp_path / "shop.sqlite", "--workers", 16)
        running = subprocess.Popen(
            load_command("--host", instance.url, "--out", tmp_path / "out", *SHORT),
            cwd=ROOT,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            ends = time.monotonic() + 60
            while instance.stats()["served"] < 20 and time.monotonic() < ends:
                time.sleep(0.2)
            stopped(instance)
            output, _ = running.communicate(timeout=100)
        finally:
            running.kill()
            running.wait()
        assert running.returncode == 1
        assert "requests failed" in output
        assert "no answer" in output


def test_each_scenario_with_a_course_is_run_here() -> None:
    assert {*SCALES, "replay", "manual"} == set(SCENARIOS)
