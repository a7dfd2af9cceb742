"""Rebuild the recordings behind the README's table from their public sources.

    python scripts/rebuild_traces.py                       # downloads into the folder traces
    python scripts/rebuild_traces.py --from downloaded     # reads source files from a folder

Sources, their licences and the SHA-256 of what must come out (for `minute/`, of what is in
the compressed file) stand in trace_sources.json. Needs pandas. Ends with 1 if a recording
could not be made or is not the one that was measured.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import http.client
import io
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

SOURCES = Path(__file__).with_name("trace_sources.json")
HOST = "https://raw.githubusercontent.com"
TIMEOUT_SECONDS = 60
BIN_MINUTES = 5
GAP_BINS = 12
"""Gaps of up to an hour are filled by interpolation; longer ones stay gaps."""
COLUMNS: Mapping[str, tuple[frozenset[str], str]] = {
    "rate": (frozenset({"TimeStamp"}), "Value"),
    "count": (frozenset({"period", "minute"}), "count"),
    "value": (frozenset({"timestamp"}), "value"),
}
"""By the form of a source: what the column of times may be called, and that of numbers."""


class SourceUnusableError(Exception):
    """A source cannot be had or is not what it should be; says which and why."""


@dataclass(frozen=True)
class Source:
    """Where a recording comes from.

    Attributes:
        form: rate (requests per second, by the minute), count or value (requests per step).
        paths: owner/repository/commit/path, the first that exists is taken.
        first, last: starts of the first and the last bin that are kept, UTC.
        absent_is_zero: the source has rows only for minutes with requests.
        sha256: of what must come out, by path within the folder.
    """

    form: str
    paths: tuple[str, ...]
    licence: str
    step_minutes: int
    first: str
    last: str
    sha256: Mapping[str, str] = field(default_factory=dict)
    absent_is_zero: bool = False

    def addresses(self) -> Iterator[str]:
        """The pinned versions, then the newest, which the SHA-256 tells if it differs."""
        for path in self.paths:
            yield f"{HOST}/{path}"
        for path in self.paths:
            owner, repository, _, inside = path.split("/", 3)
            yield f"{HOST}/{owner}/{repository}/HEAD/{inside}"


def sources() -> dict[str, Source]:
    """All recordings by name."""
    table = json.loads(SOURCES.read_text())
    return {name: Source(**facts) for name, facts in table.items()}


def fetched(source: Source, folder: Path | None) -> bytes:
    """The source file, from the folder if one is given, else from the network.

    Raises:
        SourceUnusableError: no candidate could be had; names each and what happened.
    """
    if folder is not None:
        names = [path.rsplit("/", 1)[1] for path in source.paths]
        # The same name stands in several repositories: a sub-folder may tell them apart.
        found = [path for name in names for path in sorted(folder.rglob(name))]
        if len(found) != 1:
            problem = f"{len(found)} files" if found else "no file"
            raise SourceUnusableError(f"{folder}: {problem} named {' or '.join(names)}")
        return found[0].read_bytes()
    problems = []
    for address in source.addresses():
        try:
            return download(address)
        except (OSError, http.client.HTTPException) as error:
            problems.append(f"{address}: {error}")
    raise SourceUnusableError("; ".join(problems))


def download(address: str) -> bytes:
    """One file over https; says how large it is."""
    if not address.startswith("https://"):
        raise ValueError(f"{address} is not https")
    with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:  # nosec B310 # https
        content: bytes = answer.read()
        announced = answer.headers.get("Content-Length")
    if announced is not None and int(announced) != len(content):
        raise OSError(f"{len(content)} of {announced} bytes arrived")
    print(f"  {address}: {len(content) / 2**20:.1f} MiB")
    return content


def parsed(content: bytes, source: Source) -> pd.Series:
    """Requests per step of the source, on its whole grid; NaN where it has nothing.

    Raises:
        SourceUnusableError: columns, times or numbers are not as they should be.
    """
    times_named, numbers_named = COLUMNS[source.form]
    try:
        frame = pd.read_csv(io.BytesIO(content))
        [times_column] = times_named & set(frame.columns)
        times = pd.to_datetime(frame[times_column], utc=True).dt.tz_localize(None)
        numbers = pd.to_numeric(frame[numbers_named])
    except (KeyError, ValueError) as error:
        wanted = f"{' or '.join(sorted(times_named))} and {numbers_named}"
        raise SourceUnusableError(
            f"columns {wanted} with times and numbers are needed: {error}"
        ) from error
    step = f"{source.step_minutes}min"
    requests = numbers * 60 if source.form == "rate" else numbers
    series = requests.groupby(times.dt.floor(step)).sum().round(2).astype(float)
    grid = pd.date_range(source.first, source.last, freq=step)
    if not series.index.isin(grid).any():
        raise SourceUnusableError(f"nothing between {source.first} and {source.last}")
    return series.reindex(grid, fill_value=0.0 if source.absent_is_zero else float("nan"))


def in_bins(series: pd.Series, source: Source) -> pd.Series:
    """Minutes added up to bins of five; what is coarser stays as it is. Short gaps filled.

    A bin that lacks some of its minutes is scaled up to all of them.
    """
    if source.step_minutes < BIN_MINUTES:
        by_bin = series.resample(f"{BIN_MINUTES}min")
        series = (by_bin.sum() * BIN_MINUTES / by_bin.count()).round(2)
    return series.interpolate(limit=GAP_BINS, limit_area="inside")


def rebuilt(content: bytes, source: Source, name: str) -> dict[str, bytes]:
    """The texts of a recording's files, by path within the folder."""
    series = parsed(content, source)
    files = {f"{name}.csv": csv_text(in_bins(series, source))}
    if source.step_minutes == 1:
        files[f"minute/{name}.csv"] = csv_text(series)
    return files


