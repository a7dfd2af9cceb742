from __future__ import annotations

import pytest

from predictive_autoscaler.app.doctor.schedules import Rhythm, rhythm


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cron(2/5 * * * ? *)", Rhythm(5, 2)),
        ("cron(*/15 * * * ? *)", Rhythm(15, 0)),
        ("cron(* * * * ? *)", Rhythm(1, 0)),
        ("cron(7 * * * ? *)", Rhythm(60, 7)),
        ("cron(0,20,40 * ? * * *)", Rhythm(20, 0)),
        ("rate(5 minutes)", Rhythm(5, None)),
        ("rate(1 hour)", Rhythm(60, None)),
        ("rate(1 day)", None),
        ("cron(0,10,30 * * * ? *)", None),
        ("cron(0/7 * * * ? *)", None),
        ("cron(0/5 8-18 * * ? *)", None),
        ("cron(x * * * ? *)", None),
        ("cron()", None),
        ("", None),
    ],
)
def test_rhythms(schedule: str, expected: Rhythm | None) -> None:
    assert rhythm(schedule) == expected
