from __future__ import annotations

import csv
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from predictive_autoscaler.backtest.world import Instances, recorded_under
from predictive_autoscaler.core.timegrid import floor_to
from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.core.workloads import recorded_shop
from predictive_autoscaler.demo.local_aws import BUCKET, GROUP, local_aws, put_metrics
from predictive_autoscaler.folders import sole_user_of
from tests.helpers.commands import (
    Command,
    call,
    clean_environment,
    complaint,
    json_of,
    succeeded,
)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    samples = recorded_shop(datetime(2026, 3, 2, tzinfo=UTC), 7, 1, ())
    rows = zip(samples.times(), samples.requests.tolist(), strict=True)
    path = tmp_path / "shop.csv"
    path.write_text("timestamp,requests\n" + "".join(f"{utc_text(t)},{n}\n" for t, n in rows))
    return path


def test_one_bad_trace_does_not_end_the_others(
    command: Command, trace: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("time,hits\n1,2\n")
    out = tmp_path / "out"
    done = command(
        "backtest", bad, trace, "--policies", "static peak", "--jobs", "1", "--out", out, "--json"
    )
    assert done.returncode == 1
    assert "1 of 2 traces could not be replayed in full" in done.stderr
    assert "Traceback" not in done.stderr
    found = json.loads(done.stdout)
    assert [row["policy"] for row in found["summary"]] == ["static peak", "oracle"]
    assert "column 'timestamp' is missing" in found["failed"][str(bad)]
    assert (out / "shop" / "decisions.csv").exists()
    page = (out / "report.html").read_text()
    assert "static peak" in page
    assert "bad.csv" in page


def test_a_run_without_a_usable_trace_leaves_the_last_report_alone(
    command: Command, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("hours of work")
    done = command("backtest", tmp_path / "typo.csv", "--out", out)
    assert done.returncode == 1
    assert "there is no such file" in done.stderr
    assert "Report:" not in done.stdout
    assert (out / "report.html").read_text() == "hours of work"


def test_minutes_may_be_compressed_or_plain_and_are_missed_aloud(
    command: Command, trace: Path, tmp_path: Path
) -> None:
    options = ("--policies", "target tracking 90 %", "--grain", "1", "--jobs", "1")
    arguments = ("backtest", trace, *options)
    without = command(*arguments, "--out", tmp_path / "without")
    assert "no minutes for shop" in without.stderr
    rows = [line.split(",") for line in trace.read_text().splitlines()[1:]]
    # All of an interval's requests come in its first minute: too many for anybody.
    minutes = [
        f"{utc_text(datetime.fromisoformat(time) + timedelta(minutes=minute))},"
        f"{float(count) * (minute == 0)}\n"
        for time, count in rows
        for minute in range(5)
    ]
    folder = tmp_path / "minute"
    folder.mkdir()
    (folder / "shop.csv").write_text("timestamp,requests\n" + "".join(minutes))
    done = json_of(command(*arguments, "--out", tmp_path / "with", "--json"))
    assert all(row["missed_share"] > 0.9 for row in done["summary"])


def test_an_announced_event_is_prepared_for(command: Command, trace: Path, tmp_path: Path) -> None:
    calendar = tmp_path / "calendar.json"
    event = {
        "name": "launch",
        "start": "2026-03-08T20:00:00Z",
        "end": "2026-03-08T20:30:00Z",
        "min_instances": 55,
    }
    calendar.write_text(json.dumps([event]))
    out = tmp_path / "out"
    succeeded(command("backtest", trace, "--calendar", calendar, "--out", out, "--jobs", "1"))
    with (out / "shop" / "decisions.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["time"] > "2026-03-08T19:4"]
    ours = {row["time"]: row for row in rows if row["policy"] == "predictive"}
    asked = {time: int(row["desired_capacity"]) for time, row in ours.items()}
    # Boot and one interval ahead, until it ends; target tracking knows nothing of it.
    assert asked["2026-03-08T19:45:00Z"] < 55 <= asked["2026-03-08T19:50:00Z"]
    assert asked["2026-03-08T20:25:00Z"] == 55 > asked["2026-03-08T20:35:00Z"]
    others = [row for row in rows if row["policy"] == "target tracking 70 %"]
    assert max(int(row["desired_capacity"]) for row in others) < 55


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "line 1 is not JSON"),
        ("{}", "a list of events is needed"),
        ('[{"name": "launch"}]', "has no end"),
    ],
)
def test_a_malformed_calendar_is_told(
    command: Command, trace: Path, tmp_path: Path, content: str, problem: str
) -> None:
    calendar = tmp_path / "calendar.json"
    calendar.write_text(content)
    done = command("backtest", trace, "--calendar", calendar)
    assert problem in complaint(done, code=2)


