"""The report page: what it holds, that it is honest, and that it cannot be broken out of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from predictive_autoscaler.core.explain import Explanation, explain
from predictive_autoscaler.core.scoring import ScalingScore, score_scaling
from predictive_autoscaler.core.types import Candidate, Decision, FloatArray, Quality, Reason, Rung
from predictive_autoscaler.report import document
from predictive_autoscaler.report.chart_data import beyond_band, chart_data
from predictive_autoscaler.report.missed import missed_bins
from predictive_autoscaler.report.numbers import difference, factor, grouped, hours, percent
from predictive_autoscaler.report.page import render, write
from predictive_autoscaler.report.replay import (
    ExplainedDecision,
    ForecastBand,
    PolicyRun,
    ReplayReport,
)
from predictive_autoscaler.report.roles import rival_of
from predictive_autoscaler.report.verdict import verdict
from tests.unit.report.html_page import HOSTILE, Tags, embedded

BINS = 288
CAPACITY = 100.0
START = datetime(2026, 3, 16, tzinfo=UTC)
MAX_BYTES = 6_000_000


def day_of_demand() -> FloatArray:
    phase = np.linspace(0, 2 * np.pi, BINS, endpoint=False)
    demand: FloatArray = np.round(1500 - 900 * np.cos(phase))
    return demand


def scored(name: str, asked: FloatArray, ready: FloatArray, demand: FloatArray) -> PolicyRun:
    return PolicyRun(name, asked, ready, score_scaling(demand, asked, ready, CAPACITY, 300))


def decided(index: int, before: int, after: int) -> ExplainedDecision:
    decision = Decision(
        group="web",
        slot=START + index * timedelta(minutes=5),
        rung=Rung.SEASONAL,
        model_id=None,
        present_demand_requests=1234.0,
        present_quality=Quality.OK,
        capacity_per_instance=CAPACITY,
        miss_price=12.5,
        quantiles={"0.05": 1000.0, "0.5": 1200.0, "0.95": 1400.0 + index},
        candidates=(Candidate(after, 0.002, after + 0.25), Candidate(after + 1, 0.0, after + 1.0)),
        wish_instances=after,
        floor_instances=after - 1,
        before_instances=before,
        after_instances=after,
        reasons=(Reason("step limit", before, after, "at most 3 go in one step"),),
    )
    return ExplainedDecision(decision, explain(decision, "full", {"status": "unchanged"}))


def a_report(**changed: Any) -> ReplayReport:
    demand = day_of_demand()
    needed = np.ceil(demand / CAPACITY)
    ours, rival = needed + 1, needed + 4
    ours[100] -= 3  # one interval missed
    steps = np.concatenate([ours[:1], ours])
    report = ReplayReport(
        title="One day",
        subtitle="A test",
        times=[START + index * timedelta(minutes=5) for index in range(BINS)],
        interval_seconds=300,
        capacity_per_instance=CAPACITY,
        demand=demand,
        needed=needed,
        band=ForecastBand(demand - 50, demand, demand + 50),
        runs=[
            scored("predictive", ours, ours, demand),
            scored("target tracking 70 %", rival, rival, demand),
            scored("oracle", needed, needed, demand),
        ],
        decisions=[
            decided(index, int(steps[index]), int(steps[index + 1])) for index in range(BINS)
        ],
        model_scores={
            "forest": {"wape": 0.0712, "pinball": 0.0411, "coverage": 0.9},
            "last value": {"wape": 0.12, "pinball": 0.08, "coverage": 0.91},
            "seasonal": None,
        },
        facts={"Seed": "1"},
    )
    return replace(report, **changed)


def with_scores(ours: ScalingScore, rival: ScalingScore) -> ReplayReport:
    report = a_report()
    first, second, third = report.runs
    return replace(report, runs=[replace(first, score=ours), replace(second, score=rival), third])


def score(missed: float, instance_hours: float, total: float = 10_000.0) -> ScalingScore:
    return ScalingScore(missed, total, instance_hours, 10)


def test_page_is_small_enough_and_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "get_plotlyjs", get_plotlyjs)
    text = render(a_report())
    assert len(text.encode()) < MAX_BYTES
    assert text.startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")
    assert text.count(str(get_plotlyjs())) == 1


def test_library_cannot_end_its_script_element() -> None:
    library = str(get_plotlyjs()).lower()
    assert "</script" not in library
    assert "<!--" not in library


def test_nothing_is_loaded_from_elsewhere() -> None:
    text = render(a_report())
    tags = Tags(text)
    loaded = [
        value
        for _, attributes in tags.found
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "data", "action"} and value is not None
    ]
    assert all(value.startswith(("#", "data:")) for value in loaded), loaded
    assert "@import" not in text
    assert "url(" not in text
    policy = next(a for tag, a in tags.found if tag == "meta" and "http-equiv" in a)
    assert str(policy["content"]).startswith("default-src 'none';")
    assert "http" not in str(policy["content"])


def test_all_decisions_are_embedded_with_their_words() -> None:
    report = a_report()
    decisions = embedded(render(report))["decisions"]
    assert [one["bin"] for one in decisions] == list(range(BINS))
    for one, explained in zip(decisions, report.decisions, strict=True):
        assert one["head"] == explained.explanation.headline
        assert one["text"] == list(explained.explanation.paragraphs)
        assert one["outcome"] == explained.explanation.outcome
    last = decisions[-1]
    assert [row[0] for row in last["candidates"]] == [last["wish"], last["wish"] + 1]
    assert last["policies"] == [
        ["step limit", last["from"], last["to"], "at most 3 go in one step"]
    ]
    assert last["quantiles"][0] == ["5\u202f%", "1\u202f000"]


def test_without_a_price_the_capacities_have_no_cost() -> None:
    one = decided(0, 4, 4)
    served = replace(one.decision, candidates=(Candidate(4, 0.002, None),), miss_price=None)
    data = chart_data(a_report(decisions=[replace(one, decision=served)]))
    assert data["decisions"][0]["candidates"] == [[4, "0.20\u202f%"]]


def test_hostile_text_stays_text() -> None:
    words = Explanation(HOSTILE, (HOSTILE, "\u2028"), HOSTILE)
    harmless, report = render(a_report(notes=["-"])), a_report()
    spoilt = replace(
        report,
        title=HOSTILE,
        subtitle=HOSTILE,
        notes=[HOSTILE],
        facts={"Seed": HOSTILE},
        model_scores={HOSTILE: None, "b": None, "c": None},
        runs=[replace(run, name=run.name + HOSTILE) for run in report.runs],
        decisions=[replace(one, explanation=words) for one in report.decisions],
    )
    text = render(spoilt)
    own = text
    assert "<script>alert" not in own
    assert "<img" not in own
    assert "&{{ 7 * 7 }}" not in own
    assert "&amp;{{ 7 * 7 }}" in own
    assert Tags(own).count("script") == Tags(harmless).count("script") == 3
    assert embedded(text)["decisions"][0]["head"] == HOSTILE
    assert "\u2028" not in own


@pytest.mark.parametrize(
    ("ours", "rival", "short"),
    [
        (score(5, 71), score(40, 98), "Better on both counts"),
        (score(40, 98), score(5, 71), "Worse on both counts"),
        (score(5, 98), score(40, 71), "Mixed: fewer misses, but a higher cost"),
        (score(40, 71), score(5, 98), "Mixed: a lower cost, but more misses"),
        (score(0, 71), score(0, 98), "Better: the same misses at a lower cost"),
        (score(0, 98), score(0, 71), "Worse: the same misses at a higher cost"),
        (score(5, 71), score(40, 71), "Better: fewer misses at the same cost"),
        (score(40, 71), score(5, 71), "Worse: more misses at the same cost"),
        (score(5, 71.01), score(5, 71.02), "No difference"),
        (score(0, 71, total=0), score(0, 98, total=0), "No request arrived"),
    ],
)
def test_verdict_says_how_it_went(ours: ScalingScore, rival: ScalingScore, short: str) -> None:
    report = with_scores(ours, rival)
    assert verdict(report).short.startswith(short)
    assert f"<strong>{verdict(report).short}:</strong>" in render(report)


def test_verdict_gives_the_figures() -> None:
    text = str(verdict(with_scores(score(5, 71), score(40, 98))))
    assert text.replace("\u202f", " ") == (
        "Better on both counts: predictive missed 0.05 % of requests with 71.0 instance-hours; "
        "target tracking 70 % missed 0.40 % with 98.0."
    )


def test_verdict_without_a_run_to_beat() -> None:
    report = a_report()
    alone = replace(report, runs=[report.runs[0], report.runs[2]])
    assert rival_of(alone.runs, alone.runs[0]) is None
    assert verdict(alone).short == "Nothing to compare with"
    assert "Hours against" not in render(alone)


def test_missing_oracle_leaves_its_cost_open() -> None:
    report = a_report()
    text = render(replace(report, runs=report.runs[:2]))
    assert "×</span>" not in text


def test_missing_model_scores() -> None:
    text = render(a_report())
    assert text.count("no answer") == 1
    assert "7.12\u202f%" in text
    assert "No model was scored" in render(a_report(model_scores={}))
    partly = render(a_report(model_scores={"forest": {"wape": float("nan")}}))
    assert partly.count("<td>–</td>") == 3


def test_band_without_any_forecast() -> None:
    none = np.full(BINS, np.nan)
    text = render(a_report(band=ForecastBand(none, none, none)))
    assert embedded(text)["band"]["median"] == [None] * BINS
    assert "There was no forecast" in text


def test_band_is_counted_where_there_is_a_forecast() -> None:
    demand = day_of_demand()
    lower, upper = demand - 10, demand + 10
    lower[:5] = np.nan
    upper[10:13] = demand[10:13] - 1
    lower[20] = demand[20] + 1
    report = a_report(band=ForecastBand(lower, demand, upper))
    assert beyond_band(report) == (BINS - 5, 3, 1)


def test_day_without_demand() -> None:
    nothing, one = np.zeros(BINS), np.ones(BINS)
    runs = [scored(name, one, one, nothing) for name in ("predictive", "target tracking", "oracle")]
    text = render(a_report(demand=nothing, needed=nothing, runs=runs))
    assert "No request arrived" in text
    assert [run["missed"] for run in embedded(text)["runs"]] == [[], [], []]


def test_unknown_demand_is_not_missed() -> None:
    demand = day_of_demand()
    demand[7] = np.nan
    text = render(a_report(demand=demand))
    assert embedded(text)["demand"][7] is None


def test_page_without_bins_runs_or_decisions() -> None:
    none = np.empty(0)
    report = a_report(
        times=[],
        demand=none,
        needed=none,
        band=ForecastBand(none, none, none),
        runs=[],
        decisions=[],
        model_scores={},
        facts={},
    )
    assert "no policy was run" in render(report)


def test_missed_bins_agree_with_the_score() -> None:
    report = a_report()
    ours = report.runs[0]
    missed = missed_bins(report, ours)
    assert np.flatnonzero(missed).tolist() == [100]
    assert float(report.demand[missed].sum()) == ours.score.missed_requests
    assert chart_data(report)["runs"][0]["missed"] == [100]


def test_first_shown_is_a_miss_or_else_the_largest_change() -> None:
    report = a_report()
    assert chart_data(report)["start"] == 100
    calm = replace(report.runs[0], ready=report.needed)
    decisions = [decided(index, 10, 10) for index in range(BINS)]
    decisions[42] = decided(42, 10, 16)
    quiet = replace(report, runs=[calm, *report.runs[1:]], decisions=decisions)
    assert chart_data(quiet)["start"] == 42
    # What the day began with is nobody's decision.
    decisions[0] = decided(0, 60, 10)
    assert chart_data(replace(quiet, decisions=decisions))["start"] == 42
    decisions[42] = decided(42, 10, 10)
    assert chart_data(replace(quiet, decisions=decisions))["start"] == 0


def test_roles_and_other_runs() -> None:
    report = a_report()
    spare = replace(report.runs[1], name="scheduled")
    runs = [report.runs[0], spare, report.runs[1], report.runs[2]]
    roles = [run["role"] for run in chart_data(replace(report, runs=runs))["runs"]]
    assert roles == ["ours", "other", "rival", "oracle"]


def test_decisions_are_placed_by_their_time() -> None:
    report = a_report()
    some = [report.decisions[5], report.decisions[9]]
    bins = [one["bin"] for one in chart_data(replace(report, decisions=some))["decisions"]]
    assert bins == [5, 9]


def test_write_replaces_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "report.html"
    write(a_report(), path)
    write(a_report(title="Another"), path)
    assert "<h1>Another</h1>" in path.read_text(encoding="utf-8")
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]


def test_failed_write_keeps_the_earlier_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("earlier", encoding="utf-8")

    def fails(self: Path, target: Path) -> Path:
        raise OSError("no space")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="no space"):
        write(a_report(), path)
    assert path.read_text(encoding="utf-8") == "earlier"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (grouped(1234567), "1 234 567"),
        (grouped(-0.2), "0"),
        (grouped(-1234.5, 1), "−1 234.5"),
        (grouped(float("nan")), "–"),
        (hours(71.04), "71.0"),
        (hours(410.4), "410"),
        (percent(0.0), "0 %"),
        (percent(0.0005), "0.05 %"),
        (percent(0.00004), "0.004 %"),
        (percent(0.000000001), "<0.001 %"),
        (percent(0.206), "20.6 %"),
        (factor(1.2345), "1.23×"),
        (difference(71, 98), "−28 %"),
        (difference(98, 71), "+38 %"),
        (difference(100, 100.01), "±0 %"),
        (difference(99, 100), "−1.0 %"),
        (difference(1, 0), "–"),
    ],
)
def test_numbers_are_for_people(text: str, expected: str) -> None:
    assert text.replace("\u202f", " ") == expected
