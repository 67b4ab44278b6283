"""The boundary map as a command: make one, or compare two."""

from pathlib import Path

from rich.console import Console

from contract_tests.boundary_map import comparison
from contract_tests.errors import HOLDS, VIOLATED
from contract_tests.report.wording import counted
from contract_tests.runner.boundaries.map_file import read_map
from contract_tests.runner.boundaries.map_run import MAP, make_map
from contract_tests.runner.configuration import Configuration


def boundaries(configuration: Configuration, arguments: list[str]) -> int:
    """Make a map, or compare two, and return the exit code; no *arguments* are known."""
    console = Console(highlight=False)
    if not console.is_terminal:  # but a file
        console = Console(highlight=False, width=160)
    return _compare(console, configuration) if configuration.compared else make_map(console, configuration)


def _compare(console: Console, settings: Configuration) -> int:
    """Print what moved between two maps; the second is the last one made unless another is named."""
    old, new = [*map(Path, settings.compared), settings.reports / MAP][:2]
    found = comparison.moves(read_map(old), read_map(new))
    if not found:
        print(f"verdict: holds. Nothing moved from {old} to {new}.")
        return HOLDS
    console.print(comparison.table(found))
    print(f"verdict: violated. {counted(len({move.row for move in found}), 'limit')} moved from {old} to {new}.")
    return VIOLATED
