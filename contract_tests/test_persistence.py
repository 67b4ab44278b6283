"""What was stored stays stored, and what was removed stays away, also when much has happened since."""

from __future__ import annotations

import time

from contract_tests.run import Run
from contract_tests.verdict import Judge, require

# Long enough for a cache to expire or a replica to fall behind.
AGE_SECONDS = 3.0
MOST_READ = 5


def test_update_holds_until_the_end_of_the_run(run: Run) -> None:
    """Decision: a read sees the last completed write, however long ago that was."""
    keepsake = run.keepsake
    before = keepsake.last
    time.sleep(max(AGE_SECONDS - (time.monotonic() - run.kept_since[0]), 0))
    cause = run.api.get(keepsake.persona_id)
    require(keepsake.unmoved(before, cause))


def test_removed_personas_stay_away(run: Run, judge: Judge) -> None:
    """Decision: after a DELETE, GET answers 404, however long ago that was."""
    if not run.api.ledger.removed:
        with run.persona():
            pass
    for persona_id in sorted(run.api.ledger.removed & set(run.api.ledger.made))[:MOST_READ]:
        require(judge.answer("getPersona", run.api.get(persona_id), 404))
