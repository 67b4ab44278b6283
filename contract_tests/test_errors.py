"""Each documented failure: its status, its shape, its code, and that nothing has changed."""

from __future__ import annotations

import pytest

from contract_tests.boundaries import boundaries, to_json
from contract_tests.contract import load_contract
from contract_tests.run import Run
from contract_tests.subject import Subject
from contract_tests.verdict import DECISIONS, Judge, require

CONTRACT = load_contract()


def test_reading_an_unknown_persona_answers_404(run: Run, judge: Judge) -> None:
    """getPersona 404: no persona has this id."""
    require(judge.answer("getPersona", run.api.get(run.api.absent_id()), 404))


@pytest.mark.all_parameters
@pytest.mark.parametrize(
    "persona_id",
    [
        "00000000-0000-4000-8000-000000000000", "zzzzzzzzzzzzzzzzzzzzzz", "ZZZZZZZZZZZZZZZZZZZZZZ", "9" * 18, "x",
        "null", "undefined", "contract test", "contract-test-é", "contract-test-😀", "contract-test-" + "x" * 500,
    ],
    ids=["uuid", "small-letters", "capitals", "digits", "letter", "null", "undefined", "space", "accent", "emoji", "long"],
)  # fmt: skip
def test_unknown_id_of_any_form_answers_404(run: Run, judge: Judge, persona_id: str) -> None:
    """#/components/parameters/PersonaId: a string without a pattern, so an id of any form is one that no persona has."""
    exchange = run.api.get(persona_id)
    if not exchange.was_accepted:
        require(judge.answer("getPersona", exchange, 404))
    if persona_id.startswith("contract-test-"):
        require(judge.answer("updatePersona", run.api.update(persona_id, "{}"), 404))


@pytest.mark.parametrize(
    "body", [{}, {"wait_seconds": 1}, {"name": "contract-test-nobody"}], ids=["empty", "number", "text"]
)
def test_updating_an_unknown_persona_answers_404(run: Run, judge: Judge, body: dict[str, object]) -> None:
    """updatePersona 404: no persona has this id, and an update makes none."""
    persona_id = run.api.absent_id()
    require(judge.answer("updatePersona", run.api.update(persona_id, to_json(body)), 404))
    require(judge.answer("getPersona", run.api.get(persona_id), 404))


def test_bad_body_to_an_unknown_persona_answers_either(run: Run, judge: Judge) -> None:
    """#/x-decisions/precedence: between 400 and 404 for a bad body to an unknown persona, either is right."""
    for token in ("{", '{"wait_seconds": "soon"}'):
        require(judge.answer("updatePersona", run.api.update(run.api.absent_id(), token), 400, 404))


def test_deleting_an_unknown_persona_answers_200_or_404(run: Run, judge: Judge) -> None:
    """#/x-decisions/deletion: no 404 is documented for a removal; either is right."""
    require(judge.success("deletePersona", run.api.delete(run.api.absent_id()), 404))


@pytest.mark.parametrize("token", ["{", "[]", '"text"', "null"])
def test_create_refuses_what_is_no_object(run: Run, judge: Judge, token: str) -> None:
    """#/x-decisions/body: malformed JSON, and JSON that is no object, get 400."""
    exchange = run.api.create(token)
    require(
        judge.refusal("createPersona", exchange, 400, promise="the body is a JSON object", clause=f"{DECISIONS}/body")
    )


@pytest.mark.many_requests
def test_error_follows_error_in_the_same_shape(subject: Subject) -> None:
    """#/components/responses/InvalidArgument: the shape does not depend on what was asked before."""
    for tried in CONTRACT.fields("updatePersona").values():
        for fault in [value for value in boundaries(CONTRACT, tried) if not value.accepted][-2:]:
            token = f"{{{to_json(tried.name)}: {fault.token}}}"
            subject.refuses(
                token,
                promise=tried.promise,
                clause=fault.source,
                field_name=tried.name,
                is_readable=fault.is_readable,
            )


def test_update_works_after_errors(subject: Subject) -> None:
    """updatePersona: a refused request leaves nothing behind that spoils the next one."""
    for token in ("{", "[1]", '{"wait_seconds": []}'):
        subject.refuses(token, promise="this body is not valid", clause="#/components/schemas/PersonaUpdate")
    subject.make_visible({"wait_seconds": 1})
    subject.accepts({"wait_seconds": 1})
