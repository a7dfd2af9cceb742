"""`doctor`: what is wrong with a controller and all around it, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.markup import escape

from predictive_autoscaler.app.doctor.checks import CHECKS
from predictive_autoscaler.app.doctor.examination import counts, examined, to_json
from predictive_autoscaler.app.doctor.findings import Check, Finding, Status
from predictive_autoscaler.cli.console import (
    AsgName,
    AsJson,
    Bucket,
    LoadBalancer,
    Region,
    TargetGroup,
    environment_with,
    err,
    group_flags,
    out,
    print_json,
    use_region,
)

STYLES = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.FAULT: "bold red",
    Status.NOT_CHECKED: "cyan",
}
COUNTED = (Status.WARNING.value, Status.FAULT.value)
"""Have a plural."""
EPILOG = "Exit codes: 0 no fault (warnings may be there), 1 faults, 2 wrong options."


def doctor(
    asg_name: AsgName = None,
    load_balancer: LoadBalancer = None,
    target_group: TargetGroup = None,
    bucket: Bucket = None,
    region: Region = None,
    function: Annotated[
        str | None,
        typer.Option(help="The controller's Lambda function. Default: looked for."),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(min=1, max=600, help="What is not answered by then counts as not checked."),
    ] = 60,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Leave out what is ok.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a deployment, and name the remedy for what is wrong.

    Credentials, rights, settings, group, metrics, model, function, schedule, decisions, mode,
    limits, alarms. Nothing is changed. A check that cannot be done says why, and stops none of
    the others.
    """
    from predictive_autoscaler.inspection import aws_facts

    use_region(region)
    flags = group_flags(asg_name, load_balancer, target_group, bucket)
    rows: list[tuple[Check, Sequence[Finding]]] = []
    with progress(quiet=as_json) as say:
        facts = aws_facts(environment_with(**flags), function, seconds)
        areas = Areas(hide_ok=quiet)
        for check, findings in examined(facts):
            rows.append((check, findings))
            if as_json:
                continue
            areas.show(check, findings)
            if len(rows) < len(CHECKS):
                say(f"checking {CHECKS[len(rows)].name} ({len(rows)} of {len(CHECKS)} done)")
        areas.finish()
    found = [finding for _, findings in rows for finding in findings]
    if as_json:
        print_json(to_json(facts, rows))
    else:
        out.print(f"\n{summary(len(CHECKS), found)}", highlight=False)
    if any(finding.status is Status.FAULT for finding in found):
        raise typer.Exit(1)


def summary(checks: int, found: Sequence[Finding]) -> str:
    """How many checks were made, and what came of them; one check may find several things."""
    counted = ", ".join(
        f"{number} {status}{'s' if number != 1 and status in COUNTED else ''}"
        for status, number in counts(found).items()
    )
    return f"{checks} checks with {len(found)} findings: {counted}."


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show what is being checked, below what was found so far; yields what changes the words."""
    console = out if out.is_terminal else err
    if quiet or not console.is_terminal:
        yield lambda text: None
        return
    with console.status("asking AWS") as status:
        yield lambda text: status.update(escape(text))


class Areas:
    """Prints findings under the headings of their areas.

    Checks of an area that one cause has kept from being done share a line.

    Args:
        hide_ok: leave out findings with which all is well.
    """

    def __init__(self, *, hide_ok: bool) -> None:
        self._hide_ok = hide_ok
        self._area = ""
        self._held: tuple[str, Finding] | None = None

    def show(self, check: Check, findings: Sequence[Finding]) -> None:
        """Print one check's findings; a last one that was not checked is held back, since the
        next check may join it.
        """
        for finding in findings:
            if self._hide_ok and finding.status is Status.OK:
                continue
            names = check.name
            if self._held and check.area == self._area and finding == self._held[1]:
                names = f"{self._held[0]}, {names}"
                self._held = None
            self.finish()
            if check.area != self._area:
                self._area = check.area
                out.print(f"\n[bold]{escape(check.area)}[/]")
            if finding.status is Status.NOT_CHECKED:
                self._held = names, finding
            else:
                _print_finding(names, finding)

    def finish(self) -> None:
        """Print what was held back."""
        if self._held:
            _print_finding(*self._held)
            self._held = None


def _print_finding(names: str, finding: Finding) -> None:
    style = STYLES[finding.status]
    status = f"[{style}]{finding.status.value:>11}[/]"
    text = escape(f"{names}: {finding.text}")
    out.print(f"{status}  {text}", soft_wrap=True, highlight=False)
    if finding.remedy:
        out.print(f"{'':>13}→ {escape(finding.remedy)}", soft_wrap=True, highlight=False)
