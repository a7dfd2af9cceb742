"""The loop closed for real, in short, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.commands import ROOT, clean_environment

MARK = "REHEARSAL_OF_A_TEST"
ENDS_WITHIN = 20.0
LISTENING = "0A"

pytestmark = pytest.mark.slow


@pytest.fixture
def mark() -> Iterator[str]:
    """A name that everything started under it carries; whatever is left of it is killed."""
    name = uuid.uuid4().hex
    yield name
    for process in carrying(name):
        os.kill(process, signal.SIGKILL)


def started(mark: str, out: Path, *options: str) -> subprocess.Popen[str]:
    """A rehearsal as a shell would start it: the leader of a process group."""
    return subprocess.Popen(
        [sys.executable, "-m", "predictive_autoscaler", "rehearse", "--out", str(out), *options],
        env=clean_environment(**{MARK: mark}),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def carrying(mark: str) -> list[int]:
    """Processes that the mark has come down to."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue  # It has just ended, or is somebody else's.
    return found


def listening(processes: list[int]) -> set[int]:
    """Ports on which they listen."""
    sockets = set()
    for process in processes:
        for link in Path(f"/proc/{process}/fd").glob("*"):
            try:
                sockets.add(link.readlink().name)
            except OSError:
                continue
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        int(row[1].partition(":")[2], 16)
        for row in rows
        if row[3] == LISTENING and f"socket:[{row[9]}]" in sockets
    }


def all_listening() -> set[int]:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].partition(":")[2], 16) for row in rows if row[3] == LISTENING}


def wait_for_line(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    pytest.fail(f"it ended without saying {words!r}")


@pytest.mark.alone
def test_the_loop_in_short(tmp_path: Path, mark: str) -> None:
    options = ("--scenario", "sinusoidal", "--duration", "30", "--users", "300", "--json")
    process = started(mark, tmp_path, *options)
    told, complaints = process.communicate(timeout=300)
    assert process.returncode == 0, complaints
    facts = json.loads(told)
    ours, tracking = facts["runs"]["predictive"], facts["runs"]["target tracking 70 %"]
    assert facts["published"]
    for run in (ours, tracking):
        assert run["requests"] > 300
        assert run["instances_started"] > 2
        assert 0 < run["p95_seconds"] < 30
        # What makes the load is not what is slow.
        assert run["load_test_possible_requests_per_second"] > 3 * run["requests"] / 30
    assert ours["beyond_objective_share"] <= tracking["beyond_objective_share"] + 0.02
    page = Path(facts["report"]).read_text()
    assert "Latency, as measured" in page
    assert "it could make about" in page
    assert len((tmp_path / "decisions.jsonl").read_text().splitlines()) == 6
    assert carrying(mark) == []


@pytest.mark.parametrize(
    "moment",
    [
        "asking the shop",
        "writing the history",
        "training on it",
        "predictive: 60 s",
        "interval 6 of 12",
    ],
)
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, mark: str, moment: str) -> None:
    process = started(mark, tmp_path, "--duration", "60", "--users", "100")
    wait_for_line(process, moment)
    time.sleep(1.5)  # into the step
    there = carrying(mark)
    ports = listening(there)
    assert there
    assert ports
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode not in (0, None)
    until = time.monotonic() + ENDS_WITHIN
    while carrying(mark) and time.monotonic() < until:
        time.sleep(0.1)
    assert carrying(mark) == []
    assert not ports & all_listening()
    assert not (tmp_path / ".in-use").exists()


def test_a_crash_leaves_nothing_behind(tmp_path: Path, mark: str) -> None:
    process = started(mark, tmp_path, "--duration", "60", "--users", "100")
    wait_for_line(process, "predictive: 60 s")
    time.sleep(5)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=ENDS_WITHIN)
    until = time.monotonic() + ENDS_WITHIN
    while carrying(mark) and time.monotonic() < until:
        time.sleep(0.1)
    assert carrying(mark) == []
