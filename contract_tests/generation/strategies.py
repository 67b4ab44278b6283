"""Hypothesis strategies for whole bodies, made from the contract and its boundaries."""

import math
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import chain
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from contract_tests.generation.boundaries import Boundary, boundaries, good_values, place_of, to_json
from contract_tests.generation.corpus import FRAMES
from contract_tests.generation.instances import is_sent
from contract_tests.generation.listed import Listed
from contract_tests.generation.numbers import EXACT_IN_DOUBLES, GREATEST, is_judged, span
from contract_tests.generation.places import Place, View
from contract_tests.spec.contract import JSON_TYPES, Contract, Field
from contract_tests.spec.document import TEXT_FORMATS

# Long enough for every kind of character to occur, short enough for a person to read the example.
TEXT_SIZE = 40

# More items than the fewest are drawn, but not many: a person must read the example.
FURTHER_ITEMS = 4

# Keywords that values drawn property by property or item by item cannot be held to without throwing most away.
TRICKY = frozenset(
    ("pattern", "not", "contains", "patternProperties", "propertyNames", "dependentRequired", "minProperties",
     "maxProperties", "prefixItems", "unevaluatedProperties", "unevaluatedItems", "dependentSchemas")
)  # fmt: skip

# Conjoining jamo, which the other classes hold among thousands of their kind.
JAMO = {"leading": (0x1100, 0x1113), "vowel": (0x1161, 0x1176), "trailing": (0x11A8, 0x11C3)}
# Ideographs and syllables are left out: thousands alike, among which the other letters would not be met.
BLOCKS = (range(0x3400), range(0xA000, 0xAC00), range(0xD7B0, 0x12000), range(0x1BC00, 0x1FC00))


def values(contract: Contract, tried: Field) -> st.SearchStrategy[Any]:
    """Valid values of a field, null among them where the contract allows it; a strategy is looked through when it is new."""
    key = ("values", tried.operation, tried.place, tried.is_nullable)
    made: st.SearchStrategy[Any] = contract.document.once(key, lambda: _values(contract, tried))
    return made


def _values(contract: Contract, tried: Field) -> st.SearchStrategy[Any]:
    place = place_of(contract, tried)
    known = [*good_values(contract, tried), *(b.value for b in boundaries(contract, tried) if _is_plain(b))]
    chosen = _drawn(place, is_exact=contract.promises_that("exact_text"))
    chosen = st.sampled_from(known) if chosen is None else chosen
    return st.none() | chosen if tried.is_nullable else chosen


def _is_plain(boundary: Boundary) -> bool:
    """Whether a boundary is valid and its value says all: no spelling is lost."""
    return boundary.accepted and boundary.is_readable and boundary.value is not None and len(boundary.token) < 10_000


def _drawn(place: Place, *, is_exact: bool) -> st.SearchStrategy[Any] | None:
    """Return a strategy that draws freely, or None where too much of what it draws would be invalid."""
    views = place.views
    if len(views) != 1 or views[0].place.barred or TRICKY & views[0].schema.keys() or len(views[0].types) != 1:
        return None
    view = views[0]
    if "enum" in view.schema:
        return st.sampled_from([value for value in view.schema["enum"] if value is not None])
    drawn = BY_TYPE[view.types[0]](view, is_exact)
    return drawn.filter(lambda value: place.is_valid(value) and is_judged(view, value)) if drawn is not None else None


def _texts(view: View, is_exact: bool) -> st.SearchStrategy[Any] | None:
    """Texts of any characters that UTF-8 can carry; of printable ASCII where no promise says that all are kept and counted."""
    schema = view.schema
    if schema.get("format", "") not in ("", *TEXT_FORMATS):
        return None
    min_size = schema.get("minLength", 0)
    max_size = min(schema.get("maxLength", TEXT_SIZE), max(TEXT_SIZE, min_size))
    any_text = st.characters(exclude_categories=["Cs"])
    plain = st.characters(min_codepoint=33, max_codepoint=126)
    drawn = st.text(any_text if is_exact else plain, min_size=min_size, max_size=max_size)
    return drawn | special_texts() if is_exact and min_size < 2 and max_size == TEXT_SIZE else drawn


@cache
def classes() -> dict[str, list[str]]:
    """Return the characters of each class: general category, bidi class, what normalisation and case do to them."""
    found = {name: [*map(chr, range(*span))] for name, span in JAMO.items()}
    for character in map(chr, chain(*BLOCKS)):
        category = unicodedata.category(character)
        if category in ("Cs", "Co", "Cn"):
            continue
        found.setdefault(category, []).append(character)
        found.setdefault(unicodedata.bidirectional(character), []).append(character)
        for name in _changes(character):
            found.setdefault(name, []).append(character)
    return found


def _changes(character: str) -> list[str]:
    made_of = unicodedata.decomposition(character)
    form = "NFKC" if made_of[:1] == "<" else "NFD" if unicodedata.normalize("NFC", character) == character else "NFC"
    return [
        *([form] if made_of else []),
        *(["combining"] if unicodedata.combining(character) else []),
        *(["length by case"] if len(character.upper()) + len(character.lower()) != 2 else []),
        *(["case by context"] if character.upper().lower() != character.lower() else []),
    ]


