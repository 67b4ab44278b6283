"""Rules across fields: what an item would break after an update is refused, and what keeps every rule is accepted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product, zip_longest
from typing import Any

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.creations import not_made
from contract_tests.checks.item_under_test import ItemUnderTest, Rejection
from contract_tests.checks.judge import require
from contract_tests.checks.run import Run
from contract_tests.checks.updates import Body, whole
from contract_tests.generation.boundaries import boundaries, good_values, to_json
from contract_tests.spec.extensions import Constraint
from contract_tests.spec.field import Field

pytestmark = needs("update", "read", lambda contract: contract.constraints)

# A field that an item does not have.
ABSENT = object()
# So many values of a field, and so many sets of values, are looked at.
VALUES = 14
ATTEMPTS = 5_000
# So many ways to break a rule are tried.
BREAKS = 4


@dataclass(frozen=True)
class Break:
    """A lawful item, and the update of one field after which it would break exactly one rule."""

    before: Body
    """The fields that the rule speaks of; what the item does not have is left out."""
    change: Body
    kept: Body
    """An update of the same field that keeps the rule; empty where none was found."""


def _limits(node: Any, name: str) -> Iterator[Any]:
    """Yield the values that a rule itself names for a field, and their neighbours."""
    if isinstance(node, list):
        for inner in node:
            yield from _limits(inner, name)
    elif isinstance(node, dict):
        own = node.get("properties", {}).get(name)
        if isinstance(own, dict):
            yield from own.get("enum", ())
            yield from [own["const"]] if "const" in own else []
            for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
                yield from [own[word], own[word] - 1, own[word] + 1] if word in own else []
        for inner in node.values():
            yield from _limits(inner, name)


def _values(run: Run, rule: Constraint, tried: Field) -> list[Any]:
    """Return what a field may be in an item: what the rule names first, then good values, those at its limits, and nothing."""
    contract = run.contract
    named = list(_limits(contract.at(rule.pointer), tried.name))
    good = good_values(contract, tried) if tried.is_free else run.listed.values(tried.name)
    plain = [b.value for b in boundaries(contract, tried) if b.accepted and b.is_readable and b.value is not None]
    valid = [value for value in (*named, *good, *plain) if value is not None and contract.accepts_value(tried, value)]
    once = list({to_json(value): value for value in valid}.values())[:VALUES]
    at_create = contract.fields("create").get(tried.name)
    is_optional = at_create is None or not at_create.is_required
    is_cleared = tried.is_nullable and tried.on_null != "keep"
    return [*once, *([ABSENT] if is_optional else []), *([None] if is_cleared else [])]


def _present(values: Body) -> Body:
    return {name: value for name, value in values.items() if value is not ABSENT}


def _broken(run: Run, values: Body) -> list[Constraint | str]:
    """Return the rules that an item of some values would break, and its listed fields that do not go together."""
    item = _present({**run.full_body(), **values})
    return [*(rule for rule in run.contract.constraints if not rule.is_met(item)), *run.listed.wrong(item)]


def _names(run: Run, rule: Constraint) -> list[str]:
    return [name for name in rule.names if name in run.contract.fields("update")]


def _without(run: Run, rule: Constraint) -> Body:
    names = _names(run, rule)
    return {name: value for name, value in run.full_body().items() if name not in names}


def _breaks(run: Run, rule: Constraint) -> list[Break]:
    """Return ways to break one rule and no other, each field of the rule at least once where that can be."""
    fields = run.contract.fields("update")
    names = _names(run, rule)
    choices = {name: _values(run, rule, fields[name]) for name in names}
    found: dict[str, list[Break]] = {}
    for attempt, row in enumerate(product(*choices.values())):
        if attempt > ATTEMPTS or sum(map(len, found.values())) >= BREAKS * len(names):
            break
        values = dict(zip(names, row, strict=True))
        if _broken(run, values) != [rule]:
            continue
        cleared = [name for name in names if values[name] is None]
        for name in [n for n in names if values[n] is not ABSENT and len(found.get(n, ())) < BREAKS]:
            if cleared not in ([], [name]):
                continue  # an item is made without what it does not have
            lawful = [v for v in choices[name] if v is not None and not _broken(run, {**values, name: v})]
            kept = [value for value in lawful[1:] if value is not ABSENT]
            for held in lawful[:: max(len(lawful) // 2, 1)][: 2 if cleared else 1]:
                before, change = _present({**values, name: held}), {name: values[name]}
                found.setdefault(name, []).append(Break(before, change, {name: kept[0]} if kept else {}))
    return [each for some in zip_longest(*found.values()) for each in some if each is not None][: 2 * BREAKS]


@contextmanager
def _created(run: Run, rule: Constraint, values: Body) -> Iterator[ItemUnderTest]:
    """Lend an item that has some values, and none of the other fields that the rule speaks of."""
    fields = run.contract.fields("create")
    known = {name: value for name, value in values.items() if name in fields}
    exchange = run.api.create(to_json(_without(run, rule) | known))
    require(run.judge.success("create", exchange))
    item = run.taken(exchange.item)
    further = {name: value for name, value in values.items() if name not in fields}
    try:
        if further:
            item.accepts(whole(item, further))
        yield item
    finally:
        run.discard(exchange)


def _ways(run: Run, rule: Constraint) -> list[Break]:
    return _breaks(run, rule) or pytest.skip("no valid values were found that break this rule alone")


TITLE = lambda rule: "-".join(rule.title.lower().rstrip(".").split())  # noqa: E731
each_rule = for_each("rule", lambda contract: contract.constraints, ids=TITLE)


@each_rule
def test_update_that_breaks_a_rule_is_refused(run: Run, rule: Constraint) -> None:
    """update, x-constraints: an update after which the item would break a rule is refused, by what the other field holds."""
    for way in _ways(run, rule):
        with _created(run, rule, way.before) as item:
            item.refuses(_forbidden(item, rule, way.change))
            if way.kept:
                item.accepts(whole(item, way.kept))


@each_rule
def test_fields_that_break_a_rule_together_are_refused(run: Run, rule: Constraint) -> None:
    """update, x-constraints: the item is judged as it would be after the whole update, whichever field stands first."""
    for way in _ways(run, rule)[:BREAKS]:
        broken = {**way.before, **way.change}
        with _created(run, rule, way.before) as item:
            item.refuses(*(_forbidden(item, rule, body) for body in (broken, dict(reversed(broken.items())))))


@each_rule
def test_create_that_breaks_a_rule_is_refused(run: Run, rule: Constraint) -> None:
    """create, x-constraints: a create is held to the rules too."""
    for way in _ways(run, rule)[:BREAKS]:
        body = _without(run, rule) | way.before | way.change
        if None in way.change.values() or not run.contract.accepts("create", body):
            continue  # of a null in a create nothing is promised
        require(not_made(run, body, rule.title, rule.pointer, to_json(body), is_plain=False))


@each_rule
def test_update_that_mends_what_it_touches_is_accepted(run: Run, rule: Constraint) -> None:
    """update, x-constraints: what would break a rule alone is accepted together with what keeps it."""
    for way in _ways(run, rule)[:BREAKS]:
        with _created(run, rule, way.before) as item:
            mended = _mended(run, rule, item, way.change)
            if mended is not None:
                item.accepts(whole(item, mended))


def _mended(run: Run, rule: Constraint, item: ItemUnderTest, change: Body) -> Body | None:
    """Return a change that breaks a rule, with another field of the rule beside it that keeps all rules."""
    fields = run.contract.fields("update")
    names = [name for name in _names(run, rule) if name not in change]
    bodies = ({**change, name: v} for name in names for v in _values(run, rule, fields[name]) if v is not ABSENT)
    return next((body for body in bodies if run.rules.lawful(item.last, body)), None)


def _forbidden(item: ItemUnderTest, rule: Constraint, body: Body) -> Rejection:
    return Rejection(item.body(whole(item, body)), rule.title, rule.pointer, about=to_json(body))
