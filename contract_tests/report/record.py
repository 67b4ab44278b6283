"""
What a run came to, for programs to read: reports/run.json, and a line in reports/history.jsonl.

The page of the run is drawn from it. A key is in neither: everything here was hidden when it was gathered.
"""

from __future__ import annotations

import ast
import hashlib
import json
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contract_tests.configuration import Configuration, named_seed, named_target
from contract_tests.contract import CONTRACT_FILE, Field, load_contract
from contract_tests.divergences import Divergence
from contract_tests.drift import ACCEPTED, REFUSED, Drift
from contract_tests.report.entries import Entry
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.repeating import making_line
from contract_tests.report.snippets import drift_snippet

TESTS = Path(__file__).parent.parent
MOST_RUNS = 200
CAME_TO = ("passed", "violated", "inconclusive", "skipped", "errors")
LISTS = ("tried", "clauses", "promises", "violations", "known", "drift", "inconclusive", "not_tried")


@dataclass(frozen=True)
class Start:
    """When a run began, and with what."""

    target: str
    """The address of the API under test, or the mock."""
    seed: int | None
    """None where the run ended before it had one."""
    selection: str
    """whole or live."""
    started: str
    """In UTC, as ISO 8601."""
    moment: float
    """On the monotonic clock, in seconds."""

    @classmethod
    def now(cls, configuration: Configuration) -> Start:
        """Note what is asked for, at this moment."""
        return cls._begun(configuration.target, configuration.seed or 0, configuration.selection)

    @classmethod
    def of_nothing(cls) -> Start:
        """Note a run that cannot begin: what it was to be aimed at, as far as that can be read."""
        return cls._begun(named_target(), named_seed(), "whole")

    @classmethod
    def _begun(cls, target: str, seed: int | None, selection: str) -> Start:
        return cls(target, seed, selection, datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic())


def history_with(history: Path, told: dict[str, Any]) -> str:
    """
    Return the lines of history.jsonl, that of a run the last of them.

    Args:
        history: The file as it is.
        told: The record of the run.

    Raises:
        OSError: The file is there and cannot be read, so it must not be written anew.
    """
    try:
        lines = history.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        lines = []
    kept = {name: told[name] for name in ("started", "target", "seed", "verdict", "seconds")}
    kept |= {"requests": sum(told["requests"].values()), "violations": len(told["violations"])}
    return "\n".join([*lines, json.dumps(kept, ensure_ascii=False)][-MOST_RUNS:]) + "\n"


def bare_record(start: Start, line: str, exit_code: int) -> dict[str, Any]:
    """
    Return what a run came to that ended before its tests: refused, or where nothing answers.

    Args:
        start: How the run began.
        line: Its last line, `verdict: ` and all.
        exit_code: What the command ends with.
    """
    empty: dict[str, Any] = {name: [] for name in LISTS} | {name: {} for name in ("contract", "requests", "tests")}
    return _head(start, line, exit_code) | empty | {"personas": {"made": 0, "removed": 0, "left": []}}


def record(start: Start, outcomes: Outcomes, line: str, exit_code: int) -> dict[str, Any]:
    """Return what a run came to as plain lists and objects."""
    contract = load_contract()
    return _head(start, line, exit_code) | {
        "contract": {
            "title": contract.document["info"]["title"],
            "version": str(contract.document["info"]["version"]),
            "sha256": hashlib.sha256(CONTRACT_FILE.read_bytes()).hexdigest(),
        },
        "repeating": making_line(contract),
        "requests": dict(outcomes.requests.most_common()),
        "tests": _tests(outcomes),
        "personas": {"made": outcomes.made, "removed": outcomes.removed, "left": outcomes.left},
        "tried": [{"what": what, "kind": kind, "count": count} for (what, kind), count in outcomes.tally.items()],
        "clauses": _clauses(outcomes),
        "promises": _promises(outcomes),
        "violations": [_violation(outcomes, entry) for entry in outcomes.violations()] + _stale(outcomes),
        "known": _known(outcomes),
        "drift": [_drift(drift) for drift in outcomes.drifts()],
        "inconclusive": outcomes.inconclusive,
        "not_tried": outcomes.not_tried,
    }


