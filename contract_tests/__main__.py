"""
The contract run, as `make contract` and `make fuzz` start it.

    python -m contract_tests [--fuzz] [arguments for pytest]

Takes BASE_URL, COVAL_API_KEY, SEED, MINUTES from the environment, and against an API that is there already also
MAX_REQUESTS, RATE, DRY_RUN, PERSONA_ID, TIMEOUT, MAX_PERSONAS. The last line on stdout is the verdict; the exit code
is 0 holds, 1 violated, 2 inconclusive or interrupted, 4 refused.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contract_tests import item_lock, journal, plan
from contract_tests.contract import ContractError, load_contract
from contract_tests.divergences import Divergence, DivergenceError, known_divergences
from contract_tests.errors import Inconclusive, Refused, TargetError
from contract_tests.interruption import interruptible
from contract_tests.opening import first_requests, put_right, shared_allowance, try_loan
from contract_tests.report.folder import Reports
from contract_tests.report.junit import JUnitReport
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.pages import report_run
from contract_tests.report.record import Start, bare_record, record
from contract_tests.secrecy import Secrecy, clear_files, cleared_output
from contract_tests.selection import PROMISES, files_of
from contract_tests.settings import Settings, read_key, read_settings, whole_number

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "reports"
# Where the tools of a run write.
WRITTEN = tuple(ROOT / name for name in ("reports", ".hypothesis", ".schemathesis", ".pytest_cache", ".journal"))
REFUSED = 4
INCONCLUSIVE = 2
INTERRUPTED = 2
# With a smaller budget only the sharpest of the tests are run.
WHOLE_RUN_REQUESTS = 8_000

GENERATIVE = ("combinations", "fidelity", "state_machine", "schema_conformance")


def main(arguments: list[str]) -> int:
    """
    Run the contract tests and print the verdict.

    Args:
        arguments: `--fuzz` first for a run with a time budget; the rest goes to pytest.

    Returns:
        The exit code.
    """
    seed = None
    try:
        seed = whole_number(os.environ, "SEED", secrets.randbelow(2**32))
        os.environ["SEED"] = str(seed)
        settings = read_settings(os.environ)
        known = known_divergences(load_contract(), os.environ)
        _choose_selection(settings)
        if os.environ.get("DRY_RUN") == "1":
            plan.show(settings, seed, arguments)
            print("DRY_RUN=1: this is the plan; nothing was sent")
            return 0
        if settings is None:
            return _finish(*_run(seed, arguments, known))
        return _run_live(settings, seed, arguments, known)
    except KeyboardInterrupt:
        journal.release_all()
        is_left = any(not remains.is_settled for remains in journal.of_dead_runs())
        left = "; what it has left, the next run or make sweep removes" if is_left else ""
        return _end(seed, f"verdict: inconclusive. The run was interrupted{left}.", INTERRUPTED)
    except Inconclusive as error:
        return _end(seed, f"verdict: inconclusive. {error}", INCONCLUSIVE)
    except (Refused, ContractError, DivergenceError, TargetError) as error:
        return _end(seed, f"verdict: refused. {error}", REFUSED)


def run_pytest(
    seed: int,
    promises: tuple[str, ...],
    arguments: list[str],
    known: tuple[Divergence, ...] = (),
    sent: Counter[str] | None = None,
) -> tuple[Outcomes, int]:
    """Run the tests of some promises, in this order unless the arguments name tests of their own."""
    names_tests = any(argument.partition("::")[0].endswith(".py") for argument in arguments)
    files = [] if names_tests else files_of(promises)
    outcomes = Outcomes(known, is_whole=not names_tests and promises == PROMISES)
    outcomes.requests += sent or Counter()
    print(f"under test: {os.environ.get('BASE_URL') or 'the mock, started for this run'}   seed: {seed}", flush=True)
    options = [f"--hypothesis-seed={seed}", "--tb=short", "--no-header"]
    junit = JUnitReport(Reports(REPORTS, outcomes.unwritten))
    try:
        exit_code = int(pytest.main([*files, *options, *arguments], plugins=[outcomes, junit]))
    except KeyboardInterrupt:
        exit_code = INTERRUPTED
    return outcomes, exit_code


def _run_live(settings: Settings, seed: int, arguments: list[str], known: tuple[Divergence, ...]) -> int:
    """Run against BASE_URL: look whether it is there, put right what was left there, say the plan, test, clean up."""
    read_key(os.environ)
    if settings.lent_id is not None and any(argument.startswith(("-n", "--numprocesses")) for argument in arguments):
        raise Refused("PERSONA_ID lends one persona, which workers cannot share; leave out -n")
    with item_lock.held(journal.folder(), settings.base_url, settings.lent_id), shared_allowance():
        sent = first_requests(settings)
        for line in put_right(settings, sent).lines():
            print(line, flush=True)
        try_loan(settings, sent)
        plan.show(settings, seed, arguments, sent=sum(sent.values()))
        after: Counter[str] = Counter()
        try:
            start, outcomes, exit_code = _run(seed, arguments, known, sent)
        finally:
            journal.release_all()
            swept = put_right(settings, after)
            for line in swept.lines():
                print(line, flush=True)
        outcomes.requests += after
        if exit_code == INTERRUPTED or swept.removed or swept.restored:
            outcomes.left = swept.left
    return _finish(start, outcomes, exit_code)


def _run(
    seed: int, arguments: list[str], known: tuple[Divergence, ...], sent: Counter[str] | None = None
) -> tuple[Start, Outcomes, int]:
    if arguments[:1] == ["--fuzz"]:
        return _fuzz(seed, whole_number(os.environ, "MINUTES", 10), arguments[1:], known, sent)
    return Start.now(seed), *run_pytest(seed, PROMISES, arguments, known, sent)


def _fuzz(
    seed: int, minutes: int, arguments: list[str], known: tuple[Divergence, ...], sent: Counter[str] | None
) -> tuple[Start, Outcomes, int]:
    """Run the generative tests with one seed after the other until the time is over or something broke."""
    os.environ["PROFILE"] = "thorough"
    deadline = time.monotonic() + 60 * minutes
    rounds = 0
    while True:
        os.environ["SEED"] = str(seed + rounds)
        start = Start.now(seed + rounds)
        outcomes, exit_code = run_pytest(seed + rounds, GENERATIVE, arguments, known, sent)
        rounds += 1
        if exit_code != 0 or time.monotonic() > deadline:
            print(f"{rounds} rounds, the last with seed {seed + rounds - 1}")
            return start, outcomes, exit_code


def _finish(start: Start, outcomes: Outcomes, pytest_exit_code: int) -> int:
    line, exit_code = outcomes.verdict(pytest_exit_code)
    if not plan.note_rehearsal(outcomes, line):
        _report(record(start, outcomes, line, exit_code), Reports(REPORTS, outcomes.unwritten))
    print(line)
    return exit_code


def _end(seed: int | None, line: str, exit_code: int) -> int:
    """Print the last line of a run that came to no test, and let the reports say it too."""
    if not plan.is_rehearsal():
        _report(bare_record(Start.now(seed), line, exit_code), Reports(REPORTS))
    print(line)
    return exit_code


def _report(told: dict[str, Any], reports: Reports) -> None:
    """Write the reports of a run, and print which of them could not be written."""
    report_run(reports, told)
    for complaint in reports.complaints():
        print(complaint)


def _choose_selection(settings: Settings | None) -> None:
    """Say in the environment whether all tests are run, or the sharpest: a live budget rarely takes all."""
    is_small = settings is not None and 0 < settings.max_requests < WHOLE_RUN_REQUESTS
    os.environ["SELECTION"] = "live" if is_small else "whole"
    if is_small:
        os.environ.setdefault("PROFILE", "live")


if __name__ == "__main__":
    own_key = os.environ.get("COVAL_API_KEY", "")
    began = time.time()
    with cleared_output(own_key), interruptible():
        code = main(sys.argv[1:])
        clear_files(WRITTEN, Secrecy([own_key]), since=began)
    sys.exit(code)
