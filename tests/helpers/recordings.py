"""Recorded traffic for slow tests; it is not part of the repository."""

from __future__ import annotations

import pytest

from tests.helpers.commands import ROOT

TRACES = ROOT.parent / "shared" / "traces"


def recorded(name: str) -> str:
    """The name of a recorded trace; the test is skipped where there are none at all."""
    if not TRACES.is_dir():
        pytest.skip(f"the recorded traces are not here: {TRACES} does not exist")
    assert (TRACES / name).is_file(), f"{TRACES} is there, but {name} is not in it"
    return name
