"""Which API is under test, and the things of a run that have a lifetime."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import hypothesis
import pytest

from contract_tests.configuration import plain
from contract_tests.contract import Contract, load_contract
from contract_tests.errors import Refused
from contract_tests.handover import CONFIGURATION, handed_configuration
from contract_tests.interruption import held_back, take_signals
from contract_tests.loan import borrowed
from contract_tests.mock_api.parent import end_with_parent
from contract_tests.pace import Allowance
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.redaction import Redaction
from contract_tests.report.summary import Summary
from contract_tests.run import Run
from contract_tests.selection import live, sharpest_first, shuffled, whole
from contract_tests.subject import Subject
from contract_tests.target import Api, Target
from contract_tests.transport import Means
from contract_tests.under_test import opened, started_mock
from contract_tests.verdict import Judge
from contract_tests.weather import keep_terminal

# The exit code of a run that cannot begin.
REFUSED = 4

# Requests go over a network, so no example is timed; a function-scoped fixture is a persona that outlives the example.
COMMON = hypothesis.settings(
    deadline=None,
    print_blob=False,
    # Explaining a failure sends the request a hundred times more, and the message says what is wrong without it.
    phases=[phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain],
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.filter_too_much,
    ],
)
# quick repeats exactly from its seed, so it keeps no database; thorough goes on from what earlier runs found.
hypothesis.settings.register_profile("quick", COMMON, max_examples=25, stateful_step_count=15, database=None)
hypothesis.settings.register_profile("live", COMMON, max_examples=3, stateful_step_count=8, database=None)
hypothesis.settings.register_profile("thorough", COMMON, max_examples=400, stateful_step_count=40)


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples are tried, and collect what comes out."""
    keep_terminal()
    if hasattr(config, "workerinput"):
        take_signals()
        end_with_parent(os.getppid())
    configuration = config.stash[CONFIGURATION] = handed_configuration(config)
    hypothesis.settings.load_profile(config.getoption("--hypothesis-profile", None) or configuration.profile)
    outcomes = next((p for p in config.pluginmanager.get_plugins() if isinstance(p, Outcomes)), None)
    if outcomes is None:
        outcomes = Outcomes()
        config.pluginmanager.register(outcomes, "outcomes")  # pytest was called by hand, or this is xdist's worker
    config.pluginmanager.register(outcomes.remainder, "remainder")
    config.pluginmanager.register(Summary(outcomes), "summary")
    config.pluginmanager.register(Redaction(configuration.api_key), "redaction")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist what the run is asked to do."""
    node.workerinput["configuration"] = plain(node.config.stash[CONFIGURATION])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer another order, in which no test may lean on the one before it."""
    parser.addoption("--shuffle", action="store_true", help="run the tests of each file in an order that SEED decides")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """Collect no test that stands for others where those are run: pytest would count it, and never run it."""
    report: Any = yield
    if not collector.config.stash[CONFIGURATION].is_brief:
        report.result = whole(report.result)
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests into the order of the run."""
    configuration = config.stash[CONFIGURATION]
    seed = configuration.seed or 0
    if configuration.is_brief:
        every = list(items)
        chosen = live(every, seed)
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen
    items[:] = shuffled(items, seed) if config.getoption("shuffle") else sharpest_first(items)


@pytest.fixture(scope="session")
def contract() -> Contract:
    """openapi.yaml."""
    return load_contract()


@pytest.fixture(scope="session")
def connection(contract: Contract, pytestconfig: pytest.Config) -> Iterator[Api]:
    """The API that BASE_URL names, within its limits, or a mock that lives as long as the run and has none."""
    run_id = secrets.token_hex(4)
    configuration = pytestconfig.stash[CONFIGURATION]
    if configuration.is_live:
        with opened(configuration, run_id, is_name=contract.accepts_name) as api:
            yield api
        return
    with (
        started_mock(configuration.fault) as mock,
        Api(
            Target(configuration.target, mock.url, mock.api_key),
            run_id,
            means=Means(Allowance(file=configuration.allowance_file)),
            is_name=contract.accepts_name,
        ) as api,
    ):
        yield api


@pytest.fixture(scope="session")
def run(contract: Contract, connection: Api, request: pytest.FixtureRequest) -> Iterator[Run]:
    """The run, whose personas are removed at its end, and whose lent persona, if it has one, is restored."""
    configuration = request.config.stash[CONFIGURATION]
    outcomes = next(p for p in request.config.pluginmanager.get_plugins() if isinstance(p, Outcomes))
    lent_id = connection.lent_id
    judge = Judge(contract, (connection.target.api_key,))
    left: list[str] = []
    tally: Counter[tuple[str, str]] = Counter()
    try:
        with borrowed(connection, lent_id, contract, left) if lent_id else nullcontext() as lent:
            seed, is_brief = configuration.seed or 0, configuration.is_brief
            own = Run(connection, judge, seed, lent, tally=tally, is_brief=is_brief)
            yield own
    except Refused as error:
        pytest.exit(str(error), REFUSED)
    finally:
        try:
            with held_back():
                left += connection.remove_all()
        finally:
            outcomes.note_end(connection.ledger, tally, left=left, notes=judge.notes)
    own.require_own_account()


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
    with run.lend() as subject:
        yield subject


@pytest.fixture
def subject(run: Run) -> Iterator[Subject]:
    """A persona with every field set, lent to one test."""
    with run.lend() as subject:
        yield subject


@pytest.fixture
def bystander(run: Run) -> Iterator[Subject]:
    """A second persona with every field set, which a test leaves alone."""
    with run.persona() as subject:
        yield subject
