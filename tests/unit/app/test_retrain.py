"""Retraining with real models and real replays, over stores in memory and on a disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictive_autoscaler.adapters.memory import MemoryModelStore
from predictive_autoscaler.adapters.objects import DirectoryObjects, ObjectStore, StoredObject
from predictive_autoscaler.adapters.stores import StoredModels
from predictive_autoscaler.adapters.stores.keys import latest_key, model_keys
from predictive_autoscaler.app.rollback import roll_back
from predictive_autoscaler.app.train import publish
from predictive_autoscaler.core.contest import Rules
from predictive_autoscaler.core.publication import Publication
from predictive_autoscaler.core.types import Samples, utc_text
from predictive_autoscaler.errors import (
    ConflictError,
    DataError,
    SettingsError,
    SourceError,
)
from predictive_autoscaler.model.train import train
from predictive_autoscaler.ports import ModelFiles
from tests.adapters.examples import tiny_model
from tests.helpers.retraining import (
    A_DAY,
    SMALL,
    day,
    remember_work,
    run,
    sound,
    spoilt,
)
from tests.helpers.shop import GROUP, changed, settings


def serving(archive: StoredModels | MemoryModelStore) -> str:
    """The version that the controller would use."""
    return archive.load(GROUP).card.model_id


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_work(monkeypatch)


@pytest.fixture(scope="module")
def with_champion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose champion has learned from the nine sound days; not to be written to."""
    folder = tmp_path_factory.mktemp("champion")
    run(StoredModels(DirectoryObjects(folder)), sound(9))
    return folder


@pytest.fixture
def folder(with_champion: Path, tmp_path: Path) -> Path:
    """The same for one test."""
    for path in with_champion.rglob("model.*"):
        copy = tmp_path / path.relative_to(with_champion)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    pointer = f"published/{GROUP}.json"
    (tmp_path / "published").mkdir()
    (tmp_path / pointer).write_bytes((with_champion / pointer).read_bytes())
    return tmp_path


@pytest.fixture
def archive(folder: Path) -> StoredModels:
    return StoredModels(DirectoryObjects(folder))


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a store."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".part"
    }


