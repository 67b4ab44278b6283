"""The values that are tried one by one, what the contract says of each, and what became of it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contract_tests.boundaries import NOT_JSON, Boundary, boundaries, good_values, to_json
from contract_tests.contract import Contract, Field
from contract_tests.edge_search.line import LOWER, UPPER
from contract_tests.edge_search.probes import Answer, Outcome
from contract_tests.edge_search.row import JsonObject

# Values that are named in a sentence.
MOST_NAMED = 4

LONGEST_NAMED = 40

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
class Case:
    """A value to try, and what the contract says of it."""

    value: Any
    is_declared: bool | None
    """Whether it is to be accepted; None where either is right."""
    token: str | None = None
    others: JsonObject | None = None


@dataclass(frozen=True)
class Tried:
    """A value that was tried."""

    case: Case
    answer: Answer

    @property
    def is_missing(self) -> bool:
        """Whether it is refused and should not be."""
        return self.case.is_declared is True and self.answer.outcome is Outcome.REFUSED

    @property
    def is_added(self) -> bool:
        """Whether it is accepted and should not be."""
        return self.case.is_declared is False and self.answer.outcome is not Outcome.REFUSED

    @property
    def is_changed(self) -> bool:
        """Whether it is accepted and reads back otherwise."""
        return self.answer.outcome is Outcome.ALTERED

    @property
    def departs(self) -> bool:
        """Whether anything is not as the contract says."""
        return self.is_missing or self.is_added or self.is_changed

    @property
    def shown(self) -> str:
        """The value, short enough for a sentence."""
        text = self.case.token or to_json(self.case.value)
        return text if len(text) <= LONGEST_NAMED else f"{text[:LONGEST_NAMED]}..."

    def as_json(self) -> JsonObject:
        """Return the value as it stands in the map."""
        shown = {"declared": self.case.is_declared, "outcome": str(self.answer.outcome)}
        return shown | ({"reads": self.answer.reads} if self.is_changed else {})


def declared_type(tried: Field) -> str:
    """Return the types that a field may have, in words."""
    return f"{tried.json_type} or null" if tried.is_nullable else tried.json_type


def spellings(tried: Field) -> list[Case]:
    """List ways to write one number that is good beyond doubt, and what looks like a number and is no JSON."""
    if tried.json_type not in ("number", "integer"):
        return []
    plain = next((number for number in (1, 2, 10, 50, 100) if is_inside(tried, number)), good_values(tried)[0])
    decimal = Decimal(str(plain))
    tokens = [f"{decimal:f}"]
    if tried.json_type == "number":
        tokens += [f"{decimal:f}.0", f"{decimal * 10:f}e-1", f"{decimal / 10:f}E+1", f"{decimal:f}e0"]
    return [Case(plain, True, token) for token in tokens] + [Case(None, False, token) for token in NOT_JSON]


def is_inside(tried: Field, number: float) -> bool:
    """Whether a number keeps well away from the limits."""
    low = max((tried.schema[name] for name in LOWER if name in tried.schema), default=-math.inf)
    high = min((tried.schema[name] for name in UPPER if name in tried.schema), default=math.inf)
    return bool(low < number < high)


def near_misses(values: list[str]) -> list[str]:
    """List texts that resemble a value and are none."""
    value = values[0]
    misses = [
        value.upper(),
        value.capitalize(),
        f" {value}",
        f"{value} ",
        value[:-1],
        f"{value}s",
        value.replace("-", "_"),
        "",
    ]
    return [miss for miss in dict.fromkeys([*misses, "contract-test-unknown"]) if miss not in values]


def tried_as(contract: Contract, tried: Field, kind: str) -> list[Boundary]:
    """List the boundary values of one group."""
    return [each for each in boundaries(contract, tried) if each.kind == kind]


def case_of(boundary: Boundary) -> Case:
    """Return a boundary value as a case."""
    return Case(boundary.value, boundary.accepted, boundary.token)


def type_of(case: Case) -> str:
    """Return the JSON type of a value."""
    if case.token in NOT_JSON:
        return "number"
    names = {bool: "boolean", str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(case.value), "null")
