"""The mock keeps openapi.yaml: what it answers to requests that are well formed, one promise a test."""

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import yaml

from contract_tests.mock_api.__main__ import build_api
from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.mock_api.rules import fault

ROOT = Path(__file__).resolve().parents[3]
PAGE_PERSONA = "3zfmuDbVQsi4GaseDtiVcS"
SMALLEST = {"name": "Friendly Customer", "voice_name": "aria", "language_code": "en-US"}


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock() as running:
        yield running


@pytest.fixture(scope="module")
def api(mock: RunningMock) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=mock.url, headers={"x-api-key": mock.api_key}, timeout=10) as client:
        yield client


def new_persona(api: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = api.post("/personas", json={**SMALLEST, **fields})
    assert answer.status_code == 201, answer.text
    persona: dict[str, Any] = answer.json()["persona"]
    return persona


def patch(api: httpx.Client, persona_id: str, content: bytes | str) -> httpx.Response:
    return api.patch(f"/personas/{persona_id}", content=content, headers={"content-type": "application/json"})


def fields_at_fault(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "INVALID_ARGUMENT"
    return [each["field"] for each in answer.json()["error"].get("details", [])]


# -- Updating ---------------------------------------------------------------------------------------------------------


def test_update_changes_only_what_is_sent(api: httpx.Client) -> None:
    """Only the fields that are sent change; update_time moves and create_time does not (updatePersona)."""
    before = new_persona(api, wait_seconds=0.5, background_sound="office", persona_prompt="Complain.")
    after = api.patch(f"/personas/{before['id']}", json={"wait_seconds": 1.25}).json()["persona"]
    assert after == {**before, "wait_seconds": 1.25, "update_time": after["update_time"]}
    assert after["update_time"] > after["create_time"]
    assert api.get(f"/personas/{before['id']}").json()["persona"] == after


def test_null_clears_or_keeps_as_x_on_null_says(api: httpx.Client) -> None:
    """null clears the fields marked `clear`, shown as null, and leaves those marked `keep` (x-on-null)."""
    update = yaml.safe_load((ROOT / "openapi.yaml").read_text())["components"]["schemas"]["PersonaUpdate"]["properties"]
    full = {
        "persona_prompt": "x",
        "background_sound": "off",
        "wait_seconds": 2,
        "conversation_initiation": "speak_first",
        "hold_music_timeout_seconds": 5,
    }
    before = new_persona(api, **full)
    after = api.patch(f"/personas/{before['id']}", json=dict.fromkeys(update, None)).json()["persona"]
    for name, schema in update.items():
        assert after[name] == (before[name] if schema["x-on-null"] == "keep" else None), name


def test_refused_update_changes_nothing(api: httpx.Client) -> None:
    """A refused body changes nothing, also where some of its fields were valid, and each field at fault is named."""
    before = new_persona(api)
    body = {"name": "New", "wait_seconds": 2.5, "background_sound": "sea", "hold_music_timeout_seconds": "5"}
    answer = api.patch(f"/personas/{before['id']}", json=body)
    assert sorted(fields_at_fault(answer)) == ["background_sound", "hold_music_timeout_seconds", "wait_seconds"]
    assert "greater than the maximum of 2" in answer.text
    assert api.get(f"/personas/{before['id']}").json()["persona"] == before


@pytest.mark.parametrize("body", [{}, {"wait_seconds": 0.5}, {"name": None}, {"colour": "red", "id": "mine"}])
def test_update_of_nothing_is_valid(api: httpx.Client, body: dict[str, Any]) -> None:
    """An empty object, the same values, a null that keeps and fields without a name in the contract change nothing."""
    before = new_persona(api, wait_seconds=0.5)
    answer = api.patch(f"/personas/{before['id']}", json=body)
    assert (answer.status_code, answer.json()["persona"]) == (200, before)


def test_update_time_moves_with_every_change(api: httpx.Client) -> None:
    """Of a hundred changes in a row each has a later update_time."""
    persona = new_persona(api)["id"]
    times = [
        api.patch(f"/personas/{persona}", json={"name": str(number)}).json()["persona"]["update_time"]
        for number in range(100)
    ]
    assert times == sorted(set(times))
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", time) for time in times)


@pytest.mark.parametrize(
    ("stored", "changes", "at_fault"),
    [
        (("aria", "en-US"), {"voice_name": "callum"}, ["voice_name"]),
        (("aria", "en-US"), {"language_code": "de-DE"}, ["language_code"]),
        (("aria", "en-US"), {"voice_name": "jonas", "language_code": "en-US"}, ["voice_name", "language_code"]),
        (("aria", "en-US"), {"voice_name": "nobody"}, ["voice_name"]),
        (("aria", "en-US"), {"voice_name": ""}, ["voice_name"]),
        (("aria", "en-US"), {"voice_name": "Aria"}, ["voice_name"]),
        (("aria", "en-US"), {"language_code": "en-us"}, ["language_code"]),
        (("aria", "en-US"), {"voice_name": "callum", "language_code": None}, ["voice_name", "language_code"]),
        (("aria", "en-GB"), {"voice_name": "callum"}, []),
        (("aria", "en-US"), {"voice_name": "jonas", "language_code": "de-AT"}, []),
        (("aria", "en-US"), {"voice_name": None, "language_code": "en-GB"}, []),
    ],
)
def test_voice_speaks_the_language(
    api: httpx.Client, stored: tuple[str, str], changes: dict[str, Any], at_fault: list[str]
) -> None:
    """The language is one that the voice speaks, whichever of the two is sent; the other is never changed for it."""
    before = new_persona(api, voice_name=stored[0], language_code=stored[1])
    answer = api.patch(f"/personas/{before['id']}", json=changes)
    if at_fault:
        assert fields_at_fault(answer) == at_fault
    else:
        sent = {name: value for name, value in changes.items() if value is not None}
        assert answer.json()["persona"] == {**before, **sent, "update_time": answer.json()["persona"]["update_time"]}


def test_concurrent_updates_all_hold(api: httpx.Client) -> None:
    """Updates of different fields at the same time all hold afterwards."""
    persona = new_persona(api)["id"]
    changes: list[dict[str, Any]] = [
        {"wait_seconds": 2},
        {"background_sound": "cafe"},
        {"persona_prompt": "x"},
        {"name": "n"},
    ] * 10

    def send(change: dict[str, Any]) -> int:
        return api.patch(f"/personas/{persona}", json=change).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(send, changes)) == {200}
    after = api.get(f"/personas/{persona}").json()["persona"]
    assert all(after[name] == value for change in changes for name, value in change.items())


# -- Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a\0b",
        " x ",
        "😀" * 200,
        "e\u0301",
        "\u202eabc",
        "\ufeff",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ],
)
def test_text_reads_back_unchanged(api: httpx.Client, text: str) -> None:
    """NUL, spaces, emoji, combining and right-to-left marks are ordinary characters of a name."""
    assert new_persona(api, name=text)["name"] == text


