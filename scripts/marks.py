"""What stands between two marks of a document: <!-- name --> and <!-- /name -->."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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


def bring_up_to_date(about: str | None, document: Path, change: Callable[[str], str]) -> None:
    """Be the command of a script that writes one document: change it and say so.

    Args:
        about: the script's docstring, which is its `--help`.
        document: an absolute path within the project.
        change: from the document's text to what it should be.
    """
    shown = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(description=about, formatter_class=shown).parse_args()
    before = document.read_text()
    after = change(before)
    if after != before:
        document.write_text(after)
    said = "Up to date already" if after == before else "Written"
    print(f"{said}: {document.relative_to(ROOT)}")
