"""
The one persona that an account lends which may make none: its state is saved before it is touched, and restored.

The saved state stands in the journal, so that after a crash the next run restores it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from contract_tests.boundaries import to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD
from contract_tests.errors import Inconclusive, TargetError
from contract_tests.journal import Persona
from contract_tests.target import Api

# Requests held back: two readings and an update, and as much again for one that fails.
HELD_FOR_LOAN = 6
PAIR = frozenset({VOICE_FIELD, LANGUAGE_FIELD})


@contextmanager
def borrowed(api: Api, persona_id: str, names: Iterable[str], left: list[str]) -> Iterator[Persona]:
    """
    Lend a persona, and restore it afterwards.

    Args:
        api: An API that may change this persona.
        persona_id: Its id.
        names: The fields that an update may change.
        left: Takes a sentence if the persona could not be restored.

    Raises:
        TargetError: It cannot be read, so it is not touched.
        Inconclusive: No answer came, so it is not touched.
    """
    exchange = api.get(persona_id)
    if exchange.status != 200 or exchange.persona.get("id") != persona_id:
        raise TargetError(f"persona {persona_id} cannot be read, so it is not borrowed: {exchange.received()}")
    saved = exchange.persona
    journal, allowance = api.transport.means.journal, api.transport.means.allowance
    journal.lent(saved)
    allowance.hold(HELD_FOR_LOAN)
    try:
        yield saved
    finally:
        allowance.hold(-HELD_FOR_LOAN)
        problem = restored(api, saved, names)
        if problem:
            left.append(problem)
        else:
            journal.restored(persona_id)


def restored(api: Api, saved: Persona, names: Iterable[str]) -> str:
    """
    Give a borrowed persona the state back that it was lent in, and read it to see that it has it.

    Args:
        api: An API that may change this persona.
        saved: Its state when it was borrowed.
        names: The fields that an update may change.

    Returns:
        Empty when every field reads as before; otherwise a sentence that says which do not.
    """
    wanted = {name: saved.get(name) for name in names}
    try:
        changed = _changed(api, saved["id"], wanted)
        if changed and not _update(api, saved["id"], changed, wanted):
            for part in _parts(changed):
                _update(api, saved["id"], part, wanted)
        changed = changed and _changed(api, saved["id"], wanted)
    except Inconclusive as error:
        return f"persona {saved['id']} may not be as it was lent ({error})"
    return f"persona {saved['id']} is not as it was lent: {', '.join(sorted(changed))}" if changed else ""


def _changed(api: Api, persona_id: str, wanted: Persona) -> set[str]:
    """Return the fields that read otherwise than they should."""
    exchange = api.send("GET", f"/personas/{persona_id}", puts_right=True)
    if exchange.status != 200:
        raise Inconclusive(f"GET answered {exchange.status}")
    return {name for name, value in wanted.items() if exchange.persona.get(name) != value}


def _update(api: Api, persona_id: str, names: set[str], wanted: Persona) -> bool:
    names = names | (PAIR & wanted.keys() if names & PAIR else frozenset())
    body = to_json({name: wanted[name] for name in names})
    return api.send("PATCH", f"/personas/{persona_id}", body=body, puts_right=True).was_accepted


def _parts(names: set[str]) -> list[set[str]]:
    """Split an update into its smallest parts: one value that the API refuses now must not hold back the others."""
    single = [{name} for name in sorted(names - PAIR)]
    return [*single, names & PAIR] if names & PAIR else single
