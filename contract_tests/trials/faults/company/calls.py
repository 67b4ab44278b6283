"""What a mock was asked: each call with the item as it was before, so that a fault can depend on it."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from contract_tests.mock_api.resource import HANDLERS

from .. import seams
from ..seams import Answer, Api, Fields, Operation, Refusal, Request

REMEMBERED = 64
WRITES = ("create", "update", "remove")


@dataclass(eq=False)
class Call:
    """One call of an operation of the resource."""

    role: str
    item_id: str = ""
    before: Fields = field(default_factory=dict)  # the fields of the item when the call came; empty where there is none
    version: int = 0  # how often the item was changed, and made
    content_type: bytes = b""
    raw: bytes = b""
    body: Any = None  # what was read of the body; None where it is no JSON
    is_refused: bool = False

    @property
    def brought(self) -> Fields:
        """The fields that it brought; none where the body is no object."""
        return self.body if isinstance(self.body, dict) else {}


NOW: ContextVar[Call] = ContextVar("NOW")  # the call that is being answered


class Calls:
    """The calls of one mock; what is planted before `listen` is called knows the present call."""

    def __init__(self, api: Api, pause_seconds: float = 0) -> None:
        self.api = api
        self.pause_seconds = pause_seconds  # how long a write takes besides, as with a database, so that calls meet
        self.past: deque[Call] = deque(maxlen=REMEMBERED)
        self.under_way: list[Call] = []
        seams.wrap(api, "bodies.decode", self._decode)

    @property
    def now(self) -> Call:
        """The call that is being answered; one that brought nothing where none is, as when a mock announces itself."""
        return NOW.get(Call(""))

    def listen(self) -> None:
        """Begin to remember calls."""
        for role in HANDLERS.keys() & self.api.resource.layout.operations.keys():
            seams.around(self.api, role, partial(self._run, role))

    def updates(self) -> list[Call]:
        """Return the updates of the item in hand, the last first."""
        return [call for call in reversed(self.past) if call.role == "update" and call.item_id == self.now.item_id]

    def others(self) -> list[Call]:
        """Return the other calls that are under way."""
        return [call for call in self.under_way if call is not self.now]

    def writes(self) -> list[Call]:
        """Return the creates, updates and removals, the last first."""
        return [call for call in reversed(self.past) if call.role in WRITES]

    def _decode(self, decode: Callable[[bytes], Any], raw: bytes) -> Any:
        call = NOW.get(None)
        if call is None:
            return decode(raw)
        call.raw, call.body = raw, None
        call.body = decode(raw)
        return call.body

    async def _run(self, role: str, request: Request, handle: Operation) -> Answer:
        item = self.api.resource.store.items.get(request.item_id)
        state = (item.fields, item.version) if item else ({}, 0)
        call = Call(role, request.item_id, *state, request.headers.get(b"content-type", b""))
        token = NOW.set(call)
        self.under_way.append(call)
        try:
            return await handle(request)
        except Refusal:
            call.is_refused = True
            raise
        finally:
            if self.pause_seconds and role in WRITES:
                await asyncio.sleep(self.pause_seconds)
            NOW.reset(token)
            self.under_way.remove(call)
            call.raw = b""  # a body may be great
            self.past.append(call)
