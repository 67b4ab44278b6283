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
import time
from pathlib import Path

import httpx
import pytest

from contract_tests.contract import ContractError, load_contract
from contract_tests.divergences import Divergence, DivergenceError, known_divergences
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.record import Start, write_record
from contract_tests.selection import PROMISES, files_of
from contract_tests.target import LOOPBACK_HOSTS, Api, Inconclusive, Target, TargetError

REPORTS = Path(__file__).parents[1] / "reports"
REFUSED = 4
INCONCLUSIVE = 2

GENERATIVE = ("combinations", "fidelity", "state_machine", "schema_conformance")


class Refused(Exception):
    """The run cannot begin: what was asked for is wrong, or openapi.yaml is."""


def main(arguments: list[str]) -> int:
    """
    Run the contract tests and print the verdict.

    Args:
        arguments: `--fuzz` first for a run with a time budget; the rest goes to pytest.

    Returns:
        The exit code.
    """
    try:
        seed = _whole_number("SEED", secrets.randbelow(2**32))
        known = known_divergences(load_contract(), os.environ)
        _probe()
        os.environ["SEED"] = str(seed)
        if arguments[:1] == ["--fuzz"]:
            return _fuzz(seed, _whole_number("MINUTES", 10), arguments[1:], known)
        return _finish(Start.now(seed), *run_pytest(seed, PROMISES, arguments, known))
    except Inconclusive as error:
        print(f"verdict: inconclusive. {error}")
        return INCONCLUSIVE
    except (Refused, ContractError, DivergenceError, TargetError) as error:
        print(f"verdict: refused. {error}")
        return REFUSED


def run_pytest(
    seed: int, promises: tuple[str, ...], arguments: list[str], known: tuple[Divergence, ...] = ()
) -> tuple[Outcomes, int]:
    """Run the tests of some promises, in this order unless the arguments name tests of their own."""
    names_tests = any(argument.partition("::")[0].endswith(".py") for argument in arguments)
    files = [] if names_tests else files_of(promises)
    outcomes = Outcomes(known, is_whole=not names_tests and promises == PROMISES)
    print(f"under test: {os.environ.get('BASE_URL', 'the mock, started for this run')}   seed: {seed}", flush=True)
    options = [f"--hypothesis-seed={seed}", f"--junitxml={REPORTS / 'junit.xml'}", "--tb=short", "--no-header"]
    exit_code = pytest.main([*files, *options, *arguments], plugins=[outcomes])
    return outcomes, int(exit_code)


def _fuzz(seed: int, minutes: int, arguments: list[str], known: tuple[Divergence, ...]) -> int:
    """Run the generative tests with one seed after the other until the time is over or something broke."""
    os.environ["PROFILE"] = "thorough"
    deadline = time.monotonic() + 60 * minutes
    rounds = 0
    while True:
        os.environ["SEED"] = str(seed + rounds)
        start = Start.now(seed + rounds)
        outcomes, exit_code = run_pytest(seed + rounds, GENERATIVE, arguments, known)
        rounds += 1
        if exit_code != 0 or time.monotonic() > deadline:
            print(f"{rounds} rounds, the last with seed {seed + rounds - 1}")
            return _finish(start, outcomes, exit_code)


def _finish(start: Start, outcomes: Outcomes, pytest_exit_code: int) -> int:
    line, exit_code = outcomes.verdict(pytest_exit_code)
    if exit_code != REFUSED:
        write_record(REPORTS, start, outcomes, line, exit_code)
    print(line)
    return exit_code


def _probe() -> None:
    """
    Send a harmless request or two to the API that BASE_URL names.

    Raises:
        Refused: The address, the path or the key is wrong.
        Inconclusive: Nothing answers there.
    """
    base_url = os.environ.get("BASE_URL", "")
    if not base_url:
        os.environ.pop("BASE_URL", None)
        return
    key = os.environ.get("COVAL_API_KEY", "")
    url = _parse_url(base_url)
    if url.scheme == "http" and url.host not in LOOPBACK_HOSTS:
        raise Refused(f"BASE_URL {base_url} would send the key unencrypted; use https")
    if not key:
        raise Refused("COVAL_API_KEY is not set; export the key of the account that BASE_URL belongs to")
    if not key.isascii() or not key.isprintable() or key != key.strip():
        raise Refused("COVAL_API_KEY holds a character that no header can carry; look for a space or a line break")
    with Api(Target(base_url, base_url.rstrip("/"), key), "probe") as api:
        status = api.voices().status
        is_there = status != 404 or api.list_personas(page_size="1").was_accepted
    if status in (401, 403):
        raise Refused(f"{base_url} answered {status}: the key in COVAL_API_KEY is not valid there")
    if not is_there:
        raise Refused(f"{base_url} has no /personas/voices; BASE_URL must end like https://api.coval.dev/v1")


def _parse_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise Refused(f"BASE_URL {text!r} is no URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Refused(f"BASE_URL {text!r} must begin with http:// or https:// and name a host")
    return url


def _whole_number(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isascii() or not text.isdigit():
        raise Refused(f"{variable} must be a whole number, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
