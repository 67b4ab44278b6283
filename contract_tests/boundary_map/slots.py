"""A slot is where one value is put: a field of a body or of a query, or a value inside of it; nothing else changes."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from dataclasses import field as data
from typing import Any

from contract_tests.generation.arrays import array_candidates
from contract_tests.generation.boundaries import place_of
from contract_tests.generation.candidate import Candidate
from contract_tests.generation.instances import good_values
from contract_tests.generation.objects import object_candidates
from contract_tests.generation.places import Place, View
from contract_tests.spec.contract import Contract
from contract_tests.spec.document import Schema, steps
from contract_tests.spec.field import Field, json_type


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Slot:
    """Where one value is put."""

    field: Field
    view: View = data(repr=False)
    """What the contract asks of the value, by one way through the branches of its schema."""
    path: str = ""
    """The JSON pointer of the value inside the field; empty for the field itself."""
    wrap: Callable[[Any], Any] = data(default=_unchanged, repr=False)
    """Returns the value of the field with a value in this slot, everything around it good."""
    branch: int = 0
    """Which branch of a union this is; 0 where there is one."""

    @property
    def name(self) -> str:
        """How a result names it."""
        branch = f" (branch {self.branch})" if self.branch else ""
        return f"{self.field.name}{self.path}{branch}"

    @property
    def schema(self) -> Schema:
        """The keywords that the value answers to."""
        return self.view.schema

    @property
    def json_type(self) -> str:
        """The type of the value, as far as it is one."""
        kinds = [kind for kind in self.view.types if kind != "null"]
        return kinds[0] if len(kinds) == 1 else ""

    @property
    def good_values(self) -> list[Any]:
        """Values that are good beyond doubt, without what is around them."""
        found = good_values(self.view.place)
        kinds = {self.json_type, "integer"} if self.json_type == "number" else {self.json_type}
        return [value for value in found if json_type(value) in kinds]

    def read(self, shown: Any) -> Any:
        """Return the value out of a reading of the field; None where it is not there."""
        for step in steps(self.path):
            if isinstance(shown, dict):
                shown = shown.get(step)
            elif isinstance(shown, list) and int(step) < len(shown):
                shown = shown[int(step)]
            else:
                return None
        return shown

    def accepts(self, contract: Contract, value: Any) -> bool:
        """Whether the contract allows a value here, by all that it says of the field."""
        return contract.accepts_value(self.field, self.wrap(value))


@dataclass(frozen=True)
class _Inner(Candidate):
    """Carries a place through the machinery that puts candidates into good arrays and objects."""

    view: View | None = None
    wrap: Callable[[Any], Any] = _unchanged

    def inside(self, step: str, put: Callable[[Any], Any]) -> "_Inner":
        inner = self.wrap
        placed = super().inside(step, put)
        return replace(placed, wrap=lambda value: put(inner(value)))  # type: ignore[return-value,call-arg]


def slots_of(contract: Contract, tried: Field) -> list[Slot]:
    """List the slots of a field: itself, by each branch of its schema, then all inside it; listed values have one."""
    place = place_of(contract, tried)
    own = [Slot(tried, view) for view in place.views]
    if not tried.is_free:
        return own[:1]
    inner = [Slot(tried, found.view, found.path, found.wrap) for found in _walk(place) if found.view and found.path]
    taken = Counter[tuple[str, str]]()
    found = []
    for slot in [*own, *inner]:
        taken[slot.path, slot.json_type] += 1
        count = taken[slot.path, slot.json_type]
        found.append(slot if count == 1 else replace(slot, branch=count))
    return found


def _walk(place: Place) -> Iterator[_Inner]:
    """Yield an entry for each view of a place, then for those inside it."""
    for view in place.views:
        goods = good_values(view.place)
        if not goods:
            continue
        yield _Inner("slot", "slot", goods[0], "type", view=view)
        for kind, candidates in (("array", array_candidates), ("object", object_candidates)):
            if kind in view.types and "enum" not in view.schema:
                yield from (found for found in candidates(view, _walk) if isinstance(found, _Inner))


def declared_types(tried: Field) -> str:
    """Return the types that a field may have, in words."""
    return " or ".join([*tried.types, *(["null"] if tried.is_nullable else [])])
