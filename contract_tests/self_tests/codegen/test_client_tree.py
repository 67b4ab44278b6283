"""
The generated client: that it is what openapi.yaml gives, and that it does what its README says.

The tree is judged by the command behind `make client-check`, on copies where it must not hold.
The behaviour is judged against answers made up here, because a mock of the API gives none of the wrong ones.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from coval_personas import ApiError, Client
from coval_personas.api.personas import delete_persona, get_persona, list_personas, update_persona
from coval_personas.models import BackgroundSound, ErrorResponse, PersonaResponse, PersonaUpdate
from coval_personas.types import UNSET

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "generated_client"
PERSONA_ID = "3zfmuDbVQsi4GaseDtiVcS"
KEY = "key-that-must-not-show"
PERSONA = {
    "resource_name": f"personas/{PERSONA_ID}",
    "id": PERSONA_ID,
    "name": "Friendly Customer",
    "create_time": "2025-01-24T10:00:00Z",
}
NOT_FOUND = {"error": {"code": "NOT_FOUND", "message": "No persona has this id."}}
CODEGEN_CACHES = shutil.ignore_patterns("__pycache__")


# The tree


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_client_is_what_the_contract_gives(hash_seed: str, tmp_path: Path) -> None:
    """The committed client is byte for byte what openapi.yaml gives, whatever the hash seed, PATH and ruff settings."""
    hostile = "line-length = 40\n[format]\nquote-style = 'single'\n"
    for folder in (tmp_path, tmp_path / "ruff"):
        folder.mkdir(exist_ok=True)
        (folder / "ruff.toml").write_text(hostile, "utf-8")
    (tmp_path / ".gitignore").write_text("*\n", "utf-8")
    surroundings = {"PATH": "", "TMPDIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PYTHONHASHSEED": hash_seed}
    finished = run_codegen(ROOT, "--check", **surroundings)
    assert (0, "") == (finished.returncode, finished.stderr)


def test_client_holds_no_cache(tmp_path: Path) -> None:
    """Generation leaves no cache folder in the client, and removes what an earlier generation left behind."""
    project = copy_of_project(tmp_path)
    (project / "generated_client/coval_personas/models/renamed_since.py").touch()
    (project / "generated_client/.ruff_cache").mkdir()
    assert 0 == run_codegen(project).returncode
    assert files_of(CLIENT) == files_of(project / "generated_client")
    assert [] == [path.name for path in project.iterdir() if path.name.startswith(".")]


def test_check_names_each_file_that_differs(tmp_path: Path) -> None:
    """A file that was edited, that is missing, or that nobody generated makes the check fail, which changes nothing."""
    project = copy_of_project(tmp_path)
    package = project / "generated_client/coval_personas"
    (package / "client.py").write_text((package / "client.py").read_text("utf-8") + "\n", "utf-8")
    (package / "py.typed").unlink()
    (package / "build").mkdir()
    (package / "build/extra.py").touch()
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__/ignored.pyc").touch()
    before = files_of(project)
    finished = run_codegen(project, "--check")
    assert 1 == finished.returncode
    assert [
        "  extra    generated_client/coval_personas/build/extra.py",
        "  differs  generated_client/coval_personas/client.py",
        "  missing  generated_client/coval_personas/py.typed",
    ] == finished.stderr.splitlines()[1:]
    assert before == files_of(project)


def test_check_finds_a_stale_client(tmp_path: Path) -> None:
    """A contract that was changed without `make client` makes the check fail and name what is stale."""
    project = copy_of_project(tmp_path)
    change_contract(project, "        - construction-work\n", "        - construction-work\n        - new-noise\n")
    before = files_of(project)
    finished = run_codegen(project, "--check")
    assert 1 == finished.returncode
    assert ["  differs  generated_client/coval_personas/models/background_sound.py"] == finished.stderr.splitlines()[1:]
    assert before == files_of(project)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("openapi: 3.1.0", "openapi: [", "is no valid YAML"),
        ("schemas/WaitSeconds'}", "schemas/Wait'}", "#/components/schemas/PersonaUpdate/properties/wait_seconds"),
        ("  - url: https://api.coval.dev/v1", "  - url: /v1", "#/servers/0/url"),
        ("minimum: 0.1", "minimum: low", "components.schemas.WaitSeconds.minimum"),
    ],
    ids=["yaml", "reference", "server", "limit"],
)
def test_broken_contract_keeps_the_old_client(old: str, new: str, named: str, tmp_path: Path) -> None:
    """A contract that cannot be used is refused with one line that names the field, and the old client stays."""
    project = copy_of_project(tmp_path)
    change_contract(project, old, new)
    before = files_of(project)
    finished = run_codegen(project)
    assert (4, 1) == (finished.returncode, len(finished.stdout.splitlines()))
    assert "verdict: refused. openapi.yaml" in finished.stdout and named in finished.stdout
    assert before == files_of(project)


# What is sent


def test_key_goes_over_the_wire_in_lower_case() -> None:
    """The gateway refuses other spellings of x-api-key, so the bytes that are sent hold this one, once, with no prefix."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        received: list[bytes] = []
        thread = threading.Thread(target=answer_once, args=(server, received))
        thread.start()
        with Client(KEY, f"http://127.0.0.1:{server.getsockname()[1]}/v1", headers={"X-API-Key": "other"}) as client:
            get_persona.sync(PERSONA_ID, client=client)
        thread.join()
    head = received[0].decode().split("\r\n")
    assert f"GET /v1/personas/{PERSONA_ID} HTTP/1.1" == head[0]
    assert [f"x-api-key: {KEY}"] == [line for line in head if "api-key" in line.lower()]


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (PersonaUpdate(), b"{}"),
        (PersonaUpdate(wait_seconds=UNSET), b"{}"),
        (PersonaUpdate(wait_seconds=None), b'{"wait_seconds":null}'),
        (PersonaUpdate(wait_seconds=0.8), b'{"wait_seconds":0.8}'),
        (PersonaUpdate(background_sound=BackgroundSound.OFF), b'{"background_sound":"off"}'),
    ],
    ids=["nothing", "unset", "none", "number", "enum"],
)
def test_unset_is_left_out_and_none_is_null(body: PersonaUpdate, sent: bytes) -> None:
    """UNSET leaves a field out of the body, None sends null, and nothing is sent that was not given."""
    requests: list[httpx.Request] = []
    update_persona.sync(PERSONA_ID, client=client_answering(json={"persona": PERSONA}, requests=requests), body=body)
    assert [("PATCH", sent)] == [(request.method, request.content) for request in requests]


