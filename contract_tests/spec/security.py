"""How a request carries its key, as securitySchemes says it."""

from collections.abc import Iterable
from typing import Any

from contract_tests.api_key import ApiKey
from contract_tests.spec.document import Document
from contract_tests.spec.field import written
from contract_tests.spec.operation import Operation

SCHEMES = "#/components/securitySchemes"


def read_key(document: Document, operations: Iterable[Operation]) -> ApiKey:
    """Return how operations are opened, by the first that needs a key; refuse a scheme that is not there or that cannot be sent."""
    names = [name for operation in operations for requirement in security_of(operation) for name in requirement]
    if not names:
        return ApiKey()
    pointer = f"{SCHEMES}/{names[0]}"
    if not document.has(pointer):
        raise document.error("#/security", f"names {names[0]!r}, which is not in {SCHEMES}; add it there")
    pointer, scheme = document.resolve(pointer)
    env = scheme.get("x-key-env", "API_KEY")
    if not isinstance(env, str) or not env.isidentifier():
        raise document.error(f"{pointer}/x-key-env", f"is {written(env)}; write the name of an environment variable")
    if scheme.get("type") == "apiKey" and scheme.get("in") in ("header", "query", "cookie") and scheme.get("name"):
        name = scheme["name"].lower() if scheme["in"] == "header" else scheme["name"]
        return ApiKey(scheme["in"], name, env, pointer)
    if scheme.get("type") == "http" and str(scheme.get("scheme")).lower() in ("bearer", "basic"):
        return ApiKey("basic" if scheme["scheme"].lower() == "basic" else "bearer", "authorization", env, pointer)
    if scheme.get("type") in ("oauth2", "openIdConnect"):
        return ApiKey("bearer", "authorization", env, pointer)  # the token is the key
    problem = "is of a kind that cannot be sent; write apiKey in a header, query or cookie, or http bearer or basic"
    raise document.error(pointer, problem)


def security_of(operation: Operation) -> list[dict[str, Any]]:
    """Return the ways to be let in to an operation, each with the names of its schemes; none where it is open."""
    said: list[dict[str, Any]] = operation.definition.get("security", operation.document.tree.get("security", []))
    return said
