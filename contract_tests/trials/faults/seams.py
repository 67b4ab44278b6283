"""The places at which one behaviour of the mock is replaced by another, for faults and variants to share."""

import json
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial, wraps
from operator import attrgetter
from typing import Any

from contract_tests.mock_api.app import Answer as Answer
from contract_tests.mock_api.app import Api as Api
from contract_tests.mock_api.app import Request as Request
from contract_tests.mock_api.errors import Refusal as Refusal
from contract_tests.mock_api.listing import Page as Page
from contract_tests.mock_api.resource import HANDLERS
from contract_tests.mock_api.rules import Fields as Fields
from contract_tests.mock_api.store import Item as Item

Apply = Callable[[Api], None]  # replaces one behaviour of a mock that was built a moment ago
Operation = Callable[[Request], Awaitable[Answer]]
Answering = Callable[[Any, Any], Awaitable[Answer]]  # answers a request; is told the scope, and how to receive the body
Behaviour = Callable[..., Any]
Verdict = Callable[[Any], bool | None]
Decode = Callable[[bytes], Any]
Give = Callable[..., Answer]  # writes a status and a body
Create = Callable[[Fields], Item]
Update = Callable[[str, Fields], Item]
Remove = Callable[[str], Item]
Paging = Callable[..., Page]  # makes a page of the items that a query finds

UPDATE = "update"
CREATE = "create"

LEFT_OUT = object()


def replace(api: Api, place: str, behaviour: Any) -> None:
    """Put *behaviour* in the place of another, such as `resource.store.update`."""
    owner, _, name = place.rpartition(".")
    assert attrgetter(place)(api) is not None
    setattr(attrgetter(owner)(api) if owner else api, name, behaviour)


def wrap(api: Api, place: str, behaviour: Callable[..., Any]) -> None:
    """Put *behaviour* around the one at a place, which it is told first."""
    replace(api, place, partial(behaviour, attrgetter(place)(api)))


def by(seam: Any, *place: Any, memory: Callable[[Api], Any] | None = None) -> Callable[[Behaviour], Behaviour]:
    """
    Make of the decorated behaviour what puts it into a mock by a seam, a function of this module that changes one.

    What is made is a seam again. The behaviour is told whatever that is told, then what *memory* makes for it to
    remember of one mock, then what the seam tells it.
    """

    def made(behaviour: Behaviour) -> Behaviour:
        @wraps(behaviour)
        def apply(api: Api, *told: Any) -> None:
            seam(api, *place, partial(behaviour, api, *told, *(() if memory is None else (memory(api),))))

        return apply

    return made


def maker(
    seam: Any, *place: Any, memory: Callable[[Api], Any] | None = None
) -> Callable[[Behaviour], Callable[..., Behaviour]]:
    """As `by`, for a behaviour that is told more: what is made of it takes that, and returns what changes a mock."""

    def made(behaviour: Behaviour) -> Callable[..., Behaviour]:
        apply = by(seam, *place, memory=memory)(behaviour)
        return wraps(behaviour)(lambda *given: lambda api, *told: apply(api, *given, *told))

    return made


def curried(function: Behaviour) -> Callable[..., Behaviour]:
    """Make of a function what takes its first arguments, and returns what takes the rest."""
    return wraps(function)(lambda *first, **named: partial(function, *first, **named))


def judge(api: Api, field: str, verdict: Verdict, *roles: str, instead: Any = LEFT_OUT) -> None:
    """
    Let *verdict* say which values of one field are valid, by default in an update alone; None leaves it to the contract.

    The rest of the body is judged beside a valid value, *instead*; by default without the field.
    """

    def is_valid(contract_says: Callable[[str, Any], bool], role: str, body: Any) -> bool:
        concerns = role in (roles or (UPDATE,)) and isinstance(body, dict) and field in body
        said = verdict(body[field]) if concerns else None
        if said is None:
            return contract_says(role, body)
        rest = {name: value for name, value in body.items() if name != field}
        return said and contract_says(role, rest if instead is LEFT_OUT else {**body, field: instead})

    wrap(api, "resource.rules.is_valid", is_valid)


