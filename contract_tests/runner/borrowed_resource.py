"""The one item of an account that may create none: its state is saved before it is changed, and restored."""

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract_tests.errors import Inconclusive, Refused, TargetError
from contract_tests.generation.boundaries import to_json
from contract_tests.runner import item_lock
from contract_tests.runner.configuration import Configuration
from contract_tests.runner.saved_state import State, differing, restoring_body, state_in, unrestorable
from contract_tests.runner.under_test import opened
from contract_tests.spec.contract import Contract
from contract_tests.transport import journal
from contract_tests.transport.interruption import held_back
from contract_tests.transport.leftovers import Borrowed
from contract_tests.transport.resource_shape import ItemId
from contract_tests.transport.target import Api
from contract_tests.transport.written_values import WrittenValues

# Requests held back: two readings and an update, and as much again for one that fails.
HELD_FOR_BORROWING = 6


@contextmanager
def borrowed(api: Api, item_id: ItemId, contract: Contract, left: list[str]) -> Iterator[State]:
    """
    Lend an item under its lock, and restore it afterwards; *left* takes a sentence if that fails. Refused where another
    run has it, or it could not be restored.
    """
    notes, budget = api.transport.limits.journal, api.transport.limits.budget
    if isinstance(notes, journal.NoJournal):
        raise Refused(f"item {item_id} is not borrowed without a journal")
    with item_lock.held(notes.path.parent, api.target.base_url, item_id):
        require_free(notes.path.parent, api.target.base_url, item_id)
        saved = borrowable_state(api, item_id, contract)
        notes.borrowed(item_id, saved)
        budget.hold(HELD_FOR_BORROWING)
        try:
            yield saved
        finally:
            with held_back():
                problem = restored(api, Borrowed(item_id, saved), contract, api.transport.written)
                budget.hold(-HELD_FOR_BORROWING)
                if problem:
                    left.append(f"{problem}; {advice(notes.path)}")
                else:
                    notes.note(restored=item_id)


def require_free(place: Path, base_url: str, item_id: ItemId) -> None:
    """Refuse an item that a run has not given back by its journal: its state would be saved wrongly."""
    for remains in journal.of_all_runs(place):
        if remains.borrowed is None or remains.borrowed.item_id != item_id:
            continue
        if not remains.base_url or item_lock.address(remains.base_url) == item_lock.address(base_url):
            raise Refused(
                f"ITEM_ID {item_id} is lent to run {remains.run}, which has not given it back: while it runs, wait; "
                f"then make sweep with the address and the key of that run restores it, or {advice(remains.path)}"
            )


def borrowable_state(api: Api, item_id: ItemId, contract: Contract) -> State:
    """Read an item, and return its state if an update can bring back all of it; Refused if not."""
    exchange = api.read(item_id)
    if not exchange.was_accepted:
        raise Refused(f"item {item_id} cannot be read, so it is not borrowed: {exchange.received()}")
    try:
        state = state_in(exchange.body, item_id, api.shape)
    except ValueError as error:
        raise Refused(f"item {item_id} cannot be saved from what GET answers: {error}; not borrowed") from None
    problems = unrestorable(contract, state, api.target.api_key)
    if problems:
        told = "; ".join(f"{name} {problem}" for name, problem in problems.items())
        raise Refused(f"item {item_id} could not be restored: {told}; not borrowed, nothing was changed")
    return state


def rehearse(api: Api, item_id: ItemId, saved: State, contract: Contract) -> None:
    """Send a borrowed item its own state: who refuses it, or changes more by it than the time, cannot restore it."""
    body = restoring_body(contract, saved)
    exchange = api.update(item_id, to_json(body))
    problem = f"item {item_id} could not be restored: an update"
    if not exchange.was_accepted:
        raise Refused(f"{problem} refuses the state that it has; not borrowed: {exchange.received()}")
    changed = differing(contract, saved, _state(api, item_id, puts_right=False))
    if changed:
        raise Refused(f"{problem} with the state that it has changed {', '.join(changed)}")


