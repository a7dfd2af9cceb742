from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import joblib
import numpy as np
import pytest

from predictive_autoscaler.backtest import lab, what_if
from predictive_autoscaler.backtest.side_by_side import (
    Contender,
    run_trials,
    trial_rows,
)
from predictive_autoscaler.core.types import Samples
from predictive_autoscaler.core.workloads import recorded_shop
from predictive_autoscaler.errors import DataError

START = datetime(2026, 3, 2, tzinfo=UTC)
OPTIONS = lab.LabOptions(
    interval_minutes=60,
    boot_minutes=20.0,
    eval_start=START + timedelta(days=6),
    parameters={"miss_price": 8.0},
)
SOME = [
    what_if.Variant("shipped default", {}),
    what_if.Variant("price 100", {"miss_price": 100.0}),
    what_if.Variant("price 8", {"miss_price": 8.0}, present=True),
]


def recording(in_service: float | None = 12.0) -> Samples:
    samples = recorded_shop(START, 7, 5, (), 3600).window(0, 6 * 24 + 10)
    if in_service is None:
        return samples
    return samples.replaced(in_service=np.full(len(samples), in_service))


@cache
def traffic() -> lab.LabTraffic:
    return lab.traffic_of("shop", recording(), OPTIONS)


def test_the_present_setting_is_among_the_variants_once() -> None:
    for present, count in (({}, 12), ({"miss_price": 5.0}, 12), ({"quantile": 0.95}, 13)):
        chosen = what_if.variants(present)
        assert len(chosen) == len({one.name for one in chosen}) == count
        assert [dict(one.aim) for one in chosen if one.present] == [present]
    names = [one.name for one in what_if.variants({"miss_price": 7.5})]
    assert names[0] == "shipped default"
    assert names[-1] == "price 7.5"
    assert {"price 200", "budget 0.1 %", "budget 2 %"} <= set(names)


def test_how_the_variants_are_dealt_out_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "variants", lambda present: SOME)
    dealt = []
    for cores in (1, 3):
        monkeypatch.setattr(joblib, "effective_n_jobs", lambda jobs, n=cores: n)
        found, failed = what_if.what_if([traffic()], OPTIONS, 0.1)
        assert failed == {}
        dealt.append(what_if.outlay_rows(found))
    assert dealt[0] == dealt[1]
    names = [row["setting"] for row in dealt[0]]
    assert names == [one.name for one in SOME] + ["target tracking 70 %", "what the group had"]
    hours = dict(zip(names, [row["instance_hours"] for row in dealt[0]], strict=True))
    assert hours["price 100"] > hours["price 8"]
    assert [row["setting"] for row in dealt[0] if row["present"]] == ["price 8"]
    for row in dealt[0]:
        assert row["days"] == pytest.approx(10 / 24)
        assert row["usd_per_day"] == pytest.approx(row["instance_hours"] * 2.4 * 0.1)
        assert row["usd_per_30_days"] == pytest.approx(30 * row["usd_per_day"])


def test_the_present_setting_comes_out_as_in_a_replay_by_itself() -> None:
    (present,) = what_if.replay_variants(traffic(), OPTIONS, SOME[2:], None)
    assert present.score == lab.run_policy(traffic(), lab.OURS, OPTIONS).score


def test_what_the_group_had_is_judged_where_it_is_known() -> None:
    had = np.full(10, 12.0)
    had[4:] = np.nan
    demand = traffic().demand.requests.copy()
    demand[traffic().first] = 1e9  # more than twelve can carry
    known = replace(traffic(), had=had, demand=traffic().demand.replaced(requests=demand))
    tracked, there = what_if.yardsticks(known, OPTIONS, None)
    assert (tracked.name, there.name) == ("target tracking 70 %", "what the group had")
    assert there.days == pytest.approx(4 / 24)
    assert there.score.instance_hours == 48.0
    assert there.hours_per_day == pytest.approx(288.0)
    assert there.score.missed_requests >= 1e9
    assert there.usd_per_day is None


def test_without_recorded_capacity_there_is_no_such_row() -> None:
    bare = lab.traffic_of("shop", recording(None), OPTIONS)
    assert bare.had is None
    assert [one.name for one in what_if.yardsticks(bare, OPTIONS, None)] == ["target tracking 70 %"]


def test_a_trace_that_breaks_does_not_end_the_others() -> None:
    broken = replace(traffic(), name="broken", first=len(traffic().demand) + 5)
    options = replace(OPTIONS, parameters={})
    found, failed = what_if.what_if([broken], options)
    assert found == {}
    assert failed["broken"].startswith("what if: ")


def test_absent_ends_of_a_history_do_not_count_as_days() -> None:
    requests = recording().requests.copy()
    requests[: 2 * 24] = np.nan
    young = recording().replaced(requests=requests)
    with pytest.raises(DataError) as caught:
        lab.traffic_of("web", young, replace(OPTIONS, eval_start=None))
    assert "web: 4.417 days of traffic" in str(caught.value)
    assert "more than 6 are needed" in str(caught.value)


def test_settings_side_by_side() -> None:
    dear = replace(OPTIONS, parameters={"miss_price": 100.0})
    both = [Contender("a", OPTIONS), Contender("b", dear, 0.2)]
    trials, failed = run_trials([(traffic(), one) for one in both])
    assert failed == {}
    first, second = trial_rows(trials)
    assert (first["settings"], first["against"], first["usd_per_day"]) == ("a", None, None)
    assert (second["settings"], second["against"]) == ("b", "a")
    more = second["instance_hours_per_day"] - first["instance_hours_per_day"]
    assert second["more_hours_per_day"] == more > 0
    assert second["more_usd_per_30_days"] is None
    assert second["usd_per_day"] == pytest.approx(0.2 * second["instance_hours_per_day"])
    # Each is what the ordinary replay of these settings gives
    assert trials["shop"][1].result.asked.tobytes() == (
        lab.run_policy(traffic(), lab.OURS, dear).asked.tobytes()
    )


def test_what_fails_for_one_is_not_compared() -> None:
    broken = replace(traffic(), first=len(traffic().demand) + 5)
    trials, failed = run_trials(
        [(traffic(), Contender("a", OPTIONS)), (broken, Contender("b", OPTIONS))]
    )
    assert trials == {}
    assert failed["shop"].startswith("b: ")
