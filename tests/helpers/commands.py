"""Running the command line as a person would: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from predictive_autoscaler.cli import main

ROOT = Path(__file__).parents[2]
TRAINING_SCRIPT = ROOT / "ml-model" / "train_model.py"
Command = Callable[..., "subprocess.CompletedProcess[str]"]
"""The command line: words in, what came of them out."""
_OURS = ("AWS_", "AUTOSCALER_", "ASG_", "LOAD_", "TARGET_", "S3_", "SNS_")


def clean_environment(**variables: str) -> dict[str, str]:
    """The environment without anything that the commands read, and with what is given.

    No configuration of the developer's own account is found in it.
    """
    rest = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
    nothing = str(ROOT / "no-such-file")
    neutral = {
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "COLUMNS": "200",
    }
    return rest | neutral | variables


def run(
    *arguments: object,
    env: Mapping[str, str] | None = None,
    script: Path | None = None,
    seconds: float = 110,
) -> subprocess.CompletedProcess[str]:
    """`predictive-autoscaler ARGUMENTS` (or a script with them), whatever it ends with."""
    program = [str(script)] if script else ["-m", "predictive_autoscaler"]
    return subprocess.run(
        [sys.executable, *program, *map(str, arguments)],
        cwd=ROOT,
        env=dict(env) if env is not None else clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def call(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *arguments: object,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The same in this process, which saves importing everything anew."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        monkeypatch.delenv(name)
    for name, text in (clean_environment() if env is None else env).items():
        monkeypatch.setenv(name, text)
    words = list(map(str, arguments))
    with pytest.raises(SystemExit) as ended:
        main(words)
    told = capfd.readouterr()
    monkeypatch.undo()
    code = ended.value.code
    assert code is None or isinstance(code, int)
    return subprocess.CompletedProcess(words, code or 0, told.out, told.err)


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    """Its standard output, if it went well."""
    assert done.returncode == 0, f"{done.args}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def json_of(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document on its standard output, which holds nothing else."""
    return json.loads(succeeded(done))


def complaint(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one line that a command fails with; what it was doing may stand before it."""
    assert done.returncode == code, f"{done.args}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert done.stderr.rstrip().endswith(lines[0])
    return lines[0].removeprefix("error: ")
