"""
The whole contract in few requests, each of which can show many faults: what is broken shows within the first second.

Each promise is held again, closely and one at a time, in the file that bears its name.
"""

import time
from dataclasses import replace
from itertools import chain, zip_longest
from random import Random
from typing import Any

import pytest

from contract_tests.checks import selections, wrong_requests
from contract_tests.checks.account_findings import doubled, listed_otherwise
from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.covering.plan import respelled
from contract_tests.checks.creations import Body, create_values, is_right, joined, made, not_made, smallest
from contract_tests.checks.item_under_test import Item, ItemUnderTest, Rejection, object_of
from contract_tests.checks.judge import BROKEN, Finding, Judge, require, until_next
from contract_tests.checks.listing.queries import has_name_filter, shows_every_item, wrong_query
from contract_tests.checks.run import Run
from contract_tests.checks.updates import allowed, allowed_part, other_values, plainly_spoilt, possible, spoilt
from contract_tests.generation.boundaries import Boundary, boundaries, good_values, plain_fault, to_json
from contract_tests.generation.contexts import SPELLINGS
from contract_tests.generation.corpus import NUMBERS, PARTS, TEXTS
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field
from contract_tests.transport.exchange import Exchange

pytestmark = pytest.mark.sharp

# As many updates as an enum of twenty values needs.
ROWS = 22
# So many invalid values of all fields, and so many of each field at least, where few requests may be sent.
MOST_REFUSED, LEAST_OF_A_FIELD = 100, 4
# What texts may lose at an end.
ENDS = ("a 100%", TEXTS["mixed-ends"])
KEYS = (
    "empty",
    "wrong",
    "truncated",
    "extended",
    "other-case",
    "last-changed",
    "bearer",
    "quoted",
)  # those that tell most


def _good(contract: Contract, tried: Field) -> list[tuple[str, Any]]:
    """Return valid values of a field, each with its JSON text: what shows most first."""
    limits = [value for value in boundaries(contract, tried) if value.accepted and value.value is not None]
    corpus = [*(TEXTS.values() if contract.promises_that("exact_text") else ()), *NUMBERS]
    known = [(to_json(value), value) for value in corpus if contract.accepts_value(tried, value)]
    if selections.is_unlimited(tried) and known:
        # A text without limits can carry every awkward text at once, and its longest stands for the shorter ones.
        whole = "\n".join((*PARTS.values(), "100%"))  # one of them shows its fault at the end
        both_ends = chain(*zip(reversed(limits), limits, strict=True))
        by_turns = zip_longest([(to_json(whole), whole), *known[1::3]], [(v.token, v.value) for v in both_ends])
        return [pair for pair in chain(*by_turns) if pair is not None]
    ends = ENDS if contract.promises_that("exact_text") else ()
    known = [*((to_json(text), text) for text in ends if contract.accepts_value(tried, text)), *known[::3]]
    smoke, others = ([(v.token, v.value) for v in limits if v.is_smoke is wanted] for wanted in (True, False))
    return [*smoke, *(pair for pair in chain(*zip_longest(others, known)) if pair is not None)]


def _listed_rows(run: Run) -> list[Item]:
    """Return sets of listed values that go together, as far as an update has their fields."""
    names = selections.listed_fields(run.contract)
    return [{name: value for name, value in row.items() if name in names} for row in run.listed.combinations()]


def _accept_rows(run: Run, item: ItemUnderTest) -> Exchange | None:
    """Send bodies that try a further value of every field but one at a time; where few requests may be sent, written in every way."""
    fields = selections.free_fields(item.contract)
    good = {tried.name: values for tried in fields if (values := _good(item.contract, tried))}
    rows, exchange = _listed_rows(run), None
    for row in range(ROWS):
        left_out = fields[row % len(fields)].name if row % 2 else None
        chosen = {name: some[row % len(some)] for name, some in good.items() if name != left_out}
        listed = rows[row % len(rows)] if left_out and rows else {}  # so that one field of all is left out
        body = allowed_part(item, {**listed, **{name: value for name, (_, value) in chosen.items()}})
        if body is not None:
            tokens = {n: token for n, (token, value) in chosen.items() if n in body and body[n] is value}
            how = SPELLINGS[row % len(SPELLINGS) if run.is_brief else 0]
            exchange = item.accepts(body, token=respelled(item.body(body, tokens), how))
    return exchange


