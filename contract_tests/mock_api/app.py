"""
The API itself: finds the operation of a request, runs it, and writes the answer.

A bare ASGI application: a framework would cost more time per request than everything done here.
"""

import sys
import traceback
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

import orjson

from .bodies import Bodies, Headers, Receive
from .contract import Contract
from .errors import ClientGone, Header, Refusal
from .listing import Listing
from .outbox import Outbox
from .outbox import Send as Send
from .routes import HANDLERS, Routes, decoded_path
from .rules import Fields, Rules
from .store import Persona, Store
from .voices import Voices

# For statuses to which openapi.yaml gives no x-error-code.
FURTHER_ERROR_CODES = {
    405: "METHOD_NOT_ALLOWED",
    408: "INVALID_ARGUMENT",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
}

JSON_HEADER = (b"content-type", b"application/json")


@dataclass(slots=True)
class Request:
    """What an operation may read of a request; `persona_id` is "" where the path has none."""

    operation: str
    persona_id: str
    headers: Headers
    query_string: bytes
    receive: Receive


@dataclass(slots=True)
class Answer:
    """A status, a body, and the headers beside Content-Length."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = (JSON_HEADER,)


class Api:
    """
    The Personas API as openapi.yaml describes it.

    Args:
        contract: What to follow.
        api_key: The one key that opens it.
        rules: What is valid.
        voices: Who speaks what.
        store: The personas.

    Raises:
        StartError: openapi.yaml lacks one of the operations.
    """

    def __init__(self, contract: Contract, api_key: str, rules: Rules, voices: Voices, store: Store) -> None:
        self.contract = contract
        self.api_key = api_key.encode()
        self.rules = rules
        self.voices = voices
        self.store = store
        self.bodies = Bodies()
        self.listing = Listing()
        self.outbox = Outbox()
        self.unset = rules.unset()
        self.error_codes = {**FURTHER_ERROR_CODES, **contract.error_codes}
        self.routes = Routes(contract)
        self.successes = {name: operation.success for name, operation in contract.operations.items()}
        self.url = ""  # of the server, known once it listens; the pages beside the API name it

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong is answered too, in the one shape that errors have."""
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
        path = decoded_path(scope)
        headers = dict(scope["headers"])  # of a header that is sent twice, the last
        if self.is_page(path):
            return self.page(scope["method"], path, headers)
        if not self.is_authorized(headers):
            raise Refusal(401, "The API key is missing or wrong.")
        operation, persona_id = self.routes.find(scope["method"], path)
        handle = getattr(self, HANDLERS[operation])
        answer: Answer = await handle(Request(operation, persona_id, headers, scope["query_string"], receive))
        return answer

    def is_authorized(self, headers: Headers) -> bool:
        """Say whether the request carries the key, compared exactly and in a time that tells nothing."""
        sent = headers.get(self.contract.key_header)
        return sent is not None and compare_digest(sent, self.api_key)

    async def list_personas(self, request: Request) -> Answer:
        """Answer listPersonas."""
        query = self.rules.query(request.operation, request.query_string)
        if self.outbox.is_full:
            await self.outbox.room(self.store.stored_bytes)
        page = self.listing.page(self.store.all(), query)
        personas = [self.show(persona) for persona in page.personas]
        return self.succeed(request, {"personas": personas, "next_page_token": page.next_page_token})

    async def create_persona(self, request: Request) -> Answer:
        """Answer createPersona."""
        persona = self.store.create(await self.valid_body(request))
        return self.succeed(request, {"persona": self.show(persona)})

    async def list_voices(self, request: Request) -> Answer:
        """Answer listVoices."""
        return self.succeed(request, {"voices": self.voices.show()})

    async def get_persona(self, request: Request) -> Answer:
        """Answer getPersona."""
        if self.outbox.is_full:
            await self.outbox.room(self.store.size(request.persona_id))
        return self.succeed(request, {"persona": self.show(self.store.find(request.persona_id))})

    async def update_persona(self, request: Request) -> Answer:
        """Answer updatePersona. Nothing is awaited between reading a persona and writing it."""
        changes = await self.valid_body(request)
        persona = self.store.update(request.persona_id, changes)
        return self.succeed(request, {"persona": self.show(persona)})

    async def delete_persona(self, request: Request) -> Answer:
        """Answer deletePersona; deleting again finds nothing."""
        self.store.delete(request.persona_id)
        return self.succeed(request, {})

    async def valid_body(self, request: Request) -> Fields:
        """
        Read the fields that the contract names from the request's body.

        Raises:
            Refusal: 400 with each field at fault, or what `Bodies.json` raises.
        """
        body = await self.bodies.json(request.headers, request.receive)
        if not self.rules.is_valid(request.operation, body):
            raise Refusal(400, "The request body is not valid.", self.rules.faults(request.operation, body))
        fields = self.rules.named(request.operation, body)
        if self.outbox.is_full:
            await self.outbox.room(self.store.size(request.persona_id) + self.store.measure(fields))
        return fields

    def show(self, persona: Persona) -> Fields:
        """Return *persona* as an answer shows it; what is not set is null."""
        return {
            "resource_name": f"personas/{persona.id}",
            "id": persona.id,
            **self.unset,
            **persona.fields,
            "create_time": persona.create_time,
            "update_time": persona.update_time,
        }

    def succeed(self, request: Request, body: Any) -> Answer:
        """Answer with the status that the contract gives to the operation's success."""
        return self.give(self.successes[request.operation], body)

    def refuse(self, refusal: Refusal) -> Answer:
        """Write the one shape that errors have."""
        error: Fields = {"code": self.error_codes.get(refusal.status, "INTERNAL"), "message": refusal.message}
        if refusal.details:
            error["details"] = refusal.details
        return self.give(refusal.status, {"error": error}, refusal.headers)

    def give(self, status: int, body: Any, headers: tuple[Header, ...] = ()) -> Answer:
        """Write an answer in JSON, where a time is RFC 3339 to the microsecond, with Z."""
        return Answer(status, orjson.dumps(body, option=orjson.OPT_UTC_Z), (JSON_HEADER, *headers))

    async def send(self, answer: Answer, send: Send) -> None:
        """Send *answer*."""
        headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self.outbox.send(answer.body, send)

    def is_page(self, path: str) -> bool:
        """Say whether *path* is one of the pages beside the API, which need no key."""
        return path.startswith(("/docs", "/openapi.yaml")) or path == "/"

    def page(self, method: str, path: str, headers: Headers) -> Answer:
        """Answer with a page beside the API."""
        from . import docs  # few runs need them, so no start pays for them

        if method != "GET":
            raise self.routes.wrong_method({"GET": path})
        status, media_type, body, further = docs.page(self.contract, self.url, path, headers.get(b"host"))
        return Answer(status, body, ((b"content-type", media_type), *further))
