"""
What `schemathesis run` alone finds: the baseline beside which the suite is measured.

It runs as a person would run it, with its own defaults: all phases, all checks, and the examples of the contract.
What it says of the mock as it should be is a false alarm; a fault counts as caught where it says anything else.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from contract_tests.errors import Refused
from contract_tests.runner.configuration import Configuration, foreign_environment
from contract_tests.runner.under_test import started_mock
from contract_tests.spec.contract import ROOT, Contract

CAUGHT, MISSED, ERROR = "caught", "missed", "error"

# What it exits with after a run that came to its end.
NOTHING_FOUND, FAILURES_FOUND = 0, 1

# The one bound: a run takes 7 s here, and some faults make every answer slow.
TIME_LIMIT_SECONDS = 120.0

# What brings this suite into it.
HOOKS = {"SCHEMATHESIS_HOOKS": "contract_tests.runner.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
WITH_HOOKS = "schemathesis-with-hooks"

Event = dict[str, Any]

# Other seeds with which the mock as it should be is run. Only some of them raise the rarer of its false alarms, and a
# fault may stir these up by chance.
FURTHER_SEEDS = 4

# The variable that hands the key over: arguments are seen by everybody on the machine.
KEY_VARIABLE = "BASELINE_KEY"


class BaselineError(Refused):
    """The baseline cannot be measured here."""


@dataclass(frozen=True, order=True)
class Alarm:
    """One check that failed: as fine as two runs can be compared, as ids and generated values differ."""

    operation: str  # method and path, such as `GET /things`
    check: str
    phase: str  # examples, coverage, fuzzing or stateful

    def __str__(self) -> str:
        return f"{self.operation}: {self.check} ({self.phase})"


@dataclass(frozen=True)
class BaselineRun:
    """What one run of `schemathesis run` came to."""

    alarms: tuple[Alarm, ...]  # in the order in which they were raised, none twice
    seconds: float
    error: str = ""  # what kept it from saying more, such as a dropped connection; empty where nothing did
    cases: int = 0  # how many requests it has made up and sent


@dataclass(frozen=True)
class BaselineOutcome:
    """What `schemathesis run` makes of one fault."""

    result: str  # caught, missed or error
    by: str  # the first alarm that the mock as it should be does not raise; the reason of an error; empty for missed
    seconds: float


def run_baseline(
    contract: Contract, url: str, api_key: str, seed: int, *options: str, has_hooks: bool = False
) -> BaselineRun:
    """
    Let `schemathesis run` test a mock by itself, or with the boundary values and the check of this suite as hooks.

    What is there is changed and removed. The seed decides what is generated; answers decide too, and they hold ids that
    no seed decides.
    """
    # It keeps what it learns of an API in its working directory and goes on from there: each run gets an empty one.
    with tempfile.TemporaryDirectory(prefix="baseline-") as folder:
        report = Path(folder) / "events.ndjson"
        settings = Path(folder) / "schemathesis.toml"
        settings.write_text(_settings(contract), "utf-8")
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings)),
            *("run", str(contract.document.file.absolute()), "--url", url, "--seed", str(seed)),
            *("--report", "ndjson", "--report-ndjson-path", str(report)),  # the only way to read what it found
            *options,
        ]
        started = time.monotonic()
        error = _run(command, contract, api_key, report, HOOKS if has_hooks else {})
        seconds = time.monotonic() - started
        text = "" if error else report.read_text("utf-8")
        events = [json.loads(line) for line in text.splitlines()]
        scenarios = [event["ScenarioFinished"] for event in events if "ScenarioFinished" in event]
        alarms = tuple(dict.fromkeys(alarm for scenario in scenarios for alarm in _failed_checks(scenario)))
        cases = sum(len(scenario["recorder"].get("cases", {})) for scenario in scenarios)
        return BaselineRun(alarms, seconds, error or _first_error(events), cases)


def _settings(contract: Contract) -> str:
    """
    Return the configuration file that says how the key is sent.

    It names the scheme of the contract and not a header: a header is sent with the very requests that are to prove that
    the key is needed, and "accepts requests without authentication" follows (measured with 4.32.5).
    """
    if contract.key.kind == "none":
        return ""
    scheme = json.dumps(contract.key.pointer.rpartition("/")[2])
    if contract.key.kind == "basic":
        return f'[auth.openapi.{scheme}]\nusername = "${{{KEY_VARIABLE}_USER}}"\npassword = "${{{KEY_VARIABLE}}}"\n'
    field = "bearer" if contract.key.kind == "bearer" else "api_key"
    return f'[auth.openapi.{scheme}]\n{field} = "${{{KEY_VARIABLE}}}"\n'


def false_alarms(configuration: Configuration, seed: int) -> frozenset[Alarm]:
    """Gather what it says of the mock as it should be, with some seeds; BaselineError where a run says nothing."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = list(pool.map(partial(_run_on_mock, configuration, None), range(seed, seed + 1 + FURTHER_SEEDS)))
    for run in runs:
        if run.error:
            raise BaselineError(f"schemathesis run cannot be measured: on the mock as it should be, {run.error}")
    return frozenset(alarm for run in runs for alarm in run.alarms)


