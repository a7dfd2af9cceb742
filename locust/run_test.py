"""Run a load test with an environment that has what it needs; run_test.sh and .ps1 call this.

Standard library only. On a machine with the project's .venv, that is brought up to date and used.
Elsewhere, as on a machine that only makes load, .venv-load is made from locust/requirements.txt.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

MINIMUM = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "locust" / "requirements.txt"
BIN = "Scripts" if os.name == "nt" else "bin"


class EnvironmentFault(Exception):  # noqa: N818 - told in one line
    """Something that the reader of the message has to put right."""


def python_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / BIN / ("python.exe" if os.name == "nt" else "python")


def project_environment() -> Path | None:
    """The project's own .venv, up to date; None if there is none."""
    environment = ROOT / ".venv"
    if os.name == "nt" or not python_of(environment).exists():
        return None
    command = [sys.executable, str(ROOT / "scripts" / "setup_venv.py"), "--quiet-when-ready"]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
        raise EnvironmentFault(".venv could not be brought up to date; the reason stands above")
    return environment


def own_environment() -> Path:
    """A .venv-load with what locust/requirements.txt locks; made anew when that changes."""
    environment = ROOT / ".venv-load"
    stamp = environment / "made-from"
    try:
        wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    except OSError as error:
        raise EnvironmentFault(f"locust/requirements.txt: {error.strerror}") from error
    if stamp.exists() and stamp.read_text() == wanted and python_of(environment).exists():
        return environment
    print("load: making .venv-load from locust/requirements.txt", file=sys.stderr, flush=True)
    shutil.rmtree(environment, ignore_errors=True)
    pip = [str(python_of(environment)), "-m", "pip", "install", "--quiet", "--no-input"]
    steps = (
        [sys.executable, "-m", "venv", str(environment)],
        [*pip, "--disable-pip-version-check", "--require-hashes", "-r", str(REQUIREMENTS)],
    )
    for step in steps:
        if subprocess.run(step, stdout=sys.stderr, check=False).returncode != 0:
            raise EnvironmentFault(".venv-load could not be made; the reason stands above")
    stamp.write_text(wanted)
    return environment


def main() -> int:
    """Prepare the environment, and hand all arguments over to the load test."""
    if sys.version_info < MINIMUM:
        print(
            f"error: Python 3.11 or newer is needed, not {sys.version.split()[0]}", file=sys.stderr
        )
        return 1
    try:
        environment = project_environment() or own_environment()
    except EnvironmentFault as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    command = [str(python_of(environment)), "-m", "predictive_autoscaler.loadtest", *sys.argv[1:]]
    if os.name == "posix":
        # In place of this process, so that a signal reaches the one that it is meant for.
        os.execve(command[0], command, variables)  # nosec B606 - our own interpreter
    try:
        return subprocess.run(command, env=variables, check=False).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
