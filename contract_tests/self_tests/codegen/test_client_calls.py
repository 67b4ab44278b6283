"""
What the generated client sends, and what becomes of the answers.

Judged against answers made up here, because a mock of the API gives none of the wrong ones.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import logging
import pickle
import re
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import coval_personas
import httpx
import pytest
from coval_personas import (
    UNSET,
    ApiError,
    ApiResponseError,
    ApiStatusError,
    AsyncCoval,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    Coval,
    ErrorDetail,
    InvalidRequestError,
    NotFoundError,
    Page,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from coval_personas.models import BackgroundSound, Persona, PersonaUpdate

PERSONA_ID = "3zfmuDbVQsi4GaseDtiVcS"
KEY = "key-that-must-not-show"
PERSONA = {
    "resource_name": f"personas/{PERSONA_ID}",
    "id": PERSONA_ID,
    "name": "Friendly Customer",
    "create_time": "2025-01-24T10:00:00Z",
}
Answer = Callable[[httpx.Request], httpx.Response]
Update = Callable[[Answer], Persona]

# What is sent


def test_key_goes_over_the_wire_in_lower_case() -> None:
    """The gateway refuses other spellings of x-api-key, so the bytes that are sent hold this one, once, with no prefix."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        received: list[bytes] = []
        thread = threading.Thread(target=answer_once, args=(server, received))
        thread.start()
        with Coval(KEY, f"http://127.0.0.1:{server.getsockname()[1]}/v1", headers={"X-API-Key": "other"}) as coval:
            coval.personas.get(PERSONA_ID)
        thread.join()
    head = received[0].decode().split("\r\n")
    assert f"GET /v1/personas/{PERSONA_ID} HTTP/1.1" == head[0]
    assert [f"x-api-key: {KEY}"] == [line for line in head if "api-key" in line.lower()]


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, b"{}"),
        ({"wait_seconds": UNSET}, b"{}"),
        ({"wait_seconds": None}, b'{"wait_seconds":null}'),
        ({"wait_seconds": 0.8}, b'{"wait_seconds":0.8}'),
        ({"background_sound": BackgroundSound.OFF}, b'{"background_sound":"off"}'),
        ({"background_sound": "off"}, b'{"background_sound":"off"}'),
        ({"name": "Zoë"}, '{"name":"Zoë"}'.encode()),
        ({"name": "Ann", "extra_body": {"tags": ["new"]}}, b'{"name":"Ann","tags":["new"]}'),
    ],
    ids=["nothing", "unset", "none", "number", "enum", "literal", "text", "unknown"],
)
def test_unset_is_left_out_and_none_is_null(fields: Any, sent: bytes) -> None:
    """UNSET leaves a field out of the body, None sends null, and nothing is sent that was not given."""
    requests: list[httpx.Request] = []
    coval_answering({"persona": PERSONA}, requests=requests).personas.update(PERSONA_ID, **fields)
    assert [("PATCH", sent)] == [(request.method, request.content) for request in requests]


