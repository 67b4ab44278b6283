"""What an update promises: only what is sent changes, null does what x-on-null says, a refusal changes nothing."""

from itertools import chain, combinations
from itertools import count as count_from
from math import comb

from contract_tests.checks.conditions import needs
from contract_tests.checks.item_under_test import ItemUnderTest, Rejection
from contract_tests.checks.judge import require
from contract_tests.checks.run import Run
from contract_tests.checks.selections import (
    changeable_fields,
    clearing_fields,
    faults_of,
    fields_with_faults,
    further_names,
    is_whole,
    nullable_fields,
)
from contract_tests.checks.updates import allowed, allowed_part, other_values, plainly_spoilt
from contract_tests.generation.boundaries import Boundary, plain_fault
from contract_tests.spec.contract import Contract

pytestmark = needs("update", "read")

# So many bodies of faults alone are sent, or where few requests may be.
MOST_WRONG, BRIEF = 40, 8
# Beyond what most readers keep as a whole number; so many characters are a long text.
GREAT, LONG = 2**53, 300


def test_fields_of_the_update_are_known(contract: Contract) -> None:
    """update, requestBody: the contract names fields to try: a suite without fields would pass and say nothing."""
    assert contract.fields("update"), "the body of the update names no fields"


def test_every_field_sent_together_changes_together(run: Run, item: ItemUnderTest) -> None:
    """update, requestBody: a body with every field is valid."""
    for index in (1, 2):
        item.accepts(allowed(item, run.full_body("update", index)))


@needs("any_combination")
@needs(lambda contract: contract.accepts("update", {}) and not is_whole(contract))
def test_empty_update_changes_nothing(run: Run, item: ItemUnderTest) -> None:
    """x-promises/any_combination: an empty object is a valid update of nothing, whichever fields are set."""
    item.accepts({})
    names, full = [tried.name for tried in clearing_fields(run.contract)], run.full_body("update")
    # Of any two fields one is set in some state where the other is not.
    most = next(count for count in count_from(2) if comb(count, count // 2) >= len(names))
    states = list(zip(names, combinations(range(most), most // 2), strict=False))
    for state in range(most) if names else ():
        wanted = {name: None if state in own else full.get(name) for name, own in states}
        if (body := allowed_part(item, wanted)) is not None:
            item.accepts(body)
            item.accepts({})


@needs(nullable_fields)
def test_nulls_alone_follow_each_rule(run: Run, item: ItemUnderTest) -> None:
    """update, x-on-null: what may be cleared is cleared, what may not stays: all nulls in one body, two that stay, all alike."""
    rules: dict[str, list[str]] = {}
    for tried in nullable_fields(run.contract):
        rules.setdefault(tried.on_null or "", []).append(tried.name)
    for names in (chain(*rules.values()), *combinations(rules.get("keep", []), 2), *rules.values()):
        body = allowed_part(item, dict.fromkeys(names))
        if body is not None:
            item.accepts(body)


@needs("read_your_writes", changeable_fields)
def test_update_is_still_there_later(run: Run, item: ItemUnderTest) -> None:
    """x-promises/read_your_writes: a read shows the last completed write, and reading changes nothing."""
    exchange = item.accepts(other_values(item))
    before = item.last
    for _ in range(3):
        require(item.unmoved(before, exchange, "read_your_writes"))


def test_update_of_the_long_lived_item_is_accepted(run: Run) -> None:
    """update, responses: stored now; test_long_lived reads it again later in the run."""
    assert run.long_lived.item_id


@needs(fields_with_faults)
def test_wrong_value_beside_all_that_is_stored_is_refused(run: Run, item: ItemUnderTest) -> None:
    """update, requestBody: each field is judged, also where every other one comes as it is stored."""
    fields = run.contract.fields("update")
    stored = {name: value for name, value in item.last.items() if name in fields}
    kept = {name: value for name, value in stored.items() if run.contract.accepts_value(fields[name], value)}
    item.refuses(*(plainly_spoilt(item, tried, kept) for tried in fields_with_faults(run.contract)))


def _is_usual(fault: Boundary) -> bool:
    """Whether a wrong value is none that readers of JSON, stores and databases fail on: great, long, nested, or with NUL."""
    is_great = isinstance(fault.value, (int, float)) and abs(fault.value) > GREAT
    return not (
        is_great or isinstance(fault.value, (list, dict)) or len(fault.token) > LONG or "\\u0000" in fault.token
    )


@needs("atomic", fields_with_faults)
def test_body_with_every_field_wrong_changes_nothing(run: Run, item: ItemUnderTest) -> None:
    """x-promises/atomic: a refused body changes nothing at all; two faults do not cancel out, of whatever kind they are."""
    faults, chance = [faults_of(run.contract, tried) for tried in fields_with_faults(run.contract)], run.chance("rows")
    known = [sorted(chance.sample(some, len(some)), key=_is_usual) for some in faults]
    rows = [[some[row % len(some)] for some in known] for row in range(BRIEF if run.is_brief else MOST_WRONG)]
    rows[:0] = [[plain_fault(run.contract, tried) for tried in fields_with_faults(run.contract)]]
    clause = f"{run.contract.operation('update').pointer}/requestBody"
    bodies = [item.body({}, {fault.field.name: fault.token for fault in row}) for row in rows]
    item.refuses(*(Rejection(body, "no field of this body is valid", clause) for body in bodies))


@needs(lambda contract: further_names(contract, "update"), changeable_fields)
def test_further_property_is_refused(run: Run, item: ItemUnderTest) -> None:
    """update, requestBody/additionalProperties: a property that the schema forbids refuses the body, alone and beside others."""
    promise, clause = "the body has no further properties", run.contract.operation("update").body_pointer or ""
    given = {name: item.last.get(name, 1) for name in further_names(run.contract, "update")}
    for beside in ({}, other_values(item)):
        bodies = [item.body({**beside, name: value}) for name, value in given.items()]
        item.refuses(*(Rejection(body, promise, clause) for body in bodies[: 2 if run.is_brief else None]))
