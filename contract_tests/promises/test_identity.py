"""What an item keeps for life, such as its id and the time of its creation, and what moves with each update."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from itertools import combinations
from typing import Any
from urllib.parse import quote, unquote

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import BROKEN, Finding, Judge, parse_time, require, same_instant, until_next
from contract_tests.checks.run import Run
from contract_tests.checks.selections import (
    birth_time,
    changeable_fields,
    clearing_fields,
    id_schema,
    literal_paths,
)
from contract_tests.checks.updates import Body, another_value, possible, with_null
from contract_tests.generation.boundaries import to_json
from contract_tests.generation.candidate import is_number
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field
from contract_tests.spec.operation import Operation
from contract_tests.spec.resource import ServerField
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.redaction import OWN_KEY

# A clock that prints whole seconds must have moved after this long.
PATIENCE_SECONDS = 2.5
# Fields that are changed alone, where few requests may be sent.
MOST_FIELDS = 6
# Two servers of one service may differ by so much about what time it is.
CLOCKS = timedelta(seconds=2.5)
# A time that no item of this run was created at.
OTHER_TIME = "2001-02-03T04:05:06Z"
KEPT = "what the server has set never moves"
# Shorter ids may differ by the case of their letters alone: in another case one may be near that of another's item.
LONG_ID = 12


def _steady(contract: Contract) -> list[ServerField]:
    return [own for own in contract.server_fields.values() if own.changes == "never"]


def _moving(contract: Contract) -> list[ServerField]:
    return [own for own in contract.server_fields.values() if own.changes == "on-update"]


def _moving_times(contract: Contract) -> list[ServerField]:
    return [own for own in _moving(contract) if own.is_time]


def _readings(item: dict[str, Any], *fields: ServerField) -> dict[str, tuple[Any, ...]]:
    return {own.name: (item.get(own.name),) for own in fields}


def _change(item: ItemUnderTest) -> Body:
    return another_value(item, min(changeable_fields(item.contract), key=lambda tried: tried.json_type != "number"))


@needs("read")
@for_each("own", lambda contract: [own for own in contract.server_fields.values() if own.template is not None])
def test_field_made_of_others_reads_as_they_do(run: Run, judge: Judge, item: ItemUnderTest, own: ServerField) -> None:
    """read, x-template: the field is made of other fields, wherever the item is shown."""
    update = [item.accepts(possible(item, {}) or _change(item))] if run.contract.has("update") else []
    for exchange in [*update, run.api.read(item.item_id)]:
        if exchange.item:  # an update may be answered without a body
            made = judge.reader.made_of_others(exchange.item)[own.name]
            expected = {run.contract.resource.id_name: (item.item_id,), own.name: made}
            require(judge.shows(exchange, exchange.item, expected, f"{own.name} is {own.template}"))


@needs("create", "read")
def test_created_item_has_the_id_it_is_read_by(run: Run, judge: Judge) -> None:
    """create, links: the id in the answer reads that very item, and the fields that are made of it say it too."""
    body, name, id_name = run.full_body(), run.contract.run_name, run.contract.resource.id_name
    exchange = run.api.create(to_json(body))
    require(judge.success("create", exchange))
    created = exchange.item
    found = judge.shows(exchange, created, judge.reader.made_of_others(created), "the field is made of the others")
    read = run.api.read(created[id_name])
    found += judge.success("read", read)
    expected = {id_name: (created[id_name],), **_readings(created, *_steady(run.contract))}
    if name is not None and not run.contract.fields("create")[name].is_write_only:
        expected[name] = (body[name],)
    found += judge.shows(read, read.item, expected, "the item that was made")
    run.discard(exchange)
    require(found)


@needs("create")
def test_every_item_has_its_own_id(run: Run) -> None:
    """create, links: no two items share an id."""
    with run.item() as one, run.item() as other, run.item() as third:
        ids = [one.item_id, other.item_id, third.item_id]
        assert len(set(ids)) == 3, f"three items were made, and their ids are {ids}"


def _other_reading(run: Run, item: ItemUnderTest, own: ServerField) -> Any:
    """Return a value of the right type that a field of the server does not have."""
    before = item.last.get(own.name)
    if is_number(before):
        return before + 1
    if own.is_time:
        return OTHER_TIME
    if own.template is not None:
        return own.filled({**item.last, run.contract.resource.id_name: run.api.absent_id()})
    return str(run.api.absent_id())


@needs("update", "read")
@pytest.mark.all_parameters
@for_each("own", _steady)
def test_field_of_the_server_cannot_be_changed(run: Run, judge: Judge, item: ItemUnderTest, own: ServerField) -> None:
    """update, x-changes never: what the server sets never moves; a body that brings it is ignored or refused."""
    before = item.last
    exchange = item.send(item.body({own.name: _other_reading(run, item, own)}))
    found = judge.success("update", exchange, *run.contract.operation("update").refusals)
    kept = _readings(before, *_steady(run.contract))
    kept |= {n: (before[n],) for n in (run.contract.resource.id_name, run.contract.run_name) if n in before}
    read = run.api.read(item.item_id)
    found += judge.success("read", read)
    require(found or judge.shows(exchange, read.item, kept, KEPT))


@needs("update", "read", changeable_fields, _steady)
def test_field_of_the_server_never_moves(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """update, x-changes never: what the server has set never moves, however often the item is updated."""
    born = _readings(item.last, *_steady(run.contract))
    for _ in range(3):
        exchange = item.accepts(_change(item))
        for shown in [shown for shown in (exchange.item, item.last) if shown]:
            require(judge.shows(exchange, shown, born, KEPT))


@needs("create", birth_time)
def test_items_are_created_in_the_order_of_their_times(run: Run) -> None:
    """create, x-changes never: the time that never changes is that of the creation; time does not run backwards."""
    name = str(birth_time(run.contract))
    with run.item() as elder, run.item() as younger:
        (first, step), (second, _) = (parse_time(item.last[name]) for item in (elder, younger))
        assert first <= second + step + CLOCKS, f"an item made later has {name} {second}, the one before it {first}"


def _findings(exchange: Exchange, own: ServerField, problem: str) -> list[Finding]:
    promise = f"{own.name}: it moves with each update that changes something"
    return [Finding(BROKEN, problem, promise, own.pointer, exchange)]


def _moment(item: ItemUnderTest, own: ServerField, exchange: Exchange) -> Any:
    """Return what a field reads as that moves with each update; after one it is set."""
    moment = item.last.get(own.name)
    if moment is None:
        require(_findings(exchange, own, f"{own.name} is null or missing after an update"))
    return moment


def _has_moved(own: ServerField, before: Any, after: Any) -> bool:
    """Whether a field has moved: a time forward, anything else to another value."""
    return bool(parse_time(after)[0] > parse_time(before)[0]) if own.is_time else bool(before != after)


def _resolution(own: ServerField, moment: Any) -> float:
    """Return how long to wait until a field can show another moment, in seconds."""
    return until_next(moment) if own.is_time else 0.0


@needs("update", "read", changeable_fields)
@for_each("own", _moving_times)
def test_time_moves_forward_with_every_change(item: ItemUnderTest, own: ServerField) -> None:
    """update, x-changes on-update: the time moves forward on an update that changed something, as far as its resolution shows."""
    exchange = item.accepts(_change(item))
    before = _moment(item, own, exchange)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while same_instant(item.last.get(own.name), before):
        if time.monotonic() > deadline:
            problem = f"{own.name} is still {before} after {PATIENCE_SECONDS} seconds of updates"
            require(_findings(exchange, own, problem))
        # Each look costs two requests, so there are not more of them than the patience is worth.
        time.sleep(min(max(_resolution(own, before), 0.05), 0.2))
        exchange = item.accepts(_change(item))
    after = _moment(item, own, exchange)
    if parse_time(after)[0] < parse_time(before)[0]:
        require(_findings(exchange, own, f"{own.name} moved back from {before} to {after}"))


@needs("update", "read", changeable_fields)
@pytest.mark.many_requests
@for_each("own", _moving)
def test_field_moves_whatever_is_changed(run: Run, own: ServerField) -> None:
    """update, x-changes on-update: the field moves on an update that changed something, a value or a null, in any field."""
    changed, cleared = changeable_fields(run.contract), clearing_fields(run.contract)
    # Where null is to clear a field, it has to hold something.
    waiting = [*((tried, False) for tried in changed), *((tried, True) for tried in cleared)]
    while waiting:
        free = max(run.api.most_items - len(run.api.created.alive), 1)
        some, waiting = waiting[:free], waiting[free:]
        with ExitStack() as stack:
            items = [stack.enter_context(run.item()) for _ in some]
            before = [
                _moment(i, own, i.accepts(another_value(i, tried))) for i, (tried, _) in zip(items, some, strict=True)
            ]
            time.sleep(_resolution(own, before[-1]) * 1.05 + 0.01)
            for item, (tried, is_cleared), moment in zip(items, some, before, strict=True):
                change = possible(item, {tried.name: None}) if is_cleared else another_value(item, tried)
                if change is not None:
                    _changes_later(item, own, change, moment)


@needs("update", "read", changeable_fields)
@pytest.mark.few_requests
@for_each("own", _moving)
def test_each_field_changes_alone_and_moves_it(run: Run, item: ItemUnderTest, own: ServerField) -> None:
    """update, x-changes on-update: null in one field, then an update of another, then a value in the first; each moves it."""
    moment = _moment(item, own, item.accepts(_change(item)))
    fields = changeable_fields(run.contract)
    for index, tried in run.chance("fields").sample([*enumerate(fields)], min(MOST_FIELDS, len(fields))):
        for change in _changes(item, tried, fields[index - 1]):
            time.sleep(_resolution(own, moment) * 1.05)
            moment = _changes_later(item, own, change(), moment)


def _changes(item: ItemUnderTest, tried: Field, other: Field) -> list[Any]:
    """Return updates to make one after the other: each is made of what the item has by then."""
    # Null in a field that is not set changes nothing.
    is_cleared = tried.clears_on_null and item.last.get(tried.name) is not None
    is_possible = is_cleared and possible(item, {tried.name: None}) is not None
    nulls = [lambda: with_null(item, tried)] if is_possible else []
    return [*nulls, lambda: another_value(item, other), lambda: another_value(item, tried)]


def _changes_later(item: ItemUnderTest, own: ServerField, change: Body, moment: Any) -> Any:
    """Send an update that changes something, find a field that does not move with it, and return what it reads."""
    before = item.last
    exchange = item.accepts(change)
    after = _moment(item, own, exchange)
    is_changed = any(before.get(name) != item.last.get(name) for name in change)
    if is_changed and not _has_moved(own, moment, after):
        require(_findings(exchange, own, f"{own.name} is still {moment} after an update of {', '.join(change)}"))
    return after


@pytest.mark.many_requests
@needs("update", "read", changeable_fields)
@for_each("own", _moving)
def test_field_moves_at_any_moment(item: ItemUnderTest, own: ServerField) -> None:
    """update, x-changes on-update: the field moves on an update that changed something; it does not stand still for a while."""
    seen = []
    for _ in range(8):
        exchange = item.accepts(_change(item))
        seen.append((time.monotonic(), _moment(item, own, exchange)))
        time.sleep(0.2)
    for (early, before), (late, after) in combinations(seen, 2):
        if late - early > _resolution(own, before) + 0.05 and not _has_moved(own, before, after):
            problem = f"{own.name} is {after} after an update {late - early:.1f} s later than that of {before}"
            require(_findings(exchange, own, problem))


@needs("update", "read", changeable_fields, birth_time)
@for_each("own", _moving_times)
def test_update_is_not_older_than_the_item(run: Run, item: ItemUnderTest, own: ServerField) -> None:
    """update, x-changes on-update: the time moves forward; a change is never older than the item that it changes."""
    birth, exchange = str(birth_time(run.contract)), item.accepts(_change(item))
    _moment(item, own, exchange)
    (born, born_step), (changed, changed_step) = (parse_time(item.last[name]) for name in (birth, own.name))
    slack = max(born_step, changed_step) + CLOCKS
    assert changed + slack > born, f"{own.name} {changed} lies before {birth} {born}\n{exchange.curl()}"


@needs("update", "read", changeable_fields, lambda of: _steady(of) or _moving(of))
def test_reading_moves_nothing(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """read: what the server sets does not move where the item is only read."""
    exchange = item.accepts(_change(item))
    before = _readings(item.last, *_steady(run.contract), *_moving(run.contract))
    time.sleep(0.01)
    require(judge.shows(exchange, item.read(), before, "reading moves nothing"))


# What is nearly an id of a format may be refused as none.
MISSING_OR_INVALID = (404, 400, 422)


def _has_text_ids(contract: Contract) -> bool:
    """Whether ids are texts."""
    return bool(id_schema(contract).get("type", "string") == "string")


@pytest.mark.sharp
@needs("read", "exact_ids", _has_text_ids)
def test_ids_are_compared_exactly(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/exact_ids: ids are compared exactly, case included; an id that is nearly right names no item."""
    own, middle = str(item.item_id), len(str(item.item_id)) // 2
    missing = MISSING_OR_INVALID if "format" in id_schema(run.contract) else (404,)
    spaced = [f"{own} ", f" {own}", *(f"{own[:middle]}{mark}{own[middle:]}" for mark in ("-", "_", ".", " "))]
    parts = [own[:-1], own[:8], own[1:], own.replace("-", ""), f"{own}a", f"a{own}", f"{own[:8]}*", f"{own[:8]}%"]
    parts.append(f"{run.api.shape.list_path.rpartition('/')[2]}/{own}")
    name = item.last.get(run.contract.run_name or "")
    cases = (own.swapcase(), own.upper(), own.lower(), own[:1].swapcase() + own[1:], own[:-1] + own[-1:].swapcase())
    for near in (*cases, *spaced, *parts, *([name] if isinstance(name, str) else [])):
        if near in ("", own):
            continue
        exchange = run.api.read(near)
        if exchange.was_accepted and exchange.item.get(run.contract.resource.id_name) == near:
            continue  # another account's item may have the very id that was made up here
        require(judge.answer("read", exchange, *missing))
        if not run.is_brief or near.lower() == own.lower():  # at once: what remembers a miss may forget it soon
            require(judge.success("read", run.api.read(item.item_id)))
    if not run.is_brief and run.lent is None:
        _require_unreached(run, item, own.swapcase())


