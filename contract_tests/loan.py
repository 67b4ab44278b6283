"""
The one persona that an account lends which may make none: its state is saved before it is touched, and restored.

The saved state stands in the journal before the first change, so that after a crash the next run restores it. What
could not be restored to the last value is not borrowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract_tests import item_lock, journal
from contract_tests.boundaries import to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Contract
from contract_tests.errors import Inconclusive, Refused, TargetError
from contract_tests.fence import path_of
from contract_tests.interruption import held_back
from contract_tests.saved_state import State, differing, restoring_body, state_in, unrestorable
from contract_tests.target import Api
from contract_tests.written_values import WrittenValues

# Requests held back: two readings and an update, and as much again for one that fails.
HELD_FOR_LOAN = 6
PAIR = frozenset({VOICE_FIELD, LANGUAGE_FIELD})


@contextmanager
def borrowed(api: Api, persona_id: str, contract: Contract, left: list[str]) -> Iterator[State]:
    """
    Lend a persona, and restore it afterwards.

    Its lock is taken first, and its state stands in the journal before it is lent.

    Args:
        api: An API that may change this persona, and has a journal.
        persona_id: Its id.
        contract: What the API is held to.
        left: Takes a sentence if the persona could not be restored.

    Raises:
        Refused: Another run has it, or it could not be restored.
        Inconclusive: No answer came.
    """
    notes, allowance = api.transport.means.journal, api.transport.means.allowance
    if not isinstance(notes, journal.Journal):
        raise Refused(f"persona {persona_id} is not borrowed without a journal")
    with item_lock.held(notes.path.parent, api.target.base_url, persona_id):
        require_free(notes.path.parent, api.target.base_url, persona_id)
        saved = lendable(api, persona_id, contract)
        _journal(notes, saved)
        allowance.hold(HELD_FOR_LOAN)
        try:
            yield saved
        finally:
            with held_back():
                problem = restored(api, saved, contract, api.transport.written)
                allowance.hold(-HELD_FOR_LOAN)
                if problem:
                    left.append(f"{problem}; {advice(notes.path)}")
                else:
                    notes.restored(persona_id)


def require_free(place: Path, base_url: str, persona_id: str) -> None:
    """
    Pass a persona that no run has to give back: its state would be saved wrongly.

    Raises:
        Refused: A journal says that one has.
    """
    for remains in journal.of_all_runs(place):
        is_lent = remains.lent is not None and remains.lent.get("id") == persona_id
        if is_lent and (not remains.base_url or item_lock.is_same_api(remains.base_url, base_url)):
            raise Refused(
                f"PERSONA_ID {persona_id} is lent to run {remains.run}, which has not given it back: while it runs, wait; "
                f"then make sweep with the address and the key of that run restores it, or {advice(remains.path)}"
            )


def lendable(api: Api, persona_id: str, contract: Contract) -> State:
    """
    Read a persona, and return its state if an update can bring back all of it.

    Raises:
        Refused: It cannot be read, or not be restored.
        Inconclusive: No answer came.
    """
    exchange = api.get(persona_id)
    if exchange.status != 200:
        raise Refused(f"persona {persona_id} cannot be read, so it is not borrowed: {exchange.received()}")
    try:
        state = state_in(exchange.body, persona_id)
    except ValueError as error:
        raise Refused(f"persona {persona_id} cannot be saved from what GET answers: {error}; not borrowed") from None
    problems = unrestorable(contract, state, api.target.api_key)
    if problems:
        told = "; ".join(f"{name} {problem}" for name, problem in problems.items())
        raise Refused(f"persona {persona_id} could not be restored: {told}; not borrowed, nothing was changed")
    return state


def rehearse(api: Api, saved: State, contract: Contract) -> None:
    """
    Send a borrowed persona its own state: who refuses it, or changes more by it than the time, cannot restore it.

    Raises:
        Refused: The API does.
        Inconclusive: No answer came.
    """
    body = restoring_body(contract, saved)
    exchange = api.update(saved["id"], to_json(body))
    if not exchange.was_accepted:
        raise Refused(
            f"persona {saved['id']} could not be restored: PATCH refuses the state that it has; not borrowed: {exchange.received()}"
        )
    changed = differing(saved, _state(api, saved["id"], puts_right=False))
    if changed:
        raise Refused(
            f"persona {saved['id']} could not be restored: an update with the state that it has changed {', '.join(changed)}"
        )


def restored(api: Api, saved: State, contract: Contract, written: WrittenValues | None) -> str:
    """
    Give a borrowed persona the state back that it was lent in, and read it to see that it has it.

    A field that shows what the run has neither sent nor read was changed by somebody else since, and is left alone.

    Args:
        api: An API that may change this persona.
        saved: Its state when it was borrowed.
        contract: What the API is held to.
        written: What the run has sent and read; None where nobody knows.

    Returns:
        Empty when every field reads as before; otherwise a sentence that says which do not.
    """
    wanted = restoring_body(contract, saved)
    try:
        shown = _state(api, saved["id"])
        changed = set(differing(wanted, shown, wanted))
        foreign = {name for name in changed if written is not None and not written.knows(name, shown.get(name))}
        foreign |= PAIR & changed if foreign & PAIR else frozenset()
        lost = changed & unrestorable(contract, saved, api.target.api_key).keys()
        kept = {name: value for name, value in wanted.items() if name not in foreign | lost}
        _write_back(api, saved["id"], changed & kept.keys(), kept)
        different = differing(saved, _state(api, saved["id"]) if changed else shown)
    except (Inconclusive, TargetError) as error:
        return f"persona {saved['id']} may not be as it was lent ({error})"
    others = f", of which somebody else has changed {', '.join(sorted(foreign))} since" if foreign else ""
    return f"persona {saved['id']} is not as it was lent: {', '.join(different)}{others}" if different else ""


def advice(path: Path) -> str:
    """Say what a person can do about a persona that was not restored."""
    return f"its state stands in {path}: put it right by hand, then remove that file"


def _journal(notes: journal.Journal, saved: State) -> None:
    try:
        notes.lent(saved)
    except OSError as error:
        raise Refused(f"JOURNAL {notes.path}: {error.strerror}; persona {saved['id']} is not borrowed") from None


def _state(api: Api, persona_id: str, *, puts_right: bool = True) -> State:
    """Read the persona, out of what was held back."""
    exchange = api.send("GET", path_of(persona_id), puts_right=puts_right)
    if exchange.status != 200:
        raise Inconclusive(f"GET answered {exchange.status}")
    try:
        return state_in(exchange.body, persona_id)
    except ValueError as error:
        raise Inconclusive(f"of the answer to GET: {error}") from None


def _write_back(api: Api, persona_id: str, names: set[str], wanted: State) -> None:
    """Send the saved values of some fields, together or else one by one."""
    if names and not _update(api, persona_id, names, wanted):
        for part in _parts(names):
            _update(api, persona_id, part, wanted)


def _update(api: Api, persona_id: str, names: set[str], wanted: State) -> bool:
    names = names | (PAIR & wanted.keys() if names & PAIR else frozenset())
    body = to_json({name: wanted[name] for name in names})
    return api.send("PATCH", path_of(persona_id), body=body, puts_right=True).was_accepted


def _parts(names: set[str]) -> list[set[str]]:
    """Split an update into its smallest parts: one value that the API refuses now must not hold back the others."""
    single = [{name} for name in sorted(names - PAIR)]
    return [*single, names & PAIR] if names & PAIR else single
