"""Handing out work, whoever does it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from predictive_autoscaler.errors import SourceError
from predictive_autoscaler.model.backends import AHEAD, Workers, workers


def squared(number: int) -> int:
    return number * number


def die(number: int) -> int:
    os._exit(number)


def own_process(number: int) -> int:
    time.sleep(0.1)
    return os.getpid()


def test_one_job_is_done_here() -> None:
    with workers(jobs=1) as pool:
        assert list(pool.each(squared, [3, 1])) == [(3, 9), (1, 1)]
        assert {done for _, done in pool.each(own_process, [1])} == {os.getpid()}


def test_everything_is_done_once_whatever_the_number_of_workers() -> None:
    for places in (1, 2, 50):
        with ThreadPoolExecutor(2) as executor:
            pool = Workers(executor, lambda places=places: places)  # type: ignore[misc]
            done = sorted(pool.each(squared, range(20)))
        assert done == [(number, number * number) for number in range(20)]


def test_items_are_taken_only_a_little_ahead_of_the_work() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    with ThreadPoolExecutor(1) as executor:
        each = Workers(executor, lambda: 1).each(squared, items())
        for done, _ in enumerate(each, 1):
            assert len(taken) <= done + AHEAD + 1


def test_what_is_not_wanted_any_more_is_not_begun() -> None:
    begun = []

    def slow(number: int) -> None:
        begun.append(number)
        time.sleep(0.05)

    with ThreadPoolExecutor(1) as executor:
        each = Workers(executor, lambda: 5).each(slow, range(10))
        next(each)
        each.close()  # type: ignore[attr-defined]
    assert len(begun) <= 3


def test_processes_work_side_by_side_and_end() -> None:
    with workers(jobs=2) as pool:
        processes = {process for _, process in pool.each(own_process, range(8))}
    assert os.getpid() not in processes
    assert 1 <= len(processes) <= 2
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_worker_that_dies_is_told() -> None:
    with pytest.raises(SourceError, match="the workers broke down"), workers(jobs=2) as pool:
        list(pool.each(die, [1, 1, 1]))


def test_after_trouble_nobody_goes_on_working() -> None:
    seen = []

    def interrupted() -> None:
        with workers(jobs=2) as pool:
            for _, process in pool.each(own_process, range(4)):
                seen.append(process)
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    (process,) = seen
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
