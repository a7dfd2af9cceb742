"""`mode`: who scales a group, and how to hand it over."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from predictive_autoscaler.app.figures import in_words
from predictive_autoscaler.app.handover import FULL, NOTHING_BEHIND, others_in
from predictive_autoscaler.app.modes import Standing, needs_consent
from predictive_autoscaler.cli.console import (
    AsgName,
    AsJson,
    Bucket,
    LoadBalancer,
    Region,
    environment_with,
    out,
    print_json,
    use_region,
    working,
)
from predictive_autoscaler.errors import DataError, GroupNotFoundError, UsageError
from predictive_autoscaler.ports import MODES


def mode(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[GROUP] [off|observe|full]",
            help="A group (default: ASG_NAME), and the mode to hand it over to (default: show it).",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Act even if observing has not shown that it pays.")
    ] = False,
    asg_name: AsgName = None,
    load_balancer: LoadBalancer = None,
    bucket: Bucket = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Show a group's mode and its scaling policies, or change it.

    Into `full` the group's target tracking policies become a net (85 % CPU, 1.2 times what an
    instance carries, no scale-in); out of it they get their ordinary targets back before the
    mode changes. What was cut short is carried on by the same command. A control/GROUP.json that
    cannot be read is written anew, its bytes are kept beside it, and its calendar is to be
    entered again; showing it ends with 1.
    """
    from predictive_autoscaler.wiring import aws_mode_desk

    group, to = _understood(words or [], asg_name)
    use_region(region)
    flags = {"ASG_NAME": group, "LOAD_BALANCER": load_balancer, "S3_BUCKET": bucket}
    with working("looking up the group", quiet=as_json):
        try:
            desk = aws_mode_desk(environment_with(**flags))
            before = desk.standing()
        except GroupNotFoundError as error:
            raise GroupNotFoundError(f"{error}{_hint(group)}") from None
    steps: list[str] = []
    if to is not None:
        _agree(needs_consent(before, to), yes)

        def tell(line: str) -> None:
            steps.append(line)
            if not as_json:
                out.print(escape(line), soft_wrap=True)

        desk.change(before.mode, to, tell)
    if as_json:
        now = before if to is None else desk.standing()
        print_json(now.to_json() | ({"before": before.mode, "steps": steps} if to else {}))
    elif to is None:
        _show(before)
    if to is None and before.unreadable:
        raise DataError(
            f"{before.unreadable}; the mode stays {before.mode} until it is mended, or written "
            f"anew by `predictive-autoscaler mode {before.group} {before.mode}`"
        )


def _understood(words: Sequence[str], asg_name: str | None) -> tuple[str | None, str | None]:
    """The group, and the mode to hand it over to."""
    rest = list(words)
    to = rest.pop() if rest and rest[-1] in MODES else None
    if len(rest) > 1:
        raise UsageError(
            f"{' '.join(words)!r} is not understood; allowed is a group, and then a mode: "
            f"{', '.join(MODES)}"
        )
    return (rest[0] if rest else asg_name), to


def _hint(group: str | None) -> str:
    """A group that is not there may be a mode that was mistyped."""
    near = get_close_matches(group or "", MODES, n=1, cutoff=0.75)
    return f"; if a mode was meant, it is {near[0]}" if near else ""


def _agree(doubt: str | None, yes: bool) -> None:
    if doubt is None or yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{doubt} Give --yes to act nevertheless.")
    typer.confirm(f"{doubt} Act nevertheless?", abort=True, err=True)


def _show(standing: Standing) -> None:
    source = "" if standing.said else ", by its settings"
    if standing.unreadable:
        source = ", as the controller holds it while what was said cannot be read"
    out.print(f"[bold]{escape(standing.group)}[/]: mode {standing.mode}{source}")
    if standing.nets:
        table = Table("policy", "metric", "target", "scale-in")
        for net in standing.nets:
            row = (escape(net.policy), net.metric, f"{net.target:,.6g}" if net.target else "–")
            table.add_row(*row, "yes" if net.scale_in else "no")
        out.print(table)
    else:
        out.print(escape(NOTHING_BEHIND[0].upper() + NOTHING_BEHIND[1:] + "."))
    beside = others_in(standing.nets) if standing.mode == FULL else None
    if beside:
        out.print(escape(f"{beside}."), soft_wrap=True)
    for wrong in standing.wrong:
        out.print(escape(f"The next tick sets {wrong}."), soft_wrap=True)
    _show_trials(standing)


def _show_trials(standing: Standing) -> None:
    if standing.trial is None:
        out.print("There is no decision to take figures from.")
        return
    for trial in (standing.promise, standing.trial):
        if trial is not None:
            out.print(escape(in_words(trial, standing.instance_hour_usd)), soft_wrap=True)
    if standing.trial.observing:
        worth = "is" if standing.trial.worth_it else "is not (or not yet)"
        out.print(f"By these figures acting {worth} worth it.")
