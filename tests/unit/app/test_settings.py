from __future__ import annotations

import importlib.util
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from predictive_autoscaler import lambda_app
from predictive_autoscaler.app.settings import (
    GroupSettings,
    Settings,
    check_setting,
    read_settings,
)
from predictive_autoscaler.app.settings_table import PREFIX, SETTINGS, Setting
from predictive_autoscaler.core.types import Rung
from predictive_autoscaler.errors import SettingsError

ROOT = Path(__file__).parents[3]
LEAST = {"ASG_NAME": "web", "LOAD_BALANCER": "app/web/1", "S3_BUCKET": "bucket"}
PRICED = {"AUTOSCALER_INSTANCE_HOUR_PRICE": "0.05"}
"""Settings about money are read only where an hour has a price."""
ROWS = {row.variable: row for row in SETTINGS}


def read(**variables: str) -> Settings:
    return read_settings(LEAST | variables)


def group(**variables: str) -> GroupSettings:
    """With variables of the prefix, written without it."""
    return read(**{PREFIX + name: value for name, value in variables.items()}).groups[0]


def value_of(settings: Settings, variable: str) -> Any:
    """Where each row of the table ends up."""
    group = settings.groups[0]
    parameters = group.parameters
    prices = parameters.prices
    places: dict[str, Any] = {
        "ASG_NAME": group.name,
        "LOAD_BALANCER": group.load_balancer,
        "TARGET_GROUP": group.target_group,
        "S3_BUCKET": settings.bucket,
        "SNS_TOPIC_ARN": settings.topic_arn,
        "AUTOSCALER_MODE": group.mode,
        "AUTOSCALER_INTERVAL_MINUTES": parameters.interval_seconds / 60,
        "AUTOSCALER_BOOT_MINUTES": parameters.boot_minutes,
        "AUTOSCALER_METRIC_DELAY_SECONDS": parameters.metric_delay_seconds,
        "AUTOSCALER_METRIC_PERIOD_SECONDS": group.metric_period_seconds,
        "AUTOSCALER_HISTORY_DAYS": group.history_days,
        "AUTOSCALER_TIMEZONE": parameters.timezone,
        "AUTOSCALER_CAPACITY_PER_INSTANCE": parameters.capacity_per_instance,
        "AUTOSCALER_REQUESTS_PER_TARGET": parameters.default_capacity_per_instance
        / (parameters.interval_seconds / 60),
        "AUTOSCALER_TARGET_CPU_PERCENT": parameters.objective_cpu_percent,
        "AUTOSCALER_MISS_PRICE": parameters.miss_price,
        "AUTOSCALER_MISSED_BUDGET": parameters.missed_budget,
        "AUTOSCALER_QUANTILE": parameters.quantile,
        "AUTOSCALER_INSTANCE_HOUR_PRICE": group.instance_hour_price,
        "AUTOSCALER_MAX_MODEL_AGE_DAYS": group.max_model_age_days,
        "AUTOSCALER_METRICS_LEVEL": group.metrics_level,
        "AUTOSCALER_SURPLUS_HOUR_PRICE": prices and prices.surplus_hour_usd,
        "AUTOSCALER_BASELINE_CPU_PERCENT": prices and prices.baseline_cpu_percent,
        "AUTOSCALER_SPENDING_CAP_USD": prices and prices.cap_usd,
        "AUTOSCALER_SPENDING_PERIOD": prices and prices.period,
        "AUTOSCALER_MODEL": group.model_of,
        "AUTOSCALER_SCALE_IN_GRACE_MINUTES": parameters.caution[Rung.FOREST].grace_minutes,
        "AUTOSCALER_SCALE_IN_STEP_PERCENT": 100 * parameters.caution[Rung.FOREST].step_share,
        "AUTOSCALER_NOTIFY_STEP": group.notify_step,
        "AUTOSCALER_MODEL_CACHE_MB": settings.model_cache_bytes / 1e6,
        # Its content shows in the groups; see test_groups_in_settings.py.
        "AUTOSCALER_GROUPS": None,
    }
    return places[variable]


