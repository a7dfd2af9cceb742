"""How the findings name durations, lists and commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import timedelta

from predictive_autoscaler.app.doctor.facts import Facts
from predictive_autoscaler.errors import AutoscalerError, SettingsError

TRAIN = "python ml-model/train_model.py --from cloudwatch --publish"


def aged(age: timedelta) -> str:
    """A length of time in the two largest units that say something."""
    minutes = int(age.total_seconds() // 60)
    if minutes < 1:
        return f"{max(0, int(age.total_seconds()))} s"
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes / 60
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


def told_once(error: AutoscalerError, facts: Facts) -> str:
    """Why a fact cannot be had; what the check of settings tells is not told again."""
    if not isinstance(error, SettingsError):
        return str(error)
    try:
        facts.settings()
    except SettingsError as fault:
        if str(fault) == str(error):
            return "the settings are not in order: see settings"
    except AutoscalerError:
        pass
    return str(error)


def listed(names: Iterable[object]) -> str:
    """Names in a row."""
    return ", ".join(map(str, names))


def command(program: str, *words: object) -> str:
    """A command to copy; each word is quoted as a shell needs it."""
    return " ".join([program, *(shlex.quote(str(word)) for word in words)])


def of_group(operation: str, group: str, *words: object) -> str:
    """`aws autoscaling OPERATION` for one group."""
    return command(f"aws autoscaling {operation} --auto-scaling-group-name", group, *words)


def log_of(function: str) -> str:
    """How the function's last hour is read."""
    return command("aws logs tail", f"/aws/lambda/{function}", "--since", "1h")


def ours(subcommand: str, *words: object) -> str:
    """A command of this program."""
    return command(f"predictive-autoscaler {subcommand}", *words).strip()
