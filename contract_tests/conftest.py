"""Which API is under test, and the things of a run that have a lifetime."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import hypothesis
import pytest

from contract_tests.contract import Contract, load_contract
from contract_tests.mock_api.process import running_mock
from contract_tests.report.outcomes import Outcomes
from contract_tests.run import Run
from contract_tests.selection import sharpest_first, shuffled
from contract_tests.subject import Subject
from contract_tests.target import Api, Target
from contract_tests.verdict import Judge

# Requests go over a network, so no example is timed; a function-scoped fixture is a persona that outlives the example.
COMMON = hypothesis.settings(
    deadline=None,
    print_blob=False,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.filter_too_much,
    ],
)
# quick repeats exactly from its seed, so it keeps no database; thorough goes on from what earlier runs found.
hypothesis.settings.register_profile("quick", COMMON, max_examples=25, stateful_step_count=15, database=None)
hypothesis.settings.register_profile("live", COMMON, max_examples=10, stateful_step_count=10, database=None)
hypothesis.settings.register_profile("thorough", COMMON, max_examples=400, stateful_step_count=40)


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples are tried, and collect what comes out."""
    hypothesis.settings.load_profile(os.environ.get("PROFILE", "quick"))
    if not any(isinstance(plugin, Outcomes) for plugin in config.pluginmanager.get_plugins()):
        config.pluginmanager.register(Outcomes(), "outcomes")  # pytest was called by hand, or this is xdist's worker


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer another order, in which no test may lean on the one before it."""
    parser.addoption("--shuffle", action="store_true", help="run the tests of each file in an order that SEED decides")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests into the order of the run."""
    shuffle = config.getoption("shuffle")
    items[:] = shuffled(items, int(os.environ.get("SEED", "0"))) if shuffle else sharpest_first(items)


@pytest.fixture(scope="session")
def contract() -> Contract:
    """openapi.yaml."""
    return load_contract()


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """The API that BASE_URL names, or a mock that lives as long as the run."""
    if base_url := os.environ.get("BASE_URL"):
        yield Target(base_url, base_url.rstrip("/"), os.environ["COVAL_API_KEY"])
        return
    with running_mock() as mock:
        yield Target("the mock", mock.url, mock.api_key)


@pytest.fixture(scope="session")
def run(contract: Contract, target: Target, request: pytest.FixtureRequest) -> Iterator[Run]:
    """The run, whose personas are removed at its end."""
    outcomes = next(p for p in request.config.pluginmanager.get_plugins() if isinstance(p, Outcomes))
    run_id = secrets.token_hex(4)
    with Api(target, run_id) as api:
        judge = Judge(contract, (target.api_key,))
        started = Run(api, judge, int(os.environ.get("SEED", "0")))
        try:
            yield started
        finally:
            outcomes.note_end(api.ledger, started.tally, left=api.remove_all(), notes=judge.notes)


@pytest.fixture(scope="session")
def api(run: Run) -> Api:
    """The API under test."""
    return run.api


@pytest.fixture(scope="session")
def judge(run: Run) -> Judge:
    """What holds an answer to the contract."""
    return run.judge


@pytest.fixture(scope="module")
def shared_subject(run: Run) -> Iterator[Subject]:
    """A persona with every field set, lent to all tests of a file."""
    with run.persona() as subject:
        yield subject


@pytest.fixture
def subject(run: Run) -> Iterator[Subject]:
    """A persona with every field set, lent to one test."""
    with run.persona() as subject:
        yield subject


@pytest.fixture
def bystander(run: Run) -> Iterator[Subject]:
    """A second persona with every field set, which a test leaves alone."""
    with run.persona() as subject:
        yield subject
