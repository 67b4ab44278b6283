"""The API under test, mock or live: where it is, the key, and a request in one line of Python."""

import builtins
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import httpx

from contract_tests.errors import Inconclusive, NotAllowed, TargetError
from contract_tests.transport.created_resources import CreatedResources
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.network.connection import APART, FLAW
from contract_tests.transport.redaction import OWN_KEY, SHORTEST_SECRET
from contract_tests.transport.resource_shape import LARGEST_INTEGER, ItemId, ResourceShape
from contract_tests.transport.run_limits import RunLimits
from contract_tests.transport.transport import CLEANING, GONE, GuardedTransport
from contract_tests.transport.write_guard import MOST_ITEMS, NAME_PREFIX, READS, WriteGuard

USER_AGENT = "contract-tests/0.1"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
TIMEOUT_SECONDS = 20.0
OWN_TYPE = ""
"""Stands for the media type that the contract names for a body."""
# Absent integers are taken from so many below the largest, each read before it is used.
SPREAD_OF_ABSENT_IDS = 1_000_000
MOST_TRIED_IDS = 5
# Longer than a server looks for the rest of what has begun to arrive.
BETWEEN_HALVES_SECONDS = 0.05


@dataclass(frozen=True)
class Target:
    """An API under test."""

    name: str
    """What a person reads: the mock, or the live API's address."""
    base_url: str
    api_key: str = field(repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether the API runs on this machine."""
        return httpx.URL(self.base_url).host in LOOPBACK_HOSTS


def _query(params: Mapping[str, str]) -> str:
    """Encode the parameters of a query; a token of an API may hold half a surrogate."""
    return urlencode(params, quote_via=quote, errors="surrogatepass")


class _Parts(httpx.SyncByteStream):
    """A body that is written in parts, behind its head, so that no server finds it whole when it looks first."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        middle = len(self._body) // 2
        yield b""  # the head goes alone
        yield self._body[:middle]
        time.sleep(BETWEEN_HALVES_SECONDS)
        yield self._body[middle:-1]
        yield self._body[-1:]


# Writes to an item, and creations before a list, that are kept, and the longest body of one.
KEPT_WRITES, LONGEST_KEPT = 5, 10_000


class Api:
    """Sends requests to the API under test, and keeps to the items of this run."""

    def __init__(
        self, target: Target, run: str, shape: ResourceShape, *, timeout_seconds: float = TIMEOUT_SECONDS,
        limits: RunLimits | None = None, most_items: int = MOST_ITEMS, borrowed_id: ItemId | None = None,
        is_name: Callable[[str], bool] = bool,
    ) -> None:  # fmt: skip
        """
        Open a connection; *run* stands in the names of the run's items, *borrowed_id* is the one item that may be
        changed, *is_name* says whether a new item may have a name by the contract. Without limits nothing is written
        down.
        """
        self.target = target
        self.run = run
        self.shape = shape
        self.borrowed_id = borrowed_id
        self.most_items = most_items
        self.created = CreatedResources()
        url = httpx.URL(target.base_url)
        host, path, is_here = url.netloc, url.path.rstrip("/"), target.is_loopback
        guard = WriteGuard(host, path, is_here, run, self.created, is_name, most_items, borrowed_id, shape)
        self.may_carry = guard.may_carry
        self.transport = GuardedTransport(
            target.base_url, target.api_key, guard, limits or RunLimits(), timeout_seconds
        )
        self._names = 0
        self._writes: dict[ItemId | None, tuple[Exchange, ...]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.transport.close()

    def new_name(self) -> str:
        """Return a name that no other item has, by which a person can tell where the item comes from."""
        with self.created.lock:
            self._names += 1
            # Not the form of a run's own items, which a sweep of all removes.
            lent = "lent-" if self.borrowed_id is not None else ""
            return f"{NAME_PREFIX}{lent}{self.run}-{self._names}"

    def absent_id(self) -> ItemId:
        """Return an id that no item has: a name of this run, a new UUID, or an integer that a read does not show."""
        if not self.shape.has_integer_ids:
            is_uuid = self.shape.id_schema.get("format") == "uuid"
            item_id: ItemId = str(uuid.uuid4()) if is_uuid else self.new_name()
            self.created.absent.add(item_id)
            return item_id
        for _ in range(MOST_TRIED_IDS):
            item_id = LARGEST_INTEGER - secrets.randbelow(SPREAD_OF_ABSENT_IDS)
            if not self.shape.can("read") or self.read(item_id).status == 404:
                self.created.absent.add(item_id)
                return item_id
        raise Inconclusive(f"no integer was found that is the id of none of the {self.shape.name}")

    def send(
        self, method: str, path: str, *, body: bytes | str | None = None, params: Mapping[str, str] | None = None,
        headers: Sequence[tuple[str, str]] = (), content_type: str | None = OWN_TYPE, key: str | None = OWN_KEY,
        puts_right: bool = False, in_parts: bool = False, apart: bool = False,
    ) -> Exchange:  # fmt: skip
        """
        Send one request, and return the exchange, the key nowhere in it. *path* stands below the base URL, percent-
        encoded, unlike *params*. A content type or a key of None is left out. What *puts_right* may spend what the
        budget holds back; *in_parts* sends the rest of a body a moment after its first half; *apart* sends it over
        another connection, as another client does. TargetError and NotAllowed where it would touch what it may not, Inconclusive where no answer came.
        """
        sent_key = self.target.api_key if key == OWN_KEY else key
        usual = [("accept", "application/json"), ("user-agent", f"{USER_AGENT} reader" if apart else USER_AGENT)]
        named = {name.lower() for name, _ in headers}
        own_headers: list[tuple[str, str | bytes]] = [*(each for each in usual if each[0] not in named), *headers]
        if body is not None and content_type is not None:
            own_headers.append(("content-type", content_type or self.shape.body_type(method)))
        query = dict(params or {})
        if sent_key is not None:
            own_headers += self.shape.key.headers(sent_key)
            query |= self.shape.key.query(sent_key)
        content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        joint = "&" if "?" in path else "?"
        request = httpx.Request(
            method,
            self.target.base_url + path + (f"{joint}{_query(query)}" if query else ""),
            content=content,
            headers=httpx.Headers(own_headers),  # type: ignore[arg-type]  # a value may be bytes
            extensions={CLEANING: True} if puts_right else {APART: True} if apart else None,
        )
        request.method = method  # httpx writes it in capitals
        if "transfer-encoding" in request.headers:  # then the parts are chunks, and tell their own lengths
            del request.headers["content-length"]
        if in_parts:
            request.stream = _Parts(request.content)
        # Not by a client of httpx, which reads a Location that no parser takes, and keeps cookies.
        response = self.transport.handle_request(request)
        response.request = request
        return self.exchange(response)

    def exchange(self, response: httpx.Response) -> Exchange:
        """Return the exchange that ended in *response*."""
        request = response.request
        path = request.url.raw_path.decode("ascii").removeprefix(httpx.URL(self.target.base_url).path.rstrip("/"))
        item_id = self.shape.id_in(path.partition("?")[0])
        sent_key = self.shape.key.sent_in(request)
        secrets_of_it = [self.target.api_key] if self.target.api_key else []
        secrets_of_it += [sent_key] if len(sent_key) >= SHORTEST_SECRET else []
        exchange = Exchange(
            request.method, self._shown_path(path, sent_key),
            tuple((name.lower(), self._shown_value(name, value)) for name, value in request.headers.multi_items()),
            request.content, response.status_code, response.headers, response.content,
            item_id if item_id in self.created.made else None, tuple(sorted(secrets_of_it, key=len, reverse=True)),
            response, response.extensions.get(FLAW, ""), shape=self.shape, earlier=self._earlier(request, item_id),
        )  # fmt: skip
        self._keep(exchange)
        return exchange

    def _earlier(self, request: httpx.Request, item_id: ItemId | None) -> tuple[Exchange, ...]:
        if item_id is not None or request.method != "GET":
            return self._writes.get(item_id, ())
        return tuple(writes[0] for own, writes in list(self._writes.items())[-KEPT_WRITES:] if own in self.created.made)

    def _keep(self, exchange: Exchange) -> None:
        """Keep a write, for those who are to repeat what its item is found to do later: the creation, and the latest."""
        if exchange.method in READS or len(exchange.request_body) > LONGEST_KEPT:
            return
        kept = replace(exchange, body=b"", response=None, earlier=())
        if exchange.item_id in self._writes:
            first, *others = self._writes[exchange.item_id]
            self._writes[exchange.item_id] = (first, *others[1 - KEPT_WRITES :], kept)
        elif exchange.was_accepted and (item_id := self.shape.id_of(exchange.item)) in self.created.made:
            self._writes[item_id] = (replace(kept, item_id=item_id),)

    def read(self, item_id: ItemId, *, apart: bool = False) -> Exchange:
        """Read an item; *apart* as another client."""
        return self.send("GET", self.shape.path_of(item_id), apart=apart)

    def update(self, item_id: ItemId, body: bytes | str) -> Exchange:
        """Update an item with a body given as JSON text."""
        return self.send(self.shape.methods["update"], self.shape.path_of(item_id), body=body)

    def create(self, body: bytes | str) -> Exchange:
        """Create an item from a body given as JSON text."""
        return self.send("POST", self.shape.list_path, body=body)

    def remove(self, item_id: ItemId) -> Exchange:
        """Remove an item of this run."""
        return self.send("DELETE", self.shape.path_of(item_id))

    def list(self, **params: str) -> Exchange:
        """List items."""
        return self.send("GET", self.shape.list_path, params=params)

    def remove_all(self) -> builtins.list[str]:
        """Remove every item that this run has made, and look at the account whether any is left; what is, in words."""
        if not self.shape.can("remove") and self.target.is_loopback:
            return []  # they end with the mock
        problems: dict[ItemId, str] = self._remove_each(list(self.created.alive))
        ownership = self.transport.ownership
        try:
            ownership.look()
            if self.created.alive:  # removed in vain, or made by nobody knows what
                problems |= self._remove_each(list(self.created.alive))
                ownership.look()
        except Inconclusive as error:
            problems["whatever else the account shows"] = str(error)
        ownership.release()
        if self.created.unnamed:
            count = f"{self.created.unnamed} creates got no answer, and their items carry no name to find them by"
            problems[f"what may be left among the {self.shape.name}"] = count
        stays = dict.fromkeys(self.created.alive, "its removal was answered with success, and it is still there")
        unclear = dict.fromkeys(self.created.unclaimed, "a create was answered with it, and it shows something else")
        strange = dict.fromkeys(self.created.foreign, "it shows a name of this run and is older, so it was not touched")
        left = {**stays, **problems, **unclear, **strange}
        return [f"{what} ({why})" for what, why in left.items() if what not in self.created.removed]

    def _remove_each(self, item_ids: Iterable[ItemId]) -> dict[ItemId, str]:
        problems: dict[ItemId, str] = {}
        if not self.shape.can("remove"):
            return dict.fromkeys(item_ids, "the contract has no operation that removes it")
        for item_id in item_ids:
            try:
                status = self.remove(item_id).status
            except (Inconclusive, NotAllowed, TargetError, httpx.InvalidURL) as error:  # the others are removed
                problems[item_id] = str(error)
            else:
                if status not in GONE:
                    problems[item_id] = f"DELETE answered {status}"
        return problems

    def _shown_path(self, path: str, sent_key: str) -> str:
        if self.target.api_key:
            path = path.replace(quote(self.target.api_key, safe=""), OWN_KEY)
        if self.shape.key.kind == "query" and sent_key and sent_key != self.target.api_key:
            sent = _query({self.shape.key.name: sent_key})
            path = path.replace(sent, f"{self.shape.key.name}=another-key")
        return path

    def _shown_value(self, name: str, value: str) -> str:
        """Return a header's value as a report may show it: a part of the key is as secret as the whole."""
        shown = {name: sent.decode("utf-8", "replace") for name, sent in self.shape.key.headers(self.target.api_key)}
        if shown.get(name.lower()) == value:
            scheme = value.partition(" ")[0] if self.shape.key.kind in ("bearer", "basic") else ""
            prefix = f"{self.shape.key.name}=" if self.shape.key.kind == "cookie" else f"{scheme} ".lstrip()
            return f"{prefix}{OWN_KEY}"
        return "another key" if self.shape.key.is_header(name) else value
