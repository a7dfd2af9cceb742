"""How findings are shown: in their areas, and one cause once."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from predictive_autoscaler.app.doctor.findings import (
    Check,
    Finding,
    fault,
    not_checked,
    ok,
)
from predictive_autoscaler.cli.doctor import Areas

LOST = not_checked("ASG_NAME is not set")


def check(name: str, area: str = "group") -> Check:
    return Check(name, area, "it is broken", (), lambda facts: ())


def shown(
    capsys: pytest.CaptureFixture[str],
    rows: Iterable[tuple[Check, list[Finding]]],
    *,
    hide_ok: bool = False,
) -> list[str]:
    """The lines, spaces stripped, without empty ones."""
    areas = Areas(hide_ok=hide_ok)
    for row in rows:
        areas.show(*row)
    areas.finish()
    return [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_checks_that_one_cause_prevents_share_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(check(name), [LOST]) for name in ("group", "bounds", "launches")]
    assert shown(capsys, rows) == [
        "group",
        "not checked  group, bounds, launches: ASG_NAME is not set",
    ]


def test_each_area_tells_it_anew(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(check("bounds"), [LOST]), (check("mode", "mode"), [LOST])]
    assert shown(capsys, rows) == [
        "group",
        "not checked  bounds: ASG_NAME is not set",
        "mode",
        "not checked  mode: ASG_NAME is not set",
    ]


def test_another_finding_between_keeps_the_order(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        (check("group"), [LOST]),
        (check("bounds"), [fault("MinSize is MaxSize", "widen them"), LOST]),
        (check("launches"), [not_checked("refused")]),
    ]
    assert shown(capsys, rows) == [
        "group",
        "not checked  group: ASG_NAME is not set",
        "fault  bounds: MinSize is MaxSize",
        "→ widen them",
        "not checked  bounds: ASG_NAME is not set",
        "not checked  launches: refused",
    ]


def test_what_is_left_out_separates_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(check("group"), [LOST]), (check("bounds"), [ok("1 to 9")]), (check("mode"), [LOST])]
    assert shown(capsys, rows, hide_ok=True) == [
        "group",
        "not checked  group, mode: ASG_NAME is not set",
    ]
