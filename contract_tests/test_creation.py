"""Creating a persona: what is accepted is stored, what the contract forbids makes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.boundaries import (
    ALPHABETS,
    Boundary,
    boundaries,
    good_values,
    plain_fault,
    representatives,
    to_json,
)
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, load_contract
from contract_tests.corpus import NUMBERS, TEXTS
from contract_tests.exchange import Exchange
from contract_tests.run import Run
from contract_tests.verdict import DECISIONS, Finding, Judge, require

CONTRACT = load_contract()
FIELDS = CONTRACT.fields("createPersona")
NAME_FIELD = "name"
OPTIONAL = [tried for tried in FIELDS.values() if not tried.is_required]
REQUIRED = [tried for tried in FIELDS.values() if tried.is_required]
CREATE = CONTRACT.operation("createPersona").pointer

# Where few requests may be sent: so many bodies that are right, and so many further values that are wrong.
BODIES = 10
FURTHER = 10
ATOMIC, CREATION = f"{DECISIONS}/atomic", f"{DECISIONS}/creation"
STORED = "a create stores every field that it accepts"

# The name of a persona that is made here begins with the prefix of the run, so other names are left to updates.
VALUES = [
    value
    for tried in FIELDS.values()
    for value in boundaries(CONTRACT, tried)
    if not (value.accepted and tried.name in (NAME_FIELD, VOICE_FIELD, LANGUAGE_FIELD))
]


def _create(run: Run, body: dict[str, Any], token: str | None = None) -> Exchange:
    return run.api.create(to_json(body) if token is None else token)


def _token(body: dict[str, Any], *values: Boundary) -> str:
    """Write a body as JSON text, values on trial in their own spelling."""
    tokens = {name: to_json(value) for name, value in body.items()} | {
        value.field.name: value.token for value in values
    }
    return f"{{{', '.join(f'{to_json(name)}: {token}' for name, token in tokens.items())}}}"


def _with_name(body: dict[str, Any], text: str) -> dict[str, Any]:
    """Let the name end in a text, where there is room for it."""
    name = body[NAME_FIELD] + text
    return {**body, NAME_FIELD: name} if CONTRACT.accepts_value(FIELDS[NAME_FIELD], name) else body


def _require_made(run: Run, judge: Judge, body: dict[str, Any], exchange: Exchange) -> None:
    """Hold a creation to its promise: success, every field in the answer and in a later GET; then remove the persona."""
    found = judge.success("createPersona", exchange)
    persona_id = exchange.persona.get("id")
    if isinstance(persona_id, str):
        read = run.api.get(persona_id)
        expected = judge.created_readings(body)
        found += judge.success("getPersona", read)
        for persona in (exchange.persona, read.persona):
            found += judge.shows(exchange, persona, expected, STORED)
        found += run.stolen(exchange)
        run.discard(exchange)
    require(found)


def _require_refused(
    run: Run, judge: Judge, exchange: Exchange, promise: str, clause: str, name: str, *, is_plain: bool = True
) -> None:
    """Hold a refusal to its promise, and to blame the field where it is plain which; remove what was made against it."""
    found = judge.refusal(
        "createPersona", exchange, 400, promise=promise, clause=clause, about=f"{name} of a new persona"
    )
    run.discard(exchange)
    require(found or (judge.details(exchange, name) if is_plain else []))


def _try_value(run: Run, judge: Judge, value: Boundary) -> None:
    """Send a body with one value on trial, all others valid beyond doubt, and expect what the contract says."""
    name = value.field.name
    body = {**(run.marked_body() if name == NAME_FIELD else run.full_body()), name: value.value}
    exchange = _create(run, body, _token(body, value))
    run.tally[f"{name} of a new persona", "accepted" if value.accepted else "refused"] += 1
    run.tally[f"{name} of a new persona", value.kind] += 1
    judge.notes.try_value(value.clause, is_valid=value.accepted)
    if value.accepted:
        _require_made(run, judge, body, exchange)
    else:
        plain = value.is_readable
        _require_refused(run, judge, exchange, value.field.promise, value.source, name, is_plain=plain)


@pytest.mark.many_requests
@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.name)
def test_value_is_treated_as_the_contract_says(run: Run, judge: Judge, value: Boundary) -> None:
    """#/components/schemas: the schema of the field decides; all other fields hold values that are valid beyond doubt."""
    _try_value(run, judge, value)


@pytest.mark.few_requests
def test_wrong_values_make_nothing(run: Run, judge: Judge) -> None:
    """#/components/schemas: the schema of the field decides; all other fields hold values that are valid beyond doubt."""
    chance = run.chance("values of new personas")
    wrong = [value for value in VALUES if not value.accepted]
    chosen = [value for value in wrong if value.is_sharp and (value.kind != "type" or isinstance(value.value, str))]
    further = representatives((value for value in wrong if value not in chosen), chance)
    for value in chosen + chance.sample(further, min(FURTHER, len(further))):
        _try_value(run, judge, value)


