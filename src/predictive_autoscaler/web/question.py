"""What other prices of a miss would have cost and missed: computed beside the server, once a day.

It is minutes of work for a core, so it goes on in a process of its own, which yields to all
others and ends with the server.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.outlay import Outlay
from predictive_autoscaler.core.types import Bounds, Samples, utc_text
from predictive_autoscaler.errors import AutoscalerError

OLD = timedelta(days=1)
"""An answer is made anew once the metrics are so much newer than those it is about."""
TOLD_EVERY_SECONDS = 0.5
NICE = 10
Answer = dict[str, Any]


@dataclass(frozen=True)
class Status:
    """How far the newest question is, and the last answer.

    Attributes:
        share: done of the one under way; None if none is.
        answer: None before the first.
        error: why the newest one has none; empty if it has, or is under way.
    """

    share: float | None = None
    answer: Answer | None = None
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def answer(
    settings: GroupSettings,
    bounds: Bounds,
    recorded: Samples,
    tell: Callable[[float], None] = lambda share: None,
) -> Answer:
    """Replay the recorded traffic under a range of prices and budgets.

    Returns:
        `rows`, of which those with a `miss_price` are on the slider, and what a reader must
        know; see `backtest.what_if`.

    Raises:
        DataError: there is too little to replay.
    """
    from predictive_autoscaler.backtest.from_settings import capacity_of, options_under
    from predictive_autoscaler.backtest.lab import LabOptions, traffic_of
    from predictive_autoscaler.backtest.what_if import (
        AIMS,
        replay_variants,
        variants,
        yardsticks,
    )

    capacity, known_from = capacity_of(settings, recorded)
    options = replace(
        options_under(settings, LabOptions()), bounds=bounds, capacity_per_instance=capacity
    )
    traffic = traffic_of(settings.name, recorded, options)
    present = {key: float(options.parameters[key]) for key in AIMS if key in options.parameters}
    chosen, price = variants(present), settings.instance_hour_price
    replayed = replay_variants(traffic, options, chosen, price, tell)
    rows = [
        _row(outlay, variant.aim.get("miss_price"))
        for variant, outlay in zip(chosen, replayed, strict=True)
    ]
    rows += [_row(outlay, None) for outlay in yardsticks(traffic, options, price)]
    return {
        "until": utc_text(recorded.end),
        "days": traffic.days,
        "capacity": capacity,
        "capacity_from": known_from,
        "remarks": traffic.remarks,
        "rows": rows,
    }


def _row(outlay: Outlay, miss_price: float | None) -> dict[str, Any]:
    return {
        "name": outlay.name,
        "miss_price": miss_price,
        "present": outlay.present,
        "missed_share": outlay.score.missed_share,
        "missed_requests": outlay.score.missed_requests,
        "total_requests": outlay.score.total_requests,
        "hours_per_day": outlay.hours_per_day,
        "usd_per_day": outlay.usd_per_day,
        "usd_per_month": outlay.usd_per_month,
        "actions": outlay.score.actions,
    }


class Question:
    """Keeps an answer to the newest metrics, and tells how far it is.

    Attributes:
        status: replaced as a whole, never changed.
    """

    def __init__(self, settings: GroupSettings) -> None:
        self._settings = settings
        self._until: datetime | None = None
        self.status = Status()

    def ask(self, bounds: Bounds, recorded: Samples) -> None:
        """Have it answered in the background, unless that was done or is under way."""
        if self.status.share is not None:
            return
        if self._until is not None and recorded.end - self._until < OLD:
            return
        self._until = recorded.end
        self.status = replace(self.status, share=0.0, error="")
        threading.Thread(target=self._answered, args=(bounds, recorded), daemon=True).start()

    def _answered(self, bounds: Bounds, recorded: Samples) -> None:
        if hasattr(signal, "pthread_sigmask"):
            # The process takes this over from the thread: Ctrl-C is for the server, which ends it.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            self._work(bounds, recorded)
        except (OSError, EOFError) as error:
            self._end(error=f"the process that computes it has ended: {error!r}")

    def _work(self, bounds: Bounds, recorded: Samples) -> None:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        work = spawn.Process(
            target=_in_a_process, args=(theirs, self._settings, bounds, recorded), daemon=True
        )
        work.start()
        theirs.close()
        while True:
            what, content = ours.recv()
            if what == "share":
                self.status = replace(self.status, share=content)
            elif what == "answer":
                return self._end(content)
            else:
                return self._end(error=content)

    def _end(self, found: Answer | None = None, error: str = "") -> None:
        kept = self.status.answer if found is None else found
        self.status = Status(answer=kept, error=error)


def _in_a_process(
    line: Connection, settings: GroupSettings, bounds: Bounds, recorded: Samples
) -> None:
    """The child's whole life. Whoever asked may be gone by the end."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        if time.monotonic() - told > TOLD_EVERY_SECONDS:
            told = time.monotonic()
            line.send(("share", share))

    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            line.send(("answer", answer(settings, bounds, recorded, tell)))
        except (AutoscalerError, ValueError, ArithmeticError) as error:
            line.send(("error", str(error)))
        except ModuleNotFoundError as error:
            line.send(("error", f"{error.name} is not installed; it belongs to the extra 'train'"))
