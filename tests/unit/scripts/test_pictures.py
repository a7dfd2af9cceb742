"""The committed pictures are those that the script draws; the day's takes a demonstration."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest

from scripts.draw_pictures import FOLDER, MARKS, OTHERS, PICTURES, measured, save
from tests.helpers.commands import ROOT


def content(path: Path) -> tuple[list[str], list[tuple[float, float]]]:
    """Texts, and the places of the marks to a tenth of a point."""
    text = path.read_text()
    marks = re.findall(r'<use xlink:href="[^"]+" x="([\d.]+)" y="([\d.]+)"', text)
    words = re.findall(r"<text [^>]*>([^<]+)<", text)
    return words, [(round(float(x), 1), round(float(y), 1)) for x, y in marks]


@pytest.mark.parametrize("name", ["quality", "parts"])
def test_a_picture_is_up_to_date(name: str, tmp_path: Path) -> None:
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.size": 9}):
        save(PICTURES[name](), tmp_path / "again.svg")
    drawn, committed = content(tmp_path / "again.svg"), content(FOLDER / f"{name}.svg")
    assert len(drawn[0]) > 10
    assert drawn == committed, f"run scripts/draw_pictures.py {name}"


def test_every_figure_of_the_table_is_a_mark() -> None:
    """Each panel's six policies, and those of the legend."""
    rows = measured((ROOT / "README.md").read_text())
    assert len(rows) == 8
    assert all(row.results.keys() == MARKS.keys() for row in rows)
    assert rows[0].results["predictive"] == (1.09, 0.15)


def test_every_picture_is_shown_somewhere() -> None:
    documents = (*ROOT.glob("*.md"), *FOLDER.glob("*.md"))
    shown = "".join(path.read_text() for path in documents)
    drawn = {*PICTURES, *OTHERS}
    assert set(re.findall(r"\((?:docs/)?(\w+)\.svg\)", shown)) == drawn
    assert {path.stem for path in FOLDER.glob("*.svg")} == drawn
