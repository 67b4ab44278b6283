"""The contract run, and the same with a time budget: plan, preflight, tests, clean-up, verdict, reports."""

import itertools
import os
import re
import secrets
import shlex
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis.configuration import notice_initialization_restarted

from contract_tests.checks.known_divergences import Divergence, known_divergences
from contract_tests.errors import HOLDS, Refused
from contract_tests.foreign_text import LONGEST_LINE, shown
from contract_tests.report.folder import Reports
from contract_tests.report.junit import JUnitReport
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.pages import report_run
from contract_tests.report.recording import record
from contract_tests.report.run_record import Beside, Start
from contract_tests.report.shards import SHARD, ShardFile
from contract_tests.report.verdict import verdict
from contract_tests.runner import item_lock, plan
from contract_tests.runner.borrowed_resource import try_borrowing
from contract_tests.runner.changes.both import beside, halved, known_to_callers, lines
from contract_tests.runner.configuration import Configuration
from contract_tests.runner.handover import with_selection
from contract_tests.runner.plugin import HOOKS, NAME
from contract_tests.runner.preflight import first_requests
from contract_tests.runner.process.examples import shared_examples
from contract_tests.runner.selection import PROMISES, files_of
from contract_tests.runner.sweep import Swept, put_right
from contract_tests.runner.under_test import require_mock, sent_in_all, shared_budget
from contract_tests.transport import journal
from contract_tests.transport.interruption import ENDING, held_back

MINUTES = 10.0
# Options of pytest whose value is a test that is not run.
LEAVING_OUT = ("--deselect", "--ignore", "--ignore-glob")
GENERATIVE = ("combinations", "fidelity", "state_machine", "schema_conformance")

# So many processes share a whole run against the mock; more would wait for it.
MOST_WORKERS = 4

# Where the typed client is written, for the tests that call it.
CLIENT = Path("generated_client")
PACKAGE = Path(__file__).parents[1]
# The settings of pytest, so that those of the folder in which the command is called do not count.
SETTINGS = Path(__file__).with_name("process") / "pytest.ini"


@dataclass(frozen=True)
class Tests:
    """What a command runs."""

    configuration: Configuration
    arguments: list[str]
    known: tuple[Divergence, ...]


def run(configuration: Configuration, arguments: list[str]) -> int:
    """Hold the API to its contract, print the verdict and return the exit code."""
    return _command(with_selection(configuration), arguments)


def fuzz(configuration: Configuration, arguments: list[str]) -> int:
    """Run the generative tests with one seed after the other until the time is over or something broke."""
    if configuration.database_url:
        shared_examples(configuration.database_url)  # before anything is sent
    return _command(replace(with_selection(configuration), is_fuzz=True), arguments)


def _command(asked: Configuration, arguments: list[str]) -> int:
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    configuration = replace(asked, seed=seed)
    contract = configuration.load_contract()
    known = known_divergences(contract, configuration.base_url, configuration.known_divergences)
    tests = Tests(configuration, arguments, known)
    if configuration.base is not None and not configuration.is_fuzz and not configuration.rehearsal_file:
        return _run_both(replace(tests, configuration=halved(configuration)))
    if configuration.is_dry_run:
        plan.show(configuration, arguments)
        print("DRY_RUN=1: this is the plan; nothing was sent")
        return HOLDS
    return _finish(configuration, *_held(tests))


def _run_both(tests: Tests) -> int:
    """Hold the API first to what callers know of its contract, then to the contract; each run has half of the budget."""
    asked = tests.configuration
    with known_to_callers(asked) as (old, known):
        entries = tuple(each for each in tests.known if each.kind == "drift" or old.has(each.clause))
        earlier = replace(tests, configuration=known, known=entries)
        print(f"first {old.name}, whose reports land in {known.reports}; then {asked.contract.name}", flush=True)
        if asked.is_dry_run:
            for each in (earlier, tests):
                plan.show(each.configuration, each.arguments)
            print("DRY_RUN=1: these are the plans; nothing was sent")
            return HOLDS
        before, exit_code = _held(earlier)
        told = record(before, *verdict(before, exit_code))
        report_run(Reports(known.reports, before.unwritten), told, before.contract)
    if ENDING.is_asked:
        raise KeyboardInterrupt
    outcomes, exit_code = _held(tests)
    return _finish(asked, outcomes, exit_code, beside(asked, old, before, told, outcomes))


