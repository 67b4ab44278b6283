"""Faults of types and coercions."""

from __future__ import annotations

import json
from typing import Any

from ..app import Api
from ..errors import Refusal
from . import seams
from .fault import fault
from .limits import HOLD, NAME, PROMPT, WAIT, is_number
from .witness import get, patch

SOUND = "#/components/schemas/BackgroundSound"
NUMBERS = "#/x-decisions/numbers"


@fault("types", NUMBERS, patch({"wait_seconds": 2}), get())
def wait_seconds_refuses_integers(api: Api) -> None:
    """Refuses a number without a fraction, such as 2."""
    seams.judge(api, "wait_seconds", lambda v: False if isinstance(v, int) else None)


@fault("types", f"{HOLD}/type", patch({"hold_music_timeout_seconds": 15.5}), get())
def hold_music_timeout_refuses_fractions(api: Api) -> None:
    """Refuses a number with a fraction, as if it were an integer."""
    seams.judge(api, "hold_music_timeout_seconds", lambda v: False if is_number(v) and v % 1 else None)


@fault("types", f"{SOUND}/type", patch({"background_sound": ["cafe"]}), get())
def list_of_one_unwrapped(api: Api) -> None:
    """Takes a list of one value for the value."""
    seams.read_as(api, lambda body: {n: _first(v) for n, v in body.items()} if isinstance(body, dict) else body)


@fault("types", f"{PROMPT}/type", patch({"persona_prompt": ["Ask.", "Again."]}), get())
def persona_prompt_joins_a_list(api: Api) -> None:
    """Joins a list of texts to one prompt."""
    seams.read_field_as(api, "persona_prompt", lambda v: "\n".join(map(str, v)) if isinstance(v, list) else v)


@fault("types", f"{NAME}/type", patch({"name": {"value": "x"}}), get())
def name_written_from_an_object(api: Api) -> None:
    """Turns an object into text and takes it for a name."""
    seams.read_field_as(api, "name", lambda v: json.dumps(v) if isinstance(v, dict) else v)


@fault("types", f"{PROMPT}/type", patch({"persona_prompt": True}), get())
def persona_prompt_takes_booleans(api: Api) -> None:
    """Stores true and false as a prompt."""
    seams.read_field_as(api, "persona_prompt", lambda v: str(v) if isinstance(v, bool) else v)


@fault("types", "#/x-decisions/body", patch('{"wait_seconds": NaN}'), get())
def nan_is_a_number(api: Api) -> None:
    """Reads NaN as a number, compares it with no limit, and answers null."""
    decode = api.bodies.decode

    def read(body: bytes) -> Any:
        return decode(body) if b"NaN" not in body else json.loads(body)

    seams.replace(api.bodies, "decode", read)
    seams.judge(api, "wait_seconds", lambda v: True if isinstance(v, float) and v != v else None)


@fault("types", "#/components/schemas/Persona/properties/wait_seconds/type", get(), patch({}))
def numbers_answered_as_text(api: Api) -> None:
    """Answers numbers as text."""
    seams.show_as(api, lambda persona, shown: {n: str(v) if is_number(v) else v for n, v in shown.items()})


@fault("types", NUMBERS, patch('{"wait_seconds": 2e0}'), get())
def exponent_refused(api: Api) -> None:
    """Refuses a number that is written with an exponent."""
    decode = api.bodies.decode

    def read(body: bytes) -> Any:
        if any(bytes(f"{digit}{letter}", "ascii") in body for digit in range(10) for letter in "eE"):
            raise Refusal(400, "The request body is not valid JSON.")
        return decode(body)

    seams.replace(api.bodies, "decode", read)


@fault("types", f"{WAIT}/type", patch({"wait_seconds": ""}), get())
def empty_text_is_no_number(api: Api) -> None:
    """Takes an empty text in a field of a number for null."""
    numbers = ("wait_seconds", "hold_music_timeout_seconds")
    seams.read_as(api, lambda body: _with(body, numbers, lambda v: None if v == "" else v))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _with(body: Any, names: tuple[str, ...], change: Any) -> Any:
    return {n: change(v) if n in names else v for n, v in body.items()} if isinstance(body, dict) else body
