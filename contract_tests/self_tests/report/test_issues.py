"""One entry for each matter, and the lines that would bring openapi.yaml up to date."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
import yaml

from contract_tests.checks.findings import KNOWN, Finding, Violation, require
from contract_tests.checks.judge import Judge
from contract_tests.checks.known_divergences import Divergence
from contract_tests.checks.observations import HIDDEN, Drift, Observations, json_type
from contract_tests.report.issues import Issue, IssueKey, clause_of, finding_data, gather
from contract_tests.report.outcomes import Outcomes, short_name
from contract_tests.report.snippets import drift_snippet, inferred_schema, issue_snippet
from contract_tests.report.verdict import verdict
from contract_tests.spec.contract import load_contract
from contract_tests.transport.exchange import Exchange

CONTRACT = load_contract()
KEY = "Self-Test-Key-4711"
PERSONA = CONTRACT.document.tree["components"]["examples"]["PersonaOfThePage"]["value"]["persona"]
REFUSED = {"error": {"code": "INVALID_ARGUMENT", "message": "no"}}
MAXIMUM = "#/components/schemas/WaitSeconds/maximum"
ENUM = "#/components/schemas/BackgroundSound/enum"


def exchange(status: int, sent: Any, answer: Any = None, *, method: str = "PATCH") -> Exchange:
    answered = {"persona": PERSONA} if answer is None else answer
    headers = httpx.Headers({"content-type": "application/json"})
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return Exchange(method, "/personas/abc", (), body, status, headers, json.dumps(answered).encode(), "abc", (KEY,))


def refusal(judge: Judge, status: int, sent: Any, operation_id: str = "updatePersona") -> list[Finding]:
    answer = REFUSED if status >= 400 else None
    return judge.refusal(
        operation_id, exchange(status, sent, answer), 400, promise="no", clause="#/x-promises/strict_json"
    )


def gathered(findings: list[Finding]) -> list[Issue]:
    entries: dict[IssueKey, Issue] = {}
    for finding in findings:
        gather(entries, json.loads(json.dumps(finding_data(finding))), "test_x.py::test_y")
    return list(entries.values())


def judge() -> Judge:
    return Judge(CONTRACT, (KEY,))


def test_values_beyond_a_limit_are_one_entry() -> None:
    """The limit stands once in its schema, so an update and a create that pass over it are one matter."""
    court, found = judge(), []
    for value in (2.5, 3, 2.0000001, 3):
        found += refusal(court, 200, {"wait_seconds": value})
    required = {"name": "x", "voice_name": "aria", "language_code": "en-US"}
    found += refusal(court, 201, {**required, "wait_seconds": 2.25}, "createPersona")
    for value in (5, 4):
        found += refusal(court, 400, {"wait_seconds": value})
    (entry,) = gathered(found)
    refused = court.observations.refusals[MAXIMUM]
    assert (entry.kind, entry.clause, entry.count) == ("looser", MAXIMUM, 5)
    assert entry.title(refused) == (
        "wait_seconds is accepted beyond maximum 2: 4 values tried and accepted, up to 3; 4 was refused"
    )
    assert issue_snippet(CONTRACT, entry, refused) == (
        "# at #/components/schemas/WaitSeconds\n"
        "maximum: 3  # the largest value tried that was accepted; `make boundaries` finds where acceptance flips"
    )


def test_limit_that_does_not_hold_together_has_no_cure() -> None:
    """Where 3 is accepted and 2.5 refused, no maximum would be true."""
    court = judge()
    (entry,) = gathered(refusal(court, 200, {"wait_seconds": 3}) + refusal(court, 400, {"wait_seconds": 2.5}))
    assert issue_snippet(CONTRACT, entry, court.observations.refusals[MAXIMUM]) == ""


def test_whatever_test_finds_it_the_broken_keyword_decides() -> None:
    """A billion breaks the maximum; a body with two faults is in two matters; a missing field is named."""
    found = refusal(judge(), 200, {"wait_seconds": 1e9, "background_sound": "backchanneling", "name": "x"})
    assert [finding.clause for finding in found] == [ENUM, MAXIMUM]
    found = refusal(judge(), 201, {"name": "x", "voice_name": "aria"}, "createPersona")
    assert [(finding.clause, finding.problem) for finding in found] == [
        ("#/components/schemas/PersonaCreate/required", "a body without language_code was accepted with 201")
    ]
    found = judge().answer("createPersona", exchange(201, {"wait_seconds": 9}), 400)
    assert MAXIMUM in [finding.clause for finding in found]


def test_lengths_and_words_are_told_in_their_own_way() -> None:
    """A length counts characters, an enum lists its values, a type shows some."""
    (name,) = gathered(refusal(judge(), 200, {"name": "a" * 250}))
    assert name.title([300]).endswith(
        "longer than maxLength 200: 1 value tried and accepted, up to 250 characters; 300 was refused"
    )
    (sound,) = gathered([f for word in ("car", "home") for f in refusal(judge(), 200, {"background_sound": word})])
    assert sound.title() == 'background_sound is accepted outside its enum of 20 values: "car", "home"'
    snippet = issue_snippet(CONTRACT, sound, ())
    assert yaml.safe_load(snippet)["enum"] == [*CONTRACT.at(ENUM), "car", "home"]
    (kind,) = gathered(refusal(judge(), 200, {"persona_prompt": 7}))
    assert kind.title() == "persona_prompt is accepted as another type than string: 7"
    assert issue_snippet(CONTRACT, kind, ()) == ""


def test_enum_that_takes_anything_has_no_cure() -> None:
    """A list of values would not be true where a word without any sense is accepted too."""
    words = ("backchanneling", "contract-test-unknown")
    (entry,) = gathered([f for word in words for f in refusal(judge(), 200, {"background_sound": word})])
    assert issue_snippet(CONTRACT, entry, ()) == ""


def test_wrong_success_is_one_entry_and_the_rest_is_still_judged() -> None:
    """202 instead of 200 is one matter, whatever else was right there; a body that breaks the schema is another."""
    court = judge()
    found = court.success("updatePersona", exchange(202, {}))
    found += court.success("updatePersona", exchange(202, {}), 400)
    found += court.answer("updatePersona", exchange(202, {}))
    (entry,) = gathered(found)
    assert entry.headline == "updatePersona answered 202 instead of 200"
    snippet = issue_snippet(CONTRACT, entry, ())
    assert snippet.startswith("# at #/paths/~1personas~1{persona_id}/patch/responses, in place of '200'\n")
    assert yaml.safe_load(snippet) == {"202": CONTRACT.at(f"{entry.clause}/200")}
    wrong = court.success("updatePersona", exchange(202, {}, {"persona": {**PERSONA, "name": 7}}))
    assert [finding.clause for finding in wrong][1:] == ["#/components/schemas/Persona/properties/name/type"]


def test_wrong_error_has_no_cure_in_the_contract() -> None:
    """422 instead of 400 is for the API to mend."""
    (entry,) = gathered(refusal(judge(), 422, {"wait_seconds": 9}))
    assert entry.kind == "broken"
    assert issue_snippet(CONTRACT, entry, ()) == ""


def test_further_fields_are_noted_with_types_and_examples() -> None:
    """A field that the contract does not name is no finding; its types and some values are told."""
    court = judge()
    for value in ("quality", None, "legal", "sales", "x" * 500):
        answer = {"persona": {**PERSONA, "reviewer": value}, "page": {"at": 1}}
        assert court.success("updatePersona", exchange(200, {}, answer)) == []
    reviewer, page = court.observations.drifts.values()
    assert (reviewer.where, reviewer.types, reviewer.count) == (
        "#/components/schemas/Persona/properties/reviewer", ["string", "null"], 5,
    )  # fmt: skip
    assert reviewer.examples == ['"quality"', "null", '"legal"']
    assert (page.where, page.types) == ("#/components/schemas/PersonaResponse/properties/page", ["object"])


def test_example_of_a_further_field_is_never_secret() -> None:
    """Neither the key, nor what is named like one, nor what belongs to other personas of a list."""
    court = judge()
    for name, value in (("note", f"by {KEY}"), ("session_token", "abc"), ("meta", {"api_key": "abc"})):
        court.success("updatePersona", exchange(200, {}, {"persona": {**PERSONA, name: value}}))
    court.success("listPersonas", exchange(200, {}, {"personas": [{**PERSONA, "owner": "ann"}]}, method="GET"))
    shown = {drift.where.rpartition("/")[2]: drift.examples for drift in court.observations.drifts.values()}
    assert shown == {"note": [HIDDEN], "session_token": [HIDDEN], "meta": [HIDDEN], "owner": []}


def test_status_that_nobody_names_is_drift_where_it_is_right() -> None:
    """A body that is too large may get 413, which openapi.yaml does not name."""
    court = judge()
    assert court.answer("updatePersona", exchange(413, {}, REFUSED), 400, 413) == []
    (drift,) = court.observations.drifts.values()
    assert drift.headline == "updatePersona answers 413, which openapi.yaml does not name"
    assert yaml.safe_load(drift_snippet(drift)) == {"413": {"description": "Seen in answers and not documented."}}


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        (["a"], {"type": "string"}),
        (["a", None], {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ([1, 1.5], {"type": "number"}),
        ([1], {"type": "integer"}),
        ([True, "a", None], {"anyOf": [{"type": "boolean"}, {"type": "string"}, {"type": "null"}]}),
        ([["a"], []], {"type": "array", "items": {"type": "string"}}),
        ([[1], ["a"]], {"type": "array", "items": {}}),
        ([[]], {"type": "array", "items": {}}),
        ([[["a"]]], {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}),
        ([{"a": 1}], {"type": "object"}),
        ([None], {"description": "Seen in answers and not documented."}),
    ],
)
def test_schema_of_a_further_field_is_inferred(values: list[Any], schema: dict[str, Any]) -> None:
    """The types that were seen, null last, as openapi.yaml writes them."""
    assert inferred_schema([json_type(value) for value in values]) == schema


def test_notes_of_two_processes_are_one() -> None:
    """What xdist's workers have noticed comes together as if one had."""
    notes = Observations()
    for value in ("a", "b"):
        court = judge()
        court.success("updatePersona", exchange(200, {}, {"persona": {**PERSONA, "tag": value}}))
        refusal(court, 400, {"wait_seconds": 4 if value == "a" else 5})
        court.observations.clauses[MAXIMUM, "refused"] += 1
        notes.merge(json.loads(json.dumps(court.observations.as_json())))
    assert [(drift.count, drift.examples) for drift in notes.drifts.values()] == [(2, ['"a"', '"b"'])]
    assert (notes.refusals[MAXIMUM], notes.clauses[MAXIMUM, "refused"]) == ([4, 5], 2)


