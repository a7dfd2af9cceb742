"""What each bin's request count can be trusted for.

Missing is not zero, but quiet is. CloudWatch publishes no RequestCount for a minute
without requests, so an absent count may mean a quiet night or a broken pipe; a zero in
the midst of traffic may be a glitch. These rules tell them apart, bin by bin, looking
back only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictive_autoscaler.core.types import BoolArray, FloatArray, Quality, Samples

CENSORED_CPU_PERCENT = 90.0
CENSORED_ERROR_SHARE = 0.02
QUIET_SHARE = 0.2
"""Traffic has faded when the last known bin is below this share of the recent maximum."""
RECENT_SECONDS = 2 * 3600
CONFIRM_SECONDS = 3600
"""Zeros are believed, whatever came before, once they have lasted this long."""
EXPECTED_REQUESTS = 10.0
"""Minutes in which so many were expected do not pass without any by chance (e**-10)."""


# Looking up an enumeration's member takes longer than judging a bin.
_OK, _QUIET, _CENSORED, _MISSING, _GLITCH = map(
    int, (Quality.OK, Quality.QUIET, Quality.CENSORED, Quality.MISSING, Quality.GLITCH)
)


@dataclass(frozen=True, eq=False)
class AssessedDemand:
    """Demand per bin with the trust it deserves. Arrays of shape (bins,).

    `requests` is NaN where the quality is MISSING or GLITCH, zero where it is QUIET, and
    a lower bound where it is CENSORED or PARTIAL.
    """

    requests: FloatArray
    quality: np.ndarray[tuple[int], np.dtype[np.int8]]

    @property
    def trusted(self) -> BoolArray:
        """Bins whose demand is exact."""
        trusted: BoolArray = (self.quality == Quality.OK) | (self.quality == Quality.QUIET)
        return trusted


def assess(samples: Samples, negligible_requests: float) -> AssessedDemand:
    """Judge every bin, in order of time.

    Args:
        samples: recorded metrics, one row per control interval.
        negligible_requests: demand per interval that is too small to matter (a tenth of
            an instance, say); whoever falls silent from there has faded.
    """
    refused = np.nan_to_num(samples.refused)
    # Who was refused came, even if nobody got as far as being counted as a request.
    demand = np.where(refused > 0, np.nan_to_num(samples.requests) + refused, samples.requests)
    quality = np.full(len(samples), Quality.OK, dtype=np.int8)
    quality[_partial(samples)] = Quality.PARTIAL
    quality[_censored(samples, demand)] = Quality.CENSORED
    _judge_silence(samples, demand, quality, negligible_requests)
    demand[quality == Quality.QUIET] = 0.0
    demand[(quality == Quality.MISSING) | (quality == Quality.GLITCH)] = np.nan
    return AssessedDemand(demand, quality)


def _censored(samples: Samples, demand: FloatArray) -> BoolArray:
    failed = np.nan_to_num(samples.failed)
    too_many = failed >= CENSORED_ERROR_SHARE * np.nan_to_num(demand)
    hot = np.nan_to_num(samples.cpu_percent) >= CENSORED_CPU_PERCENT
    return hot | (too_many & (failed > 0))


def _partial(samples: Samples) -> BoolArray:
    """Busy bins in which some of the source's periods are absent."""
    with np.errstate(divide="ignore", invalid="ignore"):
        expected_in_absent = samples.requests * (1 - samples.coverage) / samples.coverage
    return np.nan_to_num(expected_in_absent) >= EXPECTED_REQUESTS


def _judge_silence(
    samples: Samples,
    demand: FloatArray,
    quality: np.ndarray[tuple[int], np.dtype[np.int8]],
    negligible_requests: float,
) -> None:
    """Decide for each absent or zero bin whether it is quiet, missing or a glitch."""
    recent_bins = max(1, RECENT_SECONDS // samples.interval_seconds)
    confirm_bins = max(1, CONFIRM_SECONDS // samples.interval_seconds)
    answering = ~np.isnan(samples.cpu_percent) | (np.nan_to_num(samples.healthy_hosts) > 0)
    served = (np.nan_to_num(samples.in_service) > 0) & answering
    # Before the first count there is nothing to judge by; a short history begins with days of it.
    unknown = np.isnan(demand)
    begun = len(demand) if unknown.all() else int(np.argmin(unknown))
    quality[:begun] = _MISSING
    silences = begun + np.flatnonzero((unknown | (demand == 0.0))[begun:])
    silent = silences.tolist()
    alive, absent = served[silences].tolist(), np.isnan(samples.requests[silences]).tolist()
    verdicts = [_OK] * len(silent)
    believed, previous, zeros_in_a_row = -1, begun - 1, 0
    for position, index in enumerate(silent):
        if index - 1 != previous:
            believed, zeros_in_a_row = index - 1, 0
        previous = index
        zeros_in_a_row = 0 if absent[position] else zeros_in_a_row + 1
        faded = index - recent_bins <= believed != -1 and _faded(
            float(demand[believed]),
            demand[max(0, index - recent_bins) : index],
            negligible_requests,
        )
        if absent[position]:
            quiet, otherwise = faded and alive[position], _MISSING
        else:
            quiet, otherwise = faded or zeros_in_a_row > confirm_bins, _GLITCH
        verdicts[position] = _QUIET if quiet else otherwise
        if quiet:
            demand[index], believed = 0.0, index
            if quality[index] == _CENSORED:
                # Nobody counted, and yet hot or failing: no reason to scale in.
                verdicts[position] = _CENSORED
    quality[silent] = verdicts


def _faded(last: float, recent: FloatArray, negligible_requests: float) -> bool:
    """Whether silence is no surprise after `last`, the newest count that is believed."""
    if last <= negligible_requests:
        return True
    return last <= QUIET_SHARE * float(np.fmax.reduce(recent))
