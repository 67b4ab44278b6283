"""
The faults that openapi.yaml brings by itself: each limit of each field of an update, shifted each way.

A field that is added to openapi.yaml brings its own.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..app import Api
from ..contract import Contract, Schema
from . import seams
from .fault import Apply, Fault
from .witness import Moment, get, listed, patch, post

# Their values are decided by the voices, beyond the schema.
VOICE_FIELDS = ("voice_name", "language_code")

SMALLEST = {"name": "Newcomer", "voice_name": "aria", "language_code": "en-US"}


@dataclass(frozen=True)
class Subject:
    """A field on which faults are planted."""

    name: str
    schema: Schema
    """What its value must be where it is not null."""
    pointer: str
    """Where that stands in openapi.yaml."""
    property_pointer: str
    """Where updatePersona names the field."""
    keeps_on_null: bool


def generated_faults(contract: Contract) -> Iterator[Fault]:
    """
    Yield the faults that follow from the schemas of updatePersona and createPersona.

    Args:
        contract: Names the fields and their limits.
    """
    for subject in _subjects(contract, "updatePersona"):
        yield from _limit_faults(subject)
        yield from _enum_faults(subject)
        yield from _type_faults(subject)
        yield from _null_faults(subject)
    for subject in _subjects(contract, "createPersona"):
        if "null" in _types(contract, "createPersona", subject.name):
            yield _forgotten_by_create(subject)


# -- The fields -------------------------------------------------------------------------------------------------------


def _subjects(contract: Contract, operation: str) -> Iterator[Subject]:
    """List the fields of the body of *operation*, each with the one schema that its value obeys."""
    body = contract.operations[operation].body or {}
    pointer = body.get("$ref", "#")
    for name, schema in contract.properties(body).items():
        place = f"{pointer}/properties/{name}"
        found, where = _value_schema(contract, schema, place)
        yield Subject(name, found, where, place, schema.get("x-on-null") == "keep")


def _value_schema(contract: Contract, schema: Schema, pointer: str) -> tuple[Schema, str]:
    """Follow $ref and the branch of anyOf that is not null, and say where that led."""
    if "$ref" in schema:
        return _value_schema(contract, contract.resolve(schema), schema["$ref"])
    for keyword in ("anyOf", "oneOf"):
        for index, branch in enumerate(schema.get(keyword, [])):
            if contract.resolve(branch).get("type") != "null":
                return _value_schema(contract, branch, f"{pointer}/{keyword}/{index}")
    return schema, pointer


def _types(contract: Contract, operation: str, name: str) -> set[str]:
    schema = contract.properties(contract.operations[operation].body or {})[name]
    branches = [contract.resolve(branch) for branch in schema.get("anyOf", [contract.resolve(schema)])]
    said = [branch.get("type") for branch in branches]
    return {kind for each in said for kind in (each if isinstance(each, list) else [each])}


def _is_of_type(subject: Subject, *types: str) -> bool:
    said = subject.schema.get("type")
    return bool(set(types) & set(said if isinstance(said, list) else [said]))


def _fault(
    subject: Subject, defect: str, group: str, summary: str, keyword: str, apply: Apply, *sent: Any, new: bool = False
) -> Fault:
    """Make a fault whose witness sends each of the values *sent* in an update."""
    steps: list[Moment] = [patch({subject.name: value}) for value in sent]
    pointer = f"{subject.pointer}/{keyword}" if keyword else subject.property_pointer
    return Fault(f"{subject.name}_{defect}", group, summary, pointer, apply, (*steps, get()))


# -- Limits -----------------------------------------------------------------------------------------------------------

Verdict = Callable[[Any], bool | None]


def _limit_faults(subject: Subject) -> Iterator[Fault]:
    for keyword, limit in subject.schema.items():
        if keyword in NUMBER_LIMITS and _is_of_type(subject, "number", "integer"):
            yield from _number_faults(subject, keyword, limit)
        if keyword in LENGTH_LIMITS and "enum" not in subject.schema:
            yield from LENGTH_LIMITS[keyword](subject, limit)


def _number_faults(subject: Subject, keyword: str, limit: float) -> Iterator[Fault]:
    """Shift a limit of a number: by the least, by a tolerance, in single precision, altogether, and to the inside."""
    is_upper, is_open = "max" in keyword, keyword.startswith("exclusive")
    word, outward = ("maximum", math.inf) if is_upper else ("minimum", -math.inf)
    sign = 1 if is_upper else -1

    def widened(is_inside: Callable[[float], bool]) -> Apply:
        return _accepting(subject, lambda value: _is_number(value) and is_inside(value) and _beyond(value, limit, sign))

    def is_within(value: float, bound: float) -> bool:
        return value * sign <= bound * sign

    if not _is_of_type(subject, "integer"):
        least = limit if is_open else math.nextafter(limit, outward)
        further = limit + sign * 1e-6
        single = _single(limit)
        yield _fault(
            subject, f"{word}_an_ulp_wider", "limits", f"Accepts the double next to the {word} of {limit}, outside it.",
            keyword, widened(lambda value: value == least), least,
        )  # fmt: skip
        yield _fault(
            subject, f"{word}_with_a_tolerance", "limits", f"Allows for a millionth beyond the {word} of {limit}.",
            keyword, widened(lambda value: is_within(value, further)), limit + sign * 5e-7, further,
        )  # fmt: skip
        yield _fault(
            subject, f"{word}_in_single_precision", "limits", f"Rounds to single precision before comparing with {limit}.",
            keyword, widened(lambda value: is_within(_single(value), single)), math.nextafter(limit, outward),
        )  # fmt: skip
    yield _fault(
        subject, f"{word}_one_wider", "limits", f"Accepts up to 1 beyond the {word} of {limit}.",
        keyword, widened(lambda value: is_within(value, limit + sign)), limit + sign,
    )  # fmt: skip
    yield _fault(
        subject, f"{word}_ignored", "limits", f"Has no {word}, where the contract says {limit}.",
        keyword, widened(lambda value: True), limit + sign * 1_000_000_000,
    )  # fmt: skip
    if not is_open:
        yield _fault(
            subject, f"{word}_exclusive", "limits", f"Refuses the {word} of {limit} itself.",
            keyword, _refusing(subject, lambda value: _is_number(value) and value == limit), limit,
        )  # fmt: skip
    inner = limit - sign * 1e-6
    yield _fault(
        subject, f"{word}_with_a_margin", "limits", f"Refuses what is less than a millionth inside the {word} of {limit}.",
        keyword, _refusing(subject, lambda value: _is_number(value) and not is_within(value, inner)), limit - sign * 5e-7
        if not _is_of_type(subject, "integer") else limit,
    )  # fmt: skip


def _max_length_faults(subject: Subject, limit: int) -> Iterator[Fault]:
    """Miscount the greatest length."""

    def accepting(is_short: Callable[[str], bool]) -> Apply:
        return _accepting(subject, lambda value: isinstance(value, str) and len(value) > limit and is_short(value))

    def refusing(is_long: Callable[[str], bool]) -> Apply:
        return _refusing(subject, lambda value: isinstance(value, str) and is_long(value))

    of = f"the greatest length of {limit}"
    cases = (
        ("length_one_more", f"Accepts one character beyond {of}.", accepting(lambda v: len(v) == limit + 1), "a" * (limit + 1)),
        ("length_unlimited", f"Ignores {of}.", accepting(lambda v: True), "a" * (limit * 2)),
        ("length_exclusive", f"Refuses {of} itself.", refusing(lambda v: len(v) >= limit), "a" * limit),
        ("length_in_bytes", f"Counts {of} in bytes of UTF-8.", refusing(lambda v: _utf8(v) > limit), "é" * limit),
        ("length_in_utf16", f"Counts {of} in UTF-16 units.", refusing(lambda v: _utf16(v) > limit), "😀" * limit),
        ("length_after_trimming", f"Trims before it compares with {of}.", accepting(lambda v: len(v.strip()) <= limit), "a" * limit + " "),
    )  # fmt: skip
    for defect, summary, apply, sent in cases:
        yield _fault(subject, defect, "limits", summary, "maxLength", apply, sent)
    cut = partial(seams.read_field_as, field=subject.name, change=lambda v: v[:limit] if isinstance(v, str) else v)
    summary = f"Cuts what is longer than {limit} characters and accepts it."
    yield _fault(subject, "cut_to_length", "limits", summary, "maxLength", cut, "a" * (limit + 1))


def _min_length_faults(subject: Subject, limit: int) -> Iterator[Fault]:
    """Miscount the least length."""
    if limit < 1:
        return
    cases = (
        ("length_one_less", f"Accepts one character less than {limit}.",
         _accepting(subject, lambda v: isinstance(v, str) and len(v) == limit - 1), "a" * (limit - 1)),
        ("length_one_more_needed", f"Refuses a text of just {limit}.",
         _refusing(subject, lambda v: isinstance(v, str) and len(v) == limit), "a" * limit),
        ("length_needed_after_trimming", f"Trims before it asks for at least {limit}.",
         _refusing(subject, lambda v: isinstance(v, str) and len(v.strip()) < limit), " " * limit),
    )  # fmt: skip
    for defect, summary, apply, sent in cases:
        yield _fault(subject, defect, "limits", summary, "minLength", apply, sent)


NUMBER_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
LENGTH_LIMITS: dict[str, Callable[[Subject, int], Iterator[Fault]]] = {
    "maxLength": _max_length_faults,
    "minLength": _min_length_faults,
}


# -- Enums, types and null --------------------------------------------------------------------------------------------


def _enum_faults(subject: Subject) -> Iterator[Fault]:
    """Compare with the values of an enum carelessly, or know one too few or too many."""
    values = [value for value in subject.schema.get("enum", []) if isinstance(value, str)]
    if not values:
        return
    last = values[-1]

    def matching(reading: Callable[[str], str]) -> Apply:
        return _accepting(subject, lambda v: isinstance(v, str) and v not in values and reading(v) in values)

    def begins_one(value: Any) -> bool:
        return isinstance(value, str) and value not in values and any(each.startswith(value) for each in values)

    cases = (
        ("open_to_any_text", "Accepts any text of at most 100 characters.",
         _accepting(subject, lambda v: isinstance(v, str) and v not in values and 0 < len(v) <= 100), "unknown-value"),
        ("in_any_case", "Accepts the values in any case.", matching(str.lower), last.upper()),
        ("in_any_padding", "Accepts the values with spaces around them.", matching(str.strip), f" {last}"),
        ("without_its_last_value", f"Does not know the value {last}.", _refusing(subject, lambda v: v == last), last),
        ("by_its_beginning", "Accepts the beginning of a value.", _accepting(subject, begins_one), last[:-1]),
    )  # fmt: skip
    for defect, summary, apply, sent in cases:
        yield _fault(subject, defect, "enums", summary, "enum", apply, sent)


def _type_faults(subject: Subject) -> Iterator[Fault]:
    """Convert what is of another type."""
    if _is_of_type(subject, "number", "integer"):
        limit = subject.schema.get("maximum", subject.schema.get("minimum", 1))
        text = partial(seams.read_field_as, field=subject.name, change=_number_of_text)
        yield _fault(subject, "as_text", "types", "Accepts a number written as text.", "type", text, str(limit))
        flag = partial(seams.judge, field=subject.name, verdict=lambda v: True if isinstance(v, bool) else None)
        yield _fault(subject, "as_boolean", "types", "Takes true and false for numbers.", "type", flag, True)
    if _is_of_type(subject, "string") and "enum" not in subject.schema and subject.name not in VOICE_FIELDS:
        number = partial(seams.read_field_as, field=subject.name, change=_text_of_number)
        yield _fault(subject, "as_number", "types", "Turns a number into text and accepts it.", "type", number, 1.5)


def _null_faults(subject: Subject) -> Iterator[Fault]:
    """Do with null what x-on-null does not say."""
    refused = partial(seams.judge, field=subject.name, verdict=lambda v: False if v is None else None)
    yield _fault(subject, "null_refused", "null", "Refuses null.", "", refused, None)
    kept = partial(_flip_null, field=subject.name, is_kept=not subject.keeps_on_null)
    defect, summary = (
        ("cleared_by_null", "Clears the field on null, which is to leave it.")
        if subject.keeps_on_null
        else ("kept_on_null", "Leaves the field on null, which is to clear it.")
    )
    # A field that is not known to the persona of the witness needs a value first.
    sample = _sample(subject)
    fault = _fault(subject, defect, "null", summary, "", kept, *([sample] if sample is not None else []), None)
    yield replace(fault, clause=f"{subject.property_pointer}/x-on-null")


def _sample(subject: Subject) -> Any:
    """Return a valid value of a field, where the schema alone can tell."""
    schema = subject.schema
    if subject.name in VOICE_FIELDS:
        return None
    if "enum" in schema:
        return schema["enum"][-1]
    if _is_of_type(subject, "number", "integer"):
        return schema.get("maximum", schema.get("minimum", 1))
    return "a" * max(schema.get("minLength", 1), 1) if _is_of_type(subject, "string") else None


def _forgotten_by_create(subject: Subject) -> Fault:
    """Forget an optional field of a new persona."""

    def forget(operation: str, fields: dict[str, Any]) -> dict[str, Any]:
        return {n: v for n, v in fields.items() if operation != "createPersona" or n != subject.name}

    name = f"{subject.name}_forgotten_by_create"
    summary = "Accepts the field for a new persona and does not store it."
    sent = {**SMALLEST, subject.name: _sample(subject)}
    steps = (post(sent), get("/personas/{new}"), listed())
    apply = partial(seams.store_as, change=forget)
    return Fault(name, "creation", summary, "#/x-decisions/creation", apply, steps)


def _flip_null(api: Api, field: str, is_kept: bool) -> None:
    keeps = api.rules.keeps_on_null
    seams.replace(api.rules, "keeps_on_null", lambda name: is_kept if name == field else keeps(name))


# -- Arithmetic -------------------------------------------------------------------------------------------------------


def _accepting(subject: Subject, is_accepted: Callable[[Any], bool]) -> Apply:
    """Accept further values of a field in updates."""
    return partial(seams.judge, field=subject.name, verdict=lambda value: True if is_accepted(value) else None)


def _refusing(subject: Subject, is_refused: Callable[[Any], bool]) -> Apply:
    """Refuse some values of a field in updates."""
    return partial(seams.judge, field=subject.name, verdict=lambda value: False if is_refused(value) else None)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _beyond(value: float, limit: float, sign: int) -> bool:
    return value * sign >= limit * sign


def _single(value: float) -> float:
    try:
        rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return rounded


def _utf8(text: str) -> int:
    return len(text.encode())


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _number_of_text(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) and value.strip() == value else value
    except ValueError:
        return value


def _text_of_number(value: Any) -> Any:
    return str(value) if _is_number(value) else value
