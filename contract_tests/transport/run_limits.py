"""How many requests a run may send, and how fast, by all threads and processes together, and where it writes what it does."""

import fcntl
import os
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from contract_tests.errors import RunEnded
from contract_tests.transport.journal import Journal, NoJournal
from contract_tests.transport.retry import Retries

# A network may bring two requests closer together than they left.
SLACK = 1.02
STATE = struct.Struct("<qqd")


@dataclass
class _State:
    sent: int
    held: int
    next_slot: float
    """When the next request may leave, on the monotonic clock, which all processes of a machine share."""


class RequestBudget:
    """
    The requests that a run may still send. The count stands in a file, so that the preflight, the run and its workers
    spend one budget at one pace. Some requests are held back: those that remove what the run has made.
    """

    def __init__(self, max_requests: int = 0, requests_per_second: float = 0, file: str | None = None) -> None:
        """Begin, or join, a budget; 0 for no limit. Without a file nobody else spends of it."""
        self.max_requests = max_requests
        self._interval = SLACK / requests_per_second if requests_per_second else 0.0
        self._lock = threading.Lock()
        self._file = -1
        if max_requests or requests_per_second or file:
            self._file = _open(file)

    def take(self, *, is_reserved: bool = False) -> None:
        """Spend one request, and wait until it may leave; RunEnded where none is left that is not held back."""
        with self._locked() as state:
            self._require(state.sent + 1 + (0 if is_reserved else state.held))
            state.sent += 1
            # The others wait for the lock meanwhile, so that a request that leaves late holds up the next as well.
            if (wait := state.next_slot - time.monotonic()) > 0:  # to sleep for no time gives the processor away
                time.sleep(wait)
            state.next_slot = time.monotonic() + self._interval

    def reserve(self, count: int) -> None:
        """Hold back what a request makes necessary, before it is sent; RunEnded where the budget does not allow it."""
        with self._locked() as state:
            self._require(state.sent + 1 + state.held + count)
            state.held += count

    def hold(self, count: int) -> None:
        """Hold back some requests, or with a negative count hold them back no longer."""
        with self._locked() as state:
            state.held += count

    @property
    def sent(self) -> int:
        """How many requests were sent; 0 where nobody counts."""
        with self._locked() as state:
            return state.sent

    @property
    def left(self) -> int:
        """How many requests may still be sent beside those that are held back; below 0 where there is no limit."""
        with self._locked() as state:
            return self.max_requests - state.sent - state.held

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
        with self._lock:
            if self._file < 0:  # nobody counts
                yield _State(0, 0, 0.0)
                return
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                state = _State(*STATE.unpack(os.pread(self._file, STATE.size, 0)))
                yield state
                os.pwrite(self._file, STATE.pack(state.sent, state.held, state.next_slot), 0)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)


def _open(name: str | None) -> int:
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


@dataclass(frozen=True)
class RunLimits:
    """The request budget, the retries and the journal of a run."""

    budget: RequestBudget = field(default_factory=RequestBudget)
    retries: Retries = field(default_factory=Retries)
    journal: Journal = field(default_factory=NoJournal)
    most_attempts: int = 6
    is_first_look: bool = False
    """Whether nobody knows yet what is at the address, so that an answer of any shape tells of it."""
