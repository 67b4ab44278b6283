"""What the tests of the contract leave open because openapi.yaml does: each way is lawful, and what lies beyond is found."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from contract_tests import promises
from contract_tests.checks import run as run_module
from contract_tests.checks.judge import Finding, Judge, Violation
from contract_tests.checks.listed_values import ListedValues
from contract_tests.checks.listing.pages import Walk
from contract_tests.checks.rules import Rules
from contract_tests.checks.run import Run
from contract_tests.errors import Inconclusive
from contract_tests.generation.boundaries import boundaries, plain_fault
from contract_tests.promises import test_authentication, test_constraints, test_identity
from contract_tests.report.issues import clause_of
from contract_tests.self_tests.transport.shapes import PERSONAS
from contract_tests.spec.contract import CONTRACT_FILE, load_contract
from contract_tests.transport.exchange import Exchange

CONTRACT = load_contract()
TESTS = sorted(Path(str(promises.__file__)).parent.rglob("test_*.py"))
BORN, LATER = "2026-11-25T10:00:00Z", "2026-11-25T10:00:01Z"
PERSONA = {"id": "abc", "resource_name": "personas/abc", "name": "n", "create_time": BORN}
CONFLICT = {"error": {"code": "CONFLICT", "message": ""}}
JUST_BEYOND = 2.0000000000000004


def exchange(status: int, answer: Any, sent: Any = None, method: str = "GET") -> Exchange:
    request = b"" if sent is None else json.dumps(sent).encode()
    headers = {"content-type": "application/json"}
    host = (("host", "10.0.0.7:80"),)
    body = json.dumps(answer).encode()
    return Exchange(method, "/personas/abc", host, request, status, headers, body, shape=PERSONAS)


class Replies:
    """Stands in for the API under test: answers with what it was given, in turn, the last of it for ever."""

    shape = PERSONAS

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []

    def next(self, **params: str) -> Exchange:
        """Answer, whatever is asked."""
        self.asked.append(params)
        status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return exchange(status, answer)

    list = next

    def remove(self, _id: str, **_options: Any) -> Exchange:
        """Answer, whatever is removed or read."""
        return self.next()

    read = remove

    def send(self, method: str, _path: str, **_options: Any) -> Exchange:
        """Answer an update as any other, and with voices whatever is listed."""
        if method == "PATCH":
            return self.next()
        return exchange(200, {"voices": [{"voice_name": "aria", "supported_languages": ["en-US"]}]})

    def update(self, _id: str, _body: str) -> Exchange:
        """Answer, whatever is sent."""
        return self.next()


def run_of(*answers: tuple[int, Any]) -> tuple[Run, Replies]:
    api = Replies(*answers)
    return Run(cast(Any, api), Judge(CONTRACT), 1), api


def page(token: str | None, *ids: str) -> tuple[int, Any]:
    return 200, {"personas": [{**PERSONA, "id": persona_id} for persona_id in ids], "next_page_token": token}


def docstrings() -> Iterator[Any]:
    for file in TESTS:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield pytest.param(ast.get_docstring(node) or "", id=f"{file.stem}-{node.name}")


@pytest.mark.parametrize("docstring", [*docstrings()])
def test_docstring_names_the_clause_that_the_test_holds(docstring: str) -> None:
    """Each test begins with a place in openapi.yaml: what no clause promises is not judged."""
    clause = clause_of(CONTRACT, " ".join(docstring.split()))
    assert clause != "#/x-promises", f"{docstring!r} names no clause"
    assert CONTRACT.document.has(clause), clause


@pytest.mark.parametrize(
    ("sent", "shown", "is_found"),
    [(JUST_BEYOND, 2, False), (JUST_BEYOND, JUST_BEYOND, True), (2.5, 2, True), (2.0000003, 2, True)],
)
def test_number_may_be_taken_in_single_precision_and_then_reads_so(sent: float, shown: float, is_found: bool) -> None:
    """#/x-promises/exact_numbers: what is inside a limit in single precision may be accepted as that value, and no other."""
    answer = exchange(200, {"persona": {**PERSONA, "wait_seconds": shown}}, {"wait_seconds": sent}, "PATCH")
    clause = "#/components/schemas/WaitSeconds/maximum"
    found = Judge(CONTRACT).refusal("updatePersona", answer, 400, promise="at most 2", clause=clause)
    assert [finding.kind for finding in found] == (["looser"] if is_found else [])


