from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.background_sound import BackgroundSound
from ..models.conversation_initiation import ConversationInitiation
from ..types import UNSET, Unset

T = TypeVar("T", bound="PersonaCreate")


@_attrs_define
class PersonaCreate:
    """A new persona."""

    name: str
    """ A name for people to read. Its length counts Unicode code points. """
    voice_name: str
    """ One of the voices of `GET /personas/voices`. """
    language_code: str
    """ A BCP-47 language code. The selected voice must speak it; `GET /personas/voices` says which it speaks. """
    persona_prompt: None | str | Unset = UNSET
    background_sound: BackgroundSound | None | Unset = UNSET
    wait_seconds: float | None | Unset = UNSET
    conversation_initiation: ConversationInitiation | None | Unset = UNSET
    hold_music_timeout_seconds: float | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        voice_name = self.voice_name

        language_code = self.language_code

        persona_prompt: None | str | Unset
        if isinstance(self.persona_prompt, Unset):
            persona_prompt = UNSET
        else:
            persona_prompt = self.persona_prompt

        background_sound: None | str | Unset
        if isinstance(self.background_sound, Unset):
            background_sound = UNSET
        elif isinstance(self.background_sound, BackgroundSound):
            background_sound = self.background_sound.value
        else:
            background_sound = self.background_sound

        wait_seconds: float | None | Unset
        if isinstance(self.wait_seconds, Unset):
            wait_seconds = UNSET
        else:
            wait_seconds = self.wait_seconds

        conversation_initiation: None | str | Unset
        if isinstance(self.conversation_initiation, Unset):
            conversation_initiation = UNSET
        elif isinstance(self.conversation_initiation, ConversationInitiation):
            conversation_initiation = self.conversation_initiation.value
        else:
            conversation_initiation = self.conversation_initiation

        hold_music_timeout_seconds: float | None | Unset
        if isinstance(self.hold_music_timeout_seconds, Unset):
            hold_music_timeout_seconds = UNSET
        else:
            hold_music_timeout_seconds = self.hold_music_timeout_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "voice_name": voice_name,
                "language_code": language_code,
            }
        )
        if persona_prompt is not UNSET:
            field_dict["persona_prompt"] = persona_prompt
        if background_sound is not UNSET:
            field_dict["background_sound"] = background_sound
        if wait_seconds is not UNSET:
            field_dict["wait_seconds"] = wait_seconds
        if conversation_initiation is not UNSET:
            field_dict["conversation_initiation"] = conversation_initiation
        if hold_music_timeout_seconds is not UNSET:
            field_dict["hold_music_timeout_seconds"] = hold_music_timeout_seconds

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        voice_name = d.pop("voice_name")

        language_code = d.pop("language_code")

        def _parse_persona_prompt(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        persona_prompt = _parse_persona_prompt(d.pop("persona_prompt", UNSET))

        def _parse_background_sound(data: object) -> BackgroundSound | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                background_sound_type_0 = BackgroundSound(data)

                return background_sound_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BackgroundSound | None | Unset, data)

        background_sound = _parse_background_sound(d.pop("background_sound", UNSET))

        def _parse_wait_seconds(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        wait_seconds = _parse_wait_seconds(d.pop("wait_seconds", UNSET))

        def _parse_conversation_initiation(data: object) -> ConversationInitiation | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                conversation_initiation_type_0 = ConversationInitiation(data)

                return conversation_initiation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ConversationInitiation | None | Unset, data)

        conversation_initiation = _parse_conversation_initiation(d.pop("conversation_initiation", UNSET))

        def _parse_hold_music_timeout_seconds(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        hold_music_timeout_seconds = _parse_hold_music_timeout_seconds(d.pop("hold_music_timeout_seconds", UNSET))

        persona_create = cls(
            name=name,
            voice_name=voice_name,
            language_code=language_code,
            persona_prompt=persona_prompt,
            background_sound=background_sound,
            wait_seconds=wait_seconds,
            conversation_initiation=conversation_initiation,
            hold_music_timeout_seconds=hold_music_timeout_seconds,
        )

        persona_create.additional_properties = d
        return persona_create

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
