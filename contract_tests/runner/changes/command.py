"""Compare a contract with what callers know of it; info.version must say what the changes mean to them."""

from collections.abc import Sequence
from pathlib import Path

from contract_tests.errors import HOLDS, VIOLATED
from contract_tests.foreign_text import LONGEST_LINE, shown
from contract_tests.report.folder import Reports
from contract_tests.report.pages import report_diff
from contract_tests.report.spec_diff import SpecDiff, as_changelog, as_text
from contract_tests.runner.changes.base import read, read_base, usual_base
from contract_tests.runner.configuration import Configuration
from contract_tests.spec.changes import compare


def spec_diff(configuration: Configuration, arguments: list[str]) -> int:
    """Print what changed and what it means to callers; 1 where info.version does not say so, 4 without a base."""
    known = configuration.contract
    new, base = read(configuration.compared_new or known, configuration.overlay), configuration.base
    base = base or usual_base(known, is_release=configuration.is_release)
    if base is None:
        print(f"verdict: holds. {new.name} has no tag to be compared with, so nothing of it is released.")
        return HOLDS
    old = read_base(base, known, configuration.overlay)
    versions = [str(document.tree.get("info", {}).get("version", "")) for document in (old, new)]
    changes = compare(old, new, configuration.resource)
    client = () if configuration.compared_new else _client_changes(known, base)
    diff = SpecDiff(base, versions[0], new.name, versions[1], changes, client)
    if configuration.drafts_changelog:
        print(as_changelog(diff))
        return HOLDS
    if diff.changes or diff.client:
        print(as_text(diff))
    summary = as_changelog(diff, f"{diff.new} {diff.new_version}", diff.sentence)
    reports = Reports(configuration.reports)
    report_diff(reports, diff, summary)
    if configuration.job_summary is not None and not configuration.is_release:  # that is one of many checks of a job
        page = configuration.job_summary
        with reports.attempt(str(page)), page.open("a", encoding="utf-8") as stream:
            stream.write(f"{summary}\n\n")
    for complaint in reports.complaints():
        print(complaint)
    is_wrong = not diff.says_enough and (configuration.is_release or diff.worst == "breaking")
    print(shown(f"verdict: {'violated' if is_wrong else 'holds'}. {diff.sentence}", LONGEST_LINE))
    return VIOLATED if is_wrong else HOLDS


def _client_changes(contract: Path, base: str) -> Sequence[str]:
    """Say what callers of the client meet, where it stands in a checkout with the tools for it."""
    try:
        from codegen.api_changes import client_changes
    except ModuleNotFoundError:
        return ()
    return () if Path(base).is_file() else client_changes(contract, base)
