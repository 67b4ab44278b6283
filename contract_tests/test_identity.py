"""What a persona keeps for life, id, resource name and creation time, and the one time that moves."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from contract_tests.boundaries import good_values, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field, load_contract
from contract_tests.exchange import Exchange
from contract_tests.fence import path_of
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import DECISIONS, RESPONSE, Finding, Judge, parse_time, require, same_instant

CONTRACT = load_contract()
FREE_FIELDS = [
    tried for name, tried in CONTRACT.fields("updatePersona").items() if name not in (VOICE_FIELD, LANGUAGE_FIELD)
]

# A clock that prints whole seconds must have moved after this long.
PATIENCE_SECONDS = 2.5
# Two servers of one service may differ by so much about what time it is.
CLOCKS = timedelta(seconds=2.5)
TIMES = f"{DECISIONS}/times"


def _waits(subject: Subject) -> dict[str, float]:
    """Return an update that changes the persona."""
    return {"wait_seconds": 1.5 if subject.last.get("wait_seconds") != 1.5 else 0.5}


def test_resource_name_is_made_of_the_id(run: Run, judge: Judge, subject: Subject) -> None:
    """#/components/schemas/Persona/properties/resource_name: personas/{id}, wherever the persona is shown."""
    expected = {"id": (subject.persona_id,), "resource_name": (f"personas/{subject.persona_id}",)}
    update = run.api.update(subject.persona_id, "{}")
    read = run.api.get(subject.persona_id)
    for exchange in (update, read):
        require(judge.shows(exchange, exchange.persona, expected, "resource_name is personas/ and the id"))


def test_created_persona_has_the_id_it_is_read_by(run: Run, judge: Judge) -> None:
    """createPersona 201: the id in the answer reads that very persona, whose resource_name is made of it."""
    body = run.full_body()
    exchange = run.api.create(to_json(body))
    require(judge.success("createPersona", exchange))
    created = exchange.persona
    name = {"resource_name": (f"personas/{created['id']}",)}
    found = judge.shows(exchange, created, name, "resource_name is personas/ and the id")
    read = run.api.get(created["id"])
    expected = {"id": (created["id"],), "name": (body["name"],), "create_time": (created["create_time"],)}
    found += judge.success("getPersona", read) + judge.shows(read, read.persona, expected, "the persona that was made")
    run.discard(exchange)
    require(found)


def test_every_persona_has_its_own_id(run: Run) -> None:
    """createPersona 201: no two personas share an id."""
    with run.persona() as one, run.persona() as other, run.persona() as third:
        ids = [one.persona_id, other.persona_id, third.persona_id]
        assert len(set(ids)) == 3, f"three personas were made, and their ids are {ids}"


@pytest.mark.all_parameters
@pytest.mark.parametrize("name", ["id", "resource_name", "create_time"])
def test_body_cannot_change_what_a_persona_is(run: Run, judge: Judge, subject: Subject, name: str) -> None:
    """#/x-decisions/times: create_time, id and resource_name never move; a body that brings them is ignored or refused."""
    before = subject.last
    values = {"id": run.api.absent_id(), "create_time": "2001-02-03T04:05:06Z"}
    value = values.get(name, f"personas/{values['id']}")
    exchange = run.api.update(subject.persona_id, to_json({name: value}))
    found = judge.success("updatePersona", exchange, 400)
    kept = {field: (before.get(field),) for field in ("id", "resource_name", "create_time", "name")}
    read = run.api.get(subject.persona_id)
    found += judge.success("getPersona", read)
    require(found or judge.shows(exchange, read.persona, kept, "id, resource_name and create_time never move"))


def test_create_time_never_moves(subject: Subject) -> None:
    """#/x-decisions/times: create_time never moves, however often the persona is updated."""
    born = subject.last["create_time"]
    for _ in range(3):
        exchange = subject.accepts(_waits(subject))
        for shown in (exchange.persona["create_time"], subject.last["create_time"]):
            assert same_instant(born, shown), f"create_time was {born} and is {shown}\n{exchange.curl()}"


def test_personas_are_created_in_the_order_of_their_times(run: Run) -> None:
    """#/components/schemas/Persona/properties/create_time: when the persona was created; time does not run backwards."""
    with run.persona() as elder, run.persona() as younger:
        (first, step), (second, _) = (parse_time(subject.last["create_time"]) for subject in (elder, younger))
        problem = f"a persona made later has create_time {second}, the one before it {first}"
        assert first <= second + step + CLOCKS, problem


def test_update_time_moves_forward_with_every_change(run: Run, judge: Judge, subject: Subject) -> None:
    """#/x-decisions/times: update_time moves forward on an update that changed something, as far as its resolution shows."""
    exchange = subject.accepts(_waits(subject))
    before = _moment(subject, exchange)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while same_instant(subject.last.get("update_time"), before):
        if time.monotonic() > deadline:
            problem = f"update_time is still {before} after {PATIENCE_SECONDS} seconds of updates"
            require([Finding("broken", problem, "update_time moves forward", TIMES, exchange)])
        # Each look costs two requests, so there are not more of them than the patience is worth.
        time.sleep(min(max(parse_time(before)[1].total_seconds(), 0.05), 0.2))
        exchange = subject.accepts(_waits(subject))
    require(judge.moved_back(exchange, before, subject.last.get("update_time")))


