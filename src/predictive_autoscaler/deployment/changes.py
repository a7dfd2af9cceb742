"""What a plan of Terraform's would do, in numbers and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Changes:
    """Addresses of resources, by what happens to them; what is replaced is in `destroyed` too.

    Attributes:
        outputs: whether outputs change.
    """

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    destroyed: tuple[str, ...] = ()
    outputs: bool = False

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> Changes:
        """From what `terraform show -json` tells of a plan."""

        def having(action: str) -> tuple[str, ...]:
            return tuple(
                change["address"]
                for change in plan.get("resource_changes", [])
                if action in change["change"]["actions"]
            )

        outputs = any(
            change["actions"] != ["no-op"] for change in plan.get("output_changes", {}).values()
        )
        return cls(having("create"), having("update"), having("delete"), outputs)

    @property
    def nothing(self) -> bool:
        """Whether all is as it should be already."""
        return not (self.created or self.updated or self.destroyed or self.outputs)

    def lines(self) -> list[str]:
        """For people: the numbers, and the names of all that goes."""
        counts = (
            f"{len(self.created)} to make, {len(self.updated)} to change, "
            f"{len(self.destroyed)} to destroy"
        )
        made_anew = set(self.created)
        return [
            f"The plan: {counts}",
            *(
                f"  {'replaced' if address in made_anew else 'destroyed'}: {address}"
                for address in self.destroyed
            ),
        ]
