"""
Ctrl-C, SIGTERM and a closed terminal: the first signal ends the tests, and what they have made is removed.

The clean-up that follows has a bound: it ends when nothing is answered any more, and at the latest after
CLEAN_UP_SECONDS. What a second signal does stands in watchdog.py. Signals are taken before anything that takes long is
imported, so this module imports nothing that does.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType  # all of these but signal and threading are loaded before any module of ours

from contract_tests.errors import RunEnded

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# After the first signal requests are sent for so long at most, and only while any of them is answered.
CLEAN_UP_SECONDS = 60.0
PATIENCE_SECONDS = 10.0


class Ending:
    """Whether this process was asked to end, and whether its clean-up gets any answers."""

    def __init__(self) -> None:
        self.asked_at: float | None = None
        self._failing_since: float | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the process was asked to end."""
        return self.asked_at is not None

    def ask(self) -> None:
        """Note that the process was asked to end."""
        self.asked_at = time.monotonic()

    def note_answer(self) -> None:
        """Note that a request was answered."""
        self._failing_since = None

    def note_failure(self) -> None:
        """Note that a request was not answered."""
        if self.is_asked and self._failing_since is None:
            self._failing_since = time.monotonic()

    def require_time(self, wait_seconds: float = 0.0) -> None:
        """
        Require that a request may still be sent.

        Args:
            wait_seconds: How long it has to wait before it leaves.

        Raises:
            RunEnded: The process was asked to end, and the time for its clean-up is over.
        """
        if self.asked_at is None:
            return
        now = time.monotonic()
        if threading.current_thread() is not threading.main_thread():
            raise RunEnded("the run was interrupted")  # only the main thread cleans up
        if now + wait_seconds > self.asked_at + CLEAN_UP_SECONDS:
            raise RunEnded(f"the run was interrupted {now - self.asked_at:.0f} s ago")
        failing = 0.0 if self._failing_since is None else now - self._failing_since
        if max(failing, wait_seconds) > PATIENCE_SECONDS:
            raise RunEnded(f"the run was interrupted, and nothing is answered for {PATIENCE_SECONDS:.0f} s")


ENDING = Ending()


class Held:
    """Whether the main thread is in the middle of something that an exception from outside would leave half done."""

    depth = 0
    is_due = False


HELD = Held()


@contextmanager
def held_back() -> Iterator[None]:
    """
    Hold back the interruption until the block is done: a clean-up, or a request inside its pool of connections.

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


@contextmanager
def let_through() -> Iterator[None]:
    """
    Let interruptions through again, inside a block that holds them back.

    Raises:
        KeyboardInterrupt: The run was asked to end, before or meanwhile.
    """
    depth, HELD.depth = HELD.depth, 0
    try:
        if HELD.is_due:
            HELD.is_due = False
            raise KeyboardInterrupt
        yield
    finally:
        HELD.depth = depth


class ProcessGroups:
    """Groups of processes that must not outlive this one, and have nothing to clean up."""

    def __init__(self) -> None:
        self._groups: set[int] = set()

    def add(self, group: int) -> None:
        """Note that a group was started."""
        self._groups.add(group)

    def end(self, group: int) -> None:
        """End a group at once."""
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self._groups.discard(group)

    def end_all(self) -> None:
        """End every group."""
        for group in list(self._groups):
            self.end(group)


GROUPS = ProcessGroups()


def take_signals() -> None:
    """Let the first signal raise KeyboardInterrupt in the main thread, and further ones do nothing there."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)


def pass_signals_by() -> None:
    """Let signals do nothing from now on: the verdict is printed."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    HELD.is_due = False


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Take a signal; only the first interrupts, so that the clean-up is never broken off in the middle of a step."""
    if ENDING.is_asked:
        return
    ENDING.ask()
    if HELD.depth:
        HELD.is_due = True
        return
    raise KeyboardInterrupt
