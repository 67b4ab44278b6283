"""
What a run may send: reads freely, writes only to what it has made itself, or to an id that cannot exist.

The one rule that no tool of the suite gets round: every request of every tool is held against it before it leaves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import httpx

from contract_tests.errors import NotAllowed, RunEnded, TargetError
from contract_tests.ledger import Ledger

NAME_PREFIX = "contract-test-"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
# With one of these a server may take a read for a write.
OVERRIDES = frozenset({"x-http-method-override", "x-method-override", "x-http-method"})
# No test has more than eleven at a time.
MOST_PERSONAS = 20
LENT = "PERSONA_ID lends one persona"


@dataclass(frozen=True)
class Fence:
    """What one run may send."""

    host: bytes
    base_path: str
    is_loopback: bool
    run: str
    ledger: Ledger
    is_name: Callable[[str], bool]
    """Whether a new persona may have this name by the contract."""
    most_personas: int = MOST_PERSONAS
    """How many personas of the run may be alive at once."""
    lent_id: str | None = None
    """The one persona of an account that may make none."""

    def check(self, request: httpx.Request) -> None:
        """
        Pass a request that may be sent.

        Raises:
            TargetError: It would change a persona that this run has not made, or goes to another host.
            NotAllowed: It would make or remove a persona, where only a lent one may be changed.
            RunEnded: It would make one more than may be alive, because those that were removed are still there.
        """
        path = self.path(request)
        if request.url.netloc != self.host:
            raise TargetError(f"{request.method} {request.url}: only {self.host.decode()} is under test")
        segments = decoded_segments(path)
        is_read = request.method in READS and not OVERRIDES & {name.lower() for name in request.headers}
        if is_read or segments == ["personas", "voices"]:
            return
        if is_create(request.method, segments):
            self._check_create(request)
        elif len(segments) < 2:
            if request.method == "DELETE" or not self.is_loopback:
                raise TargetError(f"{request.method} {path}: who knows what a write to the whole list would reach")
        else:
            self._check_write(request.method, path, segments)

    def path(self, request: httpx.Request) -> str:
        """Return a request's path below the base URL, as it is spelt."""
        return request.url.raw_path.partition(b"?")[0].decode("ascii").removeprefix(self.base_path)

    def _check_create(self, request: httpx.Request) -> None:
        if self.lent_id is not None:
            raise NotAllowed(f"{LENT}, so none is made")
        name = sent_name(request)
        if isinstance(name, str) and self.is_name(name) and not name.startswith(f"{NAME_PREFIX}{self.run}-"):
            raise TargetError(f"POST /personas: the name {name[:60]!r} does not begin with {NAME_PREFIX}{self.run}-")
        if len(self.ledger.alive) + self.ledger.pending >= self.most_personas:
            if self.ledger.undead or self.ledger.doubles:
                raise RunEnded(f"{self.most_personas} personas of this run are there (MAX_PERSONAS), as {self._why()}")
            raise TargetError(f"POST /personas: {self.most_personas} personas of this run are alive (MAX_PERSONAS)")

    def _why(self) -> str:
        if self.ledger.undead:
            return f"{len(self.ledger.undead)} of them were removed with success and stayed"
        return f"{len(self.ledger.doubles)} of them were never asked for"

    def _check_write(self, method: str, path: str, segments: list[str]) -> None:
        persona_id = segments[1]
        is_absent = persona_id.startswith(NAME_PREFIX) and "/" not in persona_id and ".." not in persona_id
        if len(segments) != 2 or segments[0] != "personas":
            raise TargetError(f"{method} {path}: this run has not made that persona")
        if persona_id == self.lent_id:
            if method != "PATCH":
                raise NotAllowed(f"{LENT}, and {method} may do more than change it")
        elif persona_id not in self.ledger.made and not is_absent:
            raise TargetError(f"{method} {path}: this run has not made that persona")


def decoded_segments(path: str) -> list[str]:
    """Split a path below the base URL, each part decoded."""
    return [_decoded(segment) for segment in path.strip("/").split("/")]


def path_of(persona_id: str) -> str:
    """Return the path of a persona below the base URL; an id that holds half a surrogate has one too."""
    return f"/personas/{quote(persona_id, safe='', errors='surrogatepass')}"


def _decoded(segment: str) -> str:
    try:
        return unquote(segment, errors="surrogatepass")
    except UnicodeDecodeError:
        return unquote(segment)


def is_create(method: str, segments: list[str]) -> bool:
    """Whether a request would make a persona."""
    return method == "POST" and segments == ["personas"]


def sent_name(request: httpx.Request) -> Any:
    """Return the name in a request's body; None where there is none to read."""
    try:
        return json.loads(request.content)["name"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
