"""The first signal ends the tests, and what they have made is removed, within bounds; of a second see watchdog.py."""

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
        self.failing_since: float | None = None
        self.held = 0  # how deep the main thread is in what an exception from outside would leave half done
        self.is_due = False  # whether it was interrupted there

    @property
    def is_asked(self) -> bool:
        """Whether the process was asked to end."""
        return self.asked_at is not None

    def note_failure(self) -> None:
        """Note that a request was not answered."""
        if self.is_asked and self.failing_since is None:
            self.failing_since = time.monotonic()

    def require_time(self, delay_seconds: float = 0.0) -> None:
        """Require that a request may still be sent after a delay; RunEnded where the clean-up is out of time."""
        if self.asked_at is None:
            return
        now = time.monotonic()
        if threading.current_thread() is not threading.main_thread():
            raise RunEnded("the run was interrupted")  # only the main thread cleans up
        if now + delay_seconds > self.asked_at + CLEAN_UP_SECONDS:
            raise RunEnded(f"the run was interrupted {now - self.asked_at:.0f} s ago")
        failing = 0.0 if self.failing_since is None else now - self.failing_since
        if max(failing, delay_seconds) > PATIENCE_SECONDS:
            raise RunEnded(f"the run was interrupted, and nothing is answered for {PATIENCE_SECONDS:.0f} s")

    def interrupt_if_due(self) -> None:
        """Raise the KeyboardInterrupt that was held back."""
        if self.is_due and not self.held:
            self.is_due = False
            raise KeyboardInterrupt


ENDING = Ending()


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back an interruption until the block is done: a clean-up, or a request inside its pool of connections."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ENDING.held += 1
    try:
        yield
    finally:
        ENDING.held -= 1
        ENDING.interrupt_if_due()


@contextmanager
def let_through() -> Iterator[None]:
    """Let interruptions through again, inside a block that holds them back."""
    held, ENDING.held = ENDING.held, 0
    try:
        ENDING.interrupt_if_due()
        yield
    finally:
        ENDING.held = held


class ProcessGroups(set[int]):
    """Groups of processes that must not outlive this one, and have nothing to clean up."""

    def end(self, group: int) -> None:
        """End a group at once."""
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self.discard(group)

    def end_all(self) -> None:
        """End every group."""
        for group in list(self):
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
    ENDING.is_due = False


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Take a signal; only the first interrupts, so that the clean-up is never broken off in the middle of a step."""
    if ENDING.is_asked:
        return
    ENDING.asked_at = time.monotonic()
    ENDING.is_due = True
    ENDING.interrupt_if_due()
