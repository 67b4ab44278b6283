"""Whole bodies that are at fault by which fields they have: one missing, one too many, too few, one without another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contract_tests.generation.boundaries import untried
from contract_tests.generation.keywords import untried_at
from contract_tests.generation.objects import shape_candidates
from contract_tests.generation.places import Place
from contract_tests.spec.contract import Contract
from contract_tests.spec.extensions import Untried


@dataclass(frozen=True)
class BodyBoundary:
    """One body, and what the contract says of it."""

    role: str
    reason: str
    body: Mapping[str, Any] = field(repr=False)
    accepted: bool
    source: str
    """The pointer into the contract that decides."""

    @property
    def name(self) -> str:
        """A readable, stable id."""
        return f"{self.role}-{self.reason}-{'accepted' if self.accepted else 'refused'}"


def body_boundaries(contract: Contract, role: str, good: Mapping[str, Any]) -> list[BodyBoundary]:
    """
    List bodies that differ from a good one, which has every field that may stand in one, only in which fields they have.

    Returns:
        Each body once; those that break a rule across fields are left out.
    """
    found: list[BodyBoundary] = []
    for view in _place(contract, role).views:
        for candidate in shape_candidates(view, dict(good)):
            body = candidate.value
            accepted = contract.accepts(role, body)
            is_judged = not (candidate.is_wrong_or_doubtful and accepted)
            is_lawful = all(rule.is_met(body) for rule in contract.constraints)
            if is_judged and is_lawful and body not in [known.body for known in found]:
                source = view.source(candidate.keyword)
                found.append(BodyBoundary(role, candidate.reason, body, accepted, source))
    return found


def untried_of_body(contract: Contract, role: str) -> list[Untried]:
    """List what cannot be tried of the bodies of an operation and of every field in them."""
    inside = [entry for tried in contract.fields(role).values() for entry in untried(contract, tried)]
    return list({entry.pointer: entry for entry in [*untried_at(_place(contract, role)), *inside]}.values())


def _place(contract: Contract, role: str) -> Place:
    pointer = contract.operation(role).body_pointer
    return Place(contract.document, () if pointer is None else (pointer,), name=role)
