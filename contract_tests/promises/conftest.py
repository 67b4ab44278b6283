"""The API under test, and the things of a run that have a lifetime."""

import secrets
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from contract_tests.checks.account_findings import require_own_account
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import Judge
from contract_tests.checks.run import Run
from contract_tests.checks.shape import shape_of
from contract_tests.errors import Refused
from contract_tests.runner import plugin
from contract_tests.runner.borrowed_resource import borrowed
from contract_tests.runner.handover import CONFIGURATION
from contract_tests.runner.hooks import OUTCOMES
from contract_tests.runner.under_test import opened, started_mock
from contract_tests.spec.contract import Contract
from contract_tests.transport.interruption import held_back
from contract_tests.transport.run_limits import RequestBudget, RunLimits
from contract_tests.transport.target import Api, Target

# The exit code of a run that cannot begin.
REFUSED = 4
# The share of few requests that is kept for tests that have sent none.
KEPT = 0.25


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Offer the options where the package is not installed."""
    pluginmanager.import_plugin(plugin.NAME)


def pytest_configure(config: pytest.Config) -> None:
    """Turn the suite on: a test of it is collected."""
    plugin.activate(config)


@pytest.fixture(scope="session")
def contract(pytestconfig: pytest.Config) -> Contract:
    """The contract that the API is held to."""
    return pytestconfig.stash[CONFIGURATION].load_contract()


@pytest.fixture(scope="session")
def connection(contract: Contract, pytestconfig: pytest.Config) -> Iterator[Api]:
    """The API that BASE_URL names, within its limits, or a mock that lives as long as the run and has none."""
    run_id = secrets.token_hex(4)
    configuration = pytestconfig.stash[CONFIGURATION]
    if configuration.is_live:
        with opened(configuration, run_id, is_name=contract.accepts_name) as api:
            yield api
        return
    limits = RunLimits(RequestBudget(file=configuration.budget_file))
    with started_mock(configuration) as mock:
        target = Target(configuration.target, mock.url, mock.api_key)
        with Api(target, run_id, shape_of(contract), limits=limits, is_name=contract.accepts_name) as api:
            yield api


@pytest.fixture(scope="session")
def run(contract: Contract, connection: Api, pytestconfig: pytest.Config) -> Iterator[Run]:
    """The run, whose items are removed at its end, and whose borrowed item, if it has one, is restored."""
    configuration = pytestconfig.stash[CONFIGURATION]
    borrowed_id = connection.borrowed_id
    judge = Judge(contract, (connection.target.api_key,))
    left: list[str] = []
    try:
        with borrowed(connection, borrowed_id, contract, left) if borrowed_id else nullcontext() as lent:
            seed, is_brief = configuration.seed or 0, configuration.is_brief
            own = Run(connection, judge, seed, lent, is_brief=is_brief)
            yield own
    except Refused as error:
        pytest.exit(str(error), REFUSED)
    finally:
        try:
            with held_back():
                left += connection.remove_all()
        finally:
            pytestconfig.stash[OUTCOMES].note_end(connection.created, judge.observations, left=left)
    require_own_account(own)


@pytest.fixture(autouse=True)
def _room(run: Run, request: pytest.FixtureRequest) -> None:
    """Keep the last of few requests for the tests that have sent none: of the others no further case is tried."""
    test, budget = request.node.nodeid.partition("[")[0], run.api.transport.limits.budget
    is_short = run.is_brief and bool(budget.max_requests) and budget.left < KEPT * budget.max_requests
    is_further = run.begun.setdefault(test, request.node.nodeid) != request.node.nodeid
    if is_short and is_further and request.node.get_closest_marker("takes_the_rest") is None:
        pytest.skip("the budget leaves no request for it")


@pytest.fixture(scope="session")
def judge(run: Run) -> Judge:
    """What holds an answer to the contract."""
    return run.judge


@pytest.fixture(scope="module")
def shared_item(run: Run) -> Iterator[ItemUnderTest]:
    """An item with every field set, lent to all tests of a file."""
    with run.lend() as item:
        yield item


@pytest.fixture
def item(run: Run) -> Iterator[ItemUnderTest]:
    """An item with every field set, lent to one test."""
    with run.lend() as item:
        yield item


@pytest.fixture(scope="module")
def other_item(run: Run) -> Iterator[ItemUnderTest]:
    """A second item with every field set, which no test of a file changes."""
    with run.item() as item:
        yield item
