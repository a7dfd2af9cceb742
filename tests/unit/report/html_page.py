"""Looking into a page that was made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">&{{ 7 * 7 }}'


def embedded(text: str) -> Mapping[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found is not None
    data: Mapping[str, Any] = json.loads(found.group(1))
    return data


class Tags(HTMLParser):
    """Collects the elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.found)

    def loaded(self) -> list[str]:
        """What the page asks for."""
        names = {"src", "href", "srcset", "data", "action", "xlink:href"}
        return [
            value
            for _, attributes in self.found
            for name, value in attributes.items()
            if name in names and value is not None
        ]