@pytest.mark.parametrize("number", ["2", "2.0", "2e0", "0.1", "0.30000000000000004", "1.9999999999999998", "0.8"])
def test_number_reads_back_as_the_same_double(api: httpx.Client, number: str) -> None:
    """A number is accepted in every spelling and read back as the same double."""
    answer = patch(api, PAGE_PERSONA, f'{{"wait_seconds": {number}}}')
    assert answer.json()["persona"]["wait_seconds"] == float(number)


@pytest.mark.parametrize(
    "value",
    [
        "2.0000000000000004",
        "0.09999999999999999",
        "1e400",
        "-1e400",
        "NaN",
        "-Infinity",
        "9" * 5000,
        '"1"',
        "true",
        "[1]",
    ],
    ids=lambda value: value[:20],
)
def test_number_outside_its_limits_is_refused(api: httpx.Client, value: str) -> None:
    """A double beyond a limit, a number beyond doubles and what is no number get 400 that names the field."""
    assert fields_at_fault(patch(api, PAGE_PERSONA, f'{{"name": "x", "wait_seconds": {value}}}')) == ["wait_seconds"]


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        (b'{"name": "\\ud800"}', ["name"]),
        (b'{"name": "\xed\xa0\x80"}', []),
        (b'{"name": "\xff"}', []),
        (b'\xef\xbb\xbf{"name": "x"}', []),
        (b'{"name": "x"', []),
        (b"{'name': 'x'}", []),
        (b'{"name": "x",}', []),
        (b"[" * 100_000 + b"]" * 100_000, []),
        (b'{"name": ' * 100_000 + b"1" + b"}" * 100_000, []),
        (b'{"name": ' + b"[" * 900 + b"]" * 900 + b"}", ["name"]),
        (b"[]", []),
        (b"null", []),
        (b'"{}"', []),
        (b" ", []),
        (b"", []),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_body_that_is_no_json_object_is_refused(api: httpx.Client, body: bytes, at_fault: list[str]) -> None:
    """What is no JSON object, or holds text that is no Unicode, gets 400."""
    assert fields_at_fault(patch(api, PAGE_PERSONA, body)) == at_fault


