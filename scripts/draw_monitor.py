"""Draw the picture of docs/monitor.md: a morning of the generated shop, as `monitor` shows it.

`.venv/bin/python scripts/draw_monitor.py` writes docs/monitor.svg, the same each time: traffic,
model and decisions are made anew by the project's own code, over ports in memory.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.terminal_theme import MONOKAI

from predictive_autoscaler.adapters.memory import (
    FixedClock,
    MemoryActuator,
    MemoryAlarms,
    MemoryControlStore,
    MemoryDecisionLog,
    MemoryFunctionCalls,
    MemoryHistoryStore,
    MemoryMetricSource,
    MemoryModelStore,
    MemoryNets,
    MemoryNotifier,
    MemorySink,
)
from predictive_autoscaler.app.control import Controller
from predictive_autoscaler.app.monitor.facts import Facts
from predictive_autoscaler.app.monitor.watch import Eyes, Watch
from predictive_autoscaler.app.settings import GroupSettings, read_settings
from predictive_autoscaler.backtest.world import Instances, recorded_under
from predictive_autoscaler.cli.monitor_view import picture
from predictive_autoscaler.core.timegrid import to_interval
from predictive_autoscaler.core.types import Bounds, GroupState, Samples
from predictive_autoscaler.demo.traffic import default_capacity, generated, joined
from predictive_autoscaler.model.train import TrainOptions, train
from predictive_autoscaler.ports import Alarm, Ports

PICTURE = Path(__file__).parent.parent / "docs" / "monitor.svg"
GROUP, FUNCTION = "shop-web", "shop-controller"
COLUMNS = 100
NOW_AFTER_MIDNIGHT = timedelta(hours=9, minutes=33)
TICKS = 12
AHEAD_OF_DEMAND = 1.4
"""What the group had on the days before, times what was needed."""
_FETCHED_FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


def watched(settings: GroupSettings, samples: Samples, now: datetime) -> Facts:
    """Train on the past, let the controller decide for an hour, and look at it.

    Args:
        samples: metrics by the minute, up to `now` and beyond.
    """
    interval = settings.parameters.interval
    models = MemoryModelStore()
    options = TrainOptions(group=GROUP, parameters=settings.parameters.features)
    midnight = now.replace(hour=0, minute=0)
    past = to_interval(samples.between(samples.start, midnight), 300)
    trained = train(past, options)
    models.publish(GROUP, trained.npz, trained.card.to_json(), trained.card.model_id)
    clock = FixedClock(now - TICKS * interval)
    ports = Ports(
        clock=clock,
        metrics=MemoryMetricSource({GROUP: samples}),
        actuator=MemoryActuator([GroupState(GROUP, 14, 14, Bounds(2, 60))]),
        nets=MemoryNets(),
        models=models,
        decisions=MemoryDecisionLog(),
        controls=MemoryControlStore(),
        history=MemoryHistoryStore(),
        sink=MemorySink(),
        notifier=MemoryNotifier(),
    )
    controller = Controller(ports, [settings], log=lambda line: None)
    for _ in range(TICKS):
        clock.advance(interval)
        controller.run_once()
    eyes = Eyes(
        actuator=ports.actuator,
        metrics=ports.metrics,
        history=ports.history,
        decisions=ports.decisions,
        models=models,
        alarms=MemoryAlarms(_alarms(now)),
        calls=MemoryFunctionCalls({FUNCTION: list(_calls(now, interval))}),
        controls=ports.controls,
    )
    return Watch(eyes, settings, alarm_prefix="shop-", function=FUNCTION).refresh(now)


def _alarms(now: datetime) -> Iterator[Alarm]:
    for name in ("cpu", "errors", "lambda-errors", "no-decision", "p95", "unhealthy-hosts"):
        yield Alarm(f"shop-{name}", "OK", now - timedelta(days=3))
    yield Alarm(
        "shop-database-connections",
        "ALARM",
        now - timedelta(minutes=12),
        "Four fifths of the database's connections are taken",
    )


def _calls(now: datetime, interval: timedelta) -> Iterator[tuple[datetime, float, bool]]:
    for back in range(1, 13):
        yield now - back * interval, 0.9 + 0.01 * back, False


def shop_by_the_minute() -> tuple[Samples, float]:
    """The generated shop's traffic, and what an instance carries in five minutes of it."""
    traffic = joined(generated(1, interval_seconds=60))
    # The generator's numbers are meant for five minutes.
    demand = traffic.replaced(requests=np.round(traffic.requests / 5))
    capacity = default_capacity(to_interval(demand.latest(24 * 60), 300).requests)
    per_minute = capacity / 5
    ready = np.ceil(AHEAD_OF_DEMAND * demand.requests / per_minute)
    return recorded_under(demand, ready, Instances(per_minute)), capacity


def as_svg(facts: Facts) -> str:
    """The terminal's picture; its fonts are the reader's own, none is fetched."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(picture(facts))
    svg = console.export_svg(
        title="predictive-autoscaler monitor", theme=MONOKAI, unique_id="monitor"
    )
    lines = _FETCHED_FONT.sub("", svg).splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def main() -> None:
    """Make the morning and draw it."""
    samples, capacity = shop_by_the_minute()
    settings = read_settings(
        {
            "ASG_NAME": GROUP,
            "LOAD_BALANCER": "app/shop/1",
            "S3_BUCKET": "shop-records",
            "AUTOSCALER_MODE": "full",
            "AUTOSCALER_CAPACITY_PER_INSTANCE": repr(capacity),
        }
    ).groups[0]
    now = samples.end - timedelta(days=1) + NOW_AFTER_MIDNIGHT
    PICTURE.write_text(as_svg(watched(settings, samples, now)))
    print(f"Wrote docs/{PICTURE.name}.")


if __name__ == "__main__":
    main()
