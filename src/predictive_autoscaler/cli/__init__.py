"""The command line: `predictive-autoscaler …`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from predictive_autoscaler import __version__
from predictive_autoscaler.cli import (
    backtest,
    calibrate,
    collect,
    decide,
    demo,
    doctor,
    explain,
    mode,
    monitor,
    quality,
    rehearse,
    retrain,
    rollback,
    serve,
    train,
)
from predictive_autoscaler.cli.console import PROGRAM, complain
from predictive_autoscaler.cli.examples import epilog
from predictive_autoscaler.cli.extras import lacking
from predictive_autoscaler.cli.parsing import OwnCommand
from predictive_autoscaler.errors import (
    AutoscalerError,
    RefusedModelError,
    SettingsError,
    UnskilledModelError,
    UsageError,
)
from predictive_autoscaler.interruption import EXIT_INTERRUPTED

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
"""Trained, but not good enough to be published."""

app = typer.Typer(
    name=PROGRAM,
    help="Scales an AWS Auto Scaling group before the traffic comes.",
    no_args_is_help=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Scales an AWS Auto Scaling group before the traffic comes."""
    if version:
        print(f"{PROGRAM} {__version__}")
        raise typer.Exit


for command in (
    demo.demo,
    rehearse.rehearse,
    train.train,
    retrain.retrain,
    rollback.rollback,
    quality.quality,
    collect.collect,
    decide.decide,
    explain.explain,
    mode.mode,
    monitor.monitor,
    serve.serve,
):
    app.command(cls=OwnCommand, epilog=epilog(command.__name__))(command)
app.command(cls=OwnCommand, epilog=backtest.EPILOG)(backtest.backtest)
app.command(cls=OwnCommand, epilog=calibrate.EPILOG)(calibrate.calibrate)
app.command(cls=OwnCommand, epilog=epilog("doctor", doctor.EPILOG))(doctor.doctor)


training_app = typer.Typer(
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
training_app.command(cls=OwnCommand)(train.train)


def main(arguments: Sequence[str] | None = None) -> None:
    """`predictive-autoscaler …`."""
    _run(app, PROGRAM, arguments)


def train_main(arguments: Sequence[str] | None = None) -> None:
    """`train_model.py …`: the command `train` alone."""
    _run(training_app, "train_model.py", arguments)


def _run(application: typer.Typer, program: str, arguments: Sequence[str] | None) -> None:
    """Run a command line. Expected errors become one line and a non-zero exit code."""
    try:
        application(args=arguments, prog_name=program)
    except (RefusedModelError, UnskilledModelError) as error:
        complain(str(error))
        sys.exit(EXIT_REFUSED)
    except (SettingsError, UsageError) as error:
        _end_as_told(error)
        complain(str(error))
        sys.exit(EXIT_USAGE)
    except AutoscalerError as error:
        _end_as_told(error)
        complain(str(error))
        sys.exit(EXIT_FAILED)
    except ModuleNotFoundError as error:
        advice = lacking(error)
        if advice is None:
            raise
        complain(advice)
        sys.exit(EXIT_FAILED)
    except OSError as error:
        _end_as_told(error)
        # A folder that cannot be written to, a full disk.
        complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        sys.exit(EXIT_FAILED)


def _end_as_told(error: BaseException) -> None:
    """Somebody ended the run, and what broke while it was cleaning up is not the news."""
    cause = error.__context__
    while cause is not None:
        if isinstance(cause, SystemExit):
            raise cause
        if isinstance(cause, KeyboardInterrupt):
            sys.exit(EXIT_INTERRUPTED)
        cause = cause.__context__