@needs("create", "read", "update", selections.free_fields)
def test_every_field_takes_many_values(run: Run, other_item: ItemUnderTest, shared_item: ItemUnderTest) -> None:
    """update, requestBody: valid values of all fields are accepted together, stored, and read back unchanged."""
    judge, exchange = run.judge, shared_item.accepts(allowed(shared_item, run.full_body("update", 1)))
    first, began = shared_item.last, time.monotonic()
    own = {run.contract.resource.id_name: (shared_item.item_id,), **judge.reader.made_of_others(first)}
    if exchange.item:
        require(judge.shows(exchange, exchange.item, own, "what is made of the id shows it"))
    last = _accept_rows(run, shared_item) or exchange
    require(other_item.unmoved(other_item.last, last, "isolation"))
    for name in judge.reader.moving:
        require(_standing_still(judge, last, name, first, shared_item.last, time.monotonic() - began))


def _standing_still(
    judge: Judge, exchange: Exchange, name: str, first: Item, last: Item, seconds: float
) -> list[Finding]:
    """Find what many updates have not moved, though a time is printed fine enough to show it."""
    seen = [item.get(name) for item in (first, last)]
    is_time = name in judge.reader.moving_times
    steps = [until_next(text) if is_time else 0.0 for text in seen if text]
    if len(steps) == 2 and (seen[0] != seen[1] or seconds < 2 * max(steps)):
        return []
    problem = f"{name} reads {seen[0]} after one update and {seen[1]} after {ROWS} more, {seconds:.1f} s later"
    return [Finding(BROKEN, problem, f"{name} moves with an update", f"{judge.clause_of(name)}/x-changes", exchange)]


def _smoke(contract: Contract) -> dict[str, list[Boundary]]:
    faults = chain(*(selections.faults_of(contract, tried) for tried in contract.fields("update").values()))
    return selections.by_field(value for value in faults if value.is_smoke)


def _in_company(run: Run, item: ItemUnderTest, fault: Boundary, chance: Random) -> Rejection:
    """Return an update that one value spoils: alone, or before or after valid values and nulls of some other fields."""
    others = [tried for tried in selections.free_fields(run.contract) if tried.name != fault.field.name]
    some = chance.sample(others, min(len(others), chance.choice((0, 0, 1, 2, 9))))
    values = {f.name: [*good_values(run.contract, f), *([None] if f.is_nullable else [])] for f in some}
    body = possible(item, {name: chance.choice(good) for name, good in values.items()})
    rejection = spoilt(item, fault, body, at=chance.choice((0, None)))
    return replace(rejection, token=respelled(str(rejection.token), chance.choice(SPELLINGS)))


@needs("create", "read", "update")
@for_each("name", _smoke)
def test_values_beyond_each_limit_are_refused(run: Run, shared_item: ItemUnderTest, name: str) -> None:
    """update, requestBody: the schema of the field decides; one value of a body is wrong, and together they change nothing."""
    smoke, chance = _smoke(run.contract), run.chance(f"limits of {name}")
    if not run.is_brief:
        shared_item.refuses(*(spoilt(shared_item, value) for value in smoke[name]))
        return
    share, known = MOST_REFUSED / sum(map(len, smoke.values())), smoke[name]
    chosen = chance.sample(known, min(len(known), max(round(share * len(known)), LEAST_OF_A_FIELD)))
    shared_item.refuses(*(_in_company(run, shared_item, value, chance) for value in chosen[::2]))
    clearing = {tried.name: None for tried in selections.clearing_fields(run.contract)}
    is_bare = all(shared_item.last.get(other) is None for other in clearing)
    if body := allowed_part(shared_item, run.full_body("update") if is_bare else clearing):
        shared_item.accepts(body)
    shared_item.refuses(*(_in_company(run, shared_item, value, chance) for value in chosen[1::2]))


