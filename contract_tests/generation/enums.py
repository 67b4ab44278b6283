"""Every value of an enum or a const, and near misses: case, padding, parts, joins, look-alikes."""

import re
from collections.abc import Iterator
from typing import Any

from contract_tests.generation.candidate import Candidate, to_json
from contract_tests.generation.places import View
from contract_tests.spec.document import Schema

# What any enum may have come to allow. A contract names more in x-try.
ANY_WORDS = ("none", "default", "random", "auto", "any", "on")

# The near misses of the longest value that are worth a request where few may be sent.
SMOKE_MISSES = ("upper", "space-after", "cut", "dashes", "prefixed")


def enum_candidates(view: View) -> Iterator[Candidate]:
    """Yield the values of an enum, then what is close to one, by the types of the values."""
    values = [value for value in view.schema["enum"] if value is not None]
    texts = [value for value in values if isinstance(value, str)]
    if texts:
        yield from _texts(view.schema, texts)
    for value in values:
        if not isinstance(value, str):
            yield Candidate("enum", f"value-{_short(value)}", value, "enum", origin=_short(value))
            yield from _close_to(value)
    for word in view.schema.get("x-try", ()) if not texts else ():
        yield Candidate("enum", f"word-{_short(word)}", word, "enum")


def _texts(schema: Schema, values: list[str]) -> Iterator[Candidate]:
    for value in values:
        yield Candidate("enum", f"value-{value}", value, "enum", origin=value)
        yield Candidate("enum", f"capital-{value}", value.capitalize(), "enum", origin=value)
    longest = max(values, key=len)
    some = sorted({values[0], values[-1], longest})
    for value in [value for value in values if value not in some]:
        yield Candidate("enum", f"space-after-{value}", f"{value} ", "enum", origin=value)
    for value in some:
        for reason, miss in _misses(value, values[0]).items():
            if miss != value:
                is_smoke = value == longest and reason in SMOKE_MISSES
                yield Candidate("enum", f"{reason}-{value}", miss, "enum", origin=value, is_smoke=is_smoke)
        for part in sorted({re.split("[-_]", value)[0], re.split("[-_]", value)[-1]} - set(values)):
            yield Candidate("enum", f"part-{part}", part, "enum")
    for reason, miss in (("empty", ""), ("null-word", "null"), ("index", "0"), ("unknown", "contract-test-unknown")):
        yield Candidate("enum", reason, miss, "enum", is_smoke=reason == "unknown")
    named = tuple(schema.get("x-try", ()))
    for word in (*named, *ANY_WORDS):
        yield Candidate("enum", f"word-{word}", word, "enum", is_smoke=word in named[:1])
    limit = schema.get("maxLength", 100)
    for size in (limit, limit + 1):
        yield Candidate("enum", f"{size}-characters", "a" * size, "maxLength" if "maxLength" in schema else "enum")


def _misses(value: str, first: str) -> dict[str, str]:
    return {
        "upper": value.upper(), "space-after": f"{value} ", "space-before": f" {value}", "newline": f"{value}\n",
        "nul": f"{value}\x00", "cut": value[:-1], "longer": f"{value}s", "quoted": f'"{value}"',
        "joined": f"{value},{first}", "look-alike": value.replace("o", "\u043e").replace("a", "\u0430"),
        "dashes": value.replace("_", "-") if "_" in value else value.replace("-", "_"),
        "no-separator": value.replace("_", "").replace("-", ""), "prefixed": f"custom:{value}",
        "extended": f"{value}-2", "accented": value.replace("o", "\u00f6").replace("a", "\u00e1"),
    }  # fmt: skip


def _close_to(value: Any) -> Iterator[Candidate]:
    close: dict[str, Any] = {}
    if isinstance(value, bool):
        close = {"opposite": not value}
    elif isinstance(value, (int, float)):
        close = {"below": value - 1, "above": value + 1, "half-above": value + 0.5, "minus": -value}
    elif isinstance(value, list):
        close = {"longer": [*value, *value[-1:], None]}
    elif isinstance(value, dict):
        close = {"larger": {**value, "unknown": None}}
    for reason, other in close.items():
        yield Candidate("enum", f"{reason}-{_short(value)}", other, "enum", origin=_short(value))


def _short(value: object) -> str:
    return value if isinstance(value, str) else to_json(value)[:40]
