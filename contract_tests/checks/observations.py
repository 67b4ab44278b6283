"""
What a run observes beside violations: what was tried, what was refused, and what the API does beyond the contract.

Nothing of it is ever red: a field that the contract does not name is lawful, and a reader of the report wants to know.
Knows nothing of pytest.
"""

import json
import math
import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from contract_tests.foreign_text import shown
from contract_tests.generation.candidate import is_number
from contract_tests.spec.contract import Addition
from contract_tests.spec.resource import Role
from contract_tests.transport.redaction import redactor_of

MOST_EXAMPLES = 3
LONGEST_EXAMPLE = 60
# A field of such a name may hold what nobody should read in a report.
PRIVATE_WORDS = ("key", "token", "secret", "password", "credential", "authorization", "cookie")
HIDDEN = "not shown"
# The closest refusals are what counts, and they come first: the values of a limit are tried outward.
MOST_REFUSALS = 200
# As many as few requests come to.
MOST_ATTEMPTS = 1_000

ACCEPTED, REFUSED = "accepted", "refused"


@dataclass(frozen=True)
class Attempt:
    """A body that was sent, for the covering plan."""

    role: Role
    item: Mapping[str, Any]
    """What the item held; nothing of a new one."""
    body: Mapping[str, Any]
    fault: str | None = None
    """The field that spoils it."""


@dataclass
class Drift:
    """One way in which the API goes beyond the contract, and how often it was seen."""

    headline: str
    where: str
    """The pointer at which the contract would name it."""
    types: list[str] = field(default_factory=list)
    """The JSON types seen, such as string or array of string, in the order in which they came."""
    examples: list[str] = field(default_factory=list)
    """A few values as JSON text, shortened."""
    count: int = 0

    def see(self, count: int, types: Iterable[str], examples: Iterable[str]) -> None:
        """Count more of the same."""
        self.count += count
        self.types += [name for name in dict.fromkeys(types) if name not in self.types]
        fresh = [text for text in dict.fromkeys(examples) if text not in self.examples]
        self.examples = (self.examples + fresh)[:MOST_EXAMPLES]


@dataclass
class Observations:
    """What a run has observed; every test adds to it."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many values were tried, by what was tried and by kind."""

    drifts: dict[str, Drift] = field(default_factory=dict)
    refusals: dict[str, list[float]] = field(default_factory=dict)
    """The numbers, or lengths, that were refused as the contract says, by the clause that they break."""
    clauses: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many boundary values were sent, by clause and by what the contract says of them."""
    pairs: dict[str, int] = field(default_factory=dict)
    """Which pairs of levels the covering plan has covered, by operation, as bits."""
    finest: dict[tuple[str, timedelta], float] = field(default_factory=dict)
    """The smallest step of a time that readings have shown, in seconds, by field and by resolution."""
    attempts: deque[Attempt] = field(default_factory=lambda: deque(maxlen=MOST_ATTEMPTS), compare=False)
    """The last bodies that this process has sent."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, addition: Addition, *, secrets: Iterable[str] = ()) -> None:
        """Note a field of an answer that the contract does not name; no example may show a secret."""
        hide = redactor_of(tuple(secrets)).text
        example = HIDDEN if _is_private(addition.name, addition.value) else brief(addition.value)
        examples = [] if addition.is_listed else [example if hide(example) is example else HIDDEN]  # a list: of others
        headline = f"{' '.join(addition.place.split('/')[3:4])} has a further field, {addition.name}"
        self.see(hide(addition.place), hide(headline), [json_type(addition.value)], examples)

    def see(self, where: str, headline: str, types: Iterable[str] = (), examples: Iterable[str] = ()) -> None:
        """Note something that goes beyond the contract."""
        with self.lock:
            self.drifts.setdefault(where, Drift(shown(headline), where)).see(1, types, examples)

    def try_value(self, clause: str, *, is_valid: bool) -> None:
        """Count a boundary value that is sent."""
        with self.lock:
            self.clauses[clause, ACCEPTED if is_valid else REFUSED] += 1

    def note_spoilt(self, role: Role, item: Mapping[str, Any], token: bytes | str, name: str) -> None:
        """Note a body that one field spoils, as far as this parser reads it."""
        with suppress(ValueError, RecursionError):
            body = json.loads(token, parse_int=float)
            if isinstance(body, dict) and name in body:
                self.attempts.append(Attempt(role, item, body, name))

    def note_pairs(self, operation: str, covered: int) -> None:
        """Note which pairs of levels an operation was tried with."""
        with self.lock:
            self.pairs[operation] = self.pairs.get(operation, 0) | covered

    def refuse(self, clause: str, value: object) -> None:
        """Note a value that was refused as its clause says."""
        size = measure(value)
        with self.lock:
            kept = self.refusals.setdefault(clause, [])
            if size is not None and size not in kept and len(kept) < MOST_REFUSALS:
                kept.append(size)

    def merge(self, told: dict[str, Any]) -> None:
        """Take over what `as_json` of other observations told."""
        for drift in told["drifts"]:
            known = self.drifts.setdefault(drift["where"], Drift(drift["headline"], drift["where"]))
            known.see(drift["count"], drift["types"], drift["examples"])
        for clause, sizes in told["refusals"].items():
            self.refusals[clause] = sorted({*self.refusals.get(clause, ()), *sizes})
        for operation, covered in told["pairs"].items():
            self.note_pairs(operation, int(covered, 16))
        self.clauses += Counter({(clause, side): count for clause, side, count in told["clauses"]})
        self.counts += Counter({(what, kind): count for what, kind, count in told["counts"]})

    def as_json(self) -> dict[str, Any]:
        """Return the observations as plain lists and objects, to be sent from one process to another."""
        return {
            "drifts": [asdict(drift) for drift in self.drifts.values()],
            "refusals": self.refusals,
            "pairs": {operation: hex(covered) for operation, covered in self.pairs.items()},
            "clauses": [[*key, count] for key, count in self.clauses.items()],
            "counts": [[*key, count] for key, count in self.counts.items()],
        }


def measure(value: object) -> float | None:
    """Return what a limit is held against: a number itself, the size of a text, an array or an object; else None."""
    if isinstance(value, (str, list, dict)):
        return len(value)
    if is_number(value):
        try:
            return value if math.isfinite(value) else None
        except OverflowError:  # a whole number beyond every double
            return None
    return None


def json_type(value: object) -> str:
    """Return the JSON type of a value; of a list also the types of its items, such as array of string."""
    if isinstance(value, list):
        items = sorted({json_type(item) for item in value})
        return f"array of {items[0]}" if len(items) == 1 else "array"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", type(None): "null"}
    return names[type(value)]


def brief(value: object) -> str:
    """Return a value as a sentence may show it: as printable JSON text, a long text by its length."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > LONGEST_EXAMPLE and isinstance(value, str):
        return f"of {len(value)} characters"
    text = text if len(text) <= LONGEST_EXAMPLE else f"{text[:LONGEST_EXAMPLE]}..."
    return shown(text)


def _is_private(name: str, value: object) -> bool:
    inner = list(value.items()) if isinstance(value, dict) else []
    inner += [("", item) for item in value] if isinstance(value, list) else []
    return any(word in name.lower() for word in PRIVATE_WORDS) or any(_is_private(*pair) for pair in inner)
