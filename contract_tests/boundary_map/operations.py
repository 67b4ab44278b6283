"""Tries a value where it can be tried: in an update, in a new item, in the query of a list."""

import json
import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from contract_tests.boundary_map.probes import Answer, Outcome, Prober
from contract_tests.boundary_map.slots import Slot
from contract_tests.checks.item_under_test import Item, ItemUnderTest, object_of
from contract_tests.checks.run import Run
from contract_tests.errors import Inconclusive
from contract_tests.generation.boundaries import good_values, to_json
from contract_tests.spec.resource import Role
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.write_guard import NAME_PREFIX

UPDATE: Role = "update"
CREATE: Role = "create"
LIST: Role = "list"


class UpdateProber(Prober):
    """Tries values of a field of the update, on one item."""

    role = UPDATE

    def __init__(self, run: Run, slot: Slot, subject: ItemUnderTest) -> None:
        super().__init__(run, slot)
        self.subject = subject
        self.item: Item = subject.last
        self.settled: dict[str, Any] = {}
        """What each good value read as when it was sent first."""

    @property
    def _reading(self) -> Any:
        return _plain(self.item.get(self.tried.name))

    def send(self, value: Any, *, token: str | None = None, others: Mapping[str, Any] | None = None) -> Answer:
        """Send one value; where the field reads as before, find out once whether the API ignores such values."""
        before = self._reading
        answer = super().send(value, token=token, others=others)
        is_same = answer.outcome is Outcome.ALTERED and _is_same(before, self._reading)
        if is_same and self.ignores is None and len(self.good_values()) > 1:
            self._move_from(self._reading)
            before = self._reading
            answer = super().send(value, token=token, others=others)
            self.ignores = answer.outcome is Outcome.ALTERED and _is_same(before, self._reading)
        return answer

    def _move_from(self, reading: Any) -> None:
        """Send good values until the field reads otherwise; where it never does, nothing follows from other values."""
        for value in self.good_values():
            self.counts.controls += 1
            self.after_control(value, self.write(value, to_json(value), {}))
            if not _is_same(self._reading, reading):
                return
        raise Inconclusive(f"good values of {self.tried.name} are accepted and not stored: it reads {to_json(reading)}")

    def write(self, value: Any, token: str, others: Mapping[str, Any]) -> Exchange:
        """Update the item: with the fields that the value needs beside it, and whole where the contract asks for it."""
        rest = {**self.needed, **others}
        completed = self.run.rules.completed(self.item, {**rest, self.tried.name: value}) or rest
        rest = {name: other for name, other in completed.items() if name != self.tried.name}
        return self.run.api.update(self.subject.item_id, self.subject.body(rest, {self.tried.name: token}))

    @cached_property
    def needed(self) -> Item:
        """The fields without which the contract allows no update of this one."""
        contract, goods = self.run.contract, self.good_values()
        if not goods or contract.operation(UPDATE).method == "PUT":
            return {}
        whole = self.run.full_body(UPDATE)
        required = {name: whole[name] for name, tried in contract.fields(UPDATE).items() if tried.is_required}
        tries: tuple[Item, ...] = ({}, required, whole)
        return next((rest for rest in tries if contract.accepts(UPDATE, {**rest, self.tried.name: goods[0]})), {})

    def read_back(self, value: Any, exchange: Exchange) -> Answer:
        """Read the item."""
        before = self._reading
        self.counts.read_backs += self.run.contract.has("read")
        shown = self._shown(exchange)
        self.item = shown or self.item
        # Without a read and an item in the answer, being accepted is all there is.
        if self.tried.is_write_only or not shown:
            return Answer(Outcome.ACCEPTED, self.slot.read(value), exchange)
        right = self.run.judge.reader.after_update(self.tried.name, before, value)
        is_kept = self.is_right(self._reading, right)
        return Answer(Outcome.ACCEPTED if is_kept else Outcome.ALTERED, self.slot.read(self._reading), exchange)

    def _shown(self, exchange: Exchange) -> Item:
        """Return the item after an update: as a read shows it, else as the answer does."""
        return _item_in(self.run.api.read(self.subject.item_id)) if self.run.contract.has("read") else exchange.item

    def after_control(self, value: Any, exchange: Exchange) -> None:
        """Read the item; nothing follows where the value reads otherwise than it did before."""
        self.item = self._shown(exchange) or self.item
        was = self.settled.setdefault(to_json(value), self._reading)
        if not _is_same(self._reading, was):
            raise Inconclusive(
                f"{self.tried.name} {to_json(value)} read as {to_json(was)} before and as {to_json(self._reading)} now"
            )


