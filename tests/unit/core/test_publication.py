from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictive_autoscaler.core.publication import LEAST_KEPT, Publication
from predictive_autoscaler.errors import ModelError

NAMES = st.sampled_from([f"2026110{number}" for number in range(1, 8)])
MOVES = st.lists(st.tuples(st.sampled_from(["followed_by", "back_to"]), NAMES), max_size=12)


def after(moves: list[tuple[str, str]]) -> Publication:
    publication = Publication("20261101")
    for move, name in moves:
        publication = getattr(publication, move)(name)
    return publication


def test_publishing_puts_the_former_one_behind_it() -> None:
    assert after([("followed_by", "b"), ("followed_by", "c")]) == Publication(
        "c", ("b", "20261101")
    )


def test_going_back_leaves_what_was_left_out_of_use() -> None:
    once = Publication("c", ("b", "a")).back_to("b")
    assert once == Publication("b", ("a",), ("c",))
    assert once.back_to("a") == Publication("a", (), ("b", "c"))
    assert Publication("c", ("b", "a")).back_to("a") == Publication("a", (), ("c", "b"))


def test_a_roll_back_can_be_undone() -> None:
    undone = Publication("c", ("b", "a")).back_to("b").back_to("c")
    assert undone == Publication("c", ("b", "a"))


def test_going_to_a_version_from_before_pointers_told() -> None:
    assert Publication("c").back_to("a") == Publication("a", (), ("c",))


def test_whoever_publishes_a_version_again_wants_it() -> None:
    assert Publication("b", ("a",), ("c",)).followed_by("c") == Publication("c", ("b", "a"))


def test_the_newest_are_kept_and_always_the_one_before() -> None:
    published = Publication("5", ("1", "4", "3", "2"))
    assert published.kept(3, []) == {"5", "1", "4"}
    assert published.kept(1, []) == {"5", "1"}
    assert published.kept(9, ["5", "0"]) == {"5", "1", "4", "3", "2", "0"}
    assert Publication("5", ("3",), ("4", "1")).kept(3, []) == {"5", "3", "4"}
    assert Publication("5").kept(3, ["6", "5", "4", "3"]) == {"6", "5", "4"}


def test_what_is_not_kept_is_forgotten() -> None:
    published = Publication("5", ("1", "4"), ("6", "2"))
    assert published.knowing({"5", "4", "6", "0"}) == Publication("5", ("4",), ("6",))


@given(MOVES, st.integers(LEAST_KEPT, 6), st.lists(NAMES, unique=True))
def test_no_name_stands_in_two_places(
    moves: list[tuple[str, str]], keep: int, there: list[str]
) -> None:
    publication = after(moves)
    assert len(set(publication.names)) == len(publication.names)
    names = publication.kept(keep, there)
    assert names <= {*publication.names, *there}
    assert len(names) == min(keep, len({*publication.names, *there}))
    assert {publication.version, *publication.former[:1]} <= names
    kept = publication.knowing(names)
    assert (kept.version, kept.former[:1]) == (publication.version, publication.former[:1])
    assert set(kept.names) <= names
    assert Publication.from_json(kept.to_json()) == kept


def test_a_simple_pointer_stays_as_simple_as_it_was() -> None:
    assert Publication("one").to_json() == '{"version": "one"}\n'


STRANGE = (
    *("", "[]", "3", "{}", '{"version": 3}', '{"version": ""}'),
    *('{"version": "a", "former": 1}', '{"version": "a", "rolled_back": [1]}'),
    '{"version": "a", "former": ["b", ""]}',
)


@pytest.mark.parametrize("text", STRANGE)
def test_a_strange_pointer_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        Publication.from_json(text)
