from __future__ import annotations

import math

import pytest

from predictive_autoscaler.backtest.lab import ORACLE, OURS
from predictive_autoscaler.backtest.quality.aims import Aim, all_aims, better_in_both
from predictive_autoscaler.backtest.quality.figures import Figure, Figures
from predictive_autoscaler.backtest.quality.frontier import cost_at
from predictive_autoscaler.backtest.quality.plan import BUDGET, MISS_PRICES, TRACES, at_price
from predictive_autoscaler.backtest.quality.tables import long_tables, short_table
from scripts.write_quality_tables import DOCUMENTS, with_tables
from tests.unit.backtest.quality.made import figure

TRACKING = "target tracking 70 %"


def good() -> dict[str, dict[str, Figure]]:
    """Figures with which every aim is met."""
    priced = {
        at_price(price).label: figure(1.0 + 0.05 * position, 4.0 / 2**position)
        for position, price in enumerate(MISS_PRICES)
    }
    return {
        trace: {
            OURS: figure(1.05, 0.2, actions=130),
            TRACKING: figure(1.45, 1.5, actions=100),
            ORACLE: figure(1.0, 0.0),
            BUDGET.label: figure(1.10, 1.0),
            **priced,
        }
        for trace in TRACES
    }


def verdicts(figures: Figures, by_minute: Figures | None = None) -> dict[str, bool | None]:
    minutes = good() if by_minute is None else by_minute
    return {f"{aim.number} {aim.what}": aim.met for aim in all_aims(figures, minutes)}


def unmet(figures: Figures, by_minute: Figures | None = None) -> list[str]:
    return [what for what, met in verdicts(figures, by_minute).items() if not met]


def changed(trace: str, label: str, cost: float, missed: float, actions: int = 100) -> Figures:
    figures = good()
    figures[trace][label] = figure(cost, missed, actions)
    return figures


class TestFrontier:
    def test_between_two_prices_the_cost_follows_the_logarithm(self) -> None:
        given = [figure(1.0, 4.0), figure(1.2, 1.0)]
        halfway = cost_at(0.02, given)
        assert halfway is not None
        assert halfway.within
        assert halfway.cost == pytest.approx(1.1)
        at_an_end = cost_at(0.01, given)
        assert at_an_end is not None
        assert (at_an_end.cost, at_an_end.within) == (1.2, True)

    def test_a_price_that_another_beats_does_not_count(self) -> None:
        given = [figure(1.0, 4.0), figure(1.5, 2.0), figure(1.2, 1.0)]
        found = cost_at(0.02, given)
        assert found is not None
        assert found.cost == pytest.approx(1.1)

    @pytest.mark.parametrize(("missed", "cost"), [(0.08, 1.0), (0.001, 1.2)])
    def test_beyond_the_prices_tried_it_says_so(self, missed: float, cost: float) -> None:
        found = cost_at(missed, [figure(1.0, 4.0), figure(1.2, 1.0)])
        assert found is not None
        assert (found.cost, found.within) == (cost, False)

    def test_nothing_missed_is_no_trouble(self) -> None:
        found = cost_at(0.0, [figure(1.0, 4.0), figure(1.3, 0.0), figure(1.2, 0.0001)])
        assert found is not None
        assert math.isfinite(found.cost)
        # Both count as missing nothing, and the best of them is the cheaper one.
        assert (found.cost, found.within) == (1.2, True)
        assert cost_at(0.01, []) is None


