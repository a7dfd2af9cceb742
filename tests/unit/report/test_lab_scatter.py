"""The charts of cost against missed, and their labels."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from predictive_autoscaler.report.lab_labels import Box, Spot, place
from predictive_autoscaler.report.lab_measures import Point
from predictive_autoscaler.report.lab_page import render_lab
from predictive_autoscaler.report.lab_scatter import beyond, cost_ticks, panels, short_name
from tests.unit.report.lab_reports import OURS, RIVAL, a_lab, a_trace, scored_trace

AREA = Box(0, 0, 300, 250)


def test_a_panel_for_each_trace_and_one_for_the_mean() -> None:
    titles = [panel.title for panel in panels(a_lab())]
    assert titles == ["Mean of 2 traces", "one", "two"]
    assert [panel.title for panel in panels(a_lab(a_trace("alone")))] == ["alone"]
    assert panels(a_lab(scored_trace("none", {}))) == []


def test_marks_stand_for_policies() -> None:
    scores = {
        OURS: (120.0, 20.0),
        RIVAL: (140.0, 20.0),
        "oracle": (100.0, 0.0),
        "cheap": (110.0, 90.0),
    }
    panel = panels(a_lab(scored_trace("a", scores)))[0]
    kinds = {mark.label.text: mark.kind for mark in panel.marks}
    assert kinds == {
        "predictive": "ours front",
        "tracking 70 %": "rival",
        "oracle": "oracle",
        "cheap": "other front",
    }
    assert panel.marks[-1].kind.startswith("ours")
    places = {mark.label.text: (mark.x, mark.y) for mark in panel.marks}
    assert places["oracle"][0] < places["cheap"][0] < places["predictive"][0]
    assert places["cheap"][1] < places["predictive"][1] < places["oracle"][1]
    assert "cost 1.20×, missed 0.20" in panel.marks[-1].title


def test_what_lies_farther_to_the_right_is_an_arrow_the_rival_too() -> None:
    far = {OURS: (120.0, 2.0), RIVAL: (400.0, 1.0), "oracle": (100.0, 0.0), "cheap": (110.0, 9.0)}
    text = render_lab(a_lab(scored_trace("a", far)))
    mark = r'<g class="mark rival [^"]*beyond">.*?<path d="([^"]+)"'
    (drawn,) = re.findall(mark, text, re.DOTALL)
    assert drawn.endswith("l9 5l-9 5z")


def test_the_rival_is_drawn_where_others_would_be_an_arrow() -> None:
    points = [Point("a", 1.0, 0), Point("b", 1.1, 0), Point("c", 1.45, 0)]
    assert beyond(points, "b", "c") == []
    assert beyond([*points[:2], Point("c", 2.5, 0)], "b", "c") != []


def test_without_an_oracle_hours_are_drawn() -> None:
    trace = a_trace()
    bare = a_trace(runs=[run for run in trace.runs if run.name != "oracle"])
    panel = panels(a_lab(bare))[0]
    assert "no oracle" in panel.x_label
    assert len(panel.marks) == len(bare.runs)


def test_policies_that_did_not_run_everywhere_are_named() -> None:
    both = {OURS: (120.0, 1.0), "oracle": (100.0, 0.0)}
    lab = a_lab(scored_trace("a", both), scored_trace("b", {**both, "rare": (130.0, 1.0)}))
    assert panels(lab)[0].note == "Not run on every trace: rare."
    assert len(panels(lab)[0].marks) == 2


def test_one_that_costs_far_more_does_not_squeeze_the_others() -> None:
    points = [Point("a", 1.0, 0), Point("b", 1.4, 0), Point("peak", 9.0, 0)]
    assert [point.name for point in beyond(points, "a")] == ["peak"]
    assert beyond(points, "peak") == []
    assert beyond([Point("a", 1.0, 0), Point("b", 1.1, 0), Point("c", 1.45, 0)], "a")
    assert beyond(points[:2], "a") == []
    marks = panels(a_lab(scored_trace("a", {p.name: (100 * p.cost, 0) for p in points})))[0].marks
    assert len(marks) == 3


def test_names_fit() -> None:
    assert short_name("target tracking 70 %") == "tracking 70 %"
    assert short_name("seasonal naive + reactive") == "seasonal naive"
    assert len(short_name("x" * 50)) == 20


@pytest.mark.parametrize(("low", "high"), [(0.95, 1.1), (0.9, 3), (0.9, 40), (900, 1100), (3, 1e5)])
def test_ticks_are_few_and_round(low: float, high: float) -> None:
    ticks = cost_ticks(low, high)
    assert 2 <= len(ticks) <= 9
    assert all(low <= value <= high and len(text) <= 7 for value, text in ticks)


def test_labels_keep_apart() -> None:
    spots = [Spot(150 + 3 * index, 120 + 2 * index, f"policy {index}") for index in range(10)]
    labels = place(spots, AREA)
    assert [label.text for label in labels] == [spot.text for spot in spots]
    assert all(AREA.holds(label.box) for label in labels)
    assert all(one.box.shared(other.box) == 0 for one, other in combinations(labels, 2))
    assert labels[0].leader is None
    assert any(label.leader for label in labels)


def test_labels_for_which_there_is_no_room_are_still_placed() -> None:
    small = Box(0, 0, 40, 20)
    assert len(place([Spot(20, 10, "a very long name")] * 3, small)) == 3