class CreateProber(Prober):
    """Tries values of a field of the create; each item that this makes is removed at once."""

    role = CREATE

    def after_failure(self, failed: Exchange, value: Any, token: str, others: Mapping[str, Any]) -> Exchange:
        """Send nothing more: nobody knows what a create that failed has made."""
        raise Inconclusive(f"{self.tried.operation} answered {failed.status}, and nobody knows what it made")

    def write(self, value: Any, token: str, others: Mapping[str, Any]) -> Exchange:
        """Create an item of the fields that are needed and the one on trial."""
        bodies = [{**rest, **others} for rest in self._rests(value)]
        lawful = (rest for rest in bodies if self.run.rules.lawful({}, {**rest, self.tried.name: value}))
        rest = next(lawful, bodies[0])
        tokens = {name: to_json(other) for name, other in rest.items() if name != self.tried.name}
        return self.run.api.create(object_of({**tokens, self.tried.name: token}))

    def _rests(self, value: Any) -> Iterator[Item]:
        """Yield what may stand beside a value: as few fields as the contract allows, then all; listed values that go together."""
        contract, name = self.run.contract, self.tried.name
        if self.is_run_name and NAME_PREFIX not in to_json(value):
            yield self.run.marked_body()  # by which the item is found, should one be made
            return
        whole = self.run.full_body(CREATE)
        required = {each: whole[each] for each, tried in contract.fields(CREATE).items() if tried.is_required}
        goods = self.good_values()
        is_enough = not goods or contract.accepts(CREATE, {**required, name: goods[0]})
        for rest in (required, whole) if is_enough else (whole,):
            yield rest
            for some in self.run.listed.combinations():
                if some.get(name, value) == value:
                    yield {**rest, **{each: one for each, one in some.items() if each in rest}}

    def read_back(self, value: Any, exchange: Exchange) -> Answer:
        """Read the item and remove it."""
        self.counts.read_backs += 1
        item_id, created = self.run.api.shape.id_of(exchange.item), self.run.api.created
        if item_id is None or item_id not in created.made:
            raise Inconclusive(
                f"{self.tried.operation} answered {exchange.status} and no item of this run: {to_json(item_id)}"
            )
        try:
            # The transport has read the item already, to see whether it is this run's.
            can_read = self.run.contract.has("read")
            read = created.readings.get(item_id) or _item_in(self.run.api.read(item_id) if can_read else exchange)
        finally:
            self.run.discard(exchange)
        shown = _plain(read.get(self.tried.name))
        right = self.run.judge.reader.after_create({self.tried.name: value}).get(self.tried.name)
        is_kept = right is None or self.is_right(shown, right)
        reads = self.slot.read(value if self.tried.is_write_only else shown)
        return Answer(Outcome.ACCEPTED if is_kept else Outcome.ALTERED, reads, exchange)

    def after_control(self, value: Any, exchange: Exchange) -> None:
        """Remove the item, where the contract can; a mock's items end with it."""
        self.run.discard(exchange)


class QueryProber(Prober):
    """Tries values of a query parameter of the list."""

    role = LIST

    def good_values(self) -> list[Any]:
        """List the contract's own examples, else what its limits allow."""
        contract = self.run.contract
        shown = contract.parameter_examples(self.tried.operation, self.tried.name)
        return shown or good_values(contract, self.tried)

    def write(self, value: Any, token: str, others: Mapping[str, Any]) -> Exchange:
        """List items; the value goes over the wire as it is written in JSON, text without its quotes."""
        text = json.loads(token) if token.startswith('"') else token
        return self.run.api.list(**{self.tried.name: text, **others})

    def read_back(self, value: Any, exchange: Exchange) -> Answer:
        """Count what a page shows: more than was asked for is another size."""
        items = self.run.api.shape.items_in(exchange.json)
        if items is None:
            raise Inconclusive(f"{self.tried.operation} answered {exchange.received()}")
        size = self.run.contract.listing.paging.size
        is_size = size is not None and size.name == self.tried.name and isinstance(value, int)
        if is_size and len(items) > max(value, 0):
            self.ignores = True
            return Answer(Outcome.ALTERED, len(items), exchange)
        return Answer(Outcome.ACCEPTED, value, exchange)


def _item_in(exchange: Exchange) -> Item:
    """Return the item that an answer shows; nothing follows from an answer without one."""
    if not exchange.item:
        raise Inconclusive(f"an accepted value cannot be read back: {exchange.received()}")
    return exchange.item


def _plain(shown: Any) -> Any:
    """Return a reading as JSON can hold it: an answer with NaN in it is no JSON, though Python reads it."""
    return str(shown) if isinstance(shown, float) and not math.isfinite(shown) else shown


def _is_same(one: Any, other: Any) -> bool:
    """Whether two readings are the same; true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
