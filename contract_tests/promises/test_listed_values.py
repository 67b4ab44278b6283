"""Values that another operation lists: what is listed is accepted, what is not is refused, and what must go together does."""

from itertools import permutations
from os.path import commonprefix
from typing import Any

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.item_under_test import ItemUnderTest, Rejection
from contract_tests.checks.judge import BROKEN, Finding, require
from contract_tests.checks.listed_values import ListedValues
from contract_tests.checks.run import Run
from contract_tests.checks.selections import changeable_fields, given_fields, listed_fields, listed_rule
from contract_tests.checks.updates import Body, allowed, allowed_part, another_value
from contract_tests.checks.wrong_requests import unlisted
from contract_tests.generation.boundaries import good_values, to_json
from contract_tests.spec.contract import Contract
from contract_tests.transport.redaction import OWN_KEY

pytestmark = needs("update", "read", listed_fields)

# How many values of a long list are tried, and of how many others where few requests may be sent.
SAMPLE, BRIEF = 8, 2
# More than any listed value is long.
LONG = 60
# Of a list with few requests, so many near misses of each value.
FOREIGN = 3
# Of the fields that stand beside such a value, where few requests may be sent.
BESIDE = 2


def _refuses(item: ItemUnderTest, name: str, *bodies: Body) -> None:
    """Send updates that break the rule of one listed field, and read after each."""
    for body in bodies:
        item.refuses(unlisted(item, name, body))


def _beside_each(run: Run, item: ItemUnderTest, body: Body) -> list[Body]:
    fields = changeable_fields(run.contract)
    some = run.chance("beside listed values").sample(fields, min(BESIDE, len(fields))) if run.is_brief else fields
    besides = (allowed_part(item, {tried.name: good_values(run.contract, tried)[-1]}) for tried in some)
    return [{**beside, **body} for beside in besides if beside]


def _with_another(run: Run, item: ItemUnderTest, turn: int, body: Body) -> Body:
    """Return a body beside another value of one other field, of each in turn."""
    fields = changeable_fields(run.contract)
    return {**another_value(item, fields[turn % len(fields)]), **body} if fields else body


def _sampled(run: Run, name: str, purpose: str) -> list[list[Body]]:
    groups = run.listed.grouped(name)
    return run.chance(purpose).sample(groups, min(SAMPLE, len(groups)))


def _alike(run: Run, name: str) -> list[list[Body]]:
    """Return what differs in one field alone, by what the others are."""
    return run.listed.grouped(*(other for other in run.listed.names if other != name))


def _keeps_null(contract: Contract, name: str) -> bool:
    tried = contract.fields("update")[name]
    return tried.is_nullable and tried.on_null == "keep"


def _kept_nulls(run: Run, name: str) -> Body:
    """Return null for each other listed field that null leaves as it is."""
    return {other: None for other in run.listed.names if other != name and _keeps_null(run.contract, other)}


def _given_own(run: Run, item: ItemUnderTest, name: str, other: str) -> tuple[Body, Body]:
    """Give an item one of two sets of values, of which neither goes with the other field of the other one; return both."""
    rows = run.listed.combinations()
    known = {to_json([row[name], row[other]]) for row in rows}
    for own, foreign in permutations(rows, 2):
        if not {to_json([own[name], foreign[other]]), to_json([foreign[name], own[other]])} & known:
            item.accepts(allowed(item, own))
            return own, foreign
    pytest.skip(f"each {name} that is listed goes with each {other}, so the rule cannot be broken")


def test_list_of_values_is_the_same_each_time(run: Run) -> None:
    """update, x-values-from: the operation that lists the values shows all of them, each time."""
    shown, exchanges = [], {}

    def answer_of(operation_id: str) -> Any:
        exchanges[operation_id] = exchange = run.call(operation_id, "", OWN_KEY)
        require(run.judge.success(operation_id, exchange))
        return exchange.json

    for _ in range(3):
        listed = ListedValues.ask(run.contract, answer_of)
        rows = [row for rows in listed.groups for row in rows]
        shown.append({name: sorted({to_json(row) for row in rows if name in row}) for name in listed.names})
    for name in shown[0]:
        if not shown[0][name] == shown[1][name] == shown[2][name]:
            source = listed_fields(run.contract)[name].values_from
            assert source is not None, "a listed field says where its values come from"
            problem = f"{source.operation_id} lists other values of {name} the second or third time"
            clause, exchange = listed_rule(run.contract, name)[1], exchanges[source.operation_id]
            require([Finding(BROKEN, problem, "all values, each time", clause, exchange)])


