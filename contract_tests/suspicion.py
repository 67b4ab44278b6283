"""
Answers that may be somebody else's than the API's: a gateway's page, a redirect, half an answer, nothing at all.

One such answer shows nothing. It is asked for again, between requests that are known to be answered well: what does
not come again is weather, and what comes again every time is the API's own doing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable
from dataclasses import dataclass, field

import httpx

from contract_tests.connection import FLAW
from contract_tests.reading import Unreadable, read_json

# Answers alike until they count as the API's own. Where one in seventeen is not, six in a row come once in 40 million.
ALIKE = 6
# At the first look nothing is judged, only what is at the address.
FIRST_ALIKE = 2
# Statuses that no API gives of its own accord: of gateways, of servers that are overloaded, of Cloudflare.
FOREIGN_STATUSES = frozenset({408, 425, 507, 511, *range(520, 531), 598, 599})
# Statuses with which a web server refuses a request before the API sees it, in whatever shape, every time alike.
SERVER_STATUSES = frozenset({405, 413, 414, 415, 431, 501})
# Of anything else the contract promises no shape.
OPERATIONS = frozenset({
    "GET /personas", "POST /personas", "GET /personas/voices", "GET /personas/{persona_id}",
    "PATCH /personas/{persona_id}", "DELETE /personas/{persona_id}",
})  # fmt: skip
# What differs in a page from one time to the next: times, numbers of requests.
CHANGING = re.compile(rb"[0-9A-Fa-f]{6,}|\d+")
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
    if status in SERVER_STATUSES or status == 204 or (status == 404 and operation not in OPERATIONS):
        return ""
    if not response.content:
        return f"{status} and nothing"
    return _foreign_body(status, response.content)


def claims_json(response: httpx.Response) -> bool:
    """Whether an answer says that it is JSON, as no gateway's page does."""
    return "json" in response.headers.get("content-type", "").partition(";")[0].lower()


def kind_of(operation: str, response: httpx.Response) -> Hashable:
    """Return what two answers have in common that are alike: but for times and numbers they say the same."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    flaw = CHANGING.sub(b"#", str(response.extensions.get(FLAW, "")).encode("utf-8", "replace"))
    look = hashlib.sha256(CHANGING.sub(b"#", response.content[:COMPARED_BYTES])).digest()
    # A page with which an API refuses one thing is the page with which it refuses another.
    is_refusal = response.status_code >= 400 and bool(response.content) and not flaw
    return "" if is_refusal else operation, response.status_code, media_type, flaw, b"" if flaw else look


@dataclass
class Repeats:
    """The suspect answers to one request."""

    needed: int
    kind: Hashable = None
    count: int = 0
    is_fair: bool = True
    """Whether what was sent between them was answered well."""

    def add(self, kind: Hashable, *, is_between_good: bool) -> bool:
        """Count an answer, and say whether so many alike have come that it is the API's own."""
        self.count = self.count + 1 if kind == self.kind else 1
        self.kind = kind
        self.is_fair = is_between_good
        if not is_between_good:
            self.count = 0
        return self.count >= self.needed


@dataclass
class Habits:
    """What a run has found to be the API's own, though it does not look so."""

    kinds: set[Hashable] = field(default_factory=set)
    streaks: dict[str, Repeats] = field(default_factory=dict)
    """The suspect answers to writes that could not be sent again, by operation, since one was answered well."""

    def streak(self, operation: str) -> Repeats:
        """Return the suspect answers to an operation, none of whose requests was answered well since."""
        return self.streaks.setdefault(operation, Repeats(ALIKE))

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
    if status >= 400 and {name.lower() for name in body} == {"message"}:
        return f"{status} in the shape of a gateway"
    if status >= 500 and not isinstance(body.get("error"), dict):
        return f"{status} in another shape than the API's errors"
    return ""
