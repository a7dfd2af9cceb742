"""What the commands share: where they print, how they show progress, and the settings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from predictive_autoscaler.app.settings import Settings, read_settings

out = Console()
err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
AsgName = Annotated[
    str | None, typer.Option("--asg-name", envvar="ASG_NAME", help="Auto Scaling group.")
]
LoadBalancer = Annotated[
    str | None,
    typer.Option(
        "--load-balancer",
        envvar="LOAD_BALANCER",
        help="Load balancer's CloudWatch dimension, app/NAME/ID.",
    ),
]
TargetGroup = Annotated[
    str | None,
    typer.Option(
        "--target-group",
        envvar="TARGET_GROUP",
        help="Target group's CloudWatch dimension, targetgroup/NAME/ID.",
    ),
]
Bucket = Annotated[
    str | None,
    typer.Option("--bucket", envvar="S3_BUCKET", help="Bucket of models, records and history."),
]
Region = Annotated[str | None, typer.Option("--region", envvar="AWS_REGION", help="AWS region.")]


def settings_from(**flags: str | None) -> Settings:
    """The settings from the environment, with flags (by variable name) laid over it.

    Raises:
        SettingsError: one is missing, unknown or outside its range.
    """
    region = flags.pop("AWS_REGION", None)
    if region:
        # boto3 reads both names, and this one only from a profile-less environment.
        os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = region
    given = {name: value for name, value in flags.items() if value is not None}
    return read_settings(dict(os.environ) | given)


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON document on the standard output, unstyled."""
    print(json.dumps(content, indent=2, sort_keys=True))


def complain(text: str) -> None:
    """Print one error on the standard error."""
    err.print(f"[bold red]error:[/] {escape(text)}", soft_wrap=True)


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[Any]:
    """Show that something takes its time; yields a function that changes the words."""
    if quiet or not err.is_terminal:
        yield lambda text: None if quiet else err.print(escape(text), style="dim")
        return
    with err.status(escape(what)) as status:
        yield lambda text: status.update(escape(text))
