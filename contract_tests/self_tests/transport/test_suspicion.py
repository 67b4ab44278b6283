"""Which answers are suspect, and which of them are alike."""

from __future__ import annotations

import uuid

import httpx
import pytest

from contract_tests.errors import Inconclusive
from contract_tests.self_tests.transport.raw_server import answer, raw_server
from contract_tests.self_tests.transport.shapes import PERSONAS
from contract_tests.transport import retry, transport
from contract_tests.transport.answers.foreign_answers import (
    foreign_reason,
    is_broken_json,
    kind_of,
    request_key,
)
from contract_tests.transport.run_limits import RunLimits
from contract_tests.transport.target import Api, Target

GET, PATCH, PUT = (f"{method} /personas/{{persona_id}}" for method in ("GET", "PATCH", "PUT"))
PAGE = b"<html><h1>Something is wrong here</h1></html>"
ERROR = b'{"error": {"code": "INVALID_ARGUMENT", "message": "It is wrong."}}'
GATEWAY_BODIES = {
    "a page": PAGE,
    "a message": b'{"message": "Forbidden"}',
    "Kong": b'{"message": "no Route matched", "request_id": "a"}',
    "Apigee": b'{"fault": {"faultstring": "denied"}}',
    "Azure": b'{"statusCode": 401, "message": "Access denied"}',
    "a detail": b'{"detail": "Not Found"}',
    "error as text": b'{"error": "Not Found"}',
    "a list": b"[]",
    "nothing": b"",
}


def _answer(status: int, body: bytes, content_type: str = "application/json") -> httpx.Response:
    return httpx.Response(status, content=body, headers={"content-type": content_type})


@pytest.mark.parametrize("body", GATEWAY_BODIES.values(), ids=GATEWAY_BODIES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 414, 415, 422, 431, 500, 501])
def test_error_of_another_shape_is_suspect(status: int, body: bytes) -> None:
    """The contract gives every error of its operations one shape."""
    assert foreign_reason(GET, _answer(status, body), PERSONAS)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 422, 500, 501])
def test_error_of_the_documented_shape_is_not_suspect(status: int) -> None:
    """What speaks as the API does is taken for the API."""
    assert foreign_reason(PATCH, _answer(status, ERROR), PERSONAS) == ""


@pytest.mark.parametrize(
    ("operation", "status", "is_suspect"),
    [(PUT, 405, False), (PUT, 404, False), (PUT, 415, False), (PUT, 501, False), (PUT, 403, True), (PUT, 500, True),
     (PUT, 204, True), (PATCH, 204, True), (GET, 204, True), ("DELETE /personas/{persona_id}", 204, True)],
)  # fmt: skip
def test_only_a_method_without_an_operation_is_refused_in_any_shape(
    operation: str, status: int, is_suspect: bool
) -> None:
    """The contract leaves the body of 405 and 404 open there; it documents no 204 at all."""
    assert bool(foreign_reason(operation, _answer(status, b"" if status == 204 else PAGE), PERSONAS)) == is_suspect


def _with_ids(text: str) -> list[bytes]:
    ids = [*(str(uuid.uuid4()) for _ in range(20)), "1-67891233-abcdef012345678912345678", "JQ7xk2-_pLmNoP93"]
    return [text.replace("ID", item).replace("TIME", f"10:00:{index:02}").encode() for index, item in enumerate(ids)]


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ('{"detail": "boom", "request_id": "ID"}', "application/json"),
        ('{"errors": [{"id": "ID", "at": "TIME"}]}', "application/json"),
        ("<html>Error. Reference ID, TIME</html>", "text/html"),
        ("Error. Reference ID, TIME" + "x" * 5_000, "text/plain"),
    ],
    ids=["JSON", "deep JSON", "page", "long text"],
)
def test_answers_with_another_id_each_time_are_alike(text: str, content_type: str) -> None:
    """An id of any form says nothing of the kind of an answer."""
    assert len({kind_of(PATCH, _answer(500, body, content_type)) for body in _with_ids(text)}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_answer(500, b'{"detail": "boom"}'), _answer(502, b'{"detail": "boom"}')),
        (_answer(500, b'{"detail": "boom"}'), _answer(500, b'{"message": "boom"}')),
        (_answer(500, b'{"a": {"b": 1}}'), _answer(500, b'{"a": {"c": 1}}')),
        (_answer(500, b'{"detail": "boom"}'), _answer(500, b'{"detail": "boom"}', "text/plain")),
        (_answer(500, b"it broke", "text/plain"), _answer(500, b"it failed", "text/plain")),
    ],
    ids=["status", "name", "deep name", "media type", "text"],
)
def test_answers_that_differ_in_more_are_not_alike(one: httpx.Response, other: httpx.Response) -> None:
    """Noise of many kinds does not add up."""
    assert kind_of(PATCH, one) != kind_of(PATCH, other)


