"""Faults of numbers: of their limits, of what is taken for a number, and of digits that are lost."""

import json
import math
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice, permutations
from typing import Any

from contract_tests.singles import to_single
from contract_tests.spec.field import Field

from .. import seams
from ..fault import CRUD, Fault, OnField, Planted, Predicate, fault, generator
from ..scene import LIMITS, Scene, first, is_number, needed
from ..seams import Api, Decode, Refusal, by
from ..witness import Witness

EXPONENT = re.compile(rb"[0-9][eE][+-]?[0-9]")
HALF = struct.Struct("e")

# How far beyond a limit numbers are accepted, and how far beyond is the one that shows it.
SHIFTS = (
    ("with_a_tolerance", "Allows for a millionth", 1e-6, 5e-7),
    ("a_thousandth_wider", "Accepts a thousandth", 1e-3, 1e-3),
    ("half_wider", "Accepts 0.5", 0.5, 0.5),
    ("one_wider", "Accepts 1", 1, 1),
    ("ignored", "Accepts whatever is", math.inf, 1_000_000_000),
)

# The name of the fault, what the API does to every number with a fraction, and how.
STORED: tuple[tuple[str, str, Callable[[float], float]], ...] = (
    ("numbers_in_single_precision_printed_long", "Stores single precision and prints it as a double: 0.8 reads back as 0.800000011920929.", to_single),
    ("numbers_rounded_to_hundredths", "Rounds numbers to two decimals, as NUMERIC(5, 2) does.", lambda v: round(v, 2)),
    ("numbers_cut_to_milliseconds", "Stores whole thousandths and drops the rest.", lambda v: int(v * 1000) / 1000),
    ("numbers_in_half_precision", "Stores numbers in half precision.", lambda v: HALF.unpack(HALF.pack(v))[0]),
)  # fmt: skip


@generator
def faults_of_numbers(scene: Scene) -> Iterator[Fault]:
    """Yield the faults of each number: of an update, and of the fields that only a create has."""
    for tried in (*scene.fields.values(), *scene.of_create):
        if tried.is_free and is_number(tried):
            for keyword in LIMITS:
                if keyword in tried.schema:
                    yield from _of_limit(OnField(scene, tried, "limits", f"{tried.pointer}/{keyword}", seams.is_number))
            yield from _of_comparison(scene, tried)
            yield from _of_type(OnField(scene, tried, "types", scene.clause(tried, "type")))


def _of_limit(on: OnField) -> Iterator[Fault]:
    """Shift a limit: by the least, by a tolerance, in single precision, by more, and to the inside."""
    keyword = on.clause.rpartition("/")[2]
    limit, is_open = on.tried.schema[keyword], keyword.startswith("exclusive")
    word, sign = ("maximum", 1) if "max" in keyword.lower() else ("minimum", -1)

    def beyond(most: float) -> Predicate:
        return lambda v: 0 < (v - limit) * sign <= most or (is_open and v == limit)

    if _is_continuous(on.tried):
        outside, inside = math.nextafter(limit, sign * math.inf), limit - sign * 1e-6
        least, is_beyond = limit if is_open else outside, beyond(math.inf)
        summary = f"Accepts the double next to the {word} of {limit}, outside it."
        yield from on.wider(f"{word}_an_ulp_wider", summary, lambda v: v == least, least)
        summary, rounded = f"Rounds to single precision before comparing with {limit}.", to_single(limit)
        is_rounded = lambda v: is_beyond(v) and to_single(v) == rounded
        yield from on.wider(f"{word}_in_single_precision", summary, is_rounded, outside)
        summary = f"Refuses what is less than a millionth inside the {word} of {limit}."
        yield from on.tighter(f"{word}_with_a_margin", summary, lambda v: v * sign > inside * sign, limit - sign * 5e-7)
    for defect, what, most, distance in SHIFTS:
        if distance >= 1 or _is_continuous(on.tried):
            summary = f"{what} beyond the {word} of {limit}."
            yield from on.wider(f"{word}_{defect}", summary, beyond(most), limit + sign * distance)
    if not is_open:
        summary = f"Refuses the {word} of {limit} itself."
        yield from on.tighter(f"{word}_exclusive", summary, lambda v: v == limit, limit)


