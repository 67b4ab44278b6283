"""Creating an item: what is accepted is stored, what the contract forbids makes nothing."""

from typing import Any

import pytest

from contract_tests.checks.account_findings import doubled
from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.creations import (
    STORED,
    Body,
    create_values,
    is_right,
    joined,
    made,
    may_be_alike,
    not_made,
    possible_new,
    smallest,
    wrong_values,
)
from contract_tests.checks.item_under_test import object_of
from contract_tests.checks.judge import Finding, Judge, require
from contract_tests.checks.listing.queries import has_name_filter
from contract_tests.checks.run import MOST_PAGES, Run
from contract_tests.checks.selections import (
    by_field,
    further_names,
    given_fields,
    listed_fields,
    listed_rule,
    required_fields,
)
from contract_tests.checks.updates import IMPOSSIBLE
from contract_tests.checks.wrong_requests import WRONG_TYPE, other_types, wrong_type
from contract_tests.generation.bodies import body_boundaries
from contract_tests.generation.boundaries import ALPHABETS, Boundary, plain_fault, to_json
from contract_tests.generation.corpus import NUMBERS, TEXTS
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field

pytestmark = needs("create")

# So many values of a long list are tried.
SAMPLE = 8


def _ending_in(run: Run, text: str) -> Body:
    name = run.contract.run_name
    if name is None:
        return {}
    tried, own = run.contract.fields("create")[name], run.api.new_name()
    return {name: own + text if run.contract.accepts_value(tried, own + text) else own}


@pytest.mark.many_requests
@for_each("value", create_values)
def test_value_is_treated_as_the_contract_says(run: Run, value: Boundary) -> None:
    """create, requestBody: the schema of the field decides; all other fields hold values that are valid beyond doubt."""
    name = value.field.name
    body = {**(run.marked_body() if name == run.contract.run_name else run.full_body()), name: value.value}
    right = possible_new(run, body, [name]) if value.accepted else body
    if right is None:  # no item may have this value by the rules across fields
        return
    run.tally[f"{name} of a new item", "accepted" if value.accepted else "refused"] += 1
    run.tally[f"{name} of a new item", value.kind] += 1
    run.judge.observations.try_value(value.clause, is_valid=value.accepted)
    token = object_of({n: to_json(each) for n, each in right.items()} | {name: value.token})
    if value.accepted:
        require(made(run, right, run.api.create(token)))
    else:
        require(not_made(run, token, value.field.promise, value.source, name, is_plain=value.is_readable))


def _limited_names(contract: Contract) -> list[Field]:
    """Return the field of the run's name, where it takes any text up to a greatest length."""
    named = [tried for name, tried in contract.fields("create").items() if name == contract.run_name]
    closed = {"pattern", "format", "enum"}
    return [tried for tried in named if "maxLength" in tried.schema and not closed & tried.schema.keys()]


def _alphabets(contract: Contract) -> list[str]:
    is_counted = contract.promises_that("lengths_in_code_points")
    return [name for name, character in ALPHABETS.items() if is_counted or character.isascii()]


@pytest.mark.sharp
@needs(_limited_names)
@for_each("alphabet", _alphabets)
@pytest.mark.parametrize("excess", [1, 0, pytest.param(-1, marks=pytest.mark.many_requests)])
def test_name_has_the_length_that_the_contract_allows(run: Run, alphabet: str, excess: int) -> None:
    """create, requestBody: the length counts code points, also of a new item's name."""
    tried, prefix = _limited_names(run.contract)[0], run.api.new_name()
    name = prefix + ALPHABETS[alphabet] * (tried.schema["maxLength"] + excess - len(prefix))
    body = {**run.full_body(), tried.name: name}
    if run.contract.accepts_value(tried, name):
        require(made(run, body))
    else:
        require(not_made(run, body, f"{tried.name} is too long", f"{tried.pointer}/maxLength", tried.name))


@pytest.mark.many_requests
@needs("exact_text", "create_stores_everything")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_of_a_new_item_reads_back_unchanged(run: Run, text: str) -> None:
    """x-promises/exact_text: every character is an ordinary one, in a create as in an update."""
    fields = [f for f in run.contract.fields("create").values() if f.is_free and "string" in f.types]
    takers = [f.name for f in fields if f.name != run.contract.run_name and run.contract.accepts_value(f, text)]
    require(made(run, joined(run, {**_ending_in(run, text), **dict.fromkeys(takers, text)})))


def _numbers(contract: Contract) -> dict[str, list[float]]:
    fields = [tried for tried in contract.fields("create").values() if tried.is_free and "number" in tried.types]
    valid = {f.name: [number for number in NUMBERS if contract.accepts_value(f, number)] for f in fields}
    return {name: numbers for name, numbers in valid.items() if numbers}


