from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from predictive_autoscaler.core.rolling import Newest, Rolling, shift
from predictive_autoscaler.core.types import FloatArray

series = hnp.arrays(
    np.float64,
    st.integers(1, 80),
    elements=st.one_of(st.just(np.nan), st.floats(0, 1e6, allow_subnormal=False)),
)


def test_shift_looks_back() -> None:
    values = np.arange(4.0)
    np.testing.assert_array_equal(shift(values, 2), [np.nan, np.nan, 0, 1])
    np.testing.assert_array_equal(shift(values, 9, fill=7.0), [7.0] * 4)
    assert shift(values, 0) is values


@given(values=series, bins=st.integers(1, 40))
def test_windows_agree_with_the_plain_definition(values: FloatArray, bins: int) -> None:
    rolling = Rolling(values)
    mean, spread, largest = rolling.mean(bins), rolling.spread(bins), rolling.maximum(bins)
    for end in range(len(values)):
        window = values[max(0, end + 1 - bins) : end + 1]
        known = window[~np.isnan(window)]
        if len(known) == 0:
            assert np.isnan([mean[end], spread[end], largest[end]]).all()
            continue
        assert mean[end] == pytest.approx(known.mean(), rel=1e-12)
        # The difference of two squares costs half of the digits.
        assert spread[end] == pytest.approx(known.std(), rel=1e-6, abs=1e-6 * known.max())
        assert largest[end] == known.max()


@given(values=series, bins=st.integers(1, 40), data=st.data())
def test_a_window_has_the_same_bits_wherever_the_history_begins(
    values: FloatArray, bins: int, data: st.DataObject
) -> None:
    # Given all of a history, and only as much of it as the window holds
    end = data.draw(st.integers(1, len(values)))
    short = Rolling(values[max(0, end - bins) : end])
    whole = Rolling(values)
    for measure in ("mean", "spread", "maximum"):
        ours, theirs = getattr(short, measure)(bins)[-1], getattr(whole, measure)(bins)[end - 1]
        assert ours.tobytes() == theirs.tobytes()


@given(values=series, bins=st.integers(1, 40), ago=st.integers(0, 90))
def test_the_newest_row_alone_has_the_same_bits(values: FloatArray, bins: int, ago: int) -> None:
    newest, whole = Newest(values), Rolling(values)
    assert newest.value(ago).tobytes() == whole.value(ago)[-1:].tobytes()
    for measure in ("mean", "spread", "maximum"):
        ours, theirs = getattr(newest, measure)(bins, ago), getattr(whole, measure)(bins, ago)[-1:]
        assert ours.tobytes() == theirs.tobytes(), measure
