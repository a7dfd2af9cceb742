"""The settings: read in one place, checked at start, and frozen.

What one group needs comes from the environment; many groups come from one JSON document,
which the environment holds or says where to find, laid over what else the environment says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from predictive_autoscaler.app.settings_table import (
    BASIC_METRICS_UP_TO,
    FULL_METRICS_UP_TO,
    PREFIX,
    SETTINGS,
    Setting,
)
from predictive_autoscaler.core.parameters import ControlParameters, default_caution
from predictive_autoscaler.core.spending import Prices
from predictive_autoscaler.errors import MissingSettingError, SettingsError, UnknownSettingError

AIMS = ("AUTOSCALER_MISS_PRICE", "AUTOSCALER_MISSED_BUDGET", "AUTOSCALER_QUANTILE")
"""Each says by itself how much is to be spent, so only one of them can be meant."""
ELSEWHERE = "s3://"
"""How AUTOSCALER_GROUPS begins where it only says where the groups are written."""
GROUPS = "AUTOSCALER_GROUPS"
_BY_VARIABLE = {setting.variable: setting for setting in SETTINGS}
_BY_KEY = {setting.key: setting for setting in SETTINGS if not setting.shared}


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
    model_of: str | None = None
    """The group whose model is used; None is its own."""
    notify_step: int = 10
    """Instances at once that are worth telling people of; 0: never."""

    @property
    def model(self) -> str:
        """Under which name the model is published."""
        return self.model_of or self.name


@dataclass(frozen=True)
class Settings:
    """Everything that the Lambda is told.

    Attributes:
        refused: groups that are left alone since their settings are wrong, and why.
        model_cache_bytes: memory for models between ticks.
    """

    bucket: str
    topic_arn: str | None
    groups: tuple[GroupSettings, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    model_cache_bytes: int = 100_000_000


def read_settings(
    environment: Mapping[str, str], fetch: Callable[[str], str] | None = None
) -> Settings:
    """Build and check the settings from environment variables.

    What is wrong in the environment, or with the list of groups as a whole, is an error. A
    single group of the list with wrong settings is left out and named in `refused`, so that
    it does not stop the others.

    Args:
        fetch: reads the text behind AUTOSCALER_GROUPS where that is an s3:// address.

    Raises:
        SettingsError: one is missing, unknown, outside its range or against another.
    """
    unknown = sorted(
        name for name in environment if name.startswith(PREFIX) and name not in _BY_VARIABLE
    )
    if unknown:
        raise UnknownSettingError(unknown[0], _BY_VARIABLE)
    texts = {name: environment.get(name, "") for name in _BY_VARIABLE}
    listed = _listed(texts[GROUPS], fetch)
    alone = texts["ASG_NAME"]
    if not alone and not listed:
        raise MissingSettingError(
            f"ASG_NAME is not set; it takes {_BY_VARIABLE['ASG_NAME'].allowed}, or else {GROUPS} "
            "has to name groups"
        )
    if alone and alone in listed:
        raise SettingsError(f"ASG_NAME is {alone!r}, and AUTOSCALER_GROUPS has that group, too")
    shared = {row.variable: row.value(texts[row.variable]) for row in SETTINGS if row.shared}
    groups, refused = {}, {}
    count = len(listed) + bool(alone)
    if alone:
        groups[alone] = _group(alone, texts, shared, count)
    else:
        _check(texts)
    for name, own in listed.items():
        try:
            groups[name] = _group(name, texts | _texts(own), shared, count)
        except SettingsError as error:
            refused[name] = str(error)
    if not groups:
        raise SettingsError(
            f"no group has settings that can be used: {next(iter(refused.values()))}"
        )
    return Settings(
        bucket=shared["S3_BUCKET"],
        topic_arn=shared["SNS_TOPIC_ARN"],
        groups=tuple(groups.values()),
        refused=refused,
        model_cache_bytes=shared["AUTOSCALER_MODEL_CACHE_MB"] * 1_000_000,
    )


def groups_address(environment: Mapping[str, str]) -> str | None:
    """Where the groups are listed, if that is outside the environment."""
    text = environment.get(GROUPS, "")
    return text if text.startswith(ELSEWHERE) else None


def check_setting(variable: str, text: str) -> None:
    """Check one value against the table.

    Raises:
        SettingsError: it is outside the range.
    """
    _BY_VARIABLE[variable].value(text)


def _check(texts: Mapping[str, str]) -> None:
    """Look over values that are defaults of groups: none may be wrong, but any may be absent."""
    for setting in SETTINGS:
        if texts[setting.variable]:
            setting.value(texts[setting.variable])


def _listed(text: str, fetch: Callable[[str], str] | None) -> dict[str, dict[str, Any]]:
    """Each listed group's own settings, laid over the list's defaults.

    Raises:
        SettingsError: the list as a whole cannot be used.
    """
    if not text:
        return {}
    where = GROUPS
    if text.startswith(ELSEWHERE):
        if fetch is None:
            raise SettingsError(f"{where} is {text!r}, which cannot be read here")
        where, text = text, fetch(text)
    try:
        content = json.loads(text, object_pairs_hook=_without_repetition)
    except ValueError as error:
        raise SettingsError(f"{where} is not JSON: {error}") from None
    lists = _objects(content, where, {"defaults", "groups"})
    groups = lists.get("groups")
    if not groups:
        raise SettingsError(f"{where} has no groups; it takes {_BY_VARIABLE[GROUPS].allowed}")
    defaults = lists.get("defaults", {})
    try:
        _check(dict.fromkeys(_BY_VARIABLE, "") | _texts(defaults))
    except SettingsError as error:
        raise SettingsError(f"{where}: defaults: {error}") from None
    return {
        name: {**defaults, **own} if isinstance(own, dict) else {"?": own}
        for name, own in groups.items()
    }


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice in one object")
    return content


def _objects(content: object, where: str, known: set[str]) -> dict[str, dict[str, Any]]:
    if not isinstance(content, dict):
        raise SettingsError(f"{where} is no object; it takes {_BY_VARIABLE[GROUPS].allowed}")
    for key, value in content.items():
        if key not in known:
            raise SettingsError(
                f"{where} has the unknown key {key!r}; known are {', '.join(sorted(known))}"
            )
        if not isinstance(value, dict):
            raise SettingsError(f"{where}: {key} is no object")
    return content


def _texts(own: Mapping[str, Any]) -> dict[str, str]:
    """A group's settings as the environment would have them.

    Raises:
        SettingsError: an unknown key, or a value that is neither text nor number.
    """
    texts = {}
    for key, value in own.items():
        if key not in _BY_KEY:
            raise SettingsError(
                f"unknown setting {key!r} of a group; known are {', '.join(sorted(_BY_KEY))}"
            )
        texts[_BY_KEY[key].variable] = _text(_BY_KEY[key], value)
    return texts


def _text(setting: Setting, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise SettingsError(f"{setting.key} is {json.dumps(value)}; allowed is {setting.allowed}")
    return str(value)


def _group(
    name: str, texts: Mapping[str, str], shared: Mapping[str, Any], count: int
) -> GroupSettings:
    """One group's settings; `count` is how many groups there are.

    Raises:
        SettingsError: one is missing, outside its range or against another.
    """
    named = _BY_VARIABLE["ASG_NAME"]
    if named.value(name) is None:
        raise SettingsError(f"a group's name is empty; allowed is {named.allowed}")
    values = {
        row.variable: shared[row.variable] if row.shared else row.value(texts[row.variable])
        for row in SETTINGS
    }

    def of(key: str) -> Any:
        return values[PREFIX + key]

    _check_one_aim(values)
    return GroupSettings(
        name=name,
        load_balancer=values["LOAD_BALANCER"],
        target_group=values["TARGET_GROUP"],
        mode=of("MODE"),
        parameters=_parameters(of),
        metric_period_seconds=_period(of),
        history_days=of("HISTORY_DAYS"),
        max_model_age_days=of("MAX_MODEL_AGE_DAYS"),
        metrics_level=of("METRICS_LEVEL") or _metrics_level(count),
        instance_hour_price=of("INSTANCE_HOUR_PRICE"),
        model_of=of("MODEL"),
        notify_step=of("NOTIFY_STEP"),
    )


def _parameters(of: Callable[[str], Any]) -> ControlParameters:
    return ControlParameters(
        interval_seconds=of("INTERVAL_MINUTES") * 60,
        boot_minutes=of("BOOT_MINUTES"),
        metric_delay_seconds=of("METRIC_DELAY_SECONDS"),
        timezone=of("TIMEZONE"),
        capacity_per_instance=of("CAPACITY_PER_INSTANCE"),
        default_capacity_per_instance=of("REQUESTS_PER_TARGET") * of("INTERVAL_MINUTES"),
        objective_cpu_percent=of("TARGET_CPU_PERCENT"),
        miss_price=of("MISS_PRICE"),
        missed_budget=of("MISSED_BUDGET"),
        quantile=of("QUANTILE"),
        caution={
            rung: caution.at_least(of("SCALE_IN_GRACE_MINUTES"), of("SCALE_IN_STEP_PERCENT") / 100)
            for rung, caution in default_caution().items()
        },
        prices=_prices(of),
    )


def _prices(of: Callable[[str], Any]) -> Prices | None:
    price, cap = of("INSTANCE_HOUR_PRICE"), of("SPENDING_CAP_USD")
    if price is None:
        if cap is not None:
            raise SettingsError(
                f"{PREFIX}SPENDING_CAP_USD is {cap:g}, but {PREFIX}INSTANCE_HOUR_PRICE is not set; "
                "without it nobody knows what is spent"
            )
        return None
    return Prices(
        instance_hour_usd=price,
        surplus_hour_usd=of("SURPLUS_HOUR_PRICE"),
        baseline_cpu_percent=of("BASELINE_CPU_PERCENT"),
        cap_usd=cap,
        period=of("SPENDING_PERIOD"),
    )


def _period(of: Callable[[str], Any]) -> int:
    period: int = of("METRIC_PERIOD_SECONDS")
    interval_seconds = of("INTERVAL_MINUTES") * 60
    if period % 60 or interval_seconds % period:
        raise SettingsError(
            f"{PREFIX}METRIC_PERIOD_SECONDS is {period}; it must be a multiple of 60 that "
            f"divides the interval of {interval_seconds} s"
        )
    return period


def _metrics_level(groups: int) -> str:
    if groups <= FULL_METRICS_UP_TO:
        return "full"
    return "basic" if groups <= BASIC_METRICS_UP_TO else "none"


def _check_one_aim(values: Mapping[str, Any]) -> None:
    given = [name for name in AIMS if values[name] is not None]
    if len(given) > 1:
        raise SettingsError(f"{' and '.join(given)} are set together; set at most one of them")
