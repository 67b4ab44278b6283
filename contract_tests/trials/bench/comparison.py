"""A comparison: what was measured of a checkout of this repository and of a peer, in turn, A B A B, so that the ratio counts."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from contract_tests.errors import HOLDS, Refused
from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.report.records import read_as, read_json
from contract_tests.report.run_record import RunRecord
from contract_tests.runner.configuration import Configuration, foreign_environment
from contract_tests.spec.contract import ROOT

ROUNDS = 3
NOTHING: Mapping[str, str] = MappingProxyType({})
Side = Callable[[], float]  # does something once, and returns how much was measured
Rounds = tuple[tuple[float, ...], tuple[float, ...]]  # what was measured of either side


class LeftOut(Refused):
    """A comparison cannot be made on this machine; the message says what is missing."""


@dataclass(frozen=True)
class Figure:
    """One comparison: what was measured of either side, round by round."""

    name: str
    ours: str
    peer: str
    unit: str  # what ends in /s should be much, all else little
    of_ours: tuple[float, ...]
    of_peer: tuple[float, ...]
    beside: str = ""  # what else a reader should know of the two
    goal: str = ""  # of the ratio, or of ours with its unit; empty for what README does not show

    @property
    def of(self) -> tuple[str, str, str]:
        """What is compared."""
        return self.name, self.ours, self.peer

    def spread(self, side: int) -> str:
        """Write what was measured of ours, 0, or of the peer, 1."""
        return f"{spread((self.of_ours, self.of_peer)[side])} {self.unit}"

    @property
    def ratio(self) -> float:
        """The median of ours to the median of the peer."""
        return statistics.median(self.of_ours) / statistics.median(self.of_peer)


@dataclass(frozen=True)
class Checkout:
    """The code that is measured, this checkout or another commit, and what is asked of it."""

    configuration: Configuration
    root: Path = ROOT
    rounds: int = ROUNDS

    def command(self, name: str, *arguments: str) -> tuple[str, ...]:
        """Return a command of the suite that is told of the contract."""
        return (sys.executable, "-m", "contract_tests", name, *self.configuration.contract_arguments, *arguments)

    def seconds(
        self, *command: str, folder: Path | None = None, also: int = HOLDS, told: Mapping[str, str] = NOTHING
    ) -> float:
        """Run a command to its end, here or in another folder, and return its seconds; Refused where it fails."""
        started, environment = time.perf_counter(), {**foreign_environment(), **told}
        done = subprocess.run(command, cwd=folder or self.root, env=environment, capture_output=True, text=True)
        if done.returncode not in (HOLDS, also):
            said = (done.stdout + done.stderr).strip().splitlines() or ["it said nothing"]
            raise Refused(f"{' '.join(command)} exited with {done.returncode}: {said[-1]}")
        return time.perf_counter() - started

    @contextmanager
    def mocked(self, *arguments: str) -> Iterator[RunningMock]:
        """Run its mock for as long as the block lasts."""
        contract = self.configuration.load_contract().document.file
        with running_mock("--contract", str(contract), *arguments, root=self.root) as mock:
            yield mock


def in_turn(ours: Side, peer: Side, rounds: int = ROUNDS) -> Rounds:
    """Measure both sides, one after the other, so many times."""
    pairs = [(ours(), peer()) for _ in range(rounds)]
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


def spread(values: Sequence[float]) -> str:
    """Write the median of some values, the least and the most."""
    return f"{short(statistics.median(values))} ({short(min(values))} to {short(max(values))})"


def short(value: float) -> str:
    """Write a value in about three digits."""
    return f"{value:.3g}" if value < 1_000 else f"{value:,.0f}"


def requests_of(reports: str) -> int:
    """Return how many requests the last run into a folder has sent."""
    return sum(read_as(RunRecord, read_json(Path(reports) / "run.json").value).requests.values())
