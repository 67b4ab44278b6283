"""Runs a mock that was built in this process in one forked from it: for whoever needs many, one after the other."""

import multiprocessing
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from .app import Api
from .parent import end_with_parent
from .server import HOST, listen, serve


@contextmanager
def forked_mock(api: Api) -> Iterator[str]:
    """
    Answer requests in a forked process for as long as the block lasts.

    Args:
        api: The application, built but not running.

    Returns:
        Its URL. Requests may be sent at once: the port is open before the process is.

    Raises:
        StartError: No port can be had.
    """
    listener = listen(0)
    listener.listen()
    api.url = f"http://{HOST}:{listener.getsockname()[1]}{api.contract.base_path}"
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(api, listener, os.getpid()), daemon=True)
    process.start()
    listener.close()
    try:
        yield api.url
    finally:
        process.kill()  # it keeps nothing that would have to be put away
        process.join()


def _serve(api: Api, listener: socket.socket, parent: int) -> None:
    """Answer for as long as the parent lives; nobody waits to hear that the mock is ready."""
    end_with_parent(parent)
    serve(api, listener, lambda: None)
