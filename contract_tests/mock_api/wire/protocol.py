"""
HTTP on the wire: what is no HTTP, too long or too slow gets its answer here, before the API sees it.

uvicorn answers broken requests as plain text and waits without end for slow ones; a mock of an API whose contract
says how errors look does neither.
"""

import re
from asyncio import Event, TimerHandle, Transport
from collections.abc import Iterable
from typing import Any

from httptools import parse_url
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ..errors import Header, Refusal
from .bodies import MAX_BODY_BYTES, Headers
from .messages import Answer

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
MAX_MESSAGE_BYTES = MAX_BODY_BYTES * 8  # a body in chunks of one byte is six times as long on the wire
MAX_DISCARDED_BYTES = 256 * 1024 * 1024  # of a request that has its answer already
MAX_CONNECTIONS = 5_000
TIMEOUT_SECONDS = 10.0
GRACE_SECONDS = 0.1

UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)  # JSON has no line that begins so

BROKEN = (400, "The request is no valid HTTP/1.1.")
SLOW = (408, "The request took too long to arrive.")
LONG_HEAD = (400, "The request is too long.")
LONG = (413, "The request is too long.")
CROWDED = (429, "Too many connections at once.")


class Cycle(RequestResponseCycle):
    """
    A request and its answer, whose head is written together with its body.

    uvicorn writes them one after the other, and each write is a call to the kernel, which takes longer than
    everything the mock does for an update.
    """

    start: Any = None  # the head, kept back until the body comes

    async def send(self, message: Any) -> None:
        """Write the answer if it is whole and ordinary; leave it to uvicorn if it is not."""
        if message["type"] == "http.response.start":
            self.start = message
            return
        start, self.start = self.start, None
        if start is not None:
            if self.is_ordinary(dict(start["headers"]), message):
                self.response_started = self.response_complete = True
                self.transport.write(written(start["status"], start["headers"], message["body"]))
                self.on_response()
                return
            await super().send(start)
        await super().send(message)

    def is_ordinary(self, headers: Headers, message: Any) -> bool:
        """Say whether an answer is there in one piece, may be written now, and leaves the connection open."""
        is_whole = b"content-length" in headers and not message.get("more_body")
        is_open = self.keep_alive and b"connection" not in headers and not self.disconnected
        return is_whole and is_open and not self.flow.write_paused and self.scope["method"] != "HEAD"


def written(status: int, headers: Iterable[Header], body: bytes) -> bytes:
    """Write an answer as HTTP does."""
    return STATUS_LINE[status] + b"\r\n".join([*map(b": ".join, headers), b"", body])


class MockProtocol(HttpToolsProtocol):
    """uvicorn's HTTP with limits, and errors in the shape of the contract."""

    timeout_seconds = TIMEOUT_SECONDS
    deadline: TimerHandle | None = None
    unread_deadline: TimerHandle | None = None
    is_unfinished = False  # a request has begun and not ended
    is_in_head = False
    received_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self.end(*CROWDED)

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop_deadline()
        self.stop_unread_deadline()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread_deadline = self.loop.call_later(self.timeout_seconds, self.give_up)

    def resume_writing(self) -> None:
        self.stop_unread_deadline()
        super().resume_writing()

    def give_up(self) -> None:
        """Cut off a client that does not read, unless it turns out now that it has: this process may have stood still."""
        # Closing would wait for the client to read what it does not read.
        self.unread_deadline = self.loop.call_later(GRACE_SECONDS, self.transport.abort)

    def stop_unread_deadline(self) -> None:
        """Forget the time limit of a client that has read on."""
        if self.unread_deadline is not None:
            self.unread_deadline.cancel()
            self.unread_deadline = None

    def data_received(self, data: bytes) -> None:
        if b"pgrade:" in data or b"PGRADE:" in data:
            # An offer of HTTP/2 or WebSocket, which Java's client makes by default, may be passed over (RFC 9110,
            # section 7.8). The parser would take the body for the other protocol, so it is not shown the offer.
            data = UPGRADE.sub(b"\r\nX-grade:", data)
        super().data_received(data)
        if self.is_unfinished:
            self.limit(len(data))
        elif self.deadline is not None:
            self.stop_deadline()

    def limit(self, received_bytes: int) -> None:
        """Hold a request that has begun and not ended to its length and its time."""
        self.received_bytes += received_bytes
        if (self.is_in_head and self.received_bytes > MAX_HEAD_BYTES) or len(self.headers) > MAX_HEADERS:
            self.end(*LONG_HEAD)
        elif self.received_bytes > (MAX_DISCARDED_BYTES if self.is_answered() else MAX_MESSAGE_BYTES):
            self.end(*LONG)
        elif self.deadline is None:
            self.deadline = self.loop.call_later(self.timeout_seconds, self.end, *SLOW)

    def stop_deadline(self) -> None:
        """Forget the time limit of a request that has ended."""
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def is_answered(self) -> bool:
        """Say whether the request under way has its answer already, so that the rest of it is discarded."""
        return not self.is_in_head and self.cycle is not None and self.cycle.response_complete

    def on_message_begin(self) -> None:
        self.is_unfinished = self.is_in_head = True
        self.received_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer, or wait for the answer to the request before: uvicorn's way, with a cycle of our own."""
        if len(self.headers) > MAX_HEADERS:
            raise ValueError("too many headers")  # which the parser reports as a broken request
        self.is_in_head = False
        url, version, before = parse_url(self.url), self.parser.get_http_version(), self.cycle
        self.scope["method"] = self.parser.get_method().decode()
        self.scope["raw_path"], self.scope["query_string"] = url.path or b"/", url.query or b""
        keeps_alive = version != "1.0" and self.parser.should_keep_alive()
        self.cycle = Cycle(  # by place, which takes half the time of by name
            self.scope, self.transport, self.flow, self.logger, self.access_logger, False, [], Event(),
            self.expect_100_continue, keeps_alive, self.on_response_complete,
        )  # fmt: skip
        if before is None or before.response_complete:
            self.run(self.cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def run(self, cycle: RequestResponseCycle) -> None:
        """Let the API answer one request."""
        self.task = self.loop.create_task(cycle.run_asgi(self.app))  # kept, as a loop holds its tasks weakly

    def on_message_complete(self) -> None:
        self.is_unfinished = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on; no idle connection is closed, as that would fail a client that uses it at that moment."""
        self.flow.resume_reading()
        if self.pipeline and not self.transport.is_closing():
            self.run(self.pipeline.pop()[0])

    def send_400_response(self, msg: str) -> None:
        """Answer a broken request; if a whole one stands before it, that gets its answer first, and the only one."""
        self.is_unfinished = False
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and not cycle.more_body and not self.is_in_head:
            cycle.keep_alive = False
            self.flow.pause_reading()
        else:
            self.end(*BROKEN)

    def end(self, status: int, message: str) -> None:
        """Answer, if the request under way has no answer yet, and close the connection."""
        if self.transport.is_closing():
            return
        if not self.is_answered():
            answer: Answer = self.app.refuse(Refusal(status, message))
            headers = (*answer.headers, (b"content-length", b"%d" % len(answer.body)), (b"connection", b"close"))
            self.transport.write(written(status, headers, answer.body))
        self.transport.close()
