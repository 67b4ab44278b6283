"""What `make sweep` may do: one budget and one pace for all of it, exact names only, and nothing unasked."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from contract_tests.runner.configuration import foreign_environment
from contract_tests.self_tests.live_command import Command, verdict_of
from contract_tests.self_tests.transport.weather_server import Seen, WeatherServer
from contract_tests.spec.contract import ROOT
from contract_tests.transport.journal import Journal

RUN = "deadbeef"
EXACT = f"contract-test-{RUN}-12"
FOREIGN = (
    f"{EXACT} Anna's favourite", f" {EXACT}", f"{EXACT}\n", f"my {EXACT}", f"{EXACT}-", f"contract-test-{RUN}-",
    f"contract-test-{RUN.upper()}-12", f"Contract-test-{RUN}-12", f"contract-test-{RUN}-1٣", "contract-test-deadbee-12",
    "contract-test-deadbeefs-12",
)  # fmt: skip


@pytest.fixture
def sweep(command: Command) -> Command:
    """The command, aimed at the server."""
    return replace(command, module="sweep")


def _make(server: WeatherServer, name: str) -> str:
    """Make a persona as somebody else does, past the record of requests."""
    body = json.dumps({"name": name, "voice_name": "aria", "language_code": "en-US"}).encode()
    headers = {"x-api-key": server.mock.api_key, "content-type": "application/json"}
    status, _, answer = server.ask("POST", "/v1/personas", body, headers)
    assert status == 201, answer
    return str(json.loads(answer)["persona"]["id"])


def _dead_run(sweep: Command, count: int, run: str = RUN, url: str = "", key: str = "") -> list[str]:
    """Leave the journal of a run that was killed when it had made some personas."""
    server = sweep.server
    journal = Journal(run, url or server.url, key or server.mock.api_key, sweep.journal)
    made = []
    for number in range(count):
        name = f"contract-test-{run}-{number}"
        journal.creating(name)
        made.append(_make(server, name))
        journal.note(created=made[-1], name=name, made=None)
    journal.close()
    return made


def test_budget_bounds_the_whole_of_it(sweep: Command) -> None:
    """The probe, each journal and ALL=1 spend one budget together; what it does not reach is said, and kept."""
    for number in range(4):
        _dead_run(sweep, 3, f"{number:08x}")
    code, output = sweep.run(MAX_REQUESTS="10", ALL="1", YES="1")
    assert len(sweep.server.seen) == 10, output
    assert (code, "LEFT BEHIND: " in output) == (2, True), output
    assert verdict_of(output).startswith("verdict: inconclusive. Something is left at ")
    assert "the budget of 10 requests (MAX_REQUESTS) is spent" in output
    code, output = sweep.run()
    assert (code, sweep.server.is_as_before) == (0, True), output


def test_pace_bounds_the_whole_of_it(sweep: Command) -> None:
    """No second has more than RATE requests, one for chance, whatever part of the sweep they belong to."""
    for number in range(3):
        _dead_run(sweep, 3, f"{number:08x}")
    code, output = sweep.run(RATE="5", ALL="1", YES="1")
    assert (code, sweep.server.is_as_before) == (0, True), output
    moments = [seen.moment for seen in sweep.server.seen]
    assert len(moments) > 10
    assert moments[-1] - moments[0] >= 0.9 * (len(moments) - 1) / 5
    assert sweep.server.most_in_a_second() <= 6


def test_only_exact_names_go(sweep: Command) -> None:
    """A name that merely begins as a run's names do is somebody's own."""
    exact, kept = _make(sweep.server, EXACT), {_make(sweep.server, name) for name in FOREIGN}
    code, output = sweep.run(ALL="1", YES="true")
    assert (code, set(sweep.server.alive)) == (0, kept), output
    assert output.index(f"{EXACT}  '{exact}'") < output.index(
        f"removed 1 of the personas that an earlier run had left: {exact}"
    )
    assert {seen.persona_id for seen in sweep.server.seen if seen.method == "DELETE"} == {exact}


@pytest.mark.parametrize("environment", [{}, {"YES": "no"}, {"YES": ""}])
def test_nothing_goes_where_nobody_agrees(sweep: Command, environment: dict[str, str]) -> None:
    """Without a terminal and without YES=1 what would go is listed, and the command refuses; no journal is followed."""
    _dead_run(sweep, 1, "0badcafe")
    made = _make(sweep.server, EXACT)
    code, output = sweep.run(ALL="1", **environment)
    assert (code, verdict_of(output).startswith("verdict: refused. nothing was removed; ")) == (4, True), output
    assert "YES=1" in verdict_of(output)
    assert f"{EXACT}  '{made}'" in output
    assert {seen.method for seen in sweep.server.seen} == {"GET"}


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("Y\n", 0), ("no\n", 4), ("\n", 4), ("all\n", 4)])
def test_terminal_is_asked(sweep: Command, answer: str, code: int) -> None:
    """On a terminal nothing goes before the person has said yes."""
    made = _make(sweep.server, EXACT)
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    finished = subprocess.run(
        [sys.executable, "-m", *sweep.words()], cwd=ROOT, stdin=theirs, capture_output=True, text=True, timeout=120,
        env=foreign_environment() | {
            "BASE_URL": sweep.server.url, "COVAL_API_KEY": sweep.server.mock.api_key, "RATE": "0", "ALL": "1",
            "JOURNAL": str(sweep.journal),
        },
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert finished.returncode == code, finished.stdout + finished.stderr
    assert (made in sweep.server.alive) == (code == 4)
    assert "Remove all of these? [yes/no]" in finished.stdout


def test_name_is_read_once_more_before_it_goes(sweep: Command) -> None:
    """A persona that was renamed after it was listed is somebody's own now."""
    server = sweep.server
    made = _make(server, EXACT)

    def rename(seen: Seen) -> None:
        if seen.method == "GET" and seen.persona_id == made:
            headers = {"x-api-key": server.mock.api_key, "content-type": "application/json"}
            server.ask("PATCH", f"/v1/personas/{made}", json.dumps({"name": f"{EXACT} kept"}).encode(), headers)

    server.sky = rename
    code, output = sweep.run(ALL="1", YES="1")
    assert (code, made in server.alive) == (0, True), output
    assert {seen.method for seen in server.seen} == {"GET"}