@for_each("name", listed_fields)
def test_listed_values_are_accepted(run: Run, item: ItemUnderTest, name: str) -> None:
    """update, x-values-from: each value that is listed is accepted, with what it goes with."""
    chance = run.chance(f"listed {name}")
    for rows in _sampled(run, name, f"values of {name}"):
        for row in chance.sample(rows, min(1 if run.is_brief else 2, len(rows))):
            item.accepts(allowed(item, row))


@for_each("name", listed_fields)
def test_value_alone_may_change_to_another_that_fits(run: Run, item: ItemUnderTest, name: str) -> None:
    """update, x-values-from: sent alone, a value must go with what is stored in the other field, which never changes by itself."""
    groups = sorted((rows for rows in _alike(run, name) if len(rows) > 1), key=len, reverse=True)
    for turn, rows in enumerate(groups[: BRIEF if run.is_brief else SAMPLE]):
        item.accepts(allowed(item, rows[0]))
        item.accepts(allowed(item, {name: rows[-1][name]}))
        item.accepts(allowed(item, _with_another(run, item, turn, {name: rows[0][name]})))
        if nulls := _kept_nulls(run, name):
            item.accepts(allowed(item, {**nulls, name: rows[1][name]}))


@pytest.mark.many_requests
@for_each("name,other", given_fields)
def test_value_sent_again_keeps_the_other_field(run: Run, item: ItemUnderTest, name: str, other: str) -> None:
    """update, x-values-from: the API never changes the other field by itself, also where the value sent is the one stored."""
    for rows in run.listed.grouped(other)[:SAMPLE]:
        for row in rows[:1] + rows[1:][-1:]:
            item.accepts(allowed(item, row))
            item.accepts(allowed(item, {other: row[other]}))
            item.accepts(allowed(item, {name: row[name]}))


