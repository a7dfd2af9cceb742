"""`rollback`: publish an earlier version of the model again."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from predictive_autoscaler.cli.console import (
    AsgName,
    AsJson,
    Bucket,
    Region,
    StoreFolder,
    out,
    print_json,
    use_region,
)
from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from predictive_autoscaler.app.rollback import RolledBack, Version


def rollback(
    version: Annotated[
        str | None,
        typer.Argument(
            help="The version to go to; by default, the one published before the present one.",
        ),
    ] = None,
    list_them: Annotated[
        bool, typer.Option("--list", help="List the versions that there are, and change nothing.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask, even at a terminal.")
    ] = False,
    store: StoreFolder = None,
    asg_name: AsgName = None,
    bucket: Bucket = None,
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Go back to an earlier version of the model.

    The same bytes as before serve from the controller's next step on; nothing is deleted. The
    version that is left counts as rolled back: `retrain` does not publish the same bytes again.
    Newer metrics make another model, which is judged against the one that serves then; stop the
    schedule of `retrain` until you know what was wrong. `rollback` with the name of the version
    that was left undoes it.

    Exit codes: 0 done, 1 failed or not confirmed, 2 wrong options or
    settings.
    """
    from predictive_autoscaler.app.rollback import list_versions, roll_back
    from predictive_autoscaler.wiring import model_archive

    if list_them and version is not None:
        raise UsageError(f"--list and the version {version!r} exclude each other")
    use_region(region)
    if not asg_name:
        raise SettingsError("ASG_NAME is not set; it names the group whose model is meant")
    if store is not None and not store.is_dir():
        raise UsageError(f"--store is {store}; there is no such folder")
    archive = model_archive(bucket, store)
    if list_them:
        found = list_versions(asg_name, archive)
        if as_json:
            print_json({"group": asg_name, "versions": [asdict(one) for one in found]})
        else:
            _show(asg_name, found)
        return
    asks = sys.stdin.isatty() and not yes
    done = roll_back(asg_name, archive, version, _confirmed if asks else lambda planned: True)
    if done is None:
        raise typer.Abort
    if as_json:
        print_json(asdict(done) | {"trained_until": utc_text(done.trained_until)})
        return
    _say(
        f"{done.group}: {done.version} is published again, in place of {done.left}. The controller "
        "takes it with its next step."
    )


def _confirmed(planned: RolledBack) -> bool:
    return typer.confirm(
        f"{planned.group}: publish {planned.version} again (learned until "
        f"{planned.trained_until:%Y-%m-%d %H:%M} UTC), in place of {planned.left}?",
        err=True,
    )


def _show(group: str, versions: list[Version]) -> None:
    if not versions:
        _say(f"{group}: there are no versions.")
        return
    table = Table(title=f"Versions of {group}", title_justify="left")
    for heading in ("version", "", "learned until"):
        table.add_column(heading, overflow="fold")
    for one in versions:
        until = f"cannot be used: {one.fault}" if one.fault else one.trained_until
        table.add_row(*map(escape, (one.name, one.place, until)))
    out.print(table)


def _say(text: str) -> None:
    out.print(escape(text), soft_wrap=True, highlight=False)
