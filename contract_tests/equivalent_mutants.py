"""
Reads equivalent_mutants.yaml: the mutations that a person has read and found to break no promise.

An entry names a change by its text and not by its line, so that it outlives changes around it. What it leaves out it
leaves open: without `after`, it covers every change of the lines in `before`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contract_tests.mutations import Mutation

EQUIVALENT_FILE = Path(__file__).with_name("equivalent_mutants.yaml")

REQUIRED = ("module", "function", "before", "reason")
OPTIONAL = ("operator", "after", "nth")

SHORTEST_REASON = 10


class EquivalentsError(Exception):
    """The file cannot be followed: one line that names the entry, the field and what to do there."""


@dataclass(frozen=True)
class Equivalent:
    """Changes that break no promise, and why."""

    module: str
    function: str
    before: str
    reason: str
    operator: str | None = None
    after: str | None = None
    nth: int | None = None

    def covers(self, mutation: Mutation) -> bool:
        """Say whether *mutation* is one of these changes."""
        names = ("module", "function", "before", "operator", "after", "nth")
        return all(getattr(self, name) in (None, getattr(mutation, name)) for name in names)

    def __str__(self) -> str:
        return f"{self.module}.{self.function or '(module)'}: {self.before}  ->  {self.after or 'any'}"


def read_equivalents(file: Path = EQUIVALENT_FILE) -> list[Equivalent]:
    """
    Read the file.

    Args:
        file: YAML: a list of mappings.

    Returns:
        Its entries in their order; none without the file.

    Raises:
        EquivalentsError: An entry cannot be followed.
    """
    try:
        entries = yaml.safe_load(file.read_text("utf-8")) or []
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise EquivalentsError(f"{file.name}: {' '.join(str(error).split())}; write valid YAML in UTF-8") from None
    if not isinstance(entries, list):
        raise EquivalentsError(f"{file.name}: is no list; begin each entry with `- module:`")
    return [_equivalent(entry, f"{file.name}: entry {number}") for number, entry in enumerate(entries, 1)]


def unmatched(equivalents: Iterable[Equivalent], known: Iterable[Mutation]) -> list[Equivalent]:
    """List the entries of which no mutation is left, because the code has changed."""
    mutations = list(known)
    return [entry for entry in equivalents if not any(entry.covers(mutation) for mutation in mutations)]


def _equivalent(entry: Any, place: str) -> Equivalent:
    if not isinstance(entry, dict):
        raise EquivalentsError(f"{place}: is no mapping; write module, function, before and reason")
    for name in REQUIRED:
        if name not in entry:
            raise EquivalentsError(f"{place}: {name} is missing; every entry has {', '.join(REQUIRED)}")
    for name, value in entry.items():
        _check_field(place, name, value)
    if len(entry["reason"].split()) < 2 or len(entry["reason"]) < SHORTEST_REASON:
        raise EquivalentsError(f"{place}: reason is {entry['reason']!r}; say in a sentence why no promise is broken")
    return Equivalent(**entry)


def _check_field(place: str, name: Any, value: Any) -> None:
    if name not in (*REQUIRED, *OPTIONAL):
        raise EquivalentsError(f"{place}: {name} is no field; write {', '.join((*REQUIRED, *OPTIONAL))}")
    kind = int if name == "nth" else str
    if type(value) is not kind:
        asked = "a whole number" if kind is int else "text; put it in quotes"
        raise EquivalentsError(f"{place}: {name} is {value!r}; write {asked}")
