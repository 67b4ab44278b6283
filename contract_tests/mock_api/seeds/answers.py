"""Makes up the answers of operations that belong to no resource, with values for the fields that take theirs from them."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from ..choices import Listed, bindings, shared_stars
from ..contract import Contract, Operation, Schema
from ..error_bodies import put
from ..layout import Path
from ..made import distinct, made
from ..resource import Resource

GROUPS = 4
VALUES = 6


def made_answer(contract: Contract, operation: Operation, resources: Iterable[Resource]) -> Any:
    """
    Make an answer of *operation*: its example, or a value of its schema.

    Where a field takes its values from it, elements are added so that each group of `given` has two values: the
    groups overlap one by one, but for the last, which shares none.
    """
    schema = operation.answer_schema() or {}
    example = contract.example(operation.name, operation.success)
    answer = deepcopy(made(contract, schema) if example is None else example)
    wanted = [
        (listed, _fields(resource))
        for resource in resources
        for listed in resource.choices.listed.values()
        if listed.operation == operation.name
    ]
    given = {path for listed, _ in wanted for path in listed.given.values()}
    for listed, fields in wanted:
        field, others = fields.get(listed.name, {}), [fields.get(name, {}) for name in listed.given]
        if listed.given:
            answer = _grouped(contract, schema, answer, listed, field, others)
        elif listed.value not in given:
            answer = _extended(contract, schema, answer, listed.value, field)
    return answer


def _fields(resource: Resource) -> dict[str, Schema]:
    """Return the fields of the bodies, each by the schema of the first role that has it."""
    return {name: field for fields in [*resource.rules.fields.values()][::-1] for name, field in fields.items()}


def _extended(contract: Contract, schema: Any, answer: Any, path: Path, field: Any) -> Any:
    """Add elements to the last array on *path* until it has some distinct values there."""
    if "*" not in path:
        return put(answer, path, distinct(contract, field, 1)[0])
    star = len(path) - 1 - path[::-1].index("*")
    known = [value for _, value in bindings(answer, path)]
    values = [each for each in distinct(contract, field, VALUES) if each not in known]
    elements = [_element(contract, schema, path[:star], {path[star + 1 :]: each}) for each in values]
    return _appended(answer, path[:star], elements)


def _grouped(contract: Contract, schema: Any, answer: Any, listed: Listed, field: Any, others: list[Any]) -> Any:
    """Add one element for each group, or for each value of it where an element holds one value."""
    shared = min(shared_stars(listed.value, path) for path in listed.given.values())
    if not shared:
        return _extended(contract, schema, answer, listed.value, field)
    star = [number for number, part in enumerate(listed.value) if part == "*"][shared - 1]
    place, within = listed.value[:star], listed.value[star + 1 :]
    values, names = distinct(contract, field, VALUES), [distinct(contract, each, GROUPS) for each in others]
    elements = []
    for group in range(min(GROUPS, *map(len, names))):
        first = max(group if group < GROUPS - 1 else len(values) - 2, 0)
        chosen = values[first : first + 2]
        given = {path[star + 1 :]: name[group] for path, name in zip(listed.given.values(), names, strict=True)}
        if "*" in within:
            inner = within.index("*")
            held = [put(None, within[inner + 1 :], each) for each in chosen]
            elements.append(_element(contract, schema, place, {**given, within[:inner]: held}))
        else:
            elements += [_element(contract, schema, place, {**given, within: each}) for each in chosen]
    return _appended(answer, place, elements)


def _element(contract: Contract, schema: Any, place: Path, parts: dict[Path, Any]) -> Any:
    element = deepcopy(made(contract, contract.at(schema, (*place, "*")) or {}))
    for path, value in parts.items():
        element = put(element, path, value)
    return element


def _appended(answer: Any, place: Path, elements: list[Any]) -> Any:
    """Return *answer* with *elements* at the end of the array at *place*."""
    known = next((found for _, found in bindings(answer, place) if isinstance(found, list)), [])
    return put(answer, place, [*known, *elements])
