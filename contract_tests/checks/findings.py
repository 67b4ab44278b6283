"""
A promise that the API broke, as one answer shows it, and the message that a person reads.

Many findings may be one matter: each knows the entry of the report that it belongs to, by its kind, its clause and
its topic. Knows nothing of pytest.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from contract_tests.checks.known_divergences import Divergence
from contract_tests.foreign_text import shown
from contract_tests.transport.exchange import Exchange

BROKEN: Literal["broken"] = "broken"
LOOSER: Literal["looser"] = "looser"

Matter = tuple[str, str, str]
"""What makes findings one entry of the report: kind, clause, topic."""


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
    topic: str = ""
    """What parts it from other findings of the same kind and clause; by default the promise."""
    headline: str = ""
    """The problem without the value that showed it; by default the problem."""
    value: Any = field(default=NotImplemented, repr=False)
    """The value of a field that showed it, where one did."""
    expects: str = field(default="", repr=False)
    """What a written test asserts, in Python about its `api`, `answer` and `before`; empty where no line says it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "exchange", self.exchange.excerpt())  # a run keeps its findings to its end
        # An answer may have had a say in these.
        for name in ("problem", "topic", "headline"):
            object.__setattr__(self, name, shown(self.exchange.hide(getattr(self, name))))

    def __str__(self) -> str:
        return (
            f"{self.kind}: {self.problem}\n"
            f"  sent      {self.exchange.sent()}\n"
            f"  received  {self.exchange.received()}\n"
            f"  contract  {self.promise}\n"
            f"            {self.clause}\n"
            f"  repeat    {self.exchange.curl()}"
        )

    def lines(self) -> list[str]:
        """Return the lines of a test that repeats it; none where it takes more than requests one after the other."""
        *calls, last = (self.exchange.calls() if self.expects else []) or [""]
        if not last or self.exchange.names(self.expects):
            return []
        if "before" in self.expects:  # what is refused changes nothing, so it is read before all that was refused
            accepted = max((n for n, step in enumerate(self.exchange.earlier, 1) if step.was_accepted), default=0)
            calls.insert(accepted, "before = api.read()")
        return [*calls, f"answer = {last}", f"assert {self.exchange.hide(self.expects)}, answer.text"]

    @property
    def matter(self) -> Matter:
        """The entry of the report that it belongs to."""
        return self.kind, self.clause, self.topic or self.promise

    @property
    def has_value(self) -> bool:
        """Whether one value of one field showed it."""
        return self.value is not NotImplemented


class Violation(AssertionError):
    """The API broke at least one promise."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple({str(finding): finding for finding in findings}.values())
        super().__init__("\n\n".join(str(finding) for finding in self.findings))


class Known:
    """The divergences that a run lives with, and what it met of them."""

    def __init__(self) -> None:
        self.entries: tuple[Divergence, ...] = ()
        self._met: list[tuple[Divergence, Finding]] = []
        self._lock = threading.Lock()

    def takes(self, finding: Finding) -> bool:
        """Note a finding that an entry covers; say whether one does."""
        said = (finding.headline, finding.problem, finding.promise)
        entry = next((each for each in self.entries if each.covers(finding.kind, finding.clause, *said)), None)
        if entry is not None:
            with self._lock:
                self._met.append((entry, finding))
        return entry is not None

    def drain(self) -> list[tuple[Divergence, Finding]]:
        """Return what was met since this was asked last."""
        with self._lock:
            met, self._met = self._met, []
        return met


# Set once, when a run begins: a test cannot be handed what every `require` in it must know.
KNOWN = Known()


def require(findings: Iterable[Finding]) -> None:
    """
    Pass when nothing was found but what is known; the test goes on then.

    Raises:
        Violation: Something else was.
    """
    found = [finding for finding in findings if not KNOWN.takes(finding)]
    if found:
        raise Violation(found)
