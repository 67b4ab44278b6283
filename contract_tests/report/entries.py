"""
What a person reads of the findings of a run: one entry for each matter, not one for each value or each test.

A finding is told as plain text and numbers, so that xdist's workers can send it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from contract_tests.contract import LIMITS
from contract_tests.drift import brief, measure
from contract_tests.findings import Finding, Matter
from contract_tests.foreign_text import shown

MOST_EXAMPLES = 5
MOST_SHOWN = 3
Told = dict[str, Any]
Rank = tuple[bool, bool, int, bool, int]
# What an entry takes over from the plainest of its findings.
COPIED = ("headline", "promise", "sent", "received", "curl", "status")


@dataclass
class Entry:
    """One matter: what happened, how often, with the plainest exchange that showed it."""

    kind: str
    clause: str
    topic: str
    headline: str
    """What happened, without the values."""
    promise: str
    sent: str
    received: str
    curl: str
    status: int
    """Of the answer; 0 where there was none."""
    test: str
    """The test that the exchange is from."""
    rank: Rank
    """How plain the exchange is."""
    count: int = 0
    examples: list[str] = field(default_factory=list)
    """The plainest of the values that showed it; what happened, where it was no value of a field."""
    values: list[str] = field(default_factory=list)
    """The texts among the values, each once."""
    sizes: list[float] = field(default_factory=list)
    """The numbers and lengths among the values, each once."""
    is_of_values: bool = False
    """Whether a value of a field showed it."""

    def see(self, told: Told, test: str) -> None:
        """Count a finding of this matter, and keep its exchange if it is plainer than the one before."""
        self.count += 1
        if (rank := plainness(told)) < self.rank:
            self.rank, self.test = rank, test
            for name in COPIED:
                setattr(self, name, told[name])
        self.is_of_values = self.is_of_values or told["value"] is not None
        example = told["value"] if told["value"] is not None else told["problem"]
        for known, fresh in ((self.values, told["text"]), (self.sizes, told["size"])):
            if fresh is not None and fresh not in known:
                known.append(fresh)
        if example not in self.examples:
            self.examples = sorted([*self.examples, example], key=_oddness)[:MOST_EXAMPLES]

    def title(self, refused: Sequence[float] = ()) -> str:
        """
        Say what happened, with the range of the values that showed it.

        Args:
            refused: The numbers or lengths that were refused for the same clause.
        """
        keyword = self.clause.rpartition("/")[2]
        if not self.is_of_values:
            return self.headline
        if keyword in LIMITS and self.sizes:
            return f"{self.headline}: {self._range(keyword, refused)}"
        shown = self.values or self.examples
        more = f" and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
        texts = sorted((brief(value) for value in self.values), key=_oddness) or self.examples
        return f"{self.headline}: {', '.join(texts[:MOST_SHOWN])}{more}"

    def _range(self, keyword: str, refused: Sequence[float]) -> str:
        if self.kind == "broken":
            return f"{_count(self.sizes)}, {as_limit(min(self.sizes))} to {as_limit(max(self.sizes))}"
        is_upper = "max" in keyword.lower()
        farthest = max(self.sizes) if is_upper else min(self.sizes)
        beyond = [size for size in refused if (size > farthest if is_upper else size < farthest)]
        end = (min(beyond) if is_upper else max(beyond)) if beyond else None
        unit = " characters" if "Length" in keyword else ""
        told = f"{_count(self.sizes)} tried and accepted, {'up' if is_upper else 'down'} to {as_limit(farthest)}{unit}"
        return told if end is None else f"{told}; {as_limit(end)} was refused"


def tell(finding: Finding) -> Told:
    """Return a finding as texts and numbers."""
    value = finding.value if finding.has_value else None
    exchange = finding.exchange
    kind, clause, topic = finding.matter
    return {
        "kind": kind, "clause": clause, "topic": topic, "headline": finding.headline or finding.problem,
        "problem": finding.problem, "promise": finding.promise, "sent": exchange.sent(),
        "received": exchange.received(), "curl": exchange.curl(), "status": exchange.status,
        "value": brief(value) if finding.has_value else None, "size": measure(value),
        "text": value if isinstance(value, str) and shown(value, LONGEST_TEXT) is value else None,
    }  # fmt: skip


def tell_assertion(problem: str, promise: str, clause: str) -> Told:
    """Return an assertion that failed, told as a finding is."""
    problem = shown(problem)
    return {
        "kind": "broken", "clause": clause, "topic": promise, "headline": problem, "problem": problem,
        "promise": promise, "sent": "", "received": "", "curl": "", "status": 0, "value": None, "size": None,
        "text": None,
    }  # fmt: skip


# A longer text, or one that cannot be seen, is no candidate for an enum.
LONGEST_TEXT = 100


def gather(entries: dict[Matter, Entry], told: Told, test: str) -> None:
    """Add a finding to the entry of its matter."""
    kind, clause, topic = matter = told["kind"], told["clause"], told["topic"]
    if matter not in entries:
        copied = {name: told[name] for name in COPIED}
        entries[matter] = Entry(kind, clause, topic, **copied, test=test, rank=plainness(told))
    entries[matter].see(told, test)


def plainness(told: Told) -> Rank:
    """
    Rank a finding among those of its matter; the least is the plainest, which a reader understands at once.

    One value before many, readable ASCII before what only a program can tell apart, also in what the item held
    besides, and short before long: 2.5 before 2.0000000000000004.
    """
    value, exchange = told["value"] or "", f"{told['sent']} {told['received']}"
    return told["value"] is None, *_oddness(value), *_oddness(exchange)


def _oddness(text: str) -> tuple[bool, int]:
    """Rank a text; an escape is a character that could not be shown."""
    return not (text.isascii() and text.isprintable()) or "\\" in text, len(text)


def as_limit(size: float) -> int | float:
    """Return a number as openapi.yaml would spell it: 3 for 3.0."""
    return int(size) if float(size).is_integer() and abs(size) < 2**53 else size


def _count(sizes: list[float]) -> str:
    return f"{len(sizes)} value{'s' if len(sizes) > 1 else ''}"
