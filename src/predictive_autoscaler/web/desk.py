"""What the page shows, kept fresh beside the server: one thread looks, the others only read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from predictive_autoscaler.adapters.clock import SystemClock
from predictive_autoscaler.app.monitor.diary import Diary
from predictive_autoscaler.app.monitor.facts import Facts, Seen
from predictive_autoscaler.app.monitor.notes import decision_note
from predictive_autoscaler.app.monitor.pace import repeated, until_next_try
from predictive_autoscaler.app.monitor.watch import QUARTER_MINUTE, Source, Watch
from predictive_autoscaler.app.record import decision_of, part_of, refusing_what_is_no_record
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.explain import explain
from predictive_autoscaler.core.types import Decision, Json
from predictive_autoscaler.errors import AutoscalerError
from predictive_autoscaler.ports import DecisionLog
from predictive_autoscaler.report.chart_data import decision_data
from predictive_autoscaler.report.replay import ExplainedDecision
from predictive_autoscaler.web.question import Question, Status
from predictive_autoscaler.web.series import Past, chart_data, past
from predictive_autoscaler.web.view import price_words, view, waits_for

WEEK = timedelta(days=7)
NO_WHAT_IF = "It was switched off when the server was started."
_now = SystemClock().now


class Desk:
    """A group's facts, curves, decisions and what-if, as JSON.

    Args:
        days: that the curves reach back.
        question: None: no what-if.
        clock: tells the time, aware UTC.
    """

    def __init__(
        self,
        watch: Watch,
        log: DecisionLog,
        settings: GroupSettings,
        days: int,
        question: Question | None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._watch = watch
        self._log = log
        self._settings = settings
        self._days = days
        self._question = question
        self._clock = clock
        self._diary = Diary(log, settings, days)
        self._diary_source = Source(QUARTER_MINUTE, self._diary.follow)
        self._facts = watch.facts(clock())
        self._drawn: tuple[tuple[object, ...], Past] | None = None
        self._lock = threading.Lock()

    @property
    def group(self) -> str:
        return self._settings.name

    def start(self, seconds: float) -> None:
        """Look again and again, in threads that end with the process.

        Args:
            seconds: between two looks, as long as all goes well.
        """
        for look, sources in (
            (self.look, lambda: self._facts.sources.values()),
            (self.look_back, lambda: [self._diary_source.seen]),
        ):
            pause = partial(self._pause, seconds, sources)
            threading.Thread(target=repeated, args=(look, pause), daemon=True).start()

    def _pause(self, seconds: float, sources: Callable[[], Iterable[Seen[Any]]]) -> float:
        return until_next_try(seconds, sources(), self._clock())

    def look(self) -> None:
        """Read what is due of all but the records of the last days."""

        def tell(facts: Facts) -> None:
            self._facts = facts

        tell(self._watch.refresh(self._clock(), tell))
        state, window = self._facts.capacity.value, self._watch.window
        if self._question and state and window is not None:
            self._question.ask(state.bounds, window)

    def look_back(self) -> None:
        """Read the records of the last days that have not been read."""
        now = self._clock()
        if self._diary_source.is_due(now):
            self._diary_source.look(now)

    def now(self) -> dict[str, Any]:
        """Words and figures of this moment."""
        facts, found = replace(self._facts, now=self._clock()), self._past()
        words = view(facts, found, len(self._diary.entries), self._diary.wanted)
        seen = self._diary_source.seen
        if seen.error:
            words["notices"].append(f"Records of the last days: {seen.error}")
        version = self._version()
        begun = version and seen.read_at is not None
        under_way = words["progress"] or self._status().share is not None
        settled = bool(begun) and not under_way and not words["notices"]
        return words | {"version": version, "settled": settled}

    def series(self) -> dict[str, Any]:
        """The curves; the same until `version` changes."""
        version, found = self._version(), self._past()
        if found is None or not version:
            return {"version": "", "curves": None}
        return {"version": version, "curves": chart_data(found, self._facts.outlook.value)}

    def decision(self, slot: datetime) -> dict[str, Any] | None:
        """One decision explained, or why there was none; None if there is no record of it.

        Raises:
            DataError, SourceError: it cannot be read.
        """
        record = self._log.load(slot)
        if record is None:
            return None
        part, decision = part_of(record, self.group), decision_of(record, self.group)
        if decision is None:
            return {"head": decision_note(record, self.group).text}
        then = self._sound(slot - WEEK)
        with refusing_what_is_no_record():
            words = explain(decision, str(part.get("mode")), _outcome(part), then)
            return decision_data(ExplainedDecision(decision, words))

    def what_if(self) -> dict[str, Any]:
        """How far the what-if is, and its answer."""
        entries = self._diary.entries
        slots = [slot for slot, entry in entries.items() if entry.miss_price is not None]
        price = entries[max(slots)].miss_price if slots else None
        return self._status().to_json() | {
            "priced": self._settings.instance_hour_price is not None,
            "price_now": price,
            "price_words": price_words(self._settings.parameters, price),
            "waits": waits_for(self._facts),
        }

    def _status(self) -> Status:
        return self._question.status if self._question else Status(error=NO_WHAT_IF)

    def _sound(self, slot: datetime) -> Decision | None:
        """A decision that is only told beside another: none, where it cannot be read."""
        with suppress(AutoscalerError):
            return decision_of(self._log.load(slot), self.group)
        return None

    def _version(self) -> str:
        """Another one whenever the curves are; empty while there are none."""
        window, outlook = self._watch.window, self._facts.outlook
        if window is None or not (outlook.read_at or outlook.error):
            return ""
        entries = self._diary.entries
        newest = max(entries, default=None)
        status = entries[newest].status if newest else ""
        return f"{window.end} {len(entries)} {newest} {status} {outlook.read_at}"

    def _past(self) -> Past | None:
        window, entries = self._watch.window, self._diary.entries
        if window is None:
            return None
        with self._lock:
            if self._drawn is None or not _same(self._drawn[0], (window, entries)):
                parameters = self._settings.parameters
                found = past(
                    window,
                    entries,
                    days=self._days,
                    boot=timedelta(minutes=parameters.boot_minutes),
                    capacity_per_instance=parameters.capacity_per_instance,
                )
                self._drawn = ((window, entries), found)
            return self._drawn[1]


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Both parts are replaced whenever they change."""
    return all(ours is theirs for ours, theirs in zip(one, other, strict=True))


def _outcome(part: Json) -> dict[str, object]:
    outcome = part.get("outcome")
    return outcome if isinstance(outcome, dict) else {}