def baseline_outcome(run: BaselineRun, known: Iterable[Alarm]) -> BaselineOutcome:
    """Say what `schemathesis run` makes of a fault; *known* is what `false_alarms` gathered."""
    new = [alarm for alarm in run.alarms if alarm not in set(known)]
    if new:
        return BaselineOutcome(CAUGHT, str(new[0]), run.seconds)
    return BaselineOutcome(ERROR if run.error else MISSED, run.error, run.seconds)


def try_faults(configuration: Configuration, names: Iterable[str], seed: int) -> Iterator[tuple[str, BaselineOutcome]]:
    """Run against a mock for each fault, as many at a time as there are cores, and give the outcomes as they come."""
    known = false_alarms(configuration, seed)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            tried = {pool.submit(_run_on_mock, configuration, name, seed): name for name in names}
            for future in as_completed(tried):
                yield tried[future], baseline_outcome(future.result(), known)
        finally:
            pool.shutdown(cancel_futures=True)  # where nobody asks for the rest


def _run_on_mock(configuration: Configuration, fault: str | None, seed: int) -> BaselineRun:
    with started_mock(replace(configuration, fault=fault)) as mock:
        has_hooks = configuration.peer == WITH_HOOKS
        return run_baseline(configuration.load_contract(), mock.url, mock.api_key, seed, has_hooks=has_hooks)


def _run(command: list[str], contract: Contract, api_key: str, report: Path, hooks: Mapping[str, str]) -> str:
    """Run a command and return why it wrote no report that can be read, or an empty text."""
    user, colon, password = api_key.partition(":")
    key = {KEY_VARIABLE: password, f"{KEY_VARIABLE}_USER": user} if colon else {KEY_VARIABLE: api_key}
    try:
        done = subprocess.run(
            command, cwd=report.parent,
            env={**foreign_environment(contract=contract), **key, **hooks, **({contract.key.env: api_key} if hooks else {})},
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace",
            timeout=TIME_LIMIT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"took longer than {TIME_LIMIT_SECONDS:.0f} s"
    if done.returncode not in (NOTHING_FOUND, FAILURES_FOUND) or not report.exists():
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        return f"exit code {done.returncode}: {said[-1]}"
    return ""


def _failed_checks(scenario: Event) -> Iterator[Alarm]:
    recorder = scenario["recorder"]
    for case_id, checks in recorder.get("checks", {}).items():
        case = recorder["cases"][case_id]["value"]
        for check in checks:
            if check["status"] == "failure":
                yield Alarm(f"{case['method']} {case['path']}", check["name"], scenario["phase"])


def _first_error(events: list[Event]) -> str:
    """Return the first request that got no answer, or whatever else kept it from judging; "" without any."""
    for event in events:
        for kind in ("NonFatalError", "FatalError"):
            if kind in event:
                error = event[kind].get("value") or event[kind].get("exception") or {}
                return f"{event[kind].get('label', 'the run')}: {error.get('type', kind)}"
    return ""
