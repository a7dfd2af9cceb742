"""Where work is done: on this machine's cores, or on a Dask cluster.

Every result is made by the same seeded functions of the same input, so it does not depend on
where they run.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import joblib
from joblib.externals import loky

from predictive_autoscaler.errors import SourceError
from predictive_autoscaler.model.extras import distributed_module

REACHED_WITHIN_SECONDS = 5
AHEAD = 2
"""Pieces of work that are handed out for each that can be done at once: nobody waits for the
next one, and what they are made from need not all be held at the same time."""
IDLE_SECONDS = 120
"""A process ends itself after so long without work: time enough to read a group's metrics, and
soon enough where whoever gave the work was killed."""
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def working_on(scheduler: str | None = None) -> Iterator[None]:
    """Have joblib do its work there for as long as the block runs.

    Args:
        scheduler: address of a Dask scheduler whose workers have this package installed;
            None stays on this machine.

    Raises:
        UsageError: Dask is not installed.
        SourceError: the scheduler cannot be reached, or has no workers.
    """
    if scheduler is None:
        with joblib.parallel_config(backend="loky"):
            yield
        return
    with _client(scheduler), joblib.parallel_config(backend="dask"):
        yield


@dataclass(frozen=True)
class Workers:
    """Somebody to do a long list of work.

    Attributes:
        executor: None does it in this very process.
        places: how many pieces can be done at once just now.
    """

    executor: Executor | None
    places: Callable[[], int]

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
        """Items and what the function makes of them, in the order in which they are done.

        Items are taken in this thread, a few ahead of the work.

        Raises:
            SourceError: the workers broke down; the function itself should not raise.
        """
        if self.executor is None:
            yield from ((item, function(item)) for item in items)
            return
        under_way: dict[Future[R], T] = {}
        try:
            for item in items:
                under_way[self.executor.submit(function, item)] = item
                while len(under_way) >= AHEAD * max(self.places(), 1):
                    yield from _finished(under_way)
            while under_way:
                yield from _finished(under_way)
        finally:
            for future in under_way:
                future.cancel()


def _finished(under_way: dict[Future[R], T]) -> Iterator[tuple[T, R]]:
    """Wait until something is done, and give it away."""
    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
        item = under_way.pop(future)
        try:
            result = future.result()
        except Exception as error:  # whatever a pool or a cluster may die of
            raise SourceError(
                f"the workers broke down ({type(error).__name__}: {_one_line(error)}); is there "
                "enough memory for so many at once? What was finished is kept"
            ) from error
        yield item, result


@contextmanager
def workers(scheduler: str | None = None, jobs: int = -1) -> Iterator[Workers]:
    """Workers for as long as the block runs; if it fails, what they are doing is given up.

    Args:
        scheduler: as for `working_on`; there, `jobs` does not matter.
        jobs: processes on this machine, each with one thread; -1 is one for each core, and
            1 is this process.

    Raises:
        UsageError: Dask is not installed.
        SourceError: the scheduler cannot be reached, or has no workers.
    """
    if scheduler is not None:
        with _client(scheduler) as client:
            yield Workers(client.get_executor(pure=False), lambda: sum(client.ncores().values()))
        return
    count = joblib.cpu_count() if jobs == -1 else jobs
    if count == 1:
        yield Workers(None, lambda: 1)
        return
    executor = loky.get_reusable_executor(
        max_workers=count,
        timeout=IDLE_SECONDS,
        env=_ONE_THREAD,
        reuse=False,
        # A terminal interrupts everybody; it is for this process to end the others, quietly.
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        yield Workers(executor, lambda: count)
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)
        raise
    executor.shutdown(wait=True)


def _client(scheduler: str) -> Any:
    """A client of the cluster; it has made sure that somebody is there to work."""
    distributed = distributed_module()
    try:
        client = distributed.Client(scheduler, timeout=REACHED_WITHIN_SECONDS, set_as_default=True)
    except (OSError, TimeoutError, ValueError) as error:
        raise SourceError(
            f"--scheduler is {scheduler!r}; no Dask scheduler answers there within "
            f"{REACHED_WITHIN_SECONDS} s ({_one_line(error)})"
        ) from None
    if not client.scheduler_info()["workers"]:
        client.close()
        raise SourceError(f"--scheduler is {scheduler!r}; that cluster has no workers")
    return client


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
