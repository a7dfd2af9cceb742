"""Training many groups: what is kept, what is made anew, and that nobody ends the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from predictive_autoscaler.adapters.memory import MemoryModelStore
from predictive_autoscaler.app import fleet
from predictive_autoscaler.app.fleet import FleetOptions, GroupResult, Reading, State, train_fleet
from predictive_autoscaler.app.settings import GroupSettings, read_settings
from predictive_autoscaler.core.artifact import load_model
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import DataError, ModelNotFoundError, SourceError
from predictive_autoscaler.model.backends import Workers
from predictive_autoscaler.model.fleet import Fit, Task
from tests.helpers.shop import changed, model, shop

HERE = Workers(None, lambda: 1)
Groups = dict[str, dict[str, Any]]


@dataclass
class Bench:
    """Runs a fleet in a folder; fits are looked up instead of made.

    Attributes:
        samples: by group; a group that has none cannot be read.
        fitted: groups in the order in which they were trained.
        poor: groups whose models are no better than the baselines.
        broken: why a group cannot be trained.
    """

    folder: Path
    samples: dict[str, Samples] = field(default_factory=dict)
    fitted: list[str] = field(default_factory=list)
    poor: set[str] = field(default_factory=set)
    broken: dict[str, str] = field(default_factory=dict)
    worker_key: Callable[[Task], str] = Task.key
    told: list[str] = field(default_factory=list)

    def run(
        self,
        groups: Groups,
        store: MemoryModelStore | None = None,
        **options: Any,
    ) -> dict[str, GroupResult]:
        text = json.dumps({"defaults": {"load_balancer": "app/a/1"}, "groups": groups})
        environment = {
            "S3_BUCKET": "b",
            "AUTOSCALER_GROUPS": text,
            "AUTOSCALER_INTERVAL_MINUTES": "15",
        }
        results = train_fleet(
            read_settings(environment),
            lambda name: self.folder / name,
            self.read,
            FleetOptions(**options),
            HERE,
            store,
            lambda result: self.told.append(result.name),
        )
        return {result.name: result for result in results}

    def read(self, group: GroupSettings) -> Reading:
        if group.name not in self.samples:
            raise DataError(f"{group.name}.csv: there is no such file")
        return Reading(self.samples[group.name], f"note on {group.name}")

    def fit_each(self, tasks: Iterable[Task], workers: Workers) -> Iterator[tuple[Task, Fit | str]]:
        for task in tasks:
            name = task.options.group
            self.fitted.append(name)
            if name in self.broken:
                yield task, self.broken[name]
                continue
            made = model()
            card = replace(made.card, group=name, skilled=name not in self.poor)
            yield task, Fit(made.npz, card.to_json(), self.worker_key(task), 1.5, 1.25)

    def files(self) -> dict[str, bytes]:
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path, {name: shop() for name in "abc"})
    monkeypatch.setattr(fleet, "fit_each", made.fit_each)
    return made


ABC: Groups = {"a": {}, "b": {}, "c": {}}


def test_each_group_has_its_model_card_and_record(bench: Bench) -> None:
    results = bench.run(ABC)
    assert bench.fitted == bench.told == list("abc")
    for name, result in results.items():
        assert (result.state, result.error, result.better) == (State.TRAINED, None, True)
        assert (result.seconds, result.cpu_seconds) == (1.5, 1.25)
        assert result.note == f"note on {name}"
        found = load_model(
            (bench.folder / name / "model.npz").read_bytes(),
            (bench.folder / name / "model.json").read_text(),
        )
        assert found.card.group == name
        assert found.card == result.card
    assert {Path(name).name for name in bench.files()} == {
        "model.npz",
        "model.json",
        "result.json",
    }


def test_the_group_s_own_settings_are_trained_with(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[Task] = []

    def watching(each: Iterable[Task], workers: Workers) -> Iterator[tuple[Task, Fit | str]]:
        for task in each:
            tasks.append(task)
            yield task, "no"

    monkeypatch.setattr(fleet, "fit_each", watching)
    own = {"boot_minutes": 19, "timezone": "Asia/Tokyo", "metric_delay_seconds": 300}
    bench.run({"a": own, "b": {}}, max_bins=500, seed=7)
    first, second = (task.options for task in tasks)
    assert (first.boot_minutes, second.boot_minutes) == (19, 5)
    assert first.parameters.timezone == "Asia/Tokyo"
    assert first.parameters.horizon_bins > second.parameters.horizon_bins
    assert {first.max_bins, second.max_bins} == {500}
    assert {first.forest.seed, second.forest.seed} == {7}
    assert {first.forest.jobs, second.forest.jobs} == {1}


def test_a_second_run_trains_nothing_and_changes_no_file(bench: Bench) -> None:
    first = bench.run(ABC)
    before = bench.files()
    second = bench.run(ABC)
    assert bench.fitted == list("abc")
    assert {result.state for result in second.values()} == {State.KEPT}
    assert [replace(result, state=State.TRAINED) for result in second.values()] == list(
        first.values()
    )
    assert bench.files() == before


def test_only_what_has_changed_is_trained_again(bench: Bench) -> None:
    bench.run(ABC)
    bench.fitted.clear()
    bench.samples["b"] = changed(shop(), -3, requests=1.0)
    results = bench.run({**ABC, "c": {"boot_minutes": 7}})
    assert bench.fitted == ["b", "c"]
    assert [results[name].state.value for name in "abc"] == ["kept", "trained", "trained"]
    bench.fitted.clear()
    bench.run({**ABC, "c": {"boot_minutes": 7}}, seed=2)
    assert bench.fitted == list("abc")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.npz", None),
        ("model.npz", b""),
        ("model.npz", b"damaged"),
        ("model.json", None),
        ("model.json", b"{}"),
        ("result.json", None),
        ("result.json", b""),
        ("result.json", b"[]"),
        ("result.json", b'{"key": 1}'),
        ("result.json", b"\xff\xfe"),
    ],
)
def test_a_damaged_result_is_made_anew(bench: Bench, name: str, content: bytes | None) -> None:
    bench.run(ABC)
    before = bench.files()
    bench.fitted.clear()
    path = bench.folder / "b" / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    bench.run(ABC)
    assert bench.fitted == ["b"]
    assert bench.files() == before


def test_a_run_that_ends_in_the_middle_keeps_what_is_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def writing(self: Path, content: bytes) -> int:
        if self.match("c/model.json.partial"):
            raise Killed
        with self.open("wb") as file:
            return file.write(content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", writing)
        with pytest.raises(Killed):
            bench.run(ABC)
    bench.fitted.clear()
    results = bench.run(ABC)
    assert bench.fitted == ["c"]
    assert [results[name].state.value for name in "abc"] == ["kept", "kept", "trained"]


def test_no_group_ends_the_others(bench: Bench) -> None:
    del bench.samples["b"]
    bench.broken["c"] = "found 3 hours"
    bench.samples["d"] = shop()
    results = bench.run({"x": {"boot_minutes": 99}, **ABC, "d": {}, "e": {"?": 1}})
    assert list(results) == ["a", "b", "c", "d", "x", "e"]
    assert {name for name, result in results.items() if result.error is None} == {"a", "d"}
    assert results["b"].error == "b.csv: there is no such file"
    assert results["c"].error == "found 3 hours"
    assert "AUTOSCALER_BOOT_MINUTES is '99'" in (results["x"].error or "")
    assert "unknown setting '?'" in (results["e"].error or "")
    assert sorted(bench.told) == sorted(results)
    assert not (bench.folder / "b").exists()


def test_nor_does_a_bug(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def reading(group: GroupSettings) -> Reading:
        if group.name == "a":
            raise ZeroDivisionError("oh")
        return Reading(shop())

    monkeypatch.setattr(bench, "read", reading)
    results = bench.run(ABC)
    assert results["a"].error == "ZeroDivisionError: oh"
    assert results["b"].state is State.TRAINED


def test_a_folder_that_cannot_be_written_to_is_that_group_s_error(bench: Bench) -> None:
    (bench.folder / "b").write_text("a file")
    results = bench.run(ABC)
    assert f"{bench.folder / 'b'}" in (results["b"].error or "")
    assert results["c"].error is None


def test_who_uses_another_group_s_model_is_not_trained(bench: Bench) -> None:
    results = bench.run({"a": {}, "b": {"model": "a"}, "c": {"model": "c"}})
    assert bench.fitted == ["a", "c"]
    assert (results["b"].state, results["b"].note) == (State.BORROWS, "uses the model of a")
    assert results["b"].error is None


def test_a_worker_of_another_version_is_not_believed(bench: Bench) -> None:
    bench.worker_key = lambda task: "other"
    results = bench.run({"a": {}})
    assert "has another version of this package" in (results["a"].error or "")
    assert bench.files() == {}


class TestPublishing:
    def test_only_skilled_models_are_published(self, bench: Bench) -> None:
        bench.poor = {"b"}
        store = MemoryModelStore()
        results = bench.run(ABC, store)
        assert results["a"].published == model().card.model_id
        assert store.load("a").card.group == "a"
        assert results["b"].published is None
        assert results["b"].error is None
        assert not results["b"].better
        with pytest.raises(ModelNotFoundError):
            store.load("b")

    def test_again_is_no_trouble_and_kept_ones_are_published_too(self, bench: Bench) -> None:
        bench.run({"a": {}})
        store = MemoryModelStore()
        for _ in range(2):
            assert bench.run({"a": {}}, store)["a"].published == model().card.model_id
        assert bench.fitted == ["a"]

    def test_force_publishes_all_and_says_so_on_the_card_alone(self, bench: Bench) -> None:
        bench.poor = {"a"}
        store = MemoryModelStore()
        assert bench.run({"a": {}}, store)["a"].published is None
        honest = bench.files()
        forced = bench.run({"a": {}}, store, force=True)["a"]
        assert forced.published == model().card.model_id
        assert not forced.better
        assert store.load("a").card.skilled
        assert json.loads((bench.folder / "a" / "model.json").read_bytes())["skilled"] is True
        bench.run({"a": {}})
        assert bench.files() == honest
        assert bench.fitted == ["a"]

    def test_files_come_first_and_a_failure_is_the_group_s(self, bench: Bench) -> None:
        folder = bench.folder

        class Full(MemoryModelStore):
            def publish(self, group: str, npz: bytes, card: str, version: str) -> None:
                assert (folder / group / "result.json").exists()
                if group == "b":
                    raise SourceError("s3: refused")

        results = bench.run(ABC, Full())
        assert [results[name].error for name in "abc"] == [None, "s3: refused", None]
        assert results["b"].state is State.TRAINED
        assert results["b"].published is None
        assert bench.run(ABC)["b"].state is State.KEPT
