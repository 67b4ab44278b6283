"""
Trials: runs of the suite against one mock each, in processes forked from one that has collected the tests already.

To start an interpreter and to collect costs more than most faults need to show themselves, so both are paid once.
"""

import contextlib
import gc
import importlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Lock
from pathlib import Path

import hypothesis.core
import pytest

from contract_tests.errors import HOLDS, REFUSED, VIOLATED, Refused
from contract_tests.mock_api.__main__ import assemble
from contract_tests.mock_api.app import Api
from contract_tests.mock_api.process import MockStartError
from contract_tests.mock_api.wire.server import forked_mock
from contract_tests.report.folder import write_whole
from contract_tests.report.outcomes import Outcomes, short_name
from contract_tests.report.verdict import verdict
from contract_tests.runner.configuration import LIVE, Configuration
from contract_tests.runner.contract_run import call_pytest, pytest_options
from contract_tests.runner.handover import CONFIGURATION
from contract_tests.runner.selection import PROMISES, files_of, shuffled
from contract_tests.spec.contract import Contract
from contract_tests.trials import faults

TRANSCRIPTS = "faults"
COLLECTION = f"{TRANSCRIPTS}/collection.txt"
TIME_IS_OVER = "the time of this trial is over"

# Answers that take long are waited for side by side, and a smaller selection of tests is enough of them.
SLOW_SIDE_BY_SIDE = 16

# What a run loads when it first needs it, and the forked processes share.
LOADED_LATE = ("httpcore", "contract_tests.checks.conformance")

context = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Trial:
    """One run of the suite against one mock."""

    kind: str  # clean, fault, variant or forced
    names: tuple[str, ...] = ()  # the fault, or the variants of the mock; empty for the clean one
    seed: int = 1
    is_shuffled: bool = False
    is_slow: bool = False  # whether the mock takes so long that several processes share one run
    budget: int = 0  # the most requests that are sent; 0 for as many as it takes
    limit_seconds: int = 0  # how long it may take; 0 for as long as it takes
    first_test: str = ""  # what is run before all tests, and again in its place; empty for the order of the suite

    @property
    def name(self) -> str:
        """What a person reads."""
        return " + ".join(self.names) or "clean"

    @property
    def must_be_red(self) -> bool:
        """Whether the suite has something to find."""
        return self.kind in ("fault", "forced")

    @property
    def transcript(self) -> str:
        """The file that keeps what the run prints, in the folder of the reports."""
        order = "-shuffled" if self.is_shuffled else ""
        return f"{TRANSCRIPTS}/{self.kind}-{'-'.join(self.names)[:100] or 'clean'}-{self.seed}{order}.txt"

    @contextlib.contextmanager
    def mock(self, configuration: Configuration) -> Iterator[tuple[str, str]]:
        """Run the mock of this trial for as long as the block lasts; yield its URL, and the key that opens it."""
        contract = configuration.load_contract()
        api = assemble(faults.scene_of(contract).api.contract)
        self.change(api, contract)
        with forked_mock(api) as url:
            yield url, api.api_key.decode()

    def change(self, api: Api, contract: Contract) -> None:
        """Plant the fault, or the variants, in a mock that was built a moment ago."""
        if self.kind == "variant":
            for name in self.names:
                faults.variants(contract)[name].apply(api)
        elif self.kind == "forced":
            faults.always_fails(api)
        elif self.kind == "fault":
            faults.catalogue(contract)[self.names[0]].apply(api)


@dataclass(frozen=True)
class Outcome:
    """What a trial came to."""

    trial: Trial = field(repr=False)
    exit_code: int
    verdict: str
    caught_by: str  # the first test that turned red; empty where none did
    seconds: float  # from the moment the mock answers to the first red, or to the end of the run
    requests: int

    @property
    def is_right(self) -> bool:
        """Whether a fault was caught, and anything lawful was left in peace."""
        return self.exit_code == (VIOLATED if self.trial.must_be_red else HOLDS)


