"""The arrays at the limits of their size, with items that occur twice, with one item at fault."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from typing import Any

from contract_tests.generation.candidate import Candidate, sizes_around, to_json
from contract_tests.generation.instances import contained_place, good_arrays, good_values, item_places, items_of
from contract_tests.generation.places import Place, View

Tries = Callable[[Place], Iterator[Candidate]]

# A longer array is not sent.
MOST_ITEMS = 5_000


def array_candidates(view: View, tries: Tries) -> Iterator[Candidate]:
    """Yield arrays of each size at the limits, then arrays with one item on trial."""
    schema = view.schema
    kind, keyword = ("items", "minItems") if "minItems" in schema else ("type", "type")
    yield Candidate(kind, "empty-array", [], keyword)
    for items in good_arrays(view)[:1]:
        yield Candidate("items", "some-items", items, "items")
    for keyword in ("minItems", "maxItems"):
        limit = schema.get(keyword)
        for size in sizes_around(limit) if limit is not None and limit <= MOST_ITEMS else ():
            if (items := items_of(view, size)) is not None:
                yield Candidate("items", f"{size}-items", items, keyword)
    if view.schema.get("items") is False and (items := items_of(view, len(view.children("prefixItems")))):
        yield Candidate("items", "one-item-more", [*items, items[-1]], "items")
    yield from _repeated(view)
    yield from _contained(view)
    yield from _inner(view, tries)
    yield from _later(view, tries)


def _repeated(view: View) -> Iterator[Candidate]:
    """Yield arrays that hold an item twice, next to each other and apart."""
    if not view.schema.get("uniqueItems"):
        return
    size = max(view.schema.get("minItems", 0), 2)
    if view.schema.get("maxItems", size) < size:
        return
    items = items_of(view, size - 1) or []
    if items:
        yield Candidate("items", "item-twice", [*items, items[-1]], "uniqueItems")
    apart = items if size > 2 or view.schema.get("maxItems", 3) < 3 else items_of(view, 2) or []
    if len(apart) > 1:
        yield Candidate("items", "first-item-again", [*apart, apart[0]], "uniqueItems")
    if items and isinstance(items[0], dict) and len(items[0]) > 1:
        turned = dict(reversed(items[0].items()))
        yield Candidate("items", "item-twice-in-other-order", [*items, turned], "uniqueItems")


def _contained(view: View) -> Iterator[Candidate]:
    """Yield arrays with none, enough and too many of the items that must be contained."""
    contains, wanted_place = view.child("contains"), contained_place(view)
    if contains is None or wanted_place is None:
        return
    least, most = view.schema.get("minContains", 1), view.schema.get("maxContains")
    wanted = good_values(wanted_place)
    items = view.child("items")
    others = [value for value in (good_values(items) if items else ["other", 0, False]) if not contains.is_valid(value)]
    counts = {"minContains": (least - 1, least), "maxContains": () if most is None else (most, most + 1)}
    size = view.schema.get("minItems", 0)
    for keyword, numbers in counts.items():
        for count in numbers:
            if count < 0 or not wanted or (count < size and not others):
                continue
            chosen = [wanted[index % len(wanted)] for index in range(count)]
            chosen += [others[index % len(others)] for index in range(size - count)] if size > count else others[:1]
            source = keyword if keyword in view.schema else "contains"
            yield Candidate("items", f"{count}-contained", chosen, source)


def _inner(view: View, tries: Tries) -> Iterator[Candidate]:
    """Yield arrays with one item on trial; every position of a tuple, else the first that nothing else depends on."""
    bases = [array for array in [*good_arrays(view), items_of(view, view.schema.get("minContains", 1) + 1)] if array]
    tried: set[Place] = set()
    for base in bases:
        for index, place in enumerate(item_places(view, len(base))):
            if place in tried or place.is_repeated or not _is_independent(view, base, index, place):
                continue
            tried.add(place)
            others = {to_json(item) for position, item in enumerate(base) if position != index}
            for candidate in tries(place):
                # Another item of the same value would be a second fault.
                if not (view.schema.get("uniqueItems") and candidate.text in others):
                    yield candidate.inside(str(index), partial(_put, base, index))


def _later(view: View, tries: Tries) -> Iterator[Candidate]:
    """Yield arrays whose first items are valid: for each keyword one item at fault, the last or one in the middle."""
    size = min(max(view.schema.get("minItems", 0), 3), view.schema.get("maxItems", 3))
    base = items_of(view, size) if size > 1 else None
    if base is None or "prefixItems" in view.inner or not (places := item_places(view, size)):
        return
    place = places[-1]
    if place.is_repeated or not _is_independent(view, base, size - 1, place):
        return
    wrong = {one.keyword: one for one in reversed([*tries(place)]) if not (one.token or place.is_valid(one.value))}
    faults = [*reversed(wrong.values())]
    # Each position once at least, whatever else there is to try.
    for fault, index in zip(faults if len(faults) != 1 else faults * 2, cycle((size - 1, size // 2))):
        yield fault.inside(str(index), partial(_put, base, index))


def _is_independent(view: View, base: list[Any], index: int, place: Place) -> bool:
    """Whether the array is valid with every good item at a position."""
    rest = base[:index] + base[index + 1 :]
    goods = [value for value in good_values(place) if not (view.schema.get("uniqueItems") and value in rest)]
    return all(view.place.is_valid(_put(base, index, value)) for value in [base[index], *goods])


def _put(base: list[Any], index: int, value: Any) -> list[Any]:
    return [*base[:index], value, *base[index + 1 :]]
