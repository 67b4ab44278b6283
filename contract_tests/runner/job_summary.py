"""
What a CI job shows of the last run: a summary in markdown, and each violation at its line of the contract.

On GitHub the summary goes to the page of the job, and the annotations to its log. Elsewhere the summary is printed.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from contract_tests.errors import Refused
from contract_tests.foreign_text import shown
from contract_tests.report.folder import Reports
from contract_tests.report.html.run_page import RUN
from contract_tests.report.pages import report_run
from contract_tests.report.recording import record
from contract_tests.report.records import read_as, read_json
from contract_tests.report.repeating import ADVICE, VARIABLE
from contract_tests.report.run_record import IssueRecord, RunRecord
from contract_tests.report.shards import merged
from contract_tests.report.verdict import verdict
from contract_tests.report.wording import counted, visible
from contract_tests.runner.configuration import Configuration
from contract_tests.spec.contract import Contract
from contract_tests.spec.document import ContractError

LEVELS = {"violated": "error", "inconclusive": "warning", "refused": "error"}


def summarise(configuration: Configuration, arguments: list[str]) -> int:
    """Print what the last run came to, and return its exit code; Refused without a report that can be read."""
    if configuration.merged:
        outcomes, exit_code = merged(configuration.merged, configuration.load_contract())
        told = record(outcomes, *verdict(outcomes, exit_code))
        report_run(Reports(configuration.reports), told, outcomes.contract)
    file = configuration.reports / RUN
    stored = read_json(file)
    if not isinstance(stored.value, dict):
        raise Refused(stored.problem or f"{file} holds no run; run make contract first")
    run = read_as(RunRecord, stored.value)
    if configuration.job_summary is None:
        print(summary(run))
    else:
        with configuration.job_summary.open("a", encoding="utf-8") as page:
            page.write(f"{summary(run)}\n")
        contract = None
        with suppress(ContractError):  # which the run has said
            contract = configuration.load_contract()
        for line in annotation_lines(run, contract):
            print(line)
    return run.exit_code


def summary(run: RunRecord) -> str:
    """Return the verdict, then each violation with the lines that repeat it, in markdown."""
    title = run.contract.title or "the contract"
    parts = [f"## {_plain(f'{run.verdict}: {title} at {run.target}')}", _plain(run.sentence)]
    if any(VARIABLE in issue.curl for issue in run.violations):
        parts += [_plain(ADVICE), _block(run.repeating)]
    parts += [part for issue in run.violations for part in _of_issue(issue)]
    parts += [_plain(f"drift: {issue.headline} ({issue.clause})") for issue in run.drift]
    parts += [_plain(f"inconclusive: {line}") for line in run.inconclusive]
    return "\n\n".join(part for part in parts if part)


def _of_issue(issue: IssueRecord) -> Iterator[str]:
    yield f"### {_plain(f'{issue.kind}: {issue.headline}')}"
    yield _plain(f"{issue.clause}, {counted(issue.count, 'time')}, first in {issue.test}")
    yield _block(f"sent      {issue.sent}\nreceived  {issue.received}\n{issue.curl}")


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|!&~])", r"\\\1", shown(text, len(text)))


def _block(text: str) -> str:
    return "\n".join(f"    {line}" for line in visible(text).splitlines())


def annotation_lines(run: RunRecord, contract: Contract | None) -> Iterator[str]:
    """Yield GitHub's lines for the verdict and for each violation, at the line of the contract that it breaks."""
    if level := LEVELS.get(run.verdict):
        yield _annotation(level, f"verdict: {run.verdict}", run.sentence)
    for issue in run.violations:
        line = contract.document.line(issue.clause) if contract is not None else None
        file = contract.document.file if contract is not None else None
        yield _annotation("error", f"{issue.kind}: {issue.clause}", f"{issue.headline}\n{issue.curl}", file, line)


def _annotation(level: str, title: str, message: str, file: Path | None = None, line: int | None = None) -> str:
    place = ""
    if file is not None:
        path, here = file.absolute(), Path.cwd()
        named = str(path.relative_to(here) if path.is_relative_to(here) else path)
        place = f"file={_property(named)},line={line or 1},"
    return f"::{level} {place}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