def test_default_server_is_that_of_the_contract() -> None:
    """Without a base_url, requests go to the first server of openapi.yaml."""
    requests: list[httpx.Request] = []
    list_personas.sync(client=client_answering(json={"personas": []}, requests=requests), page_size=5, order_by="name")
    assert "https://api.coval.dev/v1/personas?page_size=5&order_by=name" == str(requests[0].url)


@pytest.mark.parametrize("persona_id", ["", ".", ".."])
def test_id_that_would_lead_elsewhere_is_not_sent(persona_id: str) -> None:
    """An id that a URL resolves to another resource is refused before a request is made."""
    requests: list[httpx.Request] = []
    with pytest.raises(ValueError, match="cannot be part of a path"):
        delete_persona.sync(persona_id, client=client_answering(json={}, requests=requests))
    assert [] == requests


# What comes back


def sync_update(client: Client) -> PersonaResponse:
    return update_persona.sync(PERSONA_ID, client=client, body=PersonaUpdate(name="Ann"))


def async_update(client: Client) -> PersonaResponse:
    return asyncio.run(update_persona.asyncio(PERSONA_ID, client=client, body=PersonaUpdate(name="Ann")))


both_ways = pytest.mark.parametrize("update", [sync_update, async_update], ids=["sync", "async"])