def test_default_server_is_that_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a base_url, requests go where COVAL_BASE_URL says, else to the first server of openapi.yaml."""
    requests: list[httpx.Request] = []
    coval_answering({"personas": []}, requests=requests).personas.list(page_size=5, order_by="name").page()
    monkeypatch.setenv("COVAL_BASE_URL", "http://127.0.0.1:8400/v1/")
    coval_answering({"voices": []}, requests=requests).personas.voices.list()
    assert [
        "https://api.coval.dev/v1/personas?page_size=5&order_by=name",
        "http://127.0.0.1:8400/v1/personas/voices",
    ] == [str(request.url) for request in requests]


@pytest.mark.parametrize("persona_id", ["", ".", ".."])
def test_id_that_would_lead_elsewhere_is_not_sent(persona_id: str) -> None:
    """An id that a URL resolves to another resource is refused before a request is made."""
    requests: list[httpx.Request] = []
    with pytest.raises(ValueError, match="cannot be part of a path"):
        coval_answering({}, requests=requests).personas.delete(persona_id)
    assert [] == requests


def test_validation_names_each_field_and_its_limit_and_sends_nothing() -> None:
    """validate=True compares types, values and limits before anything is sent; without it, the server decides."""
    requests: list[httpx.Request] = []
    coval = coval_answering({"persona": PERSONA}, requests=requests)
    wrong: Any = {"name": "", "wait_seconds": 2.5, "background_sound": "Office", "language_code": 7}
    with pytest.raises(InvalidRequestError, match="not sent: name: has 0 characters, the minimum is 1; ") as caught:
        coval.with_options(validate=True).personas.update(PERSONA_ID, **wrong)
    assert ["name", "language_code", "background_sound", "wait_seconds"] == [
        each.field for each in caught.value.details
    ]
    assert "2.5 is more than the maximum of 2" == caught.value.details[-1].description
    with pytest.raises(InvalidRequestError, match="page_size: 101 is more than the maximum of 100"):
        coval.with_options(validate=True).personas.list(page_size=101).page()
    assert [] == requests
    coval.personas.update(PERSONA_ID, **wrong)
    coval.with_options(validate=True).personas.update(PERSONA_ID, name="Ann", wait_seconds=2, background_sound=None)
    assert 2 == len(requests)


def test_options_hold_for_a_copy() -> None:
    """with_options adds headers and changes what it names; the client that it was called on stays as it was."""
    requests: list[httpx.Request] = []
    http = httpx.Client(transport=httpx.MockTransport(answering({"persona": PERSONA}, requests=requests)))
    coval = Coval(KEY, headers={"x-a": "1"}, http_client=http)
    coval.with_options(headers={"X-B": "2"}, timeout=7, base_url="http://127.0.0.1:1/v2").personas.get(PERSONA_ID)
    coval.personas.get(PERSONA_ID)
    coval.personas.get(PERSONA_ID, timeout=None)
    changed, plain, patient = requests
    assert ("1", "2", KEY) == tuple(changed.headers[name] for name in ("x-a", "x-b", "x-api-key"))
    assert (7, "127.0.0.1") == (changed.extensions["timeout"]["read"], changed.url.host)
    assert (30, "api.coval.dev", None) == (
        plain.extensions["timeout"]["read"],
        plain.url.host,
        plain.headers.get("x-b"),
    )
    assert patient.extensions["timeout"]["read"] is None


def test_client_closes_what_it_opened() -> None:
    """close() ends a client and its copies, and leaves a client of httpx that was handed in open."""
    with Coval(KEY) as coval:
        copy_of_it = coval.with_options(timeout=5)
    for closed in (coval, copy_of_it):
        with pytest.raises(RuntimeError, match="the client is closed"):
            closed.personas.get(PERSONA_ID)
    http = httpx.Client(transport=httpx.MockTransport(answering({"persona": PERSONA})))
    with Coval(KEY, http_client=http) as coval:
        pass
    assert PERSONA_ID == coval.personas.get(PERSONA_ID).id

    async def close() -> None:
        async with AsyncCoval(KEY) as coval:
            pass
        await coval.personas.get(PERSONA_ID)

    with pytest.raises(RuntimeError, match="the client is closed"):
        asyncio.run(close())


# What comes back


def sync_update(answer: Answer) -> Persona:
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        return Coval(KEY, http_client=http).personas.update(PERSONA_ID, name="Ann")


def async_update(answer: Answer) -> Persona:
    async def update() -> Persona:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            return await AsyncCoval(KEY, http_client=http).personas.update(PERSONA_ID, name="Ann")

    return asyncio.run(update())


both_ways = pytest.mark.parametrize("update", [sync_update, async_update], ids=["sync", "async"])


@both_ways
def test_success_is_a_typed_persona(update: Update) -> None:
    """A success is a persona with its types, its envelope taken off; null and absent are told apart, unknown fields kept."""
    persona = update(answering({"persona": {**PERSONA, "wait_seconds": 1, "update_time": None, "tags": ["new"]}}))
    assert (PERSONA_ID, 1.0, None) == (persona.id, persona.wait_seconds, persona.update_time)
    assert persona.voice_name is UNSET
    assert {"tags": ["new"]} == persona.additional_properties


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2025-01-24T10:00:00Z", 0),
        ("2025-01-24t10:00:00z", 0),
        ("2025-01-24T10:00:00+00:00", 0),
        ("2025-01-24T12:30:00.5+02:30", 500000),
        ("2025-01-24T10:00:00.123456789Z", 123456),
    ],
)
def test_times_are_read_with_any_fraction_and_zone(text: str, microsecond: int) -> None:
    """RFC 3339 allows any number of digits of a second and any zone; the same instant is read, and kept as it came."""
    persona = sync_update(answering({"persona": {**PERSONA, "create_time": text}}))
    assert datetime(2025, 1, 24, 10, 0, 0, microsecond, UTC) == persona.create_time
    assert text == persona.to_dict()["create_time"]


@both_ways
def test_documented_error_is_raised_with_its_parts(update: Update) -> None:
    """A documented error is an exception with the status, code, message, details, headers and id of the answer."""
    details = [{"field": "name", "description": "is too long", "more": 1}]
    error = {"code": "INVALID_ARGUMENT", "message": "The request body is not valid.", "details": details}
    with pytest.raises(BadRequestError) as caught:
        update(answering({"error": error}, 400, headers={"x-request-id": "r-17"}))
    raised = caught.value
    assert (400, "INVALID_ARGUMENT", "r-17") == (raised.status, raised.code, raised.request_id)
    assert [ErrorDetail("name", "is too long", details[0])] == raised.details
    assert {"error": error} == raised.body
    assert "400 INVALID_ARGUMENT: The request body is not valid. (name: is too long) [request r-17]" == str(raised)
    again = pickle.loads(pickle.dumps(raised))
    assert (str(raised), raised.details) == (str(again), again.details)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError), (401, AuthenticationError), (403, PermissionDeniedError), (404, NotFoundError),
        (405, ApiStatusError), (409, ConflictError), (422, BadRequestError), (429, RateLimitError), (500, ServerError),
        (599, ServerError), (204, ApiResponseError), (307, ApiStatusError),
    ],
)  # fmt: skip
def test_each_status_has_its_class(status: int, kind: type[ApiStatusError]) -> None:
    """One class for what a program does about a status; all of them are ApiError."""
    with pytest.raises(ApiError) as caught:
        coval_answering(b"", status).personas.create(name="Ann", voice_name="aria", language_code="en-US")
    assert kind is type(caught.value)


@both_ways
@pytest.mark.parametrize("status", [204, 299, 404, 502, 599])
def test_answer_that_is_not_documented_is_raised(status: int, update: Update) -> None:
    """Any other status, and an error that is not JSON, is an error without a code that shows what came, shortened."""
    page = "<html>\n<b>Bad gateway</b>" + "x" * 5000
    with pytest.raises(ApiStatusError) as caught:
        update(answering(page.encode(), status))
    assert (status, None) == (caught.value.status, caught.value.code)
    assert "<html> <b>Bad gateway</b>" in caught.value.message
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff",
        b"null",
        b"[]",
        b'{"persona":null}',
        b'{"persona":[]}',
        b"[" * 100_000,
        json.dumps({"persona": {**PERSONA, "id": None}}).encode(),
        json.dumps({"persona": {**PERSONA, "create_time": "yesterday"}}).encode(),
        json.dumps({"persona": {**PERSONA, "create_time": "2025-01-24T10:00:00"}}).encode(),
        json.dumps({"persona": {**PERSONA, "update_time": "yesterday"}}).encode(),
        json.dumps({"persona": {**PERSONA, "wait_seconds": "0.8"}}).encode(),
        json.dumps({"persona": {**PERSONA, "wait_seconds": True}}).encode(),
        json.dumps({"persona": {name: PERSONA[name] for name in PERSONA if name != "id"}}).encode(),
    ],
    ids=lambda body: body[:60].decode(errors="replace") or "empty",
)
def test_success_of_another_shape_is_raised(body: bytes) -> None:
    """A 200 that holds no persona of the documented shape is an ApiResponseError, never a half-read persona."""
    with pytest.raises(ApiResponseError) as caught:
        sync_update(answering(body))
    assert (200, None) == (caught.value.status, caught.value.code)


def test_misfit_is_named_by_its_place() -> None:
    """Where an answer is not as documented, the message says which field."""
    with pytest.raises(ApiResponseError, match=r"personas\[1\]\.name: is of type int"):
        coval_answering({"personas": [PERSONA, {**PERSONA, "name": 7}]}).personas.list().page()


def test_redirect_is_not_followed() -> None:
    """The key goes to one host only, so a redirect is an error, also where a client of httpx would follow it."""
    requests: list[httpx.Request] = []
    answer = answering(b"", 307, headers={"location": "https://elsewhere.example/"}, requests=requests)
    http = httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=True)
    with http, pytest.raises(ApiError, match="redirects are not followed"):
        Coval(KEY, http_client=http).personas.get(PERSONA_ID)
    assert 1 == len(requests)


def test_cookies_are_neither_kept_nor_sent() -> None:
    """The key says who calls; a cookie of one answer does not reach the next request."""
    requests: list[httpx.Request] = []
    coval = coval_answering({"persona": PERSONA}, headers={"set-cookie": "a=b"}, requests=requests)
    coval.personas.get(PERSONA_ID)
    coval.personas.get(PERSONA_ID)
    assert "cookie" not in requests[1].headers


def test_raw_response_has_the_status_and_headers() -> None:
    """with_raw_response returns what came beside what the method returns; an error is raised as ever."""
    coval = coval_answering({"persona": PERSONA}, headers={"x-answered": "yes", "x-request-id": "r-18"})
    answer = coval.personas.with_raw_response.get(PERSONA_ID)
    assert (200, "yes", "r-18") == (answer.status, answer.headers["x-answered"], answer.request_id)
    assert PERSONA == json.loads(answer.content)["persona"]
    assert PERSONA_ID == answer.parsed.id
    with pytest.raises(NotFoundError):
        coval_answering({}, 404).personas.with_raw_response.get(PERSONA_ID)
    page = coval_answering({"personas": [PERSONA]}, headers={"x-left": "7"}).personas.with_raw_response.list(
        page_size=1
    )
    assert ("7", [PERSONA_ID]) == (page.headers["x-left"], [persona.id for persona in page.parsed.items])

    async def call() -> str:
        http = httpx.AsyncClient(transport=httpx.MockTransport(answering({"persona": PERSONA})))
        async with http:
            return (await AsyncCoval(KEY, http_client=http).personas.with_raw_response.get(PERSONA_ID)).parsed.name

    assert "Friendly Customer" == asyncio.run(call())


# Pages


def paged(request: httpx.Request) -> httpx.Response:
    token = request.url.params.get("page_token")
    following = {None: "two", "two": "three", "three": None}[token]
    personas = [] if token == "two" else [{**PERSONA, "name": f"{token}-{number}"} for number in range(2)]
    return httpx.Response(200, json={"personas": personas, "next_page_token": following})


def test_pages_turn_by_themselves() -> None:
    """Iterating shows every item, also behind a page that holds none; page() shows one page and its token."""
    with httpx.Client(transport=httpx.MockTransport(paged)) as http:
        personas = Coval(KEY, http_client=http).personas
        assert ["None-0", "None-1", "three-0", "three-1"] == [persona.name for persona in personas.list(page_size=2)]
        assert [2, 0, 2] == [len(page.items) for page in personas.list().pages()]
        first = personas.list(page_size=2).page()
        assert ("two", 2) == (first.next_page, len(first.items))
        assert "three" == personas.list(page_token="two").page().next_page


def test_pages_turn_by_themselves_in_async_code() -> None:
    """`async for` shows every item, and page() one page."""

    async def listed() -> tuple[list[str], Page[Persona]]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(paged)) as http:
            personas = AsyncCoval(KEY, http_client=http).personas
            return [persona.name async for persona in personas.list()], await personas.list(page_token="three").page()

    names, last = asyncio.run(listed())
    assert ["None-0", "None-1", "three-0", "three-1"] == names
    assert last.next_page is None


def test_list_without_an_end_is_an_error() -> None:
    """An API whose pages lead back to one another neither keeps a program for ever nor passes for a whole list."""
    following = {"": "one", "one": "two", "two": "one"}

    def circle(request: httpx.Request) -> httpx.Response:
        token = following[request.url.params.get("page_token", "")]
        return httpx.Response(200, json={"personas": [PERSONA], "next_page_token": token})

    with httpx.Client(transport=httpx.MockTransport(circle)) as http, pytest.raises(ApiError, match="leads back"):
        list(Coval(KEY, http_client=http).personas.list(page_size=1))


# Models


def test_model_is_what_was_read() -> None:
    """from_dict and to_dict are each other's inverse: null, absence, unknown fields, spelling of times and numbers."""
    read = {
        **PERSONA,
        "wait_seconds": 1,
        "update_time": "2025-01-24t12:30:00.123456789Z",
        "voice_name": None,
        "new": {"a": [1]},
    }
    persona = Persona.from_dict(read)
    assert (
        read == persona.to_dict() == copy.deepcopy(persona).to_dict() == pickle.loads(pickle.dumps(persona)).to_dict()
    )
    changed = dataclasses.replace(persona, name="Ann")
    assert {**read, "name": "Ann", "update_time": "2025-01-24T12:30:00.123456Z"} == changed.to_dict()
    assert '{"name": "Ann", "wait_seconds": null}' == json.dumps(PersonaUpdate(name="Ann", wait_seconds=None).to_dict())


