"""Whether one did better than another, said the same way whichever way it went."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """What to think of it.

    Attributes:
        short: the judgement in a few words.
        long: the figures that it rests on.
    """

    short: str
    long: str

    def __str__(self) -> str:
        return f"{self.short}: {self.long}"


def compared(ours: tuple[str, float], theirs: tuple[str, float]) -> int:
    """1 if ours is less, -1 if more, 0 if a reader of the printed figures sees no difference."""
    if ours[0] == theirs[0]:
        return 0
    return 1 if ours[1] < theirs[1] else -1


def judgement(fewer_missed: int, fewer_hours: int) -> str:
    """The words for two comparisons."""
    return {
        (1, 1): "Better on both counts",
        (1, 0): "Better: fewer misses at the same cost",
        (0, 1): "Better: the same misses at a lower cost",
        (0, 0): "No difference",
        (1, -1): "Mixed: fewer misses, but a higher cost",
        (-1, 1): "Mixed: a lower cost, but more misses",
        (0, -1): "Worse: the same misses at a higher cost",
        (-1, 0): "Worse: more misses at the same cost",
        (-1, -1): "Worse on both counts",
    }[fewer_missed, fewer_hours]
