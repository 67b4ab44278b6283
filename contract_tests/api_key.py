"""How a request carries the key: in a header, a query parameter or a cookie, as a bearer token, or as a user and a password."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    import httpx

Kind: TypeAlias = Literal["none", "header", "query", "cookie", "bearer", "basic"]


@dataclass(frozen=True)
class ApiKey:
    """Where the key stands in a request, and which environment variable holds it."""

    kind: Kind = "none"
    name: str = ""
    """Of the header, the query parameter or the cookie."""
    env: str = "API_KEY"
    pointer: str = "#/components/securitySchemes"
    """Where the contract says so."""

    def headers(self, key: str) -> list[tuple[str, bytes]]:
        """Return the headers that carry a key."""
        sent = key.encode("utf-8")
        match self.kind:
            case "header":
                return [(self.name.lower(), sent)]  # some gateways refuse capitals, although RFC 9110 allows them
            case "bearer":
                return [("authorization", (b"Bearer " + sent).rstrip(b" "))]
            case "basic":
                return [("authorization", b"Basic " + base64.b64encode(sent))]
            case "cookie":
                return [("cookie", f"{self.name}=".encode() + quote(key, safe="").encode())]
        return []

    def query(self, key: str) -> dict[str, str]:
        """Return the query parameters that carry a key."""
        return {self.name: key} if self.kind == "query" else {}

    def sent_in(self, request: httpx.Request) -> str:
        """Return the key that a request carries; empty where it carries none."""
        match self.kind:
            case "query":
                return str(request.url.params.get(self.name, ""))
            case "none":
                return ""
            case "header":
                return str(request.headers.get(self.name, ""))
            case "cookie":
                cookies = str(request.headers.get("cookie", "")).split("; ")
                sent = next((cookie for cookie in cookies if cookie.startswith(f"{self.name}=")), "")
                return unquote(sent.partition("=")[2])
        scheme, _, sent = str(request.headers.get("authorization", "")).partition(" ")
        if scheme.lower() != self.kind:
            return ""
        if self.kind == "bearer":
            return sent.strip()
        with suppress(ValueError):
            return base64.b64decode(sent).decode("utf-8", "replace")
        return sent

    def is_header(self, name: str) -> bool:
        """Whether a header may carry a key."""
        own = {self.name.lower()} if self.kind == "header" else set()
        return name.lower() in {"authorization", "proxy-authorization", "cookie"} | own
