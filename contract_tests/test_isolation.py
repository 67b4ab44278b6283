"""An update of one persona changes no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract_tests.boundaries import good_values, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, load_contract
from contract_tests.exchange import Exchange
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import Finding, Judge, require

CONTRACT = load_contract()
FIELDS = CONTRACT.fields("updatePersona")
PROMISE = "an update changes the persona that its path names, and no other"
CLAUSE = CONTRACT.operation("updatePersona").pointer


@pytest.fixture(scope="module")
def neighbours(run: Run) -> Iterator[tuple[Subject, Subject, Subject]]:
    """Three personas alike, made one after the other; the tests update the one in the middle."""
    with run.persona() as elder, run.persona() as middle, run.persona() as younger:
        yield elder, middle, younger


def _unmoved(bystander: Subject, cause: Exchange) -> list[Finding]:
    """Find what an update of another persona has changed in this one."""
    before = bystander.last
    found = bystander.unmoved(before, cause)
    return [Finding("broken", f"another persona changed: {f.problem}", PROMISE, CLAUSE, f.exchange) for f in found]


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in (VOICE_FIELD, LANGUAGE_FIELD)])
def test_update_leaves_other_personas_alone(neighbours: tuple[Subject, Subject, Subject], name: str) -> None:
    """updatePersona: changes the persona in the path; those made before and after it stay as they are."""
    elder, middle, younger = neighbours
    value = next(good for good in good_values(FIELDS[name])[::-1] if good != middle.last.get(name))
    exchange = middle.accepts({name: value})
    require(_unmoved(elder, exchange) + _unmoved(younger, exchange))


def test_clearing_leaves_other_personas_alone(neighbours: tuple[Subject, Subject, Subject]) -> None:
    """#/components/schemas/PersonaUpdate: x-on-null: null clears the field of one persona only."""
    elder, middle, younger = neighbours
    exchange = middle.accepts({name: None for name, tried in FIELDS.items() if tried.is_nullable})
    require(_unmoved(elder, exchange) + _unmoved(younger, exchange))


def test_refused_update_leaves_other_personas_alone(neighbours: tuple[Subject, Subject, Subject]) -> None:
    """#/x-decisions/atomic: a refused body changes nothing at all, in no persona."""
    elder, middle, younger = neighbours
    token = '{"wait_seconds": 1.75, "name": []}'
    exchange = middle.refuses(token, promise="name is a string", clause="#/components/schemas/PersonaName/type")
    require(_unmoved(elder, exchange) + _unmoved(younger, exchange))


def test_update_does_not_spread_over_the_account(run: Run, judge: Judge, subject: Subject) -> None:
    """updatePersona: no persona of the account, first or last, shows the values that only one was given."""
    chance = run.chance("isolation")
    unique = {
        "name": f"{run.api.new_name()}-only",
        "persona_prompt": f"only {run.api.run} {chance.random()}",
        "wait_seconds": round(chance.uniform(0.1, 2), 6),
        "hold_music_timeout_seconds": round(chance.uniform(5, 300), 5),
    }
    exchange = subject.accepts({name: value for name, value in unique.items() if name in FIELDS})
    for order in ("create_time", "-create_time", "name", "update_time"):
        listed = run.api.list_personas(page_size="100", order_by=order)
        require(judge.success("listPersonas", listed))
        for other in listed.json["personas"]:
            shared = [name for name in unique if other.get(name) == subject.last.get(name)]
            if other["id"] != subject.persona_id and shared:
                problem = f"persona {other['id']} shows the {', '.join(shared)} that another persona was given"
                require([Finding("broken", problem, PROMISE, CLAUSE, exchange)])


def test_new_persona_inherits_nothing(run: Run, judge: Judge, subject: Subject) -> None:
    """createPersona: a new persona does not show what only another persona was given; defaults are the API's own affair."""
    unique = {
        "persona_prompt": f"only {run.api.new_name()}",
        "wait_seconds": round(run.chance("inherited").uniform(0.1, 2), 6),
        "hold_music_timeout_seconds": round(run.chance("inherited").uniform(5, 300), 5),
    }
    cause = subject.accepts({name: value for name, value in unique.items() if name in FIELDS})
    full = run.full_body()
    smallest = {
        tried.name: full[tried.name] for tried in CONTRACT.fields("createPersona").values() if tried.is_required
    }
    exchange = run.api.create(to_json(smallest))
    found = judge.success("createPersona", exchange)
    inherited = [name for name in unique if exchange.persona.get(name) == subject.last.get(name)]
    run.discard(exchange)
    if inherited:
        problem = f"a new persona has the {', '.join(inherited)} that another persona was given"
        found.append(Finding("broken", problem, PROMISE, CLAUSE, cause))
    require(found)


def test_two_personas_keep_their_own_values(run: Run) -> None:
    """updatePersona: updates of two personas in turn do not mix."""
    with run.persona() as one, run.persona() as other:
        for step in range(3):
            one.accepts({"wait_seconds": 0.25 + step / 8})
            other.accepts({"wait_seconds": 1.25 + step / 8})
            require(_unmoved(one, other.accepts({})))
