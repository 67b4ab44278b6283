"""What a planted fault is, what a lawful variant is, and the register of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..app import Api
from .witness import Moment, Witness

Apply = Callable[[Api], None]

GROUPS = (
    "limits",
    "types",
    "enums",
    "null",
    "persistence",
    "atomicity",
    "isolation",
    "identity",
    "fidelity",
    "combinations",
    "cross_field",
    "authentication",
    "secrets",
    "statuses",
    "media_types",
    "methods",
    "size",
    "concurrency",
    "deletion",
    "creation",
    "pagination",
    "sometimes",
)


@dataclass(frozen=True)
class Fault:
    """One way in which an API breaks the contract."""

    name: str
    """The subject and its defect, in snake_case."""
    group: str
    summary: str
    """What the faulty API does, as a sentence in the third person."""
    clause: str
    """What it breaks: a pointer into openapi.yaml."""
    apply: Apply
    """Replaces one behaviour of a mock that was built a moment ago."""
    witness: Witness
    """Requests of which at least one is answered otherwise than by the mock as it should be."""


@dataclass(frozen=True)
class Variant:
    """One way in which an API may differ from the mock and keep the contract."""

    name: str
    summary: str
    apply: Apply
    witness: Witness
    """Requests that show the difference, in an answer or in the time that it takes."""
    never_with: tuple[str, ...] = ()
    """Variants that a mock cannot have at the same time."""


FAULTS: dict[str, Fault] = {}
VARIANTS: dict[str, Variant] = {}


def fault(group: str, clause: str, *witness: Moment) -> Callable[[Apply], Apply]:
    """
    Register the decorated function as a fault: its name, and its docstring as the summary.

    Args:
        group: One of GROUPS.
        clause: What the fault breaks.
        witness: Requests that show it.
    """
    assert group in GROUPS, group

    def register(apply: Apply) -> Apply:
        assert apply.__name__ not in FAULTS, apply.__name__
        FAULTS[apply.__name__] = Fault(apply.__name__, group, _summary(apply), clause, apply, witness)
        return apply

    return register


def variant(*witness: Moment, never_with: tuple[str, ...] = ()) -> Callable[[Apply], Apply]:
    """Register the decorated function as a lawful variant: its name, and its docstring as the summary."""

    def register(apply: Apply) -> Apply:
        assert apply.__name__ not in VARIANTS, apply.__name__
        VARIANTS[apply.__name__] = Variant(apply.__name__, _summary(apply), apply, witness, never_with)
        return apply

    return register


def _summary(apply: Apply) -> str:
    return " ".join((apply.__doc__ or "").split())
