"""The vendor's own client against the mock: a witness from outside that the mock speaks the API's language."""

from collections.abc import Iterator
from contextlib import contextmanager

import coval_sdk
import pytest
from coval_sdk.api.personas_api import PersonasApi
from coval_sdk.exceptions import BadRequestException, NotFoundException, UnauthorizedException
from coval_sdk.models.coval_personas_api_create_persona_request import CovalPersonasAPICreatePersonaRequest as Create
from coval_sdk.models.coval_personas_api_update_persona_request import CovalPersonasAPIUpdatePersonaRequest as Update

from contract_tests.mock_api.process import RunningMock, running_mock

KEY = "Coval_Personas_API_ApiKeyAuth"


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock() as running:
        yield running


@contextmanager
def personas_api(url: str, api_key: str) -> Iterator[PersonasApi]:
    """The SDK aimed at the mock; it leaves its connections open, so they are closed for it."""
    client = coval_sdk.ApiClient(coval_sdk.Configuration(host=url, api_key={KEY: api_key}))
    try:
        yield PersonasApi(client)
    finally:
        client.rest_client.pool_manager.clear()


def code(error: coval_sdk.ApiException) -> str:
    """The error code, as the SDK decoded it."""
    assert error.data is not None
    said: str = error.data.error.code
    return said


def test_official_sdk_leads_a_persona_from_create_to_delete(mock: RunningMock) -> None:
    """The official SDK creates, reads, lists, updates, clears and deletes a persona on the mock."""
    with personas_api(mock.url, mock.api_key) as api:
        created = api.create_persona(
            Create(name="Zoë", voice_name="aria", language_code="en-US", wait_seconds=0.5)
        ).persona
        assert (created.name, created.wait_seconds, created.update_time) == ("Zoë", 0.5, None)
        assert api.get_persona(created.id).persona == created
        listed = api.list_personas(page_size=1, filter='name="Zoë"', order_by="create_time desc")
        assert (listed.personas, listed.next_page_token) == ([created], None)

        updated = api.update_persona(created.id, Update(wait_seconds=2, background_sound="cafe")).persona
        assert (updated.wait_seconds, updated.background_sound, updated.name) == (2, "cafe", "Zoë")
        assert updated.update_time is not None
        assert updated.update_time > updated.create_time == created.create_time

        cleared = api.update_persona(created.id, Update(name=None, wait_seconds=None, background_sound=None)).persona
        assert (cleared.name, cleared.wait_seconds, cleared.background_sound) == ("Zoë", None, None)

        api.delete_persona(created.id)
        with pytest.raises(NotFoundException) as refused:
            api.get_persona(created.id)
        assert code(refused.value) == "NOT_FOUND"


def test_official_sdk_reads_the_voices(mock: RunningMock) -> None:
    """The official SDK reads the voices and the languages that each speaks."""
    with personas_api(mock.url, mock.api_key) as api:
        voices = {voice.voice_name: voice.supported_languages for voice in api.list_personas_voices().voices}
    assert "en-US" in voices["aria"]


def test_official_sdk_reads_the_errors(mock: RunningMock) -> None:
    """The official SDK reads the mock's errors as its own: 400 for a field, 401 for a key."""
    with personas_api(mock.url, mock.api_key) as api, pytest.raises(BadRequestException) as refused:
        api.create_persona(Create(name="Zoë", voice_name="aria", language_code="de-DE"))
    assert code(refused.value) == "INVALID_ARGUMENT"
    with personas_api(mock.url, "wrong") as api, pytest.raises(UnauthorizedException) as refused_key:
        api.list_personas()
    assert code(refused_key.value) == "UNAUTHENTICATED"
