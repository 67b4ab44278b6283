"""Faults of deletion."""

from __future__ import annotations

from typing import Any

from ..app import Answer, Api, Request
from ..rules import Fields
from ..store import Persona
from . import seams
from .fault import fault
from .seams import Operation
from .witness import Moment, delete, get, listed, patch, post

GONE = "#/x-decisions/deletion"
DELETED = "#/paths/~1personas~1{persona_id}/delete/responses/200"
REMOVE = "#/paths/~1personas~1{persona_id}/delete/description"

NEW: dict[str, Any] = {"name": "New", "voice_name": "aria", "language_code": "en-US"}
AFTERWARDS: tuple[Moment, ...] = (delete(), get(), patch({"wait_seconds": 1}), listed())


def _delete_as(api: Api, run: Any) -> None:
    """Put *run*, which is told the id and the removal itself, in the place of the removal."""
    remove = api.store.delete
    seams.replace(api.store, "delete", lambda persona_id: run(persona_id, remove))


@fault("deletion", GONE, *AFTERWARDS)
def delete_does_nothing(api: Api) -> None:
    """Answers 200 and removes nothing."""
    _delete_as(api, lambda persona_id, remove: api.store.find(persona_id) and None)


@fault("deletion", GONE, *AFTERWARDS)
def delete_hides_from_lists_only(api: Api) -> None:
    """Marks a persona as removed; lists leave it out, and it can still be read and updated."""
    hidden: set[str] = set()
    everything = api.store.all

    def hide(persona_id: str, remove: Any) -> None:
        api.store.find(persona_id)
        hidden.add(persona_id)

    _delete_as(api, hide)
    seams.replace(api.store, "all", lambda: (persona for persona in everything() if persona.id not in hidden))


@fault("deletion", "#/x-decisions/concurrency", *AFTERWARDS)
def removed_persona_still_listed(api: Api) -> None:
    """Lists personas that were removed."""
    removed: list[Persona] = []
    everything = api.store.all

    def keep(persona_id: str, remove: Any) -> None:
        removed.append(api.store.find(persona_id))
        remove(persona_id)

    _delete_as(api, keep)
    seams.replace(api.store, "all", lambda: iter([*everything(), *removed]))


@fault("deletion", GONE, *AFTERWARDS)
def removed_persona_can_be_updated(api: Api) -> None:
    """Checks only where it reads whether a persona was removed: an update is accepted."""
    removed: dict[str, Persona] = {}

    def keep(persona_id: str, remove: Any) -> None:
        removed[persona_id] = api.store.find(persona_id)
        remove(persona_id)

    async def run(request: Request, handle: Operation) -> Answer:
        if request.persona_id in removed:
            changes = await api.valid_body(request)
            persona = removed[request.persona_id]
            return api.give(
                200, {"persona": api.show(persona._replace(fields=api.store.merge(persona.fields, changes)))}
            )
        return await handle(request)

    _delete_as(api, keep)
    seams.around(api, "updatePersona", run)


@fault("deletion", GONE, patch({"wait_seconds": 1}, "/personas/unknown"), get("/personas/unknown"))
def update_creates_what_is_missing(api: Api) -> None:
    """Creates a persona where an update finds none."""
    store = api.store.update

    def update(persona_id: str, changes: Fields) -> Persona:
        if persona_id not in api.store.personas:
            fields = api.store.merge({**NEW, "name": persona_id}, changes)
            return api.store.write(Persona(persona_id, fields, api.store.now(), None, api.store.measure(fields)))
        return store(persona_id, changes)

    seams.replace(api.store, "update", update)


@fault("deletion", DELETED, delete())
def delete_answered_204(api: Api) -> None:
    """Answers a removal with 204 and nothing."""

    async def run(request: Request, handle: Operation) -> Answer:
        await handle(request)
        return Answer(204, b"", ())

    seams.around(api, "deletePersona", run)


@fault("deletion", "#/components/schemas/Deleted/type", delete())
def delete_answered_with_true(api: Api) -> None:
    """Answers a removal with true instead of an object."""

    async def run(request: Request, handle: Operation) -> Answer:
        await handle(request)
        return api.give(200, True)

    seams.around(api, "deletePersona", run)


@fault("deletion", REMOVE, delete(), get("/personas/{other}"))
def delete_removes_the_next_as_well(api: Api) -> None:
    """Removes the persona that was made next as well."""

    def run(persona_id: str, remove: Any) -> None:
        born = api.store.find(persona_id).create_time
        later = [persona for persona in api.store.personas.values() if persona.create_time > born]
        remove(persona_id)
        if later:
            remove(min(later, key=lambda persona: persona.create_time).id)

    _delete_as(api, run)


@fault("deletion", REMOVE, delete("/personas/unknown"), get("/personas/{other}"))
def deleting_nothing_removes_the_newest(api: Api) -> None:
    """Removes the newest persona where no persona has the id."""

    def run(persona_id: str, remove: Any) -> None:
        if persona_id in api.store.personas:
            remove(persona_id)
        elif api.store.personas:
            remove(max(api.store.personas.values(), key=lambda persona: persona.create_time).id)

    _delete_as(api, run)


@fault("deletion", GONE, delete("/personas/{other}"), post(NEW), get("/personas/{other}"))
def id_used_again(api: Api) -> None:
    """Gives the id of a removed persona to the next one."""
    free: list[str] = []
    new_id = api.store.new_id

    def run(persona_id: str, remove: Any) -> None:
        remove(persona_id)
        free.append(persona_id)

    _delete_as(api, run)
    seams.replace(api.store, "new_id", lambda: free.pop() if free else new_id())


@fault("deletion", GONE, delete(), *[get() for _ in range(3)])
def removed_persona_comes_back(api: Api) -> None:
    """Brings a persona back two seconds after it was removed."""
    removed: dict[str, tuple[Any, Persona]] = {}

    def run(persona_id: str, remove: Any) -> None:
        removed[persona_id] = (api.store.now(), api.store.find(persona_id))
        remove(persona_id)

    async def read(request: Request, handle: Operation) -> Answer:
        moment, persona = removed.get(request.persona_id, (None, None))
        if persona is not None and moment is not None and (api.store.now() - moment).total_seconds() > 2:
            api.store.write(persona)
        return await handle(request)

    _delete_as(api, run)
    seams.around(api, "getPersona", read)
