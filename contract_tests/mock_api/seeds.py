"""The personas that exist at the start: those of a seed file, or two that are built in."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .contract import Contract
from .documents import read_document
from .errors import Refusal, StartError
from .rules import Fields, Rules
from .store import MAX_PERSONAS, Persona, Store

SECOND_PERSONA = {
    "id": "7KqWm2ZtXc9RbLd4VyHs6N",
    "name": "Impatient Traveller",
    "create_time": "2025-02-03T08:15:30.250000Z",
    "persona_prompt": "You missed your flight and want a new one at once.",
    "voice_name": "callum",
    "language_code": "en-GB",
    "background_sound": "airport",
    "conversation_initiation": "wait_for_user",
}


def built_in_personas(contract: Contract) -> list[Fields]:
    """Return the persona of the published reference, which openapi.yaml holds as an example, and another one."""
    example = contract.example("getPersona", status=contract.operations["getPersona"].success)
    return [*([example["persona"]] if example else []), SECOND_PERSONA]


def read_seeds(file: Path, rules: Rules) -> list[Fields]:
    """
    Read a list of personas, as createPersona takes them or as an answer shows them.

    Args:
        file: JSON or YAML: a list, or an object with the list as `personas`, as listPersonas answers.
        rules: What each must obey.

    Raises:
        StartError: With the file, the persona and field, and what to do there.
    """
    document = read_document(file)
    seeds = document.get("personas") if isinstance(document, dict) else document
    if not isinstance(seeds, list):
        raise StartError(f"{file}: holds no list of personas; write a list, or an object with a list as personas")
    for position, seed in enumerate(seeds):
        _check_seed(f"{file}: persona {position + 1}", seed, rules)
    return seeds


def plant(store: Store, seeds: list[Fields], source: str) -> None:
    """
    Put *seeds* into *store*.

    Args:
        store: Where.
        seeds: Valid by the contract.
        source: What messages name.

    Raises:
        StartError: An id or a time that cannot be, an id that stands twice, or too many of them.
    """
    if len(seeds) > MAX_PERSONAS:
        raise StartError(f"{source}: holds {len(seeds)} personas; keep at most {MAX_PERSONAS}")
    for position, seed in enumerate(seeds):
        place = f"{source}: persona {position + 1}"
        try:
            persona = _persona(place, seed, store)
            store.check_voice(persona.fields, persona.fields)
            store.write(persona)
        except Refusal as refusal:
            raise StartError(_told(place, refusal.details, refusal.message)) from None


def _check_seed(place: str, seed: Any, rules: Rules) -> None:
    faults = rules.faults("createPersona", seed) or rules.faults("updatePersona", seed)
    if faults or not isinstance(seed, dict):
        raise StartError(_told(place, faults, "is no object; write one with the fields of createPersona"))


def _told(place: str, faults: list[dict[str, str]], otherwise: str) -> str:
    told = "; ".join(f"{each['field']}: {each['description']}" for each in faults)
    return f"{place}: {told} Correct it as openapi.yaml allows." if told else f"{place}: {otherwise}"


def _persona(place: str, seed: Fields, store: Store) -> Persona:
    named = {**store.rules.named("createPersona", seed), **store.rules.named("updatePersona", seed)}
    fields = {name: value for name, value in named.items() if value is not None}
    return Persona(
        id=_id(place, seed, store),
        fields=fields,
        create_time=_time(place, seed, "create_time") or store.now(),
        update_time=_time(place, seed, "update_time"),
        size=store.measure(fields),
    )


def _id(place: str, seed: Fields, store: Store) -> str:
    persona_id = seed.get("id", store.new_id())
    if not isinstance(persona_id, str) or not persona_id.isalnum() or not persona_id.isascii():
        raise StartError(f"{place}: id: {persona_id!r} is no id; write letters and digits, or leave it out")
    if persona_id in store.personas or persona_id == "voices":
        raise StartError(f"{place}: id: {persona_id} is taken; write another, or leave it out")
    return persona_id


def _time(place: str, seed: Fields, name: str) -> datetime | None:
    text = seed.get(name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        time = None
    if time is None or time.tzinfo is None:
        raise StartError(f"{place}: {name}: {text!r} is no RFC 3339 time; write one such as 2025-01-24T10:00:00Z")
    return time.astimezone(UTC)
