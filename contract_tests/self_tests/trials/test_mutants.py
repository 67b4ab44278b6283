"""Mutants are made of code that runs, in a copy, and a survivor passes only where a person has said why."""

from __future__ import annotations

import pickle
import re
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import contract_tests.mock_api.store
from contract_tests.errors import Refused
from contract_tests.mock_api.__main__ import build_api
from contract_tests.mock_api.process import MockStartError
from contract_tests.mock_api.store import Store
from contract_tests.runner.configuration import Configuration
from contract_tests.spec.contract import CONTRACT_FILE
from contract_tests.trials import mutants
from contract_tests.trials.fork_server import TIME_IS_OVER, Outcome
from contract_tests.trials.mutants import MutantTrial, Result, mutated_mock, read_equivalents, selected
from contract_tests.trials.mutations import MOCK, module_mutations
from contract_tests.trials.reached import Reached

TOY = '''\
"""A toy."""

LIMIT: int | None = 10


def is_small(number: int | None) -> bool:
    """Say so, 1 time."""
    return number is not None and number <= LIMIT
'''

STORE = (MOCK / "store.py").read_text("utf-8")
NOT_FOUND = 'raise Refusal(404, "Nothing has this id.")'

WHOLE = Configuration(minutes=1)


def test_code_that_runs_is_changed_and_types_and_texts_are_not() -> None:
    """A limit, a comparison and a condition of the toy are changed; its annotations and docstrings are not."""
    changes = {(each.function, each.operator, each.after) for each in module_mutations("toy", TOY)}
    assert changes == {
        ("", "NumberReplacer", "LIMIT: int | None = 11"),
        ("", "NumberReplacer", "LIMIT: int | None = 9"),
        ("is_small", "ReplaceAndWithOr", "return number is not None or number <= LIMIT"),
        ("is_small", "ReplaceComparisonOperator_LtE_Lt", "return number is not None and number < LIMIT"),
        ("is_small", "ReplaceComparisonOperator_LtE_Gt", "return number is not None and number > LIMIT"),
        ("is_small", "ReplaceComparisonOperator_IsNot_Is", "return number is None and number <= LIMIT"),
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if x in y:\n    pass", "if x not in y:"),
        ("if x not in y:\n    pass", "if x in y:"),
        ("y.clear()", "pass"),
        ("y[1] = x", "pass"),
        ("x += y", "pass"),
        ("x = y.strip().lower()", "x = y.strip()"),
    ],
)  # fmt: skip
def test_own_operators_change_what_cosmic_ray_leaves_alone(before: str, after: str) -> None:
    """Membership, statements that are there for their effect, and the last call of a method."""
    assert after in [each.after for each in module_mutations("toy", f"{before}\n")]


def test_mutation_keeps_its_id_when_lines_move() -> None:
    """The entries of equivalent_mutants.yaml outlive changes around them."""
    moved = TOY.replace("def is_small", "OTHER = None\n\n\ndef is_small")
    assert {each.id for each in module_mutations("toy", TOY)} == {each.id for each in module_mutations("toy", moved)}


def test_same_change_twice_in_a_function_has_two_ids() -> None:
    """No two mutations share a result."""
    twice = list(module_mutations("toy", "def f(x):\n    x += 1\n    y = 0\n    x += 1\n"))
    assert len({each.id for each in twice}) == len(twice)


def test_mutant_runs_beside_the_mock() -> None:
    """The mutated mock answers otherwise, and what is loaded elsewhere stays as it is."""
    mutated = STORE.replace(NOT_FOUND, NOT_FOUND.replace("404", "405"))
    with mutated_mock({"store": mutated}, CONTRACT_FILE) as (url, key):
        answer = httpx.get(f"{url}/personas/nobody", headers={"x-api-key": key})
    assert answer.status_code == 405
    assert contract_tests.mock_api.store.Store is Store


def test_mutant_that_does_not_start_is_told_with_its_last_words() -> None:
    """Python's own message stands in the table."""
    with (
        pytest.raises(MockStartError, match="no such luck"),
        mutated_mock({"store": "raise SystemExit('no such luck')"}, CONTRACT_FILE),
    ):
        pass


def test_statement_that_was_not_run_is_not_reached() -> None:
    """Building the API makes a store and misses no item of it; a change of what it says then shows in no answer."""
    reached, toy = Reached(), next(module_mutations("toy", TOY))
    sys.settrace(reached.trace)
    try:
        build_api(CONTRACT_FILE)
    finally:
        sys.settrace(None)
    numbers = [
        n for text in ("self.max_items =", NOT_FOUND) for n, line in enumerate(STORE.splitlines(), 1) if text in line
    ]
    made, missed = (replace(toy, module="store", line=number) for number in numbers)
    assert (reached.holds(made), reached.holds(missed)) == (True, False)
    clean = Outcome(MutantTrial("clean", reached=reached), 0, "verdict: holds.", "", 1.0, 9)
    assert pickle.loads(pickle.dumps(clean)) is not None  # so it comes back from the process of its trial


