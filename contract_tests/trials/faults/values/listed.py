"""Faults of values that another operation lists, and of those that depend on another field."""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

from contract_tests.spec.field import Field

from .. import seams
from ..fault import CRUD, LAWFUL, Apply, Fault, OnField, Planted, fault, generator
from ..scene import Body, Scene, first, needed
from ..seams import Api, Fields, Item, Refusal, by, maker
from ..usual import without

Check = Callable[[Fields, Fields], None]
Judge = Callable[[Fields, Fields], bool]
Fits = Callable[[Any, Any, bool], bool]
Rule = Callable[[str, Any, Fields], bool]


@dataclass(frozen=True)
class Pair:
    """A field whose values depend on another field, and both in the item of the witness."""

    scene: Scene
    name: str  # the field whose values depend
    given: str  # the field that they depend on

    def fits(self, value: Any, given: Any) -> bool:
        """Say whether a value is listed for a value of the other field."""
        return self.name not in self.scene.values.wrong({**self.scene.item, self.given: given, self.name: value})

    @property
    def stored(self) -> tuple[Any, Any]:
        """The value of the item, and that of the other field."""
        return self.scene.item.get(self.name), self.scene.item.get(self.given)

    @cached_property
    def listed(self) -> list[Any]:
        """The values that are listed at all."""
        return self.scene.values.values(self.name)

    @cached_property
    def lawful(self) -> list[tuple[Any, Any]]:
        """The values, each with a value of the other field that it goes with."""
        others = self.scene.values.values(self.given)
        return [(value, other) for other, value in product(others, self.listed) if self.fits(value, other)]

    @cached_property
    def firsts(self) -> dict[str, Any]:
        """The first value that goes with each value of the other field, by its JSON."""
        return {json.dumps(other): value for value, other in self.lawful[::-1]}

    def is_later(self, value: Any, other: Any) -> bool:
        """Whether a value goes with that of the other field, and is not the first that does."""
        return self.fits(value, other) and self.firsts.get(json.dumps(other), value) != value

    def found(self, is_wanted: Callable[[Any, Any], bool]) -> list[tuple[Any, Any]]:
        """Return the first value, and value of the other field, that are wanted; none where there are none."""
        pairs = product(self.listed, self.scene.values.values(self.given))
        return [pair for pair in pairs if is_wanted(*pair)][:1]

    @cached_property
    def third(self) -> Body:
        """Another value of a field that depends on nothing; empty where the item has none such."""
        return next(({f.name: self.scene.other(f)} for f in self.scene.free if f.name in self.scene.item), {})

    def fault(self, defect: str, summary: str, apply: Apply, *bodies: Body) -> Fault:
        """Return a fault, shown by updates."""
        clause = self.scene.clause(self.scene.fields[self.name], "x-values-from")
        return Fault(f"{self.name}_{defect}", "cross_field", summary, clause, apply, self.scene.shows(*bodies))


@generator
def faults_of_pairs(scene: Scene) -> Iterator[Fault]:
    """Yield the faults of each field whose values depend on another; little can happen where both are always sent."""
    for tried in scene.dependent if scene.contract.has(*CRUD) and not scene.is_put else ():
        pair = Pair(scene, tried.name, next(iter(tried.values_from.given)) if tried.values_from else "")
        if {pair.name, pair.given} <= scene.item.keys():
            yield from _unchecked_pairs(pair)
            yield from _stored_decides(pair)
            yield from _moved_by_itself(pair)
            yield from _misjudged(pair)


