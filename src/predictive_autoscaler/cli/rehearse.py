"""`rehearse`: close the loop for real on this machine, with measured latency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from predictive_autoscaler.cli.console import (
    RECORDS_NAME,
    AsJson,
    Seed,
    checked_bounds,
    end_when_told,
    err,
    keep_records,
    out,
    print_json,
    training_script,
)
from predictive_autoscaler.cli.widgets import LivePicture, trends
from predictive_autoscaler.core.workloads import replayed
from predictive_autoscaler.errors import UsageError
from predictive_autoscaler.folders import sole_user_of
from predictive_autoscaler.interruption import end_if_interrupted, remembering_interrupts

if TYPE_CHECKING:
    from predictive_autoscaler.rehearsal.play import Progress, Take
    from predictive_autoscaler.rehearsal.rehearse import Rehearsal
    from predictive_autoscaler.report.replay import MeasuredLatency

REPORT_NAME = "report.html"
TRACE_HOURS = 24.0
"""Of a recording, from its beginning on."""


class Scenario(Enum):
    """The load scenarios of the locust folder."""

    BASELINE = "baseline"
    SURGE = "surge"
    SINUSOIDAL = "sinusoidal"
    STEP = "step"
    FLASH_SALE = "flash-sale"
    REPLAY = "replay"


def rehearse(
    scenario: Annotated[
        Scenario, typer.Option(help="Who comes when; see locust/README.md.")
    ] = Scenario.SINUSOIDAL,
    output: Annotated[
        Path, typer.Option("--out", help="Folder for the report, the model and the logs.")
    ] = Path("out/rehearsal"),
    duration: Annotated[
        int, typer.Option(min=30, max=3600, help="Seconds of load, for each of the two policies.")
    ] = 120,
    users: Annotated[int, typer.Option(min=10, max=5000, help="Users at the peak.")] = 450,
    trace: Annotated[
        Path | None,
        typer.Option(
            help="For --scenario replay: a recording (CSV: timestamp,requests), whose first "
            f"{TRACE_HOURS:g} hours are compressed to the duration."
        ),
    ] = None,
    announced: Annotated[
        bool,
        typer.Option(
            "--announced/--unannounced",
            help="Whether the peak stands in the calendar, as somebody who plans a sale would "
            "enter it.",
        ),
    ] = False,
    speed: Annotated[
        float, typer.Option(min=1, max=120, help="Simulated seconds in a real one.")
    ] = 60,
    capacity: Annotated[
        float | None,
        typer.Option(
            "--capacity-per-instance",
            min=1e-6,
            help="Requests per control interval that one instance carries within the objective; "
            "`calibrate` finds it. Default: as is known of the small shop.",
        ),
    ] = None,
    objective: Annotated[
        float, typer.Option(min=0.05, max=60, help="Latency objective, seconds.")
    ] = 1.5,
    low: Annotated[int, typer.Option("--min", min=1, max=100, help="Fewest instances.")] = 1,
    high: Annotated[int, typer.Option("--max", min=1, max=100, help="Most instances.")] = 30,
    boot_minutes: Annotated[
        int, typer.Option(min=1, max=20, help="Simulated minutes until a new instance serves.")
    ] = 5,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Drive real load against real instances on this machine.

    A small shop runs as one process per instance behind a load balancer; Locust brings the
    shoppers; the real Lambda handler decides on a clock that runs 60 times as fast, and instances
    start and stop as it says. The same load comes a second time with target tracking alone. What
    was measured of every request makes the report.
    """
    from predictive_autoscaler.loadtest.scenarios import read_trace
    from predictive_autoscaler.rehearsal import rehearse as rehearsing
    from predictive_autoscaler.rehearsal.course import RehearsalOptions
    from predictive_autoscaler.rehearsal.report import report_of
    from predictive_autoscaler.report.page import write

    end_when_told()
    bounds = checked_bounds(low, high)
    if (scenario is Scenario.REPLAY) != (trace is not None):
        raise UsageError("--scenario replay needs --trace FILE, and no other scenario takes one")
    options = RehearsalOptions(
        out=output,
        scenario=scenario.value,
        duration_seconds=float(duration),
        speed=speed,
        users=users,
        objective_seconds=objective,
        capacity_per_instance=capacity,
        bounds=bounds,
        boot_minutes=boot_minutes,
        announced=announced,
        seed=seed,
        trace=trace,
        trace_hours=TRACE_HOURS,
        training_script=training_script(),
    )
    if announced and scenario is Scenario.BASELINE:
        raise UsageError("--announced needs a scenario with a peak; baseline has none")
    if options.bins < 5:
        raise UsageError(
            f"--duration is {duration} at --speed {speed:g}: {options.bins} control intervals; "
            "at least 5 are needed"
        )
    pattern = None
    if trace is not None:
        recording = read_trace(trace, 0.0, TRACE_HOURS)
        pattern = replayed(*recording, users, options.duration_seconds)
    with sole_user_of(output), telling_the_end(), remembering_interrupts():
        with LiveView(quiet=as_json) as view:
            news = rehearsing.News(view.step, view.interval)
            result = rehearsing.rehearse(options, news, pattern=pattern)
        report = output / REPORT_NAME
        write(report_of(result), report)
        keep_records(result.records, output / RECORDS_NAME)
    if as_json:
        print_json(_facts(result, report))
    else:
        _print(result, report)


