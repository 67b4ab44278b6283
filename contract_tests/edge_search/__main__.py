"""
The boundary map, as `make boundaries` makes it.

    python -m contract_tests.edge_search [--field NAME] [--operation NAME] [--fresh] [--folder DIR] [--compare OLD [NEW]]

Takes SEED, FAULT, FIELD, FRESH, COMPARE and LONGEST from the environment, and what a contract run takes for an API that
is there already. The last line on stdout is the verdict; the exit code is 0 every limit holds, 1 one does not,
2 inconclusive or interrupted, 4 refused.
"""

from __future__ import annotations

from contract_tests.entry import enter

if __name__ == "__main__":
    enter("contract_tests.edge_search.__main__")  # imports this file by its name, signals and output taken care of

from pathlib import Path

from rich.console import Console

from contract_tests.__main__ import REPORTS
from contract_tests.conclusion import concluded
from contract_tests.configuration import read_configuration
from contract_tests.edge_search import comparison
from contract_tests.edge_search.making import MAP, make_map
from contract_tests.edge_search.map_file import read_map
from contract_tests.edge_search.wish import Wish, read_wish
from contract_tests.report.folder import Reports
from contract_tests.report.pages import report_no_map
from contract_tests.report.record import Start, bare_record

WIDTH_OF_A_FILE = 160
MOVED = 1


def main(arguments: list[str]) -> int:
    """
    Make a map, or compare two.

    Args:
        arguments: The command line.

    Returns:
        The exit code.
    """
    folders = [REPORTS]

    def report(line: str, exit_code: int) -> None:
        """Let the page say why a search did not begin; a comparison leaves it as it is."""
        for reports in map(Reports, folders):
            report_no_map(reports, bare_record(Start.of_nothing(), line, exit_code))
            for complaint in reports.complaints():
                print(complaint)

    return concluded(lambda: _command(arguments, folders), report=report)


def _command(arguments: list[str], folders: list[Path]) -> int:
    console = terminal()
    configuration = read_configuration()
    wish = read_wish(arguments, configuration)
    folders[:] = [] if wish.compare else [wish.folder]
    return compare(console, wish) if wish.compare else make_map(console, wish, configuration)


def compare(console: Console, wish: Wish) -> int:
    """Print what moved between two maps; the second is the last one made unless another is named."""
    old, new = (*wish.compare, wish.folder / MAP)[:2]
    found = comparison.moves(read_map(old), read_map(new))
    if not found:
        print(f"verdict: holds. Nothing moved from {old} to {new}.")
        return 0
    console.print(comparison.table(found))
    count = len({move.row for move in found})
    print(f"verdict: violated. {count} limit{'s' * (count > 1)} moved from {old} to {new}.")
    return MOVED


def terminal() -> Console:
    """Return where the map is printed: as wide as the terminal, and wide enough where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_OF_A_FILE)
