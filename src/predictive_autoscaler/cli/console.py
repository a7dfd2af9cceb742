"""What the commands share: where they print, how they show progress, and the settings."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from predictive_autoscaler.app.settings import Settings, read_settings
from predictive_autoscaler.core.forest import MAX_LABELS
from predictive_autoscaler.core.types import Bounds, Json
from predictive_autoscaler.errors import UsageError

PROGRAM = "predictive-autoscaler"
RECORDS_NAME = "decisions.jsonl"
"""Of a run on this machine, beside its report."""

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
Seed = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, help="Same input and seed, same result, to the byte.")
]
Jobs = Annotated[int, typer.Option(min=-1, help="Processes at once; -1 takes every core.")]
StoreFolder = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FOLDER",
        help="Keep models in this folder instead of in S3, laid out the same way; for rehearsals.",
    ),
]
Until = Annotated[
    str | None, typer.Option(help="Use metrics up to this time only (ISO 8601, with zone).")
]
MaxBins = Annotated[
    int, typer.Option(min=100, max=MAX_LABELS, help="Train on at most the newest bins.")
]
Region = Annotated[str | None, typer.Option("--region", envvar="AWS_REGION", help="AWS region.")]

RefreshInterval = Annotated[
    int, typer.Option(metavar="SECONDS", help="Time between two looks, 1 to 3600.")
]
REFRESH_SECONDS = (1, 3600)
AlarmPrefix = Annotated[
    str | None,
    typer.Option(
        envvar="ALARM_PREFIX",
        help="The alarms' names begin so. Default: of a group NAME-web, NAME-; of another, "
        "alarms on the group, its load balancer or its target group.",
    ),
]
WatchedFunction = Annotated[
    str | None,
    typer.Option(
        envvar="FUNCTION_NAME",
        help="The controller's Lambda function. Default: the one that the alarms look at.",
    ),
]


class Origin(Enum):
    """Where metrics come from when no file is given."""

    CLOUDWATCH = "cloudwatch"


def group_flags(
    asg_name: str | None, load_balancer: str | None, target_group: str | None, bucket: str | None
) -> dict[str, str | None]:
    """The flags that say which group is meant and where its metrics and records are, by the
    variables that say the same.
    """
    return {
        "ASG_NAME": asg_name,
        "LOAD_BALANCER": load_balancer,
        "TARGET_GROUP": target_group,
        "S3_BUCKET": bucket,
    }


def settings_from(**flags: str | None) -> Settings:
    """The settings from the environment, with flags (by variable name) laid over it.

    Raises:
        SettingsError: one is missing, unknown or outside its range.
    """
    use_region(flags.pop("AWS_REGION", None))
    return read_settings(environment_with(**flags))


def environment_with(**flags: str | None) -> dict[str, str]:
    """The environment, with the flags that were given (by variable name) laid over it."""
    return dict(os.environ) | {name: text for name, text in flags.items() if text is not None}


def use_region(region: str | None) -> None:
    """Have boto3 work in this AWS region, if one is given."""
    if region:
        # boto3 reads both names, and this one only from a profile-less environment.
        os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = region


def check_jobs(jobs: int) -> None:
    """Refuse what lies between every core and one.

    Raises:
        UsageError: there would be nobody to do the work.
    """
    if jobs == 0:
        raise UsageError("--jobs is 0; allowed is -1 (every core) or at least 1")


def check_range(option: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside its range.

    Raises:
        UsageError: it names the option, the number and the range.
    """
    if not low <= value <= high:  # a NaN is outside as well
        raise UsageError(f"{option} is {value:.12g}; allowed is {low:.12g} to {high:.12g}")


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON document on the standard output, unstyled."""
    print(json.dumps(content, indent=2, sort_keys=True))


def keep_records(records: Sequence[Json], path: Path) -> None:
    """Write decision records one a line, as `explain --record` takes them."""
    lines = [json.dumps(record, sort_keys=True) for record in records]
    path.write_text("\n".join(lines) + "\n")


def complain(text: str) -> None:
    """Print one error on the standard error."""
    err.print(f"[bold red]error:[/] {escape(text)}", soft_wrap=True)


def checked_bounds(low: int, high: int) -> Bounds:
    """What --min and --max say.

    Raises:
        UsageError: the minimum is larger.
    """
    if low > high:
        raise UsageError(f"--min is {low} and --max is {high}; the minimum must not be larger")
    return Bounds(low, high)


def end_when_told() -> None:
    """Let a polite kill end all that was started, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def training_script() -> Path | None:
    """The repository's own, where there is one."""
    script = Path("ml-model/train_model.py")
    return script if script.exists() else None


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[Any]:
    """Show that something takes its time; yields a function that changes the words."""
    if quiet or not err.is_terminal:
        yield lambda text: None if quiet else err.print(escape(text), style="dim")
        return
    with err.status(escape(what)) as status:
        yield lambda text: status.update(escape(text))


def own_name() -> str:
    """How this program was called, for commands to be typed next."""
    called = Path(sys.argv[0])
    return str(called) if called.name == PROGRAM else PROGRAM
