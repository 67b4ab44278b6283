"""
Answers that may be somebody else's than the API's: a gateway's page, a redirect, half an answer, nothing at all. Such a
one is asked for again between requests that are known to be answered well: what comes every time is the API's own.
"""

import hashlib
import re
from collections.abc import Callable, Container, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from contract_tests.transport import retry
from contract_tests.transport.answers.json_reading import Unreadable, read_json
from contract_tests.transport.network.connection import FLAW
from contract_tests.transport.resource_shape import ItemId, ResourceShape
from contract_tests.transport.retry import GATEWAY_STATUSES, Failure
from contract_tests.transport.run_limits import RunLimits
from contract_tests.transport.write_guard import WriteGuard

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
# What differs in a page from one time to the next: names of requests that hold a digit, times, numbers.
NAMING = re.compile(rb"[A-Za-z0-9_-]{8,}")
CHANGING = re.compile(rb"[0-9A-Fa-f]{6,}|\d+")
DIGIT = re.compile(rb"\d")
COMPARED_BYTES = 4096
CONTROL_ATTEMPTS = 3

Control = Callable[[httpx.Request, str], tuple[httpx.Request, httpx.Response | Failure]]
"""Sends a GET of a path once, out of the same part of the budget as a request."""


def foreign_reason(operation: str, response: httpx.Response, shape: ResourceShape) -> str:
    """Return why an answer to an operation may be somebody else's; empty where the API itself may answer so."""
    status = response.status_code
    if FLAW in response.extensions:
        return str(response.extensions[FLAW])
    if status in FOREIGN_STATUSES or not 200 <= status < 600:
        return f"status {status}"
    if 300 <= status < 400:
        return f"a redirect, {status}"
    # Of the refusal of what is no operation a contract promises no shape.
    is_refused = status in SERVER_STATUSES and operation not in shape.operations
    if is_refused or (operation, status) in shape.empty_answers:
        return ""
    if not response.content:
        return f"{status} and nothing"
    return _foreign_body(operation, status, response.content, shape)


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
    Return what answers that are alike have in common: of JSON the names of its members, of anything else the text, but
    for times, numbers and names of requests.
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


