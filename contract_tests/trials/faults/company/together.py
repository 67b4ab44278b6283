"""Faults of two calls at a time, which need more than that: an equal name, a null, a refusal, a create, a removal."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from .. import seams
from ..fault import Planted, rows
from ..scene import Scene, first, needed
from ..seams import Answer, Api, Operation, Request
from ..state.concurrency import PAUSE_SECONDS
from ..usual import change, failed, two_fields, wrong
from ..witness import Step, Witness
from .calls import Call, Calls
from .plants import unstored

Meets = Callable[[Scene, Call, Call], bool]  # whether a call that is under way makes an update go wrong
Wrongly = Callable[[Api, Request, Operation], Awaitable[Answer]]
Shown = Callable[[Scene], tuple[Witness, Step, Step]]
"""Makes what comes before, the call that is under way, and the update."""


def _is_namesake(scene: Scene, other: Call, own: Call) -> bool:
    name = needed(scene.contract.run_name)
    names = other.before.get(name), own.before.get(name)
    return other.role == "update" and other.item_id != own.item_id and names[0] == names[1]


def _namesake(scene: Scene) -> tuple[Witness, Step, Step]:
    needed(scene.contract.run_name)
    return (scene.create(scene.item),), scene.update(change(scene), "{new}"), scene.update(change(scene))


def _clear(scene: Scene) -> tuple[Witness, Step, Step]:
    needed(not scene.is_put)
    _, own = two_fields(scene)
    able = (f.name for f in scene.clearing if f.name not in own and scene.rules.lawful(scene.item, {f.name: None}))
    return (), scene.update({first(able): None}), scene.update(own)


def _beside(step: Callable[[Scene], Step]) -> Shown:
    return lambda scene: ((), step(scene), scene.update(change(scene)))


def _removal(scene: Scene) -> Step:
    needed(scene.contract.has("remove"))
    return scene.remove("{other}")


# By the name: what is under way, when, the promise that is broken, and what shows it.
MEETINGS: dict[str, tuple[str, Meets, str, Shown]] = {
    "of_a_namesake": ("an item of the same name is updated", _is_namesake, "read_your_writes", _namesake),
    "beside_a_clear": (
        "a field of the item is cleared",
        lambda scene, other, own: other.item_id == own.item_id and None in other.brought.values(),
        "concurrent_updates", _clear),
    "beside_a_refusal": (
        "an update of another item is refused",
        lambda scene, other, own: other.role == "update" and other.is_refused and other.item_id != own.item_id,
        "read_your_writes", _beside(lambda scene: replace(wrong(scene), path=scene.path("update", "{other}")))),
    "beside_a_create": (
        "an item is made", lambda scene, other, own: other.role == "create", "read_your_writes",
        _beside(lambda scene: scene.create(scene.bystander))),
    "beside_a_removal": (
        "another item is removed", lambda scene, other, own: other.role == "remove", "read_your_writes",
        _beside(_removal)),
}  # fmt: skip


async def _failed(api: Api, request: Request, handle: Operation) -> Answer:
    await handle(request)
    return failed()  # type: ignore[no-any-return]


def _together(meets: Meets, shown: Shown, wrongly: Wrongly, scene: Scene) -> Planted:
    before, other, own = shown(scene)
    return Planted(partial(_plant, scene, meets, wrongly), (*before, (other, own), scene.read()))


def _plant(scene: Scene, meets: Meets, wrongly: Wrongly, api: Api) -> None:
    calls = Calls(api, PAUSE_SECONDS)

    async def run(request: Request, handle: Operation) -> Answer:
        if any(meets(scene, other, calls.now) for other in calls.others()):
            return await wrongly(api, request, handle)
        return await handle(request)

    seams.around(api, "update", run)
    calls.listen()


for _name, (_words, _meets, _promise, _shown) in MEETINGS.items():
    rows("company", (_promise,), {
        f"update_lost_{_name}": (f"Forgets an update while {_words}.", _meets, _shown, unstored),
        f"update_answered_500_{_name}": (f"Fails on an update while {_words}.", _meets, _shown, _failed),
    }, make=_together)  # fmt: skip
