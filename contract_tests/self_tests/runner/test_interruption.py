"""What a signal does to a run, at whatever moment it comes: once cleans up, twice ends the process, both with a verdict."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from contract_tests.runner.configuration import foreign_environment
from contract_tests.self_tests.live_command import LISTING, Command, require_untouched, verdict_of, wait_for
from contract_tests.self_tests.transport.weather_server import NEVER, Event, Seen, WeatherServer, fair
from contract_tests.spec.contract import ROOT

TESTS = (*LISTING, "contract_tests/promises/test_update_rules.py")
# The process promises five; the machine may be busy.
SOON_SECONDS = 10


def interrupted(process: subprocess.Popen[str], times: int, within_seconds: float = SOON_SECONDS) -> str:
    """Interrupt a run so many times; its output, if it has ended in time, with the code and the line of an interruption."""
    for number in range(times):
        time.sleep(0.5 if number else 0)
        process.send_signal(signal.SIGINT)
    try:
        output, _ = process.communicate(timeout=within_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert "Traceback" not in output
    assert process.returncode == 2, output
    assert verdict_of(output).startswith("verdict: inconclusive."), output
    assert "interrupted" in verdict_of(output).lower(), output
    return output


INTERRUPT_AT_IMPORT = """
import os, signal, sys

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder)
"""


@pytest.mark.parametrize(
    "module", ["contract_tests.transport.redaction", "httpx", "contract_tests.transport.write_guard"]
)
@pytest.mark.parametrize("command_module", ["run", "boundaries", "sweep"])
def test_interruption_of_the_first_moment_has_a_verdict(
    command: Command, tmp_path: Path, command_module: str, module: str
) -> None:
    """Ctrl-C while the command is still being imported ends it with a line and no traceback; nothing is sent."""
    (tmp_path / "sitecustomize.py").write_text(INTERRUPT_AT_IMPORT, "utf-8")
    begun = replace(command, module=command_module)
    code, output = begun.run(PYTHONPATH=str(tmp_path), INTERRUPT_AT=module, MAX_REQUESTS="20")
    assert (code, "Traceback" in output, command.server.seen) == (2, False, []), output
    assert "inconclusive. The run was interrupted." in verdict_of(output), output


def after(count: int, event: Event) -> Callable[[Seen], Event | None]:
    """Let some requests through, and nothing from then on."""
    return lambda seen: event if seen.number > count else None


@pytest.mark.parametrize(
    ("sky", "environment"),
    [
        (after(40, NEVER), {}),
        (after(1, NEVER), {}),
        (after(40, Event(503, headers={"retry-after": "50"})), {}),
        (after(40, Event(429, headers={"retry-after": "50"})), {}),
        (fair, {"RATE": "0.1", "REHEARSAL": os.devnull}),
        (lambda seen: Event(seconds=3, is_weather=False) if seen.method == "DELETE" else None, {}),
    ],
    ids=["no-answer", "no-answer-to-the-first", "pause", "rate-limit", "pace", "slow-removal"],
)
def test_second_signal_ends_the_process_soon(
    command: Command, sky: Callable[[Seen], Event | None], environment: dict[str, str]
) -> None:
    """Two signals end a run that waits, whatever for; what it has made stands in the journal, and is removed later."""
    command.server.sky = sky
    with command.start(*TESTS, **environment) as process:
        wait_for(lambda: bool(command.server.seen) and _is_stuck(command.server))
        output = interrupted(process, 2)
    command.server.sky = fair
    if command.server.alive:
        # The watchdog names the journal; a run that came to its own end first names what is left.
        line = verdict_of(output)
        assert str(command.journal) in line or "the next run or make sweep puts that right" in line, output
    code, swept = replace(command, module="sweep").run()
    assert code == 0, swept
    require_untouched(command, output + swept)


def _is_stuck(server: WeatherServer) -> bool:
    """Whether nothing more comes, or something is being removed."""
    last = server.seen[-1]
    return last.method == "DELETE" or time.monotonic() - last.moment > 2


def test_interruption_while_nothing_answers_ends_by_itself(command: Command) -> None:
    """One signal is enough where nothing is answered: the clean-up is given up, and the verdict says what is left."""
    command.server.sky = after(40, NEVER)
    with command.start(*TESTS, TIMEOUT="2") as process:
        wait_for(lambda: len(command.server.seen) > 40)
        output = interrupted(process, 1, 60)
    assert "removing what this run has made" in output
    assert "LEFT BEHIND" in output
    assert re.search(
        r"interrupted after \d+ requests to \S+; \d+ (of the )?personas could not be removed", verdict_of(output)
    ), output
    command.server.sky = fair
    code, swept = replace(command, module="sweep").run()
    assert code == 0, swept
    require_untouched(command, output)


def test_interruption_of_the_last_clean_up_does_not_break_it_off(command: Command) -> None:
    """Whoever presses Ctrl-C while the run removes what it made gets a verdict, and nothing is left."""
    command.server.sky = lambda seen: Event(seconds=0.3, is_weather=False) if _is_last(seen) else None

    def _is_last(seen: Seen) -> bool:
        return seen.method == "DELETE" and seen.persona_id in command.server.made

    with command.start("contract_tests/promises/test_first_look.py", MAX_REQUESTS="100") as process:
        wait_for(lambda: any(_is_last(seen) for seen in command.server.seen))
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, "removing what this run has made" in output) == (2, True), output
    assert verdict_of(output).startswith("verdict: inconclusive."), output
    require_untouched(command, output)


@pytest.mark.parametrize("environment", [{"RATE": "500"}, {"DRY_RUN": "1"}], ids=["live", "dry-run"])
def test_interruption_of_the_plan_ends_the_rehearsal(command: Command, environment: dict[str, str]) -> None:
    """A run that is still planning ends at once, and the rehearsal with it, which knows nothing of signals."""
    with command.start(*TESTS, **environment) as process:
        wait_for(lambda: bool(_rehearsals(process.pid)))
        rehearsals = _rehearsals(process.pid)
        interrupted(process, 1)
    wait_for(lambda: not any(Path(f"/proc/{rehearsal}").exists() for rehearsal in rehearsals))
    require_untouched(command, "")


def _rehearsals(process: int) -> list[int]:
    """List the children of a process that run the tests."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    commands = {child: Path(f"/proc/{child}/cmdline") for child in children}
    return [int(c) for c, file in commands.items() if file.exists() and b"contract_tests\0" in file.read_bytes()]


