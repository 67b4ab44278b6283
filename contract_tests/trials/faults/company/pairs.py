"""Pairs deviations with conditions, so that every condition has its share; each pair is a fault."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from ..fault import CRUD, Fault, generator
from ..scene import NoPlace, Scene, first, needed
from ..seams import Api
from ..witness import Step, Witness
from .calls import Calls
from .conditions import CONDITIONS, Condition, Telling
from .deviations import DEVIATIONS, TIME, Deviation
from .place import Place

GROUP = "company"


def pairs(scene: Scene) -> Iterator[tuple[Fault, Witness]]:
    """Yield the faults, each with the requests of its deviation alone, which show nothing."""
    if not scene.contract.has(*CRUD):
        return
    used: Counter[str] = Counter()
    for number, deviation in enumerate(DEVIATIONS):
        if deviation.promise and not scene.contract.promises_that(deviation.promise):
            continue
        start = number * 7
        order = [*CONDITIONS[start % len(CONDITIONS) :], *CONDITIONS[: start % len(CONDITIONS)]]
        left = deviation.share
        for condition in sorted(order, key=lambda each: used[each.name]):
            with suppress(NoPlace):
                needed(left)
                yield _pair(scene, deviation, condition, number + left)
                used[condition.name] += 1
                left -= 1


generator(lambda scene: (fault for fault, _ in pairs(scene)))


def _pair(scene: Scene, deviation: Deviation, condition: Condition, number: int) -> tuple[Fault, Witness]:
    needed(deviation.name not in condition.unfit and (condition.role == "update" or deviation.in_create))
    needed(not (condition.of_body and scene.is_put))
    needed(all(map(scene.contract.promises_that, condition.promises)))
    fields = needed([*deviation.fields(scene)])
    start = number % len(fields)
    for tried in (*fields[start:], *fields[:start]):
        with suppress(NoPlace):
            return _planted(Place(scene, tried), deviation, condition)
    raise NoPlace


def _planted(place: Place, deviation: Deviation, condition: Condition) -> tuple[Fault, Witness]:
    scene, value = place.scene, deviation.value(place)
    beside = scene.change(needed(place.changing)[-1]) if deviation.beside else {}
    body = scene.lawful({**beside, place.name: value})
    telling = condition.met(place, body)
    words = {"field": place.name, "other": place.other if "{other}" in deviation.words + condition.words else ""}
    read = replace(place.scene.read(telling.target), headers=(("user-agent", "reader"),))
    apart = (read,) if deviation.is_read_apart else ()
    fault = Fault(
        f"{place.name}_{deviation.name}_{condition.name}", GROUP,
        f"{deviation.words}, {condition.words}.".format(**words), _clause(place, deviation),
        partial(_plant, place, deviation, condition),
        (*apart, *_before(scene, deviation, telling), _telling(scene, condition, telling), *apart, *_reads(place, telling.target)),
    )  # fmt: skip
    return fault, (scene.update(body), *_reads(place))


def _plant(place: Place, deviation: Deviation, condition: Condition, api: Api) -> None:
    calls = Calls(api)

    def holds() -> bool:
        is_brought = calls.now.role == condition.role and place.name in calls.now.brought
        return is_brought and condition.holds(place, calls)

    deviation.plant(api, place, holds)
    calls.listen()


def _before(scene: Scene, deviation: Deviation, telling: Telling) -> Witness:
    """Read the item where the time of its change is to be seen; a read that comes last stays last."""
    read = (scene.read(telling.target),) if deviation.clause == TIME else ()
    is_read_last = any(isinstance(step, Step) and step.method == "GET" for step in telling.before[-1:])
    return (*read, *telling.before) if is_read_last else (*telling.before, *read)


def _telling(scene: Scene, condition: Condition, telling: Telling) -> Step:
    if condition.role == "create":
        return scene.create(telling.sent, **telling.headers)
    return scene.update(telling.sent, telling.target, **telling.headers)


def _reads(place: Place, target: str = "{id}") -> Witness:
    scene = place.scene
    return (scene.read(target), scene.read("{new}"), *((scene.list(),) if scene.contract.has("list") else ()))


def _clause(place: Place, deviation: Deviation) -> str:
    contract = place.scene.contract
    if deviation.clause == TIME:
        return first(field.pointer for field in contract.server_fields.values() if field.changes == "on-update")
    if deviation.promise:
        return contract.pointer_of_promise(deviation.promise)
    return place.scene.clause(place.tried, deviation.clause)
