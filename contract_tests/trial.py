"""
One run of the suite against one mock, in a process forked from one that has collected the tests already.

To start an interpreter and to collect costs more than most faults need to show themselves, so both are paid once.
"""

from __future__ import annotations

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

from contract_tests.conclusion import HOLDS, REFUSED, VIOLATED
from contract_tests.configuration import LIVE, Configuration
from contract_tests.contract import CONTRACT_FILE, ROOT
from contract_tests.errors import Refused
from contract_tests.handover import CONFIGURATION
from contract_tests.mock_api import faults
from contract_tests.mock_api.__main__ import assemble
from contract_tests.mock_api.app import Api
from contract_tests.mock_api.contract import Contract, read_contract
from contract_tests.mock_api.forked import forked_mock
from contract_tests.mock_api.process import MockStartError
from contract_tests.report.folder import write_whole
from contract_tests.report.outcomes import Outcomes
from contract_tests.selection import PROMISES, files_of, shuffled

TRANSCRIPTS = ROOT / "reports" / "faults"
TIME_IS_OVER = "the time of this trial is over"

# Answers that take long are waited for side by side, and a smaller selection of tests is enough of them.
SLOW_SIDE_BY_SIDE = 16

# What a run loads when it first needs it, and the forked processes share.
LOADED_LATE = ("httpcore", "contract_tests.conformance")

context = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Trial:
    """One run of the suite against one mock."""

    kind: str
    """clean, fault, variant or forced."""
    names: tuple[str, ...] = ()
    """The fault, or the variants that the mock has at the same time; empty for the clean mock."""
    seed: int = 1
    is_shuffled: bool = False
    is_slow: bool = False
    """Whether the mock takes so long that several processes share one run."""
    budget: int = 0
    """The most requests that are sent; 0 for as many as it takes."""
    limit_seconds: int = 0
    """How long it may take; 0 for as long as it takes."""

    @property
    def name(self) -> str:
        """What a person reads."""
        return " + ".join(self.names) or "clean"

    @property
    def must_be_red(self) -> bool:
        """Whether the suite has something to find."""
        return self.kind in ("fault", "forced")

    @property
    def transcript(self) -> Path:
        """The file that keeps what the run prints."""
        order = "-shuffled" if self.is_shuffled else ""
        return TRANSCRIPTS / f"{self.kind}-{'-'.join(self.names)[:100] or 'clean'}-{self.seed}{order}.txt"

    @contextlib.contextmanager
    def mock(self, contract: Contract) -> Iterator[tuple[str, str]]:
        """
        Run the mock of this trial for as long as the block lasts.

        Args:
            contract: What the mock follows.

        Returns:
            Its URL, and the key that opens it.
        """
        api = assemble(contract)
        self.change(api)
        with forked_mock(api) as url:
            yield url, api.api_key.decode()

    def change(self, api: Api) -> None:
        """Plant the fault, or the variants, in a mock that was built a moment ago."""
        if self.kind == "variant":
            for name in self.names:
                faults.variants()[name].apply(api)
        elif self.kind == "forced":
            faults.always_fails(api)
        elif self.kind == "fault":
            faults.catalogue(api.contract)[self.names[0]].apply(api)


@dataclass(frozen=True)
class Outcome:
    """What a trial came to."""

    trial: Trial = field(repr=False)
    exit_code: int
    verdict: str
    caught_by: str
    """The first test that turned red; empty where none did."""
    seconds: float
    """From the moment the mock answers to the first red, or to the end of the run."""
    requests: int

    @property
    def is_right(self) -> bool:
        """Whether a fault was caught, and anything lawful was left in peace."""
        return self.exit_code == (VIOLATED if self.trial.must_be_red else HOLDS)


class TrialError(Refused):
    """The tests could not be collected, so nothing was tried."""


def hold(trials: list[Trial], at_once: int) -> Iterator[Outcome]:
    """
    Hold trials, several at a time, and give their outcomes as they come.

    Args:
        trials: What is run, in this order.
        at_once: How many trials run at the same time.

    Raises:
        TrialError: The tests cannot be collected.
    """
    reader, writer = context.Pipe(duplex=False)
    courts = [
        context.Process(target=_open_court, args=(some, count, is_slow, writer, context.Lock()))
        for is_slow, count in ((True, 1), (False, at_once))
        if (some := [trial for trial in trials if trial.is_slow == is_slow])
    ]
    for court in courts:
        court.start()
    writer.close()
    try:
        for _ in trials:
            yield reader.recv()
        for court in courts:
            court.join()
    except EOFError:
        raise TrialError(f"the tests could not be collected:\n{_collection()[-2000:]}") from None
    finally:
        for court in courts:
            court.terminate()  # where nobody asks for the rest


