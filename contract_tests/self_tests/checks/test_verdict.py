"""The judge on trial: each kind of wrong answer is found, and a right one is not."""

from __future__ import annotations

import json
import shlex
import subprocess
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contract_tests.checks.judge import Judge, Violation, parse_time, require, same_instant
from contract_tests.spec.contract import load_contract
from contract_tests.transport.exchange import Exchange

CONTRACT = load_contract()
KEY = "Self-Test-Key-4711"
JUDGE = Judge(CONTRACT, (KEY,))
PERSONA = CONTRACT.document.tree["components"]["examples"]["PersonaOfThePage"]["value"]["persona"]
ERROR = {"error": {"code": "INVALID_ARGUMENT", "message": "wait_seconds is too large"}}


def _exchange(status: int, body: Any, *, headers: dict[str, str] | None = None, sent: bytes = b"{}") -> Exchange:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answered = httpx.Headers({"content-type": "application/json", **(headers or {})})
    request_headers = (("content-type", "application/json"), ("x-api-key", "$API_KEY"))
    return Exchange("PATCH", "/personas/abc", request_headers, sent, status, answered, content, "abc", (KEY,))


def _problems(status: int, body: Any, *statuses: int, **more: Any) -> list[str]:
    return [finding.problem for finding in JUDGE.answer("updatePersona", _exchange(status, body, **more), *statuses)]


def test_right_answers_have_no_findings() -> None:
    """A documented success and a documented error pass."""
    assert _problems(200, {"persona": PERSONA}, 200) == []
    assert _problems(200, {"persona": {**PERSONA, "tags": ["further"]}, "further": 1}, 200) == []
    assert _problems(400, ERROR, 400) == []
    assert _problems(400, {"error": {**ERROR["error"], "details": [{"field": "x", "description": "y"}]}}, 400) == []


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (202, {"persona": PERSONA}, "answered 202 instead of 200"),
        (500, {"error": {"code": "INTERNAL", "message": "x"}}, "answered 500 instead of 200"),
        (200, {}, '"persona" is a required property'),
        (200, {"persona": {**PERSONA, "name": 7}}, "persona/name"),
        (200, {"persona": {**PERSONA, "create_time": "24.1.2025"}}, "date-time"),
        (200, {"persona": {**PERSONA, "update_time": "2025-01-24T12:30:00"}}, "date-time"),
        (200, b"{", "says that it is JSON and is not"),
        (200, b"", "says that it is JSON and is not"),
    ],
)
def test_wrong_success_is_found(status: int, body: Any, words: str) -> None:
    """A wrong status, a missing or wrongly typed field, a time without a zone, a body that is no JSON: each is named."""
    assert any(words in problem for problem in _problems(status, body, 200))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "too large"}, "breaks its schema"),
        ({"message": "too large"}, "breaks its schema"),
        ({"error": {"message": "x"}}, "breaks its schema"),
        ({"error": {"code": "NOT_FOUND", "message": "x"}}, "has code 'NOT_FOUND' instead of 'INVALID_ARGUMENT'"),
        ({"error": {"code": 400, "message": "x"}}, "breaks its schema"),
        ({"error": {**ERROR["error"], "details": "wait_seconds"}}, "breaks its schema"),
        ({"error": {"code": "INVALID_ARGUMENT", "message": f"key {KEY}"}}, "carries the caller's key"),
        ({"error": {"code": "INVALID_ARGUMENT", "message": 'File "app.py", line 3'}}, "shows the API's inside"),
        ({"error": {"code": "INVALID_ARGUMENT", "message": "ValueError: no"}}, "shows the API's inside"),
    ],
)
def test_wrong_error_is_found(body: Any, words: str) -> None:
    """An error of another shape or code, with the key or with the API's inside in it, is named."""
    assert any(words in problem for problem in _problems(400, body, 400))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM personas WHERE id = $1", "db-7.internal refused", "in /srv/app/update.py", "10.0.3.7 timed out",
        "coval.personas.UpdateValidator failed", "update.py:30", "<class 'int'> is not str",
    ],
)  # fmt: skip
def test_inside_of_the_api_is_found(text: str) -> None:
    """Statements, hosts, paths, modules and classes are the API's own business."""
    body = {"error": {"code": "INVALID_ARGUMENT", "message": text}}
    assert any("shows the API's inside" in problem for problem in _problems(400, body, 400))


@pytest.mark.parametrize(
    "text",
    [
        "wait_seconds must be between 0.1 and 2.", "name: at most 200 characters (see https://docs.coval.dev/app/errors)",
        "Unknown field body.wait_seconds; GET /personas/voices lists voices.", "2.5 is greater than 2.0",
        "Persona abc was not found. Select one from the list.", "ValidationError: 1 fault", "request 3f2a-11.22",
    ],
)  # fmt: skip
def test_plain_words_are_no_inside(text: str) -> None:
    """What an error says to a caller is not mistaken for a trace."""
    body = {"error": {"code": "INVALID_ARGUMENT", "message": text}}
    assert _problems(400, body, 400) == []