@pytest.mark.parametrize(
    ("exit_code", "verdict", "requests", "outcome", "by"),
    [
        (0, "verdict: holds. Fine.", 6000, mutants.SURVIVED, ""),
        (1, "verdict: violated. 1 broken.", 3, mutants.KILLED, "test_errors.py::test_it"),
        (2, "verdict: inconclusive. No answer.", 9, mutants.UNCLEAR, "verdict: inconclusive. No answer."),
        (4, "the mock did not start:\nno such luck", 0, mutants.NOT_STARTED, "no such luck"),
        (4, TIME_IS_OVER, 0, mutants.TIMED_OUT, TIME_IS_OVER),
    ],
)
def test_outcome_of_a_trial_decides(exit_code: int, verdict: str, requests: int, outcome: str, by: str) -> None:
    """Only a green run lets a mutant live."""
    red = "test_errors.py::test_it" if exit_code == 1 else ""
    mutation = next(module_mutations("toy", TOY))
    trial = MutantTrial("mutant", mutation=mutation)
    result = mutants._result(Outcome(trial, exit_code, verdict, red, 1.0, requests), mutation, "tests")
    assert (result.id, result.outcome, result.by) == (mutation.id, outcome, by)


def test_mutant_whose_time_is_over_is_not_begun() -> None:
    """MINUTES ends a run; what was not tried is tried by the next."""
    trial = MutantTrial("mutant", mutation=next(module_mutations("toy", TOY)), ends_at=0)
    with pytest.raises(MockStartError, match=mutants.TOO_LATE), trial.mock(Configuration()):
        pass


def test_unclean_mock_ends_the_run() -> None:
    """A suite that is red without a change would kill every mutant."""
    with pytest.raises(Refused, match="run make contract"):
        mutants._check_clean(Outcome(MutantTrial("clean"), 1, "verdict: violated. 1 broken.", "", 1.0, 1))


def test_smaller_share_is_part_of_a_larger_one_and_the_seed_decides() -> None:
    """SHARE and SEED choose the same mutants again."""
    known = list(module_mutations("wire/routes", (MOCK / "wire" / "routes.py").read_text("utf-8")))
    few, many = (selected(known, Configuration(share=share, seed=7)) for share in (0.2, 0.6))
    assert 0 < len(few) < len(many) < len(known)
    assert set(few) < set(many)
    assert set(few) != set(selected(known, Configuration(share=0.2, seed=8)))
    assert len(selected(known, WHOLE)) == len(known)


def test_unknown_id_is_refused() -> None:
    """The message names the variable and where ids stand."""
    with pytest.raises(Refused, match=r"MUTANT=zz is no id; reports/mutants\.json has them"):
        selected(list(module_mutations("toy", TOY)), Configuration(mutant="zz"))


def test_survivor_is_tried_again_when_the_tests_change(tmp_path: Path) -> None:
    """What was killed stays so as long as its module does; what survived is held only against the same tests."""
    known = list(module_mutations("toy", TOY))[:3]
    outcomes = (mutants.KILLED, mutants.SURVIVED, mutants.KILLED)
    digests = [mutants._digest(each.source) for each in known[:2]] + ["of another source"]
    results = [Result(m.id, o, "", 1.0, d, "old") for m, o, d in zip(known, outcomes, digests, strict=True)]
    report = tmp_path / "reports" / "mutants.json"
    mutants._write_report(report, known, {result.id: result for result in results}, ())
    assert set(mutants._earlier_results(report, known, "old")) == {known[0].id, known[1].id}
    assert set(mutants._earlier_results(report, known, "new")) == {known[0].id}


@pytest.mark.parametrize(
    "text", ["just text", "[text]", "[{reason: of none}]", "[{reason: a list, mutants: [0a1b2c3d]}]", "- module: ["]
)
def test_unreadable_equivalents_are_refused(text: str, tmp_path: Path) -> None:
    """The message is one line that names the file and says what to write."""
    file = tmp_path / "equivalents.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(Refused, match=r"^equivalents\.yaml: .*; write groups of a reason and of mutants.*$"):
        read_equivalents(file)


def test_each_listed_equivalent_has_a_reason() -> None:
    """An id is eight characters, in quotes where it is a number; the reason is a sentence."""
    for each, reason in read_equivalents().items():
        assert re.fullmatch("[0-9a-f]{8}", each), each
        assert re.fullmatch(r"[A-Z].{20,}\.", reason), reason
