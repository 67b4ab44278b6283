"""Listing personas: pages, order, filters, and that a list tells the same as reading each persona."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from contract_tests.boundaries import boundaries
from contract_tests.contract import load_contract
from contract_tests.exchange import Exchange
from contract_tests.run import MOST_PAGES, Run
from contract_tests.subject import Subject
from contract_tests.verdict import DECISIONS, Finding, Judge, parse_time, require

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

# On an account with many personas, so many pages are turned before the search ends; more where they are to be small.
MOST_PERSONAS = 1_200
BRIEF_PAGES = 20
EVERY_ONE = "turning the pages shows every persona once"


def _sizes() -> list[Any]:
    """Return page sizes as the query spells them, each with whether the contract allows it."""
    whole = [b for b in boundaries(CONTRACT, PAGE_SIZE) if isinstance(b.value, int) and not isinstance(b.value, bool)]
    sizes = {b.token: b.accepted for b in whole if len(b.token) < 20}
    words = {"abc": False, "1.5": False, "ten": False, "-5": False, "1000": False, "1e400": False}
    return [
        pytest.param(text, ok, id=f"{text}-{'accepted' if ok else 'refused'}") for text, ok in (sizes | words).items()
    ]


def _walk(run: Run, **params: str) -> tuple[list[dict[str, Any]], Exchange]:
    """Turn the pages until the last, or until every persona of this run has come by; no page may be too long."""
    wanted, size = set(run.api.ledger.alive), int(params.get("page_size", "100"))
    personas: list[dict[str, Any]] = []
    for page in run.pages(BRIEF_PAGES if run.is_brief else max(MOST_PAGES, MOST_PERSONAS // size), **params):
        shown = page.json["personas"]
        if len(shown) > size:
            require([_broken(f"a page of {size} holds {len(shown)}", "a page holds at most page_size", page)])
        personas += shown
        if wanted <= {item["id"] for item in personas}:
            break
    return personas, page


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
    """#/paths/~1personas/get/parameters/0/schema: 1 to 100, anything else gets 400; a page holds so many at most."""
    run.tally["page_size", "accepted" if accepted else "refused"] += 1
    if not accepted:
        exchange = run.api.list_personas(page_size=text)
        promise = "page_size is a whole number from 1 to 100"
        require(
            judge.refusal("listPersonas", exchange, 400, promise=promise, clause=PAGE_SIZE.pointer, about="page_size")
        )
        return

    def look() -> list[Finding]:
        exchange = run.api.list_personas(page_size=text)
        require(judge.success("listPersonas", exchange))
        shown = len(exchange.json["personas"])
        if shown > int(text):
            return [_broken(f"a page of {text} holds {shown}", "a page holds at most page_size", exchange)]
        if shown < min(int(text), len(family)) and _is_last(exchange):
            return [_broken(f"a page of {text} holds only {shown}, and names no next one", EVERY_ONE, exchange)]
        return []

    run.at_last(look)


@pytest.mark.parametrize("size", ["1", "2", "3"])
def test_pages_show_every_persona_once(run: Run, family: list[Subject], size: str) -> None:
    """#/x-decisions/listing: turning the pages shows every persona once; a token leads on, never back."""

    def look() -> list[Finding]:
        personas, exchange = _walk(run, page_size=size)
        ids = [item["id"] for item in personas]
        for member in family:
            if ids.count(member.persona_id) > 1 or (member.persona_id not in ids and _is_last(exchange)):
                problem = f"persona {member.persona_id} comes {ids.count(member.persona_id)} times in pages of {size}"
                return [_broken(problem, EVERY_ONE, exchange)]
        if len(ids) != len(set(ids)):
            return [_broken(f"pages of {size} show a persona twice", EVERY_ONE, exchange)]
        return []

    run.at_last(look)


def test_last_page_has_no_next(run: Run, family: list[Subject]) -> None:
    """#/x-decisions/listing: the last page that holds a persona carries no next_page_token."""
    name = family[0].last["name"]

    def look() -> list[Finding]:
        pages = list(run.pages(filter=f'name="{name}"', page_size="100"))
        if _is_last(pages[-1]) and not pages[-1].json["personas"] and any(page.json["personas"] for page in pages):
            promise = "the last page that holds a persona names no next one"
            return [_broken("the last page that holds a persona names a next one, which is empty", promise, pages[-1])]
        return []

    run.at_last(look)


def test_all_pages_show_no_persona_twice(run: Run, family: list[Subject]) -> None:
    """#/x-decisions/listing: turning the pages shows every persona once, also on the pages after those of this run."""

    def look() -> list[Finding]:
        pages = list(run.pages(BRIEF_PAGES, page_size="100"))
        seen = [item["id"] for page in pages for item in page.json["personas"]]
        twice = [member.persona_id for member in family if seen.count(member.persona_id) > 1]
        return [_broken(f"personas come back on later pages: {twice}", EVERY_ONE, pages[-1])] if twice else []

    run.at_last(look)


