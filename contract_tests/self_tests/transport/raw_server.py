"""A server that sends whatever bytes it is told, at whatever pace, for the tests of what becomes of an answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

Script = Callable[[bytes], Iterable[bytes]]
"""Makes of a request, as it came, the pieces of its answer."""


def answer(body: bytes, *headers: str, status: str = "200 OK", content_type: str = "application/json") -> bytes:
    """Return an answer as it goes over the wire; it says that the connection ends, which a client may not see in time."""
    lines = [f"HTTP/1.1 {status}", f"content-type: {content_type}", f"content-length: {len(body)}", "connection: close"]
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


def trickled(data: bytes, seconds: float = 0.1) -> Iterator[bytes]:
    """Yield one byte at a time."""
    for index in range(len(data)):
        yield data[index : index + 1]
        time.sleep(seconds)


@contextmanager
def raw_server(script: Script) -> Iterator[str]:
    """Answer each request as *script* has it, for as long as the block lasts; the address that ends in /v1."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve, args=(listener, script), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _serve(listener: socket.socket, script: Script) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection, script), daemon=True).start()


def _answer(connection: socket.socket, script: Script) -> None:
    """Answer one request and close the connection."""
    with connection, suppress(OSError):
        request = connection.recv(65_536)
        for piece in script(request):
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
