"""
The updates that tests send: of one field, of many at once, and with a single fault.

A PATCH brings what changes; a PUT, and a schema that asks for fields together, take more. A test names the fields that it
is about, and gets a body here that the contract allows in every other way.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

from contract_tests.checks.item_under_test import ItemUnderTest, Rejection, object_of
from contract_tests.checks.run import Run
from contract_tests.checks.selections import changeable_fields, faults_of, fields_with_faults, is_whole
from contract_tests.generation.boundaries import Boundary, good_values, plain_fault, to_json
from contract_tests.generation.strategies import valid_bodies
from contract_tests.spec.field import Field

Body = dict[str, Any]

IMPOSSIBLE = "the rules across fields allow no such update of this item"


def whole(item: ItemUnderTest, body: Mapping[str, Any]) -> Body:
    """Return a body as the update takes it: a PUT brings every field that the item has, a PATCH those that it must."""
    contract = item.contract
    fields, is_put = contract.fields("update"), is_whole(contract)
    needed = {name: good_values(contract, f)[0] for name, f in fields.items() if f.is_required and f.is_write_only}
    kept = [name for name, tried in fields.items() if is_put or tried.is_required]
    stored = {name: item.last[name] for name in kept if item.last.get(name) is not None}
    return {**needed, **stored, **body}


def possible(item: ItemUnderTest, body: Mapping[str, Any]) -> Body | None:
    """Return a body with as few further fields as the contract asks for beside these; None where it allows no such update."""
    for wider in _wider(item, whole(item, body)):
        found = item.rules.completed(item.last, wider) if item.contract.accepts("update", wider) else None
        if found is not None and item.contract.accepts("update", found):
            return found
    return None


def _wider(item: ItemUnderTest, body: Body) -> Iterator[Body]:
    """Yield a body, then the same with one more field: a schema may ask for fields together."""
    yield body
    for name, tried in item.contract.fields("update").items():
        if name not in body and tried.is_free:
            yield from ({**body, name: value} for value in good_values(item.contract, tried)[:1])


def allowed(item: ItemUnderTest, wanted: Mapping[str, Any]) -> Body:
    """Return an update with as many of the wanted values as may stand together; skip the test where there is none."""
    found = allowed_part(item, wanted)
    return found if found is not None else pytest.skip(IMPOSSIBLE)


def allowed_part(item: ItemUnderTest, wanted: Mapping[str, Any]) -> Body | None:
    """Return an update with as many of the wanted values as may stand together; None where there is none."""
    found = possible(item, wanted)
    if found is None:
        for name, value in wanted.items():
            found = possible(item, {**(found or {}), name: value}) or found
    return found


def other_values(item: ItemUnderTest) -> Body:
    """Return an update that gives each free field another value than the item has, as far as the rules allow."""
    found: Body = {}
    for tried in changeable_fields(item.contract):
        found = next(_others(item, tried, found), found)
    return found or pytest.skip(IMPOSSIBLE)


def another_value(item: ItemUnderTest, tried: Field) -> Body:
    """Return an update that gives one field another value than the item has."""
    return next(_others(item, tried, {}), None) or pytest.skip(IMPOSSIBLE)


def _others(item: ItemUnderTest, tried: Field, beside: Body) -> Iterator[Body]:
    for good in item.rules.values(tried):
        if good != item.last.get(tried.name) and (body := possible(item, {**beside, tried.name: good})):
            yield body


def change(run: Run, *items: ItemUnderTest) -> None:
    """Give items another value of a field, where an update can."""
    fields = changeable_fields(run.contract) if run.contract.has("update", "read") else []
    for item in items if fields else ():
        item.accepts(another_value(item, fields[0]))


def rename(run: Run, text: str, *items: ItemUnderTest) -> bool:
    """Give items one name, alone and beside another value by turns, with a new one of the run in place of @; False where the contract allows no such name."""
    own, name = text.replace("@", run.api.new_name()), str(run.contract.run_name)
    others = [tried for tried in changeable_fields(run.contract) if tried.name != name][:1]
    besides = [{}, *({tried.name: value} for tried in others for value in good_values(run.contract, tried)[:1])]
    bodies = [allowed_part(item, {**besides[n % len(besides)], name: own}) for n, item in enumerate(items)]
    for item, body in zip(items, bodies, strict=True):
        if body is not None:
            item.accepts(body)
    return None not in bodies


def with_null(item: ItemUnderTest, tried: Field) -> Body:
    """Return an update with null in one field, where the rules allow that."""
    return possible(item, {tried.name: None}) or pytest.skip(IMPOSSIBLE)


def spoilt(
    item: ItemUnderTest,
    fault: Boundary,
    valid: Mapping[str, Any] | None = None,
    *,
    at: int | None = None,
    promise: str = "",
) -> Rejection:
    """
    Return an update that is right but for one value.

    Args:
        item: The item that is to refuse it.
        fault: The value.
        valid: The other fields; none by default.
        at: Before how many of the others the value stands in the body; after all by default.
        promise: What the contract says beside the promise of the field.
    """
    name = fault.field.name
    goods = good_values(item.contract, fault.field) if fault.field.is_free else [item.last.get(name)]
    right = next((b for good in goods if (b := possible(item, {**(valid or {}), name: good}))), None)
    members = [(n, to_json(value)) for n, value in (right or whole(item, valid or {})).items() if n != name]
    members.insert(len(members) if at is None else at, (name, fault.token))
    return Rejection.of(fault, object_of(dict(members)), promise=promise, is_alone=not valid)


def plainly_spoilt(
    item: ItemUnderTest, tried: Field, valid: Mapping[str, Any] | None = None, *, is_first: bool = False
) -> Rejection:
    """Return an update that is right but for one field, which is wrong beyond doubt."""
    promise = "; nothing of a refused body may be stored"
    return spoilt(item, plain_fault(item.contract, tried), valid, at=0 if is_first else None, promise=promise)


@st.composite
def valid_updates(draw: st.DrawFn, run: Run) -> Body:
    """Bodies that the contract allows: any fields together, those that other operations list always as they go together."""
    # By way of the run, because hypothesis writes down the arguments of a strategy, and a list of values may be long.
    return draw(valid_bodies(run.contract, run.listed.groups))


@st.composite
def spoilt_updates(draw: st.DrawFn, run: Run) -> tuple[Boundary, Body, int]:
    """Faults, the valid body that each spoils, and where in the body it stands."""
    body = draw(valid_updates(run))
    tried = draw(st.sampled_from(fields_with_faults(run.contract)))
    return draw(st.sampled_from(faults_of(run.contract, tried))), body, draw(st.integers(0, len(body)))
