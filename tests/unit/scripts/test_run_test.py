"""The environment that a load test finds or makes, with pip and the load test itself replaced."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from tests.helpers.commands import ROOT


class Calls:
    """Commands that would have been run."""

    def __init__(self, module: ModuleType) -> None:
        self.seen: list[list[str]] = []
        self.fails = ""
        self.module = module

    def __call__(self, command: Sequence[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        self.seen.append(list(command))
        if "venv" in command:
            self.make(Path(command[-1]))
        code = 1 if self.fails and any(self.fails in word for word in command) else 0
        return subprocess.CompletedProcess(list(command), code)

    def make(self, environment: Path) -> None:
        python: Path = self.module.python_of(environment)
        python.parent.mkdir(parents=True)
        python.touch()


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_test", ROOT / "locust" / "run_test.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "locust").mkdir()
    requirements = tmp_path / "locust" / "requirements.txt"
    requirements.write_text("locust==1\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "REQUIREMENTS", requirements)
    return module


@pytest.fixture
def calls(runner: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls(runner)
    monkeypatch.setattr(subprocess, "run", made)
    return made


def test_the_projects_environment_is_brought_up_to_date_and_used(
    runner: ModuleType, calls: Calls, tmp_path: Path
) -> None:
    calls.make(tmp_path / ".venv")
    assert runner.project_environment() == tmp_path / ".venv"
    (command,) = calls.seen
    assert command[1:] == [str(tmp_path / "scripts" / "setup_venv.py"), "--quiet-when-ready"]


def test_without_one_a_smaller_one_is_made_from_the_lock(
    runner: ModuleType, calls: Calls, tmp_path: Path
) -> None:
    assert runner.project_environment() is None
    assert runner.own_environment() == tmp_path / ".venv-load"
    made, installed = calls.seen
    assert made[1:3] == ["-m", "venv"]
    assert "--require-hashes" in installed
    assert installed[-2:] == ["-r", str(tmp_path / "locust" / "requirements.txt")]
    # The second time, there is nothing to do; after a change of the lock, there is.
    assert runner.own_environment() == tmp_path / ".venv-load"
    assert len(calls.seen) == 2
    (tmp_path / "locust" / "requirements.txt").write_text("locust==2\n")
    runner.own_environment()
    assert len(calls.seen) == 4


def test_one_that_could_not_be_made_is_made_again(
    runner: ModuleType, calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    calls.fails = "--require-hashes"
    assert runner.main() == 1
    assert "error: .venv-load could not be made" in capsys.readouterr().err
    calls.fails = ""
    runner.own_environment()
    assert len(calls.seen) == 4


def test_all_arguments_are_handed_over(
    runner: ModuleType, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls.make(tmp_path / ".venv")
    replaced: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *given: replaced.append(given))
    monkeypatch.setattr("sys.argv", ["run_test.py", "--scenario", "a b"])
    assert runner.main() == 0
    ((program, words, variables),) = replaced
    assert program == words[0] == str(runner.python_of(tmp_path / ".venv"))
    assert words[1:] == ["-m", "predictive_autoscaler.loadtest", "--scenario", "a b"]
    assert variables["PYTHONPATH"].split(os.pathsep)[0] == str(tmp_path / "src")
