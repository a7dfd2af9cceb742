"""Two weeks of a small shop in memory, with a record for every five minutes, and its page."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import uvicorn
from starlette.types import ASGIApp

from predictive_autoscaler.adapters.memory import MemoryAlarms, MemoryFunctionCalls
from predictive_autoscaler.app.monitor.watch import Eyes, Watch
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.types import Json, Samples, utc_text
from predictive_autoscaler.ports import Alarm
from predictive_autoscaler.web.desk import Desk
from predictive_autoscaler.web.pages import make_app
from predictive_autoscaler.web.question import Question, Status
from predictive_autoscaler.web.server import listening
from tests.helpers.shop import GROUP, START, World, capacity, entry, shop, world

MINUTES = 5
INTERVAL = timedelta(minutes=MINUTES)
DAYS = 14
NOW = START + timedelta(days=DAYS, hours=10, minutes=17)
SLOT = START + timedelta(days=DAYS, hours=10, minutes=15)
"""Of the newest record."""
REAL = 3
"""Records that a controller has made; the older ones are like them."""
FUNCTION = "shop-controller"
ALARMS = (
    Alarm(
        "shop-p95",
        "ALARM",
        NOW - timedelta(minutes=9),
        "The slowest 5 % of requests take longer than 1 s",
        dimensions=frozenset({("AutoScalingGroupName", GROUP)}),
    ),
    Alarm(
        "shop-lambda-errors",
        "OK",
        NOW - timedelta(days=3),
        dimensions=frozenset({("FunctionName", FUNCTION)}),
    ),
)


@dataclass
class Fortnight:
    """What was made; `desk` is what the page is made from."""

    world: World
    watch: Watch
    desk: Desk
    alarms: MemoryAlarms
    eyes: Eyes

    def watch_anew(self) -> Watch:
        """One that has read nothing yet."""
        return _watch(self.eyes, self.world.groups[0])


def fortnight(
    question: Question | None = None, *, full: bool = True, hour_price: str = ""
) -> Fortnight:
    """Fourteen days up to `NOW`, of which the last 15 minutes were really decided.

    Args:
        full: with records for all of it, which takes some seconds.
        hour_price: USD for an instance-hour; none by default.
    """
    samples = served_by(shop(MINUTES * 60, days=DAYS + 1), capacity(MINUTES * 60))
    desired = int(samples.in_service[-1])
    made = world(samples, interval_minutes=MINUTES, desired=desired, INSTANCE_HOUR_PRICE=hour_price)
    made.source.visible_until = SLOT
    made.clock.set(NOW - (REAL - 1) * INTERVAL)
    records = made.run(REAL)
    made.clock.set(NOW)
    if full:
        _fill(made, samples, records[0])
    alarms = MemoryAlarms(ALARMS)
    eyes: Any = Eyes(
        actuator=made.actuator,
        metrics=made.source,
        history=made.history,
        decisions=made.decisions,
        models=made.models,
        alarms=alarms,
        calls=MemoryFunctionCalls({FUNCTION: [(NOW - 4 * INTERVAL, 0.9, False)]}),
        controls=made.controls,
    )
    settings = made.groups[0]
    watch = _watch(eyes, settings)
    desk = Desk(watch, made.decisions, settings, DAYS, question, clock=made.clock.now)
    return Fortnight(made, watch, desk, alarms, eyes)


def _watch(eyes: Eyes, settings: GroupSettings) -> Watch:
    return Watch(
        eyes, settings, ahead=timedelta(days=1), days=DAYS, alarm_prefix="shop-", function=FUNCTION
    )


def _fill(made: World, samples: Samples, like: Json) -> None:
    """Records for all slots before the real ones, with numbers of their own."""
    each = capacity(MINUTES * 60)
    for index in range((SLOT - samples.start) // INTERVAL - REAL + 1):
        slot = samples.start + index * INTERVAL
        record = copy.deepcopy(like) | {"slot": utc_text(slot)}
        peak = float(samples.requests[index : index + 3].max())
        wanted = math.ceil(1.05 * peak / each)
        entry(record)["decision"] |= {
            "slot": utc_text(slot),
            "quantiles": {"0.05": 0.93 * peak, "0.5": peak, "0.95": 1.07 * peak},
            "wish_instances": wanted,
            "before_instances": math.ceil(peak / each),
            "after_instances": wanted,
        }
        entry(record)["outcome"] = {"status": "applied", "instances": wanted}
        made.decisions.claim(slot, record)


def served_by(samples: Samples, each: float) -> Samples:
    """The same traffic, met by instances that follow it a little too late."""
    needed = np.ceil(1.06 * samples.requests / each)
    return samples.replaced(in_service=np.roll(needed, 2), healthy_hosts=np.roll(needed, 2))


class Answered(Question):
    """A what-if that has been computed already, or cannot be."""

    def __init__(self, status: Status) -> None:
        self.status = status

    def ask(self, bounds: object, recorded: object) -> None:
        """Nothing is computed."""


def answer_like(hour_price: float | None = 0.096) -> dict[str, Any]:
    """An answer in the form of `question.answer`, with made-up figures."""
    prices = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
    names: list[tuple[str, float | None, float, float]] = [
        ("shipped default", None, 0.0012, 412.0),
        *((f"price {one:g}", one, 0.02 / one, 380 + 14 * math.log2(one)) for one in prices),
        ("target tracking 70 %", None, 0.004, 571.0),
        ("what the group had", None, 0.02, 431.0),
    ]
    total = 31_415_926.0
    rows = [
        {
            "name": name,
            "miss_price": price,
            "present": index == 0,
            "missed_share": share,
            "missed_requests": share * total,
            "total_requests": total,
            "hours_per_day": hours,
            "usd_per_day": hour_price and hours * hour_price,
            "usd_per_month": hour_price and 30 * hours * hour_price,
            "actions": 90 + index,
        }
        for index, (name, price, share, hours) in enumerate(names)
    ]
    return {
        "until": utc_text(SLOT),
        "days": 6.3,
        "capacity": 1000.0,
        "capacity_from": "the setting AUTOSCALER_CAPACITY_PER_INSTANCE",
        "remarks": [],
        "rows": rows,
    }


@contextmanager
def served(desk: Desk, refresh_seconds: int = 1) -> Iterator[str]:
    """The page on a free port, while the block runs; gives its address."""
    with listening(0) as sock:
        port = sock.getsockname()[1]
        app: ASGIApp = make_app(desk, port, refresh_seconds)
        config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