def _held(tests: Tests) -> tuple[Outcomes, int]:
    """Hold the API at BASE_URL, or a mock that is started for the run, to the contract."""
    if tests.configuration.is_live:
        return _run_live(tests)
    require_mock(tests.configuration)
    with shared_budget(tests.configuration) as settings:
        outcomes, exit_code = _run(replace(tests, configuration=settings))
        outcomes.counted = sent_in_all(settings)
    return outcomes, exit_code


def _run_live(tests: Tests) -> tuple[Outcomes, int]:
    """Run against BASE_URL: look whether it is there, put right what was left there, say the plan, test, clean up."""
    asked, arguments = tests.configuration, tests.arguments
    asked.require_key()
    if asked.borrowed_id is not None and any(argument.startswith(("-n", "--numprocesses")) for argument in arguments):
        raise Refused("ITEM_ID lends one item, which workers cannot share; leave out -n")
    lock, tell = item_lock.held(asked.journal_folder, asked.base_url, asked.borrowed_id), partial(print, flush=True)
    with lock, shared_budget(asked) as settings:
        sent = first_requests(settings)
        earlier = put_right(settings, sent, tell)
        try_borrowing(settings, sent)
        plan.show(settings, arguments, sum(sent.values()))
        after: Counter[str] = Counter()
        try:
            outcomes, exit_code = _run(replace(tests, configuration=settings), sent)
        finally:
            with held_back():
                journal.release_all()
                swept = put_right(settings, after, tell)
        outcomes.requests += after
        outcomes.left = _left(outcomes.left, swept, earlier)
        outcomes.counted = sent_in_all(settings)
    return outcomes, exit_code


def _left(told: list[str], swept: Swept, earlier: Swept) -> list[str]:
    """Return what a run has left: what it told itself, but for what was put right since, and what could not be."""
    fresh = [sentence for sentence in swept.left if sentence not in earlier.left]
    done = [*swept.removed, *swept.restored]
    known = [sentence.partition(" (")[0] for sentence in told]
    named = re.compile("|".join(rf"(?<![\w-]){re.escape(str(item_id))}(?![\w-])" for item_id in done) or r"(?!)")
    kept = [sentence for sentence in told if not named.search(sentence)]
    return kept + [sentence for sentence in fresh if not any(what in sentence for what in known)]


def _run(tests: Tests, sent: Counter[str] | None = None) -> tuple[Outcomes, int]:
    """Run the tests; a run with a time budget runs them with one seed after the other."""
    if not tests.configuration.is_fuzz:
        return _run_pytest(tests, PROMISES, sent)
    number, of = tests.configuration.shard or (1, 1)
    first = (tests.configuration.seed or 0) + number - 1
    deadline = time.monotonic() + 60 * (tests.configuration.minutes or MINUTES)
    for seed in itertools.count(first, of):
        configuration = replace(tests.configuration, seed=seed)
        outcomes, exit_code = _run_pytest(replace(tests, configuration=configuration), GENERATIVE, sent)
        if exit_code != HOLDS or time.monotonic() > deadline or configuration.rehearsal_file:
            break
    print(f"{(seed - first) // of + 1} rounds, the last with seed {seed}")
    return outcomes, exit_code


