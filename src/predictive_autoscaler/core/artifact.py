"""A model as it is published: `model.npz` with the arrays and `model.json`, its card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.forest import (
    FORMAT_VERSION,
    read_arrays,
    sha256,
)
from predictive_autoscaler.core.mixture import Mixture, mixture_from_arrays
from predictive_autoscaler.core.types import utc_from_text, utc_text
from predictive_autoscaler.errors import ModelError


@dataclass(frozen=True)
class Card:
    """What the model is, in numbers and words; `model.json`.

    Attributes:
        group: the Auto Scaling group that it was trained for.
        feature_names: the columns, in the forecaster's order.
        absent_features: columns left out because the training data had no such metric.
        trained_from, trained_until: the span of the training data, aware UTC.
        rows: how many it was fitted on.
        scores: metric by predictor on held-back time, with its span.
        skilled: better than the baselines on held-back time, or published all the same
            because somebody insisted.
        libraries: versions that trained it; information, not a condition.
    """

    group: str
    feature_names: tuple[str, ...]
    absent_features: tuple[str, ...]
    parameters: FeatureParameters
    boot_minutes: float
    trained_from: datetime
    trained_until: datetime
    rows: int
    seed: int
    scores: Mapping[str, Any]
    skilled: bool
    libraries: Mapping[str, str]
    npz_sha256: str

    @property
    def model_id(self) -> str:
        """Names this very model: when its training data ended, and its hash."""
        return f"{self.trained_until:%Y%m%dT%H%M%SZ}-{self.npz_sha256[:12]}"

    def to_json(self) -> str:
        """The text of model.json, the same for the same card."""
        content = asdict(self) | {
            "format_version": FORMAT_VERSION,
            "trained_from": utc_text(self.trained_from),
            "trained_until": utc_text(self.trained_until),
        }
        return json.dumps(content, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Read model.json.

        Raises:
            ModelError: not JSON, of another format version, or with a field missing.
        """
        try:
            content = json.loads(text)
            version = content.pop("format_version")
            if version != FORMAT_VERSION:
                raise ModelError(
                    f"model.json has format_version {version}; this reader knows {FORMAT_VERSION}"
                )
            return cls(
                **content
                | {
                    "feature_names": tuple(content["feature_names"]),
                    "absent_features": tuple(content["absent_features"]),
                    "parameters": _parameters(content["parameters"]),
                    "trained_from": utc_from_text(content["trained_from"]),
                    "trained_until": utc_from_text(content["trained_until"]),
                }
            )
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise ModelError(f"model.json cannot be read: {error!r}") from error


def _parameters(content: dict[str, Any]) -> FeatureParameters:
    parameters = FeatureParameters(**content)
    ZoneInfo(parameters.timezone)  # an unknown zone would else only show while deciding
    return parameters


@dataclass(frozen=True, eq=False)
class Model:
    """A forecaster with its card, checked against each other."""

    forecaster: Mixture
    card: Card


def load_model(npz: bytes, card_text: str) -> Model:
    """Read a published model; nothing is unpickled.

    Raises:
        ModelError: a file is damaged, or the two do not belong together.
    """
    card = Card.from_json(card_text)
    found = sha256(npz)
    if found != card.npz_sha256:
        raise ModelError(
            f"model.npz has SHA-256 {found[:12]}…, its card says {card.npz_sha256[:12]}…"
        )
    forecaster = mixture_from_arrays(read_arrays(npz), columns=len(card.feature_names))
    if forecaster.horizon_bins != card.parameters.horizon_bins:
        raise ModelError(
            f"model.npz looks {forecaster.horizon_bins} intervals ahead, its card says "
            f"{card.parameters.horizon_bins}"
        )
    return Model(forecaster, card)
