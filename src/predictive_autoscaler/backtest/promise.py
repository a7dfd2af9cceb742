"""Does acting keep what observing has promised? The same days twice: observed, then scaled.

In the first pass target tracking scales the group and the controller looks on, entering what it
would have done in its ledger. In the second the controller scales, and the same ledger holds what
it did. Between the two lies what only acting has: its own capacity, and what that does to the data,
CPU and response times among them; so here models learn from those, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from predictive_autoscaler.backtest.replay import GROUP, ReplayOptions, replay
from predictive_autoscaler.core.trial import Tally, Trial
from predictive_autoscaler.core.types import Samples


@dataclass(frozen=True)
class Promise:
    """The ledgers of both passes, over the same bins."""

    observed: Trial
    acted: Trial

    @property
    def hours_ratio(self) -> float:
        """Instance-hours taken, as a share of those promised."""
        return self.acted.ours.instance_hours / self.observed.ours.instance_hours

    @property
    def missed_ratio(self) -> float:
        """Requests missed, as a share of those promised; 1 if neither missed any."""
        return _ratio(self.acted.ours, self.observed.ours)


def check_promise(demand: Samples, first: int, options: ReplayOptions) -> Promise:
    """Observe a trace from its bin `first` on, then scale the same bins.

    Raises:
        SourceError, ModelError: as `replay`.
    """
    options = replace(options, learning_all=True)
    return Promise(
        _ledger(demand, first, replace(options, observing=True)),
        _ledger(demand, first, replace(options, observing=False)),
    )


def _ledger(demand: Samples, first: int, options: ReplayOptions) -> Trial:
    records = replay(demand, first, options, keep_records=True).records
    return Trial.from_json(records[-1]["groups"][GROUP]["state"]["trial"])


def _ratio(done: Tally, promised: Tally) -> float:
    if not promised.missed_requests:
        return 1.0 if not done.missed_requests else float("inf")
    return done.missed_requests / promised.missed_requests
