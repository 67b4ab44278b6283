"""Faults of enums."""

from __future__ import annotations

from ..app import Api
from . import seams
from .fault import fault
from .witness import get, patch

SOUND = "#/components/schemas/BackgroundSound"
INITIATION = "#/components/schemas/ConversationInitiation"


@fault("enums", f"{SOUND}/enum", patch({"background_sound": "off"}), get())
def background_sound_off_is_false(api: Api) -> None:
    """Stores the word off as false, as YAML 1.1 reads it."""
    seams.store_as(api, lambda _, fields: {n: False if v == "off" else v for n, v in fields.items()})


@fault("enums", f"{SOUND}/enum", patch({"background_sound": "off"}), get())
def background_sound_off_clears(api: Api) -> None:
    """Takes off for no sound at all and clears the field."""
    seams.store_as(api, lambda _, fields: {n: None if v == "off" else v for n, v in fields.items()})


@fault("enums", f"{SOUND}/enum", patch({"background_sound": "backchanneling"}), get())
def background_sound_backchanneling(api: Api) -> None:
    """Accepts backchanneling, a sound that the contract does not have."""
    seams.judge(api, "background_sound", lambda v: True if v == "backchanneling" else None)


@fault("enums", f"{SOUND}/enum", patch({"background_sound": "custom:3zfmuDbVQsi4GaseDtiVcS"}), get())
def background_sound_custom(api: Api) -> None:
    """Accepts sounds of the form custom:<id>."""
    seams.judge(api, "background_sound", lambda v: True if isinstance(v, str) and v.startswith("custom:") else None)


@fault("enums", f"{SOUND}/enum", patch({"background_sound": "heavy_rain"}), get())
def background_sound_with_underscores(api: Api) -> None:
    """Takes an underscore for a dash."""
    seams.read_field_as(api, "background_sound", lambda v: v.replace("_", "-") if isinstance(v, str) else v)


@fault("enums", f"{SOUND}/enum", patch({"background_sound": "heavy-rain"}), get())
def background_sound_answered_with_underscores(api: Api) -> None:
    """Answers the name of a constant, such as heavy_rain, instead of the value."""
    seams.store_text_as(api, lambda text: text.replace("-", "_"), "background_sound")


@fault("enums", f"{INITIATION}/enum", patch({"conversation_initiation": "agent_first"}), get())
def conversation_initiation_third_value(api: Api) -> None:
    """Accepts agent_first, a value that the contract does not have."""
    seams.judge(api, "conversation_initiation", lambda v: True if v == "agent_first" else None)


@fault("enums", f"{INITIATION}/enum", patch({"conversation_initiation": ""}), get())
def conversation_initiation_empty(api: Api) -> None:
    """Takes an empty text for no value and clears the field."""
    seams.read_field_as(api, "conversation_initiation", lambda v: None if v == "" else v)


@fault("enums", f"{INITIATION}/enum", patch({"conversation_initiation": "wait-for-user"}), get())
def conversation_initiation_with_dashes(api: Api) -> None:
    """Takes a dash for an underscore."""
    seams.read_field_as(api, "conversation_initiation", lambda v: v.replace("-", "_") if isinstance(v, str) else v)
