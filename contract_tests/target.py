"""
The API under test, mock or live: where it is, the key, the personas that a run may touch, every request that it sends.

Every request of every tool goes through one transport, which lets a write through only when it names a persona
that this run has made, or an id that cannot exist. Knows nothing of pytest.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote

import httpx

NAME_PREFIX = "contract-test-"
GATEWAY_STATUSES = frozenset({429, 502, 503, 504})
MOST_ATTEMPTS = 4
BACK_OFF_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
USER_AGENT = "coval-personas-contract/0.1"
# A line of a report shows so many characters of a body, and a shell line holds so many bytes of it as they are.
SHOWN_CHARACTERS = 700
LONG_BODY_BYTES = 200
# Bytes of what a long body repeats: one character, or the opening of a nested value.
RUN_UNITS = range(1, 9)
OWN_KEY = "$COVAL_API_KEY"
# A shorter key is likely to occur in any text, so nothing follows from finding it.
SHORTEST_SECRET = 8
SECRET_HEADERS = frozenset({"x-api-key", "authorization", "cookie", "api-key"})
# Headers that every request has; a line that repeats a request does without them.
USUAL_HEADERS = frozenset({"host", "accept", "user-agent", "content-length", "connection", "accept-encoding"})
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class TargetError(Exception):
    """The API cannot be reached as asked, or a request would touch what the run may not touch."""


class Inconclusive(Exception):
    """The API gave no answer from which anything follows: a time-out, a dropped connection, a gateway's refusal."""


