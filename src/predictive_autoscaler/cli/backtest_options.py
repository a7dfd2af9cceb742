"""What the options of `backtest` mean, checked; errors name option, value and range."""

from __future__ import annotations

import json
import math
from datetime import datetime
from enum import Enum
from pathlib import Path

from predictive_autoscaler.adapters.stores.controls import control_from_json
from predictive_autoscaler.cli.moments import moment_of
from predictive_autoscaler.core.types import Bounds, CalendarEvent
from predictive_autoscaler.errors import DataError, UsageError
from predictive_autoscaler.files import read_named

MISS_PRICES = (1.0, 1e6)
BUDGETS = (1e-5, 0.2)
QUANTILES = (0.5, 0.9999)
LEAST_INSTANCES, MOST_INSTANCES = 1, 60


def read_moment(text: str | None) -> datetime | None:
    """`--eval-start`: an aware time.

    Raises:
        UsageError: it is no time, or has no zone.
    """
    return None if text is None else moment_of(text, "--eval-start")


def read_calendar(path: Path | None) -> tuple[CalendarEvent, ...]:
    """`--calendar`: announced events; none without a file.

    Raises:
        UsageError: the file cannot be read, or an event in it is malformed.
    """
    if path is None:
        return ()
    try:
        text = read_named(path, "a calendar", UsageError)
        return control_from_json({"calendar": json.loads(text)}).calendar
    except json.JSONDecodeError as error:
        raise UsageError(f"--calendar {path}: line {error.lineno} is not JSON") from None
    except (ValueError, DataError) as error:
        raise UsageError(f"--calendar {path}: {error}") from None
    except UsageError as error:
        raise UsageError(f"--calendar {error}") from None


def read_bounds(low: int | None, high: int | None) -> Bounds | None:
    """`--min` and `--max`; None if neither is given.

    Raises:
        UsageError: the minimum is the larger.
    """
    if low is None and high is None:
        return None
    low = LEAST_INSTANCES if low is None else low
    high = MOST_INSTANCES if high is None else high
    if low > high:
        raise UsageError(f"--min is {low} and --max is {high}; the minimum must not be larger")
    return Bounds(low, high)


def read_capacity(requests: float | None) -> float | None:
    """`--capacity-per-instance`; None leaves it to the trace.

    Raises:
        UsageError: it is no number of requests.
    """
    if requests is not None and not 0 < requests < math.inf:
        raise UsageError(
            f"--capacity-per-instance is {requests:g}; allowed are finite numbers above 0"
        )
    return requests


def read_interval(minutes: int | None) -> int:
    """`--interval-minutes`; five by default.

    Raises:
        UsageError: hours do not divide into it.
    """
    if minutes is None:
        return 5
    if 60 % minutes:
        raise UsageError(f"--interval-minutes is {minutes}; allowed is 1 to 60, a divisor of 60")
    return minutes


def read_grain(minutes: int) -> int:
    """`--grain`.

    Raises:
        UsageError: misses cannot be counted so.
    """
    if minutes not in (1, 5):
        raise UsageError(f"--grain is {minutes}; allowed is 5 or 1")
    return minutes


class Backend(Enum):
    """Joblib's backends that can be chosen."""

    LOKY = "loky"
    DASK = "dask"


def read_scheduler(backend: Backend, scheduler: str | None) -> str | None:
    """`--backend` and `--scheduler`: the address of a cluster; None for this machine.

    Raises:
        UsageError: a cluster without an address, or an address without a cluster.
    """
    if backend is Backend.DASK and not scheduler:
        raise UsageError("--backend dask needs --scheduler ADDRESS, such as tcp://10.0.0.5:8786")
    if backend is Backend.LOKY and scheduler:
        raise UsageError(f"--scheduler is {scheduler!r}, but --backend is loky; allowed with dask")
    return scheduler


def read_aim(
    miss_price: float | None, budget: str | None, quantile: str | None
) -> dict[str, float]:
    """How much is to be spent, as fields of the control parameters; none is the default.

    Raises:
        UsageError: more than one is given, or one is outside its range.
    """
    options = {"--miss-price": miss_price, "--budget": budget, "--quantile": quantile}
    given = [name for name, value in options.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} are given together; give at most one of them")
    if miss_price is not None:
        _check("--miss-price", f"{miss_price:g}", miss_price, MISS_PRICES, "1 to 1000000")
        return {"miss_price": miss_price}
    if budget is not None:
        return {"missed_budget": _share("--budget", budget, BUDGETS, "0.001% to 20%")}
    if quantile is not None:
        return {"quantile": _share("--quantile", quantile, QUANTILES, "0.5 to 0.9999")}
    return {}


def _share(option: str, text: str, allowed: tuple[float, float], told: str) -> float:
    """A share, written as such or in percent."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = float("nan")
    _check(option, text, value, allowed, f"{told}, as a share or in percent (0.9 or 90%)")
    return value


def _check(option: str, text: str, value: float, allowed: tuple[float, float], told: str) -> None:
    low, high = allowed
    # 0.001 % is not quite 1e-5 once divided; nobody means the difference.
    if not low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
        raise UsageError(f"{option} is {text!r}; allowed is {told}")
