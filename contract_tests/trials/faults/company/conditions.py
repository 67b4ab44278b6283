"""The conditions: what a call is in company of, and the requests that bring it about."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from .. import seams
from ..scene import Body, is_text, needed
from ..scene import first as first_of
from ..seams import Fields, curried
from ..usual import change, in_turn, removal_of_another, unknown, wrong
from ..witness import Step, Witness
from .calls import Call, Calls
from .place import Place, is_limit, limits

LONG = 1_000
OFTEN = 4
_all: Callable[[Calls], Iterable[Call]] = lambda calls: reversed(calls.past)
ESCAPE = re.compile(rb"\\u00[2-7]")
EXPONENT = re.compile(rb"[0-9][eE]")


@dataclass(frozen=True)
class Telling:
    """The request that shows a fault, and those that come before it."""

    sent: Body | str
    before: Witness = ()
    target: str = "{id}"
    headers: dict[str, str] = field(default_factory=dict)


Holds = Callable[[Place, Calls], bool]
Met = Callable[[Place, Body], Telling]
Before = Callable[[Place], Step | Witness]


@dataclass(frozen=True)
class Condition:
    """When a fault shows."""

    name: str
    words: str  # what ends the sentence of a fault; `{other}` stands for the field that it means besides
    holds: Holds
    met: Met  # makes the requests, from a body that shows the fault where the condition holds
    role: str = "update"
    of_body: bool = False  # whether it lies in which fields the body has, and a PUT has them all
    unfit: frozenset[str] = frozenset()  # the deviations that cannot be seen then
    promises: tuple[str, ...] = ()


# -- What is sent -----------------------------------------------------------------------------------------------------


def _after(*steps: Before, target: str = "{id}") -> Met:
    def met(place: Place, body: Body) -> Telling:
        made = [step(place) for step in steps]
        return Telling(body, tuple(s for one in made for s in ((one,) if isinstance(one, Step) else one)), target)

    return met


@curried
def _with(number: int, place: Place, body: Body, *, is_first: bool = False) -> Telling:
    fields = [f for f in place.changing if f.name not in body][:number]
    needed(len(fields) == number)
    beside = place.scene.change(*fields)
    return Telling({**beside, **body} if is_first else {**body, **beside})


def _among_all(place: Place, body: Body) -> Telling:
    whole = place.scene.change(*place.scene.fields.values())
    needed(whole.keys() >= place.scene.fields.keys() - body.keys())
    return Telling({**whole, **body})


def _spelled(spell: Callable[[str, Body], str]) -> Met:
    return lambda place, body: Telling(spell(place.name, place.scene.whole(body)))


def _in_escapes(name: str, body: Body) -> str:
    return json.dumps(body).replace(f'"{name}":', f'"\\u{ord(name[0]):04x}{name[1:]}":')


def _with_exponent(name: str, body: Body) -> str:
    needed(seams.is_number(body[name]))
    return json.dumps(body).replace(json.dumps({name: body[name]})[1:-1], f'"{name}": {body[name]!r}e0')


def _in_a_long_text(place: Place, body: Body) -> Telling:
    value = body[place.name]
    needed(isinstance(value, str) and place.tried in place.scene.long_texts)
    return Telling({**body, place.name: "Ask. " * (LONG // 5) + value})


def _new(*before: Before, spell: Callable[[str, Body], str] | None = None) -> Met:
    def met(place: Place, body: Body) -> Telling:
        scene, known = place.scene, (place.scene.item, place.scene.bystander)
        needed(place.name in scene.contract.fields("create") and (before or spell or not _is_at_limit(place, *known)))
        whole = {**scene.item, **body}
        made = _after(*before, target="{new}")(place, whole)
        return replace(made, sent=spell(place.name, whole)) if spell else made

    return met


# -- What was sent before ---------------------------------------------------------------------------------------------


def _is_at_limit(place: Place, *items: Body) -> bool:
    return any(is_limit(place.tried, item.get(place.name)) for item in items)


def _null(place: Place) -> Step:
    needed(place.name in place.scene.item and place.tried.clears_on_null)
    needed(place.scene.rules.lawful(place.scene.item, {place.name: None}))
    return place.scene.update({place.name: None})


def _limit(place: Place) -> Step:
    scene = place.scene
    needed(not _is_at_limit(place, scene.item))
    value = first_of(value for value in limits(place.tried) if scene.contract.accepts_value(place.tried, value))
    return scene.update(scene.lawful({place.name: value}))


def _limit_beside(place: Place) -> Step:
    scene, accepts = place.scene, place.scene.contract.accepts_value
    needed(not any(is_limit(f, scene.item.get(f.name)) for f in place.changing))
    return scene.update(first_of({f.name: v} for f in place.changing for v in limits(f) if accepts(f, v)))


def _listed(place: Place) -> Step:
    needed(place.scene.contract.has("list"))
    return place.scene.list()


# -- What was the case ------------------------------------------------------------------------------------------------


def _now(is_so: Callable[[Place, Fields, Fields], bool]) -> Holds:
    """Judge the item as it was, and what is brought."""
    return lambda place, calls: is_so(place, calls.now.before, calls.now.brought)


def _last(which: Callable[[Calls], Iterable[Call]], is_so: Callable[[Call, Calls], bool]) -> Holds:
    """Judge the first of some calls, which are given the last first."""
    return lambda place, calls: any(is_so(call, calls) for call in islice(which(calls), 1))


def _spelling(pattern: re.Pattern[bytes]) -> Holds:
    return lambda place, calls: pattern.search(calls.now.raw) is not None


@curried
def _in_turn(kinds: list[str], place: Place, calls: Calls) -> bool:
    """Judge the last updates of the item that brought the field, or were refused, by their kinds."""
    updates = (call for call in calls.updates() if call.is_refused or place.name in call.brought)
    found = ["refused" if c.is_refused else "clear" if c.brought[place.name] is None else "set" for c in updates]
    return found[: len(kinds)] == kinds[::-1]


def _is_refused_create(call: Call, calls: Calls) -> bool:
    return call.role == "create" and call.is_refused


def _is_namesake(place: Place, calls: Calls) -> bool:
    name = needed(place.scene.contract.run_name)
    items, own = calls.api.resource.store.items.values(), calls.now.before.get(name)
    return own is not None and any(i.fields.get(name) == own and i.id != calls.now.item_id for i in items)


def _is_bare(place: Place, calls: Calls) -> bool:
    names = {f.name for f in place.scene.clearing} - {place.name}
    was = calls.now.before
    return len(names) > 1 and bool(was) and all(was.get(n) is None and n not in calls.now.brought for n in names)


def _bared(place: Place) -> Step:
    scene, names = place.scene, [f.name for f in place.scene.clearing if f.name != place.name]
    needed(len(names) > 1 and place.name in scene.item and scene.rules.lawful(scene.item, dict.fromkeys(names)))
    return scene.update(dict.fromkeys(names))


def _elsewhere(place: Place) -> Step:
    needed(place.scene.contract.operation("update").names(404))
    return place.scene.update(change(place.scene), unknown(place.scene))


def _is_after_a_create(place: Place, calls: Calls) -> bool:
    last = calls.writes()[:1]
    return bool(calls.updates()) and any(call.role == "create" and not call.is_refused for call in last)


def _long_name(place: Place) -> tuple[str, str]:
    name = needed(place.scene.contract.run_name)
    tried = place.scene.contract.fields("create")[name]
    needed(name != place.name and is_text(tried) and "maxLength" in tried.schema)
    return name, "n" * int(tried.schema["maxLength"])


def _has_a_long_name(place: Place, calls: Calls) -> bool:
    name, longest = _long_name(place)
    return len(str(calls.now.brought.get(name))) == len(longest)


def _of_a_long_name(place: Place, body: Body) -> Telling:
    name, longest = _long_name(place)
    needed(place.name in place.scene.contract.fields("create"))
    return Telling({**place.scene.item, **body, name: longest}, target="{new}")


# What is not seen where the field, or a field beside it, is not set; and where the item has the value already.
_REFUSED: Before = lambda place: wrong(place.scene)
_NULL_BESIDE: Before = lambda place: place.scene.update({place.other: None})
_REFUSED_CREATE: Before = lambda place: place.scene.create("{}")

UNSET = frozenset({"null_ignored", "null_refused"})
BESIDE = frozenset({"clears_another"})
# What is seen by a read just before, which would then be the last call.
DATED = frozenset({"time_stays", "wrong_moves_time"})
EVERY_VALUE = frozenset({"answered_500", "refused", "first_stored"})
TWICE = frozenset({
    "rounded", "of_15_digits", "first_stored", "update_lost", "lost", "not_stored", "read_stale", "list_stale",
    "reaches_another", "null_clears", "null_ignored", "time_stays", "cached",
}) | BESIDE  # fmt: skip

CONDITIONS = (
    Condition("from_unset", "where it was not set",
              _now(lambda place, was, sent: bool(was) and was.get(place.name) is None), _after(_null), unfit=UNSET),
    Condition("from_a_limit", "where it was at a limit",
              _now(lambda place, was, sent: is_limit(place.tried, was.get(place.name))), _after(_limit), unfit=frozenset({"reaches_another"})),
    Condition("beside_unset", "where {other} is not set",
              _now(lambda place, was, sent: bool(was) and was.get(place.other) is None and place.other not in sent),
              _after(_NULL_BESIDE), unfit=BESIDE),
    Condition("beside_a_limit", "where another field is at a limit",
              _now(lambda place, was, sent: any(
                  f.name not in sent and is_limit(f, was.get(f.name)) for f in place.changing)), _after(_limit_beside)),
    Condition("after_four_changes", "where the item was changed four times before",
              lambda place, calls: calls.now.version > OFTEN,
              _after(lambda place: tuple(map(place.scene.update, in_turn(place.scene, OFTEN))))),
    Condition("not_first", "where another field comes first",
              _now(lambda place, was, sent: next(iter(sent)) != place.name), _with(1, is_first=True), of_body=True,
              unfit=frozenset({"part_stored"})),
    Condition("not_last", "where another field comes last",
              _now(lambda place, was, sent: [*sent][-1] != place.name), _with(1), of_body=True),
    Condition("beside_null", "where another field is null",
              _now(lambda place, was, sent: None in [v for n, v in sent.items() if n != place.name]),
              lambda place, body: Telling({**body, first_of(f.name for f in place.clearing if f.name not in body): None}),
              of_body=True, unfit=BESIDE),
    Condition("among_four", "where four fields or more are sent", _now(lambda place, was, sent: len(sent) > 3),
              _with(3), of_body=True, unfit=BESIDE),
    Condition("among_all", "where every field is sent",
              _now(lambda place, was, sent: sent.keys() >= place.scene.fields.keys()), _among_all,
              of_body=True, unfit=BESIDE),
    Condition("after_refused", "after an update that was refused",
              _last(Calls.updates, lambda call, calls: call.is_refused), _after(_REFUSED)),
    Condition("after_a_clear", "after an update that cleared a field",
              _last(Calls.updates, lambda call, calls: not call.is_refused and None in call.brought.values()),
              _after(_NULL_BESIDE), unfit=BESIDE),
    Condition("twice", "where the same update was sent just before",
              _last(Calls.updates, lambda call, calls: call.body == calls.now.body),
              lambda place, body: Telling(body, (place.scene.update(body),)), unfit=TWICE),
    Condition("after_a_removal", "after the removal of another item", _last(Calls.writes, lambda call, calls: call.role == "remove" and not call.is_refused),
              _after(lambda place: removal_of_another(place.scene))),
    Condition("after_another_update", "after an update of another item",
              _last(Calls.writes, lambda call, calls: call.role == "update" and call.item_id != calls.now.item_id),
              _after(lambda place: place.scene.update(change(place.scene), "{other}"))),
    Condition("after_a_list", "after a list", _last(_all, lambda call, calls: call.role == "list"), _after(_listed)),
    Condition("in_escapes", "where a letter is written as an escape", _spelling(ESCAPE), _spelled(_in_escapes)),
    Condition("over_lines", "where the body is written over several lines", _spelling(re.compile(b"\n")),
              _spelled(lambda name, body: json.dumps(body, indent=2))),
    Condition("with_exponent", "where it is written with an exponent",
              lambda place, calls: _spelling(EXPONENT)(place, calls) and seams.is_number(calls.now.brought[place.name]),
              _spelled(_with_exponent), promises=("exact_numbers",)),
    Condition("with_charset", "where the media type names a charset",
              lambda place, calls: b"charset" in calls.now.content_type,
              lambda place, body: Telling(body, headers={"content_type": "application/json; charset=utf-8"}),
              promises=("strict_media_types",)),
    Condition("after_clear_and_set", "where it was cleared and set again", _in_turn(["clear", "set"]),
              _after(_null, lambda place: place.scene.update({place.name: place.scene.item[place.name]}))),
    Condition("after_two_refused", "after two updates that were refused", _in_turn(["refused", "refused"]),
              _after(_REFUSED, _REFUSED)),
    Condition("in_a_long_text", "within more than 1,000 characters",
              lambda place, calls: len(str(calls.now.brought[place.name])) > LONG, _in_a_long_text),
    Condition("beside_a_namesake", "where another item has the same name", _is_namesake,
              _after(lambda place: place.scene.create(place.scene.item)), unfit=frozenset({"reaches_another"})),
    Condition("on_a_bare_item", "where no other field is set that can be cleared", _is_bare, _after(_bared), unfit=BESIDE),
    Condition("after_a_clear_and_a_refusal", "where it was cleared, and then an update refused",
              _in_turn(["clear", "refused"]), _after(_null, _REFUSED), unfit=UNSET),
    Condition("after_what_is_no_json", "after a body that is no JSON",
              _last(_all, lambda call, calls: call.role == "update" and call.body is None),
              _after(lambda place: place.scene.update('{"')), unfit=DATED),
    Condition("after_an_unknown_item", "after an update of what is not there",
              _last(_all, lambda call, calls: call.role == "update" and not call.before), _after(_elsewhere), unfit=DATED),
    Condition("after_a_refused_create", "after a create that was refused", _last(Calls.writes, _is_refused_create),
              _after(_REFUSED_CREATE)),
    Condition("after_a_create", "after a create that follows an update", _is_after_a_create,
              _after(lambda place: tuple(map(place.scene.update, in_turn(place.scene, 2))),
                     lambda place: place.scene.create(place.scene.bystander)), unfit=frozenset({"reaches_another"})),
    Condition("in_a_create_of_a_long_name", "in a create of the longest name", _has_a_long_name, _of_a_long_name,
              "create"),
    Condition("in_a_create", "in a create", lambda place, calls: True, _new(), "create", unfit=EVERY_VALUE),
    Condition("in_a_create_after_a_refused_one", "in a create after one that was refused",
              _last(Calls.writes, _is_refused_create), _new(_REFUSED_CREATE), "create"),
    Condition("in_a_create_in_escapes", "in a create where a letter is written as an escape", _spelling(ESCAPE),
              _new(spell=_in_escapes), "create"),
)  # fmt: skip
