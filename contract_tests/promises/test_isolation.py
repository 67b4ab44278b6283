"""An update of one item changes no other."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.creations import joined, made, possible_new, smallest
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import BROKEN, Finding, Judge, require
from contract_tests.checks.run import Run
from contract_tests.checks.selections import changeable_fields
from contract_tests.checks.updates import Body, allowed, another_value, other_values, possible
from contract_tests.generation.boundaries import good_values, to_json
from contract_tests.spec.field import Field
from contract_tests.transport.exchange import Exchange

pytestmark = needs("update", "read", "isolation")

PROMISE = "an update changes the item that its path names, and no other"


Neighbours = tuple[ItemUnderTest, ItemUnderTest, ItemUnderTest]


@pytest.fixture(scope="module")
def neighbours(run: Run) -> Iterator[Neighbours]:
    """Three items alike, made one after the other; the tests update the one in the middle."""
    with run.item() as elder, run.item() as middle, run.item() as younger:
        yield elder, middle, younger


def _broken(run: Run, problem: str, exchange: Exchange) -> Finding:
    return Finding(BROKEN, problem, PROMISE, run.contract.operation("update").pointer, exchange)


@for_each("tried", changeable_fields)
def test_update_leaves_other_items_alone(run: Run, neighbours: Neighbours, tried: Field) -> None:
    """x-promises/isolation: an update changes the item in the path; those made before and after it stay as they are."""
    elder, middle, younger = neighbours
    values = [good for good in good_values(run.contract, tried)[::-1] if good != middle.last.get(tried.name)]
    bodies = (possible(middle, {tried.name: value}) for value in values)
    body = next((body for body in bodies if body is not None), None)
    exchange = middle.accepts(another_value(middle, tried) if body is None else body)
    for other in (elder, younger):
        require(other.unmoved(other.last, exchange, "isolation"))


@needs("create")
@for_each("fields", changeable_fields, together=True)
def test_update_leaves_an_item_alone_that_was_just_made(run: Run, item: ItemUnderTest, fields: list[Field]) -> None:
    """x-promises/isolation: so does the newest item of the account, which has no field that may be left out and no update behind it."""
    made = [run.api.create(to_json(_least_body(run))) for _ in range(2)]
    require([found for exchange in made for found in run.judge.success("create", exchange)])
    twin, newest = (run.taken(exchange.item) for exchange in made)
    for changed in (item, twin):
        body = Body()
        for tried in fields:
            body = possible(changed, {**body, **another_value(changed, tried)}) or body
        require(newest.unmoved(newest.last, changed.accepts(body), "isolation"))
    for exchange in made:
        run.discard(exchange)


def _unique_values(run: Run, chance: random.Random) -> Body:
    """Return values that no item has by chance: a text, or a number with many digits, for each field that takes such."""
    found: Body = {}
    for tried in changeable_fields(run.contract):
        guesses: list[Any] = [f"only {run.api.new_name()} {chance.random()}", f"{run.api.new_name()}-only"]
        if tried.name == run.contract.run_name:
            guesses.reverse()
        numbers = [good for good in good_values(run.contract, tried) if isinstance(good, float)]
        span = max(numbers, default=0.0) - min(numbers, default=0.0)
        guesses += [round(min(numbers) + span * chance.random(), 6)] if span else []
        valid = [guess for guess in guesses if run.contract.accepts_value(tried, guess)]
        found |= {tried.name: valid[0]} if valid else {}
    return found


@needs("list", changeable_fields)
def test_update_does_not_spread_over_the_account(run: Run, item: ItemUnderTest) -> None:
    """x-promises/isolation: no item of the account, first or last, shows the values that only one was given."""
    unique = _unique_values(run, run.chance("isolation"))
    if not unique:
        pytest.skip("no field takes a value that no other item has")
    exchange = item.accepts(allowed(item, unique))
    names = [name for name in unique if item.last.get(name) is not None]
    id_name = run.contract.resource.id_name
    size = run.api.shape.paging.largest_size
    for order in run.contract.listing.orders or (None,):
        for other in next(run.pages(1, **run.query(size=size, order=order))).items:
            shared = [name for name in names if other.get(name) == item.last.get(name)]
            if other[id_name] != item.item_id and shared:
                problem = f"{other[id_name]} shows the {', '.join(shared)} that another item was given"
                require([_broken(run, problem, exchange)])


@needs("create", changeable_fields)
def test_new_item_inherits_nothing(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/isolation: a new item does not show what only another was given, also one of its name that is gone; defaults are the API's own affair."""
    before, _, _ = _least(run, judge)
    given = {**other_values(item), **_unique_values(run, run.chance("inherited"))}
    cause = item.accepts(allowed(item, given))
    own = run.contract.run_name
    gone = joined(run, {name: value for name, value in given.items() if name != own})
    require(made(run, gone))
    after, body, found = _least(run, judge, {own: gone[own]} if own is not None else {})
    names = [name for name in given if name not in body and item.last.get(name) is not None]
    inherited = [name for name in names if after.get(name) == item.last[name] != before.get(name)]
    if inherited:
        found.append(_broken(run, f"a new item has the {', '.join(inherited)} that another item was given", cause))
    require(found)


def _least_body(run: Run) -> Body:
    least = smallest(run)
    left_out = run.contract.fields("create").keys() - least.keys()
    return possible_new(run, least, left_out) or possible_new(run, least, ()) or least


def _least(run: Run, judge: Judge, named: Body | None = None) -> tuple[Body, Body, list[Finding]]:
    """Make an item with no field that may be left out, and remove it; return it, what was sent, and what is wrong."""
    body = {**_least_body(run), **(named or {})}
    exchange = run.api.create(to_json(body))
    run.discard(exchange)
    return exchange.item, body, judge.success("create", exchange)
