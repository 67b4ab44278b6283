"""Removing a persona: it is gone for every operation, and no other is."""

from __future__ import annotations

from contract_tests.boundaries import to_json
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import DECISIONS, Finding, Judge, require

GONE = "a list shows a removal, in time"
LAG = f"{DECISIONS}/concurrency"


def test_removed_persona_is_gone(run: Run, judge: Judge) -> None:
    """#/x-decisions/deletion: after a removal, reading and updating answer 404, also the second time."""
    with run.persona() as subject:
        run.remove(subject.persona_id)
        for _ in range(2):
            require(judge.answer("getPersona", run.api.get(subject.persona_id), 404))
            update = run.api.update(subject.persona_id, to_json({"wait_seconds": 1}))
            require(judge.answer("updatePersona", update, 404))
            require(judge.answer("updatePersona", run.api.update(subject.persona_id, "{}"), 404))
        require(judge.answer("getPersona", run.api.get(subject.persona_id), 404))


def test_removed_persona_is_listed_no_more(run: Run) -> None:
    """#/x-decisions/concurrency: a list shows a write, a removal too, no later than three seconds after it."""
    with run.persona() as subject:
        name = subject.last["name"]
        run.remove(subject.persona_id)

        def look() -> list[Finding]:
            for page in (*run.pages(1), *run.pages(filter=f'name="{name}"')):
                if any(item["id"] == subject.persona_id for item in page.json["personas"]):
                    return [Finding("broken", "a list shows a persona that was removed", GONE, LAG, page)]
            return []

        run.at_last(look)


def test_removing_twice_is_answered_either_way(run: Run) -> None:
    """#/x-decisions/deletion: removing what is not there may be answered with 200 or 404."""
    with run.persona() as subject:
        run.remove(subject.persona_id)
        run.remove(subject.persona_id, 404)


def test_removal_leaves_other_personas_alone(run: Run) -> None:
    """deletePersona: removes the persona in the path and no other, made before or after it."""
    with run.persona() as elder, run.persona() as middle, run.persona() as younger:
        before = [bystander.last for bystander in (elder, younger)]
        exchange = run.remove(middle.persona_id)
        for bystander, state in zip((elder, younger), before, strict=True):
            require(bystander.unmoved(state, exchange))


def test_removing_an_unknown_persona_removes_nothing(run: Run, judge: Judge, subject: Subject) -> None:
    """deletePersona: an id that no persona has removes none."""
    before = subject.last
    exchange = run.api.delete(run.api.absent_id())
    require(judge.success("deletePersona", exchange, 404) + subject.unmoved(before, exchange))


def test_id_of_a_removed_persona_is_not_used_again(run: Run) -> None:
    """#/x-decisions/deletion: the id of a persona that was removed is not given to another."""
    with run.persona() as first:
        run.remove(first.persona_id)
    with run.persona() as second:
        assert second.persona_id != first.persona_id, f"a new persona got the removed one's id {first.persona_id}"
        second.accepts({"wait_seconds": 1.25})
