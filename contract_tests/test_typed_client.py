"""The generated client, driven through the operations of the contract."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import httpx
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
from coval_personas.models import (
    Deleted,
    Persona,
    PersonaCreate,
    PersonaList,
    PersonaResponse,
    PersonaUpdate,
    VoiceList,
)
from coval_personas.types import UNSET

from contract_tests.boundaries import boundaries, good_values, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field, load_contract
from contract_tests.errors import Inconclusive
from contract_tests.exchange import Exchange
from contract_tests.run import MOST_PAGES, Run, spoken_languages
from contract_tests.subject import Subject
from contract_tests.transport import IN_USE, AsyncFencedTransport
from contract_tests.verdict import BROKEN, DECISIONS, Finding, require, same_instant

CONTRACT = load_contract()
FIELDS = {
    name: tried for name, tried in CONTRACT.fields("updatePersona").items() if name not in (VOICE_FIELD, LANGUAGE_FIELD)
}


AnswerType = TypeVar("AnswerType")


@dataclass(frozen=True)
class Caller:
    """The generated client, its requests behind the run's fence, and every answer that it was given."""

    run: Run
    client: Client
    answers: deque[httpx.Response]
    """The last alone is kept: an answer may be of any size."""

    def understood(
        self, operation_id: str, call: Callable[[], AnswerType], read: Callable[[Any], AnswerType]
    ) -> AnswerType:
        """
        Call the client for something that the contract allows.

        Args:
            operation_id: What is called.
            call: Calls it.
            read: Makes the model that it returns, from a decoded answer.

        Returns:
            What the client returned; where it was answered with a known divergence, what it would have returned.

        Raises:
            Inconclusive: Something uses the persona that was to be removed.
            Violation: The client raised because the answer is not what the contract says.
            ApiError, HTTPError: It raised although the answer is.
        """
        try:
            return call()
        except (ApiError, httpx.HTTPError):  # httpx raises by itself for a Location that no parser takes
            if operation_id == "deletePersona" and self.last.status == IN_USE:
                raise Inconclusive(f"DELETE {self.last.path} answered {IN_USE}: something uses the persona") from None
            found = self.run.judge.success(operation_id, self.last)
            require(found)
            if not found:
                raise
            return read(self.last.json)

    def update(self, subject: Subject, body: PersonaUpdate) -> Persona:
        """Update a persona by the client."""
        return self.understood(
            "updatePersona",
            lambda: update_persona.sync(subject.persona_id, client=self.client, body=body),
            PersonaResponse.from_dict,
        ).persona

    @property
    def last(self) -> Exchange:
        """What the client was answered last."""
        return self.run.api.exchange(self.answers[-1])


@pytest.fixture(scope="module")
def caller(run: Run) -> Iterator[Caller]:
    """The generated client, listened to."""
    target = run.api.target
    answers: deque[httpx.Response] = deque(maxlen=1)
    listening: dict[str, Any] = {"transport": run.api.transport, "event_hooks": {"response": [answers.append]}}
    with Client(target.api_key, target.base_url, httpx_args=listening) as client:
        yield Caller(run, client, answers)


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
def test_each_field_can_be_set_and_nulled(caller: Caller, subject: Subject, name: str) -> None:
    """updatePersona: the typed body carries each value of the contract, and None carries null."""
    values = [*good_values(FIELDS[name])[:3], None]
    for value in values:
        body = PersonaUpdate.from_dict({name: value})
        _agrees(caller.update(subject, body), subject, {name: value})


def test_unset_leaves_every_field_alone(caller: Caller, subject: Subject) -> None:
    """updatePersona: a field that is not given to the client is not sent, so it stays."""
    before = {name: subject.last.get(name) for name in FIELDS}
    caller.update(subject, PersonaUpdate())
    after = subject.read()
    assert {name: after.get(name) for name in FIELDS} == before, "an empty PersonaUpdate changed the persona"


def test_every_field_at_once(run: Run, caller: Caller, subject: Subject) -> None:
    """updatePersona: a typed body with every field is accepted and read back."""
    sent = run.full_body("updatePersona", 1)
    body = PersonaUpdate.from_dict(sent)
    assert body.to_dict() == sent, "PersonaUpdate does not carry what it was made from"
    _agrees(caller.update(subject, body), subject, sent)


@pytest.mark.parametrize("tried", FIELDS.values(), ids=lambda tried: tried.name)
def test_limits_pass_through_the_client(caller: Caller, subject: Subject, tried: Field) -> None:
    """updatePersona: what is valid at the limits is sent, shown and read back by the client unchanged."""
    valid = [
        value for value in boundaries(CONTRACT, tried) if value.accepted and value.kind in ("number", "length", "enum")
    ]
    for boundary in valid[:2] + valid[-1:] if caller.run.is_brief else valid[:4] + valid[-2:]:
        body = PersonaUpdate.from_dict({tried.name: boundary.value})
        shown = caller.update(subject, body)
        _agrees(shown, subject, {tried.name: boundary.value})