@pytest.mark.many_requests
@needs("exact_numbers", "create_stores_everything", _numbers)
def test_number_of_a_new_item_reads_back_unchanged(run: Run) -> None:
    """x-promises/exact_numbers: a number reads back as the same double, or as the nearest single where its format is float."""
    valid = _numbers(run.contract)
    for row in range(max(map(len, valid.values()))):
        require(made(run, joined(run, {name: numbers[row % len(numbers)] for name, numbers in valid.items()})))


def _independent(contract: Contract) -> list[str]:
    dependent = {name for name, _ in given_fields(contract, "create")}
    return [name for name in listed_fields(contract, "create") if name not in dependent]


@pytest.mark.many_requests
@needs("create_stores_everything")
@for_each("name", _independent)
def test_values_that_go_together_are_stored(run: Run, name: str) -> None:
    """x-promises/create_stores_everything: a create stores every field that it accepts, listed values among them, first or last of those that go together."""
    for rows in run.listed.grouped(name)[:SAMPLE]:
        for row in rows[-1:] + (rows[:1] if len(rows) > 1 else []):
            require(made(run, joined(run, row)))


def _stay_alike(contract: Contract) -> bool:
    return may_be_alike(contract) and not contract.has("remove")


@needs("read", "create_stores_everything", _stay_alike)
def test_body_that_was_sent_before_makes_another_item(run: Run, judge: Judge) -> None:
    """x-promises/create_stores_everything: each create makes an item with an id of its own, also of a body that was sent before."""
    body = run.full_body()
    first = run.create(**body)
    exchange = run.api.create(to_json(body))
    found = judge.success("create", exchange)
    if run.api.shape.id_of(exchange.item) == first.item_id:
        problem = "a create answered with an item that was there"
        found.append(judge.promised("create_stores_everything", problem, STORED, exchange))
    require(found or first.unmoved(first.last, exchange, "isolation"))


def test_smallest_item_is_made(run: Run) -> None:
    """create, requestBody: the required fields suffice."""
    body = smallest(run)
    if not is_right(run, body):
        pytest.skip(IMPOSSIBLE)
    require(made(run, body))


def _faults_of_required(contract: Contract) -> list[Any]:
    return [
        pytest.param(tried, fault, id=f"{tried.name}-{fault}")
        for tried in required_fields(contract)
        for fault in ("missing", "null")
        if fault == "missing" or not tried.is_nullable
    ]


@for_each("tried,fault", _faults_of_required)
def test_required_field_is_required(run: Run, tried: Field, fault: str) -> None:
    """create, requestBody: without a required field no item is made."""
    body = {**run.marked_body(), tried.name: None}
    bodies = [body]
    if fault == "missing":
        del body[tried.name]
        # An API could tell by itself what is listed with the others alone.
        rest = [name for name in run.listed.names if name != tried.name and tried.name in run.listed.names]
        alone = [rows[0] for rows in run.listed.grouped(*rest) if len(rows) == 1] if rest else []
        bodies += [{**body, **{name: row[name] for name in rest}} for row in alone[:1]]
    pointer = run.contract.operation("create").body_pointer
    clause = f"{run.contract.document.resolve(pointer)[0] if pointer else ''}/required"
    for each in bodies:
        require(not_made(run, each, f"{tried.name} is required and not null", clause, tried.name))


@pytest.mark.many_requests
@pytest.mark.sharp
def test_item_has_the_fields_that_the_contract_allows(run: Run) -> None:
    """create, requestBody: which fields a body has: one missing, one that no schema names, too few or too many, one without another."""
    name = run.contract.run_name
    for tried, is_accepted in body_boundaries(run.contract, "create", run.full_body()):
        if name is not None and name not in tried.value:
            continue  # test_required_field_is_required puts the name of the run elsewhere
        body = {**tried.value, **({name: run.api.new_name()} if name is not None else {})}
        if is_accepted and is_right(run, body):
            require(made(run, body))
        elif not is_accepted:
            promise = f"which fields a new item has ({tried.reason})"
            require(not_made(run, body, promise, tried.source, tried.reason, is_plain=False))


@needs(lambda contract: not contract.accepts("create", {}))
def test_new_item_of_no_field_is_refused(run: Run) -> None:
    """create, requestBody: an object without a single field makes no item."""
    if not run.api.target.is_loopback:
        pytest.skip("an item that it made would carry no name of the run, so this is tried on loopback only")
    clause = run.contract.operation("create").body_pointer or ""
    require(not_made(run, {}, "a new item has the fields that it needs", clause, "the body", is_plain=False))


