"""The operations of openapi.yaml as methods of its resources, for sync and for async code."""

from __future__ import annotations

from builtins import list as List
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from .models import (
    BackgroundSound,
    BackgroundSoundValue,
    ConversationInitiation,
    ConversationInitiationValue,
    Persona,
    PersonaCreate,
    PersonaList,
    PersonaResponse,
    PersonaUpdate,
    Voice,
    VoiceList,
)
from .pages import AsyncPages, Pages, Turning, async_raw_page, raw_page
from .types import UNSET, Limits, Unset
from .wire import Answer, Operation, async_raw, raw

if TYPE_CHECKING:
    from .client import AsyncCoval, Coval

_LIST_VOICES: Operation[list[Voice]] = Operation(
    "listVoices",
    "GET",
    "/personas/voices",
    answers=(Answer(200, 200, VoiceList, ("voices",)),),
    may_repeat=True,
)
_LIST_PERSONAS: Operation[Any] = Operation(
    "listPersonas",
    "GET",
    "/personas",
    answers=(Answer(200, 200, PersonaList),),
    may_repeat=True,
    query_limits={
        "page_size": Limits(minimum=1, maximum=100),
    },
)
_LIST_PERSONAS_TURNING = Turning("token", "page_token", ("personas",), ("next_page_token",))
_CREATE_PERSONA: Operation[Persona] = Operation(
    "createPersona",
    "POST",
    "/personas",
    answers=(Answer(201, 201, PersonaResponse, ("persona",)),),
    may_repeat=False,
    takes=PersonaCreate,
)
_GET_PERSONA: Operation[Persona] = Operation(
    "getPersona",
    "GET",
    "/personas/{}",
    answers=(Answer(200, 200, PersonaResponse, ("persona",)),),
    may_repeat=True,
)
_DELETE_PERSONA: Operation[None] = Operation(
    "deletePersona",
    "DELETE",
    "/personas/{}",
    answers=(Answer(200, 200, None),),
    may_repeat=True,
)
_UPDATE_PERSONA: Operation[Persona] = Operation(
    "updatePersona",
    "PATCH",
    "/personas/{}",
    answers=(Answer(200, 200, PersonaResponse, ("persona",)),),
    may_repeat=True,
    takes=PersonaUpdate,
)

METHODS: Mapping[str, str] = {
    "listVoices": "personas.voices.list",
    "listPersonas": "personas.list",
    "createPersona": "personas.create",
    "getPersona": "personas.get",
    "deletePersona": "personas.delete",
    "updatePersona": "personas.update",
}
"""By the operationId: how a client spells the operation."""


