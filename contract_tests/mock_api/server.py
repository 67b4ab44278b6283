"""Runs the API on a port of the loopback interface until a signal ends it."""

import logging
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import uvicorn

from .app import Api
from .errors import StartError
from .protocol import MockProtocol

HOST = "127.0.0.1"
BACKLOG = 4096
OPEN_FILES = 8192


def listen(port: int) -> socket.socket:
    """
    Take *port* of the loopback interface; 0 takes a free one.

    Raises:
        StartError: The port is taken or forbidden.
    """
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise StartError(f"port {port}: {error.strerror}; choose another with --port, or 0 for a free one") from None
    return listener


def serve(api: Api, listener: socket.socket, when_ready: Callable[[], None]) -> None:
    """
    Answer requests until SIGINT or SIGTERM, then exit with 0.

    Args:
        api: The application.
        listener: A bound socket.
        when_ready: Called once, when requests are answered.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)  # uvicorn raises the signal again when it has shut down
    allow_open_files()
    logging.disable(logging.CRITICAL)  # uvicorn's: what a client does wrong is answered, not logged
    _Server(_config(api), when_ready).run(sockets=[listener])


def leave(number: int, frame: FrameType | None) -> NoReturn:
    """End quietly."""
    sys.exit(0)


def allow_open_files() -> None:
    """Ask for as many connections as the mock admits, where the default is less."""
    with suppress(ImportError, OSError, ValueError):
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


def _config(api: Api) -> uvicorn.Config:
    return uvicorn.Config(
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
