"""
The API itself: finds the operation of a request, runs it, and writes the answer.

A bare ASGI application: a framework would cost more time per request than everything done here.
"""

import sys
import traceback
from collections.abc import Iterator
from hmac import compare_digest
from typing import Any

import orjson

from .contract import Contract
from .error_bodies import ErrorBodies
from .errors import ClientGone, Header, Refusal
from .layout import find_layouts
from .resource import HANDLERS, Resource
from .wire.bodies import Bodies, Headers, Receive
from .wire.keys import key_scheme, open_operations
from .wire.messages import JSON_HEADER
from .wire.messages import Answer as Answer
from .wire.messages import Request as Request
from .wire.outbox import PIECE_BYTES, Outbox
from .wire.outbox import Send as Send
from .wire.routes import Route, Routes, decoded_path

JSON_OPTIONS = orjson.OPT_UTC_Z


class Api:
    """The API as its contract describes it."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        layouts = find_layouts(contract)
        self.key_scheme = key_scheme(contract, layouts[0].operations.values())
        self.api_key = b""  # the one that opens it
        self.open_operations = open_operations(contract)
        self.bodies = Bodies({each.body_type for each in contract.operations.values() if each.body_type})
        self.outbox = Outbox()
        self.errors = ErrorBodies(contract)
        owned = {operation.name for layout in layouts for operation in layout.operations.values()}
        self.further = {
            name: each
            for name, each in contract.operations.items()
            if each.method == "GET" and "{" not in each.path and name not in owned
        }
        self.answers: dict[str, Any] = {}  # of the further operations
        self.resources = [Resource(self, contract, layout) for layout in layouts]
        self.resource = self.resources[0]
        self.routes = Routes(contract.base_path, self._routes())
        self.url = ""  # of the server, known once it listens; the pages beside the API name it

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong is answered too, in the shape that the contract gives to errors."""
        try:
            answer = await self.answer(scope, receive)
        except Refusal as refusal:
            answer = self.refuse(refusal)
        except ClientGone:
            return
        except Exception:  # what happens here is no client's business
            traceback.print_exc(file=sys.stderr)
            answer = self.refuse(Refusal(500, "Something went wrong."))
        await self.send(answer, send)

    async def answer(self, scope: Any, receive: Receive) -> Answer:
        """Check the key, find the operation, run it."""
        method, path, query_string = scope["method"], decoded_path(scope), scope["query_string"]
        headers = dict(scope["headers"])  # of a header that is sent twice, the last
        if self.is_page(path):
            return self.page(method, path, headers)
        if not self.is_authorized(headers, query_string) and not self.is_open(method, path):
            raise Refusal(401, "The key is missing or wrong.")
        route, item_id = self.routes.find(method, path)
        handle = getattr(route.owner, route.handler)
        try:
            answer: Answer = await handle(Request(route.role, route.operation, item_id, headers, query_string, receive))
        except Refusal as refusal:
            refusal.operation = refusal.operation or route.operation
            raise
        return answer

    def is_authorized(self, headers: Headers, query_string: bytes = b"") -> bool:
        """Say whether the request carries the key, compared exactly and in a time that tells nothing."""
        if self.key_scheme.kind == "none":
            return True
        sent = self.key_scheme.sent(headers, query_string)
        return sent is not None and compare_digest(sent, self.api_key)

    def is_open(self, method: str, path: str) -> bool:
        """Say whether the request is for an operation that needs no key."""
        if not self.open_operations:
            return False
        try:
            return self.routes.find(method, path)[0].operation.name in self.open_operations
        except Refusal:
            return False

    async def further_operation(self, request: Request) -> Answer:
        """Answer an operation that belongs to no resource."""
        return self.give(request.operation.success, self.answers[request.role])

    def answer_of(self, name: str) -> Any:
        """Return the present answer of an operation that lists values: a further one, or the list of a resource."""
        if name in self.answers:
            return self.answers[name]
        for resource in self.resources:
            if "list" in resource.layout.operations and resource.layout.operations["list"].name == name:
                return resource.envelopes["list"].filled([resource.show(item) for item in resource.store.all()])
        return None

    def refuse(self, refusal: Refusal) -> Answer:
        """Write an error in the shape that the contract gives to it."""
        refusal.status = self.errors.status(refusal.operation, refusal.status)
        body, shape = self.errors.body(refusal.operation, refusal), self.errors.shape(refusal.operation, refusal.status)
        media_type = JSON_HEADER[1] if shape is None else shape.media_type.encode()
        headers = () if media_type == JSON_HEADER[1] else ((b"content-type", media_type),)
        return self.give(refusal.status, body, (*headers, *refusal.headers))

    def give(self, status: int, body: Any, headers: tuple[Header, ...] = ()) -> Answer:
        """Write an answer in JSON, where a time is RFC 3339 to the microsecond, with Z; without a body where it is None."""
        if body is None:
            return Answer(status, b"", headers)
        if not headers or headers[0][0] != JSON_HEADER[0]:
            headers = (JSON_HEADER, *headers)
        return Answer(status, orjson.dumps(body, option=JSON_OPTIONS), headers)

    async def send(self, answer: Answer, send: Send) -> None:
        """Send *answer*."""
        body, headers = answer.body, answer.headers
        if answer.status != 204:
            headers = (*headers, (b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if len(body) <= PIECE_BYTES:
            await send({"type": "http.response.body", "body": body})
        else:
            await self.outbox.send(body, send)

    def is_page(self, path: str) -> bool:
        """Say whether *path* is one of the pages beside the API, which need no key."""
        return path.startswith(("/docs", "/openapi.yaml")) or path == "/"

    def page(self, method: str, path: str, headers: Headers) -> Answer:
        """Answer with a page beside the API."""
        from .wire import docs  # few runs need them, so no start pays for them

        if method != "GET":
            raise self.routes.wrong_method(["GET"])
        status, media_type, body, further = docs.page(self.contract, self.url, path, headers.get(b"host"))
        return Answer(status, body, ((b"content-type", media_type), *further))

    def _routes(self) -> Iterator[Route]:
        for resource in self.resources:
            for role, operation in resource.layout.operations.items():
                if handler := HANDLERS.get(role, "read_below" if operation.method == "GET" else ""):
                    yield Route(resource, handler, role, operation, resource.layout.id_parameter)
        for name, operation in self.further.items():
            yield Route(self, "further_operation", name, operation)
