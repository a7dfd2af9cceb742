"""Ctrl-C that somebody else's code has swallowed is not lost."""

from __future__ import annotations

import signal
from contextlib import suppress

import pytest

from predictive_autoscaler.interruption import end_if_interrupted, remembering_interrupts


def test_a_swallowed_interrupt_is_raised_again() -> None:
    with remembering_interrupts():
        end_if_interrupted()
        with suppress(KeyboardInterrupt):  # as a destructor would
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            end_if_interrupted()


def test_afterwards_all_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with suppress(KeyboardInterrupt), remembering_interrupts():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    end_if_interrupted()


def test_where_it_is_ignored_it_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with remembering_interrupts():
            signal.raise_signal(signal.SIGINT)
            end_if_interrupted()
    finally:
        signal.signal(signal.SIGINT, before)
