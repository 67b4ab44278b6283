from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Persona")


@_attrs_define
class Persona:
    """A persona as the API shows it. A field that is not set is null or left out; further fields may come."""

    resource_name: str
    """ `personas/` and the id. """
    id: str
    name: str
    create_time: datetime.datetime
    """ When the persona was created, in RFC 3339 with a zone. It never changes. """
    persona_prompt: None | str | Unset = UNSET
    voice_name: None | str | Unset = UNSET
    language_code: None | str | Unset = UNSET
    background_sound: None | str | Unset = UNSET
    wait_seconds: float | None | Unset = UNSET
    conversation_initiation: None | str | Unset = UNSET
    hold_music_timeout_seconds: float | None | Unset = UNSET
    update_time: datetime.datetime | None | Unset = UNSET
    """ When the persona was last changed, in RFC 3339 with a zone. null or left out before the first update. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        resource_name = self.resource_name

        id = self.id

        name = self.name

        create_time = self.create_time.isoformat()

        persona_prompt: None | str | Unset
        if isinstance(self.persona_prompt, Unset):
            persona_prompt = UNSET
        else:
            persona_prompt = self.persona_prompt

        voice_name: None | str | Unset
        if isinstance(self.voice_name, Unset):
            voice_name = UNSET
        else:
            voice_name = self.voice_name

        language_code: None | str | Unset
        if isinstance(self.language_code, Unset):
            language_code = UNSET
        else:
            language_code = self.language_code

        background_sound: None | str | Unset
        if isinstance(self.background_sound, Unset):
            background_sound = UNSET
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
        else:
            conversation_initiation = self.conversation_initiation

        hold_music_timeout_seconds: float | None | Unset
        if isinstance(self.hold_music_timeout_seconds, Unset):
            hold_music_timeout_seconds = UNSET
        else:
            hold_music_timeout_seconds = self.hold_music_timeout_seconds

        update_time: None | str | Unset
        if isinstance(self.update_time, Unset):
            update_time = UNSET
        elif isinstance(self.update_time, datetime.datetime):
            update_time = self.update_time.isoformat()
        else:
            update_time = self.update_time

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "resource_name": resource_name,
                "id": id,
                "name": name,
                "create_time": create_time,
            }
        )
        if persona_prompt is not UNSET:
            field_dict["persona_prompt"] = persona_prompt
        if voice_name is not UNSET:
            field_dict["voice_name"] = voice_name
        if language_code is not UNSET:
            field_dict["language_code"] = language_code
        if background_sound is not UNSET:
            field_dict["background_sound"] = background_sound
        if wait_seconds is not UNSET:
            field_dict["wait_seconds"] = wait_seconds
        if conversation_initiation is not UNSET:
            field_dict["conversation_initiation"] = conversation_initiation
        if hold_music_timeout_seconds is not UNSET:
            field_dict["hold_music_timeout_seconds"] = hold_music_timeout_seconds
        if update_time is not UNSET:
            field_dict["update_time"] = update_time

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        resource_name = d.pop("resource_name")

        id = d.pop("id")

        name = d.pop("name")

        create_time = datetime.datetime.fromisoformat(d.pop("create_time").upper())

        def _parse_persona_prompt(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        persona_prompt = _parse_persona_prompt(d.pop("persona_prompt", UNSET))

        def _parse_voice_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        voice_name = _parse_voice_name(d.pop("voice_name", UNSET))

        def _parse_language_code(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        language_code = _parse_language_code(d.pop("language_code", UNSET))

        def _parse_background_sound(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        background_sound = _parse_background_sound(d.pop("background_sound", UNSET))

        def _parse_wait_seconds(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        wait_seconds = _parse_wait_seconds(d.pop("wait_seconds", UNSET))

        def _parse_conversation_initiation(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        conversation_initiation = _parse_conversation_initiation(d.pop("conversation_initiation", UNSET))

        def _parse_hold_music_timeout_seconds(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        hold_music_timeout_seconds = _parse_hold_music_timeout_seconds(d.pop("hold_music_timeout_seconds", UNSET))

        def _parse_update_time(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                update_time_type_0 = datetime.datetime.fromisoformat(data.upper())

                return update_time_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        update_time = _parse_update_time(d.pop("update_time", UNSET))

        persona = cls(
            resource_name=resource_name,
            id=id,
            name=name,
            create_time=create_time,
            persona_prompt=persona_prompt,
            voice_name=voice_name,
            language_code=language_code,
            background_sound=background_sound,
            wait_seconds=wait_seconds,
            conversation_initiation=conversation_initiation,
            hold_music_timeout_seconds=hold_music_timeout_seconds,
            update_time=update_time,
        )

        persona.additional_properties = d
        return persona

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