def _unchecked_pairs(pair: Pair) -> Iterator[Fault]:
    name, given, (stored, other) = pair.name, pair.given, pair.stored
    for _, o in pair.found(lambda _, o: not pair.fits(stored, o)):
        apply = _unchecked(name, lambda fields, sent: sent.get(name) is None)
        summary = f"Accepts a new value of the field that {name} depends on, whatever {name} is stored."
        yield pair.fault("unchecked_with_another_given", summary, apply, {given: o})
        if pair.third and pair.scene.fields[name] in pair.scene.nullable and not pair.scene.fields[name].clears_on_null:
            apply = _unchecked(name, lambda fields, sent: len(sent) > 2 and sent.get(name, 0) is None and given in sent)
            summary = f"Does not check the field that {name} depends on where {name} is null and a third field is sent."
            body = {given: o, name: None, **pair.third}
            yield pair.fault("unchecked_beside_a_null_of_the_other", summary, apply, body)
    for v, _ in pair.found(lambda v, _: not pair.fits(v, other)):
        apply = _unchecked(name, lambda fields, sent: sent.get(given) is None and fields.get(name) in pair.listed)
        summary = f"Accepts any {name} that is listed at all, where it is sent alone."
        yield pair.fault("alone_unchecked", summary, apply, {name: v})
    for v, o in pair.found(lambda v, o: pair.fits(v, o) and not pair.fits(v, other)):
        what = "against what it depends on in the item that was written last"
        summary, apply = f"Checks {name}, where it is sent alone, {what}.", _against_the_last(pair)
        steps = (pair.scene.update({given: o, name: v}, "{other}"), pair.scene.update({name: v}))
        yield replace(pair.fault("checked_against_the_item_written_last", summary, apply), witness=steps)
    for v, o in pair.found(lambda v, o: o != other and not pair.fits(v, o)):
        apply = _unchecked(name, lambda fields, sent: sent.get(name) in pair.listed and sent.get(given) is not None)
        summary = f"Checks {name} and the field that it depends on each by itself where both are sent."
        yield pair.fault("and_what_it_depends_on_unchecked_together", summary, apply, {given: o, name: v})


@maker(seams.wrap, "resource.choices.check", memory=lambda api: {})
def _against_the_last(api: Api, pair: Pair, last: Body, rule: Check, fields: Fields, sent: Fields) -> None:
    is_alone = sent.get(pair.name) is not None and sent.get(pair.given) is None
    rule({**fields, **last} if is_alone else fields, sent)
    last.update({n: v for n, v in fields.items() if n == pair.given})


@maker(seams.wrap, "resource.choices.check")
def _unchecked(api: Api, name: str, is_unchecked: Judge, rule: Check, fields: Fields, sent: Fields) -> None:
    rule({**fields, name: None} if is_unchecked(fields, sent) else fields, sent)


def _stored_decides(pair: Pair) -> Iterator[Fault]:
    """Check a new value against a stored one, where both are new and neither goes with what is stored."""
    name, given, (stored, other) = pair.name, pair.given, pair.stored

    def is_beside(item: Fields, changes: Fields) -> bool:
        is_new = changes.get(given) is not None and given in item
        return is_new and not pair.fits(item.get(name), changes[given])

    def is_before(item: Fields, changes: Fields) -> bool:
        sent = [name for name, value in changes.items() if value is not None]
        is_first = {name, given} <= {*sent} and sent.index(name) < sent.index(given)
        return is_first and not pair.fits(changes[name], item.get(given))

    for v, o in pair.found(lambda v, o: pair.fits(v, o) and not pair.fits(v, other) and not pair.fits(stored, o)):
        summary = f"Checks the field that {name} depends on against the stored {name}, though the body brings another."
        yield pair.fault("stored_decides_over_sent", summary, _refused(given, is_beside), {given: o, name: v})
        summary = f"Checks {name} against the stored value that it depends on where it comes first in the body."
        defect = "before_what_it_depends_on_checked_against_the_stored"
        yield pair.fault(defect, summary, _refused(name, is_before), {name: v, given: o})
        summary = f"{summary[:-1]} and a third field is sent."
        is_among = lambda i, sent: len(sent) > 2 and is_before(i, sent)
        if pair.third:
            defect, body = "judged_by_the_stored_one_among_others", {name: v, given: o, **pair.third}
            yield pair.fault(defect, summary, _refused(name, is_among), body)