def _run_pytest(tests: Tests, promises: tuple[str, ...], sent: Counter[str] | None) -> tuple[Outcomes, int]:
    """Run the tests of some promises, in this order unless the arguments name tests of their own."""
    configuration, arguments = tests.configuration, tests.arguments
    start = Start.now(configuration.target, configuration.seed, configuration.selection)
    named = [argument for option, argument in itertools.pairwise(["", *arguments]) if option not in LEAVING_OUT]
    names_tests = any(not each.startswith("-") and each.partition("::")[0].endswith(".py") for each in named)
    files = [] if names_tests else files_of(promises)
    is_whole = not names_tests and promises == PROMISES
    outcomes = Outcomes(configuration.load_contract(), tests.known, is_whole=is_whole, start=start)
    outcomes.requests += sent or Counter()
    where = configuration.target if configuration.is_live else f"{configuration.target}, started for this run"
    which = ""
    if configuration.shard and not configuration.rehearsal_file:
        outcomes.shard = ShardFile(configuration.reports / SHARD, outcomes, *configuration.shard)
        which = "   shard: {}/{}".format(*configuration.shard)
    print(f"under test: {where}   seed: {configuration.seed}{which}", flush=True)
    junit = JUnitReport(Reports(configuration.reports, outcomes.unwritten))
    # Without its plugin, pytest would not know the option that says where the cache is.
    has_cache = not configuration.rehearsal_file and not any("no:cacheprovider" in each for each in arguments)
    options = pytest_options(configuration, has_cache=has_cache)
    options += [] if tests.configuration.is_fuzz else [f"--hypothesis-seed={configuration.seed}"]
    options += _workers(tests) if is_whole else []
    try:
        exit_code = call_pytest(
            [*files, *options, *arguments], [outcomes, junit, configuration, *filter(None, [outcomes.shard])]
        )
    except KeyboardInterrupt:
        exit_code = int(pytest.ExitCode.INTERRUPTED)
    except Exception:
        if not ENDING.is_asked:
            raise
        exit_code = int(pytest.ExitCode.INTERRUPTED)  # of a fixture whose clean-up got no answer
    return outcomes, exit_code


def _workers(tests: Tests) -> list[str]:
    """Return how a run is shared among the cores: against the mock and with no options of pytest, as a live API sets the pace."""
    count = min(os.cpu_count() or 1, MOST_WORKERS)
    is_alone = tests.configuration.is_live or tests.configuration.rehearsal_file or tests.arguments or count == 1
    # The tests of a file share an item, and the files keep their order.
    return [] if is_alone else ["-n", str(count), "--dist", "loadfile", "--no-loadscope-reorder"]


def call_pytest(arguments: list[str], plugins: list[Any]) -> int:
    """Run pytest in this process and return its exit code."""
    # Values of a contract were made before; hypothesis calls that slow code in a plugin, and every warning is an error.
    notice_initialization_restarted(warn=False)
    return int(pytest.main(arguments, plugins=[*plugins, _Arguments]))


@pytest.hookimpl(wrapper=True)
def _understood() -> Generator[None, object, object]:
    """Refuse what pytest does not understand of its arguments; it would say so on stderr alone."""
    try:
        return (yield)
    except pytest.UsageError as error:
        what = (str(error).partition("error: ")[2] or str(error)).splitlines()[0]
        raise Refused(f"pytest: {what}; correct ARGS, or what stands behind --") from None


class _Arguments:
    pytest_cmdline_parse = pytest_cmdline_main = staticmethod(_understood)


def pytest_options(configuration: Configuration, *, has_cache: bool = True) -> list[str]:
    """Return how pytest runs the tests of this package, wherever it stands and whatever the folder's own settings are."""
    cache = ["-o", f"cache_dir={Path('.pytest_cache').absolute()}"] if has_cache else ["-p", "no:cacheprovider"]
    client = (configuration.out or CLIENT).absolute()
    place = ["-c", str(SETTINGS), f"--rootdir={PACKAGE.parent}", "-o", f"pythonpath={shlex.quote(str(client))}"]
    return [*place, *cache, "-p", NAME, "-p", HOOKS, "--tb=short", "--no-header"]


def _finish(configuration: Configuration, outcomes: Outcomes, pytest_exit_code: int, both: Beside | None = None) -> int:
    line, exit_code = verdict(outcomes, pytest_exit_code)
    if not plan.note_rehearsal(configuration.rehearsal_file, outcomes, line):
        told = replace(record(outcomes, line, exit_code), beside=both)
        report_run(Reports(configuration.reports, outcomes.unwritten), told, outcomes.contract)
        for each in lines(told):
            print(shown(each, LONGEST_LINE))
        if outcomes.shard:
            outcomes.shard.write(pytest_exit_code)
    print(shown(line, LONGEST_LINE))
    return exit_code