class TestAims:
    def test_good_figures_meet_every_aim(self) -> None:
        found = verdicts(good())
        assert unmet(good()) == []
        assert {int(what[0]) for what in found} == {1, 2, 3, 4, 5, 6, 7, 9}

    def test_what_was_not_measured_is_neither_met_nor_missed(self) -> None:
        assert set(verdicts({}, {}).values()) == {None}
        line = all_aims({}, {})[0].line()
        assert line == "1. ms_mongo_app1: cost: not measured, at most 1.100: not measured"

    @pytest.mark.parametrize(
        ("trace", "cost", "missed", "aims"),
        [
            ("ms_mongo_app1", 1.11, 0.2, ["1 ms_mongo_app1: cost"]),
            ("ms_mongo_app1", 1.05, 0.26, ["1 ms_mongo_app1: missed"]),
            ("nyc_taxi_30min", 1.051, 0.2, ["1 nyc_taxi_30min: cost"]),
            ("nasa_aug95", 1.48, 0.2, [f"2 nasa_aug95: hours over {TRACKING}'s"]),
            ("nasa_aug95", 1.05, 0.31, [f"2 nasa_aug95: fewer missed than {TRACKING}"]),
            (
                "ms_mongo_app3",
                1.46,
                1.6,
                [f"3 recordings worse than {TRACKING} in both"],
            ),
            ("worldcup98", 2.0, 0.2, ["3 events: mean cost"]),
            ("ms_mongo_app4", 1.05, 4.2, [f"3 events: mean missed less {TRACKING}'s"]),
            (
                "nab_tweets_AAPL",
                1.5,
                1.6,
                [
                    f"4 nab_tweets_AAPL: hours over {TRACKING}'s",
                    f"4 recordings worse than {TRACKING} in both",
                ],
            ),
        ],
    )
    def test_each_aim_is_about_its_recordings(
        self, trace: str, cost: float, missed: float, aims: list[str]
    ) -> None:
        assert unmet(changed(trace, OURS, cost, missed)) == aims

    def test_a_budget_must_be_held_cheaply(self) -> None:
        label = BUDGET.label
        # The best constant price that misses 1 % costs 1.10.
        dear = changed("worldcup98", label, 1.17, 1.0)
        assert unmet(dear) == ["5 worldcup98: cost with the budget over the best constant price's"]
        overdrawn = changed("worldcup98", label, 1.05, 1.21)
        assert unmet(overdrawn) == ["5 worldcup98: missed with a budget of 1 %"]
        assert unmet(changed("ms_mongo_app4", label, 3.0, 50.0)) == []

    def test_a_peer_that_is_better_in_both_is_named(self) -> None:
        figures = changed("nasa_aug95", "holt-winters + reactive", 1.04, 0.2)
        assert unmet(figures) == ["6 nasa_aug95: peers better in both"]
        assert better_in_both(figures, "nasa_aug95") == ["holt-winters + reactive"]
        line = next(aim for aim in all_aims(figures, {}) if aim.number == 6 and aim.value)
        assert "holt-winters + reactive" in line.line()
        equal = changed("nasa_aug95", "holt-winters + reactive", 1.05, 0.2)
        assert better_in_both(equal, "nasa_aug95") == []

    def test_actions_are_averaged_geometrically_over_six(self) -> None:
        figures = good()
        figures["worldcup98"][OURS] = figure(1.05, 0.2, actions=203)
        assert unmet(figures) == [f"7 actions over {TRACKING}'s, geometric mean of 6"]
        figures["nab_tweets_AAPL"][OURS] = figure(1.05, 0.2, actions=9000)
        figures["worldcup98"][OURS] = figure(1.05, 0.2, actions=200)
        assert unmet(figures) == []

    def test_by_the_minute_hours_and_misses_are_held_against_target_tracking(self) -> None:
        minutes = changed("nasa_aug95", OURS, 1.46, 1.6)
        assert unmet(good(), minutes) == [
            f"9 nasa_aug95 by the minute: hours over {TRACKING}'s",
            f"9 nasa_aug95 by the minute: missed over {TRACKING}'s",
        ]

    def test_a_line_says_what_was_measured_what_was_aimed_at_and_the_verdict(self) -> None:
        aim = Aim(5, "missed", 0.0125, 0.012, lambda value: f"{100 * value:.2f} %", note="as told")
        assert aim.line() == "5. missed: 1.25 % (as told), at most 1.20 %: not met"


class TestTables:
    def test_the_short_table_has_a_row_a_recording_and_names_who_is_better(self) -> None:
        figures = changed("nasa_aug95", "holt-winters + reactive", 1.04, 0.1)
        lines = short_table(figures).splitlines()
        assert len(lines) == 2 + len(TRACES)
        assert lines[2] == (
            "| smooth | `ms_mongo_app1` | 1.05 / 0.20 | 1.45 / 1.50 | – | – | – | – | – |"
        )
        nasa = next(line for line in lines if "nasa" in line)
        assert nasa.endswith("| 1.04 / 0.10 | – | holt-winters + reactive |")

    def test_the_long_tables_hold_all_that_was_measured(self) -> None:
        text = long_tables(good(), {"ms_mongo_app1": good()["ms_mongo_app1"]}, all_aims(good(), {}))
        assert "| target tracking 70 % | 1.45 / 1.50 / 100 |" in text
        assert f"| {BUDGET.label} | 1.10 / 1.00 |" in text
        assert "| 1 | ms_mongo_app1: cost | 1.050 | at most 1.100 | met |" in text
        tables = [part for part in text.split("\n\n") if part.startswith("|")]
        assert len(tables) == 4
        for table in tables:
            assert len({line.count(" |") for line in table.splitlines()}) == 1

    def test_a_recording_without_our_own_policy_has_no_row(self) -> None:
        figures = good()
        del figures["worldcup98"][OURS]
        assert "worldcup98" not in short_table(figures)

    def test_both_documents_have_their_marks(self) -> None:
        for document in DOCUMENTS:
            text = document.read_text()
            new = with_tables(text, "| new |\n")
            assert "<!-- quality -->\n| new |\n<!-- /quality -->\n" in new
            assert with_tables(new, "") != text
            assert new.splitlines()[:5] == text.splitlines()[:5]
