from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.core.workloads import recorded_shop
from tests.helpers.commands import call, json_of, run


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    samples = recorded_shop(datetime(2026, 3, 2, tzinfo=UTC), 7, 1, ())
    rows = zip(samples.times(), samples.requests.tolist(), strict=True)
    path = tmp_path / "shop.csv"
    path.write_text("timestamp,requests\n" + "".join(f"{utc_text(t)},{n}\n" for t, n in rows))
    return path


def test_one_bad_trace_does_not_end_the_others(trace: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("time,hits\n1,2\n")
    out = tmp_path / "out"
    done = run("backtest", bad, trace, "--policies", "static peak", "--out", out, "--json")
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
    scored = ("--forecast-scores", "--origins", "36")
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
        (("--origins", "20"), "--origins is 20; allowed is 31 to 200"),
        (("--grain", "3"), "--grain is 3; allowed is 5 or 1"),
        (("--eval-start", "soon"), "--eval-start is 'soon'"),
        (("--min", "9", "--max", "3"), "must not be larger"),
    ],
)
def test_options_that_do_not_fit_are_told(
    trace: Path, options: tuple[str, ...], message: str
) -> None:
    done = run("backtest", trace, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
