"""The serving window: what is fetched, what is kept, and that a cold start sees the same."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from predictive_autoscaler.adapters.memory import FixedClock, MemoryHistoryStore
from predictive_autoscaler.adapters.objects import DirectoryObjects
from predictive_autoscaler.adapters.stores import StoredHistory
from predictive_autoscaler.app.collect import Collector, read_history
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.timegrid import known_until, to_interval
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import DataError, SourceError, ThrottledError
from tests.helpers.shop import (
    DAY,
    DECIDED_FROM,
    GROUP,
    START,
    CountedHistory,
    WatchedSource,
    changed,
    same_bits,
    settings,
    shop,
)

MINUTE = timedelta(minutes=1)
TICK = 5 * MINUTE
FIVE = settings(interval_minutes=5)
MINUTELY = settings(interval_minutes=5, METRIC_PERIOD_SECONDS="60")
NOON = DECIDED_FROM + DAY / 2


class Reader:
    """A collector, its source and its history, asked at any time."""

    def __init__(
        self,
        source: WatchedSource,
        group: GroupSettings = FIVE,
        history: CountedHistory | StoredHistory | None = None,
    ) -> None:
        self.source = source
        self.group = group
        self.history = CountedHistory() if history is None else history
        self.collector = Collector(source, self.history)
        self.faults: dict[str, str] = {}

    def at(self, moment: datetime) -> Samples:
        """The window at a moment; no bin of it ends later."""
        if self.source.clock is not None:
            self.source.clock.set(moment)
        self.source.asked.clear()
        self.source.reads = 0
        until = known_until(moment, self.group.parameters.interval, timedelta(0))
        windows, self.faults = self.collector.collect([self.group], {self.group.name: until})
        return windows[self.group.name]

    def restarted(self) -> Reader:
        """A cold one beside this one, with the same history."""
        return Reader(self.source, self.group, self.history)


def minutely(days: int = 12) -> Samples:
    """The shop by the minute, with fractions and gaps, so that adding up has to be exact."""
    five = shop(300, days)
    rng = np.random.default_rng(7)
    columns = {
        name: np.repeat(column, 5) * rng.uniform(0.9, 1.1, 5 * len(five))
        for name, column in five.columns().items()
    }
    columns["requests"] = np.round(columns["requests"] / 5)
    columns["requests"][rng.random(5 * len(five)) < 0.01] = np.nan
    return Samples.of(five.start, 60, columns)


def test_the_first_read_is_of_whole_days() -> None:
    reader = Reader(WatchedSource({GROUP: shop(300)}))
    window = reader.at(NOON)
    assert window.start == START
    assert window.end == NOON
    assert same_bits(window, shop(300).between(START, NOON))
    assert reader.faults == {}


def test_a_warm_tick_reads_once_and_only_the_newest() -> None:
    """One call of GetMetricData a tick is what the running cost was reckoned with."""
    reader = Reader(WatchedSource({GROUP: shop(300)}))
    reader.at(NOON)
    for tick in range(1, 5):
        window = reader.at(NOON + tick * TICK)
        (request,) = reader.source.asked
        assert reader.source.reads == 1
        assert request.end == NOON + tick * TICK
        # 15 minutes again, and the one new bin.
        assert request.start == request.end - 15 * MINUTE - TICK
        assert same_bits(window, shop(300).between(START, request.end))


def test_after_missed_ticks_the_gap_is_read() -> None:
    reader = Reader(WatchedSource({GROUP: shop(300)}))
    reader.at(NOON)
    window = reader.at(NOON + timedelta(hours=3))
    (request,) = reader.source.asked
    assert request.start == NOON - 15 * MINUTE
    assert same_bits(window, shop(300).between(START, NOON + timedelta(hours=3)))


def test_the_window_moves_on_by_whole_days() -> None:
    reader = Reader(WatchedSource({GROUP: shop(300)}))
    reader.at(NOON)
    assert reader.at(NOON + DAY - TICK).start == START + DAY
    assert reader.at(NOON + DAY).start == START + DAY


@pytest.mark.parametrize(
    ("group", "source_seconds"), [(FIVE, 300), (MINUTELY, 60), (settings(interval_minutes=60), 300)]
)
def test_a_cold_collector_has_the_same_window_as_a_warm_one(
    group: GroupSettings, source_seconds: int, tmp_path: Path
) -> None:
    """Bit for bit, days from the files of the history included: else a cold start could
    decide otherwise.
    """
    recorded = minutely() if source_seconds == 60 else shop(source_seconds)
    history = StoredHistory(DirectoryObjects(tmp_path))
    warm = Reader(WatchedSource({GROUP: recorded}), group, history)
    interval = group.parameters.interval
    moments = [DECIDED_FROM - 3 * DAY - 2 * interval, DECIDED_FROM - 2 * DAY]
    ticks = int((DAY + timedelta(hours=2)) / interval)
    moments += [DECIDED_FROM - DAY + tick * interval for tick in range(ticks)]
    for moment in moments:
        window = warm.at(moment)
    assert len(history.days(GROUP)) >= 9
    cold = warm.restarted()
    again = cold.at(moments[-1])
    # Days come from the history: only what is not finished is read.
    (request,) = cold.source.asked
    assert moments[-1] - request.start <= timedelta(hours=3) + interval
    assert same_bits(again, window)
    # And they stay the same from there on.
    later = moments[-1] + interval
    assert same_bits(cold.at(later), warm.at(later))
    # Nor does it matter whether there was a history at all.
    bare = Reader(warm.source, group, StoredHistory(DirectoryObjects(tmp_path / "empty")))
    assert same_bits(bare.at(later), warm.at(later))


def test_minutes_are_added_up_into_bins() -> None:
    recorded = minutely()
    window = Reader(WatchedSource({GROUP: recorded}), MINUTELY).at(NOON)
    assert window.interval_seconds == 300
    assert same_bits(window, to_interval(recorded.between(START, NOON), 300))


def test_metrics_that_fill_up_late_are_corrected() -> None:
    """CloudWatch shows half of a minute's requests at first; nothing is left of that after
    15 minutes.
    """
    truth = shop(300)
    source = WatchedSource({GROUP: truth}, FixedClock(NOON), late=14 * MINUTE)
    reader = Reader(source)
    reader.at(NOON)
    for tick in range(1, 40):
        now = NOON + tick * TICK
        window = reader.at(now)
        settled = now - 15 * MINUTE
        assert same_bits(window.between(START, settled), truth.between(START, settled))
        # The premise: the newest bin really was incomplete.
        assert window.requests[-1] == truth.between(START, now).requests[-1] // 2


def test_a_finished_day_is_kept_once_and_complete() -> None:
    source = WatchedSource({GROUP: shop(300)}, FixedClock(NOON), late=14 * MINUTE)
    reader = Reader(source)
    history = reader.history
    assert isinstance(history, CountedHistory)
    reader.at(DECIDED_FROM - TICK)
    history.saved.clear()
    for tick in range(12):
        reader.at(DECIDED_FROM + tick * TICK)
    yesterday = (DECIDED_FROM - DAY).date()
    assert history.saved == [(GROUP, yesterday)]
    kept = history.load(GROUP, [yesterday], 300)[yesterday]
    assert same_bits(kept, shop(300).between(DECIDED_FROM - DAY, DECIDED_FROM))


def test_the_first_read_keeps_all_finished_days() -> None:
    """So that the next cold start need not ask CloudWatch for two weeks."""
    reader = Reader(WatchedSource({GROUP: shop(300)}))
    reader.at(NOON)
    assert reader.history.days(GROUP) == [(START + day * DAY).date() for day in range(9)]


def test_a_day_is_not_kept_before_its_last_minutes_have_filled_up() -> None:
    reader = Reader(WatchedSource({GROUP: shop(300)}))
    yesterday = (DECIDED_FROM - DAY).date()
    reader.at(DECIDED_FROM + 2 * TICK)
    assert yesterday not in reader.history.days(GROUP)
    reader.at(DECIDED_FROM + 3 * TICK)
    assert yesterday in reader.history.days(GROUP)


def test_a_day_without_data_is_not_kept() -> None:
    """Kept, it would hide metrics that can be read once a wrong setting is put right."""
    holes = shop(300)
    second = slice(288, 576)
    holes = changed(holes, second, requests=np.nan)
    reader = Reader(WatchedSource({GROUP: holes}))
    reader.at(NOON)
    expected = [(START + day * DAY).date() for day in range(9) if day != 1]
    assert reader.history.days(GROUP) == expected
    # The data turn up: a cold start reads them in spite of the days kept behind.
    reader.source.samples[GROUP] = shop(300)
    assert same_bits(reader.restarted().at(NOON), shop(300).between(START, NOON))


def test_a_day_of_quiet_is_kept() -> None:
    """Zeros are data."""
    quiet = changed(shop(300), slice(288, 576), requests=0.0)
    reader = Reader(WatchedSource({GROUP: quiet}))
    reader.at(NOON)
    assert (START + DAY).date() in reader.history.days(GROUP)


def test_a_failing_source_leaves_the_newest_bins_absent_and_says_so() -> None:
    reader = Reader(WatchedSource({GROUP: shop(300)}))
    before = reader.at(NOON)
    reader.source.error = ThrottledError("Rate exceeded")
    window = reader.at(NOON + 2 * TICK)
    assert reader.faults == {GROUP: "metrics: Rate exceeded"}
    assert window.end == NOON + 2 * TICK
    assert np.isnan(window.requests[-2:]).all()
    assert (window.coverage[-2:] == 0).all()
    assert same_bits(window.between(START, NOON), before)
    # Once it answers again, what was missed is read.
    reader.source.error = None
    assert same_bits(reader.at(NOON + 3 * TICK), shop(300).between(START, NOON + 3 * TICK))
    assert reader.faults == {}


def test_a_failing_source_on_a_cold_start_leaves_all_absent_but_the_kept_days() -> None:
    reader = Reader(WatchedSource({GROUP: shop(300)}))
    reader.at(DECIDED_FROM - DAY + timedelta(hours=1))
    reader.source.error = SourceError("no answer")
    cold = reader.restarted()
    window = cold.at(NOON)
    assert cold.faults == {GROUP: "metrics: no answer"}
    assert (window.start, window.end) == (START, NOON)
    kept_until = DECIDED_FROM - DAY
    assert same_bits(window.between(START, kept_until), shop(300).between(START, kept_until))
    assert np.isnan(window.between(kept_until, NOON).requests).all()


def test_a_failing_history_costs_only_the_reading() -> None:
    class Broken(MemoryHistoryStore):
        def load(self, group: str, days: object, interval_seconds: int) -> dict[date, Samples]:
            raise SourceError("no bucket")

        def save(self, group: str, day: date, samples: Samples) -> None:
            raise SourceError("no bucket")

    source = WatchedSource({GROUP: shop(300)})
    windows, faults = Collector(source, Broken()).collect([FIVE], {GROUP: NOON})
    assert same_bits(windows[GROUP], shop(300).between(START, NOON))
    assert faults == {GROUP: "history: no bucket"}


def test_groups_share_one_read() -> None:
    other = settings("api", interval_minutes=5)
    source = WatchedSource({GROUP: shop(300), "api": shop(300, seed=2)})
    collector = Collector(source, CountedHistory())
    windows, _ = collector.collect([FIVE, other], {GROUP: NOON, "api": NOON})
    assert source.reads == 1
    assert same_bits(windows["api"], shop(300, seed=2).between(START, NOON))
    assert not same_bits(windows["api"], windows[GROUP])


class TestReadHistory:
    """All that there is, for training and for `collect`."""

    def test_days_are_read_once_and_kept(self) -> None:
        source, history = WatchedSource({GROUP: shop(300)}), CountedHistory()
        seen: list[date] = []
        whole = read_history(source, history, FIVE, NOON + 2 * MINUTE, 9, seen.append)
        assert same_bits(whole, shop(300).between(START, NOON))
        assert seen == [(START + day * DAY).date() for day in range(10)]
        assert len(history.saved) == 9
        reads = source.reads
        again = read_history(source, history, FIVE, NOON + 2 * MINUTE, 9)
        assert same_bits(again, whole)
        assert source.reads == reads + 1
        assert len(history.saved) == 9

    def test_kept_days_win_over_the_source(self) -> None:
        """CloudWatch has forgotten the minutes of the older ones."""
        history = CountedHistory()
        kept = changed(shop(300), slice(None), requests=5.0).between(START, START + DAY)
        history.save(GROUP, START.date(), kept)
        whole = read_history(WatchedSource({GROUP: shop(300)}), history, FIVE, NOON, 9)
        assert same_bits(whole.between(START, START + DAY), kept)

    def test_old_days_are_read_at_the_period_that_is_left(self) -> None:
        """Minutes are kept for 15 days, five minutes for 63, hours for 455."""
        source = WatchedSource({GROUP: minutely(2)})
        now = START + 20 * DAY
        samples = read_history(source, None, MINUTELY, now, 20)
        periods = {(now - request.start).days: request.period_seconds for request in source.asked}
        assert periods[20] == periods[15] == 300
        assert periods[14] == periods[1] == 60
        assert samples.interval_seconds == 300
        assert same_bits(
            samples.between(START, START + DAY),
            to_interval(minutely(2).between(START, START + DAY), 300),
        )

    def test_days_of_a_coarser_period_are_not_kept(self) -> None:
        history = CountedHistory()
        read_history(WatchedSource({GROUP: minutely()}), history, MINUTELY, START + 20 * DAY, 20)
        assert min(day for _, day in history.saved) >= (START + 6 * DAY).date()

    def test_days_without_data_are_not_kept(self) -> None:
        history = CountedHistory()
        read_history(WatchedSource({GROUP: shop(300)}), history, FIVE, START + 2 * DAY, 5)
        assert history.days(GROUP) == [START.date()]

    def test_nothing_at_all_is_an_error_that_says_where_it_looked(self) -> None:
        with pytest.raises(DataError) as caught:
            read_history(WatchedSource({}), CountedHistory(), FIVE, NOON, 2)
        message = str(caught.value)
        assert "no RequestCount of 'app/web/1'" in message
        assert "2026-03-09 00:00 to 2026-03-11 11:55" in message
        assert "LOAD_BALANCER" in message

    def test_a_failing_source_is_not_swallowed(self) -> None:
        source = WatchedSource({GROUP: shop(300)})
        source.error = ThrottledError("Rate exceeded")
        with pytest.raises(ThrottledError):
            read_history(source, CountedHistory(), FIVE, NOON, 2)
