"""Make the one virtual environment of the project, ``.venv`` at the root of the repository.

Standard library only: this runs before anything is installed. It installs what
``requirements/dev.txt`` locks, every file checked against its hash, and then the project itself in
editable form. A stamp in the environment tells what it was made from, so that a second call
returns at once, and an environment left half made is made anew.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

MINIMUM = (3, 11)
PROGRESS_SECONDS = 4.0
TAIL_LINES = 25

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "setup-stamp.json"
LOG = VENV / "setup.log"
LOCK = ROOT / ".venv.lock"
REQUIREMENTS = ROOT / "requirements" / "dev.txt"
PYPROJECT = ROOT / "pyproject.toml"

# The stamp has two parts: another value of the first means a new environment, another value of the
# second only that the project is installed again into the environment there is.
DEPENDENCIES = "dependencies"
PROJECT = "project"


class SetupError(Exception):
    """Something the reader of the message has to put right."""


def say(text: str) -> None:
    """Print one line at once, also into a pipe."""
    print(f"setup: {text}", flush=True)


def shown(path: Path) -> str:
    """Name a path the way it is seen from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


def check_interpreter() -> None:
    """Refuse an interpreter that is too old, or that cannot make virtual environments."""
    if sys.version_info < MINIMUM:
        wanted = ".".join(map(str, MINIMUM))
        raise SetupError(
            f"Python {wanted} or newer is needed, but {sys.executable} is "
            f"{platform.python_version()}. Choose another one: make setup PYTHON=python{wanted}"
        )
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        raise SetupError(
            f"{sys.executable} cannot make virtual environments (no venv or no ensurepip). "
            "On Debian and Ubuntu: apt-get install python3-venv"
        )


def wanted_stamp() -> dict[str, str]:
    """Tell what an environment made now would be made from."""
    try:
        requirements, pyproject = REQUIREMENTS.read_bytes(), PYPROJECT.read_bytes()
    except OSError as error:
        raise SetupError(f"cannot read {error.filename}: {error.strerror}") from error
    # The place belongs to it: neither scripts nor an editable install survive a move.
    interpreter = " ".join(
        (platform.python_implementation(), platform.python_version(), platform.machine(), str(ROOT))
    )
    return {
        DEPENDENCIES: hashlib.sha256(interpreter.encode() + b"\0" + requirements).hexdigest(),
        PROJECT: hashlib.sha256(pyproject).hexdigest(),
    }


def read_stamp() -> dict[str, str]:
    """Read the stamp of the environment; an empty one if there is no usable environment."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and VENV_PYTHON.exists() else {}


def write_stamp(stamp: dict[str, str]) -> None:
    """Write the stamp in one step, so that it is never seen half written."""
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")
    fresh.replace(STAMP)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock of the environment; wait, and say so, while another run holds it."""
    with LOCK.open("a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is making .venv: waiting for it to end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Progress:
    """Count what pip reports, for the lines that show that it is still at work."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.fetched = 0
        self.phase = ""

    def feed(self, line: str) -> None:
        """Take one line of pip's output."""
        self.lines.append(line)
        # "Processing" names a file found on this machine, "Collecting" one found elsewhere.
        if line.startswith(("Collecting ", "Processing ")):
            self.fetched += 1
            self.phase = f"{self.fetched} packages fetched"
        elif line.startswith("Installing collected packages"):
            self.phase = f"{self.fetched} packages fetched, now installing them"


def run_pip(what: str, *arguments: str) -> None:
    """Run pip of the environment, showing its progress; raise with its last lines if it fails."""
    # -I keeps PYTHONPATH and the user's own packages out of it.
    command = [str(VENV_PYTHON), "-I", "-u", "-m", "pip", "--disable-pip-version-check", *arguments]
    environment = {**os.environ, "PIP_USER": "0", "PIP_NO_INPUT": "1"}
    progress = Progress()
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )

    def follow() -> None:
        assert process.stdout is not None
        with LOG.open("a", encoding="utf-8") as log:
            for line in process.stdout:
                log.write(line)
                progress.feed(line.rstrip())

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    try:
        while True:
            try:
                process.wait(timeout=PROGRESS_SECONDS)
                break
            except subprocess.TimeoutExpired:
                phase = progress.phase or "at work"
                say(f"  {time.monotonic() - started:3.0f} s: {phase}")
    except BaseException:
        process.terminate()
        process.wait()
        raise
    reader.join()
    if process.returncode != 0:
        tail = "\n".join(f"    {line}" for line in progress.lines[-TAIL_LINES:])
        raise SetupError(
            f"{what} failed: pip ended with code {process.returncode}. Its last lines "
            f"(all of them are in {shown(LOG)}):\n{tail}"
        )


def make_environment() -> None:
    """Make an empty environment, in place of whatever is there."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        raise SetupError(
            ".venv has to be made anew, which its own interpreter cannot do. "
            "Choose one outside of it: make setup PYTHON=python3"
        )
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        say("removing the old or half-made .venv")
        shutil.rmtree(VENV)
    say(f"making .venv with {sys.executable} ({platform.python_version()})")
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if made.returncode != 0:
        raise SetupError(f"python -m venv failed:\n{made.stdout.strip()}")


def install_dependencies() -> None:
    """Install what is locked, and nothing that is not."""
    locked = len(re.findall(r"^\S+==", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE))
    say(f"installing the packages locked in {shown(REQUIREMENTS)} (about {locked})")
    run_pip(
        "installing the locked packages",
        *("install", "--progress-bar", "off", "--require-hashes", "-r", shown(REQUIREMENTS)),
        # Compiling every module of every package takes longer than all the rest; Python compiles
        # those that are used when they are first imported.
        "--no-compile",
    )


def install_project() -> None:
    """Install the project itself in editable form, and check that the lock covers its needs."""
    say("installing the project itself (editable)")
    run_pip(
        "installing the project",
        *("install", "--progress-bar", "off", "--no-deps", "--no-build-isolation", "-e", "."),
    )
    run_pip("checking the packages (does the lock need a 'make lock'?)", "check")


def ensure(*, quiet_when_ready: bool) -> None:
    """Bring the environment to what the files ask for, doing no more than is needed."""
    started = time.monotonic()
    wanted = wanted_stamp()
    found = read_stamp()
    if found == wanted:
        if not quiet_when_ready:
            say(".venv is up to date")
        return
    if found.get(DEPENDENCIES) != wanted[DEPENDENCIES]:
        make_environment()
        install_dependencies()
        write_stamp({DEPENDENCIES: wanted[DEPENDENCIES]})
    install_project()
    write_stamp(wanted)
    say(f".venv is ready ({time.monotonic() - started:.0f} s)")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Make .venv, the virtual environment.")
    parser.add_argument(
        "--quiet-when-ready",
        action="store_true",
        help="print nothing if there is nothing to do",
    )
    options = parser.parse_args()
    try:
        check_interpreter()
        with only_one():
            ensure(quiet_when_ready=options.quiet_when_ready)
    except SetupError as error:
        print(f"setup: error: {error}", file=sys.stderr, flush=True)
        return 1
    except OSError as error:
        print(f"setup: error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted", file=sys.stderr, flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
