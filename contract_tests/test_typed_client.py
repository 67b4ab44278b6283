"""The generated client, driven through the operations of the contract."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from coval_personas import ApiError, Client
from coval_personas.api.personas import (
    create_persona,
    delete_persona,
    get_persona,
    list_personas,
    list_voices,
    update_persona,
)
from coval_personas.models import Persona, PersonaCreate, PersonaUpdate

from contract_tests.boundaries import boundaries, good_values, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field, load_contract
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.transport import AsyncFencedTransport
from contract_tests.verdict import same_instant

CONTRACT = load_contract()
FIELDS = {
    name: tried for name, tried in CONTRACT.fields("updatePersona").items() if name not in (VOICE_FIELD, LANGUAGE_FIELD)
}


@pytest.fixture(scope="module")
def client(run: Run) -> Iterator[Client]:
    """The generated client, its requests behind the run's fence."""
    target = run.api.target
    with Client(target.api_key, target.base_url, httpx_args={"transport": run.api.transport}) as client:
        yield client


def _agrees(shown: Persona, subject: Subject, sent: dict[str, Any]) -> None:
    """Hold a typed persona to what was sent, and to what GET answers over plain HTTP."""
    plain = subject.read()
    typed = shown.to_dict()
    for name in CONTRACT.persona_fields - sent.keys():
        told, read = typed.get(name), plain.get(name)
        is_same = same_instant(told, read) if name in ("create_time", "update_time") else told == read
        assert is_same, f"the client shows {name} {told!r}, GET answers {read!r}, after {to_json(sent)[:300]}"
    for name, value in sent.items():
        right = subject.judge.expected_reading(name, plain.get(name), value)
        assert plain.get(name) in right, f"{name} was sent as {value!r} by the client and reads {plain.get(name)!r}"
        assert typed.get(name) in right, f"{name} was sent as {value!r}, and the client shows {typed.get(name)!r}"


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_can_be_set_and_nulled(client: Client, subject: Subject, name: str) -> None:
    """updatePersona: the typed body carries each value of the contract, and None carries null."""
    values = [*good_values(FIELDS[name])[:3], None]
    for value in values:
        body = PersonaUpdate.from_dict({name: value})
        _agrees(update_persona.sync(subject.persona_id, client=client, body=body).persona, subject, {name: value})


def test_unset_leaves_every_field_alone(client: Client, subject: Subject) -> None:
    """updatePersona: a field that is not given to the client is not sent, so it stays."""
    before = {name: subject.last.get(name) for name in FIELDS}
    update_persona.sync(subject.persona_id, client=client, body=PersonaUpdate())
    after = subject.read()
    assert {name: after.get(name) for name in FIELDS} == before, "an empty PersonaUpdate changed the persona"


def test_every_field_at_once(run: Run, client: Client, subject: Subject) -> None:
    """updatePersona: a typed body with every field is accepted and read back."""
    sent = run.full_body("updatePersona", 1)
    body = PersonaUpdate.from_dict(sent)
    assert body.to_dict() == sent, "PersonaUpdate does not carry what it was made from"
    _agrees(update_persona.sync(subject.persona_id, client=client, body=body).persona, subject, sent)


@pytest.mark.parametrize("tried", FIELDS.values(), ids=lambda tried: tried.name)
def test_limits_pass_through_the_client(client: Client, subject: Subject, tried: Field) -> None:
    """updatePersona: what is valid at the limits is sent, shown and read back by the client unchanged."""
    valid = [
        value for value in boundaries(CONTRACT, tried) if value.accepted and value.kind in ("number", "length", "enum")
    ]
    for boundary in valid[:4] + valid[-2:]:
        body = PersonaUpdate.from_dict({tried.name: boundary.value})
        shown = update_persona.sync(subject.persona_id, client=client, body=body).persona
        _agrees(shown, subject, {tried.name: boundary.value})


def test_persona_lives_and_dies_by_the_client(run: Run, client: Client) -> None:
    """All operations: create, get, list, update, delete, and then an error that says not found."""
    sent = run.full_body()
    created = create_persona.sync(client=client, body=PersonaCreate.from_dict(sent)).persona
    assert created.name == sent["name"], f"created as {sent['name']}, shown as {created.name}"
    read = get_persona.sync(created.id, client=client).persona
    assert read.id == created.id
    listed = list_personas.sync(client=client, page_size=100).personas
    assert created.id in [persona.id for persona in listed], "the first page of 100 does not show the newest persona"
    renamed = update_persona.sync(created.id, client=client, body=PersonaUpdate(name=f"{sent['name']}-b")).persona
    assert renamed.name == f"{sent['name']}-b"
    delete_persona.sync(created.id, client=client)
    with pytest.raises(ApiError) as gone:
        get_persona.sync(created.id, client=client)
    assert (gone.value.status, gone.value.code) == (404, "NOT_FOUND"), f"the client raised {gone.value!r}"
    assert gone.value.message


def test_voices_are_typed(run: Run, client: Client) -> None:
    """listVoices: each voice with its languages."""
    voices = {voice.voice_name: voice.supported_languages for voice in list_voices.sync(client=client).voices}
    assert {name: spoken for name, spoken in voices.items() if spoken} == run.voices


@pytest.mark.parametrize(
    "tried", [tried for tried in FIELDS.values() if tried.json_type == "number"], ids=lambda t: t.name
)
def test_refusal_is_an_exception_that_says_why(client: Client, subject: Subject, tried: Field) -> None:
    """#/components/responses/InvalidArgument: a documented error raises, with its status, code and message."""
    limit = tried.schema.get("maximum", 1e300)
    with pytest.raises(ApiError) as refused:
        update_persona.sync(subject.persona_id, client=client, body=PersonaUpdate.from_dict({tried.name: limit * 2}))
    assert (refused.value.status, refused.value.code) == (400, "INVALID_ARGUMENT"), f"raised {refused.value!r}"
    assert refused.value.message, "the exception has no message"


def test_stranger_gets_an_exception(run: Run, subject: Subject) -> None:
    """#/components/responses/Unauthenticated: a wrong key raises, with status 401 and its code."""
    target = run.api.target
    stranger = Client("contract-test-wrong-key", target.base_url, httpx_args={"transport": run.api.transport})
    with stranger, pytest.raises(ApiError) as refused:
        get_persona.sync(subject.persona_id, client=stranger)
    assert (refused.value.status, refused.value.code) == (401, "UNAUTHENTICATED"), f"raised {refused.value!r}"


def test_async_calls_do_the_same(run: Run, subject: Subject) -> None:
    """updatePersona, getPersona: the asynchronous calls send and return what the others do."""
    target = run.api.target
    fence = AsyncFencedTransport(run.api.transport)

    async def update_and_read() -> tuple[Persona, Persona]:
        async with Client(target.api_key, target.base_url, httpx_args={"transport": fence}) as client:
            body = PersonaUpdate(wait_seconds=1.25, background_sound=None)
            shown = (await update_persona.asyncio(subject.persona_id, client=client, body=body)).persona
            return shown, (await get_persona.asyncio(subject.persona_id, client=client)).persona

    for persona in asyncio.run(update_and_read()):
        _agrees(persona, subject, {"wait_seconds": 1.25, "background_sound": None})
