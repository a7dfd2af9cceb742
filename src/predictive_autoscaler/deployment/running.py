"""Running Terraform and the zip's build: shown or with progress, and never cut off by force."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from predictive_autoscaler.errors import AutoscalerError

PROGRESS_SECONDS = 5.0
_TAIL_LINES = 30


class ChildError(AutoscalerError):
    """A program that was run did not end well."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def stop_like_ctrl_c() -> None:
    """Have a polite kill, or a terminal that is closed, end this as Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    if os.name == "posix":
        signal.signal(signal.SIGHUP, interrupt)


def shown(words: Sequence[str | Path], what: str) -> None:
    """Run a program whose output the reader is to see as it comes.

    Raises:
        ChildError: it ended with another code than 0.
        KeyboardInterrupt: passed on to the program, which has ended by then.
    """
    code = _finished(words, None, what)
    if code != 0:
        raise ChildError(f"{what} ended with code {code}; the reason stands above", code)


def captured(words: Sequence[str | Path], what: str) -> str:
    """Run a program and return what it printed; tell every few seconds that it is at work.

    Raises:
        ChildError: it ended with another code than 0; its message holds what the program said.
        KeyboardInterrupt: passed on to the program, which has ended by then.
    """
    # Files, since a pipe that nobody reads would fill up.
    with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
        code = _finished(words, (out, err), what)
        printed, complained = (_text(file) for file in (out, err))
    if code != 0:
        tail = "\n".join((complained.strip() or printed.strip()).splitlines()[-_TAIL_LINES:])
        raise ChildError(f"{what} ended with code {code}:\n{tail}", code)
    return printed


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _finished(
    words: Sequence[str | Path], files: tuple[IO[bytes], IO[bytes]] | None, what: str
) -> int:
    """Run to the end; returns the exit code."""
    out, err = files or (None, None)
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        # In a group of its own it gets the interrupt from us, and so just once: at a second one
        # Terraform drops everything and forgets what it has made.
        process_group=0 if os.name == "posix" else None,
    )
    interrupted = False
    started = time.monotonic()
    while True:
        try:
            code = process.wait(timeout=PROGRESS_SECONDS)
            break
        except subprocess.TimeoutExpired:
            if files is not None:
                print(f"  {time.monotonic() - started:3.0f} s: {what}", flush=True)
        except KeyboardInterrupt:
            print(f"\ninterrupted: waiting until {what} has ended", file=sys.stderr, flush=True)
            interrupted = True
            if os.name == "posix":
                process.send_signal(signal.SIGINT)
    if interrupted:
        raise KeyboardInterrupt
    return code
