"""Write the tables of variables and outputs into terraform/README.md, between their marks.

    python scripts/write_terraform_tables.py

The rows are the blocks of terraform/variables.tf and terraform/outputs.tf.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.marks import between, bring_up_to_date  # noqa: E402

MODULE = ROOT / "terraform"
README = MODULE / "README.md"

BLOCK = r'^{kind} "(\w+)" {{\n(.*?)^}}$'
FIELD = re.compile(r"^ {4}(\w+) += (.*?)(?=^ {4}\w+ += |^ {2}}\))", re.MULTILINE | re.DOTALL)
OPTIONAL = re.compile(r"optional\(\s*([\w()]+)\s*(?:,\s*(.*?)\s*)?\)$", re.DOTALL)


def blocks(kind: str, text: str) -> Iterator[tuple[str, str]]:
    """Name and body of each block of a kind, in the file's order."""
    yield from re.findall(BLOCK.format(kind=kind), text, re.MULTILINE | re.DOTALL)


def value_of(name: str, body: str) -> str:
    """What stands behind `name =` in a block."""
    found = re.search(rf"^  {name}\s+= (.*)$", body, re.MULTILINE)
    return found[1] if found else ""


def fields(body: str) -> str:
    """The fields of an object, or of a map's objects, with their defaults; else empty."""
    found = re.search(
        r"^  type += (?:map\()?object\({\n(.*?^  }\))", body, re.MULTILINE | re.DOTALL
    )
    if found is None:
        return ""
    told = []
    for name, text in FIELD.findall(re.sub(r"^\s*#.*\n", "", found[1], flags=re.MULTILINE)):
        optional = OPTIONAL.match(text.strip())
        default = shortened(optional[2] or "null") if optional else "(required)"
        told.append(f"`{name}` {default}")
    return ", ".join(told)


def shortened(default: str) -> str:
    """Hashes are too long for a table."""
    return re.sub(r'"(sha256:)?([0-9a-f]{8})[0-9a-f]{56}"', r'"\1\2…"', default)


def default_of(body: str) -> str:
    """The default, on one line."""
    default = value_of("default", body)
    if default == "{":
        lines = re.search(r"^  default += {\n(.*?)^  }", body, re.MULTILINE | re.DOTALL)
        default = f"{{ {', '.join(lines[1].split(chr(10))).strip(' ,')} }}" if lines else default
    if not default:
        return "required"
    is_object = value_of("type", body).startswith("object")
    return "its fields'" if default == "{}" and is_object else f"`{default}`"


def variables() -> str:
    """The table of variables."""
    lines = ["| variable | default | meaning | fields and their defaults |", "|---|---|---|---|"]
    for name, body in blocks("variable", (MODULE / "variables.tf").read_text()):
        meaning = value_of("description", body).strip('"')
        lines.append(f"| `{name}` | {default_of(body)} | {meaning} | {fields(body)} |")
    return "\n".join(lines) + "\n"


def outputs() -> str:
    """The table of outputs."""
    lines = ["| output | meaning |", "|---|---|"]
    for name, body in blocks("output", (MODULE / "outputs.tf").read_text()):
        lines.append(f"| `{name}` | {value_of('description', body).strip(chr(34))} |")
    return "\n".join(lines) + "\n"


def with_tables(text: str) -> str:
    """The document with both tables brought up to date."""
    return between(text, {"variables": variables(), "outputs": outputs()})


if __name__ == "__main__":
    bring_up_to_date(__doc__, README, with_tables)
