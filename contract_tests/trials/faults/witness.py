"""Requests that show a fault: at least one of them is answered otherwise than by the clean mock."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from contract_tests.mock_api.app import Api

START = datetime(2025, 6, 1, tzinfo=UTC)  # when the first item of every witness is made


@dataclass(frozen=True)
class Step:
    """
    One request.

    In the path stand `{id}` and `{other}` for the items that every witness begins with, `{swapped}` for the first
    id with capitals and small letters exchanged, `{start}` for all of it but its last character, `{new}` for the item
    made last, `{token}` for the last token of a next page; there and in headers `{key}` for the right key.
    """

    method: str
    path: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    key: Callable[[str], str | None] = str  # makes the key that is sent from the right one; None sends none
    in_parts: bool = False  # whether the body arrives in two halves


Moment = Step | tuple[Step, ...]  # a request, or several at the same time

Witness = tuple[Moment, ...]


def stranger(step: Step, key: Callable[[str], str | None] = lambda key: "wrong:key") -> Step:
    """Send *step* with another key; none without one."""
    return replace(step, key=key)


def with_header(step: Step, name: str, value: str) -> Step:
    """Send *step* with one more header."""
    return replace(step, headers=(*step.headers, (name, value)))


def carried(api: Api, key: str) -> tuple[list[tuple[str, str]], str]:
    """Return the headers and the query string that carry a key as the contract wants it."""
    scheme = api.key_scheme
    headers = {
        "header": (scheme.name, key),
        "cookie": ("cookie", f"{scheme.name}={key}"),
        "bearer": ("authorization", f"Bearer {key}"),
        "basic": ("authorization", f"Basic {b64encode(key.encode()).decode()}"),
    }
    query = f"{scheme.name}={quote(key, safe='')}" if scheme.kind == "query" else ""
    return [headers[scheme.kind]] if scheme.kind in headers else [], query