@pytest.mark.parametrize("params", [{}, {"order_by": "-create_time"}], ids=["by-default", "asked-for"])
def test_list_is_newest_first(run: Run, family: list[Subject], params: dict[str, str]) -> None:
    """#/x-decisions/listing: newest first by default."""
    times = {member.persona_id: parse_time(member.last["create_time"])[0] for member in family}
    expected = sorted(times, key=lambda persona_id: times[persona_id], reverse=True)

    def look() -> list[Finding]:
        personas, exchange = _walk(run, page_size="100", **params)
        mine = [item["id"] for item in personas if item["id"] in times]
        found = _in_order(personas, "create_time", exchange, descending=True)
        if (
            len({*times.values()}) == len(times)
            and mine != expected
            and (len(mine) == len(times) or _is_last(exchange))
        ):
            found.append(_broken(f"five personas made in turn are listed as {mine}", "newest first", exchange))
        return found

    run.at_last(look)


def test_list_is_ordered_by_time(run: Run, family: list[Subject]) -> None:
    """#/paths/~1personas/get/parameters/3/description: ascending by the field, descending with a dash in front."""
    for index in (3, 1, 4, 0, 2):  # in another order than they were made
        member = family[index]
        member.accepts({"wait_seconds": 1.25 if member.last.get("wait_seconds") != 1.25 else 0.25})

    def look() -> list[Finding]:
        found = []
        for order in [order for order in ORDERS if order.lstrip("-") in ("create_time", "update_time")]:
            personas, exchange = _walk(run, page_size="100", order_by=order)
            found += _in_order(personas, order.lstrip("-"), exchange, descending=order.startswith("-"))
        return found

    run.at_last(look)


def _in_order(personas: list[dict[str, Any]], name: str, exchange: Exchange, *, descending: bool) -> list[Finding]:
    """Find a persona out of order; those without the time, and steps below the resolution, prove nothing."""
    times = [parse_time(item[name]) for item in personas if item.get(name) is not None]
    for (one, step), (other, other_step) in pairwise(times):
        late, early = (one, other) if descending else (other, one)
        if late + max(step, other_step) <= early:
            words = "descending" if descending else "ascending"
            return [_broken(f"{name} {one} stands before {other}", f"{words} by {name}", exchange)]
    return []


def test_list_is_ordered_by_name(run: Run, family: list[Subject]) -> None:
    """#/paths/~1personas/get/parameters/3/description: ascending; names that differ in their last letter leave no doubt."""
    stem = run.api.new_name()
    for member, letter in zip(family, "caebd", strict=True):
        member.accepts({"name": f"{stem}-{letter}"})

    def look() -> list[Finding]:
        personas, exchange = _walk(run, page_size="100", order_by="name")
        mine = [item["name"] for item in personas if item["name"].startswith(f"{stem}-")]
        return (
            [_broken(f"the names are listed as {mine}", "ascending by name", exchange)] if mine != sorted(mine) else []
        )

    run.at_last(look)


def _require_found(run: Run, member: Subject) -> None:
    """Find a persona by the name that it has now."""

    def look() -> list[Finding]:
        pages = list(run.pages(filter=f'name="{member.last["name"]}"', page_size="100"))
        if any(item["id"] == member.persona_id for page in pages for item in page.json["personas"]):
            return []
        problem = f"no persona is found by the name {member.last['name']!r}"
        return [_broken(problem, "a filter finds the persona of exactly that name", pages[-1])]

    run.at_last(look)


def test_filter_finds_the_persona_of_that_name(run: Run, family: list[Subject]) -> None:
    """#/x-decisions/listing: a filter on a name finds at least the persona of exactly that name."""
    for member in family:
        _require_found(run, member)


@pytest.mark.parametrize("order", ["create_time", "-create_time"])
def test_later_pages_keep_the_filter_and_the_order(run: Run, family: list[Subject], order: str) -> None:
    """listPersonas: filter and order_by, which are sent with every page, hold for every page, not only for the first."""
    times = [member.last["create_time"] for member in family]
    if len({parse_time(text)[0] for text in times}) < len(times):
        pytest.skip("the API prints the same create_time for personas that were made one after the other")

    def look() -> list[Finding]:
        personas, exchange = _walk(run, filter=f'create_time>"{times[1]}"', order_by=order, page_size="1")
        found = _in_order(personas, "create_time", exchange, descending=order.startswith("-"))
        shown = {item["id"] for item in personas}
        if family[0].persona_id in shown:
            found.append(_broken("a later page shows what the filter leaves out", "keep only what matches", exchange))
        if _is_last(exchange) and not {member.persona_id for member in family[2:]} <= shown:
            found.append(_broken("the pages do not show all that the filter keeps", "what matches is kept", exchange))
        return found

    run.at_last(look)


