"""
A field's schema goes in, the values at, just inside and just outside each of its limits come out.

Knows neither HTTP nor hypothesis. Whether a value is valid is not decided here: the contract decides, through
a JSON Schema library, so that a mistake in making a value cannot hide a mistake in judging it.
"""

from __future__ import annotations

import json
import math
import random
import re
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as data
from decimal import Decimal
from typing import Any

from contract_tests.contract import JSON_TYPES, LANGUAGE_FIELD, VOICE_FIELD, Contract, Field, Schema

# How far outside a limit a value is tried, in the field's own unit: whole units find an off-by-one,
# the small steps a tolerance, the halves a rounding before the check.
OUTER_STEPS = (1, 0.5, 0.4, 0.1, 0.01, 0.001, 1e-6, 1e-9)
INNER_STEPS = (0.1, 1e-6)

# The sizes at which stores, frameworks and other fields are known to end a text that has no documented limit.
COMMON_SIZES = (100, 128, 200, 255, 256, 500, 512, 1_000, 1_024, 2_000, 2_048, 4_096, 5_000, 8_192, 10_000, 65_536)
UNLIMITED_SIZES = (1, *(size + extra for size in COMMON_SIZES for extra in (0, 1)))

# One character for each length in UTF-8, and what people see as one character but is two code points.
ALPHABETS = {"ascii": "a", "two-byte": "é", "three-byte": "語", "four-byte": "😀"}
COMBINED = "e\u0301"

# What an enum may have come to allow: any enum, and the enum of a field that is known, the sounds that newer releases
# of the vendor's SDK document first, then words that a developer would add.
ANY_WORDS = ("none", "default", "random", "auto", "any", "on")
WORDS = {
    "background_sound": (
        "backchanneling", "custom:3zfmuDbVQsi4GaseDtiVcS", "silence", "silent", "quiet", "noise", "white-noise", "music",
        "rain", "street", "traffic", "restaurant", "home", "car", "typing", "wind",
    ),
    "conversation_initiation": (
        "agent_first", "user_first", "agent", "user", "speak_second", "speak_last", "wait_for_agent", "wait_for_caller",
        "wait_first", "listen",
    ),
}  # fmt: skip

# Characters of a value that fit into a sentence.
LONGEST_SHOWN = 60

# What no UTF-8 holds: half of a character beyond U+FFFF.
LONE_SURROGATE = re.compile("[\ud800-\udfff]")

NOT_JSON = ("NaN", "Infinity", "-Infinity")

# The values that show most of what goes wrong, by their reasons: where few requests may be sent, these come first.
# `make faults BUDGET=300` measures what they are worth.
SHARP = re.compile(
    # numbers and lengths: the limit, and just beyond it
    r"at-m\w+|one-double-(below|above)-m\w+|1e-06-(below|above)-m\w+|(0\.4|1)-(below-min|above-max)\w+|"
    r"zero|minus-one|billion|token-NaN|m\w+imum-spelled-[\d.]+[eE]\S+|"
    r"empty|\d+-(ascii|four-byte)|at-limit-(of-spaces|with-combining)|over-unless-(composed|trimmed-right)|"
    r"over-in-bytes-only|twice-the-limit|"
    # enums, by the value that is looked for in each of its near misses; types
    r"(upper|space-after|cut|dashes)-.*|unknown|prefixed-.*|word-(backchanneling|agent_first)|"
    r"array-1|boolean-0|(integer|number)-0|object-0|string-(0|3)"
)


@dataclass(frozen=True)
class Candidate:
    """A value worth trying, before the contract has judged it."""

    kind: str
    """The group that the value is counted in: number, length, enum, type, null."""
    reason: str
    """Why the value is tried, as words joined by dashes."""
    value: Any = data(repr=False)
    keyword: str
    """The JSON Schema keyword on trial."""
    token: str | None = None
    """The JSON text, where the spelling matters; None for the usual one."""


