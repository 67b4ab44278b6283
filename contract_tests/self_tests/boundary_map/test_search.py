"""The search for where acceptance flips, by itself: against rules that are known, without an API."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contract_tests.boundary_map.alphabets import NAMES, UNITS, Alphabet, Found, count
from contract_tests.boundary_map.alterations import Altered, alteration
from contract_tests.boundary_map.axis import Doubles, Integers, Side, plainest
from contract_tests.boundary_map.comparison import ABSENT, moves
from contract_tests.boundary_map.lengths import search_alphabet
from contract_tests.boundary_map.limit_result import Hole, LimitResult, TriedValue
from contract_tests.boundary_map.probes import Answer, Outcome
from contract_tests.boundary_map.search import find_flips, holes, limit_among, pin, width_found
from contract_tests.singles import nearest_single

# Halving the 64 bits of a double, and a look at a neighbour now and then.
MOST_ASKED = 130

DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
SIDES: st.SearchStrategy[Side] = st.sampled_from((1, -1))


class Asked:
    """A rule that counts how often it was asked, once for each value, as the search does."""

    def __init__(self, is_accepted: Callable[[int], bool]) -> None:
        self.is_accepted = is_accepted
        self.answers: dict[int, bool] = {}

    def __call__(self, ordinal: int) -> bool:
        """Answer, the same each time."""
        return self.answers.setdefault(ordinal, self.is_accepted(ordinal))


@given(one=DOUBLES, other=DOUBLES, side=SIDES)
def test_doubles_keep_their_order(one: float, other: float, side: Side) -> None:
    """A greater double has a greater number, or a smaller one where the search goes down, and gets it back."""
    axis = Doubles(side)
    assert axis.value(axis.ordinal(one)) == one
    assert (one < other) == (side * axis.ordinal(one) < side * axis.ordinal(other))


@given(value=st.floats(-1e300, 1e300))
def test_neighbours_have_neighbouring_numbers(value: float) -> None:
    """Nothing lies between two numbers that differ by one."""
    axis = Doubles()
    assert axis.value(axis.ordinal(value) + 1) == math.nextafter(value, math.inf)


@given(values=st.tuples(DOUBLES, DOUBLES, DOUBLES), side=SIDES)
def test_any_flip_between_doubles_is_pinned(values: tuple[float, float, float], side: Side) -> None:
    """The last accepted double is the limit itself, wherever it lies, within the requests that halving needs."""
    axis = Doubles(side)
    inner, edge, outer = sorted(map(axis.ordinal, values))
    assume(edge < outer)
    ask = Asked(lambda ordinal: ordinal <= edge)
    flip = pin(axis, ask, inner, outer)
    assert (flip.inner, flip.outer, flip.is_end) == (edge, edge + 1, True)
    assert len(ask.answers) <= MOST_ASKED


@pytest.mark.parametrize(
    ("limit", "outside"), [(2.5, 2.95), (2.001, 2.0475), (4.5, -142.5), (301.0, 303.0), (0.0, -0.37)]
)
def test_plain_limit_costs_few_requests(limit: float, outside: float) -> None:
    """A limit with few decimals is found with a fraction of the requests that halving alone would need."""
    side: Side = 1 if outside > limit else -1
    axis = Doubles(side)
    edge = axis.ordinal(limit)
    ask = Asked(lambda ordinal: ordinal <= edge)
    assert pin(axis, ask, axis.ordinal(5 if side < 0 else 2 if limit < 5 else 300), axis.ordinal(outside)).inner == edge
    assert len(ask.answers) <= 30


@given(limit=st.integers(-10, 10**6), first=st.integers(-20, 10**6), beyond=st.integers(1, 10**7), side=SIDES)
def test_any_flip_between_whole_numbers_is_pinned(limit: int, first: int, beyond: int, side: Side) -> None:
    """Whole numbers and lengths are found exactly."""
    axis = Integers(side)
    edge = side * limit
    flip = pin(axis, Asked(lambda ordinal: ordinal <= edge), min(first, edge), edge + beyond)
    assert (flip.inner, flip.outer) == (edge, edge + 1)


@given(ends=st.tuples(st.floats(0.1, 2), st.floats(0.1, 2)), hit=st.floats(0, 1))
def test_both_ends_of_a_hole_are_pinned(ends: tuple[float, float], hit: float) -> None:
    """A refused stretch that one sample lies in is named by its first and its last double."""
    axis = Doubles()
    low, high = sorted(axis.ordinal(end) for end in ends)
    limit = axis.ordinal(2.0)
    assume(axis.ordinal(0.1) < low and high < limit)
    sample = low + round((high - low) * hit)
    ask = Asked(lambda ordinal: ordinal <= limit and not low <= ordinal <= high)
    samples = [axis.ordinal(0.1), min(max(sample, low), high), limit, axis.ordinal(4.0)]
    flips = find_flips(axis, ask, samples)
    found = limit_among(flips, limit, is_accepted=True)
    assert found is not None
    assert found.inner == limit
    (hole,) = holes(flips, found, samples[0], samples[-1])
    assert (hole.first, hole.last, hole.is_accepted) == (low, high, False)


def test_island_beyond_the_limit_is_a_hole() -> None:
    """What is accepted beyond the limit is told apart from the limit."""
    ask = Asked(lambda ordinal: ordinal <= 10 or 20 <= ordinal <= 30)
    flips = find_flips(Integers(), ask, [0, 10, 11, 25, 40])
    limit = limit_among(flips, 10, is_accepted=True)
    assert limit is not None
    assert limit.inner == 10
    assert [(each.first, each.last, each.is_accepted) for each in holes(flips, limit, 0, 40)] == [(20, 30, True)]


def test_limit_short_of_the_declared_is_looked_for_inwards() -> None:
    """Where the declared limit is refused, the limit is the first end of acceptance inside of it."""
    flips = find_flips(Integers(), Asked(lambda ordinal: ordinal <= 7), [0, 10, 11])
    limit = limit_among(flips, 10, is_accepted=False)
    assert limit is not None
    assert limit.inner == 7


def test_nothing_but_acceptance_has_no_limit() -> None:
    """Without a refusal there is no limit, and no hole."""
    flips = find_flips(Integers(), Asked(lambda _ordinal: True), [0, 10, 1_000])
    assert flips == []
    assert limit_among(flips, 10, is_accepted=True) is None
    assert holes(flips, None, 0, 1_000) == []


@given(low=DOUBLES, high=DOUBLES)
def test_plainest_number_lies_between(low: float, high: float) -> None:
    """The number with the fewest digits is one of those asked for."""
    low, high = sorted((low, high))
    assert low <= plainest(low, high) <= high


@pytest.mark.parametrize(
    ("low", "high", "plain"),
    [(2.45, 2.57, 2.5), (0.96, 1.07, 1.0), (-1, 2, 0), (-2.07, -1.98, -2), (2.0009, 2.0011, 2.001)],
)
def test_plainest_number_has_the_fewest_digits(low: float, high: float, plain: float) -> None:
    """People write limits with few digits, so those are tried first."""
    assert plainest(low, high) == plain


@given(start=st.floats(0, 0.9), width=st.floats(0.0001, 0.1))
def test_every_hole_as_wide_as_a_step_is_hit(start: float, width: float) -> None:
    """Equal steps cannot miss what is wider than one of them."""
    certain, likely = width_found(1.0, 20, 6)
    assert likely <= certain == 0.05
    samples = [step / 20 for step in range(21)]
    assert width < certain or any(start <= sample <= start + width for sample in samples) or start + width > 1


@given(limit=st.integers(30, 400), unit=st.sampled_from(sorted(UNITS)), declared=st.integers(30, 400))
def test_unit_of_a_length_is_found(limit: int, unit: str, declared: int) -> None:
    """Whatever an API counts, the map names the unit and the limit in it."""
    found = [searched(name, UNITS[unit], limit, declared) for name in NAMES]
    assert count(found, 1) == (unit, limit, limit + 1)


def searched(name: str, size: Callable[[str], int], limit: int, declared: int) -> Found:
    def send(text: str) -> Answer:
        outcome = Outcome.ACCEPTED if size(text) <= limit else Outcome.REFUSED
        return Answer(outcome, text, None)  # type: ignore[arg-type]

    prober: Any = SimpleNamespace(put=send)
    return search_alphabet(
        prober, Alphabet(name, ""), 1, [2, declared, declared + 1, 5 * max(declared, limit)], declared
    )


def test_hole_that_came_is_told() -> None:
    """Two maps differ where one has a hole, a value of an enum was treated otherwise, or a row is new."""
    old = LimitResult("update", "size", "maximum", "holds", values=(TriedValue("a", True, "accepted"),))
    values = (TriedValue("a", True, "altered", "b"),)
    new = replace(old, holes=(Hole("refused", 1, 2, 3, 4),), values=values)
    told = [(move.what, move.old, move.new) for move in moves([old], [new, replace(new, field="other")])]
    hole = '[{"outcome": "refused", "before": 1, "first": 2, "last": 3, "after": 4...'
    assert told == [("holes", "[]", hole), ("a", "accepted", "altered as b"), ("row", ABSENT, "holds")]


NUMBERS = (0.123456789, 1.23456789, 1.98765432, 0.55555)
TEXTS = ("  Ask  ", " twice. ")


@pytest.mark.parametrize(
    ("change", "sent", "name"),
    [
        (lambda v: min(v, 1.5), (1.6, 1.7, 9.0), "clamped to 1.5"),
        (lambda v: round(v, 1), NUMBERS, "rounded to 1 decimal"),
        (lambda v: round(v, 2), NUMBERS, "rounded to 2 decimals"),
        (lambda v: float(round(v)), NUMBERS, "rounded to a whole number"),
        (lambda v: math.floor(v * 1000) / 1000, NUMBERS, "cut to 3 decimals"),
        (lambda _v: None, NUMBERS, "cleared"),
        (str, NUMBERS, "turned into text"),
        (lambda v: v[:200], ("a" * 201, "é" * 400), "truncated to 200 characters"),
        (lambda v: v.encode()[:200].decode(errors="ignore"), ("a" * 201, "語" * 200), "truncated to 200 bytes"),
        (str.strip, TEXTS, "trimmed"),
        (str.lower, ("Office", "CAFE"), "case-folded"),
        (lambda v: unicodedata.normalize("NFC", v), ("e\u0301", "a\u0308"), "normalised to NFC"),
        (lambda v: v.replace("_", "-"), ("heavy_rain", "small_dog_bark"), "changed in its separators"),
        (lambda v: v[::-1], ("abc", "xyz"), "changed"),
    ],
)
def test_alteration_is_named(change: Callable[[Any], Any], sent: tuple[Any, ...], name: str) -> None:
    """A person reads what was done to a value, not only that something was."""
    assert alteration(Altered(value, change(value)) for value in sent) == name


def test_clamping_and_rounding_are_both_named() -> None:
    """An API may do two things to numbers."""
    cases = [Altered(9.0, 2), Altered(50.0, 2), Altered(0.123, 0.1), Altered(1.789, 1.8)]
    assert alteration(cases, [0.1, 2]) == "clamped to 2 and rounded to 1 decimal"


def test_nothing_altered_has_no_name() -> None:
    """Without a case there is no alteration."""
    assert alteration([]) is None


@given(value=st.floats(0.1, 300))
def test_single_precision_is_no_alteration_by_itself(value: float) -> None:
    """The grain of single precision is told by the two neighbours of a flip: most doubles share it with theirs."""
    assert nearest_single(nearest_single(value)) == nearest_single(value)