def test_duplicate_key_means_its_last_value(api: httpx.Client) -> None:
    """Of a key that stands twice the last value wins."""
    answer = patch(api, PAGE_PERSONA, '{"wait_seconds": 9, "wait_seconds": 1}')
    assert answer.json()["persona"]["wait_seconds"] == 1


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;CHARSET="UTF-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("application/merge-patch+json", 415),
        ("application/jsonx", 415),
        ("text/plain", 415),
        ("", 415),
        (None, 415),
    ],
)
def test_body_is_application_json(api: httpx.Client, content_type: str | None, status: int) -> None:
    """application/json in UTF-8 is read, in any case; another media type or charset gets 415."""
    headers = {"content-type": content_type} if content_type is not None else {}
    answer = api.patch(f"/personas/{PAGE_PERSONA}", content=b"{}", headers=headers)
    assert answer.status_code == status


# -- Creating, reading, deleting --------------------------------------------------------------------------------------


def test_persona_lives_from_create_to_delete(api: httpx.Client) -> None:
    """What is created is stored with an id of 22 letters and digits, read back, and gone after DELETE."""
    persona = new_persona(api, persona_prompt=None, hold_music_timeout_seconds=300)
    path = f"/personas/{persona['id']}"
    assert re.fullmatch("[A-Za-z0-9]{22}", persona["id"])
    assert persona["resource_name"] == f"personas/{persona['id']}"
    assert persona["hold_music_timeout_seconds"] == 300
    assert persona["persona_prompt"] is persona["update_time"] is None
    assert api.get(path).json() == {"persona": persona}
    assert api.get(path.replace(persona["id"][0], f"%{ord(persona['id'][0]):02X}", 1)).status_code == 200
    assert api.get(path.swapcase().replace("/PERSONAS/", "/personas/")).status_code == 404
    assert (api.delete(path).status_code, api.delete(path).status_code) == (200, 404)
    assert (api.get(path).status_code, api.patch(path, json={}).status_code) == (404, 404)


def test_create_names_what_it_lacks(api: httpx.Client) -> None:
    """createPersona requires name, voice_name and language_code, and takes null for none of them."""
    answer = api.post("/personas", json={"voice_name": None})
    assert sorted(fields_at_fault(answer)) == ["language_code", "name", "voice_name"]
    assert fields_at_fault(api.post("/personas", json={**SMALLEST, "language_code": "ja-JP"})) != []


def test_page_persona_exists_at_the_start() -> None:
    """Two personas exist at the start; one is the example of the published reference, value for value."""
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    example = document["components"]["examples"]["PersonaOfThePage"]["value"]["persona"]
    with running_mock() as fresh:
        listed = httpx.get(f"{fresh.url}/personas", headers={"x-api-key": fresh.api_key}).json()["personas"]
    assert len(listed) == 2
    assert example in listed


# -- Listing ----------------------------------------------------------------------------------------------------------


def pages(api: httpx.Client, **query: Any) -> Iterator[list[dict[str, Any]]]:
    while True:
        page = api.get("/personas", params=query).raise_for_status().json()
        yield page["personas"]
        if not page["next_page_token"]:
            return
        query["page_token"] = page["next_page_token"]