def test_forecast_scores_are_written_and_shown(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    trace: Path,
    tmp_path: Path,
) -> None:
    # Given no MSTL, whose compiler alone takes half a minute
    monkeypatch.setattr("predictive_autoscaler.backtest.forecast_run.can_mstl", lambda: False)
    common = ("--policies", "static peak", "--interval-minutes", "30", "--jobs", "1")
    out = tmp_path / "out"
    scored = ("--forecast-scores", "--origins", "60")
    found = json_of(
        call(capfd, monkeypatch, "backtest", trace, *common, *scored, "--out", out, "--json")
    )
    with (out / "forecast_scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("trace", "forecaster", "horizon_minutes", "origins", "wape", "pinball", "coverage")
    ]
    assert len(rows) == len(found["forecast_scores"]) == 12
    assert "180 minutes ahead" in (out / "report.html").read_text()
    # And where nobody asked for them, there are none
    bare = tmp_path / "bare"
    found = json_of(call(capfd, monkeypatch, "backtest", trace, *common, "--out", bare, "--json"))
    assert found["forecast_scores"] == []
    assert not (bare / "forecast_scores.csv").exists()


HOURLY = ("--interval-minutes", "60", "--boot-minutes", "20", "--jobs", "1")


def test_what_if_tells_hours_and_money(command: Command, trace: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = ("--what-if", "--instance-hour-price", "0.1", "--miss-price", "8", "--out", out)
    told = succeeded(command("backtest", trace, *HOURLY, "--policies", "static peak", *asked))
    assert "What if, on shop (1.0 days, instance-hours)" in told
    assert "price 8 ← now" in told
    assert "USD / 30 days" in told
    with (out / "what_if.csv").open() as file:
        rows = {row["setting"]: row for row in csv.DictReader(file)}
    assert len(rows) == 14
    assert [name for name, row in rows.items() if row["present"] == "True"] == ["price 8"]
    hours = {name: float(row["instance_hours_per_day"]) for name, row in rows.items()}
    assert hours["price 2"] < hours["price 200"]
    for name, row in rows.items():
        assert float(row["usd_per_30_days"]) == pytest.approx(30 * 0.1 * hours[name])
    page = (out / "report.html").read_text()
    assert "What if" in page
    assert "budget 0.5 %" in page


def settings_file(folder: Path, name: str, **variables: str) -> Path:
    path = folder / f"{name}.env"
    path.write_text("".join(f"AUTOSCALER_{key}={value}\n" for key, value in variables.items()))
    return path


def test_settings_files_side_by_side(command: Command, trace: Path, tmp_path: Path) -> None:
    common = {"INTERVAL_MINUTES": "60", "BOOT_MINUTES": "20", "INSTANCE_HOUR_PRICE": "0.1"}
    thrifty = settings_file(tmp_path, "thrifty", MISS_PRICE="2", **common)
    careful = settings_file(tmp_path, "careful", QUANTILE="0.99", **common)
    out = tmp_path / "out"
    both = ("--settings", thrifty, "--settings", careful, "--jobs", "1", "--out", out)
    told = succeeded(command("backtest", trace, *both))
    assert "Side by side, on shop" in told
    with (out / "side_by_side.csv").open() as file:
        first, second = csv.DictReader(file)
    assert [first["settings"], second["settings"]] == ["thrifty", "careful"]
    assert float(second["more_hours_per_day"]) > 0
    assert f"{float(second['more_hours_per_day']):+.1f}" in told
    assert float(second["more_usd_per_30_days"]) == pytest.approx(
        3 * float(second["more_hours_per_day"])
    )
    # And they are policies like any other
    with (out / "summary.csv").open() as file:
        policies = [row["policy"] for row in csv.DictReader(file)]
    assert policies == ["thrifty", "careful", "target tracking 70 %", "oracle"]
    with (out / "shop" / "decisions.csv").open() as file:
        assert {"thrifty", "careful"} < {row["policy"] for row in csv.DictReader(file)}
    assert "careful − thrifty" in (out / "report.html").read_text()


def test_files_of_one_name_are_told_apart_by_their_folders(
    command: Command, trace: Path, tmp_path: Path
) -> None:
    files = []
    for name, price in (("now", "2"), ("new", "50")):
        (tmp_path / name).mkdir()
        files += ["--settings", settings_file(tmp_path / name, "shop", MISS_PRICE=price)]
    common = ("--jobs", "1", "--out", tmp_path / "out", "--json")
    rows = json_of(command("backtest", trace, *files, *common))["side_by_side"]
    assert [row["settings"] for row in rows] == ["now/shop", "new/shop"]
    # The page judges the newer ones by those that they would follow.
    assert "new/shop missed" in (page := (tmp_path / "out" / "report.html").read_text())
    assert "Hours against now/shop" in page


def test_settings_that_are_wrong_about_instances_show_what_it_does(
    command: Command, trace: Path, tmp_path: Path
) -> None:
    """The replayed instances are those of the first file; the second takes them for twice that."""
    right = settings_file(tmp_path, "right", CAPACITY_PER_INSTANCE="5000")
    wrong = settings_file(
        tmp_path,
        "wrong",
        CAPACITY_PER_INSTANCE="10000",
        BOOT_MINUTES="12",
        METRIC_DELAY_SECONDS="60",
    )
    words = ("--settings", right, "--settings", wrong, "--jobs", "1", "--out", tmp_path / "out")
    done = command("backtest", trace, *words, "--json")
    found = json_of(done)
    first, second = found["side_by_side"]
    assert second["instance_hours"] < first["instance_hours"]
    assert second["more_missed_share"] > 0.2
    policies = {row["policy"] for row in found["summary"]}
    assert policies == {"right", "wrong", "target tracking 70 %", "oracle"}
    page = (tmp_path / "out" / "report.html").read_text()
    for told in (
        "wrong takes an instance to carry 10,000 requests per interval; the replayed ones carry "
        "5,000.",
        "wrong takes an instance to boot 12 minutes; the replayed ones take 5.",
        "Of wrong, a replay has no use for AUTOSCALER_METRIC_DELAY_SECONDS.",
    ):
        assert told in done.stderr
        assert told in page
    assert "right takes" not in done.stderr


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"a": {"MISPRICE": "2"}}, (), "a.env: line 1: unknown setting AUTOSCALER_MISPRICE"),
        ({"a": {"MISS_PRICE": "0"}}, (), "a.env: AUTOSCALER_MISS_PRICE is '0'; allowed is 1 to"),
        ({"oracle": {}}, (), "oracle.env: 'oracle' names another policy"),
        (
            {"a": {}, "b": {"INTERVAL_MINUTES": "15"}},
            (),
            "b.env: AUTOSCALER_INTERVAL_MINUTES is 15",
        ),
        ({"a": {}}, ("--budget", "1%"), "--settings excludes --boot-minutes"),
    ],
)
def test_settings_files_that_cannot_be_used_are_told(
    command: Command,
    trace: Path,
    tmp_path: Path,
    files: dict[str, dict[str, str]],
    options: tuple[str, ...],
    message: str,
) -> None:
    paths = [settings_file(tmp_path, name, **variables) for name, variables in files.items()]
    given = [word for path in paths for word in ("--settings", path)]
    done = command("backtest", trace, *given, *options, "--out", tmp_path / "out")
    assert message in complaint(done, done.returncode)
    assert done.returncode in (1, 2)