def test_what_is_known_does_not_raise_and_hides_nothing_else() -> None:
    """A known status lets the test go on; another break of the same answer is raised."""
    about = "updatePersona answered 202"
    clause = "#/paths/~1personas~1{persona_id}/patch/responses"
    KNOWN.entries = (Divergence(1, "broken", clause, "2026-11-22", "why", about),)
    try:
        require(judge().success("updatePersona", exchange(202, {})))
        assert [entry.number for entry, _ in KNOWN.drain()] == [1]
        with pytest.raises(Violation, match="answered 204"):
            require(judge().success("updatePersona", exchange(204, {})))
        with pytest.raises(Violation, match="breaks its schema"):
            require(judge().success("updatePersona", exchange(202, {}, {})))
    finally:
        KNOWN.entries = ()
        KNOWN.drain()


def test_unmet_entry_is_red_only_where_everything_was_tried() -> None:
    """A run that left tests out, or ended early, cannot say that a divergence is gone."""
    entry = Divergence(1, "looser", MAXIMUM, "2026-11-22", "why")
    whole = Outcomes(CONTRACT, (entry,), is_whole=True)
    whole.tests["test_x.py::test_y"] = "passed"
    assert verdict(whole, 0) == ("verdict: violated. 1 known divergence no longer there, after 0 requests.", 1)
    for name, value in (
        ("deselected", 1), ("is_whole", False), ("is_interrupted", True), ("inconclusive", ["x"]),
    ):  # fmt: skip
        part = Outcomes(CONTRACT, (entry,), is_whole=True)
        part.tests["test_x.py::test_y"] = "passed"
        setattr(part, name, value)
        assert part.stale() == []
        assert part.unmet() == [entry]
    documented = Outcomes(CONTRACT, (replace(entry, documented="coval-sdk 0.9.7"),), is_whole=True)
    documented.tests["test_x.py::test_y"] = "passed"
    assert (documented.stale(), len(documented.unmet())) == ([], 1)
    poor = Outcomes(CONTRACT, (entry,), is_whole=True)
    poor.not_run.forbidden["test_x.py::test_y"] = "the account may not create"
    assert poor.stale() == []


