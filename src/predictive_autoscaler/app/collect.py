"""Getting metrics: the serving window kept between warm calls, and whole histories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile

from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.app.windows import Windows
from predictive_autoscaler.core.timegrid import floor_to, joined, merge, to_interval
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import AutoscalerError, DataError, or_raise
from predictive_autoscaler.ports import HistoryStore, MetricRequest, MetricSource

REREAD = timedelta(minutes=15)
"""CloudWatch fills up late, so the newest bins are read again each time."""
LITTLE = timedelta(hours=2)
"""A window that lacks no more than this is read together with others'."""
HISTORIES_TOGETHER = 8
"""Groups without a window that are read at a time: their two weeks fill a call a day."""
MINUTES_KEPT = timedelta(days=15)
FIVE_MINUTES_KEPT = timedelta(days=63)
_DAY = timedelta(days=1)


class Collector:
    """Keeps each group's serving window and fetches only what is new.

    A fresh one (a cold start) reads finished days from the kept history and the rest from
    the metric source, and ends up with the same window as one that has been running.
    """

    def __init__(self, source: MetricSource, history: HistoryStore) -> None:
        self._source = source
        self._history = history
        self._windows = Windows()

    @property
    def kept_bytes(self) -> int:
        """Memory that the windows take between two ticks."""
        return self._windows.size_bytes

    def collect(
        self,
        groups: Sequence[GroupSettings],
        until: Mapping[str, datetime],
        *,
        keep_days: bool = True,
        in_time: Callable[[], bool] = lambda: True,
    ) -> tuple[Mapping[str, Samples], dict[str, str]]:
        """The serving window of every group, up to its `until`.

        A window always reaches `until`: what could not be read is absent in it. Groups that
        are a few bins behind are read together; those that need a whole history come after
        them, a few at a time, for as long as there is time.

        Args:
            keep_days: save the days that have become complete.
            in_time: whether there is time for more histories. The first ones are read
                whatever it says, so that there is progress.

        Returns:
            Windows by group, each made when it is asked for, since all of them at once would
            take much memory; groups whose turn did not come are left out. And what went
            wrong, by group.
        """
        self._windows.keep_only(group.name for group in groups)
        collecting = _Collecting(self._source, self._history, self._windows, until, keep_days)
        behind = [group for group in groups if collecting.is_little_behind(group)]
        blank = [group for group in groups if not collecting.is_little_behind(group)]
        if behind:
            collecting.read(behind)
        done = behind
        for first in range(0, len(blank), HISTORIES_TOGETHER):
            if done and not in_time():
                break
            some = blank[first : first + HISTORIES_TOGETHER]
            collecting.read(some)
            done = done + some
        return _LazyWindows(self._windows, done, until), collecting.faults


@dataclass
class _Collecting:
    """One tick's reading."""

    source: MetricSource
    history: HistoryStore
    windows: Windows
    until: Mapping[str, datetime]
    keep_days: bool
    faults: dict[str, str] = field(default_factory=dict)

    def is_little_behind(self, group: GroupSettings) -> bool:
        """Whether the group's window lacks so little that it is read together with others'."""
        end = self.windows.end(group.name)
        return end is not None and self.until[group.name] - end <= LITTLE

    def read(self, groups: Sequence[GroupSettings]) -> None:
        """Bring the windows of these groups up to date."""
        requests = {group.name: self._request(group) for group in groups}
        _begin_together(requests)
        wanted = [request for request in requests.values() if request.start < request.end]
        fresh = self._read(wanted)
        for group in groups:
            samples = fresh.get(group.name)
            window = self._extended(group, samples)
            if samples is not None and self.keep_days:
                self._keep_finished_days(group, samples, window)

    def _request(self, group: GroupSettings) -> MetricRequest:
        """What the group's window lacks."""
        interval, until = group.parameters.interval, self.until[group.name]
        first = first_bin(group, until)
        end = self.windows.end(group.name)
        if end is None:
            kept = self._from_history(group, first, until)
            if kept is not None and kept.end > first:
                self.windows.put(group.name, kept)
                end = kept.end
        if end is not None and end > first:
            first = max(first, floor_to(min(end, until) - REREAD, interval))
        return MetricRequest(group.name, first, until, group.metric_period_seconds)

    def _from_history(
        self, group: GroupSettings, first: datetime, until: datetime
    ) -> Samples | None:
        """The unbroken run of kept days from the first one needed."""
        days = list(_days(first, until))
        try:
            kept = self.history.load(group.name, days, group.parameters.interval_seconds)
        except AutoscalerError:
            return None
        return joined(kept[day] for day in takewhile(kept.__contains__, days))

    def _read(self, requests: Sequence[MetricRequest]) -> dict[str, Samples]:
        if not requests:
            return {}
        try:
            answers = self.source.read(requests)
        except AutoscalerError as error:
            self.faults |= {request.group: f"metrics: {error}" for request in requests}
            return {}
        fresh = {}
        for request in requests:
            answer = answers[request.group]
            if isinstance(answer, AutoscalerError):
                self.faults[request.group] = f"metrics: {answer}"
            else:
                fresh[request.group] = answer
        return fresh

    def _extended(self, group: GroupSettings, fresh: Samples | None) -> Samples | None:
        """The group's window with what has come, from where it has to begin."""
        until = self.until[group.name]
        window = self.windows.get(group.name)
        if fresh is not None:
            window = merge(window, to_interval(fresh, group.parameters.interval_seconds))
        if window is not None:
            window = window.between(first_bin(group, until), until)
            self.windows.put(group.name, window)
        return window

    def _keep_finished_days(
        self, group: GroupSettings, fresh: Samples, window: Samples | None
    ) -> None:
        """Save each day that the fresh metrics have completed."""
        for day in _days(fresh.start, fresh.end):
            midnight = datetime.combine(day, time(), UTC)
            # Only once nothing of the day will be read again.
            if window is None or midnight < window.start or midnight + _DAY > fresh.end - REREAD:
                continue
            try:
                finished = window.between(midnight, midnight + _DAY)
                if _has_requests(finished):
                    self.history.save(group.name, day, finished)
            except AutoscalerError as error:
                self.faults[group.name] = f"history: {error}"


