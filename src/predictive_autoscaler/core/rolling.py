"""Rolling sums and maxima that look back only.

Every value is computed by the same element-wise steps whatever the length of the array,
so a row made from a short window while serving has the same bits as that row made from
the whole history while training. Running sums would not: their rounding depends on where
they began.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from predictive_autoscaler.core.types import FloatArray


def shift(values: FloatArray, bins: int, fill: float = np.nan) -> FloatArray:
    """`values` as they were `bins` bins earlier; `fill` before there were any."""
    if bins <= 0:
        return values
    shifted = np.full(len(values), fill)
    shifted[bins:] = values[: max(len(values) - bins, 0)]
    return shifted


class Trailing(Protocol):
    """Trailing measures of one series, as they were `ago` bins before each row.

    There is a row for every bin (`Rolling`) or for the newest bin alone (`Newest`).
    """

    def value(self, ago: int) -> FloatArray:
        """The series itself; NaN before it began."""
        ...

    def mean(self, bins: int, ago: int = 0) -> FloatArray:
        """Mean over the newest `bins` bins, shape (rows,); NaN where all are absent."""
        ...

    def spread(self, bins: int, ago: int = 0) -> FloatArray:
        """Standard deviation over the newest `bins` bins."""
        ...

    def maximum(self, bins: int, ago: int = 0) -> FloatArray:
        """Largest value of the newest `bins` bins; NaN where all are absent."""
        ...


class Rolling:
    """`Trailing` with a row for every bin, of a series that may have gaps (NaN)."""

    def __init__(self, values: FloatArray) -> None:
        present = ~np.isnan(values)
        self._values = values
        self._sums = [np.where(present, values, 0.0)]
        self._counts = [present.astype(np.float64)]
        self._squares = [self._sums[0] ** 2]
        self._maxima = [np.where(present, values, -np.inf)]

    def value(self, ago: int) -> FloatArray:
        return shift(self._values, ago)

    def mean(self, bins: int, ago: int = 0) -> FloatArray:
        mean = _ratio(_window_sum(self._sums, bins), _window_sum(self._counts, bins))
        return shift(mean, ago)

    def spread(self, bins: int, ago: int = 0) -> FloatArray:
        mean = self.mean(bins)
        mean_square = _ratio(_window_sum(self._squares, bins), _window_sum(self._counts, bins))
        return shift(_spread(mean, mean_square), ago)

    def maximum(self, bins: int, ago: int = 0) -> FloatArray:
        power = bins.bit_length() - 1
        while len(self._maxima) <= power:
            last, width = self._maxima[-1], 1 << (len(self._maxima) - 1)
            self._maxima.append(np.maximum(last, shift(last, width, -np.inf)))
        block = self._maxima[power]
        largest = np.maximum(block, shift(block, bins - (1 << power), -np.inf))
        return shift(np.where(np.isneginf(largest), np.nan, largest), ago)


class Newest:
    """`Trailing` of the newest bin alone: shape (1,), the same bits, far less work."""

    def __init__(self, values: FloatArray) -> None:
        self._values = values
        self._present = ~np.isnan(values)
        self._known = np.where(self._present, values, 0.0)

    def value(self, ago: int) -> FloatArray:
        end = self._end(ago)
        return self._values[end - 1 : end] if end > 0 else np.full(1, np.nan)

    def mean(self, bins: int, ago: int = 0) -> FloatArray:
        end = self._end(ago)
        return _ratio(_sum_before(self._known, end, bins), self._count(end, bins))

    def spread(self, bins: int, ago: int = 0) -> FloatArray:
        end = self._end(ago)
        squares = self._known[max(end - bins, 0) : max(end, 0)] ** 2
        mean_square = _ratio(_sum_before(squares, len(squares), bins), self._count(end, bins))
        return _spread(self.mean(bins, ago), mean_square)

    def maximum(self, bins: int, ago: int = 0) -> FloatArray:
        end = self._end(ago)
        window = self._values[max(end - bins, 0) : max(end, 0)]
        known = window[self._present[max(end - bins, 0) : max(end, 0)]]
        return np.array([known.max() if len(known) else np.nan])

    def _end(self, ago: int) -> int:
        return len(self._values) - max(ago, 0)

    def _count(self, end: int, bins: int) -> FloatArray:
        present = self._present[max(end - bins, 0) : max(end, 0)]
        return np.array([float(np.count_nonzero(present))])


def _window_sum(powers: list[FloatArray], bins: int) -> FloatArray:
    """Sum over `bins` bins out of blocks whose widths are powers of two, widest first."""
    while len(powers) < bins.bit_length():
        last, width = powers[-1], 1 << (len(powers) - 1)
        powers.append(last + shift(last, width, 0.0))
    total, taken = None, 0
    for power in reversed(range(bins.bit_length())):
        if bins >> power & 1:
            block = shift(powers[power], taken, 0.0)
            total = block if total is None else total + block
            taken += 1 << power
    assert total is not None
    return total


def _sum_before(values: FloatArray, end: int, bins: int) -> FloatArray:
    """What `_window_sum` gives for the row before `end`, added up in the same order.

    Each block is halved by adding neighbours, which is how the blocks of `_window_sum`
    come about; before the series there are zeros.
    """
    window = values[max(end - bins, 0) : max(end, 0)]
    if len(window) < bins:
        window = np.concatenate([np.zeros(bins - len(window)), window])
    total, taken = None, 0
    for power in reversed(range(bins.bit_length())):
        if bins >> power & 1:
            block = window[bins - taken - (1 << power) : bins - taken]
            while len(block) > 1:
                block = block[1::2] + block[::2]
            total = block if total is None else total + block
            taken += 1 << power
    assert total is not None
    return total


def _spread(mean: FloatArray, mean_square: FloatArray) -> FloatArray:
    spread: FloatArray = np.sqrt(np.maximum(mean_square - mean**2, 0.0))
    return spread


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    result = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
