"""
One item of this run, what the API said of it last, and the two outcomes that every update has.

Accepted means: success, the schema holds, the answer shows the value, a later read shows it, nothing else moved.
Refused means: a documented refusal, and a later read shows that nothing moved.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as data
from typing import Any

import pytest

from contract_tests.checks import observations
from contract_tests.checks.judge import BROKEN, Finding, Judge, has_status, require
from contract_tests.checks.observations import Attempt
from contract_tests.checks.rules import Rules
from contract_tests.generation.boundaries import Boundary, good_values, to_json
from contract_tests.spec.contract import Contract
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.target import OWN_TYPE, Api

Item = dict[str, Any]

STORED = "the answer and a later GET show the update"
UNTOUCHED = "only the fields that are sent are changed"

# What a request breaks that changes an item which it may not change, by the promise.
UNMOVED = {
    "atomic": "a body that is refused changes nothing",
    "isolation": "an update or a removal of one item changes no other",
    "read_your_writes": "a read shows the last completed write",
}


@dataclass(frozen=True)
class Rejection:
    """An update that the contract forbids."""

    token: bytes | str = data(repr=False)
    """The body as it goes over the wire."""
    promise: str
    """What the contract says, in a sentence."""
    clause: str
    """Where it says so."""
    field_name: str | None = None
    """The field at fault, where it is one and a parser can read the body: only then can an error be held to name it."""
    about: str = "the body"
    """What is wrong with the body, for the message."""
    statuses: tuple[int, ...] = ()
    """The statuses that are right; empty for those of an invalid body."""
    content_type: str | None = OWN_TYPE
    """The media type that is sent along; the one of the contract unless another is named."""
    counted: str = ""
    """The clause that it is counted under, where it is one value on trial."""
    first: Callable[[], None] | None = None
    """Sends what is to come just before it."""

    @classmethod
    def of(cls, fault: Boundary, token: str, *, promise: str = "", is_alone: bool = True) -> Rejection:
        """
        Return an update that holds one value on trial.

        Args:
            fault: The value.
            token: The body that holds it.
            promise: What the contract says beside the promise of the field.
            is_alone: Whether no other field is there that a test is about; then the value is counted.
        """
        name, counted = fault.field.name if fault.is_readable else None, fault.clause if is_alone else ""
        return cls(token, f"{fault.field.promise}{promise}", fault.source, name, fault.shown, counted=counted)


class ItemUnderTest:
    """An item that this run has made, ready to be updated and read back; what is found raises a Violation."""

    def __init__(
        self, api: Api, judge: Judge, item: Item, rules: Rules, another: Callable[[], Item] | None = None
    ) -> None:
        self.api = api
        self.judge = judge
        self.contract: Contract = judge.contract
        self.tally = judge.observations.counts
        self.rules = rules
        self.item_id: Any = item[judge.contract.resource.id_name]
        self._last: Item | None = item
        self._moved_at = time.monotonic()
        """When it was changed last, or made, as far as the answer tells."""
        self._another = another
        """Makes an item that takes its place where it cannot be read any more."""

    @property
    def path(self) -> str:
        """Where the item is found below the base URL."""
        return self.api.shape.path_of(self.item_id)

    def read(self) -> Item:
        """Read the item, and return it as the API answers it."""
        exchange = self.api.read(self.item_id)
        require(self.judge.success("read", exchange))
        self._last = exchange.item
        return exchange.item

    @property
    def last(self) -> Item:
        """What the API said of the item last; it is read again, or replaced, after anything went wrong."""
        return self._last if self._last is not None else self._recovered()

    def _recovered(self) -> Item:
        """Read the item after anything went wrong; another takes the place of one that the API cannot read."""
        exchange = self.api.read(self.item_id)
        if exchange.status < 500 or self._another is None:
            require(self.judge.success("read", exchange))
            self._last = exchange.item
        else:  # the test that broke it has told so
            self._last = self._another()
            self.item_id = self._last[self.contract.resource.id_name]
        return self._last

    def body(self, changes: Mapping[str, Any], spelled: Mapping[str, str] | None = None) -> str:
        """
        Write the body of an update as JSON text.

        Args:
            changes: The fields to change, in this order.
            spelled: JSON text for values whose spelling matters, by field.

        Returns:
            These fields, and those that the contract requires; all of the item where an update is sent whole.
        """
        tokens = {name: to_json(value) for name, value in changes.items()} | dict(spelled or {})
        rest = {}
        for name, tried in self.contract.fields("update").items():
            if name in tokens or not (tried.is_required or self._method == "PUT"):
                continue  # before the item is asked for what it holds, which may cost a read
            value = good_values(self.contract, tried)[0] if tried.is_write_only else self.last.get(name)
            if value is not None or tried.is_nullable:
                rest[name] = to_json(value)
        return object_of({**rest, **tokens})

    @property
    def _method(self) -> str:
        return self.contract.operation("update").method

    def send(self, body: bytes | str | None, *, method: str = "", **options: Any) -> Exchange:
        """Send the item what may change it or not, as an update by default; it is read anew before it counts again."""
        self._last, exchange = None, self.api.send(method or self._method, self.path, body=body, **options)
        self._moved_at = time.monotonic()
        return exchange

    def accepts(
        self, body: Mapping[str, Any], *, token: str | None = None, boundary: Boundary | None = None, **options: Any
    ) -> Exchange:
        """
        Send an update that the contract allows, and hold the API to all that acceptance means.

        Args:
            body: The fields to change.
            token: The body as JSON text, where the spelling matters.
            boundary: The one value that the body holds, where it is one on trial.
            options: For `Api.send`.
        """
        before = self.last
        text = self.body(body) if token is None else token
        self._last = None
        self.judge.observations.attempts.append(Attempt("update", before, body))
        if boundary is None:
            self._count_types(body)
        waited = time.monotonic() - self._moved_at
        exchange = self.api.send(self._method, self.path, body=text, **options)
        self._moved_at = time.monotonic()
        refused = self._refused_wrongly(exchange, body, boundary)
        if len(refused) == 1 and self._may_be_merged(before, body):
            pytest.skip(f"{refused[0].problem}: it may be merged with what is stored, which the schema does not allow")
        require(refused or self._judge_accepted(before, body, exchange, waited))
        return exchange

    def _may_be_merged(self, before: Item, body: Mapping[str, Any]) -> bool:
        """Whether an object that is merged with the stored one breaks the schema, and no other shows that the API replaces it."""
        fields, reader, accepts = self.contract.fields("update"), self.judge.reader, self.contract.accepts
        for name, (_, *merged) in reader.after(before, {n: v for n, v in body.items() if isinstance(v, dict)}).items():
            if not merged or self.contract.accepts_value(fields[name], merged[0]):
                continue
            for value in ({}, *good_values(self.contract, fields[name])):
                sent, *both = reader.after_update(name, before.get(name), value)
                is_telling = both not in ([], [sent]) and accepts("update", {name: value})
                if is_telling and self.send(self.body({name: value})).was_accepted:
                    return reader.is_same(name, self.read().get(name), both[0])
            return True
        return False

    def refuses(self, *rejections: Rejection) -> Exchange:
        """Send updates that the contract forbids, each by itself, and read once after the last; return that exchange."""
        assert rejections, "there is nothing to refuse, so nothing would be shown"
        before, exchange = self.last, None
        found: list[Finding] = []
        for rejection in rejections:
            if exchange is not None and exchange.was_accepted:
                before = self.read()  # it may well have done what was asked
            if rejection.first is not None:
                rejection.first()
            if rejection.counted:
                self.judge.observations.try_value(rejection.counted, is_valid=False)
            exchange, more = self._refusal(rejection, before)
            found += more
        assert exchange is not None
        moved = [] if exchange.was_accepted else self.unmoved(before, exchange)
        if len(rejections) > 1:
            which = f"one of {len(rejections)} updates that were refused, of which the last is shown, did this:"
            moved = [replace(f, problem=f"{which} {f.problem}", headline=f.headline or f.problem) for f in moved]
        require(found + moved)
        return exchange

    def _refusal(self, rejection: Rejection, before: Item) -> tuple[Exchange, list[Finding]]:
        exchange = self.send(rejection.token, content_type=rejection.content_type)
        if rejection.field_name is not None:
            self.judge.observations.note_spoilt("update", before, rejection.token, rejection.field_name)
        promise, clause, about = rejection.promise, rejection.clause, rejection.about
        found = self.judge.refusal("update", exchange, *rejection.statuses, promise=promise, clause=clause, about=about)
        if rejection.field_name is not None and not found:
            found += self.judge.details("update", exchange, rejection.field_name)
        rounded = None if found else self.judge.in_single_precision("update", exchange)
        return exchange, found if rounded is None else self._judge_accepted(before, rounded, exchange)

    def unmoved(
        self, before: Item, cause: Exchange | None = None, promise: str = "atomic", *, apart: bool = False
    ) -> list[Finding]:
        """Find what a request has changed that may change nothing here, by a promise: read again, or as another client."""
        exchange = self.api.read(self.item_id, apart=apart)
        found = self.judge.success("read", exchange)
        self._last = None if found else exchange.item  # what moved it is told once, not by the next test again
        if not found and self.contract.promises_that(promise):
            expected = self.judge.reader.unmoved(before)
            found = self.judge.shows(cause or exchange, exchange.item, expected, UNMOVED[promise])
        return found

    def try_boundary(self, boundary: Boundary) -> None:
        """Send one boundary value, alone in its body, and expect what the contract says."""
        name = boundary.field.name
        self.tally[name, "accepted" if boundary.accepted else "refused"] += 1
        self.tally[name, boundary.kind] += 1
        if not boundary.accepted:
            self.refuses(Rejection.of(boundary, self.body({}, {name: boundary.token})))
            return
        self.judge.observations.try_value(boundary.clause, is_valid=True)
        self.make_visible({name: boundary.value})
        body = self.rules.completed(self.last, {name: boundary.value})
        if body is not None:  # no item may have this value by the rules across fields
            self.accepts(body, token=self.body(body, {name: boundary.token}), boundary=boundary)

    def _count_types(self, body: Mapping[str, Any]) -> None:
        fields = self.contract.fields("update")
        for name in fields.keys() & {name for name, value in body.items() if value is not None}:
            with self.judge.observations.lock:
                self.judge.observations.clauses[f"{fields[name].pointer}/type", observations.ACCEPTED] += 1

    def make_visible(self, body: Mapping[str, Any]) -> None:
        """Give each field that already reads as it will another value first: an update that changes nothing shows nothing."""
        fields = self.contract.fields("update")
        other: dict[str, Any] = {}
        for name, value in body.items():
            if name in fields and fields[name].is_free and not fields[name].is_write_only:
                shown = self.last.get(name)
                others = [good for good in good_values(self.contract, fields[name]) if good != shown]
                if others and shown in self.judge.reader.after_update(name, object(), value):
                    other[name] = others[0]
        lawful = self.rules.completed(self.last, other) if other else None
        if lawful and self.contract.accepts("update", json.loads(self.body(lawful))):
            self.accepts(lawful)

    def _refused_wrongly(self, exchange: Exchange, body: Mapping[str, Any], boundary: Boundary | None) -> list[Finding]:
        if exchange.was_accepted or not 400 <= exchange.status < 500:
            return []
        leaks, expects = self.judge.leaks(exchange), has_status(self.contract.operation("update").successes)
        if boundary is not None:
            problem, promise = f"{boundary.shown} was refused with {exchange.status}", boundary.field.promise
            headline = f"{boundary.field.name}{boundary.path} is refused within what it may be: {promise}"
            refused = Finding(
                BROKEN, problem, promise, boundary.source, exchange, "refused", headline, boundary.value, expects
            )
            return [*leaks, refused]
        known = [tried for name, tried in self.contract.fields("update").items() if name in body]
        promise = "; ".join(tried.promise for tried in known) or "every field is optional"
        clause = known[0].pointer if len(known) == len(body) == 1 else self.contract.operation("update").pointer
        problem = f"{', '.join(body) or 'an empty update'} was refused with {exchange.status}"
        return [*leaks, Finding(BROKEN, problem, promise, clause, exchange, "refused", expects=expects)]

    def _judge_accepted(
        self, before: Item, body: Mapping[str, Any], exchange: Exchange, waited: float = 0.0
    ) -> list[Finding]:
        by_itself = self.judge.success("update", exchange)
        if not exchange.was_accepted:
            return by_itself
        reader = self.judge.reader
        changed, kept = reader.after(before, body), reader.untouched(before, body)
        read = self.api.read(self.item_id)
        faults = self.judge.success("read", read)
        found: list[Finding] = []
        for answer in (exchange, read) if not faults else (exchange,):
            if answer.item:  # without one its shape is wrong already, and there is nothing to compare
                found += self.judge.shows(exchange, answer.item, changed, STORED)
                found += self.judge.shows(exchange, answer.item, kept, UNTOUCHED)
        if not faults and not found:
            found += self.judge.misdated(read, before, read.item, waited)
            self._last = read.item
        return by_itself + found + faults


def object_of(tokens: Mapping[str, str]) -> str:
    """Write a JSON object whose values are JSON text already."""
    return f"{{{', '.join(f'{to_json(name)}: {token}' for name, token in tokens.items())}}}"
