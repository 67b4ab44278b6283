"""Faults of combinations of two and more fields."""

from __future__ import annotations

from ..app import Api
from ..errors import Refusal
from ..rules import Fields
from ..store import Persona
from . import seams
from .fault import fault
from .limits import is_number
from .witness import get, patch

TOGETHER = "#/x-decisions/combinations"

ALL_FIELDS: Fields = {
    "name": "Renamed",
    "persona_prompt": "Ask once.",
    "voice_name": "callum",
    "language_code": "en-GB",
    "background_sound": "bus",
    "wait_seconds": 1,
    "conversation_initiation": "wait_for_user",
    "hold_music_timeout_seconds": 60,
}


@fault("combinations", TOGETHER, patch(ALL_FIELDS), get())
def five_fields_at_most(api: Api) -> None:
    """Stores the first five fields of a body and forgets the rest."""
    seams.store_update_as(api, lambda fields: dict(list(fields.items())[:5]))


@fault("combinations", TOGETHER, patch(ALL_FIELDS), get())
def every_field_at_once_refused(api: Api) -> None:
    """Refuses a body that has all eight fields."""
    seams.judge_body(api, lambda body: False if len(body) >= 8 else None)


@fault("combinations", TOGETHER, patch({"wait_seconds": 1, "hold_music_timeout_seconds": 60}), get())
def second_number_forgotten(api: Api) -> None:
    """Stores only wait_seconds where both numbers are sent."""
    pair = {"wait_seconds", "hold_music_timeout_seconds"}
    seams.store_update_as(
        api,
        lambda fields: (
            {n: v for n, v in fields.items() if n != "hold_music_timeout_seconds"} if fields.keys() >= pair else fields
        ),
    )


@fault("combinations", TOGETHER, patch({"wait_seconds": 2, "hold_music_timeout_seconds": 300}), get())
def two_upper_limits_refused(api: Api) -> None:
    """Refuses the greatest wait together with the greatest time-out."""
    seams.judge_body(
        api,
        lambda body: False if body.get("wait_seconds") == 2 and body.get("hold_music_timeout_seconds") == 300 else None,
    )


@fault("combinations", TOGETHER, patch({"wait_seconds": 2, "hold_music_timeout_seconds": 5}), get())
def long_wait_with_a_short_timeout_refused(api: Api) -> None:
    """Refuses a wait of more than a third of the time-out, a rule that nothing documents."""

    def verdict(body: Fields) -> bool | None:
        wait, hold = body.get("wait_seconds"), body.get("hold_music_timeout_seconds")
        return False if is_number(wait) and is_number(hold) and float(wait or 0) * 3 > float(hold or 0) else None

    seams.judge_body(api, verdict)


@fault("combinations", TOGETHER, patch({"background_sound": "bus"}), get())
def background_sound_resets_the_initiation(api: Api) -> None:
    """Clears conversation_initiation where background_sound is sent without it."""

    def change(fields: Fields) -> Fields:
        return {"conversation_initiation": None, **fields} if "background_sound" in fields else fields

    seams.store_update_as(api, change)


@fault("combinations", TOGETHER, patch({"persona_prompt": None, "wait_seconds": 1}), get())
def values_beside_a_null_forgotten(api: Api) -> None:
    """Carries out only the nulls of a body that has some."""
    seams.store_update_as(
        api, lambda fields: {n: v for n, v in fields.items() if v is None} if None in fields.values() else fields
    )


@fault("combinations", TOGETHER, patch({"persona_prompt": None, "wait_seconds": 1}), get())
def nulls_beside_a_value_ignored(api: Api) -> None:
    """Carries out a null only where nothing but nulls is sent."""

    def change(fields: Fields) -> Fields:
        values = {n: v for n, v in fields.items() if v is not None}
        return values or fields

    seams.store_update_as(api, change)


@fault("combinations", TOGETHER, patch({"name": "Renamed", "persona_prompt": "Ask once."}), get())
def name_and_prompt_swapped(api: Api) -> None:
    """Swaps name and prompt where both are sent and short enough."""

    def change(fields: Fields) -> Fields:
        name, prompt = fields.get("name"), fields.get("persona_prompt")
        is_short = isinstance(name, str) and isinstance(prompt, str) and 0 < len(prompt) <= 200
        return {**fields, "name": prompt, "persona_prompt": name} if is_short else fields

    seams.store_update_as(api, change)


@fault(
    "combinations",
    TOGETHER,
    patch({"background_sound": "bus", "wait_seconds": 1, "conversation_initiation": "wait_for_user"}),
    get(),
)
def third_of_three_forgotten(api: Api) -> None:
    """Forgets conversation_initiation where it comes with a sound and a wait."""
    trio = {"background_sound", "wait_seconds", "conversation_initiation"}
    seams.store_update_as(
        api,
        lambda fields: (
            {n: v for n, v in fields.items() if n != "conversation_initiation"} if fields.keys() >= trio else fields
        ),
    )


@fault("combinations", TOGETHER, patch({"wait_seconds": 1}), patch({"wait_seconds": 1}))
def same_update_twice_refused(api: Api) -> None:
    """Refuses an update that changes nothing."""
    store = api.store.update

    def update(persona_id: str, changes: Fields) -> Persona:
        before = api.store.find(persona_id)
        after = store(persona_id, changes)
        if changes and after is before:
            raise Refusal(400, "The update changes nothing.")
        return after

    seams.replace(api.store, "update", update)


@fault("combinations", TOGETHER, patch({}))
def empty_update_refused(api: Api) -> None:
    """Refuses an empty object."""
    seams.judge_body(api, lambda body: bool(body) and None)
