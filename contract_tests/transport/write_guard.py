"""What a run may send: any read, and writes only to items that it made itself or that cannot exist."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from contract_tests.errors import NotAllowed, RunEnded, TargetError
from contract_tests.transport.created_resources import CreatedResources
from contract_tests.transport.resource_shape import ItemId, ResourceShape

NAME_PREFIX = "contract-test-"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
# With one of these a server may take a read for a write.
OVERRIDES = frozenset({"x-http-method-override", "x-method-override", "x-http-method"})
# No test has more than 24 at a time, and few more than eleven.
MOST_ITEMS = 30
BORROWED = "ITEM_ID lends one item"


@dataclass(frozen=True)
class WriteGuard:
    """What one run may send."""

    host: bytes
    base_path: str
    is_loopback: bool
    run: str
    created: CreatedResources
    is_name: Callable[[str], bool]
    """Whether a new item may have this name by the contract."""
    most_items: int = MOST_ITEMS
    borrowed_id: ItemId | None = None
    """The one item that may be changed, in an account that may create none."""
    shape: ResourceShape = field(default_factory=ResourceShape)

    def check(self, request: httpx.Request) -> None:
        """
        Pass a request that may be sent; TargetError where it would change what the run has not made or goes elsewhere,
        NotAllowed where only a borrowed item may be changed, RunEnded where those that were removed are still there.
        """
        path, method = self.path(request), request.method
        if request.url.netloc != self.host:
            raise TargetError(f"{method} {request.url}: only {self.host.decode()} is under test")
        is_read = method in READS and not OVERRIDES & {name.lower() for name in request.headers}
        if is_read or self.shape.is_literal(path):
            return
        if self.is_create(request):
            self._check_create(request)
        elif self.shape.is_list(path) or not path.strip("/"):
            if method == "DELETE" or not self.is_loopback:
                raise TargetError(f"{method} {path}: refused, it could change {self.shape.name} of others")
        else:
            self._check_write(method, path)

    def path(self, request: httpx.Request) -> str:
        """Return a request's path below the base URL, as it is spelt."""
        return request.url.raw_path.partition(b"?")[0].decode("ascii").removeprefix(self.base_path)

    def is_create(self, request: httpx.Request) -> bool:
        """Whether a request would make an item."""
        return request.method == "POST" and self.shape.is_list(self.path(request))

    def item_id(self, request: httpx.Request) -> ItemId | None:
        """Return the id in a request's path; None where it names no item."""
        return self.shape.id_in(self.path(request))

    def is_absent(self, item_id: ItemId) -> bool:
        """Whether no item can have an id: this run has made it up."""
        if item_id in self.created.absent:
            return True
        is_own = isinstance(item_id, str) and item_id.startswith(NAME_PREFIX)
        return is_own and "/" not in str(item_id) and ".." not in str(item_id)

    def sent_name(self, request: httpx.Request) -> Any:
        """Return the run-name field of a request's body; None where there is none to read."""
        try:
            return json.loads(request.content)[self.shape.run_name]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def may_carry(self, name: str) -> bool:
        """Whether a create may be sent with a name: one that the API should accept has to tell who made the item."""
        return name.startswith(f"{NAME_PREFIX}{self.run}-") or not self.is_name(name)

    def _check_create(self, request: httpx.Request) -> None:
        if self.borrowed_id is not None:
            raise NotAllowed(f"{BORROWED}, so none is made")
        name, path = self.sent_name(request), self.path(request)
        if isinstance(name, str) and not self.may_carry(name):
            raise TargetError(f"POST {path}: the name {name[:60]!r} does not begin with {NAME_PREFIX}{self.run}-")
        if self.is_loopback and not self.shape.can("remove"):
            return  # they end with the mock
        if len(self.created.alive) + self.created.pending >= self.most_items:
            full = f"{self.most_items} items of this run exist (MAX_ITEMS)"
            if stayed := len(self.created.not_removed):
                raise RunEnded(f"{full}, as {stayed} of them were removed with success and stayed")
            if doubled := len(self.created.duplicates):
                raise RunEnded(f"{full}, as {doubled} of them were never asked for")
            raise TargetError(f"POST {path}: {full}")

    def _check_write(self, method: str, path: str) -> None:
        item_id = self.shape.id_in(path)
        if item_id is not None and item_id == self.borrowed_id:
            if method != self.shape.methods.get("update"):
                raise NotAllowed(f"{BORROWED}, and {method} may do more than change it")
        elif item_id is None or (item_id not in self.created.made and not self.is_absent(item_id)):
            raise TargetError(f"{method} {path}: this run has not made that item")