@pytest.mark.parametrize(("value", "told"), [(10**99, "(100 long)"), ("a" * 99, "(99 long)"), ([1] * 99, "(99 long)")])
def test_long_value_is_told_by_its_beginning_and_its_length(value: Any, told: str) -> None:
    """A number of a hundred digits has a length, too."""
    answer = exchange(200, {"persona": {**PERSONA, "name": value}})
    [found] = Judge(CONTRACT).shows(answer, answer.item, {"name": ("mine",)}, "it reads back")
    assert told in found.problem


def test_plain_fault_is_one_in_single_precision_too() -> None:
    """Where a test needs a refusal, the value is refused by every reading of the contract."""
    for tried in CONTRACT.fields("updatePersona").values():
        fault = plain_fault(CONTRACT, tried)
        assert fault in boundaries(CONTRACT, tried)
        assert not fault.accepted
        assert fault.value not in (JUST_BEYOND, 0.09999999999999999, 4.999999999999999, 300.00000000000006)


@pytest.mark.parametrize(
    ("named", "is_found"),
    [
        ("name", True), ("wait_seconds", False), ("body.name", False), ("/name", True), ("$.name", False),
        ("name, wait_seconds", False), ("", False),
    ],
)  # fmt: skip
def test_only_a_plain_name_blames_another_field(named: str, is_found: bool) -> None:
    """#/x-promises/error_fields: how details spell a field is not promised."""
    details = [{"field": named, "description": ""}]
    answer = exchange(400, {"error": {"code": "INVALID_ARGUMENT", "message": "", "details": details}})
    assert bool(Judge(CONTRACT).details("update", answer, "wait_seconds")) == is_found


@pytest.mark.parametrize(("host", "is_found"), [("10.0.0.7", False), ("10.0.0.8", True)])
def test_address_that_was_called_is_no_internal_name(host: str, is_found: bool) -> None:
    """#/x-promises/no_leaks: an error may name the address that the caller used, and no other machine."""
    error = {"code": "NOT_FOUND", "message": f"nothing at http://{host}:80/v1/personas/abc"}
    found = Judge(CONTRACT).answer("getPersona", exchange(404, {"error": error}), 404)
    assert bool(found) == is_found


def test_null_of_a_create_may_read_as_a_default() -> None:
    """#/x-promises/create_stores_everything: what a create sends as null is judged as little as what it leaves out."""
    readings = Judge(CONTRACT).reader.after_create({"name": "n", "wait_seconds": None, "persona_prompt": ""})
    assert readings == {"name": ("n",), "persona_prompt": ("", None)}


def test_documented_409_on_a_removal_is_no_answer() -> None:
    """#/components/responses/InUse: it is documented, so nothing is broken, and nothing was tried."""
    with pytest.raises(Inconclusive, match="409: something uses the item"):
        run_of((409, CONFLICT))[0].remove("abc")
    with pytest.raises(Violation):
        run_of((409, {"detail": "locked"}))[0].remove("abc")
    with pytest.raises(Violation):
        run_of((403, CONFLICT))[0].remove("abc")
    assert run_of((200, {}))[0].remove("abc").status == 200


def test_list_is_given_the_time_to_catch_up_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """#/x-promises/read_your_writes: a list may be behind for three seconds; what it shows wrongly after that is found."""
    assert 3.0 < sum(run_module.PAUSES_SECONDS) < 4.0
    monkeypatch.setattr(run_module, "PAUSES_SECONDS", (0.0, 0.0))
    run, finding = run_of((200, {}))[0], Finding("broken", "p", "q", "#/x-promises/whole_list", exchange(200, {}))
    looks = [[finding], [finding], []]
    run.at_last(lambda: looks.pop(0))
    assert not looks
    with pytest.raises(Violation):
        run.at_last(lambda: [finding])


def test_pages_are_turned_by_their_tokens_however_little_they_hold() -> None:
    """#/paths/~1personas/get/parameters/0/description: a page may hold fewer than page_size, or none, and lead on."""
    run, api = run_of(page("a"), page("b", "1"), page("c"), page(None, "2", "1"))
    shown = [[item["id"] for item in each.json["personas"]] for each in run.pages(page_size="100")]
    assert shown == [[], ["1"], [], ["2", "1"]]
    size = {"page_size": "100"}
    assert api.asked == [size, {**size, "page_token": "a"}, {**size, "page_token": "b"}, {**size, "page_token": "c"}]
    endless, api = run_of(page("a"))
    assert len(list(endless.pages(5))) == len(api.asked) == 5
    assert run_of(page("a", "1"), page(None, "2", "1"))[0].named("n") == ["1", "2"]


