"""Writers at the same time: what each was told is true afterwards."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from contract_tests.checks import selections
from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.creations import may_be_alike
from contract_tests.checks.item_under_test import UNMOVED, ItemUnderTest
from contract_tests.checks.judge import Judge, require
from contract_tests.checks.run import Run
from contract_tests.checks.updates import IMPOSSIBLE, Body, allowed, other_values, plainly_spoilt, possible
from contract_tests.generation.boundaries import good_values, to_json
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field
from contract_tests.spec.resource import Role
from contract_tests.transport.exchange import Exchange

# Rounds of two writers each. A lost update is a matter of chance, so one round would prove little.
ROUNDS = 12
BRIEF_ROUNDS = 3
STEPS = 3
# Takes longer to read and to store than any other value.
LONG = "Ask twice. " * 2_000
ROLES = {"clear": "update", "creation": "create", "removal": "remove"}
BOTH = "two concurrent updates of different fields both hold afterwards"
LAST = UNMOVED["read_your_writes"]


def _rounds(run: Run) -> int:
    return BRIEF_ROUNDS if run.is_brief else ROUNDS


def _at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make calls at the same time, each in a thread of its own, and return what they return."""
    with ThreadPoolExecutor(len(calls)) as threads:
        made = [threads.submit(call) for call in calls]
    return [each.result() for each in made]


def _update(item: ItemUnderTest, body: bytes | str | Body) -> Callable[[], Exchange]:
    return partial(item.api.update, item.item_id, to_json(body) if isinstance(body, dict) else body)


def _require_done(judge: Judge, answers: Iterable[Exchange], role: Role = "update") -> None:
    require([finding for answer in answers for finding in judge.success(role, answer)])


def _fields(contract: Contract) -> list[Field]:
    """Return the fields that can be given another value, numbers first: no two updates of one are alike."""
    return sorted(selections.changeable_fields(contract), key=lambda tried: tried.json_type != "number")


def _values(item: ItemUnderTest, tried: Field, step: int) -> list[Body]:
    """Return updates of one field, each to another value than it has; others with each step."""
    goods = good_values(item.contract, tried)
    turned = goods[step % len(goods) :] + goods[: step % len(goods)]
    bodies = (possible(item, {tried.name: good}) for good in turned if good != item.last.get(tried.name))
    return [body for body in bodies if body is not None]


def _value(item: ItemUnderTest, tried: Field, step: int) -> Body:
    """Return the first of these updates; skip the test where the rules allow none."""
    return next(iter(_values(item, tried, step)), None) or pytest.skip(IMPOSSIBLE)


def _apart(run: Run, item: ItemUnderTest, step: int) -> tuple[Body, Body]:
    """Return two updates of a field each that may meet; skip the test where the rules allow no such."""
    fields = _fields(run.contract)
    turned = fields[step % len(fields) :] + fields[: step % len(fields)]
    alone = {tried.name: [body for body in _values(item, tried, step) if len(body) == 1] for tried in turned}
    for index, first in enumerate(turned):
        for one in alone[first.name]:
            for other in [body for second in turned[index + 1 :] for body in alone[second.name]]:
                if run.rules.lawful(item.last, {**one, **other}):
                    return one, other
    pytest.skip(IMPOSSIBLE)


def _can_part(contract: Contract) -> bool:
    return len(selections.changeable_fields(contract)) > 1 and not selections.is_whole(contract)


