"""Answers that come in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

Page = TypeVar("Page", bound=Mapping[str, Any])


def pages(fetch: Callable[[str | None], Page]) -> Iterator[Page]:
    """All pages of an answer, each fetched when it is its turn.

    Args:
        fetch: gives the page of a token that the page before has named; None: the first.
    """
    page = fetch(None)
    yield page
    while token := page.get("NextToken"):
        page = fetch(token)
        yield page