DEFAULTS = {
    "TARGET_GROUP": None,
    "SNS_TOPIC_ARN": None,
    "AUTOSCALER_MODE": "observe",
    "AUTOSCALER_INTERVAL_MINUTES": 5,
    "AUTOSCALER_BOOT_MINUTES": 5,
    "AUTOSCALER_METRIC_DELAY_SECONDS": 120,
    "AUTOSCALER_METRIC_PERIOD_SECONDS": 60,
    "AUTOSCALER_HISTORY_DAYS": 14,
    "AUTOSCALER_TIMEZONE": "UTC",
    "AUTOSCALER_CAPACITY_PER_INSTANCE": None,
    "AUTOSCALER_REQUESTS_PER_TARGET": 1000,
    "AUTOSCALER_TARGET_CPU_PERCENT": 70,
    "AUTOSCALER_MISS_PRICE": None,
    "AUTOSCALER_MISSED_BUDGET": None,
    "AUTOSCALER_QUANTILE": None,
    "AUTOSCALER_INSTANCE_HOUR_PRICE": None,
    "AUTOSCALER_MAX_MODEL_AGE_DAYS": 14,
    # Without a price there is no money at all.
    "AUTOSCALER_SURPLUS_HOUR_PRICE": None,
    "AUTOSCALER_BASELINE_CPU_PERCENT": None,
    "AUTOSCALER_SPENDING_CAP_USD": None,
    "AUTOSCALER_SPENDING_PERIOD": None,
    "AUTOSCALER_METRICS_LEVEL": "full",
    "AUTOSCALER_MODEL": None,
    "AUTOSCALER_SCALE_IN_GRACE_MINUTES": 0,
    "AUTOSCALER_SCALE_IN_STEP_PERCENT": 50,
    "AUTOSCALER_NOTIFY_STEP": 10,
    "AUTOSCALER_MODEL_CACHE_MB": 100,
    "AUTOSCALER_GROUPS": None,
}
ALLOWED = {
    "ASG_NAME": ["web", "a b"],
    "LOAD_BALANCER": ["app/web/0123456789abcdef"],
    "TARGET_GROUP": ["targetgroup/web/0123456789abcdef"],
    "S3_BUCKET": ["bucket"],
    "SNS_TOPIC_ARN": ["arn:aws:sns:eu-central-1:123456789012:topic"],
    "AUTOSCALER_MODE": ["off", "observe", "full"],
    "AUTOSCALER_INTERVAL_MINUTES": ["1", "5", "15", "60"],
    "AUTOSCALER_BOOT_MINUTES": ["1", "2.5", "20"],
    "AUTOSCALER_METRIC_DELAY_SECONDS": ["0", "900"],
    "AUTOSCALER_METRIC_PERIOD_SECONDS": ["60", "300"],
    "AUTOSCALER_HISTORY_DAYS": ["9", "60"],
    "AUTOSCALER_TIMEZONE": ["Europe/Berlin", "Asia/Kathmandu"],
    "AUTOSCALER_CAPACITY_PER_INSTANCE": ["0.000001", "1e12"],
    "AUTOSCALER_REQUESTS_PER_TARGET": ["0.001", "1e11"],
    "AUTOSCALER_TARGET_CPU_PERCENT": ["10", "95"],
    "AUTOSCALER_MISS_PRICE": ["1", "1000000"],
    "AUTOSCALER_MISSED_BUDGET": ["0.00001", "0.2"],
    "AUTOSCALER_QUANTILE": ["0.5", "0.9999"],
    "AUTOSCALER_INSTANCE_HOUR_PRICE": ["0.0001", "0.096", "1000"],
    "AUTOSCALER_MAX_MODEL_AGE_DAYS": ["0.1", "365"],
    "AUTOSCALER_SURPLUS_HOUR_PRICE": ["0", "0.1", "1000"],
    "AUTOSCALER_BASELINE_CPU_PERCENT": ["0", "20", "100"],
    "AUTOSCALER_SPENDING_CAP_USD": ["0.01", "10000000"],
    "AUTOSCALER_SPENDING_PERIOD": ["day", "month"],
    "AUTOSCALER_METRICS_LEVEL": ["full", "basic", "none"],
    "AUTOSCALER_MODEL": ["another web"],
    "AUTOSCALER_SCALE_IN_GRACE_MINUTES": ["0", "7.5", "240"],
    "AUTOSCALER_SCALE_IN_STEP_PERCENT": ["1", "50"],
    "AUTOSCALER_NOTIFY_STEP": ["0", "1000"],
    "AUTOSCALER_MODEL_CACHE_MB": ["0", "10000"],
    "AUTOSCALER_GROUPS": [],
}
REFUSED = {
    "ASG_NAME": [" "],
    "LOAD_BALANCER": ["\t"],
    "TARGET_GROUP": [" "],
    "S3_BUCKET": ["  "],
    "SNS_TOPIC_ARN": [" "],
    "AUTOSCALER_MODE": ["FULL", "on", "dry-run"],
    "AUTOSCALER_INTERVAL_MINUTES": ["0", "-5", "7", "61", "120", "5.0", "five"],
    "AUTOSCALER_BOOT_MINUTES": ["0.99", "20.01", "nan", "inf", "soon"],
    "AUTOSCALER_METRIC_DELAY_SECONDS": ["-1", "901", "60.5"],
    "AUTOSCALER_METRIC_PERIOD_SECONDS": ["59", "3601", "0", "x"],
    "AUTOSCALER_HISTORY_DAYS": ["8", "61", "9.5"],
    "AUTOSCALER_TIMEZONE": ["Europe/Atlantis", "CEST+2", "../../etc/passwd", "/etc/localtime"],
    "AUTOSCALER_CAPACITY_PER_INSTANCE": ["0", "-1", "1.1e12", "nan", "inf"],
    "AUTOSCALER_REQUESTS_PER_TARGET": ["0", "-1000", "nan"],
    "AUTOSCALER_TARGET_CPU_PERCENT": ["9.9", "95.1", "70 %"],
    "AUTOSCALER_MISS_PRICE": ["0.99", "1000001", "nan"],
    "AUTOSCALER_MISSED_BUDGET": ["0", "0.000009", "0.21", "1 %"],
    "AUTOSCALER_QUANTILE": ["0.49", "1", "95", "nan"],
    "AUTOSCALER_INSTANCE_HOUR_PRICE": ["0", "-1", "1001", "$1", "nan"],
    "AUTOSCALER_MAX_MODEL_AGE_DAYS": ["0", "0.09", "366"],
    "AUTOSCALER_SURPLUS_HOUR_PRICE": ["-0.1", "1001", "nan"],
    "AUTOSCALER_BASELINE_CPU_PERCENT": ["-1", "101", "20 %"],
    "AUTOSCALER_SPENDING_CAP_USD": ["0", "-5", "$50", "nan"],
    "AUTOSCALER_SPENDING_PERIOD": ["week", "Day"],
    "AUTOSCALER_METRICS_LEVEL": ["all", "None", "Full"],
    "AUTOSCALER_MODEL": [" ", "a:b", "x" * 256],
    "AUTOSCALER_SCALE_IN_GRACE_MINUTES": ["-1", "241", "nan"],
    "AUTOSCALER_SCALE_IN_STEP_PERCENT": ["0.9", "51", "50 %"],
    "AUTOSCALER_NOTIFY_STEP": ["-1", "1001", "2.5"],
    "AUTOSCALER_MODEL_CACHE_MB": ["-1", "10001", "1.5"],
    "AUTOSCALER_GROUPS": [],
}


