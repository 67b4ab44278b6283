"""
Holds the items of one resource and changes them as the contract says.

Nothing here waits, so each call is atomic: no other request sees an item between its old and its new state.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from .choices import Choices
from .errors import Refusal
from .rules import Fields, Rules, too_deep

MAX_ITEMS = 10_000
MAX_STORED_BYTES = 64 * 1024 * 1024  # of all items together, as JSON

TICK = timedelta(microseconds=1)


class Item(NamedTuple):  # made on every update, in a third of the time of a frozen dataclass
    """An item as it is stored."""

    id: str  # as it stands in a path; it never changes
    fields: Fields  # those of the body that are set; a cleared one is absent
    created_at: datetime  # in UTC
    updated_at: datetime | None  # in UTC; None before the first update
    size: int  # bytes of the fields as JSON
    version: int = 1  # one more with each change
    constants: Mapping[str, Any] = MappingProxyType({})  # server fields that seed data brings and that never change

    @property
    def last_change(self) -> datetime:
        """When the item was updated, or created if it never was."""
        return self.updated_at or self.created_at


class Store:
    """The items in memory, by id."""

    def __init__(
        self, rules: Rules, choices: Choices, id_name: str, made_id: Callable[[int], str], replaces: bool
    ) -> None:
        self.rules = rules
        self.choices = choices
        self.id_name = id_name  # the field in which a client may choose the id of a new item
        self.made_id = made_id  # makes an id, from the number of items that were made before
        self.replaces = replaces  # whether an update brings the whole item, as PUT does
        self.items: dict[str, Item] = {}
        self.max_items = MAX_ITEMS
        self.count = 0  # of all ids that were ever made
        self.stored_bytes = 0
        self.last_time = datetime.now(UTC)

    def find(self, item_id: str) -> Item:
        """Return the item with this id, compared exactly; refuse with 404."""
        try:
            return self.items[item_id]
        except KeyError:
            raise Refusal(404, "Nothing has this id.") from None

    def all(self) -> Iterator[Item]:
        """Go through the items in no promised order."""
        return iter(self.items.values())

    def create(self, body: Fields) -> Item:
        """Store a new item of valid fields, in which a null does what it does in an update; refuse an id that is taken."""
        fields = self.merge({}, {**self.rules.defaults, **body})
        self.check(fields, body)
        if len(self.items) >= self.max_items:
            raise Refusal(429, f"The mock holds {self.max_items} items and no more; delete some.")
        item_id = str(fields.get(self.id_name, ""))  # a client may choose it, where the contract lets it
        if item_id in self.items:
            raise Refusal(409, "The id is taken.", [{"field": self.id_name, "description": "It is taken."}])
        return self.write(Item(item_id or self.new_id(), fields, self.now(), None, self.measure(fields)))

    def update(self, item_id: str, changes: Fields) -> Item:
        """Change an item by valid fields; without a difference it stays as it is, its times included."""
        item = self.find(item_id)
        return self._changed(item, self.base(item.fields, changes), changes)

    def replace(self, item_id: str, body: Fields) -> Item:
        """Give an item the fields of a body in place of those that the operation names."""
        item, named = self.find(item_id), self.rules.fields["replace"]
        return self._changed(item, {name: value for name, value in item.fields.items() if name not in named}, body)

    def _changed(self, item: Item, base: Fields, changes: Fields) -> Item:
        fields = self.merge(base, changes)
        self.check(fields, changes)
        if fields == item.fields:
            return item
        changed_at, size = self.touch(item), self.measure(fields)
        return self.write(Item(item.id, fields, item.created_at, changed_at, size, item.version + 1, item.constants))

    def remove(self, item_id: str) -> Item:
        """Remove an item, and return it as it was; refuse with 404."""
        item = self.find(item_id)
        self.stored_bytes -= item.size
        del self.items[item_id]
        return item

    def base(self, fields: Fields, changes: Fields) -> Fields:
        """Return what of *fields* an update that brings *changes* does not replace."""
        if not self.replaces:
            return fields
        named = self.rules.fields["update"]
        return {name: value for name, value in fields.items() if name in changes or name not in named}

    def merge(self, fields: Fields, changes: Fields) -> Fields:
        """Return *fields* with *changes* applied, each field whole; *fields* itself stays as it is."""
        merged, rules = dict(fields), self.rules
        for name, value in changes.items():
            if value is None and rules.keeps_on_null(name):
                continue
            if (value is None and rules.clears_on_null(name)) or (value == "" and rules.clears_on_empty(name)):
                merged.pop(name, None)
            else:
                merged[name] = value
        return merged

    def check(self, fields: Fields, sent: Fields) -> None:
        """Refuse an item whose fields do not go together; of what is at fault the refusal names what was *sent*."""
        self.choices.check(fields, sent)
        if broken := self.rules.broken_constraints(fields):
            details = [
                {"field": name, "description": constraint.title}
                for constraint in broken
                for name in sorted(constraint.names & sent.keys())
            ]
            raise Refusal(400, broken[0].title, details)

    def write(self, item: Item) -> Item:
        """Store *item* in place of what had its id; refuse with 429 when there is no room."""
        stored_bytes = self.stored_bytes + item.size - self.size(item.id)
        if stored_bytes > MAX_STORED_BYTES and stored_bytes > self.stored_bytes:
            raise Refusal(429, f"The mock holds {MAX_STORED_BYTES} bytes of items and no more; delete some.")
        self.stored_bytes = stored_bytes
        self.items[item.id] = item
        return item

    def measure(self, fields: Fields) -> int:
        """Return how many bytes *fields* take as JSON; refuse with 400 what JSON cannot hold, such as 300 levels."""
        try:
            return len(orjson.dumps(fields))
        except TypeError:
            raise Refusal(400, "The request body is not valid.", too_deep(fields)) from None

    def size(self, item_id: str) -> int:
        """Return how many bytes the fields of an item take as JSON; 0 where none has this id."""
        item = self.items.get(item_id)
        return item.size if item else 0

    def new_id(self) -> str:
        """Make an id that no item has or had."""
        while True:
            self.count += 1
            item_id = self.made_id(self.count)
            if item_id not in self.items:
                return item_id

    def now(self) -> datetime:
        """Return the time, later than every time returned before."""
        time = datetime.now(UTC)
        self.last_time = time if time > self.last_time else self.last_time + TICK
        return self.last_time

    def touch(self, item: Item) -> datetime:
        """Return the time of a change to *item*: later than its last change, even if that is to come."""
        return max(self.now(), item.last_change + TICK)


def zoned_time(text: Any) -> datetime | None:
    """Read a time of RFC 3339; None for what is none, or says no zone."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo is not None else None