def refuse_body(api: Api, is_refused: Callable[[Fields], object], *roles: str) -> None:
    """Refuse more bodies than the contract does, by default of the update alone."""

    def is_valid(contract_says: Callable[[str, Any], bool], role: str, body: Any) -> bool:
        concerns = role in (roles or (UPDATE,)) and isinstance(body, dict)
        return not (concerns and is_refused(body)) and contract_says(role, body)

    wrap(api, "resource.rules.is_valid", is_valid)


def read_as(api: Api, change: Callable[[Any], Any]) -> None:
    """Put every decoded body through *change* before it is checked."""
    wrap(api, "bodies.decode", lambda decode, body: change(decode(body)))


@by(wrap, "bodies.decode")
def read_twice_named_as(api: Api, read: Callable[[list[tuple[str, Any]]], Any], decode: Decode, body: bytes) -> Any:
    """Put the members of each object of a body that names one twice through *read*."""
    hook = lambda pairs: read(pairs) if len(dict(pairs)) < len(pairs) else dict(pairs)
    document = decode(body)
    with suppress(RecursionError):  # what is nested too deep for this decoder is judged all the same
        return json.loads(body, object_pairs_hook=hook) if isinstance(document, dict) else document
    return document


def read_values_as(api: Api, change: Callable[[Any], Any], *names: str) -> None:
    """Put the values of some fields through *change* before they are checked."""
    read_as(api, lambda body: _changed(body, change, names) if isinstance(body, dict) else body)


def read_role_as(api: Api, role: str, change: Callable[[Fields], Any]) -> None:
    """Put the decoded bodies of one operation that are objects through *change* before they are checked."""
    _read_request_as(api, role, lambda _request, body: change(body) if isinstance(body, dict) else body)


def read_update_as(api: Api, change: Callable[[Item, Fields], Fields]) -> None:
    """Put the decoded bodies of updates through *change*, which is told the item as it is, before they are checked."""

    def changed(request: Request, body: Any) -> Any:
        item = api.resource.store.items.get(request.item_id)
        return change(item, body) if item is not None and isinstance(body, dict) else body

    _read_request_as(api, UPDATE, changed)


def _read_request_as(api: Api, role: str, change: Callable[[Request, Any], Any]) -> None:
    async def run(request: Request, handle: Operation) -> Answer:
        with _read_for_now(api, lambda body: change(request, body)):
            return await handle(request)

    around(api, role, run)


@contextmanager
def _read_for_now(api: Api, change: Callable[[Any], Any]) -> Iterator[None]:
    decode = api.bodies.decode
    read_as(api, change)
    try:
        yield
    finally:
        replace(api, "bodies.decode", decode)


def store_as(api: Api, change: Callable[[str, Fields], Fields]) -> None:
    """Put the valid fields of a body through *change*, which is told the role, before they are stored."""
    wrap(api, "resource.rules.named", lambda named, role, body: change(role, named(role, body)))


def store_update_as(api: Api, change: Callable[[Fields], Fields]) -> None:
    """Put the valid fields of an update through *change* before they are stored."""
    store_as(api, lambda role, fields: change(fields) if role == UPDATE else fields)


def store_values_as(api: Api, change: Callable[[Any], Any], *names: str) -> None:
    """Store the values of some fields otherwise than they were sent."""
    store_as(api, lambda role, fields: _changed(fields, change, names))


def show_values_as(api: Api, change: Callable[[Any], Any], *names: str) -> None:
    """Show the values of some fields otherwise than they are stored."""
    show_as(api, lambda item, shown: _changed(shown, change, names))


def _changed(fields: Fields, change: Callable[[Any], Any], names: Collection[str]) -> Fields:
    return {n: change(v) if n in names else v for n, v in fields.items()}


def show_as(api: Api, change: Callable[[Item, Fields], Fields]) -> None:
    """Show items otherwise than they are stored, in every answer."""
    wrap(api, "resource.show", lambda show, item: change(item, show(item)))


