from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from predictive_autoscaler.backtest import lab
from predictive_autoscaler.core.types import Samples, utc_text
from predictive_autoscaler.core.workloads import recorded_shop
from predictive_autoscaler.errors import DataError, UsageError

START = datetime(2026, 3, 2, tzinfo=UTC)
QUICK = lab.chosen_policies(["target tracking 70 %", "static peak"])


def written(path: Path, samples: Samples) -> Path:
    lines = [
        f"{utc_text(moment)},{requests}"
        for moment, requests in zip(samples.times(), samples.requests.tolist(), strict=True)
    ]
    text = "\n".join(["timestamp,requests", *lines]) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return written(tmp_path / "shop.csv", recorded_shop(START, 7, 1, ()))


def test_the_oracle_is_always_there_as_the_yardstick() -> None:
    assert lab.chosen_policies(["predictive"]) == ("predictive", "oracle")
    assert lab.chosen_policies(["all"]) == lab.known_policies()
    with pytest.raises(UsageError, match="unknown policy 'magic'; known are all, predictive"):
        lab.chosen_policies(["magic"])
    with pytest.raises(UsageError, match="'holt winters'; did you mean 'holt-winters"):
        lab.chosen_policies(["holt winters"])


def test_case_and_spaces_of_a_policy_do_not_matter() -> None:
    chosen = lab.chosen_policies(["predictive+net", "Target tracking 70%", "Oracle"])
    assert chosen == ("predictive + net", "target tracking 70 %", "oracle")
    assert lab.chosen_policies(["ALL"]) == lab.known_policies()


def test_capacity_is_such_that_the_peak_needs_thirty(trace: Path) -> None:
    traffic = lab.load_traffic(trace, lab.LabOptions())
    peak = np.quantile(traffic.evaluated, 0.999)
    assert peak / traffic.setting.capacity_per_instance == pytest.approx(30)
    assert traffic.first == 6 * 288


def test_a_coarse_trace_is_put_on_the_grid(tmp_path: Path) -> None:
    half_hours = recorded_shop(START, 7, 1, (), 1800)
    traffic = lab.load_traffic(written(tmp_path / "coarse.csv", half_hours), lab.LabOptions())
    assert len(traffic.demand) == 7 * 288
    assert traffic.demand.requests[0] == half_hours.requests[0] / 6


@pytest.mark.parametrize(
    ("days", "message"),
    [(6, r": 6 days of traffic; more than 6 are needed"), (0.5, r": 0\.5 days of traffic; more")],
)
def test_too_short_a_trace_is_refused(tmp_path: Path, days: float, message: str) -> None:
    short = recorded_shop(START, 7, 1, ()).window(0, int(days * 288))
    with pytest.raises(DataError, match=message):
        lab.load_traffic(written(tmp_path / "short.csv", short), lab.LabOptions())


@pytest.mark.parametrize("wrong_days", [-1, 2.99, 7, 300])
def test_a_beginning_outside_the_trace_is_refused(trace: Path, wrong_days: float) -> None:
    asked = START + timedelta(days=wrong_days)
    with pytest.raises(DataError) as caught:
        lab.load_traffic(trace, lab.LabOptions(eval_start=asked))
    earliest, latest = START + timedelta(days=3), START + timedelta(days=7, minutes=-5)
    assert (
        f"--eval-start is {utc_text(asked)}; allowed is {utc_text(earliest)} to {utc_text(latest)}"
    ) in str(caught.value)
    for moment, first in ((earliest, 3 * 288), (latest, 7 * 288 - 1)):
        options = lab.LabOptions(eval_start=moment, capacity_per_instance=100)
        assert lab.load_traffic(trace, options).first == first


def test_results_do_not_depend_on_the_number_of_jobs(trace: Path) -> None:
    options = lab.LabOptions(policies=QUICK)
    traffic = lab.load_traffic(trace, options)
    one, two = (lab.run_lab([traffic], options, jobs) for jobs in (1, 2))
    assert lab.summary_rows(one) == lab.summary_rows(two)