def test_a_folder_in_use_is_left_alone(command: Command, trace: Path, tmp_path: Path) -> None:
    with sole_user_of(tmp_path / "out"):
        done = command("backtest", trace, "--out", tmp_path / "out")
    assert "another run is writing to" in complaint(done, 2)


@pytest.mark.parametrize(
    "words", [("--days", "4"), ("--asg-name", "shop"), ("--region", "eu-north-1")]
)
def test_what_says_where_metrics_are_goes_without_files(
    command: Command, trace: Path, words: tuple[str, str]
) -> None:
    told = complaint(command("backtest", trace, *words), 2)
    assert told == f"{words[0]} goes with --from cloudwatch, not with files of traffic"


def test_gaps_are_told(command: Command, trace: Path, tmp_path: Path) -> None:
    lines = trace.read_text().splitlines(keepends=True)
    evaluated = next(n for n, line in enumerate(lines) if "2026-03-08T01:00" in line)
    del lines[evaluated : evaluated + 30]
    trace.write_text("".join(lines))
    words = ("--policies", "static peak", "--jobs", "1", "--out", tmp_path / "out")
    done = command("backtest", trace, *words)
    succeeded(done)
    told = "30 of 288 evaluated intervals (10.4%) are absent from the recording, the longest gap "
    told += "2.5 hours from 2026-03-08T01:00:00Z."
    assert told in done.stderr
    assert told in (tmp_path / "out" / "report.html").read_text()


