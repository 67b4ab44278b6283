"""Finds the operation that a request asks for, by the paths and methods of openapi.yaml."""

from typing import Any
from urllib.parse import unquote

from .contract import Contract
from .errors import Refusal, StartError

# The methods of Api that answer the operations of openapi.yaml, by operationId.
HANDLERS = {
    "listPersonas": "list_personas",
    "createPersona": "create_persona",
    "listVoices": "list_voices",
    "getPersona": "get_persona",
    "updatePersona": "update_persona",
    "deletePersona": "delete_persona",
}

Methods = dict[str, str]  # operationId by method


class Routes:
    """
    The paths of the operations that the mock knows.

    Args:
        contract: Where they stand.

    Raises:
        StartError: openapi.yaml lacks one of the operations.
    """

    def __init__(self, contract: Contract) -> None:
        missing = HANDLERS.keys() - contract.operations.keys()
        if missing:
            raise StartError(f"{contract.file}: has no operation {min(missing)}; name one by operationId")
        self.paths: dict[str, Methods] = {}
        self.parents: dict[str, Methods] = {}  # of the paths that end in an id: what stands before it
        for name in HANDLERS:
            operation = contract.operations[name]
            path = contract.base_path + operation.path
            parent, _, last = path.rpartition("/")
            methods = self.parents.setdefault(parent, {}) if last.startswith("{") else self.paths.setdefault(path, {})
            methods[operation.method] = name

    def find(self, method: str, path: str) -> tuple[str, str]:
        """
        Find the operation and the persona's id, "" where the path has none.

        Raises:
            Refusal: 404 for an unknown path, 405 for a method that the path does not have.
        """
        persona_id = ""
        methods = self.paths.get(path)
        if methods is None:
            parent, _, persona_id = path.rpartition("/")
            methods = self.parents.get(parent)
        if methods is None or path.endswith("/"):
            raise Refusal(404, "Nothing is at this path.")
        if method not in methods:
            raise self.wrong_method(methods)
        return methods[method], persona_id

    def wrong_method(self, methods: Methods) -> Refusal:
        """Return the refusal that tells which methods there are."""
        allowed = ", ".join(sorted(methods)).encode()
        return Refusal(405, "The path does not have this method.", headers=((b"allow", allowed),))


def decoded_path(scope: Any) -> str:
    """Return the path without percent-encoding; a slash that was encoded stays so, as it parts nothing."""
    path: str = scope["raw_path"].decode("latin-1")
    if "%" in path:
        return "/".join(unquote(part).replace("/", "%2F") for part in path.split("/"))
    return path