@needs("create", "read", "update", selections.nullable_fields)
def test_null_follows_the_rule_of_each_field(run: Run, shared_item: ItemUnderTest) -> None:
    """update, x-on-null: all at once, then one by itself, then beside values."""
    names = [tried.name for tried in selections.nullable_fields(run.contract)]
    first, last = names[0], names[-1]
    full, other = (run.full_body("update", index) for index in (1, 2))
    for wanted in (full, dict.fromkeys(names), other, {first: None}, {**full, first: None, last: None}):
        body = allowed_part(shared_item, wanted)
        if body is not None:
            shared_item.accepts(body)


def _ends(run: Run) -> dict[str, list[Any]]:
    """Return by field its limits, or its values where it has none; what cannot be cleared comes first."""
    clearing, found = selections.clearing_fields(run.contract), dict[str, list[Any]]()
    for tried in sorted(selections.free_fields(run.contract), key=clearing.__contains__):
        limits = [v.value for v in boundaries(run.contract, tried) if v.accepted and v.is_smoke and v.value is not None]
        found[tried.name] = limits or good_values(run.contract, tried)
    listed = {name: [value] for row in _listed_rows(run)[:1] for name, value in row.items()}
    return {**listed, **found}


@needs("create", "read", "update", selections.clearing_fields)
def test_field_is_set_where_nothing_else_is(run: Run, shared_item: ItemUnderTest) -> None:
    """update, requestBody: the schema of a field decides, also alone in a body and where the item holds nothing that can be cleared."""
    ends = _ends(run)
    nulls = dict.fromkeys(tried.name for tried in selections.clearing_fields(run.contract))
    for names, end in ((ends, 0), (reversed(ends), -1)):
        for wanted in (nulls, *({name: ends[name][end]} for name in names)):
            if body := allowed_part(shared_item, wanted):
                shared_item.accepts(body)


@needs("create", "read", "update", "atomic", selections.fields_with_faults)
def test_refused_update_changes_nothing(run: Run, shared_item: ItemUnderTest) -> None:
    """x-promises/atomic: a refused body changes nothing at all, also when some of its fields were valid or null."""
    nulls = {tried.name: None for tried in selections.clearing_fields(run.contract)}
    valid = other_values(shared_item) if selections.changeable_fields(run.contract) else {}
    every = selections.fields_with_faults(run.contract)
    faulty = [tried for tried in every if tried.is_free] or every
    wrongs = []
    for tried in (faulty[0], faulty[-1]):
        for others in (valid, nulls):
            rest = possible(shared_item, {n: v for n, v in others.items() if n != tried.name}) or {}
            wrongs += [plainly_spoilt(shared_item, tried, rest, is_first=is_first) for is_first in (True, False)]
    shared_item.refuses(*wrongs)


def _is_strict(contract: Contract) -> bool:
    return contract.promises_that("strict_json") or contract.promises_that("strict_media_types")


@needs("create", "read", "update")
@needs(_is_strict, wrong_requests.known_good)
def test_body_that_is_no_json_object_is_refused(run: Run, shared_item: ItemUnderTest) -> None:
    """x-promises/strict_json: malformed JSON, JSON that is no object, and other media types are refused, and change nothing."""
    wrongs: list[Rejection] = []
    if run.contract.promises_that("strict_json"):
        bodies = [*wrong_requests.malformed(run.contract), *wrong_requests.no_object(run.contract)]
        wrongs += [wrong_requests.no_json(shared_item, body) for body in bodies if body.name in wrong_requests.TELLING]
    if run.contract.promises_that("strict_media_types"):
        types = wrong_requests.other_types(run.contract)
        wrongs += [wrong_requests.other_type(shared_item, kind) for kind in types if kind in wrong_requests.TELLING]
    shared_item.refuses(*wrongs)


