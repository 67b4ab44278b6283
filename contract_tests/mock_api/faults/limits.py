"""Faults of limits that openapi.yaml does not bring by itself: other numbers, other units, repair instead of refusal."""

from __future__ import annotations

import unicodedata
from typing import Any

from ..app import Api
from . import seams
from .fault import fault
from .witness import get, patch

NAME = "#/components/schemas/PersonaName"
PROMPT = "#/components/schemas/PersonaPrompt"
WAIT = "#/components/schemas/WaitSeconds"
HOLD = "#/components/schemas/HoldMusicTimeoutSeconds"


def is_number(value: Any) -> bool:
    """Say whether *value* is a JSON number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@fault("limits", f"{WAIT}/maximum", patch({"wait_seconds": 2.5}), get())
def wait_seconds_up_to_two_and_a_half(api: Api) -> None:
    """Accepts wait_seconds up to 2.5."""
    seams.judge(api, "wait_seconds", lambda v: True if is_number(v) and 2 < v <= 2.5 else None)


@fault("limits", f"{WAIT}/minimum", patch({"wait_seconds": 0}), get())
def wait_seconds_zero_unchecked(api: Api) -> None:
    """Checks the limits only where the number is true in a condition, so that 0 passes."""
    seams.judge(api, "wait_seconds", lambda v: True if is_number(v) and not v else None)


@fault("limits", f"{WAIT}/maximum", patch({"wait_seconds": 2.04}), get())
def wait_seconds_rounded_before_the_check(api: Api) -> None:
    """Rounds to one decimal before it compares with the limits, so that 2.04 passes."""
    seams.judge(api, "wait_seconds", lambda v: True if is_number(v) and 0.1 <= round(v, 1) <= 2 else None)


@fault("limits", f"{WAIT}/maximum", patch({"wait_seconds": 5}), get())
def wait_seconds_moved_to_the_limit(api: Api) -> None:
    """Moves a number beyond a limit to the limit and accepts it."""
    seams.read_field_as(api, "wait_seconds", lambda v: min(max(v, 0.1), 2) if is_number(v) else v)


@fault("limits", f"{WAIT}/minimum", patch({"wait_seconds": -0.5}), get())
def wait_seconds_without_sign(api: Api) -> None:
    """Compares without the sign, so that -0.5 passes."""
    seams.judge(api, "wait_seconds", lambda v: True if is_number(v) and 0.1 <= -v <= 2 else None)


@fault("limits", f"{HOLD}/maximum", patch({"hold_music_timeout_seconds": 300.5}), get())
def hold_music_timeout_compared_as_integer(api: Api) -> None:
    """Drops the fraction before it compares with the limits, so that 300.5 passes."""
    seams.judge(api, "hold_music_timeout_seconds", lambda v: True if is_number(v) and 300 < v < 301 else None)


@fault("limits", f"{HOLD}/minimum", patch({"hold_music_timeout_seconds": 4}), get())
def limits_of_the_two_numbers_swapped(api: Api) -> None:
    """Checks hold_music_timeout_seconds against the least value of wait_seconds."""
    seams.judge(api, "hold_music_timeout_seconds", lambda v: True if is_number(v) and 0.1 <= v < 5 else None)


@fault("limits", f"{NAME}/maxLength", patch({"name": "a" * 255}), get())
def name_up_to_255(api: Api) -> None:
    """Accepts a name of up to 255 characters, the width of its column."""
    seams.judge(api, "name", lambda v: True if isinstance(v, str) and 200 < len(v) <= 255 else None)


@fault("limits", f"{NAME}/maxLength", patch({"name": "e\u0301" * 150}), get())
def name_length_counted_when_composed(api: Api) -> None:
    """Counts a letter and its accent as one character."""

    def verdict(value: Any) -> bool | None:
        is_long = isinstance(value, str) and len(value) > 200
        return True if is_long and len(unicodedata.normalize("NFC", value)) <= 200 else None

    seams.judge(api, "name", verdict)


@fault("limits", PROMPT, patch({"persona_prompt": "a" * 10_001}), get())
def persona_prompt_up_to_10000(api: Api) -> None:
    """Refuses a prompt of more than 10,000 characters, a limit that nothing documents."""
    seams.judge(api, "persona_prompt", lambda v: False if isinstance(v, str) and len(v) > 10_000 else None)


@fault("limits", PROMPT, patch({"persona_prompt": ""}), get())
def persona_prompt_needs_a_character(api: Api) -> None:
    """Refuses an empty prompt, which is to clear it."""
    seams.judge(api, "persona_prompt", lambda v: False if v == "" else None)


@fault("limits", PROMPT, patch({"persona_prompt": "a" * 256}), get())
def persona_prompt_up_to_255(api: Api) -> None:
    """Cuts a prompt after 255 characters, the width of its column."""
    seams.store_text_as(api, lambda text: text[:255], "persona_prompt")
