"""How a request carries its key, as securitySchemes says it."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from contract_tests.spec.document import Document

Kind: TypeAlias = Literal["none", "header", "query", "cookie", "bearer", "basic"]

SCHEMES = "#/components/securitySchemes"


@dataclass(frozen=True)
class KeyScheme:
    """Where the key stands in a request, and which environment variable holds it."""

    kind: Kind
    name: str = ""
    """Of the header, the query parameter or the cookie; `authorization` for bearer and basic."""
    env: str = "API_KEY"
    pointer: str = SCHEMES


def read_key(document: Document) -> KeyScheme:
    """Return how the operations of a contract are opened; refuse a scheme that is not there or that cannot be sent."""
    required: Any = document.tree.get("security") or next(_own_security(document), [])
    names = [name for requirement in required for name in requirement]
    if not names:
        return KeyScheme("none")
    pointer = f"{SCHEMES}/{names[0]}"
    if not document.has(pointer):
        raise document.error("#/security", f"names {names[0]!r}, which is not in {SCHEMES}; add it there")
    pointer, scheme = document.resolve(pointer)
    env = scheme.get("x-key-env", "API_KEY")
    if not isinstance(env, str) or not env.isidentifier():
        raise document.error(f"{pointer}/x-key-env", f"is {env!r}; write the name of an environment variable")
    if scheme.get("type") == "apiKey" and scheme.get("in") in ("header", "query", "cookie") and scheme.get("name"):
        name = scheme["name"].lower() if scheme["in"] == "header" else scheme["name"]
        return KeyScheme(scheme["in"], name, env, pointer)
    if scheme.get("type") == "http" and str(scheme.get("scheme")).lower() in ("bearer", "basic"):
        return KeyScheme("basic" if scheme["scheme"].lower() == "basic" else "bearer", "authorization", env, pointer)
    if scheme.get("type") in ("oauth2", "openIdConnect"):
        return KeyScheme("bearer", "authorization", env, pointer)  # the token is the key
    problem = "is of a kind that cannot be sent; write apiKey in a header, query or cookie, or http bearer or basic"
    raise document.error(pointer, problem)


def _own_security(document: Document) -> Any:
    """Yield what single operations require, where the document requires nothing for all."""
    for item in document.tree.get("paths", {}).values():
        for operation in item.values():
            if isinstance(operation, dict) and operation.get("security"):
                yield operation["security"]
