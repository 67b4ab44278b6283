"""Runs the API on a port of the loopback interface until a signal ends it, or in a forked process for as long as a block lasts."""

import logging
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn

from ..app import Api
from ..errors import StartError
from ..process import end_with_parent
from .protocol import MockProtocol

HOST = "127.0.0.1"
BACKLOG = 4096
OPEN_FILES = 8192


def listen(port: int) -> socket.socket:
    """Take *port* of the loopback interface; 0 takes a free one; refuse to start where it is taken or forbidden."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise StartError(f"port {port}: {error.strerror}; choose another with --port, or 0 for a free one") from None
    return listener


def address(api: Api, listener: socket.socket) -> str:
    """Return the URL of *api* on a bound socket."""
    return f"http://{HOST}:{listener.getsockname()[1]}{api.contract.base_path}"


@contextmanager
def forked_mock(api: Api) -> Iterator[str]:
    """
    Answer requests in a forked process for as long as the block lasts, and yield its URL: for whoever needs many, one
    after the other. Requests may be sent at once: the port is open before the process is.
    """
    listener = listen(0)
    listener.listen()
    api.url = address(api, listener)
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(api, listener, os.getpid()), daemon=True)
    process.start()
    listener.close()
    try:
        yield api.url
    finally:
        process.kill()  # it keeps nothing that would have to be put away
        process.join()


def _serve(api: Api, listener: socket.socket, parent: int) -> None:
    end_with_parent(parent)
    serve(api, listener, lambda: None)  # nobody waits to hear that the mock is ready


def serve(api: Api, listener: socket.socket, when_ready: Callable[[], None]) -> None:
    """Answer requests on a bound socket until SIGINT or SIGTERM, then exit with 0; call *when_ready* once before."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: sys.exit(0))  # uvicorn raises it again when it has shut down
    with suppress(ImportError, OSError, ValueError):
        _allow_open_files()
    logging.disable(logging.CRITICAL)  # uvicorn's: what a client does wrong is answered, not logged
    config = uvicorn.Config(
        api,
        interface="asgi3",
        http=MockProtocol,
        ws="none",
        proxy_headers=False,  # nothing here asks who the client is
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=1,
    )
    _Server(config, when_ready).run(sockets=[listener])


def _allow_open_files() -> None:
    """Ask for as many connections as the mock admits, where the default is less."""
    import resource  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.when_ready()
