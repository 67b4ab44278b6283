"""
The connections of an async client that is given no http_client: httpx without what no call needs.

httpx puts anyio between itself and asyncio, and its pool asks four times in a call which library runs the loop, by an
import that searches all of sys.path where sniffio is not installed. Both cost more than what a client adds to a call.
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

from .connections import CONNECTIONS, LIMITS, MOST_HELD


class OwnAsyncHttp(httpx.AsyncClient):
    """As OwnHttp."""

    def __init__(self) -> None:
        context = httpx.create_ssl_context()
        super().__init__(verify=context, limits=LIMITS)
        self._turns = asyncio.Semaphore(CONNECTIONS)
        if isinstance(self._transport, httpx.AsyncHTTPTransport):
            self._transport._pool = _Connections(context)

    async def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        if self.is_closed:
            raise RuntimeError("the client is closed")
        async with self._turns:  # calls wait here: the pool has no queue, and that of a proxy is walked at each call
            response = await self._transport_for_url(request.url).handle_async_request(request)
            response.request = request
            try:
                await response.aread()
            finally:
                await response.aclose()
            return response


class _Connections(httpcore.AsyncConnectionPool):
    """A pool without a queue: who calls has waited already, so a connection is free or may be made."""

    def __init__(self, ssl_context: ssl.SSLContext) -> None:
        super().__init__(ssl_context, keepalive_expiry=LIMITS.keepalive_expiry, network_backend=_Network())
        self._lent: set[httpcore.AsyncConnectionInterface] = set()
        self._free: list[httpcore.AsyncConnectionInterface] = []  # the one used last at the end

    @property
    def connections(self) -> list[httpcore.AsyncConnectionInterface]:
        return [*self._lent, *self._free]

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        connection = await self._connection_to(request.url.origin)
        self._lent.add(connection)
        try:
            response = await connection.handle_async_request(request)
            content = await response.aread()
            await response.aclose()
        except httpcore.ConnectionNotAvailable:
            raise httpcore.ConnectError("the client was closed") from None
        finally:
            self._lent.remove(connection)
            if connection.is_available():
                self._free.append(connection)
            else:
                await connection.aclose()
        return httpcore.Response(
            response.status, headers=response.headers, content=content, extensions=response.extensions
        )

    async def _connection_to(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        """Return the free connection to a server that was used last, else a new one."""
        while self._free and self._free[0].has_expired():
            await self._free.pop(0).aclose()
        for connection in reversed(self._free):
            if connection.can_handle_request(origin) and not connection.has_expired():
                self._free.remove(connection)
                return connection
        if self._free and len(self.connections) >= CONNECTIONS:
            await self._free.pop(0).aclose()
        return self.create_connection(origin)

    async def aclose(self) -> None:
        for connection in self.connections:
            await connection.aclose()


class _Network(httpcore.AsyncNetworkBackend):
    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore.AsyncNetworkStream:
        with _failing(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                return _Stream(*await asyncio.open_connection(host, port))


class _Stream(httpcore.AsyncNetworkStream):
    """As the sync one: holds what is written until the answer is read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._held = b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._held += buffer
        self._timeout = timeout
        if len(self._held) > MOST_HELD:
            await self._flush()

    async def _flush(self) -> None:
        held, self._held = self._held, b""
        self._writer.write(held)
        if len(held) > MOST_HELD:
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
