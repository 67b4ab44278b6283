"""How many requests a run may send, and how fast: kept strictly, by all threads and processes of the run together."""

from __future__ import annotations

import fcntl
import os
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from contract_tests.errors import RunEnded

# A network may bring two requests closer together than they left.
SLACK = 1.02
STATE = struct.Struct("<qqd")


@dataclass
class _State:
    sent: int
    held: int
    next_slot: float
    """When the next request may leave, on the monotonic clock, which all processes of a machine share."""


class Allowance:
    """
    The requests that a run may still send.

    The count and the time of the next request stand in a file, so that the probe, the run and the workers of xdist
    spend one budget at one pace. Some requests are held back: those that remove what the run has made.
    """

    def __init__(self, max_requests: int = 0, requests_per_second: float = 0, file: str | None = None) -> None:
        """
        Begin, or join, a budget.

        Args:
            max_requests: How many requests may be sent in all; 0 for no limit.
            requests_per_second: How fast; 0 for no limit.
            file: Where the count stands, also where there is no limit; without it nobody else spends of this budget.
        """
        self.max_requests = max_requests
        self._interval = SLACK / requests_per_second if requests_per_second else 0.0
        self._lock = threading.Lock()
        self._file = -1
        if max_requests or requests_per_second or file:
            self._file = _open(file)

    def take(self, *, is_reserved: bool = False) -> None:
        """
        Spend one request, and wait until it may leave.

        Args:
            is_reserved: Whether it is one that was held back, or removes something.

        Raises:
            RunEnded: The budget does not allow it.
        """
        if self._file < 0:
            return
        with self._locked() as state:
            self._require(state.sent + 1 + (0 if is_reserved else state.held))
            state.sent += 1
            # The others wait for the lock meanwhile, so that a request that leaves late holds up the next as well.
            time.sleep(max(state.next_slot - time.monotonic(), 0))
            state.next_slot = time.monotonic() + self._interval

    def reserve(self, count: int) -> None:
        """
        Hold back what a request makes necessary, before it is sent.

        Raises:
            RunEnded: The budget does not allow it.
        """
        if self._file < 0:
            return
        with self._locked() as state:
            self._require(state.sent + 1 + state.held + count)
            state.held += count

    def hold(self, count: int) -> None:
        """Hold back some requests, or with a negative count hold them back no longer."""
        if self._file < 0:
            return
        with self._locked() as state:
            state.held += count

    @property
    def sent(self) -> int:
        """How many requests were sent; 0 where nobody counts."""
        if self._file < 0:
            return 0
        with self._locked() as state:
            return state.sent

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _require(self, count: int) -> None:
        if self.max_requests and count > self.max_requests:
            raise RunEnded(f"the budget of {self.max_requests:,} requests (MAX_REQUESTS) is spent")

    @contextmanager
    def _locked(self) -> Iterator[_State]:
        """Lend the state to one thread of one process at a time, and write it back."""
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                state = _State(*STATE.unpack(os.pread(self._file, STATE.size, 0)))
                yield state
                os.pwrite(self._file, STATE.pack(state.sent, state.held, state.next_slot), 0)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)


def _open(name: str | None) -> int:
    """Open the file of a budget, new ones with nothing spent."""
    if name is None:
        descriptor, name = tempfile.mkstemp(prefix="contract-tests-")
        os.unlink(name)
    else:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    if os.fstat(descriptor).st_size < STATE.size:
        os.pwrite(descriptor, STATE.pack(0, 0, 0.0), 0)
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return descriptor
