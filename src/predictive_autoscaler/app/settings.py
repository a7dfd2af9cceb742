"""The settings: one table of what can be set, its default, its range and what it means.

They are read in one place, checked at start, and frozen. The same table gives the
environment of the Lambda, the options of the command line and the documentation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from predictive_autoscaler.core.parameters import ControlParameters
from predictive_autoscaler.errors import SettingsError
from predictive_autoscaler.ports import MODES

PREFIX = "AUTOSCALER_"
"""Environment variables under this prefix that are not in the table are refused."""


@dataclass(frozen=True)
class Setting:
    """One row of the table. `read` turns text into a value or raises ValueError."""

    variable: str
    default: Any
    read: Callable[[str], Any]
    allowed: str
    meaning: str

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED


_REQUIRED = object()


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and low <= value <= high):
            raise ValueError
        return value

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError
        return value

    return read


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text


def _dimension(pattern: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return read


def _choice(*options: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in options:
            raise ValueError
        return text

    return read


def _interval(text: str) -> int:
    minutes = _whole(1, 60)(text)
    if 60 % minutes:
        raise ValueError
    return minutes


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError from error
    return text


SETTINGS = (
    Setting("ASG_NAME", _REQUIRED, _text, "a name", "The Auto Scaling group to scale."),
    Setting(
        "LOAD_BALANCER",
        _REQUIRED,
        _dimension(r"app/[^/]+/[^/]+"),
        "app/NAME/ID",
        "The load balancer's CloudWatch dimension, the end of its ARN.",
    ),
    Setting(
        "TARGET_GROUP",
        None,
        _dimension(r"targetgroup/[^/]+/[^/]+"),
        "targetgroup/NAME/ID",
        "The target group's CloudWatch dimension; adds the count of healthy hosts.",
    ),
    Setting("S3_BUCKET", _REQUIRED, _text, "a name", "Bucket of models, records and history."),
    Setting("SNS_TOPIC_ARN", None, _text, "an ARN", "Topic that is told of troubles."),
    Setting(
        "AUTOSCALER_MODE",
        "observe",
        _choice(*MODES),
        "off, observe or full",
        "observe decides and records; full also sets the group's capacity.",
    ),
    Setting(
        "AUTOSCALER_INTERVAL_MINUTES",
        5,
        _interval,
        "1 to 60, a divisor of 60",
        "Minutes between decisions, and the length of a bin.",
    ),
    Setting(
        "AUTOSCALER_BOOT_MINUTES",
        5.0,
        _number(1, 20),
        "1 to 20",
        "Minutes from asking for an instance until it serves.",
    ),
    Setting(
        "AUTOSCALER_METRIC_DELAY_SECONDS",
        120,
        _whole(0, 900),
        "0 to 900",
        "How late CloudWatch completes a bin. Smaller reacts sooner, on less data.",
    ),
    Setting(
        "AUTOSCALER_METRIC_PERIOD_SECONDS",
        60,
        _whole(60, 3600),
        "60 to 3600, a divisor of the interval",
        "Period at which the metrics are read.",
    ),
    Setting(
        "AUTOSCALER_HISTORY_DAYS",
        14,
        _whole(9, 60),
        "9 to 60",
        "Days of metrics that a decision looks back on.",
    ),
    Setting(
        "AUTOSCALER_TIMEZONE",
        "UTC",
        _zone,
        "an IANA zone, such as Europe/Berlin",
        "Where the users' hours and weekdays are counted.",
    ),
    Setting(
        "AUTOSCALER_CAPACITY_PER_INSTANCE",
        None,
        _number(1e-6, 1e12),
        "above 0",
        "Requests per interval that one instance carries within the latency objective. "
        "Unset: learned from CPU.",
    ),
    Setting(
        "AUTOSCALER_REQUESTS_PER_TARGET",
        1000.0,
        _number(1e-6, 1e12),
        "above 0",
        "Requests per instance and minute to assume until the capacity is known.",
    ),
    Setting(
        "AUTOSCALER_TARGET_CPU_PERCENT",
        70.0,
        _number(10, 95),
        "10 to 95",
        "CPU at which the latency objective still holds; learning the capacity uses it.",
    ),
    Setting(
        "AUTOSCALER_MISS_PRICE",
        None,
        _number(1, 1e6),
        "1 to 1000000",
        "Fixed price of a missed request, in units of the capacity that serves one. Higher "
        "misses less and costs more. Unset: follows the record, within target tracking's hours.",
    ),
    Setting(
        "AUTOSCALER_MISSED_BUDGET",
        None,
        _number(1e-5, 0.2),
        "0.00001 to 0.2",
        "Share of requests that may be missed; the price moves to hold it.",
    ),
    Setting(
        "AUTOSCALER_QUANTILE",
        None,
        _number(0.5, 0.9999),
        "0.5 to 0.9999",
        "Serve this quantile of the largest demand in the forecast's horizon, whatever it costs. "
        "Set at most one of this, the price and the budget.",
    ),
    Setting(
        "AUTOSCALER_INSTANCE_HOUR_PRICE",
        None,
        _number(1e-4, 1000),
        "0.0001 to 1000",
        "USD for an hour of an instance, for `backtest` to tell money; no decision depends on it.",
    ),
    Setting(
        "AUTOSCALER_MAX_MODEL_AGE_DAYS",
        14.0,
        _number(0.1, 365),
        "0.1 to 365",
        "A model trained longer ago is not used.",
    ),
    Setting(
        "AUTOSCALER_METRICS_LEVEL",
        "full",
        _choice("full", "basic", "none"),
        "full, basic or none",
        "How many custom metrics are published; each costs money by the month.",
    ),
)
"""Every setting, in the order of the documentation."""


AIMS = ("AUTOSCALER_MISS_PRICE", "AUTOSCALER_MISSED_BUDGET", "AUTOSCALER_QUANTILE")
"""Each says by itself how much is to be spent, so only one of them can be meant."""


@dataclass(frozen=True)
class GroupSettings:
    """What one group needs: names to find it by, and how to decide."""

    name: str
    load_balancer: str
    target_group: str | None
    mode: str
    parameters: ControlParameters
    metric_period_seconds: int
    history_days: int
    max_model_age_days: float
    metrics_level: str
    instance_hour_price: float | None = None
    """USD; only a backtest reads it."""


@dataclass(frozen=True)
class Settings:
    """Everything that the Lambda is told."""

    bucket: str
    topic_arn: str | None
    groups: tuple[GroupSettings, ...]


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Build and check the settings from environment variables.

    Raises:
        SettingsError: one is missing, unknown, outside its range or against another.
    """
    known = {setting.variable for setting in SETTINGS}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise SettingsError(f"unknown setting {unknown[0]}; known are {', '.join(sorted(known))}")
    values = {setting.variable: _value(setting, environment) for setting in SETTINGS}
    return _assemble(values)