def _facts(result: Rehearsal, report: Path) -> dict[str, object]:
    return {
        "report": str(report),
        "published": result.card is not None,
        "runs": {take.name: _figures(take, result) for take in result.takes},
    }


def _figures(take: Take, result: Rehearsal) -> dict[str, float]:
    from predictive_autoscaler.rehearsal.report import load_rates, run_of

    latency: MeasuredLatency | None = run_of(take, result.options).latency
    assert latency is not None
    share, possible = load_rates(take)
    return {
        "requests": latency.requests,
        "beyond_objective": latency.slow,
        "beyond_objective_share": latency.slow_share,
        "failed": latency.failed,
        "p95_seconds": latency.p95_of_all,
        "instance_minutes": latency.instance_minutes,
        "instances_started": latency.started,
        "load_test_cpu_share": share,
        "load_test_possible_requests_per_second": possible,
    }


def _print(result: Rehearsal, report: Path) -> None:
    table = Table(
        title=f"{result.options.scenario}, measured; instance-minutes", title_justify="left"
    )
    table.add_column("policy")
    for heading in ("requests", "beyond objective", "failed", "p95", "minutes", "started"):
        table.add_column(heading, justify="right")
    for take in result.takes:
        figures = _figures(take, result)
        table.add_row(
            take.name,
            f"{figures['requests']:,.0f}",
            f"{figures['beyond_objective']:,.0f} ({figures['beyond_objective_share']:.2%})",
            f"{figures['failed']:,.0f}",
            f"{figures['p95_seconds']:.2f} s",
            f"{figures['instance_minutes']:,.0f}",
            f"{figures['instances_started']:.0f}",
        )
    out.print(table)
    out.print(f"Report: {report}", soft_wrap=True, highlight=False)


@contextmanager
def telling_the_end() -> Iterator[None]:
    """Ending all that runs takes some seconds, of which nobody should wonder."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        err.print("interrupted; everything that was started has ended", highlight=False)
        raise


class LiveView:
    """How it goes: steps as lines, and of the present pass a small picture in a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._passed: list[Progress] = []
        self._picture = LivePicture(err, wanted=not quiet)

    def __enter__(self) -> LiveView:
        self._picture.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._picture.__exit__()

    def step(self, text: str) -> None:
        """Something new begins."""
        end_if_interrupted()
        self._passed = []
        if not self._quiet:
            err.print(f"• {escape(text)}", highlight=False)

    def interval(self, progress: Progress) -> None:
        """A control interval has ended."""
        self._passed.append(progress)
        if self._quiet:
            return
        if err.is_terminal:
            self._picture.show(pass_in_trends(self._passed))
        elif progress.index % 6 == 5 or progress.index == progress.bins - 1:
            err.print(f"  {_line(progress)}", highlight=False, soft_wrap=True)


def pass_in_trends(passed: Sequence[Progress]) -> Group:
    """How the present pass goes, from its intervals so far."""
    rows = {
        "requests": [float(one.window.requests) for one in passed],
        "beyond objective": [float(one.window.slow) for one in passed],
        "instances serving": [float(one.serving) for one in passed],
        "instances asked for": [float(one.desired) for one in passed],
    }
    newest = ((name, f"{values[-1]:,.0f}", values) for name, values in rows.items())
    # A table's own title would be folded to the table's width.
    return Group(Text(_line(passed[-1])), trends(newest))


def _line(progress: Progress) -> str:
    window = progress.window
    return (
        f"{progress.name}: interval {progress.index + 1} of {progress.bins}, "
        f"{window.requests} requests, p95 {window.latency(0.95):.2f} s, "
        f"{progress.serving} of {progress.desired} instances serve"
    )