def _of_comparison(scene: Scene, tried: Field) -> Iterator[Fault]:
    name, low, high = tried.name, _bound(tried, "minimum"), _bound(tried, "maximum")
    upper = OnField(scene, tried, "limits", _pointer(tried, "maximum"), seams.is_number)
    lower = replace(upper, clause=_pointer(tried, "minimum"))
    highs, lows = [high] if high is not None else [], [low] if low is not None else []
    is_inside = partial(scene.contract.accepts_value, tried)
    summary = f"Checks the limits of {name} only where it is true in a condition, so that 0 passes."
    yield from lower.wider("zero_unchecked", summary, lambda v: not v, 0)
    negative = [-value for value in scene.good(tried) if value > 0]
    summary = f"Compares the limits of {name} without the sign."
    yield from lower.wider("without_sign", summary, lambda v: v < 0 and is_inside(-v), *negative)
    if _is_continuous(tried):
        if low is not None and low > 0:
            summary = f"Accepts {name} down to 0."
            yield from lower.wider("minimum_down_to_zero", summary, lambda v: 0 <= v < low, low / 2)
        summary, values = f"Rounds {name} to one decimal before it compares with the limits.", [v + 0.04 for v in highs]
        is_near = lambda v: abs(v) < 1e9 and is_inside(round(v, 1))
        yield from upper.wider("rounded_before_the_check", summary, is_near, *values, *(v - 0.04 for v in lows))
        summary = f"Drops the fraction of {name} before it compares with the limits."
        is_cut = lambda v: abs(v) < 1e15 and is_inside(int(v))
        yield from upper.wider("compared_as_integer", summary, is_cut, *(v + 0.5 for v in highs))
    if high is not None:
        in_thousandths = lambda v: v / 1000 if not is_inside(v) and is_inside(v / 1000) else v
        summary = f"Takes a great number as thousandths of {name}."
        yield from upper.read("in_thousandths", summary, in_thousandths, high * 1000)
    if low is not None and high is not None:
        least, most = (low, high) if {"minimum", "maximum"} <= tried.schema.keys() else (scene.good(tried)[0],) * 2
        summary = f"Moves {name} to the limit that it is beyond, and accepts it."
        yield from upper.read("moved_to_the_limit", summary, lambda v: min(max(v, least), most), high + 3, low - 3)


def _of_type(on: OnField) -> Iterator[Fault]:
    """Take for a number what is none, or one kind of number for none."""
    name, good = on.tried.name, on.scene.good(on.tried)
    yield from on.read("as_text", f"Accepts {name} written as text.", _number_of_text, *(str(v) for v in good[:1]))
    yield from on.wider("as_boolean", f"Takes true and false for {name}.", lambda v: isinstance(v, bool), True)
    if on.tried.is_nullable:
        summary = f"Takes an empty text as {name} for null."
        yield from on.read("empty_text_is_null", summary, lambda v: None if v == "" else v, "")
    if "number" in on.tried.types:
        limits = _limits(on.tried)
        whole = [int(value) for value in (*good, *limits) if value == int(value)]
        summary = f"Refuses {name} without a fraction."
        yield from on.tighter("refuses_whole_numbers", summary, lambda v: isinstance(v, int), *whole)
        fractions = [value for value in (*good, *(v + 0.25 for v in limits)) if value != int(value)]
        is_fraction = lambda v: seams.is_number(v) and v % 1 != 0
        yield from on.tighter("refuses_fractions", f"Refuses {name} with a fraction.", is_fraction, *fractions)


def _bound(tried: Field, word: str) -> Any:
    return tried.schema.get(word, tried.schema.get(f"exclusive{word.title()}"))


def _limits(tried: Field) -> list[Any]:
    return [tried.schema[word] for word in ("minimum", "maximum") if word in tried.schema]


def _pointer(tried: Field, word: str) -> str:
    keywords = (word, f"exclusive{word.title()}", *LIMITS, "type")
    return next((f"{tried.pointer}/{keyword}" for keyword in keywords if keyword in tried.schema), tried.pointer)


def _is_continuous(tried: Field) -> bool:
    return "number" in tried.types and "multipleOf" not in tried.schema


def _number_of_text(value: Any) -> Any:
    try:
        found = float(value) if isinstance(value, str) and value.strip() == value else value
    except ValueError:
        return value
    return int(found) if isinstance(found, float) and found.is_integer() else found


@generator
def faults_of_two_limits(scene: Scene) -> Iterator[Fault]:
    """Yield a number that is checked against the least value of another, and one with a hole in its range."""
    needed(scene.contract.has(*CRUD))
    swapped = (one for tried, other in permutations(scene.bounded, 2) for one in _with_minimum_of(scene, tried, other))
    yield from (replace(each, name="limits_of_two_numbers_swapped") for each in islice(swapped, 1))
    for tried in [tried for tried in scene.bounded if tried in scene.fractions][:1]:
        low, high = tried.schema["minimum"], tried.schema["maximum"]
        start, end = low + (high - low) * 0.316, low + (high - low) * 0.342
        on = OnField(scene, tried, "limits", f"{tried.pointer}/maximum", seams.is_number)
        summary = f"Refuses {tried.name} in a small range in the middle of what is allowed."
        yield from on.tighter("with_a_hole", summary, lambda v: start <= v <= end, (start + end) / 2)  # noqa: B023