@pytest.mark.parametrize(("given", "begun"), [((), "%]"), (("--", "-n0"), "test_first_look.py .")])
def test_interruption_of_a_mock_run_reaches_the_mock_last(given: tuple[str, ...], begun: str) -> None:
    """A terminal's Ctrl-C goes to every process of the run; its mock is still there for the clean-up."""
    clean = foreign_environment() | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "contract_tests", "run", *given], cwd=ROOT, env=clean, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        while begun not in (line := process.stdout.readline(44)):
            assert line, "the run ended"
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert (process.returncode, "interrupted after" in verdict_of(output)) == (2, True), output
    assert (
        not given or "all removed" in output
    )  # workers that are interrupted tell nothing, and the items end with the mock
    assert "waiting" not in output


def test_mock_ends_with_a_process_that_is_killed() -> None:
    """Kill -9 of whoever has started a mock leaves no mock behind."""
    program = (
        "import time; from contract_tests.mock_api.process import running_mock\n"
        "with running_mock() as mock: print(mock.url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/personas").status_code == 401
        process.kill()
    wait_for(lambda: not _answers(url))


def _answers(url: str) -> bool:
    try:
        httpx.get(f"{url}/personas")
    except httpx.TransportError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_workers_are_counted_and_leave_nothing(command: Command, number: signal.Signals) -> None:
    """The verdict of an interrupted run with workers counts what they have sent, and what they made is removed."""
    with command.start(*TESTS, "-n", "2") as process:
        wait_for(lambda: len(command.server.seen) > 70)
        process.send_signal(number)
        output, _ = process.communicate(timeout=90)
    assert process.returncode == 2, output
    assert f"interrupted after {len(command.server.seen):,} requests" in verdict_of(output), output
    require_untouched(command, output)
