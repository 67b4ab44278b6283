"""Ends the process within five seconds of a second signal, whatever it is doing: no exception could."""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from contract_tests.errors import INCONCLUSIVE
from contract_tests.transport.interruption import CLEAN_UP_SECONDS, GROUPS, SIGNALS

# So long after the first signal, and so long after the second, the process ends in any case.
LAST_SECONDS = CLEAN_UP_SECONDS + 15.0
GRACE_SECONDS = 3.5
# What was printed and has not gone out may take so long to do so.
FLUSH_SECONDS = 0.5
NOTICE = (
    f"\ninterrupted: removing what this run has made, for {CLEAN_UP_SECONDS:.0f} s at most; "
    "once more, and the run ends within 5 s and leaves it to the next run or to make sweep\n"
)


class Watchdog:
    """Hears every signal of this process; *last_words* go to *out* when it is ended, two file descriptors."""

    def __init__(self, last_words: Callable[[], str], out: int, err: int) -> None:
        self._last_words = last_words
        self._out = out
        self._err = err
        # Python writes the number of each signal there at once, even while the main thread is busy elsewhere.
        self._reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        deadlines: list[float] = []
        while True:
            seconds = max(min(deadlines) - time.monotonic(), 0) if deadlines else None
            if not select.select([self._reader], [], [], seconds)[0]:
                self._leave()
            for _ in (number for number in os.read(self._reader, 64) if number in SIGNALS):
                if not deadlines:
                    write_now(self._err, NOTICE)
                deadlines.append(time.monotonic() + (GRACE_SECONDS if deadlines else LAST_SECONDS))

    def _leave(self) -> NoReturn:
        with suppress(Exception):
            GROUPS.end_all()
        with suppress(Exception):
            flush = threading.Thread(target=sys.stdout.flush, daemon=True)
            flush.start()
            flush.join(FLUSH_SECONDS)
        with suppress(Exception):
            write_now(self._out, f"\n{self._last_words()}\n")
        os._exit(INCONCLUSIVE)


def write_now(descriptor: int, text: str) -> None:
    """Write a text, unless that would have to wait or cannot be done."""
    with suppress(OSError, ValueError):
        if select.select([], [descriptor], [], 0)[1]:
            os.write(descriptor, text.encode("utf-8", "backslashreplace"))
