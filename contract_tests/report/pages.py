"""
The pages of reports/, written anew from what lies there.

    python -m contract_tests.report.pages [folder]
"""

from __future__ import annotations

import sys
from pathlib import Path

from contract_tests.contract import ROOT
from contract_tests.report.boundary_page import write_boundaries
from contract_tests.report.fault_page import write_faults
from contract_tests.report.run_page import BOUNDARIES, FAULTS, write_index
from contract_tests.report.stored import read_json

__all__ = ["main", "write_boundaries", "write_faults", "write_index", "write_pages"]

REPORTS = ROOT / "reports"
DONE, REFUSED = 0, 4


def main(arguments: list[str]) -> int:
    """
    Write every page that there is something for.

    Args:
        arguments: A folder; reports/ without one.

    Returns:
        0, or 4 when the folder is not there or cannot be written.
    """
    folder = Path(arguments[0]) if arguments else REPORTS
    if not folder.is_dir():
        print(f"{folder} is no folder; make contract, make boundaries and make faults write reports/", file=sys.stderr)
        return REFUSED
    try:
        written = write_pages(folder)
    except OSError as error:
        print(f"{folder} cannot be written: {error.strerror}", file=sys.stderr)
        return REFUSED
    for path in written:
        print(path)
    return DONE


def write_pages(folder: Path) -> list[Path]:
    """
    Write every page that there is something for; the index last, so that it knows the others.

    Args:
        folder: Where reports are kept.

    Returns:
        The pages.
    """
    written = []
    for name, write in ((BOUNDARIES, write_boundaries), (FAULTS, write_faults)):
        stored = read_json(folder / name)
        if isinstance(stored.value, list):
            written.append(write(stored.value, folder))
    return [*written, write_index(folder)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
