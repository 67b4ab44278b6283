"""
The connections of a client that is given no http_client: httpx without what no call needs.

httpx sends the head and the body of a request apart, which costs more than what a client adds to a call.
"""

from __future__ import annotations

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
        super().__init__(limits=LIMITS)
        if isinstance(pool := getattr(self._transport, "_pool", None), httpcore.ConnectionPool):
            pool._network_backend = _Network()

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
            try:
                self._flush()
            except httpcore.WriteError:  # else as httpcore does: a server may answer, and not read to the end
                if self._stream.get_extra_info("socket").fileno() < 0:
                    # Another thread took the connection for one that no call uses; the pool gives another.
                    raise httpcore.ConnectionNotAvailable from None
        return self._stream.read(max_bytes, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(*args, **options))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
