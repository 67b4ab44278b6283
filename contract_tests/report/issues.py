"""
Gathers the findings of a run into issues: one for each broken promise, not one for each value or each test.

A finding travels as plain text and numbers, so that xdist's workers can send it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict, TypeVar

import pytest

from contract_tests.boundary_map.limit_result import COUNTS, LOWER, UPPER
from contract_tests.checks.findings import Finding
from contract_tests.checks.observations import brief, measure
from contract_tests.foreign_text import shown
from contract_tests.report.wording import counted
from contract_tests.spec.contract import Contract
from contract_tests.spec.promises import POINTER as PROMISES

MOST_EXAMPLES = 5
MOST_SHOWN = 3
# A longer text, or one that cannot be seen, is no candidate for an enum.
LONGEST_TEXT = 100

ErrorType = TypeVar("ErrorType", bound=BaseException)
IssueKey = tuple[str, str, str]
"""Kind, clause and topic: findings with the same key are one issue."""
Rank = tuple[bool, bool, int, bool, int]


class FindingData(TypedDict):
    """A finding as texts and numbers."""

    kind: str
    clause: str
    topic: str
    headline: str
    problem: str
    promise: str
    sent: str
    received: str
    curl: str
    status: int
    """Of the answer; 0 where there was none."""
    value: str | None
    """The value of a field that showed it, as JSON text; None where no value did."""
    size: float | None
    """The number itself, or the length of the text."""
    text: str | None
    """The value, where it is a short and visible text."""
    lines: list[str]
    """Of a test that repeats it; empty where none can be written."""


@dataclass
class Issue:
    """One broken promise: what happened, how often, with the plainest finding that showed it."""

    plainest: FindingData
    test: str
    """The test that the plainest finding is from."""
    count: int = 0
    examples: list[str] = field(default_factory=list)
    """The plainest of the values that showed it; what happened, where it was no value of a field."""
    values: list[str] = field(default_factory=list)
    """The texts among the values, each once."""
    sizes: list[float] = field(default_factory=list)
    """The numbers and lengths among the values, each once."""
    is_of_values: bool = False
    """Whether a value of a field showed it."""

    @property
    def key(self) -> IssueKey:
        """What it has in common with other findings of it."""
        return key_of(self.plainest)

    @property
    def kind(self) -> str:
        """broken or looser."""
        return self.plainest["kind"]

    @property
    def clause(self) -> str:
        """The pointer to what is broken."""
        return self.plainest["clause"]

    @property
    def headline(self) -> str:
        """What happened, without the values."""
        return self.plainest["headline"]

    def see(self, data: FindingData, test: str) -> None:
        """Count a finding of this issue, and keep it if it is plainer than those before."""
        self.count += 1
        if plainness(data) < plainness(self.plainest):
            self.plainest, self.test = data, test
        self.is_of_values = self.is_of_values or data["value"] is not None
        example = data["value"] if data["value"] is not None else data["problem"]
        if (text := data["text"]) is not None and text not in self.values:
            self.values.append(text)
        if (size := data["size"]) is not None and size not in self.sizes:
            self.sizes.append(size)
        if example not in self.examples:
            self.examples = sorted([*self.examples, example], key=_oddness)[:MOST_EXAMPLES]

    def join(self, other: "Issue") -> None:
        """Take over what another process has seen of this issue."""
        count = self.count + other.count
        self.values += [text for text in other.values if text not in self.values]
        self.sizes += [size for size in other.sizes if size not in self.sizes]
        self.see(other.plainest, other.test)
        self.examples = sorted({*self.examples, *other.examples}, key=_oddness)[:MOST_EXAMPLES]
        self.count = count

    def title(self, refused: Sequence[float] = ()) -> str:
        """Say what happened, with the range of its values; *refused* are those refused for the same clause."""
        keyword = self.clause.rpartition("/")[2]
        if not self.is_of_values:
            return self.headline
        if keyword in LOWER + UPPER and self.sizes:
            return f"{self.headline}: {self._range(keyword, refused)}"
        shown = self.values or self.examples
        more = f" and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
        texts = sorted((brief(value) for value in self.values), key=_oddness) or self.examples
        return f"{self.headline}: {', '.join(texts[:MOST_SHOWN])}{more}"

    def _range(self, keyword: str, refused: Sequence[float]) -> str:
        if self.kind == "broken":
            ends = dict.fromkeys((as_limit(min(self.sizes)), as_limit(max(self.sizes))))
            return f"{counted(len(self.sizes), 'value')}, {' to '.join(map(str, ends))}"
        outwards = 1 if keyword in UPPER else -1
        farthest = outwards * max(outwards * size for size in self.sizes)
        beyond = [outwards * size for size in refused if outwards * size > outwards * farthest]
        unit = f" {COUNTS[keyword]}" if keyword in COUNTS else ""
        way = f"{'up' if outwards > 0 else 'down'} to {as_limit(farthest)}{unit}"
        end = f"; {as_limit(outwards * min(beyond))} was refused" if beyond else ""
        return f"{counted(len(self.sizes), 'value')} tried and accepted, {way}{end}"


def finding_data(finding: Finding) -> FindingData:
    """Return a finding as texts and numbers."""
    value = finding.value if finding.has_value else None
    exchange = finding.exchange
    kind, clause, topic = finding.matter
    return {
        "kind": kind, "clause": clause, "topic": topic, "headline": finding.headline or finding.problem,
        "problem": finding.problem, "promise": finding.promise, "sent": exchange.sent(),
        "received": exchange.received(), "curl": exchange.curl(), "status": exchange.status,
        "value": brief(value) if finding.has_value else None, "size": measure(value),
        "text": value if isinstance(value, str) and shown(value, LONGEST_TEXT) is value else None, "lines": finding.lines(),
    }  # fmt: skip


def assertion_data(contract: Contract, item: pytest.Item, error: BaseException) -> FindingData:
    """Return an assertion that failed as a finding of the clause that the test's docstring begins with."""
    problem = shown((str(error).splitlines() or ["an assertion failed"])[0])
    promise = " ".join((getattr(getattr(item, "obj", None), "__doc__", None) or item.name).split())
    return {
        "kind": "broken", "clause": clause_of(contract, promise), "topic": promise, "headline": problem,
        "problem": problem, "promise": promise, "sent": "", "received": "", "curl": "", "status": 0, "value": None,
        "size": None, "text": None, "lines": [],
    }  # fmt: skip