@pytest.mark.parametrize(("told", "is_found"), [(None, False), (BORN, False), (LATER, True)])
def test_update_time_before_the_first_update_may_be_told_or_not(told: str | None, is_found: bool) -> None:
    """#/components/schemas/Persona/properties/update_time: a read may show the time of the creation, or nothing."""
    run, _ = run_of((200, {"persona": {**PERSONA, "update_time": told}}))
    for shown in (None, BORN):
        before = {**PERSONA, "update_time": shown}
        subject = run.taken(before)
        assert bool(subject.unmoved(before, exchange(400, {}))) == is_found


@pytest.mark.parametrize(("before", "is_found"), [(None, False), (1.25, True)])
def test_update_time_stays_where_nothing_is_changed(before: float | None, is_found: bool) -> None:
    """#/x-promises/idempotent_update: null in a field that is not set changes nothing, so no time has to move."""
    after = 200, {"persona": {**PERSONA, "update_time": LATER, "wait_seconds": None}}
    run, _ = run_of(after, after)
    persona = {**PERSONA, "update_time": LATER, "wait_seconds": before}
    subject = run.taken(persona)
    if is_found:
        with pytest.raises(Violation, match="update_time is still"):
            test_identity._changes_later(subject, CONTRACT.server_fields["update_time"], {"wait_seconds": None}, LATER)
    else:
        assert (
            test_identity._changes_later(subject, CONTRACT.server_fields["update_time"], {"wait_seconds": None}, LATER)
            == LATER
        )


@pytest.mark.parametrize("required", ["resource_name, id", "id"])
def test_field_made_of_others_may_be_left_out_where_it_is_not_required(required: str, tmp_path: Path) -> None:
    """#/components/schemas/Persona/properties/resource_name/x-template: what is shown is right; only `required` says that it is."""
    file = tmp_path / "openapi.yaml"
    file.write_text(
        CONTRACT_FILE.read_text("utf-8").replace("required: [resource_name, id,", f"required: [{required},")
    )
    contract = load_contract(file)
    judge = Judge(contract)
    found = {
        shown: judge.shows(
            exchange(200, {}), {"resource_name": shown}, judge.reader.made_of_others(PERSONA), "made of the id"
        )
        for shown in (None, "personas/abc", "personas/abd")
    }
    assert not found["personas/abc"]
    assert found["personas/abd"]
    assert bool(found[None]) == ("resource_name" in required)


@pytest.mark.parametrize(
    ("present", "absent", "told"),
    [
        (["no key, 1 at /personas/abc", "no key, 2 at /personas/abc"], ["no key, 3 at /personas/", "no key, 4"], ""),
        (["no key, 4 ms", "no key, 4 ms"], ["no key, 3 ms", "no key, 5 ms"], ""),
        (["sorry, no key", "alas, no key"], ["alas, no key", "alas, no key"], ""),
        (["no such key 1", "no such key 2"], ["no key 1", "no key 2"], "such"),
    ],
)
def test_what_differs_by_chance_tells_a_stranger_nothing(present: list[str], absent: list[str], told: str) -> None:
    """#/x-promises/key_before_anything: only words that each answer has and none of the others say anything of the persona."""

    def answers(messages: list[str]) -> list[Exchange]:
        return [exchange(401, {"error": {"code": "U", "message": message}}) for message in messages]

    assert test_authentication._told(answers(present), answers(absent)) == told


def test_order_of_names_in_an_error_tells_a_stranger_nothing() -> None:
    """#/x-promises/key_before_anything: the order of the names of a JSON object means nothing; that there is a further one does."""
    answers = [
        {"code": "U", "message": "no key"},
        {"message": "no key", "code": "U"},
        {"code": "U", "message": "no key", "owner": None},
    ]
    said = [exchange(401, each) for each in answers]
    assert not test_authentication._told(said[:1], said[1:2])
    assert test_authentication._told(said[2:], said[:1]) == "None owner"


