"""What the account under test shows of a run, which believes it more than its own notes."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

import httpx

from contract_tests.errors import Inconclusive
from contract_tests.transport.answers.json_reading import read_json
from contract_tests.transport.resource_shape import Item, ItemId, ResourceShape
from contract_tests.transport.write_guard import NAME_PREFIX

# A search for one name turns so many pages.
PAGES_OF_A_SEARCH = 5
# Servers of one API may disagree about the time by so much.
CLOCK_SKEW = timedelta(minutes=5)
# Filters are documented for plain names only.
PLAIN_NAME = re.compile(r"[\w. -]+")


@dataclass(frozen=True)
class Listing:
    """The items that a walk through the list has shown."""

    items: tuple[Item, ...]
    is_complete: bool
    """Whether the list came to its end, or to what was there before."""
    last_page: httpx.Response


@dataclass(frozen=True)
class Creation:
    """A create on its way, and by what its item is known."""

    name: str | None
    """What the journal notes: the name that was sent, or else the mark of the run in another field; None without."""
    marks: frozenset[str]
    """The names of the run that the body holds, in whatever field."""
    before: frozenset[ItemId] | None = None
    """The ids that the account showed before, where the body holds no mark; None where the list was not complete."""


class Account:
    """Looks for the items of one run; *ask* sends a GET with a query below the base URL, and may raise Inconclusive."""

    def __init__(self, run: str, shape: ResourceShape, ask: Callable[[str, dict[str, str]], httpx.Response]) -> None:
        self._ask = ask
        self._shape = shape
        self._mark = re.compile(re.escape(f"{NAME_PREFIX}{run}-") + r"\d+", re.IGNORECASE)

    def marks(self, text: str) -> frozenset[str]:
        """Return the names of the run that a text holds."""
        return frozenset(mark.lower() for mark in self._mark.findall(text))

    def marks_of(self, item: Item) -> frozenset[str]:
        """Return the names of the run that an item shows in any field but its id."""
        texts = (value for name, value in item.items() if name != self._shape.id_name and isinstance(value, str))
        return frozenset[str]().union(*map(self.marks, texts))

    def made_at(self, item: Item) -> datetime | None:
        """Return when an item was made, as it says itself; None where that cannot be read."""
        try:
            moment = datetime.fromisoformat(str(item.get(self._shape.created_field or "")))
        except ValueError:
            return None
        return moment if moment.tzinfo is not None else None

    def was_made_since(self, item: Item, moment: datetime | None) -> bool:
        """Whether an item is no older than a moment of the API's own clock; not where either is unknown."""
        made = self.made_at(item)
        return moment is not None and made is not None and made >= moment - CLOCK_SKEW

    def made_by(self, creation: Creation) -> list[Item]:
        """Return the items that show the mark of a create, newest first; none where the resource has no list."""
        if not self._shape.can("list"):
            return []
        name = creation.name or ""
        queries: list[dict[str, str]] = [{}]  # a filter may find nothing, so the whole list comes last
        if self._shape.name_filter is not None and PLAIN_NAME.fullmatch(name):
            parameter, template = self._shape.name_filter
            queries.insert(0, {parameter: template.replace(f"{{{self._shape.run_name}}}", name)})
        for query in queries:
            items = self.listed(PAGES_OF_A_SEARCH, query).items
            if found := [item for item in items if self._is_named(item, creation)]:
                return found
        return []

    def listed(self, most_pages: int, query: dict[str, str] | None = None, since: datetime | None = None) -> Listing:
        """
        Walk through the list; with *since* the walk may end at a page on which everything is older, if the list is
        newest first so far. Inconclusive where a page is not answered.
        """
        items: list[Item] = []
        seen: list[dict[str, str]] = []
        turn: dict[str, str] = {}
        paging = self._shape.paging
        size = {} if paging.size is None else {paging.size: str(paging.largest_size)}
        for number in range(most_pages):
            response = self._ask(self._shape.list_path, {**(query or {}), **size, **turn})
            answer = answered(response)
            listed = self._shape.items_in(answer) if 200 <= response.status_code < 300 else None
            if listed is None:
                raise Inconclusive(f"GET {self._shape.list_path} answered {response.status_code} and no list")
            page = [item for item in listed if self._shape.id_of(item) is not None]
            items += page
            made = [self.made_at(item) for item in page] if since is not None else []
            is_past = bool(made) and all(each is not None and each < since - CLOCK_SKEW for each in made if since)
            following = self._shape.next_page(answer, number, len(items))
            if following is None or (is_past and self._is_newest_first(items)):
                return Listing(tuple(items), is_complete=True, last_page=response)
            if following in seen:
                break
            seen.append(following)
            turn = following
        return Listing(tuple(items), is_complete=False, last_page=response)

    def _is_named(self, item: Item, creation: Creation) -> bool:
        is_same = self._shape.run_name is not None and item.get(self._shape.run_name) == creation.name
        return (is_same and creation.name is not None) or bool(self.marks_of(item) & creation.marks)

    def _is_newest_first(self, items: list[Item]) -> bool:
        times = [self.made_at(item) for item in items]
        known = [time for time in times if time is not None]
        return len(known) == len(times) and all(one >= other - CLOCK_SKEW for one, other in pairwise(known))


def answered_at(response: httpx.Response) -> datetime | None:
    """Return the time of an answer by the server's own clock; None where it does not say."""
    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def earliest(moments: Iterable[datetime | None]) -> datetime | None:
    """Return the earliest of some moments, those that are unknown left out."""
    return min((moment for moment in moments if moment is not None), default=None)


def answered(response: httpx.Response) -> Any:
    """Return the decoded answer; None where it is no JSON."""
    try:
        return read_json(response.content)
    except ValueError:
        return None