def test_model_has_no_positions_and_does_not_change() -> None:
    """A field that the contract inserts shifts nobody's arguments; a persona that was read stays what was read."""
    with pytest.raises(TypeError):
        PersonaUpdate("Ann")  # type: ignore[call-arg, arg-type]
    persona = Persona.from_dict(PERSONA)
    with pytest.raises(dataclasses.FrozenInstanceError):
        persona.name = "Ann"  # type: ignore[misc]
    persona.to_dict()["name"] = "Ann"
    assert "Friendly Customer" == persona.to_dict()["name"]
    assert "UNSET" not in repr(persona)
    assert not hasattr(persona, "__getitem__") and not hasattr(persona, "__contains__")


def test_package_says_what_it_is() -> None:
    """The version is the contract's, and the hash tells two texts of one version apart."""
    assert coval_personas.__version__ == coval_personas.CONTRACT_VERSION == "1.0.0"
    assert re.fullmatch("[0-9a-f]{64}", coval_personas.CONTRACT_SHA256)


# The key


@pytest.mark.parametrize("key", [None, "", "  "])
def test_missing_key_is_refused_at_construction(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key there is no client, and the message names both ways to give one."""
    monkeypatch.delenv("COVAL_API_KEY", raising=False)
    with pytest.raises(ValueError, match="pass api_key, or set the environment variable COVAL_API_KEY"):
        Coval(key)


def test_key_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """COVAL_API_KEY is the key where none is given, without the line break that a file may end with."""
    monkeypatch.setenv("COVAL_API_KEY", f"{KEY}\n")
    requests: list[httpx.Request] = []
    coval_answering({"persona": PERSONA}, requests=requests, key=None).personas.get(PERSONA_ID)
    assert KEY == requests[0].headers["x-api-key"]


@pytest.mark.parametrize("status", [200, 307, 400, 401, 502])
@pytest.mark.parametrize("as_json", [True, False])
def test_key_never_shows(status: int, as_json: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The key stands in no repr, no exception and no log, also where the API echoes it."""
    echo = f"the key {KEY} is wrong"
    error = {"code": KEY, "message": echo, "details": [{"field": KEY, "description": echo}]}
    headers = {"location": f"https://x.example/?{KEY}", "x-request-id": KEY}
    coval = coval_answering({"error": error} if as_json else echo.encode(), status, headers=headers)
    with caplog.at_level(logging.DEBUG, "coval_personas"), pytest.raises(ApiError) as caught:
        coval.personas.update(KEY, name=KEY)
    shown = [str(caught.value), repr(caught.value), repr(vars(caught.value)), repr(coval), repr(coval._sender)]
    assert KEY not in "".join([*shown, caplog.text])
    assert "[key]" in caplog.text


def test_key_that_no_header_can_carry_is_refused_unseen() -> None:
    """httpx would show such a key in its own exception, so it is refused before."""
    with pytest.raises(ValueError, match="key") as caught:
        Coval(f"{KEY}\nx: y")
    assert KEY not in repr(caught.value)


def test_log_tells_of_each_request(caplog: pytest.LogCaptureFixture) -> None:
    """At INFO: method, path, status and milliseconds; a body only at DEBUG."""
    coval = coval_answering({"persona": PERSONA})
    with caplog.at_level(logging.INFO, "coval_personas"):
        coval.personas.update(PERSONA_ID, name="Ann")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "coval_personas"]
    assert re.fullmatch(rf"PATCH /v1/personas/{PERSONA_ID} 200 \d+\.\d ms", line)
    with caplog.at_level(logging.DEBUG, "coval_personas"):
        coval.personas.update(PERSONA_ID, name="Ann")
    assert 'sent {"name":"Ann"}' in caplog.text and "Friendly Customer" in caplog.text


def answering(
    body: Any,
    status: int = 200,
    *,
    requests: list[httpx.Request] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Answer each request with a body, bytes as they are and else as JSON, and keep the request."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return httpx.Response(status, headers=headers, **content)

    return answer


def coval_answering(body: Any, status: int = 200, *, key: str | None = KEY, **options: Any) -> Coval:
    """A client whose every request is answered with a body."""
    return Coval(key, http_client=httpx.Client(transport=httpx.MockTransport(answering(body, status, **options))))


def answer_once(server: socket.socket, received: list[bytes]) -> None:
    connection, _ = server.accept()
    with connection:
        received.append(connection.recv(65536))
        body = json.dumps({"persona": PERSONA}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body))
