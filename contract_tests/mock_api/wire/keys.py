"""Reads how the contract wants to be given a key, and finds the key in a request."""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from ..contract import Contract, Operation
from ..errors import StartError
from .bodies import Headers
from .messages import read_query


@dataclass(frozen=True)
class KeyScheme:
    """How a request carries the key."""

    kind: str  # header, query, cookie, bearer, basic or none
    name: str = ""  # of the header, the query parameter or the cookie; a header's in lower case
    header: bytes = b""  # the same, where it is a header

    def sent(self, headers: Headers, query_string: bytes) -> bytes | None:
        """Return the key that a request carries; None where it carries none."""
        if self.header:
            return headers.get(self.header)
        if self.kind == "query":
            value = read_query(query_string).get(self.name)
            return None if value is None else value.encode()
        if self.kind == "cookie":
            return _cookie(headers.get(b"cookie", b""), self.name)
        scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != self.kind.encode():
            return None
        return credentials if self.kind == "bearer" else _decoded(credentials)


def _cookie(header: bytes, name: str) -> bytes | None:
    try:
        found = SimpleCookie(header.decode("latin-1")).get(name)
    except CookieError:
        return None
    return None if found is None else found.value.encode()


def _decoded(credentials: bytes) -> bytes | None:
    try:
        return b64decode(credentials.strip(), validate=True)
    except binascii.Error:
        return None


def key_scheme(contract: Contract, operations: Iterable[Operation]) -> KeyScheme:
    """Return the first scheme that the security of some operations names; of kind none where it names none."""
    ways = (way for each in operations for way in _security(contract, each))
    name = next((name for way in ways for name in way), None)
    if name is None:
        return KeyScheme("none")
    schemes = contract.document.get("components", {}).get("securitySchemes", {})
    scheme: Mapping[str, str] = contract.resolve(schemes.get(name, {}))
    kinds = {"apiKey": scheme.get("in"), "oauth2": "bearer", "openIdConnect": "bearer"}
    kind = kinds.get(scheme.get("type", ""), scheme.get("scheme", "").lower())
    if kind not in ("header", "query", "cookie", "bearer", "basic"):
        place = f"{contract.file}: components.securitySchemes.{name}"
        raise StartError(f"{place}: is missing or of another kind; write an apiKey, or http with bearer or basic")
    said = scheme.get("name", "")
    return KeyScheme("header", said.lower(), said.lower().encode()) if kind == "header" else KeyScheme(str(kind), said)


def open_operations(contract: Contract) -> frozenset[str]:
    """Name the operations that need no key."""
    wanted = {name: _security(contract, each) for name, each in contract.operations.items()}
    return frozenset(name for name, ways in wanted.items() if not ways or {} in ways)


def _security(contract: Contract, operation: Operation) -> Sequence[Mapping[str, object]]:
    """Return the ways to be let in to an operation: its own, else those of all."""
    ways: Sequence[Mapping[str, object]] = operation.node.get("security", contract.document.get("security", []))
    return ways
