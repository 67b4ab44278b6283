"""Faults of requests that come at the same time."""

from __future__ import annotations

import asyncio

from ..app import Answer, Api, Request
from ..errors import Refusal
from . import seams
from .fault import fault
from .seams import Operation
from .witness import get, listed, patch, post

TOGETHER = "#/x-decisions/concurrency"
TWO_FIELDS = (patch({"wait_seconds": 1}), patch({"background_sound": "bus"}))
TWO_PERSONAS = (patch({"wait_seconds": 1}), patch({"wait_seconds": 2}, "/personas/{other}"))
TWO_NEW = tuple(post({"name": name, "voice_name": "aria", "language_code": "en-US"}) for name in ("One", "Two"))

# As long as a query to a database takes, and long enough for another request to come in between.
PAUSE_SECONDS = 0.004


@fault("concurrency", TOGETHER, TWO_FIELDS, get())
def concurrent_update_lost(api: Api) -> None:
    """Reads a persona, waits for its database and writes the whole persona back."""

    async def run(request: Request, handle: Operation) -> Answer:
        changes = await api.valid_body(request)
        before = api.store.find(request.persona_id)
        await asyncio.sleep(PAUSE_SECONDS)
        now = api.store.find(request.persona_id)
        api.store.write(before._replace(update_time=now.update_time))
        return api.give(200, {"persona": api.show(api.store.update(request.persona_id, changes))})

    seams.around(api, "updatePersona", run)


@fault("concurrency", "#/paths/~1personas~1{persona_id}/patch/responses/200", TWO_PERSONAS)
def concurrent_answers_mixed(api: Api) -> None:
    """Keeps the persona under way in one variable for all requests, so that a caller is answered with another's."""
    last: list[str] = []

    async def run(request: Request, handle: Operation) -> Answer:
        await handle(request)
        last[:] = [request.persona_id]
        await asyncio.sleep(PAUSE_SECONDS)
        return api.give(200, {"persona": api.show(api.store.find(last[0]))})

    seams.around(api, "updatePersona", run)


@fault("concurrency", "#/paths/~1personas/post/responses/201", TWO_NEW, listed())
def concurrent_creates_share_an_id(api: Api) -> None:
    """Reserves the next id, waits for its database and only then counts on."""
    new_id = api.store.new_id
    reserved: list[str] = []

    async def run(request: Request, handle: Operation) -> Answer:
        body = await api.valid_body(request)
        if not reserved:
            reserved.append(new_id())
        persona_id = reserved[0]
        await asyncio.sleep(PAUSE_SECONDS)
        reserved.clear()
        seams.replace(api.store, "new_id", lambda: persona_id)
        return api.give(201, {"persona": api.show(api.store.create(body))})

    seams.around(api, "createPersona", run)


@fault("concurrency", TOGETHER, TWO_FIELDS)
def concurrent_update_answered_409(api: Api) -> None:
    """Answers 409 to an update of a persona that another is updating."""
    _locked(api, 409)


@fault("concurrency", "#/x-decisions/atomic", (patch({"wait_seconds": 9}), patch({"wait_seconds": 1})), get())
def refused_update_rolls_back_another(api: Api) -> None:
    """Takes back what another request has stored meanwhile when it refuses an update."""

    async def run(request: Request, handle: Operation) -> Answer:
        before = api.store.personas.get(request.persona_id)
        try:
            return await handle(request)
        except Refusal:
            await asyncio.sleep(PAUSE_SECONDS)
            if before is not None and request.persona_id in api.store.personas:
                api.store.write(before)
            raise

    seams.around(api, "updatePersona", run)


@fault("concurrency", TOGETHER, TWO_FIELDS, get())
def concurrent_update_dropped(api: Api) -> None:
    """Answers 200 to the second of two updates that meet and does nothing."""
    busy: set[str] = set()

    async def run(request: Request, handle: Operation) -> Answer:
        if request.persona_id in busy:
            await api.valid_body(request)
            return api.give(200, {"persona": api.show(api.store.find(request.persona_id))})
        busy.add(request.persona_id)
        try:
            answer = await handle(request)
            await asyncio.sleep(PAUSE_SECONDS)
            return answer
        finally:
            busy.discard(request.persona_id)

    seams.around(api, "updatePersona", run)


def _locked(api: Api, status: int) -> None:
    """Refuse an update of a persona that is being updated."""
    busy: set[str] = set()

    async def run(request: Request, handle: Operation) -> Answer:
        if request.persona_id in busy:
            raise Refusal(status, "The persona is being updated.")
        busy.add(request.persona_id)
        try:
            answer = await handle(request)
            await asyncio.sleep(PAUSE_SECONDS)
            return answer
        finally:
            busy.discard(request.persona_id)

    seams.around(api, "updatePersona", run)