@dataclass(frozen=True)
class Boundary:
    """One value of one field, and what the contract says of it."""

    field: Field
    kind: str
    reason: str
    value: Any = data(repr=False)
    token: str = data(repr=False)
    """The JSON text that is sent."""
    accepted: bool
    source: str
    """The pointer into openapi.yaml that decides."""

    @property
    def clause(self) -> str:
        """The pointer that it is counted under: null belongs to the place of the field, all else to its schema."""
        return self.field.place if self.kind == "null" else self.source

    @property
    def is_readable(self) -> bool:
        """Whether every JSON parser can read the value: NaN is no JSON, and 1e400 is beyond a double."""
        is_number = isinstance(self.value, (int, float))
        return self.token not in NOT_JSON and not (is_number and abs(self.value) > sys.float_info.max)

    @property
    def is_sharp(self) -> bool:
        """Whether the value is among those that are tried where few requests may be sent."""
        values = [value for value in self.field.schema.get("enum", ()) if value is not None]
        is_other_miss = any(self.reason.endswith(f"-{value}") for value in values if value != max(values, key=len))
        return SHARP.fullmatch(self.reason) is not None and not is_other_miss

    @property
    def equivalence_class(self) -> str:
        """What is on trial, whichever value of the enum it is tried with: one value of a class stands for the others."""
        for value in filter(None, self.field.schema.get("enum", ())):
            if self.reason.endswith(f"-{value}") and not self.reason.startswith("word-"):
                return self.reason.removesuffix(f"-{value}")
        return "part" if self.reason.startswith("part-") else self.reason

    @property
    def shown(self) -> str:
        """The field and the value, short enough for a sentence."""
        if isinstance(self.value, str) and len(self.value) > LONGEST_SHOWN:
            return f"{self.field.name} of {len(self.value)} characters ({self.reason})"
        return f"{self.field.name} {self.token if len(self.token) <= LONGEST_SHOWN else self.reason}"

    @property
    def name(self) -> str:
        """A readable, stable id: field, reason, and what the contract expects."""
        return f"{self.field.name}-{self.reason}-{'accepted' if self.accepted else 'refused'}"


def boundaries(contract: Contract, tried: Field) -> list[Boundary]:
    """
    List the boundary values of a field.

    Args:
        contract: Decides which of the values are valid.
        tried: A field of a request body.

    Returns:
        Each spelling once, valid and invalid values mixed; never empty.

    Source: JSON Schema 2020-12 Validation, section 6.
    """
    found: dict[str, Boundary] = {}
    for candidate in _candidates(tried):
        token = to_json(candidate.value) if candidate.token is None else candidate.token
        accepted = token not in NOT_JSON and contract.accepts_value(tried, candidate.value)
        source = f"{tried.pointer}/{candidate.keyword}"
        boundary = Boundary(tried, candidate.kind, candidate.reason, candidate.value, token, accepted, source)
        found.setdefault(token, boundary)
    return list(found.values())


def plain_fault(contract: Contract, tried: Field) -> Boundary:
    """
    Return the first value of a field that is invalid beyond doubt: in single precision, too.

    Source: openapi.yaml, #/x-decisions/numbers.
    """
    wrong = (value for value in boundaries(contract, tried) if not value.accepted)
    return next(
        value
        for value in wrong
        if not (isinstance(value.value, float) and contract.accepts_value(tried, nearest_single(value.value)))
    )


def representatives(values: Iterable[Boundary], chance: random.Random) -> list[Boundary]:
    """Choose one value of each equivalence class of each field, in the order in which the classes first occur."""
    classes: dict[tuple[str, str], list[Boundary]] = {}
    for value in values:
        classes.setdefault((value.field.name, value.equivalence_class), []).append(value)
    return [chance.choice(some) for some in classes.values()]


def good_values(tried: Field) -> list[Any]:
    """
    List values of a field that are valid beyond doubt, at least two where the schema allows two.

    Args:
        tried: A field whose values the schema alone decides, so neither the voice nor the language.

    Returns:
        Values well inside the limits, each different from the next.
    """
    if "enum" in tried.schema:
        return [value for value in tried.schema["enum"] if value is not None]
    return GOOD_VALUES[tried.json_type](tried.schema)


