"""All candidates for a value, by its type: flat ones, and one fault at a time inside arrays and objects."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from contract_tests.generation.arrays import array_candidates
from contract_tests.generation.candidate import Candidate, to_json
from contract_tests.generation.enums import enum_candidates
from contract_tests.generation.instances import good_values
from contract_tests.generation.numbers import integer_candidates, is_judged, number_candidates
from contract_tests.generation.objects import object_candidates
from contract_tests.generation.patterns import string_candidates
from contract_tests.generation.places import Place, View
from contract_tests.spec.field import JSON_TYPES


def candidates(place: Place, *, is_free: bool = True) -> Iterator[Candidate]:
    """Yield the values worth trying at a place; only the types where the schema alone does not decide."""
    views = place.views
    for view in views if is_free else ():
        yield from (_sourced(view, candidate) for candidate in _of_view(view))
    if not views:
        return
    goods = good_values(place) if is_free else []
    own = {name for view in views for name in view.types}
    for candidate in _other_types(place, own, goods[0] if goods else "text"):
        yield _sourced(views[0], candidate)
    yield _sourced(views[0], Candidate("null", "null", None, "type"))


def _of_view(view: View) -> Iterator[Candidate]:
    if "enum" in view.schema:
        yield from enum_candidates(view)
    else:
        for name in view.types:
            tried = CANDIDATES[name](view) if name in CANDIDATES else ()
            yield from (candidate for candidate in tried if is_judged(view, candidate.value))
    if place := view.child("not"):
        for index, value in enumerate(good_values(place)):
            yield Candidate("type", f"forbidden-{index}", value, "not")


def _sourced(view: View, candidate: Candidate) -> Candidate:
    return candidate if candidate.source else replace(candidate, source=view.source(candidate.keyword))


def _other_types(place: Place, own: set[str], good: Any) -> Iterator[Candidate]:
    """
    Yield values of the types that a place does not allow, above all the spellings that a careless parser converts.

    *own* is what it allows, nothing where the contract names no type; *good* is a valid value, to be wrapped and spelled.
    """
    if not own:
        return
    samples: dict[str, list[Any]] = {
        "string": ["", "text", "true", str(good) if not isinstance(good, (list, dict)) else to_json(good)],
        "number": [1.5], "integer": [0, 1, 7], "boolean": [True, False], "array": [[], [good], [good, good]],
        "object": [{}, {"value": good}, {place.name: good}],
    }  # fmt: skip
    assert set(samples) == set(JSON_TYPES)
    numbers = {"number", "integer"}
    for json_type in sorted(samples.keys() - (own | numbers if own & numbers else own)):
        for index, value in enumerate(samples[json_type]):
            yield Candidate("type", f"{json_type}-{index}", value, "type")


CANDIDATES: dict[str, Callable[[View], Iterator[Candidate]]] = {
    "string": string_candidates,
    "number": number_candidates,
    "integer": integer_candidates,
    "boolean": lambda _view: iter([Candidate("type", "true", True, "type"), Candidate("type", "false", False, "type")]),
    "array": partial(array_candidates, tries=candidates),
    "object": partial(object_candidates, tries=candidates),
}
assert set(CANDIDATES) == set(JSON_TYPES)
