"""Whether a decision that was read from a record holds numbers where numbers belong."""

from __future__ import annotations

from typing import TypeGuard

from predictive_autoscaler.core.types import Decision
from predictive_autoscaler.core.why import PriceGrounds

DRAWN_QUANTILES = ("0.05", "0.5", "0.95")
MOST = 1e15
"""Of instances as of requests: more is no number of either, and beyond what a chart can draw."""


def check_numbers(decision: Decision) -> None:
    """Look at all that is drawn or listed: reading JSON takes any value in any place.

    Raises:
        ValueError: it names the field, the value and what is allowed.
    """
    for name in ("before_instances", "after_instances", "wish_instances", "floor_instances"):
        _check_instances(name, getattr(decision, name))
    for candidate in decision.candidates:
        _check_instances("instances of a candidate", candidate.instances)
    for reason in decision.reasons:
        _check_instances("before_instances of a reason", reason.before_instances)
        _check_instances("after_instances of a reason", reason.after_instances)
    each = decision.capacity_per_instance
    if not (_is_number(each) and 0 < each <= MOST):
        raise ValueError(f"capacity_per_instance is {each!r}; allowed is a number above 0")
    if decision.miss_price is not None:
        _check_not_negative("miss_price", decision.miss_price)
    for name, value in vars(decision.price_grounds or PriceGrounds()).items():
        if value is not None:
            _check_not_negative(f"{name} of the price's grounds", value)
    _check_quantiles(decision)


def _check_quantiles(decision: Decision) -> None:
    for level, value in decision.quantiles.items():
        _check_not_negative(f"quantile {level}", value)
    lacking = [level for level in DRAWN_QUANTILES if level not in decision.quantiles]
    if decision.quantiles and lacking:
        raise ValueError(f"quantile {lacking[0]} is missing beside the others")


def _check_instances(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise ValueError(f"{name} is {value!r}; allowed is a whole number from 0 on")


def _check_not_negative(name: str, value: object) -> None:
    if not (_is_number(value) and 0 <= value <= MOST):
        raise ValueError(f"{name} is {value!r}; allowed is a number from 0 on")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
