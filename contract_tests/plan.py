"""
What a run is going to do: how many requests of which operation, what is made and removed, and how long it takes.

The counts come from a rehearsal: the same run, with the same seed, the same selection and the same budget, against a
mock that is started for it, in a process of its own and at full speed. Nothing is sent to the API under test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx

from contract_tests.configuration import Configuration, foreign_environment
from contract_tests.errors import Refused
from contract_tests.fence import NAME_PREFIX
from contract_tests.interruption import GROUPS
from contract_tests.mock_api.parent import end_with_parent
from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.report.outcomes import Outcomes

# Begins the arguments of a run with a time budget, and of one that only counts, before the file for its counts.
FUZZ = "--fuzz"
REHEARSAL = "--rehearsal"
# A rehearsal stays on this machine.
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


@dataclass(frozen=True)
class Rehearsal:
    """What a run against the mock came to."""

    requests: Counter[str]
    made: int
    most_alive: int
    not_tried: int
    verdict: str


def show(settings: Configuration, arguments: list[str], sent: int = 0, *, is_fuzz: bool = False) -> None:
    """
    Print the plan of a run.

    Args:
        settings: What is asked for, its seed decided.
        arguments: What goes to pytest.
        sent: How many requests the run has sent already.
        is_fuzz: Whether it has a time budget, so that one round of it is counted.

    Raises:
        Refused: The run could not be rehearsed.
    """
    if settings.rehearsal_file:
        end_with_parent(os.getppid())
        return
    if not settings.is_dry_run and (is_fuzz or not settings.requests_per_second):
        print(f"plan for {settings.target}: {_limits(settings)}; DRY_RUN=1 counts the requests", flush=True)
        return
    rehearsal = rehearse(settings, arguments, is_fuzz=is_fuzz)
    show_counts(settings, rehearsal, sent)
    if is_fuzz:
        print(f"  so much is one round, with seed {settings.seed}; no further one begins after MINUTES")
    if rehearsal.not_tried:
        print(
            f"  the budget ends before {rehearsal.not_tried:,} tests are tried, so the verdict cannot be that it holds"
        )
    sys.stdout.flush()


def show_counts(settings: Configuration, rehearsal: Rehearsal, sent: int = 0) -> None:
    """
    Print what a rehearsal came to.

    Args:
        settings: What is asked for.
        rehearsal: The counts.
        sent: How many requests the run has sent already.
    """
    total = sum(rehearsal.requests.values())
    print(f"plan for {settings.target}: about {total:,} requests")
    for operation, number in rehearsal.requests.most_common():
        print(f"{number:>8,}  {operation}")
    print(f"  {_writes(settings, rehearsal)}")
    print(f"  {_limits(settings)}{_duration(settings, total - sent)}")


def rehearse(settings: Configuration, arguments: list[str], *, is_fuzz: bool = False) -> Rehearsal:
    """
    Run the tests against a mock, quietly, and count.

    Raises:
        Refused: The rehearsal came to no end.
    """
    with tempfile.TemporaryDirectory(prefix="contract-tests-") as place, running_mock() as mock:
        counts = Path(place) / "counts.json"
        usual = {name: value for name, value in foreign_environment().items() if name.upper() not in PROXIES}
        # It knows no key but the mock's, and keeps no journal beside that of living runs.
        environment = usual | {
            "BASE_URL": mock.url,
            "COVAL_API_KEY": mock.api_key,
            "SEED": str(settings.seed),
            "RATE": "0",
            "MAX_REQUESTS": str(settings.max_requests if settings.is_live else 0),
            "MAX_PERSONAS": str(settings.most_personas),
            "JOURNAL": place,
        }
        if settings.is_live and settings.lent_id is not None:
            environment["PERSONA_ID"] = _some_persona(mock)
        own = [*([FUZZ] if is_fuzz else []), REHEARSAL, str(counts)]
        options = ["-p", "no:cacheprovider", f"--junitxml={os.devnull}"]
        said = _run_quietly([sys.executable, "-m", "contract_tests", *own, *arguments, *options], environment)
        if not counts.exists():
            raise Refused(f"the rehearsal of the plan against the mock came to no end: {said}")
        told = json.loads(counts.read_text("utf-8"))
    return Rehearsal(Counter(told["requests"]), told["made"], told["most_alive"], told["not_tried"], told["verdict"])


def note_rehearsal(file: str | None, outcomes: Outcomes, verdict: str) -> bool:
    """Leave the counts of this run for the process that rehearses with it, and say whether one does."""
    if file:
        told = {
            "requests": outcomes.requests,
            "made": outcomes.made,
            "most_alive": outcomes.most_alive,
            "not_tried": len(outcomes.remainder.not_tried),
            "verdict": verdict,
        }
        Path(file).write_text(json.dumps(told), "utf-8")
    return bool(file)


def _run_quietly(command: list[str], environment: dict[str, str]) -> str:
    """Run a command to its end, or end it when this process is told to end; its last line."""
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        GROUPS.add(process.pid)
        try:
            output, _ = process.communicate()
        finally:
            GROUPS.end(process.pid)  # what it has made is in a mock that ends as well
    return (output.rstrip().splitlines() or [f"exit code {process.returncode}"])[-1]


def _some_persona(mock: RunningMock) -> str:
    """Return the id of a persona that the mock begins with."""
    answer = httpx.get(f"{mock.url}/personas", headers={"x-api-key": mock.api_key}, trust_env=False)
    return str(answer.json()["personas"][0]["id"])


def _writes(settings: Configuration, rehearsal: Rehearsal) -> str:
    if settings.is_live and settings.lent_id is not None:
        return f"changes persona {settings.lent_id}, and restores it at the end; makes and removes none"
    return (
        f"makes {rehearsal.made} personas, named {NAME_PREFIX}<run>-<number>, at most {rehearsal.most_alive} at a time; "
        "changes no other, and removes every one of them"
    )


def _limits(settings: Configuration) -> str:
    if not settings.is_live:
        return "no budget and no pace: the mock is started for the run, and ends with it"
    budget = f"at most {settings.max_requests:,} requests (MAX_REQUESTS)" if settings.max_requests else "no budget"
    rate = settings.requests_per_second
    pace = f"at most {rate:g} a second (RATE)" if rate else "no pace"
    return f"{budget}, {pace}"


def _duration(settings: Configuration, requests: int) -> str:
    if not settings.is_live or not settings.requests_per_second:
        return ""
    seconds = requests / settings.requests_per_second
    return f": about {seconds / 60:.0f} minutes" if seconds > 90 else f": about {seconds:.0f} seconds"