def _open_court(trials: list[Trial], at_once: int, is_slow: bool, results: Connection, lock: Lock) -> None:
    """Collect the tests once, then hold the trials in processes forked from this one."""
    is_brief = is_slow or any(trial.budget for trial in trials)
    asked = Configuration(requests_per_second=0, max_requests=0)
    asked = replace(asked, selection=LIVE, profile="live") if is_brief else asked
    options = ["-s", "--tb=short", "--no-header", "-p", "no:cacheprovider"]
    # A trial that is killed leaves a mock's personas behind, which nobody needs to find again.
    with tempfile.TemporaryDirectory() as journal, _into(TRANSCRIPTS / "collection.txt"):
        court = Court(trials, at_once, results, lock)
        plugins = [court, Outcomes(), replace(asked, journal=journal)]
        pytest.main([*files_of(PROMISES), *options], plugins=plugins)


class Court:
    """Takes the place of pytest's loop over the tests: each trial is such a loop, in a process of its own."""

    def __init__(self, trials: list[Trial], at_once: int, results: Connection, lock: Lock) -> None:
        self.trials = trials
        self.at_once = at_once
        self.results = results
        self.lock = lock
        self.contract = read_contract(CONTRACT_FILE)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Hold every trial."""
        session.config.pluginmanager.unregister(self)
        for name in LOADED_LATE:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()  # what the forked processes share is not to be copied because a collector looked at it
        running: dict[object, tuple[ForkProcess, Trial]] = {}
        for trial in self.trials:
            self._wait(running, self.at_once - 1)
            process = context.Process(target=self._hold, args=(session, trial))
            process.start()
            running[process.sentinel] = (process, trial)
        self._wait(running, 0)
        return True

    def _wait(self, running: dict[object, tuple[ForkProcess, Trial]], most: int) -> None:
        """Wait until no more than *most* processes are running; what one could not say about its end is said here."""
        while len(running) > most:
            for sentinel in multiprocessing.connection.wait(process.sentinel for process, _ in running.values()):
                process, trial = running.pop(sentinel)
                process.join()
                if process.exitcode:
                    self._tell(Outcome(trial, REFUSED, f"the process ended with {process.exitcode}", "", 0, 0))

    def _tell(self, outcome: Outcome) -> None:
        with self.lock:
            self.results.send(outcome)

    def _hold(self, session: pytest.Session, trial: Trial) -> None:
        """Run the suite against one mock, its output kept in a file."""
        with _into(trial.transcript):
            signal.signal(signal.SIGALRM, _time_is_over)
            signal.alarm(trial.limit_seconds)
            try:
                with trial.mock(self.contract) as (url, api_key):
                    outcome = _judge(session, trial, url, api_key)
            except (MockStartError, pytest.exit.Exception) as error:
                outcome = Outcome(trial, REFUSED, str(error), "", 0, 0)
            print(outcome.verdict)
        self._tell(outcome)


def _judge(session: pytest.Session, trial: Trial, url: str, api_key: str) -> Outcome:
    """Run the suite against the mock at *url*."""
    session.config.stash[CONFIGURATION] = replace(
        session.config.stash[CONFIGURATION], base_url=url, api_key=api_key, seed=trial.seed, max_requests=trial.budget
    )
    # What --hypothesis-seed sets; the option was read before the seed was known.
    hypothesis.core.global_force_seed = trial.seed  # type: ignore[assignment]  # None by default
    if trial.is_shuffled:
        session.items[:] = shuffled(session.items, trial.seed)
    session.config.option.maxfail = 1 if trial.must_be_red else 0
    return _side_by_side(session, trial) if trial.is_slow else _run(session, trial)


def _time_is_over(number: int, frame: object) -> None:
    """End the tests of a trial that takes too long; the mock is ended on the way out."""
    pytest.exit(TIME_IS_OVER)


def _run(session: pytest.Session, trial: Trial) -> Outcome:
    """Run the tests of a session and judge what came out."""
    outcomes = next(p for p in session.config.pluginmanager.get_plugins() if isinstance(p, Outcomes))
    started = time.monotonic()
    with contextlib.suppress(session.Failed, session.Interrupted):  # after the first red, or when the budget is spent
        session.config.hook.pytest_runtestloop(session=session)
    code = 1 if session.testsfailed else 0
    session.config.hook.pytest_sessionfinish(session=session, exitstatus=code)
    red = outcomes.first_red
    seconds = (red.moment if red else time.monotonic()) - started
    verdict, exit_code = outcomes.verdict(code)
    return Outcome(trial, exit_code, verdict, red.test if red else "", seconds, sum(outcomes.requests.values()))


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


def _collection() -> str:
    """Return what pytest said while it collected the tests."""
    try:
        return (TRANSCRIPTS / "collection.txt").read_text("utf-8", "replace")
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
        kept = os.dup(1), os.dup(2)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)
            file.seek(0)
            with contextlib.suppress(OSError):
                write_whole(path, file.read().decode("utf-8", "replace"))
