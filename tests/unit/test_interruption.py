"""Ctrl-C while a program is still being loaded, and where others' code swallows it."""

from __future__ import annotations

import signal
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

from predictive_autoscaler.interruption import (
    end_if_interrupted,
    quiet_when_interrupted,
    remembering_interrupts,
)

ROOT = Path(__file__).parents[2]
CTRL_C = """
import runpy, sys
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
{program}
"""


def console_script() -> str:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts["predictive-autoscaler"].partition(":")
    return f"from {module} import {function} as main\nmain()"


def module(name: str) -> str:
    return f"runpy.run_module({name!r}, run_name='__main__')"


def script(path: str) -> str:
    return f"runpy.run_path({str(ROOT / path)!r}, run_name='__main__')"


@pytest.mark.parametrize(
    ("program", "interrupted_at"),
    [
        (console_script(), "typer"),
        (module("predictive_autoscaler"), "typer"),
        (module("predictive_autoscaler.loadtest"), "predictive_autoscaler.loadtest.command"),
        (module("predictive_autoscaler.storefront"), "predictive_autoscaler.storefront.command"),
        (script("ml-model/train_model.py"), "typer"),
        (script("scripts/quick_start.py"), "predictive_autoscaler.deployment.quick_start"),
        (script("scripts/setup_env.py"), "predictive_autoscaler.deployment.exports"),
    ],
)
def test_every_program_ends_without_a_traceback(program: str, interrupted_at: str) -> None:
    code = CTRL_C.format(module=interrupted_at, program=program)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def load() -> None:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt as error:
        raise ImportError("numpy.core failed to import") from error


def test_a_compiled_module_may_hide_it_behind_an_import_error() -> None:
    with pytest.raises(SystemExit) as ended, quiet_when_interrupted():
        load()
    assert ended.value.code == 130


def test_what_is_missing_is_still_told() -> None:
    with pytest.raises(ImportError, match="no such module"), quiet_when_interrupted():
        raise ImportError("no such module")


def test_a_swallowed_interrupt_is_raised_again() -> None:
    with remembering_interrupts():
        end_if_interrupted()
        with suppress(KeyboardInterrupt):  # as a destructor would
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            end_if_interrupted()


def test_afterwards_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with suppress(KeyboardInterrupt), remembering_interrupts():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    end_if_interrupted()


def test_where_it_is_ignored_it_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with remembering_interrupts():
            signal.raise_signal(signal.SIGINT)
            end_if_interrupted()
    finally:
        signal.signal(signal.SIGINT, before)
