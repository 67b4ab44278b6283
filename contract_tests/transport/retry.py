"""What stands between a run and the API: limits of rate, gateways, dropped connections. Never a violation."""

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from contract_tests.errors import RunEnded
from contract_tests.foreign_text import shown
from contract_tests.transport.interruption import ENDING

GATEWAY_STATUSES = frozenset({429, 502, 503, 504})
BACK_OFF_SECONDS = 0.25
# Before an answer is asked for again that may be the API's own; what comes every time is not waited for longer.
SHORT_BACK_OFF_SECONDS = 0.05
LONGEST_SHORT_BACK_OFF_SECONDS = 0.4
LONGEST_WAIT_SECONDS = 60.0
LONGEST_WAIT_OF_RUN_SECONDS = 900.0
# After a write that timed out: by then the API has done it, or never will.
LATE_SECONDS = 5.0
MOST_IN_A_ROW = 20
SECONDS_BETWEEN_NOTICES = 3.0
# A clean-up that waits looks so often whether it was interrupted meanwhile.
LONGEST_SLEEP_SECONDS = 1.0
# With these the request has not reached the API.
NOT_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.ProxyError)

_terminal: int | None = None


@dataclass(frozen=True)
class Failure:
    """A request that got no answer of the API's own."""

    reason: str
    was_refused: bool
    """Whether it is certain that the API has done nothing."""
    is_late: bool = False
    """Whether the API may still be about to do what was asked."""
    delay_seconds: float | None = None
    """How long the answer asks to wait; None where it does not say."""
    is_untrusted: bool = False
    """Whether the server shows a certificate that is not trusted."""
    answer: httpx.Response | None = None
    """What came instead of an answer of the API's own, where it may be the API's all the same."""


def failed_answer(response: httpx.Response) -> Failure | None:
    """Return why an answer is none of the API's own; None for one that is."""
    status = response.status_code
    if status not in GATEWAY_STATUSES:
        return None
    asked = response.headers.get("retry-after")
    reason = f"{status}" if asked is None else f"{status}, Retry-After {asked[:40]}"
    # A 429 too may come from a gateway that has sent the request on, so it refuses nothing for certain.
    return Failure(reason, False, status == 504, None if asked is None else retry_after_seconds(asked))


def failed_attempt(error: Exception) -> Failure:
    """Return why no answer came."""
    is_late = isinstance(error, (httpcore.ReadTimeout, httpcore.WriteTimeout))
    reason = str(error) or type(error).__name__
    is_untrusted = "certificate verify failed" in reason.lower()
    return Failure(reason, isinstance(error, NOT_SENT), is_late, is_untrusted=is_untrusted)


def retry_after_seconds(text: str) -> float | None:
    """Read a Retry-After header (RFC 9110, 10.2.3), seconds or a date; None where it cannot be read."""
    try:
        seconds = float(text) if text.isdigit() else (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(seconds, 0.0)


class Retries:
    """Keeps account of the failures of a run, and waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._waited_seconds = 0.0
        self._calm_at = 0.0
        self._told_at = -SECONDS_BETWEEN_NOTICES

    def clear(self) -> None:
        """Note an answer of the API's own."""
        self._in_a_row = 0
        ENDING.failing_since = None

    def count(self, failure: Failure) -> None:
        """Note a failure; RunEnded where it asks to wait for too long, or nothing else has come for a while."""
        ENDING.note_failure()
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= MOST_IN_A_ROW:
                raise RunEnded(f"{MOST_IN_A_ROW} requests in a row got no answer; the last: {failure.reason}")
            if (failure.delay_seconds or 0) > LONGEST_WAIT_SECONDS:
                raise RunEnded(f"the API asks to wait for {failure.delay_seconds:,.0f} seconds: {failure.reason}")
            if self._waited_seconds > LONGEST_WAIT_OF_RUN_SECONDS:
                raise RunEnded(f"{self._waited_seconds:,.0f} seconds were spent waiting; the last: {failure.reason}")

    def pause(self, seconds: float, reason: str) -> None:
        """Let every request of the run wait."""
        now = time.monotonic()
        with self._lock:
            self._waited_seconds += max(now + seconds - max(self._calm_at, now), 0)
            self._calm_at = max(self._calm_at, now + seconds)
            is_due = now - self._told_at >= SECONDS_BETWEEN_NOTICES
            self._told_at = now if is_due else self._told_at
        if is_due:
            _tell(f"waiting {seconds:.3g} s: {reason}")

    def await_calm(self) -> None:
        """Wait until the pause is over; RunEnded where the time of an interrupted run is over."""
        while (left := self._calm_at - time.monotonic()) > 0:
            ENDING.require_time(left)
            time.sleep(min(left, LONGEST_SLEEP_SECONDS))
        ENDING.require_time()


def back_off_seconds(failure: Failure, attempt: int, *, is_fair: bool = False) -> float:
    """Return how long to wait after a failed attempt, the first being 1: as asked, or ever longer."""
    if failure.delay_seconds is not None:
        return failure.delay_seconds
    first = 1.0 if failure.reason == "429" else BACK_OFF_SECONDS
    if is_fair:
        return min(SHORT_BACK_OFF_SECONDS * 2.0 ** (attempt - 1), LONGEST_SHORT_BACK_OFF_SECONDS)
    return min(first * 2.0 ** (attempt - 1), 8.0)


def keep_terminal() -> None:
    """Remember where stderr leads now, so that a person is told of the waiting while a test's own output is captured."""
    global _terminal
    if _terminal is None:
        _terminal = os.dup(2)


def _tell(line: str) -> None:
    sys.stderr.flush()
    with suppress(OSError):  # nobody reads it
        os.write(2 if _terminal is None else _terminal, f"{shown(line)}\n".encode())