def check_setting(variable: str, text: str) -> None:
    """Check one value against the table.

    Raises:
        SettingsError: it is outside the range.
    """
    setting = next(row for row in SETTINGS if row.variable == variable)
    _value(setting, {variable: text})


def _value(setting: Setting, environment: Mapping[str, str]) -> Any:
    text = environment.get(setting.variable, "")
    if text == "":
        if setting.required:
            raise SettingsError(f"{setting.variable} is not set; it takes {setting.allowed}")
        return setting.default
    try:
        return setting.read(text)
    except ValueError:
        raise SettingsError(
            f"{setting.variable} is {text!r}; allowed is {setting.allowed}"
        ) from None


def _check_one_aim(values: Mapping[str, Any]) -> None:
    given = [name for name in AIMS if values[name] is not None]
    if len(given) > 1:
        raise SettingsError(f"{' and '.join(given)} are set together; set at most one of them")


def _assemble(values: Mapping[str, Any]) -> Settings:
    def of(name: str) -> Any:
        return values[PREFIX + name]

    _check_one_aim(values)
    interval_seconds = of("INTERVAL_MINUTES") * 60
    period = of("METRIC_PERIOD_SECONDS")
    if period % 60 or interval_seconds % period:
        raise SettingsError(
            f"{PREFIX}METRIC_PERIOD_SECONDS is {period}; it must be a multiple of 60 that "
            f"divides the interval of {interval_seconds} s"
        )
    parameters = ControlParameters(
        interval_seconds=interval_seconds,
        boot_minutes=of("BOOT_MINUTES"),
        metric_delay_seconds=of("METRIC_DELAY_SECONDS"),
        timezone=of("TIMEZONE"),
        capacity_per_instance=of("CAPACITY_PER_INSTANCE"),
        default_capacity_per_instance=of("REQUESTS_PER_TARGET") * of("INTERVAL_MINUTES"),
        objective_cpu_percent=of("TARGET_CPU_PERCENT"),
        miss_price=of("MISS_PRICE"),
        missed_budget=of("MISSED_BUDGET"),
        quantile=of("QUANTILE"),
    )
    group = GroupSettings(
        name=values["ASG_NAME"],
        load_balancer=values["LOAD_BALANCER"],
        target_group=values["TARGET_GROUP"],
        mode=of("MODE"),
        parameters=parameters,
        metric_period_seconds=period,
        history_days=of("HISTORY_DAYS"),
        max_model_age_days=of("MAX_MODEL_AGE_DAYS"),
        metrics_level=of("METRICS_LEVEL"),
        instance_hour_price=of("INSTANCE_HOUR_PRICE"),
    )
    return Settings(values["S3_BUCKET"], values["SNS_TOPIC_ARN"], (group,))
