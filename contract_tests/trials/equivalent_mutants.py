"""
Reads equivalent_mutants.yaml: the mutations that a person has read and found to break no promise.

A reason stands above the mutants that it excuses. Each is named by its id, which names the change and not its line, so
that an entry outlives changes around it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contract_tests.errors import Refused
from contract_tests.trials.mutations import Mutation

EQUIVALENT_FILE = Path(__file__).with_name("equivalent_mutants.yaml")

GROUP = ("reason", "mutants")
SHORTEST_REASON = 10


class EquivalentsError(Refused):
    """The file cannot be followed: one line that names the group, the entry and what to do there."""


@dataclass(frozen=True)
class Equivalent:
    """A mutant that breaks no promise, and why."""

    module: str
    id: str
    reason: str

    def covers(self, mutation: Mutation) -> bool:
        """Whether *mutation* is this mutant."""
        return (self.module, self.id) == (mutation.module, mutation.id)

    def __str__(self) -> str:
        return f"{self.module} {self.id}"


def read_equivalents(file: Path = EQUIVALENT_FILE) -> list[Equivalent]:
    """Read mappings, each with a reason and the ids of the mutants that it excuses; none without a file."""
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
    mutants = {(mutation.module, mutation.id) for mutation in known}
    return [entry for entry in equivalents if (entry.module, entry.id) not in mutants]


def _group(group: Any, place: str) -> Iterator[Equivalent]:
    if not isinstance(group, dict) or set(group) != set(GROUP):
        raise EquivalentsError(f"{place}: write {' and '.join(GROUP)}, and nothing else")
    reason, mutants = group["reason"], group["mutants"]
    if not isinstance(reason, str) or len(reason) < SHORTEST_REASON or " " not in reason.strip():
        raise EquivalentsError(f"{place}: reason is {reason!r}; say in a sentence why no promise is broken")
    if not isinstance(mutants, dict) or not all(isinstance(ids, list) for ids in mutants.values()):
        raise EquivalentsError(f"{place}: mutants is no mapping of modules to ids; write `store: [0a1b2c3d]`")
    for module, ids in mutants.items():
        for each in ids:
            if not isinstance(each, str):
                raise EquivalentsError(f"{place}: {module} has {each!r}; put the id in quotes")
            yield Equivalent(module, each, reason)
