"""
Filters, orders and pages the personas of a list.

A page token names the place after which the next page begins, not a number of personas to skip, so that what is
created or deleted between two pages makes no other persona appear twice or never.
"""

import operator
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from .errors import Refusal
from .rules import Fields
from .store import Persona

DEFAULT_PAGE_SIZE = 50
DEFAULT_ORDER = "-create_time"

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
FILTER = re.compile(r'\s*(\w+)\s*(>=|<=|=|>|<)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"\\]+))\s*', re.DOTALL)
ORDER = re.compile(r"(?:-(\w+)|(\w+)(?: +(asc|desc))?)")

KEYS: dict[str, Callable[[Persona], Any]] = {
    "create_time": lambda persona: persona.create_time.isoformat(timespec="microseconds"),
    "update_time": lambda persona: persona.last_change.isoformat(timespec="microseconds"),
    "name": lambda persona: persona.fields.get("name", ""),
}
TIMES: dict[str, Callable[[Persona], datetime]] = {
    "create_time": lambda persona: persona.create_time,
    "update_time": lambda persona: persona.last_change,
}


@dataclass(frozen=True)
class Condition:
    """What a persona must be to be listed."""

    field: str
    comparison: str
    value: Any


@dataclass(frozen=True)
class Order:
    """By which field a list is ordered, and which way."""

    field: str
    is_descending: bool


@dataclass(frozen=True)
class Page:
    """One page, and the token of the next; None on the last."""

    personas: list[Persona]
    next_page_token: str | None


class Listing:
    """Answers `GET /personas`."""

    def page(self, personas: Iterable[Persona], query: Fields) -> Page:
        """
        Return the page that *query* asks for.

        Args:
            personas: All of them.
            query: The query parameters, valid by the contract.

        Raises:
            Refusal: 400, naming the parameter that cannot be read.
        """
        condition = self.condition(query["filter"]) if "filter" in query else None
        order = self.order(query.get("order_by", DEFAULT_ORDER))
        after = self.place(query["page_token"], query) if "page_token" in query else None
        kept = [persona for persona in personas if condition is None or self.matches(condition, persona)]
        return self.cut(self.after(self.ordered(kept, order), order, after), query)

    def condition(self, text: str) -> Condition:
        """Read a filter such as `name="Friendly Customer"` or `create_time>"2025-01-01T00:00:00Z"`."""
        found = FILTER.fullmatch(text)
        if not found:
            raise unreadable("filter", 'Write a field, a comparison and a value, as in name="Friendly Customer".')
        field, comparison, quoted, bare = found.groups()
        value = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        if field == "name" and comparison == "=":
            return Condition(field, comparison, value)
        if field in TIMES:
            return Condition(field, comparison, read_time(value))
        raise unreadable("filter", "Filter by name with =, or by create_time or update_time.")

    def matches(self, condition: Condition, persona: Persona) -> bool:
        """Say whether *persona* is what *condition* asks for; a name matches exactly."""
        actual = TIMES[condition.field](persona) if condition.field in TIMES else persona.fields.get(condition.field)
        return COMPARISONS[condition.comparison](actual, condition.value)

    def order(self, text: str) -> Order:
        """Read an order such as `create_time`, `-create_time` or `create_time desc`."""
        found = ORDER.fullmatch(text)
        field = found and (found[1] or found[2])
        if not found or field not in KEYS:
            raise unreadable("order_by", "Order by create_time, update_time or name; a dash in front reverses it.")
        return Order(field, is_descending=found[1] is not None or found[3] == "desc")

    def ordered(self, personas: list[Persona], order: Order) -> list[Persona]:
        """Sort by the field of *order*, then by id, so that no two personas are equal."""
        return sorted(personas, key=lambda persona: self.key(persona, order), reverse=order.is_descending)

    def key(self, persona: Persona, order: Order) -> list[str]:
        """Return what *order* compares."""
        return [KEYS[order.field](persona), persona.id]

    def after(self, personas: list[Persona], order: Order, place: list[str] | None) -> list[Persona]:
        """Keep the personas that come after *place*."""
        if place is None:
            return personas
        comes_after = operator.lt if order.is_descending else operator.gt
        return [persona for persona in personas if comes_after(self.key(persona, order), place)]

    def cut(self, personas: list[Persona], query: Fields) -> Page:
        """Cut the first page off *personas*."""
        shown = personas[: query.get("page_size", DEFAULT_PAGE_SIZE)]
        return Page(shown, self.token(shown[-1], query) if len(shown) < len(personas) else None)

    def token(self, last: Persona, query: Fields) -> str:
        """Name the place after *last* in the list that *query* asks for."""
        order = query.get("order_by", DEFAULT_ORDER)
        return encode_token([order, query.get("filter"), self.key(last, self.order(order))])

    def place(self, token: str, query: Fields) -> list[str]:
        """
        Read a token that this list gave for the same filter and order.

        Raises:
            Refusal: 400, naming page_token.
        """
        said = decode_token(token)
        if said is None:
            raise unreadable("page_token", "Send the next_page_token of the page before.")
        order, condition, place = said
        if [order, condition] != [query.get("order_by", DEFAULT_ORDER), query.get("filter")]:
            raise unreadable("page_token", "Send it with the filter and order_by of the page that gave it.")
        return list(place)


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


def read_time(text: str) -> datetime:
    """
    Read an RFC 3339 time.

    Raises:
        Refusal: 400, naming the filter.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise unreadable("filter", "Write the time as RFC 3339 with a zone, as in 2025-01-01T00:00:00Z.")
    return time


def unreadable(parameter: str, description: str) -> Refusal:
    """Return the refusal of a query parameter."""
    return Refusal(400, "The query is not valid.", [{"field": parameter, "description": description}])