def test_traces_or_cloudwatch(command: Command, trace: Path) -> None:
    for arguments in ((), (trace, "--from", "cloudwatch")):
        told = complaint(command("backtest", *arguments), 2)
        assert told == "give either traces (CSV files) or --from cloudwatch"


@pytest.mark.slow
def test_a_groups_own_history_under_its_own_settings(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Eight days of half hours, from CloudWatch, and once more with too few of them."""
    half_hour = timedelta(minutes=30)
    start = floor_to(datetime.now(UTC), half_hour) - timedelta(days=8)
    demand = recorded_shop(start, 8, 1, (), 1800)
    served = recorded_under(demand, np.full(len(demand), 40.0), Instances(800.0))
    with local_aws(2, 70, 2) as aws:
        put_metrics(aws, aws.client("cloudwatch"), served)
        environment = clean_environment(
            **aws.environment,
            ASG_NAME=GROUP,
            LOAD_BALANCER=aws.load_balancer,
            S3_BUCKET=BUCKET,
            AUTOSCALER_INTERVAL_MINUTES="30",
            AUTOSCALER_METRIC_PERIOD_SECONDS="1800",
            AUTOSCALER_BOOT_MINUTES="20",
            AUTOSCALER_INSTANCE_HOUR_PRICE="0.1",
            AUTOSCALER_MISSED_BUDGET="0.005",
        )

        def asked(days: int) -> subprocess.CompletedProcess[str]:
            options = ("--from", "cloudwatch", "--days", days, "--jobs", "1", "--json")
            with pytest.MonkeyPatch.context() as patch:
                words = ("backtest", *options, "--out", tmp_path / f"{days} days")
                return call(capfd, patch, *words, env=environment)

        found = json_of(asked(9))
        short = asked(4)
    rows = {row["setting"]: row for row in found["what_if"]}
    assert {row["trace"] for row in rows.values()} == {GROUP}
    assert [name for name, row in rows.items() if row["present"]] == ["budget 0.5 %"]
    # Forty instances it had, day and night, and their CPU told what one carries
    assert rows["what the group had"]["instance_hours_per_day"] == pytest.approx(960, rel=0.03)
    assert rows["what the group had"]["usd_per_day"] == pytest.approx(96, rel=0.03)
    page = (tmp_path / "9 days" / "report.html").read_text()
    assert "An instance carries 800 requests per interval: learned from the recorded CPU" in page
    assert "2 to 70" in page
    told = complaint(short)
    assert "1 of 1 traces could not be replayed" in told
    assert "more than 6 are needed" in short.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--policies", "magic"), "unknown policy 'magic'"),
        (
            ("--budget", "1%", "--miss-price", "5"),
            "--miss-price and --budget are given together; give at most one",
        ),
        (
            ("--quantile", "0.9", "--budget", "1%"),
            "--budget and --quantile are given together; give at most one",
        ),
        (("--budget", "lots"), "--budget is 'lots'; allowed is 0.001% to 20%"),
        (("--quantile", "0.4"), "--quantile is '0.4'; allowed is 0.5 to 0.9999"),
        (("--miss-price", "0"), "--miss-price is '0'; allowed is 1 to 1000000"),
        (("--origins", "31"), "--origins is 31; allowed is 60 to 200"),
        (("--interval-minutes", "7"), "--interval-minutes is 7; allowed is 1 to 60, a divisor"),
        (("--grain", "3"), "--grain is 3; allowed is 5 or 1"),
        (("--capacity-per-instance", "inf"), "--capacity-per-instance is inf; allowed are finite"),
        (("--capacity-per-instance", "0"), "--capacity-per-instance is 0; allowed are finite"),
        (("--eval-start", "soon"), "--eval-start is 'soon'"),
        (("--min", "9", "--max", "3"), "must not be larger"),
    ],
)
def test_options_that_do_not_fit_are_told(
    command: Command, trace: Path, options: tuple[str, ...], message: str
) -> None:
    assert message in complaint(command("backtest", trace, *options), 2)
