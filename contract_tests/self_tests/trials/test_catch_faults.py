"""A fault is tried first with the test that caught it before, which decides how long it takes and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_tests.runner.configuration import Configuration
from contract_tests.trials import catch_faults, faults
from contract_tests.trials.catch_faults import read_caught_by, write_caught_by
from contract_tests.trials.fork_server import Outcome, Trial, run_trials

FAULT = "name_length_in_bytes"
LATE = "test_field_limits.py::test_value_is_treated_as_the_contract_says[name-199-two-byte-accepted]"
HINDSIGHT, COMES_BACK = "test_long_lived.py::test_removed_items_stay_away", "removed_item_comes_back"
UNCONCERNED = "test_deletion.py::test_removed_item_is_gone"
FIRST, OF_LISTS = "test_first_look.py::test_every_field_takes_many_values", "full_page_has_no_token"


def test_file_names_faults_of_the_catalogue() -> None:
    """A fault that is renamed or withdrawn is taken out of it: make faults FRESH=1."""
    assert not read_caught_by().keys() - faults.catalogue(Configuration().load_contract()).keys()


def test_what_is_written_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults that were caught are in the file; those that were not tried keep their test while the catalogue has them."""
    monkeypatch.setattr(catch_faults, "CAUGHT_BY", tmp_path / "caught_by.yaml")
    (tmp_path / "caught_by.yaml").write_text("test_y.py::test_b: [other, survivor, withdrawn]\n", "utf-8")
    caught = [Outcome(Trial("fault", (name,)), 1, "", "test_x.py::test[a: é]", 1.0, 9) for name in ("second", "first")]
    survivor = Outcome(Trial("fault", ("survivor",)), 0, "", "", 1.0, 9)
    write_caught_by(
        [*caught, survivor, Outcome(Trial("clean"), 0, "", "", 1.0, 9)], {"first", "second", "survivor", "other"}
    )
    known = {"first": "test_x.py::test[a: é]", "second": "test_x.py::test[a: é]", "other": "test_y.py::test_b"}
    assert read_caught_by() == known


def test_earlier_test_comes_first_and_all_tests_after_it(tmp_path: Path) -> None:
    """Where it does not catch the fault any more, the suite does: a test that looks at what others have left runs in its place, too."""
    tried = {LATE: FAULT, UNCONCERNED: FAULT, FIRST: OF_LISTS}
    trials = [Trial("fault", (name,), first_test=test) for test, name in tried.items()]
    late = Trial(
        "fault", (COMES_BACK,), first_test=HINDSIGHT, budget=2_000
    )  # without a budget its turn comes very late
    outcomes = [each for some in (trials, [late]) for each in run_trials(Configuration(reports=tmp_path), some, 2)]
    found = {each.trial.first_test: each for each in outcomes}
    assert (found[LATE].caught_by, found[LATE].requests < 20) == (LATE, True)
    assert found[UNCONCERNED].is_right
    assert found[UNCONCERNED].caught_by not in ("", UNCONCERNED)
    assert found[HINDSIGHT].caught_by == HINDSIGHT
    assert found[FIRST].is_right, found[FIRST].verdict  # the suite begins with it anyway
    assert found[FIRST].caught_by not in ("", FIRST)
