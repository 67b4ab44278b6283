"""
Sends one value of one field, alone, and says what became of it: accepted, altered or refused.

A refusal counts only when it is the field's: the error names the field, or a good value of it is accepted right after.
Everything else is inconclusive, and so is a value that cannot be read back.
"""

from __future__ import annotations

import enum
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract_tests.boundaries import good_values, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.target import NOT_JSON, Exchange, Inconclusive

UPDATE = "updatePersona"
CREATE = "createPersona"
BODIES = (UPDATE, CREATE)
NAME_FIELD = "name"

# Statuses that say something of the caller, not of the value.
NOT_ABOUT_THE_VALUE = (401, 403, 408, 429)


class Outcome(enum.StrEnum):
    """What became of a value."""

    ACCEPTED = "accepted"
    ALTERED = "altered"
    REFUSED = "refused"


@dataclass(frozen=True)
class Answer:
    """What became of one value."""

    outcome: Outcome
    reads: Any
    """The value as it reads back; None where it was refused."""
    exchange: Exchange = field(repr=False)


@dataclass
class Counts:
    """The requests of one row, by what they were for."""

    requests: int = 0
    controls: int = 0
    read_backs: int = 0


class Prober(ABC):
    """Tries values of one field of one operation."""

    def __init__(self, run: Run, tried: Field) -> None:
        self.run = run
        self.tried = tried
        self.counts = Counts()
        self.good: Any = None
        """The good value that was accepted last."""
        self.ignores: bool | None = None
        """Whether values are accepted and leave the field as it is; None while nothing looks like it."""

    def send(self, value: Any, *, token: str | None = None, others: Mapping[str, Any] | None = None) -> Answer:
        """
        Send one value and read it back.

        Args:
            value: The value.
            token: Its JSON text, where the spelling matters.
            others: Good values of other fields that go along.

        Raises:
            Inconclusive: Nothing follows from the answer.
        """
        self.counts.requests += 1
        exchange = self.write(to_json(value) if token is None else token, {**self.companions, **(others or {})})
        if exchange.was_accepted:
            return self.read_back(value, exchange)
        if exchange.status in NOT_ABOUT_THE_VALUE:
            raise Inconclusive(
                f"{exchange.method} {exchange.path} answered {exchange.status} in the middle of a search"
            )
        if not self.blames_the_field(exchange):
            self.control()
        return Answer(Outcome.REFUSED, None, exchange)

    def control(self, others: Mapping[str, Any] | None = None) -> None:
        """
        Send a value that is good beyond doubt.

        Args:
            others: Good values of other fields that go along.

        Raises:
            Inconclusive: It is refused, so that nothing follows from other refusals.
        """
        exchange = None
        for value in self.good_values():
            self.counts.controls += 1
            exchange = self.write(to_json(value), {**self.companions, **(others or {})})
            if exchange.was_accepted:
                self.good = value
                self.after_control(value, exchange)
                return
        assert exchange is not None, f"no good value of {self.tried.name}"
        raise Inconclusive(f"good values of {self.tried.name} are refused too: {exchange.received()}")

    @property
    def companions(self) -> dict[str, Any]:
        """The field that the value must fit: a voice goes with a language that it speaks, and a language with a voice."""
        voice, language = self.run.spoken
        return {VOICE_FIELD: {LANGUAGE_FIELD: language}, LANGUAGE_FIELD: {VOICE_FIELD: voice}}.get(self.tried.name, {})

    def blames_the_field(self, exchange: Exchange) -> bool:
        """Whether an error names this field."""
        error = exchange.json.get("error") if isinstance(exchange.json, dict) else None
        details = error.get("details") if isinstance(error, dict) else None
        named = [str(item.get("field", "")) for item in details or () if isinstance(item, dict)]
        return any(self.tried.name in name for name in named)

    def good_values(self) -> list[Any]:
        """List values that are valid beyond doubt."""
        if self.tried.name == NAME_FIELD:
            return [self.run.api.new_name()]
        voice, language = self.run.spoken
        return {VOICE_FIELD: [voice], LANGUAGE_FIELD: [language]}.get(self.tried.name) or good_values(self.tried)

    @abstractmethod
    def write(self, token: str, others: Mapping[str, Any]) -> Exchange:
        """Send a value as JSON text, with good values of other fields."""

    @abstractmethod
    def read_back(self, value: Any, exchange: Exchange) -> Answer:
        """Tell an accepted value from an altered one."""

    @abstractmethod
    def after_control(self, value: Any, exchange: Exchange) -> None:
        """Note what a good value has left behind."""


class UpdateProber(Prober):
    """Tries values of a field of updatePersona, on one persona."""

    def __init__(self, run: Run, tried: Field, subject: Subject) -> None:
        super().__init__(run, tried)
        self.subject = subject
        self.reading: Any = None

    def send(self, value: Any, *, token: str | None = None, others: Mapping[str, Any] | None = None) -> Answer:
        """Send one value; where the field reads as before, find out once whether the API ignores such values."""
        before = self.reading
        answer = super().send(value, token=token, others=others)
        if answer.outcome is Outcome.ALTERED and self.ignores is None and is_among(before, (answer.reads,)):
            self.control()
            before = self.reading
            answer = super().send(value, token=token, others=others)
            self.ignores = answer.outcome is Outcome.ALTERED and is_among(before, (answer.reads,))
        return answer

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
        """Remember how the field reads now."""
        self.reading = exchange.persona.get(self.tried.name, value)


class CreateProber(Prober):
    """Tries values of a field of createPersona; each persona that this makes is removed at once."""

    def write(self, token: str, others: Mapping[str, Any]) -> Exchange:
        """Create a persona of the required fields and the one on trial."""
        voice, language = self.run.spoken
        required = {NAME_FIELD: self.run.api.new_name(), VOICE_FIELD: voice, LANGUAGE_FIELD: language}
        rest = {name: value for name, value in required.items() if name != self.tried.name}
        return self.run.api.create(body_of(self.tried.name, token, {**rest, **others}))

    def read_back(self, value: Any, exchange: Exchange) -> Answer:
        """Read the persona and remove it."""
        self.counts.read_backs += 1
        persona_id = exchange.persona.get("id")
        if persona_id not in self.run.api.ledger.made:
            raise Inconclusive(f"createPersona answered {exchange.status} and no persona of this run: {persona_id!r}")
        try:
            shown = field_of(self.run.api.get(str(persona_id)), self.tried.name)
        finally:
            self.run.discard(exchange)
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
    if read.json is NOT_JSON or not read.persona:
        raise Inconclusive(f"an accepted value cannot be read back: {read.received()}")
    return read.persona.get(name)


def is_among(shown: Any, right: tuple[Any, ...]) -> bool:
    """Whether a reading is one of the right ones; true is not 1."""
    return any(shown == one and isinstance(shown, bool) == isinstance(one, bool) for one in right)
