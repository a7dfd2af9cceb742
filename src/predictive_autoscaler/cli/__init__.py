"""The command line: `predictive-autoscaler …`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from predictive_autoscaler.cli import collect, decide, demo, explain, train
from predictive_autoscaler.cli.console import complain
from predictive_autoscaler.errors import AutoscalerError, UnskilledModelError, UsageError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNSKILLED = 3

app = typer.Typer(
    name="predictive-autoscaler",
    help="Scales an AWS Auto Scaling group before the traffic comes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo.demo, train.train, collect.collect, decide.decide, explain.explain):
    app.command()(command)


def main(arguments: Sequence[str] | None = None, program: str = "predictive-autoscaler") -> None:
    """Run the command line. Expected errors become one line and a non-zero exit code."""
    try:
        app(args=list(arguments) if arguments is not None else None, prog_name=program)
    except UnskilledModelError as error:
        complain(str(error))
        sys.exit(EXIT_UNSKILLED)
    except UsageError as error:
        complain(str(error))
        sys.exit(EXIT_USAGE)
    except AutoscalerError as error:
        complain(str(error))
        sys.exit(EXIT_FAILED)
    except OSError as error:
        # A folder that cannot be written to, a full disk.
        complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        sys.exit(EXIT_FAILED)
