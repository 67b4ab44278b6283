"""Makes values that fit a schema, for the fields that only a server sets and for data that nobody has written down."""

import random
import string
from collections.abc import Iterator
from re import _compiler, _parser  # type: ignore[attr-defined]
from typing import Any

from .contract import Contract

CHARACTERS = string.ascii_letters + string.digits + "-_.:/@ "
ID_CHARACTERS = string.ascii_letters + string.digits
ID_LENGTH = 22
TRIES = 50
MOST_REPEATS = 8

BY_FORMAT = {
    "date-time": "2025-01-24T10:00:00Z", "date": "2025-01-24", "time": "10:00:00Z", "duration": "PT1H",
    "email": "someone@example.com", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
    "uri": "https://example.com/", "uuid": "5f0f4f0e-8f2a-4a57-9d0a-3f1d2c9b7a60",
}  # fmt: skip


def made(contract: Contract, schema: Any) -> Any:
    """Make a value for *schema*, the simplest one that its keywords ask for."""
    for keyword in ("const", "default", "example"):
        for part in contract.parts(schema):
            if keyword in part:
                return part[keyword]
    for keyword in ("examples", "enum"):
        if said := contract.said(schema, keyword):
            return said[0]
    types = contract.types(schema)
    if not types:
        branches = contract.branches(schema)
        return made(contract, branches[0]) if branches else None
    return _of_type(contract, schema, types[0])


def distinct(contract: Contract, schema: Any, count: int) -> list[Any]:
    """Make up to *count* values for *schema* that differ, fewer where it allows no more."""
    is_valid = contract.validator(schema).is_valid
    found: list[Any] = []
    for value in _candidates(contract, schema):
        if value not in found and is_valid(value):
            found.append(value)
        if len(found) == count:
            break
    return found


def text_by(contract: Contract, schema: Any, choice: random.Random) -> str:
    """Make the text for *schema* that *choice* leads to."""
    if contract.said(schema, "format") == "uuid":
        return _uuid(choice)
    pattern = contract.said(schema, "pattern")
    if pattern is not None:
        return _sample(pattern, choice)
    shortest, longest = contract.said(schema, "minLength") or 0, contract.said(schema, "maxLength") or ID_LENGTH
    return "".join(choice.choices(ID_CHARACTERS, k=max(shortest, min(ID_LENGTH, longest))))


def _candidates(contract: Contract, schema: Any) -> Iterator[Any]:
    yield from contract.said(schema, "enum") or []
    first = made(contract, schema)
    yield first
    choice, pattern = random.Random(first if isinstance(first, str) else 0), contract.said(schema, "pattern")
    for number in range(2, TRIES):
        if isinstance(first, str):
            yield f"{first}-{number}"
            yield (
                _uuid(choice) if contract.said(schema, "format") == "uuid" else f"{first[: -len(str(number))]}{number}"
            )
            if pattern is not None:
                yield _sample(pattern, choice)
        elif isinstance(first, (int, float)):
            yield first + number - 1


def _of_type(contract: Contract, schema: Any, kind: str) -> Any:
    if kind == "object":
        required, properties = contract.required(schema), contract.properties(schema)
        return {name: made(contract, properties.get(name, {})) for name in sorted(required)}
    if kind == "array":
        return [made(contract, contract.said(schema, "items") or {})] * (contract.said(schema, "minItems") or 0)
    if kind == "string":
        return _text(contract, schema)
    return _number(contract, schema) if kind in ("number", "integer") else False


def _text(contract: Contract, schema: Any) -> str:
    kind, pattern = contract.said(schema, "format"), contract.said(schema, "pattern")
    if kind in BY_FORMAT:
        return BY_FORMAT[kind]
    text = _sample(pattern, random.Random(0)) if pattern is not None else "text"
    shortest, longest = contract.said(schema, "minLength") or 0, contract.said(schema, "maxLength")
    return text.ljust(shortest, "x")[:longest]


def _number(contract: Contract, schema: Any) -> Any:
    step = contract.said(schema, "multipleOf") or 1
    low, above = contract.said(schema, "minimum"), contract.said(schema, "exclusiveMinimum")
    high, below = contract.said(schema, "maximum"), contract.said(schema, "exclusiveMaximum")
    is_valid = contract.validator(schema).is_valid
    tried = [low, high, 1, 0, *[each + sign * step for each, sign in ((above, 1), (below, -1)) if each is not None]]
    tried += [-(-low // step) * step] if low is not None else []
    if None not in (above, below):
        tried.append((above + below) / 2)
    return next((each for each in tried if each is not None and is_valid(each)), 1)


def _uuid(choice: random.Random) -> str:
    digits = f"{choice.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _sample(pattern: str, choice: random.Random) -> str:
    """Make a text that matches *pattern*, whose look-arounds and back references are passed over."""
    return "".join(_sampled(_parser.parse(pattern), choice))


def _sampled(parsed: Any, choice: random.Random) -> Iterator[str]:
    for kind, value in parsed:
        name = str(kind)
        if name == "LITERAL":
            yield chr(value)
        elif name in ("ANY", "NOT_LITERAL", "IN"):
            # The library's own reading of this one element decides.
            matches = _compiler.compile(_parser.SubPattern(parsed.state, [(kind, value)])).fullmatch
            yield choice.choice([each for each in CHARACTERS if matches(each)] or ["x"])
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, part = value
            for _ in range(max(low, min(high, MOST_REPEATS))):
                yield from _sampled(part, choice)
        elif name == "SUBPATTERN":
            yield from _sampled(value[-1], choice)
        elif name == "BRANCH":
            yield from _sampled(choice.choice(value[1]), choice)
