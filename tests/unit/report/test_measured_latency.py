"""Latency on the page, where the requests were real ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from predictive_autoscaler.report.page import render
from predictive_autoscaler.report.replay import MeasuredLatency, ReplayReport
from predictive_autoscaler.report.verdict import verdict
from tests.unit.report.html_page import embedded
from tests.unit.report.test_page import BINS, a_report


def latency(slow: int, minutes: float) -> MeasuredLatency:
    p95 = np.full(BINS, 0.4)
    p95[7] = np.nan
    return MeasuredLatency(p95, 0.41, 1000, slow, 1, minutes, 12)


def measured(ours: MeasuredLatency, rival: MeasuredLatency) -> ReplayReport:
    report = a_report()
    first, second, *others = report.runs
    runs = [replace(first, latency=ours), replace(second, latency=rival), *others]
    return replace(report, runs=runs, objective_seconds=1.5)


def test_the_page_shows_what_was_measured() -> None:
    page = render(measured(latency(10, 900), latency(80, 1000)))
    assert "Latency, as measured" in page
    assert "The objective is 1.50 s" in page
    assert "0.41 s" in page
    data = embedded(page)
    assert data["objective"] == 1.5
    assert data["runs"][0]["p95"][6:9] == [0.4, None, 0.4]
    assert data["runs"][2]["p95"] is None


def test_without_measurements_nothing_speaks_of_latency() -> None:
    page = render(a_report())
    assert "Latency, as measured" not in page
    assert embedded(page)["objective"] is None


def test_the_verdict_goes_by_what_was_measured() -> None:
    better = verdict(measured(latency(10, 900), latency(80, 1000)))
    worse = verdict(measured(latency(80, 1000), latency(10, 900)))
    assert "let 1.00" in better.long
    assert "900 instance-minutes" in better.long
    assert better.short != worse.short


def test_a_few_requests_more_or_less_are_chance() -> None:
    few = verdict(measured(latency(1, 900), latency(0, 1000)))
    assert few.short == "Better: the same misses at a lower cost"
    assert few.long.endswith("1 requests against 0: chance.")
    many = verdict(measured(latency(30, 900), latency(10, 1000)))
    assert many.short == "Mixed: a lower cost, but more misses"
    assert "chance" not in many.long


def test_what_is_reckoned_stands_apart_from_what_was_measured() -> None:
    page = render(measured(latency(10, 900), latency(80, 1000)))
    top, below = page.split("Compared with other policies")
    assert "Requests missed" not in top
    assert "Reckoned as the lab does, not measured" in below
    assert "not measured" not in render(a_report())


def test_no_request_is_no_share() -> None:
    assert MeasuredLatency(np.array([]), 0.0, 0, 0, 0, 0.0, 0).slow_share == 0.0
