"""
Figures beside a peer: both are measured in turn, A B A B, so that a busy machine slows both, and the ratio is what counts.

    contract-tests bench [suite | quick | mock | ...]

Peers that are not on the machine are brought into .bench/ where that can be done; what is left out is said.
"""

import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from contract_tests.errors import Refused
from contract_tests.report.folder import write_whole
from contract_tests.report.records import as_document
from contract_tests.runner.configuration import Configuration
from contract_tests.spec.contract import ROOT
from contract_tests.trials.bench import groups
from contract_tests.trials.bench.calls import client
from contract_tests.trials.bench.comparison import ROUNDS, Checkout, Figure, LeftOut, short, spread
from contract_tests.trials.bench.servers import CACHE
from contract_tests.trials.bench.size import size

# Where the table goes to a file.
WIDTH = 200
GROUPS: dict[str, Callable[[Checkout], Iterator[Figure]]] = {
    "suite": groups.suite, "quick": partial(groups.suite, most=groups.QUICK_REQUESTS), "boundaries": groups.boundaries,
    "mock": groups.mock, "growth": groups.growth, "client": client, "commands": groups.commands, "cold": groups.cold,
    "faults": groups.fault_trials, "size": size,
}  # fmt: skip
# What is measured where no group is named: of one checkout, and of two in a few minutes.
USUAL, OF_TWO = [name for name in GROUPS if name != "size"], ["quick", "mock", "client", "commands"]


@dataclass(frozen=True)
class Change:
    """One comparison with the same peer of this checkout and of another commit: the ratios, round by round."""

    of: tuple[str, str, str]
    unit: str
    here: tuple[float, ...]
    there: tuple[float, ...]

    @property
    def moved(self) -> str:
        """Where the medians lie further apart than the rounds of both do together: better or worse; no otherwise."""
        noise = sum(max(ratios) - min(ratios) for ratios in (self.here, self.there))
        apart = statistics.median(self.here) - statistics.median(self.there)
        return "no" if abs(apart) <= noise else "better" if (apart > 0) == self.unit.endswith("/s") else "worse"


def bench(configuration: Configuration, arguments: Sequence[str]) -> int:
    """Measure, print and keep the figures; return 0. Refused where no group is called so."""
    if unknown := set(arguments) - GROUPS.keys():
        raise Refused(f"no figures are called {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    if ref := configuration.against:
        changes = list(_changes(configuration, ref, arguments or OF_TWO, console))
        columns = ("ratio here (least to most)", f"ratio of {ref}", "moved beyond noise")
        lines = [(*each.of, spread(each.here), spread(each.there), each.moved) for each in changes]
        rows = [asdict(each) | {"moved": each.moved} for each in changes]
    else:
        figures = [each for name in arguments or USUAL for each in _measured(name, Checkout(configuration), console)]
        columns = ("median (least to most)", "of it", "ratio")
        lines = [(*each.of, each.spread(0), each.spread(1), f"{each.ratio:.2f}  {each.beside}") for each in figures]
        rows = [asdict(figure) | {"ratio": figure.ratio} for figure in figures]
        write_whole(configuration.reports / "bench.md", _as_markdown(figures, arguments))
    table = Table("what", "ours", "beside", *columns, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*line)
    console.print(table)
    write_whole(configuration.reports / "bench.json", as_document({"cores": os.cpu_count(), "figures": rows}))
    return 0


def _as_markdown(figures: Sequence[Figure], arguments: Sequence[str]) -> str:
    """Return the table of README: what has a goal."""
    command = f'make bench ARGS="{" ".join(arguments)}"' if arguments else "make bench"
    head = f"`{command}`, {date.today()}, {os.cpu_count()} cores:\n\n| | ours | beside | ratio | goal |\n|---|---|---|---|---|\n"
    medians = [[short(statistics.median(side)) for side in (each.of_ours, each.of_peer)] for each in figures]
    return head + "".join(
        f"| {each.name} | {each.ours}, {one} {each.unit} | {each.peer}, {other} {each.unit} | {each.ratio:.2f} | {each.goal} |\n"
        for each, (one, other) in zip(figures, medians, strict=True)
        if each.goal
    )


def _measured(name: str, checkout: Checkout, console: Console) -> Iterator[Figure]:
    """Measure a group, and say each ratio as soon as it is known."""
    try:
        for figure in GROUPS[name](checkout):
            console.print(f"{figure.name}, {figure.ours} beside {figure.peer}: {figure.ratio:.2f}", markup=False)
            yield figure
    except LeftOut as missing:
        console.print(f"left out: {missing}", markup=False)


def _changes(configuration: Configuration, ref: str, names: Sequence[str], console: Console) -> Iterator[Change]:
    """Measure this checkout and another commit in turn, round by round; what only one of them has is left out."""
    with _checked_out(ref) as tree:
        both = (Checkout(configuration, rounds=1), Checkout(configuration, tree, rounds=1))
        for name in names:
            ratios = defaultdict[Any, tuple[list[float], list[float]]](lambda: ([], []))
            for side in (0, 1) * ROUNDS:
                for each in _measured(name, both[side], console):
                    ratios[each.of, each.unit][side].append(each.ratio)
            yield from (Change(of, unit, tuple(a), tuple(b)) for (of, unit), (a, b) in ratios.items() if a and b)


@contextmanager
def _checked_out(ref: str) -> Iterator[Path]:
    """Lend another commit of this repository as a folder; Refused where it is none."""
    tree, git = CACHE / "against", ("git", "-C", ROOT, "worktree")
    subprocess.run([*git, "remove", "--force", tree], capture_output=True)
    added = subprocess.run([*git, "add", "--force", "--detach", tree, ref], capture_output=True, text=True)
    if added.returncode:
        raise Refused(f"AGAINST: {ref} is no commit of this repository: {added.stderr.strip()}")
    try:
        yield tree
    finally:
        subprocess.run([*git, "remove", "--force", tree], capture_output=True)