class _LazyWindows(Mapping[str, Samples]):
    """The windows of those groups whose turn came, padded up to where they have to reach."""

    def __init__(
        self, windows: Windows, groups: Sequence[GroupSettings], until: Mapping[str, datetime]
    ) -> None:
        self._windows = windows
        self._groups = {group.name: group for group in groups}
        self._until = until

    def __getitem__(self, name: str) -> Samples:
        group, until = self._groups[name], self._until[name]
        window, first = self._windows.get(name), first_bin(group, until)
        if window is not None and (window.start, window.end) == (first, until):
            return window
        bins = (until - first) // group.parameters.interval
        blank = Samples.empty(first, group.parameters.interval_seconds, bins)
        return blank if window is None else merge(blank, window)

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)


def _begin_together(requests: dict[str, MetricRequest]) -> None:
    """Let requests that end together and differ little begin together, to share calls."""
    earliest: dict[datetime, datetime] = {}
    short = [one for one in requests.values() if one.end - one.start <= LITTLE + REREAD]
    for request in short:
        earliest[request.end] = min(request.start, earliest.get(request.end, request.start))
    for request in short:
        requests[request.group] = replace(request, start=earliest[request.end])


def _has_requests(samples: Samples) -> bool:
    """A day without any count is a wrong setting or an outage, not worth keeping."""
    return bool((samples.requests >= 0).any())


def first_bin(group: GroupSettings, until: datetime) -> datetime:
    """Where a group's window begins: a midnight, so that it is the same for every call of a day."""
    day = (until - timedelta(days=group.history_days)).date()
    return datetime.combine(day, time(), UTC)


def _days(start: datetime, end: datetime) -> Iterator[date]:
    day = start.astimezone(UTC).date()
    while datetime.combine(day, time(), UTC) < end:
        yield day
        day += _DAY


def read_history(
    source: MetricSource,
    history: HistoryStore | None,
    group: GroupSettings,
    now: datetime,
    days: int,
    progress: Callable[[date], None] = lambda day: None,
) -> Samples:
    """All metrics of the last `days` days, kept days first, for training and analysis.

    Finished days that were not kept yet are kept now, so that the next cold start of the
    controller finds them.

    Raises:
        DataError: there is no request count in all that time.
        SourceError: the metrics could not be read.
    """
    interval = group.parameters.interval
    until = floor_to(now - group.parameters.metric_delay, interval)
    first = datetime.combine((until - timedelta(days=days)).date(), time(), UTC)
    wanted = list(_days(first, until))
    kept = history.load(group.name, wanted, group.parameters.interval_seconds) if history else {}
    samples: Samples | None = None
    for day in wanted:
        midnight = datetime.combine(day, time(), UTC)
        part = kept.get(day)
        if part is None:
            end = min(midnight + _DAY, until)
            period = _period_for(group, now - midnight)
            request = MetricRequest(group.name, midnight, end, period)
            answer = or_raise(source.read([request])[group.name])
            part = to_interval(answer, group.parameters.interval_seconds)
            finished = midnight + _DAY <= until - REREAD
            keep = finished and period == group.metric_period_seconds and _has_requests(part)
            if history and keep:
                history.save(group.name, day, part)
        samples = merge(samples, part)
        progress(day)
    if samples is None or not _has_requests(samples):
        raise DataError(
            f"CloudWatch has no RequestCount of {group.load_balancer!r} in the last {days} days "
            f"(looked from {first:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC); check "
            "LOAD_BALANCER, AWS_REGION and the credentials' account"
        )
    return samples


def _period_for(group: GroupSettings, age: timedelta) -> int:
    """The finest period that CloudWatch still has for metrics of this age."""
    interval = group.parameters.interval_seconds
    if age <= MINUTES_KEPT - _DAY:
        return group.metric_period_seconds
    if age <= FIVE_MINUTES_KEPT - _DAY and interval % 300 == 0:
        return max(300, group.metric_period_seconds)
    return interval