@pytest.mark.many_requests
def test_update_time_moves_whatever_is_changed(run: Run) -> None:
    """#/x-decisions/times: update_time moves forward on an update that changed something, a value or a null, in any field."""
    changed = [tried for tried in FREE_FIELDS if len(good_values(tried)) > 1]
    cleared = [tried for tried in FREE_FIELDS if tried.clears_on_null]
    with ExitStack() as stack:
        subjects = [stack.enter_context(run.persona()) for _ in (*changed, *cleared)]
        before = []
        for subject, tried in zip(subjects, (*changed, *cleared), strict=True):
            # Where null is to clear a field, it has to hold something.
            before.append(_moment(subject, subject.accepts(_another(subject, tried))))
        time.sleep(parse_time(before[-1])[1].total_seconds() * 1.05 + 0.01)
        for index, (subject, moment) in enumerate(zip(subjects, before, strict=True)):
            is_value = index < len(changed)
            change = _another(subject, changed[index]) if is_value else {cleared[index - len(changed)].name: None}
            _changes_later(subject, change, moment)


@pytest.mark.few_requests
def test_each_field_changes_alone_and_moves_the_update_time(subject: Subject) -> None:
    """#/x-decisions/times: null in one field, then an update of another, then a value in the first; each moves update_time."""
    moment = _moment(subject, subject.accepts(_waits(subject)))
    for index, tried in enumerate(FREE_FIELDS):
        # Null in a field that is not set changes nothing.
        is_cleared = tried.clears_on_null and subject.last.get(tried.name) is not None
        nulls: list[dict[str, Any]] = [{tried.name: None}] if is_cleared else []
        for change in (*nulls, _another(subject, FREE_FIELDS[index - 1]), _another(subject, tried)):
            time.sleep(parse_time(moment)[1].total_seconds() * 1.05)
            moment = _changes_later(subject, change, moment)


def _another(subject: Subject, tried: Field) -> dict[str, Any]:
    """Return an update that changes one field."""
    return {tried.name: next(good for good in good_values(tried) if good != subject.last.get(tried.name))}


def _moment(subject: Subject, exchange: Exchange) -> str:
    """Return the update_time of a persona that was changed; from then on it is set."""
    moment = subject.last.get("update_time")
    if moment is None:
        problem = "update_time is null or missing after an update"
        require([Finding("broken", problem, "only before the first update may it be null", RESPONSE, exchange)])
    return str(moment)


def _changes_later(subject: Subject, change: dict[str, Any], moment: str) -> str:
    """Send an update that changes something, find an update_time that does not lie after *moment*, and return it."""
    before = subject.last
    exchange = subject.accepts(change)
    after = _moment(subject, exchange)
    is_changed = any(before.get(name) != subject.last.get(name) for name in change)
    if is_changed and parse_time(after)[0] <= parse_time(moment)[0]:
        problem = f"update_time is still {moment} after an update of {', '.join(change)}"
        require([Finding("broken", problem, "update_time moves forward", TIMES, exchange)])
    return after


def test_update_time_moves_at_any_moment(subject: Subject) -> None:
    """#/x-decisions/times: update_time moves forward on an update that changed something; it does not stand still for a while."""
    seen = []
    for _ in range(8):
        exchange = subject.accepts(_waits(subject))
        seen.append((time.monotonic(), *parse_time(_moment(subject, exchange))))
        time.sleep(0.2)
    for (early, before, step), (late, after, _) in combinations(seen, 2):
        if late - early > step.total_seconds() + 0.05 and after <= before:
            problem = f"update_time is {after} after an update {late - early:.1f} s later than that of {before}"
            require([Finding("broken", problem, "update_time moves forward", TIMES, exchange)])


def test_update_is_not_older_than_the_persona(subject: Subject) -> None:
    """#/x-decisions/times: update_time moves forward; a change is never older than the persona that it changes."""
    exchange = subject.accepts(_waits(subject))
    _moment(subject, exchange)
    (born, born_step), (changed, changed_step) = (
        parse_time(subject.last[name]) for name in ("create_time", "update_time")
    )
    slack = max(born_step, changed_step) + CLOCKS
    assert changed + slack > born, f"update_time {changed} lies before create_time {born}\n{exchange.curl()}"


def test_reading_moves_no_time(subject: Subject) -> None:
    """getPersona reads: neither time moves."""
    subject.accepts(_waits(subject))
    before = subject.last
    time.sleep(0.01)
    for name in ("create_time", "update_time"):
        is_same = same_instant(before.get(name), subject.read().get(name))
        assert is_same, f"{name} moved although the persona was only read"


def test_ids_are_compared_exactly(run: Run, judge: Judge, subject: Subject) -> None:
    """#/x-decisions/exact: ids are compared exactly, case included; an id that is nearly right names no persona."""
    own = subject.persona_id
    middle = len(own) // 2
    spaced = [f"{own} ", f" {own}", *(f"{own[:middle]}{mark}{own[middle:]}" for mark in ("-", "_", ".", " "))]
    parts = [own[:-1], own[:8], own[1:], f"{own}a", f"a{own}"]
    for near in (own.swapcase(), own.upper(), own.lower(), *spaced, *parts, str(subject.last["name"])):
        if near in ("", own):
            continue
        exchange = run.api.send("GET", path_of(near))
        if exchange.was_accepted and exchange.persona.get("id") == near:
            continue  # another account's persona may have the very id that was made up here
        require(judge.answer("getPersona", exchange, 404))


def test_voices_are_no_persona(run: Run, judge: Judge) -> None:
    """#/x-decisions/methods: /personas/voices is a literal path, not a persona called "voices"."""
    require(judge.success("listVoices", run.api.voices()))
