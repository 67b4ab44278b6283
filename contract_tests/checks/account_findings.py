"""What a create and the account have shown beyond what was asked: items of others, doubles, items that nobody made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from contract_tests.checks.judge import BROKEN, Finding, require
from contract_tests.errors import Inconclusive
from contract_tests.transport.exchange import Exchange

if TYPE_CHECKING:
    from contract_tests.checks.item_under_test import Item, ItemUnderTest
    from contract_tests.checks.run import Run

ONE = "one create makes one item"
LISTED = "a list shows each item, in time, as a read does, and none that was removed"


def stolen(run: Run, exchange: Exchange) -> list[Finding]:
    """Find a create that answers with the id of an item which has another name than the one that was sent."""
    item_id = run.api.shape.id_of(exchange.item)
    if not exchange.was_accepted or item_id in run.api.created.made or not run.contract.has("read"):
        return []
    operation = run.contract.operation("create")
    problem = f"{operation.operation_id} answered with the id {item_id!r}, and a read shows another item there"
    return [Finding(BROKEN, problem, "the answer shows the item that was made", operation.pointer, exchange)]


def doubled(run: Run, exchange: Exchange, name: str) -> list[Finding]:
    """Find a create that made two items: look for its name, and take what is found for this run's own."""
    made = run.named(name)
    for item_id in made:
        run.api.transport.ownership.claim(item_id, name)
    first = run.api.shape.id_of(exchange.item)
    others = [item_id for item_id in made if item_id != first]
    if not others:
        return []
    for item_id in others:
        run.api.remove(item_id)
    problem = f"one create made {first} and {', '.join(map(str, others))}"
    return [run.judge.promised("create_stores_everything", problem, ONE, exchange)]


def listed_otherwise(
    run: Run, items: Sequence[ItemUnderTest], shown: Iterable[Item], page: Exchange, *, is_whole: bool = True
) -> list[Finding]:
    """Find what a list up to a page shows otherwise than reads have, what it leaves out if it *is_whole*, and what was removed."""
    judge, moving = run.judge, run.judge.reader.moving
    for item in items:  # the answer to a create may leave out what a read shows
        if any(item.last.get(name) is None for name in moving):
            item.read()
    listed = {run.api.shape.id_of(each): each for each in shown}
    known = {i.item_id: judge.reader.untouched(i.last) | {name: (i.last.get(name),) for name in moving} for i in items}
    found = [each for name in known.keys() & listed for each in judge.shows(page, listed[name], known[name], LISTED)]
    left_out = [name for name in known if name not in listed] if is_whole and run.is_last(page) else []
    problems = [f"{name} is not listed" for name in left_out]
    problems += [f"{name} was removed and is still listed" for name in listed if name in run.api.created.removed]
    return found + [judge.promised("list_shows_items", problem, LISTED, page) for problem in problems]


def require_own_account(run: Run) -> None:
    """
    Hold the API to what the account has shown: one item for each create, none for a refusal, none after removal.

    Raises:
        Violation: It happened each time, so it is the API's doing.
        Inconclusive: It happened now and then, so a gateway may have sent a request twice, or none.
    """
    created, promises = run.api.created, run.contract.promises_that
    doubles = f"{len(created.duplicates)} of {created.creates} creates made two items: {_named(created.duplicates)}"
    is_each = len(created.duplicates) > 1 and len(created.duplicates) >= created.creates
    if is_each and promises("create_stores_everything"):
        require([_surprise(run, doubles, ONE, "create_stores_everything")])
    if created.made_by_refusals and promises("atomic"):
        problem = f"refused creates made items: {_named(created.made_by_refusals)}"
        require([_surprise(run, problem, "a body that is refused changes nothing", "atomic")])
    if created.late and created.missed is not None and promises("read_your_writes"):
        missed = f"{len(created.late)} of {created.creates} new items were not shown by a read after their creation"
        if len(created.late) == 1 < created.creates:
            raise Inconclusive(missed)
        promise, seen = "a read sees the last completed write", run.api.exchange(created.missed)
        require([run.judge.promised("read_your_writes", missed, promise, seen, "late")])
    stayed = f"{len(created.not_removed)} items stayed though their removal was answered with success"
    if len(created.not_removed) > 1 and not created.removed & set(created.made) and promises("removed_is_gone"):
        require([_surprise(run, stayed, "after a removal the item is gone", "removed_is_gone")])
    if created.duplicates or created.not_removed:
        raise Inconclusive(doubles if created.duplicates else stayed)


def _named(ids: Iterable[object]) -> str:
    return ", ".join(map(str, islice(ids, 5)))


def _surprise(run: Run, problem: str, promise: str, name: str) -> Finding:
    """Tell of an item that nobody has asked for, with the page of the list that showed it."""
    assert run.api.created.evidence is not None, "what was found stood on some page"
    return run.judge.promised(name, problem, promise, run.api.exchange(run.api.created.evidence), "made")
