"""docs/many-groups.md: its example is taken, and its figures are those of the code."""

from __future__ import annotations

import json
import math
import re

import pytest

from predictive_autoscaler.adapters.aws.cloudwatch_calls import MetricDimensions, series_of
from predictive_autoscaler.adapters.aws.cloudwatch_sink import VALUES_PER_CALL
from predictive_autoscaler.app.control import (
    SECONDS_A_DECISION,
    SECONDS_TO_ACT,
    WHOLE_RECORDS_UP_TO,
)
from predictive_autoscaler.app.published_metrics import tick_values
from predictive_autoscaler.app.settings import Settings, read_settings
from predictive_autoscaler.app.settings_table import (
    BASIC_METRICS_UP_TO,
    FULL_METRICS_UP_TO,
    SETTINGS,
)
from predictive_autoscaler.app.tick import GroupTick, Tick
from tests.helpers.commands import ROOT
from tests.helpers.shop import FIRST_TICK, settings, world

DOCUMENT = (ROOT / "docs" / "many-groups.md").read_text()
STORAGE = (ROOT / "terraform" / "storage.tf").read_text()
HOURS, TICKS_AN_HOUR = 730, 12
TICKS = HOURS * TICKS_AN_HOUR
DAYS = HOURS / 24
FIRST_METRICS = 10_000
RECORD_BYTES = 4200
LEVELS = ("full", "basic", "none")


def part(mark: str) -> str:
    """What stands between two marks."""
    return DOCUMENT.split(f"<!-- {mark} -->\n")[1].split(f"<!-- /{mark} -->")[0]


def table(mark: str) -> list[list[str]]:
    """The cells of a table between marks, without its heading."""
    rows = part(mark).splitlines()[2:]
    return [[cell.strip() for cell in row[1:-1].split("|")] for row in rows]


def number(text: str) -> float:
    return float(text.replace(",", ""))


def example() -> Settings:
    text = part("example").removeprefix("```json\n").removesuffix("```\n")
    return read_settings({"S3_BUCKET": "bucket", "AUTOSCALER_GROUPS": text})


def sizes() -> list[int]:
    """The numbers of groups that the tables are about."""
    heading = part("costs").splitlines()[0]
    return [int(number(cell)) for cell in heading[1:-1].split("|")[1:]]


class TestExample:
    def test_it_is_taken_as_the_text_says(self) -> None:
        read = example()
        assert read.refused == {}
        de, fr, search = read.groups
        assert [group.mode for group in read.groups] == ["full", "observe", "observe"]
        assert fr.model == de.model == "shop-de"
        assert (de.parameters.timezone, fr.parameters.timezone) == ("Europe/Berlin", "Europe/Paris")
        assert de.parameters.missed_budget == 0.001
        assert (search.parameters.missed_budget, search.parameters.quantile) == (None, 0.99)
        assert search.target_group is None

    def test_without_the_null_the_group_would_be_refused(self) -> None:
        """The premise of what the text says about it."""
        content = json.loads(part("example").removeprefix("```json\n").removesuffix("```\n"))
        del content["groups"]["search"]["missed_budget"]
        environment = {"S3_BUCKET": "bucket", "AUTOSCALER_GROUPS": json.dumps(content)}
        assert set(read_settings(environment).refused) == {"search"}


def test_it_names_every_shared_setting_and_no_other() -> None:
    sentence = re.search(r"\*\*What all groups share\*\*(.*?)\.\s", DOCUMENT, re.DOTALL)
    assert sentence is not None
    named = set(re.findall(r"`(\w+)`", sentence[1]))
    assert named == {setting.variable for setting in SETTINGS if setting.shared}


def test_its_limits_are_those_of_the_code() -> None:
    text = " ".join(DOCUMENT.split())
    for said in (
        f"`full` while there are up to {FULL_METRICS_UP_TO} groups",
        f"`basic` up to {BASIC_METRICS_UP_TO}, and",
        f"keeps {SECONDS_TO_ACT:.0f} seconds of the function's timeout",
        f"and {SECONDS_A_DECISION} seconds a group for deciding",
        f"Up to {WHOLE_RECORDS_UP_TO} groups it goes into the log",
    ):
        assert said in text


