"""Tries a value where it can be tried: in an update, in a new persona, in the query of a list."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from contract_tests.boundaries import good_values, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field
from contract_tests.edge_search.probes import NAME_FIELD, Answer, Outcome, Prober, is_among
from contract_tests.errors import Inconclusive
from contract_tests.exchange import NOT_JSON, Exchange
from contract_tests.run import Run
from contract_tests.subject import Subject


class UpdateProber(Prober):
    """Tries values of a field of updatePersona, on one persona."""

    def __init__(self, run: Run, tried: Field, subject: Subject) -> None:
        super().__init__(run, tried)
        self.subject = subject
        self.reading: Any = None
        self.settled: dict[str, Any] = {}
        """What each good value read as when it was sent first."""

    def send(self, value: Any, *, token: str | None = None, others: Mapping[str, Any] | None = None) -> Answer:
        """Send one value; where the field reads as before, find out once whether the API ignores such values."""
        before = self.reading
        answer = super().send(value, token=token, others=others)
        is_same = answer.outcome is Outcome.ALTERED and is_among(before, (answer.reads,))
        if is_same and self.ignores is None and len(self.good_values()) > 1:
            self.move_from(answer.reads)
            before = self.reading
            answer = super().send(value, token=token, others=others)
            self.ignores = answer.outcome is Outcome.ALTERED and is_among(before, (answer.reads,))
        return answer

    def move_from(self, reading: Any) -> None:
        """
        Send good values until the field reads otherwise.

        Raises:
            Inconclusive: It never does: good values are not stored, so nothing follows from others.
        """
        for value in self.good_values():
            self.counts.controls += 1
            self.after_control(value, self.write(to_json(value), self.companions))
            if not is_among(self.reading, (reading,)):
                return
        raise Inconclusive(f"good values of {self.tried.name} are accepted and not stored: it reads {reading!r}")

    def write(self, token: str, others: Mapping[str, Any]) -> Exchange:
        """Update the persona."""
        return self.run.api.update(self.subject.persona_id, body_of(self.tried.name, token, others))

    def read_back(self, value: Any, exchange: Exchange) -> Answer:
        """Read the persona."""
        self.counts.read_backs += 1
        read = self.run.api.get(self.subject.persona_id)
        shown = field_of(read, self.tried.name)
        right = self.run.judge.expected_reading(self.tried.name, self.reading, value)
        self.reading = shown
        return Answer(Outcome.ACCEPTED if is_among(shown, right) else Outcome.ALTERED, shown, exchange)

    def after_control(self, value: Any, exchange: Exchange) -> None:
        """
        Read the persona.

        Raises:
            Inconclusive: The value reads otherwise than it did before.
        """
        self.reading = field_of(self.run.api.get(self.subject.persona_id), self.tried.name)
        was = self.settled.setdefault(to_json(value), self.reading)
        if not is_among(self.reading, (was,)):
            raise Inconclusive(f"{self.tried.name} {value} read as {was!r} before and as {self.reading!r} now")


class CreateProber(Prober):
    """Tries values of a field of createPersona; each persona that this makes is removed at once."""

    def after_failure(self, failed: Exchange, token: str, others: Mapping[str, Any]) -> Exchange:
        """
        Send nothing more: nobody knows what a create that failed has made.

        Raises:
            Inconclusive: Always.
        """
        raise Inconclusive(f"createPersona answered {failed.status}, and nobody knows what it made")

    def write(self, token: str, others: Mapping[str, Any]) -> Exchange:
        """Create a persona of the required fields and the one on trial."""
        voice, language = self.run.spoken
        required = {NAME_FIELD: self.run.api.new_name(), VOICE_FIELD: voice, LANGUAGE_FIELD: language}
        rest = {name: value for name, value in required.items() if name != self.tried.name}
        return self.run.api.create(body_of(self.tried.name, token, {**rest, **others}))

    def read_back(self, value: Any, exchange: Exchange) -> Answer:
        """Read the persona and remove it."""
        self.counts.read_backs += 1
        persona_id, ledger = exchange.persona.get("id"), self.run.api.ledger
        if persona_id not in ledger.made:
            raise Inconclusive(f"createPersona answered {exchange.status} and no persona of this run: {persona_id!r}")
        try:
            # The transport has read the persona already, to see whether it is this run's.
            read = ledger.readings.get(persona_id) or persona_of(self.run.api.get(persona_id))
        finally:
            self.run.discard(exchange)
        shown = plain(read.get(self.tried.name))
        right = self.run.judge.expected_reading(self.tried.name, None, value)
        return Answer(Outcome.ACCEPTED if is_among(shown, right) else Outcome.ALTERED, shown, exchange)

    def after_control(self, value: Any, exchange: Exchange) -> None:
        """Remove the persona."""
        self.run.discard(exchange)


class QueryProber(Prober):
    """Tries values of a query parameter of listPersonas."""

    def good_values(self) -> list[Any]:
        """List the contract's own examples, else what its limits allow."""
        return self.run.contract.parameter_examples(self.tried.operation, self.tried.name) or good_values(self.tried)

    def write(self, token: str, others: Mapping[str, Any]) -> Exchange:
        """List personas; the value goes over the wire as it is written in JSON, text without its quotes."""
        text = json.loads(token) if self.tried.json_type == "string" else token
        return self.run.api.list_personas(**{self.tried.name: text, **others})

    def read_back(self, value: Any, exchange: Exchange) -> Answer:
        """Count what a page shows: more than was asked for is another size."""
        personas = exchange.json.get("personas") if isinstance(exchange.json, dict) else None
        if not isinstance(personas, list):
            raise Inconclusive(f"listPersonas answered {exchange.received()}")
        is_size = isinstance(value, int) and self.tried.json_type == "integer"
        if is_size and len(personas) > max(value, 0):
            self.ignores = True
            return Answer(Outcome.ALTERED, len(personas), exchange)
        return Answer(Outcome.ACCEPTED, value, exchange)

    def after_control(self, value: Any, exchange: Exchange) -> None:
        """Leave nothing behind."""


def body_of(name: str, token: str, others: Mapping[str, Any]) -> bytes:
    """Return a body as it goes over the wire; a lone surrogate is sent as its escape."""
    fields = [f"{to_json(other)}: {to_json(value)}" for other, value in others.items() if other != name]
    text = f"{{{', '.join([*fields, f'{to_json(name)}: {token}'])}}}"
    return text.encode("utf-8")


def field_of(read: Exchange, name: str) -> Any:
    """
    Return a field of a persona as GET shows it.

    Raises:
        Inconclusive: There is no persona in the answer.
    """
    return plain(persona_of(read).get(name))


def persona_of(read: Exchange) -> dict[str, Any]:
    """
    Return the persona that GET shows.

    Raises:
        Inconclusive: There is none in the answer.
    """
    if read.json is NOT_JSON or not read.persona:
        raise Inconclusive(f"an accepted value cannot be read back: {read.received()}")
    return read.persona


def plain(shown: Any) -> Any:
    """Return a reading as JSON can hold it: an answer with NaN in it is no JSON, though Python reads it."""
    return str(shown) if isinstance(shown, float) and not math.isfinite(shown) else shown