def test_pages_neither_skip_nor_repeat(api: httpx.Client) -> None:
    """A persona that lives throughout appears once, whatever is created or deleted between two pages."""
    kept = [new_persona(api, name=f"kept {number % 3}")["id"] for number in range(12)]
    for order_by in ("create_time", "-create_time", "name", "name desc", "update_time asc", "-update_time"):
        seen = []
        for page in pages(api, page_size=5, order_by=order_by):
            seen += [persona["id"] for persona in page]
            api.delete(f"/personas/{new_persona(api, name='kept 1')['id']}")
            new_persona(api, name="kept 0")
            others = [each for each in page if each["id"] not in kept and each["id"] != PAGE_PERSONA]
            for other in others[-1:]:
                api.delete(f"/personas/{other['id']}")
        assert [seen.count(each) for each in kept] == [1] * len(kept), order_by


def test_list_is_newest_first(api: httpx.Client) -> None:
    """Without order_by the newest persona comes first; order_by sorts by each documented field."""
    newest = new_persona(api, name="Zoë")["id"]
    assert api.get("/personas").json()["personas"][0]["id"] == newest
    for field in ("create_time", "name"):
        values = [persona[field] for page in pages(api, order_by=field) for persona in page]
        assert values == sorted(values)


def test_filter_finds_exactly_what_it_names(api: httpx.Client) -> None:
    """A filter by name finds that name alone; a filter by time compares."""
    name = 'Say "hi" \\ to Zoë & co'
    persona = new_persona(api, name=name)
    bare = new_persona(api, name="Bare-name")

    def found(text: str) -> list[str]:
        return [each["id"] for page in pages(api, filter=text) for each in page]

    quoted = json.dumps(name, ensure_ascii=False)
    assert found(f"name={quoted}") == [persona["id"]]
    assert found('name="Bare-name"') == found(' name="Bare-name" ') == [bare["id"]]
    assert found('name="Bare"') == found('name="bare-name"') == []
    assert found(f'create_time>"{persona["create_time"]}"') == [bare["id"]]


@pytest.mark.parametrize(
    ("query", "at_fault"),
    [
        *[
            ({"page_size": size}, "page_size")
            for size in ("0", "101", "-1", "ten", "1.5", "1e1", "", " 5", "٣", "9" * 5000)
        ],
        *[({"page_token": token}, "page_token") for token in ("x", "MTIzNA", "ünknown", "AAAAAFsxXQ", "e30" * 2000)],
        *[({"order_by": order}, "order_by") for order in ("wait_seconds", "--name", "-name desc", "name;", "id")],
        *[
            ({"filter": text}, "filter")
            for text in ('name="x', "name=a b", "name", 'colour="x"', 'name>"x"', "=", "\0")
        ],
        *[({"filter": f'create_time>"{time}"'}, "filter") for time in ("yesterday", "2025-01-01T00:00:00", "x" * 9999)],
    ],
    ids=lambda value: str(value)[:40],
)
def test_query_that_cannot_be_read_is_refused(api: httpx.Client, query: dict[str, str], at_fault: str) -> None:
    """A page_size outside its limits and a made-up token, order or filter get 400 that names the parameter."""
    assert fields_at_fault(api.get("/personas", params=query)) == [at_fault]


def test_page_token_is_bound_to_its_list(api: httpx.Client) -> None:
    """A token is refused with another order or filter, and when a character of it changed."""
    token = api.get("/personas", params={"page_size": 1}).json()["next_page_token"]
    assert api.get("/personas", params={"page_size": 100, "page_token": token}).status_code == 200
    assert fields_at_fault(api.get("/personas", params={"page_token": token, "order_by": "name"})) == ["page_token"]
    for changed in (token[:-1], token + "!", token.swapcase(), token + "="):
        assert fields_at_fault(api.get("/personas", params={"page_token": changed})) == ["page_token"]


# -- The key, the paths, the methods ----------------------------------------------------------------------------------