def _require_unreached(run: Run, item: ItemUnderTest, near: str) -> None:
    """Send an update and a removal to the id in another case, where no item is."""
    if near == item.item_id or len(near) < LONG_ID or run.api.read(near).status != 404:
        return
    run.api.created.absent.add(near)
    before = item.last
    if run.contract.has("update") and changeable_fields(run.contract):
        exchange = run.api.update(near, item.body(_change(item)))
        require(run.judge.answer("update", exchange, 404) + item.unmoved(before, exchange))
    if run.contract.has("remove"):
        exchange = run.api.remove(near)
        require(run.judge.success("remove", exchange, 404) + item.unmoved(before, exchange))


# How an id is spelled in a path that is nearly the item's; a server in front may refuse the first ones by itself.
ODD_IDS: dict[str, Callable[[str], str]] = {
    "line-feed": "{}%0A".format, "return-and-line-feed": "{}%0D%0A".format, "nul": "{}%00".format,
    "nul-and-more": "{}%00x".format, "no-utf-8": "{}%FF".format,
}  # fmt: skip
NEAR_IDS: dict[str, Callable[[str], str]] = {
    **ODD_IDS, "format": "{}.json".format, "no-break-space": "{}%C2%A0".format, "zero-width": "{}%E2%80%8B".format,
    "full-width": lambda own: quote("".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in unquote(own))),
    "encoded-twice": lambda own: f"%25{ord(own[0]):02X}{own[1:]}", "longer": "{}a".format,
}  # fmt: skip


@needs("read", "exact_ids", _has_text_ids)
def test_near_id_names_no_item(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """x-promises/exact_ids: an id that is nearly right names no item; it is only read, for nothing is written but to what the run has made."""
    found: list[Finding] = []
    missing = MISSING_OR_INVALID if "format" in id_schema(run.contract) else (404,)
    for name, near in NEAR_IDS.items():
        spelled = near(quote(str(item.item_id), safe=""))
        path = run.api.shape.item_path.replace(f"{{{run.api.shape.id_parameter}}}", spelled)
        if run.api.shape.id_in(path) not in (None, item.item_id):  # or the item's own id is spelled so
            found += judge.answer("read", run.api.send("GET", path), *((404, 400) if name in ODD_IDS else missing))
    require(found)


@needs("read", "named_methods_only")
@for_each("operation", literal_paths, ids=lambda operation: operation.operation_id)
def test_literal_path_is_no_item(run: Run, judge: Judge, operation: Operation) -> None:
    """x-promises/named_methods_only: a literal path is not an id."""
    require(judge.success(operation.operation_id, run.call(operation.operation_id, "", OWN_KEY)))