def csv_text(series: pd.Series) -> bytes:
    """`timestamp,requests`, times in UTC."""
    frame = pd.DataFrame({"timestamp": series.index, "requests": series.to_numpy()})
    text = frame.to_csv(index=False, date_format="%Y-%m-%d %H:%M:%S", lineterminator="\n")
    return text.encode()


def write(folder: Path, path: str, text: bytes) -> None:
    """Write a file whole or not at all; minutes are compressed."""
    minutes = path.startswith("minute/")
    target = folder / (f"{path}.gz" if minutes else path)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.partial")
    unfinished.write_bytes(gzip.compress(text, mtime=0) if minutes else text)
    unfinished.replace(target)


def rebuild(name: str, source: Source, out: Path, folder: Path | None) -> bool:
    """Make one recording; tells whether it is the one that was measured."""
    print(f"{name} ({source.licence}):")
    same = True
    for path, text in rebuilt(fetched(source, folder), source, name).items():
        write(out, path, text)
        as_measured = hashlib.sha256(text).hexdigest() == source.sha256.get(path)
        same &= as_measured
        print(f"  {out / path}: {'as measured' if as_measured else 'DIFFERS from what was'}")
    return same


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    table = sources()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=Path("traces"), help="folder to write to")
    parser.add_argument("--only", choices=list(table), help="one recording")
    parser.add_argument("--from", type=Path, dest="folder", help="folder of downloaded sources")
    chosen = parser.parse_args(arguments)
    failed, differing = [], []
    for name in [chosen.only] if chosen.only else table:
        try:
            if not rebuild(name, table[name], chosen.out, chosen.folder):
                differing.append(name)
        except (SourceUnusableError, urllib.error.URLError) as error:
            failed.append(name)
            print(f"  error: {error}", file=sys.stderr)
    if differing:
        told = ", ".join(differing)
        print(f"not as measured, so figures will differ: {told}", file=sys.stderr)
    if failed:
        print(f"not made: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or differing else 0


if __name__ == "__main__":
    sys.exit(main())
