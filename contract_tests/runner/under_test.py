"""Opens the API under test: the one that BASE_URL names, within its limits, or a mock that is started for the run."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from contract_tests.checks.shape import shape_of
from contract_tests.errors import Refused, RunEnded
from contract_tests.mock_api.__main__ import build_api
from contract_tests.mock_api.errors import StartError
from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.runner.configuration import Configuration
from contract_tests.runner.mock_contract import mock_contract
from contract_tests.transport.journal import Journal, NoJournal
from contract_tests.transport.run_limits import RequestBudget, RunLimits
from contract_tests.transport.target import Api, Target

MOCK = "contract_tests.mock_api"
FAULTY_MOCK = "contract_tests.trials.faults"


@contextmanager
def shared_budget(settings: Configuration) -> Iterator[Configuration]:
    """Lend a configuration whose users spend one budget at one pace: the preflight, the run, its workers, the sweep."""
    with tempfile.NamedTemporaryFile(prefix="contract-tests-") as file:
        yield replace(settings, budget_file=file.name)


def sent_in_all(settings: Configuration) -> int:
    """Return how many requests all users of a shared budget have sent."""
    with closing(RequestBudget(file=settings.budget_file)) as counted:
        return counted.sent


@contextmanager
def opened(
    settings: Configuration, run: str, *, is_name: Callable[[str], bool] = bool, is_noted: bool = True
) -> Iterator[Api]:
    """Lend an API that keeps to the configuration; *is_noted* is false for what only reads and removes."""
    target = Target(settings.base_url, settings.base_url, settings.require_key())
    try:
        place = settings.journal_folder
        journal = Journal(run, target.base_url, target.api_key, place) if is_noted else NoJournal()
    except OSError as error:
        raise RunEnded(f"{error.filename} cannot be written ({error.strerror}), so nothing is made") from None
    budget = RequestBudget(settings.max_requests, settings.requests_per_second, settings.budget_file)
    limits = RunLimits(budget, journal=journal)
    try:
        shape = shape_of(settings.load_contract())
        borrowed_id = None if settings.borrowed_id is None else shape.as_id(settings.borrowed_id)
        with Api(
            target, run, shape, timeout_seconds=settings.timeout_seconds, limits=limits, most_items=settings.most_items,
            borrowed_id=borrowed_id, is_name=is_name,
        ) as api:  # fmt: skip
            yield api
    finally:
        journal.close()
        budget.close()


def require_mock(settings: Configuration) -> None:
    """Refuse what no mock can follow, before a run depends on it."""
    try:
        with mock_contract(settings.load_contract(), settings.resource) as file:
            build_api(file)
    except StartError as error:
        raise Refused(str(error)) from None


@contextmanager
def started_mock(settings: Configuration) -> Iterator[RunningMock]:
    """Start a mock of the contract that lives as long as the block, with the fault planted that is asked for."""
    module, planted = (MOCK, ()) if settings.fault is None else (FAULTY_MOCK, ("--fault", settings.fault))
    with (
        mock_contract(settings.load_contract(), settings.resource) as file,
        running_mock("--contract", str(file), *planted, module=module) as mock,
    ):
        yield mock