def test_a_policy_that_breaks_does_not_end_the_others(trace: Path) -> None:
    options = lab.LabOptions(policies=("nonsense", *QUICK))
    traffic = lab.load_traffic(trace, options)
    result = lab.run_lab([traffic], options)
    assert [one.policy for one in result.results["shop"]] == list(QUICK)
    assert "nonsense" in result.failed["shop"]


def test_what_was_decided_is_written_bin_by_bin(trace: Path, tmp_path: Path) -> None:
    options = lab.LabOptions(policies=QUICK)
    traffic = lab.load_traffic(trace, options)
    lab.write_results(lab.run_lab([traffic], options), [traffic], tmp_path / "out")
    with (tmp_path / "out" / "shop" / "decisions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["policy", "time", "desired_capacity"]
    tracked = [row for row in rows if row["policy"] == "target tracking 70 %"]
    assert len(tracked) == 288
    assert tracked[0]["time"] == "2026-03-08T00:00:00Z"
    assert tracked[-1]["time"] == "2026-03-08T23:55:00Z"
    with (tmp_path / "out" / "summary.csv").open() as file:
        summary = {row["policy"]: row for row in csv.DictReader(file)}
    assert float(summary["oracle"]["cost"]) == 1.0
    assert float(summary["static peak"]["missed_share"]) == 0.0
    assert float(summary["target tracking 70 %"]["cost"]) > 1.2


def test_a_trace_of_minutes_brings_them_itself(tmp_path: Path) -> None:
    minutes = np.zeros(7 * 1440)
    minutes[::5] = recorded_shop(START, 7, 1, ()).requests
    path = written(tmp_path / "shop.csv", Samples.of(START, 60, {"requests": minutes}))
    by_minute, by_interval = (
        lab.load_traffic(path, lab.LabOptions(policies=("oracle",), grain_minutes=grain))
        for grain in (1, 5)
    )
    assert by_interval.per_minute is None
    assert by_minute.per_minute is not None
    assert by_minute.per_minute.reshape(-1, 5).sum(axis=1).tolist() == by_minute.evaluated.tolist()


@pytest.mark.parametrize("name", ["..csv", "...csv"])
def test_a_trace_needs_a_name_that_a_folder_can_have(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, recorded_shop(START, 7, 1, ()))
    with pytest.raises(DataError, match="needs a name before"):
        lab.load_traffic(path, lab.LabOptions())


@pytest.mark.parametrize(
    ("file", "name"), [("shop.csv", "shop"), ("shop.csv.gz", "shop"), ("a.b.csv", "a.b")]
)
def test_a_trace_is_called_after_its_file(file: str, name: str) -> None:
    assert lab.name_of(Path("somewhere") / file) == name


def test_long_intervals_hide_peaks_and_say_so(trace: Path) -> None:
    (told,) = lab.load_traffic(trace, lab.LabOptions(interval_minutes=15)).remarks
    assert told.startswith("Misses are counted by intervals of 15 minutes")
    assert lab.load_traffic(trace, lab.LabOptions()).remarks == []


def test_misses_can_be_counted_by_the_minute(trace: Path, tmp_path: Path) -> None:
    """A burst within an interval is missed, even if its interval as a whole is not."""
    samples = recorded_shop(START, 7, 1, ())
    burst = np.zeros(7 * 1440)
    burst[::5] = samples.requests
    minutes = written(
        tmp_path / "minute" / "shop.csv.gz", Samples.of(START, 60, {"requests": burst})
    )
    options = lab.LabOptions(policies=("oracle",), grain_minutes=1)
    traffic = lab.load_traffic(trace, options, minutes)
    score = lab.run_lab([traffic], options).results["shop"][0].score
    assert score.total_requests == pytest.approx(float(traffic.evaluated.sum()))
    assert score.missed_share > 0.9
