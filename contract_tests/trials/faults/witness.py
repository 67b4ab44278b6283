"""Requests that show a fault: at least one of them is answered otherwise than by the clean mock."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

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