@pytest.mark.parametrize("order", ORDERS)
def test_pages_of_every_order_show_every_persona(run: Run, family: list[Subject], order: str) -> None:
    """#/x-decisions/listing: turning the pages shows every persona once, whatever the list is ordered by."""

    def look() -> list[Finding]:
        personas, exchange = _walk(run, order_by=order, page_size="2")
        ids = [item["id"] for item in personas]
        for member in family:
            if ids.count(member.persona_id) > 1:
                problem = f"persona {member.persona_id} comes {ids.count(member.persona_id)} times, ordered by {order}"
                return [_broken(problem, EVERY_ONE, exchange)]
        if _is_last(exchange) and not {member.persona_id for member in family} <= set(ids):
            return [_broken(f"the pages ordered by {order} leave a persona out", EVERY_ONE, exchange)]
        return []

    run.at_last(look)


@pytest.mark.parametrize("tail", [" with spaces", " é ü", " 語", "-dashed_and.dotted"])
def test_filter_finds_a_name_of_any_characters(run: Run, family: list[Subject], tail: str) -> None:
    """#/x-decisions/listing: a filter on a name finds at least the persona of exactly that name, now that it has this name."""
    family[3].accepts({"name": f"{run.api.new_name()}{tail}"})
    _require_found(run, family[3])


def test_filter_leaves_out_other_names(run: Run, family: list[Subject]) -> None:
    """#/paths/~1personas/get/parameters/2/description: keeps only what matches; names without a letter in common do not."""
    family[0].accepts({"name": "qqqqqqqqqqqq"})

    def look() -> list[Finding]:
        personas, exchange = _walk(run, filter=f'name="zzzz{run.api.run}zzzz"', page_size="100")
        if any(item["id"] == family[0].persona_id for item in personas):
            return [_broken("a filter shows a persona of quite another name", "keep only what matches", exchange)]
        return []

    run.at_last(look)


def test_filter_by_creation_time_keeps_the_younger(run: Run, family: list[Subject]) -> None:
    """#/paths/~1personas/get/parameters/2/examples: create_time>"..." keeps what was created after it, and only that."""
    old, far, middle = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z", family[2].last["create_time"]

    def look() -> list[Finding]:
        found = []
        personas, exchange = _walk(run, filter=f'create_time>"{far}"', page_size="100")
        if personas:
            found.append(_broken(f"personas created after {far} are listed", "keep only what matches", exchange))
        personas, exchange = _walk(run, filter=f'create_time>"{old}"', page_size="100")
        if _is_last(exchange) and not {member.persona_id for member in family} <= {item["id"] for item in personas}:
            found.append(_broken(f"personas created after {old} are missing", "what matches is kept", exchange))
        personas, exchange = _walk(run, filter=f'create_time>"{middle}"', page_size="100")
        for moment, step in (parse_time(item["create_time"]) for item in personas):
            if moment + step < parse_time(middle)[0]:
                found.append(_broken(f"{moment} is not after {middle}", "keep only what matches", exchange))
        return found

    run.at_last(look)


def test_made_up_page_token_leads_nowhere(run: Run, judge: Judge, family: list[Subject]) -> None:
    """#/x-decisions/listing: a made-up page_token gets 400 or an empty page."""
    for token in ("contract-test", "made up", "bm90IGEgdG9rZW4="):
        exchange = run.api.list_personas(page_token=token, page_size="5")
        require(judge.success("listPersonas", exchange, 400))
        if exchange.was_accepted and exchange.json["personas"]:
            problem = f"the made-up page_token {token!r} shows personas"
            require([_broken(problem, "a made-up page_token gets 400 or an empty page", exchange)])


@pytest.mark.all_parameters
@pytest.mark.parametrize("params", UNREADABLE.values(), ids=UNREADABLE)
def test_query_that_cannot_be_read_is_refused_or_passed_over(run: Run, judge: Judge, params: dict[str, str]) -> None:
    """#/paths/~1personas/get/responses: a text that says nothing to the API gets 400, or a list; it is no failure."""
    require(judge.answer("listPersonas", run.api.list_personas(page_size="5", **params), 200, 400))


def test_list_tells_the_same_as_reading(run: Run, judge: Judge, family: list[Subject]) -> None:
    """#/x-decisions/listing: a list shows a persona with the same fields as reading it, in time also after an update."""
    for member, index in zip(family, (0, 1, 2, 0, 1), strict=True):
        member.accepts({**run.full_body("updatePersona", index)})

    def look() -> list[Finding]:
        personas, exchange = _walk(run, page_size="100")
        listed, found = {item["id"]: item for item in personas}, []
        for member in family:
            expected = {name: (member.last.get(name),) for name in CONTRACT.persona_fields}
            if member.persona_id in listed:
                found += judge.shows(exchange, listed[member.persona_id], expected, "a list tells the same as reading")
            elif _is_last(exchange):
                found.append(_broken(f"{member.persona_id} is not listed", EVERY_ONE, exchange))
        return found

    run.at_last(look)


def test_listing_changes_nothing(run: Run, judge: Judge, family: list[Subject]) -> None:
    """listPersonas reads: no persona is changed by it."""
    before = family[1].last
    exchange = run.api.list_personas(page_size="100", order_by="name")
    require(judge.success("listPersonas", exchange) + family[1].unmoved(before, exchange))
