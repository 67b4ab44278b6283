"""Each command does what its variables ask, no more and no less: DRY_RUN, FAULT, BASE_URL, through make and without."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from contract_tests.runner.configuration import foreign_environment
from contract_tests.self_tests.live_command import Command, verdict_of
from contract_tests.self_tests.transport.weather_server import Event
from contract_tests.spec.contract import ROOT, load_contract
from contract_tests.trials.faults import catalogue

ONE_TEST = "contract_tests/promises/test_deletion.py"
NAME_TEST = "contract_tests/promises/test_first_look.py"
FAULT = "name_cut_to_length"
KEY = "Self-Test-Key-4711"
COMMANDS = ("run", "fuzz", "boundaries", "sweep", "faults", "mutants", "mock")


def _make(*words: str, **environment: str) -> tuple[int, str]:
    """Run make as a person does, with the python of this process."""
    clean = {name: value for name, value in foreign_environment().items() if not name.startswith(("MAKE", "MFLAGS"))}
    finished = subprocess.run(
        ["make", "-o", "install", f"RUN={sys.executable}", *words], cwd=ROOT, env=clean | environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return finished.returncode, finished.stdout


def _run(command: str, *arguments: str, **environment: str) -> tuple[int, str]:
    finished = subprocess.run(
        [sys.executable, "-m", "contract_tests", command, *arguments], cwd=ROOT, env=foreign_environment() | environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
    )  # fmt: skip
    return finished.returncode, finished.stdout


@pytest.mark.parametrize(
    ("module", "arguments", "word"),
    [
        ("run", (ONE_TEST,), "true"),
        ("fuzz", (ONE_TEST,), "yes"),
        ("boundaries", ("--field", "conversation_initiation", "--operation", "updatePersona"), "on"),
        ("sweep", (), "1 "),
    ],
    ids=["contract", "fuzz", "boundaries", "sweep"],
)
def test_dry_run_sends_nothing(module: str, arguments: tuple[str, ...], word: str, command: Command) -> None:
    """Every command that sends anything tells its plan instead, however yes is spelt, and needs no key for it."""
    code, output = replace(command, module=module).run(*arguments, DRY_RUN=word, COVAL_API_KEY="")
    assert (code, command.server.seen) == (0, []), output
    assert verdict_of(output) == "DRY_RUN=1: this is the plan; nothing was sent"
    assert f"plan for {command.server.url}" in output
    assert module == "sweep" or re.search(r"about \d+ requests", output)


def test_dry_run_of_a_fuzz_counts_one_round(command: Command) -> None:
    """What a round sends is counted against the mock, and said to be one round."""
    code, output = replace(command, module="fuzz").run(ONE_TEST, DRY_RUN="1", SEED="5")
    assert (code, command.server.seen) == (0, []), output
    assert re.search(r"^ +\d+  DELETE /personas/\{persona_id\}$", output, re.MULTILINE), output
    assert "so much is one round, with seed 5; no further one begins after MINUTES" in output


def test_dry_run_of_the_trial_holds_no_run() -> None:
    """make faults says how many runs there would be."""
    code, output = _run("faults", DRY_RUN="yes", FAULT=FAULT)
    assert (code, output) == (0, "DRY_RUN=1: 3 runs, each against a mock of its own; nothing was sent\n")


def test_trial_of_a_group_holds_its_faults_alone() -> None:
    """Arguments name the groups of the faults that are tried, beside the clean mock and one that always fails."""
    some = ("deletion", "concurrency")
    runs = sum(fault.group in some for fault in catalogue(load_contract()).values()) + 2
    code, output = _run("faults", *some, DRY_RUN="yes")
    assert (code, output) == (0, f"DRY_RUN=1: {runs} runs, each against a mock of its own; nothing was sent\n")
    code, output = _run("faults", "companies", DRY_RUN="yes")
    assert (code, "no group of faults is called companies; there are limits," in verdict_of(output)) == (4, True), (
        output
    )


def test_pytest_by_hand_does_not_pass_over_dry_run(command: Command) -> None:
    """pytest has no plan to show, so it sends nothing rather than everything."""
    code, output = replace(command, module="pytest").run(ONE_TEST, "-q", DRY_RUN="1")
    assert (code, "DRY_RUN: pytest by itself has no plan" in output) == (4, True), output
    assert command.server.seen == []


def test_pytest_by_hand_reads_the_environment(command: Command) -> None:
    """Without a command before it, pytest aims at BASE_URL, in its workers too."""
    code, output = replace(command, module="pytest").run(ONE_TEST, "-q", "-n", "2")
    assert (code, command.server.is_as_before, bool(command.server.made)) == (0, True, True), output


NOT_UNDERSTOOD = (
    ({"DRY_RUN": "perhaps"}, "DRY_RUN must be 1, true, yes or on"),
    ({"BASEURL": "http://127.0.0.1:9/v1"}, "perhaps BASE_URL was meant"),
    ({"MAX_REQUESTS": "9" * 5_000}, "MAX_REQUESTS must be a whole number"),
)


@pytest.mark.parametrize(
    ("command", "environment", "words"), [(each, *NOT_UNDERSTOOD[at % 3]) for at, each in enumerate(COMMANDS)],
    ids=COMMANDS,
)  # fmt: skip
def test_every_command_refuses_what_it_does_not_understand(
    command: str, environment: dict[str, str], words: str
) -> None:  # fmt: skip
    """One line and exit code 4, also where the command itself would have no use for the variable."""
    code, output = _run(command, **environment)
    assert (code, words in verdict_of(output), output.count("\n")) == (4, True, 1), output


@pytest.mark.parametrize(
    ("words", "environment"),
    [(("contract", "BASE_URL="), {}), (("contract",), {"BASE_URL": ""}), (("boundaries", "BASE_URL="), {}),
     (("sweep",), {"BASE_URL": ""})],
)  # fmt: skip
def test_empty_address_is_refused_through_make(words: tuple[str, ...], environment: dict[str, str]) -> None:
    """A secret of CI that is not there reaches the command as what it is: set, and empty."""
    code, output = _make(*words, **environment)
    assert (code, "refused. BASE_URL is set and empty" in output) == (2, True), output


def test_address_that_is_not_set_means_the_mock_through_make() -> None:
    """make sets none of the variables by itself."""
    code, output = _make("contract", f"ARGS={ONE_TEST}")
    assert (code, verdict_of(output).startswith("verdict: holds. ")) == (0, True), output
    assert " tests against the mock sent " in verdict_of(output)


def test_misspelt_address_is_refused_through_make() -> None:
    """A variable of make's command line that nobody reads is not passed over."""
    code, output = _make("contract", "BASEURL=http://127.0.0.1:9/v1")
    assert (code, "perhaps BASE_URL was meant" in output) == (2, True), output


