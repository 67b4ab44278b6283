"""Writes large answers piece by piece, and bounds what waits to be read: a client that reads nothing takes no memory."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ..errors import Refusal

Send = Callable[[Any], Awaitable[None]]

PIECE_BYTES = 64 * 1024  # a larger answer is written in pieces, each when the client has read those before
MAX_UNREAD_BYTES = 64 * 1024 * 1024  # of all answers in pieces together; the last may exceed it
TIMEOUT_SECONDS = 10.0


class Outbox:
    """Counts the bytes of answers that are not read yet, and lets large answers wait before they are made."""

    def __init__(self) -> None:
        self.unread_bytes = 0
        self.timeout_seconds = TIMEOUT_SECONDS
        self.freed = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether a large answer has to wait."""
        return self.unread_bytes >= MAX_UNREAD_BYTES

    async def room(self, size: int) -> None:
        """Wait until an answer of at most *size* bytes may be made; a small one never waits. Nothing was done yet."""
        if size <= PIECE_BYTES:
            return
        try:
            async with asyncio.timeout(self.timeout_seconds):
                while self.is_full:
                    self.freed.clear()
                    await self.freed.wait()
        except TimeoutError:
            raise Refusal(429, "Too many large answers wait to be read; ask for them one by one.") from None

    async def send(self, body: bytes, send: Send) -> None:
        """Send the body of a large answer, whose head is sent."""
        self.unread_bytes += len(body)
        try:
            for start in range(0, len(body), PIECE_BYTES):
                end = start + PIECE_BYTES
                await send({"type": "http.response.body", "body": body[start:end], "more_body": end < len(body)})
        finally:
            self.unread_bytes -= len(body)
            self.freed.set()