class PersonasVoicesResource:
    """The operations of `personas.voices`."""

    def __init__(self, client: Coval) -> None:
        self._client = client

    @cached_property
    def with_raw_response(self) -> PersonasVoicesResourceWithRawResponse:
        """The same methods; they return the whole answer, with its status and headers; of a list, one page."""
        return PersonasVoicesResourceWithRawResponse(self)

    def list(
        self,
        *,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> List[Voice]:
        """
        List voices

        List the voices, each with the languages it speaks.

        Args:
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return self._client.call(
            _LIST_VOICES,
            timeout=timeout,
        )


class PersonasVoicesResourceWithRawResponse:
    """The methods of PersonasVoicesResource; they return the whole answer, with its status and headers."""

    def __init__(self, resource: PersonasVoicesResource) -> None:
        self.list = raw(resource.list)


class PersonasResource:
    """The operations of `personas`."""

    def __init__(self, client: Coval) -> None:
        self._client = client

    @cached_property
    def voices(self) -> PersonasVoicesResource:
        """The operations of `personas.voices`."""
        return PersonasVoicesResource(self._client)

    @cached_property
    def with_raw_response(self) -> PersonasResourceWithRawResponse:
        """The same methods; they return the whole answer, with its status and headers; of a list, one page."""
        return PersonasResourceWithRawResponse(self)

    def list(
        self,
        *,
        page_size: int | Unset = UNSET,
        page_token: str | Unset = UNSET,
        filter_: str | Unset = UNSET,
        order_by: str | Unset = UNSET,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> Pages[Persona]:
        """
        List personas

        List personas page by page, newest first unless `order_by` says otherwise.

        Args:
            page_size: How many personas a page holds at most. It may hold fewer, or none, and still name a next
                one. 1 to 100.
            page_token: The `next_page_token` of the page before. Opaque; one that was made up is refused or
                finds nothing.
            filter_: Keep only the personas that match, by name or by creation time. A name matches at least the
                persona of exactly that name.
            order_by: The field that orders the list, ascending; a dash in front makes it descending.
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return Pages(
            lambda query: self._client.call(
                _LIST_PERSONAS,
                query=query,
                timeout=timeout,
            ),
            _LIST_PERSONAS_TURNING,
            {
                "page_size": page_size,
                "page_token": page_token,
                "filter": filter_,
                "order_by": order_by,
            },
        )

    def create(
        self,
        *,
        name: str,
        voice_name: str,
        language_code: str,
        persona_prompt: str | None | Unset = UNSET,
        background_sound: BackgroundSound | BackgroundSoundValue | None | Unset = UNSET,
        wait_seconds: float | None | Unset = UNSET,
        conversation_initiation: ConversationInitiation | ConversationInitiationValue | None | Unset = UNSET,
        hold_music_timeout_seconds: float | None | Unset = UNSET,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> Persona:
        """
        Create persona

        Create a persona. Every field that is accepted is stored.

        Args:
            name: A name for people to read. Its length counts Unicode code points. 1 to 200 characters.
            voice_name: One of the voices of `GET /personas/voices`.
            language_code: A BCP-47 language code. The selected voice must speak it; `GET /personas/voices` says
                which it speaks.
            persona_prompt: Instructions that tell the persona how to behave and what to want.
            background_sound: The noise behind the caller's voice.
            wait_seconds: How long the persona waits before it answers, in seconds. 0.1 to 2.
            conversation_initiation: Who speaks first.
            hold_music_timeout_seconds: Hang up after this many seconds without speech. 5 to 300.
            extra_body: Further fields that this version does not know.
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return self._client.call(
            _CREATE_PERSONA,
            body={
                "name": name,
                "voice_name": voice_name,
                "language_code": language_code,
                "persona_prompt": persona_prompt,
                "background_sound": background_sound,
                "wait_seconds": wait_seconds,
                "conversation_initiation": conversation_initiation,
                "hold_music_timeout_seconds": hold_music_timeout_seconds,
            },
            extra_body=extra_body,
            timeout=timeout,
        )

    def get(
        self,
        persona_id: str,
        *,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> Persona:
        """
        Get persona

        Read one persona as it is after the last completed write.

        Args:
            persona_id: The persona's id. Compared exactly, case included.
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return self._client.call(
            _GET_PERSONA,
            persona_id,
            timeout=timeout,
        )

    def delete(
        self,
        persona_id: str,
        *,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> None:
        """
        Delete persona

        Remove a persona. Afterwards reading and updating it answer 404.

        Args:
            persona_id: The persona's id. Compared exactly, case included.
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return self._client.call(
            _DELETE_PERSONA,
            persona_id,
            timeout=timeout,
        )

    def update(
        self,
        persona_id: str,
        *,
        name: str | None | Unset = UNSET,
        persona_prompt: str | None | Unset = UNSET,
        voice_name: str | None | Unset = UNSET,
        language_code: str | None | Unset = UNSET,
        background_sound: BackgroundSound | BackgroundSoundValue | None | Unset = UNSET,
        wait_seconds: float | None | Unset = UNSET,
        conversation_initiation: ConversationInitiation | ConversationInitiationValue | None | Unset = UNSET,
        hold_music_timeout_seconds: float | None | Unset = UNSET,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> Persona:
        """
        Update persona

        Change a persona. Every field is optional and only the fields that are sent are changed. A body that is
        refused changes nothing, also where some of its fields were valid.

        Args:
            persona_id: The persona's id. Compared exactly, case included.
            name: A name for people to read, 1 to 200 characters. None leaves it as it is.
            persona_prompt: Instructions that tell the persona how to behave. None clears them.
            voice_name: The voice, one of `GET /personas/voices`. None leaves it as it is.
            language_code: A BCP-47 code of a language that the voice speaks. None leaves it as it is.
            background_sound: The noise behind the caller's voice. None clears it.
            wait_seconds: How long the persona waits before it answers, in seconds. None clears it. 0.1 to 2.
            conversation_initiation: Who speaks first. None clears it.
            hold_music_timeout_seconds: Hang up after this many seconds without speech. None clears it. 5 to
                300.
            extra_body: Further fields that this version does not know.
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return self._client.call(
            _UPDATE_PERSONA,
            persona_id,
            body={
                "name": name,
                "persona_prompt": persona_prompt,
                "voice_name": voice_name,
                "language_code": language_code,
                "background_sound": background_sound,
                "wait_seconds": wait_seconds,
                "conversation_initiation": conversation_initiation,
                "hold_music_timeout_seconds": hold_music_timeout_seconds,
            },
            extra_body=extra_body,
            timeout=timeout,
        )


class PersonasResourceWithRawResponse:
    """The methods of PersonasResource; they return the whole answer, with its status and headers."""

    def __init__(self, resource: PersonasResource) -> None:
        self.list = raw_page(resource.list)
        self.create = raw(resource.create)
        self.get = raw(resource.get)
        self.delete = raw(resource.delete)
        self.update = raw(resource.update)


class AsyncPersonasVoicesResource:
    """The operations of `personas.voices`."""

    def __init__(self, client: AsyncCoval) -> None:
        self._client = client

    @cached_property
    def with_raw_response(self) -> AsyncPersonasVoicesResourceWithRawResponse:
        """The same methods; they return the whole answer, with its status and headers; of a list, one page."""
        return AsyncPersonasVoicesResourceWithRawResponse(self)

    async def list(
        self,
        *,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> List[Voice]:
        """
        List voices

        List the voices, each with the languages it speaks.

        Args:
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return await self._client.call(
            _LIST_VOICES,
            timeout=timeout,
        )


class AsyncPersonasVoicesResourceWithRawResponse:
    """The methods of AsyncPersonasVoicesResource; they return the whole answer, with its status and headers."""

    def __init__(self, resource: AsyncPersonasVoicesResource) -> None:
        self.list = async_raw(resource.list)


class AsyncPersonasResource:
    """The operations of `personas`."""

    def __init__(self, client: AsyncCoval) -> None:
        self._client = client

    @cached_property
    def voices(self) -> AsyncPersonasVoicesResource:
        """The operations of `personas.voices`."""
        return AsyncPersonasVoicesResource(self._client)

    @cached_property
    def with_raw_response(self) -> AsyncPersonasResourceWithRawResponse:
        """The same methods; they return the whole answer, with its status and headers; of a list, one page."""
        return AsyncPersonasResourceWithRawResponse(self)

    def list(
        self,
        *,
        page_size: int | Unset = UNSET,
        page_token: str | Unset = UNSET,
        filter_: str | Unset = UNSET,
        order_by: str | Unset = UNSET,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> AsyncPages[Persona]:
        """
        List personas

        List personas page by page, newest first unless `order_by` says otherwise.

        Args:
            page_size: How many personas a page holds at most. It may hold fewer, or none, and still name a next
                one. 1 to 100.
            page_token: The `next_page_token` of the page before. Opaque; one that was made up is refused or
                finds nothing.
            filter_: Keep only the personas that match, by name or by creation time. A name matches at least the
                persona of exactly that name.
            order_by: The field that orders the list, ascending; a dash in front makes it descending.
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return AsyncPages(
            lambda query: self._client.call(
                _LIST_PERSONAS,
                query=query,
                timeout=timeout,
            ),
            _LIST_PERSONAS_TURNING,
            {
                "page_size": page_size,
                "page_token": page_token,
                "filter": filter_,
                "order_by": order_by,
            },
        )

    async def create(
        self,
        *,
        name: str,
        voice_name: str,
        language_code: str,
        persona_prompt: str | None | Unset = UNSET,
        background_sound: BackgroundSound | BackgroundSoundValue | None | Unset = UNSET,
        wait_seconds: float | None | Unset = UNSET,
        conversation_initiation: ConversationInitiation | ConversationInitiationValue | None | Unset = UNSET,
        hold_music_timeout_seconds: float | None | Unset = UNSET,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> Persona:
        """
        Create persona

        Create a persona. Every field that is accepted is stored.

        Args:
            name: A name for people to read. Its length counts Unicode code points. 1 to 200 characters.
            voice_name: One of the voices of `GET /personas/voices`.
            language_code: A BCP-47 language code. The selected voice must speak it; `GET /personas/voices` says
                which it speaks.
            persona_prompt: Instructions that tell the persona how to behave and what to want.
            background_sound: The noise behind the caller's voice.
            wait_seconds: How long the persona waits before it answers, in seconds. 0.1 to 2.
            conversation_initiation: Who speaks first.
            hold_music_timeout_seconds: Hang up after this many seconds without speech. 5 to 300.
            extra_body: Further fields that this version does not know.
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return await self._client.call(
            _CREATE_PERSONA,
            body={
                "name": name,
                "voice_name": voice_name,
                "language_code": language_code,
                "persona_prompt": persona_prompt,
                "background_sound": background_sound,
                "wait_seconds": wait_seconds,
                "conversation_initiation": conversation_initiation,
                "hold_music_timeout_seconds": hold_music_timeout_seconds,
            },
            extra_body=extra_body,
            timeout=timeout,
        )

    async def get(
        self,
        persona_id: str,
        *,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> Persona:
        """
        Get persona

        Read one persona as it is after the last completed write.

        Args:
            persona_id: The persona's id. Compared exactly, case included.
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return await self._client.call(
            _GET_PERSONA,
            persona_id,
            timeout=timeout,
        )

    async def delete(
        self,
        persona_id: str,
        *,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> None:
        """
        Delete persona

        Remove a persona. Afterwards reading and updating it answer 404.

        Args:
            persona_id: The persona's id. Compared exactly, case included.
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return await self._client.call(
            _DELETE_PERSONA,
            persona_id,
            timeout=timeout,
        )

    async def update(
        self,
        persona_id: str,
        *,
        name: str | None | Unset = UNSET,
        persona_prompt: str | None | Unset = UNSET,
        voice_name: str | None | Unset = UNSET,
        language_code: str | None | Unset = UNSET,
        background_sound: BackgroundSound | BackgroundSoundValue | None | Unset = UNSET,
        wait_seconds: float | None | Unset = UNSET,
        conversation_initiation: ConversationInitiation | ConversationInitiationValue | None | Unset = UNSET,
        hold_music_timeout_seconds: float | None | Unset = UNSET,
        extra_body: Mapping[str, Any] | None = None,
        timeout: float | httpx.Timeout | None | Unset = UNSET,
    ) -> Persona:
        """
        Update persona

        Change a persona. Every field is optional and only the fields that are sent are changed. A body that is
        refused changes nothing, also where some of its fields were valid.

        Args:
            persona_id: The persona's id. Compared exactly, case included.
            name: A name for people to read, 1 to 200 characters. None leaves it as it is.
            persona_prompt: Instructions that tell the persona how to behave. None clears them.
            voice_name: The voice, one of `GET /personas/voices`. None leaves it as it is.
            language_code: A BCP-47 code of a language that the voice speaks. None leaves it as it is.
            background_sound: The noise behind the caller's voice. None clears it.
            wait_seconds: How long the persona waits before it answers, in seconds. None clears it. 0.1 to 2.
            conversation_initiation: Who speaks first. None clears it.
            hold_music_timeout_seconds: Hang up after this many seconds without speech. None clears it. 5 to
                300.
            extra_body: Further fields that this version does not know.
            timeout: As of the client, for this call.

        Raises:
            ApiStatusError: The API refused the call; the class says why, such as NotFoundError.
            ApiConnectionError: There was no answer, or none in time.
        """
        return await self._client.call(
            _UPDATE_PERSONA,
            persona_id,
            body={
                "name": name,
                "persona_prompt": persona_prompt,
                "voice_name": voice_name,
                "language_code": language_code,
                "background_sound": background_sound,
                "wait_seconds": wait_seconds,
                "conversation_initiation": conversation_initiation,
                "hold_music_timeout_seconds": hold_music_timeout_seconds,
            },
            extra_body=extra_body,
            timeout=timeout,
        )


class AsyncPersonasResourceWithRawResponse:
    """The methods of AsyncPersonasResource; they return the whole answer, with its status and headers."""

    def __init__(self, resource: AsyncPersonasResource) -> None:
        self.list = async_raw_page(resource.list)
        self.create = async_raw(resource.create)
        self.get = async_raw(resource.get)
        self.delete = async_raw(resource.delete)
        self.update = async_raw(resource.update)
