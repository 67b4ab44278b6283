"""Whole bodies that are at fault by which fields they have: one missing, one too many, too few, one without another."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contract_tests.generation.boundaries import untried
from contract_tests.generation.candidate import Candidate
from contract_tests.generation.keywords import untried_at
from contract_tests.generation.objects import shape_candidates
from contract_tests.generation.places import Place
from contract_tests.spec.contract import Contract
from contract_tests.spec.extensions import Untried


def body_boundaries(contract: Contract, role: str, good: Mapping[str, Any]) -> list[tuple[Candidate, bool]]:
    """
    List bodies that differ from a good one, which has every field that may stand in one, only in which fields they have.

    Returns:
        Each body once, and whether the contract allows it; those that break a rule across fields are left out.
    """
    found: list[tuple[Candidate, bool]] = []
    for view in _place(contract, role).views:
        for candidate in shape_candidates(view, dict(good)):
            body = candidate.value
            accepted = contract.accepts(role, body)
            is_judged = not (candidate.is_wrong_or_doubtful and accepted)
            is_lawful = all(rule.is_met(body) for rule in contract.constraints)
            if is_judged and is_lawful and body not in [known.value for known, _ in found]:
                found.append((replace(candidate, source=view.source(candidate.keyword)), accepted))
    return found


def untried_of_body(contract: Contract, role: str) -> list[Untried]:
    """List what cannot be tried of the bodies of an operation and of every field in them."""
    inside = [entry for tried in contract.fields(role).values() for entry in untried(contract, tried)]
    return list({entry.pointer: entry for entry in [*untried_at(_place(contract, role)), *inside]}.values())


def _place(contract: Contract, role: str) -> Place:
    pointer = contract.operation(role).body_pointer
    return Place(contract.document, () if pointer is None else (pointer,), name=role)
