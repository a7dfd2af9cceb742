"""Two hundred groups: the same bytes with joblib and on a cluster, and after a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.bench_training import measure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
GROUPS = 200
MAX_BINS = 150
"""Small, so that three runs of two hundred take minutes and not a quarter of an hour."""


def test_two_hundred_groups(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    found = measure(tmp_path, GROUPS, days=3, max_bins=MAX_BINS, processes=2)
    assert found["joblib"]["trained"] == found["dask"]["trained"] == GROUPS
    assert all(totals["failed"] == 0 for totals in found.values())
    # Killed half-way: it had at least half, and not all; the comparison itself is in `measure`.
    assert GROUPS // 2 <= found["resumed"]["done_before"] < GROUPS
    for totals in found.values():
        assert totals["groups_per_minute"] > 20
