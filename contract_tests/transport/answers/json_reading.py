"""JSON as a careful client reads it: Python's own parser takes more than RFC 8259 allows."""

import codecs
import json
import math
from collections.abc import Iterator
from typing import Any

# Parsers of other languages end at 64 (.NET) or 128 (serde); the contract's own answers are four deep.
DEEPEST = 100


class Unreadable(ValueError):
    """A text is no JSON that every client can read."""


def read_json(content: bytes) -> Any:
    """
    Read a JSON text (RFC 8259); Unreadable also of what no client can be expected to read. Half a surrogate in a text
    stays: an API may store it, and shows it so.
    """
    if content.startswith(codecs.BOM_UTF8):
        raise Unreadable("it begins with a byte order mark")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is no UTF-8 from byte {error.start} on") from None
    try:
        value = DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise Unreadable(TOO_DEEP) from None
    _require_shallow(value, has_escapes="\\u" in text)
    return value


TOO_DEEP = f"its values are nested more than {DEEPEST} deep"


def _require_shallow(value: Any, *, has_escapes: bool) -> None:
    level, depth = [value], 0
    while level := [inner for outer in level for inner in _members(outer, is_checked=has_escapes)]:
        depth += 1
        if depth >= DEEPEST:
            raise Unreadable(TOO_DEEP)


def _members(value: Any, *, is_checked: bool) -> Iterator[Any]:
    if isinstance(value, dict):
        if is_checked and any("\ud800" <= c <= "\udfff" for name in value for c in name):
            raise Unreadable("the name of a member is half a surrogate")
        yield from (item for item in value.values() if isinstance(item, (dict, list)))
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, (dict, list)))


def _whole(text: str) -> int:
    _finite(text)
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Unreadable(f"the number {text[:20]}... of {len(text)} characters is beyond every double")
    return number


def _no_number(text: str) -> float:
    raise Unreadable(f"{text} is no JSON")


DECODER = json.JSONDecoder(parse_float=_finite, parse_int=_whole, parse_constant=_no_number)
