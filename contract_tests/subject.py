"""
One persona of this run, what the API said of it last, and the two outcomes that every update has.

Accepted means: success, the schema holds, the answer shows the value, a later GET shows it, nothing else moved.
Refused means: 400 in the documented shape, and a later GET shows that nothing moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as data
from typing import Any

from contract_tests import drift
from contract_tests.boundaries import Boundary, good_values, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Contract
from contract_tests.exchange import Exchange
from contract_tests.fence import path_of
from contract_tests.target import Api
from contract_tests.verdict import BROKEN, Finding, Judge, require, same_instant

Persona = dict[str, Any]

ATOMIC = "a body that is refused changes nothing"
STORED = "the answer and a later GET show the update"
UNTOUCHED = "only the fields that are sent are changed"


@dataclass(frozen=True)
class Wrong:
    """An update that the contract forbids."""

    token: bytes | str = data(repr=False)
    """The body as it goes over the wire."""
    promise: str
    """What the contract says, in a sentence."""
    clause: str
    """Where it says so."""
    field_name: str | None = None
    """The one field at fault, where it is one."""
    is_readable: bool = True
    """Whether a JSON parser can read the body; without that nobody can say which field is at fault."""
    about: str | None = None
    """What is wrong with the body, for the message."""
    statuses: tuple[int, ...] = (400,)
    """The statuses that are right."""
    content_type: str | None = "application/json"
    """The media type that is sent along."""
    counted: str = ""
    """The clause that it is counted under, where it is one value on trial."""

    @classmethod
    def of(cls, boundary: Boundary) -> Wrong:
        """Return the update that holds one value on trial, alone."""
        token = f"{{{to_json(boundary.field.name)}: {boundary.token}}}"
        readable = boundary.is_readable
        promise = boundary.field.promise
        name, counted = boundary.field.name, boundary.clause
        return cls(token, promise, boundary.source, name, readable, boundary.shown, counted=counted)


class Subject:
    """A persona that this run has made, ready to be updated and read back."""

    def __init__(self, api: Api, judge: Judge, tally: Counter[tuple[str, str]], persona: Persona) -> None:
        self.api = api
        self.judge = judge
        self.tally = tally
        self.persona_id: str = persona["id"]
        self._last: Persona | None = persona

    @property
    def contract(self) -> Contract:
        """The contract that the API is held to."""
        return self.judge.contract

    @property
    def path(self) -> str:
        """Where the persona is found below the base URL."""
        return path_of(self.persona_id)

    def read(self) -> Persona:
        """
        Read the persona.

        Returns:
            The persona as GET answers it.

        Raises:
            Violation: GET does not answer as documented.
        """
        exchange = self.api.get(self.persona_id)
        require(self.judge.success("getPersona", exchange))
        self._last = exchange.persona
        return exchange.persona

    @property
    def last(self) -> Persona:
        """What the API said of the persona last; it is read again after anything went wrong."""
        return self._last if self._last is not None else self.read()

    def accepts(
        self, body: Mapping[str, Any], *, token: str | None = None, boundary: Boundary | None = None
    ) -> Exchange:
        """
        Send an update that the contract allows, and hold the API to all that acceptance means.

        Args:
            body: The fields to change.
            token: The body as JSON text, where the spelling matters.
            boundary: The one value that the body holds, where it is one on trial.

        Returns:
            The exchange of the update.

        Raises:
            Violation: It was refused, or did not do what it says, or did more.
        """
        before, self._last = self.last, None
        if boundary is None:
            self._count_types(body)
        exchange = self.api.update(self.persona_id, to_json(body) if token is None else token)
        found = self._refused_wrongly(exchange, body, boundary) or self._judge_accepted(before, body, exchange)
        require(found)
        return exchange

    def refuses(
        self,
        token: bytes | str,
        *,
        promise: str,
        clause: str,
        field_name: str | None = None,
        is_readable: bool = True,
        about: str | None = None,
        statuses: tuple[int, ...] = (400,),
        content_type: str | None = "application/json",
    ) -> Exchange:
        """
        Send an update that the contract forbids, and hold the API to all that refusal means.

        Args:
            token: The body as it goes over the wire.
            promise: What the contract says, in a sentence.
            clause: Where it says so.
            field_name: The one field at fault, where it is one.
            is_readable: Whether a JSON parser can read the body; without that nobody can say which field is at fault.
            about: What is wrong with the body, for the message.
            statuses: The statuses that are right.
            content_type: The media type that is sent along.

        Returns:
            The exchange of the update.

        Raises:
            Violation: It was accepted, or refused in another way, or changed something.
        """
        before, self._last = self.last, None
        wrong = Wrong(token, promise, clause, field_name, is_readable, about, statuses, content_type)
        exchange, found = self._refusal(wrong, before)
        # What was accepted may well have done what was asked.
        require(found if exchange.was_accepted else found + self.unmoved(before, exchange))
        return exchange

    def refuses_each(self, wrongs: Iterable[Wrong]) -> None:
        """
        Send several updates that the contract forbids, each by itself, and read once after the last.

        Raises:
            Violation: One was accepted, or refused in another way, or one of them changed something.
        """
        before, self._last = self.last, None
        found: list[Finding] = []
        sent = tuple(wrongs)
        assert sent, "there is nothing to refuse, so nothing would be shown"
        for wrong in sent:
            if wrong.counted:
                self.judge.notes.try_value(wrong.counted, is_valid=False)
            exchange, more = self._refusal(wrong, before)
            found += more
            before = self.read() if exchange.was_accepted else before  # it may well have done what was asked
        require(found)
        moved = self.unmoved(before, exchange)
        if len(sent) > 1:
            which = f"one of {len(sent)} updates that were refused, of which the last is shown, did this:"
            moved = [replace(f, problem=f"{which} {f.problem}", headline=f.headline or f.problem) for f in moved]
        require(moved)

    def _refusal(self, wrong: Wrong, before: Persona) -> tuple[Exchange, list[Finding]]:
        """Send an update that the contract forbids, and judge the answer by itself."""
        exchange = self.api.send("PATCH", self.path, body=wrong.token, content_type=wrong.content_type)
        found = self.judge.refusal(
            "updatePersona",
            exchange,
            *wrong.statuses,
            promise=wrong.promise,
            clause=wrong.clause,
            about=wrong.about or wrong.field_name or "the body",
        )
        if wrong.field_name is not None and wrong.is_readable and not found:
            found += self.judge.details(exchange, wrong.field_name)
        rounded = None if found else self.judge.in_single_precision("updatePersona", exchange)
        return exchange, found if rounded is None else self._judge_accepted(before, rounded, exchange)

    def unmoved(self, before: Persona, cause: Exchange) -> list[Finding]:
        """Find what a request that may change nothing has changed: read again and compare."""
        exchange = self.api.get(self.persona_id)
        found = self.judge.success("getPersona", exchange)
        expected: dict[str, tuple[Any, ...]] = {n: (before.get(n),) for n in self.contract.persona_fields}
        born, moved = before.get("create_time"), before.get("update_time")
        if moved is None or same_instant(born, moved):  # before the first update it may be told, or not
            expected["update_time"] = (None, born)
        if not found:
            found = self.judge.shows(cause, exchange.persona, expected, ATOMIC)
        if not found:
            self._last = exchange.persona
        return found

    def try_boundary(self, boundary: Boundary) -> None:
        """
        Send one boundary value, alone in its body, and expect what the contract says.

        Raises:
            Violation: The API says otherwise.
        """
        name = boundary.field.name
        token = f"{{{to_json(name)}: {boundary.token}}}"
        self.tally[name, "accepted" if boundary.accepted else "refused"] += 1
        self.tally[name, boundary.kind] += 1
        self.judge.notes.try_value(boundary.clause, is_valid=boundary.accepted)
        if not boundary.accepted:
            self.refuses(
                token,
                promise=boundary.field.promise,
                clause=boundary.source,
                field_name=name,
                is_readable=boundary.is_readable,
                about=boundary.shown,
            )
            return
        body = {name: boundary.value}
        self.make_visible(body)
        self.accepts(body, token=token, boundary=boundary)

    def _count_types(self, body: Mapping[str, Any]) -> None:
        """Count the fields of a body that is sent to be accepted: each has a value of its type."""
        fields = self.contract.fields("updatePersona")
        for name in fields.keys() & {name for name, value in body.items() if value is not None}:
            with self.judge.notes.lock:
                self.judge.notes.tried[f"{fields[name].pointer}/type", drift.ACCEPTED] += 1

    def make_visible(self, body: Mapping[str, Any]) -> None:
        """Give each field that already reads as it will another value first: an update that changes nothing shows nothing."""
        fields = self.contract.fields("updatePersona")
        other: dict[str, Any] = {}
        for name, value in body.items():
            if name in fields and name not in (VOICE_FIELD, LANGUAGE_FIELD):
                shown = self.last.get(name)
                if shown in self.judge.expected_reading(name, object(), value):
                    other[name] = next(good for good in good_values(fields[name]) if good != shown)
        if other:
            self.accepts(other)

    def _refused_wrongly(self, exchange: Exchange, body: Mapping[str, Any], boundary: Boundary | None) -> list[Finding]:
        if exchange.was_accepted or not 400 <= exchange.status < 500:
            return []
        leaks = self.judge.leaks(exchange)
        fields = self.contract.fields("updatePersona")
        promise = "; ".join(fields[name].promise for name in body if name in fields) or "every field is optional"
        sent = [fields[name].pointer for name in body if name in fields]
        clause = sent[0] if len(sent) == len(body) == 1 else self.contract.operation("updatePersona").pointer
        what = (", ".join(body) or "an empty update") if boundary is None else boundary.shown
        problem = f"{what} was refused with {exchange.status}"
        if boundary is None:
            return [*leaks, Finding(BROKEN, problem, promise, clause, exchange, "refused")]
        headline = f"{boundary.field.name} is refused within what it may be: {boundary.field.promise}"
        refused = Finding(BROKEN, problem, promise, boundary.source, exchange, "refused", headline, boundary.value)
        return [*leaks, refused]

    def _judge_accepted(self, before: Persona, body: Mapping[str, Any], exchange: Exchange) -> list[Finding]:
        by_itself = self.judge.success("updatePersona", exchange)
        if not exchange.was_accepted:
            return by_itself
        changed = {
            name: self.judge.expected_reading(name, before.get(name), value)
            for name, value in body.items()
            if name in self.contract.fields("updatePersona")
        }
        kept = {name: (before.get(name),) for name in self.contract.persona_fields - changed.keys() - {"update_time"}}
        read = self.api.get(self.persona_id)
        faults = self.judge.success("getPersona", read)
        found: list[Finding] = []
        for answer in (exchange, read) if not faults else (exchange,):
            if answer.persona:  # without one its shape is wrong already, and there is nothing to compare
                found += self.judge.shows(exchange, answer.persona, changed, STORED)
                found += self.judge.shows(exchange, answer.persona, kept, UNTOUCHED)
        if not faults and not found:
            found += self.judge.moved_back(read, before.get("update_time"), read.persona.get("update_time"))
            self._last = read.persona
        return by_itself + found + faults
