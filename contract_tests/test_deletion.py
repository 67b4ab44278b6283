"""Removing a persona: it is gone for every operation, and no other is."""

from __future__ import annotations

from contract_tests.boundaries import to_json
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import DECISIONS, Finding, Judge, require

GONE = "after a DELETE, GET and PATCH answer 404"


def test_removed_persona_is_gone(run: Run, judge: Judge) -> None:
    """Decision: after a DELETE, GET and PATCH answer 404, also the second time."""
    with run.persona() as subject:
        require(judge.success("deletePersona", run.api.delete(subject.persona_id)))
        for _ in range(2):
            require(judge.answer("getPersona", run.api.get(subject.persona_id), 404))
            update = run.api.update(subject.persona_id, to_json({"wait_seconds": 1}))
            require(judge.answer("updatePersona", update, 404))
            require(judge.answer("updatePersona", run.api.update(subject.persona_id, "{}"), 404))
        require(judge.answer("getPersona", run.api.get(subject.persona_id), 404))


def test_removed_persona_is_listed_no_more(run: Run, judge: Judge) -> None:
    """Decision: a read sees the last completed write; a list does not show what was removed."""
    with run.persona() as subject:
        name = subject.last["name"]
        require(judge.success("deletePersona", run.api.delete(subject.persona_id)))
        for exchange in (run.api.list_personas(), run.api.list_personas(filter=f'name="{name}"')):
            require(judge.success("listPersonas", exchange))
            if any(item["id"] == subject.persona_id for item in exchange.json["personas"]):
                require([Finding("broken", "a list shows a persona that was removed", GONE, DECISIONS, exchange)])


def test_removing_twice_is_answered_either_way(run: Run, judge: Judge) -> None:
    """Decision: deleting twice may be 200 or 404."""
    with run.persona() as subject:
        require(judge.success("deletePersona", run.api.delete(subject.persona_id)))
        require(judge.success("deletePersona", run.api.delete(subject.persona_id), 404))


def test_removal_leaves_other_personas_alone(run: Run, judge: Judge) -> None:
    """deletePersona: removes the persona in the path and no other, made before or after it."""
    with run.persona() as elder, run.persona() as middle, run.persona() as younger:
        before = [bystander.last for bystander in (elder, younger)]
        exchange = run.api.delete(middle.persona_id)
        require(judge.success("deletePersona", exchange))
        for bystander, state in zip((elder, younger), before, strict=True):
            require(bystander.unmoved(state, exchange))


def test_removing_an_unknown_persona_removes_nothing(run: Run, judge: Judge, subject: Subject) -> None:
    """deletePersona: an id that no persona has removes none."""
    before = subject.last
    exchange = run.api.delete(run.api.absent_id())
    require(judge.success("deletePersona", exchange, 404) + subject.unmoved(before, exchange))


def test_id_of_a_removed_persona_is_not_used_again(run: Run) -> None:
    """createPersona 201: a new persona has a new id, also after a removal."""
    with run.persona() as first:
        run.api.delete(first.persona_id)
    with run.persona() as second:
        assert second.persona_id != first.persona_id, f"a new persona got the removed one's id {first.persona_id}"
        second.accepts({"wait_seconds": 1.25})
