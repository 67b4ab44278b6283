"""One request and its answer over the wire, within a time and a size, whatever the server sends."""

import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from contract_tests.errors import TargetError
from contract_tests.transport.retry import Failure, failed_attempt

# More than any API sends of its items, and little enough for a small machine. Counted after unpacking.
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
TOO_LONG = f"it is longer than {LARGEST_ANSWER_BYTES:,} bytes, and the rest was not read"
# What is kept of an answer that is larger.
KEPT_BYTES = 4096
# What is unpacked, or handed to the network, at a time.
PIECE_BYTES = 16 * 1024
HEAD_END = b"\r\n\r\n"
# The extension of an answer that says what is wrong with it as HTTP.
FLAW = "flaw"
# The extension of a request that goes over connections of its own, as that of another client does.
APART = "apart"
# The codings that zlib reads, with the size of the window that tells it which.
CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": zlib.MAX_WBITS}
MOST_CODINGS = 3
# A server may close a connection that is idle just when a request is sent over it.
DROPPED = "Server disconnected without sending a response."
FAILURES = (
    httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProxyError, httpcore.UnsupportedProtocol,
    httpcore.LocalProtocolError,
)  # fmt: skip


class _Flawed(Exception):
    """The answer cannot be read to its end."""


class Connections:
    """Sends requests over connections that are kept open, from any thread."""

    def __init__(self, proxy: httpx.Proxy | None, timeout_seconds: float, *, is_secure: bool = False) -> None:
        """Open nothing yet; *timeout_seconds* is how long an exchange may take, from connection to last byte."""
        self._timeout_seconds = timeout_seconds
        self._proxy = proxy
        self._clock = _Clock()
        self._secrecy = httpx.create_ssl_context() if is_secure else None  # it reads all certificates of the machine
        self._pool, self._apart = self._pool_of_connections(), self._pool_of_connections()

    def send(self, request: httpx.Request) -> httpx.Response | Failure:
        """Send a request once; its answer, read and unpacked, or why there is none."""
        self._clock.deadline = time.monotonic() + self._timeout_seconds
        try:
            pool = self._apart if APART in request.extensions else self._pool
            answer = pool.handle_request(self._as_sent(request))
            try:
                return self._read(answer)
            finally:
                if answer.status >= 500:  # some servers close the connection then, just when the next request comes
                    answer.extensions["network_stream"].close()
                answer.close()
        except httpcore.RemoteProtocolError as error:
            if str(error) == DROPPED:
                return failed_attempt(error)
            return _response(0, [], b"", {FLAW: f"it is no HTTP: {error}"})
        except ValueError as error:  # a length of thousands of digits, which h11 hands to int as it is
            return _response(0, [], b"", {FLAW: f"it is no HTTP: {error}"})
        except FAILURES as error:
            return failed_attempt(error)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
        self._apart.close()

    def _pool_of_connections(self) -> httpcore.ConnectionPool:
        proxy, usual = self._proxy, dict[str, Any](
            ssl_context=self._secrecy, max_connections=64, max_keepalive_connections=32, keepalive_expiry=5.0,
            network_backend=_BoundedBackend(self._clock),
        )  # fmt: skip
        if proxy is None:
            return httpcore.ConnectionPool(**usual)
        url = proxy.url
        place = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        usual |= {"proxy_url": place, "proxy_auth": proxy.raw_auth}
        if url.scheme.startswith("socks"):
            return httpcore.SOCKSProxy(**usual)
        return httpcore.HTTPProxy(proxy_headers=proxy.headers.raw, proxy_ssl_context=proxy.ssl_context, **usual)

    def _as_sent(self, request: httpx.Request) -> httpcore.Request:
        headers = request.headers.raw
        if "accept-encoding" not in request.headers:  # without it a server may pack an answer as it likes
            headers = [*headers, (b"accept-encoding", b"identity")]
        url = request.url
        place = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        timeout = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_seconds)
        assert isinstance(request.stream, Iterable)
        return httpcore.Request(
            request.method, place, headers=headers, content=request.stream, extensions={"timeout": timeout}
        )

    def _read(self, answer: httpcore.Response) -> httpx.Response:
        body, flaw = bytearray(), {}
        try:
            for piece in _unpacked(self._bounded(answer), answer.headers):
                body += piece
                if len(body) > LARGEST_ANSWER_BYTES:
                    del body[KEPT_BYTES:]
                    raise _Flawed(TOO_LONG)
        except httpcore.RemoteProtocolError as error:
            flaw = {FLAW: f"it breaks off: {error}"}
        except _Flawed as error:
            flaw = {FLAW: str(error)}
        told = {n: answer.extensions[n] for n in ("http_version", "reason_phrase") if n in answer.extensions}
        return _response(answer.status, answer.headers, bytes(body), told | flaw)

    def _bounded(self, answer: httpcore.Response) -> Iterator[bytes]:
        assert isinstance(answer.stream, Iterable)
        for piece in answer.stream:
            self._clock.left_seconds(httpcore.ReadTimeout)
            yield piece


