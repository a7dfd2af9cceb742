from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import predictive_autoscaler
from predictive_autoscaler.backtest import lab
from predictive_autoscaler.backtest.quality import cache as cache_module
from predictive_autoscaler.backtest.quality import plan, run, written
from predictive_autoscaler.backtest.quality.cache import Cache, key_of, source_hash
from predictive_autoscaler.backtest.quality.plan import BUDGET, Variant, Work
from predictive_autoscaler.backtest.quality.run import WORLD, load_traces, measure
from predictive_autoscaler.backtest.replay import Replay, ReplayOptions
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.errors import DataError
from tests.unit.backtest.quality.made import QUICK, quick_variants, recordings

APP, TAXI = "ms_mongo_app1", "nyc_taxi_30min"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two recordings, and only policies that take no time."""
    monkeypatch.setattr(plan, "variants", quick_variants)
    monkeypatch.setattr(run, "variants", quick_variants)
    return recordings(tmp_path / "traces", APP, TAXI)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is really replayed."""
    seen: list[str] = []

    def counting(
        traffic: lab.LabTraffic, policies: list[str], options: lab.LabOptions
    ) -> list[lab.PolicyResult]:
        seen.extend(f"{policy} on {traffic.name}" for policy in policies)
        return lab.run_policies(traffic, policies, options)

    monkeypatch.setattr(run, "run_policies", counting)
    return seen


class TestThePlan:
    def test_every_policy_of_the_lab_is_measured_everywhere(self) -> None:
        for trace in plan.TRACES:
            labels = [variant.label for variant in plan.variants(trace)]
            nets = {lab.WITH_NET, lab.WITH_CARELESS_NET}
            left_out = set() if trace in plan.MEASURED_WITH_NETS else nets
            wanted = [name for name in lab.known_policies() if name not in left_out]
            assert labels[: len(wanted)] == wanted
            assert not left_out & set(labels)
            assert BUDGET.label in labels
            assert len(set(labels)) == len(labels)

    def test_constant_prices_are_tried_where_a_budget_can_be_held(self) -> None:
        prices = [plan.at_price(price) for price in plan.MISS_PRICES]
        assert len(prices) > 3
        for trace in plan.TRACES:
            tried = [variant for variant in plan.variants(trace) if variant in prices]
            assert tried == (prices if trace in plan.HELD_TO_BUDGET else [])

    def test_the_longest_replays_come_first(self, tmp_path: Path) -> None:
        traffics = load_traces(recordings(tmp_path, APP, TAXI))
        work = plan.work_list(traffics)
        assert all(item.is_ours for item in work[:2])
        seconds = [item.seconds for item in work]
        assert seconds == sorted(seconds, reverse=True)
        done = sorted((item.traffic.name, one.label) for item in work for one in item.variants)
        wanted = [(one.name, each.label) for one in traffics for each in plan.variants(one.name)]
        assert done == sorted(wanted)

    def test_our_own_are_replayed_together(self, tmp_path: Path) -> None:
        work = plan.work_list(load_traces(recordings(tmp_path, APP, "nab_tweets_AAPL")))
        together = {item.traffic.name: item.variants for item in work if item.is_ours}
        plain, *nets = (Variant(name, name) for name in lab.OUR_POLICIES)
        prices = [plan.at_price(price) for price in plan.MISS_PRICES]
        assert together == {
            APP: (plain, *nets, BUDGET, *prices),
            "nab_tweets_AAPL": (plain, BUDGET),
        }
        assert all(len(item.variants) == 1 for item in work if not item.is_ours)