def _with_minimum_of(scene: Scene, tried: Field, other: Field) -> Iterator[Fault]:
    low, least = tried.schema["minimum"], other.schema["minimum"]
    on = OnField(scene, tried, "limits", f"{tried.pointer}/minimum", seams.is_number)
    summary = "Checks a number against the least value of another."
    yield from on.wider("", summary, lambda v: least <= v < low, low - 1, (low + least) / 2)


@generator
def faults_of_digits(scene: Scene) -> Iterator[Fault]:
    """Yield the numbers that read back with other digits; shown by values between the limits with many digits."""
    values = needed([(tried, _odd_values(scene, tried)) for tried in scene.fractions if _odd_values(scene, tried)])
    needed(scene.contract.has(*CRUD))
    for tried, odd in values:
        on = OnField(scene, tried, "fidelity", f"{tried.pointer}/type", seams.is_number)
        yield from on.stored("loses_its_fraction", f"Stores {tried.name} as a whole number.", int, odd[0])
    if not scene.contract.promises_that("exact_numbers"):
        return
    clause, names = scene.contract.pointer_of_promise("exact_numbers"), [tried.name for tried in scene.fractions]
    witness = scene.shows(*({tried.name: value} for tried, odd in values for value in odd))
    for name, summary, change in STORED:
        apply = lambda api, change=change: seams.store_values_as(api, seams.of_numbers(change), *names)
        yield Fault(name, "fidelity", summary, clause, apply, witness)
    to_tenths = seams.of_numbers(lambda v: round(v, 1))
    for tried, odd in values:
        on, shown = OnField(scene, tried, "fidelity", clause), [value for value in odd if to_tenths(value) != value]
        summary = f"Rounds {tried.name} to one decimal before it is checked and stored."
        apply = lambda api, name=tried.name: seams.read_values_as(api, to_tenths, name)
        yield from on.planted("rounded_to_tenths", summary, apply, *shown)


def _odd_values(scene: Scene, tried: Field) -> list[float]:
    low = tried.schema.get("minimum", tried.schema.get("exclusiveMinimum", 0))
    return [value for value in (low + 0.1239, low + 0.7) if scene.contract.accepts_value(tried, value)]


@fault("types", "strict_json")
def nan_is_a_number(scene: Scene) -> Planted:
    """Reads NaN as a number, compares it with no limit, and answers null."""
    tried = first(scene.fractions)
    good = scene.good(tried)[0]

    def apply(api: Api) -> None:
        seams.wrap(api, "bodies.decode", lambda decode, raw: json.loads(raw) if b"NaN" in raw else decode(raw))
        is_nan = lambda v: True if isinstance(v, float) and v != v else None
        seams.judge(api, tried.name, is_nan, seams.UPDATE, instead=good)

    return Planted(apply, _spelled(scene, tried, good, "NaN"))


@fault("types", "exact_numbers")
def exponent_refused(scene: Scene) -> Planted:
    """Refuses a number that is written with an exponent."""
    tried = first(scene.fractions)
    value = first((*_limits(tried), *scene.good(tried)))

    @by(seams.wrap, "bodies.decode")
    def apply(api: Api, decode: Decode, raw: bytes) -> Any:
        if EXPONENT.search(raw):
            raise Refusal(400, "The request body is not valid JSON.")
        return decode(raw)

    return Planted(apply, _spelled(scene, tried, value, f"{value}e0"))


def _spelled(scene: Scene, tried: Field, value: Any, text: str) -> Witness:
    body = json.dumps(scene.lawful({tried.name: value}))
    spelled = json.dumps({tried.name: value})[1:-1]
    return (scene.update(body.replace(spelled, f'"{tried.name}": {text}')), scene.read())


@fault("types")
def numbers_answered_as_text(scene: Scene) -> Planted:
    """Answers numbers as text."""
    places = scene.contract.document.properties(scene.contract.resource.item_pointer)
    names = needed([tried.name for tried in scene.numbers if tried.name in places and tried.name in scene.item])
    apply = lambda api: seams.show_values_as(api, seams.of_numbers(str), *names)
    return Planted(apply, (scene.read(),), places[names[0]])
