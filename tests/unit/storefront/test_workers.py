from __future__ import annotations

import random

import pytest

from predictive_autoscaler.storefront.service_times import (
    MEAN_MS,
    SHOPPING,
    capacity_per_second,
    drawn_seconds,
    mean_seconds,
)
from predictive_autoscaler.storefront.workers import Turn, Workers


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def booked(workers: Workers, seconds: float) -> Turn:
    turn = workers.book(seconds)
    assert turn is not None
    return turn


def test_the_earliest_worker_to_be_free_takes_the_request(clock: Clock) -> None:
    workers = Workers(2, 10, clock)
    turns = [booked(workers, seconds) for seconds in (3.0, 1.0, 1.0, 1.0)]
    assert [(turn.starts, turn.ends) for turn in turns] == [
        *((100, 103), (100, 101), (101, 102), (102, 103))
    ]
    assert workers.waiting() == 2
    clock.now = 101.5
    assert workers.waiting() == 1


def test_beyond_the_queue_requests_are_refused(clock: Clock) -> None:
    workers = Workers(2, 3, clock)
    assert [workers.book(1.0) is not None for _ in range(7)] == [True] * 5 + [False] * 2
    assert workers.refused == 2
    clock.now = 101.0
    assert [workers.book(1.0) is not None for _ in range(3)] == [True, True, False]


def test_without_a_queue_only_the_workers_count(clock: Clock) -> None:
    workers = Workers(2, 0, clock)
    assert [workers.book(1.0) is not None for _ in range(3)] == [True, True, False]
    clock.now = 101.0
    assert workers.book(1.0) is not None


def test_a_turn_begins_where_the_one_before_ended_however_late_it_is_noticed(clock: Clock) -> None:
    workers = Workers(1, 1000, clock)
    turns = [booked(workers, 0.1) for _ in range(101)]
    assert turns[-1].starts == pytest.approx(110.0)


def test_the_busy_share_is_that_since_the_last_call(clock: Clock) -> None:
    workers = Workers(2, 10, clock)
    booked(workers, 4.0)
    clock.now = 102.0
    assert workers.statistics()["busy_share"] == pytest.approx(0.5)
    clock.now = 106.0
    assert workers.statistics()["busy_share"] == pytest.approx(0.25)
    clock.now = 108.0
    assert workers.statistics()["busy_share"] == 0.0
    # Called again at the same moment, there is nothing to share.
    assert workers.statistics()["busy_share"] == 0.0


def test_percentiles_are_those_since_the_last_call(clock: Clock) -> None:
    workers = Workers(1, 100, clock)
    for hundredths in range(1, 101):
        workers.finish(Turn(clock.now - hundredths / 100, clock.now, clock.now))
    told = workers.statistics()
    assert told["served"] == 100
    assert told["p50_ms"] == pytest.approx(510)
    assert told["p95_ms"] == pytest.approx(960)
    assert workers.statistics()["p95_ms"] == 0


def test_an_instance_of_two_workers_carries_what_one_of_saleor_was_seen_to() -> None:
    assert capacity_per_second() == pytest.approx(20, rel=0.1)


def test_service_times_have_their_mean() -> None:
    rng = random.Random(1)
    drawn = [drawn_seconds(0.08, rng) for _ in range(20_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(0.08, rel=0.01)
    assert drawn_seconds(0.0, rng) == 0.0


def test_the_capacity_is_workers_by_mean_service_time() -> None:
    assert capacity_per_second({"products": 1}, workers=2, service_ms=100) == pytest.approx(20)
    mixed = {"product": 3, "checkoutComplete": 1}
    mean = (3 * MEAN_MS["product"] + MEAN_MS["checkoutComplete"]) / 4000
    assert capacity_per_second(mixed, workers=4) == pytest.approx(4 / mean)
    assert capacity_per_second(SHOPPING, 2, 164) == pytest.approx(capacity_per_second() / 2)
    assert mean_seconds("products", 41) == pytest.approx(0.041)
    assert capacity_per_second(service_ms=0) == float("inf")
