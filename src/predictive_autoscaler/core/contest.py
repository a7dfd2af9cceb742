"""Champion and challenger: two models on the same days, and which of them is to serve."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from predictive_autoscaler.core.types import Json, utc_text

MISS_PRICE = 20.0
"""What missed requests are worth, in units of the instance-hours that would have served them,
where no fixed price is set. The controller's own price is no measure: it follows the record of
misses, so a model that misses much would be judged by another one than a model that does not.
20 is twice the price that the controller begins with: an instance-hour is worth saving only if
the requests missed by that are fewer than a twentieth of it would have served."""
TOLERANCE = 0.01
"""By how much a challenger may cost more and still win. Forests that differ in nothing but their
seed differ by about as much (docs/retraining.md), and of two that are alike, the one that knows
newer data is the better guess for tomorrow."""


@dataclass(frozen=True)
class Played:
    """What came of the judged days with one model.

    Attributes:
        version: the model's.
        trained_until: the end of what it has learned from, as text.
        instance_hours: billed from the moment that capacity was asked for.
        missed_hours: instance-hours that it would have taken to serve the missed requests.
        missed_share: of all requests.
        decisions: that were made, and how many of them rested on the model.
        fault: why the others did not, the first one's.
    """

    version: str
    trained_until: str
    instance_hours: float
    missed_hours: float
    missed_share: float
    decisions: int
    by_model: int
    fault: str = ""

    def cost(self, miss_price: float) -> float:
        """In instance-hours: what was billed, and what was missed at its price."""
        return self.instance_hours + miss_price * self.missed_hours


@dataclass(frozen=True)
class Rules:
    """How two models are compared.

    Attributes:
        miss_price: of missed requests, in units of the capacity that serves them.
        tolerance: share by which the challenger may cost more.
    """

    miss_price: float = MISS_PRICE
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class Verdict:
    """Which model is to serve, and all that it rests on.

    Attributes:
        published: whether the challenger takes the champion's place.
        reason: why, in a sentence for a person.
        challenger_version: None if there was nothing newer to learn.
        judged_from, judged_until: the days on which both were replayed; None if neither was.
        champion: None if there is none, or none that can be used.
        challenger: None if it was not replayed.
    """

    group: str
    published: bool
    reason: str
    rules: Rules
    challenger_version: str | None
    champion_version: str | None = None
    judged_from: datetime | None = None
    judged_until: datetime | None = None
    champion: Played | None = None
    challenger: Played | None = None

    def as_dict(self) -> Json:
        """For JSON; costs are told, too. The same for the same verdict."""
        content: Json = {found.name: getattr(self, found.name) for found in fields(self)}
        content["rules"] = asdict(self.rules)
        for name in ("judged_from", "judged_until"):
            content[name] = utc_text(content[name]) if content[name] else None
        for name in ("champion", "challenger"):
            played: Played | None = content[name]
            content[name] = played and (
                asdict(played) | {"cost": played.cost(self.rules.miss_price)}
            )
        return content

    def to_json(self) -> str:
        """The text of verdict.json."""
        return json.dumps(self.as_dict(), indent=2, sort_keys=True) + "\n"


def compared(champion: Played, challenger: Played, rules: Rules) -> tuple[bool, str]:
    """Whether the challenger wins, and why.

    It wins unless it costs more than the champion by more than the tolerance. A model that no
    decision could rest on has nothing to win with.
    """
    if not challenger.by_model:
        return False, f"no decision could rest on the challenger: {challenger.fault}"
    if not champion.by_model:
        return True, f"no decision could rest on the champion: {champion.fault}"
    ours, theirs = challenger.cost(rules.miss_price), champion.cost(rules.miss_price)
    allowed = f"{100 * rules.tolerance:g} %"
    if ours < theirs:
        return True, f"the challenger costs {_share(theirs, ours)} less than the champion"
    if ours <= theirs * (1 + rules.tolerance):
        return True, (
            f"the challenger costs {_share(theirs, ours)} more than the champion, within the "
            f"{allowed} allowed, and knows newer data"
        )
    return False, (
        f"the challenger costs {_share(theirs, ours)} more than the champion; {allowed} is allowed"
    )


def _share(theirs: float, ours: float) -> str:
    """How far apart two costs are, in percent of theirs."""
    return f"{100 * abs(ours - theirs) / theirs:.2f} %" if theirs > 0 else f"{ours:.2f} h"
