"""The inputs that are tried one by one, what the contract says of each, and what became of it."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contract_tests.boundary_map.limit_result import TriedType, TriedValue
from contract_tests.boundary_map.probes import Answer, Outcome
from contract_tests.boundary_map.slots import Slot
from contract_tests.checks.listed_values import ListedValues
from contract_tests.generation.boundaries import NOT_JSON, Boundary, boundaries, good_values, to_json
from contract_tests.generation.numbers import is_judged
from contract_tests.singles import nearest_single
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field, json_type

# Inputs that are named in a sentence.
MOST_NAMED = 4
LONGEST_NAMED = 40

# So many listed values are tried, and so many that do not go with the others.
MOST_LISTED = 40

# The distances from a multiple at which a number is tried that is none.
DECIMALS = ("1", "0.1", "0.01")

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

# Times of RFC 3339, which a filter must take; what lies between is up to the API, and so is what is no time at all.
TIMES = (
    "2025-01-01T00:00:00Z", "2025-01-01T00:00:00.5Z", "2025-01-01T00:00:00.123456Z", "2025-01-01T00:00:00+00:00",
    "2025-01-01T00:00:00-08:00", "2024-02-29T23:59:59Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
)  # fmt: skip

NO_TIMES = (
    "2025-01-01T00:00:00", "2025-01-01", "2025-02-30T00:00:00Z", "2025-13-01T00:00:00Z", "2025-01-01T25:00:00Z",
    "2025-01-01T00:00Z", "01/01/2025", "1735689600", "yesterday", "",
)  # fmt: skip

# Texts that are no whole number; what a lenient reader may take for one is up to the API.
NO_INTEGERS = ("ten", "1.5", "true", "[5]", "five", "--1")
PERHAPS_INTEGERS = ("1e1", "5.0")


@dataclass(frozen=True)
class Input:
    """A value of a field to try, and what the contract says of it."""

    value: Any
    is_declared: bool | None
    """Whether it is to be accepted; None where either is right."""
    token: str | None = None
    others: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Tried:
    """An input that was tried."""

    input: Input
    answer: Answer

    @property
    def is_missing(self) -> bool:
        """Whether it is refused and should not be."""
        return self.input.is_declared is True and self.answer.outcome is Outcome.REFUSED

    @property
    def is_added(self) -> bool:
        """Whether it is accepted and should not be."""
        return self.input.is_declared is False and self.answer.outcome is not Outcome.REFUSED

    @property
    def is_changed(self) -> bool:
        """Whether it is accepted and reads back otherwise."""
        return self.answer.outcome is Outcome.ALTERED

    @property
    def departs(self) -> bool:
        """Whether anything is not as the contract says."""
        return self.is_missing or self.is_added or self.is_changed

    @property
    def text(self) -> str:
        """The value as JSON."""
        return self.input.token or to_json(self.input.value)

    @property
    def shown(self) -> str:
        """The value, short enough for a sentence."""
        return self.text if len(self.text) <= LONGEST_NAMED else f"{self.text[:LONGEST_NAMED]}..."

    def as_value(self) -> TriedValue:
        """Return the input as it stands in the map, where values are told apart by what they are."""
        reads = self.answer.reads if self.is_changed else None
        return TriedValue(self.input.value, self.input.is_declared, str(self.answer.outcome), reads)

    def as_type(self) -> TriedType:
        """Return the input as it stands in the map, where values are told apart by their type."""
        value = self.as_value()
        kind = "number" if self.input.token in NOT_JSON else json_type(value.value).replace("integer", "number")
        return TriedType(kind, self.text, value.declared, value.outcome, value.reads)


def spellings(contract: Contract, slot: Slot) -> list[Input]:
    """List ways to write one number that is good beyond doubt, and what looks like a number and is no JSON."""
    if slot.json_type not in ("number", "integer"):
        return []
    schema = slot.schema
    low = max((schema[name] for name in ("minimum", "exclusiveMinimum") if name in schema), default=-math.inf)
    high = min((schema[name] for name in ("maximum", "exclusiveMaximum") if name in schema), default=math.inf)
    goods = [number for number in (1, 2, 10, 50, 100) if low < number < high and slot.accepts(contract, number)]
    plain = next(iter([*goods, *slot.good_values]), None)
    if plain is None:
        return []
    decimal = Decimal(str(plain))
    tokens = [f"{decimal:f}"]
    if slot.json_type == "number":
        tokens += [f"{decimal:f}.0" if "." not in f"{decimal:f}" else f"{decimal:f}0"]
        tokens += [f"{decimal * 10:f}e-1", f"{decimal / 10:f}E+1", f"{decimal:f}e0"]
    return [Input(plain, True, token) for token in tokens] + [Input(None, False, token) for token in NOT_JSON]


def boundary_inputs(contract: Contract, slot: Slot, constraint: str) -> list[Input]:
    """List the boundary values of one constraint of a value."""
    own = [each for each in boundaries(contract, slot.field) if each.path == slot.path]
    found = [each for each in own if _is_of(each, constraint)]
    return [Input(each.value, each.accepted, each.token) for each in found]


def decimals_beside_a_multiple(contract: Contract, slot: Slot) -> list[Input]:
    """List numbers that the contract refuses beside a multiple: an API may round to decimals instead of to the step."""
    goods = [number for number in slot.good_values if not isinstance(number, bool)]
    found = []
    for good, distance in itertools.product(goods[:1], DECIMALS):
        exact = Decimal(repr(good)) + Decimal(distance)
        value = int(exact) if exact == exact.to_integral_value() else float(exact)
        is_clear = is_judged(slot.view, value) and not slot.accepts(contract, nearest_single(value))
        if is_clear and not slot.accepts(contract, value):
            found.append(Input(slot.wrap(value), False))
    return found


def _is_of(boundary: Boundary, constraint: str) -> bool:
    """Whether a boundary value belongs to a constraint: a keyword, or a group of what an object or an array may hold."""
    keyword = boundary.source.rpartition("/")[2]
    if constraint in ("properties", "items"):
        return boundary.kind == constraint and keyword not in ("minItems", "maxItems")
    if constraint in ("enum", "const", "type", "pattern", "format"):
        return boundary.kind == ("enum" if constraint == "const" else constraint)
    return keyword == constraint and boundary.kind in ("number", "length", "items")


def listed_inputs(contract: Contract, tried: Field, listed: ListedValues) -> Iterator[Input]:
    """Yield the values that another operation lists for a field, those that do not go with the others, and near misses."""
    values = listed.values(tried.name)
    shape = (lambda value: [value]) if tried.json_type == "array" else (lambda value: value)
    for value in values[:MOST_LISTED]:
        yield Input(shape(value), True)
    some = next(iter(listed.combinations()), {})
    given = {name: some[name] for name in (tried.values_from.given if tried.values_from else ()) if name in some}
    for value in listed.mismatches(tried.name, given)[:MOST_LISTED]:
        yield Input(shape(value), False, others=given)
    near = [] if "format" in tried.schema else [miss for value in values[:1] for miss in _near_misses(value)]
    for miss in [listed.unknown(tried.name), *near]:
        if miss not in values and contract.accepts_value(tried, shape(miss)):
            yield Input(shape(miss), False if listed.is_unlisted(tried.name, miss) else None)


def _near_misses(value: Any) -> list[Any]:
    if not isinstance(value, str):
        return []
    padded = (f" {value}", f"{value} ", value[:-1], f"{value}s", value.partition("-")[0])
    spelled = (value.upper(), value.lower(), value.capitalize(), *padded, value.replace("-", "_"))
    return list(dict.fromkeys([*spelled, f"{value}-x-test", ""]))


def time_inputs(example: str) -> list[Input]:
    """List times in a filter, and texts that are none; *example* is a filter that holds a time, from the contract."""
    inputs = [Input(RFC_3339.sub(time, example), True) for time in TIMES]
    return inputs + [Input(RFC_3339.sub(text, example), None) for text in NO_TIMES]


def query_inputs(contract: Contract, tried: Field) -> list[Input]:
    """List texts that are a number in a query, texts that are none, and texts that a lenient reader may take for one."""
    goods = [Input(value, True) for value in good_values(contract, tried)[1:2]]
    # A fraction is no whole number, and a number.
    wrong = [text for text in NO_INTEGERS if tried.json_type == "integer" or text != "1.5"]
    perhaps = PERHAPS_INTEGERS if tried.json_type == "integer" else ()
    return [*goods, *(Input(text, False, text) for text in wrong), *(Input(text, None, text) for text in perhaps)]
