"""Faults of two and more fields together: in combination, and by the rules across fields."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product
from typing import Any, TypeAlias

from contract_tests.generation.boundaries import boundaries
from contract_tests.mock_api.rules import names_in
from contract_tests.spec.extensions import Constraint
from contract_tests.spec.field import Field

from .. import seams
from ..fault import CRUD, Apply, Fault, Planted, fault, generator
from ..scene import Body, Scene, first, needed
from ..seams import Api, Fields, Item, Refusal, Update, by, curried
from ..usual import without
from ..witness import Witness

Judged = Callable[[Fields, Fields, Fields | None], Fields | None]
Found: TypeAlias = Iterator[tuple[str, str, Apply, Body]]
"""The name of a fault, its summary, what is planted, and an update that shows it."""

MOST_VALUES = 60


@generator
def faults_of_combinations(scene: Scene) -> Iterator[Fault]:
    """Yield what goes wrong only with several fields in one body."""
    if scene.contract.has(*CRUD) and scene.contract.promises_that("any_combination"):
        clause = scene.contract.pointer_of_promise("any_combination")
        for make in (_forgotten, _refused, _with_null, _swapped):
            for name, summary, apply, body in make(scene):
                yield Fault(name, "combinations", summary, clause, apply, scene.shows(body))


def _storing(change: Callable[[Fields], Fields]) -> Apply:
    return lambda api: seams.store_update_as(api, change)


def _refusing(is_refused: Callable[[Fields], bool]) -> Apply:
    return lambda api: seams.refuse_body(api, is_refused)


def _forgotten(scene: Scene) -> Found:
    body = scene.change(*scene.fields.values())
    most = min(5, len(body) // 2)
    if most:
        summary = "Stores the first five fields of a body, or half of them where there are fewer, and forgets the rest."
        yield "last_fields_forgotten", summary, _storing(lambda fields: dict(list(fields.items())[:most])), body
    numbers = [tried for tried in scene.changing if tried in scene.numbers][:2]
    summary = "Stores only the first of two numbers where both are sent."
    yield from _last_forgotten(scene, "second_of_two_numbers_forgotten", summary, numbers, 2)
    summary = "Forgets the last of three fields where all three are sent."
    yield from _last_forgotten(scene, "third_of_three_forgotten", summary, scene.changing[-3:], 3)
    others = [tried for tried in scene.fields.values() if tried not in scene.clearing[-1:]]
    body = scene.change(*others)
    if scene.clearing and not scene.is_put and len(body) == len(others):
        reset = lambda sent: {**sent, scene.clearing[-1].name: None} if {*sent} == {*body} else sent
        summary = "Clears a field where all others are sent."
        yield "field_left_out_of_a_whole_body_cleared", summary, _storing(reset), body


def _last_forgotten(scene: Scene, name: str, summary: str, fields: Sequence[Field], number: int) -> Found:
    names = [tried.name for tried in fields]
    body = scene.change(*fields)
    forget = lambda sent: without(sent, names[-1]) if {*names} <= sent.keys() else sent
    if len(names) == number and {*names} <= body.keys():
        yield name, summary, _storing(forget), body


def _refused(scene: Scene) -> Found:
    body = scene.change(*scene.fields.values())
    if len(body) >= max(2, len(scene.fields)):
        is_full = _refusing(lambda sent: len(sent) >= len(scene.fields))
        yield "every_field_at_once_refused", "Refuses a body that has all fields.", is_full, body
    if len(scene.bounded) > 1:
        one, two = scene.bounded[:2]
        upper = {tried.name: tried.schema["maximum"] for tried in (one, two)}
        summary, is_upper = "Refuses the greatest values of two numbers together.", lambda s: upper.items() <= s.items()
        yield "two_upper_limits_refused", summary, _refusing(is_upper), scene.lawful(upper)
        great, small = ((tried.schema["minimum"] + tried.schema["maximum"]) / 2 for tried in (one, two))

        def is_mixed(sent: Fields) -> bool:
            values = sent.get(one.name), sent.get(two.name)
            return all(map(seams.is_number, values)) and values[0] > great and values[1] < small

        body = scene.lawful({one.name: one.schema["maximum"], two.name: two.schema["minimum"]})
        summary = "Refuses a number in its upper half with another in its lower half, a rule that nothing documents."
        yield "great_number_with_a_small_one_refused", summary, _refusing(is_mixed), body


def _with_null(scene: Scene) -> Found:
    for sent, cleared in list(_resetting(scene))[:1]:
        body, summary = scene.change(sent), "Clears one field where another is sent without it."
        yield "one_field_resets_another", summary, _clearing(sent.name, cleared.name), body
        if not scene.is_put:
            body = {cleared.name: None, **body}
            change = _storing(lambda fields: {n: None for n, v in fields.items() if v is None} or fields)
            summary = "Carries out only the nulls of a body that has some."
            yield "values_beside_a_null_forgotten", summary, change, body
            change = _storing(lambda fields: {n: v for n, v in fields.items() if v is not None} or fields)
            summary = "Carries out a null only where nothing but nulls is sent."
            yield "nulls_beside_a_value_ignored", summary, change, body


def _resetting(scene: Scene) -> Iterator[tuple[Field, Field]]:
    """Yield pairs of fields, the first of which may change and the second be cleared, the enums first."""
    for cleared in sorted(scene.clearing, key=lambda tried: tried not in scene.enums):
        for sent in sorted(scene.changing, key=lambda tried: tried not in scene.enums):
            if sent != cleared and scene.rules.lawful(scene.item, {**scene.change(sent), cleared.name: None}):
                yield sent, cleared


def _clearing(sent: str, cleared: str) -> Apply:
    return _storing(lambda fields: {cleared: None, **fields} if sent in fields else fields)


def _swapped(scene: Scene) -> Found:
    if len(scene.texts) > 1:
        first, second = scene.texts[:2]

        def swap(fields: Fields) -> Fields:
            one, other = fields.get(first.name), fields.get(second.name)
            is_text = isinstance(one, str) and isinstance(other, str) and "" not in (one, other)
            fits = is_text and scene.contract.accepts_value(first, other) and scene.contract.accepts_value(second, one)
            return {**fields, first.name: other, second.name: one} if fits else fields

        summary = "Swaps two texts where both are sent and valid in the other's place."
        body = scene.lawful({first.name: "Renamed", second.name: "Ask once."})
        yield "two_texts_swapped", summary, _storing(swap), body


@fault("combinations", "idempotent_update")
def same_update_twice_refused(scene: Scene) -> Planted:
    """Refuses an update that changes nothing."""
    body = scene.change(first(scene.changing))

    @by(seams.wrap, "resource.store.update")
    def apply(api: Api, right: Update, item_id: str, changes: Fields) -> Item:
        before = api.resource.store.find(item_id)
        after = right(item_id, changes)
        if changes and after is before:
            raise Refusal(400, "The update changes nothing.")
        return after

    return Planted(apply, scene.shows(body, body))


@fault("combinations", "any_combination")
def empty_update_refused(scene: Scene) -> Planted:
    """Refuses an empty object."""
    needed(scene.contract.accepts("update", {}))
    return Planted(_refusing(lambda body: not body), (scene.update("{}"),))


# -- Rules across fields ----------------------------------------------------------------------------------------------


@generator
def faults_of_rules(scene: Scene) -> Iterator[Fault]:
    """Yield the faults of each rule across fields."""
    for number, rule in enumerate(scene.contract.constraints if scene.contract.has(*CRUD) else (), 1):
        breaks = _breaks(scene, rule)
        bodies = [{**base, **body} for base, body in breaks]
        broken = [body for body in bodies if scene.contract.accepts("create", body) and not rule.is_met(body)]
        created = [(scene.create(body),) for body in broken]
        shown = [_broken(scene, *each) for each in breaks]
        alone = [_broken(scene, *each) for each in breaks if rule.is_met(each[1])]
        for group, defect, summary, judged, witnesses in (
            ("cross_field", "ignored", "Ignores the rule", lambda fields, sent, stored: None, shown),
            ("cross_field", "checked_before_the_update", "Holds the item as it was before the update to the rule",
             lambda fields, sent, stored: fields if stored is None else stored, shown),
            ("cross_field", "checked_for_what_is_sent", "Holds only what is sent to the rule",
             lambda fields, sent, stored: sent, alone),
            ("creation", "ignored_by_create", "Ignores in a create the rule",
             lambda fields, sent, stored: None if stored is None else fields, created),
        ):  # fmt: skip
            for witness in witnesses[:1]:
                summary, apply = f"{summary}: {rule.title.rstrip('.')}.", _judging(rule, judged)
                yield Fault(f"rule_{number}_{defect}", group, summary, rule.pointer, apply, witness)


def _broken(scene: Scene, base: Body, body: Body) -> Witness:
    return (scene.create(base), scene.update(body, "{new}"), scene.read("{new}"))


def _breaks(scene: Scene, rule: Constraint) -> list[tuple[Body, Body]]:
    """Find items, and updates of them that break a rule and no other: of one field and of two."""
    names = [name for name in scene.fields if name in set(names_in(scene.contract.at(rule.pointer)))]
    others = [name for name in scene.fields if name not in names]
    values = {name: _values(scene, name) for name in [*names, *others[:1]]}
    bodies = [{name: value} for name, some in values.items() for value in some]
    for one, two in combinations(names, 2):
        bodies += [{one: a, two: b} for a, b in product(values[one], values[two])]
    found: list[tuple[Body, Body]] = []
    for base in (scene.item, scene.smallest, *_without(scene, names)):
        found += [(base, body) for body in bodies if _is_broken_alone(scene, rule, base, body)]
        if len(found) > MOST_VALUES:
            break
    return sorted(found, key=lambda each: len(each[1]))[: 10 * MOST_VALUES]


def _is_broken_alone(scene: Scene, rule: Constraint, base: Body, body: Body) -> bool:
    whole = {**{n: v for n, v in base.items() if n in scene.fields}, **body} if scene.is_put else body
    is_broken = scene.rules.broken(base, whole) == [rule] and scene.contract.accepts("update", whole)
    return is_broken and not scene.values.wrong({**base, **body})


def _without(scene: Scene, names: list[str]) -> list[Body]:
    """Return the fullest item without one of some fields, where it may be left out."""
    bodies = [{n: v for n, v in scene.item.items() if n != name} for name in names]
    return [body for body in bodies if scene.contract.accepts("create", body) and scene.rules.lawful({}, body)]


def _values(scene: Scene, name: str) -> list[Any]:
    tried = scene.fields[name]
    found = [value.value for value in boundaries(scene.contract, tried) if value.accepted and value.is_readable]
    texts = {json.dumps(value): value for value in (*scene.good(tried), *found)}
    return [value for text, value in texts.items() if len(text) < 500][:MOST_VALUES]


@curried
def _judging(rule: Constraint, judged: Judged, api: Api) -> None:
    """
    Hold to a rule what *judged* returns instead of the item; None for nothing.

    It is told the item as it would be, what was sent, and the item as it is; None for that in a create.
    """
    stored: list[Fields] = []
    held: list[Fields] = []

    def note(item: Item, changes: Fields) -> Fields:
        stored[:] = [item.fields]
        return changes

    def check(right: Callable[[Fields, Fields], None], fields: Fields, sent: Fields) -> None:
        other = judged(fields, sent, stored.pop() if stored else None)
        held[:] = [] if other is None else [other]
        right(fields, sent)

    def broken(right: Callable[[Fields], list[Any]], fields: Fields) -> list[Any]:
        others = [each for each in right(fields) if each.title != rule.title]
        return others + [each for other in held for each in right(other) if each.title == rule.title]

    seams.wrap(api, "resource.rules.broken_constraints", broken)
    seams.wrap(api, "resource.store.check", check)
    seams.change_update(api, note)
