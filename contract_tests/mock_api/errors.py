"""The two ways in which the mock says no: to a client in an answer, and to a person before it starts."""

from dataclasses import dataclass, field

Detail = dict[str, str]
Header = tuple[bytes, bytes]


@dataclass(eq=False)
class Refusal(Exception):
    """
    A request that is answered with an error.

    Args:
        status: The HTTP status of the answer.
        message: One sentence for a person. It never repeats what the client sent: that may hold a key.
        details: The fields at fault, as `{field, description}`.
        headers: Headers that belong to the status, such as Allow.
    """

    status: int
    message: str
    details: list[Detail] = field(default_factory=list)
    headers: tuple[Header, ...] = ()


class ClientGone(Exception):
    """The client left before its request was complete; nobody is there to answer."""


class StartError(Exception):
    """The mock cannot start: one line that names the file, the place in it and what to do."""
