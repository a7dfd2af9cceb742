"""The controller's own metrics: names that dashboards and alarms rest on."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import pytest

from predictive_autoscaler.app.published_metrics import NAMESPACE
from predictive_autoscaler.core.types import utc_from_text
from predictive_autoscaler.ports import GroupControl, MetricValue
from tests.helpers.shop import FIRST_TICK, GROUP, World, entry, features, shop, world

QUARTER = timedelta(minutes=15)
ALARMS = {
    "WantedCapacity",
    "DesiredCapacity",
    "InServiceCapacity",
    "DataState",
    "ModelState",
    "ModeState",
    "ForecastCoverage",
}
ALL = ALARMS | {
    "ActualDemand",
    "ForecastLower",
    "ForecastMedian",
    "ForecastUpper",
    "ForecastError",
}


def published(made: World) -> dict[str, list[MetricValue]]:
    found = defaultdict(list)
    for value in made.sink.values:
        found[value.name].append(value)
    return dict(found)


def newest(made: World) -> dict[str, float]:
    return {name: values[-1].value for name, values in published(made).items()}


def test_the_namespace_is_the_documented_one() -> None:
    assert NAMESPACE == "SaleorPredictiveScaling"


@pytest.mark.parametrize(("level", "names"), [("full", ALL), ("basic", ALARMS), ("none", set())])
def test_each_level_publishes_its_metrics(level: str, names: set[str]) -> None:
    """Every custom metric costs money by the month."""
    made = world(METRICS_LEVEL=level)
    made.run(6)
    assert published(made).keys() == names
    assert {value.group for value in made.sink.values} <= {GROUP}


def test_capacities_are_those_of_the_decision() -> None:
    made = world(desired=3)
    record = made.step()
    decision, values = entry(record)["decision"], newest(made)
    assert values["WantedCapacity"] == decision["wish_instances"]
    assert values["DesiredCapacity"] == decision["after_instances"]
    assert values["InServiceCapacity"] == 3
    assert {value.at for value in published(made)["DesiredCapacity"]} == {FIRST_TICK}


def test_demand_is_written_with_the_time_it_came() -> None:
    made = world()
    made.run(3)
    times = {value.at: value.value for value in published(made)["ActualDemand"]}
    start = utc_from_text("2026-03-10T23:45:00Z")
    first = (start - shop().start) // QUARTER
    assert times == {start + k * QUARTER: shop().requests[first + k] for k in range(3)}


def test_a_forecast_is_written_with_the_time_that_it_is_for() -> None:
    """Drawn beside the demand that comes, and ahead of now."""
    made = world()
    record = made.step()
    quantiles = entry(record)["decision"]["quantiles"]
    aim = utc_from_text("2026-03-11T00:00:00Z") + (features().horizon_bins - 1) * QUARTER
    found = published(made)
    for name, quantile in (("Lower", "0.05"), ("Median", "0.5"), ("Upper", "0.95")):
        (value,) = found[f"Forecast{name}"]
        assert (value.at, value.value) == (aim, quantiles[quantile])
        assert value.at >= FIRST_TICK - QUARTER


def test_error_and_coverage_are_percentages_of_what_was_checked() -> None:
    made = world()
    made.run(12)
    values = newest(made)
    assert 0 < values["ForecastError"] < 30
    assert 50 <= values["ForecastCoverage"] <= 100
    units = {name: found[0].unit for name, found in published(made).items()}
    assert units["ForecastError"] == units["ForecastCoverage"] == "Percent"
    assert units["ActualDemand"] == units["DesiredCapacity"] == "Count"


@pytest.mark.parametrize(("mode", "number"), [("off", 0), ("observe", 1), ("full", 2)])
def test_the_mode_is_a_number(mode: str, number: int) -> None:
    made = world(MODE="observe")
    made.controls.save(GROUP, GroupControl(mode=mode))
    made.step()
    assert newest(made)["ModeState"] == number


def test_states_tell_sound_from_unsound() -> None:
    made = world()
    made.step()
    assert (newest(made)["DataState"], newest(made)["ModelState"]) == (0, 0)
    history = shop().between(shop().start, FIRST_TICK - timedelta(hours=2))
    made = world(history, with_model=False)
    made.step()
    values = newest(made)
    assert values["DataState"] == 1
    assert values["ModelState"] >= 1
    assert "ActualDemand" not in values


def test_no_value_is_other_than_a_finite_number() -> None:
    nothing = shop().between(shop().start, shop().start)
    made = world(nothing, with_model=False)
    made.run(2)
    assert made.sink.values
    assert all(abs(value.value) < 1e12 for value in made.sink.values)
    assert all(value.at.tzinfo is not None for value in made.sink.values)


def test_a_group_that_is_gone_has_no_metrics() -> None:
    made = world()
    made.actuator.groups.clear()
    made.step()
    assert made.sink.values == []
