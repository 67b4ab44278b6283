"""The objects and enumerations of openapi.yaml."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from .types import UNSET, ApiModel, Limits, Unset


class BackgroundSound(StrEnum):
    """The noise behind the caller's voice."""

    OFF = "off"
    OFFICE = "office"
    LOUNGE = "lounge"
    CROWD = "crowd"
    AIRPORT = "airport"
    BUS = "bus"
    PLAYGROUND = "playground"
    DOORBELL = "doorbell"
    TRAIN_ARRIVAL = "train-arrival"
    PORTABLE_AIR_CONDITIONER = "portable-air-conditioner"
    SKATEPARK = "skatepark"
    SMALL_DOG_BARK = "small-dog-bark"
    CAFE = "cafe"
    FERRY_AND_ANNOUNCEMENT = "ferry-and-announcement"
    HEAVY_RAIN = "heavy-rain"
    MODERATE_WIND = "moderate-wind"
    NEWBORN_BABY_CRYING = "newborn-baby-crying"
    OFFICE_WITH_ALARM = "office-with-alarm"
    STREET_WITH_SIRENS = "street-with-sirens"
    CONSTRUCTION_WORK = "construction-work"


BackgroundSoundValue: TypeAlias = Literal[
    "off",
    "office",
    "lounge",
    "crowd",
    "airport",
    "bus",
    "playground",
    "doorbell",
    "train-arrival",
    "portable-air-conditioner",
    "skatepark",
    "small-dog-bark",
    "cafe",
    "ferry-and-announcement",
    "heavy-rain",
    "moderate-wind",
    "newborn-baby-crying",
    "office-with-alarm",
    "street-with-sirens",
    "construction-work",
]
"""The values of BackgroundSound, to be written as they are."""


class ConversationInitiation(StrEnum):
    """Who speaks first."""

    SPEAK_FIRST = "speak_first"
    WAIT_FOR_USER = "wait_for_user"


ConversationInitiationValue: TypeAlias = Literal[
    "speak_first",
    "wait_for_user",
]
"""The values of ConversationInitiation, to be written as they are."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ErrorBody(ApiModel):
    """An object of the API."""

    code: str
    """What went wrong, for a program; each response says which code goes with it."""
    message: str
    """What went wrong, for a person."""
    details: list[ErrorDetail] | None | Unset = UNSET
    """The fields at fault, where the API names them."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ErrorDetail(ApiModel):
    """An object of the API."""

    field: str
    """The field at fault."""
    description: str
    """What is wrong with it."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ErrorResponse(ApiModel):
    """An object of the API."""

    error: ErrorBody


@dataclass(frozen=True, kw_only=True, repr=False)
class Persona(ApiModel):
    """A persona as the API shows it. A field that is not set is null or left out; further fields may come."""

    resource_name: str
    """`personas/` and the id."""
    id: Annotated[str, Limits(min_length=1)]
    """Not empty."""
    name: str
    create_time: datetime.datetime
    """When the persona was created, in RFC 3339 with a zone. It never changes."""
    persona_prompt: str | None | Unset = UNSET
    voice_name: str | None | Unset = UNSET
    language_code: str | None | Unset = UNSET
    background_sound: str | None | Unset = UNSET
    wait_seconds: float | None | Unset = UNSET
    conversation_initiation: str | None | Unset = UNSET
    hold_music_timeout_seconds: float | None | Unset = UNSET
    update_time: datetime.datetime | None | Unset = UNSET
    """When the persona was last changed, in RFC 3339 with a zone. None or left out before the first update."""


@dataclass(frozen=True, kw_only=True, repr=False)
class PersonaCreate(ApiModel):
    """A new persona."""

    name: Annotated[str, Limits(min_length=1, max_length=200)]
    """A name for people to read. Its length counts Unicode code points. 1 to 200 characters."""
    voice_name: str
    """One of the voices of `GET /personas/voices`."""
    language_code: str
    """A BCP-47 language code. The selected voice must speak it; `GET /personas/voices` says which it speaks."""
    persona_prompt: str | None | Unset = UNSET
    """Instructions that tell the persona how to behave and what to want."""
    background_sound: BackgroundSound | BackgroundSoundValue | None | Unset = UNSET
    """The noise behind the caller's voice."""
    wait_seconds: Annotated[float | None | Unset, Limits(minimum=0.1, maximum=2)] = UNSET
    """How long the persona waits before it answers, in seconds. 0.1 to 2."""
    conversation_initiation: ConversationInitiation | ConversationInitiationValue | None | Unset = UNSET
    """Who speaks first."""
    hold_music_timeout_seconds: Annotated[float | None | Unset, Limits(minimum=5, maximum=300)] = UNSET
    """Hang up after this many seconds without speech. 5 to 300."""


@dataclass(frozen=True, kw_only=True, repr=False)
class PersonaList(ApiModel):
    """An object of the API."""

    personas: list[Persona]
    next_page_token: str | None | Unset = UNSET
    """What to send as `page_token` for the page after this one; None on the last."""


@dataclass(frozen=True, kw_only=True, repr=False)
class PersonaResponse(ApiModel):
    """An object of the API."""

    persona: Persona
    """A persona as the API shows it. A field that is not set is null or left out; further fields may come."""


@dataclass(frozen=True, kw_only=True, repr=False)
class PersonaUpdate(ApiModel):
    """What to change. A field that is left out stays as it is; each says what null does."""

    name: Annotated[str | None | Unset, Limits(min_length=1, max_length=200)] = UNSET
    """A name for people to read, 1 to 200 characters. None leaves it as it is."""
    persona_prompt: str | None | Unset = UNSET
    """Instructions that tell the persona how to behave. None clears them."""
    voice_name: str | None | Unset = UNSET
    """The voice, one of `GET /personas/voices`. None leaves it as it is."""
    language_code: str | None | Unset = UNSET
    """A BCP-47 code of a language that the voice speaks. None leaves it as it is."""
    background_sound: BackgroundSound | BackgroundSoundValue | None | Unset = UNSET
    """The noise behind the caller's voice. None clears it."""
    wait_seconds: Annotated[float | None | Unset, Limits(minimum=0.1, maximum=2)] = UNSET
    """How long the persona waits before it answers, in seconds. None clears it. 0.1 to 2."""
    conversation_initiation: ConversationInitiation | ConversationInitiationValue | None | Unset = UNSET
    """Who speaks first. None clears it."""
    hold_music_timeout_seconds: Annotated[float | None | Unset, Limits(minimum=5, maximum=300)] = UNSET
    """Hang up after this many seconds without speech. None clears it. 5 to 300."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Voice(ApiModel):
    """An object of the API."""

    voice_name: str
    supported_languages: list[str]
    """The BCP-47 codes of the languages that this voice speaks."""


@dataclass(frozen=True, kw_only=True, repr=False)
class VoiceList(ApiModel):
    """An object of the API."""

    voices: list[Voice]
