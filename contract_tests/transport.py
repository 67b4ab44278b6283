"""
The one place through which every request of every tool passes, on its way out and on its way back.

It asks the fence, spends the budget at its pace, waits out bad weather, writes the journal, and clears answers of the
key before anybody sees them. POST and PATCH are never blindly repeated: after an outcome that nobody knows the API is
read first.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import httpx

from contract_tests.errors import Inconclusive, RunEnded, TargetError
from contract_tests.fence import NAME_PREFIX, READS, Fence, decoded_segments, is_create, sent_name
from contract_tests.interruption import held_back
from contract_tests.journal import Journal, NoJournal
from contract_tests.ledger import Ledger
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

MOST_ATTEMPTS = 6
# Requests held back for each living persona: one removes it, one more for a removal that fails.
HELD_FOR_REMOVAL = 2
# A create is followed by a read that shows whose persona it is.
HELD_FOR_CREATE = HELD_FOR_REMOVAL + 1
# A name is looked for, and what is found is removed.
HELD_FOR_SEARCH = 2
# Set on a request that puts something right, which may spend what was held back.
CLEANING = "cleaning"
GONE = frozenset({200, 202, 204, 404})
# So many pages of a filtered list are searched for a persona of a name.
MOST_PAGES = 5


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
        self._secrecy = Secrecy([api_key], shortest_share=0.5)
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
        with self._ledger.lock:
            self._fence.check(request)
            creates = is_create(request.method, decoded_segments(self._fence.path(request)))
            self._ledger.pending += creates
        try:
            return self._create(request) if creates else self._change(request)
        finally:
            with self._ledger.lock:
                self._ledger.pending -= creates

    def find_by_name(self, name: str) -> list[str]:
        """
        Return the ids of the personas that have exactly a name.

        Raises:
            Inconclusive: The list was not answered.
        """
        found, token = [], None
        # What else a filter understands is not documented, so a name of odd characters is looked for on the first pages.
        query = {"filter": f'name="{name}"'} if re.fullmatch(r"[\w. -]+", name) else {}
        for _ in range(MOST_PAGES):
            params = {**query, "page_size": "100"} | ({"page_token": token} if token else {})
            response = self.put_right("GET", "/personas", params)
            try:
                page = response.json()
                found += [item["id"] for item in page["personas"] if item["name"] == name]
                token = page.get("next_page_token")
            except (ValueError, KeyError, TypeError, AttributeError):
                raise Inconclusive(f"GET /personas answered {response.status_code} and no list") from None
            if not isinstance(token, str) or not token:
                break
        return found

    def put_right(self, method: str, path: str, params: dict[str, str] | None = None) -> httpx.Response:
        """Send a request of the transport's own, out of what was held back."""
        extensions = {CLEANING: True, "timeout": self._timeout}
        headers = {"x-api-key": self._api_key, "accept": "application/json"}
        url = self._base_url + path
        request = httpx.Request(method, url, params=params, headers=headers, extensions=extensions)
        self._fence.check(request)
        return self._persist(request)

    def read_persona(self, persona_id: str) -> httpx.Response:
        """Read a persona, out of what was held back."""
        return self.put_right("GET", f"/personas/{quote(persona_id, safe='')}")

    def claim(self, persona_id: str, name: Any) -> bool:
        """Take a persona for one of this run's, once it is known to be; say whether it was new."""
        is_new = self._ledger.add(persona_id)
        if is_new:
            self.means.journal.created(persona_id, name if isinstance(name, str) else None)
            self.means.allowance.hold(HELD_FOR_REMOVAL)
        return is_new

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _create(self, request: httpx.Request) -> httpx.Response:
        """Send a create, and take its persona for this run's own, if it is."""
        name = sent_name(request)
        noted = name if isinstance(name, str) else None
        with self._ending():
            self.means.allowance.reserve(HELD_FOR_CREATE)
        self.means.journal.creating(noted)
        try:
            response = self._persist(request)
            created = _created_id(response)
            if not 200 <= response.status_code < 300 or created is None:
                self.means.journal.refused(noted)
            elif created not in self._ledger.made and not self._claim_if_own(created, name):
                self._ledger.unclaimed.append(created)
        except Inconclusive:
            self._note_unsure(noted)
            raise
        finally:
            self.means.allowance.hold(-HELD_FOR_CREATE)
        return response

    def _change(self, request: httpx.Request) -> httpx.Response:
        response = self._persist(request)
        segments = decoded_segments(self._fence.path(request))
        if len(segments) == 2 and segments[0] == "personas":
            if request.method == "DELETE" and response.status_code in GONE:
                self._note_removed(segments[1])
            elif response.status_code == 200:
                self._note_reading(segments[1], response)
        return response

    def _claim_if_own(self, persona_id: str, name: Any) -> bool:
        """
        Read the persona that a create answered with, and claim it if it has the name that was sent.

        An API that answers with the id of somebody else's persona must not lead this run to change that one.
        """
        response = self.read_persona(persona_id)
        try:
            shown = response.json()["persona"].get("name")
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        is_own = self._fence.is_own_name(shown) or shown in (None, "") or shown in (name, str(name))
        if is_own:
            self.claim(persona_id, name)
            self._note_reading(persona_id, response)
        return is_own

    def _note_unsure(self, name: str | None) -> None:
        """Remember to look at the end for the personas of a name, and hold back what that takes."""
        if name is not None and name not in self._ledger.unsure_names:
            self._ledger.unsure_names.add(name)
            self.means.allowance.hold(HELD_FOR_SEARCH)

    def _note_removed(self, persona_id: str) -> None:
        if self._ledger.remove(persona_id):
            self.means.journal.removed(persona_id)
            self.means.allowance.hold(-HELD_FOR_REMOVAL)

    def _note_reading(self, persona_id: str, response: httpx.Response) -> None:
        """Remember what the API said of a persona of this run last."""
        if persona_id in self._ledger.made or persona_id == self._fence.lent_id:
            self._ledger.readings[persona_id] = _persona(response)

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
        segments = decoded_segments(self._fence.path(request))
        if is_create(request.method, segments):
            return self._is_unmade(sent_name(request)) and not failure.is_late
        if len(segments) != 2 or segments[0] != "personas" or request.method not in ("PATCH", "DELETE"):
            return False
        if segments[1].startswith(NAME_PREFIX):
            return True  # no persona has this id, so the request does nothing however often it comes
        shown = self.read_persona(segments[1])
        if request.method == "PATCH":
            return before is not None and _persona(shown) == before and not failure.is_late
        if shown.status_code == 404:
            self._note_removed(segments[1])
        return shown.status_code == 200

    def _is_unmade(self, name: Any) -> bool:
        """Look for the personas of a name whose create was not answered, remove them, and say whether none is left."""
        if not self._fence.is_own_name(name):
            return False  # nothing tells such a persona from others
        # Even if it is sent again and answered, the first may yet make a persona, which is looked for at the end.
        self.means.journal.creating(name)
        self._note_unsure(name)
        found = self.find_by_name(name)
        for persona_id in found:
            self.claim(persona_id, name)
        gone = [self._remove_unseen(persona_id) for persona_id in found]
        return all(gone)

    def _remove_unseen(self, persona_id: str) -> bool:
        """Remove a persona that nobody was told of; what fails now is tried again at the end of the run."""
        with suppress(Inconclusive):
            response = self.put_right("DELETE", f"/personas/{quote(persona_id, safe='')}")
            if response.status_code in GONE:
                self._note_removed(persona_id)
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


def _created_id(response: httpx.Response) -> str | None:
    try:
        created = response.json()["persona"]["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return created if isinstance(created, str) and created and "/" not in created else None


def _persona(response: httpx.Response) -> dict[str, Any]:
    try:
        persona = response.json()["persona"]
    except (ValueError, KeyError, TypeError):
        return {}
    return persona if isinstance(persona, dict) else {}


def _template(path: str) -> str:
    """Return the path with a persona's id replaced, so that requests can be counted by operation."""
    segments = path.strip("/").split("/")
    if len(segments) >= 2 and segments != ["personas", "voices"]:
        segments[1] = "{persona_id}"
    return "/" + "/".join(segments)
