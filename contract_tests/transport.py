"""
The one place through which every request of every tool passes, on its way out and on its way back.

It asks the fence, spends the budget at its pace, waits out bad weather, writes the journal, and clears answers of the
key before anybody sees them. POST and PATCH are never blindly repeated: after an outcome that nobody knows the API is
read first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import httpx

from contract_tests.account import Creation
from contract_tests.connection import FLAW, Connections
from contract_tests.errors import Inconclusive, RunEnded, TargetError
from contract_tests.fence import NAME_PREFIX, READS, Fence, decoded_segments, is_create, path_of
from contract_tests.foreign_text import shown
from contract_tests.interruption import ENDING, held_back
from contract_tests.journal import Journal, NoJournal
from contract_tests.ledger import Ledger
from contract_tests.ownership import Ownership, persona_of
from contract_tests.pace import Allowance
from contract_tests.secrecy import Secrecy
from contract_tests.suspicion import (
    ALIKE,
    FIRST_ALIKE,
    KNOWN_ALIKE,
    Habits,
    Repeats,
    is_broken_json,
    kind_of,
    request_key,
    suspicion,
)
from contract_tests.weather import (
    LATE_SECONDS,
    LONGEST_WAIT_SECONDS,
    Failure,
    Weather,
    back_off_seconds,
    failed_answer,
    retry_after_seconds,
)
from contract_tests.written_values import Digests, WrittenValues

T = TypeVar("T")

MOST_ATTEMPTS = 6
# Set on a request that puts something right, which may spend what was held back.
CLEANING = "cleaning"
# Set on a create: a Creation.
CREATION = "creation"
GONE = frozenset({200, 202, 204, 404})
# Something uses the item: its removal is asked for again, after so many seconds each.
IN_USE = 409
IN_USE_PAUSES = (0.5, 1.0, 2.0, 4.0)
# Requests that are good beyond doubt; one that the request on trial is not shows whether the API answers.
CONTROLS = ("/personas/voices", "/personas?page_size=1")
CONTROL_ATTEMPTS = 3
# Headers that speak of a body as it was before it was unpacked.
UNPACKED = (b"content-encoding", b"content-length")


@dataclass(frozen=True)
class Means:
    """What a run may spend, and where it writes down what it does."""

    allowance: Allowance = field(default_factory=Allowance)
    weather: Weather = field(default_factory=Weather)
    journal: Journal | NoJournal = field(default_factory=NoJournal)
    most_attempts: int = MOST_ATTEMPTS
    is_first_look: bool = False
    """Whether nobody knows yet what is at the address, so that an answer of any shape tells of it."""


class FencedTransport(httpx.BaseTransport):
    """Lets through what the run may send, notes what it makes and removes."""

    def __init__(self, base_url: str, api_key: str, fence: Fence, means: Means, timeout_seconds: float) -> None:
        self.ended = ""
        """Why no further request is sent; empty while the run goes on."""
        self.means = means
        self._base_url = base_url
        self._api_key = api_key
        self._fence = fence
        self._ledger: Ledger = fence.ledger
        self.written = WrittenValues()
        """What was sent to the borrowed persona, and read from it."""
        self._rest_seconds = 0.0
        """How long a persona was in use after it was written, so that later removals wait for it and are asked for once."""
        self._written_at: dict[str, float] = {}
        self._hidden = Secrecy([api_key])
        self._secrecy = self._hidden.evident
        self.ownership = Ownership(fence, self.get, means.journal, means.allowance)
        self._inner = _connections(None if fence.is_loopback else proxy_of(base_url), timeout_seconds)
        self._was_answered = False
        self._has_spoken = False
        self._habits = Habits()
        self._uncertain: set[str] = set()

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
        return self._persist(self._own_request("GET", path, params, {CLEANING: True} if is_reserved else {}))

    def _own_request(
        self, method: str, path: str, params: dict[str, str] | None, extensions: dict[str, Any]
    ) -> httpx.Request:
        headers = {"x-api-key": self._api_key, "accept": "application/json"}
        url = self._base_url + path
        request = httpx.Request(method, url, params=params, headers=headers, extensions=extensions)
        self._fence.check(request)
        return request

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
                for persona_id in self.ownership.note_answer(creation, response):
                    self._remove_unseen(persona_id)
            except (Inconclusive, KeyboardInterrupt):
                self.ownership.note_unsure(creation.name)
                raise
        return response

    def _change(self, request: httpx.Request) -> httpx.Response:
        segments = decoded_segments(self._fence.path(request))
        if request.method == "PATCH" and segments[1:] == [self._fence.lent_id]:
            self._note_written(self.written.sent, request.content)
        if request.method == "DELETE" and self._rest_seconds:
            self._rest(self._written_at.get(segments[-1], 0.0) + self._rest_seconds - time.monotonic())
        response = self._persist(request)
        if len(segments) == 2 and segments[0] == "personas":
            if request.method == "DELETE" and response.status_code == IN_USE and segments[1] in self._ledger.alive:
                response = self._remove_later(request)
            is_own_key = request.headers.get("x-api-key") == self._api_key
            if request.method == "DELETE" and response.status_code in GONE and is_own_key:
                self.ownership.note_removed(segments[1])
            elif response.status_code == 200:
                self.ownership.note_reading(segments[1], response)
                if request.method == "PATCH":
                    self._written_at[segments[1]] = time.monotonic()
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
        began = time.monotonic()
        for pause in IN_USE_PAUSES:
            self._rest(pause)
            response = self._persist(request)
            if response.status_code != IN_USE:
                self._rest_seconds = max(self._rest_seconds, time.monotonic() - began)
                break
        return response

    def _rest(self, seconds: float) -> None:
        """Wait, but no longer than a clean-up may take."""
        if seconds > 0:
            ENDING.require_time(seconds)
            time.sleep(seconds)

    def _persist(self, request: httpx.Request) -> httpx.Response:
        """Send a request until the API itself answers, or until it may not be sent again."""
        before = self._known_state(request)
        repeats = Repeats()
        waited, attempt, is_unknown = 0.0, 0, False
        while True:
            attempt += 1
            outcome = self._attempt(request)
            if isinstance(outcome, httpx.Response):
                self.means.weather.clear()
                return self._certain(request, outcome, is_unknown=is_unknown)
            with self._ending():
                self.means.weather.count(outcome)
            is_write = request.method not in READS
            if is_write and not outcome.was_refused:
                is_unknown = True
                self._uncertain |= self._persona_ids(request) if request.method == "DELETE" else set()
            is_fair = outcome.answer is not None and repeats.is_fair
            is_known = outcome.answer is not None and self._kind(request, outcome.answer) in self._habits.kinds
            pause = back_off_seconds(outcome, 1 if is_known and is_fair else attempt, is_fair=is_fair)
            pause = max(pause, LATE_SECONDS) if outcome.is_late and is_write else pause
            waited += pause
            if waited > LONGEST_WAIT_SECONDS or attempt >= self.means.most_attempts * (1 + is_fair):
                break
            if outcome.is_late and ENDING.is_asked:
                break  # the journal keeps it
            self.means.weather.pause(pause, f"{request.method} {request.url.path}: {outcome.reason}")
            is_over = is_write and not outcome.was_refused and not self._may_send_again(request, before, outcome)
            if outcome.answer is not None and self._is_the_apis(request, outcome.answer, repeats, is_over=is_over):
                return outcome.answer
            if is_over:
                break
        doubt = f"{request.method} {request.url.path}: {outcome.reason}, after {attempt} attempts"
        raise Inconclusive(self._doubt(doubt))

    def _may_send_again(self, request: httpx.Request, before: dict[str, Any] | None, outcome: Failure) -> bool:
        """
        Say whether a write of unknown outcome may be sent again.

        PUT does the same once or twice (RFC 9110, 9.2.2), and so does an update (openapi.yaml, #/x-decisions/combinations):
        one that was answered, by whomever, is not under way any more, and a persona of this run takes no harm.
        """
        was_answered = outcome.answer is not None
        is_own = request.method == "PATCH" and self._persona_ids(request) <= set(self._ledger.made)
        if was_answered and (request.method == "PUT" or is_own):
            return True
        return self._may_repeat(request, before, outcome)

    def _certain(self, request: httpx.Request, response: httpx.Response, *, is_unknown: bool) -> httpx.Response:
        """
        Return an answer from which something follows.

        Raises:
            Inconclusive: It misses a persona that a request of unknown outcome may have removed.
        """
        if 200 <= response.status_code < 300:
            self._habits.end_streak(self._operation(request))
            if request.method == "DELETE" and CLEANING in request.extensions:
                self._uncertain |= self._persona_ids(request)  # the test that made it knows nothing of its removal
            elif request.method == "DELETE":
                self._uncertain -= self._persona_ids(request)
        if response.status_code != 404 or CLEANING in request.extensions:
            return response
        missed = self._persona_ids(request)
        is_lost = is_unknown and request.method == "DELETE" and missed <= set(self._ledger.made)
        if is_lost:
            for persona_id in missed:
                self.ownership.note_removed(persona_id)
        if is_lost or (missed and missed <= self._uncertain and request.method != "DELETE"):
            raise Inconclusive(
                self._doubt(f"{request.method} {request.url.path}: 404 after a removal that was not answered")
            )
        return response

    def _is_the_apis(self, request: httpx.Request, answer: httpx.Response, repeats: Repeats, *, is_over: bool) -> bool:
        """Count a suspect answer, and say whether it has come so often between good ones that it is the API's own."""
        kind = self._kind(request, answer)
        # The number of controls varies, so that no beat is met.
        counted, needed, controls = repeats, ALIKE, 1 + repeats.count % 2
        if self.means.is_first_look:
            needed = FIRST_ALIKE
        elif is_over:
            counted, controls = self._habits.streak(self._operation(request)), 1
        elif kind in self._habits.kinds:
            needed, controls = KNOWN_ALIKE, 0 if repeats.kind is None else 1
        needed = needed if is_over else max(min(needed, self.means.most_attempts), FIRST_ALIKE)
        is_own = counted.add(kind, needed, is_between_good=self._are_controls_good(request, answer, controls))
        if is_own and not self.means.is_first_look:
            self._habits.kinds.add(kind)
            if not is_over:
                self._habits.proven[request_key(request)] = kind
        return is_own

    def _are_controls_good(self, request: httpx.Request, answer: httpx.Response, count: int) -> bool:
        """Say whether the API answers well what it can only answer well."""
        if self.means.is_first_look:
            return 200 <= answer.status_code < 500
        if not self._has_spoken and is_broken_json(answer):
            return True  # nothing but JSON that cannot be read ever came from there
        return all(self._is_control_good(request) for _ in range(count))

    def _is_control_good(self, request: httpx.Request) -> bool:
        reserved = {CLEANING: True} if CLEANING in request.extensions else {}
        others = [path for path in CONTROLS if f"GET {path.partition('?')[0]}" != self._operation(request)]
        for attempt in range(1, CONTROL_ATTEMPTS + 1):
            control = self._own_request("GET", others[attempt % len(others)], None, reserved)
            outcome = self._attempt(control)
            if isinstance(outcome, httpx.Response):
                if 200 <= outcome.status_code < 300 and not suspicion(self._operation(control), outcome):
                    self.means.weather.clear()
                    return True
                continue
            self.means.weather.pause(back_off_seconds(outcome, attempt), f"GET {control.url.path}: {outcome.reason}")
        return False

    def _attempt(self, request: httpx.Request) -> httpx.Response | Failure:
        """Send a request once; its answer, cleared of the key, or why there is none of the API's own."""
        is_reserved = CLEANING in request.extensions or self._removes_own(request)
        if self.ended and not is_reserved:
            raise RunEnded(self._doubt(self.ended))
        self.means.weather.await_calm()
        with self._ending():
            self.means.allowance.take(is_reserved=is_reserved)
        operation = self._operation(request)
        with self._ledger.lock:
            self._ledger.requests[operation] += 1
        started = time.monotonic()
        with held_back():
            outcome = self._inner.send(request)
        if isinstance(outcome, Failure):
            if outcome.is_untrusted:
                self._end_untrusted(request.url.host)
            return self._told(outcome)
        self._was_answered = True
        response = self._cleared(outcome)
        _make_location_readable(request.url, response)
        response.request = request
        response.elapsed = timedelta(seconds=time.monotonic() - started)
        failure = failed_answer(response) or self._suspected(request, response)
        return response if failure is None else self._told(failure)

    def _told(self, failure: Failure) -> Failure:
        """Return a failure with its reason as a person may read it."""
        return replace(failure, reason=shown(self._hidden.text(failure.reason)))

    def _suspected(self, request: httpx.Request, response: httpx.Response) -> Failure | None:
        """Return an answer that may be somebody else's as a failure; None where it is known to be the API's."""
        reason = suspicion(self._operation(request), response)
        if not reason:
            self._has_spoken = True
            self._habits.note_good(request)
            return None
        if self._habits.is_proven(request, self._kind(request, response)):
            return None
        asked = retry_after_seconds(response.headers.get("retry-after", ""))
        return Failure(
            reason, False, wait_seconds=asked if (asked or 0) <= LONGEST_WAIT_SECONDS else None, answer=response
        )

    def _end_untrusted(self, host: str) -> None:
        """
        Give up on a server whose certificate is not trusted.

        Raises:
            TargetError: Nothing was answered before, so nothing was made.
            RunEnded: It was trusted before.
        """
        is_first = not self._was_answered and self.means.allowance.sent <= sum(self._ledger.requests.values())
        if is_first:
            raise TargetError(f"the certificate of {host} is not trusted; SSL_CERT_FILE names a CA bundle")
        with self._ending():
            raise RunEnded(f"the certificate of {host} is not trusted any more: it has expired, or is another one")

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
        doubt = shown(doubt)
        with self._ledger.lock:
            self._ledger.doubts.append(doubt)
        return doubt

    def _kind(self, request: httpx.Request, answer: httpx.Response) -> Hashable:
        return kind_of(self._operation(request), answer)

    def _operation(self, request: httpx.Request) -> str:
        return f"{request.method} {_template(self._fence.path(request))}"

    def _persona_ids(self, request: httpx.Request) -> set[str]:
        """Return the id in the path, if there is one."""
        segments = decoded_segments(self._fence.path(request))
        return {segments[1]} if len(segments) == 2 and segments != ["personas", "voices"] else set()

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
            removal = self._own_request("DELETE", path_of(persona_id), None, {CLEANING: True})
            if self._persist(removal).status_code in GONE:
                self.ownership.note_removed(persona_id)
        return persona_id in self._ledger.removed

    def _cleared(self, response: httpx.Response) -> httpx.Response:
        """Return an answer without the key, wherever the API has echoed it."""
        content = self._secrecy.raw(response.content)
        headers = kept = response.headers.raw
        if self._secrecy.holds("\n".join(f"{_text(name)}\n{_text(value)}" for name, value in headers)):
            headers = [(self._secrecy.raw(name), self._secrecy.raw(value)) for name, value in headers]
        told = dict(response.extensions)
        told["reason_phrase"] = self._secrecy.raw(told.get("reason_phrase", b""))
        if content is response.content and headers is kept and FLAW not in told:
            response.extensions = told
            return response
        if FLAW in told:
            told[FLAW] = self._secrecy.text(told[FLAW])
        cleared = httpx.Response(response.status_code, content=content, extensions=told)
        cleared.headers = httpx.Headers(headers)  # not sooner: the content is unpacked already, whatever they say
        return cleared


class AsyncFencedTransport(httpx.AsyncBaseTransport):
    """The same fence for callers that are asynchronous."""

    def __init__(self, fence: FencedTransport) -> None:
        self._fence = fence

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request that is allowed, in a thread of its own."""
        response = await asyncio.to_thread(self._fence.handle_request, request)
        headers = [item for item in response.headers.raw if item[0].lower() not in UNPACKED]
        told = response.extensions
        return httpx.Response(response.status_code, headers=headers, content=response.content, extensions=told)


def _connections(proxy: httpx.Proxy | None, timeout_seconds: float) -> Connections:
    """
    Open what holds the connections; SSL_CERT_FILE and SSL_CERT_DIR count as httpx has them.

    Raises:
        TargetError: The environment names a proxy or a CA bundle that cannot be used.
    """
    try:
        return Connections(proxy, timeout_seconds)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
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


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _make_location_readable(url: httpx.URL, response: httpx.Response) -> None:
    """Encode a Location that is no URL: every client of httpx reads it, and fails with an exception of its own."""
    location = response.headers.get("location")
    if location is None:
        return
    try:
        url.join(location)
    except (httpx.InvalidURL, ValueError, TypeError):
        response.headers["location"] = quote(location, safe="", errors="surrogatepass")


def _template(path: str) -> str:
    """Return the path with a persona's id replaced, so that requests can be counted by operation."""
    segments = path.strip("/").split("/")
    if len(segments) >= 2 and segments != ["personas", "voices"]:
        segments[1] = "{persona_id}"
    return "/" + "/".join(segments)
