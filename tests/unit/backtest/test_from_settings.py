"""Settings of a controller as a replay takes them: each has a say, or is named as having none."""

from __future__ import annotations

from pathlib import Path

import pytest

from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.app.settings_file import names_in, read_settings_file
from predictive_autoscaler.app.settings_table import PREFIX, SETTINGS
from predictive_autoscaler.backtest.from_settings import (
    NOT_REPLAYED,
    misbeliefs,
    options_believing,
    options_under,
)
from predictive_autoscaler.backtest.lab import LabOptions

WITH_PRICE = "AUTOSCALER_INSTANCE_HOUR_PRICE=0.1\n"
REPLAYED = {
    "INTERVAL_MINUTES": "10",
    "BOOT_MINUTES": "9",
    "TIMEZONE": "Europe/Berlin",
    "CAPACITY_PER_INSTANCE": "123",
    "MISS_PRICE": "7",
    "MISSED_BUDGET": "0.01",
    "QUANTILE": "0.9",
    "INSTANCE_HOUR_PRICE": "0.2",
    "SURPLUS_HOUR_PRICE": "0.05",
    "BASELINE_CPU_PERCENT": "20",
    "SPENDING_CAP_USD": "40",
    "SPENDING_PERIOD": "month",
    "SCALE_IN_GRACE_MINUTES": "30",
    "SCALE_IN_STEP_PERCENT": "5",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.env"


def group(path: Path, text: str = "") -> GroupSettings:
    path.write_text(WITH_PRICE + text)
    (found,) = read_settings_file(path).groups
    return found


def test_every_setting_is_replayed_or_named_as_not() -> None:
    all_of_them = {setting.variable for setting in SETTINGS if setting.variable.startswith(PREFIX)}
    assert all_of_them == {PREFIX + name for name in REPLAYED} | NOT_REPLAYED


@pytest.mark.parametrize("name", REPLAYED)
def test_what_is_replayed_changes_the_options(path: Path, name: str) -> None:
    plain = options_under(group(path), LabOptions())
    text = f"{PREFIX}{name}={REPLAYED[name]}\n"
    if name == "INSTANCE_HOUR_PRICE":
        path.write_text(text)
        (changed,) = read_settings_file(path).groups
    else:
        changed = group(path, text)
    assert options_under(changed, LabOptions()) != plain


def test_in_a_given_world_what_settings_say_of_instances_is_belief(path: Path) -> None:
    world = LabOptions(boot_minutes=5.0, capacity_per_instance=100.0)
    settings = group(path, "AUTOSCALER_CAPACITY_PER_INSTANCE=200\nAUTOSCALER_BOOT_MINUTES=9\n")
    options = options_believing(settings, world)
    assert (options.boot_minutes, options.capacity_per_instance) == (5.0, 100.0)
    assert options.parameters["capacity_per_instance"] == 200.0
    assert list(misbeliefs(options, 100.0)) == [
        "takes an instance to carry 200 requests per interval; the replayed ones carry 100",
        "takes an instance to boot 9 minutes; the replayed ones take 5",
    ]


def test_without_a_word_on_it_the_world_is_believed(path: Path) -> None:
    options = options_believing(group(path), LabOptions(capacity_per_instance=100.0))
    assert "capacity_per_instance" not in options.parameters
    assert list(misbeliefs(options, 100.0)) == []


def test_the_names_in_a_file(path: Path) -> None:
    path.write_text("# a comment\nexport AUTOSCALER_MODE=full\nASG_NAME=shop\n")
    assert names_in(path) == ["AUTOSCALER_MODE", "ASG_NAME"]
