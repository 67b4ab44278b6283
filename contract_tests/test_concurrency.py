"""Writers at the same time: what each was told is true afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contract_tests.boundaries import to_json
from contract_tests.exchange import Exchange
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import DECISIONS, Finding, Judge, require

# Rounds of two writers each. A lost update is a matter of chance, so one round would prove little.
ROUNDS = 12
BRIEF_ROUNDS = 4
BOTH = "two concurrent updates of different fields both hold afterwards"


def _rounds(run: Run) -> int:
    return BRIEF_ROUNDS if run.is_brief else ROUNDS


def _at_once(run: Run, requests: list[tuple[str, dict[str, Any]]]) -> list[Exchange]:
    """Send updates at the same time, each from its own thread."""
    with ThreadPoolExecutor(len(requests)) as threads:
        sent = [threads.submit(run.api.update, persona_id, to_json(body)) for persona_id, body in requests]
    return [future.result() for future in sent]


def test_concurrent_updates_of_different_fields_both_hold(run: Run, judge: Judge, subject: Subject) -> None:
    """#/x-decisions/concurrency: two concurrent updates of different fields both hold afterwards."""
    for step in range(_rounds(run)):
        one = {"wait_seconds": 0.25 + step / 16}
        other = {"persona_prompt": f"round {step}"}
        first, second = _at_once(run, [(subject.persona_id, one), (subject.persona_id, other)])
        require(judge.success("updatePersona", first) + judge.success("updatePersona", second))
        expected = {name: (value,) for name, value in (one | other).items()}
        require(judge.shows(first, subject.read(), expected, BOTH))


def test_many_writers_of_different_fields_all_hold(run: Run, judge: Judge, subject: Subject) -> None:
    """#/x-decisions/concurrency: concurrent updates of different fields all hold afterwards, however many there are."""
    for index in (1, 2, 0):
        body = run.full_body("updatePersona", index)
        pair = {name: body.pop(name) for name in ("voice_name", "language_code")}
        parts: list[dict[str, Any]] = [pair, *({name: value} for name, value in body.items())]
        answers = _at_once(run, [(subject.persona_id, part) for part in parts])
        require([finding for answer in answers for finding in judge.success("updatePersona", answer)])
        expected = {name: (value,) for part in parts for name, value in part.items()}
        require(judge.shows(answers[0], subject.read(), expected, BOTH))


def test_concurrent_updates_of_one_field_leave_one_of_them(run: Run, judge: Judge, subject: Subject) -> None:
    """#/x-decisions/concurrency: a read sees the last completed write: one of the values that were sent, and the same for every reader."""
    for step in range(3):
        bodies = [{"wait_seconds": 0.25 + step / 8}, {"wait_seconds": 1.25 + step / 8}]
        first, second = _at_once(run, [(subject.persona_id, body) for body in bodies])
        require(judge.success("updatePersona", first) + judge.success("updatePersona", second))
        one_of_them = {"wait_seconds": tuple(body["wait_seconds"] for body in bodies)}
        stored = subject.read()
        require(judge.shows(first, stored, one_of_them, "the last completed write holds"))
        again = subject.read()
        require(judge.shows(first, again, {"wait_seconds": (stored["wait_seconds"],)}, "every read sees the same"))


def test_concurrent_updates_of_different_personas_do_not_mix(run: Run, judge: Judge) -> None:
    """updatePersona: changes the persona in its path, also while another is changed."""
    with run.persona() as one, run.persona() as other:
        for step in range(4):
            bodies = [{"wait_seconds": 0.25 + step / 16}, {"wait_seconds": 1.25 + step / 16}]
            answers = _at_once(run, [(one.persona_id, bodies[0]), (other.persona_id, bodies[1])])
            for subject, body, answer in zip((one, other), bodies, answers, strict=True):
                require(judge.success("updatePersona", answer))
                expected = {"wait_seconds": (body["wait_seconds"],), "id": (subject.persona_id,)}
                require(judge.shows(answer, answer.persona, expected, "each caller is answered with its own persona"))
                require(judge.shows(answer, subject.read(), expected, "each persona keeps its own update"))


