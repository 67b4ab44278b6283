"""What a schema says of a value, however it is written: through references, allOf, and the one branch beside null."""

from dataclasses import dataclass, field, replace
from typing import Any

from contract_tests.spec.change import WORDS
from contract_tests.spec.document import Document, Schema, below

UNIONS = ("anyOf", "oneOf")
# Keywords that hold one schema for each name or number below them.
BY_NAME = {"properties": "{}", "patternProperties": "/{}/", "prefixItems": "[{}]"}
# Keywords that hold one schema, and how a path names what it is of.
INNER = {"items": "[]", "additionalProperties": "*", "unevaluatedProperties": "*", "contains": "[any]"}
# What a schema says all the same where it does not say so.
DEFAULTS: dict[str, Any] = {"uniqueItems": False, "deprecated": False, "readOnly": False, "writeOnly": False}
DEFAULTS |= dict.fromkeys(("minLength", "minItems", "minProperties"), 0)
STRUCTURE = frozenset({"$ref", "allOf", "type", "required", *UNIONS, *BY_NAME, *INNER})


@dataclass(frozen=True)
class SchemaView:
    """One schema with what it refers to; equal for a schema that is referred to and one that is written in place."""

    said: dict[str, Any] = field(default_factory=dict)
    """The keywords that hold no schema of a value."""
    types: frozenset[str] | None = None
    """Without null; None where any type is valid."""
    takes_null: bool = True
    inner: dict[str, str] = field(default_factory=dict)
    """Where the schema of each property, and of the elements, stands."""
    required: frozenset[str] = frozenset()
    branches: tuple[str, ...] = ()
    """Where the branches of a union of several stand."""
    is_closed: bool = False
    """Whether an object takes no other property than those named."""

    @property
    def around(self) -> "SchemaView":
        """What is said of null, in words and in extensions."""
        words = {word: value for word, value in self.said.items() if word in WORDS or word.startswith("x-")}
        return SchemaView(words, takes_null=self.takes_null)

    @property
    def as_branch(self) -> "SchemaView":
        """What is said besides, as a branch of a union says it."""
        limits = {word: value for word, value in self.said.items() if word not in self.around.said}
        return replace(self, said=limits, takes_null=True)


def schema_view(document: Document, pointer: str) -> SchemaView:
    """Read the schema at a pointer; one that refers to itself is followed once."""
    return document.once(("view", pointer), lambda: _read(document, pointer, frozenset()))


def _read(document: Document, pointer: str, seen: frozenset[str]) -> SchemaView:
    node = document.at(pointer)
    if not isinstance(node, dict):
        return SchemaView() if node is not False else SchemaView({"not": {}})

    def read(place: str) -> SchemaView:
        return SchemaView() if place in seen else _read(document, place, seen | {pointer})

    found, branches = SchemaView(takes_null=_takes_null(node)), []
    if isinstance(node.get("$ref"), str):
        document.require_target(f"{pointer}/$ref", node["$ref"])
        found = _both(found, read(node["$ref"]))
    for index in range(len(node.get("allOf", ()))):
        found = _both(found, read(f"{pointer}/allOf/{index}"))
    for word in UNIONS:
        places = [f"{pointer}/{word}/{index}" for index in range(len(node.get(word, ())))]
        others = [place for place in places if document.resolve(place)[1].get("type") != "null"]
        views = [read(place) for place in others]
        if places and len(others) == len(places) and not any(view.takes_null for view in views):
            found = replace(found, takes_null=False)
        if len(others) == 1:
            found = _both(found, replace(views[0], takes_null=True))
        else:
            branches += others
    return _both(found, _own(pointer, node, tuple(branches)))


def _own(pointer: str, node: Schema, branches: tuple[str, ...]) -> SchemaView:
    usual = {word for word, value in DEFAULTS.items() if node.get(word) == value}
    said = {word: value for word, value in node.items() if word not in STRUCTURE | usual}
    if "const" in said:
        said["enum"] = [said.pop("const")]
    if isinstance(said.get("enum"), list):
        said["enum"] = [value for value in said["enum"] if value is not None]
    inner: dict[str, str] = {}
    for word, form in BY_NAME.items():
        held = node.get(word, {})
        names = held if isinstance(held, dict) else range(len(held))
        inner |= {form.format(name): below(pointer, word, name) for name in names}
    inner |= {name: f"{pointer}/{word}" for word, name in INNER.items() if isinstance(node.get(word), dict)}
    kinds = node.get("type", [])
    types = frozenset([kinds] if isinstance(kinds, str) else kinds)
    is_closed = False in (node.get("additionalProperties"), node.get("unevaluatedProperties"))
    required = frozenset(node.get("required", ()))
    return SchemaView(said, types - {"null"} if types else None, True, inner, required, branches, is_closed)


def _both(one: SchemaView, other: SchemaView) -> SchemaView:
    """Return what two schemas say that both hold; where both name a keyword, the other's counts."""
    return SchemaView(
        {**one.said, **other.said}, one.types if other.types is None else other.types,
        one.takes_null and other.takes_null, {**one.inner, **other.inner}, one.required | other.required,
        one.branches + other.branches, one.is_closed or other.is_closed,
    )  # fmt: skip


def _takes_null(node: Schema) -> bool:
    """Whether the type and the values that a schema names by itself allow null."""
    kinds = node.get("type", "null")
    listed = isinstance(node.get("enum"), list) and None not in node["enum"]
    return "null" in ([kinds] if isinstance(kinds, str) else kinds) and not listed and node.get("const") is None


def in_full(document: Document, node: Any, seen: tuple[str, ...] = ()) -> Any:
    """Write out what a value refers to, to compare it as a whole; a reference in a circle stays."""
    if isinstance(node, list):
        return [in_full(document, item, seen) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str) and reference not in seen and document.has(reference):
        target = in_full(document, document.at(reference), (*seen, reference))
        return {**target, **{name: value for name, value in node.items() if name != "$ref"}}
    return {name: in_full(document, value, seen) for name, value in node.items()}


def moved_components(old: Document, new: Document) -> frozenset[str]:
    """List the components that differ between two documents, by themselves or by what they refer to."""
    sides = []
    for document in (old, new):
        kinds = document.tree.get("components", {}).items()
        sides.append({below("#/components", kind, name): node for kind, named in kinds for name, node in named.items()})
    places = sides[0].keys() | sides[1].keys()
    moved = {place for place in places if sides[0].get(place) != sides[1].get(place)}
    referred = {place: components_of(sides[0][place]) for place in places - moved}
    while further := {place for place, named in referred.items() if place not in moved and named & moved}:
        moved |= further
    return frozenset(moved)


def components_of(node: Any) -> set[str]:
    """List the components that a part of a document refers to; of a reference to elsewhere, the reference."""
    node = dict(enumerate(node)) if isinstance(node, list) else node
    if not isinstance(node, dict):
        return set()
    reference = node.get("$ref")
    named = {"/".join(reference.split("/")[:4])} if isinstance(reference, str) else set()
    return named.union(*map(components_of, node.values()))
