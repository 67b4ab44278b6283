"""
The whole update in few requests, each of which can show many faults: what is broken shows within the first second.

Each promise is held again, closely and one at a time, in the file that bears its name.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from typing import Any

import pytest

from contract_tests.boundaries import Boundary, boundaries, plain_fault, to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field, load_contract
from contract_tests.corpus import NUMBERS, TEXTS
from contract_tests.exchange import Exchange
from contract_tests.run import Run
from contract_tests.subject import Persona, Subject, Wrong
from contract_tests.verdict import DECISIONS, Finding, Judge, parse_time, require

pytestmark = pytest.mark.sharp

CONTRACT = load_contract()
FIELDS = CONTRACT.fields("updatePersona")
CREATED = CONTRACT.fields("createPersona")
FREE_FIELDS = [tried for name, tried in FIELDS.items() if name not in (VOICE_FIELD, LANGUAGE_FIELD)]
ATOMIC = f"{DECISIONS}/atomic"
BODY = f"{CONTRACT.operation('updatePersona').pointer}/requestBody"

LISTING = f"{DECISIONS}/listing"
LIST = CONTRACT.operation("listPersonas").pointer
ORDER_BY = f"{LIST}/parameters/3/description"

# As many updates as an enum of twenty values needs.
ROWS = 22


def _good(tried: Field) -> list[tuple[str, Any]]:
    """Return valid values of a field, each with its JSON text: what shows most first."""
    limits = [value for value in boundaries(CONTRACT, tried) if value.accepted and value.value is not None]
    known = [(to_json(value), value) for value in (*TEXTS.values(), *NUMBERS) if CONTRACT.accepts_value(tried, value)]
    if tried.json_type == "string" and not {"enum", "maxLength"} & tried.schema.keys():
        # A text without limits can carry every awkward text at once, and its longest stands for the shorter ones.
        whole = "\n".join(sorted(TEXTS.values(), key="100%".__eq__))  # one of them shows its fault at the end
        both_ends = chain(*zip(reversed(limits), limits, strict=True))
        by_turns = zip_longest([(to_json(whole), whole), *known[1::3]], _pairs(both_ends))
        return [pair for pair in chain(*by_turns) if pair is not None]
    sharp, others = _pairs(value for value in limits if value.is_sharp), _pairs(v for v in limits if not v.is_sharp)
    return [*sharp, *(pair for pair in chain(*zip_longest(others, known[::3])) if pair is not None)]


def _pairs(values: Iterable[Boundary]) -> list[tuple[str, Any]]:
    return [(value.token, value.value) for value in values]


def _rows() -> Iterator[tuple[dict[str, Any], str]]:
    """Yield bodies, each with its JSON text, that try a further value of every field but one at a time."""
    good = {tried.name: _good(tried) for tried in FREE_FIELDS}
    for row in range(ROWS):
        left_out = FREE_FIELDS[row % len(FREE_FIELDS)].name if row % 2 else None
        chosen = {name: some[row % len(some)] for name, some in good.items() if name != left_out}
        items = (f"{to_json(name)}: {token}" for name, (token, _) in chosen.items())
        yield {name: value for name, (_, value) in chosen.items()}, f"{{{', '.join(items)}}}"


@pytest.fixture(scope="module")
def onlooker(run: Run) -> Iterator[Subject]:
    """A persona that nothing here is sent to."""
    with run.persona() as subject:
        yield subject


def test_every_field_takes_many_values(run: Run, judge: Judge, onlooker: Subject, shared_subject: Subject) -> None:
    """updatePersona: valid values of all fields are accepted together, stored, and read back unchanged."""
    exchange = shared_subject.accepts(run.full_body("updatePersona", 1))
    first, began = shared_subject.last, time.monotonic()
    names = {"resource_name": (f"personas/{shared_subject.persona_id}",), "id": (shared_subject.persona_id,)}
    require(judge.shows(exchange, exchange.persona, names, "resource_name is personas/ and the id"))
    for body, token in _rows():
        exchange = shared_subject.accepts(body, token=token)
    before = onlooker.last
    require(onlooker.unmoved(before, exchange))
    require(_standing_still(exchange, first, shared_subject.last, time.monotonic() - began))


def _standing_still(exchange: Exchange, first: Persona, last: Persona, seconds: float) -> list[Finding]:
    """Find an update_time that many updates have not moved, though it prints fine enough a time to show it."""
    times = [persona.get("update_time") for persona in (first, last)]
    steps = [parse_time(text)[1].total_seconds() for text in times if text]
    if len(steps) == 2 and (times[0] != times[1] or seconds < 2 * max(steps)):
        return []
    problem = f"update_time reads {times[0]} after one update and {times[1]} after {ROWS} more, {seconds:.1f} s later"
    return [Finding("broken", problem, "update_time moves forward on an update", DECISIONS, exchange)]


@pytest.mark.parametrize("tried", FIELDS.values(), ids=lambda tried: tried.name)
def test_values_beyond_each_limit_are_refused(shared_subject: Subject, tried: Field) -> None:
    """#/components/schemas: the schema of the field decides; each value is alone in its body, and together they change nothing."""
    wrongs = [value for value in boundaries(CONTRACT, tried) if not value.accepted]
    shared_subject.refuses_each(Wrong.of(value) for value in wrongs if value.is_sharp)