def test_fault_is_planted_for_a_contract_run() -> None:
    """make contract FAULT=name turns red, and the verdict says of what it speaks."""
    code, output = _make("contract", f"FAULT={FAULT}", f"ARGS={NAME_TEST} -x")
    assert (code, f"under test: the mock with the fault {FAULT}" in output) == (2, True), output
    last = next(line for line in output.splitlines() if line.startswith("verdict:"))
    assert re.fullmatch(rf"verdict: violated\. 1 \w+, after \d+ requests to the mock with the fault {FAULT}\.", last)


def test_fault_is_planted_for_workers() -> None:
    """It is not lost on the way to the processes of xdist."""
    code, output = _run("run", "--", NAME_TEST, "-x", "-n", "2", FAULT=FAULT)
    assert (code, verdict_of(output).endswith(f"the mock with the fault {FAULT}.")) == (1, True), output


def test_fault_is_planted_in_the_mock_alone() -> None:
    """make mock FAULT=name serves the faulty mock on PORT."""
    with subprocess.Popen(
        [sys.executable, "-m", "contract_tests", "mock", "--", "--help"], cwd=ROOT,
        env=foreign_environment() | {"FAULT": FAULT}, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert "--fault NAME" in process.communicate(timeout=60)[0]
    with _served(FAULT=FAULT, PORT="0") as lines:
        assert re.fullmatch(r"mock: http://127\.0\.0\.1:\d+/v1\n", lines[0])


@contextmanager
def _served(**environment: str) -> Iterator[list[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "contract_tests", "mock"], cwd=ROOT, env=foreign_environment() | environment,
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            yield [process.stdout.readline() for _ in range(2)]
        finally:
            process.terminate()


@pytest.mark.parametrize("command", ["run", "faults", "mock"])
def test_misspelt_fault_lists_close_names(command: str) -> None:
    """Whichever command it is given to."""
    code, output = _run(command, FAULT="name_cut_to_lenght")
    assert (code, f"close to it: {FAULT}" in verdict_of(output)) == (4, True), output


def test_https_to_a_port_that_speaks_http_says_so(command: Command) -> None:
    """The message names the scheme to try; nothing was sent that a server could read."""
    code, output = command.run(BASE_URL=command.server.url.replace("http:", "https:"))
    assert (code, verdict_of(output).endswith("does not answer as https; try http")) == (4, True), output
    assert command.server.seen == []


def test_http_to_a_web_server_that_asks_for_https_says_so(command: Command) -> None:
    """Web servers answer plain HTTP on a TLS port with 400 and a page that says what they expect."""
    page = "<html>400 The plain HTTP request was sent to HTTPS port</html>"
    command.server.sky = lambda seen: Event(400, body=page)
    code, output = command.run()
    assert (code, verdict_of(output).endswith("does not answer as http; try https")) == (4, True), output


def test_http_to_a_port_that_speaks_tls_says_so() -> None:
    """A TLS alert is told from an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_alert, args=(server,), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        code, output = _run("run", BASE_URL=url, COVAL_API_KEY=KEY)
        assert (code, verdict_of(output).endswith("what came is no HTTP, so try https")) == (2, True), output


def _alert(server: socket.socket) -> None:
    """Answer whatever comes with a TLS alert, as OpenSSL does."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(65_536)
            connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")


def test_installation_without_a_network_says_one_line(tmp_path: Path) -> None:
    """What pip and uv print goes to a log; the person reads what to do."""
    nowhere = "http://127.0.0.1:9/simple"
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("MAKE", "MFLAGS", "PIP_", "UV_"))}
    given = {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0", "PIP_INDEX_URL": nowhere, "UV_INDEX_URL": nowhere}
    given |= {"UV_NO_CACHE": "1", "UV_NO_CONFIG": "1", "UV_HTTP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    finished = subprocess.run(
        ["make", "install", f"VENV={tmp_path / 'venv'}", f"PYTHON={sys.executable}"], cwd=ROOT,
        env={**clean, **given}, capture_output=True, text=True,
    )  # fmt: skip
    said = finished.stderr.splitlines()
    assert (finished.returncode, finished.stdout, len(said)) == (2, "", 2), finished.stderr
    assert said[0].startswith("install: the packages of requirements.lock could not be installed; look whether")
    assert said[1].startswith("make: ***")
    assert (tmp_path / "venv" / "install.log").read_text("utf-8")
