"""The two ways in which the mock says no: to a client in an answer, and to a person before it starts."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .contract import Operation

Detail = dict[str, str]
Header = tuple[bytes, bytes]


@dataclass(eq=False)
class Refusal(Exception):
    """A request that is answered with an error."""

    status: int  # 400 stands for the status that the operation gives to an invalid request
    message: str  # for a person; it never repeats what the client sent: that may hold a key
    details: list[Detail] = field(default_factory=list)  # the fields at fault, as {field, description}
    headers: tuple[Header, ...] = ()
    operation: "Operation | None" = None  # None where none was found yet


class ClientGone(Exception):
    """The client left before its request was complete; nobody is there to answer."""


class StartError(Exception):
    """The mock cannot start: one line that names the file, the place in it and what to do."""
