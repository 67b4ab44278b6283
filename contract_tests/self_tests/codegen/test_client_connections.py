"""How the client's own connections send and read: in one piece, over TLS, much at once, and after the server has hung up."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
import uvloop
from coval_personas import ApiConnectionError, AsyncCoval, Coval
from coval_personas.models import Persona
from httpcore._backends.sync import SyncStream

from codegen.generate import OWN_CLIENT
from contract_tests.spec.contract import ROOT

KEY = "key-that-must-not-show"
LONG = "ü" * 1_500_000
OPENSSL = (
    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost", "-days", "2",
)  # fmt: skip
Loop = Callable[[], asyncio.AbstractEventLoop]
Serve = Callable[[socket.socket], None]
Update = Callable[..., list[Persona]]


def updated(url: str, *names: str, pause: float = 0) -> list[Persona]:
    """Update a persona so often, with a pause after each."""
    found = []
    with Coval(KEY, url, timeout=5) as coval:
        for name in names:
            found.append(coval.personas.update("a", name=name))
            time.sleep(pause)
    return found


def updated_async(url: str, *names: str, pause: float = 0, loop: Loop = asyncio.new_event_loop) -> list[Persona]:
    """As updated(); while it pauses, the event loop sees nothing."""

    async def work() -> list[Persona]:
        found = []
        async with AsyncCoval(KEY, url, timeout=5) as coval:
            for name in names:
                found.append(await coval.personas.update("a", name=name))
                time.sleep(pause)
        return found

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work())


def updated_by_uvloop(url: str, *names: str, pause: float = 0) -> list[Persona]:
    """As updated_async(), in the loop that many servers run on."""
    return updated_async(url, *names, pause=pause, loop=uvloop.new_event_loop)


@contextmanager
def serving(serve: Serve, scheme: str = "http") -> Iterator[str]:
    """Serve connections, one after the other, at the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, serve))
        thread.start()
        try:
            yield f"{scheme}://localhost:{listener.getsockname()[1]}/v1"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _accept(listener: socket.socket, serve: Serve) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            serve(connection)


def answered(connection: Any) -> bytes:
    """Read a request, answer it with the name that it sends, and return the first piece in which it came."""
    first = received = connection.recv(1_000_000)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head:
        return b""
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(1_000_000)
    persona = {"resource_name": "r", "id": "a", "create_time": "2025-01-24T10:00:00Z", **json.loads(body)}
    text = json.dumps({"persona": persona}, ensure_ascii=False).encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text))
    return bytes(first)


def answer_one(connection: socket.socket) -> None:
    """Answer a request, and hang up a moment later."""
    answered(connection)
    time.sleep(0.1)


both = pytest.mark.parametrize("update", [updated, updated_async, updated_by_uvloop])


@both
def test_request_is_sent_in_one_piece(update: Update) -> None:
    """Head and body of a small request go out together, on one connection that stays open."""
    pieces: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        while piece := answered(connection):
            pieces.append(piece)

    with serving(serve) as url:
        assert ["Ann", "Bob"] == [each.name for each in update(url, "Ann", "Bob")]
    assert [b'{"name":"Ann"}', b'{"name":"Bob"}'] == [piece.partition(b"\r\n\r\n")[2] for piece in pieces]


@both
def test_much_is_sent_and_read(update: Update) -> None:
    """A body and an answer of three million bytes arrive whole."""
    with serving(answer_one) as url:
        assert [LONG] == [each.name for each in update(url, LONG)]


@both
def test_connection_that_the_server_has_closed_is_not_used(update: Update) -> None:
    """A server may close what nobody uses; the next update, which is sent only once, takes another connection."""
    with serving(answer_one) as url:
        assert ["Ann", "Bob"] == [each.name for each in update(url, "Ann", "Bob", pause=0.4)]


def test_connection_in_use_is_closed_by_no_other_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that finds idle connections too old closes none that another thread has been given."""
    monkeypatch.setattr(httpcore.HTTP11Connection, "has_expired", lambda self: True)
    read, names = SyncStream.read, ["Bob"]

    with serving(answer_one) as url, Coval(KEY, url, max_retries=0) as coval:

        def read_after_another(*args: Any, **options: Any) -> Any:
            if names:
                with pytest.raises(ApiConnectionError), ThreadPoolExecutor(1) as other:
                    other.submit(coval.personas.update, "a", name=names.pop(), timeout=0.01).result()
            return read(*args, **options)

        monkeypatch.setattr(SyncStream, "read", read_after_another)
        assert coval.personas.update("a", name="Ann").name == "Ann"


def test_call_waits_for_a_connection_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all connections are in use and a time-out for them is given, the call fails without being sent."""
    with Coval(KEY, "http://localhost:1/v1", timeout=httpx.Timeout(5, pool=0.01), max_retries=0) as coval:
        monkeypatch.setattr(coval._http._transport._pool, "_turns", threading.Semaphore(0))  # type: ignore[attr-defined]
        with pytest.raises(ApiConnectionError, match="PoolTimeout"):
            coval.personas.update("a", name="Ann")


def test_each_server_keeps_its_connection() -> None:
    """Calls to two servers in turn, by clients that share their connections, open one connection to each."""
    opened: list[int] = []

    def serve(connection: socket.socket) -> None:
        opened.append(connection.getsockname()[1])
        while answered(connection):
            pass

    async def work(first: str, second: str) -> list[str]:
        async with AsyncCoval(KEY, first, timeout=5) as one:
            other = one.with_options(base_url=second)
            turns = [one, other, one, other]
            return [(await each.personas.update("a", name=str(turn))).name for turn, each in enumerate(turns)]

    with serving(serve) as first, serving(serve) as second:
        assert ["0", "1", "2", "3"] == asyncio.run(work(first, second))
    assert len(opened) == len(set(opened)) == 2


def test_call_that_is_overtaken_by_close_is_not_sent() -> None:
    """A client that is closed while a call begins on a connection opens no other for it."""
    pieces: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        while piece := answered(connection):
            pieces.append(piece)

    async def work(url: str) -> object:
        coval = AsyncCoval(KEY, url, timeout=5, max_retries=0)
        await coval.personas.update("a", name="Ann")
        update = coval.personas.update("a", name="Bob")
        return (await asyncio.gather(update, coval.close(), return_exceptions=True))[0]

    with serving(serve) as url:
        assert isinstance(asyncio.run(work(url)), ApiConnectionError)
    assert len(pieces) == 1


@pytest.mark.parametrize("imported", ["httpcore", "asyncio"])
def test_what_connects_is_imported_with_the_first_client(imported: str) -> None:
    """Importing the client takes little longer than importing httpx, which loads neither of them."""
    code = f"import coval_personas, sys; assert {imported!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / OWN_CLIENT, check=True)


@both
def test_certificate_is_judged(update: Update, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that SSL_CERT_FILE trusts is taken, any other is an ApiConnectionError, and nothing was sent."""
    pieces: list[bytes] = []
    files = ("-out", str(tmp_path / "trusted.pem"), "-keyout", str(tmp_path / "key.pem"))
    subprocess.run([*OPENSSL, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "trusted.pem", tmp_path / "key.pem")

    def serve(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                pieces.append(answered(secure))
        except ssl.SSLError:
            pass

    with serving(serve, "https") as url:
        with pytest.raises(ApiConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            update(url, "Ann")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
        assert [LONG] == [each.name for each in update(url, LONG)]
    assert len(pieces) == 1


def test_certificates_that_are_not_there_are_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that could not be made says why, and nothing further when it is thrown away."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(FileNotFoundError):
        Coval(KEY)
    gc.collect()
