"""What the option parser says, in the words of all our other messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import typer
from typer.core import TyperCommand

from predictive_autoscaler.errors import SettingsError, UsageError

_LIST = re.compile(r"<list\[([^<>]*)\]>")
_OF_A_PATTERN = re.compile(r"(?<=\]) <list\[[^<>]*\]>")
_KINDS = {int: "a whole number", float: "a number"}


class OwnCommand(TyperCommand):
    """A command whose refusals name the option, its value and what is allowed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of a command line.

        Raises:
            UsageError: a value is not allowed.
        """
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            told = in_own_words(error)
            if told is None:
                raise
            raise UsageError(told) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            SettingsError: a setting is wrong; it goes by the option's name if that gave it.
        """
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise SettingsError(by_option(str(error), ctx)) from error

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the help of arguments and options, with no type of the language in it."""
        write = formatter.write_dl

        def write_plainly(rows: Sequence[tuple[str, str]], *rest: Any, **named: Any) -> None:
            write([(plain_name(name), text) for name, text in rows], *rest, **named)

        formatter.write_dl = write_plainly
        super().format_options(ctx, formatter)


def plain_name(name: str) -> str:
    """An option or argument as the help lists it; that it can be repeated, its help says."""
    return _LIST.sub(r"<\1>", _OF_A_PATTERN.sub("", name))


def by_option(told: str, ctx: Any) -> str:
    """A complaint about a variable, in the name of the option that was given in its place."""
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name)
        given = source is not None and source.name == "COMMANDLINE"
        if given and isinstance(param.envvar, str) and told.startswith(f"{param.envvar} is "):
            option: str = max(param.opts, key=len)
            return option + told.removeprefix(param.envvar)
    return told


def in_own_words(error: typer.BadParameter) -> str | None:
    """The parser's complaint about a value; None where it is about something else."""
    described = getattr(error.param, "type_descriptor", None)
    details = getattr(error.__cause__, "errors", None)
    if error.param is None or described is None or details is None:
        return None
    value = details()[0]["input"]
    text = repr(value if isinstance(value, str) else str(value))
    return f"{_name(error)} is {text}; allowed is {_allowed(described)}"


def _name(error: typer.BadParameter) -> str:
    """The option or argument, or the variable that stands for it."""
    param, context = error.param, error.ctx
    assert param is not None
    source = context.get_parameter_source(param.name) if context and param.name else None
    if source is not None and source.name == "ENVIRONMENT" and param.envvar:
        return param.envvar if isinstance(param.envvar, str) else " or ".join(param.envvar)
    return max(param.opts, key=len)


def _allowed(described: Any) -> str:
    if described.choices:
        return ", ".join(str(getattr(one, "value", one)) for one in described.choices)
    low, high = described.parameter_info.min, described.parameter_info.max
    if low is not None and high is not None:
        return f"{_plain(low)} to {_plain(high)}"
    if low is not None:
        return f"at least {_plain(low)}"
    if high is not None:
        return f"at most {_plain(high)}"
    return _KINDS.get(described.annotation, f"a {described.annotation}")


def _plain(number: float) -> str:
    """Without an exponent: 0.000001 rather than 1e-06."""
    return f"{Decimal(repr(number)):f}"
