"""What the suite does in a process of pytest: which tests it has, how much each tries, and what comes out."""

import gc
import os
import pickle
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck

from contract_tests.checks.conditions import MARKS
from contract_tests.checks.known_divergences import known_divergences
from contract_tests.errors import Refused
from contract_tests.mock_api.process import end_with_parent
from contract_tests.report.outcomes import Outcomes, short_name
from contract_tests.report.redaction import Redaction
from contract_tests.report.run_record import Start
from contract_tests.report.summary import Summary
from contract_tests.report.verdict import verdict
from contract_tests.runner.configuration import THOROUGH
from contract_tests.runner.handover import CONFIGURATION, handed_configuration
from contract_tests.runner.process.examples import Examples
from contract_tests.runner.selection import Collection, live, sharpest_first, shuffled
from contract_tests.transport.interruption import take_signals
from contract_tests.transport.retry import keep_terminal

PROMISES = Path(__file__).parents[1] / "promises"
OUTCOMES = pytest.StashKey[Outcomes]()
BY_HAND = pytest.StashKey[bool]()

RUN_MARKS = {
    "sharp": "asks much in few requests, so it comes first",
    "many_requests": "is left out where few requests may be sent",
    "few_requests": "asks together what others ask one by one, where few requests may be sent",
    "all_parameters": "is never thinned out",
    "takes_the_rest": "comes last where few requests may be sent, and sends as many as are left",
}

# Requests go over a network, so no example is timed; a function-scoped fixture is an item that outlives the example.
COMMON = hypothesis.settings(
    deadline=None,
    print_blob=False,
    # Where CI is set, hypothesis draws the same for every seed and keeps nothing, unless it is told otherwise.
    derandomize=False,
    # Explaining a failure sends the request a hundred times more, and the message says what is wrong without it.
    phases=[phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
# A run repeats exactly from its seed, so it keeps no database; a fuzzing one goes on from what earlier runs found.
hypothesis.settings.register_profile("quick", COMMON, max_examples=25, stateful_step_count=15, database=None)
hypothesis.settings.register_profile("live", COMMON, max_examples=3, stateful_step_count=8, database=None)
hypothesis.settings.register_profile(THOROUGH, COMMON, max_examples=400, stateful_step_count=40, database=None)
FUZZ = "thorough, with what was found"


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples are tried, and collect what comes out."""
    keep_terminal()
    if hasattr(config, "workerinput"):
        take_signals()
        end_with_parent(os.getppid())
    configuration = config.stash[CONFIGURATION] = handed_configuration(config)
    hypothesis.settings.load_profile(config.getoption("--hypothesis-profile", None) or configuration.profile)
    if configuration.is_fuzz:
        examples = Examples(configuration.database_url, configuration.seed or 0)
        hypothesis.settings.register_profile(FUZZ, hypothesis.settings.default, database=examples)
        hypothesis.settings.load_profile(FUZZ)
        config.pluginmanager.register(examples, "contract-examples")
    for name, meaning in {**RUN_MARKS, **MARKS}.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    manager = config.pluginmanager
    outcomes = next((plugin for plugin in manager.get_plugins() if isinstance(plugin, Outcomes)), None)
    config.stash[BY_HAND] = outcomes is None and not hasattr(config, "workerinput")
    if outcomes is None:  # pytest was called by hand, or this is xdist's worker
        outcomes = _new_outcomes(config)
        manager.register(outcomes, "contract-outcomes")
    config.stash[OUTCOMES] = outcomes
    manager.register(Collection(configuration.load_contract(), is_brief=configuration.is_brief), "contract-collection")
    manager.register(outcomes.not_run, "contract-not-run")
    manager.register(Summary(outcomes), "contract-summary")
    manager.register(Redaction(configuration.api_key), "contract-redaction")


def _new_outcomes(config: pytest.Config) -> Outcomes:
    configuration = config.stash[CONFIGURATION]
    contract = configuration.load_contract()
    if hasattr(config, "workerinput"):
        return Outcomes(contract)
    try:
        known = known_divergences(contract, configuration.base_url, configuration.known_divergences)
    except Refused as error:
        raise pytest.UsageError(str(error)) from None
    start = Start.now(configuration.target, configuration.seed, configuration.selection)
    return Outcomes(contract, known, start=start)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist what the run is asked to do."""
    node.workerinput["configuration"] = pickle.dumps(node.config.stash[CONFIGURATION])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put our tests into the order of the run, before those of any other suite."""
    configuration = config.stash[CONFIGURATION]
    number, of = configuration.shard or (1, 1)
    collected = [item for item in items if _is_own(item)]
    config.stash[OUTCOMES].collected += [short_name(item.nodeid) for item in collected]
    own = collected[number - 1 :: of]
    others = [item for item in items if not _is_own(item)]
    seed = configuration.seed or 0
    chosen = own
    if configuration.is_brief:
        chosen = live(own, seed)
        kept = set(chosen)
        config.hook.pytest_deselected(items=[item for item in own if item not in kept])
    items[:] = [*(shuffled(chosen, seed) if config.getoption("shuffle", None) else sharpest_first(chosen)), *others]
    gc.freeze()  # what was collected stays to the end, and no collector need look at it again and again


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """Say the verdict where no command of ours says it."""
    if config.stash[BY_HAND] and config.stash[OUTCOMES].requests:
        line, _ = verdict(config.stash[OUTCOMES], int(exitstatus))
        terminalreporter.write_line(line)


def _is_own(item: pytest.Item) -> bool:
    return PROMISES in item.path.parents
