"""The sums are those of DEPLOYMENT.md; without them nothing is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from predictive_autoscaler.deployment.costs import monthly_usd
from tests.helpers.commands import ROOT

DOCUMENT = ROOT / "DEPLOYMENT.md"


def test_every_environment_has_its_sum() -> None:
    sums = [monthly_usd(DOCUMENT, name) for name in ("dev", "staging", "prod")]
    assert all(sums)
    assert sums == sorted(filter(None, sums))
    for sum_usd in sums:
        assert f"**{sum_usd}**" in DOCUMENT.read_text()


@pytest.mark.parametrize("text", ["", "<!-- quantities -->\n<!-- /quantities -->"])
def test_without_a_table_there_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "document.md"
    assert monthly_usd(path, "dev") is None
    path.write_text(text)
    assert monthly_usd(path, "dev") is None
    assert monthly_usd(DOCUMENT, "other") is None