@pytest.mark.few_requests
def test_right_values_of_new_personas_are_stored_together(run: Run, judge: Judge) -> None:
    """#/x-decisions/creation: a create stores every field that it accepts; each body holds a further value of every field."""
    chance = run.chance("right values of new personas")
    good: dict[str, list[Boundary]] = {}
    for value in sorted(chance.sample(VALUES, len(VALUES)), key=lambda value: not value.is_sharp):
        if value.accepted and value.kind != "null":
            good.setdefault(value.field.name, []).append(value)
    for row, text in enumerate(chance.sample(list(TEXTS.values()), BODIES)):
        body = _with_name(run.full_body(), text)
        voice, spoken = chance.choice(sorted(run.voices.items()))
        body |= {VOICE_FIELD: voice, LANGUAGE_FIELD: spoken[-1]}
        values = [some[row % len(some)] for some in good.values()]
        body |= {value.field.name: value.value for value in values}
        _require_made(run, judge, body, _create(run, body, _token(body, *values)))


@pytest.mark.sharp
@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("excess", [1, 0, pytest.param(-1, marks=pytest.mark.many_requests)])
def test_name_has_the_length_that_the_contract_allows(run: Run, judge: Judge, alphabet: str, excess: int) -> None:
    """#/components/schemas/PersonaName: the length counts code points, also of a new persona's name."""
    tried = FIELDS[NAME_FIELD]
    prefix = run.api.new_name()
    size = tried.schema["maxLength"] + excess
    body = {**run.full_body(), NAME_FIELD: prefix + ALPHABETS[alphabet] * (size - len(prefix))}
    exchange = _create(run, body)
    if CONTRACT.accepts_value(tried, body[NAME_FIELD]):
        _require_made(run, judge, body, exchange)
    else:
        _require_refused(run, judge, exchange, "name is too long", f"{tried.pointer}/maxLength", NAME_FIELD)


@pytest.mark.many_requests
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_of_a_new_persona_reads_back_unchanged(run: Run, judge: Judge, text: str) -> None:
    """#/x-decisions/text: every character is an ordinary one, in a create as in an update."""
    body = run.full_body()
    body |= {
        tried.name: text for tried in OPTIONAL if tried.json_type == "string" and CONTRACT.accepts_value(tried, text)
    }
    body = _with_name(body, text)
    _require_made(run, judge, body, _create(run, body))


@pytest.mark.many_requests
def test_number_of_a_new_persona_reads_back_unchanged(run: Run, judge: Judge) -> None:
    """#/x-decisions/numbers: a number reads back as the same double, or as the nearest single in its shortest form."""
    numbers = [tried for tried in OPTIONAL if tried.json_type == "number"]
    valid = [[number for number in NUMBERS if CONTRACT.accepts_value(tried, number)] for tried in numbers]
    for row in range(max(map(len, valid), default=0)):
        chosen = {tried.name: values[row % len(values)] for tried, values in zip(numbers, valid, strict=True)}
        body = {**run.full_body(), **chosen}
        _require_made(run, judge, body, _create(run, body))


@pytest.mark.many_requests
def test_each_language_of_a_voice_is_stored(run: Run, judge: Judge) -> None:
    """#/x-decisions/creation: a create stores every field that it accepts, the language among them, first or last of its voice."""
    for voice, spoken in list(run.voices.items())[:8]:
        for language in dict.fromkeys((spoken[-1], spoken[0])):
            body = {**run.full_body(), VOICE_FIELD: voice, LANGUAGE_FIELD: language}
            _require_made(run, judge, body, _create(run, body))


def test_two_personas_may_have_one_name(run: Run, judge: Judge) -> None:
    """#/x-decisions/creation: two personas may have the same name."""
    with run.persona(name=run.api.new_name()) as first:
        before = first.last
        exchange = _create(run, {**run.full_body(index=1), NAME_FIELD: before[NAME_FIELD]})
        found = judge.success("createPersona", exchange)
        if exchange.persona.get("id") == first.persona_id:
            found.append(Finding("broken", "a create answered with a persona that was there", STORED, CREATE, exchange))
        else:
            run.discard(exchange)
        require(found + first.unmoved(before, exchange))


@pytest.mark.parametrize("index", range(3))
def test_full_persona_is_stored_whole(run: Run, judge: Judge, index: int) -> None:
    """#/x-decisions/creation: a create stores every field that it accepts."""
    body = run.full_body(index=index)
    _require_made(run, judge, body, _create(run, body))


def test_smallest_persona_is_made(run: Run, judge: Judge) -> None:
    """#/components/schemas/PersonaCreate/required: these fields suffice."""
    full = run.full_body()
    body = {tried.name: full[tried.name] for tried in REQUIRED}
    _require_made(run, judge, body, _create(run, body))


def test_persona_with_null_in_every_optional_field_is_made(run: Run, judge: Judge) -> None:
    """#/components/schemas/PersonaCreate: an optional field may be null; what it reads as then is not promised."""
    body = {**run.full_body(), **{tried.name: None for tried in OPTIONAL if tried.is_nullable}}
    _require_made(run, judge, body, _create(run, body))


