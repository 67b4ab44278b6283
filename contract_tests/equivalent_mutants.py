"""
Reads equivalent_mutants.yaml: the mutations that a person has read and found to break no promise.

A reason stands above the changes that it excuses. A change is named by its text and not by its line, so that it outlives
changes around it. What it leaves out it leaves open: without `after`, it covers every change of the lines in `before`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contract_tests.errors import Refused
from contract_tests.mutations import Mutation

EQUIVALENT_FILE = Path(__file__).with_name("equivalent_mutants.yaml")

GROUP = ("reason", "changes")
REQUIRED = ("module", "function", "before")
OPTIONAL = ("operator", "after", "nth")

SHORTEST_REASON = 10


class EquivalentsError(Refused):
    """The file cannot be followed: one line that names the group, the change, the field and what to do there."""


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
        file: YAML: a list of mappings, each with a reason and the changes that it excuses.

    Returns:
        Its changes in their order; none without the file.

    Raises:
        EquivalentsError: The file cannot be followed.
    """
    try:
        groups = yaml.safe_load(file.read_text("utf-8")) or []
    except FileNotFoundError:
        return []
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise EquivalentsError(f"{file.name}: {' '.join(str(error).split())}; write valid YAML in UTF-8") from None
    if not isinstance(groups, list):
        raise EquivalentsError(f"{file.name}: is no list; begin each group with `- reason:`")
    return [each for number, group in enumerate(groups, 1) for each in _group(group, f"{file.name}: group {number}")]


def unmatched(equivalents: Iterable[Equivalent], known: Iterable[Mutation]) -> list[Equivalent]:
    """List the entries of which no mutation is left, because the code has changed."""
    mutations = list(known)
    return [entry for entry in equivalents if not any(entry.covers(mutation) for mutation in mutations)]


def _group(group: Any, place: str) -> Iterator[Equivalent]:
    _check_names(place, group, GROUP, ())
    reason, changes = group["reason"], group["changes"]
    if not isinstance(reason, str) or len(reason) < SHORTEST_REASON or " " not in reason.strip():
        raise EquivalentsError(f"{place}: reason is {reason!r}; say in a sentence why no promise is broken")
    if not isinstance(changes, list):
        raise EquivalentsError(f"{place}: changes is no list; begin each change with `- module:`")
    for number, change in enumerate(changes, 1):
        yield _equivalent(change, f"{place}, change {number}", reason)


def _equivalent(change: Any, place: str, reason: str) -> Equivalent:
    _check_names(place, change, REQUIRED, OPTIONAL)
    for name, value in change.items():
        kind = int if name == "nth" else str
        if type(value) is not kind:
            asked = "a whole number" if kind is int else "text; put it in quotes"
            raise EquivalentsError(f"{place}: {name} is {value!r}; write {asked}")
    return Equivalent(**change, reason=reason)


def _check_names(place: str, node: Any, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    if not isinstance(node, dict):
        raise EquivalentsError(f"{place}: is no mapping; write {', '.join(required)}")
    for name in required:
        if name not in node:
            raise EquivalentsError(f"{place}: {name} is missing; write {', '.join(required)}")
    for name in node:
        if name not in (*required, *optional):
            raise EquivalentsError(f"{place}: {name} is no field; write {', '.join((*required, *optional))}")
