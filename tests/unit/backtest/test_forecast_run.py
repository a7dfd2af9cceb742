from __future__ import annotations

from datetime import UTC, datetime

import pytest

from predictive_autoscaler.backtest import forecast_run, lab
from predictive_autoscaler.backtest.drawn import Extras, lab_report
from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.core.workloads import recorded_shop
from predictive_autoscaler.errors import UsageError

OPTIONS = lab.LabOptions(policies=("static peak", "oracle"), interval_minutes=30, boot_minutes=20.0)
START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> lab.LabTraffic:
    samples = recorded_shop(START, 9, 1, (), 1800)
    path = tmp_path_factory.mktemp("trace") / "shop.csv"
    rows = zip(samples.times(), samples.requests.tolist(), strict=True)
    path.write_text("timestamp,requests\n" + "".join(f"{utc_text(t)},{n}\n" for t, n in rows))
    return lab.load_traffic(path, OPTIONS)


@pytest.fixture
def no_mstl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_run, "can_mstl", lambda: False)


@pytest.mark.usefixtures("no_mstl")
def test_scores_are_rows_by_trace_forecaster_and_horizon(traffic: lab.LabTraffic) -> None:
    scores, failed = forecast_run.score_traces([traffic], OPTIONS, origins=50)
    assert failed == {}
    rows = forecast_run.score_rows(scores, OPTIONS.interval_minutes)
    assert {row["horizon_minutes"] for row in rows} == {30, 60, 180, 360}
    assert {row["forecaster"] for row in rows} == {"predictive", "last value", "seasonal naive"}
    assert len(rows) == 12
    assert {row["origins"] for row in rows} == {20}
    pinball = {
        row["forecaster"]: float(row["pinball"]) for row in rows if row["horizon_minutes"] == 360
    }
    assert pinball["predictive"] < pinball["last value"]


@pytest.mark.usefixtures("no_mstl")
def test_the_report_has_them_and_says_how_they_came_about(traffic: lab.LabTraffic) -> None:
    scores, _ = forecast_run.score_traces([traffic], OPTIONS, origins=40)
    result = lab.run_lab([traffic], OPTIONS)
    trace = lab_report(result, [traffic], OPTIONS, {}, Extras(scores)).traces[0]
    assert sorted(trace.forecast_scores) == [30, 60, 180, 360]
    notes = " ".join(trace.forecast_notes)
    assert "at 10 origins" in notes
    assert "looks 60 minutes ahead" in notes
    assert "MSTL is left out" in notes
    plain = lab_report(result, [traffic], OPTIONS, {}).traces[0]
    assert (plain.forecast_scores, plain.forecast_notes) == ({}, ())


@pytest.mark.usefixtures("no_mstl")
def test_a_trace_that_cannot_be_scored_is_told(
    traffic: lab.LabTraffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*arguments: object, **options: object) -> None:
        raise ValueError("no luck")

    monkeypatch.setattr(forecast_run, "score_forecasts", breaks)
    scores, failed = forecast_run.score_traces([traffic], OPTIONS)
    assert scores == {}
    assert failed == {"shop": "forecast scores: no luck"}


@pytest.mark.parametrize("origins", [0, 59, 201])
def test_too_few_or_too_many_origins_are_refused(origins: int) -> None:
    with pytest.raises(UsageError, match=f"--origins is {origins}; allowed is 60 to 200"):
        forecast_run.check_origins(origins)
