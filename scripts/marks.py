"""What stands between two marks of a document: <!-- name --> and <!-- /name -->."""

from __future__ import annotations

from collections.abc import Mapping


def between(text: str, contents: Mapping[str, str]) -> str:
    """The document with what stands between its marks replaced.

    Args:
        contents: by the marks' name; each ends with a line's end, or is empty.

    Raises:
        ValueError: it does not have each mark once.
    """
    for name, content in contents.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = before + begin + content + end + after
    return text