def test_media_type_is_judged() -> None:
    """The right body under the wrong media type is found; a charset is not."""
    assert _problems(200, {"persona": PERSONA}, 200, headers={"content-type": "text/html"})
    assert not _problems(200, {"persona": PERSONA}, 200, headers={"content-type": "application/json; charset=utf-8"})


def test_key_in_a_header_is_found() -> None:
    """The key is looked for in headers too, and as it looks URL-encoded or in base64."""
    assert _problems(200, {"persona": PERSONA}, 200, headers={"x-debug": f"caller={KEY}"})


def test_message_never_shows_the_key() -> None:
    """A finding about a leaked key does not leak it again."""
    body = {"error": {"code": "INVALID_ARGUMENT", "message": f"key {KEY}"}}
    with pytest.raises(Violation) as violation:
        require(JUDGE.answer("updatePersona", _exchange(400, body), 400))
    assert KEY not in str(violation.value)
    assert "$API_KEY" in str(violation.value)


def test_message_says_all_that_a_person_needs() -> None:
    """Sent, received, the contract and where it says so, and a line that repeats it."""
    with pytest.raises(Violation) as violation:
        require(JUDGE.answer("updatePersona", _exchange(202, {}, sent=b'{"wait_seconds": 2}'), 200))
    for part in (
        'PATCH /personas/abc  {"wait_seconds": 2}',
        "202  {}",
        "#/paths/~1personas~1{persona_id}/patch",
        "curl",
    ):
        assert part in str(violation.value)


def test_acceptance_of_what_is_forbidden_is_looser() -> None:
    """A value beyond a limit that is accepted is told apart from a promise that is broken."""
    found = JUDGE.refusal("updatePersona", _exchange(200, {"persona": PERSONA}), 400, promise="at most 2", clause="#/x")
    assert [finding.kind for finding in found] == ["looser"]
    found = JUDGE.refusal("updatePersona", _exchange(500, {}), 400, promise="at most 2", clause="#/x")
    assert [finding.kind for finding in found] == ["broken"]


def test_readings_follow_the_null_rules() -> None:
    """x-on-null clear reads as nothing, keep as before; an empty prompt reads as empty or as nothing."""
    assert JUDGE.reader.after_update("wait_seconds", 1, None) == (None,)
    assert JUDGE.reader.after_update("name", "Ann", None) == ("Ann",)
    assert JUDGE.reader.after_update("persona_prompt", "x", "") == ("", None)
    assert JUDGE.reader.after_update("wait_seconds", 1, 0.1 + 0.2) == (0.1 + 0.2, 0.3)


def test_values_are_compared_strictly() -> None:
    """true is not 1, "1" is not 1, and a field that is left out reads as null."""
    exchange = _exchange(200, {"persona": PERSONA})
    for shown, expected in ((True, 1), ("1", 1), (None, 1), (0.800000011920929, 0.8)):
        assert JUDGE.shows(exchange, {"wait_seconds": shown}, {"wait_seconds": (expected,)}, "x")
    assert not JUDGE.shows(exchange, {}, {"wait_seconds": (None,)}, "x")
    assert not JUDGE.shows(exchange, {"wait_seconds": 1.0}, {"wait_seconds": (1,)}, "x")


def test_details_that_blame_another_field_are_found() -> None:
    """details name the field at fault; a path to it is as good, another field is not."""
    for named, is_wrong in (("wait_seconds", False), ("body.wait_seconds", False), ("name", True), ("body", False)):
        body = {"error": {**ERROR["error"], "details": [{"field": named, "description": "x"}]}}
        assert bool(JUDGE.details("update", _exchange(400, body), "wait_seconds")) is is_wrong


def test_times_are_compared_as_instants() -> None:
    """Zones, fractions and their absence do not make another instant; a second does."""
    assert same_instant("2025-01-24T10:00:00Z", "2025-01-24T11:00:00.250+01:00")
    assert same_instant("2025-01-24T10:00:00.123456789Z", "2025-01-24T10:00:00.123456Z")
    assert not same_instant("2025-01-24T10:00:00Z", "2025-01-24T10:00:01Z")
    assert same_instant("2025-01-24T10:00:00Z", "2025-01-24T10:00:00")
    assert not same_instant("2025-01-24T10:00:00Z", None)
    assert same_instant(None, None)
    millisecond = timedelta(milliseconds=1)
    assert not same_instant("2025-01-24T10:00:00Z", "2025-01-24T10:00:00.123Z", millisecond)
    assert same_instant("2025-01-24T10:00:00.123Z", "2025-01-24T11:00:00.123456+01:00", millisecond)
    assert parse_time("2025-01-24T10:00:00.123Z")[1].total_seconds() == 0.001


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"name": "' + "😀".encode() * 200 + b'"}', b"\x00\xff", b"[" * 500, b'{"a":' * 90 + b"}" * 90],
)
def test_repeating_line_prints_the_very_body(body: bytes) -> None:
    """The line that repeats a request sends the same bytes."""
    exchange = Exchange("POST", "/x", (), body, 200, {}, b"")
    line = exchange.curl().rpartition(" | curl ")[0]
    if not line:
        assert exchange.curl().endswith(shlex.quote(body.decode()))
        return
    printed = subprocess.run(line, shell=True, capture_output=True, check=True).stdout
    assert printed == body
