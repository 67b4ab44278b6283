"""Faults of identity and times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ..app import Answer, Api, Request
from ..errors import Refusal
from ..rules import Fields
from ..store import TICK, Persona
from . import seams
from .fault import fault
from .seams import Operation
from .witness import get, listed, patch

TIMES = "#/x-decisions/times"
EXACT = "#/x-decisions/exact"
PERSONA = "#/components/schemas/Persona/properties"
CHANGE = patch({"wait_seconds": 1})

# -- Ids --------------------------------------------------------------------------------------------------------------


def _find_as(api: Api, is_match: Any) -> None:
    """Find a persona by a careless comparison of ids where the exact one finds none."""

    def find(persona_id: str) -> Persona:
        if persona_id in api.store.personas:
            return api.store.personas[persona_id]
        for known, persona in api.store.personas.items():
            if is_match(known, persona_id):
                return persona
        raise Refusal(404, "No persona has this id.")

    seams.replace(api.store, "find", find)


@fault("identity", EXACT, get("/personas/{swapped}"))
def id_in_any_case(api: Api) -> None:
    """Finds a persona by its id in any case."""
    _find_as(api, lambda known, sent: known.lower() == sent.lower())


@fault("identity", EXACT, get("/personas/{id}%20"))
def id_with_spaces(api: Api) -> None:
    """Finds a persona by its id with spaces around it."""
    _find_as(api, lambda known, sent: known == sent.strip())


@fault("identity", EXACT, get("/personas/{id}x"))
def id_cut_to_its_length(api: Api) -> None:
    """Reads only as many characters of an id as an id has."""
    _find_as(api, lambda known, sent: len(sent) > len(known) and sent.startswith(known))


@fault("identity", EXACT, get("/personas/0001WitnessPersonaAb"))
def id_by_its_beginning(api: Api) -> None:
    """Finds a persona by the beginning of its id."""
    _find_as(api, lambda known, sent: len(sent) > 7 and known.startswith(sent))


@fault("identity", f"{PERSONA}/resource_name/description", get(), CHANGE)
def resource_name_with_an_account(api: Api) -> None:
    """Puts the account in front of resource_name."""
    seams.show_as(api, lambda persona, shown: {**shown, "resource_name": f"accounts/1/personas/{persona.id}"})


@fault("identity", TIMES, CHANGE, get())
def id_answered_in_lower_case(api: Api) -> None:
    """Answers an update with the id in lower case."""
    _answer_update_with(api, lambda persona: {"id": persona.id.lower()})


@fault("identity", TIMES, patch({"id": "another"}), get("/personas/another"), get())
def body_changes_the_id(api: Api) -> None:
    """Takes a new id from the body of an update."""
    _take_from_body(api, "id", lambda persona, text: persona._replace(id=text))


@fault("identity", TIMES, patch({"create_time": "2001-02-03T04:05:06Z"}), get())
def body_changes_create_time(api: Api) -> None:
    """Takes a new create_time from the body of an update."""
    long_ago = timedelta(days=8_000)
    _take_from_body(api, "create_time", lambda persona, _: persona._replace(create_time=persona.create_time - long_ago))


# -- Times ------------------------------------------------------------------------------------------------------------


@fault("identity", TIMES, CHANGE, get())
def create_time_renewed_by_updates(api: Api) -> None:
    """Sets create_time anew with every update."""

    def update(before: Persona, changes: Fields) -> None:
        now = api.store.find(before.id)
        api.store.write(now._replace(create_time=now.last_change))

    seams.update_as(api, update)


@fault("identity", TIMES, CHANGE, get(), get())
def create_time_is_the_time_of_reading(api: Api) -> None:
    """Answers the present time as create_time where a persona is read."""

    async def run(request: Request, handle: Operation) -> Answer:
        persona = api.store.find(request.persona_id)
        return api.give(200, {"persona": {**api.show(persona), "create_time": api.store.now()}})

    seams.around(api, "getPersona", run)


@fault("identity", TIMES, CHANGE, patch({"wait_seconds": 2}), get())
def update_time_never_moves(api: Api) -> None:
    """Sets update_time with the first update and never again."""
    touch = api.store.touch
    seams.replace(api.store, "touch", lambda persona: persona.update_time or touch(persona))


@fault("identity", TIMES, CHANGE, get())
def update_time_stays_null(api: Api) -> None:
    """Leaves update_time null for ever."""
    seams.show_as(api, lambda persona, shown: {**shown, "update_time": None})


@fault("identity", TIMES, CHANGE, get())
def update_time_is_create_time(api: Api) -> None:
    """Answers create_time as update_time."""
    seams.show_as(api, lambda persona, shown: {**shown, "update_time": persona.create_time})


@fault("identity", TIMES, CHANGE, patch({"wait_seconds": 2}), get())
def update_time_moves_backwards(api: Api) -> None:
    """Counts update_time down instead of up."""
    second = timedelta(seconds=1)
    seams.replace(api.store, "touch", lambda persona: persona.last_change - second)


@fault("identity", TIMES, patch({"background_sound": "bus"}), patch({"wait_seconds": 1}), get())
def update_time_ignores_numbers(api: Api) -> None:
    """Does not move update_time where only a number is changed."""
    _touch_only_if(api, lambda before, changes: any(isinstance(value, str) for value in changes.values()))


@fault("identity", TIMES, patch({"wait_seconds": 1}), patch({"wait_seconds": None}), get())
def update_time_ignores_nulls(api: Api) -> None:
    """Does not move update_time where a field is only cleared."""
    _touch_only_if(api, lambda before, changes: any(value is not None for value in changes.values()))


@fault("identity", f"{PERSONA}/update_time/description", CHANGE, get(), get())
def update_time_moves_with_reading(api: Api) -> None:
    """Moves update_time when a persona is read."""

    async def run(request: Request, handle: Operation) -> Answer:
        persona = api.store.find(request.persona_id)
        api.store.write(persona._replace(update_time=api.store.touch(persona)))
        return await handle(request)

    seams.around(api, "getPersona", run)


@fault("identity", f"{PERSONA}/create_time/description", get(), CHANGE)
def times_without_a_zone(api: Api) -> None:
    """Answers times without a zone."""
    seams.show_as(api, lambda persona, shown: {n: _without_zone(v) for n, v in shown.items()})


@fault("identity", f"{PERSONA}/create_time/type", get(), CHANGE)
def times_as_numbers(api: Api) -> None:
    """Answers times as seconds since 1970."""
    seams.show_as(api, lambda persona, shown: {n: v.timestamp() if hasattr(v, "timestamp") else v for n, v in shown.items()})  # fmt: skip


@fault("identity", f"{PERSONA}/create_time/format", get(), CHANGE)
def times_with_a_space(api: Api) -> None:
    """Answers times as a database prints them, without T and with a short zone."""
    seams.show_as(api, lambda persona, shown: {n: _as_database(v) for n, v in shown.items()})


@fault("identity", TIMES, get(), CHANGE, listed())
def create_time_differs_between_answers(api: Api) -> None:
    """Answers create_time one hour later in the answer to an update than elsewhere."""
    _answer_update_with(api, lambda persona: {"create_time": persona.create_time + timedelta(hours=1)})


def _without_zone(value: Any) -> Any:
    return value.replace(tzinfo=None).isoformat() if hasattr(value, "tzinfo") else value


def _as_database(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S.%f+00") if hasattr(value, "strftime") else value


def _answer_update_with(api: Api, further: Any) -> None:
    async def run(request: Request, handle: Operation) -> Answer:
        await handle(request)
        persona = api.store.find(request.persona_id)
        return api.give(200, {"persona": {**api.show(persona), **further(persona)}})

    seams.around(api, "updatePersona", run)


def _touch_only_if(api: Api, is_worth_it: Any) -> None:
    """Keep update_time, once it is set, through updates that are not worth moving it."""

    def update(before: Persona, changes: Fields) -> None:
        if before.update_time is not None and not is_worth_it(before, changes):
            api.store.write(api.store.find(before.id)._replace(update_time=before.update_time))

    seams.update_as(api, update)


def _take_from_body(api: Api, name: str, change: Any) -> None:
    """Let a field that the contract does not name change what a persona is."""
    named = api.rules.named
    seams.replace(
        api.rules,
        "named",
        lambda operation, body: {**named(operation, body), **({name: body[name]} if name in body else {})},
    )
    merge = api.store.merge
    seams.replace(api.store, "merge", lambda fields, sent: merge(fields, {n: v for n, v in sent.items() if n != name}))

    def update(before: Persona, changes: Fields) -> None:
        if isinstance(changes.get(name), str):
            now = api.store.personas.pop(before.id)
            api.store.write(change(now, changes[name]))

    seams.update_as(api, update)


@fault("identity", f"{PERSONA}/update_time/description", CHANGE)
def update_time_counts_updates(api: Api) -> None:
    """Adds a microsecond to the time of the last change instead of telling when an update was made."""
    seams.replace(api.store, "touch", lambda persona: persona.last_change + TICK)


@fault("identity", TIMES, CHANGE, patch({}), get())
def update_time_reset_by_an_empty_update(api: Api) -> None:
    """Sets update_time back to the time of the creation on an update that changes nothing."""

    def update(before: Persona, changes: Fields) -> None:
        now = api.store.find(before.id)
        if not changes:
            api.store.write(now._replace(update_time=now.create_time))

    seams.update_as(api, update)