@maker(seams.change_update)
def _refused(api: Api, blamed: str, is_refused: Judge, item: Item, changes: Fields) -> Fields:
    if is_refused(item.fields, changes):
        raise Refusal(400, "A value is not listed.", [{"field": blamed, "description": "It is not listed."}])
    return changes


def _moved_by_itself(pair: Pair) -> Iterator[Fault]:
    """Change one of two fields where only the other is sent."""
    name, given, (stored, other) = pair.name, pair.given, pair.stored
    for _, o in pair.found(lambda _, o: not pair.fits(stored, o)):
        summary = f"Changes {name} by itself to a value that goes with the new value of the field that it depends on."
        yield pair.fault("follows_what_it_depends_on", summary, _following(pair, True), {given: o})
    for v, o in pair.found(pair.is_later):
        summary = f"Sets {name} anew with every value of the field that it depends on, also where the two go together."
        apply = _following(pair, False)
        yield pair.fault("reset_by_what_it_depends_on", summary, apply, {given: o, name: v}, {given: o})

    @by(seams.change_update)
    def moving(api: Api, item: Item, changes: Fields) -> Fields:
        others = [o for v, o in pair.lawful if v == changes.get(name)]
        is_alone = changes.get(name) is not None and changes.get(given) is None
        is_moved = is_alone and others and item.fields.get(given) not in others
        return {**changes, given: others[0]} if is_moved else changes

    for v, _ in pair.found(lambda v, o: pair.fits(v, o) and not pair.fits(v, other)):
        summary = f"Changes the field that {name} depends on to a value that goes with the new {name}."
        yield pair.fault("moves_what_it_depends_on", summary, moving, {name: v})


@maker(seams.change_update)
def _following(api: Api, pair: Pair, only_if_needed: bool, item: Item, changes: Fields) -> Fields:
    other = changes.get(pair.given)
    fitting = [value for value in pair.listed if pair.fits(value, other)]
    is_alone = other is not None and changes.get(pair.name) is None and bool(fitting)
    if not is_alone or (only_if_needed and item.fields.get(pair.name) in fitting):
        return changes
    return {**changes, pair.name: fitting[0]}


def _misjudged(pair: Pair) -> Iterator[Fault]:
    name = pair.name
    for v, o in pair.found(pair.is_later):
        summary = f"Accepts only the first {name} that is listed for the field that it depends on."
        fits = lambda value, other, is_right: is_right and not pair.is_later(value, other)
        yield pair.fault("only_the_first_accepted", summary, _fitting(pair, fits), {pair.given: o, name: v})

    def is_similar(value: Any, other: Any, is_right: bool = False) -> bool:
        starts = [v[:3] for v, o in pair.lawful if o == other and isinstance(v, str)]
        return is_right or (isinstance(value, str) and value[:3] in starts)

    other = pair.stored[1]
    for v in [v for v in pair.listed if is_similar(v, other) and not pair.fits(v, other)][:1]:
        summary = f"Accepts {name} that begins with the same three characters as one that goes with the other field."
        yield pair.fault("compared_by_its_first_characters", summary, _fitting(pair, is_similar), {name: v})
    if pair.scene.values.is_unlisted(name, ""):
        summary = f"Takes an empty {name} for one that is left out where the field that it depends on is sent."

        @by(seams.read_role_as, "update")
        def apply(api: Api, body: Fields) -> Fields:
            return without(body, name) if body.get(name) == "" and pair.given in body else body

        yield pair.fault("empty_ignored_beside_what_it_depends_on", summary, apply, {pair.given: other, name: ""})


