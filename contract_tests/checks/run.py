"""One contract run: the API, the judge, what was tried, and the items that the tests use."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contract_tests.checks.account_findings import stolen
from contract_tests.checks.item_under_test import Item, ItemUnderTest
from contract_tests.checks.judge import Finding, Judge, Violation, require
from contract_tests.checks.listed_values import ListedValues
from contract_tests.checks.rules import Rules
from contract_tests.errors import Inconclusive
from contract_tests.generation.boundaries import to_json
from contract_tests.spec.contract import Contract
from contract_tests.spec.resource import Role
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.resource_shape import ItemId
from contract_tests.transport.target import Api
from contract_tests.transport.transport import IN_USE

# As long as a list may be behind (#/x-promises/read_your_writes), and a little more: how long each look waits for the next.
PAUSES_SECONDS = (0.25, 0.85, 2.2)
# So many pages of a list are turned: an account may have many items, and a page may hold few.
MOST_PAGES = 40


@dataclass(frozen=True)
class Run:
    """What the tests of one run share."""

    api: Api
    judge: Judge
    seed: int
    lent: Item | None = None
    """The item that the account lends, as it was, where it may make none."""
    kept_since: list[float] = field(default_factory=list)
    """When the long-lived item was updated; empty before."""
    is_brief: bool = False
    """Whether few requests may be sent, so that items are used again."""
    moving_pages: list[bool] = field(default_factory=list)
    """Whether items that others make move the pages of a list; empty while nobody had to know."""
    begun: dict[str, str] = field(default_factory=dict)
    """The tests that have sent requests, each with its first case."""
    _returned: list[ItemUnderTest] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Run({self.api.run})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Print as repr does: hypothesis, which prints the arguments of a failing test, would print every field."""
        printer.text(repr(self))

    @property
    def contract(self) -> Contract:
        """The contract that the API is held to."""
        return self.judge.contract

    @property
    def tally(self) -> Counter[tuple[str, str]]:
        """How many values were tried, by what was tried and by kind."""
        return self.judge.observations.counts

    @cached_property
    def listed(self) -> ListedValues:
        """What other operations list for the fields of a body; inconclusive where one lists nothing."""
        listed = ListedValues.ask(self.contract, self._listing_of)
        empty = [name for name in listed.names if not listed.values(name)]
        if empty or (listed.names and not listed.combinations()):
            what = ", ".join(empty or listed.names)
            raise Inconclusive(f"no value is listed for {what}, so no item can be made; add one to what the API lists")
        return listed

    def _listing_of(self, name: str) -> Any:
        exchange = self.api.send("GET", self.contract.operation(name).path)
        require(self.judge.success(name, exchange))
        return exchange.json

    @cached_property
    def rules(self) -> Rules:
        """What an item may be as a whole."""
        return Rules(self.contract, self.listed)

    @cached_property
    def long_lived(self) -> ItemUnderTest:
        """An item that is updated when it is first asked for, and left alone from then on."""
        item = self.create()
        item.accepts(self.full_body("update", 1))
        self.kept_since.append(time.monotonic())
        return item

    @cached_property
    def borrowed(self) -> ItemUnderTest | None:
        """The item that the account lends; all tests that borrow one share it."""
        return None if self.lent is None else self.taken(self.lent)

    def chance(self, purpose: str) -> random.Random:
        """Return a source of randomness that the seed of the run and the purpose decide."""
        return random.Random(f"{self.seed} {purpose}")

    def full_body(self, role: Role = "create", index: int = 0) -> Item:
        """Return a body with every field set to a value that is valid beyond doubt; another index gives others."""
        name = self.contract.run_name
        return self.rules.full_body(role, index, {} if name is None else {name: self.api.new_name()})

    def marked_body(self) -> Item:
        """Return a body for a create whose run name is on trial: the name of the run stands in another text too, if one takes it."""
        body, name = self.full_body(), self.contract.run_name
        fields = self.contract.fields("create")
        for other, tried in fields.items():
            if other == name or name is None or "string" not in tried.types or not tried.is_free:
                continue
            marked = {**body, other: f"{body.get(other) or ''} ({body[name]})".strip()}
            if self.contract.accepts_value(tried, marked[other]) and self.rules.lawful({}, marked):
                return marked
        return body

    def create(self, **changes: Any) -> ItemUnderTest:
        """Make an item that has every field set, some perhaps not to their usual value."""
        return self.taken(self._created(changes))

    def _created(self, changes: Mapping[str, Any]) -> Item:
        exchange = self.api.create(to_json({**self.full_body(), **changes}))
        try:
            require(self.judge.success("create", exchange) + stolen(self, exchange))
        except Violation:
            self.discard(exchange)  # nobody else knows of it
            raise
        return exchange.item

    def taken(self, item: Item) -> ItemUnderTest:
        """Return an item of this run, ready to be updated and read back."""
        another = None if self.lent is not None else lambda: self._created({})
        return ItemUnderTest(self.api, self.judge, item, self.rules, another)

    def call(self, name: str, item_id: ItemId, key: str | None) -> Exchange:
        """Call an operation, by role or operationId, with a request that would be right but for its key; None sends none."""
        operation = self.contract.operation(name)
        below = operation.path.removeprefix(self.contract.resource.item_path)
        path = self.api.shape.path_of(item_id) + below if operation.path_parameters else operation.path
        bodies: dict[str, tuple[Role, int]] = {"create": ("create", 0), "update": ("update", 1)}
        of = bodies.get(self.contract.role(operation.operation_id))
        body = None if of is None else to_json(self.full_body(*of))
        return self.api.send(operation.method, path, body=body, key=key)

    def remove(self, item_id: ItemId, *others: int) -> Exchange:
        """
        Remove an item of this run, as a test of what a removal does; *others* are right as well as success.

        Raises:
            Inconclusive: Something uses the item, which is documented, and nothing follows from it.
        """
        exchange = self.api.remove(item_id)
        documented = {IN_USE} & {*self.contract.operation("remove").statuses}
        require(self.judge.success("remove", exchange, *others, *documented))
        if exchange.status == IN_USE:
            raise Inconclusive(f"DELETE {exchange.path} answered {IN_USE}: something uses the item")
        return exchange

    def named(self, name: str) -> list[ItemId]:
        """Look through the list for the items of exactly one run name, and return their ids."""
        field = self.contract.run_name
        query = self.query(where={field: name} if field else {})
        shown = (item for page in self.pages(MOST_PAGES, **query) for item in page.items)
        return list(dict.fromkeys(item[self.api.shape.id_name] for item in shown if item.get(field) == name))

    def query(
        self, *, size: int | None = None, order: str | None = None, where: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """
        Return the parameters of a list; what the contract has no parameter for is left out.

        Args:
            size: How many items a page may hold at most.
            order: The field that orders the list, with a dash in front for descending.
            where: The values of fields that the items must have.
        """
        listing = self.contract.listing
        found: dict[str, str] = {}
        if size is not None and listing.paging.size is not None:
            found[listing.paging.size.name] = str(size)
        if order is not None and listing.order is not None and order in listing.orders:
            found[listing.order] = order
        for name, value in (where or {}).items():
            if name in listing.filters:
                parameter, template = listing.filters[name]
                found[parameter] = template.replace(f"{{{name}}}", value)
        return found

    def pages(self, most: int = MOST_PAGES, **params: str) -> Iterator[Exchange]:
        """
        Turn the pages of a list: each may hold few items, or none, and still lead on.

        Args:
            most: After so many pages the rest is left alone.
            params: The query of the first page, sent with each.
        """
        turn: dict[str, str] | None = {}
        seen = 0
        for number in range(most):
            page = self.api.list(**params, **(turn or {}))
            require(self.judge.success("list", page))
            yield page
            seen += len(page.items)
            turn = self.api.shape.next_page(page.json, number, seen)
            if turn is None:
                return

    def is_last(self, page: Exchange) -> bool:
        """Whether a page says that no other follows: an empty one does where pages have no token."""
        return self.api.shape.next_page(page.json, 0, 1) is None

    def at_last(self, look: Callable[[], list[Finding]]) -> None:
        """Pass once a look at a list finds nothing: a list may be behind for some time."""
        for seconds in PAUSES_SECONDS:
            if not look():
                return
            time.sleep(seconds)
        require(look())

    def discard(self, exchange: Exchange) -> None:
        """Remove the item that a create has made, if it is one of this run and the contract has a removal."""
        item_id = self.api.shape.id_of(exchange.item)
        if item_id is not None and item_id in self.api.created.alive and self.api.shape.can("remove"):
            self.api.remove(item_id)

    @contextmanager
    def item(self, **changes: Any) -> Iterator[ItemUnderTest]:
        """Lend an item that has every field set, and remove it afterwards; a brief run lends it again."""
        item = (None if changes else self._lend_again()) or self.create(**changes)
        try:
            yield item
        finally:
            if self.is_brief and not changes and self.contract.has("read"):
                self._returned.append(item)
            else:
                self._remove(item)

    def _lend_again(self) -> ItemUnderTest | None:
        """Read the item that came back last, and lend it if it still has every field set."""
        while self._returned:
            item = self._returned.pop()
            if item.item_id in self.api.created.removed:
                continue
            with suppress(Violation):
                shown = item.read()
                fields = self.contract.fields("update").items()
                if all(shown.get(name) is not None for name, tried in fields if not tried.is_write_only):
                    return item
            self._remove(item)
        return None

    def _remove(self, item: ItemUnderTest) -> None:
        if self.api.shape.can("remove") and item.item_id not in self.api.created.removed:
            with suppress(Inconclusive):  # the end of the run tries again
                self.api.remove(item.item_id)

    @contextmanager
    def lend(self) -> Iterator[ItemUnderTest]:
        """Lend an item that has every field set: one that is made for it, or the one that the account lends."""
        if self.borrowed is None:
            with self.item() as item:
                yield item
        else:
            self.borrowed.accepts(self.full_body("update"))
            yield self.borrowed
