"""Processes that end with whoever started them, whatever that ends by.

All of them are forked from one that has imported what they need (multiprocessing's fork server), so
that an instance starts in milliseconds. Ctrl-C reaches every process of a terminal: here only the
first one listens to it, and ends the others in order.
"""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.util  # Before what is registered below, which then comes first at exit.
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any

SECONDS_TO_END = 3.0
PRELOADED = ("predictive_autoscaler.rehearsal.workers",)

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(PRELOADED))


def start(work: Callable[..., None], *given: Any) -> BaseProcess:
    """Run a function of a module in a process of its own."""
    process = _context.Process(target=_ward, args=(work, *given), daemon=False)
    with _without_main():
        process.start()
    return process


@contextmanager
def _without_main() -> Iterator[None]:
    """Every new process imports the program's own main module, whatever that drags along, unless
    there seems to be none. Nothing that runs here comes from it.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def pipe() -> tuple[Any, Any]:
    """Ends to receive from and to send to."""
    return _context.Pipe(duplex=False)


def end(processes: Sequence[BaseProcess]) -> None:
    """End processes together, by force where asking does not help."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(SECONDS_TO_END)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


@atexit.register
def _end_leftovers() -> None:
    """End what nobody has ended, as when Ctrl-C comes while it is being started. Else
    multiprocessing waits for it at exit, and it in turn for this process to be gone.
    """
    end(multiprocessing.active_children())


def _ward(work: Callable[..., None], *given: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, daemon=True).start()
    work(*given)


def _end_with() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(SECONDS_TO_END)
        os._exit(1)


def mind(command: Sequence[str], environment: Mapping[str, str], log: Path, result: Any) -> None:
    """Run another program; it and its children end with this process.

    Args:
        result: gets its exit code, and the processor seconds that it and its children took.
    """
    with log.open("w") as output:
        program = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )

        def stop(*_: object) -> None:
            _end_group(program)
            sys.exit(1)

        signal.signal(signal.SIGTERM, stop)
        code = program.wait()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        result.send((code, used.ru_utime + used.ru_stime))


def _end_group(program: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(program.pid, number)
        except ProcessLookupError:
            return
        try:
            program.wait(SECONDS_TO_END / 2)
        except subprocess.TimeoutExpired:
            continue
        return
