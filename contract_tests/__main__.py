"""
The contract run, as `make contract` and `make fuzz` start it.

    python -m contract_tests [--fuzz] [arguments for pytest]

Takes BASE_URL, COVAL_API_KEY, SEED, MINUTES, FAULT and DRY_RUN from the environment, and against an API that is there
already also MAX_REQUESTS, RATE, PERSONA_ID, TIMEOUT, MAX_PERSONAS. The last line on stdout is the verdict; the exit code
is 0 holds, 1 violated, 2 inconclusive or interrupted, 4 refused.
"""

from __future__ import annotations

from contract_tests.entry import enter

if __name__ == "__main__":
    enter("contract_tests.__main__")  # imports this file by its name, signals and output taken care of

import itertools
import secrets
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract_tests import item_lock, journal, plan
from contract_tests.conclusion import INCONCLUSIVE, concluded
from contract_tests.configuration import LIVE, Configuration, read_configuration
from contract_tests.contract import load_contract
from contract_tests.divergences import Divergence, known_divergences
from contract_tests.errors import Refused
from contract_tests.foreign_text import LONGEST_LINE, shown
from contract_tests.interruption import ENDING, held_back
from contract_tests.opening import first_requests, put_right, try_loan
from contract_tests.report.folder import Reports
from contract_tests.report.junit import JUnitReport
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.pages import report_run
from contract_tests.report.record import Start, bare_record, record
from contract_tests.selection import PROMISES, files_of
from contract_tests.sweep import Swept
from contract_tests.under_test import sent_in_all, shared_allowance

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "reports"
INTERRUPTED = INCONCLUSIVE
# With a smaller budget only the sharpest of the tests are run.
WHOLE_RUN_REQUESTS = 8_000

MINUTES = 10.0
GENERATIVE = ("combinations", "fidelity", "state_machine", "schema_conformance")


def main(arguments: list[str]) -> int:
    """
    Run the contract tests and print the verdict.

    Args:
        arguments: `--fuzz` first for a run with a time budget; the rest goes to pytest.

    Returns:
        The exit code.
    """
    return concluded(lambda: _command(arguments), report=None if plan.REHEARSAL in arguments else _report_nothing)


def _command(arguments: list[str]) -> int:
    is_fuzz, rehearsal_file, arguments = _own_arguments(arguments)
    asked = read_configuration()
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    configuration = _with_selection(replace(asked, seed=seed, rehearsal_file=rehearsal_file))
    known = known_divergences(load_contract(), configuration)
    if configuration.is_dry_run:
        plan.show(configuration, arguments, is_fuzz=is_fuzz)
        print("DRY_RUN=1: this is the plan; nothing was sent")
        return 0
    if configuration.is_live:
        return _run_live(configuration, is_fuzz, arguments, known)
    with shared_allowance(configuration) as settings:
        start, outcomes, exit_code = _run(settings, is_fuzz, arguments, known)
        outcomes.counted = sent_in_all(settings)
    return _finish(settings, start, outcomes, exit_code)


def run_pytest(
    configuration: Configuration,
    promises: tuple[str, ...],
    arguments: list[str],
    known: tuple[Divergence, ...] = (),
    sent: Counter[str] | None = None,
) -> tuple[Outcomes, int]:
    """Run the tests of some promises, in this order unless the arguments name tests of their own."""
    names_tests = any(argument.partition("::")[0].endswith(".py") for argument in arguments)
    files = [] if names_tests else files_of(promises)
    is_whole = not names_tests and promises == PROMISES
    outcomes = Outcomes(known, is_whole=is_whole, target=configuration.target)
    outcomes.requests += sent or Counter()
    where = configuration.target if configuration.is_live else f"{configuration.target}, started for this run"
    print(f"under test: {where}   seed: {configuration.seed}", flush=True)
    options = [f"--hypothesis-seed={configuration.seed}", "--tb=short", "--no-header"]
    junit = JUnitReport(Reports(REPORTS, outcomes.unwritten))
    try:
        exit_code = int(pytest.main([*files, *options, *arguments], plugins=[outcomes, junit, configuration]))
    except KeyboardInterrupt:
        exit_code = INTERRUPTED
    except Exception:
        if not ENDING.is_asked:
            raise
        exit_code = INTERRUPTED  # of a fixture whose clean-up got no answer
    return outcomes, exit_code


