from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from predictive_autoscaler.core.workloads import USER_PATTERNS
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.loadtest.command import main, parser
from predictive_autoscaler.loadtest.options import seconds_from
from predictive_autoscaler.loadtest.scenarios import SCENARIOS, read_trace


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("90", 90), ("5m", 300), ("1h30m", 5400), ("2m5s", 125), ("168h", 604800)],
)
def test_durations_can_be_written_in_several_ways(text: str, seconds: float) -> None:
    assert seconds_from(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "1x", "-5s", "4s", "169h", "1.5m", "m5"])
def test_what_is_no_duration_is_told(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="not a duration from 5s to 168h"):
        seconds_from(text)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "--host is needed"),
        (["--host", "shop:8000"], "--host shop:8000: give the address"),
        (["--host", "http://shop/graphql/"], "without a path"),
        (["--scenario", "surg"], "'surg' is none of baseline, surge"),
        (["--users-scale", "0"], "'0' is not a number from 0.01 to 100"),
        (["--workers", "65"], "'65' is not a whole number from 0 to 64"),
        (["--workers", "2.5"], "'2.5' is not a whole number from 0 to 64"),
        (["--max-errors-percent", "nan"], "'nan' is not a number from 0 to 100"),
        (["--duration", "soon"], "'soon' is not a duration"),
        (["--master", "--worker"], "--master and --worker cannot be combined"),
        (["--master", "--workers", "2"], "--master and --workers cannot be combined"),
        (["--worker"], "--worker needs --master-host"),
        (["--master-host", "there"], "--master-host there is for --worker only"),
        (["--scenario", "manual"], "--scenario manual needs --web-ui"),
        (["--scenario", "replay"], "--scenario replay needs --trace FILE"),
        (["--trace", "x.csv"], "--trace x.csv is for --scenario replay only"),
        (["--user", "4"], "--user"),
    ],
)
def test_options_that_cannot_be_used_are_told_in_one_line(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(words)
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    assert told in output.err


def test_the_scenario_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENARIO", "surge")
    assert parser().parse_args([]).scenario == "surge"
    assert parser().parse_args(["--scenario", "step"]).scenario == "step"
    monkeypatch.delenv("SCENARIO")
    assert parser().parse_args([]).scenario == "baseline"


def test_the_help_names_every_scenario_and_how_a_run_is_compressed() -> None:
    text = parser().format_help()
    for name in SCENARIOS:
        assert f"\n  {name} " in text
    for pattern in USER_PATTERNS.values():
        assert pattern.summary in text
    assert "compressed" in text


def test_a_recording_is_read_from_its_first_hours_on(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    rows = [f"2026-11-20 {hour:02d}:00:00,{hour * 10},7" for hour in range(24)]
    trace.write_text("timestamp,requests,other\n" + "\n".join(rows))
    seconds, requests = read_trace(trace, 2, 3)
    assert (seconds - seconds[0]).tolist() == [0, 3600, 7200, 10800]
    assert requests.tolist() == [20, 30, 40, 50]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "there is no such file"),
        ("timestamp,requests\n", "has no rows"),
        ("time,requests\n2026-11-20,1\n", "there is no column 'timestamp'"),
        ("timestamp,requests\n2026-11-20,1\nx,2\n", "line 3: "),
        ("timestamp,requests\n2026-11-20,\n", "line 2: requests is ''"),
        ("timestamp,requests\n2026-11-20,-4\n", "line 2: requests is '-4'"),
        ("timestamp,requests\n2026-11-21,1\n2026-11-20,1\n", "not in increasing order"),
        ("timestamp,requests\n2026-11-20,0\n2026-11-21,0\n", "no traffic in the 24 hours"),
    ],
)
def test_a_recording_that_cannot_be_used_is_told(
    tmp_path: Path, text: str | None, told: str
) -> None:
    trace = tmp_path / "trace.csv"
    if text is not None:
        trace.write_text(text)
    with pytest.raises(DataError, match=told):
        read_trace(trace, 0, 24)
