"""The programs that a deployment takes: which are here, in which version."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

_SECONDS = 60
MINIMUM_PYTHON = (3, 11)
MINIMUM_TERRAFORM = (1, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: of the thing, with the version that was found.
        fine: whether it is here and new enough.
        needed: whether nothing goes on without it.
        remedy: what to do about it, or what it is for.
    """

    name: str
    fine: bool
    needed: bool
    remedy: str = ""

    def line(self) -> str:
        """One line for people."""
        state = "ok" if self.fine else "missing" if self.needed else "not here"
        return f"  {state:9}{self.name}" + (f": {self.remedy}" if not self.fine else "")


def look_for_tools(*, building: bool) -> list[Finding]:
    """All of them; the account is not looked at.

    Args:
        building: whether the Lambda's zip is to be built, which takes pip.
    """
    found = [python(), terraform()]
    if building:
        found.append(pip())
    return [
        *found,
        program("aws", "AWS command line", "asks for logs, and opens sessions, later on"),
        program("make", "make", "`make setup` installs what trains the model, later on"),
        program(
            "session-manager-plugin",
            "Session Manager plugin",
            "sessions on instances need it, later on",
        ),
    ]


def python() -> Finding:
    """The interpreter that runs this."""
    wanted = ".".join(map(str, MINIMUM_PYTHON))
    return Finding(
        name=f"Python {platform.python_version()}",
        fine=sys.version_info >= MINIMUM_PYTHON,
        needed=True,
        remedy=f"{wanted} or newer is needed; PYTHON names another one",
    )


def pip() -> Finding:
    """Of the same interpreter."""
    try:
        version = metadata.version("pip")
    except metadata.PackageNotFoundError:
        version = ""
    return Finding(
        name=f"pip {version}".rstrip(),
        fine=version != "",
        needed=True,
        remedy="it fetches what the zip holds; on Debian and Ubuntu: apt-get install python3-pip",
    )


def terraform() -> Finding:
    """On the path."""
    wanted = ".".join(map(str, MINIMUM_TERRAFORM))
    said = _said(["terraform", "version", "-json"])
    try:
        version = str(json.loads(said or "{}").get("terraform_version", ""))
    except ValueError:
        version = ""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    return Finding(
        name=f"Terraform {version}".rstrip(),
        fine=numbers >= MINIMUM_TERRAFORM,
        needed=True,
        remedy=f"{wanted} or newer is needed: https://developer.hashicorp.com/terraform/install",
    )


def program(command: str, name: str, purpose: str) -> Finding:
    """One that is useful, with its version where it tells one."""
    said = _said([command, "--version"])
    version = re.search(r"\d+(\.\d+)+", said or "")
    return Finding(
        name=f"{name} {version[0]}" if version else name,
        fine=said is not None,
        needed=False,
        remedy=purpose,
    )


def _said(words: Sequence[str]) -> str | None:
    """What a program prints; None if it is not here, or fails."""
    found = shutil.which(words[0])
    if found is None:
        return None
    try:
        done = subprocess.run(
            [found, *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout or done.stderr) if done.returncode == 0 else None