def test_these_tables_have_every_row() -> None:
    """A new setting without a line in the tables above would go untested."""
    assert ROWS.keys() == ALLOWED.keys() == REFUSED.keys()
    assert ROWS.keys() - DEFAULTS.keys() == LEAST.keys()


@pytest.mark.parametrize("variable", DEFAULTS)
def test_default(variable: str) -> None:
    assert value_of(read(), variable) == DEFAULTS[variable]


@pytest.mark.parametrize("variable", DEFAULTS)
def test_an_empty_variable_is_one_that_is_not_set(variable: str) -> None:
    """Terraform gives a Lambda empty texts where nothing was said."""
    assert read(**{variable: ""}) == read()


@pytest.mark.parametrize("variable", LEAST)
@pytest.mark.parametrize("given", [{}, {"": ""}])
def test_what_has_no_default_must_be_set(variable: str, given: dict[str, str]) -> None:
    environment = {name: text for name, text in LEAST.items() if name != variable}
    with pytest.raises(SettingsError, match=f"^{variable} is not set; it takes ") as caught:
        read_settings(environment | ({variable: ""} if given else {}))
    assert ROWS[variable].allowed in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "text"), [(row, text) for row, texts in ALLOWED.items() for text in texts]
)
def test_the_edges_of_the_range_are_allowed(variable: str, text: str) -> None:
    found = value_of(read(**PRICED | {variable: text}), variable)
    assert found == (text if isinstance(found, str) else pytest.approx(float(text)))


