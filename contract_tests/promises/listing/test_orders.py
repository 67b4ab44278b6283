"""Orders of a list: the newest first by default, by a time, by a value; and every item on the pages of each."""

from functools import partial
from typing import Any

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import Finding, parse_time
from contract_tests.checks.listing import pages, queries
from contract_tests.checks.run import Run
from contract_tests.checks.selections import birth_time, clearing_fields
from contract_tests.checks.updates import allowed_part, change, possible, rename
from contract_tests.spec.contract import Contract

pytestmark = needs("create", "list")


def _newest_first(contract: Contract) -> list[Any]:
    """Return no order, where the newest come first, and the order that asks for them."""
    asked = [order for order in contract.listing.orders if order == f"-{birth_time(contract)}"]
    default = [pytest.param(None, id="by-default")] if contract.promises_that("newest_first") else []
    return [*default, *(pytest.param(order, id="asked-for") for order in asked)]


@needs(birth_time)
@for_each("order", _newest_first)
def test_list_is_newest_first(run: Run, family: pages.Family, order: str | None) -> None:
    """x-promises/newest_first: the newest item comes first unless the list is asked otherwise."""
    birth = str(birth_time(run.contract))
    born = {member.item_id: parse_time(member.last[birth])[0] for member in family}
    expected = sorted(born, key=born.__getitem__, reverse=True)

    def look() -> list[Finding]:
        shown = pages.walk(run, order=order)
        mine = [item_id for item_id in shown.ids if item_id in born]
        found = shown.out_of_order(f"-{birth}")
        are_apart = len({*born.values()}) == len(born)
        if are_apart and mine != expected and (len(mine) == len(born) or run.is_last(shown.pages[-1])):
            found += shown.misordered(f"five items made in turn are listed as {mine}", f"descending by {birth}")
        return found if order is not None else shown.not_newest_first(found)

    run.at_last(look)


def _walks(run: Run, order: str) -> list[pages.Walk]:
    """Turn large pages, and pages that nobody gave a size: an order is kept in both."""
    return [pages.walk(run, order=order, size=size) for size in ((None,) if run.is_brief else (pages.LARGEST, None))]


def _time_orders(contract: Contract) -> list[str]:
    return [order for order in contract.listing.orders if order.lstrip("-") in queries.times(contract)]


@needs(_time_orders)
def test_list_is_ordered_by_time(run: Run, family: pages.Family) -> None:
    """list, parameters: ascending by the field, descending with a dash in front."""
    change(run, *(family[index] for index in (3, 1, 4, 0, 2)))  # in another order than they were made
    _clear_a_field(family[3])
    asked = _time_orders(run.contract)
    run.at_last(lambda: [each for by in asked for shown in _walks(run, by) for each in shown.out_of_order(by)])


def _clear_a_field(item: ItemUnderTest) -> None:
    """Bring null alone, where that clears a field that is set."""
    fields = clearing_fields(item.contract) if item.contract.has("update", "read") else []
    for tried in [tried for tried in fields if item.last.get(tried.name) is not None][:1]:
        if (body := possible(item, {tried.name: None})) is not None:
            item.accepts(body)


def _value_orders(contract: Contract) -> list[str]:
    numbers = {name for name, of in contract.fields("create").items() if {*of.types} <= {"number", "integer"}}
    known = numbers | ({contract.run_name} if contract.has("update", "read") else set())
    return [order for order in contract.listing.orders if order.lstrip("-") in known]


@for_each("order", _value_orders)
def test_list_is_ordered_by_value(run: Run, family: pages.Family, order: str) -> None:
    """list, parameters: ascending, descending with a dash in front: by a number, not by its text, or by names that differ in their last letter."""
    name, stem, is_changeable = order.lstrip("-"), run.api.new_name(), run.contract.has("update", "read")
    prefix = f"{stem}-" if name == run.contract.run_name else ""
    # As texts, the numbers stand in another order.
    values = [f"{prefix}{letter}" for letter in "caebd"] if prefix else (9, 10, 100, 2, 30)
    for member, value in zip(family, values, strict=True) if is_changeable else ():
        body = allowed_part(member, {name: value}) if name in run.contract.fields("update") else None
        if body is not None:
            member.accepts(body)
    run.at_last(lambda: [each for shown in _walks(run, order) for each in shown.unsorted(order, prefix)])


@needs("whole_list", queries.shows_every_item)
@for_each("those", lambda contract: contract.listing.orders, together=True)
def test_pages_of_every_order_show_every_item(run: Run, family: pages.Family, those: list[str]) -> None:
    """x-promises/whole_list: turning the pages shows every item once, whatever the list is ordered by, also the newest after an update, and items of one name."""
    with run.item(**run.full_body()) as newest:
        change(run, newest, family[1])
        is_by_name = {order: order.lstrip("-") == run.contract.run_name for order in those}
        for order in sorted(those, key=is_by_name.__getitem__):
            if is_by_name[order] and run.contract.has("update", "read"):
                rename(run, "@ é Ü", *family, newest)
            run.at_last(partial(pages.misshown, run, [*family, newest], 2, order))
