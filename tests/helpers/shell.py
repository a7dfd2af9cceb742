"""A reader at a shell: a copy of the repository, in which the documents' commands are typed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.commands import ROOT, clean_environment
from tests.helpers.documents import MADE

READY = 'print("setup: .venv is up to date")\n'
KEEP = """
code=$?
env -0 >"$SHELL_STATE/environment"
pwd >"$SHELL_STATE/folder"
exit $code
"""


def clone(folder: Path) -> Path:
    """The repository as a reader has cloned and set it up.

    Its .venv is the one that runs the tests, so setting it up again is left out.
    """

    def left_out(parent: str, names: list[str]) -> set[str]:
        made = {name for name in names if name.startswith((".venv", ".git", ".terraform"))}
        if Path(parent) == ROOT:
            made |= {name for name in names if name in MADE or name.startswith(".")}
        return (made | {"__pycache__", "dist"}) - {".gitignore", ".terraform.lock.hcl"}

    shutil.copytree(ROOT, folder, ignore=left_out, symlinks=True)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "scripts" / "setup_venv.py").write_text(READY)
    return folder


class Shell:
    """Runs one command after the other; folder, variables and background jobs carry on."""

    def __init__(self, folder: Path, scratch: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.variables = clean_environment(**variables) | {"SHELL_STATE": str(scratch)}
        self._scratch = scratch
        self._groups: list[int] = []

    def run(self, command: str, seconds: float = 300) -> str:
        """Type it; what it printed.

        Raises:
            AssertionError: it did not end with 0, with what it printed.
        """
        path = self._scratch / "printed"
        with path.open("w") as printed:
            process = subprocess.Popen(
                ["bash", "-c", f"set -a\n{command}\n{KEEP}"],
                cwd=self.folder,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._groups.append(process.pid)
            code = process.wait(timeout=seconds)
        told = path.read_text(errors="replace")
        assert code == 0, f"$ {command}\n{told[-6000:]}\nended with {code}"
        self.folder = Path((self._scratch / "folder").read_text().rstrip("\n"))
        kept = (self._scratch / "environment").read_bytes().decode().split("\0")
        self.variables = dict(line.split("=", 1) for line in kept if "=" in line)
        return told

    def close(self) -> None:
        """End what still runs in the background."""
        for group in self._groups:
            try:
                os.killpg(group, signal.SIGTERM)
            except ProcessLookupError:
                continue
