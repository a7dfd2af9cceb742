"""The published model: there, whole, made for these settings, young, and better than guessing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from predictive_autoscaler.app.doctor.facts import Facts
from predictive_autoscaler.app.doctor.findings import Check, Finding, fault, ok, warning
from predictive_autoscaler.app.doctor.wording import TRAIN, aged, listed, ours
from predictive_autoscaler.app.model_check import misfit, unskilled
from predictive_autoscaler.core.artifact import Card
from predictive_autoscaler.core.features import column_names
from predictive_autoscaler.errors import AutoscalerError, ModelError, ModelNotFoundError

AREA = "model"
OLD_SHARE = 0.8
"""Of the age at which it is refused: time to train again."""
_METRIC_OF = {"response_time": "response_time_seconds", "cpu_utilization": "cpu_percent"}


def model(facts: Facts) -> Iterator[Finding]:
    """Whether there is one that can be read, down to its hash."""
    try:
        card = facts.card()
    except ModelNotFoundError as error:
        yield fault(f"{error}; until then the seasonal forecast or the last value serves", TRAIN)
        return
    except ModelError as error:
        yield fault(
            f"the published model cannot be used: {error}",
            _replaced(facts),
        )
        return
    yield ok(
        f"{card.model_id} is whole: SHA-256 {card.npz_sha256[:12]}… as its card says, "
        f"{card.rows:,} rows"
    )
    others = facts.other_versions()
    yield ok(f"versions to go back to: {listed(others[:3]) or 'none is kept'}")


def _replaced(facts: Facts) -> str:
    """How another model takes the place of one that cannot be used."""
    train = f"train a new one: {TRAIN}"
    try:
        others, model = facts.other_versions(), facts.settings().model
    except AutoscalerError:
        return f"{ours('rollback', '--list')} tells whether there is another version; or {train}"
    if not others:
        return f"no other version is kept, so {train}"
    whose = [] if model == facts.group_name else ["--asg-name", model]
    return f"{ours('rollback', others[0], *whose)} takes another version; or {train}"


def fit(facts: Facts) -> Iterator[Finding]:
    """Group, interval, horizon, time zone and features against settings and metrics."""
    card, settings = facts.card(), facts.settings()
    wrong = misfit(card, settings)
    if wrong:
        yield fault(wrong, f"train it with these settings: {TRAIN}")
        return
    zone = settings.parameters.timezone
    if card.parameters.timezone != zone:
        yield warning(
            f"the model counts hours and weekdays in {card.parameters.timezone}, "
            f"AUTOSCALER_TIMEZONE is {zone}",
            f"train it with this setting: {TRAIN}",
        )
    unknown = sorted(set(card.feature_names) - set(column_names(card.parameters)))
    if unknown:
        yield fault(
            f"the model needs {listed(unknown[:3])}, which this version does not compute",
            f"train it with this version: {TRAIN}",
        )
        return
    samples = facts.metrics()
    lacking = [
        name
        for name, column in _METRIC_OF.items()
        if name in card.feature_names and np.isnan(samples.column(column)).all()
    ]
    if lacking:
        yield fault(
            f"the model needs {listed(lacking)}, of which the last day has no value",
            f"see the check of metrics; or train without them: {TRAIN}",
        )
        return
    horizon = card.parameters.horizon_bins
    yield ok(
        f"made for {card.group}, {card.parameters.interval_seconds // 60} min, {horizon} intervals "
        f"ahead, {len(card.feature_names)} features"
    )


def age(facts: Facts) -> Iterator[Finding]:
    """Against the age at which it is no longer used."""
    card, settings = facts.card(), facts.settings()
    allowed, found = timedelta(days=settings.max_model_age_days), facts.now - card.trained_until
    text = (
        f"its data end {aged(found)} ago; AUTOSCALER_MAX_MODEL_AGE_DAYS allows "
        f"{settings.max_model_age_days:g} days"
    )
    remedy = f"{ours('retrain')} (docs/retraining.md tells how to schedule it)"
    if found > allowed:
        yield fault(text, remedy)
    elif found > OLD_SHARE * allowed:
        yield warning(text, remedy)
    else:
        yield ok(text)


def skill(facts: Facts) -> Iterator[Finding]:
    """Against the baselines, on the time that was held back."""
    card = facts.card()
    wrong = unskilled(card)
    losses = _losses(card)
    if wrong:
        yield fault(f"{wrong} ({losses})", f"train it on more days: {TRAIN} --days 28")
    else:
        yield ok(f"pinball loss on held-back time: {losses}")


def _losses(card: Card) -> str:
    return listed(
        f"{name} {100 * score['pinball']:.3g} %" if score else f"{name} no answer"
        for name, score in card.scores.items()
        if score is None or "pinball" in score
    )


CHECKS = (
    Check(
        "model",
        AREA,
        "none is published, or its files are damaged or do not belong together",
        ("s3:GetObject", "s3:ListBucket", "kms:Decrypt"),
        model,
    ),
    Check(
        "model fit",
        AREA,
        "group, interval, horizon or features are not those of settings and metrics; another time "
        "zone is a warning",
        ("s3:GetObject", "cloudwatch:GetMetricData"),
        fit,
    ),
    Check(
        "model age",
        AREA,
        f"above AUTOSCALER_MAX_MODEL_AGE_DAYS; from {100 * OLD_SHARE:.0f} % of it on a warning",
        ("s3:GetObject",),
        age,
    ),
    Check(
        "model skill",
        AREA,
        "no better than the baselines, and nobody insisted on it",
        ("s3:GetObject",),
        skill,
    ),
)