class TestVerdict:
    def test_without_a_champion_the_baselines_decide_and_all_is_learned(self) -> None:
        archive = MemoryModelStore()
        done = run(archive, sound(9))
        assert done.published == serving(archive)
        assert archive.load(GROUP).card.trained_until == day(9)
        assert done.verdict.champion is None
        assert "nothing is published yet" in done.verdict.reason

    def test_a_challenger_of_spoilt_days_is_refused(
        self, archive: StoredModels, folder: Path
    ) -> None:
        """It beats the baselines, so `train --publish` would have taken it."""
        before = content(folder)
        done = run(archive, spoilt())
        verdict = done.verdict
        assert done.trained is not None
        assert done.trained.card.skilled
        assert not verdict.published
        assert done.published is None
        assert verdict.champion is not None
        assert verdict.challenger is not None
        assert verdict.challenger.cost(20) > 1.1 * verdict.champion.cost(20)
        assert verdict.challenger.by_model == verdict.champion.by_model == 2 * A_DAY
        assert "more than the champion; 1 % is allowed" in verdict.reason
        assert content(folder) == before

    def test_a_challenger_of_sound_days_wins_and_is_published_as_it_was_judged(
        self, archive: StoredModels
    ) -> None:
        former = serving(archive)
        done = run(archive, sound())
        verdict = done.verdict
        assert done.published == verdict.challenger_version == serving(archive)
        assert verdict.champion_version == former
        assert (verdict.judged_from, verdict.judged_until) == (day(14), day(16))
        assert archive.load(GROUP).card.trained_until == day(14)
        files = archive.files(GROUP, done.published)
        assert done.trained is not None
        assert files.npz == done.trained.npz
        assert files.verdict == verdict.to_json()
        assert json.loads(files.verdict)["champion"]["version"] == former
        assert archive.pointed(GROUP).publication == Publication(done.published, (former,))

    def test_after_spoilt_days_a_champion_of_them_is_replaced(self, tmp_path: Path) -> None:
        """The other way round: what lost there, loses here, too."""
        archive = StoredModels(DirectoryObjects(tmp_path))
        run(archive, spoilt(14))
        cured = sound().replaced(
            requests=np.r_[spoilt(14).requests, sound().requests[14 * A_DAY :]]
        )
        publish(train(sound(9), SMALL), archive)
        champion = serving(archive)
        assert not run(archive, cured).verdict.published
        assert serving(archive) == champion

    def test_the_tolerance_decides_between_near_equals(self, archive: StoredModels) -> None:
        """What the spoilt days cost is accepted by whoever says so."""
        done = run(archive, spoilt(), rules=Rules(tolerance=0.6), dry_run=True)
        assert done.verdict.published

    def test_an_unskilled_challenger_is_refused(self) -> None:
        """Of a random walk the last value is the best forecast."""
        steps = np.random.default_rng(1).normal(0.0, 0.05, 9 * A_DAY)
        walk = np.exp(8 + np.cumsum(steps)).round()
        archive = MemoryModelStore()
        done = run(archive, Samples.of(day(0), 900, {"requests": walk}))
        assert "not better than the baselines" in done.verdict.reason
        assert archive.pointed(GROUP).publication is None

    def test_the_same_metrics_again_change_nothing(
        self, archive: StoredModels, folder: Path
    ) -> None:
        run(archive, sound())
        before = content(folder)
        done = run(archive, sound())
        assert done.unchanged
        assert done.published is None
        assert content(folder) == before

    def test_a_dry_run_tells_and_does_nothing(self, archive: StoredModels, folder: Path) -> None:
        before = content(folder)
        done = run(archive, sound(), dry_run=True)
        assert done.verdict.published
        assert done.published is None
        assert content(folder) == before


def card_until(number: float) -> tuple[bytes, str, str]:
    """A model that is usable and says that it has learned up to a day."""
    trained = train(sound(9), SMALL)
    card = replace(trained.card, trained_until=day(number))
    return trained.npz, card.to_json(), card.model_id


class TestJudgedDays:
    @pytest.mark.parametrize("until", [14.0, 14.5, 15.9])
    def test_days_that_the_champion_knows_are_no_days_to_judge_on(
        self, archive: StoredModels, until: float
    ) -> None:
        """It knows them by heart, and a challenger would know nothing newer."""
        archive.publish(GROUP, *card_until(until))
        done = run(archive, sound())
        assert done.unchanged
        assert done.trained is None
        assert f"learned until {utc_text(day(until))}" in done.verdict.reason
        assert f"from {utc_text(day(until + 2))} on" in done.verdict.reason

    def test_a_moment_later_there_is_something_newer(self, archive: StoredModels) -> None:
        publish(train(sound().window(0, 14 * A_DAY - 1), SMALL), archive)
        done = run(archive, sound())
        assert not done.unchanged
        assert done.verdict.judged_from == day(14)

    def test_absent_ends_are_no_days(self, archive: StoredModels) -> None:
        """What was looked for and is not there: before the group began, and since it stopped."""
        blank = dict.fromkeys(sound().columns(), np.nan)
        late = changed(changed(sound(), slice(0, A_DAY), **blank), slice(15 * A_DAY, None), **blank)
        done = run(archive, late)
        assert done.verdict.judged_until == day(15)
        assert done.verdict.judged_from == day(13)

    def test_too_little_to_judge_on(self, archive: StoredModels) -> None:
        holes = changed(sound(), slice(14 * A_DAY, 16 * A_DAY - 1), requests=np.nan)
        with pytest.raises(DataError, match=r"1 of the newest 192 intervals .* 50% are needed"):
            run(archive, holes)

    def test_too_little_to_learn_from(self, archive: StoredModels) -> None:
        short = sound().window(13 * A_DAY + 48, 16 * A_DAY)
        with pytest.raises(DataError, match=r"found 2.5 days .*--newest-days 2, at least 3"):
            run(archive, short)
        with pytest.raises(DataError, match=r"found 12.0 hours of request counts"):
            run(MemoryModelStore(), sound().window(0, 48))


