"""The generated client against a server that answers 429 or 503, drops the connection, hangs, or is not there."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from coval_personas import (
    ApiConnectionError,
    ApiStatusError,
    ApiTimeoutError,
    AsyncCoval,
    ConflictError,
    Coval,
    RateLimitError,
    ServerError,
    wire,
)
from coval_personas.errors import retry_after_seconds
from coval_personas.resources import _DELETE_PERSONA, _UPDATE_PERSONA

KEY = "key-that-must-not-show"
PERSONA = {"resource_name": "personas/a", "id": "a", "name": "Ann", "create_time": "2025-01-24T10:00:00Z"}
OK, DROP, HANG = "200", "drop", "hang"
HURRY = "retry-after: 0\r\n"
Call = Callable[[Coval], object]

CALLS: dict[str, Call] = {
    "get": lambda coval: coval.personas.get("a"),
    "list": lambda coval: list(coval.personas.list()),
    "update": lambda coval: coval.personas.update("a", name="Ann"),
    "delete": lambda coval: coval.personas.delete("a"),
    "create": lambda coval: coval.personas.create(name="Ann", voice_name="aria", language_code="en-US"),
}


@dataclass
class NastyServer:
    """A server that does one thing with each request, in turn."""

    url: str
    script: list[str]
    methods: list[str] = field(default_factory=list)
    """Of the requests that arrived."""


@contextmanager
def nasty_server(*script: str) -> Iterator[NastyServer]:
    """Serve a script: a status with the headers of its answer, `drop` or `hang`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = NastyServer(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", list(script))
        is_over = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, server, is_over))
        thread.start()
        try:
            yield server
        finally:
            is_over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _serve(listener: socket.socket, server: NastyServer, is_over: threading.Event) -> None:
    while not is_over.is_set():
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            server.methods.append(connection.recv(65536).partition(b" ")[0].decode())
            step = server.script.pop(0) if server.script else OK
            if step == HANG:
                is_over.wait(3)
            elif step != DROP:
                _answer(connection, step)


def _answer(connection: socket.socket, step: str) -> None:
    status, _, headers = step.partition(" ")
    body = b"{}"
    if status == OK:
        body = json.dumps({"persona": PERSONA, "personas": [PERSONA]}).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{headers}\r\n"
    connection.sendall(head.encode() + body)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server does not say how long to wait, tests do not wait long."""
    monkeypatch.setattr(wire, "FIRST_WAIT_SECONDS", 0.01)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("name", ["get", "list", "update", "delete"])
@pytest.mark.parametrize("step", ["429 ", "503 ", f"429 {HURRY}", f"503 {HURRY}"])
def test_what_may_be_repeated_is_repeated(name: str, step: str) -> None:
    """GET, DELETE, and a PATCH of which the contract promises idempotent_update, are sent again after 429 and 503."""
    with nasty_server(step, step) as server, Coval(KEY, server.url) as coval:
        CALLS[name](coval)
        assert 3 == len(server.methods) and 1 == len(set(server.methods))


@pytest.mark.parametrize("step", ["429 ", "503 ", DROP])
def test_post_is_sent_once(step: str) -> None:
    """A POST that was sent again might make two of what was wanted once."""
    with nasty_server(step) as server, Coval(KEY, server.url) as coval:
        with pytest.raises((ApiStatusError, ApiConnectionError)):
            CALLS["create"](coval)
        assert ["POST"] == server.methods


def test_update_is_sent_once_where_nothing_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without idempotent_update in the contract, the operation says so, and a PATCH is not sent again."""
    assert _UPDATE_PERSONA.may_repeat and _DELETE_PERSONA.may_repeat
    monkeypatch.setitem(_UPDATE_PERSONA.__dict__, "may_repeat", False)
    with nasty_server(f"503 {HURRY}") as server, Coval(KEY, server.url) as coval:
        with pytest.raises(ServerError):
            CALLS["update"](coval)
        assert ["PATCH"] == server.methods


@pytest.mark.parametrize(("retries", "sent"), [(0, 1), (1, 2), (4, 5)])
def test_retries_end(retries: int, sent: int) -> None:
    """max_retries says how often; then the error is that of the last answer, with how long to wait."""
    with nasty_server(*[f"429 {HURRY}x-request-id: r-7\r\n"] * 9) as server:
        with Coval(KEY, server.url, max_retries=retries) as coval, pytest.raises(RateLimitError) as caught:
            CALLS["get"](coval)
        assert (sent, 0.0, "r-7") == (len(server.methods), caught.value.retry_after_seconds, caught.value.request_id)


