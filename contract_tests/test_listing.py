"""Listing personas: pages, order, filters, and that a list tells the same as reading each persona."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from contract_tests.boundaries import boundaries
from contract_tests.contract import load_contract
from contract_tests.exchange import Exchange
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import DECISIONS, Finding, Judge, parse_time, require, same_instant

CONTRACT = load_contract()
PAGE_SIZE = CONTRACT.query_fields("listPersonas")["page_size"]
ORDERS = CONTRACT.parameter_examples("listPersonas", "order_by")

# Any text may be sent; the schema of both parameters says no more than that.
UNREADABLE = {
    "no-such-field": {"filter": 'no_such_field="x"'},
    "no-comparison": {"filter": "create_time"},
    "open-quote": {"filter": 'name="'},
    "time-in-words": {"filter": 'create_time>"yesterday"'},
    "time-without-a-zone": {"filter": 'create_time>"2025-01-01T00:00:00"'},
    "no-such-order": {"order_by": "no_such_field"},
    "two-dashes": {"order_by": "--create_time"},
}

# On an account with many personas, so many pages are turned before the search ends.
MOST_PAGES = 12
BRIEF_PAGES = 20


def _sizes() -> list[Any]:
    """Return page sizes as the query spells them, each with whether the contract allows it."""
    whole = [b for b in boundaries(CONTRACT, PAGE_SIZE) if isinstance(b.value, int) and not isinstance(b.value, bool)]
    sizes = {b.token: b.accepted for b in whole if len(b.token) < 20}
    words = {"abc": False, "1.5": False, "ten": False, "-5": False, "1000": False, "1e400": False}
    return [
        pytest.param(text, ok, id=f"{text}-{'accepted' if ok else 'refused'}") for text, ok in (sizes | words).items()
    ]


def _page(judge: Judge, exchange: Exchange) -> list[dict[str, Any]]:
    """Return the personas of a page.

    Raises:
        Violation: The list does not answer as documented.
    """
    require(judge.success("listPersonas", exchange))
    personas: list[dict[str, Any]] = exchange.json["personas"]
    return personas


def _walk(run: Run, judge: Judge, **params: str) -> tuple[list[dict[str, Any]], Exchange]:
    """Turn the pages until the last, or until every persona of this run has come by; no page may be too long."""
    exchange = run.api.list_personas(**params)
    personas = _page(judge, exchange)
    wanted = set(run.api.ledger.alive)
    size = int(params.get("page_size", "100"))
    pages = MOST_PAGES * 100 // size
    for _ in range(min(pages, BRIEF_PAGES) if run.is_brief else pages):
        token = exchange.json.get("next_page_token")
        if not token or wanted <= {item["id"] for item in personas}:
            break
        exchange = run.api.list_personas(**params, page_token=token)
        page = _page(judge, exchange)
        if len(page) > size:
            require([_broken(f"a later page of {size} holds {len(page)}", "a page holds at most page_size", exchange)])
        personas += page
    return personas, exchange


def _is_last(page: Exchange) -> bool:
    """Say whether no page follows: only then is what has not come by left out."""
    return not page.json.get("next_page_token")


def _broken(problem: str, promise: str, exchange: Exchange) -> Finding:
    return Finding("broken", problem, promise, f"{DECISIONS}/listing", exchange)


@pytest.fixture(scope="module")
def family(run: Run) -> Iterator[list[Subject]]:
    """Five personas, made one after the other."""
    members = [run.create() for _ in range(5)]
    yield members
    for member in members:
        run.api.delete(member.persona_id)


@pytest.mark.parametrize(("text", "accepted"), _sizes())
def test_page_size_is_treated_as_the_contract_says(
    run: Run, judge: Judge, family: list[Subject], text: str, accepted: bool
) -> None:
    """listPersonas page_size: 1 to 100; anything else gets 400."""
    exchange = run.api.list_personas(page_size=text)
    run.tally["page_size", "accepted" if accepted else "refused"] += 1
    if not accepted:
        promise = "page_size is a whole number from 1 to 100"
        require(
            judge.refusal("listPersonas", exchange, 400, promise=promise, clause=PAGE_SIZE.pointer, about="page_size")
        )
        return
    personas = _page(judge, exchange)
    if len(personas) > int(text):
        require([_broken(f"a page of {text} holds {len(personas)}", "a page holds at most page_size", exchange)])
    if len(personas) < min(int(text), len(family)):
        require([_broken(f"a page of {text} holds only {len(personas)}", "a page is filled", exchange)])


def _require_at_last(look: Callable[[], list[Finding]]) -> None:
    """Pass if one of three looks finds nothing: while personas come and go, nothing is promised of pages."""
    for _ in range(3):
        found = look()
        if not found:
            return
    require(found)


@pytest.mark.parametrize("size", ["1", "2", "3"])
def test_pages_show_every_persona_once(run: Run, judge: Judge, family: list[Subject], size: str) -> None:
    """listPersonas next_page_token: turning the pages passes every persona once, newest first by default."""

    def look() -> list[Finding]:
        personas, exchange = _walk(run, judge, page_size=size)
        ids = [item["id"] for item in personas]
        for member in family:
            if ids.count(member.persona_id) > 1 or (member.persona_id not in ids and _is_last(exchange)):
                problem = f"persona {member.persona_id} comes {ids.count(member.persona_id)} times in pages of {size}"
                return [_broken(problem, "turning the pages shows every persona once", exchange)]
        if len(ids) != len(set(ids)):
            return [_broken(f"pages of {size} show a persona twice", "every persona once", exchange)]
        return []

    _require_at_last(look)


def test_last_page_has_no_next(run: Run, judge: Judge, family: list[Subject]) -> None:
    """listPersonas next_page_token: null on the last page; a token leads to personas that were not shown yet."""
    name = family[0].last["name"]
    query = {"filter": f'name="{name}"', "page_size": "100"}
    exchange = run.api.list_personas(**query)
    shown = [item["id"] for item in _page(judge, exchange)]
    token = exchange.json.get("next_page_token")
    if len(shown) < 100 and token:
        following = run.api.list_personas(**query, page_token=token)
        further = [item["id"] for item in _page(judge, following)]
        if not further or set(further) & set(shown):
            problem = f"the last page names a next one, which holds {further or 'nothing'}"
            require([_broken(problem, "null on the last page", exchange)])


def test_all_pages_show_no_persona_twice(run: Run, judge: Judge, family: list[Subject]) -> None:
    """listPersonas next_page_token: the pages end, and until then no persona comes back."""
    exchange = run.api.list_personas(page_size="100")
    seen = [item["id"] for item in _page(judge, exchange)]
    for _ in range(MOST_PAGES):
        token = exchange.json.get("next_page_token")
        if not token:
            break
        exchange = run.api.list_personas(page_size="100", page_token=token)
        seen += [item["id"] for item in _page(judge, exchange)]
    twice = [member.persona_id for member in family if seen.count(member.persona_id) > 1]
    if twice:
        require([_broken(f"personas come back on later pages: {twice}", "every persona once", exchange)])


def test_pages_end(run: Run, judge: Judge, family: list[Subject]) -> None:
    """listPersonas next_page_token: the token of a page leads to another page, never back to the same."""
    exchange = run.api.list_personas(page_size="2")
    seen: list[list[str]] = []
    while len(seen) < len(family):
        page = [item["id"] for item in _page(judge, exchange)]
        if page in seen:
            require([_broken("a page came twice while the pages were turned", "every persona once", exchange)])
        seen.append(page)
        if not exchange.json.get("next_page_token"):
            break
        exchange = run.api.list_personas(page_size="2", page_token=exchange.json["next_page_token"])
    if sum(len(page) for page in seen) < len(family):
        require([_broken(f"the pages ended after {seen}", "the pages show every persona", exchange)])


@pytest.mark.parametrize("params", [{}, {"order_by": "-create_time"}], ids=["by-default", "asked-for"])
def test_list_is_newest_first(run: Run, judge: Judge, family: list[Subject], params: dict[str, str]) -> None:
    """Decision: listing is newest first by default."""
    exchange = run.api.list_personas(page_size="100", **params)
    personas = _page(judge, exchange)
    require(_in_order(personas, "create_time", exchange, descending=True))
    shown = [item["id"] for item in personas]
    expected = [member.persona_id for member in reversed(family)]
    times = [parse_time(member.last["create_time"])[0] for member in family]
    mine = [persona_id for persona_id in shown if persona_id in expected]
    if len(set(times)) == len(times) and mine != expected:
        require([_broken(f"five personas made in turn are listed as {mine}", "newest first", exchange)])


def test_list_is_ordered_by_time(run: Run, judge: Judge, family: list[Subject]) -> None:
    """listPersonas order_by: ascending by the field, descending with a dash in front."""
    for index in (3, 1, 4, 0, 2):  # in another order than they were made
        member = family[index]
        member.accepts({"wait_seconds": 1.25 if member.last.get("wait_seconds") != 1.25 else 0.25})
    found = []
    for order in [order for order in ORDERS if order.lstrip("-") in ("create_time", "update_time")]:
        exchange = run.api.list_personas(page_size="100", order_by=order)
        found += _in_order(_page(judge, exchange), order.lstrip("-"), exchange, descending=order.startswith("-"))
    require(found)


def _in_order(personas: list[dict[str, Any]], name: str, exchange: Exchange, *, descending: bool) -> list[Finding]:
    """Find a persona out of order; those without the time, and steps below the resolution, prove nothing."""
    times = [parse_time(item[name]) for item in personas if item.get(name) is not None]
    for (one, step), (other, other_step) in pairwise(times):
        late, early = (one, other) if descending else (other, one)
        if late + max(step, other_step) <= early:
            words = "descending" if descending else "ascending"
            return [_broken(f"{name} {one} stands before {other}", f"{words} by {name}", exchange)]
    return []


def test_list_is_ordered_by_name(run: Run, judge: Judge, family: list[Subject]) -> None:
    """listPersonas order_by=name: ascending; names that differ in their last letter only leave no doubt."""
    stem = run.api.new_name()
    for member, letter in zip(family, "caebd", strict=True):
        member.accepts({"name": f"{stem}-{letter}"})
    exchange = run.api.list_personas(page_size="100", order_by="name")
    mine = [item["name"] for item in _page(judge, exchange) if item["name"].startswith(f"{stem}-")]
    if mine != sorted(mine):
        require([_broken(f"the names are listed as {mine}", "ascending by name", exchange)])


def test_filter_finds_the_persona_of_that_name(run: Run, judge: Judge, family: list[Subject]) -> None:
    """Decision: a filter on a name finds at least the persona of exactly that name."""
    for member in family:
        exchange = run.api.list_personas(filter=f'name="{member.last["name"]}"', page_size="100")
        if member.persona_id not in [item["id"] for item in _page(judge, exchange)]:
            require([_broken("a persona is not found by its own name", "exactly that name is found", exchange)])


@pytest.mark.parametrize("order", ["create_time", "-create_time"])
def test_later_pages_keep_the_filter_and_the_order(run: Run, judge: Judge, family: list[Subject], order: str) -> None:
    """listPersonas: filter and order_by hold for every page, not only for the first."""
    times = [member.last["create_time"] for member in family]
    if len({parse_time(text)[0] for text in times}) < len(times):
        pytest.skip("the API prints the same create_time for personas that were made one after the other")
    personas, exchange = _walk(run, judge, filter=f'create_time>"{times[1]}"', order_by=order, page_size="1")
    require(_in_order(personas, "create_time", exchange, descending=order.startswith("-")))
    shown = {item["id"] for item in personas}
    if family[0].persona_id in shown:
        require([_broken("a later page shows what the filter leaves out", "keep only what matches", exchange)])
    if _is_last(exchange) and not {member.persona_id for member in family[2:]} <= shown:
        require([_broken("the pages do not show all that the filter keeps", "what matches is kept", exchange)])


@pytest.mark.parametrize("order", ORDERS)
def test_pages_of_every_order_show_every_persona(run: Run, judge: Judge, family: list[Subject], order: str) -> None:
    """listPersonas next_page_token: it leads on, whatever the list is ordered by; nothing changes in between."""

    def look() -> list[Finding]:
        personas, exchange = _walk(run, judge, order_by=order, page_size="2")
        ids = [item["id"] for item in personas]
        for member in family:
            if ids.count(member.persona_id) > 1:
                problem = f"persona {member.persona_id} comes {ids.count(member.persona_id)} times, ordered by {order}"
                return [_broken(problem, "turning the pages shows every persona once", exchange)]
        if _is_last(exchange) and not {member.persona_id for member in family} <= set(ids):
            return [_broken(f"the pages ordered by {order} leave a persona out", "every persona once", exchange)]
        return []

    _require_at_last(look)


@pytest.mark.parametrize("tail", [" with spaces", " é ü", " 語", "-dashed_and.dotted"])
def test_filter_finds_a_name_of_any_characters(run: Run, judge: Judge, family: list[Subject], tail: str) -> None:
    """Decision: a filter on a name finds at least the persona of exactly that name, now that it has this name."""
    name = f"{run.api.new_name()}{tail}"
    family[3].accepts({"name": name})
    exchange = run.api.list_personas(filter=f'name="{name}"', page_size="100")
    if family[3].persona_id not in [item["id"] for item in _page(judge, exchange)]:
        require([_broken(f"no persona is found by the name {name!r}", "exactly that name is found", exchange)])


def test_filter_leaves_out_other_names(run: Run, judge: Judge, family: list[Subject]) -> None:
    """listPersonas filter: keeps only the personas that match; names without a letter in common do not."""
    family[0].accepts({"name": "qqqqqqqqqqqq"})
    exchange = run.api.list_personas(filter=f'name="zzzz{run.api.run}zzzz"', page_size="100")
    if any(item["id"] == family[0].persona_id for item in _page(judge, exchange)):
        require([_broken("a filter shows a persona of quite another name", "keep only what matches", exchange)])


def test_filter_by_creation_time_keeps_the_younger(run: Run, judge: Judge, family: list[Subject]) -> None:
    """listPersonas filter: create_time>"..." keeps what was created after that time, and only that."""
    old, far = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
    shown, _ = _walk(run, judge, filter=f'create_time>"{old}"', page_size="100")
    exchange = run.api.list_personas(filter=f'create_time>"{far}"', page_size="100")
    if _page(judge, exchange):
        require([_broken(f"personas created after {far} are listed", "keep only what matches", exchange)])
    if not {member.persona_id for member in family} <= {item["id"] for item in shown}:
        exchange = run.api.list_personas(filter=f'create_time>"{old}"', page_size="100")
        require([_broken(f"personas created after {old} are missing", "what matches is kept", exchange)])
    middle = family[2].last["create_time"]
    exchange = run.api.list_personas(filter=f'create_time>"{middle}"', page_size="100")
    for item in _page(judge, exchange):
        moment, step = parse_time(item["create_time"])
        if moment + step < parse_time(middle)[0]:
            require([_broken(f"{moment} is not after {middle}", "keep only what matches", exchange)])


def test_made_up_page_token_leads_nowhere(run: Run, judge: Judge, family: list[Subject]) -> None:
    """Decision: a page_token is opaque, and a made-up one gets 400 or an empty page."""
    for token in ("contract-test", "made up", "bm90IGEgdG9rZW4="):
        exchange = run.api.list_personas(page_token=token, page_size="5")
        require(judge.success("listPersonas", exchange, 400))
        if exchange.was_accepted and exchange.json["personas"]:
            problem = f"the made-up page_token {token!r} shows personas"
            require([_broken(problem, "a made-up page_token gets 400 or an empty page", exchange)])


@pytest.mark.all_parameters
@pytest.mark.parametrize("params", UNREADABLE.values(), ids=UNREADABLE)
def test_query_that_cannot_be_read_is_refused_or_passed_over(run: Run, judge: Judge, params: dict[str, str]) -> None:
    """listPersonas filter and order_by: a text that says nothing to the API gets 400, or a list; it is no failure."""
    require(judge.answer("listPersonas", run.api.list_personas(page_size="5", **params), 200, 400))


def test_list_tells_the_same_as_reading(run: Run, judge: Judge, family: list[Subject]) -> None:
    """Decision: a read sees the last completed write; a list shows every field as GET does, also after an update."""
    for member, index in zip(family, (0, 1, 2, 0, 1), strict=True):
        member.accepts({**run.full_body("updatePersona", index)})
    personas, exchange = _walk(run, judge, page_size="100")
    listed = {item["id"]: item for item in personas}
    for member in family:
        if member.persona_id not in listed:
            require([_broken(f"{member.persona_id} is not listed", "newest first", exchange)])
        item = listed[member.persona_id]
        names = CONTRACT.persona_fields - {"create_time", "update_time"}
        expected = {name: (member.last.get(name),) for name in names}
        require(judge.shows(exchange, item, expected, "a list tells the same as GET"))
        for name in ("create_time", "update_time"):
            if not same_instant(item.get(name), member.last.get(name)):
                problem = f"the list shows {name} {item.get(name)}, GET shows {member.last.get(name)}"
                require([_broken(problem, "a list tells the same as GET", exchange)])


def test_listing_changes_nothing(run: Run, judge: Judge, family: list[Subject]) -> None:
    """listPersonas reads: no persona is changed by it."""
    before = family[1].last
    exchange = run.api.list_personas(page_size="100", order_by="name")
    _page(judge, exchange)
    require(family[1].unmoved(before, exchange))