def test_null_follows_the_rule_of_each_field(run: Run, shared_subject: Subject) -> None:
    """#/components/schemas/PersonaUpdate: x-on-null: all at once, then one by itself, then beside values."""
    nullable = [tried.name for tried in FIELDS.values() if tried.is_nullable]
    shared_subject.accepts(run.full_body("updatePersona", 1))
    shared_subject.accepts(dict.fromkeys(nullable))
    shared_subject.accepts(run.full_body("updatePersona", 2))
    shared_subject.accepts({nullable[0]: None})
    others = run.full_body("updatePersona", 1)
    shared_subject.accepts({**others, nullable[0]: None, nullable[-1]: None})


def test_refused_update_changes_nothing(run: Run, shared_subject: Subject) -> None:
    """#/x-decisions/atomic: a refused body changes nothing at all, also when some of its fields were valid or null."""
    valid = {name: to_json(value) for name, value in run.full_body("updatePersona", 0).items()}
    nulls = dict.fromkeys((tried.name for tried in FREE_FIELDS if tried.clears_on_null), "null")
    wrongs = []
    for tried in (FREE_FIELDS[0], FREE_FIELDS[-1]):
        fault = plain_fault(CONTRACT, tried)
        for others in (valid, nulls):
            rest = {name: token for name, token in others.items() if name != tried.name}
            for items in ({tried.name: fault.token, **rest}, {**rest, tried.name: fault.token}):
                body = f"{{{', '.join(f'{to_json(name)}: {token}' for name, token in items.items())}}}"
                wrongs.append(Wrong(body, tried.promise, fault.source, tried.name, fault.is_readable))
    shared_subject.refuses_each(wrongs)


def test_body_that_is_no_json_object_is_refused(shared_subject: Subject) -> None:
    """#/x-decisions/body: malformed JSON, and JSON that is no object, get 400; another media type gets 400 or 415."""
    good: Any = '{"name": "contract-test"}'
    broken: list[bytes | str] = ["", "{", "[]", "null", f"[{good}]", f"{good} x", good.replace("}", ",}"), good[:-1]]
    broken += ["name: contract-test", to_json(good), '[["name", "contract-test"]]']
    broken += ['{"name": "contract\ntest"}', b'{"name": "contract\xff"}']
    wrongs = [Wrong(token, "the body is a JSON object (RFC 8259)", f"{DECISIONS}/body") for token in broken]
    types = ("text/plain", "application/x-www-form-urlencoded", "application/jsonp")
    wrongs += [
        Wrong(good, f"a body sent as {name} gets 400 or 415", BODY, statuses=(400, 415), content_type=name)
        for name in types
    ]
    shared_subject.refuses_each(wrongs)


def test_stranger_is_refused(run: Run, judge: Judge, shared_subject: Subject) -> None:
    """#/security: every operation needs the whole key and nothing but the key, before anything else."""
    key, before = run.api.target.api_key, shared_subject.last
    found = []
    for operation in CONTRACT.operations.values():
        exchange = run.call(operation.operation_id, shared_subject.persona_id, None)
        run.discard(exchange)
        found += judge.answer(operation.operation_id, exchange, 401)
    swapped = key.swapcase() if key.swapcase() != key else f"{key}X"
    for spoilt in ("", "contract-test-wrong-key", key[:-1], f"{key}x", swapped, f"Bearer {key}", f'"{key}"'):
        exchange = run.call("updatePersona", shared_subject.persona_id, spoilt)
        found += judge.answer("updatePersona", exchange, 401)
    for body in ("{", '{"wait_seconds": 1e9}', "{}"):
        exchange = run.api.send("PATCH", f"/personas/{run.api.absent_id()}", body=body, key=None)
        found += judge.answer("updatePersona", exchange, 401)
    bearer = ("authorization", f"Bearer {key}")
    exchange = run.api.send("GET", "/personas", params={"page_size": "0"}, headers=[bearer], key=None)
    found += judge.answer("listPersonas", exchange, 401)
    require(found + shared_subject.unmoved(before, exchange))


