"""
The catalogue of planted faults: ways to break the contract, each the smallest replacement of one behaviour of the mock.

They exist to try the suite, which must turn red for each, and stay green for each of the lawful variants. The mock
itself knows nothing of them.
"""

from __future__ import annotations

import importlib

from ..app import Api
from ..contract import Contract
from ..errors import Refusal
from . import seams
from .fault import FAULTS, GROUPS, VARIANTS, Fault, Variant
from .generated import generated_faults
from .seams import Operation

__all__ = ["ALWAYS_FAILS", "GROUPS", "Fault", "Variant", "always_fails", "catalogue", "variants"]

ALWAYS_FAILS = "always_fails"

# Importing a module registers its faults.
MODULES = (
    "atomicity",
    "authentication",
    "combinations",
    "concurrency",
    "creation",
    "cross_field",
    "deletion",
    "edges",
    "enums",
    "fidelity",
    "identity",
    "isolation",
    "freedoms",
    "lawful",
    "limits",
    "media_types",
    "methods",
    "null",
    "pagination",
    "persistence",
    "secrets",
    "size",
    "sometimes",
    "statuses",
    "types",
)
for _name in MODULES:
    importlib.import_module(f"{__name__}.{_name}")


def catalogue(contract: Contract) -> dict[str, Fault]:
    """
    List the planted faults by name, ordered by group.

    Args:
        contract: Brings the faults of its own limits.
    """
    generated = list(generated_faults(contract))
    assert not FAULTS.keys() & {fault.name for fault in generated}
    known = sorted([*generated, *FAULTS.values()], key=lambda fault: GROUPS.index(fault.group))
    return {fault.name: fault for fault in known}


def variants() -> dict[str, Variant]:
    """List the lawful variants by name."""
    return dict(VARIANTS)


def always_fails(api: Api) -> None:
    """Answer 500 to everything but the list of voices: what a suite must not overlook."""

    async def run(request: object, handle: Operation) -> object:
        raise Refusal(500, "Something went wrong.")

    for operation in api.contract.operations:
        if operation != "listVoices":
            seams.around(api, operation, run)  # type: ignore[arg-type]
