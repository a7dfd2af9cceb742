"""`monitor`: how a group is doing, live."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from predictive_autoscaler.adapters.clock import SystemClock
from predictive_autoscaler.app.monitor.facts import COMPONENTS, Facts
from predictive_autoscaler.app.monitor.pace import repeated
from predictive_autoscaler.cli.console import (
    REFRESH_SECONDS,
    AlarmPrefix,
    AsgName,
    AsJson,
    Bucket,
    LoadBalancer,
    RefreshInterval,
    Region,
    TargetGroup,
    WatchedFunction,
    check_range,
    end_when_told,
    environment_with,
    group_flags,
    out,
    print_json,
    use_region,
    working,
)
from predictive_autoscaler.cli.monitor_view import picture
from predictive_autoscaler.cli.widgets import Fitted, LivePicture
from predictive_autoscaler.errors import SourceError

if TYPE_CHECKING:
    from predictive_autoscaler.app.monitor.watch import Watch

REDRAW_SECONDS = 1.0
"""Ages grow between two refreshes."""
_now = SystemClock().now


class Component(Enum):
    """Parts of the view."""

    ASG = "asg"
    METRICS = "metrics"
    MODEL = "model"
    LAMBDA = "lambda"
    ALARMS = "alarms"
    ALL = "all"


def monitor(
    component: Annotated[
        Component,
        typer.Option(
            help="asg: instances and decisions; metrics: traffic and forecast; model; lambda: "
            "records and calls; alarms."
        ),
    ] = Component.ALL,
    refresh_interval: RefreshInterval = 5,
    once: Annotated[bool, typer.Option("--once", help="Look once, print, and end.")] = False,
    alarm_prefix: AlarmPrefix = None,
    function: WatchedFunction = None,
    asg_name: AsgName = None,
    load_balancer: LoadBalancer = None,
    target_group: TargetGroup = None,
    bucket: Bucket = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Show live how a group is doing, and why.

    Instances, decisions, traffic, forecast, model, Lambda and alarms; it reads and changes nothing.
    In a terminal it draws over itself until Ctrl-C; elsewhere it prints a picture at each refresh,
    and with --json a document a line. What cannot be read keeps its last value, with its age and
    the error, and is asked again.
    """
    from predictive_autoscaler.wiring import aws_watch

    check_range("--refresh-interval", refresh_interval, *REFRESH_SECONDS)
    end_when_told()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Where a terminal knows no blocks and arrows, question marks are better than an end.
        sys.stdout.reconfigure(errors="replace")
    use_region(region)
    flags = group_flags(asg_name, load_balancer, target_group, bucket)
    components = COMPONENTS if component is Component.ALL else (component.value,)
    watch = aws_watch(
        environment_with(**flags), components, alarm_prefix=alarm_prefix, function=function
    )
    if once:
        _once(watch, as_json=as_json)
    elif as_json:
        _repeat(watch, refresh_interval, _print_line)
    elif out.is_terminal:
        _live(watch, refresh_interval)
    else:
        _repeat(watch, refresh_interval, lambda facts: out.print(picture(facts)))


def _once(watch: Watch, *, as_json: bool) -> None:
    """One look. Fails if none of the components that were asked for could be read."""
    with working("looking at the group", quiet=as_json):
        facts = watch.refresh(_now()).never_again
    if as_json:
        print_json(facts.to_json())
    else:
        out.print(picture(facts))
    if facts.unread:
        raise SourceError(f"{', '.join(facts.components)} could not be read: {facts.unread}")


def _print_line(facts: Facts) -> None:
    print(json.dumps(facts.to_json(), sort_keys=True))
    sys.stdout.flush()


def _repeat(watch: Watch, seconds: int, show: Callable[[Facts], object]) -> NoReturn:
    """A picture or a document for each refresh, for ever."""
    repeated(lambda: show(watch.refresh(_now())), seconds)


def _live(watch: Watch, seconds: int) -> None:
    """Draw over itself. Reading goes on beside it, so that a lost connection, which takes its
    time to show, stops neither the clock nor Ctrl-C.
    """
    newest = [watch.facts(_now())]

    def tell(facts: Facts) -> None:
        newest[0] = facts

    def read() -> None:
        tell(watch.refresh(_now(), tell))

    threading.Thread(target=repeated, args=(read, seconds), daemon=True).start()
    with LivePicture(out, screen=True) as live:
        while True:
            live.show(Fitted(picture(replace(newest[0], now=_now()))))
            time.sleep(REDRAW_SECONDS)
