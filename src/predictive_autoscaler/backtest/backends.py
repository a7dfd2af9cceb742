"""Where the lab's work is done: on this machine's cores, or on a Dask cluster.

Every result is made by the same seeded functions of the same input, so it does not depend on
where they run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import joblib

from predictive_autoscaler.backtest.extras import distributed_module
from predictive_autoscaler.errors import SourceError

REACHED_WITHIN_SECONDS = 5


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
