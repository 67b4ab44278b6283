"""
The boundary map, as `make boundaries` makes it.

    python -m contract_tests.edge_search [--field NAME] [--operation NAME] [--fresh] [--folder DIR] [--compare OLD [NEW]]

Takes SEED, FAULT, FIELD, FRESH, COMPARE and LONGEST from the environment, and what a contract run takes for an API that
is there already. The last line on stdout is the verdict; the exit code is 0 every limit holds, 1 one does not,
2 inconclusive or interrupted, 4 refused.
"""

from __future__ import annotations

import os
import sys
import time

from rich.console import Console

from contract_tests.__main__ import INCONCLUSIVE, REFUSED, REPORTS, WRITTEN
from contract_tests.contract import ContractError
from contract_tests.edge_search import comparison
from contract_tests.edge_search.making import MAP, make_map
from contract_tests.edge_search.map_file import MapError, read_map
from contract_tests.edge_search.wish import Wish, read_wish
from contract_tests.errors import Inconclusive, Refused, TargetError
from contract_tests.interruption import interruptible
from contract_tests.report.folder import Reports
from contract_tests.report.pages import report_no_map
from contract_tests.report.record import Start, bare_record
from contract_tests.secrecy import Secrecy, clear_files, cleared_output
from contract_tests.settings import read_settings

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
    console, reports = terminal(), Reports(REPORTS)
    try:
        wish = read_wish(arguments)
        reports = Reports(wish.folder)
        return compare(console, wish) if wish.compare else make_map(console, wish, read_settings(os.environ))
    except KeyboardInterrupt:
        return end(reports, "verdict: inconclusive. Interrupted before the map was begun.", INCONCLUSIVE)
    except Inconclusive as error:
        return end(reports, f"verdict: inconclusive. {error}", INCONCLUSIVE)
    except (Refused, ContractError, TargetError) as error:
        return end(reports, f"verdict: refused. {error}", REFUSED)
    except MapError as error:  # nothing was to be searched
        print(f"verdict: refused. {error}")
        return REFUSED


def end(reports: Reports, line: str, exit_code: int) -> int:
    """Print the last line of a search that did not begin, and let its page say it too."""
    report_no_map(reports, bare_record(Start.now(None), line, exit_code))
    for complaint in reports.complaints():
        print(complaint)
    print(line)
    return exit_code


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


if __name__ == "__main__":
    own_key = os.environ.get("COVAL_API_KEY", "")
    began = time.time()
    with cleared_output(own_key), interruptible():
        code = main(sys.argv[1:])
        clear_files(WRITTEN, Secrecy([own_key]), since=began)
    sys.exit(code)
