"""Listing items: pages, order, filters, and that a list shows the same as reading each item."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise, product
from typing import Any

import pytest

from contract_tests.checks.account_findings import listed_otherwise
from contract_tests.checks.conditions import for_each, needs, where
from contract_tests.checks.item_under_test import UNMOVED, Item, ItemUnderTest
from contract_tests.checks.judge import BROKEN, Finding, Judge, parse_time, require
from contract_tests.checks.run import MOST_PAGES, Run
from contract_tests.checks.selections import (
    HAS_BIRTH,
    HAS_NAME_FILTER,
    HAS_PAGE_TOKEN,
    SHOWS_EVERY_ITEM,
    birth_time,
    changeable_fields,
    clearing_fields,
    fields_with_faults,
    is_guarded,
    orders,
    page_size,
    refusals_of_list,
    spells_any_name,
    text_fields,
)
from contract_tests.checks.updates import allowed, allowed_part, another_value, plainly_spoilt, possible
from contract_tests.checks.wrong_requests import WRONG_KEY
from contract_tests.generation.boundaries import boundaries
from contract_tests.spec.contract import Contract
from contract_tests.transport.exchange import Exchange

pytestmark = needs("create", "list")
REFUSES_QUERIES = where(refusals_of_list, "the list names no status that refuses a query")
HAS_PAGE_SIZE = where(page_size, "pages have no size")

# On an account with many items, so many pages are turned before the search ends; more where they are to be small.
MOST_ITEMS = 1_200
BRIEF_PAGES = 12
LARGEST = 100
MEMBERS = 5
# So many items of the run that a page without a size, or a search that ends with the newest, may leave some out.
MANY = 24
EVERY_ONE = "turning the pages shows every item once"
KEPT = "a filter shows only what matches"

# As texts they stand in another order.
NUMBERS = (9, 10, 100, 2, 30)
WORDS = ("abc", "1.5", "ten", "-5", "100000000000", "1e400")
# Any text may be sent where the schema says no more than that: none of these may be a failure.
UNREADABLE_FILTERS = ('no_such_field="x"', "contract", 'name="', '>"yesterday"', '"2025-01-01T00:00:00"')
# Names, of which @ is one that no other item has: what joins, ends or widens an expression of some language of filters,
# or of a query string. Quotation marks and backslashes are left out: no contract says how a filter spells them.
PLAIN_NAMES = ("@ with spaces", "@ é Ü", "@ 語", "@-dashed_and.dotted", "@ a😀", "@ e\u0301x ﬁ", "@ McAnn")
NAMES = (
    *PLAIN_NAMES, "@ AND b OR c NOT d and e or f IN g", "@=b", "@ != c > d <= e", "(@)", "[@] {b}", "@: b, c; d | e ~ f",
    "*@*", "%@_?", "@&b=c#d", "@+e%20f%", "'@'", "@''`b`", "@/b", "@ ", "  @", "@ a\nb", "@ a\tb\r\nc", "@ שלום\u200f\u200b",
)  # fmt: skip
# All of them at once, but for the space at an end, which hides what a filter does with other ends.
ALL_NAMES = (
    "('*@ AND b=c OR d>e: f, g; [h] {i}|~ j+k%20l%_?&m=n#o/p*')", "@ ", "@ 語 McAÉa😀 e\u0301x ﬁ שלום\u200f\u200b\ta\r\nb\nc",
)  # fmt: skip
LONGEST_NAME = 400
# What the greatest names are filled with: the first that the contract allows.
FILLINGS = ("% _*&+#' ", "a")
LONG_TEXT = 5_000
FAR_PAST, FAR_FUTURE = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
MADE_UP = ("contract-test", "made up", "bm90IGEgdG9rZW4=", "@@@", "é語😀", "-_=", "x" * 2_000)

Family = list[ItemUnderTest]


@dataclass(frozen=True)
class Walk:
    """What turning the pages has shown."""

    run: Run
    items: list[Item]
    page: Exchange = field(repr=False)
    """The last page that was turned."""

    @property
    def ids(self) -> list[Any]:
        """The ids of the items, in their order."""
        return [self.run.api.shape.id_of(item) for item in self.items]

    def missing(self, members: Family) -> list[Any]:
        """Return the items that the pages left out, as far as all were turned."""
        left_out = [member.item_id for member in members if member.item_id not in self.ids]
        return left_out if self.run.is_last(self.page) else []

    def twice(self, members: Family) -> list[Any]:
        """Return the items that came by more than once."""
        return [member.item_id for member in members if self.ids.count(member.item_id) > 1]

    def unlisted(self, problem: str) -> list[Finding]:
        """Tell that the pages do not show every item once."""
        return [self.run.judge.promised("whole_list", problem, EVERY_ONE, self.page)]

    def not_newest_first(self, found: list[Finding]) -> list[Finding]:
        """Tell of an order that nobody asked for as of the promise to list the newest first."""
        promised, by = self.run.judge.promised, "newest first"
        return [promised("newest_first", each.problem, by, self.page, expects=each.expects) for each in found]

    def misordered(self, problem: str, promise: str, expects: str = "") -> list[Finding]:
        """Tell that the items stand in another order than was asked for."""
        listing, operation = self.run.contract.listing, self.run.contract.operation("list")
        place = operation.parameters.get(("query", listing.order or ""), operation.pointer)
        return [Finding(BROKEN, problem, promise, place, self.page, expects=expects)]

    def unfound(self, problem: str, promise: str = KEPT) -> list[Finding]:
        """Tell that a filter does not find what it should, or only that."""
        return [self.run.judge.promised("filters_find", problem, promise, self.page)]

    def out_of_order(self, order: str | None) -> list[Finding]:
        """Find an item out of the order of a time; those without it, and steps below the resolution, prove nothing."""
        name, is_descending = (order or "").lstrip("-"), (order or "").startswith("-")
        if name not in _times(self.run.contract):
            return []
        times = [parse_time(item[name]) for item in self.items if item.get(name) is not None]
        for (one, step), (other, other_step) in pairwise(times):
            late, early = (one, other) if is_descending else (other, one)
            if late + max(step, other_step) <= early:
                words = "descending" if is_descending else "ascending"
                is_birth = name == self.run.api.shape.created_field
                expects = f"api.is_in_order(answer, {is_descending})" if is_birth else ""
                return self.misordered(f"{name} {one} stands before {other}", f"{words} by {name}", expects)
        return []

    def unsorted(self, order: str, prefix: str = "") -> list[Finding]:
        """Find that the values of a field do not stand in their order: all, or texts that begin alike."""
        name = order.lstrip("-")
        shown = [item[name] for item in self.items if item.get(name) is not None]
        mine = [value for value in shown if not prefix or str(value).startswith(prefix)]
        if mine == sorted(mine, reverse=order.startswith("-")):
            return []
        return self.misordered(f"{name} is listed as {mine[:20]}", f"by {order}")


def _size(run: Run, wanted: int | None = LARGEST) -> int | None:
    size = page_size(run.contract)
    if size is None or wanted is None:
        return None
    return min(max(wanted, int(size.schema.get("minimum", 1))), int(size.schema.get("maximum", LARGEST)))


def _too_long(run: Run, page: Exchange, size: int | None) -> list[Finding]:
    """Find a page that holds more than was asked for; who asks for none or fewer, as many APIs have it, leaves it to the API."""
    if size is None or size < 1 or len(page.items) <= size:
        return []
    contract, problem = run.contract, f"a page of {size} holds {len(page.items)}"
    is_promised = contract.promises_that("whole_list")
    place = contract.pointer_of_promise("whole_list") if is_promised else contract.operation("list").pointer
    expects = f"all(len(page) <= {size} for page in api.pages(answer))"
    return [Finding(BROKEN, problem, "a page holds at most what is asked for", place, page, expects=expects)]


def _walk(
    run: Run, *, size: int | None = LARGEST, order: str | None = None, where: Mapping[str, str] | None = None
) -> Walk:
    """Turn the pages until the last, or until every item of this run has come by; no page may be too long."""
    wanted, asked = set(run.api.created.alive), _size(run, size)
    items: list[Item] = []
    most = BRIEF_PAGES if run.is_brief else max(MOST_PAGES, MOST_ITEMS // (asked or LARGEST))
    for page in run.pages(most, **run.query(size=asked, order=order, where=where)):
        require(_too_long(run, page, asked))
        items += page.items
        if wanted <= {run.api.shape.id_of(item) for item in items}:
            break
    return Walk(run, items, page)


def _turned(run: Run, query: dict[str, str], most: int = MOST_PAGES) -> Walk:
    pages = list(run.pages(most, **query))
    return Walk(run, [item for page in pages for item in page.items], pages[-1])


def _change(run: Run, *members: ItemUnderTest) -> None:
    """Give items another value of a field, where an update can."""
    fields = changeable_fields(run.contract) if run.contract.has("update", "read") else []
    for member in members if fields else ():
        member.accepts(another_value(member, fields[0]))


def _clear_a_field(item: ItemUnderTest) -> None:
    """Bring null alone, where that clears a field that is set."""
    fields = clearing_fields(item.contract) if item.contract.has("update", "read") else []
    for tried in [tried for tried in fields if item.last.get(tried.name) is not None][:1]:
        if (body := possible(item, {tried.name: None})) is not None:
            item.accepts(body)


@pytest.fixture(scope="module")
def family(run: Run) -> Iterator[Family]:
    """Five items, made one after the other."""
    members = [run.create() for _ in range(MEMBERS)]
    yield members
    for member in members:
        run.api.remove(member.item_id)


# -- Pages ------------------------------------------------------------------------------------------------------------


def _sizes(contract: Contract, *, are_right: bool) -> list[str]:
    """Return page sizes as the query spells them: those that the contract allows, or those that it does not."""
    tried = page_size(contract)
    if tried is None:
        return []
    whole = [b for b in boundaries(contract, tried) if isinstance(b.value, int) and not isinstance(b.value, bool)]
    sizes = {b.token: b.accepted for b in whole if len(b.token) < 20}
    for word in WORDS if "integer" in tried.types and "string" not in tried.types else ():
        if not (word.lstrip("-").isdigit() and contract.accepts_value(tried, int(word))):
            sizes[word] = False
    return [text for text, is_right in sizes.items() if is_right == are_right]


def _second_page(run: Run) -> dict[str, str]:
    """Return what leads to the second page of pages of one item; nothing where no item follows."""
    return run.api.shape.next_page(run.api.list(**run.query(size=_size(run, 1))).json, 0, 1) or {}


def _beside(run: Run) -> list[dict[str, str]]:
    """Return an order, and each filter, as the query of a list has them."""
    texts = dict.fromkeys(_later_filters(run.contract), FAR_PAST)
    filters = [run.query(where={name: texts.get(name, "contract")}) for name in _filters(run.contract)]
    return [*(run.query(order=order) for order in orders(run.contract)[:1]), *filters]


def _require_refused(run: Run, texts: list[str], beside: dict[str, str]) -> None:
    tried = page_size(run.contract)
    assert tried is not None, "a size of pages has been looked for"
    for text in texts:
        exchange, about = run.api.list(**beside, **{tried.name: text}), f"{tried.name} {text}"
        refusals, clause = refusals_of_list(run.contract), tried.pointer
        require(run.judge.refusal("list", exchange, *refusals, promise=tried.promise, clause=clause, about=about))


@pytest.mark.sharp
@needs(REFUSES_QUERIES)
@for_each("texts", lambda contract: _sizes(contract, are_right=False), together=True)
def test_page_size_beyond_its_limits_is_refused(run: Run, texts: list[str]) -> None:
    """list, parameters: the schema of the page size decides."""
    _require_refused(run, texts, {})


@needs(REFUSES_QUERIES, HAS_PAGE_SIZE)
def test_page_size_is_refused_whatever_stands_beside_it(run: Run, family: Family) -> None:
    """list, parameters: the schema of the page size decides, also on a later page, in an order and beside a filter."""
    sizes, others = _sizes(run.contract, are_right=False), _beside(run)
    for beside in (_second_page(run), *(others if not run.is_brief else ())):
        _require_refused(run, run.chance("size").sample(sizes, 2) if run.is_brief else sizes, beside)


@needs("read", HAS_PAGE_TOKEN, where(lambda contract: is_guarded(contract, "list"), "the list needs no key"))
def test_later_page_needs_the_key(run: Run, judge: Judge, family: Family) -> None:
    """list, security: what leads to a later page stands for no key."""
    path, query = run.contract.operation("list").path, run.query(size=_size(run, 1)) | _second_page(run)
    require(judge.answer("list", run.api.send("GET", path, params=query, key=WRONG_KEY), 401))


@for_each("text", lambda contract: _sizes(contract, are_right=True))
def test_page_holds_at_most_as_many_as_asked_for(run: Run, judge: Judge, family: Family, text: str) -> None:
    """list, parameters: the schema of the page size decides; a page holds so many at most."""
    name = str(run.api.shape.paging.size)

    def look() -> list[Finding]:
        exchange = run.api.list(**{name: text})
        require(judge.success("list", exchange))
        shown = len(exchange.items)
        is_short = shown < min(int(text), len(family)) and run.api.shape.paging.token is not None
        if is_short and run.is_last(exchange) and run.contract.promises_that("whole_list"):
            problem = f"a page of {text} holds only {shown}, and names no next one"
            return [judge.promised("whole_list", problem, EVERY_ONE, exchange)]
        return _too_long(run, exchange, int(text))

    run.at_last(look)


@needs("whole_list", SHOWS_EVERY_ITEM)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_show_every_item_once(run: Run, family: Family, size: int) -> None:
    """x-promises/whole_list: turning the pages shows every item once; a page leads on, never back."""
    run.at_last(lambda: _misshown(run, family, size))


def _misshown(run: Run, family: Family, size: int | None, order: str | None = None) -> list[Finding]:
    """Turn the pages, and find what comes twice or not at all."""
    walk, found = _walk(run, size=size, order=order), list[Finding]()
    birth = birth_time(run.contract) if order is None else None
    twice, missing = walk.twice(family), walk.missing(family)
    if twice or missing:
        found = walk.unlisted(f"in pages of {size}, ordered by {order}, {twice} come twice, {missing} not at all")
    elif order is None and len(walk.ids) != len(set(walk.ids)):
        found = walk.unlisted(f"pages of {size} show an item twice")
    if birth and not found and run.contract.promises_that("newest_first"):
        found = walk.not_newest_first(walk.out_of_order(f"-{birth}"))
    # Pages with a number shift when somebody makes or removes an item.
    is_steady = not found or HAS_PAGE_TOKEN.is_met(run.contract) or _walk(run, size=size, order=order).ids == walk.ids
    return found if is_steady else []


@pytest.mark.many_requests
@needs("whole_list", "remove", SHOWS_EVERY_ITEM)
def test_many_items_are_listed_and_found(run: Run, family: Family) -> None:
    """x-promises/whole_list: turning the pages shows every item once, however many pages that takes, and where no size is asked for; x-promises/filters_find: a filter finds the oldest of many."""
    with ExitStack() as stack:
        free = min(MANY, run.api.most_items) - len(run.api.created.alive)
        many = [*family, *(stack.enter_context(run.item()) for _ in range(free))]
        run.at_last(lambda: _misshown(run, many, 2) or _misshown(run, many, None))
        if run.contract.promises_that("filters_find") and HAS_NAME_FILTER.is_met(run.contract):
            _require_found(run, family[:1], str(run.contract.run_name))


def _writes(contract: Contract) -> list[str]:
    """Return what may be written just before a list is asked for."""
    can_update = contract.has("update", "read")
    changed = ["update"] if can_update and changeable_fields(contract) else []
    refused = ["refused-update"] if can_update and fields_with_faults(contract) else []
    return [*changed, *refused, *(["removal"] if contract.has("remove") else [])]


@needs("whole_list", SHOWS_EVERY_ITEM)
@for_each("write", _writes)
def test_pages_show_every_item_whatever_was_written_last(run: Run, family: Family, write: str) -> None:
    """x-promises/whole_list: turning the pages shows every item once, after each kind of write."""
    further: Family = []
    if write == "update":
        _change(run, family[2])
    elif write == "refused-update":
        family[2].refuses(plainly_spoilt(family[2], fields_with_faults(run.contract)[0]))
    else:
        gone, further = run.create(), [run.create()]
        run.api.remove(gone.item_id)
    is_shown = run.contract.promises_that("list_shows_items") and run.contract.has("read")
    known = [*family, *further]
    run.at_last(lambda: _misshown(run, known, 2) or (_listed_otherwise(run, known) if is_shown else []))
    for member in further:
        run.api.remove(member.item_id)


@needs("whole_list", HAS_PAGE_TOKEN, HAS_NAME_FILTER)
def test_last_page_has_no_next(run: Run, family: Family) -> None:
    """x-promises/whole_list: the last page that holds an item names no next one."""
    name = str(run.contract.run_name)
    query = run.query(size=_size(run), where={name: family[0].last[name]})

    def look() -> list[Finding]:
        pages = list(run.pages(MOST_PAGES, **query))
        if run.is_last(pages[-1]) and not pages[-1].items and any(page.items for page in pages):
            promise = "the last page that holds an item names no next one"
            problem = "the last page that holds an item names a next one, which is empty"
            return [run.judge.promised("whole_list", problem, promise, pages[-1])]
        return []

    run.at_last(look)


@needs("whole_list", SHOWS_EVERY_ITEM)
def test_all_pages_show_no_item_twice(run: Run, family: Family) -> None:
    """x-promises/whole_list: turning the pages shows every item once, also on the pages after those of this run."""

    def look() -> list[Finding]:
        walk = _turned(run, run.query(size=_size(run)), BRIEF_PAGES)
        twice = walk.twice(family)
        return walk.unlisted(f"items come back on later pages: {twice}") if twice else []

    run.at_last(look)


@needs("whole_list", SHOWS_EVERY_ITEM, HAS_PAGE_SIZE)
@for_each("order", lambda contract: [None, *orders(contract)], ids=str)
def test_large_pages_show_what_larger_ones_show(run: Run, family: Family, order: str | None) -> None:
    """x-promises/whole_list: turning large pages shows every item once, of whoever: each that pages of another size show before and after."""
    size = _size(run) or LARGEST
    half = max(size // 2, 1)

    def look() -> list[Finding]:
        before = _turned(run, run.query(size=size, order=order), 2)
        if len(before.ids) <= half:
            return []
        walk = _turned(run, run.query(size=half, order=order), 3)
        is_whole = run.is_last(before.page) and run.is_last(walk.page)
        # Where more follow, both may end among items that are alike.
        most = None if is_whole else min(len(before.ids), len(walk.ids)) * 3 // 4
        parted = {*before.ids[:most]} - {*walk.ids} | {*walk.ids[:most]} - {*before.ids}
        twice = len(walk.ids) - len({*walk.ids})
        if not (parted or twice) or _turned(run, run.query(size=size, order=order), 2).ids != before.ids:
            return []
        problem = f"pages of {half} and of {size} do not both show {len(parted)} items, {twice} items come twice"
        return walk.unlisted(f"{problem}, ordered by {order}")

    run.at_last(look)


@needs("whole_list", HAS_PAGE_TOKEN)
def test_made_up_page_token_leads_nowhere(run: Run, judge: Judge, shared_item: ItemUnderTest) -> None:
    """x-promises/whole_list: a made-up page token is refused, or leads to an empty page, whatever stands beside it."""
    size, refusals = run.query(size=_size(run, 5)), refusals_of_list(run.contract) or (400, 422)
    beside, name = [{}, *_beside(run), *(size | each for each in _beside(run))], str(run.api.shape.paging.token)
    own = _second_page(run).get(name, "")
    for token in MADE_UP if own.isdecimal() else (*MADE_UP, "1"):
        for query in (size, *(run.chance(token).sample(beside, 1) if run.is_brief else beside)):
            exchange = run.api.list(**{name: token}, **query)
            require(judge.success("list", exchange, *refusals))
            if exchange.was_accepted and exchange.items:
                problem = f"the made-up page token {token[:80]!r} shows items"
                promise = "a made-up page token is refused or finds nothing"
                require([judge.promised("whole_list", problem, promise, exchange)])
    for at, other in ((0, "é"), (len(own) // 2, "A"), (len(own) - 1, "=")) if own else ():
        exchange = run.api.list(**{name: f"{own[:at]}{other}{own[at + 1 :]}"}, **size)  # it may lead somewhere
        require(judge.success("list", exchange, *refusals))


# -- Order ------------------------------------------------------------------------------------------------------------


def _times(contract: Contract) -> set[str]:
    return {name for name, own in contract.server_fields.items() if own.is_time}


def _time_orders(contract: Contract) -> list[str]:
    return [order for order in orders(contract) if order.lstrip("-") in _times(contract)]


def _newest_first(contract: Contract) -> list[Any]:
    """Return no order, where the newest come first, and the order that asks for them."""
    asked = [order for order in orders(contract) if order == f"-{birth_time(contract)}"]
    default = [pytest.param(None, id="by-default")] if contract.promises_that("newest_first") else []
    return [*default, *(pytest.param(order, id="asked-for") for order in asked)]


@needs(HAS_BIRTH)
@for_each("order", _newest_first)
def test_list_is_newest_first(run: Run, family: Family, order: str | None) -> None:
    """x-promises/newest_first: the newest item comes first unless the list is asked otherwise."""
    birth = str(birth_time(run.contract))
    times = {member.item_id: parse_time(member.last[birth])[0] for member in family}
    expected = sorted(times, key=lambda item_id: times[item_id], reverse=True)

    def look() -> list[Finding]:
        walk = _walk(run, order=order)
        mine = [item_id for item_id in walk.ids if item_id in times]
        found = walk.out_of_order(f"-{birth}")
        are_apart = len({*times.values()}) == len(times)
        if are_apart and mine != expected and (len(mine) == len(times) or run.is_last(walk.page)):
            found += walk.misordered(f"five items made in turn are listed as {mine}", f"descending by {birth}")
        return found if order is not None else walk.not_newest_first(found)

    run.at_last(look)


@needs(where(_time_orders, "no order is by a time"))
def test_list_is_ordered_by_time(run: Run, family: Family) -> None:
    """list, parameters: ascending by the field, descending with a dash in front."""
    _change(run, *(family[index] for index in (3, 1, 4, 0, 2)))  # in another order than they were made

    _clear_a_field(family[2])

    def look() -> list[Finding]:
        return [
            finding
            for order in _time_orders(run.contract)
            for size in _with_and_without_a_size(run)
            for finding in _walk(run, order=order, size=size).out_of_order(order)
        ]

    run.at_last(look)


def _with_and_without_a_size(run: Run) -> tuple[int | None, ...]:
    """Return how large pages are asked for: an order is kept also where nobody asks."""
    return (None,) if run.is_brief else (LARGEST, None)


def _value_orders(contract: Contract) -> list[str]:
    numbers = {name for name, of in contract.fields("create").items() if {*of.types} <= {"number", "integer"}}
    known = numbers | ({contract.run_name} if contract.has("update", "read") else set())
    return [order for order in orders(contract) if order.lstrip("-") in known]


@for_each("order", _value_orders)
def test_list_is_ordered_by_value(run: Run, family: Family, order: str) -> None:
    """list, parameters: ascending, descending with a dash in front: by a number, not by its text, or by names that differ in their last letter."""
    name, stem, is_changeable = order.lstrip("-"), run.api.new_name(), run.contract.has("update", "read")
    prefix = f"{stem}-" if name == run.contract.run_name else ""
    values = [f"{stem}-{letter}" for letter in "caebd"] if prefix else NUMBERS
    for member, value in zip(family, values, strict=True) if is_changeable else ():
        body = allowed_part(member, {name: value}) if name in run.contract.fields("update") else None
        if body is not None:
            member.accepts(body)
    for size in _with_and_without_a_size(run):
        run.at_last(lambda size=size: _walk(run, order=order, size=size).unsorted(order, prefix))  # type: ignore[misc]


@needs("whole_list", SHOWS_EVERY_ITEM)
@for_each("those", orders, together=True)
def test_pages_of_every_order_show_every_item(run: Run, family: Family, those: list[str]) -> None:
    """x-promises/whole_list: turning the pages shows every item once, whatever the list is ordered by, also the newest after an update, and items of one name."""
    with run.item(**run.full_body()) as newest:
        _change(run, newest)
        is_by_name = {order: order.lstrip("-") == run.contract.run_name for order in those}
        for order in sorted(those, key=is_by_name.__getitem__):
            if is_by_name[order] and run.contract.has("update", "read"):
                _rename(run, PLAIN_NAMES[1], *family, newest)
            run.at_last(lambda order=order: _misshown(run, [*family, newest], 2, order))  # type: ignore[misc]


# -- Filters ----------------------------------------------------------------------------------------------------------


def _filters(contract: Contract) -> dict[str, str]:
    return {name: text for name, (_, text) in contract.listing.filters.items()}


def _equal_filters(contract: Contract) -> list[str]:
    """Return the fields that a list is filtered by to those that have exactly a value; times are compared in another way."""
    return [name for name, text in _filters(contract).items() if ">" not in text and "<" not in text]


def _later_filters(contract: Contract) -> list[str]:
    later = [n for n, text in _filters(contract).items() if ">" in text and ">=" not in text and "<" not in text]
    return [name for name in later if name == birth_time(contract)]


def _spelled(value: Any) -> str | None:
    """Return a value as a query holds it; None where it has no plain spelling."""
    if not isinstance(value, (str, int, float)) or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _require_found(run: Run, members: Family, name: str, *, size: int = LARGEST, order: str | None = None) -> None:
    """Filter by a value that some items have: the pages show each of them, once and in their order."""
    text = _spelled(members[0].last.get(name))
    if text is None:
        return

    def look() -> list[Finding]:
        query = run.query(size=_size(run, size), order=order, where={name: text})
        walk = _turned(run, query)
        found = walk.out_of_order(order)
        if not walk.missing(members):  # many may have this value
            return found
        promise = "a filter finds the item that has exactly this value"
        return [*found, *walk.unfound(f"an item is not found by its {name} {text!r} in {query}", promise)]

    run.at_last(look)


@needs("filters_find")
@for_each("name", _equal_filters)
def test_filter_finds_the_item_of_that_value(run: Run, family: Family, name: str) -> None:
    """x-promises/filters_find: a filter by a field finds the item that has exactly this value, however many are newer."""
    for index, member in enumerate(family):
        _require_found(run, [member], name, size=1 if index % 2 == 0 else LARGEST)


def _rename(run: Run, text: str, *members: ItemUnderTest) -> bool:
    """Give some items one name; False where the contract allows no such name."""
    own = text.replace("@", run.api.new_name())
    bodies = [allowed_part(member, {str(run.contract.run_name): own}) for member in members]
    for member, body in zip(members, bodies, strict=True):
        if body is not None:
            member.accepts(body)
    return None not in bodies


@needs("update", "read", "filters_find", "exact_text", HAS_NAME_FILTER)
@for_each("texts", lambda contract: NAMES if spells_any_name(contract) else PLAIN_NAMES, together=True)
def test_filter_finds_a_name_of_any_characters(run: Run, family: Family, texts: list[str]) -> None:
    """x-promises/filters_find: a filter by a name finds the item of exactly that name, now that it has this name."""
    for text in ALL_NAMES if run.is_brief and len(texts) == len(NAMES) else texts:
        if _rename(run, text, family[3]):
            _require_found(run, family[3:4], str(run.contract.run_name))


@needs("update", "read", "filters_find", HAS_NAME_FILTER)
def test_filter_finds_every_item_of_a_name(run: Run, family: Family) -> None:
    """x-promises/filters_find: a filter by a name finds the item of exactly that name: each that has it, in any order, on small pages, and at its greatest length."""
    name = str(run.contract.run_name)
    most = int(run.contract.fields("update")[name].schema.get("maxLength", LONGEST_NAME))
    length = max(min(most, LONGEST_NAME) - len(run.api.new_name()) - 2, 0)
    texts = [f"@{(filling * length)[:length]}." for filling in FILLINGS[0 if spells_any_name(run.contract) else 1 :]]
    is_renamed = any(_rename(run, text, *family) for text in (*texts, "@"))
    assert is_renamed, "the name of a run is one that the contract allows"
    for order in (None, *orders(run.contract)):
        _require_found(run, family, name, order=order)
    for size in (1, 3):  # the last page is full, or holds two
        _require_found(run, family, name, size=size)


@pytest.mark.many_requests
@needs("filters_find", HAS_NAME_FILTER)
def test_filter_finds_an_item_that_was_never_updated(run: Run) -> None:
    """x-promises/filters_find: a filter by a name finds the item of exactly that name, in any order, also before its first update."""
    with run.item(**run.full_body()) as item:
        for order in (None, *orders(run.contract)):
            _require_found(run, [item], str(run.contract.run_name), order=order)


@needs("filters_find", "update", "read", HAS_NAME_FILTER)
def test_filter_leaves_out_other_names(run: Run, family: Family) -> None:
    """list, parameters: a filter keeps only what matches; names without a letter in common do not."""
    name = str(run.contract.run_name)
    family[0].accepts(allowed(family[0], {name: "qqqqqqqqqqqq"}))

    def look() -> list[Finding]:
        walk = _walk(run, where={name: f"zzzz{run.api.run}zzzz"})
        return walk.unfound("a filter shows an item of quite another name") if family[0].item_id in walk.ids else []

    run.at_last(look)


def _exact_filters(contract: Contract) -> list[str]:
    """Return the fields that only an equal value can be meant by: those of few values, numbers, and listed ones."""
    fields = contract.fields("update")
    found = [fields[name] for name in _equal_filters(contract) if name in fields]
    return [f.name for f in found if not f.is_free or f.json_type != "string" or {"enum", "const"} & {*f.schema}]


@needs("filters_find", "update", "read")
@for_each("name", _exact_filters)
def test_filter_leaves_out_other_values(run: Run, family: Family, name: str) -> None:
    """x-promises/filters_find: a filter by a field does not show an item that has another value in it."""
    tried, (one, other) = run.contract.fields("update")[name], family[:2]
    one.accepts(another_value(one, tried))
    if one.last.get(name) == other.last.get(name):
        other.accepts(another_value(other, tried))
    text = _spelled(one.last.get(name))
    if text is None or _spelled(other.last.get(name)) in (None, text):
        pytest.skip(f"two items cannot be told apart by their {name}")

    def look() -> list[Finding]:
        walk = _walk(run, where={name: text})
        promise = "a filter shows the items that have this value, and no others"
        problem = f"a filter by the {name} {text!r} shows an item whose {name} is {other.last.get(name)!r}"
        return walk.unfound(problem, promise) if other.item_id in walk.ids else []

    run.at_last(look)


def _in_zone(moment: datetime, hours: int = 0) -> str:
    return moment.astimezone(timezone(timedelta(hours=hours))).isoformat(timespec="seconds").replace("+00:00", "Z")


@needs("filters_find")
@for_each("name", _later_filters)
def test_filter_by_time_keeps_the_later(run: Run, family: Family, name: str) -> None:
    """list, x-filters: `>` keeps what is later than the time, in whatever zone it is written, and only that."""
    middle, moments = family[2].last[name], [parse_time(member.last[name])[0] for member in family]
    # An hour later in a zone whose clocks show an earlier time, and the other way round; then each as most would write it.
    later, earlier = max(moments) + timedelta(hours=1), min(moments) - timedelta(hours=1)

    def look() -> list[Finding]:
        found: list[Finding] = []
        for text in (FAR_FUTURE, _in_zone(later, -11), _in_zone(later)):
            walk = _walk(run, where={name: text})
            is_shown = any(member.item_id in walk.ids for member in family)
            found += walk.unfound(f"items of a {name} after {text} are listed") if is_shown else []
        for text in (FAR_PAST, _in_zone(earlier, 13), _in_zone(earlier)):
            walk = _walk(run, where={name: text})
            found += walk.unfound(f"items of a {name} after {text} are missing") if walk.missing(family) else []
        walk = _walk(run, where={name: middle})
        for moment, step in (parse_time(item[name]) for item in walk.items if item.get(name) is not None):
            if moment + step < parse_time(middle)[0]:
                found += walk.unfound(f"{moment} is not after {middle}")
        return found

    run.at_last(look)


@pytest.mark.all_parameters
@needs("filters_find")
@for_each("name,order", lambda contract: product(_later_filters(contract), (*orders(contract), None)))
def test_later_pages_keep_the_filter_and_the_order(run: Run, family: Family, name: str, order: str | None) -> None:
    """list, parameters: filter and order, which are sent with every page, hold for every page, not only for the first."""
    times = [member.last[name] for member in family]
    if len({parse_time(text)[0] for text in times}) < len(times):
        pytest.skip(f"the API prints the same {name} for items that were made one after the other")

    def look() -> list[Finding]:
        is_by_it = order is not None and order.lstrip("-") == name
        walk = _walk(run, size=1 if is_by_it else 2, order=order, where={name: times[1]})
        found = walk.out_of_order(order)
        if family[0].item_id in walk.ids:
            found += walk.unfound("a later page shows what the filter leaves out")
        if walk.missing(family[2:]):
            found += walk.unfound("the pages do not show all that the filter keeps")
        return found

    run.at_last(look)


def _unreadable(contract: Contract) -> list[Any]:
    listing, fields = contract.listing, contract.query_fields("list")
    filters = dict.fromkeys(parameter for parameter, template in listing.filters.values() if template[0] != "{")
    texts = [(parameter, text) for parameter in filters for text in UNREADABLE_FILTERS]
    if listing.order is not None:
        unknown = ("no_such_field", *(f"--{order.lstrip('-')}" for order in listing.orders[:1]))
        texts += [(listing.order, text) for text in unknown]
    return [
        pytest.param(parameter, text, id=f"{parameter}-{text}".replace('"', ""))
        for parameter, text in texts
        if contract.accepts_value(fields[parameter], text)
    ]


@pytest.mark.all_parameters
@for_each("parameter,text", _unreadable)
def test_query_that_cannot_be_read_is_refused_or_passed_over(run: Run, judge: Judge, parameter: str, text: str) -> None:
    """list, responses: a text that says nothing to the API is refused, or the list comes; it is no failure."""
    exchange = run.api.list(**run.query(size=_size(run, 5)), **{parameter: text})
    require(judge.success("list", exchange, *(refusals_of_list(run.contract) or (400, 422))))


# -- Items ------------------------------------------------------------------------------------------------------------


def _long_texts(run: Run) -> Item:
    """Return the longest text that each field takes, up to a few pages, of characters beyond ASCII where they are kept."""
    words = "long é 語 😀 text " if run.contract.promises_that("exact_text") else "long text "
    texts = {
        f.name: (words * LONG_TEXT)[: f.schema.get("maxLength", LONG_TEXT) - 1] + "." for f in text_fields(run.contract)
    }
    fields = run.contract.fields("update")
    return {name: text for name, text in texts.items() if run.contract.accepts_value(fields[name], text)}


@needs("read", "list_shows_items")
def test_list_shows_long_values_as_a_read_does(run: Run, family: Family) -> None:
    """x-promises/list_shows_items: a list shows an item with the same fields as a read, in time also after an update, however long they are."""
    for member in family[:1] if run.contract.has("update") else ():
        member.accepts(allowed(member, {**run.full_body("update", 1), **_long_texts(run)}))
    run.at_last(lambda: _listed_otherwise(run, family))


def _listed_otherwise(run: Run, family: Family) -> list[Finding]:
    walk = _walk(run)
    return listed_otherwise(run, family, walk.items, walk.page)


@needs("read")
def test_listing_changes_nothing(run: Run, judge: Judge, family: Family) -> None:
    """list: a list reads; no item is changed by it."""
    before = family[1].last
    exchange = run.api.list(**run.query(size=_size(run), order=next(iter(orders(run.contract)), None)))
    require(judge.success("list", exchange))
    require(judge.shows(exchange, family[1].read(), judge.reader.unmoved(before), UNMOVED["read_your_writes"]))
