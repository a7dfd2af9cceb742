"""Whether a published model may be used for a group now."""

from __future__ import annotations

from datetime import datetime, timedelta

from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.artifact import Card, Model
from predictive_autoscaler.errors import ModelError


def check_model(model: Model, settings: GroupSettings, now: datetime) -> None:
    """Refuse a model that was made for something else, is old, or has no skill.

    Raises:
        ModelError: with what is wrong about it.
    """
    card = model.card
    wrong = misfit(card, settings) or too_old(card, settings, now) or unskilled(card)
    if wrong:
        raise ModelError(wrong)


def misfit(card: Card, settings: GroupSettings) -> str | None:
    """How it was made for something else; None if it was not."""
    parameters = settings.parameters
    if card.group != settings.model:
        return f"the model is of group {card.group!r}"
    if card.parameters.interval_seconds != parameters.interval_seconds:
        return (
            f"the model was trained on intervals of {card.parameters.interval_seconds} s, "
            f"the setting is {parameters.interval_seconds} s"
        )
    needed = parameters.features.horizon_bins
    if card.parameters.horizon_bins < needed:
        return (
            f"the model looks {card.parameters.horizon_bins} intervals ahead, but with the present "
            f"boot time and metric delay {needed} are needed; train it again"
        )
    return None


def too_old(card: Card, settings: GroupSettings, now: datetime) -> str | None:
    """How its data end too long ago; None if they do not."""
    age = now - card.trained_until
    if age <= timedelta(days=settings.max_model_age_days):
        return None
    return (
        f"the model's data end {age.days} days ago; "
        f"AUTOSCALER_MAX_MODEL_AGE_DAYS allows {settings.max_model_age_days:g}"
    )


def unskilled(card: Card) -> str | None:
    """Why its forecasts are not worth using; None if they are."""
    if card.skilled:
        return None
    return "the model was no better than the baselines and nobody insisted on it"
