from __future__ import annotations

import math

import pytest

from predictive_autoscaler.rehearsal.window import Recorder, Window, joined


def recorded() -> Window:
    recorder = Recorder(objective_seconds=1.0)
    for seconds, status in ((0.2, 200), (0.9, 400), (1.5, 200), (0.1, 502)):
        recorder.answered(seconds, status)
    recorder.refused()
    return recorder.take(5.0)


def test_what_an_alb_would_count() -> None:
    window = recorded()
    assert window.requests == 5
    assert window.latencies == (0.2, 0.9, 1.5, 0.1)
    assert (window.errors, window.refused) == (1, 1)
    assert window.seconds == 5.0


def test_slow_is_what_took_too_long_failed_or_was_refused() -> None:
    assert recorded().slow == 3


def test_a_window_begins_where_the_one_before_ended() -> None:
    recorder = Recorder(1.0)
    recorder.refused()
    recorder.take(5.0)
    assert recorder.take(7.5) == Window(2.5, (), 0, 0, 0)


def test_without_answers_there_is_no_latency() -> None:
    window = Recorder(1.0).take(1.0)
    assert math.isnan(window.latency(0.95))
    assert math.isnan(window.mean_latency)


def test_it_travels_as_json() -> None:
    assert Window.from_json(recorded().to_json()) == recorded()


def test_windows_join() -> None:
    one = joined([recorded(), recorded()])
    assert (one.requests, one.slow, one.seconds) == (10, 6, 10.0)
    assert one.latency(1.0) == pytest.approx(1.5)
