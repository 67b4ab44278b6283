"""What an update promises: only what is sent changes, null does what x-on-null says, a refusal changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.boundaries import good_values, plain_fault, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field, load_contract
from contract_tests.run import Run
from contract_tests.subject import Subject, Wrong
from contract_tests.verdict import require

CONTRACT = load_contract()
FIELDS = CONTRACT.fields("updatePersona")
FREE_FIELDS = [tried for name, tried in FIELDS.items() if name not in (VOICE_FIELD, LANGUAGE_FIELD)]
NULLABLE_FIELDS = [tried for tried in FIELDS.values() if tried.is_nullable]
BODY = f"{CONTRACT.operation('updatePersona').pointer}/requestBody"


def _named(tried: Field) -> str:
    return tried.name


def _other_values(subject: Subject) -> dict[str, Any]:
    """Return a value for each free field that differs from what the persona has."""
    return {
        tried.name: next(good for good in good_values(tried) if good != subject.last.get(tried.name))
        for tried in FREE_FIELDS
    }


def test_fields_of_the_update_are_known() -> None:
    """#/components/schemas/PersonaUpdate: the contract names fields to try: a suite without fields would pass and say nothing."""
    assert len(FIELDS) >= 8
    assert len(FREE_FIELDS) == len(FIELDS) - 2


@pytest.mark.many_requests
@pytest.mark.parametrize("tried", FREE_FIELDS, ids=_named)
def test_field_sent_alone_changes_alone(subject: Subject, tried: Field) -> None:
    """updatePersona: only the fields that are sent are changed, and every field may be sent alone."""
    for value in good_values(tried)[:3]:
        subject.make_visible({tried.name: value})
        subject.accepts({tried.name: value})


def test_every_field_sent_together_changes_together(run: Run, subject: Subject) -> None:
    """updatePersona: any set of valid fields may be sent together."""
    for index in (1, 2):
        subject.accepts(run.full_body("updatePersona", index))


def test_empty_update_changes_nothing(subject: Subject) -> None:
    """updatePersona: an empty object is a valid update of nothing."""
    subject.accepts({})


@pytest.mark.few_requests
def test_null_in_one_field_beside_values_in_all_others(shared_subject: Subject) -> None:
    """#/components/schemas/PersonaUpdate: x-on-null: each field follows its own rule, whichever comes first in the body."""
    for index, tried in enumerate(NULLABLE_FIELDS):
        others = {name: value for name, value in _other_values(shared_subject).items() if name != tried.name}
        null = {tried.name: None}
        shared_subject.accepts({**null, **others} if index % 2 else {**others, **null})


@pytest.mark.many_requests
@pytest.mark.parametrize("tried", NULLABLE_FIELDS, ids=_named)
def test_null_does_what_the_contract_says(subject: Subject, tried: Field) -> None:
    """#/components/schemas/PersonaUpdate: x-on-null: null clears the stored value, or leaves it; sending it twice does no more."""
    subject.accepts({tried.name: None})
    subject.accepts({tried.name: None})


@pytest.mark.many_requests
@pytest.mark.parametrize("tried", NULLABLE_FIELDS, ids=_named)
def test_null_beside_values_touches_its_own_field_only(subject: Subject, tried: Field) -> None:
    """#/components/schemas/PersonaUpdate: x-on-null: null in one field, values in all others; each field follows its own rule."""
    body = {**_other_values(subject), tried.name: None}
    subject.accepts(body)
    subject.accepts(dict(reversed(_other_values(subject).items())) | {tried.name: None})


def test_null_in_every_field_follows_each_rule(subject: Subject) -> None:
    """#/components/schemas/PersonaUpdate: x-on-null: what may be cleared is cleared and what may not stays, all in one body."""
    subject.accepts({tried.name: None for tried in NULLABLE_FIELDS})


