"""Who may call: without the right key every operation answers 401, before anything else, and tells nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from contract_tests.boundaries import to_json
from contract_tests.contract import load_contract
from contract_tests.exchange import Exchange
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import DECISIONS, Finding, Judge, require

OPERATIONS = load_contract().operations
PROMISE = "a request without the right key gets 401, whatever else is right or wrong with it"
SPELLINGS = ("x-api-key", "X-API-Key", "X-Api-Key", "X-API-KEY")


@dataclass(frozen=True)
class Key:
    """A key that is not the account's."""

    name: str
    spoil: Callable[[str], str | None]
    """Makes it from the right one; None sends no key."""
    statuses: tuple[int, ...] = (401,)


def _other_case(key: str) -> str:
    return key.swapcase() if key.swapcase() != key else f"{key}X"


def _last_changed(key: str) -> str:
    return key[:-1] + ("a" if key[-1] != "a" else "b")


KEYS = (
    Key("missing", lambda _key: None),
    Key("empty", lambda _key: ""),
    Key("wrong", lambda _key: "contract-test-wrong-key"),
    Key("truncated", lambda key: key[:-1]),
    Key("first-character", lambda key: key[:1]),
    Key("first-half", lambda key: key[: max(len(key) // 2, 1)]),
    Key("extended", lambda key: f"{key}x"),
    Key("prefixed", lambda key: f"x{key}"),
    Key("doubled", lambda key: key + key),
    Key("other-case", _other_case),
    Key("last-changed", _last_changed),
    Key("bearer", lambda key: f"Bearer {key}"),
    Key("quoted", lambda key: f'"{key}"'),
    Key("wildcard", lambda _key: "*"),
    Key("percent", lambda _key: "%"),
    Key("null-word", lambda _key: "null"),
    Key("sql", lambda _key: "' OR '1'='1"),
    Key("list", lambda key: f"contract-test-wrong-key, {key}"),
    # A server in front may refuse the header itself: RFC 9110, section 5.5, calls such bytes obsolete.
    Key("beyond-ascii", lambda _key: "contract-test-ключ-鍵", (400, 401)),
    Key("long", lambda _key: "contract-test-" + "x" * 1_000),
    Key("reversed", lambda key: key[::-1] if key[::-1] != key else f"{key}-"),
)
SHORT_LIST = [key for key in KEYS if key.name in ("missing", "wrong", "truncated")]


def _refused(
    judge: Judge, operation_id: str, exchange: Exchange, key: str | None, statuses: tuple[int, ...] = (401,)
) -> list[Finding]:
    """Judge an answer to a stranger: 401 in its shape, and nothing in it that the stranger sent as a key."""
    found = judge.answer(operation_id, exchange, *statuses) if exchange.status != 400 or 400 not in statuses else []
    stranger = Judge(judge.contract, (key,) if key is not None else ())
    return found + [finding for finding in stranger.leaks(exchange) if finding not in found]


@pytest.fixture(scope="module")
def guarded(run: Run) -> Iterator[Subject]:
    """A persona that strangers try to reach."""
    with run.persona() as subject:
        yield subject


@pytest.mark.few_requests
def test_wrong_keys_are_refused_and_change_nothing(run: Run, judge: Judge, guarded: Subject) -> None:
    """#/components/securitySchemes/ApiKeyAuth: an update needs the key, the whole key and nothing but the key."""
    before, found = guarded.last, []
    for key in KEYS:
        spoilt = key.spoil(run.api.target.api_key)
        exchange = run.call("updatePersona", guarded.persona_id, spoilt)
        found += _refused(judge, "updatePersona", exchange, spoilt, key.statuses)
    require(found + guarded.unmoved(before, exchange))


@pytest.mark.many_requests
@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_wrong_key_is_refused_and_changes_nothing(run: Run, judge: Judge, guarded: Subject, key: Key) -> None:
    """#/components/securitySchemes/ApiKeyAuth: an update needs the key, the whole key and nothing but the key."""
    spoilt = key.spoil(run.api.target.api_key)
    before = guarded.last
    exchange = run.call("updatePersona", guarded.persona_id, spoilt)
    found = _refused(judge, "updatePersona", exchange, spoilt, key.statuses)
    require(found + guarded.unmoved(before, exchange))


@pytest.mark.parametrize("key", SHORT_LIST, ids=lambda key: key.name)
@pytest.mark.parametrize("operation_id", [name for name in OPERATIONS if name != "updatePersona"])
def test_every_operation_needs_the_key(run: Run, judge: Judge, guarded: Subject, operation_id: str, key: Key) -> None:
    """#/security: every operation needs the key; without it nothing is shown, made, or removed."""
    spoilt = key.spoil(run.api.target.api_key)
    before = guarded.last
    exchange = run.call(operation_id, guarded.persona_id, spoilt)
    found = _refused(judge, operation_id, exchange, spoilt)
    require(found + guarded.unmoved(before, exchange))


def test_refused_create_makes_nothing(run: Run, judge: Judge) -> None:
    """#/security: a create without the key answers 401, and no persona of that name comes to be."""
    body = run.full_body()
    exchange = run.api.send("POST", "/personas", body=to_json(body), key=None)
    require(judge.answer("createPersona", exchange, 401))
    listed = run.api.list_personas(filter=f'name="{body["name"]}"')
    require(judge.success("listPersonas", listed))
    made = [item for item in listed.json["personas"] if item["name"] == body["name"]]
    if made:
        require([Finding("broken", "a create that was answered 401 made a persona", PROMISE, DECISIONS, listed)])


@pytest.mark.parametrize("operation_id", ["getPersona", "updatePersona", "deletePersona"])
def test_stranger_learns_nothing_of_which_personas_exist(
    run: Run, judge: Judge, guarded: Subject, operation_id: str
) -> None:
    """Decision: 401 comes before 404; to a stranger a persona that exists looks like one that does not."""
    absent = run.call(operation_id, run.api.absent_id(), "contract-test-wrong-key")
    present = run.call(operation_id, guarded.persona_id, "contract-test-wrong-key")
    found = judge.answer(operation_id, absent, 401) + judge.answer(operation_id, present, 401)
    require(found)
    said = [answer.json["error"] for answer in (absent, present)]
    if (said[0]["code"], said[0]["message"]) != (said[1]["code"], said[1]["message"]):
        problem = f"a stranger is told {said[1]} of a persona that exists, {said[0]} of one that does not"
        require(
            [Finding("broken", problem, "a stranger learns nothing about which personas exist", DECISIONS, present)]
        )
    persona_text = [str(value) for value in guarded.last.values() if isinstance(value, str) and len(value) > 12]
    if any(text in present.body.decode("utf-8", "replace") for text in persona_text):
        require([Finding("broken", "a 401 shows data of the persona", PROMISE, DECISIONS, present)])


@pytest.mark.parametrize(
    "body",
    ["{", "[]", '{"wait_seconds": 1e9}', "", "{}", '{"wait_seconds": 1.5}'],
    ids=["malformed", "no-object", "invalid-value", "empty", "empty-object", "valid"],
)
def test_key_is_checked_before_the_body(run: Run, judge: Judge, guarded: Subject, body: str) -> None:
    """Decision: 401 comes before 400; a stranger is not told what is wrong with a body."""
    for method, path, operation_id in (
        ("PATCH", f"/personas/{guarded.persona_id}", "updatePersona"),
        ("POST", "/personas", "createPersona"),
    ):
        exchange = run.api.send(method, path, body=body, key=None)
        require(judge.answer(operation_id, exchange, 401))


def test_key_is_checked_before_the_media_type(run: Run, judge: Judge, guarded: Subject) -> None:
    """Decision: 401 comes before 400 and 415."""
    path = f"/personas/{guarded.persona_id}"
    exchange = run.api.send("PATCH", path, body="name=x", content_type="text/plain", key=None)
    require(judge.answer("updatePersona", exchange, 401))


def test_key_is_checked_before_the_query(run: Run, judge: Judge) -> None:
    """Decision: 401 comes before 400; a stranger's query is not judged."""
    exchange = run.api.send("GET", "/personas", params={"page_size": "0"}, key=None)
    require(judge.answer("listPersonas", exchange, 401))


@pytest.mark.all_parameters
@pytest.mark.parametrize("name", ["api_key", "apikey", "key", "x-api-key", "X-API-Key", "access_token", "token"])
def test_key_does_not_count_in_the_query(run: Run, judge: Judge, guarded: Subject, name: str) -> None:
    """#/components/securitySchemes/ApiKeyAuth: in: header; a URL ends up in logs, so no key belongs there."""
    if not run.api.target.is_loopback:
        pytest.skip("a key in a URL would end up in somebody's logs, so this is tried on loopback only")
    path = f"/personas/{guarded.persona_id}"
    exchange = run.api.send("GET", path, params={name: run.api.target.api_key}, key=None)
    require(judge.answer("getPersona", exchange, 401))


@pytest.mark.all_parameters
@pytest.mark.parametrize("place", ["authorization", "basic", "cookie", "other-header", "body"])
def test_key_counts_in_its_header_only(run: Run, judge: Judge, guarded: Subject, place: str) -> None:
    """#/components/securitySchemes/ApiKeyAuth: in: header, name: X-API-Key; no other place carries the key."""
    key = run.api.target.api_key
    headers = {
        "authorization": ("authorization", f"Bearer {key}"),
        "basic": ("authorization", "Basic " + base64.b64encode(f"{key}:".encode()).decode()),
        "cookie": ("cookie", f"x-api-key={quote(key, safe='')}"),
        "other-header": ("api-key", key),
    }
    exchange = run.api.send(
        "PATCH" if place == "body" else "GET",
        f"/personas/{guarded.persona_id}",
        body=to_json({"api_key": "contract-test-wrong-key"}) if place == "body" else None,
        headers=[headers[place]] if place in headers else [],
        key=None,
    )
    require(judge.answer("updatePersona" if place == "body" else "getPersona", exchange, 401))


@pytest.mark.all_parameters
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_header_name_is_read_in_any_case(run: Run, judge: Judge, guarded: Subject, spelling: str) -> None:
    """RFC 9110, section 5.1: field names are case-insensitive."""
    exchange = run.api.send("GET", f"/personas/{guarded.persona_id}", key_header=spelling)
    require(judge.success("getPersona", exchange))


def test_right_key_works_after_wrong_ones(run: Run, judge: Judge, guarded: Subject) -> None:
    """#/security: strangers who knock do not lock the owner out."""
    for _ in range(3):
        require(judge.answer("getPersona", run.call("getPersona", guarded.persona_id, "contract-test-no"), 401))
    guarded.read()
