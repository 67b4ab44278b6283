"""What was stored stays stored, and what was removed stays away, also when much has happened since."""

from __future__ import annotations

import time

from contract_tests.run import Run
from contract_tests.verdict import BROKEN, Finding, Judge, parse_time, require

TIMES = "#/components/schemas/Persona/properties"

# Long enough for a cache to expire or a replica to fall behind.
AGE_SECONDS = 6.0
MOST_READ = 5

# Clocks of one service that differ by more than this would tell nobody the time.
CLOCK_SECONDS = 2.5


def test_update_still_holds_later_in_the_run(run: Run) -> None:
    """#/x-decisions/concurrency: a read sees the last completed write, however long ago that was."""
    keepsake = run.keepsake
    before = keepsake.last
    time.sleep(max(AGE_SECONDS - (time.monotonic() - run.kept_since[0]), 0))
    cause = run.api.get(keepsake.persona_id)
    require(keepsake.unmoved(before, cause))


def test_removed_personas_stay_away(run: Run, judge: Judge) -> None:
    """#/x-decisions/deletion: after a DELETE, GET answers 404, however long ago that was."""
    if not run.api.ledger.removed:
        with run.persona():
            pass
    for persona_id in sorted(run.api.ledger.removed & set(run.api.ledger.made))[:MOST_READ]:
        require(judge.answer("getPersona", run.api.get(persona_id), 404))


def test_times_tell_when_it_happened(run: Run) -> None:
    """#/components/schemas/Persona/properties/update_time: as create_time: when it happened; between two of them lies the time that has passed here as well."""
    keepsake = run.keepsake
    time.sleep(max(AGE_SECONDS - (time.monotonic() - run.kept_since[0]), 0))
    since = parse_time(keepsake.last["update_time"])[0]
    least_seconds = time.monotonic() - run.kept_since[0]
    exchange = keepsake.accepts({"wait_seconds": 1.5 if keepsake.last.get("wait_seconds") != 1.5 else 0.5})
    with run.persona(name=run.api.new_name()) as fresh:  # a brief run would lend one that was made before
        told = {"update_time": keepsake.last["update_time"], "create_time": fresh.last["create_time"]}
    most_seconds = time.monotonic() - run.kept_since[0]
    found = []
    for name, text in told.items():
        moment, step = parse_time(text)
        slack = CLOCK_SECONDS + step.total_seconds()
        passed = (moment - since).total_seconds()
        if not least_seconds - slack <= passed <= most_seconds + slack:
            problem = f"{name} {text} is told {least_seconds:.1f} to {most_seconds:.1f} s after update_time {since}"
            found.append(Finding(BROKEN, problem, f"{name} is when it happened", f"{TIMES}/{name}", exchange))
    require(found)
