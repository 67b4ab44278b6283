"""Faults of limits that lie where nobody would guess: only a search finds where acceptance really flips."""

from __future__ import annotations

from ..app import Api
from . import seams
from .fault import fault
from .limits import HOLD, WAIT, is_number
from .witness import get, patch


@fault("limits", f"{WAIT}/maximum", patch({"wait_seconds": 2.001}), get())
def wait_seconds_up_to_a_thousandth_more(api: Api) -> None:
    """Accepts wait_seconds up to 2.001."""
    seams.judge(api, "wait_seconds", lambda v: True if is_number(v) and 2 < v <= 2.001 else None)


@fault("limits", f"{WAIT}/minimum", patch({"wait_seconds": 0.05}), get())
def wait_seconds_down_to_zero(api: Api) -> None:
    """Accepts wait_seconds down to 0."""
    seams.judge(api, "wait_seconds", lambda v: True if is_number(v) and 0 <= v < 0.1 else None)


@fault("limits", f"{HOLD}/minimum", patch({"hold_music_timeout_seconds": 4.5}), get())
def hold_music_timeout_from_four_and_a_half(api: Api) -> None:
    """Accepts hold_music_timeout_seconds from 4.5 on."""
    seams.judge(api, "hold_music_timeout_seconds", lambda v: True if is_number(v) and 4.5 <= v < 5 else None)


@fault("limits", WAIT, patch({"wait_seconds": 0.72}), get())
def wait_seconds_with_a_hole(api: Api) -> None:
    """Refuses wait_seconds from 0.7 to 0.75, in the middle of what is allowed."""
    seams.judge(api, "wait_seconds", lambda v: False if is_number(v) and 0.7 <= v <= 0.75 else None)


@fault("fidelity", "#/x-decisions/numbers", patch({"wait_seconds": 0.84}), get())
def wait_seconds_rounded_to_tenths(api: Api) -> None:
    """Rounds wait_seconds to one decimal before it is checked and stored."""
    seams.read_field_as(api, "wait_seconds", lambda v: round(v, 1) if is_number(v) else v)
