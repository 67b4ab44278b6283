"""What a run is going to do, counted by a rehearsal: the same run against a mock, in a process of its own."""

import json
import os
import secrets
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, Popen

from contract_tests.checks.shape import shape_of
from contract_tests.errors import Refused
from contract_tests.mock_api.process import RunningMock, end_with_parent
from contract_tests.report.outcomes import Outcomes, untried_parts
from contract_tests.runner.configuration import Configuration, foreign_environment
from contract_tests.runner.under_test import require_mock, started_mock
from contract_tests.spec.contract import Contract
from contract_tests.transport.interruption import GROUPS
from contract_tests.transport.target import Api, Target
from contract_tests.transport.write_guard import NAME_PREFIX


@dataclass(frozen=True)
class Rehearsal:
    """What a run against the mock came to."""

    requests: Counter[str]
    made: int
    most_alive: int
    not_tried: int


def show(settings: Configuration, arguments: list[str], sent: int = 0) -> None:
    """Print the plan of a run that has sent so many requests already; of a fuzz one round is counted."""
    if settings.rehearsal_file:
        end_with_parent(os.getppid())
        return
    if not settings.is_dry_run and (settings.is_fuzz or not settings.requests_per_second):
        print(f"plan for {settings.target}: {_limits(settings)}; DRY_RUN=1 counts the requests", flush=True)
        return
    rehearsal = rehearse(settings, arguments)
    show_counts(settings, rehearsal, sent)
    if settings.is_fuzz:
        print(f"  so much is one round, with seed {settings.seed}; no further one begins after MINUTES")
    for line in untried_parts(settings.load_contract()).lines():
        print(f"  not tried: {line}")
    if left := rehearsal.not_tried:
        print(f"  the budget ends before {left:,} tests are tried, so the verdict cannot be that it holds")
    sys.stdout.flush()


def show_counts(settings: Configuration, rehearsal: Rehearsal, sent: int = 0) -> None:
    """Print what a rehearsal came to."""
    total = sum(rehearsal.requests.values())
    print(f"plan for {settings.target}: about {total:,} requests")
    for operation, number in rehearsal.requests.most_common():
        print(f"{number:>8,}  {operation}")
    print(f"  {_writes(settings, rehearsal)}")
    print(f"  {_limits(settings)}{_duration(settings, total - sent)}")


def rehearse(settings: Configuration, arguments: list[str]) -> Rehearsal:
    """Run the tests against a mock, quietly, and count."""
    require_mock(settings)
    as_it_should_be = replace(settings, base_url="", fault=None)
    with tempfile.TemporaryDirectory(prefix="contract-tests-") as place, started_mock(as_it_should_be) as mock:
        counts = Path(place) / "counts.json"
        foreign = foreign_environment(contract=settings.load_contract())
        proxies = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
        usual = {name: value for name, value in foreign.items() if name.upper() not in proxies}
        # It stays on this machine, knows no key but the mock's, and keeps no journal beside that of living runs.
        most = str(settings.max_requests if settings.is_live else 0)
        environment = usual | {
            "BASE_URL": mock.url, settings.key_name: mock.api_key, "SEED": str(settings.seed), "RATE": "0",
            "MAX_REQUESTS": most, "MAX_ITEMS": str(settings.most_items), "JOURNAL": place,
        }  # fmt: skip
        if settings.shard is not None:
            environment["SHARD"] = "{}/{}".format(*settings.shard)
        if settings.is_live and settings.borrowed_id is not None:
            item_id = _some_item(mock, settings.load_contract())
            environment |= {"ITEM_ID": item_id} if item_id is not None else {}
        own = ["fuzz" if settings.is_fuzz else "run", *settings.contract_arguments, "--rehearsal", str(counts), "--"]
        options = [f"--junitxml={os.devnull}"]
        said = _run_quietly([sys.executable, "-m", "contract_tests", *own, *arguments, *options], environment)
        if not counts.exists():
            raise Refused(f"the rehearsal of the plan against the mock came to no end: {said}")
        told = json.loads(counts.read_text("utf-8"))
        verdict = told.pop("verdict")
        if verdict.startswith("verdict: refused"):
            raise Refused(f"the rehearsal of the plan against the mock ran no test: {verdict.partition('. ')[2]}")
    return Rehearsal(Counter(told.pop("requests")), **told)


def note_rehearsal(file: Path | None, outcomes: Outcomes, verdict: str) -> bool:
    """Leave the counts of this run for the process that rehearses with it, and say whether one does."""
    if file:
        not_tried = len(outcomes.not_run.not_tried)
        counts = Rehearsal(outcomes.requests, outcomes.made, outcomes.most_alive, not_tried)
        file.write_text(json.dumps({**vars(counts), "verdict": verdict}), "utf-8")
    return bool(file)


def _run_quietly(command: list[str], environment: dict[str, str]) -> str:
    """Run a command to its end, or end it when this process is told to end; its last line."""
    with Popen(
        command, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, text=True, start_new_session=True
    ) as process:
        GROUPS.add(process.pid)
        try:
            output, _ = process.communicate()
        finally:
            GROUPS.end(process.pid)  # what it has made is in a mock that ends as well
    return (output.rstrip().splitlines() or [f"exit code {process.returncode}"])[-1]


def _some_item(mock: RunningMock, contract: Contract) -> str | None:
    """Return the id of an item that the mock begins with; None where the contract has no list to look at."""
    if not contract.has("list"):
        return None
    with Api(Target("the mock", mock.url, mock.api_key), secrets.token_hex(4), shape_of(contract)) as api:
        items = api.list().items
    return str(items[0][contract.resource.id_name]) if items else None


def _writes(settings: Configuration, rehearsal: Rehearsal) -> str:
    if settings.is_live and settings.borrowed_id is not None:
        return f"changes item {settings.borrowed_id}, and restores it at the end; makes and removes none"
    made = f"makes {rehearsal.made} {settings.load_contract().resource.name}, named {NAME_PREFIX}<run>-<number>"
    return f"{made}, at most {rehearsal.most_alive} at a time; changes no other, and removes every one of them"


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
