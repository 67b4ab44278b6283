"""Makes the record of a run, for reports/run.json, from what its tests came to; the key was hidden when it was gathered."""

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from contract_tests.checks.observations import ACCEPTED, REFUSED, Drift
from contract_tests.generation.contexts import Contexts
from contract_tests.generation.covering import VALUE
from contract_tests.report import run_record
from contract_tests.report.issues import Issue
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.repeating import making_line
from contract_tests.report.run_record import ClauseCount, ContractLabel, IssueRecord, PairCount, RunRecord
from contract_tests.report.snippets import drift_snippet, issue_snippet
from contract_tests.spec.contract import Contract, Field
from contract_tests.spec.resource import Role

TESTS = Path(__file__).parents[1] / "promises"
STALE = "stale"
# How the files of the tests that go through contexts begin.
PLANS = "test_covering_"
CAME_TO = ("passed", "violated", "inconclusive", "skipped", "errors")


def record(outcomes: Outcomes, line: str = "", exit_code: int = 0) -> RunRecord:
    """Return what a run came to; *line* is its last one, `verdict: ` and all, once it has come to that."""
    known: list[IssueRecord] = []
    for divergence in outcomes.known:
        met = [_issue(outcomes, issue) for issue in outcomes.met.get(divergence.number, {}).values()]
        met += [_drift(drift) for drift, entry in outcomes.drifts() if entry is divergence]
        known += [replace(each, date=divergence.date, reason=divergence.reason) for each in met]
    # The run is red because the file of known divergences is no longer true.
    stale = []
    for entry in outcomes.stale():
        said = f"{entry.kind} {entry.about or entry.clause} no longer occurs"
        stale.append(IssueRecord(STALE, said, entry.about, clause=entry.clause))
    came_to = Counter(outcomes.tests.values())
    return replace(
        run_record.bare_record(outcomes.start, line, exit_code),
        contract=label(outcomes.contract), repeating=making_line(outcomes.contract),
        requests=dict(outcomes.requests.most_common()),
        tests={came: came_to[came] for came in CAME_TO} | {"not_tried": len(outcomes.not_tried)},
        items=run_record.ItemCounts(outcomes.made, outcomes.removed, tuple(outcomes.left)),
        tried=tuple(run_record.TriedCount(*key, count) for key, count in outcomes.observations.counts.items()),
        clauses=_clauses(outcomes), pairs=tuple(_pairs(outcomes)), promises=tuple(_promises(outcomes)),
        violations=(*(_issue(outcomes, issue) for issue in outcomes.violations()), *stale), known=tuple(known),
        drift=tuple(_drift(drift) for drift, entry in outcomes.drifts() if entry is None),
        inconclusive=tuple(outcomes.inconclusive), not_tried=tuple(outcomes.not_tried), untried=outcomes.untried,
        skipped=tuple(f"{test}: {reason}" for test, reason in outcomes.skipped.items()),
    )  # fmt: skip


def label(contract: Contract) -> ContractLabel:
    """Say which contract it is."""
    about = contract.document.tree["info"]
    digest = hashlib.sha256(contract.document.file.read_bytes()).hexdigest()
    return ContractLabel(about["title"], str(about["version"]), digest, contract.resource.name)


def _clauses(outcomes: Outcomes) -> tuple[ClauseCount, ...]:
    """Count what was tried on each side of each limit, enum, type and null. A limit of two fields stands once."""
    contract = outcomes.contract
    found: dict[str, ClauseCount] = {}
    for role in filter(contract.has, ("update", "create")):
        for clause, name in contract.clauses(role):
            sides = _sides(contract.fields(role)[name], clause, outcomes.observations.clauses)
            found.setdefault(clause, ClauseCount(clause, name, *sides))
    return tuple(found.values())


def _pairs(outcomes: Outcomes) -> Iterator[PairCount]:
    """Count the pairs that the covering plan has covered; none where the run is not to try it."""
    contract = outcomes.contract
    tried = {test.partition("[")[0] for test in (*outcomes.tests, *outcomes.not_tried)}
    for role in ("update", "create"):
        if any(test.startswith(PLANS) and f"_{role}_" in test for test in tried):
            covered = outcomes.observations.pairs.get(role, 0)
            key = ("pairs", contract.resource.name, role, covered)
            yield contract.document.once(key, partial(_pairs_of, contract, role, covered))


def _pairs_of(contract: Contract, role: Role, covered: int) -> PairCount:
    contexts = Contexts(contract, role)
    contexts.cover.join(covered)
    left: Counter[str] = Counter()
    for name, trial in contexts.trials.items():
        left[trial.field.name] += contexts.cover.lacking((VALUE, name))
    return PairCount(role, contexts.cover.covered, contexts.cover.possible, dict(+left))


def _sides(field: Field, clause: str, tried: Counter[tuple[str, str]]) -> tuple[int | None, int | None]:
    accepted, refused = tried[clause, ACCEPTED], tried[clause, REFUSED]
    if clause == field.place:  # null is one value: it is allowed, or it is not
        return (accepted, None) if field.is_nullable else (None, refused)
    # Where no value is made for the inner side, as with the length of an enum, each that is accepted lies there.
    inside = (n for (other, side), n in tried.items() if side == ACCEPTED and other.rpartition("/")[0] == field.pointer)
    return accepted or sum(inside), refused


def _promises(outcomes: Outcomes) -> Iterator[run_record.PromiseCount]:
    by_file: dict[str, Counter[str]] = {}
    for test, came in outcomes.tests.items():
        by_file.setdefault(test.partition("::")[0], Counter())[came] += 1
    for name, counts in by_file.items():
        promise, file = (
            name.removeprefix("test_").removesuffix(".py"),
            next(filter(Path.is_file, TESTS.rglob(name)), None),
        )
        docstring = ast.get_docstring(ast.parse(file.read_text("utf-8"))) if file is not None else None
        title = (docstring or "").partition("\n")[0]
        yield run_record.PromiseCount(promise, title, counts.total(), counts["passed"], counts["violated"])


def _issue(outcomes: Outcomes, issue: Issue) -> IssueRecord:
    refused = outcomes.observations.refusals.get(issue.clause, ())
    return IssueRecord(
        kind=issue.kind, headline=issue.title(refused), about=issue.headline, promise=issue.plainest["promise"],
        clause=issue.clause, count=issue.count, sent=issue.plainest["sent"], received=issue.plainest["received"],
        curl=issue.plainest["curl"], snippet=issue_snippet(outcomes.contract, issue, refused), test=issue.test,
        examples=tuple(issue.examples), lines=tuple(issue.plainest["lines"]),
    )  # fmt: skip


def _drift(drift: Drift) -> IssueRecord:
    return IssueRecord(
        kind="drift", headline=drift.headline, about=drift.headline, clause=drift.where, count=drift.count,
        snippet=drift_snippet(drift), examples=tuple(drift.examples), types=tuple(drift.types),
    )  # fmt: skip
