"""What replays of one trace have in common: models and forecasts, made once.

Both are looked up by everything that they are made of, bit by bit. So whoever shares gets
what would have been made anew, and only the newest ones need to be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Generic, TypeVar

from predictive_autoscaler.core.artifact import Model, load_model
from predictive_autoscaler.core.decide import forecast_demand
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.ladder import LadderResult
from predictive_autoscaler.core.quality import AssessedDemand
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import DataError
from predictive_autoscaler.model.train import TrainOptions, train

T = TypeVar("T")


def fitted(samples: Samples, options: TrainOptions) -> Model | None:
    """The model that training on these samples publishes, or None."""
    try:
        trained = train(samples, options)
    except DataError:
        return None
    return load_model(trained.npz, trained.card.to_json()) if trained.card.skilled else None


class SharedWork:
    """Fits and forecasts of replays that go forward side by side.

    Attributes:
        fits, forecasts: how many were made, not looked up.
    """

    def __init__(self) -> None:
        self._models: _Newest[Model | None] = _Newest()
        self._forecasts: _Newest[LadderResult] = _Newest()

    @property
    def fits(self) -> int:
        return self._models.made

    @property
    def forecasts(self) -> int:
        return self._forecasts.made

    def fitted(self, samples: Samples, options: TrainOptions) -> Model | None:
        """The model that training on the request counts alone publishes, or None."""
        alone = samples.demand_alone()
        key = (samples.start, options, _digest(alone.requests.tobytes()))
        return self._models.get(samples.end, key, lambda: fitted(alone, options))

    def forecast(
        self,
        samples: Samples,
        demand: AssessedDemand,
        model: Model | None,
        features: FeatureParameters,
    ) -> LadderResult:
        """`forecast_demand`, for a model that reads nothing but demand."""
        name = model.card.model_id if model else None
        key = (samples.start, name, features, _digest(demand.requests.tobytes()))
        return self._forecasts.get(
            samples.end, key, lambda: forecast_demand(samples, demand, model, features)
        )


class _Newest(Generic[T]):
    """What was made for the newest moment, by what it was made of."""

    def __init__(self) -> None:
        self.made = 0
        self._moment: object = None
        self._known: dict[object, T] = {}

    def get(self, moment: object, key: object, make: Callable[[], T]) -> T:
        if moment != self._moment:
            self._moment, self._known = moment, {}
        if key not in self._known:
            self._known[key] = make()
            self.made += 1
        return self._known[key]


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()