def test_rule_is_broken_by_null_too(tmp_path: Path) -> None:
    """x-constraints: an update that clears what a rule asks for is tried, from more than one value of it."""
    document = yaml.safe_load(CONTRACT_FILE.read_text("utf-8"))
    needs_wait = {"properties": {"wait_seconds": {"type": "number"}}, "required": ["wait_seconds"]}
    is_office = {"properties": {"background_sound": {"const": "office"}}, "required": ["background_sound"]}
    rule = {"title": "An office needs a wait.", "if": is_office, "then": needs_wait}
    document["components"]["schemas"]["PersonaUpdate"]["x-constraints"] = [rule]
    file = tmp_path / "openapi.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    contract = load_contract(file)
    voices = {"voices": [{"voice_name": "aria", "supported_languages": ["en-US"]}]}
    rules = Rules(contract, ListedValues.ask(contract, lambda _operation: voices))
    run = SimpleNamespace(contract=contract, rules=rules, listed=rules.listed)
    run.full_body = lambda: rules.full_body("create", 0, {})
    breaks = test_constraints._breaks(cast("Any", run), contract.constraints[0])
    cleared = [way for way in breaks if way.change == {"wait_seconds": None}]
    assert len({str(way.before["wait_seconds"]) for way in cleared}) == 2
    assert all(None not in way.before.values() for way in breaks)


LABELS = {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "string"}}
KINDS = [{"required": ["kind", n], "properties": {"kind": {"const": n}, n: {"enum": ["1", "2"]}}} for n in "ab"]
UNION = {"oneOf": [{"type": "object", "additionalProperties": False, **each} for each in KINDS]}
FULL, NONE = {"labels": {"a": "1", "b": "2"}}, {"labels": dict[str, str]()}
KIND_A, KIND_B = ({"labels": {"kind": name, name: "1"}} for name in "ab")


@pytest.mark.parametrize(
    ("labels", "before", "sent", "shown", "is_merging"),
    [
        (LABELS, FULL, {"labels": {"c": "3"}}, FULL, True),
        (LABELS, FULL, {"labels": {"c": "3"}}, NONE, False),
        (UNION, KIND_A, KIND_B, None, True),
        (UNION, KIND_A, KIND_B, KIND_B, False),
    ],
)
def test_object_that_is_invalid_where_it_is_merged_is_no_finding(
    labels: Any, before: Any, sent: Any, shown: Any, is_merging: bool, tmp_path: Path
) -> None:
    """writing-a-contract.md: whether a PATCH merges an object or replaces it, no keyword says, and both are taken."""
    document = yaml.safe_load(CONTRACT_FILE.read_text("utf-8"))
    for name in ("Persona", "PersonaUpdate"):
        document["components"]["schemas"][name]["properties"]["labels"] = labels
    file = tmp_path / "openapi.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    refusal = 400, {"error": {"code": "INVALID_ARGUMENT", "message": "full"}}
    # What a further update and a read are answered.
    api = Replies(refusal, refusal if shown is None else (200, {"persona": {**PERSONA, **shown}}))
    item = Run(cast(Any, api), Judge(load_contract(file)), 1).taken({**PERSONA, **before})
    with pytest.raises(pytest.skip.Exception if is_merging else Violation, match="labels was refused with 400"):
        item.accepts(sent)


@pytest.mark.parametrize("together", [{}, {"wait_seconds": ["name"]}])
def test_what_a_schema_asks_for_together_is_not_sent_apart(
    together: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dependentRequired: an update that is to make the next one visible is one that the contract allows, or is not sent."""
    document = yaml.safe_load(CONTRACT_FILE.read_text("utf-8"))
    document["components"]["schemas"]["PersonaUpdate"]["dependentRequired"] = together
    del document["paths"]["/personas/{persona_id}"]["patch"]["requestBody"]["content"]["application/json"]["examples"]
    file = tmp_path / "openapi.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    item = Run(cast(Any, Replies()), Judge(load_contract(file)), 1).taken({**PERSONA, "wait_seconds": 1})
    sent = list[Any]()
    monkeypatch.setattr(item, "accepts", sent.append)
    item.make_visible({"wait_seconds": 1})
    assert bool(sent) is not bool(together)


def test_list_that_takes_no_order_may_be_found_out_of_order(tmp_path: Path) -> None:
    """#/x-promises/newest_first: the oldest first is found, also where the list has no parameter that orders it."""
    document = yaml.safe_load(CONTRACT_FILE.read_text("utf-8"))
    parameters = document["paths"]["/personas"]["get"]["parameters"]
    parameters[:] = [each for each in parameters if "order" not in str(each)]
    file = tmp_path / "openapi.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    run = Run(cast(Any, Replies()), Judge(load_contract(file)), 1)
    assert run.contract.listing.order is None
    items = [{**PERSONA, "create_time": time} for time in (BORN, LATER)]
    walk = Walk(run, [exchange(200, {"personas": items})])
    (found,) = walk.not_newest_first(walk.out_of_order("-create_time"))
    assert found.clause == "#/x-promises/newest_first"
