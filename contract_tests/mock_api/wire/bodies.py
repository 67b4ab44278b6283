"""Reads the body of a request, within limits of size and memory, and decodes it."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import orjson

from ..errors import ClientGone, Detail, Refusal

Headers = Mapping[bytes, bytes]
Receive = Callable[[], Awaitable[Any]]

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_HELD_BYTES = 64 * 1024 * 1024  # of all bodies that are under way together
MAX_EXPLAINED_BYTES = 64 * 1024


class Bodies:
    """Reads and decodes bodies of the contract's media types, and counts what is held of those under way."""

    def __init__(self, media_types: Iterable[str]) -> None:
        self.media_types = frozenset(media_type.encode() for media_type in media_types)
        self.held_bytes = 0

    async def json(self, headers: Headers, receive: Receive) -> dict[str, Any]:
        """Read a request's body as a JSON object."""
        body = await self.read(headers, receive)
        if not body:
            raise Refusal(400, "The request has no body; send a JSON object.")
        if not self.is_json(headers.get(b"content-type")):
            known = b", ".join(sorted(self.media_types)).decode()
            raise Refusal(415, f"The body must be {known} in UTF-8.")
        document = self.decode(body)
        if not isinstance(document, dict):
            raise Refusal(400, "The request body must be a JSON object.")
        return document

    async def read(self, headers: Headers, receive: Receive) -> bytes:
        """Read the whole body, if it is not too long."""
        if int(headers.get(b"content-length", 0)) > MAX_BODY_BYTES:
            raise _too_long()  # before the first receive(), which would invite the body with 100 Continue
        message = await receive()
        if message.get("more_body", True):
            return await self.gather(message, receive)
        body: bytes = message["body"]
        return body

    async def gather(self, message: Any, receive: Receive) -> bytes:
        """Read the rest of a body that comes in parts, of which *message* is the first."""
        body = bytearray()
        try:
            while True:
                if message["type"] == "http.disconnect":
                    raise ClientGone
                body += message["body"]
                self.held_bytes += len(message["body"])
                if len(body) > MAX_BODY_BYTES:
                    raise _too_long()
                if self.held_bytes > MAX_HELD_BYTES:
                    raise Refusal(429, "Too many large bodies at once; send them one by one.")
                if not message["more_body"]:
                    return bytes(body)
                message = await receive()
        finally:
            self.held_bytes -= len(body)

    def is_json(self, content_type: bytes | None) -> bool:
        """Say whether a Content-Type is the contract's, in UTF-8 where it names a charset; case does not matter."""
        if content_type is None or content_type in self.media_types:
            return content_type is not None
        media_type, *parameters = (part.strip().lower() for part in content_type.split(b";"))
        pairs = [tuple(part.strip() for part in parameter.partition(b"=")[::2]) for parameter in parameters]
        return media_type in self.media_types and all(
            value.strip(b'"') == b"utf-8" for name, value in pairs if name == b"charset"
        )

    def decode(self, body: bytes) -> Any:
        """
        Decode JSON; of a key that stands twice, the last wins. Refuse what RFC 8259 does not allow, numbers beyond a
        double and lone surrogates.
        """
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Refusal(400, "The request body is not valid JSON.", _unreadable_fields(body)) from None


def _too_long() -> Refusal:
    return Refusal(413, f"The request body is longer than {MAX_BODY_BYTES} bytes.")


def _unreadable_fields(body: bytes) -> list[Detail]:
    """Name the fields that make *body* unreadable, where a forgiving decoder can still tell them apart."""
    try:
        document = json.loads(body[:MAX_EXPLAINED_BYTES].decode(), parse_int=float)
        names = [name for name, value in document.items() if not _is_readable(value)]
    except (AttributeError, RecursionError, ValueError):
        return []
    description = "The value is no JSON, a number beyond a double, or text with a lone surrogate."
    return [{"field": name, "description": description} for name in names]


def _is_readable(value: Any) -> bool:
    try:
        orjson.loads(json.dumps(value))
    except orjson.JSONDecodeError:
        return False
    return True