@needs("create", "read", "update", selections.guarded_operations)
def test_wrong_key_is_refused(run: Run, judge: Judge, shared_item: ItemUnderTest) -> None:
    """security: every operation needs the whole key and nothing but the key, before anything else."""
    contract, guarded, before, found = run.contract, selections.guarded_operations(run.contract), shared_item.last, []
    calls = [(name, key) for name in guarded for key in wrong_requests.wrong_keys(contract, "missing")]
    near = wrong_requests.wrong_keys(contract, "extended", "other-case", "truncated", "spaced", "last-changed")
    near = run.chance("near keys").sample(near, 2)
    calls += [(name, near[index % 2]) for index, name in enumerate(guarded) if name != "update"]
    calls += [("update", key) for key in wrong_requests.wrong_keys(contract, *KEYS) if "update" in guarded]
    for name, key in calls:
        exchange, more = wrong_requests.call_wrongly(run, name, shared_item.item_id, key)
        run.discard(exchange)
        found += more
    is_first = contract.promises_that("key_before_anything")
    if "update" in guarded and is_first:
        update, path = contract.operation("update"), run.api.shape.path_of(run.api.absent_id())
        wrong = {f.name: plain_fault(contract, f).token for f in selections.fields_with_faults(contract)}
        for body in ("{", object_of(wrong), "{}"):
            exchange = run.api.send(update.method, path, body=body, content_type=update.body_type, key=None)
            found += judge.answer("update", exchange, 401)
    if "list" in guarded and is_first:
        bearer = [("authorization", f"Bearer {run.api.target.api_key}")]
        headers = bearer if contract.key.kind in ("header", "query", "cookie") else []
        path, params = contract.operation("list").path, wrong_query(contract)
        exchange = run.api.send("GET", path, params=params, headers=headers, key=None)
        found += judge.answer("list", exchange, 401)
    require(found + shared_item.unmoved(before, exchange))


@needs("create", "read", "update", selections.listed_fields)
def test_listed_values_stay_together(run: Run, shared_item: ItemUnderTest) -> None:
    """update, x-values-from: a value is one that is listed, and goes with what the item has in the other fields."""
    rows = run.listed.combinations()
    shared_item.accepts(allowed(shared_item, rows[0]))
    wrongs: list[Rejection] = []
    for name in selections.listed_fields(run.contract):
        bodies = [{name: value} for value in (run.listed.unknown(name), *run.listed.near(name, rows[0][name])[:3])]
        # A value that does not go with what is stored, and a new value that what is stored does not go with.
        foreign = run.listed.mismatches(name, shared_item.last)[:1]
        foreign += [row[name] for row in rows if run.listed.wrong({**shared_item.last, name: row[name]})][:1]
        bodies += [body for value in foreign for body in ({name: value}, {**rows[0], name: value})]
        wrongs += [wrong_requests.unlisted(shared_item, name, body) for body in bodies]
    shared_item.refuses(*wrongs)
    other = max(rows, key=lambda row: sum(value != rows[0][name] for name, value in row.items()))
    shared_item.accepts(allowed(shared_item, dict(reversed(other.items()))))


def _right_bodies(run: Run) -> list[Body]:
    contract, own = run.contract, {run.contract.run_name: f"{run.api.new_name()} "}
    nulls = {tried.name: None for tried in selections.optional_fields(contract) if tried.is_nullable}
    found = [run.full_body(index=1), smallest(run), *([joined(run, nulls)] if nulls else [])]
    texts = [tried for tried in contract.fields("create").values() if tried.is_free and "string" in tried.types]
    for turn in range(len(ENDS)) if contract.promises_that("exact_text") else ():
        ends = {f.name: own.get(f.name, "") + ENDS[(turn + at) % len(ENDS)] for at, f in enumerate(texts)}
        found.append(joined(run, {f.name: ends[f.name] for f in texts if contract.accepts_value(f, ends[f.name])}))
    return [body for body in found if is_right(run, body)]


def _telling(run: Run, faults: list[Boundary], most: int) -> list[Boundary]:
    """Return of each keyword, inside a field too, the value that tells most, and one of its others."""
    by_keyword: dict[tuple[str, str], list[Boundary]] = {}
    for value in sorted(faults, key=lambda value: not value.is_smoke):
        by_keyword.setdefault((value.path, value.keyword), []).append(value)
    firsts, chance = [some[0] for some in by_keyword.values()], run.chance("wrong creates")
    return [*firsts, *(chance.choice(some[1:]) for some in by_keyword.values() if some[1:])][:most]


