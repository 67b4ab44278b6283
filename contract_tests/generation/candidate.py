"""A value worth trying, before the contract has judged it, and how a value is written as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

from contract_tests.spec.document import escape

# What no UTF-8 holds: half of a character beyond U+FFFF.
LONE_SURROGATE = re.compile("[\ud800-\udfff]")

NOT_JSON = ("NaN", "Infinity", "-Infinity")

# Stands for an inner value while the text around it is written.
INNER = "\ue000inner value\ue000"


@dataclass(frozen=True)
class Candidate:
    """A value worth trying."""

    kind: str
    """The group that the value is counted in: number, length, enum, type, null, pattern, format, items, properties."""
    reason: str
    """Why the value is tried, as words joined by dashes."""
    value: Any = field(repr=False)
    keyword: str
    """The JSON Schema keyword on trial."""
    token: str | None = None
    """The JSON text, where the spelling matters; None for the usual one."""
    origin: str = ""
    """The value of the enum that this one is a near miss of, as it stands at the end of the reason."""
    is_smoke: bool = False
    """Whether it is among the values that are tried where few requests may be sent."""
    is_wrong_or_doubtful: bool = False
    """Whether it is left out where the contract allows it, as APIs may differ on it."""
    path: str = ""
    """The JSON pointer of the value on trial inside the value that is sent."""
    source: str = ""
    """The pointer of the keyword in the contract."""

    @property
    def text(self) -> str:
        """The JSON text that is sent."""
        return to_json(self.value) if self.token is None else self.token

    def inside(self, step: str, put: Callable[[Any], Any]) -> Candidate:
        """Return the candidate in an array or an object, at a name or index; *put* returns that with a value there."""
        token = None if self.token is None else to_json(put(INNER)).replace(f'"{INNER}"', self.token, 1)
        return replace(self, value=put(self.value), token=token, path=f"/{escape(step)}{self.path}")


def sizes_around(size: int) -> list[int]:
    """Return the sizes at a limit, just inside and just outside of it."""
    return sorted({max(size - 1, 0), size, size + 1})


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number in JSON: a boolean is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def values_in(value: Any) -> Iterator[Any]:
    """Yield a value, and every value inside it at any depth."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from values_in(inner)


def to_json(value: object) -> str:
    """Write a value as JSON text, non-ASCII characters as themselves, half a surrogate as its escape."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return LONE_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
