"""Pages of a list: their sizes, how they are turned, and that they show every item once."""

from contextlib import ExitStack, nullcontext
from functools import partial

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import Finding, Judge, require
from contract_tests.checks.listing import pages, queries
from contract_tests.checks.run import Run
from contract_tests.checks.selections import changeable_fields, fields_with_faults, is_guarded
from contract_tests.checks.updates import change, plainly_spoilt
from contract_tests.checks.wrong_requests import WRONG_KEY
from contract_tests.generation.boundaries import boundaries
from contract_tests.spec.contract import Contract

pytestmark = needs("create", "list")


def _has_page_size(contract: Contract) -> bool:
    """Whether the size of a page may be asked for."""
    return bool(contract.listing.paging.size)


WORDS = ("abc", "1.5", "ten", "-5", "100000000000", "1e400")


def _sizes(contract: Contract, *, are_right: bool) -> list[str]:
    """Return page sizes as the query spells them: those that the contract allows, or those that it does not."""
    tried = contract.listing.paging.size
    if tried is None:
        return []
    whole = [b for b in boundaries(contract, tried) if isinstance(b.value, int) and not isinstance(b.value, bool)]
    sizes = {b.token: b.accepted for b in whole if len(b.token) < 20}
    wrong = [word for word in WORDS if not (word.lstrip("-").isdigit() and contract.accepts_value(tried, int(word)))]
    sizes |= dict.fromkeys(wrong if "integer" in tried.types and "string" not in tried.types else (), False)
    return [text for text, is_right in sizes.items() if is_right == are_right]


def _require_refused(run: Run, texts: list[str], beside: dict[str, str]) -> None:
    tried = run.contract.listing.paging.size
    assert tried is not None, "a size of pages has been looked for"
    for text in texts:
        exchange, about = run.api.list(**beside, **{tried.name: text}), f"{tried.name} {text}"
        refusals, clause = queries.refusals_of_list(run.contract), tried.pointer
        require(run.judge.refusal("list", exchange, *refusals, promise=tried.promise, clause=clause, about=about))


def _second_page(run: Run) -> dict[str, str]:
    """Return what leads to the second page of pages of one item; nothing where no item follows."""
    return run.api.shape.next_page(run.api.list(**run.query(size=pages.nearest_size(run, 1))).json, 0, 1) or {}


def _beside(run: Run) -> list[dict[str, str]]:
    """Return an order, and each filter, as the query of a list has them."""
    later = dict.fromkeys(queries.later_filters(run.contract), queries.FAR_PAST)
    texts = dict.fromkeys(queries.filters(run.contract), "contract") | later
    ordered = [run.query(order=order) for order in run.contract.listing.orders[:1]]
    return [*ordered, *(run.query(where={name: text}) for name, text in texts.items())]


@pytest.mark.sharp
@needs(queries.refusals_of_list)
@for_each("texts", partial(_sizes, are_right=False), together=True)
def test_page_size_beyond_its_limits_is_refused(run: Run, texts: list[str]) -> None:
    """list, parameters: the schema of the page size decides."""
    _require_refused(run, texts, {})


@needs(queries.refusals_of_list, _has_page_size)
def test_page_size_is_refused_whatever_stands_beside_it(run: Run, family: pages.Family) -> None:
    """list, parameters: the schema of the page size decides, also on a later page, in an order and beside a filter."""
    for beside in (_second_page(run), *_beside(run)):
        _require_refused(run, _sizes(run.contract, are_right=False)[: 2 if run.is_brief else None], beside)


@needs("read", queries.has_page_token, lambda contract: is_guarded(contract, "list"))
def test_later_page_needs_the_key(run: Run, judge: Judge, family: pages.Family) -> None:
    """list, security: what leads to a later page stands for no key."""
    path, query = run.contract.operation("list").path, run.query(size=pages.nearest_size(run, 1)) | _second_page(run)
    require(judge.answer("list", run.api.send("GET", path, params=query, key=WRONG_KEY), 401))


