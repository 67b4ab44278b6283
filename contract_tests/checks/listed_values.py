"""The values that other operations list for a field: which there are, which go together, and which the API must refuse."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, product
from typing import Any

from contract_tests.generation.boundaries import to_json
from contract_tests.generation.listed import Listed, Row, listed_rows
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field

# So many sets of values that go together are made at most.
MOST_COMBINATIONS = 200
ABSENT_TEXT = "contract-test-not-listed"


@dataclass(frozen=True)
class ListedValues:
    """What the operations that `x-values-from` names have listed."""

    contract: Contract
    groups: Listed = field(repr=False)
    """For each group of fields that depend on each other: the values that may stand together."""

    @classmethod
    def ask(cls, contract: Contract, answer_of: Callable[[str], Any]) -> ListedValues:
        """Ask each operation once; *answer_of* returns the decoded answer of one, by its operationId."""
        fields = _fields(contract)
        sources = {tried.values_from.operation_id for tried in fields.values() if tried.values_from is not None}
        return cls(contract, listed_rows(fields, {name: answer_of(name) for name in sorted(sources)}))

    @cached_property
    def _fields(self) -> dict[str, Field]:
        return _fields(self.contract)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields whose values are listed."""
        return tuple(self._fields)

    def values(self, name: str) -> list[Any]:
        """Return the values that are listed for a field, each once."""
        return _once(row[name] for row in self._rows(name))

    def _rows(self, name: str) -> Iterable[Row]:
        return (row for rows in self.groups for row in rows if name in row)

    def combinations(self) -> list[dict[str, Any]]:
        """Return sets of values, one for each listed field, that go together; empty where nothing is listed."""
        if not self.groups:
            return []
        sets = islice(product(*self.groups), MOST_COMBINATIONS)
        return [{name: value for row in rows for name, value in row.items()} for rows in sets]

    def grouped(self, *names: str) -> list[list[dict[str, Any]]]:
        """Group the combinations by the values of some fields, in the order of the list."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in self.combinations():
            groups.setdefault(to_json([row[name] for name in names]), []).append(row)
        return list(groups.values())

    def _fitting(self, name: str, item: Mapping[str, Any]) -> list[Any]:
        """Return the values of a field that go with what an item has in the fields that it depends on."""
        source = self._fields[name].values_from
        others = {other: item[other] for other in (source.given if source else ()) if item.get(other) is not None}
        return [row[name] for row in self._rows(name) if all(row[o] == value for o, value in others.items())]

    def wrong(self, item: Mapping[str, Any]) -> list[str]:
        """Name the listed fields of an item whose value is not listed, or does not go with its other fields."""
        found = []
        for name in self.names:
            value, fitting = item.get(name), self._fitting(name, item)
            values = value if isinstance(value, list) else [] if value is None else [value]
            found += [] if all(one in fitting for one in values) else [name]
        return found

    def mismatches(self, name: str, item: Mapping[str, Any]) -> list[Any]:
        """Return the values that are listed for a field, and do not go with the other fields of an item."""
        fitting = self._fitting(name, item)
        return [value for value in self.values(name) if value not in fitting]

    def unknown(self, name: str) -> Any:
        """Return a value that the schema of a field allows and that nobody lists."""
        tried = self._fields[name]
        numbers = [value for value in self.values(name) if isinstance(value, int)]
        guesses = [ABSENT_TEXT, str(uuid.UUID(int=0xC0DE)), max(numbers, default=0) + 1_000_003, ABSENT_TEXT[:8]]
        return next(
            each for each in guesses if self.contract.accepts_value(tried, each) and each not in self.values(name)
        )

    def near(self, name: str, value: Any) -> list[Any]:
        """Return what is nearly a listed value and must be refused: other case, a part of it, spaces around it, and more."""
        if "format" in self._fields[name].schema:
            return []
        guesses: list[Any] = [value + 1, -value, 0] if isinstance(value, int) else []
        if isinstance(value, str) and value:
            first, dash, rest = value.partition("-")
            guesses = [value.upper(), *([first, f"{first}_{rest}"] if dash else [])]
            guesses += [value.lower(), value.capitalize(), value.title(), value.swapcase()]
            guesses += [f"{value} ", f" {value}", f" {value} ", f"{value}\n", f"{value}\x00"]
            guesses += [value[:-1], value[:1], rest, f"{first}-", f"{first}-ZZ"]
            guesses += [f"{value}s", f"{value}x", f"{value}-x-a", f'"{value}"']
            guesses += [value.replace("-", "_"), value.replace("_", "-"), value.replace("-", "")]
            guesses += ["", "contract-test", "english", "xx-XX", f"{value}-" * 60]
        return [guess for guess in _once(guesses) if self.is_unlisted(name, guess)]

    def unlisted(self, name: str) -> list[Any]:
        """Return values of a field that must be refused because nobody lists them: quite another first, then near ones."""
        return [self.unknown(name), *self.near(name, next(iter(self.values(name)), None))]

    def is_unlisted(self, name: str, value: Any) -> bool:
        """Whether the schema of a field allows a value that must be refused because nobody lists it."""
        tried, known = self._fields[name], self.values(name)
        if value in known or not self.contract.accepts_value(tried, value):
            return False
        is_open = tried.values_from is not None and tried.values_from.any_case and isinstance(value, str)
        return not (is_open and value.casefold() in [str(one).casefold() for one in known])


def _fields(contract: Contract) -> dict[str, Field]:
    fields = [*contract.fields("create").values(), *contract.fields("update").values()]
    return {tried.name: tried for tried in fields if not tried.is_free}


def _once(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
