"""
Proves that a fault can be observed: requests, and what one mock and another answer to them.

The application is called directly, without a socket. Its ids and its clock are pinned, so that two mocks that behave
alike answer alike.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from ..app import Api

Value = Any

FULL = {
    "name": "Witness",
    "persona_prompt": "Ask twice.",
    "voice_name": "aria",
    "language_code": "en-US",
    "background_sound": "office",
    "wait_seconds": 0.5,
    "conversation_initiation": "speak_first",
    "hold_music_timeout_seconds": 15,
}
OTHER = {"name": "Bystander", "voice_name": "aria", "language_code": "en-US", "background_sound": "cafe"}

START = datetime(2025, 6, 1, tzinfo=UTC)
STEP = timedelta(seconds=1, microseconds=1)  # never without a fraction

TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")

# Two statuses of which the contract allows either.
SAME_STATUS = {405: 404, 415: 400}


@dataclass(frozen=True)
class Step:
    """
    One request.

    In the path stand `{id}` and `{other}` for the personas that every witness begins with, `{swapped}` for the first
    id with capitals and small letters exchanged, `{new}` for the persona made last, `{token}` for the last
    next_page_token; there and in headers `{key}` for the right key.
    """

    method: str
    path: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    key: Callable[[str], str | None] = str
    """Makes the key that is sent from the right one; None sends none."""
    in_parts: bool = False
    """Whether the body arrives in two halves."""


Moment = Step | tuple[Step, ...]
"""A request, or several at the same time."""

Witness = tuple[Moment, ...]


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def promised(self) -> tuple[Any, ...]:
        """Return what of the answer the contract speaks of, spelled so that lawful differences vanish."""
        media_type = dict(self.headers).get("content-type", "").partition(";")[0]
        try:
            body = json.dumps(_promised(json.loads(self.body, parse_int=float)), sort_keys=True)
        except ValueError:
            body = self.body
        if SAME_STATUS.get(self.status):
            body = ""  # its code differs with the status
        return SAME_STATUS.get(self.status, self.status), media_type, body


def get(path: str = "/personas/{id}") -> Step:
    """Read a persona, or another path."""
    return Step("GET", path)


def patch(body: Mapping[str, Value] | str | bytes, path: str = "/personas/{id}", **headers: str) -> Step:
    """Update a persona; text is sent as it is, headers are named with underscores."""
    return _with_body("PATCH", path, body, headers)


def post(body: Mapping[str, Value] | str | bytes, path: str = "/personas", **headers: str) -> Step:
    """Create a persona."""
    return _with_body("POST", path, body, headers)


def put(body: Mapping[str, Value], path: str = "/personas/{id}") -> Step:
    """Send a method that no path has."""
    return _with_body("PUT", path, body, {})


def delete(path: str = "/personas/{id}") -> Step:
    """Delete a persona."""
    return Step("DELETE", path)


def listed(query: str = "") -> Step:
    """List personas."""
    return Step("GET", f"/personas?{query}" if query else "/personas")


def stranger(step: Step, key: Callable[[str], str | None] = lambda key: "wrong") -> Step:
    """Send *step* with another key; none without one."""
    return replace(step, key=key)


def with_header(step: Step, name: str, value: str) -> Step:
    """Send *step* with one more header."""
    return replace(step, headers=(*step.headers, (name, value)))


def replies(api: Api, witness: Witness) -> list[Reply]:
    """Make two personas, send the requests of *witness*, and return every answer."""
    return asyncio.run(_replay(api, witness))


def promised(given: list[Reply]) -> list[tuple[Any, ...]]:
    """Return what the contract promises of the answers, each time as its place in the order of all times."""
    return [(status, media, body) for status, media, body in _ranked([reply.promised() for reply in given])]


def pin(api: Api) -> None:
    """Give *api* ids and times that are the same in every process, the personas of the start included."""
    numbers, ticks = count(1), count(1)
    api.store.new_id = lambda: f"{next(numbers):04d}WitnessPersonaAbCd"  # type: ignore[method-assign]
    api.store.now = lambda: START + STEP * next(ticks)  # type: ignore[method-assign]


async def _replay(api: Api, witness: Witness) -> list[Reply]:
    names = {"{id}": "", "{other}": "", "{swapped}": "", "{new}": "", "{token}": ""}
    given: list[Reply] = []
    for moment in (post(FULL), post(OTHER), *witness):
        steps = (moment,) if isinstance(moment, Step) else moment
        answers = await asyncio.gather(*(_call(api, step, names) for step in steps))
        given.extend(answers)
        for step, reply in zip(steps, answers, strict=True):
            _remember(names, step, reply)
    return given


def _remember(names: dict[str, str], step: Step, reply: Reply) -> None:
    try:
        document: Any = json.loads(reply.body)
        names["{token}"] = document.get("next_page_token") or names["{token}"]
        persona: Any = document.get("persona") if step.method == "POST" else None
        persona_id = str(persona["id"]) if persona else ""
    except (AttributeError, KeyError, TypeError, ValueError):
        return
    if not persona_id:
        return
    names["{new}"] = persona_id
    if not names["{id}"]:
        names |= {"{id}": persona_id, "{swapped}": persona_id.swapcase()}
    elif not names["{other}"]:
        names["{other}"] = persona_id


async def _call(api: Api, step: Step, names: dict[str, str]) -> Reply:
    """Call the application as a server would."""
    known = {**names, "{key}": api.api_key.decode()}
    raw_path, _, query = (api.contract.base_path + _filled(step.path, known)).partition("?")
    key = step.key(known["{key}"])
    headers = [*step.headers, *([("x-api-key", key)] if key is not None else [])]
    scope = {
        "type": "http",
        "method": step.method,
        "path": raw_path,
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), _filled(value, known).encode()) for name, value in headers],
    }
    sent: list[dict[str, Any]] = []

    body = step.body or b""
    middle = len(body) // 2
    parts = [body[:middle], body[middle:]] if step.in_parts else [body]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await api(scope, receive, send)
    shown = tuple((name.decode(), value.decode()) for name, value in sent[0]["headers"])
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Reply(sent[0]["status"], shown, body.decode("utf-8", "backslashreplace"))


def _filled(text: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def _with_body(method: str, path: str, body: Mapping[str, Value] | str | bytes, headers: Mapping[str, str]) -> Step:
    text = json.dumps(body) if isinstance(body, Mapping) else body
    told = {"content_type": "application/json", **headers}
    pairs = tuple((name.replace("_", "-"), value) for name, value in told.items())
    return Step(method, path, text.encode() if isinstance(text, str) else text, pairs)


def _promised(node: Any) -> Any:
    """Leave out what the contract leaves open: texts of errors, the form of a token, null for what is not set."""
    if isinstance(node, list):
        return [_promised(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {name: _promised(value) for name, value in node.items() if value is not None}
    if isinstance(kept.get("message"), str) and isinstance(kept.get("code"), str):
        kept["message"] = "text"
        if isinstance(kept.get("details"), list):
            del kept["details"]
    if isinstance(kept.get("next_page_token"), str):
        kept["next_page_token"] = "token"
    if kept.get("persona_prompt") == "" and "id" in kept:
        del kept["persona_prompt"]
    return kept


def _ranked(given: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    times = sorted({found.group() for *_, body in given for found in TIME.finditer(body)})
    ranks = {time: str(rank) for rank, time in enumerate(times)}

    def rank(found: re.Match[str]) -> str:
        return f"time {ranks[found.group()]}{found.group(3) and ' with a zone'}"

    return [(status, media, TIME.sub(rank, body)) for status, media, body in given]
