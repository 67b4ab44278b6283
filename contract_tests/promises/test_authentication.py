"""Who may call: without the right key every operation answers 401, before anything else, and shows nothing."""

import base64
import json
import re
from itertools import cycle
from typing import Any
from urllib.parse import quote, unquote

import pytest

from contract_tests.checks.conditions import Condition, for_each, needs
from contract_tests.checks.item_under_test import ItemUnderTest, object_of
from contract_tests.checks.judge import BROKEN, Finding, Judge, require
from contract_tests.checks.listing.queries import has_name_filter, wrong_query
from contract_tests.checks.run import Run
from contract_tests.checks.selections import (
    changeable_fields,
    fields_with_faults,
    guarded_operations,
    is_guarded,
)
from contract_tests.checks.wrong_requests import WRONG_KEY, Key, call_wrongly, wrong_keys
from contract_tests.generation.boundaries import good_values, plain_fault, to_json
from contract_tests.spec.contract import Contract
from contract_tests.transport.exchange import Exchange

PROMISE = "a request without the right key gets 401, whatever else is right or wrong with it"
# Where careless servers look for a key.
QUERY_NAMES = ("api_key", "apikey", "key", "x-api-key", "X-API-Key", "access_token", "token")
PLACES = ("authorization", "basic", "cookie", "other-header", "body")
TELLING = ("empty", "wrong", "truncated", "extended", "other-case", "space-inside", "spaced")


def _guarded(*roles: str) -> Condition:
    """Return the condition that the contract says what some operations answer without the right key."""
    return lambda contract: all(is_guarded(contract, role) for role in roles)


def _refused(run: Run, item: ItemUnderTest, name: str, keys: list[Key]) -> list[Finding]:
    before, found = item.last, []
    for key in keys:
        exchange, more = call_wrongly(run, name, item.item_id, key)
        found += more
    return found + item.unmoved(before, exchange)


def _words(*texts: object) -> set[str]:
    return set(re.findall(r"\b[^\W\d]+\b", unquote(" ".join(map(str, texts)))))


def _told(some: list[Exchange], others: list[Exchange]) -> str:
    """Return the words that each of some errors has and none of the others, nor a request; numbers say nothing."""
    words = set.intersection(*(_words(answer.json) for answer in some))
    return " ".join(sorted(words - _words(*(each.path for each in some), *((each.path, each.json) for each in others))))


@pytest.mark.many_requests
@needs("update", "read", _guarded("update"))
@for_each("keys", wrong_keys, together=True)
def test_wrong_key_is_refused_and_changes_nothing(run: Run, other_item: ItemUnderTest, keys: list[Key]) -> None:
    """update, security: an update needs the key, the whole key and nothing but the key."""
    require(_refused(run, other_item, "update", keys))


def _sorts_of_keys(contract: Contract) -> list[Any]:
    """Return the keys that tell most, for one test, and all others."""
    telling = wrong_keys(contract, *TELLING)
    others = [key for key in wrong_keys(contract) if key not in telling]
    return [pytest.param(telling, id="telling"), pytest.param(others, id="others", marks=pytest.mark.many_requests)]


@pytest.mark.all_parameters
@needs("read")
@for_each("keys", _sorts_of_keys)
@for_each("name", lambda contract: [name for name in guarded_operations(contract) if name != "update"])
def test_every_operation_needs_the_key(run: Run, other_item: ItemUnderTest, name: str, keys: list[Key]) -> None:
    """security: every operation needs the key; without it nothing is shown, made, or removed."""
    require(_refused(run, other_item, name, keys))


@needs("create", "list", has_name_filter, _guarded("create"))
def test_refused_create_makes_nothing(run: Run, judge: Judge) -> None:
    """create, security: a create without the key answers 401, and no item of that name comes to be."""
    exchange = run.call("create", "", None)
    require(judge.answer("create", exchange, 401))
    name = json.loads(exchange.request_body)[run.contract.run_name]
    if run.named(name):
        problem = "a create that was answered 401 made an item"
        require([Finding(BROKEN, problem, PROMISE, run.contract.operation("create").pointer, exchange)])


@pytest.mark.all_parameters
@needs("key_before_anything", "read")
@for_each("name", lambda contract: [n for n in ("read", "update", "remove") if n in guarded_operations(contract)])
def test_wrong_key_does_not_show_which_items_exist(
    run: Run, judge: Judge, item: ItemUnderTest, other_item: ItemUnderTest, name: str
) -> None:
    """x-promises/key_before_anything: 401 comes before 404; without the key an item that exists looks like one that does not."""
    present, said = cycle((other_item, item)), {True: list[Exchange](), False: list[Exchange]()}
    values = (*item.last.values(), *other_item.last.values())
    # In an order that gives neither answers of its own where an API gives two, three or four in turn.
    for is_present in (True, False, False, True, False, True, True, False):
        answer = run.call(name, next(present).item_id if is_present else run.api.absent_id(), WRONG_KEY)
        request, body = unquote(answer.path), answer.body.decode("utf-8", "replace")  # what was sent may be repeated
        texts = [text for text in values if isinstance(text, str) and len(text) > 12 and text not in request]
        shown = Finding(BROKEN, "a 401 shows data of an item", PROMISE, run.contract.operation(name).pointer, answer)
        require(judge.answer(name, answer, 401) + [shown for text in texts if text in body])
        said[is_present].append(answer)
        told = {each: _told(said[each], said[not each]) for each in said if all(said.values())}
        if told and not any(told.values()):
            return
    promise = "without the key nothing shows which items exist"
    problem = f"without the key only an item is answered {told[True]!r}, and only what is none {told[False]!r}"
    require([judge.promised("key_before_anything", problem, promise, answer)])