def test_persona_lives_and_dies_by_the_client(run: Run, caller: Caller) -> None:
    """#/paths: create, get, list, update, delete, and then an error that says not found."""
    client, sent = caller.client, run.full_body()
    new = PersonaCreate.from_dict(sent)
    created = caller.understood(
        "createPersona", lambda: create_persona.sync(client=client, body=new), PersonaResponse.from_dict
    ).persona
    assert created.name == sent["name"], f"created as {sent['name']}, shown as {created.name}"
    read = caller.understood(
        "getPersona", lambda: get_persona.sync(created.id, client=client), PersonaResponse.from_dict
    ).persona
    assert read.id == created.id
    run.at_last(lambda: [] if created.id in _listed_ids(caller) else [_not_listed(caller.last)])
    renamed = caller.understood(
        "updatePersona",
        lambda: update_persona.sync(created.id, client=client, body=PersonaUpdate(name=f"{sent['name']}-b")),
        PersonaResponse.from_dict,
    ).persona
    assert renamed.name == f"{sent['name']}-b"
    caller.understood("deletePersona", lambda: delete_persona.sync(created.id, client=client), Deleted.from_dict)
    with pytest.raises(ApiError) as gone:
        get_persona.sync(created.id, client=client)
    assert (gone.value.status, gone.value.code) == (404, "NOT_FOUND"), f"the client raised {gone.value!r}"


def _listed_ids(caller: Caller) -> list[str]:
    """Turn the pages by the client until one holds a persona: the newest comes first."""
    token: Any = UNSET
    for _ in range(MOST_PAGES):
        call = partial(list_personas.sync, client=caller.client, page_size=100, page_token=token)
        page = caller.understood("listPersonas", call, PersonaList.from_dict)
        token = page.next_page_token
        if page.personas or not token:
            return [persona.id for persona in page.personas]
    return []


def _not_listed(exchange: Exchange) -> Finding:
    problem = "the first page that holds a persona does not show the newest"
    return Finding(BROKEN, problem, "newest first by default", f"{DECISIONS}/listing", exchange)


def test_voices_are_typed(run: Run, caller: Caller) -> None:
    """listVoices: each voice with its languages."""
    listed = caller.understood("listVoices", lambda: list_voices.sync(client=caller.client), VoiceList.from_dict)
    voices = spoken_languages([voice.to_dict() for voice in listed.voices])
    assert {name: {*spoken} for name, spoken in voices.items()} == {n: {*spoken} for n, spoken in run.voices.items()}


@pytest.mark.parametrize(
    "tried", [tried for tried in FIELDS.values() if tried.json_type == "number"], ids=lambda t: t.name
)
def test_refusal_is_an_exception_that_says_why(run: Run, caller: Caller, subject: Subject, tried: Field) -> None:
    """#/components/responses/InvalidArgument: a documented error raises, with its status, code and message."""
    body = PersonaUpdate.from_dict({tried.name: tried.schema.get("maximum", 1e300) * 2})
    error = None
    try:
        update_persona.sync(subject.persona_id, client=caller.client, body=body)
    except ApiError as raised:
        error = raised
    clause = f"{tried.pointer}/maximum"
    require(run.judge.refusal("updatePersona", caller.last, 400, promise=tried.promise, clause=clause))
    if not caller.last.was_accepted:
        assert error is not None, "a 400 raised nothing"
        assert (error.status, error.code) == (400, "INVALID_ARGUMENT"), f"raised {error!r}"
        assert error.message == caller.last.json["error"]["message"], "the exception has another message than the error"


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

    answers: deque[httpx.Response] = deque(maxlen=1)

    async def listen(response: httpx.Response) -> None:
        answers.append(response)

    async def call(operation: Callable[[Client], Coroutine[Any, Any, PersonaResponse]]) -> PersonaResponse:
        listening: dict[str, Any] = {"transport": fence, "event_hooks": {"response": [listen]}}
        async with Client(target.api_key, target.base_url, httpx_args=listening) as client:
            return await operation(client)

    sent = {"wait_seconds": 1.25, "background_sound": None}
    body = PersonaUpdate.from_dict(sent)
    calls: dict[str, Callable[[Client], Coroutine[Any, Any, PersonaResponse]]] = {
        "updatePersona": lambda client: update_persona.asyncio(subject.persona_id, client=client, body=body),
        "getPersona": lambda client: get_persona.asyncio(subject.persona_id, client=client),
    }
    for operation_id, operation in calls.items():
        waiting = partial(asyncio.run, call(operation))
        shown = Caller(run, Client(target.api_key, target.base_url), answers).understood(
            operation_id, waiting, PersonaResponse.from_dict
        )
        _agrees(shown.persona, subject, sent)
