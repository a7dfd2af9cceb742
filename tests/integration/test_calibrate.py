"""`calibrate` and `rehearse` at the command line: what they write and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.commands import Command, complaint, json_of
from tests.unit.core.test_calibration import load_test

HEADER = "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,95%\n"


@pytest.fixture
def history(tmp_path: Path) -> Path:
    rows = []
    for seconds, users, rate, p95 in zip(*load_test(), strict=True):
        rows.append(f"{seconds:.0f},{users:.0f},,Aggregated,{rate:.3f},0.0,100,{1000 * p95:.0f}\n")
        rows.append(f"{seconds:.0f},{users:.0f},POST,products,1.0,0.0,100,100\n")
    rows.insert(0, "0,0,,Aggregated,0.0,0.0,N/A,N/A\n")
    path = tmp_path / "run_stats_history.csv"
    path.write_text(HEADER + "".join(rows))
    return path


def facts(command: Command, history: Path, *words: object) -> dict[str, float]:
    options = ("--objective-seconds", "0.9", "--json")
    found: dict[str, float] = json_of(command("calibrate", history, *options, *words))
    return found


def test_it_tells_requests_per_interval(command: Command, history: Path) -> None:
    found = facts(command, history)
    assert found["capacity_per_instance"] == pytest.approx(23 * 300, rel=0.1)
    assert found["low"] <= found["capacity_per_instance"] * 1.001
    assert found["high"] >= found["capacity_per_instance"] * 0.999
    shared = facts(command, history, "--instances", "2", "--speed", "60")
    assert shared["capacity_per_instance"] == pytest.approx(
        found["capacity_per_instance"] / 120, rel=1e-3
    )


def test_it_writes_a_new_file_of_settings(command: Command, history: Path, tmp_path: Path) -> None:
    settings = tmp_path / "shop.env"
    found = facts(command, history, "--settings", settings)
    assert settings.read_text() == (
        f"AUTOSCALER_CAPACITY_PER_INSTANCE={found['capacity_per_instance']:g}\n"
    )


def test_it_makes_the_folder_of_a_new_file(command: Command, history: Path, tmp_path: Path) -> None:
    settings = tmp_path / "new" / "shop.env"
    facts(command, history, "--settings", settings)
    assert settings.read_text().startswith("AUTOSCALER_CAPACITY_PER_INSTANCE=")


def test_it_changes_one_line_and_leaves_the_rest(
    command: Command, history: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "shop.env"
    settings.write_text(
        "# ours\nexport AUTOSCALER_CAPACITY_PER_INSTANCE=1\nAUTOSCALER_MODE=observe\n"
    )
    found = facts(command, history, "--settings", settings)
    assert settings.read_text() == (
        f"# ours\nexport AUTOSCALER_CAPACITY_PER_INSTANCE={found['capacity_per_instance']:g}\n"
        "AUTOSCALER_MODE=observe\n"
    )


def test_it_sets_one_group_of_many(command: Command, history: Path, tmp_path: Path) -> None:
    settings = tmp_path / "groups.json"
    settings.write_text(json.dumps({"groups": {"shop": {"mode": "full"}, "api": {}}}))
    found = facts(command, history, "--settings", settings, "--group", "shop")
    groups = json.loads(settings.read_text())["groups"]
    assert groups["shop"] == {
        "mode": "full",
        "capacity_per_instance": found["capacity_per_instance"],
    }
    assert groups["api"] == {}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("calibrate", "{none}"), "there is no such file"),
        (("calibrate", "{other}"), "there are no rows named Aggregated"),
        (("calibrate", "{history}", "--objective-seconds", "50"), "was kept at every step"),
        (("calibrate", "{history}", "--settings", "{groups}"), "the groups of"),
        (("calibrate", "{history}", "--settings", "{other}"), "is not KEY=VALUE"),
        (("calibrate", "{history}", "--group", "shop"), "in --settings FILE; give both"),
        (("calibrate", "{stats}"), "it has no column 'Timestamp'"),
        (("rehearse", "--scenario", "baseline", "--announced"), "baseline has none"),
        (("rehearse", "--min", "5", "--max", "2"), "--min is 5 and --max is 2"),
        (("rehearse", "--scenario", "replay"), "--scenario replay needs --trace FILE"),
        (("rehearse", "--trace", "{other}"), "--scenario replay needs --trace FILE"),
        (("rehearse", "--duration", "30", "--speed", "30"), "at least 5 are needed"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    command: Command, history: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    places = {"history": history, "none": tmp_path / "none.csv", "other": tmp_path / "other.csv"}
    places["groups"] = tmp_path / "groups.json"
    places["stats"] = tmp_path / "run_stats.csv"
    places["stats"].write_text("Type,Name,Requests/s\n,Aggregated,5\n")
    places["other"].write_text("timestamp,requests\n2026-01-01,5\n")
    places["groups"].write_text('{"groups": {"shop": {}}}')
    texts = {name: str(path) for name, path in places.items()}
    done = command(*(word.format_map(texts) for word in words))
    assert told in complaint(done, done.returncode or 1)
