"""
The reports of each command: its JSON, its page, and the index that leads to it.

Each command draws its own page from what it has in memory. The pages of others are left alone, and the index says of
their results whose they are.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace

from contract_tests.boundary_map.limit_result import LimitResult, MapRun
from contract_tests.report.folder import Reports, alone, write_whole
from contract_tests.report.html.boundary_page import write_boundaries, write_no_map
from contract_tests.report.html.diff_page import write_diff
from contract_tests.report.html.fault_page import write_faults
from contract_tests.report.html.run_page import FAULTS, HISTORY, RUN, write_index
from contract_tests.report.records import as_document, read_as, read_json
from contract_tests.report.regressions import write_regressions
from contract_tests.report.run_record import RunRecord, TrialRun, history_with
from contract_tests.report.spec_diff import SpecDiff
from contract_tests.spec.contract import Contract


def report_run(reports: Reports, run: RunRecord, contract: Contract | None = None) -> None:
    """Leave what a run came to, its regression tests with a *contract*; one of no test takes in the run before it."""
    folder = reports.path
    with alone(folder):
        if not run.came_to_a_test:
            last = read_as(RunRecord, read_json(folder / RUN).value)
            run = replace(run, earlier=last if last.came_to_a_test else last.earlier)
        reports.write(RUN, as_document(asdict(run)))
        with reports.attempt(HISTORY):
            write_whole(folder / HISTORY, history_with(folder / HISTORY, run))
        write_index(reports, run)
        if contract is not None:
            write_regressions(reports, run, contract)
    for complaint in reports.complaints():
        print(complaint)


def report_map(reports: Reports, results: Sequence[LimitResult], state: MapRun) -> None:
    """Draw the page of a boundary map that is written already; *state* is what boundaries.run.json says of it."""
    with alone(reports.path):
        write_boundaries(results, reports, state)
        write_index(reports, results=results)


def report_no_map(reports: Reports, refused: RunRecord) -> None:
    """Say on the page of the boundary map that a search did not begin; the map before is labelled as earlier."""
    with alone(reports.path):
        write_no_map(reports, refused)
    for complaint in reports.complaints():
        print(complaint)


def report_faults(reports: Reports, runs: Sequence[TrialRun]) -> None:
    """Leave what a trial of the suite came to, one entry for each run of it."""
    with alone(reports.path):
        reports.write(FAULTS, as_document([asdict(run) for run in runs]))
        write_faults(runs, reports)
        write_index(reports, runs=runs)


def report_diff(reports: Reports, diff: SpecDiff, summary: str) -> None:
    """Leave what changed in a contract; *summary* says it in markdown."""
    record = asdict(diff) | {"rating": diff.worst, "least_version": diff.least_version, "says_enough": diff.says_enough}
    with alone(reports.path):
        reports.write("spec-diff.json", as_document(record))
        reports.write("spec-diff.md", summary)
        write_diff(diff, reports)
        write_index(reports)
