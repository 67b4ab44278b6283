"""Faults of atomicity: what a refused request leaves behind."""

from __future__ import annotations

from typing import Any

from ..app import Api
from ..rules import Fields
from ..store import Persona
from . import seams
from .fault import fault
from .witness import get, listed, patch, post

ATOMIC = "#/x-decisions/atomic"


PART_WRONG = {"persona_prompt": "Half.", "wait_seconds": 9, "background_sound": "cafe"}


@fault("atomicity", ATOMIC, patch(PART_WRONG), get())
def valid_part_of_a_refused_update_stored(api: Api) -> None:
    """Refuses an update and stores those of its fields that are valid."""

    def salvage(persona: Persona, body: Fields) -> None:
        valid = {name: value for name, value in body.items() if seams.is_valid_field(api, name, value)}
        seams.write_fields(api, persona, api.store.merge(persona.fields, valid))

    seams.before_refusal(api, salvage)


@fault("atomicity", ATOMIC, patch(PART_WRONG), get())
def fields_before_the_wrong_one_stored(api: Api) -> None:
    """Checks and stores one field after the other, so that those before the wrong one are stored."""

    def salvage(persona: Persona, body: Fields) -> None:
        fields = persona.fields
        for name, value in body.items():
            if not seams.is_valid_field(api, name, value):
                break
            fields = api.store.merge(fields, {name: value})
        seams.write_fields(api, persona, fields)

    seams.before_refusal(api, salvage)


@fault("atomicity", ATOMIC, patch({"persona_prompt": None, "wait_seconds": 9}), get())
def nulls_of_a_refused_update_carried_out(api: Api) -> None:
    """Clears what is null before it checks the values."""

    def salvage(persona: Persona, body: Fields) -> None:
        nulls = {name: value for name, value in body.items() if value is None}
        seams.write_fields(api, persona, api.store.merge(persona.fields, nulls))

    seams.before_refusal(api, salvage)


@fault("atomicity", ATOMIC, patch(PART_WRONG), get())
def refused_update_moves_update_time(api: Api) -> None:
    """Moves update_time for an update that it refuses."""
    seams.before_refusal(
        api, lambda persona, body: api.store.write(persona._replace(update_time=api.store.touch(persona)))
    )


@fault("atomicity", "#/components/responses/InvalidArgument/description", patch(PART_WRONG), get())
def wrong_fields_dropped(api: Api) -> None:
    """Drops the fields that are not valid and accepts the rest."""

    def keep(body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        valid = {name: value for name, value in body.items() if seams.is_valid_field(api, name, value)}
        return valid or body

    seams.read_as(api, keep)


@fault("atomicity", ATOMIC, patch({"voice_name": "jonas", "wait_seconds": 1}), get())
def update_stored_before_the_voice_is_checked(api: Api) -> None:
    """Checks voice and language after the update is stored."""

    def update(persona_id: str, changes: Fields) -> Persona:
        persona = api.store.find(persona_id)
        fields = api.store.merge(persona.fields, changes)
        if fields != persona.fields:
            persona = persona._replace(update_time=api.store.touch(persona))
            persona = seams.write_fields(api, persona, fields)
        api.store.check_voice(fields, changes)
        return persona

    seams.replace(api.store, "update", update)


@fault("atomicity", ATOMIC, patch({"wait_seconds": 9}), get())
def refused_value_stored(api: Api) -> None:
    """Validates after the write: answers 400, and the value that it refused is stored."""

    def salvage(persona: Persona, body: Fields) -> None:
        numbers = {n: v for n, v in body.items() if n == "wait_seconds" and isinstance(v, (int, float))}
        seams.write_fields(api, persona, {**persona.fields, **numbers})

    seams.before_refusal(api, salvage)


@fault("atomicity", ATOMIC, post({"name": "Half", "voice_name": "aria", "language_code": "de-DE"}), listed())
def refused_create_makes_a_persona(api: Api) -> None:
    """Stores a new persona before voice and language are checked, and leaves it there."""
    check = api.store.check_voice

    def create(body: Fields) -> Persona:
        fields = api.store.merge({}, body)
        persona = Persona(api.store.new_id(), fields, api.store.now(), None, api.store.measure(fields))
        api.store.write(persona)
        check(fields, body)
        return persona

    seams.replace(api.store, "create", create)
