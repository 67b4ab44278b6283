"""The commands as a person runs them, aimed at an API with weather, and what must be true of the account afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contract_tests.runner.command_line import COMMANDS
from contract_tests.runner.configuration import foreign_environment
from contract_tests.self_tests.transport.weather_server import WeatherServer
from contract_tests.spec.contract import ROOT
from contract_tests.transport import leftovers as remains

LISTING = [f"contract_tests/promises/listing/test_{what}.py" for what in ("pages", "orders", "filters", "listed_items")]
# The command, for tests that are not about waiting: what gets no answer is asked for again at once.
HURRIED = (
    "import runpy; from contract_tests.transport import retry; retry.BACK_OFF_SECONDS = retry.LATE_SECONDS = 0.001; "
    "runpy.run_module('contract_tests', run_name='__main__', alter_sys=True)"
)
COMMAND_NAMES = frozenset(command.name for command in COMMANDS)


@dataclass(frozen=True)
class Command:
    """The contract run, or another command, aimed at a server."""

    server: WeatherServer
    journal: Path
    module: str = "run"
    """The name of the command, or another module."""
    root: Path = ROOT
    """Where it is run, and where its reports land."""
    is_hurried: bool = False
    """Whether it does not wait before it sends a request again."""

    def environment(self) -> dict[str, str]:
        """Return the environment that aims it at the server."""
        return foreign_environment() | {
            "BASE_URL": self.server.url,
            "COVAL_API_KEY": self.server.mock.api_key,
            "RATE": "0",
            "JOURNAL": str(self.journal),
            "PYTHONUNBUFFERED": "1",
        }

    def words(self, *arguments: str) -> list[str]:
        """Return what stands after `python -m`; to a run, the arguments are pytest's."""
        if self.module not in COMMAND_NAMES:
            return [self.module, *arguments]
        is_for_pytest = self.module in ("run", "fuzz") and "--" not in arguments
        return ["contract_tests", self.module, *(["--"] if is_for_pytest else []), *arguments]

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start it and let it run."""
        words = self.words(*arguments)
        return subprocess.Popen(
            [sys.executable, *(["-c", HURRIED, *words[1:]] if self.is_hurried else ["-m", *words])], cwd=self.root, env=self.environment() | environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run it to its end; its exit code and its output."""
        with self.start(*arguments, **environment) as process:
            output, _ = process.communicate(timeout=600)
        return process.returncode, output


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.01)


def verdict_of(output: str) -> str:
    """Return the last line of an output."""
    return output.rstrip().splitlines()[-1]


def require_untouched(command: Command, output: str, budget: int = 2_000) -> None:
    """No persona is left, no other was written to, the budget was kept, and no journal is open."""
    server = command.server
    assert server.foreign_writes == [], output
    assert server.is_as_before, output
    assert len(server.seen) <= budget, output
    # A create that was never answered may yet be done, so it stays in the journal for a while.
    kept = [remains.read(path) for path in command.journal.glob("*.jsonl")]
    assert [left for left in kept if left.alive or left.borrowed is not None] == [], output
