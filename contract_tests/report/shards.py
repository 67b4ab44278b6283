"""
The shards of a run: what each of several machines has found of it, and the one run that they make together.

A shard writes its file anew at each test that turns red, so that what it has reported is not lost when it is killed.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from contract_tests.checks.known_divergences import Divergence
from contract_tests.errors import Refused
from contract_tests.report.folder import write_whole
from contract_tests.report.issues import Issue
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.recording import label
from contract_tests.report.records import read_json
from contract_tests.report.run_record import ContractLabel, Start
from contract_tests.report.wording import counted
from contract_tests.spec.contract import Contract

SHARD = "shard.json"
# What came to more of a test that several shards have tried comes first.
WORST_FIRST = ("violated", "errors", "inconclusive", "passed", "skipped")


@dataclass(frozen=True, eq=False)
class ShardFile:
    """Keeps what one shard has found, the one of a *number* of so many; a pytest plugin."""

    path: Path
    outcomes: Outcomes
    number: int
    of: int

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Write down what was found, where a test turned red."""
        if report.failed:
            self.write()

    def write(self, exit_code: int | None = None) -> None:
        """Write the file; without an exit code the shard is not at its end."""
        outcomes = self.outcomes
        told = {
            "number": self.number, "of": self.of, "contract": label(outcomes.contract).sha256, "exit_code": exit_code,
            "start": asdict(outcomes.start), "counts": outcomes.counts(), "sent": outcomes.sent,
            "known": [asdict(entry) for entry in outcomes.known],
            "issues": [asdict(issue) for issue in outcomes.issues.values()],
            "met": {number: [asdict(issue) for issue in met.values()] for number, met in outcomes.met.items()},
            **{name: getattr(outcomes, name) for name in ("tests", "skipped", "inconclusive", "is_whole", "is_interrupted", "uncollected")},
            **{name: getattr(outcomes.not_run, name) for name in ("reason", "forbidden", "not_tried")},
        }  # fmt: skip
        write_whole(self.path, json.dumps(told))


def merged(folders: Sequence[str], contract: Contract) -> tuple[Outcomes, int]:
    """
    Make one run of the shards whose reports stand in some folders, and return it with the exit code of pytest. Refused
    where a folder holds no shard of a run of this contract, or two hold the same one.
    """
    told = [_read(Path(folder), label(contract)) for folder in folders]
    numbers, of = [each["number"] for each in told], told[0]["of"]
    if len({*numbers}) < len(numbers) or {each["of"] for each in told} != {of}:
        named = ", ".join("{number}/{of}".format_map(each) for each in told)
        raise Refused(f"MERGE names shards that are not those of one run: {named}")
    start = min((Start(**each["start"]) for each in told), key=lambda each: each.started)
    known = tuple(Divergence(**entry) for entry in told[0]["known"])
    is_whole = all(each["is_whole"] for each in told)
    outcomes = Outcomes(contract, known, is_whole=is_whole, start=start)
    for each in told:
        _join(outcomes, each)
    ended = [each["number"] for each in told if each["exit_code"] is not None]
    lacking = [str(number) for number in range(1, of + 1) if number not in ended]
    if lacking and not outcomes.not_run.reason:
        outcomes.not_run.reason = f"{counted(len(lacking), 'shard')} of {of} came to no end: {', '.join(lacking)}"
    codes = [each["exit_code"] or 0 for each in told if each["exit_code"] != pytest.ExitCode.NO_TESTS_COLLECTED]
    return outcomes, max(codes, default=int(pytest.ExitCode.NO_TESTS_COLLECTED))


def _read(folder: Path, contract: ContractLabel) -> dict[str, Any]:
    stored = read_json(folder / SHARD)
    if not isinstance(stored.value, dict) or not stored.value.keys() >= {"number", "of", "counts", "issues"}:
        raise Refused(
            stored.problem or f"{folder} holds no {SHARD}; name the folders in which SHARD=k/n left its reports"
        )
    if stored.value["contract"] != contract.sha256:
        raise Refused(f"{folder / SHARD} is of another contract; name the one that it was held to with CONTRACT")
    return stored.value


def _join(outcomes: Outcomes, told: dict[str, Any]) -> None:
    outcomes.join(told["counts"])
    outcomes.counted += told["sent"]
    for name in ("inconclusive", "uncollected"):
        getattr(outcomes, name).extend(told[name])
    outcomes.is_interrupted = outcomes.is_interrupted or told["is_interrupted"]
    outcomes.skipped |= told["skipped"]
    for test, came in told["tests"].items():
        outcomes.tests[test] = min(came, outcomes.tests.get(test, came), key=WORST_FIRST.index)
    for issues, stored in (
        (outcomes.issues, told["issues"]),
        *((outcomes.met.setdefault(int(n), {}), met) for n, met in told["met"].items()),
    ):
        for each in stored:
            issue = Issue(**each)
            issues[issue.key].join(issue) if issue.key in issues else issues.update({issue.key: issue})
    outcomes.not_run.join(told["reason"], told["forbidden"], told["not_tried"])