@pytest.mark.parametrize(
    ("variable", "text"), [(row, text) for row, texts in REFUSED.items() for text in texts]
)
def test_what_lies_outside_is_refused_with_setting_value_and_range(
    variable: str, text: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**{variable: text})
    message = str(caught.value)
    assert message == f"{variable} is {text!r}; allowed is {ROWS[variable].allowed}"
    with pytest.raises(SettingsError) as alone:
        check_setting(variable, text)
    assert str(alone.value) == message


def test_an_unknown_key_is_refused() -> None:
    """A misspelt setting must not silently leave the default in force."""
    with pytest.raises(SettingsError) as caught:
        read(AUTOSCALER_MISPRICE="20")
    message = str(caught.value)
    assert "unknown setting AUTOSCALER_MISPRICE" in message
    assert all(variable in message for variable in ROWS)


def test_other_programs_variables_are_no_concern() -> None:
    assert read(PATH="/bin", AWS_LAMBDA_FUNCTION_NAME="x", AUTOSCALE="1") == read()


@pytest.mark.parametrize("left_out", ["MISS_PRICE", "MISSED_BUDGET", "QUANTILE", None])
def test_price_budget_and_quantile_exclude_each_other(left_out: str | None) -> None:
    all_three = {"MISS_PRICE": "20", "MISSED_BUDGET": "0.01", "QUANTILE": "0.95"}
    given = {name: text for name, text in all_three.items() if name != left_out}
    with pytest.raises(SettingsError) as caught:
        group(**given)
    together = " and ".join(PREFIX + name for name in given)
    assert str(caught.value) == f"{together} are set together; set at most one of them"


@pytest.mark.parametrize(
    ("minutes", "period"), [("5", "600"), ("5", "120"), ("5", "90"), ("1", "300")]
)
def test_the_period_must_divide_the_interval(minutes: str, period: str) -> None:
    with pytest.raises(SettingsError) as caught:
        group(INTERVAL_MINUTES=minutes, METRIC_PERIOD_SECONDS=period)
    message = str(caught.value)
    assert f"AUTOSCALER_METRIC_PERIOD_SECONDS is {period}" in message
    assert f"{int(minutes) * 60} s" in message


def test_requests_per_target_are_by_the_minute() -> None:
    """1,000 a minute are 15,000 in a bin of 15 minutes."""
    parameters = group(INTERVAL_MINUTES="15").parameters
    assert parameters.default_capacity_per_instance == 15_000


def test_settings_are_frozen() -> None:
    settings = read()
    with pytest.raises(FrozenInstanceError):
        settings.bucket = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        settings.groups[0].mode = "full"  # type: ignore[misc]


def test_every_row_says_what_it_means_and_what_it_trades() -> None:
    for row in SETTINGS:
        assert row.meaning.endswith(".")
        assert row.trades.endswith(".")
        assert row.allowed


def test_numbers_have_a_unit_and_names_have_none() -> None:
    """A number is what "1" stands for, wherever one lies in the range."""
    numbers = {row.variable for row in SETTINGS if is_number(row)}
    assert len(numbers) == 20
    assert {row.variable for row in SETTINGS if row.unit} == numbers


def is_number(row: Setting) -> bool:
    for text in ("1", "9", "60", "0.1", "0.5"):
        try:
            if isinstance(row.value(text), int | float):
                return True
        except SettingsError:
            continue
    return False


def test_the_lambdas_entry_point_is_the_handler() -> None:
    path = ROOT / "lambda" / "lambda_function.py"
    spec = importlib.util.spec_from_file_location("lambda_function", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.lambda_handler is lambda_app.handler


def test_a_cap_without_a_price_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"SPENDING_CAP_USD is 50, but .*HOUR_PRICE is not set"):
        group(SPENDING_CAP_USD="50")
