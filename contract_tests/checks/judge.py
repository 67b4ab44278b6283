"""One answer judged against the contract: a list of findings, so that it can break several promises and each is named."""

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contract_tests.checks.findings import BROKEN, LOOSER, Finding, Violation, require
from contract_tests.checks.leaks import echoes_key, internal_name
from contract_tests.checks.observations import Observations, brief
from contract_tests.checks.readings import Reader, Readings, is_earlier, parse_time, same_instant, until_next
from contract_tests.generation.listed import walk
from contract_tests.singles import nearest_single
from contract_tests.spec.contract import Contract, Fault
from contract_tests.spec.field import written
from contract_tests.spec.operation import is_json_type
from contract_tests.transport.answers.json_reading import DEEPEST, TOO_DEEP
from contract_tests.transport.exchange import NOT_JSON, Exchange

__all__ = [
    "BROKEN", "DECISIONS", "LOOSER", "Finding", "Judge", "Violation", "parse_time", "require", "same_instant",
    "until_next",
]  # fmt: skip

DECISIONS = "#/x-promises"
# The keywords of a schema that a written test can hold an answer to without a library.
FITTED = frozenset({"type", "required", "enum", "const", "minimum", "maximum", "minLength", "maxLength", "pattern"})
# What a body does that breaks a limit and is accepted.
BEYOND = {
    "maximum": "beyond maximum", "exclusiveMaximum": "beyond exclusiveMaximum", "minimum": "below minimum",
    "exclusiveMinimum": "below exclusiveMinimum", "maxLength": "longer than maxLength",
    "minLength": "shorter than minLength", "enum": "outside its enum of", "type": "as another type than",
    "multipleOf": "between multiples of", "pattern": "against its pattern", "format": "not of the format",
    "maxItems": "with more items than maxItems", "minItems": "with fewer items than minItems",
    "maxProperties": "with more fields than maxProperties", "minProperties": "with fewer fields than minProperties",
    "uniqueItems": "with items that are not unique:", "const": "as another value than",
}  # fmt: skip