def test_wrong_key_is_refused_before_anything_else(mock: RunningMock) -> None:
    """Without the key every path and body gets the same 401, and no answer ever holds a key."""
    attempts = [
        ("GET", f"/personas/{PAGE_PERSONA}", b""),
        ("GET", "/personas/unknown", b""),
        ("PATCH", f"/personas/{PAGE_PERSONA}", b"{"),
        ("PUT", "/personas", b""),
        ("GET", "/nowhere", b""),
        ("GET", "/personas?page_size=0", b""),
    ]
    keys = [None, "", mock.api_key.lower(), mock.api_key + "x", mock.api_key[:-1], "é"]
    with httpx.Client(base_url=mock.url) as client:
        answers = [
            client.request(method, path, content=body, headers={} if key is None else {b"x-api-key": key.encode()})
            for method, path, body in attempts
            for key in keys
        ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert answers[0].json()["error"]["code"] == "UNAUTHENTICATED"


def test_key_is_never_answered(mock: RunningMock, api: httpx.Client) -> None:
    """A key that a client puts where it does not belong comes back in no error."""
    key = mock.api_key
    answers = [
        api.get(f"/personas/{key}"),
        api.get("/personas", params={"filter": key, "order_by": key, "page_token": key, "page_size": key}),
        api.patch(f"/personas/{PAGE_PERSONA}", json={"background_sound": key, "voice_name": key, key: key}),
        patch(api, PAGE_PERSONA, f'{{"{key}": "{key}"'),
        api.request(key.upper(), "/personas"),
    ]
    assert all(answer.status_code >= 400 and key.lower() not in answer.text.lower() for answer in answers)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/personas", "GET, POST"),
        ("HEAD", "/personas", "GET, POST"),
        ("POST", f"/personas/{PAGE_PERSONA}", "DELETE, GET, PATCH"),
        ("OPTIONS", f"/personas/{PAGE_PERSONA}", "DELETE, GET, PATCH"),
        ("DELETE", "/personas/voices", "GET"),
        ("PATCH", "/personas/%76oices", "GET"),
    ],
)
def test_unknown_method_is_told_which_there_are(api: httpx.Client, method: str, path: str, allow: str) -> None:
    """A method that the contract does not name gets 405 with Allow; voices is a path and no persona."""
    answer = api.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    "path", ["/personas/", f"/personas/{PAGE_PERSONA}/", "/personas/voices/", "/personas//", "/nowhere", "/", "//personas",
             f"/personas%2F{PAGE_PERSONA}", "/personas/%00", "/personas/%FF", "/personas/a%2Fb", "/PERSONAS"]
)  # fmt: skip
def test_unknown_path_is_not_found(api: httpx.Client, path: str) -> None:
    """What is no path of the contract, or the id of no persona, gets 404."""
    answer = api.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_voices_are_listed(api: httpx.Client) -> None:
    """GET /personas/voices lists the voice of the published reference with its language."""
    voices = {each["voice_name"]: each["supported_languages"] for each in api.get("/personas/voices").json()["voices"]}
    assert "en-US" in voices["aria"]
    assert any(set(one).isdisjoint(other) for one in voices.values() for other in voices.values())


def test_unexpected_failure_is_the_documented_500(capfd: pytest.CaptureFixture[str]) -> None:
    """What fails inside is told on stderr, and to the client only in the shape of 500."""
    api = build_api(ROOT / "openapi.yaml")
    api.resource.store.find = lambda persona_id: 1 / 0  # type: ignore[assignment,return-value]
    headers = [(b"x-api-key", api.api_key)]
    scope = {"method": "GET", "raw_path": b"/v1/personas/x", "query_string": b"", "headers": headers}
    sent: list[dict[str, Any]] = []

    async def collect(message: dict[str, Any]) -> None:
        sent.append(message)

    async def nothing() -> None:
        """A GET has no body to receive."""

    asyncio.run(api(scope, nothing, collect))
    assert sent[0]["status"] == 500
    assert json.loads(sent[1]["body"]) == {"error": {"code": "INTERNAL", "message": "Something went wrong."}}
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_value_that_fits_two_branches_is_named() -> None:
    """No branch has an error to tell of where a oneOf is broken by two that fit."""
    validator = jsonschema_rs.Draft202012Validator(
        {"properties": {"a": {"oneOf": [{"type": "string"}, {"minLength": 1}]}}}
    )
    assert [fault(error)[0] for error in validator.iter_errors({"a": "b"})] == ["a"]