def test_unknown_persona_is_not_found(run: Run, judge: Judge, shared_subject: Subject) -> None:
    """#/components/responses/NotFound: no persona has this id; ids are compared exactly, case included."""
    absent, swapped = run.api.absent_id(), shared_subject.persona_id.swapcase()
    found = judge.answer("getPersona", run.api.get(absent), 404)
    found += judge.answer("updatePersona", run.api.update(absent, "{}"), 404)
    if swapped != shared_subject.persona_id:
        found += judge.answer("getPersona", run.api.get(swapped), 404)
    for spoilt in (shared_subject.persona_id[:-1], f"{shared_subject.persona_id} "):
        found += judge.answer("getPersona", run.api.get(spoilt), 404)
    require(found)


def _pair_clause(run: Run, body: dict[str, str]) -> str:
    """Return what a voice or a language that is not right breaks: there is no such voice, or it does not speak it."""
    is_voice = body.get(VOICE_FIELD, run.spoken[0]) in run.voices
    return f"{FIELDS[LANGUAGE_FIELD if is_voice else VOICE_FIELD].pointer}/description"


def test_voice_and_language_stay_a_pair(run: Run, shared_subject: Subject) -> None:
    """#/components/schemas/LanguageCode: the selected voice must speak it; a voice is one of those that GET /personas/voices names."""
    voice, language = run.spoken
    shared_subject.accepts({VOICE_FIELD: voice, LANGUAGE_FIELD: language})
    foreign = sorted({code for spoken in run.voices.values() for code in spoken} - {*run.voices[voice]})
    wrong: list[dict[str, str]] = [{VOICE_FIELD: "contract-test-no-voice"}, {LANGUAGE_FIELD: "tlh-QX"}]
    if voice.upper() not in run.voices:
        wrong.append({VOICE_FIELD: voice.upper()})
    short, _, region = language.partition("-")
    wrong += [{LANGUAGE_FIELD: code} for code in (short, f"{short}_{region}") if code not in run.voices[voice]]
    wrong += [{LANGUAGE_FIELD: code} for code in foreign[:1]]
    mute = [other for other, spoken in run.voices.items() if language not in spoken]
    wrong += [{VOICE_FIELD: other} for other in mute[:1]]
    wrong += [{VOICE_FIELD: other, LANGUAGE_FIELD: language} for other in mute[:1]]
    promise = "the language is one that the voice speaks, and the voice one that GET /personas/voices names"
    shared_subject.refuses_each(
        Wrong(to_json(body), promise, _pair_clause(run, body), about=f"{body}") for body in wrong
    )
    other = max(run.voices, key=lambda name: (name in mute, len(run.voices[name])))
    shared_subject.accepts({LANGUAGE_FIELD: run.voices[other][-1], VOICE_FIELD: other})


def test_creation_is_held_to_the_same(run: Run, judge: Judge) -> None:
    """createPersona: every field that is accepted is stored, few are required, and one wrong field refuses the whole."""
    full = run.full_body(index=1)
    nulls = {name: None for name, tried in CREATED.items() if tried.is_nullable}
    required = {tried.name: full[tried.name] for tried in CREATED.values() if tried.is_required}
    found = []
    for body in (full, required, {**full, **nulls}):
        name = run.api.new_name()
        exchange = run.api.create(to_json({**body, "name": name}))
        found += judge.success("createPersona", exchange)
        read = run.api.get(str(exchange.persona.get("id")))
        found += judge.success("getPersona", read)
        expected = judge.created_readings({**body, "name": name})
        found += judge.shows(read, read.persona, expected, "a create stores every field that it accepts")
        found += run.doubled(exchange, name) if body is full else []
        run.discard(exchange)
        require(found)
    wrong: list[tuple[str, dict[str, Any]]] = []
    for name, tried in CREATED.items():
        faults = [value for value in boundaries(CONTRACT, tried) if not value.accepted and value.is_readable]
        wrong += [(name, {**full, name: value.value}) for value in faults[-6:-5]]
        if tried.is_required:
            wrong.append((name, {other: value for other, value in full.items() if other != name}))
            wrong.append((name, {**full, name: None}))
        elif limits := [value for value in faults if value.is_sharp]:
            wrong.append((name, {**full, name: limits[0].value}))
    for name, body in wrong:
        exchange = run.api.create(to_json(body))
        found += judge.refusal(
            "createPersona", exchange, 400, promise=CREATED[name].promise, clause=CREATED[name].pointer, about=name
        )
        run.discard(exchange)
    if not found and run.named(full["name"]):
        found.append(Finding("broken", "a refused create made a persona", "it makes nothing", ATOMIC, exchange))
    require(found)