def test_what_is_proven_holds_for_the_very_same_request() -> None:
    """Another body, persona, key or method is another request."""
    url = "http://localhost/v1/personas/"
    first, *others = (
        httpx.Request("PATCH", url + "a", content=b"1", headers={"x-api-key": "k"}),
        httpx.Request("PATCH", url + "a", content=b"2", headers={"x-api-key": "k"}),
        httpx.Request("PATCH", url + "b", content=b"1", headers={"x-api-key": "k"}),
        httpx.Request("PATCH", url + "a", content=b"1", headers={"x-api-key": "wrong"}),
        httpx.Request("PUT", url + "a", content=b"1", headers={"x-api-key": "k"}),
    )
    assert request_key(first) not in map(request_key, others)


@pytest.mark.parametrize(
    ("response", "is_broken"),
    [
        (_answer(200, b'{"voices": NaN}'), True),
        (_answer(200, b"{"), True),
        (_answer(403, b'{"message": "Forbidden"}'), False),
        (_answer(500, b'{"message": "Internal server error"}'), False),
        (_answer(500, b"Internal server error"), False),
        (_answer(200, b""), False),
        (_answer(200, PAGE, "text/html"), False),
    ],
)
def test_broken_json_is_no_gateways(response: httpx.Response, is_broken: bool) -> None:
    """Only what is said to be JSON and cannot be read speaks for an API that writes it so."""
    assert is_broken_json(response) == is_broken


OUTAGES = {
    "message 500": ("500 x", b'{"message": "Internal server error"}', "application/json"),
    "message 403": ("403 x", b'{"message": "Forbidden"}', "application/json"),
    "text as JSON": ("500 x", b"Internal server error", "application/json"),
    "page 501": ("501 x", PAGE, "text/html"),
}


@pytest.mark.parametrize(("status", "body", "content_type"), OUTAGES.values(), ids=OUTAGES)
@pytest.mark.parametrize("is_first_look", [False, True])
def test_total_outage_is_inconclusive(status: str, body: bytes, content_type: str, is_first_look: bool) -> None:
    """Where nothing but a gateway speaks, nothing follows; the first look at least hears a 403."""
    limits = RunLimits(most_attempts=2, is_first_look=is_first_look)
    with (
        raw_server(lambda _: [answer(body, status=status, content_type=content_type)]) as url,
        Api(Target("an outage", url, "k" * 20), "deadbeef", PERSONAS, timeout_seconds=5, limits=limits) as api,
    ):
        if is_first_look and status.startswith("4"):
            assert api.send("GET", "/personas/voices").status == 403
            return
        with pytest.raises(Inconclusive):
            api.send("GET", "/personas/voices")


BUSY = answer(b'{"error": {"code": "UNAVAILABLE", "message": "Service Unavailable"}}', status="503 x")
ITEM = b'{"persona": {"id": "persona-that-is-ill", "name": "contract-test-deadbeef-1"}}'


@pytest.mark.parametrize("is_busy_for_all", [False, True], ids=["one item", "every request"])
def test_503_of_one_item_alone_is_the_apis_own(is_busy_for_all: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where reads of one item are 503 again and again and others are answered well, the API cannot read the item."""
    monkeypatch.setattr(transport, "back_off_seconds", lambda *_, **__: 0.0)
    monkeypatch.setattr(retry, "back_off_seconds", lambda *_, **__: 0.0)

    is_ill: list[bool] = []

    def script(request: bytes) -> list[bytes]:
        if request.startswith(b"POST"):
            return [answer(ITEM, status="201 Created")]
        is_item = b"persona-that-is-ill" in request
        if is_ill and (is_item or is_busy_for_all):
            return [BUSY]
        return [answer(ITEM if is_item else b'{"personas": [], "voices": []}')]

    limits = RunLimits()
    with (
        raw_server(script) as url,
        Api(Target("an API", url, "k" * 20), "deadbeef", PERSONAS, timeout_seconds=5, limits=limits) as api,
    ):
        item_id = api.create('{"name": "contract-test-deadbeef-1"}').item["id"]
        is_ill.append(True)
        if is_busy_for_all:
            with pytest.raises(Inconclusive):
                api.read(item_id)
            return
        assert api.read(item_id).status == 503