@dataclass(frozen=True)
class Judge:
    """Holds answers to the contract."""

    contract: Contract
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no answer may carry: the caller's key."""
    observations: Observations = field(default_factory=Observations, repr=False)
    """What was tried, and what goes beyond the contract without breaking it."""

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Print as repr does: hypothesis, which prints the arguments of a failing test, would print every field."""
        printer.text(repr(self))

    @cached_property
    def reader(self) -> Reader:
        """What knows what the fields of an item may read as."""
        return Reader(self.contract)

    def success(self, name: str, exchange: Exchange, *others: int) -> list[Finding]:
        """Judge an answer that must say that the operation was done, or be one of *others*."""
        return self.answer(name, exchange, *self.contract.operation(name).successes, *others)

    def answer(self, name: str, exchange: Exchange, *statuses: int) -> list[Finding]:
        """
        Judge one answer by itself: status, media type, shape, error code, and what it must not tell.

        Args:
            name: The operation that was called, by role or operationId.
            exchange: The request and its answer.
            statuses: The statuses that are right here; without any, all that the contract names.
        """
        found = self.leaks(exchange)
        operation = self.contract.operation(name)
        if exchange.flaw:
            problem = f"{operation.operation_id} gave an answer that no client can read: {exchange.flaw}"
            where = f"{operation.pointer}/responses"
            return [*found, Finding(BROKEN, problem, "an answer can be read", where, exchange, "unreadable")]
        right = statuses or tuple(operation.statuses)
        if exchange.status in right:
            self._note(name, exchange, exchange.status)
            return found + self._shape(name, exchange, exchange.status)
        successes = [status for status in right if status in operation.successes]
        if exchange.was_accepted and successes:
            found.append(self._wrong_status(name, exchange, successes, f"{operation.pointer}/responses"))
            self._note(name, exchange, successes[0])
            # Only the status is wrong, so the rest of the answer is held to what a success promises.
            return found + self._shape(name, exchange, successes[0])
        refusals = {*operation.refusals} & {*right}
        if exchange.was_accepted and refusals and (faults := self._sent_faults(name, exchange)):
            return found + [self._looser(fault, exchange, refusals) for fault in faults]
        where = f"{operation.pointer}/responses" + (f"/{right[0]}" if len(right) == 1 else "")
        return [*found, self._wrong_status(name, exchange, right, where)]

    def leaks(self, exchange: Exchange) -> list[Finding]:
        """Find what no answer may carry: the caller's key, a stack trace, an internal name."""
        if not self.contract.promises_that("no_leaks"):
            return []
        found = []
        if echoes_key(exchange, self.secrets):
            problem, promise = "the answer carries the caller's key", "no answer carries the key"
            found.append(self.promised("no_leaks", problem, promise, exchange, expects="not api.tells_key(answer)"))
        if (internal := internal_name(exchange)) is not None:
            problem = f"the answer shows the API's inside: {internal!r}"
            promise = "no answer carries a stack trace or an internal name"
            found.append(self.promised("no_leaks", problem, promise, exchange))
        return found

    def refusal(
        self, name: str, exchange: Exchange, *statuses: int, promise: str, clause: str, about: str = "the body"
    ) -> list[Finding]:
        """
        Judge the answer to a request that the contract forbids; what is found is looser when the API did what was asked.

        Args:
            name: The operation that was called, by role or operationId.
            exchange: The request and its answer.
            statuses: The statuses that refuse it rightly; without any, those of an invalid body.
            promise: What the contract says, in a sentence.
            clause: Where it says so.
            about: What is wrong with the request, for the message.
        """
        statuses = statuses or self.contract.operation(name).refusals
        faults = self._sent_faults(name, exchange)
        if not exchange.was_accepted or exchange.flaw:
            if len(faults) == 1 and exchange.status in statuses:
                self.observations.refuse(faults[0].clause, faults[0].value)
            return self.answer(name, exchange, *statuses)
        if self.in_single_precision(name, exchange) is not None:
            return self.success(name, exchange)
        if faults:
            return [*self.leaks(exchange), *(self._looser(fault, exchange, statuses) for fault in faults)]
        problem = f"{about} was accepted with {exchange.status}"
        topic = "" if clause == DECISIONS else "accepted"
        headline = self._accepted_headline(clause)
        found = Finding(LOOSER, problem, promise, clause, exchange, topic, headline, expects=has_status(statuses))
        return [*self.leaks(exchange), found]

    def in_single_precision(self, name: str, exchange: Exchange) -> dict[str, Any] | None:
        """
        Return what an accepted body of an update or a create reads as in single precision, where that is valid.

        Returns:
            None where the body itself is valid, or wrong in another way, or where the answer shows other numbers.

        Source: #/x-promises/exact_numbers.
        """
        body = self._sent_body(name, exchange)
        if body is None or not exchange.was_accepted:
            return None
        singles = {n for n, tried in self.contract.fields(name).items() if tried.schema.get("format") == "float"}
        shown = {n: nearest_single(value) for n, value in body.items() if n in singles and isinstance(value, float)}
        changed = {n: (value,) for n, value in shown.items() if value != body[n]}
        if not changed or not all(math.isfinite(value) for (value,) in changed.values()):
            return None
        rounded = {**body, **shown}
        is_right = not self.contract.body_faults(name, rounded)
        return rounded if is_right and not self.shows(exchange, exchange.item, changed, "") else None

    def details(self, name: str, exchange: Exchange, field_name: str) -> list[Finding]:
        """Find an error that blames another field, by its plain name, than the one at fault."""
        path = self.contract.error_fields_at(name, exchange.status)
        if path is None or not self.contract.promises_that("error_fields"):
            return []
        named = [str(said) for said, _ in walk(exchange.json, path)]
        wrong = [said for said in named if said.lstrip("/") in self.contract.item_fields - {field_name}]
        if not wrong or any(field_name in said for said in named):
            return []
        problem = f"the error blames {', '.join(wrong)}, but only {field_name} is at fault"
        promise = "a field that an error names by its plain name is at fault"
        return [self.promised("error_fields", problem, promise, exchange)]

    def shows(self, exchange: Exchange, item: Mapping[str, Any], expected: Readings, promise: str) -> list[Finding]:
        """Find each field of an item that reads as nothing of what is expected; None is null or left out."""
        found = []
        for name, readings in expected.items():
            shown = item.get(name)
            if any(self.reader.is_same(name, shown, reading) for reading in readings):
                continue
            problem = f"{name} reads {_brief(shown)} instead of {' or '.join(map(_brief, readings))}"
            headline = f"{name} reads otherwise than it should: {promise}"
            clause, expects = self.clause_of(name), self._reads(exchange, item, name, readings)
            found.append(Finding(BROKEN, problem, promise, clause, exchange, headline=headline, expects=expects))
        return found

    def _reads(self, exchange: Exchange, item: Mapping[str, Any], name: str, readings: tuple[Any, ...]) -> str:
        """Say in Python what an item shows of a field: what was sent, or what it showed before; empty for another item."""
        own, id_name = exchange.item_id, self.contract.resource.id_name
        is_json = all(isinstance(each, (str, int, float, list, dict, type(None))) for each in readings)
        if exchange.items or not is_json or (own is not None and item.get(id_name, own) != own):
            return ""
        sent = exchange.earlier[1:] if exchange.method == "GET" else (exchange,)
        if any(step.was_accepted and f'"{name}"'.encode() in step.request_body for step in sent):
            return f"api.shows(answer, {name!r}, {[*readings]!r})"
        is_changed = own is not None and exchange.method != "GET"
        return f"api.read().get({name!r}) == before.get({name!r})" if is_changed else ""

    def misdated(
        self, exchange: Exchange, before: Mapping[str, Any], after: Mapping[str, Any], waited: float
    ) -> list[Finding]:
        """Find a time of the last change that moved back, or stood still though the item changed *waited* seconds after it moved."""
        found, reader = [], self.reader
        has_changed = any(not reader.is_same(name, after.get(name), before.get(name)) for name in reader.steady)
        for name in reader.moving_times:
            was, now = before.get(name), after.get(name)
            problem = f"{name} is null or missing after an update" if now is None and has_changed else ""
            if was is not None and now is not None:
                if is_earlier(now, was):
                    problem = f"{name} moved back from {was} to {now}"
                # Twice the smallest step that was seen: the clock has gone on since.
                elif has_changed and waited > 2 * self._finest(name, was, now) and was == now:
                    problem = f"{name} is still {was} after an update that changed something"
            if problem:
                promise = f"{name} moves forward with each update that changes something"
                found.append(Finding(BROKEN, problem, promise, f"{self.clause_of(name)}/x-changes", exchange))
        return found

    def _finest(self, name: str, was: str, now: str) -> float:
        """Return the smallest step of a time that readings of one resolution have shown, in seconds."""
        (first, step), (second, its) = parse_time(was), parse_time(now)
        finest, key = self.observations.finest, (name, step)
        if step == its and first != second:
            finest[key] = min(finest.get(key, math.inf), abs(second - first).total_seconds())
        return finest.get(key, math.inf)

    def clause_of(self, name: str) -> str:
        """Return where the contract says what a field of an item is."""
        fields = self.reader.fields
        if name in fields:
            return fields[name].place
        places = self.contract.document.properties(self.contract.resource.item_pointer)
        return places.get(name, f"{self.contract.resource.item_pointer}/properties/{name}")

    def promised(
        self, name: str, problem: str, promise: str, exchange: Exchange, topic: str = "", expects: str = ""
    ) -> Finding:
        """Return a finding that breaks a promise of x-promises."""
        clause = self.contract.pointer_of_promise(name)
        return Finding(BROKEN, problem, promise, clause, exchange, topic, expects=expects)

    def unnamed_method(self, exchange: Exchange) -> list[Finding]:
        """Judge the answer to a method that the contract does not name."""
        if exchange.status in (404, 405):
            return self.leaks(exchange)
        problem = f"{exchange.method} {exchange.path} answered {exchange.status} instead of 405 or 404"
        promise = "a method that the contract does not name gets 405 or 404"
        clause = self.contract.pointer_of_promise("named_methods_only")
        kind, expects = LOOSER if exchange.was_accepted else BROKEN, has_status((404, 405))
        return [*self.leaks(exchange), Finding(kind, problem, promise, clause, exchange, expects=expects)]

    def _note(self, name: str, exchange: Exchange, status: int) -> None:
        """Note in what the answer goes beyond what the contract says of *status*: by being there, by its fields."""
        operation = self.contract.operation(name)
        if not operation.response_pointer(status):
            where = f"{operation.pointer}/responses/{exchange.status}"
            headline = f"{operation.operation_id} answers {exchange.status}, which {self.contract.name} does not name"
            self.observations.see(where, headline)
        for addition in self.contract.additions(name, status, exchange.json):
            self.observations.add(addition, secrets=(*self.secrets, *exchange.secrets))

    def _shape(self, name: str, exchange: Exchange, status: int) -> list[Finding]:
        operation = self.contract.operation(name)
        pointer, media_type = operation.response_pointer(status), operation.answer_type(status)
        if pointer is None or media_type is None or operation.answer_pointer(status) is None:
            return []
        named = {kind.lower() for kind in self.contract.at(pointer)["content"] if is_json_type(kind)}
        if exchange.media_type in named and _shows_what_was_sent(exchange):
            return []
        if exchange.media_type not in named or exchange.json is NOT_JSON:
            said = exchange.media_type or "without a media type"
            problem = headline = f"the {exchange.status} is {said}, not {media_type}"
            if exchange.media_type in named:
                headline = f"the {exchange.status} says that it is JSON and is not what a client can read"
                problem = f"{headline}: {exchange.unreadable}"
            promise = f"the answer is {media_type}"
            clause, expects = f"{pointer}/content", f"api.is_json(answer, {sorted(named)!r})"
            return [Finding(BROKEN, problem, promise, clause, exchange, headline=headline, expects=expects)]
        faults = self.contract.answer_faults(name, status, exchange.json)
        found = [self._misshapen(fault, exchange) for fault in faults]
        return found or self._wrong_code(name, exchange, status, pointer)

    def _wrong_code(self, name: str, exchange: Exchange, status: int, pointer: str) -> list[Finding]:
        code = self.contract.error_code(name, status)
        path = None if code is None else self.contract.error_code_at(name, status)
        if path is None:
            return []
        shown = [said for said, _ in walk(exchange.json, path)]
        if str(code) in map(str, shown) or (not shown and "*" in path):  # an array without elements says none
            return []
        problem = f"the {exchange.status} has code {written(next(iter(shown), None))} instead of {written(code)}"
        promise, expects = f"{'.'.join(path)} is {code}", f"{str(code)!r} in api.codes(answer, {path!r})"
        return [Finding(BROKEN, problem, promise, f"{pointer}/x-error-code", exchange, expects=expects)]

    def _misshapen(self, fault: Fault, exchange: Exchange) -> Finding:
        problem = f"the {exchange.status} breaks its schema: {fault.path or 'body'}: {fault.message}"
        topic = re.sub(r"/\d+", "", fault.path) or "body"
        headline = f"an answer breaks its schema at {topic}"
        keyword, wanted = fault.clause.rpartition("/")[2], self.contract.at(fault.clause)
        expects = f"api.fits(answer, {fault.path!r}, {keyword!r}, {wanted!r})" if keyword in FITTED else ""
        return Finding(BROKEN, problem, "this schema", fault.clause, exchange, topic, headline, expects=expects)

    def _wrong_status(self, name: str, exchange: Exchange, right: Collection[int], clause: str) -> Finding:
        expected = " or ".join(str(status) for status in sorted(right))
        problem = f"{self.contract.operation(name).operation_id} answered {exchange.status} instead of {expected}"
        promise, right_status = f"the answer here is {expected}", has_status(right)
        return Finding(BROKEN, problem, promise, clause, exchange, topic=problem, expects=right_status)

    def _looser(self, fault: Fault, exchange: Exchange, statuses: Collection[int]) -> Finding:
        """Tell that a body was accepted although one of its fields, or the lack of one, breaks the schema."""
        if fault.is_missing:
            what = "a body without " + fault.path
            problem, promise = f"{what} was accepted with {exchange.status}", f"{fault.path} is required"
            right = has_status(statuses)
            return Finding(LOOSER, problem, promise, fault.clause, exchange, what, f"{what} is accepted", expects=right)
        tried = self.contract.field_of(fault.clause, fault.path)
        owner, keyword = fault.clause.split("/")[-2:]
        inside = f"{fault.path} is accepted against the {keyword} of {owner} in it"
        return Finding(
            LOOSER, f"{fault.path} {brief(fault.value)} was accepted with {exchange.status}",
            fault.message if tried is None else tried.promise, fault.clause, exchange, "accepted",
            self._accepted_headline(fault.clause) or inside, NotImplemented if tried is None else fault.value,
            has_status(statuses),
        )  # fmt: skip

    def _accepted_headline(self, clause: str) -> str:
        """Say what a body does that is accepted though it breaks this limit; empty where the clause is no limit."""
        keyword = clause.rpartition("/")[2]
        tried = self.contract.field_of(clause)
        if tried is None or keyword not in BEYOND or keyword not in tried.schema:
            return ""
        limit = tried.schema[keyword]
        return f"{tried.name} is accepted {BEYOND[keyword]} {f'{len(limit)} values' if keyword == 'enum' else limit}"

    def _sent_faults(self, name: str, exchange: Exchange) -> list[Fault]:
        """List the clauses that the body of a request breaks; none where it is no JSON object."""
        try:
            body = self._sent_body(name, exchange)
            return [] if body is None else self.contract.body_faults(name, body)
        except ValueError:  # what no schema can be held against: half a surrogate
            return []

    def _sent_body(self, name: str, exchange: Exchange) -> dict[str, Any] | None:
        """Decode the body of a request; None where the operation takes none, or where it is no JSON object."""
        if self.contract.operation(name).body_pointer is None:
            return None
        try:
            body = json.loads(exchange.request_body, parse_constant=_no_number, parse_float=_finite)
        except (ValueError, RecursionError):
            return None
        return body if isinstance(body, dict) else None


def has_status(statuses: Collection[int]) -> str:
    """Say in Python that an answer has one of some statuses."""
    return f"answer.status_code in {sorted(statuses)}"


def _shows_what_was_sent(exchange: Exchange) -> bool:
    """Whether an answer is too deep for some clients only because it refuses a body that was as deep."""
    sent = sum(map(exchange.request_body.count, (b"[", b"{")))
    return exchange.status >= 400 and exchange.unreadable == TOO_DEEP and sent >= DEEPEST


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _brief(value: Any) -> str:
    if value is None:
        return "null or nothing"
    text = written(value)
    return text if len(text) <= 90 else f"{text[:60]}... ({len(value if hasattr(value, '__len__') else text)} long)"