@pytest.mark.parametrize("tried", OPTIONAL, ids=lambda tried: tried.name)
def test_optional_field_may_be_left_out(run: Run, judge: Judge, tried: Any) -> None:
    """#/components/schemas/PersonaCreate/required: every other field may be left out."""
    body = {name: value for name, value in run.full_body().items() if name != tried.name}
    _require_made(run, judge, body, _create(run, body))


@pytest.mark.parametrize("fault", ["missing", "null"])
@pytest.mark.parametrize("tried", REQUIRED, ids=lambda tried: tried.name)
def test_required_field_is_required(run: Run, judge: Judge, tried: Any, fault: str) -> None:
    """#/components/schemas/PersonaCreate/required: without name, voice and language no persona is made."""
    body = {**run.marked_body(), tried.name: None}
    if fault == "missing":
        del body[tried.name]
    clause = "#/components/schemas/PersonaCreate/required"
    _require_refused(run, judge, _create(run, body), f"{tried.name} is required and not null", clause, tried.name)


@pytest.mark.sharp
def test_refused_create_makes_nothing(run: Run, judge: Judge) -> None:
    """#/x-decisions/atomic: a refused body changes nothing at all: no persona of that name comes to be."""
    faults = {tried.name: plain_fault(CONTRACT, tried).value for tried in FIELDS.values() if tried.name != NAME_FIELD}
    bodies = [{**run.full_body(), name: value} for name, value in faults.items()]
    # These pass the schema, and fail at the rule across fields.
    bodies.append({**run.full_body(), VOICE_FIELD: "contract-test-no-voice"})
    bodies.append({**run.full_body(), LANGUAGE_FIELD: "xx-XX"})
    for body in bodies:
        exchange = _create(run, body)
        require(judge.answer("createPersona", exchange, 400))
        if run.named(body[NAME_FIELD]):
            require([Finding("broken", "a refused create made a persona", "it makes nothing", ATOMIC, exchange)])


def test_one_create_makes_one_persona(run: Run, judge: Judge) -> None:
    """#/x-decisions/creation: one create makes one persona, also a while after it."""
    body = run.full_body()
    exchange = _create(run, body)
    require(judge.success("createPersona", exchange))
    found: list[Finding] = []

    def look() -> list[Finding]:
        found.extend(run.doubled(exchange, body[NAME_FIELD]))
        is_listed = found or run.named(body[NAME_FIELD])
        missing = Finding("broken", "a new persona is not found by its name", "a filter finds it", CREATION, exchange)
        return [] if is_listed else [missing]

    run.at_last(look)
    run.discard(exchange)
    require(found)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_create_with_another_media_type_makes_nothing(run: Run, judge: Judge, content_type: str) -> None:
    """#/x-decisions/body: a body sent as another media type gets 400 or 415."""
    exchange = run.api.send("POST", "/personas", body=to_json(run.full_body()), content_type=content_type)
    promise = f"a body sent as {content_type} gets 400 or 415"
    clause = f"{CREATE}/requestBody/content"
    found = judge.refusal("createPersona", exchange, 400, 415, promise=promise, clause=clause)
    run.discard(exchange)
    require(found)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_create_with_a_charset_is_json(run: Run, judge: Judge, content_type: str) -> None:
    """#/x-decisions/charset: application/json; charset=utf-8 is application/json."""
    body = run.full_body()
    exchange = run.api.send("POST", "/personas", body=to_json(body), content_type=content_type)
    _require_made(run, judge, body, exchange)


def test_new_persona_needs_a_voice_that_exists(run: Run, judge: Judge) -> None:
    """#/components/schemas/VoiceName: one of the voices of GET /personas/voices, also for a new persona."""
    body = {**run.full_body(), VOICE_FIELD: "contract-test-no-voice"}
    clause = "#/components/schemas/VoiceName/description"
    _require_refused(run, judge, _create(run, body), "voice_name is one of the voices", clause, VOICE_FIELD)


def test_new_persona_needs_a_language_that_its_voice_speaks(run: Run, judge: Judge) -> None:
    """#/components/schemas/LanguageCode: supported by the selected voice, also for a new persona."""
    languages = sorted({language for spoken in run.voices.values() for language in spoken})
    for voice, spoken in list(run.voices.items())[:4]:
        for language in [*[known for known in languages if known not in spoken][:2], "xx-XX"]:
            body = {**run.full_body(), VOICE_FIELD: voice, LANGUAGE_FIELD: language}
            clause = "#/components/schemas/LanguageCode/description"
            exchange, promise = _create(run, body), f"{voice} does not speak {language}"
            _require_refused(run, judge, exchange, promise, clause, LANGUAGE_FIELD, is_plain=False)


def test_created_persona_can_be_updated(run: Run) -> None:
    """createPersona 201, links: the new persona takes updates like any other."""
    with run.persona() as subject:
        for tried in OPTIONAL:
            subject.accepts({tried.name: good_values(tried)[1 % len(good_values(tried))]})