@maker(seams.wrap, "resource.choices.fits")
def _fitting(api: Api, pair: Pair, fits: Fits, rule: Rule, name: str, value: Any, fields: Fields) -> bool:
    """Let *fits* say which values go together; it is told both, and what is right."""
    is_right = rule(name, value, fields)
    return fits(value, fields.get(pair.given), is_right) if name == pair.name else is_right


# -- A listed value by itself -----------------------------------------------------------------------------------------

Matches = Callable[[str, str], bool]  # whether a text is taken for one that is listed

# The defect, what the API does, what it takes for a listed text, and what is made of such a text to show it.
CASE: Matches = lambda text, listed: text.lower() == listed.lower()
CASES = (str.title, str.upper, str.lower)
READINGS: tuple[tuple[str, str, Matches, tuple[Callable[[str], str], ...]], ...] = (
    ("listed_in_any_case", "Compares {} with the listed values without case.", CASE, CASES),
    ("listed_by_its_beginning", "Accepts the first word of a listed {}.",
     lambda text, listed: text in (listed.partition("-")[0], listed[:-1]),
     (lambda text: text.partition("-")[0], lambda text: text[:-1])),
    ("listed_with_an_underscore", "Accepts an underscore for a dash in a listed {}.",
     lambda text, listed: text.replace("_", "-") == listed, (lambda text: text.replace("-", "_"),)),
)  # fmt: skip


@generator
def faults_of_listed_values(scene: Scene) -> Iterator[Fault]:
    """Yield the acceptance of values that nobody lists."""
    for tried in _listed(scene) if scene.contract.has(*CRUD) else ():
        on = OnField(scene, tried, "cross_field", scene.clause(tried, "x-values-from"))
        name, known = tried.name, scene.values.values(tried.name)
        is_unlisted = lambda fields, sent, name=name, known=known: fields.get(name) not in known
        summary, apply = f"Accepts {name} that nobody lists.", _unchecked(name, is_unlisted)
        yield from on.planted("unknown_accepted", summary, apply, scene.values.unknown(name))
        for defect, summary, matches, makes in READINGS:
            if defect != "listed_in_any_case" or not _is_open(tried):
                shown = _shown(scene, tried, matches, makes)
                yield from on.planted(defect, summary.format(name), _comparing(name, known, matches), *shown)


@fault(LAWFUL)
def listed_value_taken_in_any_case(scene: Scene) -> Planted:
    """Compares a field with the listed values without case, where the contract leaves that open."""
    tried = first(tried for tried in _listed(scene) if _is_open(tried))
    shown = needed(_shown(scene, tried, CASE, CASES))
    return Planted(_comparing(tried.name, scene.values.values(tried.name), CASE), scene.tries(tried, *shown))


def _listed(scene: Scene) -> list[Field]:
    return [tried for tried in scene.listed if tried.name in scene.item and scene.values.values(tried.name)]


def _is_open(tried: Field) -> bool:
    return tried.values_from is not None and tried.values_from.any_case


def _shown(scene: Scene, tried: Field, matches: Matches, makes: Iterable[Callable[[str], str]]) -> list[str]:
    """Return a text that is valid and not listed, and that is taken for the value of the item."""
    known, value = scene.values.values(tried.name), scene.item[tried.name]
    guesses = [make(value) for make in makes] if isinstance(value, str) else []
    unlisted = [guess for guess in guesses if guess not in known and scene.contract.accepts_value(tried, guess)]
    return [guess for guess in unlisted if matches(guess, value)][:1]


@maker(seams.wrap, "resource.choices.check")
def _comparing(
    api: Api, name: str, known: list[Any], matches: Matches, rule: Check, fields: Fields, sent: Fields
) -> None:
    """Take a text for each listed one that it matches."""
    text = fields.get(name)
    if isinstance(text, str) and text not in known:
        for listed in [each for each in known if isinstance(each, str) and matches(text, each)]:
            with contextlib.suppress(Refusal):
                rule({**fields, name: listed}, sent)
                return
    rule(fields, sent)