class TestChampionsThatCannotBeUsed:
    def lost(self, archive: StoredModels, samples: Samples | None = None) -> str:
        done = run(archive, samples or sound())
        assert done.published == serving(archive)
        return done.verdict.reason

    def test_a_damaged_one(self, archive: StoredModels, folder: Path) -> None:
        path = folder / model_keys(GROUP, serving(archive))[0]
        path.write_bytes(path.read_bytes()[:-10])
        assert "cannot be used: model.npz has SHA-256" in self.lost(archive)

    def test_one_whose_files_are_gone(self, archive: StoredModels, folder: Path) -> None:
        (folder / model_keys(GROUP, serving(archive))[1]).unlink()
        assert "model.json is missing" in self.lost(archive)

    def test_one_that_is_too_old(self, archive: StoredModels) -> None:
        later = replace(sound(), start=day(8))
        assert "data end 15 days ago" in self.lost(archive, later)

    def test_one_of_another_interval(self, archive: StoredModels, folder: Path) -> None:
        npz, card, version = tiny_model(group=GROUP)
        archive.publish(GROUP, npz, card, version)
        assert "trained on intervals of 300 s, the setting is 900 s" in self.lost(archive)

    def test_one_that_needs_metrics_that_are_no_more(self, archive: StoredModels) -> None:
        nothing = np.full(len(sound()), np.nan)
        reason = self.lost(archive, sound().replaced(cpu_percent=nothing))
        assert "no decision could rest on the champion" in reason
        assert "which the metrics lack" in reason

    def test_one_that_a_broken_pointer_hides(self, archive: StoredModels, folder: Path) -> None:
        (folder / latest_key(GROUP)).write_bytes(b"{")
        assert "published/web.json cannot be read" in self.lost(archive)

    def test_one_that_the_store_does_not_hand_out_is_no_loser(
        self, folder: Path, archive: StoredModels
    ) -> None:
        failing = Interrupted(DirectoryObjects(folder), "get", 2, SourceError("no answer"))
        with pytest.raises(SourceError, match="no answer"):
            run(StoredModels(failing), sound())


class TestRolledBack:
    def test_the_same_bytes_are_not_published_again(self, archive: StoredModels) -> None:
        former = serving(archive)
        done = run(archive, sound())
        roll_back(GROUP, archive)
        assert serving(archive) == former
        again = run(archive, sound())
        assert again.published is None
        assert not again.unchanged
        assert f"{done.published} was rolled back by a person" in again.verdict.reason
        assert serving(archive) == former

    def test_newer_metrics_get_their_chance(self, archive: StoredModels) -> None:
        taken_back = run(archive, sound(15)).published
        roll_back(GROUP, archive)
        former = serving(archive)
        done = run(archive, sound())
        assert done.published == serving(archive)
        assert done.verdict.champion_version == former
        publication = archive.pointed(GROUP).publication
        assert publication is not None
        assert publication.rolled_back == (taken_back,)


