"""
What the account under test shows of a run: the personas that bear its name, as the list and single reads show them.

A run believes the account, not its own books: a create may be done twice, or be done and never answered, and a removal
may remove nothing. Knows nothing of budgets and retries; *ask* is the transport's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx

from contract_tests.errors import Inconclusive
from contract_tests.fence import NAME_PREFIX
from contract_tests.reading import read_json

Item = dict[str, Any]

LARGEST_PAGE = "100"
# A search for one name turns so many pages, and a look at the whole account so many.
PAGES_OF_A_SEARCH = 5
PAGES_OF_A_LOOK = 20
# Servers of one API may disagree about the time by so much.
CLOCK_SKEW = timedelta(minutes=5)
# Filters are documented for plain names only.
LONGEST_ID = 1_000
PLAIN_NAME = re.compile(r"[\w. -]+")


@dataclass(frozen=True)
class Listing:
    """The personas that a walk through the list has shown."""

    items: tuple[Item, ...]
    is_complete: bool
    """Whether the list came to its end, or to what was there before."""
    last_page: httpx.Response


@dataclass(frozen=True)
class Creation:
    """A create on its way, and by what its persona is known."""

    name: str | None
    """What the journal notes: the name that was sent, or else the mark of the run in another field; None without."""
    marks: frozenset[str]
    """The names of the run that the body holds, in whatever field."""
    before: frozenset[str] | None = None
    """The ids that the account showed before, where the body holds no mark; None where the list was not complete."""


class Account:
    """
    Looks for the personas of one run.

    Args:
        run: The name of the run.
        ask: Sends a GET with a query below the base URL; may raise Inconclusive.
    """

    def __init__(self, run: str, ask: Callable[[str, dict[str, str]], httpx.Response]) -> None:
        self._ask = ask
        self._mark = re.compile(re.escape(f"{NAME_PREFIX}{run}-") + r"\d+", re.IGNORECASE)

    def marks(self, text: str) -> frozenset[str]:
        """Return the names of the run that a text holds."""
        return frozenset(mark.lower() for mark in self._mark.findall(text))

    def marks_of(self, item: Item) -> frozenset[str]:
        """Return the names of the run that a persona shows in any field but its id."""
        texts = (value for name, value in item.items() if name != "id" and isinstance(value, str))
        return frozenset[str]().union(*map(self.marks, texts))

    def made_by(self, creation: Creation) -> list[Item]:
        """
        Return the personas that show the mark of a create, newest first.

        Raises:
            Inconclusive: The list was not answered.
        """
        name = creation.name or ""
        queries = [{"filter": f'name="{name}"'}, {}] if PLAIN_NAME.fullmatch(name) else [{}]
        for query in queries:  # by name first: the list may be long, and a filter may find nothing
            items = self.listed(PAGES_OF_A_SEARCH, query).items
            found = [item for item in items if item.get("name") == name or self.marks_of(item) & creation.marks]
            if found:
                return found
        return []

    def listed(self, most_pages: int, query: dict[str, str] | None = None, since: datetime | None = None) -> Listing:
        """
        Walk through the list, newest first.

        Args:
            most_pages: How many pages are turned.
            query: The parameters of the list besides its pages.
            since: Where the walk may end: at a page on which everything is older, if the list is newest first so far.

        Raises:
            Inconclusive: A page was not answered.
        """
        items: list[Item] = []
        tokens: list[str] = []
        for _ in range(most_pages):
            params = {**(query or {}), "page_size": LARGEST_PAGE} | ({"page_token": tokens[-1]} if tokens else {})
            response = self._ask("/personas", params)
            page, token = _page(response)
            items += page
            is_past = since is not None and bool(page) and all(_is_older(item, since) for item in page)
            if token is None or (is_past and _is_newest_first(items)):
                return Listing(tuple(items), is_complete=True, last_page=response)
            if token in tokens:
                break
            tokens.append(token)
        return Listing(tuple(items), is_complete=False, last_page=response)


def was_made_since(item: Item, moment: datetime | None) -> bool:
    """Whether a persona is no older than a moment of the API's own clock; not where either is unknown."""
    made = made_at(item)
    return moment is not None and made is not None and made >= moment - CLOCK_SKEW


def made_at(item: Item) -> datetime | None:
    """Return when a persona was made, as it says itself; None where that cannot be read."""
    try:
        moment = datetime.fromisoformat(str(item.get("create_time")))
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


def is_id(value: Any) -> bool:
    """Whether a value can be an id in a path."""
    is_text = isinstance(value, str) and 0 < len(value) <= LONGEST_ID
    return is_text and "/" not in value and value not in (".", "..")


def _is_newest_first(items: list[Item]) -> bool:
    times = [made_at(item) for item in items]
    known = [time for time in times if time is not None]
    return len(known) == len(times) and all(one >= other - CLOCK_SKEW for one, other in pairwise(known))


def _is_older(item: Item, moment: datetime) -> bool:
    made = made_at(item)
    return made is not None and made < moment - CLOCK_SKEW


def _page(response: httpx.Response) -> tuple[list[Item], str | None]:
    """
    Return the personas of a page, and the token of the next; None on the last.

    Raises:
        Inconclusive: It is no page.
    """
    page = answered(response)
    listed = page.get("personas") if isinstance(page, dict) and response.status_code == 200 else None
    if not isinstance(listed, list):
        raise Inconclusive(f"GET /personas answered {response.status_code} and no list")
    token = page.get("next_page_token")
    items = [item for item in listed if isinstance(item, dict) and is_id(item.get("id"))]
    return items, token if isinstance(token, str) and token else None
