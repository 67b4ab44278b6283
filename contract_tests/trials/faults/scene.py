"""
What a fault is planted on: the fields of a contract by the roles that they play, and good values for them.

A fault names a role, such as the texts or the first number; the contract says which field plays it, if any does.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from contract_tests.checks.listed_values import ListedValues
from contract_tests.checks.rules import Rules
from contract_tests.generation.boundaries import boundaries
from contract_tests.mock_api.app import Api
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field

from .witness import Step, Witness

Body = dict[str, Any]
T = TypeVar("T")
LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")  # of a number


class NoPlace(Exception):
    """The contract has no place for a fault: the fault is left out."""


def first(found: Iterable[T]) -> T:
    """Return the first; NoPlace where there is none."""
    for each in found:
        return each
    raise NoPlace


def needed(value: T | None) -> T:
    """Return a value that is there; NoPlace where it is None, False or empty."""
    if not value:
        raise NoPlace
    return value


def _role(chosen: Callable[["Scene"], Iterable[Field]]) -> cached_property[tuple[Field, ...]]:
    """Return a property of a scene: the fields that play a role."""
    return cached_property(lambda scene: tuple(chosen(scene)))


@dataclass(frozen=True)
class Scene:
    """The contract that faults are planted for, and a mock of it as it should be."""

    contract: Contract
    api: Api  # answers what the operations list; no fault is planted in it

    # -- Fields by role -----------------------------------------------------------------------------------------------

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The fields of an update; of a create where there is no update."""
        return self.contract.fields("update" if self.contract.has("update") else "create")

    # The fields that the schema alone decides, and that an answer shows.
    free = _role(lambda self: [f for f in self.fields.values() if f.is_free and not f.is_write_only])
    # The free fields that can be given another value than the item of the witness has.
    changing = _role(lambda self: [f for f in self.free if self.other(f) is not None])
    # The fields that take any text, within a length perhaps.
    texts = _role(lambda self: [f for f in self.free if is_text(f) and self.good(f)])
    # The texts without a greatest length.
    long_texts = _role(lambda self: [f for f in self.texts if "maxLength" not in f.schema])
    # The fields that take numbers, whole ones among them.
    numbers = _role(lambda self: [f for f in self.free if is_number(f)])
    # The fields that take numbers that need not be whole.
    fractions = _role(lambda self: [f for f in self.numbers if f.types == ("number",) and "multipleOf" not in f.schema])
    # The numbers with a least and a greatest value.
    bounded = _role(lambda self: [f for f in self.numbers if {"minimum", "maximum"} <= f.schema.keys()])
    # The fields that take one of a few texts.
    enums = _role(lambda self: [f for f in self.free if f.types == ("string",) and "enum" in f.schema])
    # The fields that take null in an update.
    nullable = _role(lambda self: [f for f in self.fields.values() if f.is_nullable and not f.is_write_only])
    # The free fields that null clears.
    clearing = _role(lambda self: [f for f in self.free if f.clears_on_null])
    # The free fields that null leaves as they are.
    keeping = _role(lambda self: [f for f in self.free if f.on_null == "keep"])

    @cached_property
    def listed(self) -> tuple[Field, ...]:
        """The fields whose values another operation lists, those without `given` first."""
        fields = [f for f in self.fields.values() if f.values_from is not None]
        return tuple(sorted(fields, key=lambda f: len(f.values_from.given) if f.values_from else 0))

    # The listed texts whose values depend on another field.
    dependent = _role(lambda self: [f for f in self.listed if f.values_from is not None and f.values_from.given])
    # The fields of a create that no update has.
    of_create = _role(lambda self: [f for name, f in self.contract.fields("create").items() if name not in self.fields])

    def role(self, tried: Field) -> str:
        """Return the role of the operation whose body has a field."""
        return self.contract.role(tried.operation)

    def clause(self, tried: Field, keyword: str = "") -> str:
        """Return where the contract says a keyword of a field; the place of the field where it does not."""
        places = (f"{tried.place}/{keyword}", f"{tried.pointer}/{keyword}")
        return next((place for place in places if keyword and self.contract.document.has(place)), tried.place)

    # -- Values -------------------------------------------------------------------------------------------------------

    @cached_property
    def values(self) -> ListedValues:
        """What the operations of the mock list."""
        return ListedValues.ask(self.contract, self.api.answer_of)

    @cached_property
    def rules(self) -> Rules:
        """What an item may be as a whole."""
        return Rules(self.contract, self.values)

    def good(self, tried: Field) -> list[Any]:
        """Return values of a field that are valid beyond doubt."""
        return self.rules.values(tried)

    def bad(self, tried: Field) -> Any:
        """Return a value of a field that is invalid beyond doubt; NoPlace where every value is valid."""
        wrong = (b.value for b in boundaries(self.contract, tried) if not b.accepted and b.is_readable)
        return first(value for value in wrong if value is not None)

    @cached_property
    def item(self) -> Body:
        """The body of the item that every witness updates, every field set."""
        return self.named(self.rules.full_body("create", 0, {}), "Witness")

    @cached_property
    def bystander(self) -> Body:
        """The body of another item."""
        return self.named(self.rules.full_body("create", 1, {}), "Bystander")

    @cached_property
    def smallest(self) -> Body:
        """The body of an item with no field but the required ones, where the rules allow that."""
        fields = self.contract.fields("create")
        body = {name: value for name, value in self.item.items() if fields[name].is_required}
        return body if self.rules.lawful({}, body) else dict(self.item)

    def named(self, body: Body, name: str) -> Body:
        """Return a body with a name of its own, where a field can carry one."""
        field = self.contract.run_name
        return body if field is None or not self.contract.accepts_name(name) else {**body, field: name}

    def other(self, tried: Field) -> Any:
        """Return a good value of a field that the item of the witness does not have; None where there is none."""
        return next((value for value in self.good(tried)[::-1] if value != self.item.get(tried.name)), None)

    def change(self, *fields: Field) -> Body:
        """Return an update that gives some fields, all free ones by default, other good values than the item has."""
        values = {f.name: self.other(f) for f in fields or self.free}
        return self.lawful({name: value for name, value in values.items() if value is not None})

    def lawful(self, body: Body) -> Body:
        """Return an update with what else the schema and the rules ask of it, as far as that can be found."""
        stand_ins = {name: self.item[name] for name in body if name in self.item}
        if not self.contract.accepts("update", stand_ins):
            body = {**self.known, **body}
        return self.rules.completed(self.item, body) or body

    @cached_property
    def known(self) -> Body:
        """What an update can say of the item as it is."""
        return {name: value for name, value in self.item.items() if name in self.fields}

    def whole(self, body: Mapping[str, Any]) -> Body:
        """Return an update as it is sent: of a PUT the whole item."""
        return {**(self.known if self.is_put else {}), **body}

    @property
    def is_put(self) -> bool:
        """Whether an update brings the whole item."""
        return self.contract.operation("update").method == "PUT"

    # -- Requests -----------------------------------------------------------------------------------------------------

    def update(self, body: Mapping[str, Any] | str | bytes, target: str = "{id}", **headers: str) -> Step:
        """Update an item; a PUT brings the whole of it. A text is sent as it is; headers are named with underscores."""
        sent = self.whole(body) if isinstance(body, Mapping) else body
        return _with_body(self.contract.operation("update").method, self.path("update", target), sent, headers)

    def create(self, body: Mapping[str, Any] | str | bytes, **headers: str) -> Step:
        """Create an item."""
        return _with_body("POST", self.contract.operation("create").path, body, headers)

    def read(self, target: str = "{id}") -> Step:
        """Read an item."""
        return Step("GET", self.path("read", target))

    def remove(self, target: str = "{id}") -> Step:
        """Remove an item."""
        return Step("DELETE", self.path("remove", target))

    def list(self, query: str = "") -> Step:
        """List the items."""
        path = self.contract.operation("list").path
        return Step("GET", f"{path}?{query}" if query else path)

    def path(self, role: str, target: str = "{id}") -> str:
        """Return the path of an operation on an item."""
        return self.contract.operation(role).path.replace(f"{{{self.contract.resource.id_parameter}}}", target)

    def tries(self, tried: Field, *values: Any) -> Witness:
        """Return a request with each of some values of a field, each followed by a read."""
        if self.role(tried) == "create":
            bodies = ({**self.item, tried.name: value} for value in values)
            return tuple(step for body in bodies for step in (self.create(body), self.read("{new}")))
        return self.shows(*(self.lawful({tried.name: value}) for value in values))

    def shows(self, *bodies: Mapping[str, Any]) -> Witness:
        """Return updates, each followed by a read."""
        return tuple(step for body in bodies for step in (self.update(body), self.read()))


def is_number(tried: Field) -> bool:
    """Whether a field takes numbers, within limits perhaps."""
    return set(tried.types) <= {"number", "integer"} and not tried.schema.keys() & {"enum", "const"}


def is_text(tried: Field) -> bool:
    """Whether a field takes any text, within a length perhaps."""
    return tried.schema.get("type") == "string" and not tried.schema.keys() & {"enum", "const", "pattern", "format"}


def _with_body(method: str, path: str, body: Mapping[str, Any] | str | bytes, headers: Mapping[str, str]) -> Step:
    text = json.dumps(body) if isinstance(body, Mapping) else body
    told = {"content_type": "application/json", **headers}
    pairs = tuple((name.replace("_", "-"), value) for name, value in told.items())
    return Step(method, path, text.encode() if isinstance(text, str) else text, pairs)