class TestKeeping:
    def old(self, archive: StoredModels, count: int) -> list[str]:
        """Versions of earlier weeks."""
        names = [f"202602{number:02}" for number in range(1, count + 1)]
        for name in names:
            archive.keep(GROUP, name, ModelFiles(*tiny_model()[:2]))
        return names

    def test_the_oldest_go(self, archive: StoredModels) -> None:
        former, old = serving(archive), self.old(archive, 5)
        done = run(archive, sound(), keep=4)
        assert done.published
        assert archive.versions(GROUP) == [done.published, former, old[4], old[3]]
        assert archive.versions(GROUP, whole=False) == archive.versions(GROUP)
        assert done.deleted == tuple(old[:3])

    def test_the_published_one_and_the_one_before_it_stay(self, archive: StoredModels) -> None:
        former = serving(archive)
        self.old(archive, 2)
        done = run(archive, sound(), keep=2)
        assert archive.versions(GROUP) == [done.published, former]

    def test_what_a_killed_run_left_half_goes_too(
        self, archive: StoredModels, folder: Path
    ) -> None:
        path = folder / model_keys(GROUP, "20260201")[0]
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
        done = run(archive, sound())
        assert done.deleted == ("20260201",)
        assert not path.exists()

    def test_what_was_never_published_is_not_told_as_former(self, archive: StoredModels) -> None:
        """Whole files of a run that was killed, or lost: no `rollback` goes there by itself."""
        former = serving(archive)
        self.old(archive, 1)
        archive.keep(GROUP, "20270101", ModelFiles(*tiny_model()[:2]))
        done = run(archive, sound())
        assert done.published
        assert archive.pointed(GROUP).publication == Publication(done.published, (former,))
        assert "20270101" in archive.versions(GROUP)

    def test_what_cannot_be_deleted_is_a_warning(self, folder: Path) -> None:
        self.old(StoredModels(DirectoryObjects(folder)), 3)
        error = SourceError("s3:DeleteObject on it: not allowed")
        archive = StoredModels(Interrupted(DirectoryObjects(folder), "delete", 1, error))
        done = run(archive, sound(), keep=2)
        assert done.published == serving(archive)
        assert len(done.warnings) == 1
        assert "20260201 could not be deleted: s3:DeleteObject on it" in done.warnings[0]
        assert done.deleted == ("20260202", "20260203")

    def test_a_refusal_deletes_nothing(self, archive: StoredModels) -> None:
        old = self.old(archive, 5)
        run(archive, spoilt(), keep=2)
        assert set(archive.versions(GROUP)) > set(old)


class Killed(BaseException):
    """The process has ended here."""


class Interrupted:
    """A store that fails at its n-th call of a kind, before or after doing what it should."""

    def __init__(
        self,
        inner: ObjectStore,
        kind: str,
        at: int,
        error: BaseException,
        *,
        done: bool = False,
    ) -> None:
        self._inner, self._kinds, self._at, self._error = inner, kind.split(), at, error
        self._done = done
        self.calls: list[str] = []

    def _call(self, kind: str, key: str, real: Callable[[], object]) -> object:
        if kind in self._kinds:
            self.calls.append(f"{kind} {key}")
        now = kind in self._kinds and len(self.calls) == self._at
        if now and not self._done:
            raise self._error
        answer = real()
        if now:
            raise self._error
        return answer

    def get(self, key: str, known: StoredObject | None = None) -> StoredObject | None:
        answer = self._call("get", key, lambda: self._inner.get(key, known))
        assert answer is None or isinstance(answer, StoredObject)
        return answer

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> bool:
        return bool(self._call("put", key, lambda: self._inner.put(key, data, if_absent=if_absent)))

    def replace(self, key: str, data: bytes, known: StoredObject) -> bool:
        return bool(self._call("replace", key, lambda: self._inner.replace(key, data, known)))

    def delete(self, key: str) -> None:
        self._call("delete", key, lambda: self._inner.delete(key))

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        return self._inner.keys(prefix, after)

    def tags(self, prefix: str) -> dict[str, str]:
        return self._inner.tags(prefix)


WRITES = "put replace delete"
EXPECTED = ("model.npz", "verdict.json", "model.json", f"{GROUP}.json", *("delete",) * 3)
"""What a retraining that wins writes, in order: a version, the pointer, and one deletion."""


