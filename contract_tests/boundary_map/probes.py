"""
Sends one value of one field, alone, and says what became of it: accepted, altered or refused.

A refusal counts only when it is the field's: the error names the field, or a good value of it is accepted right after.
Everything else is inconclusive, and so is a value that cannot be read back.
"""

import enum
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract_tests.boundary_map.alterations import Altered, alteration
from contract_tests.boundary_map.limit_result import Counts, LimitResult, Verdict
from contract_tests.boundary_map.slots import Slot
from contract_tests.checks.run import Run
from contract_tests.errors import Inconclusive
from contract_tests.generation.boundaries import good_values, to_json
from contract_tests.generation.listed import walk
from contract_tests.spec.field import Field
from contract_tests.spec.resource import Role
from contract_tests.transport.exchange import Exchange

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
    """The value on trial as it reads back; None where it was refused."""
    exchange: Exchange = field(repr=False)


class Prober(ABC):
    """Tries values of one field of one operation."""

    role: Role = "update"

    def __init__(self, run: Run, slot: Slot) -> None:
        self.run = run
        self.slot = slot
        self.counts = Counts()
        self.good: Any = None
        """The good value of the field that was accepted last."""
        self.ignores: bool | None = None
        """Whether values are accepted and leave the field as it is; None while nothing looks like it."""
        self.failures: Counter[int] = Counter()
        """The values that the API failed on, twice, by the status of its answer."""

    @property
    def tried(self) -> Field:
        """The field whose values are tried."""
        return self.slot.field

    @property
    def is_run_name(self) -> bool:
        """Whether the field gives a new item the run's name, by which its items are found."""
        return self.role == "create" and self.tried.name == self.run.contract.run_name

    def send(self, value: Any, *, token: str | None = None, others: Mapping[str, Any] | None = None) -> Answer:
        """
        Send one value of the whole field, spelt as *token* if that is given, with good values of other fields, and read
        it back; Inconclusive where nothing follows from the answer.
        """
        self.counts.requests += 1
        token = to_json(value) if token is None else token
        exchange = self.write(value, token, others or {})
        if exchange.status >= FAILED:
            exchange = self.after_failure(exchange, value, token, others or {})
        if exchange.was_accepted:
            return self.read_back(value, exchange)
        if exchange.status in NOT_ABOUT_THE_VALUE:
            where = f"{exchange.method} {exchange.path}"
            raise Inconclusive(f"{where} answered {exchange.status} in the middle of a search")
        if not self.blames_the_field(exchange):
            self.control()
        return Answer(Outcome.REFUSED, None, exchange)

    def put(self, value: Any, *, others: Mapping[str, Any] | None = None) -> Answer:
        """Send a value of the slot, with good values around it."""
        return self.send(self.slot.wrap(value), others=others)

    def after_failure(self, failed: Exchange, value: Any, token: str, others: Mapping[str, Any]) -> Exchange:
        """Send a value again on which the API has failed, once a good value was accepted."""
        self.control()
        self.counts.requests += 1
        exchange = self.write(value, token, others)
        self.failures.update([exchange.status] if exchange.status >= FAILED else [])
        return exchange

    def control(self, others: Mapping[str, Any] | None = None) -> None:
        """
        Send a value that is good beyond doubt, beside good values of other fields; Inconclusive where it is refused, so
        that nothing follows from other refusals.
        """
        exchange = None
        for value in self.good_values():
            self.counts.controls += 1
            exchange = self.write(value, to_json(value), others or {})
            if exchange.was_accepted:
                self.good = value
                self.after_control(value, exchange)
                return
        if exchange is None:
            raise Inconclusive(f"no good value of {self.tried.name} is known")
        raise Inconclusive(f"good values of {self.tried.name} are refused too: {exchange.received()}")

    def blames_the_field(self, exchange: Exchange) -> bool:
        """Whether an error names this field."""
        place = self.run.contract.error_fields_at(self.role, exchange.status)
        return place is not None and any(self.tried.name in str(said) for said, _ in walk(exchange.json, place))

    def good_values(self) -> list[Any]:
        """List values of the field that are valid beyond doubt."""
        if self.tried.name == self.run.contract.run_name:
            return [self.run.api.new_name()]
        if self.tried.is_free:
            return good_values(self.run.contract, self.tried)
        values = self.run.listed.values(self.tried.name)
        return [[value] for value in values] if self.tried.json_type == "array" else values

    def is_right(self, shown: Any, right: tuple[Any, ...]) -> bool:
        """Whether a reading is one of the right ones, as exactly as the contract promises."""
        return any(self.run.judge.reader.is_same(self.tried.name, shown, one) for one in right)

    def alteration(self, cases: Sequence[Altered], limits: Iterable[Any] = ()) -> str | None:
        """Name what is done to values that were altered; see `alteration`."""
        return "ignored" if cases and self.ignores else alteration(cases, limits)

    def result(self, constraint: str, verdict: Verdict, text: str = "", **found: Any) -> LimitResult:
        """Make a result of the map, with the requests that it took."""
        return LimitResult(
            self.tried.operation, self.slot.name, constraint, verdict, text, **found, **vars(self.counts)
        )

    @abstractmethod
    def write(self, value: Any, token: str, others: Mapping[str, Any]) -> Exchange:
        """Send a value as JSON text, with good values of other fields."""

    @abstractmethod
    def read_back(self, value: Any, exchange: Exchange) -> Answer:
        """Tell an accepted value from an altered one."""

    def after_control(self, value: Any, exchange: Exchange) -> None:  # noqa: B027  # most leave nothing
        """Look at what a good value has left behind."""