@needs("key_before_anything", "create", "read", "remove", _guarded("read"))
@for_each("name", lambda contract: [n for n in ("read", "update") if n in guarded_operations(contract)])
def test_removed_item_needs_the_key(run: Run, judge: Judge, name: str) -> None:
    """x-promises/key_before_anything: 401 comes before 404, also where an item was until a moment ago."""
    with run.item() as item:
        run.remove(item.item_id)
        for key in (None, WRONG_KEY):
            require(judge.answer(name, run.call(name, item.item_id, key), 401))


@needs("read", _guarded("read"))
def test_cookie_is_no_key(run: Run, judge: Judge, other_item: ItemUnderTest) -> None:
    """components, securitySchemes: what an answer to the right key sets as a cookie does not stand for the key."""
    answer = run.api.read(other_item.item_id)
    cookies = re.findall(r"(?:^|, )([^=;, ]+=[^;]*)", answer.headers.get("set-cookie", ""))
    headers = [("cookie", "; ".join(cookies))] if cookies else []
    require(judge.answer("read", run.api.send("GET", other_item.path, headers=headers, key=None), 401))


def _bodies(contract: Contract) -> list[Any]:
    # The name of a run is left alone: what might be created must carry it.
    faulty = [tried for tried in fields_with_faults(contract) if tried.name != contract.run_name][:1]
    changeable = [tried for tried in changeable_fields(contract) if tried.name != contract.run_name][:1]
    found = [("malformed", "{"), ("no-object", "[]"), ("empty", ""), ("empty-object", "{}")]
    found += [("invalid-value", object_of({f.name: plain_fault(contract, f).token})) for f in faulty]
    found += [("valid", to_json({tried.name: good_values(contract, tried)[0]})) for tried in changeable]
    return [pytest.param(body, id=name) for name, body in found]


@needs("key_before_anything", "update", "create", _guarded("update", "create"))
@for_each("body", _bodies)
def test_key_is_checked_before_the_body(run: Run, judge: Judge, other_item: ItemUnderTest, body: str) -> None:
    """x-promises/key_before_anything: 401 comes before what an invalid body is answered; nothing shows what is wrong with it."""
    update, create = run.contract.operation("update"), run.contract.operation("create")
    for operation, path, name in ((update, other_item.path, "update"), (create, create.path, "create")):
        for key in (None, WRONG_KEY):
            exchange = run.api.send(operation.method, path, body=body, content_type=operation.body_type, key=key)
            require(judge.answer(name, exchange, 401))


@needs("key_before_anything", "list", wrong_query, _guarded("list"))
def test_key_is_checked_before_the_query(run: Run, judge: Judge) -> None:
    """x-promises/key_before_anything: 401 comes before what an invalid query is answered."""
    operation = run.contract.operation("list")
    exchange = run.api.send("GET", operation.path, params=wrong_query(run.contract), key=None)
    require(judge.answer("list", exchange, 401))


@pytest.mark.all_parameters
@needs("read", _guarded("read"))
@for_each("name", lambda contract: [n for n in QUERY_NAMES if (contract.key.kind, contract.key.name) != ("query", n)])
def test_key_does_not_count_in_the_query(run: Run, judge: Judge, other_item: ItemUnderTest, name: str) -> None:
    """components, securitySchemes: the scheme says where the key stands; a URL ends up in logs, so no key belongs there."""
    if not run.api.target.is_loopback:
        pytest.skip("a key in a URL would end up in somebody's logs, so this is tried on loopback only")
    exchange = run.api.send("GET", other_item.path, params={name: run.api.target.api_key}, key=None)
    require(judge.answer("read", exchange, 401))


def _places(contract: Contract) -> list[str]:
    kind, own = contract.key.kind, contract.key.name.lower()
    taken = {"bearer": "authorization", "basic": "basic", "cookie": "cookie"}.get(kind)
    if kind == "header" and own in ("authorization", "api-key"):
        taken = "authorization" if own == "authorization" else "other-header"
    is_body = "update" in guarded_operations(contract) and contract.promises_that("key_before_anything")
    return [place for place in PLACES if place != taken and (place != "body" or is_body)]


@pytest.mark.all_parameters
@needs("read", _guarded("read"))
@for_each("place", _places)
def test_key_counts_in_its_own_place_only(run: Run, judge: Judge, other_item: ItemUnderTest, place: str) -> None:
    """components, securitySchemes: the scheme says where the key stands; no other place carries it."""
    key, own = run.api.target.api_key, run.contract.key.name
    headers = {
        "authorization": ("authorization", f"Bearer {key}"),
        "basic": ("authorization", "Basic " + base64.b64encode(f"{key}:".encode()).decode()),
        "cookie": ("cookie", f"{own or 'key'}={quote(key, safe='')}"),
        "other-header": ("api-key", key),
    }
    name, body = ("update", to_json({"api_key": WRONG_KEY})) if place == "body" else ("read", None)
    method, sent = run.contract.operation(name).method, [headers[place]] if place in headers else []
    exchange = run.api.send(method, other_item.path, body=body, headers=sent, key=None)
    require(judge.answer(name, exchange, 401))


@needs("read", _guarded("read"))
def test_right_key_works_after_wrong_ones(run: Run, judge: Judge, other_item: ItemUnderTest) -> None:
    """security: wrong keys do not lock the right one out."""
    for _ in range(3):
        require(judge.answer("read", run.call("read", other_item.item_id, "contract-test-no"), 401))
    other_item.read()
