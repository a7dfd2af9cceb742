"""Options of the lab from the settings of a controller."""

from __future__ import annotations

from dataclasses import replace

from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.backtest.lab import LabOptions
from predictive_autoscaler.core.demand import learn_capacity
from predictive_autoscaler.core.quality import assess
from predictive_autoscaler.core.types import Samples

_SHAPING = ("timezone", "objective_cpu_percent", "miss_price", "missed_budget", "quantile")
"""Fields of the control parameters that a replay takes over; metrics come without delay."""


def options_under(group: GroupSettings, base: LabOptions) -> LabOptions:
    """What a replay under these settings takes; without a capacity in them, that of `base`."""
    parameters = group.parameters
    shaping = {name: getattr(parameters, name) for name in _SHAPING}
    return replace(
        base,
        interval_minutes=parameters.interval_seconds // 60,
        boot_minutes=parameters.boot_minutes,
        capacity_per_instance=parameters.capacity_per_instance or base.capacity_per_instance,
        parameters={name: value for name, value in shaping.items() if value is not None},
    )


def capacity_of(group: GroupSettings, recorded: Samples) -> tuple[float, str]:
    """Requests per interval that an instance carries, and where that is known from.

    The same three places as in production: the setting, the CPU that was recorded, and
    the requests per target to assume until then.
    """
    parameters = group.parameters
    if parameters.capacity_per_instance is not None:
        return parameters.capacity_per_instance, "the setting AUTOSCALER_CAPACITY_PER_INSTANCE"
    assumed = parameters.default_capacity_per_instance
    known = assess(recorded, assumed / 10)
    learned = learn_capacity(recorded, known, parameters.objective_cpu_percent)
    if learned is not None:
        return learned, "learned from the recorded CPU"
    return assumed, "assumed from AUTOSCALER_REQUESTS_PER_TARGET, for want of CPU to learn from"