@dataclass(frozen=True)
class Target:
    """An API under test."""

    name: str
    """What a person reads: the mock, or the live API's address."""
    base_url: str
    api_key: str = field(repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether the API runs on this machine."""
        return httpx.URL(self.base_url).host in LOOPBACK_HOSTS


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    """Path and query below the base URL."""
    request_headers: tuple[tuple[str, str], ...]
    """As sent, the key replaced by $COVAL_API_KEY."""
    request_body: bytes = field(repr=False)
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    persona_id: str | None = None
    """The id in the path, where it is one that this run has made."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no line about this exchange may show, wherever the API echoes it."""
    response: httpx.Response | None = field(default=None, repr=False, compare=False)
    """The answer as httpx has it, for tools that judge by themselves."""

    @cached_property
    def json(self) -> Any:
        """The decoded answer, or NOT_JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return NOT_JSON

    @property
    def persona(self) -> dict[str, Any]:
        """The persona in the answer; empty where there is none."""
        answer = self.json
        persona = answer.get("persona") if isinstance(answer, dict) else None
        return persona if isinstance(persona, dict) else {}

    @property
    def was_accepted(self) -> bool:
        """Whether the API says that it did what was asked."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The answer's media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def sent(self) -> str:
        """Return the request as one line, long bodies cut in the middle."""
        return f"{self.method} {self.path}  {_shorten(self.request_body.decode('utf-8', 'backslashreplace'))}".rstrip()

    def received(self) -> str:
        """Return the answer as one line, long bodies cut in the middle."""
        return f"{self.status}  {_shorten(self._hide(self.body.decode('utf-8', 'backslashreplace')))}"

    def curl(self) -> str:
        """
        Return a shell line that repeats the request.

        The address, the key and the persona are variables: the personas of a run are gone when its report is read.
        """
        path = self.path
        if self.persona_id is not None:
            path = path.replace(quote(self.persona_id, safe=""), '"$PERSONA_ID"')
        shown = [(name, value) for name, value in self.request_headers if name not in USUAL_HEADERS]
        headers = [f'-H "{name}: {value}"' for name, value in shown]
        method = [] if self.method == "GET" else ["-X", self.method]
        parts = ["curl", "-sS", *method, f'"$BASE_URL"{_quote_path(path)}', *headers]
        if not self.request_body:
            return " ".join(parts)
        text = self.request_body.decode("utf-8", "surrogateescape")
        is_plain = text.isprintable() and len(self.request_body) <= LONG_BODY_BYTES
        if is_plain:
            return " ".join([*parts, "--data-binary", shlex.quote(text)])
        return f"python3 -c {shlex.quote(_printing(self.request_body))} | " + " ".join([*parts, "--data-binary", "@-"])

    def _hide(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, OWN_KEY)
        return text


class NotJson:
    """The marker for an answer that is not JSON."""

    def __repr__(self) -> str:
        return "not JSON"


NOT_JSON = NotJson()


@dataclass
class Ledger:
    """What a run has made, removed and sent; shared by every connection of the run."""

    made: list[str] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    doubts: list[str] = field(default_factory=list)
    """The requests that got no answer from which anything follows."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def alive(self) -> list[str]:
        """The ids of the personas that this run has made and not removed."""
        return [persona_id for persona_id in self.made if persona_id not in self.removed]


class FencedTransport(httpx.BaseTransport):
    """Lets through what the run may send, notes what it makes and removes."""

    def __init__(self, target: Target, ledger: Ledger) -> None:
        self._base_url = target.base_url
        self._base_path = httpx.URL(target.base_url).path.rstrip("/")
        self._host = httpx.URL(target.base_url).netloc
        self._is_loopback = target.is_loopback
        self._ledger = ledger
        self._inner = httpx.HTTPTransport(limits=httpx.Limits(max_connections=64, max_keepalive_connections=32))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send a request that is allowed.

        Raises:
            TargetError: It would change a persona that this run has not made, or goes to another host.
            Inconclusive: No answer came, or only a gateway's.
        """
        path = self._path(request)
        self._check(request, path)
        response = self._send(request)
        response.request = request
        self._note(request.method, path, response)
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def _is_own(self, persona_id: str, request: httpx.Request) -> bool:
        """
        Read the persona that a create answered with, and say whether it has the name that was sent.

        An API that answers with the id of somebody else's persona must not lead this run to change that one.
        """
        name = _sent_name(request)
        if name is None:
            return True
        key = {name: value for name, value in request.headers.items() if name == "x-api-key"}
        url = f"{self._base_url}/personas/{quote(persona_id, safe='')}"
        read = self._send(httpx.Request("GET", url, headers=key))
        try:
            return bool(read.json()["persona"]["name"] == name)
        except (ValueError, KeyError, TypeError):
            return False

    def _check(self, request: httpx.Request, path: str) -> None:
        if request.url.netloc != self._host:
            raise TargetError(f"{request.method} {request.url}: only {self._host.decode()} is under test")
        segments = [unquote(segment) for segment in path.strip("/").split("/")]
        if request.method in ("GET", "HEAD", "OPTIONS") or segments == ["personas", "voices"]:
            return
        if len(segments) < 2:
            if request.method == "DELETE" or (request.method != "POST" and not self._is_loopback):
                raise TargetError(f"{request.method} {path}: who knows what a write to the whole list would reach")
            return
        if segments[1] not in self._ledger.made and not segments[1].startswith(NAME_PREFIX):
            raise TargetError(f"{request.method} {path}: this run has not made that persona")

    def _send(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and again what may be sent again: any after a 429, which did nothing; a GET after no answer."""
        for attempt in range(1, MOST_ATTEMPTS + 1):
            with self._ledger.lock:
                self._ledger.requests[f"{request.method} {_template(self._path(request))}"] += 1
            try:
                response = self._send_once(request)
            except httpx.TransportError as error:
                reason, wait_seconds = str(error) or type(error).__name__, BACK_OFF_SECONDS * attempt
            else:
                if response.status_code not in GATEWAY_STATUSES:
                    return response
                reason, wait_seconds = f"{response.status_code}", _retry_after_seconds(response)
            may_repeat = request.method == "GET" or reason == "429"
            if attempt == MOST_ATTEMPTS or not may_repeat:
                break
            time.sleep(wait_seconds)
        doubt = f"{request.method} {request.url.path}: {reason}, after {attempt} attempts"
        with self._ledger.lock:
            self._ledger.doubts.append(doubt)
        raise Inconclusive(doubt)

    def _send_once(self, request: httpx.Request) -> httpx.Response:
        started = time.monotonic()
        response = self._inner.handle_request(request)
        response.read()
        response.elapsed = timedelta(seconds=time.monotonic() - started)
        return response

    def _path(self, request: httpx.Request) -> str:
        return request.url.raw_path.partition(b"?")[0].decode("ascii").removeprefix(self._base_path)

    def _note(self, method: str, path: str, response: httpx.Response) -> None:
        """Remember a persona that came into being, or went."""
        segments = [unquote(segment) for segment in path.strip("/").split("/")]
        if method == "POST" and 200 <= response.status_code < 300:
            created = _created_id(response)
            if created is not None and self._is_own(created, response.request):
                with self._ledger.lock:
                    self._ledger.made.append(created)
        if method == "DELETE" and len(segments) == 2 and response.status_code in (200, 202, 204, 404):
            with self._ledger.lock:
                self._ledger.removed.add(segments[1])


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


class Api:
    """Sends requests to the API under test, and keeps to the personas of this run."""

    def __init__(self, target: Target, run: str, *, timeout_seconds: float = 20) -> None:
        self.target = target
        self.run = run
        self.ledger = Ledger()
        self.transport = FencedTransport(target, self.ledger)
        self._client = httpx.Client(transport=self.transport, timeout=timeout_seconds, headers={})
        self._client.headers.clear()
        self._names = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._client.close()

    def new_name(self) -> str:
        """Return a name that no other persona has, by which a person can tell where the persona comes from."""
        with self.ledger.lock:
            self._names += 1
            return f"{NAME_PREFIX}{self.run}-{self._names}"

    def absent_id(self) -> str:
        """Return an id that no persona can have: the API's own ids are never of this form."""
        return self.new_name()

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | str | None = None,
        params: Mapping[str, str] | None = None,
        headers: Iterable[tuple[str, str]] = (),
        content_type: str | None = "application/json",
        key: str | None = OWN_KEY,
        key_header: str = "x-api-key",
    ) -> Exchange:
        """
        Send one request.

        Args:
            method: The HTTP method.
            path: Below the base URL, percent-encoded.
            body: The body as it goes over the wire; text is encoded as UTF-8. None sends no body.
            params: Query parameters, not yet encoded.
            headers: Further headers.
            content_type: Sent along with a body; None leaves it out.
            key: Another key than the target's; None sends no key.
            key_header: The spelling of the key's header.

        Returns:
            The exchange, the key nowhere in it.

        Raises:
            TargetError: The request would touch what the run may not touch.
            Inconclusive: No answer came, or only a gateway's.
        """
        sent_key = self.target.api_key if key == OWN_KEY else key
        own_headers: list[tuple[str, str | bytes]] = [
            ("accept", "application/json"),
            ("user-agent", USER_AGENT),
            *headers,
        ]
        if body is not None and content_type is not None:
            own_headers.append(("content-type", content_type))
        if sent_key is not None:
            own_headers.append((key_header, sent_key.encode("utf-8")))
        content = body.encode("utf-8") if isinstance(body, str) else body
        response = self._client.request(
            method,
            self.target.base_url + path,
            content=content,
            params=params,
            headers=httpx.Headers(own_headers),  # type: ignore[arg-type]  # a value may be bytes
        )
        return self.exchange(response)

    def exchange(self, response: httpx.Response) -> Exchange:
        """Return the exchange that ended in *response*."""
        request = response.request
        target_path = request.url.raw_path.decode("ascii").removeprefix(httpx.URL(self.target.base_url).path)
        last = unquote(target_path.partition("?")[0].rsplit("/", 1)[-1])
        sent_key = request.headers.get("x-api-key", "")
        secrets = [self.target.api_key, *([sent_key] if len(sent_key) >= SHORTEST_SECRET else [])]
        return Exchange(
            request.method,
            target_path.replace(quote(self.target.api_key, safe=""), OWN_KEY),
            tuple((name.lower(), self._shown_value(name, value)) for name, value in request.headers.multi_items()),
            request.content,
            response.status_code,
            response.headers,
            response.content,
            last if last in self.ledger.made else None,
            tuple(sorted(secrets, key=len, reverse=True)),
            response,
        )

    def get(self, persona_id: str) -> Exchange:
        """Read a persona."""
        return self.send("GET", f"/personas/{quote(persona_id, safe='')}")

    def update(self, persona_id: str, body: bytes | str) -> Exchange:
        """Update a persona with a body given as JSON text."""
        return self.send("PATCH", f"/personas/{quote(persona_id, safe='')}", body=body)

    def create(self, body: bytes | str) -> Exchange:
        """Create a persona from a body given as JSON text."""
        return self.send("POST", "/personas", body=body)

    def delete(self, persona_id: str) -> Exchange:
        """Remove a persona of this run."""
        return self.send("DELETE", f"/personas/{quote(persona_id, safe='')}")

    def list_personas(self, **params: str) -> Exchange:
        """List personas."""
        return self.send("GET", "/personas", params=params)

    def voices(self) -> Exchange:
        """List the voices."""
        return self.send("GET", "/personas/voices")

    def remove_all(self) -> list[str]:
        """
        Remove every persona that this run has made.

        Returns:
            The ids that could not be removed; empty when the account is as it was.
        """
        left = []
        for persona_id in self.ledger.alive:
            try:
                exchange = self.delete(persona_id)
            except Inconclusive:
                left.append(persona_id)
            else:
                left += [] if exchange.status in (200, 202, 204, 404) else [persona_id]
        return left

    def _shown_value(self, name: str, value: str) -> str:
        """Return a header's value as a report may show it: a part of the key is as secret as the whole."""
        if value == self.target.api_key:
            return OWN_KEY
        return "another key" if name.lower() in SECRET_HEADERS else value


def _retry_after_seconds(response: httpx.Response) -> float:
    """Return how long an answer asks to wait, in seconds or until a date; a second where it does not say."""
    text = response.headers.get("retry-after", "1")
    try:
        seconds = float(text) if text.isdigit() else (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        seconds = 1.0
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _created_id(response: httpx.Response) -> str | None:
    try:
        created = response.json()["persona"]["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return created if isinstance(created, str) else None


def _sent_name(request: httpx.Request) -> str | None:
    """Return the name of this run's making that a create was sent with; None where it had none."""
    try:
        name = json.loads(request.content)["name"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return name if isinstance(name, str) and name.startswith(NAME_PREFIX) else None


def _template(path: str) -> str:
    """Return the path with a persona's id replaced, so that requests can be counted by operation."""
    segments = path.strip("/").split("/")
    if len(segments) >= 2 and segments != ["personas", "voices"]:
        segments[1] = "{persona_id}"
    return "/" + "/".join(segments)


def _quote_path(path: str) -> str:
    return "".join(
        part if part == '"$PERSONA_ID"' else shlex.quote(part) if part else ""
        for part in _split_keeping(path, '"$PERSONA_ID"')
    )


def _split_keeping(text: str, separator: str) -> list[str]:
    before, found, after = text.partition(separator)
    return [before, found, after] if found else [before]


def _shorten(text: str) -> str:
    text = re.sub(r"(.{1,8}?)\1{23,}", lambda run: f"{run[1]}...({len(run[0]) // len(run[1])} times)...", text)
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[: SHOWN_CHARACTERS // 2]} ...({len(text)} characters)... {text[-SHOWN_CHARACTERS // 4 :]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _printing(body: bytes) -> str:
    """Return a Python program that prints *body*, runs of one character written as a product."""
    pieces: list[str] = []
    rest = body
    while rest:
        unit = next((rest[:size] for size in RUN_UNITS if rest.startswith(rest[:size] * 24)), b"")
        if unit:
            count = 24
            while rest.startswith(unit, count * len(unit)):
                count += 1
            pieces.append(f"{unit!r}*{count}")
            rest = rest[count * len(unit) :]
        else:
            end = next((i for i in range(1, len(rest)) if _starts_run(rest, i)), len(rest))
            pieces.append(repr(rest[:end]))
            rest = rest[end:]
    return f"import sys; sys.stdout.buffer.write({'+'.join(pieces)})"


def _starts_run(body: bytes, at: int) -> bool:
    return any(body.startswith(body[at : at + size] * 24, at) for size in RUN_UNITS)
