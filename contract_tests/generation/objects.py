"""The objects with a property missing, with one too many, at the limits of their size, with one property at fault."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from contract_tests.generation.candidate import Candidate, sizes_around
from contract_tests.generation.instances import free_values, good_objects, good_values, is_sent
from contract_tests.generation.library import library_values
from contract_tests.generation.places import Place, View, schema_at

Tries = Callable[[Place], Iterator[Candidate]]
Object = dict[str, Any]

UNKNOWN = "contract_test_unknown"

# A larger object is not sent.
MOST_PROPERTIES = 1_000


def object_candidates(view: View, tries: Tries) -> Iterator[Candidate]:
    """Yield objects that differ in their properties, then objects with one property on trial."""
    keyword = "required" if "required" in view.schema else "type"
    yield Candidate("properties", "empty-object", {}, keyword)
    goods = [value for value in good_objects(view) if view.place.is_valid(value)]
    if not goods:
        return
    base, smallest = max(goods, key=len), min(goods, key=len)
    yield Candidate("properties", "all-properties", base, "properties")
    yield Candidate("properties", "fewest-properties", smallest, "required")
    yield from shape_candidates(view, base)
    yield from _inner(view, base, smallest, tries)


def shape_candidates(view: View, base: Object) -> Iterator[Candidate]:
    """Yield objects that differ only in their properties from a good one, which has as many of them as were found."""
    required = view.schema.get("required", ())
    for name, others in view.schema.get("dependentRequired", {}).items():
        for other in others:
            if name in base and other in base:
                yield Candidate("properties", f"{name}-without-{other}", _without(base, other), "dependentRequired")
    for name in base:
        keyword = "required" if name in required else "properties"
        yield Candidate("properties", f"without-{name}", _without(base, name), keyword)
    yield from _unknown(view, base)
    yield from _names(view, base)
    yield from _sizes(view, base)


def _unknown(view: View, base: Object) -> Iterator[Candidate]:
    """Yield objects with a property that is forbidden, or that no schema names where the contract speaks of such."""
    for name in view.forbidden:
        yield Candidate("properties", f"with-{name}", {**base, name: "text"}, "properties")
    if "additionalProperties" not in view.schema:
        return
    value = _free_value(view)
    yield Candidate("properties", "unknown-property", {**base, UNKNOWN: value}, "additionalProperties")
    for name in base:
        if name.upper() != name:
            other = {**_without(base, name), name: base[name], name.upper(): base[name]}
            yield Candidate("properties", "name-in-capitals", other, "additionalProperties", is_wrong_or_doubtful=True)
            return


def _names(view: View, base: Object) -> Iterator[Candidate]:
    """Yield objects with a property of a name that propertyNames allows, and of names that it forbids."""
    place = view.child("propertyNames")
    if place is None or view.schema.get("additionalProperties") is False:
        return
    value = _free_value(view)
    for index, name in enumerate(name for name in good_values(place)[:2] if isinstance(name, str)):
        yield Candidate("properties", f"name-{index}", {**base, name: value}, "propertyNames")
    for name in ("", " ", "a b", "É", "UPPER", "lower", "0", "_", "-", "a" * 300):
        if not place.is_valid(name):
            yield Candidate("properties", f"wrong-name-{name[:8]}", {**base, name: value}, "propertyNames")


def _sizes(view: View, base: Object) -> Iterator[Candidate]:
    for keyword in ("minProperties", "maxProperties"):
        limit = view.schema.get(keyword)
        for size in sizes_around(limit) if limit is not None and limit <= MOST_PROPERTIES else ():
            if (value := _of_size(view, base, size)) is not None:
                yield Candidate("properties", f"{size}-properties", value, keyword)


def _of_size(view: View, base: Object, size: int) -> Object | None:
    """Return an object with so many properties that breaks nothing else, or None."""
    required = view.schema.get("required", ())
    if size < len(required):
        return None
    kept = {name: value for name, value in base.items() if name in required}
    further = {name: value for name, value in base.items() if name not in kept}
    for name, place in view.children("properties").items():
        if name not in kept and name not in further and is_sent(place) and good_values(place):
            further[name] = good_values(place)[0]
    value = kept | dict(list(further.items())[: size - len(kept)])
    is_open = "additionalProperties" in view.schema or "properties" not in view.schema
    if len(value) < size and is_open and view.schema.get("additionalProperties") is not False:
        value |= {name: _free_value(view) for name in _free_names(view, size - len(value))}
    return value if len(value) == size else None


def _free_names(view: View, count: int) -> list[str]:
    names = [f"key{index}" for index in range(count)]
    place = view.child("propertyNames")
    if place is None or all(place.is_valid(name) for name in names):
        return names
    wanted = {"type": "string", **schema_at(place.document, place.pointers[0])}
    found = library_values(place.document, wanted, count)
    return [name for name in found if place.is_valid(name)]


def _free_value(view: View) -> Any:
    return next(iter(free_values(view)), "text")


def _inner(view: View, base: Object, smallest: Object, tries: Tries) -> Iterator[Candidate]:
    fixed = dict(view.place.fixed)
    for name, place in view.children("properties").items():
        around = _around(view, name, base, smallest)
        if around is None or place.is_repeated or not is_sent(place):
            continue
        for candidate in tries(place):
            # What a discriminator says beyond the schema is not in the validator, so only what is refused is sure.
            is_doubtful = candidate.is_wrong_or_doubtful or name in fixed
            inside = candidate.inside(name, partial(_put, around, name))
            yield replace(inside, is_wrong_or_doubtful=is_doubtful)
    further = view.child("additionalProperties")
    if further is not None and isinstance(view.schema["additionalProperties"], dict) and not further.is_repeated:
        name = next(iter(_free_names(view, 1)), UNKNOWN)
        if view.place.is_valid({**base, name: _free_value(view)}):
            for candidate in tries(further):
                yield candidate.inside(name, partial(_put, base, name))


def _around(view: View, name: str, base: Object, smallest: Object) -> Object | None:
    """Return a valid object that holds a property, or None where none was found."""
    if name in base:
        return base
    place = view.children("properties")[name]
    tried = ({**around, name: value} for around in (base, smallest) for value in good_values(place))
    return next((value for value in tried if view.place.is_valid(value)), None)


def _put(base: Object, name: str, value: Any) -> Object:
    return {**base, name: value}


def _without(base: Object, name: str) -> Object:
    return {other: value for other, value in base.items() if other != name}
