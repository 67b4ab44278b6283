"""
A place of a value, and all that the schemas of the contract ask of the value there.

One value may answer to several schemas at once: `$ref` with siblings, `allOf`, a branch of `oneOf`, `then`. A view is
one way through the choices, its keywords merged into one flat schema, each with the pointer at which it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

import jsonschema_rs

from contract_tests.spec.document import Document, Schema, escape, uri
from contract_tests.spec.field import json_type

# More ways through anyOf, oneOf and if than this are not tried.
MOST_VIEWS = 24

# What a schema without a type is taken for, by its keywords. The others, such as enum, speak of any type.
TYPE_OF = {
    "properties": "object", "required": "object", "additionalProperties": "object", "patternProperties": "object",
    "minProperties": "object", "maxProperties": "object", "propertyNames": "object", "dependentRequired": "object",
    "items": "array", "prefixItems": "array", "minItems": "array", "maxItems": "array", "uniqueItems": "array",
    "contains": "array", "minLength": "string", "maxLength": "string", "pattern": "string",
    "minimum": "number", "maximum": "number", "exclusiveMinimum": "number", "exclusiveMaximum": "number",
    "multipleOf": "number",
}  # fmt: skip


Pointers = tuple[str, ...]
Fixed = tuple[tuple[str, Any], ...]
"""Properties, each with the one value that it must have."""

# A schema that allows no value.
FORBIDS: Schema = {"enum": []}

# Where the pointer of a schema leads through an `if`.
CONDITION = re.compile(r"(?<!/properties)/if(?=/|$)")


@dataclass(frozen=True)
class Place:
    """Where one value stands, by the schemas that it answers to."""

    document: Document
    pointers: Pointers
    barred: Pointers = ()
    """Schemas that the value must break, such as the `if` of an `else`."""
    settled: frozenset[str] = frozenset()
    """The anyOf, oneOf and if whose branch has been chosen: it is among the pointers."""
    fixed: Fixed = ()
    """Properties that a discriminator holds to one value."""
    name: str = "value"
    """What the value is called by what it stands in."""
    above: tuple[frozenset[str], ...] = field(default=(), repr=False)
    """The pointers of the places that this one stands in."""

    def is_valid(self, value: object) -> bool:
        """Whether the JSON Schema library finds the value valid here."""
        make = lambda: jsonschema_rs.Draft202012Validator(self.joined(), **self.document.asserted)  # noqa: E731
        return bool(self.document.once(("joined", self.pointers, self.barred), make).is_valid(value))

    def joined(self, **more: Any) -> dict[str, Any]:
        """Return one schema of all that is asked here, and of *more*; the whole document goes along for references."""
        refs: list[Any] = [{"$ref": uri(pointer)} for pointer in self.pointers]
        refs += [{"not": {"$ref": uri(pointer)}} for pointer in self.barred]
        return {**self.document.tree, "allOf": [*refs, more]}

    def child(self, name: str, pointers: tuple[str, ...]) -> Place:
        """Return the place of a value inside this one."""
        return Place(self.document, pointers, name=name, above=(*self.above, _resolved(self)))

    @property
    def is_repeated(self) -> bool:
        """Whether a schema contains itself, and this is the second time."""
        return _resolved(self) in self.above

    @property
    def views(self) -> list[View]:
        """The ways through the choices, null left out."""
        make = lambda: list(islice(_views(self), MOST_VIEWS))  # noqa: E731
        found: list[View] = self.document.once(("views", self), make)
        return [view for view in found if view.types != ("null",)]


@dataclass(frozen=True)
class View:
    """One way through the choices of a place: a flat schema, and where each of its keywords stands."""

    place: Place
    schema: Schema
    sources: Mapping[str, str]
    """The pointer of each keyword."""
    inner: Mapping[str, Mapping[str, tuple[str, ...]]]
    """The pointers of the schemas of inner values: by keyword, then by name or index."""

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The JSON types that it allows, null among them; guessed from the keywords where none is named."""
        if "type" in self.schema:
            return tuple(self.schema["type"])
        if "enum" in self.schema:
            return tuple(dict.fromkeys(json_type(value) for value in self.schema["enum"]))
        guessed = dict.fromkeys(TYPE_OF[keyword] for keyword in self.schema if keyword in TYPE_OF)
        return tuple(guessed)

    def source(self, keyword: str) -> str:
        """Return the pointer of a keyword; where it does not stand there, of the type, else of any other."""
        known = [self.sources[word] for word in (keyword, "type", *self.sources) if word in self.sources]
        return known[0] if known else self.place.pointers[0]

    def children(self, keyword: str) -> dict[str, Place]:
        """Return the places of inner values that a keyword allows, by name or index."""
        return {
            name: self.place.child(name if keyword == "properties" else self.place.name, pointers)
            for name, pointers in self.inner.get(keyword, {}).items()
            if not any(schema_at(self.place.document, pointer) == FORBIDS for pointer in pointers)
        }

    def child(self, keyword: str) -> Place | None:
        """Return the place of the inner values of a keyword that holds one schema."""
        return self.children(keyword).get("")

    @property
    def forbidden(self) -> list[str]:
        """The properties that the value must not have."""
        return [name for name in self.inner.get("properties", {}) if name not in self.children("properties")]


def schema_at(document: Document, pointer: str) -> Schema:
    """Return the schema at a pointer as an object; one that forbids everything, in either of the two ways, has an empty enum."""
    node = document.at(pointer)
    if node is False or node == {"not": {}}:
        return FORBIDS
    return node if isinstance(node, dict) else {}


