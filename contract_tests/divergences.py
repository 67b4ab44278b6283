"""
The reader of known_divergences.yaml: what a person has read and decided to live with, with a date and a reason.

An entry is held to something itself: one that covers nothing any more turns a whole run red, unless it rests on what
the API documents and not on what a run has shown. Knows nothing of pytest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from contract_tests.configuration import Configuration
from contract_tests.contract import Contract
from contract_tests.errors import Refused

FILE = Path(__file__).parent / "known_divergences.yaml"
KINDS = ("looser", "broken", "drift")
FIELDS = ("kind", "clause", "about", "date", "reason", "target", "documented")
REQUIRED = ("kind", "clause", "date", "reason")


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


def read_divergences(contract: Contract, path: Path = FILE) -> tuple[Divergence, ...]:
    """
    Read the entries of a file.

    Args:
        contract: What the clauses of looser and broken entries point into.
        path: A YAML list of objects.

    Returns:
        The entries, in the order of the file.

    Raises:
        DivergenceError: With the file, the entry, the field and what to do there.
    """
    try:
        listed = yaml.load(path.read_text("utf-8"), _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DivergenceError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from None
    if listed is not None and not isinstance(listed, list):
        raise DivergenceError(f"{path.name}: holds no list; begin each entry with a dash, or write [] for none")
    entries = tuple(_read(contract, f"{path.name}: entry {n}", n, given) for n, given in enumerate(listed or (), 1))
    for entry in entries:
        twin = next(other for other in entries if _key(other) == _key(entry))
        if twin is not entry:
            place = f"{path.name}: entry {entry.number}"
            raise DivergenceError(f"{place}: clause: entry {twin.number} says the same; remove one of the two")
    return entries


def known_divergences(contract: Contract, configuration: Configuration) -> tuple[Divergence, ...]:
    """
    Return what a run lives with.

    Args:
        contract: What the clauses point into.
        configuration: Names the API, and perhaps another file.

    Raises:
        DivergenceError: The file, or an entry of it, is wrong.
    """
    entries = read_divergences(contract, Path(configuration.known_divergences or FILE))
    return divergences_for(entries, urlsplit(configuration.base_url).netloc)


def divergences_for(entries: tuple[Divergence, ...], host: str) -> tuple[Divergence, ...]:
    """
    Choose the entries that apply to an API.

    Args:
        entries: All of the file.
        host: The host of BASE_URL, with its port where it names one; empty for the mock that a run starts itself.

    Returns:
        Those of that host and those of any; none for the mock, which has no excuse.
    """
    return tuple(entry for entry in entries if host and entry.target in ("", host, host.partition(":")[0]))


class _Loader(yaml.SafeLoader):
    """Leaves a date as the text that it is, so that one in another form can be told."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read(contract: Contract, place: str, number: int, given: Any) -> Divergence:
    if not isinstance(given, dict):
        raise DivergenceError(f"{place}: is no object; write kind, clause, date and reason")
    for name in given:
        if name not in FIELDS:
            raise DivergenceError(f"{place}: {name}: is not known; it may hold {', '.join(FIELDS)}")
    for name in (*REQUIRED, *given):
        if not isinstance(given.get(name), str) or not given[name].strip():
            raise DivergenceError(f"{place}: {name}: {_missing(given, name)}; {HINTS[name]}")
    entry = Divergence(number, **given)
    if entry.kind not in KINDS:
        raise DivergenceError(f"{place}: kind: is {entry.kind!r}; {HINTS['kind']}")
    if not _is_date(entry.date):
        raise DivergenceError(f"{place}: date: is {entry.date!r}; {HINTS['date']}")
    if not entry.clause.startswith("#/"):
        raise DivergenceError(f"{place}: clause: is {entry.clause!r}; {HINTS['clause']}")
    if entry.kind != "drift" and not contract.has(entry.clause):
        raise DivergenceError(f"{place}: clause: openapi.yaml has nothing at {entry.clause}; {HINTS['clause']}")
    if entry.kind == "broken" and not entry.about:
        raise DivergenceError(f"{place}: about: is missing, and a clause may be broken in two ways; {HINTS['about']}")
    return entry


HINTS = {
    "kind": f"write one of {', '.join(KINDS)}",
    "clause": "copy the pointer that the report shows, in quotes, such as '#/components/schemas/WaitSeconds/maximum'",
    "about": "copy a part of the headline that the report shows",
    "date": "write the day of the decision as YYYY-MM-DD",
    "reason": "say in a sentence why this is lived with",
    "target": "write the host of the BASE_URL, such as api.coval.dev, or leave it out",
    "documented": "say which document of the API's own says so, or leave it out where a run has shown it",
}
assert set(HINTS) == set(FIELDS)


def _missing(given: dict[str, Any], name: str) -> str:
    if name not in given or given[name] is None:
        return "is missing"
    return "is empty" if given[name] == "" or isinstance(given[name], str) else f"is {given[name]!r}, which is no text"


def _is_date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _key(entry: Divergence) -> tuple[str, ...]:
    return entry.kind, entry.clause, entry.about, entry.target