class TestMetrics:
    @pytest.mark.parametrize("level", LEVELS)
    def test_a_level_publishes_what_its_row_names(self, level: str) -> None:
        made = world(METRICS_LEVEL=level)
        made.run(6)
        published = {value.name for value in made.sink.values}
        names = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in table("levels")}
        expected = names[level] - {"basic"}
        if "basic" in names[level]:
            expected |= names["basic"]
        assert published == expected
        assert metrics_a_group()[level] == len(published)

    def test_a_tick_over_several_groups_has_three_more(self) -> None:
        assert len(tick_metrics(2)) == 3
        assert f"there are {len(tick_metrics(2))} more" in DOCUMENT
        for name in tick_metrics(2):
            assert f"`{name}`" in DOCUMENT

    def test_a_tick_reads_seven_metrics_a_group(self) -> None:
        assert queries_a_group() == 7
        assert len(series_of(MetricDimensions("app/x/1", None, "x"))) == 6
        assert "A tick reads 7 metrics a group (6 without a target group)" in DOCUMENT


def test_records_are_kept_as_long_as_the_text_says() -> None:
    kept = re.search(r"prefix = rule.value.*?days = (\d+)", STORAGE, re.DOTALL)
    variables = (ROOT / "terraform" / "variables.tf").read_text()
    old = re.search(r"old_versions_days = optional\(number, (\d+)\)", variables)
    assert kept is not None
    assert old is not None
    assert f"for {kept[1]} days, and old versions" in " ".join(DOCUMENT.split())
    # The claimed version once it is replaced, and the completed one after it has expired.
    assert int(kept[1]) + 2 * int(old[1]) == 150
    assert "the bytes of 150 days" in " ".join(DOCUMENT.split())


def metrics_a_group() -> dict[str, int]:
    return {row[0].strip("`"): int(row[1]) for row in table("levels")}


def tick_metrics(groups: int) -> list[str]:
    """Names of the metrics that are about all groups together."""
    ticks = [GroupTick(settings(f"group-{n}")) for n in range(groups)]
    return [value.name for value in tick_values(Tick(FIRST_TICK, FIRST_TICK, ticks))]


def queries_a_group() -> int:
    return len(series_of(MetricDimensions("app/x/1", "targetgroup/x/1", "x")))


def automatic_level(groups: int) -> str:
    if groups <= FULL_METRICS_UP_TO:
        return "full"
    return "basic" if groups <= BASIC_METRICS_UP_TO else "none"


def costs(column: int) -> dict[str, float]:
    """USD a month, item by item, of the number of groups in this column."""
    price = {row[0]: number(row[1]) for row in table("prices")}
    beyond_cache, memory, seconds = (number(row[1 + column]) for row in table("quantities"))
    groups = sizes()[column]
    found = {}
    for level in LEVELS:
        metrics = metrics_a_group()[level] * groups + len(tick_metrics(groups))
        calls = math.ceil(metrics / VALUES_PER_CALL)
        found[f"custom metrics, `{level}`"] = (
            min(metrics, FIRST_METRICS) * price["custom metric, a month, up to 10,000"]
            + max(0, metrics - FIRST_METRICS) * price["custom metric, a month, beyond"]
            + calls * TICKS / 1000 * price["PutMetricData, 1,000 calls"]
        )
    found["reading metrics"] = (
        queries_a_group() * groups * TICKS / 1000 * price["GetMetricData, 1,000 metrics"]
    )
    gets = 1 + (groups > 1) + 2 * beyond_cache
    writes_and_lists = 2 + 2
    found["S3 requests"] = (
        gets * TICKS / 1000 * price["S3, 1,000 GET"]
        + (writes_and_lists * TICKS + groups * DAYS) / 1000 * price["S3, 1,000 PUT or LIST"]
    )
    stored = RECORD_BYTES * groups * TICKS_AN_HOUR * 24 * 150
    found["S3 storage of records"] = stored / 1e9 * price["S3, a GB and month"]
    found["Lambda"] = memory / 1024 * seconds * TICKS * price["Lambda, arm64, a GB-second"]
    rest = sum(cost for item, cost in found.items() if not item.startswith("custom metrics"))
    for level in LEVELS:
        found[f"**all, `{level}`**"] = rest + found[f"custom metrics, `{level}`"]
    return found


def test_the_costs_are_the_product_of_prices_and_quantities() -> None:
    columns = [costs(column) for column in range(len(sizes()))]
    expected = [[item, *(f"{column[item]:,.2f}" for column in columns)] for item in columns[0]]
    levels = [f"`{automatic_level(groups)}`" for groups in sizes()]
    assert table("costs") == [*expected, ["level if none is said", *levels]]