def _resolved(place: Place) -> frozenset[str]:
    return frozenset(pointer for pointer, _ in schemas_of(place))


def schemas_of(place: Place) -> list[tuple[str, Schema]]:
    """Return each schema that surely applies, through $ref and allOf, and where it stands; none twice."""
    found: dict[str, Schema] = {}
    waiting = list(place.pointers)
    while waiting:
        pointer = waiting.pop(0)
        if pointer in found:
            continue
        schema = found[pointer] = schema_at(place.document, pointer)
        parts = [schema["$ref"]] if "$ref" in schema else []
        waiting = [*parts, *(f"{pointer}/allOf/{index}" for index in range(len(schema.get("allOf", ())))), *waiting]
    return list(found.items())


def _views(place: Place) -> Iterator[View]:
    """Yield a view for each way through the choices: settle the first open one, then go on."""
    schemas = schemas_of(place)
    options = next((found for pointer, schema in schemas if (found := _options(place, pointer, schema))), None)
    if options is None:
        yield _merged(place, schemas)
        return
    for option in options:
        yield from _views(option)


def _options(place: Place, pointer: str, schema: Schema) -> list[Place]:
    """Return the place with each branch of one open choice of a schema; empty where none is open."""
    for keyword in ("anyOf", "oneOf"):
        choice = f"{pointer}/{keyword}"
        if keyword in schema and choice not in place.settled:
            return [
                _settle(place, choice, (f"{choice}/{index}",), fixed=_fixed(schema, branch))
                for index, branch in enumerate(schema[keyword])
            ]
    choice = f"{pointer}/if"
    if "if" not in schema or choice in place.settled:
        return []
    held = (choice, *((f"{pointer}/then",) if "then" in schema else ()))
    broken = (f"{pointer}/else",) if "else" in schema else ()
    return [_settle(place, choice, held), _settle(place, choice, broken, barred=(choice,))]


def _settle(place: Place, choice: str, pointers: Pointers, barred: Pointers = (), fixed: Fixed = ()) -> Place:
    pointers, barred, fixed = place.pointers + pointers, place.barred + barred, place.fixed + fixed
    return replace(place, pointers=pointers, barred=barred, settled=place.settled | {choice}, fixed=fixed)


def _fixed(schema: Schema, branch: Any) -> Fixed:
    """Return what a discriminator says of one branch: the property, and the name of the branch."""
    reference = branch.get("$ref") if isinstance(branch, dict) else None
    if "discriminator" not in schema or reference is None:
        return ()
    short = reference.rpartition("/")[2]
    mapping = schema["discriminator"].get("mapping", {})
    name = next((name for name, target in mapping.items() if target in (reference, short)), short)
    return ((schema["discriminator"]["propertyName"], name),)


def _merged(place: Place, schemas: list[tuple[str, Schema]]) -> View:
    """Merge schemas that all apply: the tightest limit counts, any other keyword where it stands first."""
    flat: dict[str, Any] = {}
    sources: dict[str, str] = {}
    inner: dict[str, dict[str, tuple[str, ...]]] = {}
    for pointer, schema in schemas:
        for keyword, value, written in _plain(schema):
            merged = MERGE.get(keyword, lambda old, _new: old)(flat[keyword], value) if keyword in flat else value
            # A condition chooses between schemas; it forbids nothing.
            if keyword not in flat or (merged != flat[keyword] and not CONDITION.search(pointer)):
                sources[keyword] = f"{pointer}/{written}"
            flat[keyword] = merged
            for name in _inner_names(keyword, value):
                step = f"{pointer}/{keyword}" + (f"/{escape(name)}" if name else "")
                places = inner.setdefault(keyword, {})
                places[name] = (*places.get(name, ()), step)
    return View(place, flat, sources, inner)


def _plain(schema: Schema) -> Iterator[tuple[str, Any, str]]:
    """Yield the keywords of a schema in one spelling, types as a list, a const as an enum of one, and as written."""
    for keyword, value in schema.items():
        if keyword == "type":
            yield keyword, [value] if isinstance(value, str) else list(value), keyword
        elif keyword == "const":
            yield "enum", [value], keyword
        elif keyword not in ("$ref", "allOf", "anyOf", "oneOf", "if", "then", "else"):
            yield keyword, value, keyword


def _inner_names(keyword: str, value: Any) -> list[str]:
    """Return the names of the inner schemas of a keyword; one without a name where the keyword holds one schema."""
    if keyword in ("properties", "patternProperties"):
        return list(value)
    if keyword == "prefixItems":
        return [str(index) for index in range(len(value))]
    return [""] if keyword in ("items", "contains", "additionalProperties", "propertyNames", "not") else []


def _common_types(old: list[str], new: list[str]) -> list[str]:
    both = [name for name in old if name in new or (name == "integer" and "number" in new)]
    return both + [name for name in new if name == "integer" and "number" in old and name not in both]


def _common_values(old: list[Any], new: list[Any]) -> list[Any]:
    return [value for value in old if any(value == other and type(value) is type(other) for other in new)]


MERGE: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"), min),
    "type": _common_types,
    "enum": _common_values,
    "required": lambda old, new: [*old, *(name for name in new if name not in old)],
    "dependentRequired": lambda old, new: {**old, **new},
    "properties": lambda old, new: {**old, **new},
    "patternProperties": lambda old, new: {**old, **new},
    "additionalProperties": lambda old, new: False if new is False else old,
    "uniqueItems": lambda old, new: old or new,
}
