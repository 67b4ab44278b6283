"""Faults of null and omission."""

from __future__ import annotations

from ..app import Api
from ..rules import Fields
from ..store import Persona
from . import seams
from .fault import fault
from .witness import get, patch, post

UPDATE = "#/components/schemas/PersonaUpdate/properties"
OMITTED = "#/paths/~1personas~1{persona_id}/patch/description"


@fault("null", OMITTED, patch({"wait_seconds": 1}), get())
def omitted_fields_cleared(api: Api) -> None:
    """Replaces the persona as PUT would: what an update leaves out is cleared."""
    needed = ("name", "voice_name", "language_code")

    def merge(fields: Fields, changes: Fields) -> Fields:
        kept = {name: value for name, value in fields.items() if name in needed}
        return kept | {name: value for name, value in changes.items() if value is not None}

    seams.replace(api.store, "merge", merge)


@fault("null", f"{UPDATE}/wait_seconds/x-on-null", patch({"wait_seconds": None, "background_sound": None}), get())
def nulls_left_out(api: Api) -> None:
    """Drops every null before the update, as if the field had been left out."""
    seams.store_update_as(api, lambda fields: {n: v for n, v in fields.items() if v is not None})


@fault("null", "#/x-decisions/not_set", patch({"persona_prompt": ""}), get())
def empty_prompt_ignored(api: Api) -> None:
    """Stores a value only where it is true in a condition, so that an empty prompt leaves the old one."""
    seams.store_update_as(api, lambda fields: {n: v for n, v in fields.items() if v is None or v})


@fault("null", f"{UPDATE}/conversation_initiation/x-on-null", patch({"conversation_initiation": None}), get())
def null_resets_to_a_default(api: Api) -> None:
    """Sets conversation_initiation to speak_first where null is to clear it."""
    name = "conversation_initiation"
    seams.store_update_as(api, lambda fields: {n: "speak_first" if n == name and v is None else v for n, v in fields.items()})  # fmt: skip


@fault("null", f"{UPDATE}/hold_music_timeout_seconds/x-on-null", patch({"hold_music_timeout_seconds": None}), get())
def null_stored_as_zero(api: Api) -> None:
    """Stores 0 where null is to clear a number."""
    name = "hold_music_timeout_seconds"
    seams.store_update_as(api, lambda fields: {n: 0 if n == name and v is None else v for n, v in fields.items()})


@fault("null", f"{UPDATE}/persona_prompt/x-on-null", patch({"persona_prompt": None}), get())
def null_stored_as_a_word(api: Api) -> None:
    """Stores the text None where null is to clear the prompt."""
    name = "persona_prompt"
    seams.store_update_as(api, lambda fields: {n: "None" if n == name and v is None else v for n, v in fields.items()})


@fault("null", f"{UPDATE}/wait_seconds/x-on-null", patch({"wait_seconds": None}), get())
def null_clears_everything(api: Api) -> None:
    """Clears every field that may be cleared as soon as one is null."""

    def clear(fields: Fields, changes: Fields) -> Fields:
        needed = ("name", "voice_name", "language_code")
        kept = {n: v for n, v in fields.items() if n in needed} if None in changes.values() else fields
        return kept | {n: v for n, v in changes.items() if v is not None}

    seams.replace(api.store, "merge", clear)


@fault("null", "#/x-decisions/not_set", patch({"wait_seconds": None}), patch({"wait_seconds": 1}), get())
def cleared_field_stays_cleared(api: Api) -> None:
    """Keeps a field that null has cleared from taking a value ever again."""
    cleared: set[tuple[str, str]] = set()

    def update(before: Persona, changes: Fields) -> None:
        now = api.store.find(before.id)
        cleared.update((before.id, name) for name, value in changes.items() if value is None)
        kept = {n: v for n, v in now.fields.items() if (before.id, n) not in cleared or api.rules.keeps_on_null(n)}
        seams.write_fields(api, now, kept)

    seams.update_as(api, update)


@fault("null", "#/components/schemas/PersonaCreate/properties/persona_prompt/anyOf",
       post({"name": "New", "voice_name": "aria", "language_code": "en-US", "persona_prompt": None}))  # fmt: skip
def null_refused_by_create(api: Api) -> None:
    """Refuses null in an optional field of a new persona."""
    seams.judge_body(api, lambda body: False if None in body.values() else None, seams.CREATE)