def test_known_drift_is_not_told_as_new() -> None:
    """A drift that an entry covers is known, and met."""
    where = "#/components/schemas/Persona/properties/tags"
    outcomes = Outcomes(CONTRACT, (Divergence(1, "drift", where, "2026-11-22", "why"),), is_whole=True)
    outcomes.tests["test_x.py::test_y"] = "passed"
    outcomes.observations.drifts[where] = Drift("Persona has a further field, tags", where)
    assert ([entry is None for _, entry in outcomes.drifts()], outcomes.unmet()) == ([False], [])
    line, code = verdict(outcomes, 0)
    assert (code, line.endswith("as openapi.yaml says but for 1 known divergence.")) == (0, True)


@pytest.mark.parametrize(
    ("docstring", "clause"),
    [
        ("#/components/schemas/PersonaName/maxLength: a name of 300,000", "#/components/schemas/PersonaName/maxLength"),
        ("#/security: every operation", "#/security"),
        ("updatePersona: only the fields", "#/paths/~1personas~1{persona_id}/patch"),
        ("createPersona 201, links: the new", "#/paths/~1personas/post"),
        ("Decision: ids are compared exactly", "#/x-promises"),
        ("RFC 8259, section 7: a character", "#/x-promises"),
    ],
)
def test_assertion_is_told_by_the_clause_of_its_docstring(docstring: str, clause: str) -> None:
    """A test that asserts plainly says in its docstring which clause it holds."""
    assert clause_of(CONTRACT, docstring) == clause
    assert CONTRACT.document.has(clause)


