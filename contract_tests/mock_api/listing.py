"""
Filters, orders and pages the items of a list.

A page token names the place after which the next page begins, not a number of items to skip, so that what is
created or removed between two pages makes no other item appear twice or never.
"""

import operator
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from .contract import Contract
from .errors import Refusal
from .layout import Layout
from .rules import INTEGER, NUMBER, WORDS, Fields
from .store import Item, zoned_time

DEFAULT_PAGE_SIZE = 50
NEWEST_FIRST = ""
"""The order of a list that is not asked for one."""

COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}
PLACEHOLDER = re.compile(r"\{(\w+)\}")
ORDER = re.compile(r"(?:-(\w+)|(\w+)(?: +(asc|desc))?)")
KINDS: tuple[Any, ...] = (type(None), str, (int, float))

Place = list[Any]


@dataclass(frozen=True)
class Condition:
    """What an item must be to be listed."""

    field: str
    comparison: str
    value: Any


@dataclass(frozen=True)
class Order:
    """By which field a list is ordered, and which way; by creation where the field is empty."""

    field: str
    is_descending: bool


@dataclass(frozen=True)
class Page:
    """One page, and the token of the next; None on the last."""

    items: list[Item]
    next_token: str | None


class Template(NamedTuple):
    """How a filter by one field is written in a query parameter."""

    field: str
    comparison: str
    pattern: re.Pattern[str]


class Listing:
    """Answers the list of one resource; *value* returns what an answer shows of an item in a field."""

    def __init__(self, contract: Contract, layout: Layout, value: Callable[[Item, str], Any]) -> None:
        self.value = value
        self.roles = layout.list_roles
        self.fields = contract.properties(layout.item)
        self.types = {name: contract.types(schema) for name, schema in self.fields.items()}
        self.times = {name for name, schema in self.fields.items() if contract.said(schema, "format") == "date-time"}
        self.filters = {
            parameter: [_template(field, text) for field, text in said.items()]
            for parameter, said in layout.filters.items()
        }
        query = layout.operations["list"].query if "list" in layout.operations else {}
        taken = {*self.roles.values(), *self.filters}
        self.plain = [name for name in query if name in self.fields and name not in taken]
        nodes = {role: query.get(name, {}) for role, name in self.roles.items()}
        self.orders = self._orders(contract, nodes.get("order", {}))
        self.page_size = contract.said(nodes.get("page_size", {}).get("schema"), "default")
        first = contract.said(nodes.get("page_number", {}).get("schema"), "minimum")
        self.first_page = 1 if first is None else int(first)

    def asked(self, query: Fields, role: str) -> Any:
        """Return what *query* says in the parameter with this role; None without."""
        return query.get(self.roles.get(role, ""))

    def page(self, items: Iterable[Item], query: Fields) -> Page:
        """Return the page of *items* that *query* asks for; refuse with 400 a parameter that cannot be read."""
        conditions = self.conditions(query)
        order = self.order(self.asked(query, "order") or NEWEST_FIRST)
        token = self.asked(query, "page_token")
        after = self.place(token, query) if token is not None else None
        kept = [item for item in items if all(self.matches(each, item) for each in conditions)]
        # By the id, too, so that no two items are equal.
        ordered = sorted(kept, key=lambda item: self.key(item, order), reverse=order.is_descending)
        return self.cut(self.after(ordered, order, after), query)

    def conditions(self, query: Fields) -> list[Condition]:
        """List what *query* asks of an item: the filters, and the parameters that are named as a field."""
        filters = [self.condition(str(query[name]), name) for name in self.filters if name in query]
        return [*filters, *[Condition(name, "=", query[name]) for name in self.plain if name in query]]

    def condition(self, text: str, parameter: str) -> Condition:
        """Read a filter that is written as one of the contract's templates for this query parameter; else refuse it."""
        for field, comparison, pattern in self.filters[parameter]:
            if found := pattern.fullmatch(text):
                value = re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL) if '"' in pattern.pattern else found[1]
                return Condition(field, comparison, self._read_value(field, value, parameter))
        raise unreadable(parameter, "Write the filter as the contract says.")

    def _read_value(self, field: str, text: str, parameter: str) -> Any:
        """Read the text of a filter as the type of its field."""
        types = self.types.get(field, [])
        if field in self.times:
            return _read_time(text, parameter)
        if NUMBER.fullmatch(text) and ("number" in types or ("integer" in types and INTEGER.fullmatch(text))):
            return float(text)
        if "boolean" in types and text in WORDS:
            return WORDS[text]
        if types and "string" not in types:
            raise unreadable(parameter, "Write a value of the field's type.")
        return text

    def matches(self, condition: Condition, item: Item) -> bool:
        """Say whether *item* is what *condition* asks for; a text matches exactly."""
        actual, wanted = self.value(item, condition.field), condition.value
        try:
            if isinstance(wanted, datetime) and isinstance(actual, str):
                actual = datetime.fromisoformat(actual)
            elif isinstance(actual, datetime) and isinstance(wanted, str):
                wanted = datetime.fromisoformat(wanted)
            return bool(COMPARISONS[condition.comparison](actual, wanted))
        except (TypeError, ValueError):  # what is not set is neither less nor greater
            return False

    def order(self, text: str) -> Order:
        """Read an order such as `size`, `-size` or `size desc`; refuse with 400 what is none."""
        if text == NEWEST_FIRST:
            return Order("", is_descending=True)
        found = ORDER.fullmatch(text)
        field = found and (found[1] or found[2])
        if not found or field not in self.orders:
            known = ", ".join(sorted(self.orders))
            raise unreadable(self.roles["order"], f"Order by one of {known}; a dash in front reverses it.")
        return Order(field, is_descending=found[1] is not None or found[3] == "desc")

    def key(self, item: Item, order: Order) -> Place:
        """Return what *order* compares: the kind of the value, the value, the id."""
        value = self.value(item, order.field) if order.field else item.created_at
        if isinstance(value, datetime):
            value = value.isoformat(timespec="microseconds")
        elif not isinstance(value, (str, int, float, type(None))):
            value = orjson.dumps(value).decode()
        kind = next(number for number, each in enumerate(KINDS) if isinstance(value, each))
        return [kind, 0 if value is None else value, item.id]

    def after(self, items: list[Item], order: Order, place: Place | None) -> list[Item]:
        """Keep the items that come after *place*."""
        if place is None:
            return items
        comes_after = operator.lt if order.is_descending else operator.gt
        return [item for item in items if comes_after(self.key(item, order), place)]

    def cut(self, items: list[Item], query: Fields) -> Page:
        """Cut the page that *query* asks for off *items*."""
        size = self.asked(query, "page_size") or self.page_size or DEFAULT_PAGE_SIZE
        if not self.roles.keys() & {"page_size", "page_token", "offset", "page_number"}:
            size = len(items)
        start = self.asked(query, "offset") or 0
        number = self.asked(query, "page_number")
        if number is not None:
            start = max(number - self.first_page, 0) * size
        shown = items[start : start + size]
        has_more = bool(shown) and start + size < len(items)
        return Page(shown, self.token(shown[-1], query) if has_more else None)

    def token(self, last: Item, query: Fields) -> str:
        """Name the place after *last* in the list that *query* asks for."""
        order = self.order(self.asked(query, "order") or NEWEST_FIRST)
        return encode_token([*self.bound(query), self.key(last, order)])

    def bound(self, query: Fields) -> list[Any]:
        """List what a token is bound to: the order, and the parameters that filter."""
        filters = {name: query[name] for name in [*self.filters, *self.plain] if name in query}
        return [self.asked(query, "order") or NEWEST_FIRST, filters]

    def place(self, token: str, query: Fields) -> Place:
        """Read a token that this list gave for the same filter and order; refuse with 400 any other."""
        said, name = decode_token(token), self.roles["page_token"]
        if said is None:
            raise unreadable(name, "Send the token of the page before.")
        *bound, place = said
        if bound != self.bound(query):
            raise unreadable(name, "Send it with the filter and the order of the page that gave it.")
        return list(place)

    def _orders(self, contract: Contract, node: Mapping[str, Any]) -> set[str]:
        """Name the fields that the contract orders by; every field where it gives no example."""
        examples = [contract.resolve(each).get("value") for each in node.get("examples", {}).values()]
        schema = node.get("schema")
        said = [*(contract.said(schema, "enum") or []), *examples, *(contract.said(schema, "examples") or [])]
        texts = [*said, node.get("example"), contract.said(schema, "default")]
        return {each.lstrip("-").partition(" ")[0] for each in texts if isinstance(each, str)} or set(self.fields)