def _own_arguments(arguments: list[str]) -> tuple[bool, str | None, list[str]]:
    """Tell what is for this command, whether to fuzz and where to leave counts, from what goes to pytest."""
    is_fuzz = arguments[:1] == [plan.FUZZ]
    rest = arguments[is_fuzz:]
    if rest[:1] == [plan.REHEARSAL]:
        return is_fuzz, rest[1], rest[2:]
    return is_fuzz, None, rest


def _run_live(asked: Configuration, is_fuzz: bool, arguments: list[str], known: tuple[Divergence, ...]) -> int:
    """Run against BASE_URL: look whether it is there, put right what was left there, say the plan, test, clean up."""
    asked.require_key()
    if asked.lent_id is not None and any(argument.startswith(("-n", "--numprocesses")) for argument in arguments):
        raise Refused("PERSONA_ID lends one persona, which workers cannot share; leave out -n")
    lock = item_lock.held(asked.journal_folder, asked.base_url, asked.lent_id)
    with lock, shared_allowance(asked) as settings:
        sent = first_requests(settings)
        earlier = put_right(settings, sent)
        for line in earlier.lines():
            print(line, flush=True)
        try_loan(settings, sent)
        plan.show(settings, arguments, sum(sent.values()), is_fuzz=is_fuzz)
        after: Counter[str] = Counter()
        try:
            start, outcomes, exit_code = _run(settings, is_fuzz, arguments, known, sent)
        finally:
            with held_back():
                journal.release_all()
                swept = put_right(settings, after)
                for line in swept.lines():
                    print(line, flush=True)
        outcomes.requests += after
        outcomes.left = _left(outcomes.left, swept, earlier)
        outcomes.counted = sent_in_all(settings)
    return _finish(settings, start, outcomes, exit_code)


def _left(told: list[str], swept: Swept, earlier: Swept) -> list[str]:
    """Return what a run has left: what it told itself, but for what was put right since, and what could not be."""
    fresh = [sentence for sentence in swept.left if sentence not in earlier.left]
    done = [*swept.removed, *swept.restored]
    known = [sentence.partition(" (")[0] for sentence in told]
    kept = [sentence for sentence in told if not any(persona_id in sentence for persona_id in done)]
    return kept + [sentence for sentence in fresh if not any(what in sentence for what in known)]


def _run(
    configuration: Configuration,
    is_fuzz: bool,
    arguments: list[str],
    known: tuple[Divergence, ...],
    sent: Counter[str] | None = None,
) -> tuple[Start, Outcomes, int]:
    if is_fuzz:
        return _fuzz(replace(configuration, profile="thorough"), arguments, known, sent)
    return Start.now(configuration), *run_pytest(configuration, PROMISES, arguments, known, sent)


def _fuzz(
    configuration: Configuration, arguments: list[str], known: tuple[Divergence, ...], sent: Counter[str] | None
) -> tuple[Start, Outcomes, int]:
    """Run the generative tests with one seed after the other until the time is over or something broke."""
    first = configuration.seed or 0
    deadline = time.monotonic() + 60 * (configuration.minutes or MINUTES)
    for seed in itertools.count(first):
        configuration = replace(configuration, seed=seed)
        start = Start.now(configuration)
        outcomes, exit_code = run_pytest(configuration, GENERATIVE, arguments, known, sent)
        if exit_code != 0 or time.monotonic() > deadline or configuration.rehearsal_file:
            break
    print(f"{seed - first + 1} rounds, the last with seed {seed}")
    return start, outcomes, exit_code


def _finish(configuration: Configuration, start: Start, outcomes: Outcomes, pytest_exit_code: int) -> int:
    line, exit_code = outcomes.verdict(pytest_exit_code)
    if not plan.note_rehearsal(configuration.rehearsal_file, outcomes, line):
        _report(record(start, outcomes, line, exit_code), Reports(REPORTS, outcomes.unwritten))
    print(shown(line, LONGEST_LINE))
    return exit_code


def _report_nothing(line: str, exit_code: int) -> None:
    """Let the reports say why a run came to no test."""
    _report(bare_record(Start.of_nothing(), line, exit_code), Reports(REPORTS))


def _report(told: dict[str, Any], reports: Reports) -> None:
    """Write the reports of a run, and print which of them could not be written."""
    report_run(reports, told)
    for complaint in reports.complaints():
        print(complaint)


def _with_selection(configuration: Configuration) -> Configuration:
    """Decide whether all tests are run, or the sharpest: a live budget rarely takes all."""
    is_small = configuration.is_live and 0 < configuration.max_requests < WHOLE_RUN_REQUESTS
    return replace(configuration, selection=LIVE, profile="live") if is_small else configuration