class TrialError(Refused):
    """The tests could not be collected, so nothing was tried."""


def run_trials(configuration: Configuration, trials: list[Trial], at_once: int) -> Iterator[Outcome]:
    """Run trials in their order, *at_once* at a time; give outcomes as they come. TrialError: nothing is collected."""
    reader, writer = context.Pipe(duplex=False)
    servers = [
        context.Process(target=_serve, args=(configuration, some, count, is_slow, writer, context.Lock()))
        for is_slow, count in ((True, 1), (False, at_once))
        if (some := [trial for trial in trials if trial.is_slow == is_slow])
    ]
    for server in servers:
        server.start()
    writer.close()
    try:
        for _ in trials:
            yield reader.recv()
        for server in servers:
            server.join()
    except EOFError:
        raise TrialError(f"the tests could not be collected:\n{_collection(configuration)[-2000:]}") from None
    finally:
        for server in servers:
            server.terminate()  # where nobody asks for the rest


def _serve(
    asked: Configuration, trials: list[Trial], at_once: int, is_slow: bool, results: Connection, lock: Lock
) -> None:
    """Collect the tests once, then run the trials in processes forked from this one."""
    is_sample = is_slow or any(trial.budget for trial in trials)
    shared = replace(asked, fault=None, requests_per_second=0, max_requests=0)
    shared = replace(shared, selection=LIVE) if is_sample else shared
    options = [*pytest_options(shared, has_cache=False), "-s"]
    # A trial that is killed leaves a mock's items behind, which nobody needs to find again.
    with tempfile.TemporaryDirectory() as journal, _into(asked.reports / COLLECTION):
        server = ForkServer(shared, trials, at_once, results, lock)
        plugins = [server, Outcomes(shared.load_contract()), replace(shared, journal_folder=Path(journal))]
        call_pytest([*files_of(PROMISES), *options], plugins)