def _template(field: str, text: str) -> Template:
    """Compile how a filter is written, such as `size>"{size}"`: spaces may stand around it, an escaped quote in its quotes."""
    before, placeholder, after = text.partition("{" + field + "}")
    if not placeholder:
        before, _, after = PLACEHOLDER.sub("{}", text, count=1).partition("{}")
    value = r'((?:[^"\\]|\\.)*)' if '"' in before and '"' in after else "(.*?)"
    if not before and not after:  # the value alone, spaces at its ends included
        return Template(field, "=", re.compile("(.*)", re.DOTALL))
    comparison = next((sign for sign in COMPARISONS if sign in before), "=")
    return Template(field, comparison, re.compile(rf"\s*{re.escape(before)}{value}{re.escape(after)}\s*", re.DOTALL))


def encode_token(said: list[Any]) -> str:
    """Write *said* as text that fits a URL. A check sum, and nothing secret, tells it from a made-up one."""
    text = orjson.dumps(said)
    return urlsafe_b64encode(zlib.crc32(text).to_bytes(4) + text).rstrip(b"=").decode()


def decode_token(token: str) -> list[Any] | None:
    """Read what `encode_token` wrote; None for anything else."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        said: list[Any] = orjson.loads(raw[4:])
        # Decoding forgives stray characters; encoding again does not.
        return said if encode_token(said) == token else None
    except (TypeError, ValueError):
        return None


def _read_time(text: str, parameter: str) -> datetime:
    if (time := zoned_time(text)) is None:
        raise unreadable(parameter, "Write the time as RFC 3339 with a zone, as in 2025-01-01T00:00:00Z.")
    return time


def unreadable(parameter: str, description: str) -> Refusal:
    """Return the refusal of a query parameter."""
    return Refusal(400, "The query is not valid.", [{"field": parameter, "description": description}])
