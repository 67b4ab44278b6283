"""The places at which one behaviour of the mock is replaced by another, for faults and variants to share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..app import Answer, Api, Request
from ..errors import Refusal
from ..routes import HANDLERS
from ..rules import Fields
from ..store import Persona

Operation = Callable[[Request], Awaitable[Answer]]

UPDATE = "updatePersona"
CREATE = "createPersona"


def replace(owner: object, name: str, behaviour: Any) -> None:
    """Put *behaviour* in the place of the one that *owner* has by that name."""
    assert hasattr(owner, name), name
    setattr(owner, name, behaviour)


def judge(api: Api, field: str, verdict: Callable[[Any], bool | None], *operations: str) -> None:
    """
    Let *verdict* say which values of one field are valid.

    Args:
        api: The mock.
        field: The field of the body.
        verdict: True accepts a value, False refuses it, None leaves it to the contract.
        operations: By default updatePersona alone.
    """
    contract_says = api.rules.is_valid

    def is_valid(operation: str, body: Any) -> bool:
        concerns = operation in (operations or (UPDATE,)) and isinstance(body, dict) and field in body
        said = verdict(body[field]) if concerns else None
        if said is None:
            return contract_says(operation, body)
        return said and contract_says(operation, {name: value for name, value in body.items() if name != field})

    replace(api.rules, "is_valid", is_valid)


def judge_body(api: Api, verdict: Callable[[Fields], bool | None], *operations: str) -> None:
    """Let *verdict* say which bodies are valid, by default of updatePersona alone; None leaves it to the contract."""
    contract_says = api.rules.is_valid

    def is_valid(operation: str, body: Any) -> bool:
        concerns = operation in (operations or (UPDATE,)) and isinstance(body, dict)
        said = verdict(body) if concerns else None
        return contract_says(operation, body) if said is None else said

    replace(api.rules, "is_valid", is_valid)


def read_as(api: Api, change: Callable[[Any], Any]) -> None:
    """Put every decoded body through *change* before it is checked."""
    decode = api.bodies.decode
    replace(api.bodies, "decode", lambda body: change(decode(body)))


def read_field_as(api: Api, field: str, change: Callable[[Any], Any]) -> None:
    """Put the value of one field through *change* before it is checked."""
    read_as(
        api, lambda body: {**body, field: change(body[field])} if isinstance(body, dict) and field in body else body
    )


def store_as(api: Api, change: Callable[[str, Fields], Fields]) -> None:
    """Put the valid fields of a body through *change*, which is told the operation, before they are stored."""
    named = api.rules.named
    replace(api.rules, "named", lambda operation, body: change(operation, named(operation, body)))


def store_update_as(api: Api, change: Callable[[Fields], Fields]) -> None:
    """Put the valid fields of an update through *change* before they are stored."""
    store_as(api, lambda operation, fields: change(fields) if operation == UPDATE else fields)


def store_text_as(api: Api, change: Callable[[str], str], *fields: str) -> None:
    """Store the text of *fields* otherwise than it was sent."""

    def changed(operation: str, body: Fields) -> Fields:
        return {n: change(v) if n in fields and isinstance(v, str) else v for n, v in body.items()}

    store_as(api, changed)


def store_number_as(api: Api, change: Callable[[float], Any], *fields: str) -> None:
    """Store the number of *fields* otherwise than it was sent."""

    def changed(operation: str, body: Fields) -> Fields:
        return {n: change(v) if n in fields and isinstance(v, (int, float)) else v for n, v in body.items()}

    store_as(api, changed)


def show_as(api: Api, change: Callable[[Persona, Fields], Fields]) -> None:
    """Show personas otherwise than they are stored, in every answer."""
    show = api.show
    replace(api, "show", lambda persona: change(persona, show(persona)))


def around(api: Api, operation: str, run: Callable[[Request, Operation], Awaitable[Answer]]) -> None:
    """Put *run* around an operation, which it may call, change or leave out."""
    handle: Operation = getattr(api, HANDLERS[operation])
    replace(api, HANDLERS[operation], lambda request: run(request, handle))


def refuse_as(api: Api, change: Callable[[Refusal, Answer], Answer]) -> None:
    """Answer errors otherwise."""
    refuse = api.refuse
    replace(api, "refuse", lambda refusal: change(refusal, refuse(refusal)))


def update_as(api: Api, update: Callable[[Persona, Fields], None]) -> None:
    """Run *update* with the persona as it was, and what was sent, after each accepted update."""
    stored = api.store.update

    def updated(persona_id: str, changes: Fields) -> Persona:
        before = api.store.find(persona_id)
        after = stored(persona_id, changes)
        update(before, changes)
        return api.store.personas.get(persona_id, after)

    replace(api.store, "update", updated)


def write_fields(api: Api, persona: Persona, fields: Fields) -> Persona:
    """Store *fields* for *persona*, whatever the contract says of them."""
    return api.store.write(persona._replace(fields=fields, size=api.store.measure(fields)))


def before_refusal(api: Api, salvage: Callable[[Persona, Fields], object]) -> None:
    """Let *salvage* see the persona and the body of every update that the schema refuses."""

    async def run(request: Request, handle: Operation) -> Answer:
        body: Any = None
        decode = api.bodies.decode

        def listen(raw: bytes) -> Any:
            nonlocal body
            body = decode(raw)
            return body

        replace(api.bodies, "decode", listen)
        try:
            return await handle(request)
        except Refusal:
            persona = api.store.personas.get(request.persona_id)
            if persona is not None and isinstance(body, dict):
                salvage(persona, body)
            raise
        finally:
            replace(api.bodies, "decode", decode)

    around(api, "updatePersona", run)


def is_valid_field(api: Api, name: str, value: Any) -> bool:
    """Say whether an update of this field alone would be valid."""
    return name in api.rules.fields[UPDATE] and api.rules.is_valid(UPDATE, {name: value})
