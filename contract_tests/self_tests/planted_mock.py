"""A mock with a fault, or a lawful variant, forked from this process: the catalogue is made once for all tests of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from contract_tests.mock_api.process import RunningMock
from contract_tests.runner.configuration import Configuration
from contract_tests.spec.contract import Contract
from contract_tests.trials.fork_server import Trial


@contextmanager
def planted_mock(contract: Contract, kind: str = "clean", *names: str) -> Iterator[RunningMock]:
    """
    Run a mock for as long as the block lasts.

    Args:
        contract: What it is a mock of.
        kind: clean, fault or variant.
        names: The fault, or the variants.
    """
    with Trial(kind, names).mock(Configuration(contract=contract.document.file)) as (url, api_key):
        yield RunningMock(url, api_key, None)  # type: ignore[arg-type]  # nobody asks for the process
