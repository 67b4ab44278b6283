"""What a list shows of an item: the same as a read, and it changes nothing."""

from contract_tests.checks.conditions import needs
from contract_tests.checks.item_under_test import UNMOVED, Item
from contract_tests.checks.judge import Judge, require
from contract_tests.checks.listing import pages
from contract_tests.checks.run import Run
from contract_tests.checks.selections import text_fields
from contract_tests.checks.updates import allowed

pytestmark = needs("create", "list")
LONG_TEXT = 5_000


def _long_texts(run: Run) -> Item:
    """Return the longest text that each field takes, up to a few pages, of characters beyond ASCII where they are kept."""
    words = "long é 語 😀 text " if run.contract.promises_that("exact_text") else "long text "
    fields, texts = run.contract.fields("update"), Item()
    for tried in text_fields(run.contract):
        texts[tried.name] = (words * LONG_TEXT)[: tried.schema.get("maxLength", LONG_TEXT) - 1] + "."
    return {name: text for name, text in texts.items() if run.contract.accepts_value(fields[name], text)}


@needs("read", "list_shows_items")
def test_list_shows_long_values_as_a_read_does(run: Run, family: pages.Family) -> None:
    """x-promises/list_shows_items: a list shows an item with the same fields as a read, in time also after an update, however long they are."""
    for member in family[:1] if run.contract.has("update") else ():
        member.accepts(allowed(member, {**run.full_body("update", 1), **_long_texts(run)}))
    run.at_last(lambda: pages.walk(run).unlike_reads(family))


@needs("read")
def test_listing_changes_nothing(run: Run, judge: Judge, family: pages.Family) -> None:
    """list: a list reads; no item is changed by it."""
    before = family[1].last
    order = next(iter(run.contract.listing.orders), None)
    exchange = run.api.list(**run.query(size=pages.nearest_size(run), order=order))
    require(judge.success("list", exchange))
    require(judge.shows(exchange, family[1].read(), judge.reader.unmoved(before), UNMOVED["read_your_writes"]))
