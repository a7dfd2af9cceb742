"""Where the labels of points go, so that a reader can tell them apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LETTER_WIDTH = 6.0
LINE_HEIGHT = 13.0
_MARK = 5.5
_RINGS = (8.0, 15.0, 24.0, 36.0, 50.0, 66.0, 84.0, 104.0)
_DIRECTIONS = 16


@dataclass(frozen=True)
class Box:
    """A rectangle; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: Box) -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def holds(self, other: Box) -> bool:
        """Whether the other lies wholly inside."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def touches(self, x: float, y: float) -> bool:
        """Whether a point lies inside."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


@dataclass(frozen=True)
class Label:
    """A placed label.

    Attributes:
        leader: where the line from the point ends, if the label stands off from it.
    """

    text: str
    box: Box
    leader: tuple[float, float] | None


@dataclass(frozen=True)
class Spot:
    """A point that wants a label."""

    x: float
    y: float
    text: str


def place(spots: Sequence[Spot], area: Box, obstacles: Sequence[Box] = ()) -> list[Label]:
    """A label for each spot, the first ones having first choice.

    Each takes the nearest place within the area that covers neither a point nor a label nor
    a leader; if there is none, the one that covers least.

    Args:
        obstacles: what else is not to be covered.
    """
    marks = [Box(spot.x - _MARK, spot.y - _MARK, spot.x + _MARK, spot.y + _MARK) for spot in spots]
    placed: list[Label] = []
    leaders: list[Box] = []
    for spot in spots:
        taken = [*marks, *obstacles, *(label.box for label in placed), *leaders]
        boxes = [box for box in _candidates(spot) if area.holds(box)] or [_beside(spot, area)]
        label = _best(spot, boxes, taken)
        placed.append(label)
        leaders.extend(_dots(spot, label))
    return placed


def _best(spot: Spot, boxes: Sequence[Box], taken: Sequence[Box]) -> Label:
    """The first place that does no harm, or else the least harmful."""
    labels = []
    for box in boxes:
        label = _label(spot, box)
        harm = _harm(label, spot, taken)
        if harm == 0:
            return label
        labels.append((harm, label))
    return min(labels, key=lambda one: one[0])[1]


def _harm(label: Label, spot: Spot, taken: Sequence[Box]) -> float:
    """What a label covers; leaders that run across something count as well."""
    covered = sum(label.box.shared(other) for other in taken)
    own = (spot.x, spot.y)
    crossed = sum(
        other.touches((dot.left + dot.right) / 2, (dot.top + dot.bottom) / 2)
        for dot in _dots(spot, label)
        for other in taken
        if not other.touches(*own)
    )
    return covered + 20.0 * crossed


def _candidates(spot: Spot) -> Iterator[Box]:
    """Places around a spot, the nearest first."""
    for ring in _RINGS:
        for turn in _turns():
            yield _box_at(spot, ring * math.cos(turn), ring * math.sin(turn))


def _turns() -> list[float]:
    """Directions, those to the sides first: they read best."""
    turns = [2 * math.pi * index / _DIRECTIONS for index in range(_DIRECTIONS)]
    return sorted(turns, key=lambda turn: (round(abs(math.sin(turn)), 6), -math.cos(turn)))


def _box_at(spot: Spot, dx: float, dy: float) -> Box:
    """The box whose nearest edge lies at that offset from the spot."""
    width = LETTER_WIDTH * len(spot.text)
    share = 0.5 * (1 - dx / max(math.hypot(dx, dy), 1e-9))
    left = spot.x + dx - width * share
    top = spot.y + dy - LINE_HEIGHT / 2
    return Box(left, top, left + width, top + LINE_HEIGHT)


def _beside(spot: Spot, area: Box) -> Box:
    """A place for a label that fits nowhere: along the left edge."""
    return Box(
        area.left,
        spot.y - LINE_HEIGHT / 2,
        area.left + LETTER_WIDTH * len(spot.text),
        spot.y + LINE_HEIGHT / 2,
    )


def _label(spot: Spot, box: Box) -> Label:
    x = min(max(spot.x, box.left), box.right)
    y = min(max(spot.y, box.top + 2), box.bottom - 2)
    apart = math.hypot(x - spot.x, y - spot.y) > _RINGS[0] + 2
    return Label(spot.text, box, (x, y) if apart else None)


def _dots(spot: Spot, label: Label) -> list[Box]:
    """A leader as small boxes along it."""
    if label.leader is None:
        return []
    (x, y), count = label.leader, 6
    shares = [index / count for index in range(1, count)]
    centres = [(spot.x + share * (x - spot.x), spot.y + share * (y - spot.y)) for share in shares]
    return [Box(cx - 1, cy - 1, cx + 1, cy + 1) for cx, cy in centres]
