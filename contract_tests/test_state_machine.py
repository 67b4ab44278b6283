"""Create, update, read, list and delete in any order, against a model of what the contract promises."""

from __future__ import annotations

from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from contract_tests.boundaries import to_json
from contract_tests.run import Run
from contract_tests.strategies import spoilt_bodies, valid_bodies
from contract_tests.subject import Subject
from contract_tests.verdict import BROKEN, DECISIONS, Finding, require

# More personas than this at a time would only cost requests.
MOST_PERSONAS = 4
LAG = f"{DECISIONS}/concurrency"


def _listed_wrongly(run: Run, subjects: list[Subject]) -> list[Finding]:
    """Find what the first page of the list shows otherwise than it is."""
    page = next(run.pages(page_size="100"))
    found = []
    shown = {item["id"]: item for item in page.json["personas"]}
    for subject in subjects:
        if subject.persona_id not in shown and page.json.get("next_page_token"):
            continue  # it stands on a later page
        expected = {name: (subject.last.get(name),) for name in run.contract.fields("updatePersona")}
        promise = "a list shows each persona as it is"
        found += run.judge.shows(page, shown.get(subject.persona_id, {}), expected, promise)
    for persona_id in run.api.ledger.removed & shown.keys():
        problem = f"persona {persona_id} was removed and is still listed"
        found.append(Finding(BROKEN, problem, "a list shows a removal, in time", LAG, page))
    return found


def _machine(run: Run) -> type[RuleBasedStateMachine]:
    """Make the machine for one run: hypothesis wants a class, and the run is known only now."""

    class Personas(RuleBasedStateMachine):
        """The model: each persona's last reading, which an update predicts and a read confirms."""

        alive = Bundle("alive")
        gone = Bundle("gone")

        def __init__(self) -> None:
            super().__init__()
            self.subjects: list[Subject] = []

        @rule(target=alive, index=st.integers(0, 2))
        def create(self, index: int) -> Subject | None:
            """A create is answered with what it was given."""
            if len(self.subjects) >= MOST_PERSONAS:
                return self.subjects[index]
            subject = run.create(**run.full_body(index=index))
            self.subjects.append(subject)
            return subject

        @rule(subject=alive, body=valid_bodies(run.contract, run.voices))
        def update(self, subject: Subject, body: dict[str, Any]) -> None:
            """A valid update is accepted, shown and stored, and touches nothing else."""
            if subject in self.subjects:
                note(f"PATCH {to_json(body)}")
                run.tally["generated bodies", "accepted"] += 1
                subject.accepts(body)

        @rule(subject=alive, spoilt=spoilt_bodies(run.contract, run.voices))
        def update_wrongly(self, subject: Subject, spoilt: tuple[Any, str]) -> None:
            """An invalid update is refused and changes nothing."""
            if subject in self.subjects:
                fault, token = spoilt
                run.tally["generated bodies", "refused"] += 1
                promise = fault.field.promise
                subject.refuses(
                    token,
                    promise=promise,
                    clause=fault.source,
                    field_name=fault.field.name,
                    is_readable=fault.is_readable,
                )

        @rule(subject=alive)
        def read(self, subject: Subject) -> None:
            """A read shows what the last write left."""
            if subject in self.subjects:
                before = subject.last
                exchange = run.api.get(subject.persona_id)
                require(run.judge.success("getPersona", exchange) + subject.unmoved(before, exchange))

        @rule()
        def list(self) -> None:
            """A list shows every living persona as it is, and none that is gone."""
            run.at_last(lambda: _listed_wrongly(run, self.subjects))

        @rule(target=gone, subject=consumes(alive))
        def delete(self, subject: Subject) -> Subject:
            """A removed persona is gone."""
            if subject in self.subjects:
                self.subjects.remove(subject)
                run.remove(subject.persona_id)
            return subject

        @rule(subject=gone, body=valid_bodies(run.contract, run.voices))
        def touch_what_is_gone(self, subject: Subject, body: dict[str, Any]) -> None:
            """Reading and updating a removed persona answer 404."""
            require(run.judge.answer("getPersona", run.api.get(subject.persona_id), 404))
            require(run.judge.answer("updatePersona", run.api.update(subject.persona_id, to_json(body)), 404))

        @invariant()
        def personas_do_not_share_an_id(self) -> None:
            """No two living personas have the same id."""
            ids = [subject.persona_id for subject in self.subjects]
            assert len(ids) == len(set(ids)), f"living personas share an id: {ids}"

        def teardown(self) -> None:
            """Remove what the steps have left."""
            for subject in self.subjects:
                run.api.delete(subject.persona_id)

    return Personas


def test_any_order_of_operations_keeps_the_promises(run: Run) -> None:
    """#/paths: whatever came before, each answer is the one that the contract promises."""
    run_state_machine_as_test(_machine(run))
