"""
HTTP on the wire: what is no HTTP, too long or too slow gets its answer here, before the API sees it.

uvicorn answers broken requests as plain text and waits without end for slow ones; a mock of an API whose contract
says how errors look does neither.
"""

import re
from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ..errors import Refusal
from .bodies import MAX_BODY_BYTES
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


class OneWrite:
    """
    The way out of a connection, which sends the head of an answer together with its body.

    uvicorn writes them one after the other, and each write is a call to the kernel, which takes longer than
    everything the mock does for an update.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.is_closing = transport.is_closing
        self.head = b""
        self.has_begun = False

    def write(self, data: bytes) -> None:
        """Keep the head of an answer back; a piece of a body may look like one, and comes later."""
        if not self.has_begun and not data.startswith(b"HTTP/1.1 100"):
            self.head = data
            self.has_begun = True
        else:
            self.transport.write(self.head + data)
            self.head = b""

    def finish(self) -> None:
        """End an answer, and send a head that no body follows."""
        if self.head:
            self.write(b"")
        self.has_begun = False

    def close(self) -> None:
        """Close the connection when everything is sent."""
        self.finish()
        self.transport.close()


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
        self.out = OneWrite(transport)
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
        if self.is_in_head and self.received_bytes > MAX_HEAD_BYTES:
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

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            raise ValueError("too many headers")  # which the parser reports as a broken request

    def on_headers_complete(self) -> None:
        self.is_in_head = False
        super().on_headers_complete()
        self.cycle.transport = self.out  # type: ignore[assignment]

    def on_message_complete(self) -> None:
        self.is_unfinished = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.out.finish()
        super().on_response_complete()

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
            head = b"".join(b"%b: %b\r\n" % header for header in headers)
            self.transport.write(STATUS_LINE[status] + head + b"\r\n" + answer.body)
        self.transport.close()
