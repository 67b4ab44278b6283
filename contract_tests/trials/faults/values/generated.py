"""
The faults that a contract brings by itself: each keyword of a field, and of the values inside it, ignored or misread.

A field that is added to the contract brings its own. What is wrong, and which values show it, the schema with the
keyword changed tells; a JSON Schema library judges by both.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from contract_tests.generation.boundaries import Boundary, boundaries, place_of, to_json
from contract_tests.spec.document import ASSERTED, steps
from contract_tests.spec.field import Field

from ..fault import Fault, OnField, Predicate, generator
from ..scene import LIMITS, Scene, is_number, is_text

# A witness of more values shows no more.
MOST_SHOWN = 3

GROUP_OF = {"type": "types", "enum": "enums", "const": "enums"}

# By keyword: how its value is changed so that a little more is accepted, or a little less.
UPPER = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
LOWER = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
# How many times a pattern allows what stands before: {2} or {2,5}.
REPEATED = re.compile(r"\{(\d+)(?:,(\d+))?\}")
LOOSER: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(UPPER, lambda limit: limit + 1),
    **dict.fromkeys(LOWER, lambda limit: limit - 1),
    "enum": lambda values: [*values, *(value.upper() for value in values if isinstance(value, str))],
    "required": lambda names: names[:-1],
    "pattern": lambda pattern: REPEATED.sub(lambda of: f"{{{of[1]},{int(of[2] or of[1]) + 1}}}", pattern, count=1),
}
TIGHTER: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(UPPER, lambda limit: limit - 1),
    **dict.fromkeys(LOWER, lambda limit: limit + 1),
    "enum": lambda values: values[:-1],
    "pattern": lambda pattern: REPEATED.sub(
        lambda of: f"{{{of[1]},{max(int(of[2] or 0) - 1, int(of[1]))}}}", pattern, count=1
    ),
    "multipleOf": lambda step: step * 10,
    "additionalProperties": lambda allowed: False,
    "uniqueItems": lambda is_unique: True,
}

# The texts and numbers of a field itself have faults of their own, which are finer.
FINER_OF_TEXTS = ("minLength", "maxLength")


# By the defect: how text that is not ASCII is turned into what a careless pattern takes it for, and what it is.
FOLDED: tuple[tuple[str, Callable[[str], str], str], ...] = (
    ("of_any_digit", lambda text: "".join(str(unicodedata.digit(c, c)) for c in text), "a digit of any script"),
    ("of_wide_letters", lambda text: unicodedata.normalize("NFKC", text), "a letter of full width"),
)


@dataclass(frozen=True)
class Clause:
    """A keyword that decides which values of a field are valid."""

    scene: Scene
    tried: Field
    pointer: str  # where it stands
    path: str  # the JSON pointer of the value that it speaks of, inside the field
    values: tuple[Boundary, ...]  # those that are tried because of it
    number: int = 1  # which it is of several with the same label

    @property
    def keyword(self) -> str:
        """The keyword itself."""
        return next(step for step in reversed(list(steps(self.pointer))) if not step.isdigit())

    @property
    def label(self) -> str:
        """What names of faults say of it: the way to the inner value, and the keyword."""
        inner = [step for step in steps(self.path) if step and not step.isdigit()]
        word = re.sub("(?<=[a-z])(?=[A-Z])", "_", self.keyword).lower()
        number = [str(self.number)] if self.number > 1 else []
        return "_".join([*(re.sub(r"\W+", "_", step) for step in inner), word, *number])

    @property
    def of(self) -> str:
        """What sentences say of it."""
        return f"{self.keyword} of {self.tried.name}{self.path}"

    @property
    def has_finer_faults(self) -> bool:
        """Whether another module has faults for it: limits of the number or the text itself, an enum of texts."""
        schema, other = self.tried.schema, {"const", "pattern", "format"}
        is_enum = schema.get("type") == "string" and "enum" in schema and not schema.keys() & other
        finer = LIMITS if is_number(self.tried) else FINER_OF_TEXTS if is_text(self.tried) else ()
        return not self.path and self.keyword in (("enum",) if is_enum else finer)

    @cached_property
    def wrong(self) -> list[Any]:
        """Values that the contract refuses, in the order in which they are tried."""
        return [value.value for value in self.values if not value.accepted]

    @cached_property
    def right(self) -> list[Any]:
        """Values that the contract accepts: those that are tried, then good ones."""
        return [*(value.value for value in self.values if value.accepted), *self.scene.good(self.tried)]

    @property
    def on(self) -> OnField:
        """What makes its faults."""
        return OnField(self.scene, self.tried, GROUP_OF.get(self.keyword, "limits"), self.pointer)

    def changed(self, change: Callable[[Any], Any] | None) -> Callable[[Any], bool]:
        """Return what judges a value of the field by the contract with the keyword changed; without it for None."""
        tree = _changed(self.scene.contract.document.tree, list(steps(self.pointer)), change)
        schema = {**tree, "$ref": quote(self.tried.place, safe="#/~")}
        return jsonschema_rs.Draft202012Validator(schema, **ASSERTED).is_valid


@generator
def faults_of_clauses(scene: Scene) -> Iterator[Fault]:
    """Yield the faults of each keyword of each field, and what a create overlooks."""
    for tried in (*scene.fields.values(), *scene.of_create):
        if not tried.is_free:
            continue  # whatever the schema lets pass, nobody lists
        for clause in clauses(scene, tried):
            if not clause.has_finer_faults:
                yield from _ignored(clause)
                yield from _misread(clause)
                yield from _careless(clause)
        yield from _unknown_branches(scene, tried)
        yield from _first_item_alone(scene, tried)
    if scene.contract.has("update"):
        for name, tried in scene.contract.fields("create").items():
            for clause in clauses(scene, tried) if name in scene.fields and tried.is_free else ():
                if clause.keyword != "type":
                    yield from _unchecked_by_create(clause)


def clauses(scene: Scene, tried: Field) -> list[Clause]:
    """List the keywords that a field's values are tried for."""
    found: dict[str, list[Boundary]] = {}
    for value in boundaries(scene.contract, tried):
        if value.is_readable and scene.contract.document.has(value.source):
            found.setdefault(value.source, []).append(value)
    made: dict[str, Clause] = {}
    for pointer, some in found.items():
        clause = Clause(scene, tried, pointer, some[0].path, tuple(some))
        while clause.label in made:
            clause = replace(clause, number=clause.number + 1)
        made[clause.label] = clause
    return list(made.values())


