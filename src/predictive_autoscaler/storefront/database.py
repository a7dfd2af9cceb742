"""The SQLite file that all instances of a fleet share."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from predictive_autoscaler.errors import DataError, UsageError
from predictive_autoscaler.storefront import stock_room

# Marks a file as ours, and its tables as those of this version ("SHP" and a number).
FORMAT = 0x53485001
BUSY_SECONDS = 5.0

TABLES = """
CREATE TABLE made (seed INTEGER NOT NULL);
CREATE TABLE channel (id INTEGER PRIMARY KEY, slug TEXT UNIQUE, currency TEXT, rate REAL);
CREATE TABLE shipping (id INTEGER PRIMARY KEY, name TEXT, cents INTEGER);
CREATE TABLE category (id INTEGER PRIMARY KEY, slug TEXT UNIQUE, name TEXT);
CREATE TABLE collection (id INTEGER PRIMARY KEY, slug TEXT UNIQUE, name TEXT);
CREATE TABLE product (
  id INTEGER PRIMARY KEY, slug TEXT UNIQUE, name TEXT, category INTEGER, shipped INTEGER,
  rating REAL
);
CREATE TABLE listing (product INTEGER, channel INTEGER, sold INTEGER,
  PRIMARY KEY (product, channel)) WITHOUT ROWID;
CREATE TABLE collected (collection INTEGER, product INTEGER,
  PRIMARY KEY (collection, product)) WITHOUT ROWID;
CREATE TABLE variant (id INTEGER PRIMARY KEY, product INTEGER, sku TEXT, name TEXT);
CREATE TABLE price (variant INTEGER, channel INTEGER, cents INTEGER,
  PRIMARY KEY (variant, channel)) WITHOUT ROWID;
CREATE TABLE stock (variant INTEGER PRIMARY KEY, units INTEGER NOT NULL);
CREATE TABLE checkout (token TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE placed (id INTEGER PRIMARY KEY, checkout TEXT, channel INTEGER, cents INTEGER);
"""


def open_shop(path: Path, seed: int) -> sqlite3.Connection:
    """Open the shop's file, made from the seed if there is none, with its folder.

    Several processes may do so at once: each makes a file of its own, the first one to put it in
    place wins, and the others use that.

    Raises:
        DataError: the file is not a shop's, or cannot be read or written.
        UsageError: it was made from another seed.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _make(path, seed)
        connection = _connect(path)
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found != FORMAT:
            connection.close()
            raise DataError(f"--database {path}: not a shop's file; name one that does not exist")
        (made,) = connection.execute("SELECT seed FROM made").fetchone()
    except (sqlite3.Error, OSError) as error:
        raise DataError(f"--database {path}: cannot be used: {error}") from error
    if made != seed:
        connection.close()
        raise UsageError(
            f"--seed {seed}: {path} was made from seed {made}; use that one, or another file"
        )
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    # A rehearsal loses nothing that matters if the machine dies, so no write waits for the disk.
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _make(path: Path, seed: int) -> None:
    """Write the file beside its place, then link it there unless another process was faster."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        connection = _connect(draft)
        with contextlib.closing(connection):
            connection.executescript(TABLES)
            with writing(connection):
                connection.execute("INSERT INTO made VALUES (?)", (seed,))
                stock_room.fill(connection, seed)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            # Stays with the file: readers and a writer do not wait for each other.
            connection.execute("PRAGMA journal_mode = WAL")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        for leftover in path.parent.glob(f"{draft.name}*"):
            leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction: all of it, or nothing where it is left by an error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
