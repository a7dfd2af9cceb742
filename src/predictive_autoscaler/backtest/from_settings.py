"""Options of the lab from the settings of a controller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.app.settings_table import PREFIX
from predictive_autoscaler.backtest.lab import LabOptions
from predictive_autoscaler.core.demand import learn_capacity
from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.core.quality import assess
from predictive_autoscaler.core.types import Samples

_OF_THE_WORLD = frozenset(
    {
        "interval_seconds",
        "boot_minutes",
        "metric_delay_seconds",
        "capacity_per_instance",
        "default_capacity_per_instance",
        "objective_cpu_percent",
    }
)
"""Fields of the control parameters that say how the world is; the others shape decisions."""
NOT_REPLAYED = frozenset(
    PREFIX + name
    for name in (
        "GROUPS",
        "MODE",
        "METRIC_DELAY_SECONDS",
        "METRIC_PERIOD_SECONDS",
        "HISTORY_DAYS",
        "REQUESTS_PER_TARGET",
        "TARGET_CPU_PERCENT",
        "MAX_MODEL_AGE_DAYS",
        "MODEL",
        "NOTIFY_STEP",
        "METRICS_LEVEL",
        "MODEL_CACHE_MB",
    )
)
"""Settings that change nothing in a replay: there metrics come whole and at once, what an instance
carries is given, the model is trained on the way, and nobody is told."""


def options_under(group: GroupSettings, base: LabOptions) -> LabOptions:
    """What a replay under these settings takes, in the world that they describe; without a
    capacity in them, that of `base`.
    """
    parameters = group.parameters
    return replace(
        base,
        interval_minutes=parameters.interval_seconds // 60,
        boot_minutes=parameters.boot_minutes,
        capacity_per_instance=parameters.capacity_per_instance or base.capacity_per_instance,
        parameters=_shaping(parameters),
    )


def options_believing(group: GroupSettings, world: LabOptions) -> LabOptions:
    """The same in a given world: what the settings say of instances is what the controller
    believes, whatever they really carry and however long they really boot.
    """
    parameters = group.parameters
    believed: dict[str, object] = {"boot_minutes": parameters.boot_minutes}
    if parameters.capacity_per_instance is not None:
        believed["capacity_per_instance"] = parameters.capacity_per_instance
    return replace(world, parameters=_shaping(parameters) | believed)


def misbeliefs(options: LabOptions, capacity: float) -> Iterator[str]:
    """What these options take the replayed instances for, where they are something else.

    Args:
        capacity: requests per interval that one of them carries.
    """
    believed = options.parameters.get("capacity_per_instance", capacity)
    if believed != capacity:
        yield (
            f"takes an instance to carry {believed:,.6g} requests per interval; the replayed ones "
            f"carry {capacity:,.6g}"
        )
    believed = options.parameters.get("boot_minutes", options.boot_minutes)
    if believed != options.boot_minutes:
        yield (
            f"takes an instance to boot {believed:g} minutes; the replayed ones take "
            f"{options.boot_minutes:g}"
        )


def _shaping(parameters: ControlParameters) -> dict[str, object]:
    """All that shapes a decision and is set."""
    names = (field.name for field in fields(parameters) if field.name not in _OF_THE_WORLD)
    chosen = {name: getattr(parameters, name) for name in names}
    return {name: value for name, value in chosen.items() if value is not None}


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
