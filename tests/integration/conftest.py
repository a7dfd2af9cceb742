"""What the tests of the command line share."""

from __future__ import annotations

from functools import partial

import pytest

from tests.helpers.commands import Command, call


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line in this process."""
    return partial(call, capfd, monkeypatch)
