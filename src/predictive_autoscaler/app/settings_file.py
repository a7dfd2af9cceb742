"""Settings from files: KEY=VALUE lines of one group, or many groups as JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from predictive_autoscaler.app.settings import GROUPS, Settings, read_settings
from predictive_autoscaler.app.settings_table import PREFIX, SETTINGS
from predictive_autoscaler.errors import SettingsError
from predictive_autoscaler.files import read_named

_NAMES = {"ASG_NAME": "group", "LOAD_BALANCER": "app/none/none", "S3_BUCKET": "none"}
"""What only says where a group is to be found need not stand in a file."""


def read_settings_file(path: Path) -> Settings:
    """Read and check settings; comments, quotes and a leading `export` are as in a shell.

    Raises:
        SettingsError: the file cannot be read, or a line or value is wrong; names both.
    """
    known = [setting.variable for setting in SETTINGS]
    values: dict[str, str] = {}
    for number, name, value in _lines(path):
        if name not in known:
            raise SettingsError(
                f"{path}: line {number}: unknown setting {name}; known are {', '.join(known)}"
            )
        if name in values:
            raise SettingsError(f"{path}: line {number}: {name} is set a second time")
        values[name] = value
    try:
        return read_settings(_NAMES | values)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def names_in(path: Path) -> list[str]:
    """Names of the settings that a file sets.

    Raises:
        SettingsError: the file cannot be read, or a line sets nothing.
    """
    return [name for _, name, _ in _lines(path)]


def read_groups_file(
    path: Path, environment: Mapping[str, str], *, on_aws: bool = True
) -> Settings:
    """Read and check many groups from JSON as AUTOSCALER_GROUPS holds it.

    Args:
        environment: what is shared, and defaults. The one group that it may name is left out.
        on_aws: whether groups and bucket must say where they are to be found.

    Raises:
        SettingsError: the file cannot be read, or no group of it can be used; a single group
            with wrong settings is named in the result's `refused`.
    """
    given = {name: text for name, text in environment.items() if text and name != "ASG_NAME"}
    elsewhere = {} if on_aws else {name: _NAMES[name] for name in ("LOAD_BALANCER", "S3_BUCKET")}
    text = _text(path).strip() or "{}"
    try:
        return read_settings(elsewhere | given | {GROUPS: text})
    except SettingsError as error:
        told = str(error)
        told = told.removeprefix(GROUPS) if told.startswith(GROUPS) else f": {told}"
        raise SettingsError(f"{path}{told}") from None


def _text(path: Path) -> str:
    """A file's text.

    Raises:
        SettingsError: it has none.
    """
    return read_named(path, "settings", SettingsError)


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, name and value of each line of a file that sets something."""
    return _assignments(path, _text(path))


def _assignments(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """The same of a text.

    Raises:
        SettingsError: a line sets nothing, and is no comment.
    """
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line.strip().removeprefix("export "), comments=True)
        except ValueError:
            words = ["", ""]
        if not words:
            continue
        name, sign, value = words[0].partition("=")
        if len(words) > 1 or not sign:
            raise SettingsError(f"{path}: line {number}: {line.strip()!r} is not KEY=VALUE")
        yield number, name, value


def with_setting(path: Path, text: str, variable: str, value: float, group: str | None) -> str:
    """A settings file's text with one number set, and all else as it was.

    Args:
        path: of the file, for messages.
        text: KEY=VALUE lines, or JSON of many groups; empty begins lines.
        group: whose number it is, in a file of many groups.

    Raises:
        SettingsError: it is JSON and the group is missing, it is lines and one is named, or it
            is neither.
    """
    if text.lstrip().startswith("{"):
        return _with_key(path, text, variable, value, group)
    if group is not None:
        raise SettingsError(f"--group is {group!r}, but {path} is about one group only")
    for _ in _assignments(path, text):
        pass  # Whatever else it is, it is no file of settings.
    line = f"{variable}={value:g}"
    lines = text.splitlines()
    mine = [
        index
        for index, old in enumerate(lines)
        if old.strip().removeprefix("export ").lstrip().startswith(f"{variable}=")
    ]
    for index in mine:
        exported = "export " if lines[index].strip().startswith("export ") else ""
        lines[index] = exported + line
    return "\n".join([*lines, *([] if mine else [line])]) + "\n"


def _with_key(path: Path, text: str, variable: str, value: float, group: str | None) -> str:
    try:
        content = json.loads(text)
        groups = content["groups"]
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path}: this is not JSON of groups: {error!r}") from None
    if group not in groups:
        known = ", ".join(sorted(groups))
        given = "missing" if group is None else repr(group)
        raise SettingsError(f"--group is {given}; the groups of {path} are {known}")
    groups[group][variable.removeprefix(PREFIX).lower()] = value
    return json.dumps(content, indent=2) + "\n"
