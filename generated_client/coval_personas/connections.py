"""
The connections of a client that is given no http_client: httpx without what no call needs.

httpx sends the head and the body of a request apart, which costs more than what a client adds to a call.
"""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress
from typing import Any

import httpcore
import httpx

# Every connection may stay open: what many callers open and close anew costs more than their calls.
CONNECTIONS = 100
LIMITS = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
MOST_HELD = 65536


class OwnHttp(httpx.Client):
    """httpx without cookies, redirects, another authentication, and a log that shows whole URLs."""

    def __init__(self) -> None:
        context = httpx.create_ssl_context()
        super().__init__(verify=context, limits=LIMITS)
        if isinstance(self._transport, httpx.HTTPTransport):
            self._transport._pool = _Connections(context)

    def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        if self.is_closed:
            raise RuntimeError("the client is closed")
        response = self._transport_for_url(request.url).handle_request(request)
        response.request = request
        try:
            response.read()
        finally:
            response.close()
        return response

    def __del__(self) -> None:
        if hasattr(self, "_transport"):  # else it was never made, such as with an SSL_CERT_FILE that is not there
            self.close()


class _Connections(httpcore.ConnectionPool):
    """A pool that closes only what no call has: httpcore's may close a connection that it has just given to another thread."""

    def __init__(self, ssl_context: ssl.SSLContext) -> None:
        super().__init__(ssl_context, keepalive_expiry=LIMITS.keepalive_expiry, network_backend=_Network())
        self._turns = threading.Semaphore(CONNECTIONS)
        self._lock = threading.Lock()
        self._lent: set[httpcore.ConnectionInterface] = set()
        self._free: list[httpcore.ConnectionInterface] = []  # the one used last at the end

    @property
    def connections(self) -> list[httpcore.ConnectionInterface]:
        with self._lock:
            return [*self._lent, *self._free]

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        if not self._turns.acquire(timeout=request.extensions.get("timeout", {}).get("pool")):
            raise httpcore.PoolTimeout
        try:
            connection = self._lend(request.url.origin)
            try:
                response = connection.handle_request(request)
                content = response.read()
                response.close()
            except httpcore.ConnectionNotAvailable:
                raise httpcore.ConnectError("the client was closed") from None
            finally:
                self._take_back(connection)
        finally:
            self._turns.release()
        return httpcore.Response(
            response.status, headers=response.headers, content=content, extensions=response.extensions
        )

    def _lend(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        """Return the free connection to a server that was used last, else a new one."""
        expired: list[httpcore.ConnectionInterface] = []
        with self._lock:
            while self._free and self._free[0].has_expired():
                expired.append(self._free.pop(0))
            of_origin = (each for each in reversed(self._free) if each.can_handle_request(origin))
            lent = next((each for each in of_origin if not each.has_expired()), None)
            if lent is not None:
                self._free.remove(lent)
            elif self._free and len(self._free) + len(self._lent) >= CONNECTIONS:
                expired.append(self._free.pop(0))
            lent = lent or self.create_connection(origin)
            self._lent.add(lent)
        for connection in expired:
            connection.close()
        return lent

    def _take_back(self, connection: httpcore.ConnectionInterface) -> None:
        with self._lock:
            self._lent.remove(connection)
            if is_free := connection.is_available():
                self._free.append(connection)
        if not is_free:
            connection.close()

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


class _Network(httpcore.SyncBackend):
    def connect_tcp(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        return _Stream(super().connect_tcp(*args, **options))


class _Stream(httpcore.NetworkStream):
    """Holds what is written until the answer is read."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._held = b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._held += buffer
        self._timeout = timeout
        if len(self._held) > MOST_HELD:
            self._flush()

    def _flush(self) -> None:
        held, self._held = self._held, b""
        self._stream.write(held, self._timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._held:
            with suppress(httpcore.WriteError):  # as httpcore does: a server may answer, and not read to the end
                self._flush()
        return self._stream.read(max_bytes, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(*args, **options))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
