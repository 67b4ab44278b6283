"""What a planted fault is, what a lawful variant is, and the register of the templates that make both."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from contract_tests.spec.field import Field
from contract_tests.spec.resource import ROLES

from . import seams
from .scene import NoPlace, Scene, needed
from .seams import Apply as Apply
from .seams import Fields
from .usual import Clause, Shown
from .witness import Witness

GROUPS = (
    "limits", "types", "enums", "null", "persistence", "atomicity", "isolation", "identity", "fidelity", "combinations",
    "cross_field", "authentication", "secrets", "statuses", "media_types", "methods", "size", "concurrency", "deletion",
    "creation", "pagination", "sometimes", "company",
)  # fmt: skip

LAWFUL = ""  # the group of what breaks nothing: a lawful variant


@dataclass(frozen=True)
class Planted:
    """A fault, or a variant, as it is planted for one contract."""

    apply: Apply  # replaces one behaviour of a mock that was built a moment ago
    witness: Witness  # requests, one of which at least the clean mock answers otherwise; none without a place
    clause: str = ""  # what it breaks: a pointer into the contract; empty for the promise that its template names
    never_with: tuple[str, ...] = ()  # variants that a mock cannot have at the same time


@dataclass(frozen=True)
class Fault:
    """One way in which an API breaks the contract; or, as a lawful variant, differs from the mock and keeps it."""

    name: str  # the field, where it is planted on one, and its defect, in snake_case
    group: str  # one of GROUPS; empty for a variant
    summary: str  # what the API does, as a sentence in the third person
    clause: str  # what it breaks: a pointer into the contract; empty for a variant
    apply: Apply
    witness: Witness  # requests that show the difference, in an answer or in the time that it takes
    never_with: tuple[str, ...] = ()


Select = Callable[[Scene], Iterable[Field]]
Make = Callable[..., Planted]
Faults = Callable[[Scene], Iterator[Fault]]
"""Makes faults, or variants, for a contract; none for a contract that has no place for them."""

Names = tuple[str, ...]
CRUD = ("create", "read", "update")
LIST = ("create", "list")
CRUD_AND_LIST = (*CRUD, "list")
TEMPLATES: list[Faults] = []


def generator(make: Faults) -> Faults:
    """Register the decorated function, which makes faults, or variants, that are too many for a template each."""
    TEMPLATES.append(make)
    return make


def fault(group: str, *promises: str, needs: Names = CRUD, each: Select | None = None) -> Callable[[Make], Make]:
    """
    Register the decorated function as the template of a fault: its name, and its docstring as the summary.

    It is made where the contract makes all *promises* and has operations of all roles that it *needs*; with *each*, for
    each of these fields: the function takes one, and `{field}` in its docstring names it.
    """

    def register(make: Make) -> Make:
        rows(group, promises, {make.__name__: (_summary(make),)}, needs, make=make, each=each)
        return make

    return register


def plain(
    group: str, *promises: str, shown: Shown, needs: Names = CRUD, clause: Clause | None = None, never_with: Names = ()
) -> Callable[[Apply], Apply]:
    """
    Register the decorated function, which changes a mock, as a fault that is the same for each contract.

    *shown* makes the witness, *clause* returns what is broken: without it, the first promise.
    """

    def register(apply: Apply) -> Apply:
        rows(group, promises, {apply.__name__: (_summary(apply), apply, shown, never_with)}, needs, clause)
        return apply

    return register


def rows(
    group: str,
    promises: Names,
    table: Mapping[str, tuple[Any, ...]],
    needs: Names = CRUD,
    clause: Clause | None = None,
    make: Make | None = None,
    each: Select | None = None,
) -> None:
    """
    Register each row of a table: the name of the fault, what it does, and what *make* is told before the scene.

    Without *make* that is how the fault is planted, what shows it, and variants that a mock cannot have besides.
    """
    assert group in (LAWFUL, *GROUPS), group

    def plant(apply: Apply, shown: Shown, *row: Any) -> Planted:
        *never_with, scene = row
        return Planted(apply, shown(scene), clause(scene) if clause else "", *never_with)

    def faults(name: str, summary: str, columns: list[Any], scene: Scene) -> Iterator[Fault]:
        contract = scene.contract
        if not all(map(contract.promises_that, promises)) or not contract.has(*needs):
            return
        for tried in each(scene) if each else (None,):
            with suppress(NoPlace):
                planted = (make or plant)(*columns, scene, *([tried] if tried else []))
                broken = planted.clause or (contract.pointer_of_promise(promises[0]) if group else "")
                field, start = (tried.name, f"{tried.name}_") if tried else ("", "")
                what = (f"{start}{name}", group, summary.format(field=field), broken)
                yield Fault(*what, planted.apply, needed(planted.witness), planted.never_with)

    TEMPLATES.extend(partial(faults, name, summary, columns) for name, (summary, *columns) in table.items())


def _summary(make: Callable[..., object]) -> str:
    return " ".join((make.__doc__ or "").split())


Predicate = Callable[[Any], bool]
Change = Callable[[Any], Any]


@dataclass(frozen=True)
class OnField:
    """Makes the faults of one clause of a field; none where the values that are to show it do not."""

    scene: Scene
    tried: Field
    group: str
    clause: str  # what they break: a pointer into the contract
    concerns: Predicate = lambda value: True  # which values may be judged or changed otherwise

    def wider(self, defect: str, summary: str, is_accepted: Predicate, *values: Any) -> Iterator[Fault]:
        """Yield a fault that accepts further values, if the contract refuses one of *values* that it accepts."""
        shown = [v for v in values if self.concerns(v) and is_accepted(v) and not self._accepts(v)]
        yield from self.planted(defect, summary, self._judging(True, is_accepted), *shown)

    def tighter(self, defect: str, summary: str, is_refused: Predicate, *values: Any) -> Iterator[Fault]:
        """Yield a fault that refuses valid values, if the contract accepts one of *values* that it refuses."""
        shown = [v for v in values if self.concerns(v) and is_refused(v) and self._accepts(v)]
        yield from self.planted(defect, summary, self._judging(False, is_refused), *shown)

    def read(self, defect: str, summary: str, change: Change, *values: Any) -> Iterator[Fault]:
        """Yield a fault that makes invalid values valid before it checks them, if one of *values* is such a value."""
        role, name = self.scene.role(self.tried), self.tried.name

        def is_repaired(value: Any) -> bool:
            return self.concerns(value) and not self._accepts(value) and self._accepts(change(value))

        def change_body(body: Fields) -> Fields:
            return {**body, name: change(body[name])} if name in body and is_repaired(body[name]) else body

        shown = [value for value in values if is_repaired(value)]
        yield from self.planted(defect, summary, lambda api: seams.read_role_as(api, role, change_body), *shown)

    def stored(self, defect: str, summary: str, change: Change, *values: Any, roles: Names = ROLES) -> Iterator[Fault]:
        """Yield a fault that stores values otherwise than they are sent, shown by the first of *values* altered."""

        def stored(role: str, fields: Fields) -> Fields:
            value = fields.get(self.tried.name)
            is_changed = role in roles and self.tried.name in fields and self.concerns(value)
            return {**fields, self.tried.name: change(value)} if is_changed else fields

        shown = [v for v in values if self.concerns(v) and self._accepts(v) and change(v) != v]
        yield from self.planted(defect, summary, lambda api: seams.store_as(api, stored), *shown[:1])

    def planted(self, defect: str, summary: str, apply: Apply, *values: Any) -> Iterator[Fault]:
        """Yield a fault that *values* show; none without values."""
        if values:
            name, witness = f"{self.tried.name}_{defect}", self.scene.tries(self.tried, *values)
            yield Fault(name, self.group, summary, self.clause, apply, witness)

    def _accepts(self, value: Any) -> bool:
        return self.scene.contract.accepts_value(self.tried, value)

    def _judging(self, said: bool, is_meant: Predicate) -> Apply:
        good = next(iter(self.scene.good(self.tried)), seams.LEFT_OUT)
        name, role = self.tried.name, self.scene.role(self.tried)
        verdict = lambda value: said if self.concerns(value) and is_meant(value) else None
        return lambda api: seams.judge(api, name, verdict, role, instead=good)
