"""
Answers that may be somebody else's than the API's: a gateway's page, a redirect, half an answer, nothing at all.

One such answer shows nothing. It is asked for again, between requests that are known to be answered well: what does
not come again is weather, and what comes again every time is the API's own doing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from contract_tests.connection import FLAW
from contract_tests.reading import Unreadable, read_json

# Answers alike until they count as the API's own. Where one in seventeen is not, six in a row come once in 40 million.
ALIKE = 6
# The same for an answer that another request is known to get every time.
KNOWN_ALIKE = 3
# At the first look nothing is judged, only what is at the address.
FIRST_ALIKE = 2
# Statuses that no API gives of its own accord: of gateways, of servers that are overloaded, of Cloudflare.
FOREIGN_STATUSES = frozenset({408, 425, 507, 511, *range(520, 531), 598, 599})
# Statuses with which a web server refuses a request that is no operation of the API, in whatever shape.
SERVER_STATUSES = frozenset({404, 405, 413, 414, 415, 431, 501})
# What the contract documents. Of the refusal of anything else it promises no shape.
OPERATIONS = frozenset({
    "GET /personas", "POST /personas", "GET /personas/voices", "GET /personas/{persona_id}",
    "PATCH /personas/{persona_id}", "DELETE /personas/{persona_id}",
})  # fmt: skip
# What differs in a page from one time to the next: names of requests that hold a digit, times, numbers.
NAMING = re.compile(rb"[A-Za-z0-9_-]{8,}")
CHANGING = re.compile(rb"[0-9A-Fa-f]{6,}|\d+")
DIGIT = re.compile(rb"\d")
COMPARED_BYTES = 4096


def suspicion(operation: str, response: httpx.Response) -> str:
    """
    Return why an answer may be somebody else's than the API's.

    Args:
        operation: Method and path of the request, the id replaced.
        response: The answer.

    Returns:
        A few words; empty for an answer of a shape in which the API itself may answer.
    """
    status = response.status_code
    if FLAW in response.extensions:
        return str(response.extensions[FLAW])
    if status in FOREIGN_STATUSES or not 200 <= status < 600:
        return f"status {status}"
    if 300 <= status < 400:
        return f"a redirect, {status}"
    if status in SERVER_STATUSES and operation not in OPERATIONS:
        return ""
    if not response.content:
        return f"{status} and nothing"
    return _foreign_body(status, response.content)


def is_broken_json(response: httpx.Response) -> bool:
    """Whether an answer says that it is JSON and cannot be read as JSON, as no gateway's answer does."""
    if response.status_code >= 500 or not response.content or "json" not in _media_type(response):
        return False
    try:
        read_json(response.content)
    except Unreadable:
        return True
    return False


def kind_of(operation: str, response: httpx.Response) -> Hashable:
    """
    Return what two answers have in common that are alike.

    Of JSON the names of its members count, of anything else the text, but for times, numbers and names of requests.
    """
    flaw = _unchanging(str(response.extensions.get(FLAW, "")).encode("utf-8", "replace"))
    look = "" if flaw else _look(response.content)
    # A page with which an API refuses one thing is the page with which it refuses another.
    is_refusal = response.status_code >= 400 and bool(response.content) and not flaw
    return "" if is_refusal else operation, response.status_code, _media_type(response), flaw, look


def request_key(request: httpx.Request) -> bytes:
    """Return what only the very same request has: a digest of all that is sent."""
    digest = hashlib.sha256(f"{request.method} {request.url}\n".encode("utf-8", "replace"))
    for name, value in sorted(request.headers.raw):
        digest.update(name.lower() + b": " + value + b"\n")
    digest.update(b"\n" + request.content)
    return digest.digest()


@dataclass
class Repeats:
    """The suspect answers to one request, or to an operation, that came one after the other."""

    kind: Hashable = None
    count: int = 0
    is_fair: bool = True
    """Whether what was sent between them was answered well."""

    def add(self, kind: Hashable, needed: int, *, is_between_good: bool) -> bool:
        """Count an answer, and say whether as many alike have come as are needed to know that it is the API's own."""
        self.count = self.count + 1 if kind == self.kind else 1
        self.kind = kind
        self.is_fair = is_between_good
        if not is_between_good:
            self.count = 0
        return self.count >= needed


@dataclass
class Habits:
    """What a run has found to be the API's own, though it does not look so."""

    kinds: set[Hashable] = field(default_factory=set)
    """Answers that some request gets every time; another request may get the same one by chance."""
    proven: dict[bytes, Hashable] = field(default_factory=dict)
    """What a request gets every time, by its key, since it was answered otherwise."""
    streaks: dict[str, Repeats] = field(default_factory=dict)
    """The suspect answers to writes that could not be sent again, by operation, since one was answered well."""

    def is_proven(self, request: httpx.Request, kind: Hashable) -> bool:
        """Whether this very request is known to get such an answer every time."""
        return bool(self.proven) and self.proven.get(request_key(request)) == kind

    def note_good(self, request: httpx.Request) -> None:
        """Note an answer to a request that is not suspect, so that nothing is known of the next one."""
        if self.proven:
            self.proven.pop(request_key(request), None)

    def streak(self, operation: str) -> Repeats:
        """Return the suspect answers to an operation, none of whose requests was answered well since."""
        return self.streaks.setdefault(operation, Repeats())

    def end_streak(self, operation: str) -> None:
        """Note that an operation was done and answered well."""
        self.streaks.pop(operation, None)


def _foreign_body(status: int, content: bytes) -> str:
    try:
        body = read_json(content)
    except Unreadable:
        return f"{status} and no JSON"
    if not isinstance(body, dict):
        return f"{status} and no JSON object"
    if status >= 400 and not isinstance(body.get("error"), dict):
        return f"{status} in another shape than the API's errors"
    return ""


def _media_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _look(content: bytes) -> Hashable:
    try:
        body = read_json(content)
    except Unreadable:
        return hashlib.sha256(_unchanging(content[: 2 * COMPARED_BYTES])[:COMPARED_BYTES]).digest()
    return frozenset(_unchanging(name.encode("utf-8", "surrogatepass")) for name in _names(body))


def _names(value: Any) -> Iterator[str]:
    """Yield the names of all members, however deep."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _names(item)


def _unchanging(text: bytes) -> bytes:
    """Return a text with a mark for all that may differ the next time."""
    marked = NAMING.sub(lambda found: b"#" if DIGIT.search(found[0]) else found[0], text)
    return CHANGING.sub(b"#", marked)
