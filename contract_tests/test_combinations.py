"""Values at their limits are accepted together, and one fault spoils any body."""

from __future__ import annotations

from typing import Any

import pytest
from allpairspy import AllPairs
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.boundaries import boundaries, good_values
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field, load_contract
from contract_tests.run import Run
from contract_tests.strategies import spoilt_bodies, valid_bodies
from contract_tests.subject import Subject

CONTRACT = load_contract()
FIELDS = CONTRACT.fields("updatePersona")
FREE_FIELDS = [tried for name, tried in FIELDS.items() if name not in (VOICE_FIELD, LANGUAGE_FIELD)]
ABSENT = object()


def _extremes(tried: Field) -> list[Any]:
    """Return the lowest and the highest valid value of a field: by number, by length, or by its place in the enum."""
    if "enum" in tried.schema:
        return [tried.schema["enum"][0], tried.schema["enum"][-1]]
    valid = [b.value for b in boundaries(CONTRACT, tried) if b.accepted and b.value is not None]
    order = len if tried.json_type in ("string", "array", "object") else None
    return [min(valid, key=order), max(valid, key=order)]


def _levels(tried: Field) -> list[Any]:
    """Return what a field may be in a combination: absent, at either limit, in between, null."""
    null = [None] if tried.is_nullable else []
    return [ABSENT, *_extremes(tried), good_values(tried)[-1], *null]


PAIRS: list[dict[str, Any]] = [
    {tried.name: value for tried, value in zip(FREE_FIELDS, row, strict=True) if value is not ABSENT}
    for row in AllPairs([_levels(tried) for tried in FREE_FIELDS])
]


@pytest.mark.parametrize("index", range(len(PAIRS)))
def test_every_pair_of_limits_is_accepted_together(run: Run, shared_subject: Subject, index: int) -> None:
    """#/x-decisions/combinations: any set of valid fields may be sent together; here each pair of limit values occurs once."""
    voices: list[dict[str, Any]] = [{VOICE_FIELD: v, LANGUAGE_FIELD: spoken[-1]} for v, spoken in run.voices.items()]
    both_null: dict[str, Any] = {VOICE_FIELD: None, LANGUAGE_FIELD: None}
    voice = ({}, both_null, voices[index % len(voices)])[index % 3]
    body = {**PAIRS[index], **voice}
    shared_subject.make_visible(body)
    shared_subject.accepts(body)


@pytest.mark.parametrize("side", [0, 1], ids=["lowest", "highest"])
def test_all_limits_are_accepted_together(run: Run, subject: Subject, side: int) -> None:
    """#/x-decisions/combinations: any set of valid fields may be sent together, all at their lowest, all at their highest."""
    body = {tried.name: _extremes(tried)[side] for tried in FREE_FIELDS}
    voice, language = run.spoken
    subject.accepts({**body, VOICE_FIELD: voice, LANGUAGE_FIELD: language})


def test_any_valid_body_is_accepted(run: Run, shared_subject: Subject) -> None:
    """#/x-decisions/combinations: any set of valid fields may be sent together."""

    @given(valid_bodies(CONTRACT, run.voices))
    def is_accepted(body: dict[str, Any]) -> None:
        run.tally["generated bodies", "accepted"] += 1
        shared_subject.accepts(body)

    is_accepted()


def test_one_fault_spoils_any_body(run: Run, shared_subject: Subject) -> None:
    """#/x-decisions/atomic: a refused body changes nothing at all, also when all of its fields but one were valid."""

    @given(spoilt_bodies(CONTRACT, run.voices))
    def is_refused(spoilt: tuple[Any, str]) -> None:
        fault, token = spoilt
        run.tally["generated bodies", "refused"] += 1
        promise = f"{fault.field.promise}; nothing of a refused body may be stored"
        shared_subject.refuses(
            token, promise=promise, clause=fault.source, field_name=fault.field.name, is_readable=fault.is_readable
        )

    is_refused()


@given(order=st.permutations(list(FIELDS)))
def test_order_of_fields_means_nothing(run: Run, shared_subject: Subject, order: list[str]) -> None:
    """#/paths/~1personas~1{persona_id}/patch/requestBody/content/application~1json: an object is unordered (RFC 8259), so the same fields in any order are the same update."""
    body = run.full_body("updatePersona", 1)
    shared_subject.accepts({name: body[name] for name in order})
