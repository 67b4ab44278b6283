"""
The reader of known_divergences.yaml: what a person has read and decided to live with, with a date and a reason.

An entry is held to something itself: one that covers nothing any more turns a whole run red, unless it rests on what
the API documents and not on what a run has shown. Knows nothing of pytest.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from contract_tests.errors import Refused
from contract_tests.spec.contract import Contract
from contract_tests.spec.document import Loader

# Where a file is looked for, from the folder of the contract. A folder may hold further contracts, such as a new one:
# the second place belongs to the one that is taken without a name.
PLACES = ("known_divergences.yaml", "contract_tests/known_divergences.yaml")
USUAL_CONTRACT = "openapi.yaml"
KINDS = ("looser", "broken", "drift")
REQUIRED = ("kind", "clause", "date", "reason")
# By the fields of an entry: what to do where one is wrong.
HINTS = {
    "kind": f"write one of {', '.join(KINDS)}",
    "clause": "copy the pointer that the report shows, in quotes, such as '#/components/schemas/Size/maximum'",
    "about": "copy a part of the headline that the report shows",
    "date": "write the day of the decision as YYYY-MM-DD",
    "reason": "say in a sentence why this is lived with",
    "target": "write the host of the BASE_URL, such as api.example.com, or leave it out",
    "documented": "say which document of the API's own says so, or leave it out where a run has shown it",
}


class DivergenceError(Refused):
    """known_divergences.yaml cannot be read, or an entry of it says too little."""


@dataclass(frozen=True)
class Divergence:
    """One entry of known_divergences.yaml."""

    number: int
    """Its place in the file, from 1."""
    kind: str
    clause: str
    date: str
    """As YYYY-MM-DD."""
    reason: str
    about: str = ""
    """A part of the headline that it covers; empty covers the whole clause."""
    target: str = ""
    """The host of the BASE_URL that it is about; empty means any."""
    documented: str = ""
    """Where the API's own documents say so; such an entry need not occur."""

    def covers(self, kind: str, clause: str, *said: str) -> bool:
        """Whether it is about this clause, in this way, and in one of these sentences."""
        return (self.kind, self.clause) == (kind, clause) and any(self.about in text for text in said)

    def __str__(self) -> str:
        about = f" ({self.about})" if self.about else ""
        return f"entry {self.number}, {self.kind} {self.clause}{about}, of {self.date}"


def read_divergences(contract: Contract, path: Path) -> tuple[Divergence, ...]:
    """
    Read the entries of a file.

    Args:
        contract: What the clauses of looser and broken entries point into.
        path: A YAML list of objects.

    Raises:
        DivergenceError: With the file, the entry, the field and what to do there.
    """
    try:
        listed = yaml.load(path.read_text("utf-8"), Loader)  # a date is a text, so that one in another form can be told
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DivergenceError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from None
    if listed is not None and not isinstance(listed, list):
        raise DivergenceError(f"{path.name}: holds no list; begin each entry with a dash, or write [] for none")
    entries = tuple(_read(contract, f"{path.name}: entry {n}", n, given) for n, given in enumerate(listed or (), 1))
    known: dict[tuple[str, ...], int] = {}
    for entry in entries:
        twin = known.setdefault((entry.kind, entry.clause, entry.about, entry.target), entry.number)
        if twin != entry.number:
            place = f"{path.name}: entry {entry.number}"
            raise DivergenceError(f"{place}: clause: entry {twin} says the same; remove one of the two")
    return entries


def known_divergences(contract: Contract, base_url: str, file: Path | None = None) -> tuple[Divergence, ...]:
    """
    Return what a run lives with, by a file or by the one near the contract.

    Raises:
        DivergenceError: The file, or an entry of it, is wrong.
    """
    about = contract.document.file
    places = PLACES if about.name == USUAL_CONTRACT else PLACES[:1]
    found = file or next((about.parent / place for place in places if (about.parent / place).exists()), None)
    return () if found is None else divergences_for(read_divergences(contract, found), urlsplit(base_url).netloc)


def divergences_for(entries: tuple[Divergence, ...], host: str) -> tuple[Divergence, ...]:
    """Choose the entries of a host, with its port where BASE_URL names one; none for the mock, which has no excuse."""
    return tuple(entry for entry in entries if host and entry.target in ("", host, host.partition(":")[0]))


def _read(contract: Contract, place: str, number: int, given: Any) -> Divergence:
    if not isinstance(given, dict):
        raise DivergenceError(f"{place}: is no object; write kind, clause, date and reason")
    for name in given:
        if name not in HINTS:
            raise DivergenceError(f"{place}: {name}: is not known; it may hold {', '.join(HINTS)}")
    for name in (*REQUIRED, *given):
        if not isinstance(given.get(name), str) or not given[name].strip():
            raise DivergenceError(f"{place}: {name}: {_missing(given.get(name))}; {HINTS[name]}")
    entry = Divergence(number, **given)
    name, is_vague = contract.document.name, entry.kind == "broken" and not entry.about
    wrong = {
        "kind": f"is {entry.kind!r}" if entry.kind not in KINDS else "",
        "date": f"is {entry.date!r}" if not _is_date(entry.date) else "",
        "clause": f"is {entry.clause!r}" if not entry.clause.startswith("#/") else "",
        "about": "is missing, and a clause may be broken in two ways" if is_vague else "",
    }
    if entry.kind != "drift" and not wrong["clause"] and not contract.document.has(entry.clause):
        wrong["clause"] = f"{name} has nothing at {entry.clause}"
    for field, problem in wrong.items():
        if problem:
            raise DivergenceError(f"{place}: {field}: {problem}; {HINTS[field]}")
    return entry


def _missing(value: Any) -> str:
    if value is None:
        return "is missing"
    return "is empty" if isinstance(value, str) else f"is {value!r}, which is no text"


def _is_date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False
