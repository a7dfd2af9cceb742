from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from predictive_autoscaler.core.csv_text import samples_from_csv, samples_to_csv
from predictive_autoscaler.core.types import METRICS, FloatArray
from predictive_autoscaler.errors import DataError
from tests.unit.core.builders import MONDAY, metrics

cells = st.one_of(st.just(np.nan), st.floats(0, 1e12), st.integers(0, 10**9).map(float))


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(len(METRICS) + 1)), elements=cells)
)
def test_samples_survive_as_text_bit_by_bit(values: FloatArray) -> None:
    columns = dict(zip((*METRICS, "coverage"), values.T, strict=True))
    samples = metrics(columns.pop("requests"), 300, **columns)
    again = samples_from_csv(samples_to_csv(samples), 300)
    assert again.start == samples.start
    for name in (*METRICS, "coverage"):
        np.testing.assert_array_equal(again.column(name), samples.column(name))


def test_the_text_is_plain() -> None:
    text = samples_to_csv(metrics([12.0, np.nan], refused=0.5, errors=np.nan))
    assert text.splitlines()[0].startswith("timestamp,requests,refused,errors,response_time")
    assert text.splitlines()[1:] == [
        "2026-03-02T00:00:00Z,12,0.5,,0.1,40,5,5,1",
        "2026-03-02T00:05:00Z,,0.5,,0.1,40,5,5,0",
    ]


def test_an_empty_file_has_no_bins() -> None:
    assert len(samples_from_csv(samples_to_csv(metrics([1.0]).window(0, 0)), 300)) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timestamp,requests\n2026-03-02T00:00:00Z,1\n", "cannot be read"),
        (samples_to_csv(metrics([1.0])).replace("40", "warm"), "cannot be read"),
        (samples_to_csv(metrics([1.0])).replace("Z", ""), "cannot be read"),
        (samples_to_csv(metrics([1.0, 2.0], 600)), "not in steps of 300 s"),
    ],
)
def test_another_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        samples_from_csv(text, 300)


def test_times_are_kept() -> None:
    assert samples_from_csv(samples_to_csv(metrics([1.0])), 300).start == MONDAY