def _spoilt(run: Run) -> list[Body]:
    """Return creates with one fault each, in any field but that of the run's name; the last bring what no field is called."""
    faulty, fields = by_field(wrong_values(run.contract)), run.contract.fields("create")
    own = [name for name in faulty if name != run.contract.run_name]
    faults = [(name, plain_fault(run.contract, fields[name]).value) for name in own]
    faults += [(name, run.listed.unknown(name)) for name in listed_fields(run.contract, "create")]
    faults += [(name, 1) for name in further_names(run.contract, "create")]
    return [{**run.full_body(), name: value} for name, value in faults]


def _made_of(run: Run, bodies: list[Body]) -> list[str]:
    name = run.contract.run_name
    if name is None or not run.contract.has("list"):
        return []
    names = [str(body[name]) for body in bodies]
    if has_name_filter(run.contract):
        return [own for own in names if run.named(own)]
    shown = {item.get(name) for page in run.pages(MOST_PAGES, **run.api.shape.newest_first) for item in page.items}
    return [own for own in names if own in shown]


@pytest.mark.sharp
@needs("atomic", wrong_values)
def test_refused_create_makes_nothing(run: Run, judge: Judge) -> None:
    """x-promises/atomic: a refused body changes nothing at all: no item of that name comes to be, nor is the name taken."""
    refused = []
    for body in _spoilt(run):
        exchange = run.api.create(to_json(body))
        require(judge.answer("create", exchange, *run.contract.operation("create").refusals))
        refused += [] if exchange.was_accepted else [body]  # accepted is known to be so
    if _made_of(run, refused):
        require([judge.promised("atomic", "a refused create made an item", "it makes nothing", exchange)])
    name = run.contract.run_name
    for body in refused[:1] if name is not None else ():
        require(made(run, {**run.full_body(), str(name): body[str(name)]}))


@needs("list", "create_stores_everything", lambda contract: contract.run_name)
def test_one_create_makes_one_item(run: Run, judge: Judge) -> None:
    """x-promises/create_stores_everything: one create makes one item, also a while after it."""
    body, name = run.full_body(), str(run.contract.run_name)
    exchange = run.api.create(to_json(body))
    require(judge.success("create", exchange))
    found: list[Finding] = []
    promise = "filters_find" if has_name_filter(run.contract) else "whole_list"

    def look() -> list[Finding]:
        found.extend(doubled(run, exchange, body[name]))
        if found or not run.contract.promises_that(promise) or run.named(body[name]):
            return []
        return [judge.promised(promise, "a new item is not found by its name", "the list shows it", exchange)]

    run.at_last(look)
    run.discard(exchange)
    require(found)


@needs("strict_media_types")
@for_each("content_type", other_types)
def test_create_with_another_media_type_makes_nothing(run: Run, judge: Judge, content_type: str) -> None:
    """x-promises/strict_media_types: a body of another media type is refused as invalid or with 415."""
    create = run.contract.operation("create")
    exchange = run.api.send("POST", create.path, body=to_json(run.full_body()), content_type=content_type)
    promise, clause = wrong_type(run.contract, content_type)
    found = judge.refusal("create", exchange, *create.refusals, WRONG_TYPE, promise=promise, clause=clause)
    run.discard(exchange)
    require(found)


def _spellings_of_the_type(contract: Contract) -> list[str]:
    own = contract.operation("create").body_type
    return [f"{own}; charset=utf-8", f"{own.title().replace('/Json', '/JSON')};charset=UTF-8"]


@needs("strict_media_types")
@for_each("content_type", _spellings_of_the_type)
def test_create_with_a_charset_is_json(run: Run, content_type: str) -> None:
    """x-promises/strict_media_types: parameters such as a charset change nothing, and the type counts in any case."""
    body, path = run.full_body(), run.contract.operation("create").path
    require(made(run, body, run.api.send("POST", path, body=to_json(body), content_type=content_type)))


@for_each("name", lambda contract: listed_fields(contract, "create"))
def test_new_item_needs_a_value_that_is_listed(run: Run, name: str) -> None:
    """create, x-values-from: any other value than those that are listed is refused, also for a new item."""
    body = {**run.full_body(), name: run.listed.unknown(name)}
    is_plain = all(name != other for _, other in given_fields(run.contract, "create"))
    require(not_made(run, body, *listed_rule(run.contract, name, "create"), name, is_plain=is_plain))


@for_each("name,other", lambda contract: given_fields(contract, "create"))
def test_new_item_needs_values_that_go_together(run: Run, name: str, other: str) -> None:
    """create, x-values-from given: a value counts only with those that it is listed for, also for a new item."""
    rule, fields = listed_rule(run.contract, name, "create"), run.contract.fields("create")
    for row in [rows[-1] for rows in run.listed.grouped(other)][:4]:
        beside = {n: value for n, value in row.items() if n in fields}
        for value in [*run.listed.mismatches(name, row)[:2], run.listed.unknown(name)]:
            require(not_made(run, {**run.full_body(), **beside, name: value}, *rule, name, is_plain=False))