class TestMeasuring:
    def test_a_second_run_replays_nothing(
        self, folder: Path, tmp_path: Path, counted: list[str]
    ) -> None:
        traffics, told = load_traces(folder), list[str]()
        first = measure(traffics, Cache(tmp_path / "cache"))
        assert len(counted) == 2 * len(QUICK)
        second = measure(traffics, Cache(tmp_path / "cache"), progress=told.append)
        assert len(counted) == 2 * len(QUICK)
        assert told == ["6 of 6 replays are known from before"]
        assert first.asked.keys() == second.asked.keys()
        for key, asked in first.asked.items():
            assert np.array_equal(asked, second.asked[key])

    def test_a_run_that_was_killed_loses_only_what_was_running(
        self, folder: Path, tmp_path: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def killed(
            traffic: lab.LabTraffic, policies: list[str], options: lab.LabOptions
        ) -> list[lab.PolicyResult]:
            if len(counted) == 4:
                raise KeyboardInterrupt
            counted.append("before")
            return lab.run_policies(traffic, policies, options)

        traffics = load_traces(folder)
        with monkeypatch.context() as patched:
            patched.setattr(run, "run_policies", killed)
            with pytest.raises(KeyboardInterrupt):
                measure(traffics, Cache(tmp_path / "cache"))
        measure(traffics, Cache(tmp_path / "cache"))
        assert len(counted) == 6
        assert counted[:4] == ["before"] * 4

    def test_a_policy_that_breaks_is_told_and_does_not_end_the_others(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = [*QUICK, Variant("nonsense", "nonsense")]
        monkeypatch.setattr(plan, "variants", lambda trace: broken if trace == APP else QUICK)
        measured = measure(load_traces(folder), Cache(tmp_path / "cache"))
        assert "nonsense" in measured.failed[APP]
        assert len(measured.asked) == 6

    def test_the_progress_tells_how_long_it_still_takes(self, folder: Path, tmp_path: Path) -> None:
        told: list[str] = []
        measure(load_traces(folder), Cache(tmp_path / "cache"), progress=told.append)
        assert told[0] == "6 goes, the longest first; about 0 minutes"
        assert len(told) == 1 + 6
        assert told[-1].startswith("6 of 6: ")
        assert told[-1].endswith("about 0 minutes left")

    def test_a_folder_without_recordings_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"none of the recordings is here.*ms_mongo_app1"):
            load_traces(tmp_path)

    def test_a_bad_recording_is_told_before_the_work(self, folder: Path) -> None:
        (folder / f"{TAXI}.csv").write_text("timestamp,requests\n")
        with pytest.raises(DataError, match=r"nyc_taxi_30min\.csv: no rows"):
            load_traces(folder)


def test_what_is_known_is_not_replayed_with_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a cache with one of three that go together."""
    together = [BUDGET, plan.at_price(3.0), plan.at_price(8.0)]
    monkeypatch.setattr(plan, "variants", lambda trace: together)
    monkeypatch.setattr(run, "variants", lambda trace: together)
    seen: list[int] = []

    def pretended(demand: Samples, first: int, options: list[ReplayOptions]) -> list[Replay]:
        seen.append(len(options))
        prices = [one.parameters.miss_price or 0.0 for one in options]
        return [Replay(np.full(len(demand) - first, price)) for price in prices]

    monkeypatch.setattr(run, "replay_together", pretended)
    traffics, cache = load_traces(recordings(tmp_path / "traces", APP)), Cache(tmp_path / "cache")
    cache.save(key_of(traffics[0], together[1], WORLD), np.ones(288))
    measured = measure(traffics, cache)
    assert seen == [2]
    asked = [measured.asked[APP, one.label][0] for one in together]
    assert asked == [0.0, 1.0, 8.0]
    measure(traffics, cache)
    assert seen == [2]


class TestTheCache:
    @pytest.fixture
    def work(self, folder: Path) -> Work:
        return Work(load_traces(folder)[0], (QUICK[0],))

    def test_what_a_result_depends_on_is_in_its_key(
        self, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        traffic, variant = work.traffic, work.variants[0]
        later = traffic.demand.requests.copy()
        later[-1] += 1
        changed = replace(traffic, demand=traffic.demand.replaced(requests=later))
        others = [
            key_of(traffic, replace(variant, policy="static peak"), WORLD),
            key_of(traffic, replace(variant, parameters=(("miss_price", 2.0),)), WORLD),
            key_of(replace(traffic, first=traffic.first + 1), variant, WORLD),
            key_of(changed, variant, WORLD),
            key_of(traffic, variant, replace(WORLD, seed=2)),
        ]
        key = key_of(traffic, variant, WORLD)
        assert key == key_of(traffic, variant, WORLD)
        # The name in tables has no say.
        assert key == key_of(traffic, replace(variant, label="other"), WORLD)
        monkeypatch.setattr(cache_module, "source_hash", lambda: "another source")
        assert len({key, *others, key_of(traffic, variant, WORLD)}) == 7

    def test_a_damaged_file_is_measured_anew(
        self, work: Work, tmp_path: Path, counted: list[str]
    ) -> None:
        folder = tmp_path / "cache"
        Cache(folder).save(key_of(work.traffic, work.variants[0], WORLD), np.ones(3))
        assert Cache(folder).load(key_of(work.traffic, work.variants[0], WORLD)) is not None
        for path in folder.iterdir():
            path.write_bytes(path.read_bytes()[:-30])
        measure([work.traffic], Cache(folder))
        assert len(counted) == len(QUICK)

    def test_the_source_hash_covers_what_decides_and_not_what_shows(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def hashed(changed: str | None) -> str:
            for name in ("core/planner.py", "report/lab.py", "backtest/quality/aims.py"):
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("after" if name == changed else "before")
            source_hash.cache_clear()
            return source_hash()

        monkeypatch.setattr(predictive_autoscaler, "__file__", str(tmp_path / "__init__.py"))
        before = hashed(None)
        assert hashed("core/planner.py") != before
        assert hashed("report/lab.py") == before
        assert hashed("backtest/quality/aims.py") == before
        monkeypatch.undo()
        source_hash.cache_clear()


class TestWhatIsWritten:
    def test_summary_report_and_tables(self, folder: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        written.write_quality(measure(load_traces(folder), Cache(out / "cache")), out)
        with (out / "summary.csv").open() as file:
            rows = list(csv.DictReader(file))
        # Minutes are known of the first recording only.
        by_grain = [(row["grain_minutes"], row["trace"]) for row in rows]
        assert by_grain == [("5", APP)] * 3 + [("5", TAXI)] * 3 + [("1", APP)] * 3
        assert (out / APP / "decisions.csv").exists()
        assert "static peak" in (out / "report.html").read_text()
        assert (out / "missing.txt").read_text().split() == [
            name for name in plan.TRACES if name not in (APP, TAXI)
        ]

    def test_the_grain_changes_what_is_missed_and_nothing_else(
        self, folder: Path, tmp_path: Path
    ) -> None:
        measured = measure(load_traces(folder), Cache(tmp_path / "cache"))
        by_interval, by_minute = measured.judged(5), measured.judged(1)
        assert list(by_interval.results) == [APP, TAXI]
        assert list(by_minute.results) == [APP]
        for coarse, fine in zip(by_interval.results[APP], by_minute.results[APP], strict=True):
            assert np.array_equal(coarse.asked, fine.asked)
            assert coarse.score.instance_hours == fine.score.instance_hours
            # Requests are even within each interval of this recording.
            assert coarse.score.missed_share == pytest.approx(fine.score.missed_share)
