"""What a plan would do, out of what Terraform tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from predictive_autoscaler.deployment.changes import Changes


def plan(outputs: str = "no-op", **actions: list[str]) -> dict[str, Any]:
    return {
        "resource_changes": [
            {"address": f"aws_x.{name}", "change": {"actions": words}}
            for name, words in actions.items()
        ],
        "output_changes": {"url": {"actions": [outputs]}},
    }


def test_each_is_counted_and_what_goes_is_named() -> None:
    found = Changes.of(
        plan(
            a=["create"],
            b=["update"],
            c=["delete"],
            d=["delete", "create"],
            e=["create", "delete"],
            f=["no-op"],
            g=["read"],
        )
    )
    assert found.lines() == [
        "The plan: 3 to make, 1 to change, 3 to destroy",
        "  destroyed: aws_x.c",
        "  replaced: aws_x.d",
        "  replaced: aws_x.e",
    ]
    assert not found.nothing


@pytest.mark.parametrize(
    ("held", "nothing"),
    [({}, True), (plan(), True), (plan(a=["no-op"], b=["read"]), True), (plan("update"), False)],
)
def test_nothing_is_told_from_outputs_alone(held: dict[str, Any], nothing: bool) -> None:
    assert Changes.of(held).nothing is nothing
