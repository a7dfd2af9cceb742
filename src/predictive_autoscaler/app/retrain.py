"""The use case of retraining: train a challenger, judge it, publish only the winner, tidy up.

What is published are the very bytes that were judged. A model refitted on all days would know a
few days more, but nobody would have seen it decide; and, as the next champion, it would know the
days on which the next challenger is judged, and win there by heart. What it costs is little: the
labels are ratios to the recent level, which the controller reads anew each time, so a model that
ends three days ago follows a drift nearly as well as one that ends now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from predictive_autoscaler.app.model_check import check_model
from predictive_autoscaler.app.settings import GroupSettings
from predictive_autoscaler.core.artifact import Model, load_model
from predictive_autoscaler.core.contest import Played, Rules, Verdict, compared
from predictive_autoscaler.core.publication import Publication
from predictive_autoscaler.core.timegrid import known_part
from predictive_autoscaler.core.types import Samples, utc_text
from predictive_autoscaler.errors import AutoscalerError, DataError, ModelError, SettingsError
from predictive_autoscaler.model.train import MIN_HOURS, TrainedModel, TrainOptions, train
from predictive_autoscaler.ports import ModelArchive, ModelFiles, Pointed

LEAST_KNOWN = 0.5
"""Of the judged intervals, the share that must have a request count."""
Judge = Callable[[Model, Samples, int, str], Played]
"""Plays a model on metrics from a bin on; the text says whose turn it is."""


@dataclass(frozen=True)
class Plan:
    """How to retrain a group.

    Attributes:
        newest_days: that both models are judged on, and the challenger does not know.
        keep: versions that stay, the published one and the one before it among them.
        dry_run: do all but publish and delete.
    """

    training: TrainOptions
    newest_days: int = 3
    keep: int = 5
    rules: Rules = field(default_factory=Rules)
    dry_run: bool = False


@dataclass(frozen=True, eq=False)
class Retrained:
    """What became of it.

    Attributes:
        published: the version, if it was published now.
        unchanged: there is nothing newer to learn yet, so there is no challenger.
        deleted: versions that were removed after that.
        warnings: what went wrong without doing harm.
    """

    verdict: Verdict
    trained: TrainedModel | None = None
    published: str | None = None
    unchanged: bool = False
    deleted: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Champion:
    """The model in use, or why there is none."""

    version: str | None
    model: Model | None
    absence: str


def retrain(
    samples: Samples,
    group: GroupSettings,
    archive: ModelArchive,
    plan: Plan,
    judge: Judge,
    tell: Callable[[str], None] = lambda step: None,
) -> Retrained:
    """Train a challenger, and publish it if it is no worse than the champion.

    Without a champion that can be used, there is nothing to compare with: the challenger
    learns from everything, and better than the baselines on held-back time is good enough.

    Args:
        samples: metrics on the control interval's grid, up to the present.

    Raises:
        DataError: too little to learn from.
        SettingsError: the group uses another's model, or what is judged would be too old to be
            used.
        SourceError: the store did not answer, or did not take it; the champion serves on.
        ConflictError: somebody else has published meanwhile; theirs serves.
    """
    if group.model != group.name:
        raise SettingsError(
            f"AUTOSCALER_MODEL is {group.model!r}: {group.name} uses that group's model; retrain "
            "that one"
        )
    if plan.newest_days >= group.max_model_age_days:
        raise SettingsError(
            f"--newest-days is {plan.newest_days}, and AUTOSCALER_MAX_MODEL_AGE_DAYS is "
            f"{group.max_model_age_days:g}: a model that has not learned from those days would be "
            "too old to be used; allowed are fewer days than that"
        )
    # All that is decided here rests on this look; the pointer moves only if it still holds.
    seen = archive.pointed(group.name)
    samples = known_part(samples)
    champion = _champion(archive, group, seen, samples.end)
    first = _first_judged(samples, champion, plan)
    if champion.model is not None:
        known_until = champion.model.card.trained_until
        if known_until >= samples.time_of(first):
            return _nothing_newer(group.name, champion, known_until, plan)
        _check_judged(samples.window(first, len(samples)))
    trained = train(samples.window(0, first), plan.training, tell)
    verdict = _judged(samples, first, group, champion, trained, seen, plan, judge)
    if not verdict.published or plan.dry_run:
        return Retrained(verdict, trained)
    return _published(archive, seen, trained, verdict, plan, tell)


def _champion(
    archive: ModelArchive, group: GroupSettings, seen: Pointed, now: datetime
) -> _Champion:
    if seen.publication is None:
        return _Champion(None, None, seen.fault or "nothing is published yet")
    version = seen.publication.version
    try:
        files = archive.files(group.name, version)
        model = load_model(files.npz, files.card)
        check_model(model, group, now)
    except ModelError as error:
        return _Champion(version, None, f"the champion {version} cannot be used: {error}")
    return _Champion(version, model, "")


def _first_judged(samples: Samples, champion: _Champion, plan: Plan) -> int:
    """The bin that the judged days begin with; the end, if there is nobody to compare with.

    Raises:
        DataError: too little would be left to learn from.
    """
    if champion.model is None:
        return len(samples)
    newest = timedelta(days=plan.newest_days)
    first = len(samples) - newest // samples.interval
    if first * samples.interval < timedelta(hours=MIN_HOURS):
        held, needed = len(samples) * samples.interval, newest + timedelta(hours=MIN_HOURS)
        raise DataError(
            f"found {held / timedelta(days=1):.1f} days of metrics; with --newest-days "
            f"{plan.newest_days}, at least {needed / timedelta(days=1):g} are needed"
        )
    return first


def _nothing_newer(group: str, champion: _Champion, known_until: datetime, plan: Plan) -> Retrained:
    """The days that both are judged on must be new to both, or the champion knows them by heart."""
    newest = timedelta(days=plan.newest_days)
    reason = (
        f"it has learned until {utc_text(known_until)}; a challenger knows more from "
        f"{utc_text(known_until + newest)} on, since the newest {plan.newest_days} days "
        "(--newest-days) are kept for judging"
    )
    return Retrained(
        Verdict(group, False, reason, plan.rules, None, champion.version), unchanged=True
    )


def _check_judged(judged: Samples) -> None:
    """Raise a DataError if too little is known of the judged days."""
    known = int((~np.isnan(judged.requests)).sum())
    if known < LEAST_KNOWN * len(judged):
        raise DataError(
            f"{known} of the newest {len(judged)} intervals have a request count; to judge a model "
            f"on them, {LEAST_KNOWN:.0%} are needed"
        )


def _judged(
    samples: Samples,
    first: int,
    group: GroupSettings,
    champion: _Champion,
    trained: TrainedModel,
    seen: Pointed,
    plan: Plan,
    judge: Judge,
) -> Verdict:
    """The verdict. Replaying comes last, since it takes longest."""
    version = trained.card.model_id
    verdict = Verdict(
        group=group.name,
        published=False,
        reason="",
        rules=plan.rules,
        challenger_version=version,
        champion_version=champion.version,
    )
    model = load_model(trained.npz, trained.card.to_json())
    obstacle = _obstacle(model, seen)
    if obstacle:
        return replace(verdict, reason=obstacle)
    if champion.model is None:
        reason = f"{champion.absence}, and the challenger is better than the baselines"
        return replace(verdict, published=True, reason=reason)
    theirs = judge(champion.model, samples, first, "the champion")
    ours = judge(model, samples, first, "the challenger")
    wins, reason = compared(theirs, ours, plan.rules)
    return replace(
        verdict,
        published=wins,
        reason=reason,
        judged_from=samples.time_of(first),
        judged_until=samples.end,
        champion=theirs,
        challenger=ours,
    )


def _obstacle(model: Model, seen: Pointed) -> str:
    """Why the challenger is out before it has played; empty if it is not."""
    version = model.card.model_id
    if seen.publication is not None and version in seen.publication.rolled_back:
        return (
            f"{version} was rolled back by a person, and the same metrics make the same model; "
            f"newer ones make another, and `rollback {version}` takes this one back into use"
        )
    if not model.card.skilled:
        return "the challenger is not better than the baselines on held-back time"
    return ""


def _published(
    archive: ModelArchive,
    seen: Pointed,
    trained: TrainedModel,
    verdict: Verdict,
    plan: Plan,
    tell: Callable[[str], None],
) -> Retrained:
    """Publish, then remove what is too many; the order is what makes it safe.

    Files first, then the pointer: whatever ends the run in between, the champion serves. The
    versions are listed before the pointer moves: who is about to publish one of them has seen
    the old pointer, so loses, and does not miss its files.
    """
    name, version = trained.card.group, trained.card.model_id
    tell(f"publishing {version}")
    files = ModelFiles(trained.npz, trained.card.to_json(), verdict.to_json())
    archive.keep(name, version, files)
    whole, present = archive.versions(name), archive.versions(name, whole=False)
    before = seen.publication
    after = before.followed_by(version) if before else Publication(version)
    kept = after.kept(plan.keep, whole)
    archive.point(name, after.knowing(kept), seen)
    deleted, warnings = [], []
    for old in sorted(set(present) - kept):
        try:
            tell(f"deleting {old}")
            archive.forget(name, old)
            deleted.append(old)
        except AutoscalerError as error:
            warnings.append(f"{old} could not be deleted: {error}")
    return Retrained(
        verdict,
        trained,
        published=version,
        deleted=tuple(deleted),
        warnings=tuple(warnings),
    )
