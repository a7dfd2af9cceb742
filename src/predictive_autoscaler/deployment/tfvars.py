"""terraform.tfvars as the quick start writes it, and what can be told from one that is there."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from predictive_autoscaler.deployment.answers import DEFAULT_TIMEZONE, Answers

_HEADING = (
    "# Written by scripts/quick_start, which asks before it replaces what people change here."
)
_CHECKSUM = "# checksum: "
_REMARKS = {"environment": "environment", "state_bucket": "state bucket"}
_VALUES = {
    "region": "aws_region",
    "email": "email",
    "domain": "domain",
    "certificate_arn": "certificate_arn",
    "hosted_zone_id": "hosted_zone_id",
    "timezone": "timezone",
}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    """A text as Terraform's language writes it; no part of it is taken for an expression."""
    plain = "".join(_ESCAPES.get(sign, sign) for sign in text)
    return '"' + plain.replace("${", "$${").replace("%{", "%%{") + '"'


def written(answers: Answers) -> str:
    """The whole file. What was answered with nothing is left out."""
    lines = [
        _HEADING,
        "# The environment's file comes after it and replaces whole objects.",
        *(f"# {remark}: {answers.of(name)}" for name, remark in _REMARKS.items()),
        "",
        f"aws_region = {quoted(answers.region)}",
    ]
    if answers.email:
        lines += ["", "alarms = {", f"  email = {quoted(answers.email)}", "}"]
    if answers.timezone != DEFAULT_TIMEZONE:
        lines += ["", "controller = {", f"  timezone = {quoted(answers.timezone)}", "}"]
    if answers.domain:
        named = ("domain", "certificate_arn", "hosted_zone_id")
        given = [name for name in named if answers.of(name)]
        width = max(map(len, given))
        lines += ["", *(f"{name:{width}} = {quoted(answers.of(name))}" for name in given)]
    text = "\n".join(lines) + "\n"
    return text.replace(f"{_HEADING}\n", f"{_HEADING}\n{_CHECKSUM}{_digest(text)}\n", 1)


def is_untouched(text: str) -> bool:
    """Whether a file is as the quick start wrote it, to the letter."""
    found = re.search(rf"^{_CHECKSUM}(\w+)\n", text, re.MULTILINE)
    return found is not None and found[1] == _digest(text.replace(found[0], "", 1))


def found_in(text: str) -> dict[str, str]:
    """Answers by name that a file holds, also one that was changed by hand.

    Only texts on a line of their own are found; what is left out is not named.
    """
    found = {}
    for name, remark in _REMARKS.items():
        match = re.search(rf"^# {remark}: (\S+)$", text, re.MULTILINE)
        if match is not None:
            found[name] = match[1]
    for name, key in _VALUES.items():
        match = re.search(rf'^[ \t]*{key}[ \t]*=[ \t]*"((?:[^"\\\n]|\\.)*)"', text, re.MULTILINE)
        if match is not None:
            found[name] = _unquoted(match[1])
    return found


def variables_in(text: str) -> set[str]:
    """The names of the variables that a file sets."""
    return set(re.findall(r"^(\w+)[ \t]*=", text, re.MULTILINE))


def replace_file(path: Path, text: str) -> None:
    """Write a file in one step, so that it is never there by half, whatever interrupts it.

    Raises:
        OSError: it cannot be written.
    """
    handle, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise


def _unquoted(text: str) -> str:
    plain = text.replace("$${", "${").replace("%%{", "%{")
    meant = {escape: sign for sign, escape in _ESCAPES.items()}
    return re.sub(r"\\.", lambda escape: meant.get(escape[0], escape[0]), plain)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
