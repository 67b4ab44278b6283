"""The values that other operations list for fields, as rows of values that may stand together."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from contract_tests.spec.field import Field

Row: TypeAlias = Mapping[str, Any]

# For each group of fields that depend on each other: the values that may stand together.
Listed: TypeAlias = Sequence[Sequence[Row]]


def listed_rows(fields: Mapping[str, Field], answers: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """
    Read which values the fields may have out of the answers of the operations that list them.

    Args:
        fields: The fields of a body, by name.
        answers: The decoded answers, by operationId.

    Returns:
        For each group of fields that depend on each other, the values that may stand together; a field that no
        operation lists is in none.
    """
    groups: list[list[Field]] = []
    for tried in _in_order(fields):
        assert tried.values_from is not None
        needed = tried.values_from.given.keys()
        joined = [group for group in groups if any(other.name in needed for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([*(other for group in joined for other in group), tried])
    return [_rows(group, answers) for group in groups]


def _in_order(fields: Mapping[str, Field]) -> list[Field]:
    """Return the fields that are listed, each after those that it depends on."""
    waiting = {name: tried.values_from.given.keys() for name, tried in fields.items() if tried.values_from is not None}
    ordered: list[str] = []
    while waiting:
        # Fields that depend on each other in a circle are read in the order of the contract.
        ready = [name for name, needs in waiting.items() if not needs & waiting.keys()] or [*waiting]
        ordered += ready
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}
    return [fields[name] for name in ordered]


def _rows(group: list[Field], answers: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{}]
    for tried in group:
        choices = list(_choices(tried, answers))
        rows = [
            {**row, tried.name: value}
            for row in rows
            for value, given in choices
            if all(row.get(name, wanted) == wanted for name, wanted in given.items())
        ]
    return rows


def _choices(tried: Field, answers: Mapping[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the values of a field, each with what it asks of other fields."""
    source = tried.values_from
    assert source is not None
    answer = answers.get(source.operation_id)
    for value, indexes in walk(answer, source.value):
        given: list[dict[str, Any]] = [{}]
        for name, path in source.given.items():
            others = [other for other, its in walk(answer, path) if _is_same_element(its, indexes)]
            given = [{**row, name: other} for row in given for other in others]
        yield from ((value, row) for row in given)


def _is_same_element(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(a == b for a, b in zip(one, other, strict=False))


def walk(node: Any, path: tuple[str, ...], indexes: tuple[int, ...] = ()) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """Yield what stands at a path, where `*` is every element of an array, and the index that each star stands for."""
    if not path:
        yield node, indexes
    elif path[0] == "*":
        for index, item in enumerate(node if isinstance(node, list) else ()):
            yield from walk(item, path[1:], (*indexes, index))
    elif isinstance(node, dict) and path[0] in node:
        yield from walk(node[path[0]], path[1:], indexes)
