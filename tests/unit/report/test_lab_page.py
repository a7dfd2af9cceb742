"""The lab's page: what it holds, that it is honest, and that it cannot be broken out of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from predictive_autoscaler.core.outlay import Outlay
from predictive_autoscaler.core.scoring import ScalingScore
from predictive_autoscaler.report.lab import LabReport, LabTrace
from predictive_autoscaler.report.lab_data import lab_data, largest, trace_data
from predictive_autoscaler.report.lab_outlay import outlay_tables
from predictive_autoscaler.report.lab_page import render_lab, write_lab
from predictive_autoscaler.report.lab_tables import forecast_groups, policy_rows, summary
from predictive_autoscaler.report.lab_verdict import lab_figures, lab_verdict
from predictive_autoscaler.report.script_data import script_json
from tests.unit.report.html_page import HOSTILE, Tags, embedded
from tests.unit.report.lab_reports import (
    CAPACITY,
    OURS,
    RIVAL,
    a_lab,
    a_run,
    a_trace,
    scored_trace,
    waves,
)

MAX_BYTES = 12_000_000
LONG, POLICIES, TRACES = 28_000, 12, 8


def readable(text: object) -> str:
    return str(text).replace("\u202f", " ")


def without(trace: LabTrace, *names: str) -> LabTrace:
    return replace(trace, runs=[run for run in trace.runs if run.name not in names])


def test_the_largest_lab_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    demand = waves(LONG)
    noise = np.random.default_rng(1).random(LONG)
    asked = np.ceil(demand / CAPACITY) + np.round(5 * noise, 3)
    runs = [a_run(OURS, asked, demand), a_run(RIVAL, asked * 0.9, demand)]
    runs += [a_run(f"policy {index}", asked, demand) for index in range(POLICIES - 2)]
    trace = a_trace(bins=LONG, demand=demand * (1 + noise / 50), runs=runs, elasticity={})
    one = len(script_json(trace_data(trace, OURS)))
    page = len(render_lab(a_lab(trace)).encode()) - one
    assert TRACES * (one + page) + len(str(get_plotlyjs())) < MAX_BYTES


def test_nothing_is_loaded_from_elsewhere() -> None:
    text = render_lab(a_lab(failed={"x": "y"}))
    tags = Tags(text)
    assert all(value.startswith(("#", "data:")) for value in tags.loaded()), tags.loaded()
    assert "@import" not in text
    assert "url(" not in text
    policy = next(a for tag, a in tags.found if tag == "meta" and "http-equiv" in a)
    assert str(policy["content"]).startswith("default-src 'none';")


def test_hostile_text_stays_text() -> None:
    trace = a_trace()
    runs = [replace(run, name=run.name + HOSTILE) for run in trace.runs]
    spoilt = replace(
        trace,
        name=HOSTILE,
        runs=[*trace.runs, *runs],
        notes=[HOSTILE],
        forecast_scores={5: {HOSTILE: None}},
    )
    lab = LabReport(HOSTILE, [spoilt, spoilt], {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE})
    text = render_lab(lab)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "&{{ 7 * 7 }}" not in text
    assert Tags(text).count("script") == Tags(render_lab(a_lab())).count("script") == 3
    assert embedded(text)["traces"][0]["runs"][-1]["name"].endswith(HOSTILE)


def test_links_lead_to_what_is_on_the_page() -> None:
    tags = Tags(render_lab(a_lab()))
    ids = [str(attributes["id"]) for _, attributes in tags.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [value[1:] for value in tags.loaded() if value.startswith("#")]
    assert links
    assert set(links) <= set(ids)


def test_failed_traces_are_warnings() -> None:
    text = render_lab(a_lab(failed={"bad.csv": "no numbers"}))
    assert 'class="warning" role="note"' in text
    assert "bad.csv could not be replayed: no numbers" in text
    assert 'role="note"' not in render_lab(a_lab())


def test_only_failed_traces() -> None:
    text = render_lab(LabReport("Nothing", [], {"bad.csv": "no numbers"}))
    assert "ran on no trace" in text
    assert embedded(text) == {"traces": []}


def test_one_trace_only() -> None:
    lab = a_lab(a_trace("alone"))
    text = render_lab(lab)
    assert "Mean" not in summary(lab).columns
    assert "on average" not in str(lab_verdict(lab))
    assert "geometric mean;" not in text
    assert '<nav class="traces"' not in text


def test_no_oracle() -> None:
    lab = a_lab(without(a_trace("one"), "oracle"), without(a_trace("two"), "oracle"))
    text = render_lab(lab)
    assert "hours against it" in str(lab_verdict(lab))
    assert not any("oracle" in figure.label for figure in lab_figures(lab))
    assert "instance-hours (no oracle was run)" in text
    assert "nan" not in text.split('id="data"')[0].lower().replace("<nav", "")


def test_no_run_of_ours() -> None:
    lab = a_lab(without(a_trace(), OURS))
    assert lab_verdict(lab).short == "Nothing to judge"
    day = embedded(render_lab(lab))["traces"][0]["days"][0]
    assert day["asked"] is None


def test_nobody_to_compare_with() -> None:
    lab = a_lab(without(a_trace(), RIVAL, "target tracking 90 %", "static peak", "predictive+net"))
    assert lab_verdict(lab).short == "Nothing to compare with"
    assert len(list(lab_figures(lab))) == 3
    render_lab(lab)


def test_trace_without_misses() -> None:
    trace = a_trace()
    calm = replace(trace, runs=[a_run(OURS, trace.needed, trace.demand), *trace.runs[4:]])
    data = trace_data(calm, OURS)
    assert [run["missed"] for run in data["overview"]["runs"]] == [[], []]
    assert len(data["days"]) == 2
    assert "missed most" not in render_lab(a_lab(calm))


def test_trace_without_bins() -> None:
    none = np.empty(0)
    trace = a_trace(times=[], demand=none, needed=none, runs=[], elasticity={})
    assert "No policy was run." in render_lab(a_lab(trace))


def test_trace_with_a_gap() -> None:
    demand = waves(3 * 288)
    demand[:50] = np.nan
    data = embedded(render_lab(a_lab(a_trace(demand=demand))))["traces"][0]
    assert data["overview"]["demand"][:4] == [None] * 4


def test_forecast_scores() -> None:
    text = render_lab(a_lab(a_trace()))
    assert text.count("no answer") == 2
    assert text.index("5 minutes ahead") < text.index("30 minutes ahead")
    assert forecast_groups(a_trace(forecast_scores={})) == []
    assert "Forecast scores by horizon" not in render_lab(a_lab(a_trace(forecast_scores={})))


def test_verdict_is_honest_about_peers() -> None:
    good = {OURS: (110.0, 10.0), RIVAL: (150.0, 20.0), "oracle": (100.0, 0.0)}
    bad = {OURS: (120.0, 30.0), RIVAL: (150.0, 20.0), "other": (110, 5), "oracle": (100.0, 0.0)}
    lab = a_lab(scored_trace("a", good), scored_trace("b", bad))
    assert readable(lab_verdict(lab)) == (
        "Better: the same misses at a lower cost: over 2 traces, predictive missed 0.20 % on "
        "average at 1.15× the oracle’s hours; target tracking 70 % 0.20 % at 1.50× the oracle’s "
        "hours; on 1 of 2 traces a peer is better in both at once."
    )
    text = render_lab(lab)
    assert "Where a peer is better in both at once" in text
    assert "<strong>b</strong>: other" in text
    assert "▲ 1.10×" in text
    clean = a_lab(scored_trace("a", good), scored_trace("c", good))
    assert "on no trace is a peer better in both at once" in str(lab_verdict(clean))
    assert "Where a peer is better" not in render_lab(clean)


def test_a_tie_in_one_measure_is_told() -> None:
    scores = {OURS: (110.0, 10.0), RIVAL: (105.0, 10.0), "oracle": (100.0, 0.0)}
    figures = {figure.label: figure for figure in lab_figures(a_lab(scored_trace("a", scores)))}
    told = figures["A peer is better in both"]
    assert (told.value, told.note) == (
        "0 of 1",
        "trace; on 1 more better in one, the same in the other",
    )


def test_tables() -> None:
    trace = a_trace()
    rows = {row.name: row for row in policy_rows(trace, OURS)}
    assert list(rows) == [run.name for run in trace.runs]
    assert rows[OURS].kind == "ours"
    assert rows["oracle"].on_front is False
    assert all(len(row.cells) == 8 for row in rows.values())
    bare = next(policy_rows(replace(trace, elasticity={}), OURS))
    assert [cell.text for cell in bare.cells[4:]] == ["–"] * 4
    table = summary(a_lab(trace, without(a_trace("two"), "static peak")))
    peak = next(cells for name, _, cells in table.rows if name == "static peak")
    assert peak[0] is not None
    assert peak[1:] == [None, None]


def test_days_hold_every_bin_and_overviews_hours() -> None:
    trace = a_trace()
    data = lab_data(a_lab(trace))["traces"][0]
    assert [run["role"] for run in data["runs"]] == [
        "ours",
        "other",
        "other",
        "rival",
        "other",
        "oracle",
    ]
    assert len(data["overview"]["times"]) == 3 * 24
    assert [len(day["times"]) for day in data["days"]] == [288, 288, 288]
    first = data["days"][0]
    assert first["times"][0] == "2026-03-17 00:00:00"
    assert first["missed"][0] == [12, 13, 14]
    assert len(first["ready"]) == len(first["missed"]) == len(trace.runs)
    # Hours with a miss are marked, and what is counted are the intervals.
    ours = data["overview"]["runs"][0]
    assert ours["missed_intervals"] == sum(len(day["missed"][0]) for day in data["days"])
    assert 0 < len(ours["missed"]) < ours["missed_intervals"]


def test_largest_of_stretches() -> None:
    values = np.array([1.0, np.nan, 3.0, np.nan, np.nan, 2.0, 7.0])
    np.testing.assert_array_equal(largest(values, 3), [3.0, 2.0, 7.0])
    np.testing.assert_array_equal(largest(values[3:5], 2), [np.nan])


def test_write_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    write_lab(a_lab(a_trace()), path)
    assert "<h1>A lab</h1>" in path.read_text(encoding="utf-8")
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]


def test_outlays_are_shown_with_the_present_setting_marked() -> None:
    def outlay(name: str, hours: float, missed: float, price: float | None = 0.1) -> Outlay:
        score = ScalingScore(missed, 10_000.0, hours, 7)
        return Outlay(name, score, 2.0, price, present=name == "price 20")

    outlays = [
        outlay("price 5", 900.0, 80.0),
        outlay("price 20", 960.0, 10.0),
        outlay("target tracking 70 %", 1200.0, 0.0),
    ]
    compared = [outlay("a", 900.0, 80.0, None), outlay("b", 960.0, 10.0)]
    trace = a_trace(outlays=outlays, compared=compared)
    what_if, side_by_side = outlay_tables(trace)
    assert what_if.priced
    assert [kind for _, kind, _ in what_if.rows] == ["", "ours", ""]
    assert [readable(cell) for cell in what_if.rows[1][2]] == [
        *("0.10 %", "480", "48.00", "1 440.00", "7")
    ]
    assert what_if.panel is not None
    kinds = {mark.title.split(":")[0]: mark.kind.split()[0] for mark in what_if.panel.marks}
    assert kinds == {"price 5": "other", "price 20": "ours", "target tracking 70 %": "rival"}
    name, _, cells = side_by_side.rows[-1]
    assert name == "b − a"
    assert [readable(cell) for cell in cells] == ["−0.700 %", "+30.0", "–", "–", "0"]
    page = render_lab(a_lab(trace))
    assert "Side by side" in page
    assert "USD in 30 days" in page
    tags = Tags(page)
    ids = [str(attributes["id"]) for _, attributes in tags.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    bare = render_lab(a_lab(a_trace(outlays=[outlay("price 5", 900.0, 80.0, None)])))
    assert "USD" not in bare
