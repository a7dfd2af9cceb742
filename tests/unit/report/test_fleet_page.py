"""The report on a fleet: what comes first, what the picture counts, and that it is one file."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from predictive_autoscaler.report.fleet import FleetReport, FleetRow, histogram
from predictive_autoscaler.report.fleet_page import render_fleet, write_fleet
from tests.unit.report.html_page import HOSTILE, Tags


def row(name: str, ratio: float = 0.6, **others: object) -> FleetRow:
    known = {
        "rows": 1200,
        "wape": 0.02,
        "pinball": 0.004,
        "coverage": 0.91,
        "baseline": "seasonal",
        "skilled": ratio < 1,
        "seconds": 2.5,
    }
    return FleetRow(name, "trained", ratio=ratio, **known | others)  # type: ignore[arg-type]


def report(*rows: FleetRow) -> FleetReport:
    return FleetReport("Training a fleet", rows, "3 trained in 1.5 s", {"Published": "2"})


def readable(text: str) -> str:
    return text.replace("\u202f", " ")


def test_the_worst_come_first() -> None:
    failed = FleetRow("broken", "failed", error="found 3 hours")
    borrows = FleetRow("lent", "borrows", note="uses the model of good")
    text = render_fleet(report(borrows, row("good", 0.4), row("poor", 1.2), failed, row("fair")))
    body = text[text.index("<tbody>") :]
    places = [body.index(f'data-key="{name}"') for name in ("broken", "poor", "fair", "good")]
    assert places == sorted(places)
    assert body.index('data-key="lent"') > places[-1]
    assert "uses the model of good" in body
    assert "broken: found 3 hours" in text


def test_many_failures_do_not_bury_the_page() -> None:
    text = readable(
        render_fleet(report(*(FleetRow(f"g{n}", "failed", error="no") for n in range(9))))
    )
    above = text[: text.index("<main>")]
    assert "g4: no" in above
    assert "g5: no" not in above
    assert "4 more, see the table" in above


def test_the_verdict_counts() -> None:
    fine = readable(render_fleet(report(row("a"), row("b"))))
    assert "<strong>All done:</strong> 2 of 2 models better than the baselines; 3 trained" in fine
    poor = readable(render_fleet(report(row("a"), row("b", 1.0))))
    assert "<strong>Done, but not all help:</strong> 1 of 2 models" in poor
    failed = readable(render_fleet(report(row("a"), FleetRow("b", "failed", error="no"))))
    assert "<strong>1 group failed:</strong> 1 of 1 model" in failed


def test_values_are_as_in_the_data() -> None:
    text = readable(render_fleet(report(row("a", 0.63, published="20260101T000000Z-abc"))))
    for cell in ("1 200", "2.00 %", "0.40 %", "0.63× seasonal", "91.0 %", "yes", "2.5"):
        assert f">{cell}</td>" in text, cell
    assert "published as 20260101T000000Z-abc" in text


def test_nothing_is_loaded_from_elsewhere_and_names_are_only_text() -> None:
    text = render_fleet(report(row(HOSTILE), FleetRow("x", "failed", error=HOSTILE)))
    tags = Tags(text)
    assert all(value.startswith(("#", "data:")) for value in tags.loaded()), tags.loaded()
    assert tags.count("img") == 0
    assert tags.count("script") == 2
    assert "library" not in text
    assert len(text) < 100_000


def test_without_any_model_there_is_no_picture(tmp_path: Path) -> None:
    write_fleet(report(FleetRow("x", "failed", error="no")), tmp_path / "report.html")
    assert "<svg" not in (tmp_path / "report.html").read_text()


class TestHistogram:
    def test_every_known_ratio_is_in_one_bar(self) -> None:
        ratios = [0.41, 0.43, 0.62, 0.999, 1.0, 1.31, math.nan]
        picture = histogram(ratios)
        assert picture is not None
        counts = [int(bar.title.split()[0]) for bar in picture.bars]
        assert sum(counts) == 6
        assert [bar.kind for bar in picture.bars] == ["better"] * 3 + ["worse"] * 2
        assert max(bar.height for bar in picture.bars) == picture.bars[0].height

    def test_one_stands_between_better_and_worse(self) -> None:
        picture = histogram([0.97, 1.0])
        assert picture is not None
        assert picture.one is not None
        better, worse = picture.bars
        assert better.x + better.width <= picture.one <= worse.x

    def test_what_is_far_off_does_not_squeeze_the_others(self) -> None:
        near, far = histogram([0.5, 2.0]), histogram([0.5, 500.0])
        assert near == far
        assert near is not None
        assert near.bars[-1].title == "1 group at 2.00 or more"

    @pytest.mark.parametrize("count", [1, 2, 4, 7, 10, 60, 199, 1000])
    def test_ticks_are_few_and_whole(self, count: int) -> None:
        picture = histogram([0.5] * count)
        assert picture is not None
        numbers = [int(text) for _, text in picture.y_ticks]
        assert 2 <= len(numbers) <= 11
        assert numbers[0] == 0
        assert numbers[-1] <= count
        assert numbers == sorted(set(numbers))

    def test_nothing_is_drawn_of_nothing(self) -> None:
        assert histogram([math.nan]) is None
