from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.app.windows import FEW, Windows
from predictive_autoscaler.core.types import METRICS, Samples
from tests.helpers.shop import same_bits, shop

START = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = st.lists(
    st.one_of(st.floats(0, 1e15), st.integers(0, 2**53).map(float), st.just(float("nan"))),
    min_size=3,
    max_size=3,
)


def crowded() -> Windows:
    """So many that further ones are packed."""
    windows = Windows()
    for number in range(FEW):
        windows.put(f"other{number}", shop(300, 1))
    return windows


@given(st.tuples(*[COLUMNS] * len(METRICS)))
def test_what_comes_out_is_what_was_put_in(columns: tuple[list[float], ...]) -> None:
    arrays = {name: np.array(column) for name, column in zip(METRICS, columns, strict=True)}
    samples = Samples.of(START, 300, arrays)
    for windows in (Windows(), crowded()):
        windows.put("web", samples)
        kept = windows.get("web")
        assert kept is not None
        assert same_bits(kept, samples)
        assert windows.end("web") == samples.end


def test_packed_windows_take_half_the_memory() -> None:
    windows = crowded()
    before = windows.size_bytes
    samples = shop(300, 14)
    windows.put("web", samples)
    plain = 8 * len(samples) * (len(METRICS) + 1)
    assert windows.size_bytes - before <= 0.55 * plain


def test_who_is_no_longer_looked_after_is_forgotten() -> None:
    windows = Windows()
    windows.put("a", shop(300, 1))
    windows.put("b", shop(300, 1))
    windows.keep_only(["b", "c"])
    assert windows.get("a") is None
    assert windows.get("b") is not None
    assert windows.end("a") is None