def test_dry_run_of_everything_only_reads(sweep: Command) -> None:
    """ALL=1 DRY_RUN=1 lists what would go, from the journals and from the account, and removes nothing."""
    (journaled,) = _dead_run(sweep, 1, "0badcafe")
    made = _make(sweep.server, EXACT)
    code, output = sweep.run(ALL="1", YES="1", DRY_RUN="1")
    assert (code, verdict_of(output)) == (0, "DRY_RUN=1: this is the plan; nothing but reads was sent"), output
    assert f"run 0badcafe: removes {journaled}, named contract-test-0badcafe-0" in output
    assert f"{EXACT}  '{made}'" in output
    assert {seen.method for seen in sweep.server.seen} == {"GET"}
    assert sweep.server.alive.keys() == {journaled, made}


def test_dry_run_tells_what_the_journals_hold(sweep: Command) -> None:
    """Removals, restorations and names to look for, each with its run; the journal stays as it is."""
    journal = Journal(RUN, sweep.server.url, sweep.server.mock.api_key, sweep.journal)
    journal.creating(f"contract-test-{RUN}-1")
    journal.borrowed("lent-id", {"id": "lent-id", "name": "Anna"})
    journal.close()
    before = (sweep.journal / f"{RUN}.jsonl").read_text("utf-8")
    code, output = sweep.run(DRY_RUN="1")
    assert (code, sweep.server.seen) == (0, []), output
    assert f"  run {RUN}: looks for contract-test-{RUN}-1, and removes it if it exists" in output
    assert f"  run {RUN}: restores lent-id" in output
    assert (sweep.journal / f"{RUN}.jsonl").read_text("utf-8") == before


@pytest.mark.parametrize(
    ("url", "key", "words"),
    [
        ("", "Another-Key-4711", r"left with another key: run deadbeef, at http://127\.0\.0\.1:\d+/v1"),
        (
            "https://elsewhere.example/v1", "",
            r"left elsewhere: run deadbeef, at another address, https://elsewhere\.example/v1, with this key",
        ),
        (
            "https://elsewhere.example/v1", "Another-Key-4711",
            r"left elsewhere: run deadbeef, at another address, https://elsewhere\.example/v1, with another key",
        ),
    ],
    ids=["key", "address", "both"],
)  # fmt: skip
def test_what_keeps_a_journal_is_said(sweep: Command, url: str, key: str, words: str) -> None:
    """Another key, another address, or both: what is said of a journal is what it tells."""
    _dead_run(sweep, 1, url=url, key=key)
    code, output = sweep.run()
    assert code == 0, output
    assert re.search(f"^{words}$", output, re.MULTILINE), output
    assert not [seen for seen in sweep.server.seen if seen.method != "GET"]


def test_settled_journal_is_not_called_left(sweep: Command, tmp_path: Path) -> None:
    """A run that has left nothing is not said to be left elsewhere."""
    _dead_run(sweep, 1)
    code, output = sweep.run()
    assert (code, "left elsewhere" in output, "left here" in output) == (0, False, False), output
    assert list(sweep.journal.glob("*")) == []
