"""Who may call: without the right key every operation answers 401, before anything else, and tells nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

import pytest

from contract_tests.boundaries import to_json
from contract_tests.contract import load_contract
from contract_tests.exchange import Exchange
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import DECISIONS, Finding, Judge, require

OPERATIONS = load_contract().operations
UNAUTHENTICATED = "#/components/responses/Unauthenticated/description"
PRECEDENCE = f"{DECISIONS}/precedence"
PROMISE = "a request without the right key gets 401, whatever else is right or wrong with it"


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


def _said(answers: list[Exchange], persona_id: str) -> list[str]:
    """Return the code and the words of two errors alike: a number of the request and the id itself tell nothing."""
    one, other = (
        f"{answer.json['error']['code']} {unquote(answer.json['error']['message'])}".replace(persona_id, "")
        for answer in answers
    )
    return [word for word in re.findall(r"\w+", one) if word in re.findall(r"\w+", other)]


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
    if run.named(body["name"]):
        require(
            [Finding("broken", "a create that was answered 401 made a persona", PROMISE, UNAUTHENTICATED, exchange)]
        )


@pytest.mark.parametrize("operation_id", ["getPersona", "updatePersona", "deletePersona"])
def test_stranger_learns_nothing_of_which_personas_exist(
    run: Run, judge: Judge, guarded: Subject, operation_id: str
) -> None:
    """#/x-decisions/precedence: 401 comes before 404; to a stranger a persona that exists looks like one that does not."""
    absent, present = (
        [run.call(operation_id, persona_id, "contract-test-wrong-key") for _ in range(2)]
        for persona_id in (run.api.absent_id(), guarded.persona_id)
    )
    require([finding for answer in (*absent, *present) for finding in judge.answer(operation_id, answer, 401)])
    told, of_none = _said(present, guarded.persona_id), _said(absent, unquote(absent[0].path.rpartition("/")[2]))
    if told != of_none:
        problem = f"a stranger is told {' '.join(told)!r} of a persona that exists, else {' '.join(of_none)!r}"
        promise = "a stranger learns nothing of which personas exist"
        require([Finding("broken", problem, promise, PRECEDENCE, present[0])])
    request = unquote(present[0].path)  # what the stranger has brought may be repeated
    texts = [value for value in guarded.last.values() if isinstance(value, str) and len(value) > 12]
    body = present[0].body.decode("utf-8", "replace")
    if any(text in body and text not in request for text in texts):
        require([Finding("broken", "a 401 shows data of the persona", PROMISE, UNAUTHENTICATED, present[0])])


@pytest.mark.parametrize(
    "body",
    ["{", "[]", '{"wait_seconds": 1e9}', "", "{}", '{"wait_seconds": 1.5}'],
    ids=["malformed", "no-object", "invalid-value", "empty", "empty-object", "valid"],
)
def test_key_is_checked_before_the_body(run: Run, judge: Judge, guarded: Subject, body: str) -> None:
    """#/x-decisions/precedence: 401 comes before 400; a stranger is not told what is wrong with a body."""
    for method, path, operation_id in (
        ("PATCH", guarded.path, "updatePersona"),
        ("POST", "/personas", "createPersona"),
    ):
        exchange = run.api.send(method, path, body=body, key=None)
        require(judge.answer(operation_id, exchange, 401))


def test_key_is_checked_before_the_query(run: Run, judge: Judge) -> None:
    """#/x-decisions/precedence: 401 comes before 400; a stranger's query is not judged."""
    exchange = run.api.send("GET", "/personas", params={"page_size": "0"}, key=None)
    require(judge.answer("listPersonas", exchange, 401))


@pytest.mark.all_parameters
@pytest.mark.parametrize("name", ["api_key", "apikey", "key", "x-api-key", "X-API-Key", "access_token", "token"])
def test_key_does_not_count_in_the_query(run: Run, judge: Judge, guarded: Subject, name: str) -> None:
    """#/components/securitySchemes/ApiKeyAuth: in: header; a URL ends up in logs, so no key belongs there."""
    if not run.api.target.is_loopback:
        pytest.skip("a key in a URL would end up in somebody's logs, so this is tried on loopback only")
    path = guarded.path
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
        guarded.path,
        body=to_json({"api_key": "contract-test-wrong-key"}) if place == "body" else None,
        headers=[headers[place]] if place in headers else [],
        key=None,
    )
    require(judge.answer("updatePersona" if place == "body" else "getPersona", exchange, 401))


def test_right_key_works_after_wrong_ones(run: Run, judge: Judge, guarded: Subject) -> None:
    """#/security: strangers who knock do not lock the owner out."""
    for _ in range(3):
        require(judge.answer("getPersona", run.call("getPersona", guarded.persona_id, "contract-test-no"), 401))
    guarded.read()
