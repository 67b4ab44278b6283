"""One resource of the contract: answers its operations, and shows its items."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .choices import Choices, listed_fields
from .contract import Contract, Operation
from .error_bodies import put
from .errors import Header, Refusal
from .layout import Layout, Path
from .listing import Listing
from .made import made
from .rules import Fields, Rules
from .server_fields import id_maker, server_fields
from .store import Item, Store
from .wire.messages import JSON_HEADER, Answer, Request

if TYPE_CHECKING:
    from .app import Api

# The methods of Resource that answer the operations, by role.
HANDLERS = {
    "create": "create_item", "read": "read_item", "update": "update_item", "replace": "update_item",
    "remove": "remove_item", "list": "list_items",
}  # fmt: skip


@dataclass(frozen=True)
class Envelope:
    """What stands around the item, or the list, in the answer of an operation."""

    status: int  # of its success
    headers: tuple[Header, ...]  # the Content-Type, where it is not JSON's usual one
    path: Path  # where the item stands
    around: Any  # what else the schema asks for; None where the answer has no body

    def filled(self, content: Any) -> Any:
        """Return the body of an answer with *content* in its place."""
        if self.around is None or not self.path:
            return None if self.around is None else content
        if len(self.path) == 1:
            return {**self.around, self.path[0]: content}
        return put(deepcopy(self.around), self.path, content)


class Resource:
    """One resource; *api* writes its answers, and holds the answers of other operations."""

    def __init__(self, api: Api, contract: Contract, layout: Layout) -> None:
        self.api = api
        self.name = layout.name
        self.layout = layout
        self.rules = Rules(contract, layout)
        fields = {name: schema for each in self.rules.fields.values() for name, schema in each.items()}
        self.choices = Choices(listed_fields(contract, fields), api.answers, api.answer_of)
        replaces = "update" in layout.operations and layout.operations["update"].method == "PUT"
        self.store = Store(self.rules, self.choices, layout.id_name, id_maker(contract, layout), replaces)
        self.is_id = contract.validator(contract.properties(layout.item).get(layout.id_name, {})).is_valid
        self.server_fields = server_fields(contract, layout)
        self.listing = Listing(contract, layout, self.value)
        self.envelopes = {role: self._envelope(contract, role, each) for role, each in layout.operations.items()}
        removal = layout.operations["remove"].answer_schema() if "remove" in layout.operations else None
        self.removal_shows = frozenset(contract.properties(removal))
        self._look_at_fields(contract, fields)

    def _look_at_fields(self, contract: Contract, fields: Fields) -> None:
        """Tell how the fields of an item are shown while they are not set, and which are not shown at all."""
        item = self.layout.item
        properties, required = contract.properties(item), contract.required(item)
        known = properties | {name: schema for name, schema in fields.items() if name not in properties}
        null = {name for name, schema in known.items() if contract.may_be_null(schema)}
        self.blank = {
            name: None if name in null or name in self.server_fields else made(contract, schema)
            for name, schema in known.items()
            if name in null or name in self.server_fields or name in required
        }
        self.never_null = [n for n in properties if n in fields and n not in self.server_fields and n not in null]
        is_closed = any(part.get("additionalProperties") is False for part in contract.parts(item))
        written = {n for n, each in {**properties, **fields}.items() if contract.said(each, "writeOnly")}
        self.hidden = frozenset(written | (fields.keys() - properties.keys() if is_closed else set()))

    @cached_property
    def reserved_ids(self) -> set[str]:
        """The ids that no item can have, because a literal path stands in their place."""
        parent = f"{self.api.contract.base_path}{self.layout.operations['create'].path}/"
        return {path.removeprefix(parent) for path in self.api.routes.paths if path.startswith(parent)}

    async def list_items(self, request: Request) -> Answer:
        """Answer the list."""
        query = self.rules.query("list", request.query_string)
        if self.api.outbox.is_full:
            await self.api.outbox.room(self.store.stored_bytes)
        page = self.listing.page(self.store.all(), query)
        body = self.envelopes["list"].filled([self.show(item) for item in page.items])
        if self.layout.token_at:
            body = put(body, self.layout.token_at, page.next_token)
        return self.succeed("list", body)

    async def create_item(self, request: Request) -> Answer:
        """Answer the create."""
        item = self.store.create(await self.valid_body(request))
        return self.succeed("create", self.envelopes["create"].filled(self.show(item)))

    async def read_item(self, request: Request) -> Answer:
        """Answer the read."""
        if self.api.outbox.is_full:
            await self.api.outbox.room(self.store.size(request.item_id))
        return self.succeed("read", self.envelopes["read"].filled(self.show(self.store.find(request.item_id))))

    async def update_item(self, request: Request) -> Answer:
        """Answer the update, or the replacement. Nothing is awaited between reading an item and writing it."""
        changes, role = await self.valid_body(request), request.role
        item = (self.store.replace if role == "replace" else self.store.update)(request.item_id, changes)
        return self.succeed(role, self.envelopes[role].filled(self.show(item)))

    async def read_below(self, request: Request) -> Answer:
        """Answer a read below an item that is there, with what fits the schema."""
        self.store.find(request.item_id)
        self.rules.query(request.role, request.query_string)
        return self.succeed(request.role, self.envelopes[request.role].around)

    async def remove_item(self, request: Request) -> Answer:
        """Answer the removal; removing again finds nothing."""
        shown = self.show(self.store.remove(request.item_id))
        envelope = self.envelopes["remove"]
        if not envelope.path and envelope.around is not None:
            shown = {**envelope.around, **{name: shown[name] for name in self.removal_shows if name in shown}}
        return self.succeed("remove", envelope.filled(shown))

    async def valid_body(self, request: Request) -> Fields:
        """Read the fields that the contract names from the request's body; refuse one that is not valid."""
        body = await self.api.bodies.json(request.headers, request.receive)
        if not self.rules.is_valid(request.role, body):
            raise Refusal(400, "The request body is not valid.", self.rules.faults(request.role, body))
        fields = self.rules.named(request.role, body)
        if self.api.outbox.is_full:
            await self.api.outbox.room(self.store.size(request.item_id) + self.store.measure(fields))
        return fields

    def show(self, item: Item) -> Fields:
        """Return *item* as an answer shows it; what is not set is null."""
        shown = {**self.blank, **item.fields}
        for name in self.never_null:
            if shown.get(name) is None and shown.pop(name, None) is None and name in self.blank:
                shown[name] = self.blank[name]
        for name in self.hidden:
            shown.pop(name, None)
        for name, field in self.server_fields.items():
            shown[name] = field.value(item)
        return shown

    def value(self, item: Item, name: str) -> Any:
        """Return what an answer shows of *item* in one field."""
        field = self.server_fields.get(name)
        return item.fields.get(name, self.blank.get(name)) if field is None else field.value(item)

    def succeed(self, role: str, body: Any) -> Answer:
        """Answer with the status that the contract gives to the operation's success."""
        envelope = self.envelopes[role]
        return self.api.give(envelope.status, body, envelope.headers)

    def _envelope(self, contract: Contract, role: str, operation: Operation) -> Envelope:
        schema = operation.answer_schema()
        path = self.layout.list_at if role == "list" else self.layout.item_at[role]
        value = made(contract, schema)
        around = None if schema is None or operation.success == 204 else {} if value is None else value
        media_type = operation.content(operation.success)[0].encode()
        headers = () if media_type in (b"", JSON_HEADER[1]) else ((b"content-type", media_type),)
        return Envelope(operation.success, headers, path, around)