def to_json(value: object) -> str:
    """Write a value as JSON text, non-ASCII characters as themselves, half a surrogate as its escape."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return LONE_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def nearest_single(value: float) -> float:
    """
    Round to single precision and print the shortest decimal that names it.

    Args:
        value: Any finite double.

    Returns:
        The double that this decimal stands for: 0.8 for 0.8, never 0.800000011920929.

    Source: openapi.yaml, #/x-decisions/numbers.
    """
    single = _to_single(value)
    decimals = (float(f"{single:.{digits}g}") for digits in range(1, 10))
    return next((decimal for decimal in decimals if _to_single(decimal) == single), single)


def _candidates(tried: Field) -> Iterator[Candidate]:
    if "enum" in tried.schema:
        yield from _enum_candidates(tried.schema, (*WORDS.get(tried.name, ()), *ANY_WORDS))
    elif tried.name not in (VOICE_FIELD, LANGUAGE_FIELD):
        yield from CANDIDATES[tried.json_type](tried.schema)
    yield from _type_candidates(tried)
    yield Candidate("null", "null", None, "type")


def _number_candidates(schema: Schema) -> Iterator[Candidate]:
    """Yield numbers around each limit, then spellings of the limits, then numbers far away."""
    limits = _limits(schema)
    for keyword, limit in limits.items():
        yield Candidate("number", f"at-{keyword}", limit, keyword)
        yield from _neighbours(keyword, float(limit))
        yield from _spellings(keyword, limit)
    low, high = limits.get("minimum"), limits.get("maximum")
    if low is not None and high is not None:
        yield Candidate("number", "between", (low + high) / 2, "minimum")
        yield Candidate("number", "between-odd", low + (high - low) / 3, "minimum")
    keyword = next(iter(limits), "type")
    for reason, value in (("zero", 0), ("negative-zero", -0.0), ("minus-one", -1), ("billion", 1e9), ("huge", 1e308)):
        yield Candidate("number", reason, value, keyword)
    yield Candidate("number", "minus-huge", -1e308, keyword)
    yield Candidate("number", "smallest-double", 5e-324, keyword)
    yield Candidate("number", "400-digits", 10**400 - 1, keyword)
    yield Candidate("number", "5000-digits", 10**400, keyword, "9" * 5_000)
    yield Candidate("number", "beyond-double", 10**400, keyword, "1e400")
    yield Candidate("number", "beyond-negative-double", -(10**400), keyword, "-1e400")
    for token in NOT_JSON:
        yield Candidate("number", f"token-{token}", None, "type", token)


def _integer_candidates(schema: Schema) -> Iterator[Candidate]:
    """Yield whole numbers around each limit, and numbers that are not whole."""
    limits = _limits(schema)
    for keyword, limit in limits.items():
        for step in (-2, -1, 0, 1, 2):
            yield Candidate("number", f"{keyword}{step:+d}", int(limit) + step, keyword)
    for value in (0, -1, 2**31, 2**63, 10**400):
        yield Candidate("number", f"integer-{value:.3g}" if value < 1e300 else "401-digits", value, "type")
    yield Candidate("number", "fraction", float(next(iter(limits.values()), 1)) + 0.5, "type")


def _neighbours(keyword: str, limit: float) -> Iterator[Candidate]:
    """Yield the numbers closest to a limit, on both sides, then further and further away."""
    for side, direction in (("below", -math.inf), ("above", math.inf)):
        sign = math.copysign(1, direction)
        name = f"{side}-{keyword}"
        yield Candidate("number", f"one-double-{name}", math.nextafter(limit, direction), keyword)
        yield Candidate("number", f"one-single-{name}", _next_single(limit, direction), keyword)
        is_outside = ("inimum" in keyword) == (sign < 0)
        own_step = float(Decimal(1).scaleb(int(Decimal(repr(limit)).normalize().as_tuple().exponent)))
        for step in sorted({own_step, *(OUTER_STEPS if is_outside else INNER_STEPS)}, reverse=True):
            value = float(Decimal(repr(limit)) + Decimal(repr(step)) * int(sign))
            yield Candidate("number", f"{step:g}-{name}", value, keyword)
    yield Candidate("number", f"double-{keyword}", limit * 2, keyword)
    yield Candidate("number", f"half-{keyword}", limit / 2, keyword)


def _spellings(keyword: str, limit: float) -> Iterator[Candidate]:
    """Yield other spellings of the limit itself: they are the same JSON number."""
    decimal = Decimal(repr(limit))
    tokens = [f"{decimal:f}", f"{decimal:f}0" if "." in f"{decimal:f}" else f"{decimal:f}.0", f"{decimal * 10:f}e-1"]
    for token in [*tokens, f"{decimal / 10:f}E+1", f"{decimal:f}e0"]:
        yield Candidate("number", f"{keyword}-spelled-{token}", limit, keyword, token)
    # More digits than Python's int() reads, though none of them counts.
    yield Candidate("number", f"{keyword}-with-zeros", limit, keyword, tokens[1] + "0" * 5_000)


def _string_candidates(schema: Schema) -> Iterator[Candidate]:
    """Yield texts at the length limits, in every alphabet and in the units that lengths are wrongly counted in."""
    limits = {keyword: schema[keyword] for keyword in ("minLength", "maxLength") if keyword in schema}
    yield Candidate("length", "empty", "", "minLength" if "minLength" in limits else "type")
    for keyword, limit in limits.items():
        for size in sorted({max(limit - 1, 0), limit, limit + 1}):
            for alphabet, character in ALPHABETS.items():
                yield Candidate("length", f"{size}-{alphabet}", character * size, keyword)
    if "maxLength" in limits:
        yield from _miscounted(limits["maxLength"])
    else:
        for size in UNLIMITED_SIZES:
            yield Candidate("length", f"{size}-ascii", "a" * size, "type")
        yield Candidate("length", "1001-four-byte", ALPHABETS["four-byte"] * 1_001, "type")
    for reason, text in (("space", " "), ("newline", "\n"), ("zero-width", "\u200b"), ("nul", "\x00")):
        yield Candidate("length", f"one-{reason}", text, "minLength" if "minLength" in limits else "type")


def _miscounted(limit: int) -> Iterator[Candidate]:
    """Yield texts whose length depends on the unit: code points decide, whatever else is counted."""
    keyword = "maxLength"
    yield Candidate("length", "over-in-bytes-by-one", "a" * (limit - 1) + "é", keyword)
    yield Candidate("length", "over-in-utf16-by-one", "a" * (limit - 1) + "😀", keyword)
    yield Candidate("length", "over-in-bytes-only", "é" * (limit // 2 + 1), keyword)
    yield Candidate("length", "over-in-utf16-only", "😀" * (limit // 2 + 1), keyword)
    yield Candidate("length", "at-limit-with-combining", (COMBINED * limit)[:limit], keyword)
    yield Candidate("length", "over-unless-composed", COMBINED * (limit // 2 + 1), keyword)
    yield Candidate("length", "at-limit-with-spaces", " " + "a" * (limit - 2) + " ", keyword)
    yield Candidate("length", "over-unless-trimmed-left", " " + "a" * limit, keyword)
    yield Candidate("length", "over-unless-trimmed-right", "a" * limit + " ", keyword)
    yield Candidate("length", "over-unless-newline-trimmed", "a" * limit + "\n", keyword)
    yield Candidate("length", "at-limit-of-spaces", " " * limit, keyword)
    yield Candidate("length", "twice-the-limit", "a" * (2 * limit), keyword)
    yield Candidate("length", "far-over", "a" * (50 * limit), keyword)


def _enum_candidates(schema: Schema, words: Iterable[str]) -> Iterator[Candidate]:
    """Yield every value of an enum, and near misses of some: case, padding, parts, joins, look-alikes."""
    values = [value for value in schema["enum"] if isinstance(value, str)]
    for value in values:
        yield Candidate("enum", f"value-{value}", value, "enum")
        yield Candidate("enum", f"capital-{value}", value.capitalize(), "enum")
    for value in sorted({values[0], values[-1], max(values, key=len)}):
        misses = {
            "upper": value.upper(), "space-after": f"{value} ", "space-before": f" {value}", "newline": f"{value}\n",
            "nul": f"{value}\x00", "cut": value[:-1], "longer": f"{value}s", "quoted": f'"{value}"',
            "joined": f"{value},{values[0]}", "look-alike": value.replace("o", "\u043e").replace("a", "\u0430"),
            "dashes": value.replace("_", "-") if "_" in value else value.replace("-", "_"),
            "no-separator": value.replace("_", "").replace("-", ""), "prefixed": f"custom:{value}",
        }  # fmt: skip
        for reason, miss in misses.items():
            if miss != value:
                yield Candidate("enum", f"{reason}-{value}", miss, "enum")
        for part in sorted({re.split("[-_]", value)[0], re.split("[-_]", value)[-1]} - set(values)):
            yield Candidate("enum", f"part-{part}", part, "enum")
    for reason, miss in (("empty", ""), ("null-word", "null"), ("index", "0"), ("unknown", "contract-test-unknown")):
        yield Candidate("enum", reason, miss, "enum")
    for word in words:
        yield Candidate("enum", f"word-{word}", word, "enum")
    limit = schema.get("maxLength", 100)
    for size in (limit, limit + 1):
        yield Candidate("enum", f"{size}-characters", "a" * size, "maxLength" if "maxLength" in schema else "enum")


def _boolean_candidates(_schema: Schema) -> Iterator[Candidate]:
    yield Candidate("type", "true", True, "type")
    yield Candidate("type", "false", False, "type")


def _array_candidates(_schema: Schema) -> Iterator[Candidate]:
    yield Candidate("type", "empty-array", [], "type")


def _object_candidates(_schema: Schema) -> Iterator[Candidate]:
    yield Candidate("type", "empty-object", {}, "type")


def _type_candidates(tried: Field) -> Iterator[Candidate]:
    """Yield every JSON type that the field does not have, above all spellings that a careless parser converts."""
    is_free = tried.name in (VOICE_FIELD, LANGUAGE_FIELD)
    good = "text" if is_free else good_values(tried)[0]
    samples: dict[str, list[Any]] = {
        "string": ["", "text", "true", str(good)],
        "number": [1.5],
        "integer": [0, 1, 7],
        "boolean": [True, False],
        "array": [[], [good], [good, good]],
        "object": [{}, {"value": good}, {tried.name: good}],
    }
    assert set(samples) == set(JSON_TYPES)
    own = {"number", "integer"} if tried.json_type in ("number", "integer") else {tried.json_type}
    for json_type in sorted(samples.keys() - own):
        for index, value in enumerate(samples[json_type]):
            yield Candidate("type", f"{json_type}-{index}", value, "type")


def _limits(schema: Schema) -> dict[str, Any]:
    keywords = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    return {keyword: schema[keyword] for keyword in keywords if keyword in schema}


def _good_numbers(schema: Schema) -> list[Any]:
    """Return two plain numbers inside the limits, exact in single precision so that they read back unchanged."""
    limits = _limits(schema)
    low = limits.get("minimum", limits.get("exclusiveMinimum", 0))
    high = limits.get("maximum", limits.get("exclusiveMaximum", low + 100))
    return [nearest_single(low + (high - low) * share) for share in (0.25, 0.5, 0.75)]


def _good_integers(schema: Schema) -> list[Any]:
    limits = _limits(schema)
    low = int(limits.get("minimum", limits.get("exclusiveMinimum", 0) + 1))
    return [low, int(min(limits.get("maximum", low + 1), low + 1))]


def _good_texts(schema: Schema) -> list[Any]:
    size = schema.get("minLength", 0)
    return [text.ljust(size, ".")[: schema.get("maxLength")] for text in ("Ask twice.", "Ask once more.")]


def _to_single(value: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _next_single(value: float, direction: float) -> float:
    """Return the closest single-precision number on that side of *value*, never *value* itself."""
    single = _to_single(value)
    if (single > value) if direction > 0 else (single < value):
        return single
    bits: int = struct.unpack("i", struct.pack("f", single))[0]
    if single == 0:
        return math.copysign(1.401298464324817e-45, direction)
    step = 1 if (direction > 0) == (single > 0) else -1
    return float(struct.unpack("f", struct.pack("i", bits + step))[0])


CANDIDATES: dict[str, Callable[[Schema], Iterator[Candidate]]] = {
    "string": _string_candidates,
    "number": _number_candidates,
    "integer": _integer_candidates,
    "boolean": _boolean_candidates,
    "array": _array_candidates,
    "object": _object_candidates,
}
GOOD_VALUES: dict[str, Callable[[Schema], list[Any]]] = {
    "string": _good_texts,
    "number": _good_numbers,
    "integer": _good_integers,
    "boolean": lambda _schema: [True, False],
    "array": lambda _schema: [[]],
    "object": lambda _schema: [{}],
}
assert set(CANDIDATES) == set(GOOD_VALUES) == set(JSON_TYPES)
