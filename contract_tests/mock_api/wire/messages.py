"""What an operation reads of a request, and what it answers."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from ..contract import Operation
from ..errors import Header
from .bodies import Headers, Receive

JSON_HEADER = (b"content-type", b"application/json")


@dataclass(slots=True)
class Request:
    """What an operation may read of a request."""

    role: str  # what the operation does to a resource: create, read, update, remove, list; else its operationId
    operation: Operation
    item_id: str  # in the path; "" where it has none
    headers: Headers  # names in lower case
    query_string: bytes
    receive: Receive  # ASGI's way to the body


@dataclass(slots=True)
class Answer:
    """A status, a body, and the headers beside Content-Length."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = (JSON_HEADER,)


def read_query(query_string: bytes) -> dict[str, str]:
    """Decode a query string; the last of a name wins, and what is not UTF-8 becomes U+FFFD."""
    return dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True))
