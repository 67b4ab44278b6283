"""Removing an item: it is gone for every operation, and no other is."""

from typing import Any

import pytest

from contract_tests.checks.account_findings import stolen
from contract_tests.checks.conditions import needs
from contract_tests.checks.creations import STORED, may_be_alike
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import Finding, Judge, require
from contract_tests.checks.run import MOST_PAGES, Run
from contract_tests.checks.selections import changeable_fields, clearing_fields, is_whole
from contract_tests.checks.updates import Body, allowed, allowed_part, another_value, other_values, possible, with_null
from contract_tests.generation.boundaries import to_json
from contract_tests.transport.exchange import Exchange

pytestmark = needs("create", "remove")

# What a removal may be answered with where nothing is left to remove, beside success.
NOT_THERE = 404
# So many updates of an item before it is removed.
FEW, MANY = 2, 25


def _updates(run: Run, item: ItemUnderTest) -> list[Body]:
    if not run.contract.has("update"):
        return []
    found = [allowed(item, run.full_body("update", 1))]
    is_small = not is_whole(run.contract) and possible(item, {}) == {}
    return [*found, {}] if is_small else found


def _named(item: ItemUnderTest) -> dict[str, str]:
    """Return what a list is filtered by to find an item, as far as it is."""
    name = item.contract.run_name
    return {name: item.last[name]} if name is not None and name in item.last else {}


@pytest.mark.sharp
@needs("read", "removed_is_gone")
def test_removed_item_is_gone(run: Run, judge: Judge) -> None:
    """x-promises/removed_is_gone: after a removal, a read and an update answer 404, and a read once more."""
    with run.item() as item:
        updates = [item.body(body) for body in _updates(run, item)]
        run.remove(item.item_id)
        require(judge.answer("read", run.api.read(item.item_id), NOT_THERE))
        for token in updates:
            require(judge.answer("update", run.api.update(item.item_id, token), NOT_THERE))
        require(judge.answer("read", run.api.read(item.item_id), NOT_THERE))


@needs("list", "whole_list")
def test_removed_item_is_listed_no_more(run: Run, judge: Judge) -> None:
    """x-promises/whole_list: the pages show no item that is not there, no later than three seconds after a removal."""
    with run.item() as item:
        where = _named(item)
        run.remove(item.item_id)

        def look() -> list[Finding]:
            for page in (*run.pages(1, **run.api.shape.newest_first), *run.pages(MOST_PAGES, **run.query(where=where))):
                if any(run.api.shape.id_of(shown) == item.item_id for shown in page.items):
                    promise = "turning the pages shows no item that is not there"
                    return [judge.promised("whole_list", "a list shows an item that was removed", promise, page)]
            return []

        run.at_last(look)


@needs("removed_is_gone")
def test_removing_twice_is_answered_either_way(run: Run) -> None:
    """x-promises/removed_is_gone: a removal of what is not there any more is answered with success or 404, and removes no other."""
    with run.item() as elder, run.item() as item, run.item() as younger:
        run.remove(item.item_id)
        again = run.remove(item.item_id, NOT_THERE)
        others = (elder, younger) if run.contract.has("read") else ()
        require([each for other in others for each in other.unmoved(other.last, again, "isolation")])


class _Alike:
    """Items of one body, made and removed one after the other beside one that stays."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.body = run.full_body()
        self.gone: list[Any] = []
        self.stays = self.made()

    def made(self) -> ItemUnderTest:
        """Make an item of the body of all others, where it may be theirs; it has an id of its own."""
        body = self.body if may_be_alike(self.run.contract) else self.run.full_body()
        exchange = self.run.api.create(to_json(body))
        found = self.run.judge.success("create", exchange) + stolen(self.run, exchange)
        if self.run.contract.promises_that("create_stores_everything"):
            expected = self.run.judge.reader.after_create(body)
            found += self.run.judge.shows(exchange, exchange.item, expected, STORED)
        item_id = self.run.api.shape.id_of(exchange.item)
        living = {self.stays.item_id} if hasattr(self, "stays") else set()
        for name, taken in (("create_stores_everything", living), ("removed_is_gone", {*self.gone})):
            if item_id in taken and self.run.contract.promises_that(name):
                problem = f"a create answered with the id {item_id!r} of another item"
                found.append(self.run.judge.promised(name, problem, "each item has an id of its own", exchange))
        require(found)
        return self.run.taken(exchange.item)

    def require_apart(self, cause: Exchange) -> None:
        """Require that the one that stays is as it was, and that no reader sees the one that was removed last."""
        require(self.stays.unmoved(self.stays.last, cause, "isolation"))
        if self.gone and self.run.contract.promises_that("removed_is_gone"):
            for apart in (False, True):
                require(self.run.judge.answer("read", self.run.api.read(self.gone[-1], apart=apart), NOT_THERE))

    def remove(self, item: ItemUnderTest) -> None:
        """Remove an item that two clients have read, remove and update what is not there any more, and look at both."""
        require(self.run.judge.success("read", self.run.api.read(item.item_id, apart=True)))
        updates = [item.body(body) for body in _updates(self.run, item)]
        exchange = self.run.remove(item.item_id)
        self.gone.append(item.item_id)
        if self.run.contract.promises_that("removed_is_gone"):
            exchange = self.run.remove(item.item_id, NOT_THERE)
            for token in updates[:1]:
                exchange = self.run.api.update(item.item_id, token)
                require(self.run.judge.answer("update", exchange, NOT_THERE))
        self.require_apart(exchange)


def _change(run: Run, item: ItemUnderTest) -> None:
    """Update an item many times, clear what null clears, then set and clear one field while the others are not set."""
    for _ in range(FEW if run.is_brief else MANY):
        item.accepts(other_values(item))
    nulls = {tried.name: None for tried in clearing_fields(run.contract)}
    if nulls and (body := allowed_part(item, nulls)) is not None:
        item.accepts(body)
    cleared = [tried for tried in changeable_fields(run.contract) if tried.clears_on_null]
    for tried in run.chance("cleared").sample(cleared, min(len(cleared), 1 if run.is_brief else MANY)):
        item.accepts(another_value(item, tried))
        item.accepts(with_null(item, tried))


@needs("read")
def test_items_of_one_body_stay_apart(run: Run) -> None:
    """x-promises/isolation: items that were made alike have an id and a state of their own each, also after a removal."""
    alike = _Alike(run)
    item = alike.made()
    if run.contract.has("update") and changeable_fields(run.contract):
        _change(run, item)
    alike.remove(item)
    item = alike.made()
    alike.require_apart(run.api.read(item.item_id))
    alike.remove(item)
    if run.contract.has("list"):
        require(run.judge.success("list", run.api.list(**run.query(where=_named(alike.stays)))))
    item = alike.made()
    alike.require_apart(run.api.read(item.item_id))
    require(item.unmoved(item.last, run.remove(alike.stays.item_id), "isolation"))
    run.remove(item.item_id)


@pytest.mark.sharp
@needs("read", "isolation")
def test_removing_an_unknown_item_removes_nothing(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/isolation: a removal by an id that no item has removes none."""
    before = item.last
    exchange = run.api.remove(run.api.absent_id())
    require(judge.success("remove", exchange, NOT_THERE) + item.unmoved(before, exchange, "isolation"))
