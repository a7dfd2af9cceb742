"""Each fault of the table has its one right outcome, and the invariants hold throughout."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from predictive_autoscaler.core.types import Json
from tests.faults.scene import CALM, FAULTY, HEALED, Scene, part, scene
from tests.faults.table import TABLE, Fault, Outcome


@cache
def calm() -> tuple[Json, ...]:
    """The same night without a fault."""
    made = scene()
    for _ in range(CALM + FAULTY + HEALED):
        made.tick()
    return tuple(made.records)


def decided(record: Json) -> tuple[int, int] | None:
    decision = part(record).get("decision")
    return (decision["before_instances"], decision["after_instances"]) if decision else None


def played(fault: Fault) -> tuple[Scene, list[Json], list[Json]]:
    """A scene with the fault in its middle; the records of the fault, and those after it."""
    made = scene()
    for _ in range(CALM):
        made.tick()
    fault.plant(made)
    during = [made.tick() for _ in range(fault.ticks)]
    made.heal()
    after = [made.tick() for _ in range(HEALED)]
    return made, during, after


def test_a_calm_night_would_scale_in_just_then() -> None:
    """The premise: whoever holds in what follows, holds against something."""
    before, after = decided(calm()[CALM]) or (0, 0)
    assert after < before


@pytest.mark.parametrize("fault", TABLE, ids=lambda fault: fault.name)
def test_fault(fault: Fault) -> None:
    made, during, after = played(fault)
    before = made.capacities[CALM - 1]
    CHECKS[fault.outcome](made, during, after, before)
    keeps_the_invariants(made)
    assert fault.says in made.told
    if fault.heals:
        assert part(after[-1])["outcome"]["status"] in ("applied", "unchanged")
        assert part(after[-1])["decision"]["rung"] == "forest"
        assert part(after[-1])["decision"]["faults"] == []


def holds(made: Scene, during: list[Json], after: list[Json], before: int) -> None:
    assert min(made.capacities[CALM : CALM + len(during)]) >= before


def degrades(made: Scene, during: list[Json], after: list[Json], before: int) -> None:
    assert {part(record)["decision"]["rung"] for record in during} == {"seasonal"}


def refuses(made: Scene, during: list[Json], after: list[Json], before: int) -> None:
    assert made.capacities[CALM] == before
    assert part(during[0]).get("outcome", {}).get("status") != "applied"


def resumes(made: Scene, during: list[Json], after: list[Json], before: int) -> None:
    for record in during:
        assert part(record)["decision"]["rung"] == "forest"
        assert part(record)["outcome"]["status"] in ("applied", "unchanged")
    # In the end it is about where a calm night would be.
    there = decided(calm()[-1])
    assert there is not None
    assert abs(made.capacities[-1] - there[1]) <= 2


def tries_again(made: Scene, during: list[Json], after: list[Json], before: int) -> None:
    statuses = {part(record)["outcome"]["status"] for record in during[:1]}
    assert statuses == {"failed"}
    wanted = part(after[-1])["decision"]["after_instances"]
    assert made.capacities[-1] == wanted < before


def goes_on(made: Scene, during: list[Json], after: list[Json], before: int) -> None:
    expected = [decided(record) for record in calm()[CALM:]]
    assert [decided(record) for record in [*during, *after]] == expected


CHECKS = {
    Outcome.HOLD: holds,
    Outcome.DEGRADE: degrades,
    Outcome.REFUSE: refuses,
    Outcome.RETRY: tries_again,
    Outcome.RESUME: resumes,
    Outcome.GO_ON: goes_on,
}


def keeps_the_invariants(made: Scene) -> None:
    """Whatever happens: within bounds, not below the floor on known data, not in on bad data."""
    for record in made.records:
        decision = part(record).get("decision")
        if decision is None:
            continue
        after, known = decision["after_instances"], decision["present_quality"] in ("ok", "quiet")
        assert 1 <= after <= 60
        if known:
            assert after >= min(decision["floor_instances"], 60)
        else:
            assert after >= decision["before_instances"]


def test_the_table_is_as_wide_as_it_claims() -> None:
    areas = Counter(fault.area for fault in TABLE)
    kinds = {fault.kind for fault in TABLE}
    assert len(TABLE) >= 60
    assert len({fault.name for fault in TABLE}) == len(TABLE)
    assert set(areas) >= {
        "CloudWatch",
        "Auto Scaling",
        "S3",
        "SNS",
        "clock",
        "model",
        "settings",
        "concurrency",
        "other hands",
        "policies",
    }
    assert kinds == {
        "throttled",
        "timeout",
        "5xx",
        "partial",
        "empty",
        "late",
        "duplicated",
        "reordered",
        "garbage",
        "huge",
        "permission denied",
    }
