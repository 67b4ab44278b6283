"""
The one place through which every request of every tool passes, on its way out and on its way back.

It asks the fence, spends the budget at its pace, waits out bad weather, writes the journal, and clears answers of the
key before anybody sees them. POST and PATCH are never blindly repeated: after an outcome that nobody knows the API is
read first.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx

from contract_tests.account import Creation
from contract_tests.errors import Inconclusive, RunEnded, TargetError
from contract_tests.fence import NAME_PREFIX, READS, Fence, decoded_segments, is_create
from contract_tests.interruption import ENDING, held_back
from contract_tests.journal import Journal, NoJournal
from contract_tests.ledger import Ledger
from contract_tests.ownership import Ownership, path_of, persona_of
from contract_tests.pace import Allowance
from contract_tests.secrecy import Secrecy
from contract_tests.weather import (
    LATE_SECONDS,
    LONGEST_WAIT_SECONDS,
    Failure,
    Weather,
    back_off_seconds,
    failed_answer,
    failed_attempt,
)
from contract_tests.written_values import Digests, WrittenValues

T = TypeVar("T")

MOST_ATTEMPTS = 6
# Set on a request that puts something right, which may spend what was held back.
CLEANING = "cleaning"
# Set on a create: a Creation.
CREATION = "creation"
GONE = frozenset({200, 202, 204, 404})
# Something uses the item: its removal is asked for again, for so long.
IN_USE = 409
LONGEST_IN_USE_SECONDS = 8.0


@dataclass(frozen=True)
class Means:
    """What a run may spend, and where it writes down what it does."""

    allowance: Allowance = field(default_factory=Allowance)
    weather: Weather = field(default_factory=Weather)
    journal: Journal | NoJournal = field(default_factory=NoJournal)
    most_attempts: int = MOST_ATTEMPTS


class FencedTransport(httpx.BaseTransport):
    """Lets through what the run may send, notes what it makes and removes."""

    def __init__(self, base_url: str, api_key: str, fence: Fence, means: Means, timeout_seconds: float) -> None:
        self.ended = ""
        """Why no further request is sent; empty while the run goes on."""
        self.means = means
        self._base_url = base_url
        self._api_key = api_key
        self._timeout = httpx.Timeout(timeout_seconds).as_dict()
        self._fence = fence
        self._ledger: Ledger = fence.ledger
        self.written = WrittenValues()
        """What was sent to the borrowed persona, and read from it."""
        self._rest_seconds = 0.0
        """How long a persona was in use after it was written, so that later removals wait for it and are asked for once."""
        self._secrecy = Secrecy([api_key], shortest_share=0.5)
        self.ownership = Ownership(fence, self.get, means.journal, means.allowance)
        self._inner = _connections(None if fence.is_loopback else proxy_of(base_url))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send a request that is allowed.

        Raises:
            TargetError: It would change a persona that this run has not made, or goes to another host.
            NotAllowed: It would make or remove one where the account may not.
            Inconclusive: No answer came, or only a gateway's.
            RunEnded: The budget is spent, or nothing has been answered for a while.
        """
        with self._ledger.lock, self._ending():
            self._fence.check(request)
            creates = is_create(request.method, decoded_segments(self._fence.path(request)))
            self._ledger.pending += creates
        try:
            return self._create(request) if creates else self._change(request)
        finally:
            with self._ledger.lock:
                self._ledger.pending -= creates

    def get(self, path: str, params: dict[str, str] | None = None, *, is_reserved: bool = True) -> httpx.Response:
        """Read something of the transport's own, out of what was held back unless told otherwise."""
        return self._own("GET", path, params, is_reserved=is_reserved)

    def _own(
        self, method: str, path: str, params: dict[str, str] | None = None, *, is_reserved: bool = True
    ) -> httpx.Response:
        extensions = {"timeout": self._timeout} | ({CLEANING: True} if is_reserved else {})
        headers = {"x-api-key": self._api_key, "accept": "application/json"}
        url = self._base_url + path
        request = httpx.Request(method, url, params=params, headers=headers, extensions=extensions)
        self._fence.check(request)
        return self._persist(request)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _create(self, request: httpx.Request) -> httpx.Response:
        """Send a create, and find out which persona it has made."""
        with self._ending():
            creation = self.ownership.prepare(request)
        request.extensions[CREATION] = creation
        with self.ownership.pending(creation):
            try:
                response = self._persist(request)
                self.ownership.note_answer(creation, response)
            except Inconclusive:
                self.ownership.note_unsure(creation.name)
                raise
        return response

    def _change(self, request: httpx.Request) -> httpx.Response:
        segments = decoded_segments(self._fence.path(request))
        if request.method == "PATCH" and segments[1:] == [self._fence.lent_id]:
            self._note_written(self.written.sent, request.content)
        if request.method == "DELETE" and self._rest_seconds and segments[1:] and segments[1] in self._ledger.alive:
            time.sleep(self._rest_seconds)
        response = self._persist(request)
        if len(segments) == 2 and segments[0] == "personas":
            if request.method == "DELETE" and response.status_code == IN_USE and segments[1] in self._ledger.alive:
                response = self._remove_later(request)
            if request.method == "DELETE" and response.status_code in GONE:
                self.ownership.note_removed(segments[1])
            elif response.status_code == 200:
                self.ownership.note_reading(segments[1], response)
                if segments[1] == self._fence.lent_id and CLEANING not in request.extensions:
                    self._note_written(self.written.shown, persona_of(response))
        return response

    def _note_written(self, note: Callable[[T], Digests], seen: T) -> None:
        """Remember what goes to the borrowed persona or comes from it, on disk before anything is sent."""
        with self._ledger.lock:
            if new := note(seen):
                self.means.journal.wrote(new)

    def _remove_later(self, request: httpx.Request) -> httpx.Response:
        """Ask again for the removal of a persona that is in use, ever more slowly, until it is done or time is over."""
        waited, pause = 0.0, 0.5
        while True:
            time.sleep(pause)
            waited, pause = waited + pause, pause * 2
            response = self._persist(request)
            if response.status_code != IN_USE:
                self._rest_seconds = max(self._rest_seconds, waited)
                return response
            if waited >= LONGEST_IN_USE_SECONDS:
                return response

    def _persist(self, request: httpx.Request) -> httpx.Response:
        """Send a request until the API itself answers, or until it may not be sent again."""
        before = self._known_state(request)
        waited = 0.0
        attempt = 0
        while True:
            attempt += 1
            outcome = self._attempt(request)
            if isinstance(outcome, httpx.Response):
                self.means.weather.clear()
                return outcome
            with self._ending():
                self.means.weather.count(outcome)
            is_write = request.method not in READS
            pause = back_off_seconds(outcome, attempt)
            pause = max(pause, LATE_SECONDS) if outcome.is_late and is_write else pause
            waited += pause
            if attempt >= self.means.most_attempts or waited > LONGEST_WAIT_SECONDS:
                break
            if outcome.is_late and ENDING.is_asked:
                break  # the journal keeps it
            self.means.weather.pause(pause, f"{request.method} {request.url.path}: {outcome.reason}")
            if is_write and not outcome.was_refused and not self._may_repeat(request, before, outcome):
                break
        doubt = f"{request.method} {request.url.path}: {outcome.reason}, after {attempt} attempts"
        raise Inconclusive(self._doubt(doubt))

    def _attempt(self, request: httpx.Request) -> httpx.Response | Failure:
        """Send a request once; its answer, cleared of the key, or why there is none of the API's own."""
        is_reserved = CLEANING in request.extensions or self._removes_own(request)
        if self.ended and not is_reserved:
            raise RunEnded(self._doubt(self.ended))
        self.means.weather.await_calm()
        with self._ending():
            self.means.allowance.take(is_reserved=is_reserved)
        with self._ledger.lock:
            self._ledger.requests[f"{request.method} {_template(self._fence.path(request))}"] += 1
        started = time.monotonic()
        try:
            with held_back():
                response = self._inner.handle_request(request)
                response.read()
        except httpx.TransportError as error:
            if "certificate verify failed" in str(error).lower():
                host = request.url.host
                raise TargetError(
                    f"the certificate of {host} is not trusted; SSL_CERT_FILE names a CA bundle"
                ) from None
            failure = failed_attempt(error)
            return dataclasses.replace(failure, reason=self._secrecy.text(failure.reason))
        response = self._cleared(response)
        response.request = request
        response.elapsed = timedelta(seconds=time.monotonic() - started)
        return failed_answer(response) or response

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Remember why the run ended, if it does in this block."""
        try:
            yield
        except RunEnded as end:
            self.ended = self.ended or str(end)
            self._doubt(str(end))
            raise

    def _doubt(self, doubt: str) -> str:
        with self._ledger.lock:
            self._ledger.doubts.append(doubt)
        return doubt

    def _removes_own(self, request: httpx.Request) -> bool:
        segments = decoded_segments(self._fence.path(request))
        return request.method == "DELETE" and len(segments) == 2 and segments[1] in self._ledger.alive

    def _known_state(self, request: httpx.Request) -> dict[str, Any] | None:
        """Return what the API said last of the persona that a request would change."""
        segments = decoded_segments(self._fence.path(request))
        return self._ledger.readings.get(segments[1]) if len(segments) == 2 else None

    def _may_repeat(self, request: httpx.Request, before: dict[str, Any] | None, failure: Failure) -> bool:
        """
        Read whether a write of unknown outcome was done, and say whether it may be sent again.

        Args:
            request: A create, an update or a removal.
            before: The persona as the API showed it before.
            failure: Why nobody knows.

        Returns:
            True only where the API shows that nothing was done, and will hardly do it yet.
        """
        if CREATION in request.extensions:
            return self._is_unmade(request.extensions[CREATION]) and not failure.is_late
        segments = decoded_segments(self._fence.path(request))
        if len(segments) != 2 or segments[0] != "personas" or request.method not in ("PATCH", "DELETE"):
            return False
        if segments[1].startswith(NAME_PREFIX):
            return True  # no persona has this id, so the request does nothing however often it comes
        shown = self.get(path_of(segments[1]))
        if request.method == "PATCH":
            return before is not None and persona_of(shown) == before and not failure.is_late
        if shown.status_code == 404:
            self.ownership.note_removed(segments[1])
        return shown.status_code == 200

    def _is_unmade(self, creation: Creation) -> bool:
        """Remove what a create has made that was not answered, and say whether nothing of it is left."""
        made = self.ownership.claim_unanswered(creation)
        if made is None:
            return False
        gone = [self._remove_unseen(persona_id) for persona_id in made]  # each is tried, whatever became of the others
        return all(gone)

    def _remove_unseen(self, persona_id: str) -> bool:
        """Remove a persona that nobody was told of; what fails now is tried again at the end of the run."""
        with suppress(Inconclusive):
            if self._own("DELETE", path_of(persona_id)).status_code in GONE:
                self.ownership.note_removed(persona_id)
        return persona_id in self._ledger.removed

    def _cleared(self, response: httpx.Response) -> httpx.Response:
        """Return an answer without the key, wherever the API has echoed it."""
        content = self._secrecy.raw(response.content)
        headers = [(self._secrecy.text(n), self._secrecy.text(value)) for n, value in response.headers.multi_items()]
        phrase = response.extensions.get("reason_phrase", b"")
        extensions = {**response.extensions, "reason_phrase": self._secrecy.raw(phrase)}
        if content is response.content and headers == response.headers.multi_items():
            response.extensions = extensions
            return response
        # The content is decoded already, so the headers that say how it was encoded would mislead.
        headers = [item for item in headers if item[0] not in ("content-encoding", "content-length")]
        return httpx.Response(response.status_code, headers=headers, content=content, extensions=extensions)


class AsyncFencedTransport(httpx.AsyncBaseTransport):
    """The same fence for callers that are asynchronous."""

    def __init__(self, fence: FencedTransport) -> None:
        self._fence = fence

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request that is allowed, in a thread of its own."""
        response = await asyncio.to_thread(self._fence.handle_request, request)
        # Its content is decoded already, so the header that says how it was encoded would mislead.
        headers = [
            item for item in response.headers.multi_items() if item[0] not in ("content-encoding", "content-length")
        ]
        return httpx.Response(response.status_code, headers=headers, content=response.content)


def _connections(proxy: httpx.Proxy | None) -> httpx.HTTPTransport:
    """
    Open what holds the connections; SSL_CERT_FILE and SSL_CERT_DIR count as httpx has them.

    Raises:
        TargetError: The environment names a proxy or a CA bundle that cannot be used.
    """
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
    try:
        return httpx.HTTPTransport(limits=limits, proxy=proxy)
    except (OSError, ValueError, ImportError) as error:
        raise TargetError(f"SSL_CERT_FILE, or the proxy in the environment, cannot be used: {error}") from None


def proxy_of(base_url: str) -> httpx.Proxy | None:
    """
    Return the proxy that the environment names for an address.

    Raises:
        TargetError: It names one that cannot be used.
    """
    url = httpx.URL(base_url)
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or proxy_bypass(url.host):
        return None
    try:
        return httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL) as error:
        raise TargetError(f"the proxy for {url.scheme} in the environment cannot be used: {error}") from None


def _template(path: str) -> str:
    """Return the path with a persona's id replaced, so that requests can be counted by operation."""
    segments = path.strip("/").split("/")
    if len(segments) >= 2 and segments != ["personas", "voices"]:
        segments[1] = "{persona_id}"
    return "/" + "/".join(segments)