class AnswerOrigin:
    """Tells the API's own answers from those of gateways, over a whole run; *control* sends what is surely good."""

    def __init__(self, guard: WriteGuard, control: Control) -> None:
        self._guard = guard
        self._shape = guard.shape
        self._control = control
        self._kinds: set[Hashable] = set()
        """Answers that some request gets every time; another request may get the same one by chance."""
        self._proven: dict[bytes, Hashable] = {}
        """What a request gets every time, by its key, since it was answered otherwise."""
        self._streaks: dict[str, Repeats] = {}
        """The suspect answers to writes that could not be sent again, by operation, since one was answered well."""
        self._has_spoken = False
        self._unreadable: set[ItemId | None] = set()
        """Items of the run whose reads are known to fail every time."""

    def operation(self, request: httpx.Request) -> str:
        """Return method and path template of a request."""
        return f"{request.method} {self._shape.template(self._guard.path(request))}"

    def is_known(self, request: httpx.Request, answer: httpx.Response) -> bool:
        """Whether an answer of this kind is known to be the API's own to some request."""
        return self._kind(request, answer) in self._kinds

    def note_success(self, request: httpx.Request) -> None:
        """Note that an operation was done and answered well."""
        self._streaks.pop(self.operation(request), None)

    def failure(self, request: httpx.Request, response: httpx.Response) -> Failure | None:
        """Return an answer that may be somebody else's as a failure; None where it is known to be the API's."""
        reason = foreign_reason(self.operation(request), response, self._shape)
        unavailable = retry.failed_answer(response)
        if unavailable is not None and (reason or not self._may_be_unreadable(request, response)):
            return unavailable
        reason = reason or ("" if unavailable is None else unavailable.reason)
        if not reason:
            self._has_spoken = True
            if self._proven:
                self._proven.pop(request_key(request), None)
            return None
        if self._proven and self._proven.get(request_key(request)) == self._kind(request, response):
            return None
        asked = retry.retry_after_seconds(response.headers.get("retry-after", ""))
        delay_seconds = asked if (asked or 0) <= retry.LONGEST_WAIT_SECONDS else None
        return Failure(reason, False, delay_seconds=delay_seconds, answer=response)

    def is_the_apis(
        self, request: httpx.Request, answer: httpx.Response, repeats: Repeats, limits: RunLimits, *, is_over: bool
    ) -> bool:
        """Count a suspect answer; whether it has come so often between good ones that it is the API's own."""
        kind = self._kind(request, answer)
        # The number of controls varies, so that no beat is met.
        counted, needed, controls = repeats, ALIKE, 1 + repeats.count % 2
        if limits.is_first_look:
            needed = FIRST_ALIKE
        elif is_over:
            counted, controls = self._streaks.setdefault(self.operation(request), Repeats()), 1
        elif answer.status_code in GATEWAY_STATUSES:
            needed = limits.most_attempts - 1
        elif kind in self._kinds:
            needed, controls = KNOWN_ALIKE, 0 if repeats.kind is None else 1
        needed = needed if is_over else max(min(needed, limits.most_attempts), FIRST_ALIKE)
        is_between_good = self._are_controls_good(request, answer, controls, limits)
        is_own = counted.add(kind, needed, is_between_good=is_between_good)
        if is_own and not limits.is_first_look:
            if answer.status_code in GATEWAY_STATUSES:  # another item may be unavailable for a moment
                self._unreadable.add(self._guard.item_id(request))
            else:
                self._kinds.add(kind)
            if not is_over:
                self._proven[request_key(request)] = kind
        return is_own

    def _are_controls_good(self, request: httpx.Request, answer: httpx.Response, count: int, limits: RunLimits) -> bool:
        if limits.is_first_look:
            return 200 <= answer.status_code < 500
        if not self._has_spoken and is_broken_json(answer):
            return True  # nothing but JSON that cannot be read ever came from there
        return all(self._is_control_good(request, limits) for _ in range(count))

    def _is_control_good(self, request: httpx.Request, limits: RunLimits) -> bool:
        paths, right = self._controls(request)
        for attempt in range(1, CONTROL_ATTEMPTS + 1):
            control, outcome = self._control(request, paths[attempt % len(paths)])
            if isinstance(outcome, Failure):
                pause = retry.back_off_seconds(outcome, attempt)
                limits.retries.pause(pause, f"GET {control.url.path}: {outcome.reason}")
            elif outcome.status_code in right and not foreign_reason(self.operation(control), outcome, self._shape):
                limits.retries.clear()
                return True
        return False

    def _may_be_unreadable(self, request: httpx.Request, response: httpx.Response) -> bool:
        """Whether a 503 may say that the API itself fails to read one item of the run, and not that it is busy."""
        is_own = request.method == "GET" and self._guard.item_id(request) in self._guard.created.alive
        return is_own and response.status_code == 503 and "retry-after" not in response.headers

    def _controls(self, request: httpx.Request) -> tuple[list[str], Container[int]]:
        """Return what is good beyond doubt to ask for and is not of the operation on trial, and the right statuses."""
        on_trial = self.operation(request)
        paths = [path for path in self._shape.control_paths if f"GET {path.partition('?')[0]}" != on_trial]
        if paths:
            return paths, range(200, 300)
        unfit = {*self._unreadable, self._guard.item_id(request)}
        others = [item_id for item_id in [*self._guard.created.alive] if item_id not in unfit]
        shown = others[0] if others else self._shape.unused_id
        return [self._shape.path_of(shown)], range(200, 300) if others else {404}

    def _kind(self, request: httpx.Request, answer: httpx.Response) -> Hashable:
        return kind_of(self.operation(request), answer)


def _foreign_body(operation: str, status: int, content: bytes, shape: ResourceShape) -> str:
    try:
        body = read_json(content)
    except Unreadable:
        return f"{status} and no JSON"
    if isinstance(body, list) and status < 300 and operation in shape.array_answers:
        return ""
    if not isinstance(body, dict):
        return f"{status} and no JSON object"
    shapes = shape.error_shapes
    if status >= 400 and shapes and not any(each.is_shape_of(body) for each in shapes):
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
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _names(item)


def _unchanging(text: bytes) -> bytes:
    marked = NAMING.sub(lambda found: b"#" if DIGIT.search(found[0]) else found[0], text)
    return CHANGING.sub(b"#", marked)
