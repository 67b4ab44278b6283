"""The one place through which every request of every tool passes, on its way out and on its way back."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar
from urllib.parse import quote

import httpx

from contract_tests.errors import Inconclusive, RunEnded, TargetError
from contract_tests.foreign_text import shown
from contract_tests.transport import retry
from contract_tests.transport.answers.foreign_answers import AnswerOrigin, Repeats
from contract_tests.transport.interruption import ENDING, held_back
from contract_tests.transport.network.connection import FLAW, connections, proxy_of
from contract_tests.transport.ownership import Ownership
from contract_tests.transport.redaction import Redactor, make_public
from contract_tests.transport.resource_shape import Item, ItemId
from contract_tests.transport.retry import GATEWAY_STATUSES, LONGEST_WAIT_SECONDS, Failure, back_off_seconds
from contract_tests.transport.run_limits import RunLimits
from contract_tests.transport.write_guard import READS, WriteGuard
from contract_tests.transport.written_values import Digests, WrittenValues

T = TypeVar("T")

# Set on a request that puts something right, which may spend what was held back.
CLEANING = "cleaning"
# Set on a create: a Creation.
CREATION = "creation"
GONE = frozenset({200, 202, 204, 404})
# Something uses the item: its removal is asked for again, after so many seconds each.
IN_USE = 409
IN_USE_PAUSES = (0.5, 1.0, 2.0, 4.0)


class GuardedTransport(httpx.BaseTransport):
    """Lets through what the run may send, notes what it makes and removes."""

    def __init__(
        self, base_url: str, api_key: str, guard: WriteGuard, limits: RunLimits, timeout_seconds: float
    ) -> None:
        self.ended = ""
        """Why no further request is sent; empty while the run goes on."""
        self.limits = limits
        self._base_url = base_url
        self._api_key = api_key
        self._guard = guard
        self._shape = guard.shape
        self._created = guard.created
        self.written = WrittenValues()
        self._rest_seconds = 0.0
        """How long an item was in use after it was written, so that later removals wait for it and are asked for once."""
        self._written_at: dict[ItemId, float] = {}
        make_public(guard.shape.public_text)
        self._hidden = Redactor([api_key])
        self._redactor = self._hidden.evident
        self.ownership = Ownership(guard, self.get, limits.journal, limits.budget)
        self._origin = AnswerOrigin(guard, self._control)
        proxy, is_secure = None if guard.is_loopback else proxy_of(base_url), base_url.lower().startswith("https:")
        self._inner = connections(proxy, timeout_seconds, is_secure=is_secure)
        self._was_answered = False
        self._uncertain: set[ItemId | None] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request that is allowed; TargetError, NotAllowed where it is not, Inconclusive where no answer came."""
        with self._created.lock, self._ending():
            self._guard.check(request)
            creates = self._guard.is_create(request)
            self._created.pending += creates
        try:
            return self._create(request) if creates else self._change(request)
        finally:
            with self._created.lock:
                self._created.pending -= creates

    def get(self, path: str, params: dict[str, str] | None = None, *, is_reserved: bool = True) -> httpx.Response:
        """Read something of the transport's own, out of what was held back unless told otherwise."""
        return self._persist(self._own_request("GET", path, params, is_reserved=is_reserved))

    def _own_request(
        self, method: str, path: str, params: dict[str, str] | None = None, *, is_reserved: bool
    ) -> httpx.Request:
        sent: list[tuple[str, str | bytes]] = [("accept", "application/json"), *self._shape.key.headers(self._api_key)]
        headers = httpx.Headers(sent)  # type: ignore[arg-type]  # a value may be bytes
        url = httpx.URL(self._base_url + path)
        if added := {**(params or {}), **self._shape.key.query(self._api_key)}:
            url = url.copy_merge_params(added)
        request = httpx.Request(method, url, headers=headers, extensions={CLEANING: True} if is_reserved else {})
        self._guard.check(request)
        return request

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _create(self, request: httpx.Request) -> httpx.Response:
        with self._ending():
            creation = self.ownership.prepare(request)
        request.extensions[CREATION] = creation
        with self.ownership.pending(creation):
            try:
                response = self._persist(request)
                for item_id in self.ownership.note_answer(creation, response):
                    self._remove_unseen(item_id)
            except (Inconclusive, KeyboardInterrupt):
                self.ownership.note_unsure(creation.name)
                raise
        return response

    def _change(self, request: httpx.Request) -> httpx.Response:
        item_id = self._guard.item_id(request)
        if item_id is None:
            return self._persist(request)
        is_update = request.method == self._shape.methods.get("update")
        if is_update and item_id == self._guard.borrowed_id:
            self._note_written(self.written.sent, request.content)
        if request.method == "DELETE" and self._rest_seconds:
            self._rest(self._written_at.get(item_id, 0.0) + self._rest_seconds - time.monotonic())
        response = self._persist(request)
        if request.method == "DELETE":
            return self._note_removal(request, response, item_id)
        if 200 <= response.status_code < 300:
            self.ownership.note_reading(item_id, response)
            if is_update:
                self._written_at[item_id] = time.monotonic()
            if item_id == self._guard.borrowed_id and CLEANING not in request.extensions:
                self._note_written(self.written.shown, self.ownership.item_of(response))
        return response

    def _note_removal(self, request: httpx.Request, response: httpx.Response, item_id: ItemId) -> httpx.Response:
        """Note that an item is gone, after asking again where it is in use; only the run's own key removes anything."""
        if response.status_code == IN_USE and item_id in self._created.alive:
            response = self._remove_later(request)
        key = self._shape.key
        if response.status_code in GONE and (key.kind == "none" or key.sent_in(request) == self._api_key):
            self.ownership.note_removed(item_id)
        return response

    def _note_written(self, note: Callable[[T], Digests], seen: T) -> None:
        """Remember what goes to the borrowed item or comes from it, on disk before anything is sent."""
        with self._created.lock:
            if new := note(seen):
                self.limits.journal.note(wrote=new)

    def _remove_later(self, request: httpx.Request) -> httpx.Response:
        """Ask again for the removal of an item that is in use, ever more slowly, until it is done or time is over."""
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
        item_id = self._guard.item_id(request)
        before = None if item_id is None else self._created.readings.get(item_id)
        repeats = Repeats()
        waited, attempt, is_unknown = 0.0, 0, False
        while True:
            attempt += 1
            outcome = self._attempt(request)
            if isinstance(outcome, httpx.Response):
                self.limits.retries.clear()
                return self._certain(request, outcome, is_unknown=is_unknown)
            with self._ending():
                self.limits.retries.count(outcome)
            is_write = request.method not in READS
            if is_write and not outcome.was_refused:
                is_unknown = True
                self._uncertain |= {item_id} if request.method == "DELETE" else set()
            is_gateways = outcome.answer is not None and outcome.answer.status_code in GATEWAY_STATUSES
            is_fair = outcome.answer is not None and repeats.is_fair and not is_gateways
            is_known = outcome.answer is not None and self._origin.is_known(request, outcome.answer)
            pause = back_off_seconds(outcome, 1 if is_known and is_fair else attempt, is_fair=is_fair)
            pause = max(pause, retry.LATE_SECONDS) if outcome.is_late and is_write else pause
            waited += pause
            if waited > LONGEST_WAIT_SECONDS or attempt >= self.limits.most_attempts * (1 + is_fair):
                break
            if outcome.is_late and ENDING.is_asked:
                break  # the journal keeps it
            self.limits.retries.pause(pause, f"{request.method} {request.url.path}: {outcome.reason}")
            is_in_doubt = is_write and not outcome.was_refused
            is_over = is_in_doubt and not self._may_send_again(request, before, outcome)
            if outcome.answer is not None and self._origin.is_the_apis(
                request, outcome.answer, repeats, self.limits, is_over=is_over
            ):
                return outcome.answer
            if is_over:
                break
        doubt = f"{request.method} {request.url.path}: {outcome.reason}, after {attempt} attempt{'s' * (attempt > 1)}"
        raise Inconclusive(self._doubt(doubt))

    def _may_send_again(self, request: httpx.Request, before: Item | None, failure: Failure) -> bool:
        """
        Whether a write of unknown outcome may be sent again. A PUT does the same once or twice (RFC 9110, 9.2.2). An
        update of an item of this run that was answered, by whomever, is not under way any more, and the item takes no
        harm. Any other write only where the API shows that it was not done, and will hardly be yet.
        """
        item_id, is_update = self._guard.item_id(request), request.method == self._shape.methods.get("update")
        is_harmless = request.method == "PUT" or (is_update and item_id in self._created.made)
        if failure.answer is not None and is_harmless:
            return True
        if CREATION in request.extensions:
            made = self.ownership.claim_unanswered(request.extensions[CREATION])
            gone = None if made is None else [self._remove_unseen(own) for own in made]  # each is tried
            return gone is not None and all(gone) and not failure.is_late
        if item_id is None or not (is_update or request.method == "DELETE"):
            return False
        if self._guard.is_absent(item_id):
            return True  # no item has this id, so the request does nothing however often it comes
        if not self._shape.can("read"):
            return False
        shown = self.get(self._shape.path_of(item_id))
        if is_update:
            return before is not None and self.ownership.item_of(shown) == before and not failure.is_late
        if shown.status_code == 404:
            self.ownership.note_removed(item_id)
        return 200 <= shown.status_code < 300

    def _certain(self, request: httpx.Request, response: httpx.Response, *, is_unknown: bool) -> httpx.Response:
        """
        Return an answer from which something follows; Inconclusive where it misses an item that a request of unknown
        outcome may have removed.
        """
        item_id, is_removal = self._guard.item_id(request), request.method == "DELETE"
        if 200 <= response.status_code < 300:
            self._origin.note_success(request)
            if is_removal and CLEANING in request.extensions:
                self._uncertain.add(item_id)  # the test that made it knows nothing of its removal
            elif is_removal:
                self._uncertain.discard(item_id)
        if response.status_code != 404 or CLEANING in request.extensions:
            return response
        is_lost = is_unknown and is_removal and (item_id is None or item_id in self._created.made)
        if is_lost and item_id is not None:
            self.ownership.note_removed(item_id)
        if is_lost or (item_id is not None and item_id in self._uncertain and not is_removal):
            doubt = f"{request.method} {request.url.path}: 404 after a removal that was not answered"
            raise Inconclusive(self._doubt(doubt))
        return response

    def _attempt(self, request: httpx.Request) -> httpx.Response | Failure:
        """Send a request once; its answer, cleared of the key, or why there is none of the API's own."""
        removes_own = request.method == "DELETE" and self._guard.item_id(request) in self._created.alive
        is_reserved = CLEANING in request.extensions or removes_own
        if self.ended and not is_reserved:
            raise RunEnded(self._doubt(self.ended))
        self.limits.retries.await_calm()
        with self._ending():
            self.limits.budget.take(is_reserved=is_reserved)
        operation = self._origin.operation(request)
        with self._created.lock:
            self._created.requests[operation] += 1
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
        failure = self._origin.failure(request, response)
        return response if failure is None else self._told(failure)

    def _told(self, failure: Failure) -> Failure:
        return replace(failure, reason=shown(self._hidden.text(failure.reason)))

    def _end_untrusted(self, host: str) -> None:
        """Give up on a server whose certificate is not trusted; where none was trusted before, nothing was made."""
        is_first = not self._was_answered and self.limits.budget.sent <= sum(self._created.requests.values())
        if is_first:
            raise TargetError(f"the certificate of {host} is not trusted; SSL_CERT_FILE names a CA bundle")
        with self._ending():
            raise RunEnded(f"the certificate of {host} is not trusted any more: it has expired, or is another one")

    @contextmanager
    def _ending(self) -> Iterator[None]:
        try:
            yield
        except RunEnded as end:
            self.ended = self.ended or str(end)
            self._doubt(str(end))
            raise

    def _doubt(self, doubt: str) -> str:
        doubt = shown(doubt)
        with self._created.lock:
            self._created.doubts.append(doubt)
        return doubt

    def _control(self, request: httpx.Request, path: str) -> tuple[httpx.Request, httpx.Response | Failure]:
        control = self._own_request("GET", path, is_reserved=CLEANING in request.extensions)
        return control, self._attempt(control)

    def _remove_unseen(self, item_id: ItemId) -> bool:
        """Remove an item that no test knows of; what fails now is tried again at the end of the run."""
        if not self._shape.can("remove"):
            return False
        with suppress(Inconclusive):
            removal = self._own_request("DELETE", self._shape.path_of(item_id), is_reserved=True)
            if self._persist(removal).status_code in GONE:
                self.ownership.note_removed(item_id)
        return item_id in self._created.removed

    def _cleared(self, response: httpx.Response) -> httpx.Response:
        content = self._redactor.raw(response.content)
        headers = kept = response.headers.raw
        lines = b"\n".join(part for header in headers for part in header)
        if self._redactor.holds(lines.decode("utf-8", "surrogateescape")):
            headers = [(self._redactor.raw(name), self._redactor.raw(value)) for name, value in headers]
        told = dict(response.extensions)
        told["reason_phrase"] = self._redactor.raw(told.get("reason_phrase", b""))
        if content is response.content and headers is kept and FLAW not in told:
            response.extensions = told
            return response
        if FLAW in told:
            told[FLAW] = self._redactor.text(told[FLAW])
        cleared = httpx.Response(response.status_code, content=content, extensions=told)
        cleared.headers = httpx.Headers(headers)  # not sooner: the content is unpacked already, whatever they say
        return cleared


class AsyncGuardedTransport(httpx.AsyncBaseTransport):
    """The same for callers that are asynchronous."""

    def __init__(self, guard: GuardedTransport) -> None:
        self._guard = guard

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request that is allowed, in a thread of its own."""
        response = await asyncio.to_thread(self._guard.handle_request, request)
        of_the_packed = (b"content-encoding", b"content-length")
        headers = [item for item in response.headers.raw if item[0].lower() not in of_the_packed]
        told = response.extensions
        return httpx.Response(response.status_code, headers=headers, content=response.content, extensions=told)


def _make_location_readable(url: httpx.URL, response: httpx.Response) -> None:
    """Encode a Location that is no URL: every client of httpx reads it, and fails with an exception of its own."""
    location = response.headers.get("location")
    if location is None:
        return
    try:
        url.join(location)
    except (httpx.InvalidURL, ValueError, TypeError):
        response.headers["location"] = quote(location, safe="", errors="surrogatepass")
