"""The plain forest: five features in, the capacity of the past out.

Source: the usual recipe of tutorials and student projects for scaling with a RandomForest:
request count, response time, CPU, hour and weekday of now; the label is the capacity that
the group had. The past was made by target tracking at 70 %, and so are the metrics that it
is shown while deciding. It imitates that scaler, and cannot ask for more than it has seen.

Tuning: 100 trees of scikit-learn's forest, leaves of 5 rows (leaves of 1 take twice as long
and score the same), refitted every two days on the last 14, its answer rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.backtest.peers.base import PeerContext
from predictive_autoscaler.backtest.peers.reactive import target_tracking
from predictive_autoscaler.backtest.world import Instances, recorded_under, serve
from predictive_autoscaler.core.features import DAY, HOUR
from predictive_autoscaler.core.rolling import shift
from predictive_autoscaler.core.types import BoolArray, FloatArray, Samples
from predictive_autoscaler.model.fit import ForestOptions, fit_forest

HISTORY_DAYS = 14
REFIT_SECONDS = 2 * DAY
ROUNDING = 1e-9


@dataclass(frozen=True)
class FiveFeatureForest:
    """Learns from target tracking's past, and then decides in its place.

    Attributes:
        teacher_share: the target of the target tracking that it learns from.
    """

    name: str = "five-feature forest"
    sees_future: bool = False
    teacher_share: float = 0.7
    trees: int = 100
    min_samples_leaf: int = 5

    def asked(self, context: PeerContext) -> FloatArray:
        setting = context.setting
        teacher = target_tracking(context.demand, setting, self.teacher_share)
        rows = seen_before(context, teacher)
        known: BoolArray = np.asarray(np.isfinite(rows).all(axis=1))
        # Where it has nothing to go by, the scaler that it came to replace is still there.
        asked = teacher.copy()
        refit, most = setting.bins(REFIT_SECONDS), HISTORY_DAYS * context.day_bins
        for begin in range(context.first, len(teacher), refit):
            past = _where(known, max(begin - most, 0), begin)
            now = _where(known, begin, begin + refit)
            if len(past) and len(now):
                asked[now] = self._answers(rows[past], teacher[past], rows[now], context.seed)
        return asked[context.first :]

    def _answers(
        self, rows: FloatArray, labels: FloatArray, now: FloatArray, seed: int
    ) -> FloatArray:
        """Capacity for the rows `now`, out of a forest fitted on `rows`."""
        options = ForestOptions(self.trees, self.min_samples_leaf, max_features=1.0, seed=seed)
        forest = fit_forest(rows, labels, options)
        # A mean of equal whole numbers may be off by a rounding error.
        answers: FloatArray = np.ceil(forest.predict(now) - ROUNDING)
        return answers


def _where(known: BoolArray, first: int, last: int) -> NDArray[np.intp]:
    """Positions of the known rows in [first, last)."""
    return np.flatnonzero(known[first:last]) + first


def seen_before(context: PeerContext, capacity: FloatArray) -> FloatArray:
    """The five features known at each decision, shape (bins, 5); NaN where unknown.

    Request count, response time and CPU of the bin before, had this capacity (bins,)
    served it; hour and weekday (Monday is 0) of the decision, UTC.
    """
    setting = context.setting
    demand = Samples.of(context.start, setting.interval_seconds, {"requests": context.demand})
    initial = int(capacity[0]) if len(capacity) else 1
    ready = serve(capacity, setting.boot_bins, initial)
    seen = recorded_under(demand, ready, Instances(setting.capacity_per_instance))
    metrics = (seen.requests, seen.response_time_seconds, seen.cpu_percent)
    hour = context.seconds % DAY // HOUR
    weekday = (context.seconds // DAY + 3) % 7  # 1970 began on a Thursday
    return np.column_stack([*(shift(metric, 1) for metric in metrics), hour, weekday])
