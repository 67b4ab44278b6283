"""
The calls that a user writes first, sync and async, against the mock and against a server that shares no code with it.

What the server answers is spelled as the contract allows and the mock does not: fields in another order, further ones,
what is not set left out instead of null, times with an offset, text escaped, names of headers in capitals, pages of two
with an empty one in between, and bodies in chunks.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from coval_personas import Coval, NotFoundError

from contract_tests.mock_api.process import running_mock

KEY = "key-of-the-other-server"

# test_client_types.py lets the type checkers read it, too.
SNIPPET = """
def first_calls(persona_id: str) -> list[str]:
    with Coval() as coval:
        persona = coval.personas.update(persona_id, wait_seconds=0.8, background_sound="office")
        told = [f"{persona.wait_seconds} {persona.background_sound}"]
        persona = coval.personas.update(persona.id, wait_seconds=None)
        told += [f"{persona.wait_seconds or 'not set'} {persona.background_sound}"]
        for persona in coval.personas.list(order_by="-create_time"):
            told.append(persona.name)
        return told + [voice.voice_name for voice in coval.personas.voices.list()]


async def first_async_calls(persona_id: str) -> list[str]:
    async with AsyncCoval() as coval:
        persona = await coval.personas.update(persona_id, wait_seconds=0.8, background_sound="office")
        told = [f"{persona.wait_seconds} {persona.background_sound}"]
        persona = await coval.personas.update(persona.id, wait_seconds=None)
        told += [f"{persona.wait_seconds or 'not set'} {persona.background_sound}"]
        async for persona in coval.personas.list(order_by="-create_time"):
            told.append(persona.name)
        return told + [voice.voice_name for voice in await coval.personas.voices.list()]
"""
NAMES = ["Zoë", "Bob", "Ann \U0001f3a7", "Dee", "Eve"]


@dataclass
class OtherServer:
    """The personas of an account, and how they are shown."""

    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> tuple[int, Any]:
        """Do what a request asks for; return the status and what is answered."""
        match method, path.removeprefix("/api/personas").strip("/"):
            case "GET", "voices":
                return 200, {"count": 1, "voices": [{"supported_languages": ["en-US"], "voice_name": "aria"}]}
            case "GET", "":
                return 200, self._page(*query.get("page_token", ["0"]))
            case "POST", "":
                made = f"P-{next(self.numbers):04}"
                self.stored[made] = {**body, "id": made, "create_time": f"2026-01-0{len(made)}T12:00:00.5+01:00"}
                return 201, {"persona": self._shown(made)}
            case _, persona_id if persona_id not in self.stored:
                return 404, {"error": {"message": "nobody", "code": "NOT_FOUND", "details": None}, "trace": "t-1"}
            case "DELETE", persona_id:
                del self.stored[persona_id]
                return 200, {"removed": True}
            case "PATCH", persona_id:
                changed = {**self.stored[persona_id], **body, "update_time": "2026-02-01T00:00:00-08:00"}
                self.stored[persona_id] = {name: value for name, value in changed.items() if value is not None}
                return 200, {"persona": self._shown(persona_id)}
            case _, persona_id:
                return 200, {"persona": self._shown(persona_id)}

    def _shown(self, persona_id: str) -> dict[str, Any]:
        return {"tags": [], **self.stored[persona_id], "resource_name": f"personas/{persona_id}"}

    def _page(self, token: str) -> dict[str, Any]:
        newest_first, start = sorted(self.stored, reverse=True), int(token.removesuffix("+"))
        if start and not token.endswith("+"):
            return {"next_page_token": f"{token}+", "personas": []}
        held = [self._shown(each) for each in newest_first[start : start + 2]]
        more = {"next_page_token": str(start + 2)} if start + 2 < len(newest_first) else {}
        return {**more, "personas": held}


@contextmanager
def other_server() -> Iterator[str]:
    """Serve an account without personas; yield the URL of the API."""
    account = OtherServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length") or 0))
            url = urlsplit(self.path)
            if self.headers["x-api-key"] == KEY:
                status, said = account.answer(self.command, url.path, parse_qs(url.query), json.loads(sent or "null"))
            else:
                status, said = 401, {"error": {"code": "UNAUTHENTICATED", "message": "who?"}}
            text = json.dumps(said, indent=1).encode()
            self.send_response(status)
            self.send_header("CONTENT-TYPE", "application/json;charset=UTF-8")
            self.send_header("TRANSFER-ENCODING", "chunked")
            self.end_headers()
            for piece in (text[:7], text[7:]):
                self.wfile.write(b"%x;a=b\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api"
        finally:
            server.shutdown()


@pytest.fixture(params=["mock", "other"])
def personas(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Five personas of an API, which the environment names; their ids."""
    with running_mock() if request.param == "mock" else other_server() as server:
        key, url = (KEY, server) if isinstance(server, str) else (server.api_key, server.url)
        monkeypatch.setenv("COVAL_API_KEY", key)
        monkeypatch.setenv("COVAL_BASE_URL", url)
        with Coval() as coval:
            for found in coval.personas.list():
                coval.personas.delete(found.id)
            yield [
                coval.personas.create(name=name, voice_name="aria", language_code="en-US", persona_prompt="p").id
                for name in NAMES
            ]


def test_first_calls_work(personas: list[str]) -> None:
    """A change, a clear that leaves the rest, all pages newest first, and the voices; then one that is gone."""
    namespace: dict[str, Any] = {}
    exec("from coval_personas import AsyncCoval, Coval\n" + SNIPPET, namespace)
    told = namespace["first_calls"](personas[1])
    assert ["0.8 office", "not set office", *reversed(NAMES)] == told[:7] and "aria" in told[7:]
    assert told == asyncio.run(namespace["first_async_calls"](personas[1]))
    with Coval() as coval:
        coval.personas.delete(personas[1])
        with pytest.raises(NotFoundError):
            coval.personas.get(personas[1])
        kept = coval.personas.get(personas[0])
        assert (NAMES[0], "p", "aria") == (kept.name, kept.persona_prompt, kept.voice_name)
        assert kept.create_time.utcoffset() is not None
