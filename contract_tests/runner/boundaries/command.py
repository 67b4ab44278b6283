"""The boundary map as a command: make one, or compare two."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from contract_tests.boundary_map import comparison
from contract_tests.errors import HOLDS, VIOLATED
from contract_tests.report.folder import Reports
from contract_tests.report.pages import report_no_map
from contract_tests.report.run_record import Start, bare_record
from contract_tests.report.wording import counted
from contract_tests.runner.boundaries.map_file import read_map
from contract_tests.runner.boundaries.map_run import MAP, make_map
from contract_tests.runner.configuration import REPORTS, Configuration, named_seed, named_target


def boundaries(configuration: Configuration, arguments: list[str]) -> int:
    """Make a map, or compare two, and return the exit code; no *arguments* are known."""
    console = Console(highlight=False)
    if not console.is_terminal:  # but a file
        console = Console(highlight=False, width=160)
    return _compare(console, configuration) if configuration.compared else make_map(console, configuration)


def boundaries_came_to_nothing(line: str, exit_code: int, given: Mapping[str, str]) -> None:
    """Let the page say why a search did not begin; a comparison leaves it as it is."""
    if "COMPARE" in given:
        return
    reports = Reports(Path(given.get("FOLDER", REPORTS)))
    report_no_map(reports, bare_record(Start.now(named_target(given), named_seed(given)), line, exit_code))
    for complaint in reports.complaints():
        print(complaint)


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
