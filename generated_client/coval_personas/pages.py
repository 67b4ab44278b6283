"""Lists that turn their pages by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, ParamSpec, TypeAlias, TypeVar

from .errors import ApiError
from .types import UNSET
from .wire import RawResponse, async_raw, raw

T = TypeVar("T")
P = ParamSpec("P")
Query: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list."""

    items: list[T]
    next_page: Any
    """What the next page is asked for with: its token, number or offset; None where there is no next page."""
    answer: Any
    """The whole answer that held the items."""


@dataclass(frozen=True)
class Turning:
    """How a list is turned: the parameter that asks for a page, and where the answer says the next."""

    kind: Literal["token", "page_number", "offset"]
    parameter: str
    items_at: tuple[str, ...] = ()
    token_at: tuple[str, ...] = ()
    first: int = 0
    """The number of the first page, or of the first item."""

    def read(self, answer: Any, query: Query) -> Page[Any]:
        """Return the page that an answer holds."""
        items = _at(answer, self.items_at) or []
        return Page(items, self._next(answer, query.get(self.parameter, UNSET), len(items)), answer)

    def _next(self, answer: Any, asked: Any, shown: int) -> Any:
        if self.kind == "token":
            return _at(answer, self.token_at) or None
        if not shown:  # a short page need not be the last: an API may show fewer than it is asked for
            return None
        start = int(asked) if str(asked).isdecimal() else self.first
        return start + (1 if self.kind == "page_number" else shown)


class Pages(Generic[T]):
    """The items of a list: iterating asks for page after page, and page() for one."""

    def __init__(self, fetch: Callable[[Query], Any], turning: Turning, query: Query) -> None:
        self._fetch, self._turning, self._query = fetch, turning, query

    def page(self) -> Page[T]:
        """Return one page: the first, or the one that was asked for."""
        return self._turning.read(self._fetch(self._query), self._query)

    def pages(self) -> Iterator[Page[T]]:
        """Yield each page."""
        query, seen = self._query, set[Any]()
        while True:
            page = self._turning.read(self._fetch(query), query)
            yield page
            if _is_last(page, seen):
                return
            query = {**query, self._turning.parameter: page.next_page}

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items


class AsyncPages(Generic[T]):
    """The items of a list: iterating asks for page after page, and page() for one."""

    def __init__(self, fetch: Callable[[Query], Awaitable[Any]], turning: Turning, query: Query) -> None:
        self._fetch, self._turning, self._query = fetch, turning, query

    async def page(self) -> Page[T]:
        """Return one page: the first, or the one that was asked for."""
        return self._turning.read(await self._fetch(self._query), self._query)

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Yield each page."""
        query, seen = self._query, set[Any]()
        while True:
            page = self._turning.read(await self._fetch(query), query)
            yield page
            if _is_last(page, seen):
                return
            query = {**query, self._turning.parameter: page.next_page}

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item


def raw_page(method: Callable[P, Pages[T]]) -> Callable[P, RawResponse[Page[T]]]:
    """Return a list's method that returns one page, with its whole answer."""

    def page(*args: P.args, **kwargs: P.kwargs) -> Page[T]:
        return method(*args, **kwargs).page()

    return raw(page)


def async_raw_page(method: Callable[P, AsyncPages[T]]) -> Callable[P, Coroutine[Any, Any, RawResponse[Page[T]]]]:
    """Return a list's method that returns one page, with its whole answer."""

    async def page(*args: P.args, **kwargs: P.kwargs) -> Page[T]:
        return await method(*args, **kwargs).page()

    return async_raw(page)


def _is_last(page: Page[Any], seen: set[Any]) -> bool:
    """Whether there is no next page; a list that leads back to a page would never end, and is not whole either."""
    if page.next_page in seen:
        raise ApiError(f"the list leads back to the page {page.next_page!r}, so it has no end")
    seen.add(page.next_page)
    return page.next_page is None


def _at(answer: Any, way: tuple[str, ...]) -> Any:
    for name in way:
        answer = getattr(answer, name, None)
    return answer