def test_long_wait_is_left_to_the_caller() -> None:
    """Where the API asks for more than a minute, the error is raised at once and says how long."""
    with nasty_server("503 retry-after: 3600\r\n") as server, Coval(KEY, server.url) as coval:
        with pytest.raises(ServerError) as caught:
            CALLS["get"](coval)
        assert (1, 3600.0) == (len(server.methods), caught.value.retry_after_seconds)


@pytest.mark.parametrize("status", ["400", "409", "500", "502", "504"])
def test_other_errors_are_not_repeated(status: str) -> None:
    """Only 429 and 503 say that it may be otherwise in a moment."""
    with nasty_server(f"{status} {HURRY}") as server, Coval(KEY, server.url) as coval:
        with pytest.raises(ConflictError if status == "409" else ApiStatusError):
            CALLS["get"](coval)
        assert 1 == len(server.methods)


@pytest.mark.usefixtures("hurried")
def test_dropped_read_is_repeated_and_dropped_write_is_not() -> None:
    """A connection that breaks may have brought the request over: reading again changes nothing, deleting again might."""
    with nasty_server(DROP) as server, Coval(KEY, server.url) as coval:
        CALLS["get"](coval)
        assert ["GET", "GET"] == server.methods
    with nasty_server(DROP) as server, Coval(KEY, server.url) as coval:
        with pytest.raises(ApiConnectionError, match=r"DELETE 127\.0\.0\.1/v1/personas/a: RemoteProtocolError"):
            CALLS["delete"](coval)
        assert ["DELETE"] == server.methods


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("name", CALLS)
def test_no_connection_is_an_error_of_its_own(name: str) -> None:
    """Where nobody listens: ApiConnectionError, which names no key and holds no request."""
    with nasty_server() as server:
        url = server.url
    with Coval(KEY, url) as coval, pytest.raises(ApiConnectionError) as caught:
        CALLS[name](coval)
    assert "ConnectError" in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_connection_that_comes_late_is_used(hurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection error before anything was sent is tried again, for what may be repeated."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = reserved.getsockname()
        url = f"http://127.0.0.1:{address[1]}/v1"
        received: list[str] = []

        def listen(_: float) -> None:
            if not received:
                received.append("tried")
                reserved.listen()
                threading.Thread(target=lambda: _serve_once(reserved)).start()

        monkeypatch.setattr(time, "sleep", listen)
        with Coval(KEY, url) as coval:
            coval.personas.delete("a")
        assert ["tried"] == received


def _serve_once(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        _answer(connection, OK)


@pytest.mark.parametrize("name", CALLS)
def test_silence_is_a_timeout(name: str) -> None:
    """A server that says nothing is an ApiTimeoutError after the time of the client or of the call, and is not asked again."""
    with nasty_server(HANG) as server, Coval(KEY, server.url, timeout=0.1) as coval:
        started = time.monotonic()
        with pytest.raises(ApiTimeoutError, match="ReadTimeout"):
            CALLS[name](coval)
        assert time.monotonic() - started < 2
        assert 1 == len(server.methods)
    with nasty_server(HANG) as server, Coval(KEY, server.url) as coval, pytest.raises(ApiTimeoutError):
        coval.personas.get("a", timeout=0.1)


@pytest.mark.usefixtures("hurried")
def test_async_calls_do_the_same() -> None:
    """AsyncCoval repeats, waits, ends and fails as Coval does."""

    async def call(url: str, name: str) -> object:
        async with AsyncCoval(KEY, url, timeout=0.2) as coval:
            if name == "create":
                return await coval.personas.create(name="Ann", voice_name="aria", language_code="en-US")
            return await coval.personas.get("a")

    for script, sent in (((f"503 {HURRY}", "429 "), 3), ((DROP,), 2)):
        with nasty_server(*script) as server:
            asyncio.run(call(server.url, "get"))
            assert sent == len(server.methods)
    for step, error in ((f"429 {HURRY}", RateLimitError), (DROP, ApiConnectionError), (HANG, ApiTimeoutError)):
        with nasty_server(step) as server, pytest.raises(error):
            asyncio.run(call(server.url, "create"))


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("7", 7, 7), ("", None, None), ("soon", None, None), ("-1", None, None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
     ("Fri, 31 Dec 2100 23:59:59 GMT", 1e9, 1e10)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(text: str, least: float | None, most: float | None) -> None:
    """RFC 9110, section 10.2.3; what is neither says nothing."""
    seconds = retry_after_seconds({"retry-after": text})
    assert seconds is None if least is None else seconds is not None and most is not None and least <= seconds <= most
