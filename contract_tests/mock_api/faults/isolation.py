"""Faults of isolation between personas."""

from __future__ import annotations

from ..app import Api
from ..rules import Fields
from ..store import Persona
from . import seams
from .fault import fault
from .witness import get, listed, patch, post

ATOMIC = "#/x-decisions/atomic"
UPDATE = "#/paths/~1personas~1{persona_id}/patch/description"


def _others(api: Api, persona_id: str) -> list[Persona]:
    return [persona for persona in api.store.personas.values() if persona.id != persona_id]


def _set(changes: Fields) -> Fields:
    return {n: v for n, v in changes.items() if v is not None and n not in ("name", "voice_name", "language_code")}


@fault("isolation", UPDATE, patch({"wait_seconds": 1}), get("/personas/{other}"))
def update_reaches_the_newest_persona(api: Api) -> None:
    """Updates the newest persona besides the one in the path."""

    def update(before: Persona, changes: Fields) -> None:
        newest = max(_others(api, before.id), key=lambda persona: persona.create_time, default=None)
        if newest is not None:
            seams.write_fields(api, newest, {**newest.fields, **_set(changes)})

    seams.update_as(api, update)


@fault("isolation", UPDATE, patch({"wait_seconds": 1}), get("/personas/{other}"))
def update_reaches_personas_of_the_same_voice(api: Api) -> None:
    """Keeps wait_seconds with the voice, so that every persona of that voice shares it."""

    def update(before: Persona, changes: Fields) -> None:
        if changes.get("wait_seconds") is not None:
            for persona in _others(api, before.id):
                if persona.fields.get("voice_name") == before.fields.get("voice_name"):
                    seams.write_fields(api, persona, {**persona.fields, "wait_seconds": changes["wait_seconds"]})

    seams.update_as(api, update)


@fault("isolation", UPDATE, post({"name": "Twin", "voice_name": "aria", "language_code": "en-US"}),
       post({"name": "Other twin", "voice_name": "aria", "language_code": "en-US"}),
       patch({"background_sound": "bus"}, "/personas/{new}"), listed())  # fmt: skip
def personas_alike_share_their_fields(api: Api) -> None:
    """Copies by reference: personas made one after the other with the same fields but the name share them."""

    def alike(fields: Fields) -> Fields:
        return {n: v for n, v in fields.items() if n not in ("name", "background_sound")}

    def update(before: Persona, changes: Fields) -> None:
        if "background_sound" in changes:
            for persona in _others(api, before.id):
                if alike(persona.fields) == alike(before.fields):
                    seams.write_fields(
                        api, persona, api.store.merge(persona.fields, {"background_sound": changes["background_sound"]})
                    )

    seams.update_as(api, update)


@fault("isolation", "#/x-decisions/creation", patch({"hold_music_timeout_seconds": 60}),
       post({"name": "New", "voice_name": "aria", "language_code": "en-US"}))  # fmt: skip
def new_persona_inherits_the_last_update(api: Api) -> None:
    """Keeps the defaults of new personas in one dictionary that updates write to."""
    defaults: Fields = {}
    create = api.store.create
    seams.update_as(api, lambda before, changes: defaults.update(_set(changes)))
    seams.replace(api.store, "create", lambda body: create({**defaults, **body}))


@fault("isolation", UPDATE, patch({"wait_seconds": None}), patch({"background_sound": None}), get("/personas/{other}"))
def clearing_reaches_the_persona_made_next(api: Api) -> None:
    """Clears a field of the persona that was made after the one in the path, too."""

    def update(before: Persona, changes: Fields) -> None:
        later = [persona for persona in _others(api, before.id) if persona.create_time > before.create_time]
        following = min(later, key=lambda persona: persona.create_time, default=None)
        if following is not None:
            nulls = {name: None for name, value in changes.items() if value is None}
            seams.write_fields(api, following, api.store.merge(following.fields, nulls))

    seams.update_as(api, update)


@fault("isolation", "#/x-decisions/times", patch({"wait_seconds": 1}), get("/personas/{other}"))
def update_moves_the_update_time_of_others(api: Api) -> None:
    """Moves update_time of every persona with the same voice."""

    def update(before: Persona, changes: Fields) -> None:
        for persona in _others(api, before.id):
            if changes and persona.fields.get("voice_name") == before.fields.get("voice_name"):
                api.store.write(persona._replace(update_time=api.store.touch(persona)))

    seams.update_as(api, update)


@fault(
    "isolation",
    ATOMIC,
    patch({"background_sound": "bus", "wait_seconds": 9}),
    patch({"wait_seconds": 1}, "/personas/{other}"),
    get("/personas/{other}"),
)
def refused_update_waits_for_the_next(api: Api) -> None:
    """Leaves the valid fields of a refused update in the session, and the next update of any persona stores them."""
    waiting: Fields = {}
    store = api.store.update
    seams.before_refusal(
        api,
        lambda persona, body: waiting.update({n: v for n, v in _set(body).items() if seams.is_valid_field(api, n, v)}),
    )

    def update(persona_id: str, changes: Fields) -> Persona:
        api.store.find(persona_id)
        left = dict(waiting)
        waiting.clear()
        return store(persona_id, {**left, **changes})

    seams.replace(api.store, "update", update)