def restored(api: Api, borrowed_item: Borrowed, contract: Contract, written: WrittenValues | None) -> str:
    """
    Give a borrowed item its state back, and read whether it has it; a sentence says which fields do not. A field that
    shows what the run has neither sent nor read (*written*, None where nobody knows) was changed by somebody else
    since, and is left alone.
    """
    item_id, saved = borrowed_item.item_id, borrowed_item.state
    wanted = restoring_body(contract, saved)
    try:
        shown = _state(api, item_id)
        changed = set(differing(contract, wanted, shown, wanted))
        foreign = {name for name in changed if written is not None and not written.knows(name, shown.get(name))}
        for linked in linked_fields(contract):
            foreign |= linked & changed if foreign & linked else frozenset()
        lost = changed & unrestorable(contract, saved, api.target.api_key).keys()
        kept = {name: value for name, value in wanted.items() if name not in foreign | lost}
        names, groups = changed & kept.keys(), linked_fields(contract)
        if names and not _update(api, item_id, contract, names, kept, shown):
            # In its smallest parts: one value that the API refuses now must not hold back the others.
            alone = [{name} for name in sorted(names.difference(*groups))]
            for part in (*alone, *(names & group for group in groups if names & group)):
                _update(api, item_id, contract, part, kept, shown)
        different = differing(contract, saved, _state(api, item_id) if changed else shown)
    except (Inconclusive, TargetError) as error:
        return f"item {item_id} may not be as it was lent ({error})"
    others = f", of which somebody else has changed {', '.join(sorted(foreign))} since" if foreign else ""
    return f"item {item_id} is not as it was lent: {', '.join(different)}{others}" if different else ""


def advice(path: Path) -> str:
    """Say what a person can do about an item that was not restored."""
    return f"its state stands in {path}: put it right by hand, then remove that file"


def _state(api: Api, item_id: ItemId, *, puts_right: bool = True) -> State:
    exchange = api.send("GET", api.shape.path_of(item_id), puts_right=puts_right)
    if not exchange.was_accepted:
        raise Inconclusive(f"GET answered {exchange.status}")
    try:
        return state_in(exchange.body, item_id, api.shape)
    except ValueError as error:
        raise Inconclusive(f"of the answer to GET: {error}") from None


def linked_fields(contract: Contract) -> list[frozenset[str]]:
    """List the fields of an update that depend on each other, because the values of one go with those of another."""
    groups: list[frozenset[str]] = []
    for name, field in contract.fields("update").items():
        if field.values_from is not None and field.values_from.given:
            group = frozenset({name, *field.values_from.given})
            joined = [other for other in groups if other & group]
            groups = [other for other in groups if other not in joined] + [group.union(*joined)]
    return groups


def _update(api: Api, item_id: ItemId, contract: Contract, names: set[str], wanted: State, shown: State) -> bool:
    method = api.shape.methods["update"]
    others = restoring_body(contract, shown) if method == "PUT" else {}  # what a PUT leaves out may be lost
    whole = names.union(*(group for group in linked_fields(contract) if group & names))
    body = to_json({**others, **{name: wanted[name] for name in whole & wanted.keys()}})
    path = api.shape.path_of(item_id)
    return api.send(method, path, body=body, puts_right=True).was_accepted


def try_borrowing(settings: Configuration, sent: Counter[str]) -> None:
    """Borrow the item of ITEM_ID, if one is named, send it its own state, and give it back."""
    if settings.borrowed_id is None:
        return
    left: list[str] = []
    contract = settings.load_contract()
    with opened(settings, secrets.token_hex(4)) as api:
        assert api.borrowed_id is not None, "the configuration names it"
        try:
            with borrowed(api, api.borrowed_id, contract, left) as saved:
                rehearse(api, api.borrowed_id, saved, contract)
        except (Refused, Inconclusive) as error:
            left.insert(0, str(error))
            raise type(error)(". LEFT BEHIND: ".join(left)) from None
        finally:
            sent.update(api.created.requests)
    if left:
        raise Refused(f"LEFT BEHIND: {left[0]}")