def test_refused_update_beside_an_accepted_one_spoils_nothing(run: Run, judge: Judge, subject: Subject) -> None:
    """#/x-decisions/atomic: a refused body changes nothing at all, also while another body is accepted."""
    kept = subject.read()
    for step in range(6):
        good = {"wait_seconds": 0.5 + step / 16}
        bad = {"hold_music_timeout_seconds": 10 + step, "persona_prompt": 7}
        # The refused one first: it has to be under way when the other is stored.
        refused, accepted = _at_once(run, [(subject.persona_id, body) for body in (bad, good)])
        require(judge.success("updatePersona", accepted) + judge.answer("updatePersona", refused, 400))
        expected = {
            "wait_seconds": (good["wait_seconds"],),
            "hold_music_timeout_seconds": (kept.get("hold_music_timeout_seconds"),),
            "persona_prompt": (kept.get("persona_prompt"),),
        }
        require(judge.shows(refused, subject.read(), expected, "the accepted update holds, the refused one does not"))


def test_reader_never_sees_half_an_update(run: Run, judge: Judge, subject: Subject) -> None:
    """#/x-decisions/concurrency: a read sees the last completed write: all of an update or nothing, also while it is on its way."""
    names = ("wait_seconds", "hold_music_timeout_seconds", "persona_prompt")
    for step in range(_rounds(run) // 2):
        before = subject.read()
        update = {
            "wait_seconds": 0.5 + step / 16,
            "hold_music_timeout_seconds": 20 + step,
            "persona_prompt": f"r{step}",
        }
        with ThreadPoolExecutor(4) as threads:
            writer = threads.submit(run.api.update, subject.persona_id, to_json(update))
            readers = [threads.submit(run.api.get, subject.persona_id) for _ in range(3)]
        require(judge.success("updatePersona", writer.result()))
        states = [{name: persona.get(name) for name in names} for persona in (before, update)]
        for reader in (future.result() for future in readers):
            require(judge.success("getPersona", reader))
            seen = {name: reader.persona.get(name) for name in names}
            if seen not in states:
                problem = f"a read during an update saw {seen}, neither the old state nor the new one"
                require([Finding("broken", problem, "a read sees the last completed write", DECISIONS, reader)])


@pytest.mark.many_requests
def test_reader_never_sees_a_refused_update(run: Run, judge: Judge, subject: Subject) -> None:
    """#/x-decisions/atomic: a refused body changes nothing at all, not even for a moment."""
    for step in range(_rounds(run)):
        before = subject.read()
        refused = {"wait_seconds": 0.5 + step / 16, "persona_prompt": f"refused {step}", "name": ""}
        with ThreadPoolExecutor(4) as threads:
            writer = threads.submit(run.api.update, subject.persona_id, to_json(refused))
            readers = [threads.submit(run.api.get, subject.persona_id) for _ in range(3)]
        require(judge.answer("updatePersona", writer.result(), 400))
        expected = {name: (before.get(name),) for name in refused}
        for reader in (future.result() for future in readers):
            found = judge.success("getPersona", reader)
            require(found or judge.shows(reader, reader.persona, expected, "a refused body changes nothing"))


def test_concurrent_creates_make_different_personas(run: Run, judge: Judge) -> None:
    """createPersona 201: no two personas share an id, also when they are made at the same time."""
    bodies = [run.full_body() for _ in range(6)]
    with ThreadPoolExecutor(len(bodies)) as threads:
        answers = list(threads.map(lambda body: run.api.create(to_json(body)), bodies))
    require([finding for answer in answers for finding in judge.success("createPersona", answer)])
    ids = [answer.persona["id"] for answer in answers]
    found = []
    for body, answer in zip(bodies, answers, strict=True):
        found += judge.shows(answer, answer.persona, {"name": (body["name"],)}, "each caller gets its own persona")
    for answer in answers:
        run.discard(answer)
    if len(set(ids)) != len(ids):
        found.append(Finding("broken", f"personas made at once share ids: {ids}", "ids differ", DECISIONS, answers[0]))
    require(found)