def _head(start: Start, line: str, exit_code: int) -> dict[str, Any]:
    verdict, _, sentence = line.removeprefix("verdict: ").partition(". ")
    return {
        "target": start.target,
        "seed": start.seed,
        "selection": start.selection,
        "started": start.started,
        "seconds": round(time.monotonic() - start.moment, 1),
        "verdict": verdict,
        "sentence": sentence,
        "exit_code": exit_code,
    }


def _tests(outcomes: Outcomes) -> dict[str, int]:
    counts = Counter(outcomes.tests.values())
    return {came: counts[came] for came in CAME_TO} | {"not_tried": len(outcomes.not_tried)}


def _clauses(outcomes: Outcomes) -> list[dict[str, Any]]:
    """
    Count what was tried on each side of each limit, enum, type and null; null stands for a side that a clause lacks.

    A limit of two fields stands once.
    """
    contract = load_contract()
    found: dict[str, dict[str, Any]] = {}
    for operation_id in ("updatePersona", "createPersona"):
        for clause, name in contract.clauses(operation_id):
            sides = _sides(contract.fields(operation_id)[name], clause, outcomes.notes.tried)
            found.setdefault(clause, {"clause": clause, "field": name, **sides})
    return list(found.values())


def _sides(field: Field, clause: str, tried: Counter[tuple[str, str]]) -> dict[str, int | None]:
    accepted, refused = tried[clause, ACCEPTED], tried[clause, REFUSED]
    if clause == field.place:  # null is one value: it is allowed, or it is not
        return {"accepted": accepted, "refused": None} if field.is_nullable else {"accepted": None, "refused": refused}
    # Where no value is made for the inner side, as with the length of an enum, each that is accepted lies there.
    inside = (n for (other, side), n in tried.items() if side == ACCEPTED and other.rpartition("/")[0] == field.pointer)
    return {"accepted": accepted or sum(inside), "refused": refused}


def _promises(outcomes: Outcomes) -> list[dict[str, Any]]:
    """Count the tests of each file, in the order in which the files were run."""
    by_file: dict[str, Counter[str]] = {}
    for test, came in outcomes.tests.items():
        by_file.setdefault(test.partition("::")[0], Counter())[came] += 1
    return [
        {
            "promise": name.removeprefix("test_").removesuffix(".py"),
            "title": _title(TESTS / name),
            "tests": counts.total(),
            "passed": counts["passed"],
            "violated": counts["violated"],
        }
        for name, counts in by_file.items()
    ]


def _title(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) if path.exists() else None
    return (docstring or "").partition("\n")[0]


def _violation(outcomes: Outcomes, entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "headline": outcomes.title(entry),
        "about": entry.headline,
        "promise": entry.promise,
        "clause": entry.clause,
        "count": entry.count,
        "sent": entry.sent,
        "received": entry.received,
        "curl": entry.curl,
        "snippet": outcomes.snippet(entry),
        "test": entry.test,
        "examples": entry.examples,
    }


def _stale(outcomes: Outcomes) -> list[dict[str, Any]]:
    """Tell the known divergences that are gone: the run is red because the list is no longer true."""
    return [
        _bare("stale", f"{entry.kind} {entry.about or entry.clause} no longer occurs", entry)
        for entry in outcomes.stale()
    ]


def _known(outcomes: Outcomes) -> list[dict[str, Any]]:
    told = []
    for divergence in outcomes.known:
        why = {"date": divergence.date, "reason": divergence.reason}
        told += [_violation(outcomes, entry) | why for entry in outcomes.met.get(divergence.number, {}).values()]
        for drift in outcomes.notes.drifts.values():
            if outcomes.known_drift(drift) is divergence:
                seen = {"count": drift.count, "examples": drift.examples, "snippet": drift_snippet(drift)}
                told.append(_bare("drift", drift.headline, divergence) | seen | why)
    return told


def _bare(kind: str, headline: str, entry: Divergence) -> dict[str, Any]:
    """Return an entry that no exchange belongs to."""
    texts = {"promise": "", "sent": "", "received": "", "curl": "", "test": ""}
    about = {"kind": kind, "headline": headline, "about": entry.about, "clause": entry.clause}
    return {**about, **texts, "count": 0, "snippet": None, "examples": []}


def _drift(drift: Drift) -> dict[str, Any]:
    return {
        "headline": drift.headline,
        "where": drift.where,
        "types": drift.types,
        "examples": drift.examples,
        "count": drift.count,
        "snippet": drift_snippet(drift),
    }