@for_each("text", partial(_sizes, are_right=True))
def test_page_holds_at_most_as_many_as_asked_for(run: Run, judge: Judge, family: pages.Family, text: str) -> None:
    """list, parameters: the schema of the page size decides; a page holds so many at most."""
    paging = run.api.shape.paging

    def look() -> list[Finding]:
        page = run.api.list(**{str(paging.size): text})
        require(judge.success("list", page))
        shown = len(page.items)
        is_short = shown < min(int(text), len(family)) and paging.token is not None
        if is_short and run.is_last(page) and run.contract.promises_that("whole_list"):
            return pages.Walk(run, [page]).unlisted(f"a page of {text} holds only {shown}, and names no next one")
        return pages.too_long(run, page, int(text))

    run.at_last(look)


@needs("whole_list", queries.shows_every_item)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_show_every_item_once(run: Run, family: pages.Family, size: int) -> None:
    """x-promises/whole_list: turning the pages shows every item once; a page leads on, never back."""
    run.at_last(partial(pages.misshown, run, family, size))


@needs("whole_list", queries.shows_every_item)
def test_pages_are_turned_where_the_last_is_full(run: Run, family: pages.Family) -> None:
    """x-promises/whole_list: turning the pages shows every item once, also where all of them are full."""
    first = run.api.list(**run.query(size=pages.nearest_size(run)))
    if run.is_last(first):  # of a longer list half is no page
        listed = len(first.items)
        with run.item(**run.full_body()) if listed % 2 else nullcontext():
            run.at_last(lambda: pages.misshown(run, family, (listed + 1) // 2))


@pytest.mark.many_requests
@needs("whole_list", "remove", queries.shows_every_item)
def test_many_items_are_listed_and_found(run: Run, family: pages.Family) -> None:
    """x-promises/whole_list: turning the pages shows every item once, however many pages that takes, and where no size is asked for; x-promises/filters_find: a filter finds the oldest of many."""
    with ExitStack() as stack:
        # So many that a page without a size, or a search that ends with the newest, may leave some out.
        free = min(24, run.api.most_items) - len(run.api.created.alive)
        many = [*family, *(stack.enter_context(run.item()) for _ in range(free))]
        for size in (2, None, pages.LARGEST):
            run.at_last(partial(pages.misshown, run, many, size))
        if run.contract.promises_that("filters_find") and queries.has_name_filter(run.contract):
            pages.require_found(run, family[:1], str(run.contract.run_name))


def _writes(contract: Contract) -> list[str]:
    """Return what may be written just before a list is asked for."""
    can_update = contract.has("update", "read")
    changed = ["update"] if can_update and changeable_fields(contract) else []
    refused = ["refused-update"] if can_update and fields_with_faults(contract) else []
    return [*changed, *refused, *(["removal"] if contract.has("remove") else [])]


@needs("whole_list", queries.shows_every_item)
@for_each("write", _writes)
def test_pages_show_every_item_whatever_was_written_last(run: Run, family: pages.Family, write: str) -> None:
    """x-promises/whole_list: turning the pages shows every item once, after each kind of write."""
    further: pages.Family = []
    if write == "update":
        change(run, family[2])
    elif write == "refused-update":
        family[2].refuses(plainly_spoilt(family[2], fields_with_faults(run.contract)[0]))
    else:
        gone, further = run.create(), [run.create()]
        run.api.remove(gone.item_id)
    known = [*family, *further]
    run.at_last(lambda: pages.misshown(run, known, 2) or pages.walk(run).unlike_reads(known))
    for member in further:
        run.api.remove(member.item_id)


@needs("whole_list", queries.has_page_token, queries.has_name_filter)
def test_last_page_has_no_next(run: Run, family: pages.Family) -> None:
    """x-promises/whole_list: the last page that holds an item names no next one, also where it is full."""
    name = str(run.contract.run_name)

    def look(size: int | None) -> list[Finding]:
        shown = pages.turned(run, run.query(size=pages.nearest_size(run, size), where={name: family[0].last[name]}))
        promise = "the last page that holds an item names no next one"
        problem = "the last page that holds an item names a next one, which is empty"
        is_empty = run.is_last(shown.pages[-1]) and not shown.pages[-1].items and bool(shown.items)
        return shown.unlisted(problem, promise) if is_empty else []

    for size in (pages.LARGEST, 1):
        run.at_last(partial(look, size))


@needs("whole_list", queries.shows_every_item)
def test_all_pages_show_no_item_twice(run: Run, family: pages.Family) -> None:
    """x-promises/whole_list: turning the pages shows every item once, also on the pages after those of this run."""

    def look() -> tuple[pages.Walk, list[Finding]]:
        shown = pages.turned(run, run.query(size=pages.nearest_size(run)), pages.BRIEF_PAGES)
        twice = shown.twice(family)
        return shown, shown.unlisted(f"items come back on later pages: {twice}") if twice else []

    run.at_last(lambda: pages.unless_moved(run, look))


@needs("whole_list", queries.shows_every_item, _has_page_size)
@for_each("order", lambda contract: [None, *contract.listing.orders], ids=str)
def test_large_pages_show_what_larger_ones_show(run: Run, family: pages.Family, order: str | None) -> None:
    """x-promises/whole_list: turning large pages shows every item once, of whoever: each that pages of another size show before and after."""
    size = pages.nearest_size(run) or pages.LARGEST
    half = max(size // 2, 1)

    def look() -> list[Finding]:
        before = pages.turned(run, run.query(size=size, order=order), 2)
        if len(before.ids) <= half:
            return []
        shown = pages.turned(run, run.query(size=half, order=order), 3)
        is_whole = run.is_last(before.pages[-1]) and run.is_last(shown.pages[-1])
        # Where more follow, both may end among items that are alike.
        most = None if is_whole else min(len(before.ids), len(shown.ids)) * 3 // 4
        parted = {*before.ids[:most]} - {*shown.ids} | {*shown.ids[:most]} - {*before.ids}
        twice = len(shown.ids) - len({*shown.ids})
        if not (parted or twice) or pages.turned(run, run.query(size=size, order=order), 2).ids != before.ids:
            return []
        problem = f"pages of {half} and of {size} do not both show {len(parted)} items, {twice} items come twice"
        return shown.unlisted(f"{problem}, ordered by {order}")

    run.at_last(look)


MADE_UP = ("contract-test", "made up", "bm90IGEgdG9rZW4=", "@@@", "é語😀", "-_=", "x" * 2_000)


@needs("whole_list", queries.has_page_token)
def test_made_up_page_token_leads_nowhere(run: Run, judge: Judge, shared_item: ItemUnderTest) -> None:
    """x-promises/whole_list: a made-up page token is refused, or leads to an empty page, whatever stands beside it."""
    size, refusals = run.query(size=pages.nearest_size(run, 5)), queries.refusals_of_list(run.contract) or (400, 422)
    beside, name = [{}, *_beside(run), *(size | each for each in _beside(run))], str(run.api.shape.paging.token)
    own = _second_page(run).get(name, "")
    for token in MADE_UP if own.isdecimal() else (*MADE_UP, "1"):
        for query in (size, *(run.chance(token).sample(beside, 1) if run.is_brief else beside)):
            page = run.api.list(**{name: token}, **query)
            require(judge.success("list", page, *refusals))
            if page.was_accepted and page.items:
                problem = f"the made-up page token {token[:80]!r} shows items"
                require(pages.Walk(run, [page]).unlisted(problem, "a made-up page token is refused or finds nothing"))
    for at, other in ((0, "é"), (len(own) // 2, "A"), (len(own) - 1, "=")) if own else ():
        page = run.api.list(**{name: f"{own[:at]}{other}{own[at + 1 :]}"}, **size)  # it may lead somewhere
        require(judge.success("list", page, *refusals))
