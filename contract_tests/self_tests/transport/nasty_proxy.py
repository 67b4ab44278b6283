"""
A reverse proxy that plays one nasty case in front of the mock, for the tests of what a run makes of it.

A case is data: what it does in a sentence, the function that plays it, and what a run may make of it. A play gets a
turn for each request, may forward it as often as it likes, and returns an answer, the bytes to write, or nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from contract_tests.self_tests.transport.weather_server import Connection, Seen, WeatherServer, weather_server

HOLDS, VIOLATED, INCONCLUSIVE = "holds", "violated", "inconclusive"
CALM = frozenset({HOLDS, INCONCLUSIVE})
NOT_HELD = frozenset({VIOLATED, INCONCLUSIVE})
ANY = CALM | NOT_HELD

# The personas of others: an ordinary one, and two whose names look like those of a run.
VICTIM = "3zfmuDbVQsi4GaseDtiVcS"
OTHER_RUNS = "5JpQz8VxNc3TgKd7RwYh2F"
SEEDS = (
    {"id": VICTIM, "name": "Friendly Customer"},
    {"id": OTHER_RUNS, "name": "contract-test-deadbeef-12"},
    {"id": "9LmBs4XeUa6HfPk1ZtQv8C", "name": "contract-test-deadbeef-12 Anna's favourite"},
)
SPOKEN = {"voice_name": "aria", "language_code": "en-US"}


@dataclass(frozen=True)
class Reply:
    """An answer, as it is written."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reason: bytes = b""

    def with_json(self, document: Any) -> Reply:
        """Return the same answer with another body."""
        return replace(self, body=json.dumps(document).encode())

    def head(self, *, length: int | None) -> bytes:
        """Return what stands before the body; None leaves its length out."""
        lines = [f"HTTP/1.1 {self.status} ".encode() + self.reason]
        lines += [f"{name}: {value}".encode("utf-8", "surrogateescape") for name, value in self.headers]
        lines += [b"content-length: %d" % length] if length is not None else []
        return b"\r\n".join([*lines, b"", b""])


@dataclass(frozen=True)
class Turn:
    """One request, in the hands of a play."""

    server: WeatherServer
    seen: Seen
    headers: Mapping[str, str]
    notes: dict[str, Any]
    """What a play remembers from turn to turn."""

    @property
    def kind(self) -> str:
        """What is asked: a create, list, read, update, removal or something else."""
        return _kind(self.seen)

    @property
    def nth(self) -> int:
        """How many requests of this kind have come, this one included."""
        return sum(_kind(past) == self.kind for past in self.server.seen[: self.seen.number])

    @property
    def sent(self) -> dict[str, Any]:
        """The body that was sent; empty where it is no object."""
        try:
            document = json.loads(self.seen.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    def forward(self, path: str = "") -> Reply:
        """Ask the API behind, and return its answer."""
        status, headers, body = self.server.ask(
            self.seen.method, path or self.seen.path, self.seen.body, dict(self.headers)
        )
        if self.seen.method == "POST" and status == 201:
            self.notes["most_alive"] = max(self.notes.get("most_alive", 0), len(self.server.alive))
        kept = [(name, value) for name, value in headers if name.lower() == "content-type"]
        return Reply(status, tuple(kept), body)

    def is_due(self, period: int, first: int = 8) -> bool:
        """Whether one request in *period* is meant, whatever it asks; the first ones never are."""
        return self.seen.number > first and self.seen.number % period == 0


Answer = Reply | Iterator[bytes] | None
"""What a play gives back; bytes are written as they come, then the connection ends, as it does at once for None."""
Play = Callable[[Turn], Answer]


@dataclass(frozen=True)
class Case:
    """One way to be nasty, and what a run may make of it."""

    name: str
    does: str
    """In one sentence."""
    play: Play
    verdicts: frozenset[str] = CALM
    may_leave: bool = False
    """Whether the run cannot remove all that it has made, so that it must say so."""
    tests: tuple[str, ...] = ("contract_tests/promises/test_deletion.py",)
    """The arguments of the command."""
    module: str = "run"
    environment: Mapping[str, str] = field(default_factory=dict)
    most_seconds: float = 150.0
    most_mebibytes: float = 450.0


@contextmanager
def nasty_proxy(case: Case, place: Path, notes: dict[str, Any] | None = None) -> Iterator[WeatherServer]:
    """
    Run the mock behind a proxy that plays a case for as long as the block lasts.

    Args:
        case: What is played.
        place: A folder for the seed file.
        notes: Where the play writes down what it remembers, and `most_alive`: how many the account held at once.
    """
    file = place / "seeds.json"
    file.write_text(json.dumps({"personas": [seed | SPOKEN for seed in SEEDS]}), "utf-8")
    notes = {} if notes is None else notes
    with weather_server(lambda seen: partial(_play, case, server, seen, notes), "--seeds", str(file)) as server:
        yield server


def _play(case: Case, server: WeatherServer, seen: Seen, notes: dict[str, Any], connection: Connection) -> None:
    headers = {name: value for name, value in connection.headers.items() if name.lower() != "connection"}
    answer = case.play(Turn(server, seen, headers, notes))
    if isinstance(answer, Reply):
        answer = iter([answer.head(length=len(answer.body)) + (b"" if seen.method == "HEAD" else answer.body)])
    else:
        connection.close_connection = True
    for piece in answer or ():
        connection.wfile.write(piece)
        connection.wfile.flush()


def _kind(seen: Seen) -> str:
    path = seen.path.partition("?")[0]
    if path == "/v1/personas":
        return {"POST": "create", "GET": "list"}.get(seen.method, "other")
    if not seen.persona_id or seen.persona_id == "voices":
        return "other"
    return {"GET": "read", "PATCH": "update", "DELETE": "removal"}.get(seen.method, "other")


def persona_in(reply: Reply) -> dict[str, Any]:
    """Return the persona in an answer; empty where there is none."""
    try:
        document = json.loads(reply.body)
    except ValueError:
        return {}
    return document.get("persona") or {} if isinstance(document, dict) else {}


def page(status: int, text: str = "Service Unavailable", headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return a gateway's page."""
    body = f"<!doctype html><html><head><title>{status}</title></head><body><h1>{text}</h1></body></html>"
    return Reply(status, (("content-type", "text/html; charset=utf-8"), *headers), body.encode())


def json_answer(status: int, document: Any, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return an answer in JSON."""
    return Reply(status, (("content-type", "application/json"), *headers), json.dumps(document).encode())


def pieces(seconds: float, first: bytes, again: bytes, count: int = 3_000) -> Iterator[bytes]:
    """Yield something, then something else again and again, with a pause before each."""
    yield first
    for _ in range(count):
        time.sleep(seconds)
        yield again
