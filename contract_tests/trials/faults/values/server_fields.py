"""Faults of the fields that only the server sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from contract_tests.mock_api.rules import Fields
from contract_tests.mock_api.store import Item

from .. import seams
from ..fault import CRUD, Apply, Fault, generator
from ..scene import Scene

Change = Callable[[Item, Any], Any]
"""Makes of an item, and of what the field should show, what it shows."""


@generator
def faults_of_server_fields(scene: Scene) -> Iterator[Fault]:
    """Yield what a field of the server does that the contract does not say of it."""
    changed = next((f for f in scene.free if scene.other(f) is not None), None)
    if not scene.contract.has(*CRUD) or changed is None:
        return
    document, update = scene.contract.document, scene.shows(scene.change(changed))
    for name, field in scene.contract.server_fields.items():
        if name == scene.contract.resource.id_name:
            continue  # the faults of identity
        if field.changes == "never":
            summary, clause = f"Changes {name} with an update.", f"{field.pointer}/x-changes"
            yield Fault(f"{name}_moved_by_an_update", "identity", summary, clause, _showing(name, _moved), update)
        if name in document.required(scene.contract.resource.item_pointer):
            summary, read = f"Leaves out {name}.", (scene.read(),)
            yield Fault(f"{name}_missing", "identity", summary, field.pointer, _leaving_out(name), read)
        if not document.validator(field.pointer).is_valid({}):
            clause = f"{field.pointer}/type" if "type" in field.schema else field.pointer
            summary, apply = f"Shows {name} as an object.", _showing(name, _as_object)
            yield Fault(f"{name}_of_another_type", "identity", summary, clause, apply, (*update, scene.read()))


def _showing(name: str, change: Change) -> Apply:
    def show(item: Item, shown: Fields) -> Fields:
        return {**shown, name: change(item, shown[name])} if name in shown else shown

    return lambda api: seams.show_as(api, show)


def _leaving_out(name: str) -> Apply:
    return lambda api: seams.show_as(api, lambda item, shown: {n: v for n, v in shown.items() if n != name})


def _as_object(item: Item, value: Any) -> Any:
    return None if value is None else {"value": value}


def _moved(item: Item, value: Any) -> Any:
    if item.version < 2:
        return value
    if isinstance(value, datetime):
        return value + timedelta(hours=1)
    return f"{value}x" if isinstance(value, str) else value + 1 if isinstance(value, int) else value
