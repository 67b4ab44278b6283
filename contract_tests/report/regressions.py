"""
Writes the violations of a run as a test file, which needs pytest and httpx only and makes items of its own.

What no few requests can show, one after the other, is named in the file and not written as a test.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from contract_tests.checks.shape import shape_of
from contract_tests.foreign_text import shown
from contract_tests.report.folder import Reports
from contract_tests.report.run_record import IssueRecord, RunRecord
from contract_tests.spec.contract import Contract
from contract_tests.transport.structured_text import OWN_KEY
from contract_tests.transport.write_guard import NAME_PREFIX

FILE = Path("regressions", "test_found.py")
TEMPLATE = Path(__file__).with_name("regressions.py.jinja")
# A text that names an item of the run, in an assertion.
NAMED = re.compile(rf"'[^'\n]*{NAME_PREFIX}[0-9a-f]{{8}}[^'\n]*'")


def write_regressions(reports: Reports, run: RunRecord, contract: Contract) -> None:
    """Write the test file of a run that broke something; that of another run gives way to it."""
    if run.violations:
        reports.write(str(FILE), regressions(run, contract))


def regressions(run: RunRecord, contract: Contract) -> str:
    """Return the text of the test file."""
    shape = shape_of(contract)
    sent = [
        (name, f"Basic {OWN_KEY}" if contract.key.kind == "basic" else text.decode())
        for name, text in shape.key.headers(OWN_KEY)
    ]
    usual = {repr([("content-type", shape.body_type("POST")), *sent]): "JSON", repr(sent): "KEYED"}
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        run=run, shape=shape, usual=usual, line=shown, name_of=_name, own_key=OWN_KEY, prefix=NAME_PREFIX, file=FILE.name,
        code=lambda text: _code(text, usual), env=contract.key.env if contract.key.kind != "none" else "",
        query="".join(f"?{name}={value}" for name, value in shape.key.query(OWN_KEY).items()),
    )  # fmt: skip


def _name(issue: IssueRecord, number: int) -> str:
    words = re.sub(r"\W+", "_", issue.about.lower(), flags=re.ASCII).strip("_")
    return f"test_{number}_{words[:60].strip('_')}"


def _code(line: str, usual: Mapping[str, str]) -> str:
    """Return a line of a test: headers that are sent often by their name, the names of items made those of the test's own."""
    if line.startswith("assert "):
        return NAMED.sub(lambda text: f"ours({text[0]})", line)
    for headers, name in usual.items():
        line = line.replace(f", {headers}, ", f", {name}, ", 1)
    return line