@pytest.mark.many_requests
@pytest.mark.parametrize("tried", [tried for tried in FREE_FIELDS if tried.clears_on_null], ids=_named)
def test_cleared_field_can_be_set_again(subject: Subject, tried: Field) -> None:
    """#/components/schemas/PersonaUpdate: x-on-null clear: a field that was cleared takes a value again, and other updates leave it cleared."""
    subject.accepts({tried.name: None})
    other = next(field for field in FREE_FIELDS if field.name != tried.name)
    subject.make_visible({other.name: good_values(other)[1]})
    subject.accepts({other.name: good_values(other)[1]})
    subject.accepts({tried.name: good_values(tried)[0]})


def test_same_update_twice_is_accepted_twice(run: Run, subject: Subject) -> None:
    """#/x-decisions/combinations: sending the same update twice answers 200 twice."""
    body = run.full_body("updatePersona", 1)
    subject.accepts(body)
    subject.accepts(body)


def test_update_is_still_there_later(subject: Subject) -> None:
    """#/x-decisions/concurrency: a read sees the last completed write, and reading changes nothing."""
    exchange = subject.accepts(_other_values(subject))
    stored = {name: (subject.last.get(name),) for name in CONTRACT.persona_fields}
    for _ in range(3):
        require(subject.judge.shows(exchange, subject.read(), stored, "a read sees the last completed write"))


def test_update_of_the_keepsake_is_accepted(run: Run) -> None:
    """updatePersona: stored now; test_persistence reads it again later in the run."""
    assert run.keepsake.persona_id


@pytest.mark.many_requests
def test_many_updates_in_a_row_are_all_stored(subject: Subject) -> None:
    """updatePersona: the twenty-fifth update counts as much as the first."""
    for _ in range(25):
        subject.accepts(_other_values(subject))


def _spoilt(tried: Field, valid: dict[str, Any], *, is_first: bool) -> Wrong:
    """Return an update with valid values in all fields but one."""
    fault = plain_fault(CONTRACT, tried)
    items = [f"{to_json(name)}: {to_json(value)}" for name, value in valid.items() if name != tried.name]
    items.insert(0 if is_first else len(items), f"{to_json(tried.name)}: {fault.token}")
    promise = f"{tried.promise}; nothing of a refused body may be stored"
    return Wrong(f"{{{', '.join(items)}}}", promise, fault.source, tried.name, fault.is_readable)


@pytest.mark.many_requests
@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("tried", FIELDS.values(), ids=_named)
def test_refused_body_changes_nothing(subject: Subject, tried: Field, place: str) -> None:
    """#/x-decisions/atomic: a refused body changes nothing at all, also when some of its fields were valid."""
    subject.refuses_each([_spoilt(tried, _other_values(subject), is_first=place == "first")])


@pytest.mark.few_requests
def test_refused_bodies_change_nothing(shared_subject: Subject) -> None:
    """#/x-decisions/atomic: a refused body changes nothing at all, whichever of its fields is at fault and where it stands."""
    valid = _other_values(shared_subject)
    shared_subject.refuses_each(
        _spoilt(tried, valid, is_first=first) for tried in FIELDS.values() for first in (True, False)
    )


def test_body_with_every_field_wrong_changes_nothing(subject: Subject) -> None:
    """#/x-decisions/atomic: a refused body changes nothing at all; two faults do not cancel out."""
    faults = [plain_fault(CONTRACT, tried) for tried in FIELDS.values()]
    items = ", ".join(f"{to_json(fault.field.name)}: {fault.token}" for fault in faults)
    subject.refuses(f"{{{items}}}", promise="no field of this body is valid", clause=BODY)


def test_null_beside_a_fault_clears_nothing(subject: Subject) -> None:
    """#/x-decisions/atomic: a refused body changes nothing at all; a null in it clears nothing."""
    tried = next(tried for tried in FREE_FIELDS if not tried.clears_on_null)
    fault = plain_fault(CONTRACT, tried)
    nulls = [f"{to_json(other.name)}: null" for other in FREE_FIELDS if other.clears_on_null]
    body = f"{{{', '.join([*nulls, f'{to_json(tried.name)}: {fault.token}'])}}}"
    subject.refuses(
        body,
        promise=tried.promise,
        clause=fault.source,
        field_name=tried.name,
        is_readable=fault.is_readable,
    )
