"""Write the measured tables into README.md and docs/scaling-quality.md, between their marks.

    python scripts/write_quality_tables.py out/quality

A measurement that lacks a recording changes no document.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from predictive_autoscaler.backtest.quality.written import LONG_TABLES, MISSING, SHORT_TABLE

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.marks import between  # noqa: E402

DOCUMENTS = {
    ROOT / "README.md": SHORT_TABLE,
    ROOT / "docs" / "scaling-quality.md": LONG_TABLES,
}


def with_tables(text: str, tables: str) -> str:
    """The document with what stands between its marks replaced.

    Raises:
        ValueError: it does not have each mark once.
    """
    return between(text, {"quality": tables})


def main(folder: Path) -> None:
    """Bring both documents up to date from a measurement's folder."""
    missing = (folder / MISSING).read_text().split()
    if missing:
        print(f"README.md and docs are left as they are: {', '.join(missing)} not measured")
        return
    for document, source in DOCUMENTS.items():
        document.write_text(with_tables(document.read_text(), (folder / source).read_text()))
        print(f"Written: {document.relative_to(ROOT)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the --out of the measurement")
    measured: Path = parser.parse_args().folder
    if not (measured / MISSING).is_file():
        parser.error(f"{measured} holds no measurement; `make quality` makes one in out/quality")
    main(measured)
