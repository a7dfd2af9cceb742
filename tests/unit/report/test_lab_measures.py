"""Points, front and means."""

from __future__ import annotations

import math

import pytest

from predictive_autoscaler.report.lab_measures import (
    Point,
    beaten_by,
    dominated_by,
    geometric_mean,
    is_peer,
    mean_point,
    pareto_front,
    policy_names,
)
from tests.unit.report.lab_reports import OURS, RIVAL, a_lab, a_trace, scored_trace


def front(*pairs: tuple[float, float]) -> list[int]:
    return pareto_front([Point(str(index), *pair) for index, pair in enumerate(pairs)])


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], []),
        ([(1.2, 0.1)], [0]),
        ([(1.5, 0.1), (1.2, 0.3), (1.3, 0.2)], [1, 2, 0]),
        ([(1.2, 0.1), (1.3, 0.2)], [0]),
        ([(1.2, 0.2), (1.2, 0.1)], [1]),  # as dear, but misses more
        ([(1.2, 0.1), (1.4, 0.1)], [0]),  # misses as much, but dearer
        ([(1.2, 0.1), (1.1, 0.3), (1.2, 0.1)], [1, 0, 2]),  # equals stay
        ([(1.2, 0.0), (1.2, 0.0), (1.0, 0.0)], [2]),
        ([(math.nan, 0.0), (1.2, 0.1), (1.1, math.nan)], [1]),
    ],
)
def test_front(pairs: list[tuple[float, float]], expected: list[int]) -> None:
    assert front(*pairs) == expected


def test_front_is_what_nobody_dominates() -> None:
    pairs = [(1 + i * 7 % 5 / 10, i * 3 % 7 / 10) for i in range(20)]
    expected = {
        i
        for i, (cost, missed) in enumerate(pairs)
        if not any(c <= cost and m <= missed and (c, m) != (cost, missed) for c, m in pairs)
    }
    assert set(front(*pairs)) == expected


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("predictive", False),
        ("predictive+net", False),
        ("predictive +net 70 %", False),
        ("oracle", False),
        ("predictive scaling of AWS", True),
        ("static peak", True),
    ],
)
def test_peers(name: str, peer: bool) -> None:
    assert is_peer(name, OURS) is peer


def test_who_is_better_in_both() -> None:
    trace = scored_trace(
        "a",
        {
            OURS: (100, 20),
            "oracle": (80, 0),
            "predictive+net": (90, 10),
            "both": (99, 19),
            "same hours": (100, 10),
            "same missed": (90, 20),
            "equal": (100, 20),
            "mixed": (90, 30),
        },
    )
    assert beaten_by(trace, OURS) == ["both"]
    assert dominated_by(trace, OURS) == ["both", "same hours", "same missed"]
    assert beaten_by(trace, "absent") == dominated_by(trace, "absent") == []


def test_means() -> None:
    traces = [
        scored_trace("a", {OURS: (110, 10), "oracle": (100, 0), "rare": (100, 0)}),
        scored_trace("b", {OURS: (440, 30), "oracle": (100, 0)}),
    ]
    mean = mean_point(traces, OURS)
    assert mean.cost == pytest.approx(2.2)
    assert mean.missed == pytest.approx(0.002)
    assert not mean_point(traces, "rare").known
    assert not mean_point([], OURS).known
    assert math.isnan(geometric_mean([1.0, 0.0]))
    assert math.isnan(geometric_mean([]))


def test_mean_without_an_oracle_keeps_what_was_missed() -> None:
    mean = mean_point([scored_trace("a", {OURS: (110, 10)})], OURS)
    assert math.isnan(mean.cost)
    assert mean.missed == pytest.approx(0.001)


def test_ours_comes_first() -> None:
    trace = a_trace()
    names = policy_names(a_lab(scored_trace("a", {RIVAL: (1, 1)}), trace))
    assert names[:2] == [OURS, RIVAL]
    assert len(names) == len(trace.runs)
