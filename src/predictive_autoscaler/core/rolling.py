"""Rolling sums and maxima that look back only.

Every value is computed by the same element-wise steps whatever the length of the array,
so a row made from a short window while serving has the same bits as that row made from
the whole history while training. Running sums would not: their rounding depends on where
they began.
"""

from __future__ import annotations

import numpy as np

from predictive_autoscaler.core.types import FloatArray


def shift(values: FloatArray, bins: int, fill: float = np.nan) -> FloatArray:
    """`values` as they were `bins` bins earlier; `fill` before there were any."""
    if bins <= 0:
        return values
    shifted = np.full(len(values), fill)
    shifted[bins:] = values[: max(len(values) - bins, 0)]
    return shifted


class Rolling:
    """Trailing sums, means, spreads and maxima of one series that may have gaps (NaN)."""

    def __init__(self, values: FloatArray) -> None:
        present = ~np.isnan(values)
        self._sums = [np.where(present, values, 0.0)]
        self._counts = [present.astype(np.float64)]
        self._squares = [self._sums[0] ** 2]
        self._maxima = [np.where(present, values, -np.inf)]

    def mean(self, bins: int) -> FloatArray:
        """Mean over the newest `bins` bins, shape (bins,); NaN where all are absent."""
        return _ratio(_window_sum(self._sums, bins), _window_sum(self._counts, bins))

    def spread(self, bins: int) -> FloatArray:
        """Standard deviation over the newest `bins` bins."""
        mean = self.mean(bins)
        mean_square = _ratio(_window_sum(self._squares, bins), _window_sum(self._counts, bins))
        return np.sqrt(np.maximum(mean_square - mean**2, 0.0))

    def maximum(self, bins: int) -> FloatArray:
        """Largest value of the newest `bins` bins; NaN where all are absent."""
        power = bins.bit_length() - 1
        while len(self._maxima) <= power:
            last, width = self._maxima[-1], 1 << (len(self._maxima) - 1)
            self._maxima.append(np.maximum(last, shift(last, width, -np.inf)))
        block = self._maxima[power]
        largest = np.maximum(block, shift(block, bins - (1 << power), -np.inf))
        return np.where(np.isneginf(largest), np.nan, largest)


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


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    result = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
