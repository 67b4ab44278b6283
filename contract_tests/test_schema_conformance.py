"""schemathesis on every operation: its examples, its coverage of the schema, and its fuzzing."""

from __future__ import annotations

import pytest

from contract_tests.contract import load_contract
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import require

# More would only repeat what is wrong.
MOST_FINDINGS = 10


@pytest.mark.all_parameters
@pytest.mark.parametrize("operation_id", load_contract().operations)
def test_operation_conforms_to_its_schema(run: Run, subject: Subject, operation_id: str) -> None:
    """#/paths: whatever is generated from it is answered as it says."""
    from contract_tests import conformance  # schemathesis loads slowly, and the sharper tests come first

    tried = conformance.generate(run, subject, operation_id)
    require(tried.sample(MOST_FINDINGS))
    if operation_id == "updatePersona":
        assert set(tried.phases) == conformance.PHASES, f"schemathesis sent nothing in a phase: {tried.phases}"
