"""The environment of a shell after a deployment, from what Terraform put out."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from predictive_autoscaler.errors import AutoscalerError

OUTPUT = "environment_lines"
# Settings of ours. Whoever may write the state must not be able to set PATH, or credentials.
_OURS = re.compile(
    r"AWS_REGION|ASG_NAME|LOAD_BALANCER|TARGET_GROUP|S3_BUCKET|SNS_TOPIC_ARN|AUTOSCALER_[A-Z0-9_]+"
)
_REMEDIES = {
    "Backend initialization required": "run scripts/quick_start.sh, or terraform init",
    "Required plugins are not installed": "run scripts/quick_start.sh, or terraform init",
    "No outputs found": "nothing is applied yet: run scripts/quick_start.sh",
    f'Output "{OUTPUT}" not found': "nothing is applied yet: run scripts/quick_start.sh",
    "No valid credential sources found": "there are no AWS credentials in this shell",
}


class NoStateError(AutoscalerError):
    """Terraform has no state here, or cannot read it."""


def main(root: Path, arguments: Sequence[str] | None = None) -> int:
    """Print what sets the environment; returns the exit code.

    Args:
        root: of the repository.
    """
    parser = argparse.ArgumentParser(
        prog="setup_env",
        description="Print what sets ASG_NAME, S3_BUCKET, AWS_REGION and the other settings as the "
        "deployed controller has them: `. scripts/setup_env.sh`, or "
        '`eval "$(scripts/setup_env.sh)"`.',
    )
    parser.add_argument(
        "--format",
        choices=("sh", "fish", "json"),
        default="sh",
        help="for bash and zsh, for fish, or for other programs (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    if sys.stderr.isatty():
        print("reading what Terraform put out", file=sys.stderr)
    try:
        wanted = settings_in(environment_lines(root / "terraform"))
    except AutoscalerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    stale = stale_in(os.environ, wanted)
    print(rendered(wanted, stale, options.format))
    few = [f"{name}={wanted[name]}" for name in ("ASG_NAME", "S3_BUCKET", "AWS_REGION")]
    print(f"{', '.join(few)} and {len(wanted) - len(few)} more", file=sys.stderr)
    if stale:
        print(f"unset, since this deployment has none: {', '.join(stale)}", file=sys.stderr)
    return 0


def environment_lines(module: Path) -> str:
    """The output of that name.

    Raises:
        NoStateError: Terraform is not here, or has no such output; says what to do.
    """
    program = shutil.which("terraform")
    if program is None:
        raise NoStateError("terraform is not on the PATH, so its outputs cannot be read")
    try:
        done = subprocess.run(
            [program, f"-chdir={module}", "output", "-no-color", "-json", OUTPUT],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    except subprocess.TimeoutExpired:
        raise NoStateError("terraform output gave no answer within 120 seconds") from None
    except OSError as error:
        raise NoStateError(f"terraform cannot be run: {error}") from error
    if done.returncode != 0:
        raise NoStateError(_reason(done.stderr))
    try:
        lines = json.loads(done.stdout)
    except ValueError:
        lines = None
    if not isinstance(lines, str):
        raise NoStateError(f"the output {OUTPUT} is no text: {done.stdout[:80]!r}")
    return lines


def settings_in(lines: str) -> dict[str, str]:
    """The settings by name, out of lines `export NAME='value'`.

    Raises:
        NoStateError: there is anything else in them.
    """
    found = {}
    for line in lines.splitlines():
        try:
            words = shlex.split(line)
        except ValueError:
            words = []
        name, _, value = words[1].partition("=") if len(words) == 2 else ("", "", "")
        if not words or words[0] != "export" or _OURS.fullmatch(name) is None:
            raise NoStateError(
                f"the output {OUTPUT} holds {line[:60]!r}; allowed is export NAME='value' with the "
                "name of a setting"
            )
        found[name] = value
    missing = [name for name in ("ASG_NAME", "S3_BUCKET", "AWS_REGION") if name not in found]
    if missing:
        raise NoStateError(f"the output {OUTPUT} lacks {', '.join(missing)}: apply again")
    return found


def stale_in(environment: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Settings of ours that another deployment has left in the environment."""
    return sorted(name for name in environment if _OURS.fullmatch(name) and name not in wanted)


def rendered(wanted: Mapping[str, str], stale: Sequence[str], form: str) -> str:
    """What a shell (or another program) is to read. No value is taken for anything but a text."""
    if form == "json":
        return json.dumps({"set": dict(wanted), "unset": list(stale)}, indent=2)
    if form == "fish":
        lines = [f"set -gx {name} {_for_fish(value)}" for name, value in wanted.items()]
        return "\n".join(lines + [f"set -e {name}" for name in stale])
    lines = [f"export {name}={shlex.quote(value)}" for name, value in wanted.items()]
    return "\n".join(lines + [f"unset {name}" for name in stale])


def _for_fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _reason(complaint: str) -> str:
    for told, remedy in _REMEDIES.items():
        if told in " ".join(complaint.split()):
            return f"terraform output: {told.rstrip('.')}; {remedy}"
    said = [line for line in complaint.splitlines() if line.startswith("Error: ")]
    return f"terraform output: {said[0].removeprefix('Error: ') if said else complaint.strip()}"
