"""What was stored stays stored, whoever wrote it and whoever reads it."""

from functools import partial
from typing import Any

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.item_under_test import UNMOVED, ItemUnderTest
from contract_tests.checks.judge import Finding, Judge, require
from contract_tests.checks.run import Run
from contract_tests.checks.selections import changeable_fields
from contract_tests.checks.updates import another_value, other_values, possible
from contract_tests.spec.field import Field

LAST, LISTED = UNMOVED["read_your_writes"], "a list shows the same as reading, to every client"


@needs("read", "update", "read_your_writes")
@for_each("fields", changeable_fields, together=True)
def test_value_that_comes_back_is_stored(judge: Judge, item: ItemUnderTest, fields: list[Field]) -> None:
    """x-promises/read_your_writes: a value that was read, changed and sent again without a read between is the last write."""
    before, old, new = item.read(), dict[str, Any](), dict[str, Any]()
    for tried in fields:
        new = possible(item, {**new, **another_value(item, tried)}) or new
    old = {name: before.get(name) for name in new}
    if not judge.contract.accepts("update", old):
        pytest.skip("what is stored may not be sent")
    require(judge.success("update", item.send(item.body(new))))
    exchange = item.send(item.body(old))
    expected = judge.reader.updated(before, old)
    require(judge.success("update", exchange) or judge.shows(exchange, item.read(), expected, LAST))


@needs("create", "read", "update", "read_your_writes", changeable_fields)
def test_every_reader_sees_the_last_write(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/read_your_writes: a read shows the last completed write, whoever wrote it, whoever reads, and whatever that client has seen before."""
    expected, clients = judge.reader.unmoved(item.last), (True, False)
    is_listed = run.contract.has("list") and run.contract.promises_that("list_shows_items")
    for apart in clients if is_listed else ():
        _listed_otherwise(run, item, apart=apart)
    for writes_apart in (None, False, True):  # nobody, and one client or the other
        if writes_apart is not None:
            before, body = item.last, other_values(item)
            written = item.send(item.body(body), apart=writes_apart)
            require(judge.success("update", written))
            expected = judge.reader.updated(before, body)
        read = run.api.read(item.item_id, apart=True)
        found = judge.success("read", read)
        require(found or judge.shows(read, read.item, expected, LAST))
        require(judge.shows(read, item.read(), expected, LAST))
    for apart in clients if is_listed else ():
        run.at_last(partial(_listed_otherwise, run, item, apart=apart))


def _listed_otherwise(run: Run, item: ItemUnderTest, *, apart: bool) -> list[Finding]:
    """List the newest items as one client or another; find the item shown otherwise than it is."""
    query = {**run.api.shape.newest_first, **run.query(size=run.api.shape.paging.largest_size)}
    page = run.api.send("GET", run.api.shape.list_path, params=query, apart=apart)
    require(run.judge.success("list", page))
    shown = [each for each in page.items if run.api.shape.id_of(each) == item.item_id]
    return [f for each in shown for f in run.judge.shows(page, each, run.judge.reader.unmoved(item.last), LISTED)]
