"""
What `schemathesis run` alone finds: the peer beside which the suite is measured.

It runs as a person would run it, with its own defaults: all phases, all checks, and the examples of openapi.yaml. What it
says of the mock as it should be is a false alarm; a fault counts as caught where it says anything else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_tests.configuration import foreign_environment
from contract_tests.contract import CONTRACT_FILE
from contract_tests.errors import Refused
from contract_tests.mock_api.process import running_mock
from contract_tests.under_test import FAULTY_MOCK

CAUGHT, MISSED, ERROR = "caught", "missed", "error"

# What it exits with after a run that came to its end.
NOTHING_FOUND, FAILURES_FOUND = 0, 1

# The one bound: a run takes 7 s here, and some faults make every answer slow.
TIME_LIMIT_SECONDS = 120.0

Event = dict[str, Any]

# Other seeds with which the mock as it should be is run. Only some of them raise the rarer of its false alarms, and a
# fault may stir these up by chance.
FURTHER_SEEDS = 4

# The key is read from the environment: arguments are seen by everybody on the machine. It stands here and not under
# [headers], because from there it is sent along with the very requests that are to prove that the key is needed, and
# "accepts requests without authentication" follows (measured with 4.32.5).
CONFIGURATION = """\
[auth.openapi.ApiKeyAuth]
api_key = "${COVAL_API_KEY}"
"""


class PeerError(Refused):
    """The peer cannot be measured here."""


@dataclass(frozen=True, order=True)
class Alarm:
    """One check that failed: as fine as two runs can be compared, as ids and generated values differ."""

    operation: str
    """Method and path, such as `GET /personas`."""
    check: str
    phase: str
    """examples, coverage, fuzzing or stateful."""

    def __str__(self) -> str:
        return f"{self.operation}: {self.check} ({self.phase})"


@dataclass(frozen=True)
class PeerRun:
    """What one run of the peer came to."""

    alarms: tuple[Alarm, ...]
    """In the order in which they were raised, none twice."""
    seconds: float
    error: str = ""
    """What kept the peer from saying more, such as a dropped connection; empty where nothing did."""


@dataclass(frozen=True)
class PeerOutcome:
    """What the peer makes of one fault."""

    peer: str
    """caught, missed or error."""
    by: str
    """The first alarm that the mock as it should be does not raise; the reason of an error; empty for missed."""
    seconds: float


def run_peer(url: str, api_key: str, seed: int, *options: str) -> PeerRun:
    """
    Let the peer test an API by itself.

    Args:
        url: Of a mock, with the base path. The peer removes and changes what it finds there.
        api_key: What opens it.
        seed: Decides what is generated. Answers decide too, and they hold ids that no seed decides.
        options: Further options of `schemathesis run`; it is measured without any.

    Returns:
        What it found.
    """
    # It keeps what it learns of an API in its working directory and goes on from there: each run gets an empty one.
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        report = Path(folder) / "events.ndjson"
        configuration = Path(folder) / "schemathesis.toml"
        configuration.write_text(CONFIGURATION, "utf-8")
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
            *("run", str(CONTRACT_FILE), "--url", url, "--seed", str(seed)),
            *("--report", "ndjson", "--report-ndjson-path", str(report)),  # the only way to read what it found
            *options,
        ]
        started = time.monotonic()
        error = _run(command, api_key, report)
        seconds = time.monotonic() - started
        text = "" if error else report.read_text("utf-8")
        events = [json.loads(line) for line in text.splitlines()]
        return PeerRun(_alarms(events), seconds, error or _first_error(events))


def false_alarms(seed: int) -> frozenset[Alarm]:
    """
    Gather what the peer says of the mock as it should be.

    Args:
        seed: The seed with which faults are tried; the following ones are tried too.

    Raises:
        PeerError: A run says nothing, so that nothing could be compared with it.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = list(pool.map(_run_on_clean_mock, range(seed, seed + 1 + FURTHER_SEEDS)))
    for run in runs:
        if run.error:
            raise PeerError(f"schemathesis run cannot be measured: on the mock as it should be, {run.error}")
    return frozenset(alarm for run in runs for alarm in run.alarms)


def peer_outcome(run: PeerRun, known: Iterable[Alarm]) -> PeerOutcome:
    """
    Say what the peer makes of a fault.

    Args:
        run: On the mock with the fault.
        known: What `false_alarms` gathered.
    """
    new = [alarm for alarm in run.alarms if alarm not in set(known)]
    if new:
        return PeerOutcome(CAUGHT, str(new[0]), run.seconds)
    return PeerOutcome(ERROR if run.error else MISSED, run.error, run.seconds)


def try_faults(names: Iterable[str], seed: int) -> Iterator[tuple[str, PeerOutcome]]:
    """
    Let the peer test a mock for each fault, as many at a time as there are cores, and give the outcomes as they come.

    Args:
        names: The faults.
        seed: Decides what is generated.

    Raises:
        PeerError: The peer cannot be measured here.
    """
    known = false_alarms(seed)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            tried = {pool.submit(_try_fault, name, seed, known): name for name in names}
            for future in as_completed(tried):
                yield tried[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)  # where nobody asks for the rest


def _try_fault(name: str, seed: int, known: Iterable[Alarm]) -> PeerOutcome:
    with running_mock("--fault", name, module=FAULTY_MOCK) as mock:
        return peer_outcome(run_peer(mock.url, mock.api_key, seed), known)


def _run_on_clean_mock(seed: int) -> PeerRun:
    with running_mock(module=FAULTY_MOCK) as mock:
        return run_peer(mock.url, mock.api_key, seed)


def _run(command: list[str], api_key: str, report: Path) -> str:
    """Run the peer and return why it wrote no report that can be read, or an empty text."""
    environment = {**foreign_environment(), "COVAL_API_KEY": api_key}
    try:
        done = subprocess.run(
            command,
            cwd=report.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIME_LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {TIME_LIMIT_SECONDS:.0f} s"
    if done.returncode not in (NOTHING_FOUND, FAILURES_FOUND) or not report.exists():
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        return f"exit code {done.returncode}: {said[-1]}"
    return ""


def _alarms(events: list[Event]) -> tuple[Alarm, ...]:
    """List the checks that failed, in the order in which they did, none twice."""
    scenarios = [event["ScenarioFinished"] for event in events if "ScenarioFinished" in event]
    return tuple(dict.fromkeys(alarm for scenario in scenarios for alarm in _failed_checks(scenario)))


def _failed_checks(scenario: Event) -> Iterator[Alarm]:
    recorder = scenario["recorder"]
    for case_id, checks in recorder.get("checks", {}).items():
        case = recorder["cases"][case_id]["value"]
        for check in checks:
            if check["status"] == "failure":
                yield Alarm(f"{case['method']} {case['path']}", check["name"], scenario["phase"])


def _first_error(events: list[Event]) -> str:
    """Return the first request that got no answer, or whatever else kept the peer from judging; "" without any."""
    for event in events:
        for kind in ("NonFatalError", "FatalError"):
            if kind in event:
                error = event[kind].get("value") or event[kind].get("exception") or {}
                return f"{event[kind].get('label', 'the run')}: {error.get('type', kind)}"
    return ""
