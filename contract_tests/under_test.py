"""Opens the API under test: the one that BASE_URL names, within its limits, or a mock that is started for the run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from contract_tests.configuration import Configuration
from contract_tests.errors import RunEnded
from contract_tests.journal import Journal, NoJournal
from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.pace import Allowance
from contract_tests.target import Api, Target
from contract_tests.transport import Means
from contract_tests.weather import Weather

FAULTY_MOCK = "contract_tests.mock_api.faults"


@contextmanager
def shared_allowance(settings: Configuration) -> Iterator[Configuration]:
    """Lend a configuration whose users spend one budget at one pace: the probe, the run, its workers, the sweep."""
    with tempfile.NamedTemporaryFile(prefix="contract-tests-") as file:
        yield replace(settings, allowance_file=file.name)


def sent_in_all(settings: Configuration) -> int:
    """Return how many requests all users of a shared budget have sent."""
    counted = Allowance(file=settings.allowance_file)
    try:
        return counted.sent
    finally:
        counted.close()


@contextmanager
def opened(
    settings: Configuration,
    run: str,
    *,
    is_name: Callable[[str], bool] = bool,
    weather: Weather | None = None,
    is_noted: bool = True,
) -> Iterator[Api]:
    """
    Lend an API that keeps to the configuration and writes down what it makes.

    Args:
        settings: What is asked for; its BASE_URL names the API.
        run: The name of the run, eight hexadecimal digits.
        is_name: Whether a new persona may have a name by the contract.
        weather: Where the waiting is told.
        is_noted: Whether it has a journal; what only reads and removes needs none.

    Raises:
        Refused: There is no key.
        RunEnded: The journal cannot be written.
    """
    target = Target(settings.base_url, settings.base_url, settings.require_key())
    try:
        place = settings.journal_folder
        journal = Journal(run, target.base_url, target.api_key, place) if is_noted else NoJournal()
    except OSError as error:
        raise RunEnded(f"{error.filename} cannot be written ({error.strerror}), so nothing is made") from None
    allowance = Allowance(settings.max_requests, settings.requests_per_second, settings.allowance_file)
    means = Means(allowance, weather or Weather(), journal)
    try:
        with Api(
            target,
            run,
            timeout_seconds=settings.timeout_seconds,
            means=means,
            most_personas=settings.most_personas,
            lent_id=settings.lent_id,
            is_name=is_name,
        ) as api:
            yield api
    finally:
        journal.close()
        allowance.close()


def started_mock(fault: str | None) -> AbstractContextManager[RunningMock]:
    """
    Start a mock that lives as long as the block.

    Args:
        fault: What is planted in it; None for the mock as it should be.

    Raises:
        MockStartError: It did not start.
    """
    return running_mock() if fault is None else running_mock("--fault", fault, module=FAULTY_MOCK)