@pytest.mark.parametrize("query", [{"page_size": size} for size in ("0", "101", "-1", "2.5", "ten")], ids=str)
def test_page_size_beyond_its_limits_is_refused(run: Run, judge: Judge, query: dict[str, str]) -> None:
    """#/x-decisions/listing: a page_size outside its limits gets 400."""
    promise, clause = CONTRACT.query_fields("listPersonas")["page_size"].promise, f"{LIST}/parameters/0/schema"
    exchange = run.api.list_personas(**query)
    require(judge.refusal("listPersonas", exchange, 400, promise=promise, clause=clause, about=f"{query}"))


def test_list_tells_the_same_as_reading(run: Run, judge: Judge, shared_subject: Subject) -> None:
    """listPersonas 200: a persona is found by its exact name, with every field as GET shows it."""
    name = f"{run.api.new_name()} in a list"
    shared_subject.accepts({"name": name})
    expected = {field: (value,) for field, value in shared_subject.last.items() if field in CONTRACT.persona_fields}

    def look() -> list[Finding]:
        for page in run.pages(filter=f'name="{name}"'):
            for item in page.json["personas"]:
                if item["id"] == shared_subject.persona_id:
                    return judge.shows(page, item, expected, "a list tells what GET tells")
        return [Finding("broken", f"{name!r} is not found", "a filter finds the exact name", LISTING, page)]

    run.at_last(look)


def test_pages_follow_each_other(run: Run, onlooker: Subject, shared_subject: Subject) -> None:
    """listPersonas 200: a page holds at most page_size, in the order asked for, and its token leads to others."""

    def look() -> list[Finding]:
        # Oldest first: a persona that somebody makes meanwhile comes last.
        seen: list[str] = []
        for page in run.pages(page_size="1", order_by="create_time"):
            shown = [item["id"] for item in page.json["personas"]]
            if len(shown) > 1 or (shown and shown == seen):
                problem = f"pages of one persona hold {[seen, shown]}"
                return [Finding("broken", problem, "page_size and page_token", LISTING, page)]
            seen += shown
            if len(seen) > 1:
                break
        if len(seen) < 2:
            problem = f"the pages of one persona end after {seen}, and there are two or more"
            return [Finding("broken", problem, "turning the pages shows every persona once", LISTING, page)]
        pages = list(run.pages(3, page_size="100", order_by="create_time"))
        times = [parse_time(item["create_time"])[0] for page in pages for item in page.json["personas"]]
        if times != sorted(times):
            problem = "order_by=create_time does not list the oldest first"
            return [Finding("broken", problem, "ascending without a dash", ORDER_BY, pages[-1])]
        return []

    run.at_last(look)


def test_made_up_page_token_leads_nowhere(run: Run, judge: Judge) -> None:
    """#/x-decisions/listing: a page_token is opaque; a made-up one gets 400 or an empty page."""
    exchange = run.api.list_personas(page_token="contract-test-made-up")
    require(judge.success("listPersonas", exchange, 400))
    if exchange.was_accepted and exchange.json["personas"]:
        require([Finding("broken", "a made-up page_token shows personas", "400 or an empty page", LISTING, exchange)])


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_undeclared_method_does_nothing(run: Run, judge: Judge, shared_subject: Subject, method: str) -> None:
    """#/x-decisions/methods: a method that the contract does not name gets 405 or 404, whatever a header says."""
    before, path = shared_subject.last, shared_subject.path
    headers = [("x-http-method-override", "PATCH")] if method == "POST" else []
    exchange = run.api.send(method, path, body='{"wait_seconds": 1.125}', headers=headers)
    found = judge.leaks(exchange)
    if exchange.status not in (404, 405):
        problem = f"{method} on a persona answered {exchange.status}"
        found.append(Finding("broken", problem, "the answer is 405 or 404", DECISIONS, exchange))
    require(found + shared_subject.unmoved(before, exchange))


def test_removed_persona_is_gone(run: Run, judge: Judge) -> None:
    """deletePersona 200: afterwards reading and updating it answer 404."""
    with run.persona() as subject:
        run.remove(subject.persona_id)
        found = judge.answer("getPersona", run.api.get(subject.persona_id), 404)
        found += judge.answer("updatePersona", run.api.update(subject.persona_id, '{"wait_seconds": 1}'), 404)
        require(found)


def test_removal_leaves_others_alone(run: Run, onlooker: Subject) -> None:
    """deletePersona: what was removed is gone, and nothing else is."""
    before = onlooker.last
    require(onlooker.unmoved(before, run.api.delete(run.api.absent_id())))


def test_json_with_a_charset_is_json(run: Run, judge: Judge, shared_subject: Subject) -> None:
    """#/x-decisions/charset: application/json; charset=utf-8 is application/json, in any case (RFC 9110, section 8.3.1)."""
    path = shared_subject.path
    exchange = run.api.send("PATCH", path, body="{}", content_type="Application/JSON; charset=utf-8")
    require(judge.success("updatePersona", exchange))
