"""Writes the body of an error in the shape that the contract gives to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from .choices import bindings
from .contract import Contract, Operation, Schema, json_content
from .documents import pointer
from .errors import Refusal
from .layout import Path
from .made import made

# A body that the contract forbids is refused with the first of these that the operation names.
INVALID = (400, 422, 409)
TEXTS = ("message", "detail", "description", "reason", "error", "error_description", "title")


@dataclass(frozen=True)
class Shape:
    """How an error is written."""

    media_type: str
    schema: Schema
    code: str  # the contract's for its status, else the name that HTTP gives to the status
    code_at: Path  # where its body carries the code; () where it has no place for it
    fields_at: Path  # where its body names the fields at fault; () where it does not
    detail: Schema  # of an element that names one


@dataclass(frozen=True)
class Form:
    """What is the same in each body, or element of a body, of one schema."""

    schema: Schema
    body: bytes  # as JSON, which is read anew for each error
    texts: list[Path]  # those that the message stands in
    has_status: bool


class ErrorBodies:
    """The errors of a contract; what takes long to find out is found out once."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.shapes: dict[tuple[str, int], Shape | None] = {}
        self.forms: dict[int, Form] = {}  # by the id of their schema

    def status(self, operation: Operation | None, status: int) -> int:
        """Return the status that *operation* gives to an invalid request, where *status* is 400; else *status*."""
        if status != INVALID[0] or operation is None:
            return status
        return next((each for each in INVALID if str(each) in operation.responses), status)

    def shape(self, operation: Operation | None, status: int) -> Shape | None:
        """Return how *operation* writes *status*; as another error is written where the contract does not say."""
        place = (operation.name if operation else "", status)
        if place not in self.shapes:
            self.shapes[place] = self._find_shape(operation, status)
        return self.shapes[place]

    def body(self, operation: Operation | None, refusal: Refusal) -> Any:
        """Write the body of *refusal*; None where the contract gives it none."""
        shape = self.shape(operation, refusal.status)
        if shape is None:
            return None
        body = self._told(shape.schema, refusal.status, refusal.message)
        if refusal.details and shape.fields_at:
            body = self._name_fields(shape, body, refusal)
        if not shape.code_at:
            return body
        if "*" not in shape.code_at:
            return put(body, shape.code_at, shape.code)
        before, after = _parted(shape.code_at)
        return put(body, before, [put(each, after, shape.code) for _, each in bindings(body, (*before, "*"))])

    def _code_place(self, schema: Schema, code: str) -> Path:
        texts = dict(sorted(self._texts(schema), key=lambda found: "*" in found[0]))
        marked = [path for path, text in texts.items() if self.contract.said(text, "x-error-code")]
        code_at = next(iter(marked or [path for path in texts if path[-1] == "code"]), ())
        return code_at if code_at and self.contract.validator(texts[code_at]).is_valid(code) else ()

    def _told(self, schema: Schema, status: int, message: str) -> Any:
        """Make a body, or an element of it, with *message* in the texts that are meant for it, and its *status*."""
        form = self._form(schema)
        body = orjson.loads(form.body)
        for path in form.texts:
            body = put(body, path, HTTPStatus(status).phrase if path[-1] == "title" else message)
        return put(body, ("status",), status) if form.has_status else body

    def _form(self, schema: Schema) -> Form:
        if id(schema) not in self.forms:
            body = made(self.contract, schema)
            meant = [path for path, _ in self._texts(schema) if path[-1] in TEXTS and "*" not in path]
            texts = [path for path in meant if [*bindings(body, path)]] or meant[:1]
            has_status = "integer" in self.contract.types(self.contract.members(schema).get("status"))
            self.forms[id(schema)] = Form(schema, orjson.dumps(body), texts, has_status)
        return self.forms[id(schema)]

    def _name_fields(self, shape: Shape, body: Any, refusal: Refusal) -> Any:
        if "*" not in shape.fields_at:
            return put(body, shape.fields_at, refusal.details[0]["field"])
        before, after = _parted(shape.fields_at)
        elements = []
        for detail in refusal.details:
            element = self._told(shape.detail, refusal.status, detail["description"]) if after else None
            elements.append(put(element, after, detail["field"]))
        return put(body, before, elements)

    def _texts(self, schema: Schema, place: Path = ()) -> Iterator[tuple[Path, Schema]]:
        """Yield the texts of a body, the outermost first; a star stands for the elements of an array in it."""
        members = self.contract.members(schema)
        for name, part in members.items():
            if "string" in self.contract.types(part) and self.contract.said(part, "const") is None:
                yield (*place, name), part
        for name, part in members.items():
            if "object" in self.contract.types(part):
                yield from self._texts(part, (*place, name))
            elif "array" in self.contract.types(part) and "*" not in place:
                yield from self._texts(self.contract.at(part, ("*",)) or {}, (*place, name, "*"))

    def _find_shape(self, operation: Operation | None, status: int) -> Shape | None:
        own = operation.response(status) if operation else None
        if own is not None:
            shape = self._shape(own, status, own.get("x-error-code"))
            # 429 tells of the mock's own limits, which a person wants to read.
            if shape or status != HTTPStatus.TOO_MANY_REQUESTS:
                return shape
        for other in (status, *INVALID, *range(400, 600)):
            for each in self.contract.operations.values():
                response = each.response(other) or {}
                if shape := self._shape(response, status, response.get("x-error-code") if other == status else None):
                    return shape
        return None

    def _shape(self, response: dict[str, Any], status: int, code: str | None) -> Shape | None:
        media_type, content = json_content(response)
        if not media_type:
            return None
        schema = content.get("schema", {})
        if code is None:
            code = HTTPStatus(status).phrase.upper().replace(" ", "_").replace("-", "_")
        fields_at = pointer(response.get("x-error-fields") or self.contract.said(schema, "x-error-fields") or "#")
        detail = self.contract.at(schema, (*_parted(fields_at)[0], "*")) if "*" in fields_at else None
        return Shape(media_type, schema, code, self._code_place(schema, code), fields_at, detail or {})


def put(node: Any, path: Path, value: Any) -> Any:
    """Return *node* with *value* at *path*, where `*` is the first element of an array."""
    if not path:
        return value
    if path[0] == "*":
        return [put(node[0] if isinstance(node, list) and node else None, path[1:], value)]
    node = node if isinstance(node, dict) else {}
    node[path[0]] = put(node.get(path[0]), path[1:], value)
    return node


def _parted(path: Path) -> tuple[Path, Path]:
    """Part *path* at its first star."""
    star = path.index("*")
    return path[:star], path[star + 1 :]