def test_name_of_a_test_keeps_the_slashes_of_its_brackets() -> None:
    """A media type in an id is no folder."""
    name = "contract_tests/promises/test_protocol.py::test_other_media_type_is_refused[text/plain]"
    assert short_name(name) == "test_protocol.py::test_other_media_type_is_refused[text/plain]"


def test_plainest_value_stands_first() -> None:
    """Whatever was tried first, the value and the exchange that a reader understands at once are shown."""
    court, found = judge(), []
    for value in (2.0000000000000004, 2.000001, 2.5, 2.25, 2.125, 2.0625):
        found += refusal(court, 200, {"wait_seconds": value})
    (entry,) = gathered(found)
    assert entry.examples == ["2.5", "2.25", "2.125", "2.0625", "2.000001"]
    assert (entry.plainest["sent"], entry.plainest["curl"].endswith("'{\"wait_seconds\": 2.5}'")) == (
        'PATCH /personas/abc  {"wait_seconds": 2.5}', True,
    )  # fmt: skip
    assert (entry.count, len(entry.sizes)) == (6, 6)


def test_readable_words_stand_before_exotic_ones() -> None:
    """A word in ASCII says more than a shorter one that a reader cannot type."""
    words = ("\u00f6", "\u202eoff", "\x00", "backchanneling", "car")
    (entry,) = gathered([found for word in words for found in refusal(judge(), 200, {"background_sound": word})])
    assert entry.examples[:2] == ['"car"', '"backchanneling"']
    assert ': "car", "backchanneling", ' in entry.title()
    assert entry.plainest["sent"].endswith('{"background_sound": "car"}')


def test_item_with_plain_text_is_shown() -> None:
    """Of two exchanges with one value the one is shown whose item holds nothing odd."""
    odd, plain = ({"persona": {**PERSONA, "persona_prompt": text}} for text in ("\u202e\u00e9", "Ask twice."))
    found = []
    for answer in (odd, plain):
        found += judge().refusal(
            "updatePersona",
            exchange(200, {"wait_seconds": 2.5}, answer),
            400,
            promise="no",
            clause="#/x-promises/strict_json",
        )
    (entry,) = gathered(found)
    assert "Ask twice." in entry.plainest["received"]


def test_example_is_from_the_test_that_is_named() -> None:
    """The test beside an exchange is the one that sent it."""
    entries: dict[IssueKey, Issue] = {}
    for value in (2.0000000000000004, 2.5, 2.25):
        for finding in refusal(judge(), 200, {"wait_seconds": value}):
            gather(entries, finding_data(finding), f"test_x.py::test_y[{value}]")
    (entry,) = entries.values()
    assert (entry.test, "2.5" in entry.plainest["sent"]) == ("test_x.py::test_y[2.5]", True)


def test_verdict_says_why_tests_got_no_answer() -> None:
    """The last line of a run of which nothing follows gives the reason, of several the one that most tests had."""
    outcomes = Outcomes(CONTRACT)
    outcomes.inconclusive = ["test_x.py::test_y[a]: no voice is listed", "test_x.py::test_y[b]: no voice is listed"]
    said = "tests got no answer that says anything"
    assert verdict(outcomes, 0) == (f"verdict: inconclusive. 2 {said}: no voice is listed.", 2)
    outcomes.inconclusive.insert(0, "test_x.py::test_z: GET /personas: 429, after 1 attempts")
    assert verdict(outcomes, 0)[0].endswith(f"3 {said}, most often: no voice is listed.")


@pytest.mark.parametrize(("left", "said"), [(1, "1 of the personas"), (2, "2 personas")])
def test_items_that_are_left_are_counted(left: int, said: str) -> None:
    """What could not be removed makes a run inconclusive, and one item is one of many."""
    outcomes = Outcomes(CONTRACT)
    outcomes.left = ["x"] * left
    assert verdict(outcomes, 0)[0].startswith(f"verdict: inconclusive. {said} could not be removed or restored: x")
