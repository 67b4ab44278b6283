"""What turning the pages of a list shows, and which promises that breaks."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from contract_tests.checks.account_findings import listed_otherwise
from contract_tests.checks.item_under_test import Item, ItemUnderTest
from contract_tests.checks.judge import BROKEN, Finding, parse_time, require
from contract_tests.checks.listing.queries import times
from contract_tests.checks.run import MOST_PAGES, PAUSES_SECONDS, Run
from contract_tests.checks.selections import birth_time
from contract_tests.transport.exchange import Exchange

# On an account with many items, so many pages are turned before the search ends; more where they are to be small.
MOST_ITEMS = 1_200
BRIEF_PAGES = 12
LARGEST, FEW = 100, 5

Family = list[ItemUnderTest]


@dataclass(frozen=True)
class Walk:
    """What turning the pages has shown."""

    run: Run
    pages: list[Exchange] = field(repr=False)

    @property
    def items(self) -> list[Item]:
        """The items, in their order."""
        return [item for page in self.pages for item in page.items]

    @property
    def ids(self) -> list[Any]:
        """The ids of the items, in their order."""
        return [self.run.api.shape.id_of(item) for item in self.items]

    @property
    def others(self) -> dict[Any, Item]:
        """What others have made, by id: it moves the items of this run where it changes between two pages."""
        made, id_of = self.run.api.created.made, self.run.api.shape.id_of
        return {id_of(item): item for item in self.items if id_of(item) not in made}

    def missing(self, members: Family | None = None) -> list[Any]:
        """Return which items the pages left out, of some or of all that the run has made, as far as all were turned."""
        wanted = self.run.api.created.alive if members is None else [member.item_id for member in members]
        shown = {*self.ids}
        return [item_id for item_id in wanted if item_id not in shown] if self.run.is_last(self.pages[-1]) else []

    def twice(self, members: Family) -> list[Any]:
        """Return the items that came by more than once."""
        shown = self.ids
        return [member.item_id for member in members if shown.count(member.item_id) > 1]

    def unlisted(self, problem: str, promise: str = "turning the pages shows every item once") -> list[Finding]:
        """Tell that the pages do not show every item once."""
        return [self.run.judge.promised("whole_list", problem, promise, self.pages[-1])]

    def unfound(self, problem: str, promise: str = "a filter shows only what matches") -> list[Finding]:
        """Tell that a filter does not find what it should, or only that."""
        return [self.run.judge.promised("filters_find", problem, promise, self.pages[-1])]

    def not_newest_first(self, found: list[Finding]) -> list[Finding]:
        """Tell of an order that nobody asked for as of the promise to list the newest first."""
        promised, by = self.run.judge.promised, "newest first"
        return [promised("newest_first", each.problem, by, self.pages[-1], expects=each.expects) for each in found]

    def misordered(self, problem: str, promise: str, expects: str = "") -> list[Finding]:
        """Tell that the items stand in another order than was asked for."""
        listing, operation = self.run.contract.listing, self.run.contract.operation("list")
        place = operation.parameters.get(("query", listing.order or ""), operation.pointer)
        return [Finding(BROKEN, problem, promise, place, self.pages[-1], expects=expects)]

    def out_of_order(self, order: str | None) -> list[Finding]:
        """Find an item out of the order of a time; those without it, and steps below the resolution, prove nothing."""
        name, is_descending = (order or "").lstrip("-"), (order or "").startswith("-")
        if name not in times(self.run.contract):
            return []
        moments = [parse_time(item[name]) for item in self.items if item.get(name) is not None]
        for (one, step), (other, other_step) in pairwise(moments):
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

    def unlike_reads(self, members: Family, *, is_whole: bool = True) -> list[Finding]:
        """Find what the pages show otherwise than reads have, and what they leave out if they should be *is_whole*."""
        if not (self.run.contract.promises_that("list_shows_items") and self.run.contract.has("read")):
            return []
        return listed_otherwise(self.run, members, self.items, self.pages[-1], is_whole=is_whole)


def nearest_size(run: Run, wanted: int | None = LARGEST) -> int | None:
    """Return the size of a page that is nearest to the wanted one; None where none is wanted, or pages have none."""
    size = run.contract.listing.paging.size
    if size is None or wanted is None:
        return None
    return min(max(wanted, int(size.schema.get("minimum", 1))), int(size.schema.get("maximum", LARGEST)))


def too_long(run: Run, page: Exchange, size: int | None) -> list[Finding]:
    """Find a page that holds more than was asked for; who asks for none or fewer, as many APIs have it, leaves it to the API."""
    if size is None or size < 1 or len(page.items) <= size:
        return []
    contract, problem = run.contract, f"a page of {size} holds {len(page.items)}"
    is_promised = contract.promises_that("whole_list")
    place = contract.pointer_of_promise("whole_list") if is_promised else contract.operation("list").pointer
    expects = f"all(len(page) <= {size} for page in api.pages(answer))"
    return [Finding(BROKEN, problem, "a page holds at most what is asked for", place, page, expects=expects)]


def walk(
    run: Run, *, size: int | None = LARGEST, order: str | None = None, where: Mapping[str, str] | None = None
) -> Walk:
    """Turn the pages until the last, or until every item of this run has come by; no page may be too long."""
    wanted, asked = set(run.api.created.alive), nearest_size(run, size)
    found = Walk(run, [])
    most = BRIEF_PAGES if run.is_brief else max(MOST_PAGES, MOST_ITEMS // (asked or LARGEST))
    for page in run.pages(most, **run.query(size=asked, order=order, where=where)):
        require(too_long(run, page, asked))
        found.pages.append(page)
        if wanted <= {*found.ids}:
            break
    return found


def turned(run: Run, query: Mapping[str, str], most: int = MOST_PAGES) -> Walk:
    """Turn the pages until the last, whatever they show."""
    return Walk(run, list(run.pages(most, **query)))


def unless_moved(run: Run, look: Callable[[], tuple[Walk, list[Finding]]]) -> list[Finding]:
    """Return what a look finds, unless pages move with what others make or remove, and another look shows that they do."""
    shown, found = look()
    if found and not run.moving_pages:
        run.moving_pages.append(run.contract.listing.paging.token is None or _is_moved_by_a_create(run))
    return found if not found or not run.moving_pages[0] or look()[0].others == shown.others else []


def _is_moved_by_a_create(run: Run) -> bool:
    """Whether a token stands for a number: once an item is made, it leads to what the page before has shown."""
    if len(run.api.created.alive) >= run.api.most_items:
        return True  # nothing shows it, so what is found has to be found beside the same items of others
    query, shape = run.query(size=nearest_size(run, FEW)), run.api.shape
    for seconds in PAUSES_SECONDS[:2] * 2:  # a list may be behind, and others make items, too
        page = run.api.list(**query)
        turn, seen = shape.next_page(page.json, 0, len(page.items)), {shape.id_of(item) for item in page.items}
        if turn is None or _leads_to(run, query | turn, seen):
            continue
        with run.item(**run.full_body()):
            if _leads_to(run, query | turn, seen):
                return True
            time.sleep(seconds)
            if _leads_to(run, query | turn, seen):
                return True
    return False


def _leads_to(run: Run, query: dict[str, str], seen: set[Any]) -> bool:
    return any(run.api.shape.id_of(item) in seen for item in run.api.list(**query).items)


def misshown(run: Run, members: Family, size: int | None, order: str | None = None) -> list[Finding]:
    """Turn the pages, and find what comes twice or not at all, in no order, or otherwise than a read shows it."""
    return unless_moved(run, lambda: _misshown(run, members, size, order))


def _misshown(run: Run, members: Family, size: int | None, order: str | None) -> tuple[Walk, list[Finding]]:
    shown, found = walk(run, size=size, order=order), list[Finding]()
    birth = birth_time(run.contract) if order is None else None
    twice, missing = shown.twice(members), shown.missing()
    if twice or missing:
        found = shown.unlisted(f"in pages of {size}, ordered by {order}, {twice} come twice, {missing} not at all")
    elif order is None and len(shown.ids) != len(set(shown.ids)):
        found = shown.unlisted(f"pages of {size} show an item twice")
    if order is not None and not found:
        found = shown.out_of_order(order)
    if birth and not found and run.contract.promises_that("newest_first"):
        found = shown.not_newest_first(shown.out_of_order(f"-{birth}"))
    return shown, found or shown.unlike_reads(members, is_whole=False)


def require_found(run: Run, members: Family, name: str, *, size: int = LARGEST, order: str | None = None) -> None:
    """Filter by a value that some items have: the pages show each of them, once and in their order."""
    text = spelled(members[0].last.get(name))
    if text is None:
        return

    def look() -> list[Finding]:
        asked = nearest_size(run, size)
        query = run.query(size=asked, order=order, where={name: text})
        shown = turned(run, query)
        found = [each for page in shown.pages for each in too_long(run, page, asked)]
        found += shown.out_of_order(order) + shown.unlike_reads(members, is_whole=False)
        if shown.missing(members):  # many may have this value
            promise = "a filter finds the item that has exactly this value"
            found += shown.unfound(f"an item is not found by its {name} {text!r} in {query}", promise)
        return found

    run.at_last(look)


def spelled(value: Any) -> str | None:
    """Return a value as a query holds it; None where it has no plain spelling."""
    if not isinstance(value, (str, int, float)) or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