def _wrong_bodies(run: Run) -> list[tuple[Field, Body]]:
    full, wrong = run.full_body(index=1), selections.by_field(v for v in create_values(run.contract) if not v.accepted)
    fields, found = run.contract.fields("create"), list[tuple[Field, Body]]()
    most = max(MOST_REFUSED // 2 // len(fields), LEAST_OF_A_FIELD)
    for name, tried in fields.items():
        faults = [value for value in wrong.get(name, ()) if value.is_readable]
        found += [(tried, {**full, name: value.value}) for value in _telling(run, faults, most)]
        if tried.is_required:
            found.append((tried, {other: value for other, value in full.items() if other != name}))
            found += [] if tried.is_nullable else [(tried, {**full, name: None})]
    listed = selections.listed_fields(run.contract, "create")
    return [*found, *((tried, {**full, n: run.listed.unknown(n)}) for n, tried in listed.items())]


@needs("create", "read")
def test_creation_is_held_to_the_same(run: Run) -> None:
    """create, requestBody: every field that is accepted is stored, few are required, and one wrong field refuses the whole."""
    name, found = run.contract.run_name, []
    is_one = run.contract.promises_that("create_stores_everything") and run.contract.has("list")
    for index, body in enumerate(_right_bodies(run)):
        exchange = run.api.create(to_json(body))
        found += doubled(run, exchange, body[name]) if index == 0 and name is not None and is_one else []
        require(found + made(run, body, exchange))
    for tried, body in _wrong_bodies(run):
        found += not_made(run, body, tried.promise, tried.pointer, tried.name, is_plain=False)
    require(found)


@needs("create", "read", "update", "list", "list_shows_items", has_name_filter)
def test_list_shows_the_same_as_reading(run: Run, judge: Judge, shared_item: ItemUnderTest) -> None:
    """x-promises/list_shows_items: an item is found by its exact name, with every field as a read shows it."""
    field = str(run.contract.run_name)
    spaced, plain = {field: f"{run.api.new_name()} in a list"}, {field: run.api.new_name()}
    cleared = {tried.name: None for tried in selections.clearing_fields(run.contract)}

    def look() -> list[Finding]:
        name = shared_item.last[field]
        for page in run.pages(40, **run.query(where={field: name})):
            if any(run.api.shape.id_of(item) == shared_item.item_id for item in page.items):
                return listed_otherwise(run, [shared_item], page.items, page, is_whole=False)
        if not run.contract.promises_that("filters_find"):
            return []
        return [judge.promised("filters_find", f"{name!r} is not found", "a filter finds the exact name", page)]

    for beside in ({}, cleared) if cleared else ({},):
        body = allowed_part(shared_item, {**beside, **spaced})
        shared_item.accepts(body or allowed(shared_item, {**beside, **plain}))
        run.at_last(look)


def _has_small_pages(contract: Contract) -> bool:
    size = contract.listing.paging.size
    return size is not None and contract.accepts_value(size, 1)


@needs("create", "list", "whole_list", shows_every_item)
@needs(_has_small_pages)
def test_pages_follow_each_other(run: Run, other_item: ItemUnderTest, shared_item: ItemUnderTest) -> None:
    """x-promises/whole_list: a page holds at most what is asked for, in the order asked for, and leads on to others."""
    # Oldest first, where there is such an order: an item that somebody makes meanwhile comes last.
    order = next((order for order in run.contract.listing.orders if order == selections.birth_time(run.contract)), None)

    def look() -> list[Finding]:
        query, id_of, seen = run.query(size=1, order=order), run.api.shape.id_of, list[Any]()
        for page in run.pages(40, **query):
            shown = [id_of(item) for item in page.items]
            if shown and shown == seen and [id_of(item) for item in run.api.list(**query).items] != seen:
                return []  # somebody makes items, and where pages have a number each moves those after it
            if len(shown) > 1 or (shown and shown == seen):
                problem = f"pages of one item hold {[seen, shown]}"
                return [run.judge.promised("whole_list", problem, "a page leads on to others", page)]
            seen += shown
            if len(seen) > 1:
                return []
        problem = f"the pages of one item end after {seen}, and there are two or more"
        return [run.judge.promised("whole_list", problem, "turning the pages shows every item once", page)]

    run.at_last(look)
