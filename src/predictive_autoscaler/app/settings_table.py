"""One table of what can be set: its default, its range and what it means.

The environment of the Lambda, the settings of many groups, the options of the command line
and the documentation are all made from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from predictive_autoscaler.core.spending import PERIODS
from predictive_autoscaler.errors import MissingSettingError, SettingsError
from predictive_autoscaler.ports import MODES

PREFIX = "AUTOSCALER_"
"""Environment variables under this prefix that are not in the table are refused."""
FULL_METRICS_UP_TO = 10
BASIC_METRICS_UP_TO = 100
"""Groups; what custom metrics cost at these numbers is in docs/many-groups.md."""


@dataclass(frozen=True)
class Setting:
    """One row of the table. `read` turns text into a value or raises ValueError.

    Attributes:
        unit: of the number; empty where it is none.
        trades: what is given up for what, in whole sentences.
        shared: the same for all groups of a controller, so that no group can have its own.
    """

    variable: str
    default: Any
    read: Callable[[str], Any]
    allowed: str
    meaning: str
    unit: str
    trades: str
    shared: bool = False

    @property
    def required(self) -> bool:
        return self.default is _REQUIRED

    @property
    def key(self) -> str:
        """Its name among the settings of one group of many."""
        return self.variable.removeprefix(PREFIX).lower()

    def value(self, text: str) -> Any:
        """The value that the text stands for; an empty one is the default.

        Raises:
            SettingsError: it is outside the range, or there is no default.
        """
        if text == "":
            if self.required:
                raise MissingSettingError(f"{self.variable} is not set; it takes {self.allowed}")
            return self.default
        try:
            return self.read(text)
        except ValueError:
            raise SettingsError(f"{self.variable} is {text!r}; allowed is {self.allowed}") from None


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


def _group_name(text: str) -> str:
    """AWS allows any printable characters but these in a group's name."""
    if not re.fullmatch(r"[^\s:\x00-\x1f](?:[^:\x00-\x1f]{0,253}[^\s:\x00-\x1f])?", text):
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
    Setting(
        "ASG_NAME",
        None,
        _group_name,
        "1 to 255 characters",
        "The Auto Scaling group to scale. Needed unless AUTOSCALER_GROUPS names groups.",
        unit="",
        trades="One group is quickly set up; several share one function and its costs by "
        "AUTOSCALER_GROUPS.",
        shared=True,
    ),
    Setting(
        "LOAD_BALANCER",
        _REQUIRED,
        _dimension(r"app/[^/]+/[^/]+"),
        "app/NAME/ID",
        "The load balancer's CloudWatch dimension, the end of its ARN.",
        unit="",
        trades="Nothing: demand is counted there, and without it there is no forecast.",
    ),
    Setting(
        "TARGET_GROUP",
        None,
        _dimension(r"targetgroup/[^/]+/[^/]+"),
        "targetgroup/NAME/ID",
        "The target group's CloudWatch dimension; adds the count of healthy hosts.",
        unit="",
        trades="One more metric to read each tick, for a second witness when requests are "
        "absent: hosts that answer tell a quiet night from lost metrics.",
    ),
    Setting(
        "S3_BUCKET",
        _REQUIRED,
        _text,
        "a name",
        "Bucket of models, records and history.",
        unit="",
        trades="Nothing; but the record of a slot is also its lease, so each controller needs a "
        "bucket of its own.",
        shared=True,
    ),
    Setting(
        "SNS_TOPIC_ARN",
        None,
        _text,
        "an ARN",
        "Topic that is told of troubles.",
        unit="",
        trades="A message for each new trouble; without a topic they stand in the log and the "
        "records only.",
        shared=True,
    ),
    Setting(
        "AUTOSCALER_GROUPS",
        None,
        _text,
        'JSON {"defaults": {…}, "groups": {NAME: {…}}}, or s3://BUCKET/KEY of such a file',
        "More groups for the same function, each with its own settings; see docs/many-groups.md.",
        unit="",
        trades="One function for many groups is cheaper than one for each; they share its "
        "interval and the time that it has.",
        shared=True,
    ),
    Setting(
        "AUTOSCALER_MODE",
        "observe",
        _choice(*MODES),
        "off, observe or full",
        "observe decides and records; full also sets the group's capacity.",
        unit="",
        trades="observe risks nothing and gains nothing; full takes the group over, with its "
        "policies as a net. `predictive-autoscaler mode` shows what acting would have been worth.",
    ),
    Setting(
        "AUTOSCALER_INTERVAL_MINUTES",
        5,
        _interval,
        "1 to 60, a divisor of 60",
        "Minutes between decisions, and the length of a bin.",
        unit="minutes",
        trades="Shorter notices a surge sooner; it costs more calls, metrics and changes, and "
        "each bin is noisier.",
        shared=True,
    ),
    Setting(
        "AUTOSCALER_BOOT_MINUTES",
        5.0,
        _number(1, 20),
        "1 to 20",
        "Minutes from asking for an instance until it serves.",
        unit="minutes",
        trades="Too short: capacity comes after the traffic. Too long: the forecast reaches "
        "farther ahead than needed, is less sure, and buys more.",
    ),
    Setting(
        "AUTOSCALER_METRIC_DELAY_SECONDS",
        120,
        _whole(0, 900),
        "0 to 900",
        "How late CloudWatch completes a bin.",
        unit="seconds",
        trades="Less reacts sooner, but reads bins that are still filling up: partial ones hold "
        "scale-in.",
    ),
    Setting(
        "AUTOSCALER_METRIC_PERIOD_SECONDS",
        60,
        _whole(60, 3600),
        "60 to 3600, a divisor of the interval",
        "Period at which the metrics are read.",
        unit="seconds",
        trades="Longer reads fewer values; holes of single minutes are then not seen.",
    ),
    Setting(
        "AUTOSCALER_HISTORY_DAYS",
        14,
        _whole(9, 60),
        "9 to 60",
        "Days of metrics that a decision looks back on.",
        unit="days",
        trades="More gives the learned capacity and the lower rungs more to go by; a cold start "
        "reads all of it, which takes time and memory.",
    ),
    Setting(
        "AUTOSCALER_TIMEZONE",
        "UTC",
        _zone,
        "an IANA zone, such as Europe/Berlin",
        "Where the users' hours and weekdays are counted.",
        unit="",
        trades="Nothing, if it is the users' own; in another, the daily peak moves by an hour when "
        "their clocks change.",
    ),
    Setting(
        "AUTOSCALER_CAPACITY_PER_INSTANCE",
        None,
        _number(1e-6, 1e12),
        "above 0",
        "Requests per interval that one instance carries within the latency objective. "
        "Unset: learned from CPU.",
        unit="requests per interval",
        trades="Higher packs instances fuller: fewer hours, slower answers. Set, it does not "
        "move with releases and types; learned, it follows CPU and may mistake other load "
        "for requests.",
    ),
    Setting(
        "AUTOSCALER_REQUESTS_PER_TARGET",
        1000.0,
        _number(1e-6, 1e12),
        "above 0",
        "Requests per instance and minute to assume until the capacity is known.",
        unit="requests per minute",
        trades="As the capacity, for the first days: too high misses, too low spends.",
    ),
    Setting(
        "AUTOSCALER_TARGET_CPU_PERCENT",
        70.0,
        _number(10, 95),
        "10 to 95",
        "CPU at which the latency objective still holds; learning the capacity uses it.",
        unit="%",
        trades="Higher learns a larger capacity: fewer hours, less room before answers get slow.",
    ),
    Setting(
        "AUTOSCALER_MISS_PRICE",
        None,
        _number(1, 1e6),
        "1 to 1000000",
        "Fixed price of a missed request, in units of the capacity that serves one. Higher "
        "misses less and costs more. Unset: follows the record, within target tracking's hours.",
        unit="capacity that serves one request",
        trades="Instance-hours against missed requests, directly. A fixed price keeps no service "
        "level: the same one misses far more on noisy traffic than on smooth.",
    ),
    Setting(
        "AUTOSCALER_MISSED_BUDGET",
        None,
        _number(1e-5, 0.2),
        "0.00001 to 0.2",
        "Share of requests that may be missed; the price moves to hold it.",
        unit="share of requests",
        trades="A level of service against an open bill: on traffic that cannot be forecast, a "
        "small budget buys a multiple of what target tracking would.",
    ),
    Setting(
        "AUTOSCALER_QUANTILE",
        None,
        _number(0.5, 0.9999),
        "0.5 to 0.9999",
        "Serve this quantile of the largest demand in the forecast's horizon, whatever it costs. "
        "Set at most one of this, the price and the budget.",
        unit="share of outcomes",
        trades="Higher misses less and costs more; it ignores what either is worth, and acts "
        "more often than a price.",
    ),
    Setting(
        "AUTOSCALER_INSTANCE_HOUR_PRICE",
        None,
        _number(1e-4, 1000),
        "0.0001 to 1000",
        "USD for an hour of an instance: tells money beside hours; a cap is held against it.",
        unit="USD",
        trades="Nothing in the decision by itself; a wrong price makes money figures and the cap "
        "wrong.",
    ),
    Setting(
        "AUTOSCALER_SURPLUS_HOUR_PRICE",
        0.0,
        _number(0, 1000),
        "0 to 1000",
        "USD on top for an hour of an instance at 100 % CPU above its baseline: of burstable "
        "instances the vCPUs times the price of a surplus credit's vCPU-hour.",
        unit="USD",
        trades="As the price of an hour: left at 0 on burstable instances, sums are told too low.",
    ),
    Setting(
        "AUTOSCALER_BASELINE_CPU_PERCENT",
        0.0,
        _number(0, 100),
        "0 to 100",
        "CPU up to which an hour costs no surplus: 20 for a t3.medium.",
        unit="%",
        trades="As above: too low tells of surplus that AWS does not bill.",
    ),
    Setting(
        "AUTOSCALER_SPENDING_CAP_USD",
        None,
        _number(0.01, 1e7),
        "0.01 to 10000000",
        "Once so much is spent in a period, nothing is added beyond what the present traffic "
        "needs. Needs the price of an instance's hour. Unset: no cap.",
        unit="USD per period",
        trades="A certain bill against missed peaks: after the cap nothing stands ready ahead of "
        "traffic, and capacity follows it a boot late.",
    ),
    Setting(
        "AUTOSCALER_SPENDING_PERIOD",
        "day",
        _choice(*PERIODS),
        "day or month",
        "Period of the cap, in UTC.",
        unit="",
        trades="A day forgives a bad day the next morning; a month lets quiet days pay for busy "
        "ones, and can run dry for the rest of it.",
    ),
    Setting(
        "AUTOSCALER_MAX_MODEL_AGE_DAYS",
        14.0,
        _number(0.1, 365),
        "0.1 to 365",
        "A model trained longer ago is not used.",
        unit="days",
        trades="Longer bridges a retraining that failed, with a model that knows less and less "
        "of today; shorter falls back to the seasonal forecast sooner.",
    ),
    Setting(
        "AUTOSCALER_MODEL",
        None,
        _group_name,
        "a group's name",
        "Whose published model to use: of a group of the same kind. Unset: the group's own.",
        unit="",
        trades="A usable first day for a new group, against a model that has never seen its "
        "traffic.",
    ),
    Setting(
        "AUTOSCALER_SCALE_IN_GRACE_MINUTES",
        0.0,
        _number(0, 240),
        "0 to 240",
        "Scale in only after fewer instances have been called for so long. More is calmer and "
        "costs more; where there is no model, it is 15 or 30 at least.",
        unit="minutes",
        trades="Calm for money: fewer changes and fewer misses after a dip, more instance-hours.",
    ),
    Setting(
        "AUTOSCALER_SCALE_IN_STEP_PERCENT",
        50.0,
        _number(1, 50),
        "1 to 50",
        "At most this share of the instances goes at a time; without a model, 25 or 20 at most.",
        unit="% of the instances",
        trades="Smaller steps soften a wrong forecast and pay longer for capacity that is not "
        "needed.",
    ),
    Setting(
        "AUTOSCALER_NOTIFY_STEP",
        10,
        _whole(0, 1000),
        "0 to 1000",
        "People are told of a change by so many instances at once; 0: never.",
        unit="instances",
        trades="More messages, or fewer of the changes known to people.",
    ),
    Setting(
        "AUTOSCALER_METRICS_LEVEL",
        None,
        _choice("full", "basic", "none"),
        "full, basic or none",
        "How many custom metrics are published; each costs money by the month. Unset: full for "
        f"up to {FULL_METRICS_UP_TO} groups, basic for up to {BASIC_METRICS_UP_TO}, none for more.",
        unit="",
        trades="USD a month for what dashboards and alarms can see: basic keeps what alarms need, "
        "none what AWS measures itself.",
    ),
    Setting(
        "AUTOSCALER_MODEL_CACHE_MB",
        100,
        _whole(0, 10_000),
        "0 to 10000",
        "Memory for models between ticks; what does not fit is read from S3 each time.",
        unit="MB",
        trades="Memory of the function against a read from S3 for each model that does not fit, "
        "at every tick.",
        shared=True,
    ),
)
"""Every setting, in the order of the documentation."""
