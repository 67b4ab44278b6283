"""
The contract run, as `make contract` and `make fuzz` start it.

    python -m contract_tests [--fuzz] [arguments for pytest]

Takes BASE_URL, COVAL_API_KEY, SEED, MINUTES from the environment. The last line on stdout is the verdict;
the exit code is 0 holds, 1 violated, 2 inconclusive or interrupted, 4 refused.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from pathlib import Path

import pytest

from contract_tests.contract import ContractError, load_contract
from contract_tests.errors import Inconclusive, Refused, TargetError
from contract_tests.probe import probe
from contract_tests.report.outcomes import Outcomes
from contract_tests.settings import ALLOWANCE, Settings, opened, read_settings, whole_number

HERE = Path(__file__).parent
REPORTS = HERE.parent / "reports"
REFUSED = 4
INCONCLUSIVE = 2
# With a smaller budget only the sharpest of the tests are run.
WHOLE_RUN_REQUESTS = 8_000

# The sharpest and cheapest first: where something is broken, the first seconds tell.
PROMISES = (
    "update_rules", "field_limits", "authentication", "errors", "protocol", "identity", "isolation", "fidelity",
    "voices", "combinations", "creation", "deletion", "listing", "typed_client", "concurrency", "state_machine",
    "schema_conformance", "persistence",
)  # fmt: skip
GENERATIVE = ("combinations", "fidelity", "state_machine", "schema_conformance")


def main(arguments: list[str]) -> int:
    """
    Run the contract tests and print the verdict.

    Args:
        arguments: `--fuzz` first for a run with a time budget; the rest goes to pytest.

    Returns:
        The exit code.
    """
    try:
        seed = whole_number(os.environ, "SEED", secrets.randbelow(2**32))
        settings = read_settings(os.environ)
        load_contract()
        _choose_selection(settings)
        os.environ["SEED"] = str(seed)
        if settings is not None:
            os.environ[ALLOWANCE] = tempfile.mkstemp(prefix="contract-tests-")[1]
            _probe(settings)
        if arguments[:1] == ["--fuzz"]:
            return _fuzz(seed, whole_number(os.environ, "MINUTES", 10), arguments[1:])
        return _finish(*run_pytest(seed, PROMISES, arguments))
    except Inconclusive as error:
        print(f"verdict: inconclusive. {error}")
        return INCONCLUSIVE
    except (Refused, ContractError, TargetError) as error:
        print(f"verdict: refused. {error}")
        return REFUSED


def run_pytest(seed: int, promises: tuple[str, ...], arguments: list[str]) -> tuple[Outcomes, int]:
    """Run the tests of some promises, in this order unless the arguments name tests of their own."""
    names_tests = any(argument.partition("::")[0].endswith(".py") for argument in arguments)
    files = [] if names_tests else [str(HERE / f"test_{promise}.py") for promise in promises]
    outcomes = Outcomes()
    print(f"under test: {os.environ.get('BASE_URL', 'the mock, started for this run')}   seed: {seed}", flush=True)
    options = [f"--hypothesis-seed={seed}", f"--junitxml={REPORTS / 'junit.xml'}", "--tb=short", "--no-header"]
    exit_code = pytest.main([*files, *options, *arguments], plugins=[outcomes])
    return outcomes, int(exit_code)


def _fuzz(seed: int, minutes: int, arguments: list[str]) -> int:
    """Run the generative tests with one seed after the other until the time is over or something broke."""
    os.environ["PROFILE"] = "thorough"
    deadline = time.monotonic() + 60 * minutes
    rounds = 0
    while True:
        os.environ["SEED"] = str(seed + rounds)
        outcomes, exit_code = run_pytest(seed + rounds, GENERATIVE, arguments)
        rounds += 1
        if exit_code != 0 or time.monotonic() > deadline:
            print(f"{rounds} rounds, the last with seed {seed + rounds - 1}")
            return _finish(outcomes, exit_code)


def _finish(outcomes: Outcomes, pytest_exit_code: int) -> int:
    line, exit_code = outcomes.verdict(pytest_exit_code)
    print(line)
    return exit_code


def _probe(settings: Settings) -> None:
    with opened(settings, "probe") as api:
        probe(api, settings)


def _choose_selection(settings: Settings | None) -> None:
    """Say in the environment whether all tests are run, or the sharpest: a live budget rarely takes all."""
    is_small = settings is not None and 0 < settings.max_requests < WHOLE_RUN_REQUESTS
    os.environ["SELECTION"] = "live" if is_small else "whole"
    if is_small:
        os.environ.setdefault("PROFILE", "live")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
