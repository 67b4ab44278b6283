"""
Sends one value of one field, alone, and says what became of it: accepted, altered or refused.

A refusal counts only when it is the field's: the error names the field, or a good value of it is accepted right after.
Everything else is inconclusive, and so is a value that cannot be read back.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract_tests.boundaries import good_values, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field
from contract_tests.errors import Inconclusive
from contract_tests.exchange import Exchange
from contract_tests.run import Run

UPDATE = "updatePersona"
CREATE = "createPersona"
BODIES = (UPDATE, CREATE)
NAME_FIELD = "name"

# From this status on the API says that it has failed itself.
FAILED = 500
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
        self.failures: Counter[int] = Counter()
        """The values that the API failed on, twice, by the status of its answer."""

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
        token = to_json(value) if token is None else token
        exchange = self.write(token, {**self.companions, **(others or {})})
        if exchange.status >= FAILED:
            exchange = self.after_failure(exchange, token, others or {})
        if exchange.was_accepted:
            return self.read_back(value, exchange)
        if exchange.status in NOT_ABOUT_THE_VALUE:
            where = f"{exchange.method} {exchange.path}"
            raise Inconclusive(f"{where} answered {exchange.status} in the middle of a search")
        if not self.blames_the_field(exchange):
            self.control()
        return Answer(Outcome.REFUSED, None, exchange)

    def after_failure(self, failed: Exchange, token: str, others: Mapping[str, Any]) -> Exchange:
        """
        Send a value again on which the API has failed, once a good value was accepted.

        Raises:
            Inconclusive: It fails on good values, too.
        """
        self.control()
        self.counts.requests += 1
        exchange = self.write(token, {**self.companions, **others})
        self.failures.update([exchange.status] if exchange.status >= FAILED else [])
        return exchange

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
        listed = details if isinstance(details, list) else []
        named = [str(item.get("field", "")) for item in listed if isinstance(item, dict)]
        return any(self.tried.name in name for name in named)

    def good_values(self) -> list[Any]:
        """List values that are valid beyond doubt."""
        if self.tried.name == NAME_FIELD:
            return [self.run.api.new_name()]
        voice, language = self.run.spoken
        voices = [name for name, languages in self.run.voices.items() if language in languages]
        return {VOICE_FIELD: voices, LANGUAGE_FIELD: self.run.voices[voice]}.get(self.tried.name) or good_values(
            self.tried
        )

    @abstractmethod
    def write(self, token: str, others: Mapping[str, Any]) -> Exchange:
        """Send a value as JSON text, with good values of other fields."""

    @abstractmethod
    def read_back(self, value: Any, exchange: Exchange) -> Answer:
        """Tell an accepted value from an altered one."""

    @abstractmethod
    def after_control(self, value: Any, exchange: Exchange) -> None:
        """Look at what a good value has left behind."""


def is_among(shown: Any, right: tuple[Any, ...]) -> bool:
    """Whether a reading is one of the right ones; true is not 1."""
    return any(shown == one and isinstance(shown, bool) == isinstance(one, bool) for one in right)