def around(api: Api, operation: str, run: Callable[[Request, Operation], Awaitable[Answer]]) -> None:
    """Put *run* around an operation, by role or operationId, which it may call, change or leave out."""
    if operation in HANDLERS:
        wrap(api, f"resource.{HANDLERS[operation]}", lambda handle, request: run(request, handle))
        return
    is_meant: Callable[[Request], bool] = lambda request: request.role == operation
    wrap(api, "further_operation", lambda handle, req: run(req, handle) if is_meant(req) else handle(req))


@by(around, "read")
async def read_item_as(api: Api, change: Callable[[Item], Item], request: Request, handle: Operation) -> Answer:
    """Let a read answer what *change* makes of the item."""
    return succeed(api, "read", change(api.resource.store.find(request.item_id)))


@by(wrap, "resource.listing.page")
def list_item_as(api: Api, change: Callable[[Item], Item], right: Paging, items: Any, query: Fields) -> Page:
    """Let a list show what *change* makes of each item."""
    found = right(items, query)
    return Page([change(item) for item in found.items], found.next_token)


@by(wrap, "answer")
async def refuse_request_as(
    api: Api, change: Callable[[Any, Refusal], Answer], answer: Answering, scope: Any, receive: Any
) -> Answer:
    """Answer errors as *change* says, which is told the scope of the request and what is refused."""
    try:
        return await answer(scope, receive)
    except Refusal as refusal:
        return change(scope, refusal)


def refuse_as(api: Api, change: Callable[[Refusal, Answer], Answer]) -> None:
    """Answer errors otherwise."""
    wrap(api, "refuse", lambda refuse, refusal: change(refusal, refuse(refusal)))


def give_as(api: Api, change: Callable[[Answer], Answer]) -> None:
    """Answer everything otherwise that is written as JSON."""
    wrap(api, "give", lambda give, *arguments: change(give(*arguments)))


def change_update(api: Api, change: Callable[[Item, Fields], Fields]) -> None:
    """Put what an update brings through *change*, which is told the item as it is, before the rules are checked."""
    find = api.resource.store.find
    wrap(api, "resource.store.update", lambda update, item_id, sent: update(item_id, change(find(item_id), sent)))


@by(wrap, "resource.store.update")
def update_as(api: Api, update: Callable[[Item, Fields], object], right: Update, item_id: str, sent: Fields) -> Item:
    """Run *update* with the item as it was, and what was sent, after each accepted update."""
    before = api.resource.store.find(item_id)
    after = right(item_id, sent)
    update(before, sent)
    return api.resource.store.items.get(item_id, after)


def write_fields(api: Api, item: Item, fields: Fields) -> Item:
    """Store *fields* for an item, whatever the contract says of them."""
    return api.resource.store.write(item._replace(fields=fields, size=api.resource.store.measure(fields)))


def move(api: Api, item: Item) -> Item:
    """Give an item the time and the version of a change."""
    store = api.resource.store
    return store.write(item._replace(updated_at=store.touch(item), version=item.version + 1))


def succeed(api: Api, role: str, item: Item, **further: Any) -> Answer:
    """Answer an operation with an item, and further fields."""
    resource = api.resource
    return resource.succeed(role, resource.envelopes[role].filled({**resource.show(item), **further}))


@by(around, UPDATE)
async def before_refusal(
    api: Api, salvage: Callable[[Item, Fields], object], request: Request, handle: Operation
) -> Answer:
    """Let *salvage* see the item and the body of every update that is refused."""
    heard: list[Any] = []

    def listen(body: Any) -> Any:
        heard[:] = [body]
        return body

    try:
        with _read_for_now(api, listen):
            return await handle(request)
    except Refusal:
        item = api.resource.store.items.get(request.item_id)
        if item is not None and heard and isinstance(heard[0], dict):
            salvage(item, heard[0])
        raise


def of_texts(change: Callable[[str], str]) -> Callable[[Any], Any]:
    """Change texts alone; one that would be left empty stays, so that no length is broken."""
    return lambda value: (change(value) or value) if isinstance(value, str) else value


def of_numbers(change: Callable[[float], Any]) -> Callable[[Any], Any]:
    """Change numbers alone."""
    return lambda value: change(value) if is_number(value) else value


def is_number(value: Any) -> bool:
    """Say whether *value* is a JSON number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
