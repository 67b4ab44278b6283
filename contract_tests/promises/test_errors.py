"""Each documented failure: its status, its shape, its code, and that nothing has changed."""

from typing import Any

import pytest

from contract_tests.checks import selections
from contract_tests.checks.conditions import Condition, for_each, needs
from contract_tests.checks.item_under_test import ItemUnderTest, Rejection, object_of
from contract_tests.checks.judge import Judge, require
from contract_tests.checks.run import Run
from contract_tests.checks.updates import Body, another_value, plainly_spoilt, spoilt
from contract_tests.generation.boundaries import good_values, plain_fault, to_json
from contract_tests.spec.contract import Contract

# Ids that no item has, of any form.
FORMS = {
    "uuid": "00000000-0000-4000-8000-000000000000", "small-letters": "zzzzzzzzzzzzzzzzzzzzzz",
    "capitals": "ZZZZZZZZZZZZZZZZZZZZZZ", "digits": "9" * 18, "letter": "x", "null": "null",
    "undefined": "undefined", "space": "contract test", "accent": "contract-test-é", "emoji": "contract-test-😀",
    "long": "contract-test-" + "x" * 500, "percent": "%", "star": "*",
}  # fmt: skip
# Of a field, so many of its refused values are sent after another.
FAULTS = 2


def _answers_missing(*roles: str) -> Condition:
    """Return the condition that operations say what they answer where there is no such item."""
    return lambda contract: all(contract.operation(role).names(404) for role in roles)


def _ids_of_any_form(contract: Contract) -> list[Any]:
    operation = contract.operation("read")
    pointer = operation.parameters.get(("path", contract.resource.id_parameter))
    schema = f"{pointer}/schema"
    takes = contract.document.validator(schema).is_valid if pointer and contract.document.has(schema) else bool
    item = contract.document.properties(contract.resource.item_pointer).get(contract.resource.id_name)
    shown = contract.document.validator(item).is_valid if item is not None else bool
    return [pytest.param(text, id=name) for name, text in FORMS.items() if takes(text) and shown(text)]


@pytest.mark.sharp
@needs("read", _answers_missing("read"))
def test_reading_an_unknown_item_answers_404(run: Run, judge: Judge) -> None:
    """read, responses 404: no item has this id."""
    require(judge.answer("read", run.api.read(run.api.absent_id()), 404))


@pytest.mark.all_parameters
@needs("read", "update", _answers_missing("read", "update"))
@for_each("item_id", _ids_of_any_form)
def test_unknown_id_of_any_form_answers_404(run: Run, judge: Judge, item_id: str) -> None:
    """read, parameters: an id of any form that the path takes is one that no item has."""
    exchange = run.api.read(item_id)
    if not exchange.was_accepted:
        require(judge.answer("read", exchange, 404))
    for body in _valid_bodies(run.contract)[:1] if item_id.startswith("contract-test-") else ():
        require(judge.answer("update", run.api.update(item_id, to_json(body)), 404))


def _valid_bodies(contract: Contract) -> list[Body]:
    """Return updates that any item takes: an empty one, a number, a text; a whole one where a PUT asks for all fields."""
    fields = contract.fields("update")
    goods = {name: good_values(contract, tried) for name, tried in fields.items() if tried.is_free}
    if selections.is_whole(contract):
        bodies: list[Body] = [{name: values[0] for name, values in goods.items() if values}]
    else:
        first = {tried.json_type: tried for tried in reversed(selections.changeable_fields(contract))}
        kinds = [first[kind] for kind in ("number", "integer", "string", "boolean") if kind in first]
        needed = {name: values[0] for name, values in goods.items() if values and fields[name].is_required}
        bodies = [needed, *({**needed, tried.name: goods[tried.name][0]} for tried in kinds[:2])]
    return [body for body in bodies if contract.accepts("update", body)]


@pytest.mark.sharp
@needs("update", _answers_missing("update"))
@for_each("body", _valid_bodies, ids=lambda body: "-".join(body) or "empty")
def test_updating_an_unknown_item_answers_404(run: Run, judge: Judge, body: Body) -> None:
    """update, responses 404: no item has this id, and an update makes none."""
    item_id = run.api.absent_id()
    require(judge.answer("update", run.api.update(item_id, to_json(body)), 404))
    if run.contract.has("read"):
        require(judge.answer("read", run.api.read(item_id), 404))


@needs("update", selections.fields_with_faults, _answers_missing("update"))
def test_bad_body_to_an_unknown_item_answers_either(run: Run, judge: Judge) -> None:
    """update, responses: a bad body to an unknown item is refused as either; both are right."""
    tried = selections.fields_with_faults(run.contract)[0]
    for token in ("{", object_of({tried.name: plain_fault(run.contract, tried).token})):
        exchange = run.api.update(run.api.absent_id(), token)
        require(judge.answer("update", exchange, *run.contract.operation("update").refusals, 404))


@needs("remove")
def test_removing_an_unknown_item_succeeds_or_answers_404(run: Run, judge: Judge) -> None:
    """remove, responses: removing what is not there may be answered with success or 404; either is right."""
    require(judge.success("remove", run.api.remove(run.api.absent_id()), 404))


@needs("create", "strict_json")
@pytest.mark.parametrize("token", ["{", "[]", '"text"', "null"])
def test_create_refuses_what_is_no_object(run: Run, judge: Judge, token: str) -> None:
    """x-promises/strict_json: malformed JSON, and JSON that is no object, are refused as invalid."""
    clause = run.contract.pointer_of_promise("strict_json")
    require(judge.refusal("create", run.api.create(token), promise="the body is a JSON object", clause=clause))


@pytest.mark.many_requests
@needs("update", "read", selections.fields_with_faults)
def test_error_follows_error_in_the_same_shape(run: Run, item: ItemUnderTest) -> None:
    """update, responses: the shape of an error does not depend on what was asked before."""
    for tried in selections.fields_with_faults(run.contract):
        for fault in selections.faults_of(run.contract, tried)[-FAULTS:]:
            item.refuses(spoilt(item, fault))


@pytest.mark.many_requests
@needs("update", "read", selections.changeable_fields, selections.fields_with_faults)
def test_update_works_after_errors(run: Run, item: ItemUnderTest) -> None:
    """update, responses: a refused request leaves nothing behind that spoils the next one."""
    if run.contract.promises_that("strict_json"):
        clause = run.contract.pointer_of_promise("strict_json")
        for token in ("{", "[1]"):
            item.refuses(Rejection(token, "this body is not valid", clause))
    item.refuses(plainly_spoilt(item, selections.fields_with_faults(run.contract)[-1]))
    item.accepts(another_value(item, selections.changeable_fields(run.contract)[0]))
