"""
One answer judged against the contract, and the message that a person reads.

A judgement is a list of findings, so that one answer can break several promises and each is named.
Knows nothing of pytest.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from contract_tests.boundaries import nearest_single
from contract_tests.contract import Contract, Fault
from contract_tests.drift import Notes, brief
from contract_tests.exchange import NOT_JSON, Exchange
from contract_tests.findings import BROKEN, LOOSER, Finding, Violation, require
from contract_tests.secrecy import EVIDENT_SHARE, OWN_KEY, secrecy_of

__all__ = [
    "BROKEN", "DECISIONS", "LOOSER", "RESPONSE", "Finding", "Judge", "Violation", "parse_time", "require", "same_instant",
]  # fmt: skip

DECISIONS = "#/x-decisions"
RESPONSE = "#/components/schemas/Persona"

# What only a program's inside would say. Searched for in answers to requests that did not bring it themselves.
INTERNALS = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\", line \d+|\bat [\w.$<>]+\(\w+\.(?:java|kt|js|ts):\d+|"
    r"site-packages|node_modules|goroutine \d+|\w+\.(?:py|rb|go|java|ts):\d+|"
    r"(?<![\w.])/(?:srv|app|usr|home|var|opt|tmp|root|etc|Users)/\w|\b[A-Z]:\\\\?\w+\\|"
    r"\b(?:Value|Type|Key|Attribute|Index|Name|Runtime|Assertion|Recursion|UnicodeDecode|UnicodeEncode|JSONDecode|"
    r"Integrity|Operational|Programming|Overflow|ZeroDivision)Error\b|NullPointerException|"
    r"psycopg|sqlalchemy|pymongo|botocore|<class '|object at 0x[0-9a-f]+|"
    r"\bSELECT\b[^.]+\bFROM\b|\bINSERT INTO\b|\bUPDATE \w+ SET\b|\bDELETE FROM\b|"
    r"\b[\w-]+\.(?:internal|local|localdomain)\b|\blocalhost\b|\b(?:\d{1,3}\.){3}\d{1,3}\b|"
    r"\b[a-z_]+(?:\.[a-z_]+)+\.[A-Z]\w+"
)
TIMES = ("create_time", "update_time")

# What a body does that breaks a limit and is accepted, and one that keeps it and is refused.
BEYOND = {
    "maximum": "beyond maximum", "exclusiveMaximum": "beyond exclusiveMaximum", "minimum": "below minimum",
    "exclusiveMinimum": "below exclusiveMinimum", "maxLength": "longer than maxLength",
    "minLength": "shorter than minLength", "enum": "outside its enum of", "type": "as another type than",
}  # fmt: skip


@dataclass(frozen=True)
class Judge:
    """Holds answers to the contract."""

    contract: Contract
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no answer may carry: the caller's key."""
    notes: Notes = field(default_factory=Notes, repr=False)
    """What goes beyond the contract without breaking it."""

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Print as repr does: hypothesis, which prints the arguments of a failing test, would print every field."""
        printer.text(repr(self))

    def success(self, operation_id: str, exchange: Exchange, *others: int) -> list[Finding]:
        """Judge an answer that must say that the operation was done, or be one of *others*."""
        return self.answer(operation_id, exchange, *self.contract.operation(operation_id).successes, *others)

    def answer(self, operation_id: str, exchange: Exchange, *statuses: int) -> list[Finding]:
        """
        Judge one answer by itself: status, media type, shape, error code, and what it must not tell.

        Args:
            operation_id: The operation that was called.
            exchange: The request and its answer.
            statuses: The statuses that are right here; without any, all that the contract names.

        Returns:
            What was found, empty when the answer is right.
        """
        found = self.leaks(exchange)
        operation = self.contract.operation(operation_id)
        if exchange.flaw:
            problem = f"{operation_id} gave an answer that no client can read: {exchange.flaw}"
            where = f"{operation.pointer}/responses"
            return [*found, Finding(BROKEN, problem, "an answer can be read", where, exchange, "unreadable")]
        right = statuses or tuple(operation.statuses)
        if exchange.status in right:
            self._note(operation_id, exchange, exchange.status)
            return found + self._shape(operation_id, exchange, exchange.status)
        successes = [status for status in right if status in operation.successes]
        if exchange.was_accepted and successes:
            found.append(self._wrong_status(operation_id, exchange, successes, f"{operation.pointer}/responses"))
            self._note(operation_id, exchange, successes[0])
            # Only the status is wrong, so the rest of the answer is held to what a success promises.
            return found + self._shape(operation_id, exchange, successes[0])
        if exchange.was_accepted and 400 in right and (faults := self._sent_faults(operation_id, exchange)):
            return found + [self._looser(fault, exchange) for fault in faults]
        where = f"{operation.pointer}/responses" + (f"/{right[0]}" if len(right) == 1 else "")
        return [*found, self._wrong_status(operation_id, exchange, right, where)]

    def leaks(self, exchange: Exchange) -> list[Finding]:
        """Find what no answer may carry: the caller's key, a stack trace, an internal name."""
        headers = "\n".join(f"{name}: {value}" for name, value in exchange.headers.items())
        body = exchange.body.decode("utf-8", "replace")
        said = exchange.excerpt().body.decode("utf-8", "replace").replace('\\"', '"')
        answer = "\n".join((headers, body, body.replace('\\"', '"')))
        request = f"{exchange.path} {exchange.request_body.decode('utf-8', 'replace')}"
        found = []
        # The run's own key is replaced before an answer of its transport gets here.
        is_echo = OWN_KEY in answer and OWN_KEY not in request
        if not is_echo and exchange.response is None:
            secrecy = secrecy_of(self.secrets, EVIDENT_SHARE)
            is_echo = secrecy.holds(answer) and not secrecy.holds(request)
        if is_echo:
            found.append(
                self._decided("secrecy", "the answer carries the caller's key", "no answer carries the key", exchange)
            )
        # Both ends alone of a long answer: these patterns take a day where a server makes it long enough.
        internal = INTERNALS.search(said) if exchange.status >= 400 else None
        address = dict(exchange.request_headers).get("host", "")  # where the caller knows the API by itself
        if internal is not None and internal.group() not in f"{request} {address}":
            problem = f"the answer shows the API's inside: {internal.group()!r}"
            promise = "no answer carries a stack trace or an internal name"
            found.append(self._decided("secrecy", problem, promise, exchange))
        return found

    def refusal(
        self, operation_id: str, exchange: Exchange, *statuses: int, promise: str, clause: str, about: str = "the body"
    ) -> list[Finding]:
        """
        Judge the answer to a request that the contract forbids.

        Args:
            operation_id: The operation that was called.
            exchange: The request and its answer.
            statuses: The statuses that refuse it rightly.
            promise: What the contract says, in a sentence.
            clause: Where it says so.
            about: What is wrong with the request, for the message.

        Returns:
            What was found; looser when the API did what was asked.
        """
        faults = self._sent_faults(operation_id, exchange)
        if not exchange.was_accepted or exchange.flaw:
            if len(faults) == 1 and exchange.status in statuses:
                self.notes.refuse(faults[0].clause, faults[0].value)
            return self.answer(operation_id, exchange, *statuses)
        if self.in_single_precision(operation_id, exchange) is not None:
            return self.success(operation_id, exchange)
        if faults:
            return [*self.leaks(exchange), *(self._looser(fault, exchange) for fault in faults)]
        problem = f"{about} was accepted with {exchange.status}"
        topic = "" if clause == DECISIONS else "accepted"
        headline = self._accepted_headline(clause)
        return [*self.leaks(exchange), Finding(LOOSER, problem, promise, clause, exchange, topic, headline)]

    def in_single_precision(self, operation_id: str, exchange: Exchange) -> dict[str, Any] | None:
        """
        Return what an accepted body reads as in single precision, where that is valid though the body is not.

        Args:
            operation_id: updatePersona or createPersona.
            exchange: The request and its answer.

        Returns:
            The body; None where the body is wrong in another way, or where the answer shows other numbers.

        Source: openapi.yaml, #/x-decisions/numbers.
        """
        body = self._sent_body(operation_id, exchange)
        if body is None or not exchange.was_accepted:
            return None
        rounded = {name: nearest_single(value) if isinstance(value, float) else value for name, value in body.items()}
        changed = {name: (value,) for name, value in rounded.items() if value != body[name]}
        if not changed or not all(map(math.isfinite, (value for (value,) in changed.values()))):
            return None
        is_right = not self.contract.body_faults(operation_id, rounded)
        return rounded if is_right and not self.shows(exchange, exchange.persona, changed, "") else None

    def details(self, exchange: Exchange, field_name: str) -> list[Finding]:
        """Find an error whose details blame another field, by its plain name, than the one at fault."""
        error = exchange.json.get("error") if isinstance(exchange.json, dict) else None
        details = error.get("details") if isinstance(error, dict) else None
        details = details if isinstance(details, list) else []
        named = [str(item.get("field")) for item in details if isinstance(item, dict)]
        wrong = [name for name in named if name in self.contract.persona_fields and name != field_name]
        if not wrong or any(field_name in name for name in named):
            return []
        problem = f"the error blames {', '.join(wrong)}, but only {field_name} is at fault"
        return [self._decided("errors", problem, "a field that details name by its plain name is at fault", exchange)]

    def shows(
        self, exchange: Exchange, persona: Mapping[str, Any], expected: Mapping[str, tuple[Any, ...]], promise: str
    ) -> list[Finding]:
        """
        Compare the fields of a persona with what they must read as.

        Args:
            exchange: The answer that holds the persona.
            persona: The persona in it.
            expected: For each field the readings that are right; None is null or left out.
            promise: What the contract says, in a sentence.

        Returns:
            One finding for each field that reads as something else.
        """
        found = []
        for name, readings in expected.items():
            shown = persona.get(name)
            if not any(_is_same(name, shown, reading) for reading in readings):
                right = " or ".join(_brief(reading) for reading in readings)
                problem = f"{name} reads {_brief(shown)} instead of {right}"
                headline = f"{name} reads otherwise than it should: {promise}"
                found.append(Finding(BROKEN, problem, promise, self._clause_of(name), exchange, headline=headline))
        return found

    def moved_back(self, exchange: Exchange, before: Any, after: Any) -> list[Finding]:
        """Find an update_time that is earlier than the one before."""
        if before is None or after is None or not _is_earlier(after, before):
            return []
        problem = f"update_time moved back from {before} to {after}"
        return [self._decided("times", problem, "update_time moves forward", exchange)]

    def expected_reading(self, name: str, before: Any, sent: Any) -> tuple[Any, ...]:
        """
        Return what a field may read as after an accepted update.

        Args:
            name: A body field of updatePersona.
            before: Its reading before the update.
            sent: The value in the body.

        Returns:
            The readings that are right.

        Source: openapi.yaml, x-on-null, #/x-decisions/numbers and #/x-decisions/not_set.
        """
        changed = self.contract.fields("updatePersona").get(name)
        if sent is None:
            on_null = changed.on_null if changed is not None else None
            return {"keep": (before,), "clear": (None,), None: (before, None)}[on_null]
        if sent == "" and changed is not None and changed.clears_on_null:
            return ("", None)
        if isinstance(sent, (int, float)) and not isinstance(sent, bool):
            return (sent, nearest_single(sent))
        return (sent,)

    def created_readings(self, body: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
        """Return what each field of a new persona may read as; of a null, as of what is left out, nothing is promised."""
        return {name: self.expected_reading(name, None, value) for name, value in body.items() if value is not None}

    def _note(self, operation_id: str, exchange: Exchange, status: int) -> None:
        """Note in what the answer goes beyond what the contract says of *status*: by being there, by its fields."""
        if not self.contract.response_pointer(operation_id, status):
            where = f"{self.contract.operation(operation_id).pointer}/responses/{exchange.status}"
            self.notes.see(where, f"{operation_id} answers {exchange.status}, which openapi.yaml does not name")
        for addition in self.contract.additions(operation_id, status, exchange.json):
            self.notes.add(addition, secrets=(*self.secrets, *exchange.secrets))

    def _shape(self, operation_id: str, exchange: Exchange, status: int) -> list[Finding]:
        """Hold the answer to what the contract says of *status*."""
        pointer = self.contract.response_pointer(operation_id, status)
        if pointer is None or not self.contract.answer_has_body(operation_id, status):
            return []
        if exchange.media_type != "application/json" or exchange.json is NOT_JSON:
            problem = headline = f"the {exchange.status} is {exchange.media_type or 'without a media type'}, not JSON"
            if exchange.media_type == "application/json":
                headline = f"the {exchange.status} says that it is JSON and is not what a client can read"
                problem = f"{headline}: {exchange.unreadable}"
            promise = "the answer is application/json"
            return [Finding(BROKEN, problem, promise, f"{pointer}/content", exchange, headline=headline)]
        faults = self.contract.answer_faults(operation_id, status, exchange.json)
        found = [self._misshapen(fault, exchange) for fault in faults]
        code = self.contract.error_code(operation_id, status)
        if found or code is None or exchange.json["error"]["code"] == code:
            return found
        problem = f"the {exchange.status} has code {exchange.json['error']['code']!r} instead of {code!r}"
        return [Finding(BROKEN, problem, f"error.code is {code}", f"{pointer}/x-error-code", exchange)]

    def _misshapen(self, fault: Fault, exchange: Exchange) -> Finding:
        problem = f"the {exchange.status} breaks its schema: {fault.path or 'body'}: {fault.message}"
        topic = re.sub(r"/\d+", "", fault.path) or "body"
        headline = f"an answer breaks its schema at {topic}"
        return Finding(BROKEN, problem, "this schema", fault.clause, exchange, topic, headline)

    def _wrong_status(self, operation_id: str, exchange: Exchange, right: Collection[int], clause: str) -> Finding:
        expected = " or ".join(str(status) for status in sorted(right))
        problem = f"{operation_id} answered {exchange.status} instead of {expected}"
        return Finding(BROKEN, problem, f"the answer here is {expected}", clause, exchange, topic=problem)

    def _looser(self, fault: Fault, exchange: Exchange) -> Finding:
        """Tell that a body was accepted although one of its fields, or the lack of one, breaks the schema."""
        tried = self.contract.field_of(fault.clause)
        what = "a body without " + fault.path if tried is None else f"{fault.path} {brief(fault.value)}"
        return Finding(
            LOOSER,
            f"{what} was accepted with {exchange.status}",
            f"{fault.path} is required" if tried is None else tried.promise,
            fault.clause,
            exchange,
            "accepted" if tried is not None else what,
            self._accepted_headline(fault.clause) or f"{what} is accepted",
            NotImplemented if tried is None else fault.value,
        )

    def _accepted_headline(self, clause: str) -> str:
        """Say what a body does that is accepted though it breaks this limit; empty where the clause is no limit."""
        keyword = clause.rpartition("/")[2]
        tried = self.contract.field_of(clause)
        if tried is None or keyword not in BEYOND:
            return ""
        limit = tried.schema[keyword]
        return f"{tried.name} is accepted {BEYOND[keyword]} {f'{len(limit)} values' if keyword == 'enum' else limit}"

    def _sent_faults(self, operation_id: str, exchange: Exchange) -> list[Fault]:
        """List the clauses that the body of an update or a create breaks; none where it is no JSON of theirs."""
        try:
            body = self._sent_body(operation_id, exchange)
            return [] if body is None else self.contract.body_faults(operation_id, body)
        except ValueError:  # what no schema can be held against: half a surrogate
            return []

    def _sent_body(self, operation_id: str, exchange: Exchange) -> dict[str, Any] | None:
        """Decode the body of an update or a create; None where it is no JSON object."""
        if operation_id not in ("updatePersona", "createPersona"):
            return None
        try:
            body = json.loads(exchange.request_body, parse_constant=_no_number, parse_float=_finite)
        except (ValueError, RecursionError):
            return None
        return body if isinstance(body, dict) else None

    def _clause_of(self, name: str) -> str:
        fields = self.contract.fields("updatePersona")
        return fields[name].place if name in fields else f"{RESPONSE}/properties/{name}"

    def _decided(self, decision: str, problem: str, promise: str, exchange: Exchange) -> Finding:
        return Finding(BROKEN, problem, promise, f"{DECISIONS}/{decision}", exchange)


def parse_time(text: str) -> tuple[datetime, timedelta]:
    """
    Read an RFC 3339 time.

    Args:
        text: A time with a zone; its schema has been checked.

    Returns:
        The time, cut to microseconds, and the resolution that it was printed in.

    Source: RFC 3339, section 5.6.
    """
    match = re.fullmatch(r"(.{19})(?:\.(\d+))?(.*)", text.upper())
    assert match is not None, f"{text!r} is no RFC 3339 time"
    seconds, fraction, zone = match.groups(default="")
    # A leap second, and the year 0, which datetime does not know.
    whole = re.sub(r"^0000", "0001", seconds).replace(":60", ":59")
    moment = datetime.fromisoformat(whole + (f".{fraction[:6]:0<6}" if fraction else "") + zone)
    return moment, timedelta(seconds=float(Decimal(1).scaleb(-min(len(fraction), 6))))


def same_instant(one: Any, other: Any) -> bool:
    """Whether two times are the same, as far as the coarser of them shows."""
    if not isinstance(one, str) or not isinstance(other, str):
        return one is None and other is None
    (first, first_step), (second, second_step) = parse_time(one), parse_time(other)
    return abs(first - second) < max(first_step, second_step)


def _is_earlier(one: str, other: str) -> bool:
    (first, first_step), (second, second_step) = parse_time(one), parse_time(other)
    return first + max(first_step, second_step) <= second if first_step != second_step else first < second


def _is_same(name: str, shown: Any, expected: Any) -> bool:
    if name in TIMES:
        return same_instant(shown, expected)
    if isinstance(shown, bool) or isinstance(expected, bool):
        return shown is expected
    return bool(shown == expected)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _brief(value: Any) -> str:
    if value is None:
        return "null or nothing"
    text = repr(value)
    return text if len(text) <= 90 else f"{text[:60]}... ({len(value)} long)"
