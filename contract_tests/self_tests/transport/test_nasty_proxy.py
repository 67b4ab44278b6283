"""
What a run, or a boundary map, makes of an API, or of a gateway, that is nasty: a run through the proxy for each case.

Whatever happens, nothing foreign is written to, nothing is left that the run does not tell of, the budget is kept,
the run ends in time and in bounded memory, prints no control character and no key, and its exit code is its verdict.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from contract_tests.self_tests.live_command import Command, verdict_of, wait_for
from contract_tests.self_tests.transport.nasty_account import ACCOUNT_CASES, LISTS
from contract_tests.self_tests.transport.nasty_answers import ANSWER_CASES
from contract_tests.self_tests.transport.nasty_proxy import HOLDS, INCONCLUSIVE, Answer, Case, Turn, nasty_proxy
from contract_tests.self_tests.transport.weather_server import WeatherServer, fair
from contract_tests.spec.contract import ROOT
from contract_tests.transport.write_guard import MOST_ITEMS

RUN_CASES = (*ACCOUNT_CASES, *ANSWER_CASES)
# What the boundary map is tried with as well; its verdict is about limits, so a fault beside them may pass.
MAP_CASES = tuple(
    replace(
        case,
        name=f"map-{case.name}",
        module="boundaries",
        tests=("--operation", operation, "--field", "wait_seconds", "--fresh"),
        verdicts=case.verdicts | {INCONCLUSIVE} | ({HOLDS} if operation == "createPersona" else set()),
    )
    for name, operation in (
        ("foreign-null-name", "createPersona"),
        ("create-twice", "createPersona"),
        ("removal-dead", "createPersona"),
        ("endless-body", "updatePersona"),
        ("bomb-nested", "updatePersona"),
        ("gateway-520", "updatePersona"),
        ("gateway-mix-1", "updatePersona"),
    )
    for case in RUN_CASES
    if case.name == name
)
CASES = (*RUN_CASES, *MAP_CASES)
AT_ONCE = 4
EXIT_CODES = {"holds": 0, "violated": 1, "inconclusive": 2}
DEFAULT_BUDGET = 2_000
# What a terminal or a page would follow instead of showing: C0 and C1, marks of direction, half a surrogate.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
CRASHES = ("Traceback (most recent call last)", "ended in an error", "INTERNALERROR", "MemoryError")
# Beyond this the machine would suffer.
MOST_MEBIBYTES = 1_500.0


@dataclass(frozen=True)
class Told:
    """What a run through the proxy came to."""

    code: int
    output: str
    seconds: float
    mebibytes: float
    """The most memory it had; 0 where the system does not tell."""
    sent: int
    most_alive: int
    """How many personas the account held at once, beside those that were there."""
    foreign_writes: tuple[str, ...]
    changed: tuple[str, ...]
    """The ids of the personas of others that are not as they were, to the last field."""
    left: dict[str, str]
    """The names, by id, of what is there and was not."""
    journal: str
    reports: dict[str, str]
    swept: str
    """What make sweep said afterwards, where something was left."""
    left_after_sweep: dict[str, str]
    key: str

    @property
    def verdict(self) -> str:
        """The word behind `verdict: `; empty without a verdict."""
        found = re.match(r"verdict: (\w+)", verdict_of(self.output)) if self.output.strip() else None
        return found[1] if found else ""


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Told]]]:
    """What the run through each chosen case came to; a few run at once, as most of them wait."""
    names = {item.callspec.params.get("case_name") for item in request.session.items if hasattr(item, "callspec")}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            case.name: pool.submit(_tried, case, tmp_path_factory.mktemp(case.name))
            for case in sorted(CASES, key=lambda case: -case.most_seconds)
            if case.name in names
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case_name", [case.name for case in CASES])
def test_run_keeps_its_word(told: dict[str, Future[Told]], case_name: str) -> None:
    """The verdict is one that the case allows, and nothing is sent, left or said that should not be."""
    case = next(case for case in CASES if case.name == case_name)
    outcome = told[case_name].result()
    problems = [*_broken_rules(case, outcome), *_left_behind(case, outcome), *_said(outcome)]
    assert problems == [], f"{case.does}\n{outcome.output}\n--- sweep:\n{outcome.swept}"


def test_cases_have_names_of_their_own() -> None:
    """No two cases share a name, so that each is run."""
    assert len({case.name for case in CASES}) == len(CASES)


def test_create_that_is_done_after_a_kill_is_found_by_a_later_sweep(tmp_path: Path) -> None:
    """A create that comes to be when the run was killed and one sweep is over is removed by the next sweep."""
    asked, released, done = threading.Event(), threading.Event(), threading.Event()

    def done_late(turn: Turn) -> Answer:
        if turn.kind == "create":
            asked.set()
            released.wait(120)
        reply = turn.forward()
        if turn.kind == "create":
            done.set()
        return reply

    case = Case("late", "A create is done late.", done_late)
    with nasty_proxy(case, tmp_path) as server:
        command = Command(server, tmp_path / "journal")
        with command.start(*case.tests) as process:
            wait_for(asked.is_set)
            process.kill()
        sweep = replace(command, module="sweep")
        _, first = sweep.run()
        released.set()
        wait_for(done.is_set)
        wait_for(lambda: bool(server.alive))
        code, output = sweep.run()
        assert (server.is_as_before, server.foreign_writes, code in (0, 2)) == (True, [], True), first + output


def test_sweep_of_all_ends_where_the_list_does_not(tmp_path: Path) -> None:
    """make sweep ALL=1 reads a list that never ends within its budget, and touches nothing of anybody."""
    case = next(case for case in LISTS if case.name == "list-new-token")
    with nasty_proxy(case, tmp_path) as server:
        sweep = Command(server, tmp_path / "journal", "sweep")
        with sweep.start(ALL="1", YES="1", MAX_REQUESTS="200") as process:
            code, output, _ = _watched(process, 120)
    assert code == 2, output
    assert "verdict" in output or "sweep:" in output
    assert len(server.seen) <= 200, output


def _tried(case: Case, place: Path) -> Told:
    """Run the contract tests through a case, as a person would, in a copy of the project of their own."""
    house = _house(place / "house")
    notes: dict[str, Any] = {}
    with nasty_proxy(case, place, notes) as server:
        command = Command(server, place / "journal", case.module, house)
        began = time.monotonic()
        with command.start(*case.tests, **case.environment) as process:
            code, output, mebibytes = _watched(process, case.most_seconds)
        seconds = time.monotonic() - began
        after = server.personas()
        left = {key: str(after[key]["name"]) for key in after.keys() - server.before.keys()}
        journal = "".join(path.read_text("utf-8") for path in (place / "journal").glob("*"))
        sent, foreign = len(server.seen), _foreign_writes(server)
        swept, left_after_sweep = "", left
        if left:
            server.sky = fair
            _, swept = replace(command, module="sweep").run()
            left_after_sweep = {key: str(item["name"]) for key, item in server.alive.items()}
        after = server.personas()
        changed = tuple(key for key, item in server.before.items() if after.get(key) != item)
        reports = {
            str(path.relative_to(house)): path.read_bytes().decode("utf-8", "surrogateescape")
            for path in (house / "reports").rglob("*")
            if path.is_file()
        }
        return Told(
            code, output, seconds, mebibytes, sent, notes.get("most_alive", 0), foreign, changed, left, journal, reports,
            swept, left_after_sweep, server.mock.api_key,
        )  # fmt: skip


def _house(place: Path) -> Path:
    """Copy what a run needs, so that runs at the same time do not share their reports."""
    place.mkdir()
    for name in ("openapi.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, place)
    for name in ("contract_tests", "generated_client"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("self_tests", "*.pyc.*"))
    return place


def _watched(process: subprocess.Popen[str], most_seconds: float) -> tuple[int, str, float]:
    """Wait for a run, and kill it where it takes too long or too much; its exit code, its output, its memory."""
    most = [0.0]
    deadline = time.monotonic() + most_seconds

    def watch() -> None:
        while process.poll() is None:
            most[0] = max(most[0], _peak_mebibytes(process.pid))
            if time.monotonic() > deadline or most[0] > MOST_MEBIBYTES:
                process.kill()
                return
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert process.stdout is not None
    with os.fdopen(os.dup(process.stdout.fileno()), "rb") as output:  # what is decoded shows no carriage return
        raw = output.read()
    watcher.join()
    return process.wait(), raw.decode("utf-8", "surrogateescape"), most[0]


def _peak_mebibytes(pid: int) -> float:
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def _foreign_writes(server: WeatherServer) -> tuple[str, ...]:
    return tuple(f"{seen.method} {seen.path}" for seen in server.foreign_writes)


def _broken_rules(case: Case, outcome: Told) -> Iterator[str]:
    if outcome.code == -9 and outcome.seconds >= case.most_seconds:
        yield f"no end after {case.most_seconds:.0f} s"
    if outcome.mebibytes > case.most_mebibytes:
        yield f"{outcome.mebibytes:.0f} MiB of memory"
    if outcome.verdict not in case.verdicts:
        yield f"verdict {outcome.verdict or 'missing'!r}, not {' or '.join(sorted(case.verdicts))}"
    if outcome.code != EXIT_CODES.get(outcome.verdict):
        yield f"exit code {outcome.code}"
    if outcome.foreign_writes or outcome.changed:
        yield f"writes to what is not the run's: {outcome.foreign_writes}, changed {outcome.changed}"
    budget = int(case.environment.get("MAX_REQUESTS", DEFAULT_BUDGET))
    if budget and outcome.sent > budget:
        yield f"{outcome.sent} requests with a budget of {budget}"
    # Each create may be done twice before it is noticed, but what is not removed must not pile up.
    most = 2 * int(case.environment.get("MAX_PERSONAS", MOST_ITEMS))
    if outcome.most_alive > most:
        yield f"{outcome.most_alive} personas at once"


def _left_behind(case: Case, outcome: Told) -> Iterator[str]:
    if outcome.left and not case.may_leave:
        yield f"{len(outcome.left)} left"
    if outcome.left and outcome.verdict == HOLDS:
        yield f"it holds, and {len(outcome.left)} are left"
    if outcome.left and "all removed" in outcome.output:
        yield f"'all removed', and {len(outcome.left)} are left"
    told = outcome.output + outcome.journal
    if untold := [key for key, name in outcome.left.items() if key not in told and name not in told]:
        yield f"{len(untold)} of {len(outcome.left)} left are neither told of nor in the journal"
    kept = [key for key, name in outcome.left_after_sweep.items() if key in outcome.journal or name in outcome.journal]
    if kept:
        yield f"{len(kept)} are in the journal, and a sweep in fair weather leaves them"


def _said(outcome: Told) -> Iterator[str]:
    for place, text in {"output": outcome.output, **outcome.reports}.items():
        if found := sorted(set(CONTROLS.findall(text))):
            yield f"{place} holds {found!r}"
        if outcome.key in text:
            yield f"{place} holds the key"
    counted = re.search(r"([\d,]+) requests", verdict_of(outcome.output)) if outcome.verdict else None
    if counted and int(counted[1].replace(",", "")) != outcome.sent:
        yield f"the verdict speaks of {counted[1]} requests, and {outcome.sent} were sent"
    yield from (f"output holds {crash!r}" for crash in CRASHES if crash in outcome.output)
