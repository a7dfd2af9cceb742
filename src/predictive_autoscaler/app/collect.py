"""Getting metrics: the serving window kept between warm calls, and whole histories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.timegrid import floor_to, merge, to_interval
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import AutoscalerError, DataError
from predictive_autoscaler.ports import HistoryStore, MetricRequest, MetricSource

REREAD = timedelta(minutes=15)
"""CloudWatch fills up late, so the newest bins are read again each time."""
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
        self._windows: dict[str, Samples] = {}

    def collect(
        self,
        groups: Sequence[GroupSettings],
        until: dict[str, datetime],
        *,
        keep_days: bool = True,
    ) -> tuple[dict[str, Samples], dict[str, str]]:
        """The serving window of every group, up to its `until`.

        A window always reaches `until`: what could not be read is absent in it.

        Args:
            keep_days: save the days that have become complete.

        Returns:
            Windows by group, and what went wrong by group.
        """
        faults: dict[str, str] = {}
        requests = []
        for group in groups:
            request = self._request(group, until[group.name])
            if request.start < request.end:
                requests.append(request)
        fresh = self._read(requests, faults)
        windows = {}
        for group in groups:
            window = self._extended(group, fresh.get(group.name), until[group.name])
            windows[group.name] = window
        if keep_days:
            self._keep_finished_days(groups, fresh, faults)
        return windows, faults

    def _request(self, group: GroupSettings, until: datetime) -> MetricRequest:
        interval = group.parameters.interval
        first = _first_bin(group, until)
        window = self._windows.get(group.name)
        if window is None:
            window = self._from_history(group, first, until)
        if window is not None and window.end > first:
            self._windows[group.name] = window
            first = max(first, floor_to(min(window.end, until) - REREAD, interval))
        return MetricRequest(group.name, first, until, group.metric_period_seconds)

    def _from_history(
        self, group: GroupSettings, first: datetime, until: datetime
    ) -> Samples | None:
        """The unbroken run of kept days from the first one needed."""
        days = list(_days(first, until))
        try:
            kept = self._history.load(group.name, days, group.parameters.interval_seconds)
        except AutoscalerError:
            return None
        window: Samples | None = None
        for day in days:
            if day not in kept:
                break
            window = merge(window, kept[day])
        return window

    def _read(
        self, requests: Sequence[MetricRequest], faults: dict[str, str]
    ) -> dict[str, Samples]:
        if not requests:
            return {}
        try:
            return self._source.read(requests)
        except AutoscalerError as error:
            faults |= {request.group: f"metrics: {error}" for request in requests}
            return {}

    def _extended(self, group: GroupSettings, fresh: Samples | None, until: datetime) -> Samples:
        first = _first_bin(group, until)
        window = self._windows.get(group.name)
        if fresh is not None:
            window = merge(window, to_interval(fresh, group.parameters.interval_seconds))
        if window is not None:
            self._windows[group.name] = window = window.between(first, until)
        bins = (until - first) // group.parameters.interval
        blank = Samples.empty(first, group.parameters.interval_seconds, bins)
        return merge(blank, window) if window is not None else blank

    def _keep_finished_days(
        self,
        groups: Sequence[GroupSettings],
        fresh: dict[str, Samples],
        faults: dict[str, str],
    ) -> None:
        """Save each day that the fresh metrics have completed."""
        for group in groups:
            samples, window = fresh.get(group.name), self._windows.get(group.name)
            if samples is None or window is None:
                continue
            for day in _days(samples.start, samples.end):
                midnight = datetime.combine(day, time(), UTC)
                # Only once nothing of the day will be read again.
                if midnight < window.start or midnight + _DAY > samples.end - REREAD:
                    continue
                try:
                    finished = window.between(midnight, midnight + _DAY)
                    if _has_requests(finished):
                        self._history.save(group.name, day, finished)
                except AutoscalerError as error:
                    faults[group.name] = f"history: {error}"


def _has_requests(samples: Samples) -> bool:
    """A day without any count is a wrong setting or an outage, not worth keeping."""
    return bool((samples.requests >= 0).any())


def _first_bin(group: GroupSettings, until: datetime) -> datetime:
    """The window starts at a midnight, so that it is the same for every call of a day."""
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
            part = source.read([request])[group.name]
            part = to_interval(part, group.parameters.interval_seconds)
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