@pytest.mark.many_requests
@for_each("name,other", given_fields)
def test_values_are_stored_in_either_order(run: Run, item: ItemUnderTest, name: str, other: str) -> None:
    """update, x-values-from: both are stored, whichever stands first and whatever was stored before."""
    rows = run.listed.combinations()
    known = {to_json([row[name], row[other]]) for row in rows}
    changes = [(one, two) for one, two in permutations(rows, 2) if one[other] != two[other] and one[name] != two[name]]
    # The new value of one may go with the old one of the other, or not.
    kinds = [
        [each for each in changes if (to_json([each[0][name], each[1][other]]) in known) is is_known]
        for is_known in (True, False)
    ]
    for turn, (before, after) in enumerate(one for kind in kinds for one in kind[: 1 if run.is_brief else SAMPLE // 2]):
        for first, second in ((other, name), (name, other)):
            body = {first: after[first], second: after[second], **after}
            item.accepts(allowed(item, before))
            item.accepts(allowed(item, body if turn % 2 == 0 else {**body, **_with_another(run, item, turn, body)}))


@for_each("name,other", given_fields)
def test_value_that_does_not_go_with_the_stored_one_is_refused(
    run: Run, item: ItemUnderTest, name: str, other: str
) -> None:
    """update, x-values-from given: a value that is listed for another element only is refused, and what is stored stays."""
    _, foreign = _given_own(run, item, name, other)
    wrongs = [{name: foreign[name]}]
    wrongs += [{other: None, name: foreign[name]}] if _keeps_null(run.contract, other) else []
    _refuses(item, name, *wrongs, *(body for wrong in wrongs for body in _beside_each(run, item, wrong)))


@for_each("name,other", given_fields)
def test_value_that_the_stored_one_does_not_go_with_is_refused(
    run: Run, item: ItemUnderTest, name: str, other: str
) -> None:
    """update, x-values-from given: a new value that the stored one does not go with is refused; the API changes neither by itself."""
    _, foreign = _given_own(run, item, name, other)
    wrongs = [{other: foreign[other]}]
    wrongs += [{other: foreign[other], name: None}] if _keeps_null(run.contract, name) else []
    _refuses(item, name, *wrongs, *(body for wrong in wrongs for body in _beside_each(run, item, wrong)))
    item.accepts(allowed(item, foreign))


@for_each("name,other", given_fields)
def test_value_goes_with_what_its_own_item_holds(run: Run, item: ItemUnderTest, name: str, other: str) -> None:
    """update, x-values-from given: a value must go with the other field of its own item, whatever another was given last."""
    own, foreign = _given_own(run, item, name, other)
    with run.item() as neighbour:
        neighbour.accepts(allowed(neighbour, foreign))
        _refuses(item, name, {name: foreign[name]})
        item.accepts(allowed(item, {name: own[name]}))


@for_each("name,other", given_fields)
def test_values_that_do_not_go_together_are_refused(run: Run, item: ItemUnderTest, name: str, other: str) -> None:
    """update, x-values-from given: the values are judged together, not each by itself, in either order."""
    own, foreign = _given_own(run, item, name, other)
    further = [another_value(item, tried) for tried in changeable_fields(run.contract)[-1:]]
    bodies = [{other: foreign[other], name: own[name]}, {name: foreign[name], other: own[other]}]
    bodies += [{other: foreign[other], **body} for body in further]
    _refuses(item, name, *bodies)


@for_each("name,other", given_fields)
def test_values_that_do_not_go_together_are_refused_for_every_value(
    run: Run, item: ItemUnderTest, name: str, other: str
) -> None:
    """update, x-values-from given: no value takes another that is not listed for it."""
    wrongs = []
    for rows in _sampled(run, other, f"foreign {name}"):
        fitting = [row[name] for row in rows]
        foreign = run.listed.mismatches(name, {**item.last, **rows[0]})
        # First those that differ least: they are the easiest to mistake.
        foreign.sort(key=lambda value: -max(len(commonprefix([str(value), str(own)])) for own in fitting))
        wrongs += [{**rows[0], name: value} for value in foreign[: 1 if run.is_brief else FOREIGN]]
    if not wrongs:
        pytest.skip(f"each {name} that is listed goes with each {other}, so the rule cannot be broken")
    item.refuses(*(unlisted(item, name, body) for body in wrongs))


@for_each("name", listed_fields)
def test_value_that_is_not_listed_is_refused(run: Run, item: ItemUnderTest, name: str) -> None:
    """update, x-values-from: any other value than those that are listed is refused; they are compared exactly."""
    near, unknown = run.listed.near(name, item.last.get(name)), run.listed.unknown(name)
    if run.is_brief and len(near) > SAMPLE:
        odd = [miss for miss in near if miss == "" or "\0" in str(miss) or len(str(miss)) > LONG]
        near = [*run.chance(f"near {name}").sample(near, SAMPLE), *odd]
    misses = {to_json(miss): miss for miss in (unknown, *near)}
    bodies = [{name: misses[token]} for token in sorted(misses)]
    partners = {other: item.last[other] for other in run.listed.names if other != name and item.last.get(other)}
    telling = [miss for miss in misses.values() if not run.is_brief or miss in (unknown, "")]
    bodies += [{name: miss, **beside} for beside in (_kept_nulls(run, name), partners) if beside for miss in telling]
    item.refuses(*(unlisted(item, name, body) for body in bodies))


@pytest.mark.many_requests
@for_each("name", listed_fields)
def test_listed_value_of_another_type_is_refused(run: Run, item: ItemUnderTest, name: str) -> None:
    """update, requestBody: a value that is listed is none when it comes in a list or an object."""
    rows = max(_alike(run, name), key=len)
    item.accepts(allowed(item, rows[0]))
    tried, right = listed_fields(run.contract)[name], rows[-1][name]
    shapes = [[right], [right, right], {"value": right}, {name: right}, {"name": right}, {"id": right}, [[right]]]
    shapes = run.chance(f"shapes {name}").sample(shapes, FOREIGN) if run.is_brief else shapes
    wrongs = [shape for shape in shapes if not run.contract.accepts_value(tried, shape)]
    told = [(item.body({name: shape}), f"{name} {to_json(shape)}") for shape in wrongs]
    item.refuses(*(Rejection(token, tried.promise, tried.pointer, name, about) for token, about in told))