@needs("create", "read", "update", "concurrent_updates", _can_part)
def test_concurrent_updates_of_different_fields_both_hold(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/concurrent_updates: two concurrent updates of different fields both hold afterwards."""
    for step in range(_rounds(run)):
        one, other = _apart(run, item, step)
        before = item.last
        answers = _at_once(_update(item, one), _update(item, other))
        _require_done(judge, answers)
        require(judge.shows(answers[0], item.read(), judge.reader.after(before, {**one, **other}), BOTH))


def _parts(run: Run, item: ItemUnderTest, index: int) -> list[Body]:
    """Take an update of every field apart into updates that need not know of each other."""
    body = run.full_body("update", index)
    bound = {*run.listed.names, *(name for rule in run.contract.constraints for name in rule.names)}
    single = {n: v for n, v in body.items() if n not in bound and run.contract.accepts("update", {n: v})}
    joined = {n: v for n, v in body.items() if n not in single}
    parts = [part for part in (joined, *({n: v} for n, v in single.items())) if part]
    return [part for part in parts if run.contract.accepts("update", part) and run.rules.lawful(item.last, part)]


@pytest.mark.many_requests
@needs("create", "read", "update", "concurrent_updates", _can_part)
def test_many_writers_of_different_fields_all_hold(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/concurrent_updates: concurrent updates of different fields all hold afterwards, however many there are."""
    for index in (1, 2) if run.is_brief else (1, 2, 0):
        parts, before = _parts(run, item, index), item.last
        if len(parts) < 2:
            pytest.skip(IMPOSSIBLE)
        answers = _at_once(*(_update(item, part) for part in parts))
        _require_done(judge, answers)
        whole = {name: value for part in parts for name, value in part.items()}
        require(judge.shows(answers[0], item.read(), judge.reader.after(before, whole), BOTH))


def _long_fields(contract: Contract) -> list[Field]:
    return [tried for tried in _fields(contract) if contract.accepts_value(tried, LONG)]


@needs("create", "read", "update", "concurrent_updates", _can_part)
@needs(_long_fields)
def test_long_update_beside_others_holds(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/concurrent_updates: concurrent updates all hold, also where one takes long to read or to store."""
    long = _long_fields(run.contract)[-1].name
    for step in range(_rounds(run) // 2):
        one, before = possible(item, {long: f"{step}{LONG}"}) or {}, item.last
        parts = [part for part in _parts(run, item, step) if one.keys().isdisjoint(part)]
        whole = {name: value for part in (one, *parts) for name, value in part.items()}
        if not one or not parts or not run.rules.lawful(before, whole):
            pytest.skip(IMPOSSIBLE)
        with ThreadPoolExecutor(1) as threads:
            slow = threads.submit(_update(item, one))
            answers = [_update(item, part)() for part in parts]
        _require_done(judge, (*answers, slow.result()))
        require(judge.shows(answers[-1], item.read(), judge.reader.after(before, whole), BOTH))


@needs("create", "read", "update", "read_your_writes", "concurrent_updates", selections.changeable_fields)
def test_concurrent_updates_of_one_field_leave_one_of_them(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/read_your_writes: a read shows the last completed write: one of the values that were sent, and the same for every reader."""
    tried = max(_fields(run.contract), key=lambda field: len(good_values(run.contract, field)))
    for step in range(3):
        before, bodies = item.last, _values(item, tried, step)[:2]
        if len(bodies) < 2:
            pytest.skip(IMPOSSIBLE)
        answers = _at_once(*(_update(item, body) for body in bodies))
        _require_done(judge, answers)
        readings = tuple(reading for body in bodies for reading in judge.reader.after(before, body)[tried.name])
        stored = item.read()
        require(judge.shows(answers[0], stored, {tried.name: readings}, "the last completed write holds"))
        again = item.read()
        require(judge.shows(answers[0], again, {tried.name: (stored.get(tried.name),)}, "every read sees the same"))


@needs("create", "read", "update", "isolation", selections.changeable_fields)
def test_concurrent_updates_of_different_items_do_not_mix(run: Run, judge: Judge) -> None:
    """x-promises/isolation: an update changes the item in its path, also while another is changed, which may have the same name."""
    tried, id_name, name = _fields(run.contract)[0], run.contract.resource.id_name, str(run.contract.run_name)
    is_named = may_be_alike(run.contract) and name in run.contract.fields("update")
    with run.item() as one, run.item() as other:
        steps = STEPS if run.is_brief else 2 * STEPS
        for step in range(steps):
            if is_named and step == steps // 2 and (renamed := possible(other, {name: one.last[name]})):
                other.accepts(renamed)
            sent = [(item, item.last, _value(item, tried, step + turn)) for turn, item in enumerate((one, other))]
            answers = _at_once(*(_update(item, body) for item, _, body in sent))
            for (item, was, body), answer in zip(sent, answers, strict=True):
                require(judge.success("update", answer))
                expected = {**judge.reader.after(was, body), id_name: (item.item_id,)}
                if answer.item:  # an update may be answered without a body
                    require(judge.shows(answer, answer.item, expected, "each caller is answered with its own item"))
                require(judge.shows(answer, item.read(), expected, "each item keeps its own update"))


def _besides(contract: Contract) -> list[str]:
    """Return what may be under way while an item is updated."""
    can_clear = contract.promises_that("concurrent_updates") and _can_part(contract)
    cleared = ["clear"] if can_clear and selections.clearing_fields(contract) else []
    refused = ["refused-update"] if selections.fields_with_faults(contract) else []
    return [*cleared, *refused, "creation", *(["removal"] if contract.has("remove") else [])]


def _beside(run: Run, what: str, item: ItemUnderTest, other: ItemUnderTest, cleared: Body) -> Exchange:
    if what == "clear":
        return run.api.update(item.item_id, item.body(cleared))
    if what == "refused-update":
        return run.api.update(other.item_id, _spoilt(other, selections.fields_with_faults(run.contract)[0]))
    return run.api.create(to_json(run.full_body())) if what == "creation" else run.api.remove(other.item_id)


@needs("create", "read", "update", "read_your_writes", selections.changeable_fields)
@for_each("what", _besides)
def test_update_holds_whatever_is_under_way(run: Run, judge: Judge, item: ItemUnderTest, what: str) -> None:
    """x-promises/read_your_writes: a read shows the last completed write, whatever else was under way beside it."""
    tried, clearing = _fields(run.contract)[0], selections.clearing_fields(run.contract)
    others = [each for each in clearing if each != tried and what == "clear"]
    for step in range(STEPS):
        fields = [each for each in others if run.rules.lawful(item.last, {each.name: None})][:1]
        for each in fields:
            item.accepts(allowed(item, {each.name: good_values(run.contract, each)[0]}))
        body, before, cleared = _value(item, tried, step), item.last, dict.fromkeys(each.name for each in fields)
        with run.item() as other:
            met, own = _at_once(partial(_beside, run, what, item, other, cleared), _update(item, item.body(body)))
        if what == "creation":
            run.discard(met)
        is_refused = what == "refused-update"
        require(judge.success("update", own) + (judge.success(ROLES[what], met) if not is_refused else []))
        require(judge.shows(own, item.read(), judge.reader.updated(before, {**body, **cleared}), LAST))


@needs("create", "read", "update", "remove", "removed_is_gone", selections.changeable_fields)
def test_update_beside_a_removal_brings_nothing_back(run: Run, judge: Judge) -> None:
    """x-promises/removed_is_gone: after a removal, a read answers 404, also where an update of the item was under way."""
    tried = _fields(run.contract)[0]
    for step in range(_rounds(run) // 2):
        with run.item() as item:
            update = _update(item, item.body(_value(item, tried, step)))
            updated, _ = _at_once(update, partial(run.remove, item.item_id))
            require(judge.success("update", updated, 404, 409))
            require(judge.answer("read", run.api.read(item.item_id), 404))


def _spoiler(contract: Contract) -> Field | None:
    """Return a field to be at fault beside an update of another: a text, where there is one."""
    first = next(iter(_fields(contract)), None)
    faulty = selections.fields_with_faults(contract)
    others = [tried for tried in faulty if first is not None and tried.name != first.name]
    return min(others, key=lambda tried: (not tried.is_free, tried.json_type != "string"), default=None)


def _spoilt(item: ItemUnderTest, wrong: Field, apart_from: str = "") -> bytes | str:
    """Return an update that gives all other fields other values, and is refused for one."""
    valid = {name: value for name, value in other_values(item).items() if name not in (wrong.name, apart_from)}
    return plainly_spoilt(item, wrong, valid).token


@needs("create", "read", "update", "atomic", "concurrent_updates")
@needs(_spoiler)
def test_refused_update_beside_an_accepted_one_spoils_nothing(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/atomic: a refused body changes nothing at all, also while another body is accepted."""
    tried, wrong = _fields(run.contract)[0], _spoiler(run.contract)
    assert wrong is not None, "the condition of this test has looked for one"
    for step in range(6):
        before, good = item.last, _value(item, tried, step)
        # The refused one first: it has to be under way when the other is stored.
        refused, accepted = _at_once(_update(item, _spoilt(item, wrong, tried.name)), _update(item, good))
        refusals = run.contract.operation("update").refusals
        require(judge.success("update", accepted) + judge.answer("update", refused, *refusals))
        expected = judge.reader.updated(before, good)
        require(judge.shows(refused, item.read(), expected, "the accepted update holds, the refused one does not"))


def _while_reading(run: Run, item: ItemUnderTest, token: bytes | str) -> tuple[Exchange, list[Exchange]]:
    lists = [run.api.list] if run.contract.has("list") else []
    written, *shown = _at_once(_update(item, token), *lists, *[partial(run.api.read, item.item_id)] * 3)
    _require_done(run.judge, shown[:-3], "list")
    return written, shown[-3:]


@needs("create", "read", "update", "read_your_writes", selections.changeable_fields)
def test_reader_never_sees_half_an_update(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/read_your_writes: a read shows the last completed write: all of an update or nothing, also while it is on its way."""
    for _ in range(_rounds(run) // 2):
        before, update = item.read(), other_values(item)
        written, readers = _while_reading(run, item, item.body(update))
        require(judge.success("update", written))
        new = judge.reader.after(before, update)
        old = {name: (before.get(name),) for name in new}
        for reader in readers:
            require(judge.success("read", reader))
            if judge.shows(reader, reader.item, old, LAST) and judge.shows(reader, reader.item, new, LAST):
                seen = {name: reader.item.get(name) for name in new}
                problem = f"a read during an update saw {seen}, neither the old state nor the new one"
                require([judge.promised("read_your_writes", problem, LAST, reader)])
        item.read()


@pytest.mark.many_requests
@needs("create", "read", "update", "atomic", selections.changeable_fields, selections.fields_with_faults)
def test_reader_never_sees_a_refused_update(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/atomic: a refused body changes nothing at all, not even for a moment."""
    wrong = _spoiler(run.contract) or selections.fields_with_faults(run.contract)[0]
    for _ in range(_rounds(run)):
        before = item.read()
        written, readers = _while_reading(run, item, _spoilt(item, wrong))
        require(judge.answer("update", written, *run.contract.operation("update").refusals))
        expected = judge.reader.unmoved(before)
        for reader in readers:
            found = judge.success("read", reader)
            require(found or judge.shows(reader, reader.item, expected, UNMOVED["atomic"]))


@needs("create", "create_stores_everything")
def test_concurrent_creates_make_different_items(run: Run, judge: Judge) -> None:
    """x-promises/create_stores_everything: one create makes one item with an id of its own, also while others are made."""
    bodies = [run.full_body() for _ in range(6)]
    answers = _at_once(*(partial(run.api.create, to_json(body)) for body in bodies))
    _require_done(judge, answers, "create")
    found = []
    for body, answer in zip(bodies, answers, strict=True):
        found += judge.shows(answer, answer.item, judge.reader.after_create(body), "each caller gets its own item")
    for answer in answers:
        run.discard(answer)
    ids = [run.api.shape.id_of(answer.item) for answer in answers]
    if len(set(ids)) != len(ids):
        problem = f"items made at once share ids: {ids}"
        found.append(judge.promised("create_stores_everything", problem, "each item has an id of its own", answers[0]))
    require(found)
