from __future__ import annotations

import pytest

from predictive_autoscaler.report import document


@pytest.fixture(autouse=True)
def small_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the library of 5 MB, so that pages are made fast and hold only our words."""
    monkeypatch.setattr(document, "get_plotlyjs", lambda: "/* library */")
