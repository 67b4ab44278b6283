"""
The connections of a client that is given no http_client: httpx without what no call needs.

httpx sends the head and the body of a request apart, and puts anyio between itself and asyncio.
Together they cost more than what a client adds to a call.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

# Every connection may stay open: what many callers open and close anew costs more than their calls.
_CONNECTIONS = 100
_LIMITS = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
_MOST_HELD = 65536


class OwnHttp(httpx.Client):
    """httpx without cookies, redirects, another authentication, and a log that shows whole URLs."""

    def __init__(self) -> None:
        super().__init__(limits=_LIMITS)
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


class OwnAsyncHttp(httpx.AsyncClient):
    """As OwnHttp."""

    def __init__(self) -> None:
        super().__init__(limits=_LIMITS)
        self._turns = asyncio.Semaphore(_CONNECTIONS)
        if isinstance(pool := getattr(self._transport, "_pool", None), httpcore.AsyncConnectionPool):
            pool._network_backend = _AsyncNetwork()

    async def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        if self.is_closed:
            raise RuntimeError("the client is closed")
        async with self._turns:  # httpx looks through its whole queue at each call, so calls wait before it
            response = await self._transport_for_url(request.url).handle_async_request(request)
            response.request = request
            try:
                await response.aread()
            finally:
                await response.aclose()
            return response


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
        if len(self._held) > _MOST_HELD:
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


class _AsyncNetwork(httpcore.AsyncNetworkBackend):
    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore.AsyncNetworkStream:
        with _failing(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                return _AsyncStream(*await asyncio.open_connection(host, port))


class _AsyncStream(httpcore.AsyncNetworkStream):
    """As _Stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._held = b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._held += buffer
        self._timeout = timeout
        if len(self._held) > _MOST_HELD:
            await self._flush()

    async def _flush(self) -> None:
        held, self._held = self._held, b""
        self._writer.write(held)
        if len(held) > _MOST_HELD:
            with _failing(httpcore.WriteTimeout, httpcore.WriteError):
                async with asyncio.timeout(self._timeout):
                    await self._writer.drain()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._held:
            await self._flush()
        with _failing(httpcore.ReadTimeout, httpcore.ReadError):
            async with asyncio.timeout(timeout):
                return await self._reader.read(max_bytes)

    async def aclose(self) -> None:
        self._writer.transport.abort()
        await asyncio.sleep(0)  # it is closed in the next turn of the loop

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        with _failing(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        if info != "is_readable":
            return None
        # Of a connection that no call uses: it has come to its end.
        if self._reader.at_eof() or not hasattr(select, "poll"):
            return self._reader.at_eof()
        readable = select.poll()
        readable.register(self._writer.get_extra_info("socket"), select.POLLIN)
        return bool(readable.poll(0))


@contextmanager
def _failing(in_time: type[Exception], otherwise: type[Exception]) -> Iterator[None]:
    """Raise what httpcore raises of a network."""
    try:
        yield
    except TimeoutError as error:
        raise in_time(str(error)) from error
    except OSError as error:
        raise otherwise(str(error)) from error
