"""Faults that show only sometimes: in some requests, after some time, for some personas, with some values."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..app import Answer, Api, Request
from ..errors import Refusal
from ..rules import Fields
from ..store import Persona
from . import seams
from .fault import fault
from .seams import Operation
from .witness import Moment, get, patch, post

READ = "#/x-decisions/concurrency"
UPDATE = "#/paths/~1personas~1{persona_id}/patch/description"
OK = "#/paths/~1personas~1{persona_id}/patch/responses/200"
TIMES = "#/x-decisions/times"

MANY: tuple[Moment, ...] = tuple(patch({"wait_seconds": 0.5 + step / 64}) for step in range(24))
NEWCOMERS: tuple[Moment, ...] = tuple(
    post({"name": f"Newcomer {number}", "voice_name": "aria", "language_code": "en-US"}) for number in range(12)
)


def _lose(api: Api, is_lost: Any) -> None:
    """Answer an update as if it were stored and take it back where *is_lost* says so."""

    def update(before: Persona, changes: Fields) -> None:
        if is_lost(before, changes):
            api.store.write(before)

    seams.update_as(api, update)


@fault("sometimes", READ, *MANY, get())
def every_tenth_update_lost(api: Api) -> None:
    """Forgets every tenth update."""
    count = Counter[str]()

    def is_lost(before: Persona, changes: Fields) -> bool:
        count["updates"] += bool(changes)
        return count["updates"] % 10 == 0

    _lose(api, is_lost)


@fault("sometimes", OK, *MANY)
def every_tenth_update_answered_500(api: Api) -> None:
    """Fails on every tenth update."""
    count = Counter[str]()

    async def run(request: Request, handle: Operation) -> Answer:
        count["updates"] += 1
        if count["updates"] % 10 == 0:
            raise Refusal(500, "Something went wrong.")
        return await handle(request)

    seams.around(api, "updatePersona", run)


@fault("sometimes", READ, *[step for moment in MANY for step in (moment, get())])
def every_tenth_read_stale(api: Api) -> None:
    """Answers every tenth reading with the state before the last update."""
    count = Counter[str]()
    earlier: dict[str, Persona] = {}
    seams.update_as(api, lambda before, changes: earlier.update({before.id: before}))

    async def run(request: Request, handle: Operation) -> Answer:
        count["readings"] += 1
        persona = api.store.find(request.persona_id)
        stale = earlier.get(persona.id, persona) if count["readings"] % 10 == 0 else persona
        return api.give(200, {"persona": api.show(stale)})

    seams.around(api, "getPersona", run)


@fault("sometimes", READ, *MANY, get())
def twenty_updates_at_most(api: Api) -> None:
    """Stores the first twenty updates of a persona and forgets all that follow."""
    count = Counter[str]()

    def is_lost(before: Persona, changes: Fields) -> bool:
        count[before.id] += bool(changes)
        return count[before.id] > 20

    _lose(api, is_lost)


@fault("sometimes", OK, *MANY)
def update_after_twenty_answered_500(api: Api) -> None:
    """Fails on every update of a persona after the twentieth."""
    count = Counter[str]()

    def update(before: Persona, changes: Fields) -> None:
        count[before.id] += 1
        if count[before.id] > 20:
            raise Refusal(500, "Something went wrong.")

    seams.update_as(api, update)


@fault("sometimes", READ, *NEWCOMERS, *[patch({"wait_seconds": 1}, f"/personas/{n:04d}WitnessPersonaAbCd") for n in range(1, 15)],
       *[get(f"/personas/{n:04d}WitnessPersonaAbCd") for n in range(1, 15)])  # fmt: skip
def every_eighth_persona_not_updated(api: Api) -> None:
    """Forgets the updates of every eighth persona, as if one shard could not be written."""
    made: dict[str, int] = {}
    create = api.store.create

    def remember(body: Fields) -> Persona:
        persona = create(body)
        made[persona.id] = len(made) + 1
        return persona

    seams.replace(api.store, "create", remember)
    _lose(api, lambda before, changes: made.get(before.id, 1) % 8 == 0)


@fault("sometimes", READ, patch({"wait_seconds": 1}), get())
def first_update_lost(api: Api) -> None:
    """Forgets the first update of a persona."""
    seen: set[str] = set()

    def is_lost(before: Persona, changes: Fields) -> bool:
        is_first = before.id not in seen
        seen.add(before.id)
        return is_first

    _lose(api, is_lost)


@fault("sometimes", READ, patch({"wait_seconds": 9}), patch({"wait_seconds": 1}), get())
def update_after_an_error_lost(api: Api) -> None:
    """Forgets the update that follows a refused one of the same persona."""
    failed: set[str] = set()

    async def run(request: Request, handle: Operation) -> Answer:
        try:
            answer = await handle(request)
        except Refusal:
            failed.add(request.persona_id)
            raise
        failed.discard(request.persona_id)
        return answer

    _lose(api, lambda before, changes: before.id in failed)
    seams.around(api, "updatePersona", run)


@fault("sometimes", OK, patch({"persona_prompt": "Say 100%"}), get())
def percent_at_the_end_answered_500(api: Api) -> None:
    """Fails on a text that ends in a percent sign."""
    _fail_on(api, lambda value: isinstance(value, str) and value.endswith("%"))


@fault("sometimes", "#/x-decisions/text", patch({"name": "\x00"}), get())
def nul_answered_500(api: Api) -> None:
    """Fails on a text with NUL, which its database does not take."""
    _fail_on(api, lambda value: isinstance(value, str) and "\x00" in value)


@fault("sometimes", "#/x-decisions/text", patch({"name": "smile 😀"}), get())
def emoji_in_the_name_answered_500(api: Api) -> None:
    """Fails on a name with a character beyond U+FFFF, which its column does not take."""
    _fail_on(api, lambda value: isinstance(value, str) and len(value) <= 200 and max(value, default="") > "\uffff")


@fault("sometimes", READ, patch({"wait_seconds": 1}), get())
def whole_seconds_forgotten(api: Api) -> None:
    """Does not store a wait of exactly 1 second, its default."""
    _lose(api, lambda before, changes: changes.get("wait_seconds") == 1)


@fault("sometimes", TIMES, *MANY, get())
def update_time_stops_after_five_updates(api: Api) -> None:
    """Does not move update_time after the fifth update of a persona."""
    count = Counter[str]()
    touch = api.store.touch

    def tired(persona: Persona) -> Any:
        count[persona.id] += 1
        return persona.update_time if count[persona.id] > 5 and persona.update_time else touch(persona)

    seams.replace(api.store, "touch", tired)


@fault("sometimes", UPDATE, *MANY, get())
def every_twelfth_update_clears_the_prompt(api: Api) -> None:
    """Clears the prompt with every twelfth update that does not send one."""
    count = Counter[str]()

    def update(before: Persona, changes: Fields) -> None:
        count["updates"] += 1
        if count["updates"] % 12 == 0 and "persona_prompt" not in changes:
            now = api.store.find(before.id)
            seams.write_fields(api, now, {n: v for n, v in now.fields.items() if n != "persona_prompt"})

    seams.update_as(api, update)


def _fail_on(api: Api, is_fatal: Any) -> None:
    """Fail where a valid body holds such a value."""

    def change(operation: str, fields: Fields) -> Fields:
        if any(is_fatal(value) for value in fields.values()):
            raise Refusal(500, "Something went wrong.")
        return fields

    seams.store_as(api, change)
