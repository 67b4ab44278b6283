"""
One answer judged against the contract, and the message that a person reads.

A judgement is a list of findings, so that one answer can break several promises and each is named.
Knows nothing of pytest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from contract_tests.boundaries import nearest_single
from contract_tests.contract import Contract
from contract_tests.exchange import NOT_JSON, Exchange
from contract_tests.secrecy import OWN_KEY, forms_of

BROKEN: Literal["broken"] = "broken"
LOOSER: Literal["looser"] = "looser"

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


@dataclass(frozen=True)
class Finding:
    """One promise that the API broke."""

    kind: Literal["broken", "looser"]
    """broken hurts a caller who trusts the contract; looser allows what the contract forbids."""
    problem: str
    """What happened, in one sentence."""
    promise: str
    """What the contract says, in one sentence."""
    clause: str
    """Where it says so: a pointer into openapi.yaml."""
    exchange: Exchange = field(repr=False)

    def __str__(self) -> str:
        return (
            f"{self.kind}: {self.problem}\n"
            f"  sent      {self.exchange.sent()}\n"
            f"  received  {self.exchange.received()}\n"
            f"  contract  {self.promise}\n"
            f"            {self.clause}\n"
            f"  repeat    {self.exchange.curl()}"
        )


class Violation(AssertionError):
    """The API broke at least one promise."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple({str(finding): finding for finding in findings}.values())
        super().__init__("\n\n".join(str(finding) for finding in self.findings))


def require(findings: list[Finding]) -> None:
    """
    Pass when nothing was found.

    Raises:
        Violation: Something was.
    """
    if findings:
        raise Violation(findings)


@dataclass(frozen=True)
class Judge:
    """Holds answers to the contract."""

    contract: Contract
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no answer may carry: the caller's key."""

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
        pointer = f"{self.contract.operation(operation_id).pointer}/responses"
        right = statuses or tuple(self.contract.operation(operation_id).statuses)
        if exchange.status not in right:
            expected = " or ".join(str(status) for status in sorted(right))
            where = f"{pointer}/{right[0]}" if len(right) == 1 else pointer
            problem = f"{operation_id} answered {exchange.status} instead of {expected}"
            return [*found, Finding(BROKEN, problem, f"the answer here is {expected}", where, exchange)]
        return found + self._shape(operation_id, exchange, f"{pointer}/{exchange.status}")

    def leaks(self, exchange: Exchange) -> list[Finding]:
        """Find what no answer may carry: the caller's key, a stack trace, an internal name."""
        headers = "\n".join(f"{name}: {value}" for name, value in exchange.headers.items())
        body = exchange.body.decode("utf-8", "replace")
        answer = "\n".join((headers, body, body.replace('\\"', '"')))
        request = f"{exchange.path} {exchange.request_body.decode('utf-8', 'replace')}"
        found = []
        # The run's own key is replaced before an answer gets here.
        forms = {OWN_KEY, *(form for secret in self.secrets for form in forms_of(secret))}
        if any(form in answer and form not in request for form in forms):
            found.append(self._decided("the answer carries the caller's key", "no answer carries the key", exchange))
        internal = INTERNALS.search(body.replace('\\"', '"')) if exchange.status >= 400 else None
        if internal is not None and internal.group() not in request:
            problem = f"the answer shows the API's inside: {internal.group()!r}"
            promise = "no answer carries a stack trace or an internal name"
            found.append(self._decided(problem, promise, exchange))
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
        if exchange.was_accepted:
            problem = f"{about} was accepted with {exchange.status}"
            return [*self.leaks(exchange), Finding(LOOSER, problem, promise, clause, exchange)]
        return self.answer(operation_id, exchange, *statuses)

    def details(self, exchange: Exchange, field_name: str) -> list[Finding]:
        """Find an error whose details blame other fields than the one at fault."""
        error = exchange.json.get("error") if isinstance(exchange.json, dict) else None
        details = error.get("details") if isinstance(error, dict) else None
        named = [str(item.get("field")) for item in details or () if isinstance(item, dict)]
        wrong = [name for name in named if name in self.contract.persona_fields and name != field_name]
        if not wrong or any(field_name in name for name in named):
            return []
        problem = f"the error blames {', '.join(wrong)}, but only {field_name} is at fault"
        promise = "details name the field at fault"
        return [Finding(BROKEN, problem, promise, "#/components/schemas/ErrorBody/properties/details", exchange)]

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
                found.append(Finding(BROKEN, problem, promise, self._clause_of(name), exchange))
        return found

    def moved_back(self, exchange: Exchange, before: Any, after: Any) -> list[Finding]:
        """Find an update_time that is earlier than the one before."""
        if before is None or after is None or not _is_earlier(after, before):
            return []
        problem = f"update_time moved back from {before} to {after}"
        return [self._decided(problem, "update_time moves forward", exchange)]

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

    def _shape(self, operation_id: str, exchange: Exchange, pointer: str) -> list[Finding]:
        if not self.contract.answer_has_body(operation_id, exchange.status):
            return []
        if exchange.media_type != "application/json" or exchange.json is NOT_JSON:
            problem = f"the {exchange.status} is {exchange.media_type or 'without a media type'}, not JSON"
            if exchange.media_type == "application/json":
                problem = f"the {exchange.status} says that it is JSON and is not"
            return [Finding(BROKEN, problem, "the answer is application/json", f"{pointer}/content", exchange)]
        found = [
            Finding(BROKEN, f"the {exchange.status} breaks its schema: {fault}", "this schema", pointer, exchange)
            for fault in self.contract.answer_faults(operation_id, exchange.status, exchange.json)
        ]
        code = self.contract.error_code(operation_id, exchange.status)
        if found or code is None or exchange.json["error"]["code"] == code:
            return found
        problem = f"the {exchange.status} has code {exchange.json['error']['code']!r} instead of {code!r}"
        return [Finding(BROKEN, problem, f"error.code is {code}", f"{pointer}/x-error-code", exchange)]

    def _clause_of(self, name: str) -> str:
        fields = self.contract.fields("updatePersona")
        if name in fields:
            return f"{self.contract.operation('updatePersona').pointer}/requestBody: {name}"
        return f"#/components/schemas/Persona/properties/{name}"

    def _decided(self, problem: str, promise: str, exchange: Exchange) -> Finding:
        return Finding(BROKEN, problem, promise, DECISIONS, exchange)


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
    whole = seconds.replace(":60", ":59")  # a leap second, which datetime does not know
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


def _brief(value: Any) -> str:
    if value is None:
        return "null or nothing"
    text = repr(value)
    return text if len(text) <= 90 else f"{text[:60]}... ({len(value)} long)"