@both_ways
def test_success_is_a_typed_persona(update: Callable[[Client], PersonaResponse]) -> None:
    """A success is a persona with its types; null and absent fields are told apart, unknown ones are kept."""
    answer = {"persona": {**PERSONA, "wait_seconds": 1, "update_time": None, "tags": ["new"]}}
    persona = update(client_answering(json=answer)).persona
    assert (PERSONA_ID, 1.0, None) == (persona.id, persona.wait_seconds, persona.update_time)
    assert persona.voice_name is UNSET
    assert {"tags": ["new"]} == persona.additional_properties


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2025-01-24T10:00:00Z", 0),
        ("2025-01-24T10:00:00+00:00", 0),
        ("2025-01-24T12:30:00.5+02:30", 500000),
        ("2025-01-24T10:00:00.123456789Z", 123456),
    ],
)
def test_times_are_read_with_any_fraction_and_zone(text: str, microsecond: int) -> None:
    """RFC 3339 allows any number of digits of a second and any zone; the same instant is read."""
    persona = sync_update(client_answering(json={"persona": {**PERSONA, "create_time": text}})).persona
    assert datetime(2025, 1, 24, 10, 0, 0, microsecond, UTC) == persona.create_time


@both_ways
def test_documented_error_is_raised_with_its_parts(update: Callable[[Client], PersonaResponse]) -> None:
    """A documented error is an exception with the status, code, message and details of the answer."""
    details = [{"field": "name", "description": "is too long"}]
    error = {"code": "INVALID_ARGUMENT", "message": "The request body is not valid.", "details": details}
    with pytest.raises(ApiError) as caught:
        update(client_answering(400, json={"error": error}))
    assert (400, "INVALID_ARGUMENT", details) == (caught.value.status, caught.value.code, caught.value.details)
    assert "400 INVALID_ARGUMENT: The request body is not valid. (name: is too long)" == str(caught.value)


@both_ways
@pytest.mark.parametrize("status", [204, 299, 404, 429, 502, 599])
def test_answer_that_is_not_documented_is_raised(status: int, update: Callable[[Client], PersonaResponse]) -> None:
    """Any other status, and an error that is not JSON, is an ApiError without a code that shows what came, shortened."""
    page = "<html>\n<b>Bad gateway</b>" + "x" * 5000
    with pytest.raises(ApiError) as caught:
        update(client_answering(status, text=page))
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
        json.dumps({"persona": {**PERSONA, "update_time": "yesterday"}}).encode(),
        json.dumps({"persona": {**PERSONA, "wait_seconds": "0.8"}}).encode(),
        json.dumps({"persona": {**PERSONA, "wait_seconds": True}}).encode(),
        json.dumps({"persona": {name: PERSONA[name] for name in PERSONA if name != "id"}}).encode(),
    ],
    ids=lambda body: body[:60].decode(errors="replace") or "empty",
)
def test_success_of_another_shape_is_raised(body: bytes) -> None:
    """A 200 that holds no persona of the documented shape is an ApiError, never a half-read persona."""
    with pytest.raises(ApiError) as caught:
        sync_update(client_answering(content=body))
    assert (200, None) == (caught.value.status, caught.value.code)


def test_redirect_is_not_followed() -> None:
    """The key goes to one host only, so a redirect is an error, also when httpx is told otherwise."""
    requests: list[httpx.Request] = []
    client = client_answering(307, headers={"location": "https://elsewhere.example/"}, requests=requests, redirect=True)
    with pytest.raises(ApiError, match="redirects are not followed"):
        sync_update(client)
    assert 1 == len(requests)


def test_cookies_are_neither_kept_nor_sent() -> None:
    """The key says who calls; a cookie of one answer does not reach the next request."""
    requests: list[httpx.Request] = []
    client = client_answering(json={"persona": PERSONA}, headers={"set-cookie": "a=b"}, requests=requests)
    sync_update(client)
    sync_update(client)
    assert "cookie" not in requests[1].headers


def test_detailed_call_raises_for_no_status() -> None:
    """sync_detailed returns status, headers and the model of that status, or None where there is none."""

    def detailed(**answer: Any) -> tuple[int, type[object]]:
        response = update_persona.sync_detailed(
            PERSONA_ID, client=client_answering(**answer), body=PersonaUpdate(name="Ann")
        )
        assert "yes" == response.headers["x-answered"]
        return response.status_code, type(response.parsed)

    headers = {"x-answered": "yes"}
    assert (200, PersonaResponse) == detailed(json={"persona": PERSONA}, headers=headers)
    assert (404, ErrorResponse) == detailed(status=404, json=NOT_FOUND, headers=headers)
    assert (404, type(None)) == detailed(status=404, text="nothing here", headers=headers)
    assert (599, type(None)) == detailed(status=599, headers=headers)