def clause_of(contract: Contract, docstring: str) -> str:
    """
    Return the pointer that a test's docstring begins with; that of the promises where it names no place. It begins with
    a place or an operation: "x-promises/atomic: ...", "components, securitySchemes: ..." or "update: ...".
    """
    named = re.match(r"#/[^\s:;,]+", docstring)
    if named:
        return named.group()
    pointer = f"#/{docstring.partition(':')[0].replace(', ', '/')}"
    if contract.document.has(pointer):
        return pointer
    word = re.split(r"\W", docstring, maxsplit=1)[0]
    return contract.operation(word).pointer if contract.has(word) else PROMISES


def members(error: BaseException | None, kind: type[ErrorType]) -> list[ErrorType]:
    """Return the exceptions of a kind in *error*, its groups and its causes: hypothesis wraps what it finds."""
    if error is None:
        return []
    if isinstance(error, kind):
        return [error]
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else (error.__cause__ or error.__context__,)
    return [found for member in inner for found in members(member, kind)]


def failed_assertions(error: BaseException) -> list[BaseException]:
    """Return the assertions that *error* is, or consists of: hypothesis groups what it finds."""
    if isinstance(error, BaseExceptionGroup):
        return [found for member in error.exceptions for found in failed_assertions(member)]
    return [error] if isinstance(error, (AssertionError, pytest.fail.Exception)) else []


def key_of(data: FindingData) -> IssueKey:
    """Return the key of the issue that a finding belongs to."""
    return data["kind"], data["clause"], data["topic"]


def gather(issues: dict[IssueKey, Issue], data: FindingData, test: str) -> None:
    """Add a finding to its issue."""
    issues.setdefault(key_of(data), Issue(data, test)).see(data, test)


def plainness(data: FindingData) -> Rank:
    """
    Rank a finding among those of its issue; the least is the plainest, which a reader understands at once. One value
    before many, readable ASCII before what only a program can tell apart, also in what the item held besides, and short
    before long: 2.5 before 2.0000000000000004.
    """
    value, exchange = data["value"] or "", f"{data['sent']} {data['received']}"
    return data["value"] is None, *_oddness(value), *_oddness(exchange)


def _oddness(text: str) -> tuple[bool, int]:
    """Rank a text; an escape is a character that could not be shown."""
    return not (text.isascii() and text.isprintable()) or "\\" in text, len(text)


def as_limit(size: float) -> int | float:
    """Return a number as a contract spells it: 3 for 3.0."""
    return int(size) if float(size).is_integer() and abs(size) < 2**53 else size
