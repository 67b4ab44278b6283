"""Faults of persistence and reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from ..app import Answer, Api, Request
from ..errors import Refusal
from ..listing import Page
from ..rules import Fields
from ..store import Persona
from . import seams
from .fault import fault
from .seams import Operation
from .witness import delete, get, listed, patch, post

READ = "#/x-decisions/concurrency"
OK = "#/paths/~1personas~1{persona_id}/patch/responses/200"


@fault("persistence", READ, patch({"wait_seconds": 1}), get())
def update_forgotten(api: Api) -> None:
    """Answers an update with the new state and stores nothing."""

    def update(persona_id: str, changes: Fields) -> Persona:
        persona = api.store.find(persona_id)
        fields = api.store.merge(persona.fields, changes)
        api.store.check_voice(fields, changes)
        return persona._replace(fields=fields, update_time=api.store.touch(persona))

    seams.replace(api.store, "update", update)


@fault("persistence", READ, patch({"wait_seconds": 1}), get())
def read_one_write_behind(api: Api) -> None:
    """Reads a replica that is one write behind."""
    earlier: dict[str, Persona] = {}
    seams.update_as(api, lambda before, changes: earlier.update({before.id: before}))

    async def run(request: Request, handle: Operation) -> Answer:
        persona = api.store.find(request.persona_id)
        return api.give(200, {"persona": api.show(earlier.get(request.persona_id, persona))})

    seams.around(api, "getPersona", run)


@fault("persistence", READ, get(), patch({"wait_seconds": 1}), get())
def read_cached_per_id(api: Api) -> None:
    """Keeps the first reading of a persona and answers it ever after."""
    cache: dict[str, Answer] = {}

    async def run(request: Request, handle: Operation) -> Answer:
        api.store.find(request.persona_id)
        if request.persona_id not in cache:
            cache[request.persona_id] = await handle(request)
        return cache[request.persona_id]

    seams.around(api, "getPersona", run)


@fault("persistence", READ, patch({"persona_prompt": None}), get())
def read_cache_misses_nulls(api: Api) -> None:
    """Merges an update into a cache, where a null replaces nothing."""
    cache: dict[str, Fields] = {}

    def update(before: Persona, changes: Fields) -> None:
        known = cache.get(before.id, before.fields)
        cache[before.id] = {**known, **{n: v for n, v in changes.items() if v is not None}}

    async def run(request: Request, handle: Operation) -> Answer:
        persona = api.store.find(request.persona_id)
        return api.give(200, {"persona": api.show(persona._replace(fields=cache.get(persona.id, persona.fields)))})

    seams.update_as(api, update)
    seams.around(api, "getPersona", run)


@fault("persistence", READ, patch({"wait_seconds": 1}), get())
def update_applied_late(api: Api) -> None:
    """Answers an update at once and stores it a twentieth of a second later."""
    running: set[asyncio.Task[None]] = set()

    async def store_later(persona: Persona) -> None:
        await asyncio.sleep(0.05)
        if persona.id in api.store.personas:
            api.store.write(persona)

    def update(before: Persona, changes: Fields) -> None:
        task = asyncio.get_running_loop().create_task(store_later(api.store.find(before.id)))
        running.add(task)
        task.add_done_callback(running.discard)
        api.store.write(before)

    async def run(request: Request, handle: Operation) -> Answer:
        changes = await api.valid_body(request)
        before = api.store.find(request.persona_id)
        after = before._replace(fields=api.store.merge(before.fields, changes))
        api.store.update(request.persona_id, changes)
        return api.give(200, {"persona": api.show(after._replace(update_time=api.store.touch(before)))})

    seams.update_as(api, update)
    seams.around(api, "updatePersona", run)


@fault("persistence", OK, patch({"wait_seconds": 1}), get())
def update_answered_with_the_old_state(api: Api) -> None:
    """Answers an update with the persona as it was before."""

    async def run(request: Request, handle: Operation) -> Answer:
        before = api.store.personas.get(request.persona_id)
        answer = await handle(request)
        return api.give(200, {"persona": api.show(before)}) if before else answer

    seams.around(api, "updatePersona", run)


@fault("persistence", READ, patch({"persona_prompt": "Ask once."}), get())
def prompt_answered_and_not_stored(api: Api) -> None:
    """Shows a new prompt in the answer to the update and never stores it."""

    async def run(request: Request, handle: Operation) -> Answer:
        before = api.store.personas.get(request.persona_id)
        answer = await handle(request)
        if before is not None:
            after = api.store.find(request.persona_id)
            kept = {n: v for n, v in after.fields.items() if n != "persona_prompt"}
            old = {n: v for n, v in before.fields.items() if n == "persona_prompt"}
            seams.write_fields(api, after, kept | old)
        return answer

    seams.around(api, "updatePersona", run)


@fault("persistence", READ, patch({"wait_seconds": 1}), listed(), patch({"wait_seconds": 2}), listed())
def list_cached(api: Api) -> None:
    """Shows each persona in lists as it was listed first."""
    cache: dict[str, Persona] = {}
    page = api.listing.page

    def cached(personas: Any, query: Fields) -> Page:
        found = page(personas, query)
        return Page([cache.setdefault(persona.id, persona) for persona in found.personas], found.next_page_token)

    seams.replace(api.listing, "page", cached)


@fault("persistence", READ, patch({"wait_seconds": 1}), listed())
def list_shows_the_created_state(api: Api) -> None:
    """Lists personas from an index that is written when they are created and never again."""
    created: dict[str, Persona] = {}
    create = api.store.create
    page = api.listing.page

    def remember(body: Fields) -> Persona:
        persona = create(body)
        created[persona.id] = persona
        return persona

    def old(personas: Any, query: Fields) -> Page:
        found = page(personas, query)
        return Page([created.get(persona.id, persona) for persona in found.personas], found.next_page_token)

    seams.replace(api.store, "create", remember)
    seams.replace(api.listing, "page", old)


@fault("persistence", READ, patch({"wait_seconds": 1}), *[get() for _ in range(4)])
def update_expires(api: Api) -> None:
    """Forgets an update two seconds after it was made."""
    made: dict[str, tuple[Any, Persona]] = {}
    seams.update_as(api, lambda before, changes: made.update({before.id: (api.store.now(), before)}))

    async def run(request: Request, handle: Operation) -> Answer:
        persona = api.store.find(request.persona_id)
        moment, before = made.get(persona.id, (None, persona))
        if moment is not None and (api.store.now() - moment).total_seconds() > 2:
            seams.write_fields(api, persona, before.fields)
        return await handle(request)

    seams.around(api, "getPersona", run)


@fault("persistence", READ, post({"name": "New", "voice_name": "aria", "language_code": "en-US"}),
       get("/personas/{new}"), get("/personas/{new}"))  # fmt: skip
def new_persona_found_late(api: Api) -> None:
    """Does not find a new persona when it is read for the first time."""
    known = set(api.store.personas)

    async def run(request: Request, handle: Operation) -> Answer:
        api.store.find(request.persona_id)
        if request.persona_id not in known:
            known.add(request.persona_id)
            raise Refusal(404, "No persona has this id.")
        return await handle(request)

    seams.around(api, "getPersona", run)


@fault("persistence", READ, get(), delete(), get())
def removed_persona_read_from_a_cache(api: Api) -> None:
    """Answers a persona that was removed, if it was read before."""
    cache: dict[str, Answer] = {}

    async def run(request: Request, handle: Operation) -> Answer:
        if request.persona_id in cache and request.persona_id not in api.store.personas:
            return cache[request.persona_id]
        cache[request.persona_id] = await handle(request)
        return cache[request.persona_id]

    seams.around(api, "getPersona", run)


@fault("persistence", READ, listed(), post({"name": "New", "voice_name": "aria", "language_code": "en-US"}), listed())
def list_half_a_minute_behind(api: Api) -> None:
    """Lists the personas as they were up to thirty seconds ago."""
    everything = api.store.all
    known: list[Persona] = []
    taken: list[Any] = []

    def behind() -> Iterator[Persona]:
        now = api.store.now()
        if not taken or (now - taken[-1]).total_seconds() > 30:
            taken[:], known[:] = [now], everything()
        return iter(list(known))

    seams.replace(api.store, "all", behind)