def _ignored(clause: Clause) -> Iterator[Fault]:
    is_valid = clause.changed(None)
    shown = [value for value in clause.wrong if is_valid(value)][:MOST_SHOWN]
    yield from clause.on.wider(f"{clause.label}_ignored", f"Ignores the {clause.of}.", is_valid, *shown)


def _misread(clause: Clause) -> Iterator[Fault]:
    if clause.keyword in LOOSER:
        looser = clause.changed(LOOSER[clause.keyword])
        shown = [value for value in clause.wrong if looser(value)][:MOST_SHOWN]
        summary = f"Allows for one beyond the {clause.of}."
        yield from clause.on.wider(f"{clause.label}_one_wider", summary, looser, *shown)
    if clause.keyword in TIGHTER:
        summary, stricter = f"Takes the {clause.of} for stricter than it is.", clause.changed(TIGHTER[clause.keyword])
        yield from _refusing(clause.on, f"{clause.label}_too_strict", summary, stricter, clause.right)


def _careless(clause: Clause) -> Iterator[Fault]:
    """Yield the keyword judged where equal items are neighbours, and by the values of digits and the shapes of letters."""
    is_valid, name, accepts = clause.changed(None), clause.tried.name, clause.scene.contract.accepts_value
    if clause.keyword == "uniqueItems" and not clause.path:
        apart = lambda value: is_valid(value) and all(a != b for a, b in pairwise(value))
        summary = f"Compares each item of {name} only with the one before it."
        yield from clause.on.wider(f"{clause.label}_among_neighbours", summary, apart, *clause.wrong)
    for defect, fold, what in FOLDED if clause.keyword == "pattern" else ():
        folded = lambda value, fold=fold: accepts(clause.tried, json.loads(fold(to_json(value))))
        summary = f"Takes {what} for one of ASCII in the {clause.of}."
        yield from clause.on.wider(f"{clause.label}_{defect}", summary, folded, *clause.wrong)


def _first_item_alone(scene: Scene, tried: Field) -> Iterator[Fault]:
    for view in place_of(scene.contract, tried).views if "array" in tried.types else ():
        if "items" in view.inner and "prefixItems" not in view.inner:
            clause = Clause(scene, tried, view.sources["items"], "", ())
            holder = replace(clause, pointer=clause.pointer.removesuffix("/items"))
            is_valid = holder.changed(lambda schema: {**schema, "items": True, "prefixItems": [schema["items"]]})
            wrong = [value.value for value in boundaries(scene.contract, tried) if value.is_readable]
            summary = f"Checks only the first item of {tried.name}."
            shown = [value for value in wrong if is_valid(value)]
            yield from clause.on.wider("only_first_item_checked", summary, is_valid, *shown)


def _unknown_branches(scene: Scene, tried: Field) -> Iterator[Fault]:
    values = [value.value for value in boundaries(scene.contract, tried) if value.accepted and value.is_readable]
    for keyword in ("anyOf", "oneOf"):
        branches = tried.schema.get(keyword, ())
        for index in range(len(branches) if len(branches) > 1 else 0):
            clause = Clause(scene, tried, f"{tried.pointer}/{keyword}/{index}", "", ())
            summary = f"Refuses what branch {index + 1} of {keyword} of {tried.name} alone allows."
            on, less = replace(clause.on, group="types"), clause.changed(lambda branch: False)
            yield from _refusing(on, f"branch_{index + 1}_unknown", summary, less, [*scene.good(tried), *values])


def _unchecked_by_create(clause: Clause) -> Iterator[Fault]:
    is_valid = clause.changed(None)
    shown = [value for value in clause.wrong if is_valid(value)][:1]
    on, summary = replace(clause.on, group="creation"), f"Ignores the {clause.of} in the body of a create."
    yield from on.wider(f"{clause.label}_unchecked_by_create", summary, is_valid, *shown)


def _refusing(on: OnField, defect: str, summary: str, is_valid: Predicate, values: list[Any]) -> Iterator[Fault]:
    shown = [value for value in values if not is_valid(value)][:MOST_SHOWN]
    yield from on.tighter(defect, summary, lambda value: not is_valid(value), *shown)


def _changed(node: Any, path: list[str], change: Callable[[Any], Any] | None) -> Any:
    """Return a node with what stands at a path changed or left out; what is not on the path is shared."""
    step, *rest = path
    key: Any = int(step) if isinstance(node, list) else step
    if not rest and change is None:
        return {name: value for name, value in node.items() if name != key}
    changed = _changed(node[key], rest, change) if rest else change(node[key])  # type: ignore[misc]
    if isinstance(node, list):
        return [*node[:key], changed, *node[key + 1 :]]
    return {**node, key: changed}
