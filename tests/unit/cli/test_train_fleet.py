"""What `train --groups` tells while it works and when it is done."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from predictive_autoscaler.app.fleet import GroupResult, State
from predictive_autoscaler.cli.train_fleet import (
    OURS,
    UNFINISHED_NAME,
    Progress,
    end_of_metrics,
    folder_of,
)
from predictive_autoscaler.cli.train_fleet_report import Totals, as_json, summary_rows
from predictive_autoscaler.core.types import utc_text
from predictive_autoscaler.errors import UsageError
from tests.helpers.shop import model


def result(name: str, state: State = State.TRAINED, error: str | None = None) -> GroupResult:
    card = None if state in (State.FAILED, State.BORROWS) else model().card
    return GroupResult(name, state, card, card is not None, 2.0, 1.5, error=error)


class TestProgress:
    def lines(self, groups: int, states: list[State], seconds_each: float) -> list[str]:
        told: list[str] = []
        now = [0.0]
        progress = Progress(groups, told.append, lambda: now[0])
        for number, state in enumerate(states):
            now[0] += seconds_each
            progress.finished(result(f"g{number}", state))
        return told

    def test_a_line_for_each_group_with_rate_and_time_left(self) -> None:
        told = self.lines(4, [State.TRAINED] * 4, 30.0)
        assert told == [
            "1 of 4: g0 trained; 2.0 trained a minute, about 1.5 minutes left",
            "2 of 4: g1 trained; 2.0 trained a minute, about 1.0 minutes left",
            "3 of 4: g2 trained; 2.0 trained a minute, about 0.5 minutes left",
            "4 of 4: g3 trained; 2.0 trained a minute",
        ]

    def test_of_many_groups_at_most_one_in_two_seconds_and_the_last(self) -> None:
        told = self.lines(100, [State.TRAINED] * 100, 0.3)
        assert len(told) <= 100 * 0.3 / 2 + 2
        assert told[-1].startswith("100 of 100: ")

    def test_what_was_kept_is_no_rate(self) -> None:
        told = self.lines(3, [State.KEPT, State.KEPT, State.TRAINED], 20.0)
        assert told[1] == "2 of 3: g1 kept; 2 kept from an earlier run"
        assert told[2] == "3 of 3: g2 trained; 2 kept from an earlier run; 1.0 trained a minute"

    def test_a_failure_is_named(self) -> None:
        told: list[str] = []
        Progress(2, told.append).finished(result("a", error="not published"))
        assert told[0].startswith("1 of 2: a failed")


class TestTotals:
    RESULTS = (
        result("a"),
        result("b"),
        result("c", State.KEPT),
        replace(result("d"), better=False),
        result("e", State.BORROWS),
        result("f", State.FAILED, "no"),
    )

    def test_the_rate_is_of_what_was_trained(self) -> None:
        totals = Totals.of(self.RESULTS, 6.0, 1.0)
        assert totals.per_minute == 30
        assert totals.lines() == [
            "3 trained in 6.0 s, 30.0 a minute; 4.5 s of CPU in fits, 1.50 s each.",
            "1 of 6 kept from an earlier run.",
            "1 use another group's model.",
            "3 of 4 better than the baselines.",
            "1 failed.",
        ]

    def test_nothing_trained_is_no_rate(self) -> None:
        totals = Totals.of([result("c", State.KEPT)], 6.0, 1.0)
        assert totals.lines()[0] == "1 of 1 kept from an earlier run."

    def test_machines_get_the_same(self) -> None:
        rows = summary_rows(self.RESULTS)
        content = json.loads(
            json.dumps(as_json(rows, Totals.of(self.RESULTS, 6.0, 1.0))), parse_constant=pytest.fail
        )
        assert content["totals"]["groups_per_minute"] == 30
        first, last = content["groups"][0], content["groups"][-1]
        scores = model().card.scores
        least = min(scores[name]["pinball"] for name in ("last value", "seasonal"))
        assert first["pinball_ratio"] == scores["forest"]["pinball"] / least
        assert scores[first["best_baseline"]]["pinball"] == least
        assert first["model_id"] == model().card.model_id
        assert (last["state"], last["error"], last["wape"]) == ("failed", "no", None)
        assert {tuple(row) for row in rows} == {tuple(rows[0])}


class TestTheEndOfTheMetrics:
    def test_a_run_that_was_ended_goes_on_with_the_same(self, tmp_path: Path) -> None:
        first = end_of_metrics(tmp_path, None)
        assert end_of_metrics(tmp_path, None) == first
        (tmp_path / UNFINISHED_NAME).unlink()
        assert end_of_metrics(tmp_path, None) >= first
        assert (tmp_path / UNFINISHED_NAME).exists()

    def test_but_not_for_days(self, tmp_path: Path) -> None:
        old = datetime.now(UTC) - timedelta(days=2)
        (tmp_path / UNFINISHED_NAME).write_text(json.dumps({"until": utc_text(old)}))
        assert end_of_metrics(tmp_path, None) > old + timedelta(days=1)

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"until": 3}', '{"until": "x"}'])
    def test_a_damaged_note_is_written_anew(self, tmp_path: Path, content: str) -> None:
        (tmp_path / UNFINISHED_NAME).write_text(content)
        end = end_of_metrics(tmp_path, None)
        assert abs(datetime.now(UTC) - end) < timedelta(minutes=1)
        assert end_of_metrics(tmp_path, None) == end

    def test_a_given_one_wins_and_is_not_noted(self, tmp_path: Path) -> None:
        assert utc_text(end_of_metrics(tmp_path, "2026-03-04T00:00:00Z")) == "2026-03-04T00:00:00Z"
        assert list(tmp_path.iterdir()) == []


def test_a_group_s_files_do_not_take_the_place_of_ours(tmp_path: Path) -> None:
    for name in OURS:
        with pytest.raises(UsageError, match="a file of ours"):
            folder_of(tmp_path, name)
    assert folder_of(tmp_path, "a/b") == tmp_path / "a%2Fb"
    assert folder_of(tmp_path, "..").parent == tmp_path
