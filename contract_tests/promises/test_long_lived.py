"""What was updated early in the run is still there when it has come far, and what was removed stays away."""

import time

from contract_tests.checks.conditions import needs
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import BROKEN, Finding, Judge, parse_time, require
from contract_tests.checks.readings import Reader
from contract_tests.checks.run import Run
from contract_tests.checks.selections import birth_time, changeable_fields
from contract_tests.checks.updates import another_value
from contract_tests.spec.contract import Contract
from contract_tests.transport.resource_shape import ItemId

MOST_READ = 3
# Long enough for a cache to expire or a replica to fall behind.
AGE_SECONDS = 6.0
# Clocks of one service that differ by more than this would tell nobody the time.
CLOCK_SECONDS = 2.5


def _aged(run: Run) -> ItemUnderTest:
    """Return the item that test_update_rules has updated, once that is long enough ago."""
    old = run.long_lived
    time.sleep(max(AGE_SECONDS - (time.monotonic() - run.kept_since[0]), 0))
    return old


@needs("create", "read", "update", "read_your_writes")
def test_update_still_holds_later_in_the_run(run: Run) -> None:
    """x-promises/read_your_writes: a read shows the last completed write, however long ago that was."""
    old = _aged(run)
    before = old.last
    require(old.unmoved(before, run.api.read(old.item_id), "read_your_writes"))


@needs("create", "read", "remove", "removed_is_gone")
def test_removed_items_stay_away(run: Run, judge: Judge) -> None:
    """x-promises/removed_is_gone: after a removal, a read answers 404, however long ago that was."""
    earlier = sorted(run.api.created.removed & set(run.api.created.made), key=str)[:MOST_READ]
    last: list[ItemId] = []
    if run.is_brief or not earlier:
        with run.item() as item:  # a brief run lends one that many updates were sent to
            run.remove(item.item_id)
            last.append(item.item_id)
    if not earlier:
        time.sleep(AGE_SECONDS)
    for item_id in last + earlier:
        require(judge.answer("read", run.api.read(item_id), 404))


def _changed_time(contract: Contract) -> str | None:
    moving = Reader(contract).moving_times
    return moving[0] if len(moving) == 1 else None


@needs("create", "read", "update", _changed_time, changeable_fields)
def test_times_tell_when_it_happened(run: Run, judge: Judge) -> None:
    """update, x-changes on-update: a time tells when it happened; between two of them lies the time that has passed here as well."""
    old, changed = _aged(run), str(_changed_time(run.contract))
    since = parse_time(_set(run, old, changed))[0]
    least_seconds = time.monotonic() - run.kept_since[0]
    exchange = old.accepts(another_value(old, changeable_fields(run.contract)[0]))
    fresh = run.create()  # a brief run would lend one that was made before
    told, birth = {changed: _set(run, old, changed)}, birth_time(run.contract)
    if birth is not None and fresh.last.get(birth) is not None:
        told[birth] = fresh.last[birth]
    most_seconds = time.monotonic() - run.kept_since[0]
    found = []
    for name, text in told.items():
        moment, step = parse_time(text)
        slack = CLOCK_SECONDS + step.total_seconds()
        passed = (moment - since).total_seconds()
        if not least_seconds - slack <= passed <= most_seconds + slack:
            problem = f"{name} {text} is told {least_seconds:.1f} to {most_seconds:.1f} s after {changed} {since}"
            found.append(Finding(BROKEN, problem, f"{name} is when it happened", judge.clause_of(name), exchange))
    require(found)


def _set(run: Run, item: ItemUnderTest, name: str) -> str:
    """Return the time of the last update, which is set after one."""
    if item.last.get(name) is None:
        exchange, problem = run.api.read(item.item_id), f"{name} is null or missing after an update"
        require([Finding(BROKEN, problem, f"{name} moves with each update", run.judge.clause_of(name), exchange)])
    return str(item.last[name])