def special_texts() -> st.SearchStrategy[str]:
    """Texts of no more than 40 characters: of several classes, between two ends, or as another type is written."""
    of_a_class = lambda name: st.text(st.sampled_from(classes()[name]), min_size=1, max_size=3)  # noqa: E731
    parts = st.sampled_from(sorted(classes())).flatmap(of_a_class)
    mixed = st.lists(parts, min_size=1, max_size=8).map("".join)
    core = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12) | parts
    framed = st.builds(lambda ends, text: f"{ends[0]}{text}{ends[1]}", st.sampled_from(FRAMES), core)
    types = (st.dates(), st.times(), st.datetimes(), st.uuids(), st.integers(), st.floats(), st.ip_addresses())
    typed = st.one_of(*types).map(lambda value: str(value)[:40])
    return st.integers(0, 5).flatmap(lambda kind: (mixed, framed, mixed, framed, mixed, typed)[kind])


def _numbers(view: View, _is_exact: bool) -> st.SearchStrategy[Any] | None:
    low, high = span(view.schema)
    excluded = [view.schema.get("exclusiveMinimum"), view.schema.get("exclusiveMaximum")]
    drawn = st.floats(min_value=low, max_value=high, allow_nan=False, allow_infinity=False)
    return None if "multipleOf" in view.schema else drawn.filter(lambda value: value not in excluded)


def _integers(view: View, _is_exact: bool) -> st.SearchStrategy[Any] | None:
    """Whole numbers inside the limits, no greater than the format, or a parser's double, holds."""
    low, high = span(view.schema)
    greatest = int(GREATEST.get(view.schema.get("format", ""), EXACT_IN_DOUBLES))
    least = -greatest if low is None else max(-greatest, math.ceil(low))
    most = greatest if high is None else min(greatest, math.floor(high))
    return None if "multipleOf" in view.schema else st.integers(least, most)


def _arrays(view: View, is_exact: bool) -> st.SearchStrategy[Any] | None:
    place = view.child("items")
    items = None if place is None or place.is_repeated else _drawn(place, is_exact=is_exact)
    if items is None:
        return None
    least = view.schema.get("minItems", 0)
    most = min(view.schema.get("maxItems", least + FURTHER_ITEMS), least + FURTHER_ITEMS)
    return st.lists(items, min_size=least, max_size=most, unique_by=to_json if view.schema.get("uniqueItems") else None)


def _objects(view: View, is_exact: bool) -> st.SearchStrategy[Any] | None:
    places = {name: place for name, place in view.children("properties").items() if is_sent(place)}
    required = set(view.schema.get("required", ()))
    if view.place.fixed or any(place.is_repeated for place in places.values()) or not required <= places.keys():
        return None
    drawn = {name: _drawn(place, is_exact=is_exact) for name, place in places.items()}
    if any(strategy is None for strategy in drawn.values()) or not places:
        return None
    kept = {name: strategy for name, strategy in drawn.items() if strategy is not None}
    optional = {name: kept.pop(name) for name in [*kept] if name not in required}
    return st.fixed_dictionaries(kept, optional=optional)


@st.composite
def valid_bodies(draw: st.DrawFn, contract: Contract, listed: Listed, role: str = "update") -> dict[str, Any]:
    """
    Bodies that the contract allows: any fields together, those that other operations list always as one row.

    Args:
        draw: Given by hypothesis.
        contract: The contract.
        listed: The values that other operations list, as `listed_rows` returns them.
        role: Whose bodies they are; of an update the rules across fields hold by itself.
    """
    fields = contract.fields(role)
    free = {name: tried for name, tried in fields.items() if tried.is_free and good_values(contract, tried)}
    drawn = st.lists(st.sampled_from(sorted(free)), unique=True, max_size=len(free)) if free else st.just([])
    wanted = [name for name, tried in fields.items() if tried.is_required]
    chosen = _with_companions(contract, role, [*wanted, *draw(drawn)])
    body = {name: draw(values(contract, free[name])) for name in chosen if name in free}
    for rows in listed:
        usable = [row for row in rows if row.keys() <= fields.keys()]
        if usable and (usable[0].keys() & set(chosen) or draw(st.booleans())):
            body |= draw(st.sampled_from(usable))
    optional = [name for name in body if name not in wanted]
    # Fields are dropped, the last first, until the rules of the contract hold; hypothesis tries again where that is no help.
    while not _is_lawful(contract, body, role) and optional:
        body.pop(optional.pop())
    assume(_is_lawful(contract, body, role))
    return body


def _with_companions(contract: Contract, role: str, chosen: list[str]) -> list[str]:
    pointer = contract.operation(role).body_pointer
    views = Place(contract.document, (pointer,)).views if pointer is not None else []
    needed = {name: others for view in views for name, others in view.schema.get("dependentRequired", {}).items()}
    found = dict.fromkeys(chosen)
    for name in chosen:
        found |= dict.fromkeys(needed.get(name, ()))
    return list(found) if len(found) == len(chosen) else _with_companions(contract, role, list(found))


def _is_lawful(contract: Contract, body: dict[str, Any], role: str) -> bool:
    return contract.accepts(role, body) and all(rule.is_met(body) for rule in contract.constraints)


BY_TYPE: dict[str, Callable[[View, bool], st.SearchStrategy[Any] | None]] = {
    "string": _texts, "number": _numbers, "integer": _integers, "boolean": lambda _view, _is_exact: st.booleans(),
    "array": _arrays, "object": _objects,
}  # fmt: skip
assert set(BY_TYPE) == set(JSON_TYPES)
