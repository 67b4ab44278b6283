"""Values that are valid beyond doubt: plain ones of our own, else what a library finds; always checked."""

from collections.abc import Callable, Iterator
from typing import Any

from contract_tests.generation.candidate import to_json
from contract_tests.generation.library import place_values
from contract_tests.generation.numbers import good_integers, good_numbers, is_judged
from contract_tests.generation.places import Place, View
from contract_tests.generation.texts import good_texts
from contract_tests.spec.field import JSON_TYPES

# How many values a place is filled with, where it needs no more.
WANTED = 2

# How many ways of filling the properties of an object are tried.
ROTATIONS = 3


def good_values(place: Place) -> list[Any]:
    """List values of a place that are valid beyond doubt, the plainest first; at least two where the schema allows two."""
    return list(place.document.once(("good", place), lambda: _good_values(place)))


def _good_values(place: Place) -> list[Any]:
    if place.is_repeated:
        return _valid(place, ["text", 1, True, [], {}])
    found = [value for view in place.views for value in _valid(place, _made(view))]
    if not place.views or (not found and not any(view.types for view in place.views)):
        found = _valid(place, ["text", 1, {}, []])
    found = _once(found)
    if len(found) < WANTED:
        found = _once([*found, *_judged(place, place_values(place, WANTED))])
    return found


def _made(view: View) -> list[Any]:
    if "enum" in view.schema:
        return [value for value in view.schema["enum"] if value is not None]
    values = [GOOD_VALUES[name](view) for name in view.types if name in GOOD_VALUES]
    made = [value for of_type in values for value in of_type]
    valid = [value for value in made if view.place.is_valid(value)]
    # A branch is worth its own values where those of the others do not fit it.
    return valid or (_judged(view.place, place_values(view.place, WANTED)) if view.place.settled else [])


def _judged(place: Place, values: list[Any]) -> list[Any]:
    return [value for value in values if value is not None and all(is_judged(view, value) for view in place.views)]


def _valid(place: Place, values: list[Any]) -> list[Any]:
    return [value for value in values if place.is_valid(value)]


def _once(values: list[Any]) -> list[Any]:
    return list({to_json(value): value for value in values}.values())


def is_sent(place: Place) -> bool:
    """Whether a body may bring a property: not one that the server sets, and not one that no value fits."""
    return not any(view.schema.get("readOnly") for view in place.views) and bool(place.views)


def item_places(view: View, size: int) -> list[Place]:
    """Return the places of the items of an array, at most so many; an item that no schema speaks of has none."""
    first = list(view.children("prefixItems").values())
    rest = view.child("items")
    return (first + [rest] * max(size - len(first), 0) if rest is not None else first)[:size]


def contained_place(view: View) -> Place | None:
    """Return the place of an item that must be contained: it answers to the schema of the items, too."""
    contains, items = view.child("contains"), view.child("items")
    if contains is None or items is None:
        return contains
    return items.child(view.place.name, items.pointers + contains.pointers)


def items_of(view: View, size: int) -> list[Any] | None:
    """Return so many good items, none twice where the schema forbids that; None where they are not found."""
    places = item_places(view, size)
    if len(places) < size and ("prefixItems" in view.inner or "items" in view.inner):
        return None
    contained = contained_place(view)
    if contained is not None and "prefixItems" not in view.inner:
        least = min(view.schema.get("minContains", 1), size)
        places = [contained] * least + places[least:]
    pools = [good_values(place) for place in places] + [["one", "two", "three"]] * (size - len(places))
    if not all(pools):
        return None
    if not view.schema.get("uniqueItems"):
        return [pool[index % len(pool)] for index, pool in enumerate(pools)]
    return _distinct(view, pools, places)


def _distinct(view: View, pools: list[list[Any]], places: list[Place]) -> list[Any] | None:
    """Return one item from each pool, each different; more are made by counting on where a pool runs out, or are looked for."""
    chosen: dict[str, Any] = {}
    for index, pool in enumerate(pools):
        place = places[index] if index < len(places) else None
        unused = (value for value in _from(pool, place, len(pools)) if to_json(value) not in chosen)
        value = next((value for value in unused if place is None or place.is_valid(value)), None)
        if value is None:
            return None
        chosen[to_json(value)] = value
    return list(chosen.values())


def _from(pool: list[Any], place: Place | None, count: int) -> Iterator[Any]:
    """Yield the values of a pool, then what counting on from them gives, then what the library finds, which takes long."""
    yield from pool
    for number in range(count):
        for value in pool:
            yield from _counted_on(value, number)
    yield from place_values(place, count) if place is not None else ()


def _counted_on(value: Any, number: int) -> Iterator[Any]:
    """Yield what differs from a value in all that it holds, or in one property."""
    yield _counted(value, number)
    for name in value if isinstance(value, dict) else ():
        yield {**value, name: _counted(value[name], number)}


def _counted(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return f"{value.rstrip('.')}{number}"
    if isinstance(value, dict):
        return {name: _counted(inner, number) for name, inner in value.items()}
    return value if isinstance(value, bool) or not isinstance(value, (int, float)) else value + number


def good_arrays(view: View) -> list[Any]:
    """Return arrays with as few items as allowed but one, then with one more, then the empty one; each in descending order."""
    least, most = view.schema.get("minItems", 0), view.schema.get("maxItems", 1_000)
    sizes = dict.fromkeys(size for size in (max(least, 1), max(least, 1) + 1, least) if size <= most)
    found = [array for size in sizes if (array := items_of(view, size)) is not None]
    return found if "prefixItems" in view.inner else [sorted(each, key=to_json, reverse=True) for each in found]


def good_objects(view: View) -> list[Any]:
    """Return the largest and the smallest objects that could be filled, then the largest with other values."""
    places = {name: place for name, place in view.children("properties").items() if is_sent(place)}
    required = view.schema.get("required", ())
    found = []
    for turn in range(ROTATIONS):
        values = {
            name: (good := good_values(place))[turn % len(good)] for name, place in places.items() if good_values(place)
        }
        values |= {name: value for name, value in view.place.fixed if name in places}
        values |= {name: "text" for name in required if name not in places}
        smallest = {name: value for name, value in values.items() if name in required}
        found += [_grown(view, smallest, values), smallest]
    if not places and view.schema.get("additionalProperties") is not False:
        return _once([{**values, "key": value} for value in free_values(view)] + found)
    return _once(sorted(found[:2], key=len, reverse=True) + found[2:])


def _grown(view: View, smallest: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Add one property after the other, as long as the object stays valid; twice, as one may need a later one."""
    if view.place.is_valid(values):
        return values
    grown = dict(smallest)
    for name in [*values, *values]:
        if name not in grown and (view.place.is_valid({**grown, name: values[name]}) or not view.place.is_valid(grown)):
            grown[name] = values[name]
    return grown


def free_values(view: View) -> list[Any]:
    """Return good values of a property that no schema names."""
    place = view.child("additionalProperties")
    is_schema = isinstance(view.schema.get("additionalProperties"), dict)
    return good_values(place) if place is not None and is_schema else ["text", "another text"]


GOOD_VALUES: dict[str, Callable[[View], list[Any]]] = {
    "string": good_texts, "number": good_numbers, "integer": good_integers, "boolean": lambda _view: [True, False],
    "array": good_arrays, "object": good_objects,
}  # fmt: skip
assert set(GOOD_VALUES) == set(JSON_TYPES)
