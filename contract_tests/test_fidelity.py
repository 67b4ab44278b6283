"""What goes in comes out: text to the code point, numbers to the double."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.boundaries import to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field, load_contract
from contract_tests.corpus import NUMBERS, TEXTS
from contract_tests.run import Run
from contract_tests.strategies import numbers, texts
from contract_tests.subject import Subject

CONTRACT = load_contract()
FIELDS = {
    name: tried
    for name, tried in CONTRACT.fields("updatePersona").items()
    if name not in (VOICE_FIELD, LANGUAGE_FIELD) and "enum" not in tried.schema
}
TEXT_FIELDS = [tried for tried in FIELDS.values() if tried.json_type == "string"]
NUMBER_FIELDS = [tried for tried in FIELDS.values() if tried.json_type == "number"]


# Updates with an awkward value in every field, where few requests may be sent.
ROWS = 14


def _cases(tried: list[Field], values: dict[str, Any]) -> list[Any]:
    """Pair each field with each value that the contract allows in it."""
    return [
        pytest.param(each, value, id=f"{each.name}-{name}")
        for each in tried
        for name, value in values.items()
        if CONTRACT.accepts_value(each, value)
    ]


def _round_trip(subject: Subject, tried: Field, value: object, token: str | None = None) -> None:
    subject.tally[tried.name, "accepted"] += 1
    subject.tally[tried.name, "fidelity"] += 1
    subject.make_visible({tried.name: value})
    subject.accepts({tried.name: value}, token=token)


def _packed(tried: Field) -> list[str]:
    """Join texts, as many at once as the field takes: what changes in the middle of a text shows in few requests."""
    packed = [""]
    for text in (f"|{text}|" for text in TEXTS.values()):
        if CONTRACT.accepts_value(tried, packed[-1] + text):
            packed[-1] += text
        elif CONTRACT.accepts_value(tried, text):
            packed.append(text)
    return packed


@pytest.mark.few_requests
def test_awkward_values_of_all_fields_read_back_unchanged(run: Run, shared_subject: Subject) -> None:
    """#/x-decisions/text: text reads back to the code point, numbers to the double; here a value of every field at a time."""
    # What changes at an end, or as a whole, shows only where the text stands by itself: another share with each seed.
    chance = run.chance("awkward values")
    rows: dict[str, list[Any]] = {}
    for tried in TEXT_FIELDS:
        alone = [text for text in TEXTS.values() if CONTRACT.accepts_value(tried, text)]
        rows[tried.name] = [*_packed(tried), *chance.sample(alone, len(alone))]
    for tried in NUMBER_FIELDS:
        valid = [number for number in NUMBERS if CONTRACT.accepts_value(tried, number)]
        rows[tried.name] = chance.sample(valid, len(valid))
    for row in range(ROWS):
        shared_subject.accepts({name: values[row % len(values)] for name, values in rows.items()})


@pytest.mark.many_requests
@pytest.mark.parametrize(("tried", "text"), _cases(TEXT_FIELDS, TEXTS))
def test_text_reads_back_unchanged(shared_subject: Subject, tried: Field, text: str) -> None:
    """#/x-decisions/text: every character is an ordinary one; text reads back unchanged, without normalisation."""
    _round_trip(shared_subject, tried, text)


@pytest.mark.parametrize("tried", TEXT_FIELDS, ids=lambda tried: tried.name)
def test_escaped_text_is_the_same_text(shared_subject: Subject, tried: Field) -> None:
    """#/paths/~1personas~1{persona_id}/patch/requestBody/content/application~1json: a character may be escaped, one beyond U+FFFF as a pair of surrogates."""
    text = "é 😀 / \u2028 \x00 A"
    token = json.dumps({tried.name: text}).replace("/", "\\/").replace(" A", " \\u0041")
    _round_trip(shared_subject, tried, text, token)


@pytest.mark.many_requests
@pytest.mark.parametrize(("tried", "number"), _cases(NUMBER_FIELDS, {repr(n): n for n in dict.fromkeys(NUMBERS)}))
def test_number_reads_back_unchanged(shared_subject: Subject, tried: Field, number: float) -> None:
    """#/x-decisions/numbers: a number reads back as the same double, or as the nearest single printed in its shortest form."""
    _round_trip(shared_subject, tried, number)


@pytest.mark.parametrize("tried", TEXT_FIELDS, ids=lambda tried: tried.name)
def test_any_text_reads_back_unchanged(shared_subject: Subject, tried: Field) -> None:
    """#/x-decisions/text: strings read back unchanged, whatever characters they hold."""

    @given(texts(tried.schema))
    def reads_back(text: str) -> None:
        _round_trip(shared_subject, tried, text)

    reads_back()


@pytest.mark.parametrize("tried", NUMBER_FIELDS, ids=lambda tried: tried.name)
def test_any_number_reads_back_unchanged(shared_subject: Subject, tried: Field) -> None:
    """#/components/schemas: every number between the limits is valid and is stored as it is."""

    @given(numbers(tried.schema))
    def reads_back(number: float) -> None:
        _round_trip(shared_subject, tried, number)

    reads_back()


@pytest.mark.many_requests
@given(data=st.data())
def test_texts_of_two_fields_do_not_mix(shared_subject: Subject, data: st.DataObject) -> None:
    """updatePersona: each field stores its own text."""
    body = {tried.name: data.draw(texts(tried.schema), tried.name) for tried in TEXT_FIELDS}
    shared_subject.accepts(body, token=to_json(body))
