"""How a request carries its key, as securitySchemes says it."""

from typing import Any

from contract_tests.api_key import ApiKey
from contract_tests.spec.document import Document

SCHEMES = "#/components/securitySchemes"


def read_key(document: Document) -> ApiKey:
    """Return how the operations of a contract are opened; refuse a scheme that is not there or that cannot be sent."""
    required: Any = document.tree.get("security") or next(_own_security(document), [])
    names = [name for requirement in required for name in requirement]
    if not names:
        return ApiKey()
    pointer = f"{SCHEMES}/{names[0]}"
    if not document.has(pointer):
        raise document.error("#/security", f"names {names[0]!r}, which is not in {SCHEMES}; add it there")
    pointer, scheme = document.resolve(pointer)
    env = scheme.get("x-key-env", "API_KEY")
    if not isinstance(env, str) or not env.isidentifier():
        raise document.error(f"{pointer}/x-key-env", f"is {env!r}; write the name of an environment variable")
    if scheme.get("type") == "apiKey" and scheme.get("in") in ("header", "query", "cookie") and scheme.get("name"):
        name = scheme["name"].lower() if scheme["in"] == "header" else scheme["name"]
        return ApiKey(scheme["in"], name, env, pointer)
    if scheme.get("type") == "http" and str(scheme.get("scheme")).lower() in ("bearer", "basic"):
        return ApiKey("basic" if scheme["scheme"].lower() == "basic" else "bearer", "authorization", env, pointer)
    if scheme.get("type") in ("oauth2", "openIdConnect"):
        return ApiKey("bearer", "authorization", env, pointer)  # the token is the key
    problem = "is of a kind that cannot be sent; write apiKey in a header, query or cookie, or http bearer or basic"
    raise document.error(pointer, problem)


def _own_security(document: Document) -> Any:
    """Yield what single operations require, where the document requires nothing for all."""
    for item in document.tree.get("paths", {}).values():
        for operation in item.values():
            if isinstance(operation, dict) and operation.get("security"):
                yield operation["security"]