# The key


@pytest.mark.parametrize("key", [None, "", "  "])
def test_missing_key_is_refused_at_construction(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key there is no client, and the message names both ways to give one."""
    monkeypatch.delenv("COVAL_API_KEY", raising=False)
    with pytest.raises(ValueError, match="pass api_key, or set the environment variable COVAL_API_KEY"):
        Client(key)


def test_key_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """COVAL_API_KEY is the key where none is given, without the line break that a file may end with."""
    monkeypatch.setenv("COVAL_API_KEY", f"{KEY}\n")
    requests: list[httpx.Request] = []
    sync_update(client_answering(json={"persona": PERSONA}, requests=requests, key=None))
    assert KEY == requests[0].headers["x-api-key"]


@pytest.mark.parametrize("status", [200, 307, 400, 401, 502])
@pytest.mark.parametrize("as_json", [True, False])
def test_key_never_shows(status: int, as_json: bool) -> None:
    """The key stands in no repr and in no exception, also where the API echoes it."""
    echo = f"the key {KEY} is wrong"
    error = {"code": KEY, "message": echo, "details": [{"field": KEY, "description": echo}]}
    answer: dict[str, Any] = {"json": {"error": error}} if as_json else {"text": echo}
    client = client_answering(status, headers={"location": f"https://x.example/?{KEY}"}, **answer)
    with pytest.raises(ApiError) as caught:
        sync_update(client)
    detailed = update_persona.sync_detailed(PERSONA_ID, client=client, body=PersonaUpdate())
    shown = [str(caught.value), repr(caught.value), repr(vars(caught.value)), repr(client), repr(detailed)]
    assert KEY not in "".join(shown)


def test_key_that_no_header_can_carry_is_refused_unseen() -> None:
    """httpx would show such a key in its own exception, so it is refused before."""
    with pytest.raises(ValueError, match="key") as caught:
        Client(f"{KEY}\nx: y")
    assert KEY not in repr(caught.value)


# The README


def test_readme_examples_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The code of the client's README does what the README says."""

    def answer(_: object, request: httpx.Request) -> httpx.Response:
        wait_seconds = json.loads(request.content)["wait_seconds"]
        if wait_seconds <= 2:
            return httpx.Response(200, json={"persona": {**PERSONA, "wait_seconds": wait_seconds}})
        return httpx.Response(400, json={"error": {"code": "INVALID_ARGUMENT", "message": "too long a wait"}})

    monkeypatch.setenv("COVAL_API_KEY", KEY)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)
    namespace: dict[str, Any] = {}
    *examples, async_example = re.findall(r"```python\n(.*?)```", (CLIENT / "README.md").read_text("utf-8"), re.DOTALL)
    for example in examples:
        exec(example, namespace)
    namespace["client"].close()
    compile(async_example, "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert "Friendly Customer 0.8 UNSET\n400 INVALID_ARGUMENT too long a wait []\n" == capsys.readouterr().out


def run_codegen(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "contract_tests", "client", "--", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )


def copy_of_project(folder: Path) -> Path:
    for name in ("codegen", "generated_client"):
        shutil.copytree(ROOT / name, folder / name, ignore=CODEGEN_CACHES)
    shutil.copy(ROOT / "openapi.yaml", folder)
    return folder


def change_contract(project: Path, old: str, new: str) -> None:
    contract = (project / "openapi.yaml").read_text("utf-8")
    assert old in contract
    (project / "openapi.yaml").write_text(contract.replace(old, new, 1), "utf-8")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def client_answering(
    status: int = 200,
    *,
    requests: list[httpx.Request] | None = None,
    key: str | None = KEY,
    redirect: bool = False,
    headers: Mapping[str, str] | None = None,
    **body: Any,
) -> Client:
    """A client whose every request is answered with *body*, as httpx.Response takes it, and kept in *requests*."""

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        return httpx.Response(status, headers=headers, **body)

    return Client(key, httpx_args={"transport": httpx.MockTransport(answer), "follow_redirects": redirect})


def answer_once(server: socket.socket, received: list[bytes]) -> None:
    connection, _ = server.accept()
    with connection:
        received.append(connection.recv(65536))
        body = json.dumps({"persona": PERSONA}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body))
