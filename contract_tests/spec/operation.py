"""One operation of a contract: where it is, what it takes, and what it may answer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from contract_tests.spec.document import Document, Schema, escape

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

STATUS = re.compile("[1-5]([0-9]{2}|XX|xx)|default|x-.*")

# What an invalid body is answered with, by preference; the contract's own choice among them counts.
REFUSALS = ((400, 422), (409,))


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    operation_id: str
    method: str
    path: str
    definition: Schema = field(repr=False)
    pointer: str
    document: Document = field(repr=False)

    @property
    def successes(self) -> tuple[int, ...]:
        """The statuses between 200 and 299 that the contract names, in its order."""
        return tuple(status for status in self._numbers() if 200 <= status < 300)

    @property
    def statuses(self) -> frozenset[int]:
        """Every status that the contract names by its number."""
        return frozenset(self._numbers())

    @property
    def refusals(self) -> tuple[int, ...]:
        """The statuses that are right for a body that breaks the contract."""
        for preferred in REFUSALS:
            if named := tuple(status for status in preferred if status in self.statuses):
                return named
        return REFUSALS[0]

    def names(self, status: int) -> bool:
        """Whether the contract names a status, by its number, its range or as a default."""
        return self.response_pointer(status) is not None

    def response_pointer(self, status: int) -> str | None:
        """Return where the contract describes an answer, its reference followed; None where it does not."""
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            for said in self.definition.get("responses", {}):
                if str(said) == key:
                    return self.document.resolve(f"{self.pointer}/responses/{said}")[0]
        return None

    def answer_pointer(self, status: int) -> str | None:
        """Return where the schema of an answer's JSON body stands; None where the contract names no such body."""
        pointer = self.response_pointer(status)
        return None if pointer is None else self._schema_in(pointer)

    def answer_type(self, status: int) -> str | None:
        """Return the media type of an answer's JSON body."""
        pointer = self.response_pointer(status)
        return None if pointer is None else self._json_type(self.document.at(pointer))

    @property
    def success_pointer(self) -> str | None:
        """Where the schema of the first success with a body stands."""
        pointers = (self.answer_pointer(status) for status in self.successes)
        return next((pointer for pointer in pointers if pointer is not None), None)

    @property
    def body_pointer(self) -> str | None:
        """Where the schema of the JSON body stands; None without one."""
        pointer, _ = self._body
        return self._schema_in(pointer) if pointer else None

    @property
    def body_type(self) -> str:
        """The media type of a JSON body."""
        return self._json_type(self._body[1]) or "application/json"

    @property
    def body_types(self) -> frozenset[str]:
        """Every media type, or range of them, that the contract names for a body, in small letters."""
        return frozenset(name.partition(";")[0].strip().lower() for name in self._body[1].get("content", {}))

    @property
    def parameters(self) -> dict[tuple[str, str], str]:
        """Where each parameter stands, by its place (path, query, header, cookie) and its name."""
        path = self.pointer.rpartition("/")[0]
        found = {}
        for owner in (path, self.pointer):
            for index in range(len(self.document.at(owner).get("parameters", ()))):
                pointer, parameter = self.document.resolve(f"{owner}/parameters/{index}")
                found[parameter["in"], parameter["name"]] = pointer
        return found

    @property
    def path_parameters(self) -> list[str]:
        """The names of the parameters in the path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{") and part.endswith("}")]

    def check_parameters(self) -> None:
        """Refuse parameters of the path that are not those in its braces."""
        named = {name for place, name in self.parameters if place == "path"}
        for name in self.path_parameters:
            if name not in named:
                problem = f"has no parameter {name!r}; add it to parameters, in: path, with required: true and a schema"
                raise self.document.error(self.pointer.rpartition("/")[0], problem)
        for (place, name), pointer in self.parameters.items():
            if place == "path" and f"{{{name}}}" not in self.path:
                raise self.document.error(pointer, f"is {name!r}, which is not in {self.path}; write a name that is")

    @property
    def _body(self) -> tuple[str, Any]:
        return self.document.resolve(f"{self.pointer}/requestBody") if "requestBody" in self.definition else ("", {})

    def _numbers(self) -> list[int]:
        return [int(status) for status in map(str, self.definition.get("responses", {})) if status.isdigit()]

    def _schema_in(self, carrier: str) -> str | None:
        media_type = self._json_type(self.document.at(carrier))
        if media_type is None or "schema" not in self.document.at(carrier)["content"][media_type]:
            return None
        return f"{carrier}/content/{escape(media_type)}/schema"

    @staticmethod
    def _json_type(carrier: Any) -> str | None:
        return next((name for name in carrier.get("content", {}) if is_json_type(name)), None)


def is_json_type(media_type: str) -> bool:
    """Whether a media type is JSON. Source: RFC 6839, section 3.1."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def every_operation(document: Document) -> Iterator[Operation]:
    """Yield the operations of a document in its order, those without an operationId too."""
    for path, item in document.tree.get("paths", {}).items():
        for method in METHODS:
            if isinstance(said := item.get(method), dict):
                name, pointer = str(said.get("operationId", "")), f"#/paths/{escape(path)}/{method}"
                yield Operation(name, method.upper(), path, said, pointer, document)


def read_operations(document: Document) -> dict[str, Operation]:
    """List the operations of a document by their operationId; refuse one without, and two with the same."""
    found: dict[str, Operation] = {}
    for operation in every_operation(document):
        name, pointer = operation.definition.get("operationId"), operation.pointer
        if not isinstance(name, str) or not name:
            raise document.error(pointer, "has no operationId; give it one")
        if name in found:
            first = document.line(f"{found[name].pointer}/operationId")
            problem = f"{name!r} names another operation too, in line {first}; rename one of them"
            raise document.error(f"{pointer}/operationId", problem)
        for status in operation.definition.get("responses", {}):
            if not STATUS.fullmatch(str(status)):
                problem = "is no status; write a number such as 404, a range such as 4XX, or default"
                raise document.error(f"{pointer}/responses/{status}", problem)
        found[name] = operation
    return found
