"""The boundary values of this suite inside `schemathesis run`: no false alarm, nothing left, and what it then finds."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.spec.contract import ROOT, load_contract
from contract_tests.trials.baseline import BaselineRun, run_baseline

OURS = ROOT / "openapi.yaml"
CONTRACTS = ROOT / "contract_tests" / "self_tests" / "contracts"
CHECK = "boundary_values_are_kept"


def _run(mock: RunningMock, contract: Path, *, has_hooks: bool = True) -> BaselineRun:
    """Run the examples of a contract, as the page about it says."""
    return run_baseline(load_contract(contract), mock.url, mock.api_key, 1, "--phases", "examples", has_hooks=has_hooks)


def _names(mock: RunningMock) -> list[str]:
    items = httpx.get(f"{mock.url}/personas?page_size=100", headers={"x-api-key": mock.api_key}).json()
    return [item["name"] for item in items["personas"]]


def test_correct_api_passes_and_nothing_is_left() -> None:
    """Hundreds of examples go out, none is called a violation, and every item that was made for them is removed."""
    with running_mock() as mock:
        own, run = _run(mock, OURS, has_hooks=False), _run(mock, OURS)
        assert (run.alarms, run.error) == (own.alarms, "")
        assert run.cases > own.cases + 500
        assert [name for name in _names(mock) if name.startswith("contract-test")] == []


@pytest.mark.parametrize("fault", ["wait_seconds_maximum_an_ulp_wider", "persona_prompt_loses_its_end"])
def test_fault_is_found_with_the_hooks_alone(fault: str) -> None:
    """A limit that is one double too wide, a text that is cut when it is stored: only a boundary value and a read show them."""
    with running_mock("--fault", fault, module="contract_tests.trials.faults") as mock:
        assert _run(mock, OURS, has_hooks=False).alarms == ()
        assert {alarm.check for alarm in _run(mock, OURS).alarms} == {CHECK}


@pytest.mark.parametrize("name", ["bookings", "devices"])
def test_other_contract_passes(name: str) -> None:
    """A key in the query, an update by PUT, nested values, other statuses."""
    contract = CONTRACTS / f"{name}.yaml"
    with running_mock("--contract", str(contract)) as mock:
        own, run = _run(mock, contract, has_hooks=False), _run(mock, contract)
    assert ({*run.alarms} - {*own.alarms}, run.error) == (set(), "")
    assert run.cases > own.cases + 100