def connections(proxy: httpx.Proxy | None, timeout_seconds: float, *, is_secure: bool) -> Connections:
    """Open what holds the connections; TargetError where the proxy or the CA bundle of the environment is bad."""
    try:
        return Connections(proxy, timeout_seconds, is_secure=is_secure)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise TargetError(f"SSL_CERT_FILE, or the proxy in the environment, cannot be used: {error}") from None


def proxy_of(base_url: str) -> httpx.Proxy | None:
    """Return the proxy that the environment names for an address; TargetError where it cannot be used."""
    url = httpx.URL(base_url)
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or proxy_bypass(url.host):
        return None
    try:
        return httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL) as error:
        raise TargetError(f"the proxy for {url.scheme} in the environment cannot be used: {error}") from None


class _Clock(threading.local):
    """When the exchange of this thread has to be over."""

    deadline = float("inf")

    def left_seconds(self, error: type[httpcore.TimeoutException]) -> float:
        """Return how much time is left; raise *error* where none is."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise error("timed out")
        return left


class _BoundedStream(httpcore.NetworkStream):
    """A connection on which nothing takes longer than the exchange has time."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._head = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with suppress(httpcore.WriteError):  # the server may have answered before it hung up
            self._flush(b"")
        return self._stream.read(max_bytes, self._clock.left_seconds(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, the head of a request only with what follows: two packets cost both sides twice as much."""
        if not self._head and buffer.endswith(HEAD_END):
            self._head = buffer
        else:
            self._flush(buffer)

    def _flush(self, buffer: bytes) -> None:
        buffer, self._head = self._head + buffer, b""
        for start in range(0, len(buffer), PIECE_BYTES):
            left = self._clock.left_seconds(httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + PIECE_BYTES], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._clock.left_seconds(httpcore.ConnectTimeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _BoundedBackend(httpcore.NetworkBackend):
    """Opens connections within the time of an exchange, however many addresses a host has."""

    def __init__(self, clock: _Clock) -> None:
        self._backend = httpcore.SyncBackend()
        self._clock = clock

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        failed: Exception | None = None
        addresses = _addresses(host, port)
        for index, address in enumerate(addresses):
            share = self._clock.left_seconds(httpcore.ConnectTimeout) / (len(addresses) - index)
            try:
                stream = self._backend.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = failed or error
            else:
                return _BoundedStream(stream, self._clock)
        raise failed or httpcore.ConnectError(f"{host} has no address")


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _response(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes, extensions: dict[str, Any]
) -> httpx.Response:
    response = httpx.Response(status, content=body, extensions=extensions)
    response.headers = httpx.Headers(headers)  # not sooner: httpx would unpack the body once more
    return response


def _unpacked(pieces: Iterator[bytes], headers: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Undo the content codings of a body; one that nobody asked for stays as it is."""
    said = b",".join(value for name, value in headers if name.lower() == b"content-encoding").decode("latin-1")
    codings = [coding.strip().lower() for coding in said.split(",")]
    known = [coding for coding in codings if coding in CODINGS]
    if len(known) > MOST_CODINGS:
        raise _Flawed(f"it is packed {len(known)} times")
    for coding in reversed(known):
        pieces = _inflated(pieces, coding)
    return pieces


def _inflated(pieces: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """Unpack a body in small steps: one read may hold a thousand times its size."""
    inflater, count, has_begun = zlib.decompressobj(CODINGS[coding]), 0, False
    try:
        for piece in pieces:
            rest = piece
            if not has_begun and coding == "deflate" and not _has_zlib_header(rest):
                inflater = zlib.decompressobj(-zlib.MAX_WBITS)  # as some servers send it
            has_begun = True
            while rest:
                if inflater.eof:
                    inflater = zlib.decompressobj(CODINGS[coding])
                unpacked = inflater.decompress(rest, PIECE_BYTES)
                rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
                count += len(unpacked)
                if count > LARGEST_ANSWER_BYTES:
                    raise _Flawed(TOO_LONG)
                yield unpacked
    except zlib.error as error:
        raise _Flawed(f"it is said to be {coding} and is not: {error}") from None
    if has_begun and not inflater.eof:
        raise _Flawed(f"its {coding} breaks off")


def _has_zlib_header(data: bytes) -> bool:
    """Whether data begins as RFC 1950 has it; deflate without that header is what some servers send."""
    return data[0] & 0x0F == 8 and (len(data) < 2 or int.from_bytes(data[:2], "big") % 31 == 0)