class TestKilled:
    def test_these_are_all_writes(self, folder: Path) -> None:
        """The premise of the tests below."""
        whole = StoredModels(DirectoryObjects(folder))
        whole.keep(GROUP, "20260201", ModelFiles(*tiny_model()[:2]))
        objects = Interrupted(DirectoryObjects(folder), WRITES, 0, Killed())
        run(StoredModels(objects), sound(), keep=2)
        assert len(objects.calls) == len(EXPECTED)
        for call, words in zip(objects.calls, EXPECTED, strict=True):
            assert words in call

    @pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("at", range(1, len(EXPECTED) + 1))
    def test_whenever_it_ends_one_whole_model_serves(
        self, folder: Path, at: int, done: bool
    ) -> None:
        whole = StoredModels(DirectoryObjects(folder))
        whole.keep(GROUP, "20260201", ModelFiles(*tiny_model()[:2]))
        champion = serving(whole)
        objects = Interrupted(DirectoryObjects(folder), WRITES, at, Killed(), done=done)
        with pytest.raises(Killed):
            run(StoredModels(objects), sound(), keep=2)
        moved = at > 4 or (at == 4 and done)
        now = serving(StoredModels(DirectoryObjects(folder)))
        assert (now != champion) is moved
        # The next run comes to the end that this one would have come to.
        again = run(whole, sound(), keep=2)
        assert again.unchanged is moved
        assert (again.published is None) is moved
        end = serving(StoredModels(DirectoryObjects(folder)))
        assert end == (now if moved else again.published) != champion
        assert champion in whole.versions(GROUP)


class TestTwoAtOnce:
    def test_one_of_them_is_told_and_nothing_is_lost(self, archive: StoredModels) -> None:
        """Both have seen the same champion; their metrics differ by a day."""

        def attempt(days: int) -> str | ConflictError:
            try:
                return run(meeting(archive), sound(days)).published or "refused"
            except ConflictError as error:
                return error

        champion = serving(archive)
        meeting = Meeting(2).of
        with ThreadPoolExecutor(2) as pool:
            ends = list(pool.map(attempt, (15, 16)))
        lost = [end for end in ends if isinstance(end, ConflictError)]
        won = [end for end in ends if isinstance(end, str)]
        assert len(lost) == len(won) == 1
        assert "changed by somebody else in the meantime" in str(lost[0])
        assert serving(archive) == won[0]
        assert archive.pointed(GROUP).publication == Publication(won[0], (champion,))

    def test_a_roll_back_during_a_retraining_stands(self, archive: StoredModels) -> None:
        champion = serving(archive)
        run(archive, sound(15))

        class Meanwhile(StoredModels):
            def versions(self, group: str, *, whole: bool = True) -> list[str]:
                if whole:
                    roll_back(GROUP, archive)
                return super().versions(group, whole=whole)

        with pytest.raises(ConflictError):
            run(Meanwhile(archive._objects), sound())
        assert serving(archive) == champion


class Meeting:
    """Archives whose pointers are moved only once all of them want to."""

    def __init__(self, parties: int) -> None:
        import threading

        self._barrier = threading.Barrier(parties, timeout=100)

    def of(self, archive: StoredModels) -> StoredModels:
        barrier = self._barrier

        class Waiting(StoredModels):
            def point(self, group: str, publication: Publication, seen: object) -> None:
                barrier.wait()
                super().point(group, publication, seen)  # type: ignore[arg-type]

        return Waiting(archive._objects)


def test_a_group_that_uses_another_s_model_has_none_to_retrain() -> None:
    with pytest.raises(SettingsError, match="AUTOSCALER_MODEL is 'big': web uses that group's"):
        run(MemoryModelStore(), sound(9), settings(MODEL="big"))


def test_a_model_that_would_be_too_old_at_once_is_an_error(archive: StoredModels) -> None:
    with pytest.raises(SettingsError, match=r"--newest-days is 2, and .*_MODEL_AGE_DAYS is 1\.5"):
        run(archive, sound(), settings(MAX_MODEL_AGE_DAYS="1.5"))
