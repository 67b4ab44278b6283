"""Knows which values another operation lists for a field, and for which other values of the item each of them counts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product, takewhile
from typing import Any

from .contract import Contract, Schema
from .documents import pointer
from .errors import Detail, Refusal
from .layout import Path

Fields = Mapping[str, Any]
Row = tuple[Any, ...]
"""A value, and the other values of the item for which it counts, in the order of `given`."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A field whose values another operation lists."""

    name: str
    operation: str  # the operationId of the other operation
    value: Path  # where the values stand in its answer
    given: Mapping[str, Path]  # where the values of other fields stand for which a value counts
    involved: frozenset[str]  # all fields that decide


@dataclass(frozen=True, slots=True)
class Index:
    """The rows of an answer, and the same to be found fast: empty where a value cannot be hashed."""

    answer: Any
    rows: list[Row]
    fast: frozenset[Row]


class Choices:
    """The values that other operations list."""

    def __init__(self, listed: list[Listed], answers: Fields, answer_of: Callable[[str], Any]) -> None:
        self.listed = {each.name: each for each in listed}  # the fields with such values, those without `given` first
        self.answers = answers  # those that stay as they are, by operationId
        self.answer_of = answer_of  # returns the present answer of any operation
        self.indexes: dict[str, Index] = {}

    def check(self, fields: Fields, sent: Fields) -> None:
        """
        Refuse a value that is not listed, or not for the other values of the item, where one that decides was sent.
        *fields* are the item as it would be; of what is at fault the refusal names what was *sent*.
        """
        for listed in self.listed.values():
            value = fields.get(listed.name)
            is_asked = value is not None and not listed.involved.isdisjoint(sent)
            if is_asked and not self.fits(listed.name, value, fields):
                raise self.refusal(fields, sent)

    def fits(self, name: str, value: Any, fields: Fields) -> bool:
        """Say whether *value* is listed for the other values in *fields*, exactly; what is not set asks for nothing."""
        listed, index = self.listed[name], self.indexes.get(name)
        if index is None or index.answer is not self.answers.get(listed.operation):
            index = self.index(listed)
        row = (value, *map(fields.get, listed.given)) if listed.given else (value,)
        try:
            if row in index.fast:
                return True
        except TypeError:
            pass
        return any(all(want in (None, has) for want, has in zip(row, each, strict=True)) for each in index.rows)

    def is_listed(self, name: str, value: Any) -> bool:
        """Say whether *value* is listed at all, whatever the rest of the item: it decides which fields are blamed."""
        return any(row[0] == value for row in self.index(self.listed[name]).rows)

    def refusal(self, fields: Fields, sent: Fields) -> Refusal:
        """Return the refusal of *fields*: of a value that is not listed, or of those that are not listed together."""
        details: list[Detail] = []
        for listed in self.listed.values():
            value, involved = fields.get(listed.name), [*listed.given, listed.name]
            if value is None or self.fits(listed.name, value, fields) or {d["field"] for d in details} & {*involved}:
                continue
            is_listed = self.is_listed(listed.name, value)
            names = [listed.name] if not is_listed and listed.name in sent else [n for n in involved if n in sent]
            description = f"{listed.operation} does not list {'these values together' if is_listed else 'this value'}."
            details += [{"field": name, "description": description} for name in names]
        return Refusal(400, "A value is not among those that are listed.", details)

    def index(self, listed: Listed) -> Index:
        """Read the rows for a field from the present answer."""
        answer = self.answer_of(listed.operation)
        found = list(rows(answer, listed))
        try:
            fast = frozenset(found)
        except TypeError:
            fast = frozenset()
        self.indexes[listed.name] = Index(answer, found, fast)
        return self.indexes[listed.name]


def listed_fields(contract: Contract, fields: Mapping[str, Schema]) -> list[Listed]:
    """List the fields that have an `x-values-from`, those without `given` first."""
    found = []
    for name, schema in fields.items():
        if said := contract.said(schema, "x-values-from"):
            given = {other: pointer(place) for other, place in said.get("given", {}).items()}
            found.append(Listed(name, said["operationId"], pointer(said["value"]), given, frozenset({*given, name})))
    return sorted(found, key=lambda each: len(each.given))


def rows(answer: Any, listed: Listed) -> Iterator[Row]:
    """Yield each listed value with each of the other values that stand beside it in *answer*."""
    beside = [(shared_stars(listed.value, path), list(bindings(answer, path))) for path in listed.given.values()]
    for stars, value in bindings(answer, listed.value):
        others = [[other for its, other in found if its[:shared] == stars[:shared]] for shared, found in beside]
        for combination in product(*others):
            yield (value, *combination)


def bindings(node: Any, path: Path, stars: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Yield every value at *path*, and which element each `*` of it stands for."""
    if not path:
        yield stars, node
    elif path[0] == "*" and isinstance(node, list):
        for number, element in enumerate(node):
            yield from bindings(element, path[1:], (*stars, number))
    elif isinstance(node, dict) and path[0] in node:
        yield from bindings(node[path[0]], path[1:], stars)


def shared_stars(one: Path, other: Path) -> int:
    """Count the `*` that two paths have in common before they part."""
    return sum(a == "*" for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