@dataclass(eq=False)
class ForkServer:
    """Takes the place of pytest's loop over the tests: each trial is such a loop, in a process of its own."""

    configuration: Configuration
    trials: list[Trial]
    at_once: int
    results: Connection
    lock: Lock

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every trial."""
        session.config.pluginmanager.unregister(self)
        for name in LOADED_LATE:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()  # what the forked processes share is not to be copied because a collector looked at it
        running: dict[object, tuple[ForkProcess, Trial]] = {}
        for trial in self.trials:
            self._wait(running, self.at_once - 1)
            process = context.Process(target=self._run, args=(session, trial))
            process.start()
            running[process.sentinel] = (process, trial)
        self._wait(running, 0)
        return True

    def _wait(self, running: dict[object, tuple[ForkProcess, Trial]], most: int) -> None:
        """Wait until no more than *most* processes are running; report those that ended without an outcome."""
        while len(running) > most:
            for sentinel in multiprocessing.connection.wait(process.sentinel for process, _ in running.values()):
                process, trial = running.pop(sentinel)
                process.join()
                if process.exitcode:
                    self._send(Outcome(trial, REFUSED, f"the process ended with {process.exitcode}", "", 0, 0))

    def _send(self, outcome: Outcome) -> None:
        with self.lock:
            self.results.send(outcome)

    def _run(self, session: pytest.Session, trial: Trial) -> None:
        with _into(self.configuration.reports / trial.transcript):
            signal.signal(signal.SIGALRM, lambda *_: pytest.exit(TIME_IS_OVER))  # the mock is ended on the way out
            signal.alarm(trial.limit_seconds)
            try:
                with trial.mock(self.configuration) as (url, api_key):
                    outcome = _judge(session, trial, url, api_key)
            except (MockStartError, pytest.exit.Exception) as error:
                outcome = Outcome(trial, REFUSED, str(error), "", 0, 0)
            print(outcome.verdict)
        self._send(outcome)


def _judge(session: pytest.Session, trial: Trial, url: str, api_key: str) -> Outcome:
    session.config.stash[CONFIGURATION] = replace(
        session.config.stash[CONFIGURATION], base_url=url, api_key=api_key, seed=trial.seed, max_requests=trial.budget
    )
    # What --hypothesis-seed sets; the option was read before the seed was known.
    hypothesis.core.global_force_seed = trial.seed  # type: ignore[assignment]  # None by default
    if trial.is_shuffled:
        session.items[:] = shuffled(session.items, trial.seed)
    # Also in its place, if it stays green: some tests look at what those before them have left.
    # One that stands first already is not run twice: pytest would not set it up again.
    session.items[:0] = [item for item in session.items[1:] if short_name(item.nodeid) == trial.first_test]
    session.config.option.maxfail = 1 if trial.must_be_red else 0
    return _side_by_side(session, trial) if trial.is_slow else _run(session, trial)


def _run(session: pytest.Session, trial: Trial) -> Outcome:
    outcomes = next(p for p in session.config.pluginmanager.get_plugins() if isinstance(p, Outcomes))
    started = time.monotonic()
    with contextlib.suppress(session.Failed, session.Interrupted):  # after the first red, or when the budget is spent
        session.config.hook.pytest_runtestloop(session=session)
    code = 1 if session.testsfailed else 0
    session.config.hook.pytest_sessionfinish(session=session, exitstatus=code)
    red = outcomes.first_red
    seconds = (red.moment if red else time.monotonic()) - started
    line, exit_code = verdict(outcomes, code)
    return Outcome(trial, exit_code, line, red.test if red else "", seconds, sum(outcomes.requests.values()))


def _side_by_side(session: pytest.Session, trial: Trial) -> Outcome:
    """Share the tests of a session among processes, and let the worst of their outcomes stand for all."""
    by_file = defaultdict(list)
    for item in session.items:
        by_file[item.path].append(item)
    started = time.monotonic()
    parts = [items[n::4] for items in by_file.values() for n in range(4) if items[n::4]]
    waiting = sorted(parts, key=len, reverse=True)
    readers = []
    for number in range(SLOW_SIDE_BY_SIDE):
        share = [item for part in waiting[number::SLOW_SIDE_BY_SIDE] for item in part]
        reader, writer = context.Pipe(duplex=False)
        context.Process(target=_run_share, args=(session, trial, share, writer)).start()
        readers.append(reader)
    outcomes: list[Outcome] = [reader.recv() for reader in readers]
    worst = max(outcomes, key=lambda outcome: outcome.exit_code)
    sent = sum(outcome.requests for outcome in outcomes)
    return Outcome(trial, worst.exit_code, worst.verdict, worst.caught_by, time.monotonic() - started, sent)


def _run_share(session: pytest.Session, trial: Trial, share: list[pytest.Item], results: Connection) -> None:
    session.items[:] = share
    results.send(_run(session, trial))


def _collection(configuration: Configuration) -> str:
    try:
        return (configuration.reports / COLLECTION).read_text("utf-8", "replace")
    except OSError as error:
        return f"what pytest said could not be kept: {error}"


@contextlib.contextmanager
def _into(path: Path) -> Iterator[None]:
    """
    Keep what this process prints, and what its children print, in a file.

    It is printed elsewhere first: where the reports' disk is full or takes nothing, only the transcript is lost.
    """
    with tempfile.TemporaryFile() as file:
        sys.stdout.flush()
        # A command prints to copies of 1 and 2, its children to 1 and 2 themselves.
        kept = {number: os.dup(number) for number in {1, 2, sys.stdout.fileno(), sys.stderr.fileno()}}
        for number in kept:
            os.dup2(file.fileno(), number)
        try:
            yield
        finally:
            sys.stdout.flush()
            for number, old in kept.items():
                os.dup2(old, number)
                os.close(old)
            file.seek(0)
            with contextlib.suppress(OSError):
                write_whole(path, file.read().decode("utf-8", "replace"))
