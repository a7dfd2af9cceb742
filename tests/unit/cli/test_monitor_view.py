"""Facts as pictures, at several widths."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from rich.console import Console, RenderableType

from predictive_autoscaler.app.monitor.facts import (
    COMPONENTS,
    DecisionNote,
    Facts,
    ModelNote,
    Outlook,
    OutlookBin,
    Seen,
    Traffic,
)
from predictive_autoscaler.cli.monitor_view import picture
from predictive_autoscaler.cli.rehearse import LiveView, pass_in_trends
from predictive_autoscaler.cli.widgets import Fitted, OutlookChart, sparkline
from predictive_autoscaler.core.types import Bounds, GroupState
from predictive_autoscaler.core.words import ago
from predictive_autoscaler.ports import Alarm, FunctionCalls, GroupControl
from predictive_autoscaler.rehearsal.play import Progress
from predictive_autoscaler.rehearsal.window import Window
from scripts.draw_monitor import as_svg

T = TypeVar("T")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW = NOON + timedelta(minutes=3)
SECOND, MINUTE, HOUR = (timedelta(seconds=seconds) for seconds in (1, 60, 3600))
INTERVAL = 5 * MINUTE
TROUBLE = "the alarm's long tale of woe " * 20


def drawn(content: RenderableType, width: int = 100, height: int = 100) -> list[str]:
    """Its lines, as in a file."""
    file = io.StringIO()
    Console(file=file, width=width, height=height, force_terminal=False).print(content)
    return file.getvalue().splitlines()


def told(content: RenderableType, width: int = 100) -> str:
    """Its words, without the line breaks."""
    return " ".join(" ".join(drawn(content, width)).split())


def note(minutes_ago: int, before: int | None, after: int | None, **more: object) -> DecisionNote:
    plain = DecisionNote(
        slot=NOON - minutes_ago * MINUTE,
        status="completed",
        mode="full",
        outcome="applied",
        before=before,
        after=after,
        wish=after,
        text=f"Why it is {after}.",
        rung="forest",
        quantiles={"0.05": 900.0, "0.5": 1000.0, "0.95": 1200.0},
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def outlook(behind: int = 24, model_bins: int = 3, bins: int = 48) -> Outlook:
    """A slope upwards, forecast with a band of ten percent."""
    values = [100.0 * (index + 1) for index in range(behind + bins)]
    ahead = [
        OutlookBin(
            start=NOON + index * INTERVAL,
            lower=0.9 * value,
            median=value,
            upper=1.1 * value,
            rung="forest" if index < model_bins else "seasonal",
        )
        for index, value in enumerate(values[behind:])
    ]
    return Outlook(NOON - behind * INTERVAL, 300, tuple(values[:behind]), tuple(ahead))


def seen(value: T) -> Seen[T]:
    return Seen(value, NOW - 2 * SECOND)


def facts() -> Facts:
    series = tuple(float(value) for value in range(1, 61))
    return Facts(
        now=NOW,
        group="shop-web",
        components=COMPONENTS,
        interval_seconds=300,
        settings_mode="observe",
        function="shop-controller",
        control=seen(GroupControl()),
        capacity=seen(GroupState("shop-web", 12, 11, Bounds(2, 30), blocked_by="status: refresh")),
        decisions=seen(
            (
                note(0, 10, 12, troubles=("a trouble that lasts", TROUBLE)),
                note(5, 10, 10, outcome="unchanged", troubles=("a trouble that lasts",)),
                note(10, 12, 10),
            )
        ),
        traffic=seen(Traffic(NOON - HOUR, 60, (*series[:-1], None), series, series, series)),
        outlook=seen(replace(outlook(), notes=("a note on the forecast",))),
        model=seen(ModelNote("shop-web", "20261118T-abc", NOON - 48 * HOUR, 4000, 14.0, 15.0)),
        alarms=seen(
            (
                Alarm("shop-cpu", "OK", NOON),
                Alarm("shop-p95", "ALARM", NOON - 26 * HOUR, "Too slow"),
                Alarm("shop-new", "INSUFFICIENT_DATA", NOON, "No data yet"),
            )
        ),
        calls=seen(FunctionCalls(NOON - HOUR, NOON, 9, 1, 0, 2.34)),
    )


class TestSections:
    def test_instances_and_decisions(self) -> None:
        text = told(picture(facts()))
        assert "shop-web, mode full, 2026-11-20T12:03:00Z" in text
        assert "11 in service · 12 desired · 12 wanted by the forecast, 12 decided" in text
        assert "2 to 30 allowed" in text
        assert "no scale-in: status: refresh" in text
        assert "12:00 UTC 10 → 12 Why it is 12. a trouble" in text
        assert "11:55 UTC = 10 Why it is 10. 11:50 UTC" in text
        assert "11:50 UTC 12 → 10" in text

    @pytest.mark.parametrize("outcome", ["observed", "held", "failed"])
    def test_an_outcome_that_the_numbers_do_not_show_is_named(self, outcome: str) -> None:
        decided = replace(facts(), decisions=Seen((note(0, 3, 5, outcome=outcome),), NOW))
        assert f"Why it is 5. [{outcome}]" in told(picture(decided))

    def test_a_decision_under_way_says_so(self) -> None:
        under_way = note(0, 3, 5, status="claimed", outcome="claimed")
        claimed = replace(facts(), decisions=Seen((under_way,), NOW))
        assert "Why it is 5. [claimed]" in told(picture(claimed))

    def test_a_trouble_that_lasts_is_told_once_and_a_long_one_is_cut(self) -> None:
        text = told(picture(facts()))
        assert text.count("a trouble that lasts") == 1
        assert TROUBLE[:100] in text
        assert TROUBLE[:160] not in text

    def test_traffic_by_the_minute_with_the_newest_known_values(self) -> None:
        lines = drawn(picture(facts()))
        rows = {line.split()[0]: line for line in lines if line.startswith(" ") and line.split()}
        assert "59" in rows["requests/min"].split()
        assert "60,000" in rows["latency"]
        assert rows["CPU"].split()[1:3] == ["60", "%"]
        assert rows["CPU"].rstrip().endswith("█")
        assert not rows["requests/min"].rstrip().endswith("█ █")

    def test_the_forecast_says_who_answers_for_what(self) -> None:
        text = told(picture(facts()))
        assert "▒ 90 % band by forest until 12:15" in text
        assert "░ 90 % band by seasonal until 16:00" in text
        assert "12:10 forest 2,700 2,430 to 2,970" in text
        assert "15:00 seasonal 6,100 5,490 to 6,710" in text
        assert "a note on the forecast." in text
        assert "expected a peak of 1,000 requests, with 90 % confidence 900 to 1,200" in text

    def test_alarms_that_ring_come_first_and_quiet_ones_are_counted(self) -> None:
        text = told(picture(facts()))
        assert "1 ringing, 1 quiet, 1 without data" in text
        assert "19 Nov 10:00 UTC shop-p95: Too slow" in text
        assert text.index("shop-p95") < text.index("shop-new")
        assert "shop-cpu" not in text

    def test_the_model(self) -> None:
        text = told(picture(facts()))
        assert "20261118T-abc" in text
        assert "2.0 d old, used up to 14 d" in text
        assert "learned from 4,000 intervals, looks 15 min ahead" in text
        assert "can be used" in text
        assert "forecast by: forest" in text

    def test_a_model_with_a_fault_and_none_at_all(self) -> None:
        known = facts().model.value
        assert known is not None
        old = replace(facts(), model=Seen(replace(known, fault="too old"), NOW), distrusted=True)
        assert "not used: too old" in told(picture(old))
        assert "checked, but not followed" in told(picture(old))
        none = ModelNote("shop-web", None, None, None, 14.0, None, "none was published")
        assert "none was published" in told(picture(replace(old, model=Seen(none, NOW))))

    def test_the_function(self) -> None:
        text = told(picture(facts()))
        assert "last record 3 min ago, one is due every 5 min" in text
        assert "shop-controller: 9 calls in the last hour (12 are due), 1 failed" in text
        assert "longest 2.3 s" in text

    def test_a_silent_controller(self) -> None:
        later = replace(facts(), now=NOW + HOUR)
        assert "Silent: the last record is 1.1 h old" in told(picture(later))
        never = replace(facts(), decisions=Seen((), NOW), function=None, calls=Seen())
        assert "nothing in the last two days" in told(picture(never))
        assert "mode observe" in told(picture(never))
        assert "--function NAME" in told(picture(never))

    def test_failed_ticks(self) -> None:
        bad = note(0, None, None, outcome="gone", text="No decision: there is no group")
        text = told(picture(replace(facts(), decisions=Seen((bad, note(5, 1, 1)), NOW))))
        assert "1 of the last 2 ticks failed: No decision: there is no group" in text
        assert "12:00 UTC – No decision: there is no group [gone]" in text

    def test_only_what_was_asked_for(self) -> None:
        text = told(picture(replace(facts(), components=("alarms",))))
        assert "Alarms" in text
        for other in ("Instances", "Traffic", "Model", "Lambda"):
            assert other not in text


class TestTrouble:
    def test_old_values_stand_below_the_error_and_their_age(self) -> None:
        old = replace(
            facts(),
            capacity=Seen(facts().capacity.value, NOW - 40 * SECOND, "no answer", NOW + 8 * SECOND),
        )
        text = told(picture(old))
        assert "✗ no answer. What follows is 40 s old. Next try in 8 s." in text
        assert "11 in service" in text

    def test_nothing_read_yet(self) -> None:
        bare = Facts(NOW, "shop-web", COMPONENTS, 300, "observe")
        text = told(picture(bare))
        for what in ("the group", "the decisions", "the metrics", "the model", "the alarms"):
            assert f"reading {what} …" in text

    def test_nothing_could_be_read(self) -> None:
        lost: Seen[GroupState] = Seen(None, None, "no network")
        bare = Facts(NOW, "shop-web", ("asg",), 300, "observe", capacity=lost)
        text = told(picture(bare))
        assert "✗ no network" in text
        assert "reading the group" not in text


class TestFitting:
    @pytest.mark.parametrize("width", [40, 60, 80, 129, 130, 200])
    def test_no_line_is_wider_than_the_window_and_nothing_is_lost(self, width: int) -> None:
        lines = drawn(picture(facts()), width)
        assert max(map(len, lines)) <= width
        text = "".join("".join(lines).split())
        for words in ("11inservice", "shop-p95", "20261118T-abc", "seasonal", "9calls", "12:10"):
            assert words in text
        assert "\x1b" not in text

    def test_a_wide_window_has_two_columns(self) -> None:
        lines = drawn(picture(facts()), 160)
        assert any("Instances" in line and "Traffic" in line for line in lines)
        assert len(lines) < 0.75 * len(drawn(picture(facts()), 100))

    @pytest.mark.parametrize("height", [3, 10, 30])
    def test_a_low_window_cuts_the_end_and_says_so(self, height: int) -> None:
        whole = drawn(picture(facts()))
        lines = drawn(Fitted(picture(facts())), height=height)
        assert len(lines) == height
        assert [line.rstrip() for line in lines[:-1]] == [
            line.rstrip() for line in whole[: height - 1]
        ]
        assert lines[-1].startswith(f"… {len(whole) - height + 1} more lines")

    def test_a_high_window_cuts_nothing(self) -> None:
        assert len(drawn(Fitted(picture(facts())), height=200)) == len(drawn(picture(facts())))


class TestChart:
    def test_each_interval_has_its_column_where_there_is_room(self) -> None:
        lines = drawn(OutlookChart(outlook(behind=24, bins=48), height=8), 80)
        assert len(lines) == 9
        margin = len("8,000 ")
        bottom = lines[7][margin:]
        assert bottom[:24] == "▁▂▂▃▄▅▆▆▇" + "█" * 15
        assert lines[0].startswith("8,000 ")
        assert lines[4].startswith("4,000 ")
        assert lines[7].startswith("    0 ")
        assert lines[8][margin:].startswith("10:00")
        assert lines[8].index("12:00") == margin + 24
        assert lines[8].rstrip().endswith("16:00")

    def test_the_band_is_where_its_numbers_say(self) -> None:
        """Top 8,000 in 8 rows: a row is 1,000 requests."""
        lines = drawn(OutlookChart(outlook(), height=8), 80)
        last = [line.ljust(80)[6 + 71] for line in lines[:8]]
        # 7,200 with a band from 6,480 to 7,920.
        assert last == ["━", "░", " ", " ", " ", " ", " ", " "]
        first = [line.ljust(80)[6 + 24] for line in lines[:8]]
        # 2,500 with a band from 2,250 to 2,750, by the model.
        assert first == [" ", " ", " ", " ", " ", "━", " ", " "]

    def test_the_models_part_has_a_sign_of_its_own(self) -> None:
        wide = outlook(behind=4, model_bins=4, bins=8)
        wide = replace(
            wide, ahead=tuple(replace(one, lower=0.0, upper=1300.0) for one in wide.ahead)
        )
        signs = "".join(drawn(OutlookChart(wide), 60))
        assert signs.count("▒") == signs.count("░") > 0

    @pytest.mark.parametrize("width", [20, 33, 60, 200])
    def test_any_width_holds_all_hours(self, width: int) -> None:
        lines = drawn(OutlookChart(outlook()), width)
        assert max(map(len, lines)) <= width
        assert "12:00" in lines[-1]
        assert any("░" in line for line in lines)

    def test_shared_columns_show_the_largest_demand(self) -> None:
        spike = replace(outlook(bins=0), behind=(*[100.0] * 30, 800.0, *[100.0] * 29))
        lines = drawn(OutlookChart(spike), 24)
        assert lines[0].startswith("800 ")
        assert lines[0][4:].count("█") == 1

    def test_nothing_behind_and_nothing_ahead(self) -> None:
        lines = drawn(OutlookChart(Outlook(NOON, 300, (), ())), 60)
        assert len(lines) == 9
        gaps = drawn(OutlookChart(Outlook(NOON, 300, (None, 5.0, None), ())), 60)
        assert "█" in gaps[7]

    def test_quiet_hours(self) -> None:
        assert "█" not in "".join(drawn(OutlookChart(Outlook(NOON, 300, (0.0,) * 12, ())), 60))


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (-3 * SECOND, "0 s"),
        (59 * SECOND, "59 s"),
        (90 * SECOND, "2 min"),
        (2 * HOUR + 30 * MINUTE, "2.5 h"),
        (96 * HOUR, "4.0 d"),
    ],
)
def test_ages(age: timedelta, words: str) -> None:
    assert ago(age) == words


def test_sparklines() -> None:
    assert sparkline([0.0, 4.0, 8.0]) == " ▄█"
    assert sparkline([1.0, None, 8.0]) == "▁ █"
    assert sparkline([0.0, 0.0]) == "  "
    assert sparkline([float(value) for value in range(1, 100)], width=3) == "███"
    assert sparkline([]) == ""


def test_a_quiet_rehearsal_draws_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with LiveView(quiet=True) as view:
        view.step("something begins")
    assert capfd.readouterr().err == ""


def test_a_pass_of_a_rehearsal_as_trends() -> None:
    """The newest figures beside how they came about, under the line of the newest interval."""

    def progress(index: int) -> Progress:
        window = Window(5.0, (0.2,) * (10 * index), 0, 0, index)
        return Progress("ours", index, 24, window, desired=index + 1, serving=index, busy=0.5)

    picture = pass_in_trends([progress(index) for index in range(1, 9)])
    heading = "ours: interval 9 of 24, 80 requests, p95 0.20 s, 8 of 9 instances serve"
    assert told(picture).startswith(heading)
    rows = [line.split() for line in drawn(picture)][-4:]
    assert rows[0] == ["requests", "80", "▁▂▃▄▅▆▇█"]
    assert [row[-1] for row in rows[1:]] == ["▁▂▃▄▅▆▇█", "▁▂▃▄▅▆▇█", "▂▃▄▄▅▆▇█"]


def test_the_picture_for_the_documents_fetches_nothing() -> None:
    svg = as_svg(facts())
    assert svg == as_svg(facts())
    assert "@font-face" not in svg
    assert re.findall(r"url\((?!#)|href=|<image|<script", svg) == []
    assert "shop-p95" in svg.replace("&#160;", " ")
