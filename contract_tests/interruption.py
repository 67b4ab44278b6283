"""
Ctrl-C, SIGTERM and a closed terminal: the first ends the tests, and what they have made is removed.

A second is answered with what is going on, so that nobody breaks off the removal by pressing twice; a third does break
it off, and the journal keeps what is left.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOTICE = "removing what this run has made; once more, and it is left to the next run or to make sweep\n"


class Held:
    """Whether the main thread is in the middle of something that an exception from outside would leave half done."""

    depth = 0
    is_due = False


HELD = Held()


@contextmanager
def held_back() -> Iterator[None]:
    """
    Hold back the end of the run until the block is done: a pool of connections broken off inside its own lock hangs.

    Raises:
        KeyboardInterrupt: The run was asked to end meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    HELD.depth += 1
    try:
        yield
    finally:
        HELD.depth -= 1
        if HELD.is_due and not HELD.depth:
            HELD.is_due = False
            raise KeyboardInterrupt


class Interruption:
    """How often the run was asked to end."""

    def __init__(self) -> None:
        self.count = 0

    def note(self, _number: int, _frame: FrameType | None) -> None:
        """
        Take a signal.

        Raises:
            KeyboardInterrupt: It is the first, or the third.
        """
        self.count += 1
        if self.count == 2:
            os.write(2 if sys.__stderr__ is None else sys.__stderr__.fileno(), NOTICE.encode())
            return
        if HELD.depth:
            HELD.is_due = True
            return
        raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Take the signals that end a run, for as long as the block lasts."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.note) for number in SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
