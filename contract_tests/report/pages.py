"""
The reports of each command: its JSON, its page, and the index that leads to it.

    python -m contract_tests.report.pages [folder]

Each command draws its own page from what it has in memory. The pages of others are left alone, and the index says of
their results whose they are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from contract_tests.contract import ROOT
from contract_tests.report.boundary_page import write_boundaries, write_no_map
from contract_tests.report.fault_page import write_faults
from contract_tests.report.folder import Reports, alone, write_whole
from contract_tests.report.record import history_with
from contract_tests.report.run_page import BOUNDARIES, FAULTS, HISTORY, RUN, write_index
from contract_tests.report.stored import read_json

__all__ = [
    "main",
    "report_faults",
    "report_map",
    "report_no_map",
    "report_run",
    "write_boundaries",
    "write_faults",
    "write_index",
    "write_pages",
]

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
    with alone(folder):
        for name, write in ((BOUNDARIES, write_boundaries), (FAULTS, write_faults)):
            stored = read_json(folder / name)
            if isinstance(stored.value, list):
                written.append(write(stored.value, folder))
        return [*written, write_index(folder)]


def report_run(reports: Reports, told: dict[str, Any]) -> None:
    """
    Leave what a contract run came to.

    Args:
        reports: Where; what cannot be written is noted there.
        told: The record of the run. One that came to no test takes in the run before it, which the page shows as such.
    """
    folder = reports.path
    with alone(folder):
        if not any(told["tests"].values()):
            told = told | {"earlier": _run_before(folder)}
        with reports.attempt(RUN):
            write_whole(folder / RUN, as_document(told))
        with reports.attempt(HISTORY):
            write_whole(folder / HISTORY, history_with(folder / HISTORY, told))
        with reports.attempt("index.html"):
            write_index(folder, {RUN: told})


def report_map(reports: Reports, rows: list[dict[str, Any]], state: dict[str, Any]) -> None:
    """
    Draw the page of a boundary map whose rows are written already.

    Args:
        reports: Where; what cannot be written is noted there.
        rows: The map.
        state: What boundaries.run.json says of it.
    """
    with alone(reports.path):
        with reports.attempt("boundaries.html"):
            write_boundaries(rows, reports.path, state)
        with reports.attempt("index.html"):
            write_index(reports.path, {BOUNDARIES: rows})


def report_no_map(reports: Reports, told: dict[str, Any]) -> None:
    """
    Say on the page of the boundary map that a search did not begin; the map before is kept, and labelled as earlier.

    Args:
        reports: Where; what cannot be written is noted there.
        told: The record of the search.
    """
    with alone(reports.path), reports.attempt("boundaries.html"):
        write_no_map(reports.path, told)


def report_faults(reports: Reports, rows: list[dict[str, Any]]) -> None:
    """
    Leave what a trial of the suite came to.

    Args:
        reports: Where; what cannot be written is noted there.
        rows: One object for each run of the suite.
    """
    with alone(reports.path):
        with reports.attempt(FAULTS):
            write_whole(reports.path / FAULTS, as_document(rows))
        with reports.attempt("faults.html"):
            write_faults(rows, reports.path)
        with reports.attempt("index.html"):
            write_index(reports.path, {FAULTS: rows})


def as_document(value: object) -> str:
    """Write a report as JSON that a person can read too."""
    return json.dumps(value, indent=1, ensure_ascii=False)


def _run_before(folder: Path) -> Any:
    """Return the last run that came to a test; None where there was none."""
    value = read_json(folder / RUN).value
    if isinstance(value, dict) and "earlier" in value:
        return value["earlier"]
    return value if isinstance(value, dict) else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
