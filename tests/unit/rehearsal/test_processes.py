"""Processes end with whoever started them, even if that one forgot them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.helpers.commands import clean_environment

FORGETS = """
import sys, time
from predictive_autoscaler.rehearsal import processes
process = processes.start(time.sleep, 300)
print(process.pid, flush=True)
{ending}
"""


@pytest.mark.parametrize("ending", ["", "raise KeyboardInterrupt", "sys.exit(3)"])
def test_one_that_nobody_ended_does_not_hold_up_the_end(ending: str) -> None:
    """It waits for its starter to be gone, and multiprocessing waits for it."""
    done = subprocess.run(
        [sys.executable, "-c", FORGETS.format(ending=ending)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert int(done.stdout) > 0, done.stderr
