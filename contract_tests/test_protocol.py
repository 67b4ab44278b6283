"""HTTP and JSON around the update: media types, malformed bodies, other spellings, other methods, great size."""

from __future__ import annotations

import pytest

from contract_tests.boundaries import to_json
from contract_tests.contract import load_contract
from contract_tests.exchange import Exchange
from contract_tests.run import Run
from contract_tests.subject import Subject, Wrong
from contract_tests.verdict import BROKEN, DECISIONS, LOOSER, Finding, Judge, require

CONTRACT = load_contract()
UPDATE = CONTRACT.operation("updatePersona").pointer
BODY = f"{UPDATE}/requestBody/content/application~1json"

MALFORMED = {
    "empty": b"",
    "spaces": b"   ",
    "open-brace": b"{",
    "open-text": b'{"name": "contract',
    "open-object": b'{"wait_seconds": 1.25',
    "open-object-after-comma": b'{"wait_seconds": 1.25, ',
    "closed-twice": b'{"wait_seconds": 1.25}}',
    "trailing-comma": b'{"wait_seconds": 1.25,}',
    "single-quotes": b"{'wait_seconds': 1.25}",
    "bare-key": b"{wait_seconds: 1.25}",
    "two-values": b'{"wait_seconds": 1.25} {}',
    "trailing-text": b'{"wait_seconds": 1.25} x',
    "no-colon": b'{"wait_seconds" 1.25}',
    "no-value": b'{"wait_seconds": }',
    "comment": b'{"wait_seconds": 1.25 /* seconds */}',
    "leading-zero": b'{"wait_seconds": 01}',
    "leading-point": b'{"wait_seconds": .5}',
    "trailing-point": b'{"wait_seconds": 1.}',
    "plus-sign": b'{"wait_seconds": +1}',
    "hexadecimal": b'{"wait_seconds": 0x1}',
    "underscore": b'{"hold_music_timeout_seconds": 1_0}',
    "python-none": b'{"wait_seconds": None}',
    "capital-null": b'{"wait_seconds": NULL}',
    "undefined": b'{"wait_seconds": undefined}',
    "raw-newline": b'{"name": "contract\ntest"}',
    "raw-nul": b'{"name": "contract\x00test"}',
    "bad-escape": b'{"name": "contract\\x"}',
    "short-escape": b'{"name": "contract\\u12"}',
    "bad-utf8": b'{"name": "contract\xff\xfe"}',
    "overlong-utf8": b'{"name": "contract\xc0\xaf"}',
    "latin-1": '{"name": "contract é"}'.encode("latin-1"),
    "form": b"wait_seconds=1.25",
    "yaml": b"wait_seconds: 1.25",
    "xml": b"<wait_seconds>1.25</wait_seconds>",
}
NO_OBJECT = [
    "[]",
    '"{\\"wait_seconds\\": 1.25}"',
    '[["wait_seconds", 1.25]]',
    '[{"wait_seconds": 1.25}]',
    '"wait_seconds"',
    "1.25",
    "true",
    "false",
    "null",
]
SAME_TYPE = [
    "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON",
    "application/json ; charset=utf-8", 'application/json; charset="utf-8"',
]  # fmt: skip
OTHER_TYPES = [
    "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded", "application/octet-stream",
    "multipart/form-data; boundary=x", "application/jsonp", "image/png",
]  # fmt: skip
SPELLINGS = {
    "spaces": '  { "wait_seconds" :\t%s\r\n}\n ',
    "no-spaces": '{"wait_seconds":%s}',
    "escaped-name": '{"w\\u0061it_seconds": %s}',
}


def _malformed(token: bytes) -> Wrong:
    return Wrong(token, "the body is not JSON (RFC 8259), so it gets 400", f"{DECISIONS}/body")


def _no_object(token: str) -> Wrong:
    return Wrong(token, "the body is no JSON object, so it gets 400", f"{DECISIONS}/body")


def _other_type(content_type: str) -> Wrong:
    promise = f"a body sent as {content_type} gets 400 or 415"
    token = to_json({"wait_seconds": 1.25})
    return Wrong(token, promise, BODY, statuses=(400, 415), content_type=content_type)


@pytest.mark.few_requests
def test_bodies_that_are_no_json_object_are_refused(shared_subject: Subject) -> None:
    """#/x-decisions/body: malformed JSON, JSON that is no object and other media types are refused, and change nothing."""
    wrongs = [*map(_malformed, MALFORMED.values()), *map(_no_object, NO_OBJECT), *map(_other_type, OTHER_TYPES)]
    shared_subject.refuses_each(wrongs)


@pytest.mark.many_requests
@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED)
def test_malformed_json_is_refused(shared_subject: Subject, token: bytes) -> None:
    """#/x-decisions/body: malformed JSON gets 400, and changes nothing."""
    shared_subject.refuses_each([_malformed(token)])


@pytest.mark.many_requests
@pytest.mark.parametrize("token", NO_OBJECT)
def test_json_that_is_no_object_is_refused(shared_subject: Subject, token: str) -> None:
    """#/x-decisions/body: JSON that is no object gets 400, and changes nothing."""
    shared_subject.refuses_each([_no_object(token)])


@pytest.mark.many_requests
@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_other_media_type_is_refused(shared_subject: Subject, content_type: str) -> None:
    """#/x-decisions/body: a body sent as another media type gets 400 or 415, and changes nothing."""
    shared_subject.refuses_each([_other_type(content_type)])


@pytest.mark.all_parameters
@pytest.mark.parametrize("content_type", SAME_TYPE)
def test_json_with_a_charset_is_json(run: Run, judge: Judge, subject: Subject, content_type: str) -> None:
    """#/x-decisions/charset: application/json; charset=utf-8 is application/json. RFC 9110, section 8.3.1: in any case, in quotes or not."""
    subject.make_visible({"name": f"{run.api.run} é"})
    path = subject.path
    exchange = run.api.send("PATCH", path, body=to_json({"name": f"{run.api.run} é"}), content_type=content_type)
    require(judge.success("updatePersona", exchange))
    require(judge.shows(exchange, subject.read(), {"name": (f"{run.api.run} é",)}, "the update is stored"))


def test_body_that_arrives_in_parts_is_read_whole(run: Run, judge: Judge, subject: Subject) -> None:
    """#/paths/~1personas~1{persona_id}/patch/requestBody: as long as Content-Length says (RFC 9112), in however many parts."""
    body = {"persona_prompt": "Ask twice, and then once more.", "wait_seconds": 1.25}
    subject.make_visible(body)
    exchange = run.api.send("PATCH", subject.path, body=to_json(body), in_parts=True)
    require(judge.success("updatePersona", exchange))
    expected = {name: (value,) for name, value in body.items()}
    require(judge.shows(exchange, subject.read(), expected, "the update is stored"))


def test_body_without_a_media_type_is_read_or_refused(run: Run, judge: Judge, subject: Subject) -> None:
    """#/x-decisions/body: a body without a Content-Type is read as JSON, or gets 400 or 415."""
    body = {"wait_seconds": 1.25}
    subject.make_visible(body)
    exchange = run.api.send("PATCH", subject.path, body=to_json(body), content_type=None)
    require(judge.success("updatePersona", exchange, 400, 415))
    if exchange.was_accepted:
        require(judge.shows(exchange, subject.read(), {"wait_seconds": (1.25,)}, "a body that is accepted is read"))


def test_answers_are_json(run: Run, judge: Judge, subject: Subject) -> None:
    """#/paths/~1personas~1{persona_id}/get/responses/200/content: application/json, also when the caller asks for nothing in particular."""
    for accept in ("*/*", "application/json"):
        exchange = run.api.send("GET", subject.path, headers=[("accept", accept)])
        require(judge.success("getPersona", exchange))


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_spelling_of_the_json_does_not_matter(subject: Subject, spelling: str) -> None:
    """#/paths/~1personas~1{persona_id}/patch/requestBody/content/application~1json: white space and escapes do not change what a JSON text says."""
    body = {"wait_seconds": 1.25}
    subject.make_visible(body)
    subject.accepts(body, token=spelling % "1.25")


def test_order_of_the_fields_does_not_matter(run: Run, subject: Subject) -> None:
    """#/paths/~1personas~1{persona_id}/patch/requestBody/content/application~1json: an object is unordered (RFC 8259, section 4)."""
    body = run.full_body("updatePersona", 1)
    subject.accepts(dict(reversed(body.items())))


def test_duplicate_name_gets_a_documented_answer(run: Run, judge: Judge, subject: Subject) -> None:
    """#/x-decisions/body: a body that names a field twice gets 400, or one of the values counts."""
    subject.make_visible({"wait_seconds": 1.25})
    exchange = run.api.update(subject.persona_id, '{"wait_seconds": 1.25, "wait_seconds": 0.25}')
    require(judge.success("updatePersona", exchange, 400))
    if exchange.was_accepted:
        promise = "one of the values that were sent is stored"
        require(judge.shows(exchange, subject.read(), {"wait_seconds": (1.25, 0.25)}, promise))


@pytest.mark.parametrize("text", [b"\\ud800", b"\\udc00 \\ud800", b"a\\ud83d", b"\xed\xa0\x80"], ids=range(4))
@pytest.mark.parametrize("name", ["name", "persona_prompt"])
def test_lone_surrogate_gets_a_documented_answer(
    run: Run, judge: Judge, subject: Subject, name: str, text: bytes
) -> None:
    """#/x-decisions/text: a lone surrogate may be refused with 400; it never makes the API or the persona fail."""
    exchange = run.api.update(subject.persona_id, b'{"%s": "%s"}' % (name.encode(), text))
    require(judge.success("updatePersona", exchange, 400))
    require(judge.success("getPersona", run.api.get(subject.persona_id)))


@pytest.mark.parametrize("depth", [100, 1_000, 20_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
def test_deep_nesting_is_refused(subject: Subject, opened: str, closed: str, depth: int) -> None:
    """#/components/schemas/PersonaUpdate: a nested value is of the wrong type, however deep, so it is refused."""
    token = f'{{"name": {opened * depth}{"1" if opened != "[" else ""}{closed * depth}}}'
    clause = "#/components/schemas/PersonaName/type"
    subject.refuses(token, promise="name is a string or null", clause=clause, statuses=(400, 413))


def test_great_body_is_refused(subject: Subject) -> None:
    """#/components/schemas/PersonaName/maxLength: a name of 300,000 characters is refused like one of 201, or as too large."""
    token = to_json({"name": "a" * 300_000})
    clause = "#/components/schemas/PersonaName/maxLength"
    subject.refuses(token, promise="name has at most 200 characters", clause=clause, statuses=(400, 413))


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_undeclared_method_on_a_persona_does_nothing(run: Run, judge: Judge, subject: Subject, method: str) -> None:
    """#/x-decisions/methods: a method that the contract does not name gets 405 (or 404), and changes nothing."""
    before = subject.last
    path = subject.path
    exchange = run.api.send(method, path, body=to_json({"wait_seconds": 1.25, "name": "contract-test-moved"}))
    require(_refused_method(judge, exchange) + subject.unmoved(before, exchange))


@pytest.mark.all_parameters
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_undeclared_method_on_the_voices_does_nothing(run: Run, judge: Judge, subject: Subject, method: str) -> None:
    """#/x-decisions/methods: a method that the contract does not name gets 405 (or 404); /personas/voices is no persona."""
    before = subject.last
    exchange = run.api.send(method, "/personas/voices", body=None if method == "DELETE" else "{}")
    require(_refused_method(judge, exchange) + subject.unmoved(before, exchange))


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_undeclared_method_on_the_list_does_nothing(run: Run, judge: Judge, subject: Subject, method: str) -> None:
    """#/x-decisions/methods: a method that the contract does not name gets 405 (or 404). DELETE is left out: who knows what it ends."""
    if not run.api.target.is_loopback:
        pytest.skip("a write to the whole list might reach personas of others, so this is tried on loopback only")
    before = subject.last
    exchange = run.api.send(method, "/personas", body="{}")
    require(_refused_method(judge, exchange) + subject.unmoved(before, exchange))


@pytest.mark.all_parameters
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT"])
def test_post_is_not_overridden_by_a_header(run: Run, judge: Judge, subject: Subject, method: str) -> None:
    """#/x-decisions/methods: POST on a persona is not in the contract, whatever other headers say."""
    before = subject.last
    headers = [("x-http-method-override", method), ("x-method-override", method), ("x-http-method", method)]
    exchange = run.api.send("POST", subject.path, headers=headers, body='{"wait_seconds": 1.25}')
    require(_refused_method(judge, exchange) + subject.unmoved(before, exchange))


@pytest.mark.all_parameters
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT"])
def test_method_is_not_overridden_by_a_header(run: Run, judge: Judge, subject: Subject, method: str) -> None:
    """getPersona: a GET reads, whatever other headers say."""
    before = subject.last
    headers = [("x-http-method-override", method), ("x-method-override", method)]
    exchange = run.api.send("GET", subject.path, headers=headers)
    require(judge.success("getPersona", exchange) + subject.unmoved(before, exchange))


def _refused_method(judge: Judge, exchange: Exchange) -> list[Finding]:
    found = judge.leaks(exchange)
    if exchange.status in (404, 405):
        return found
    problem = f"{exchange.method} {exchange.path} answered {exchange.status} instead of 405 or 404"
    kind = LOOSER if exchange.was_accepted else BROKEN
    promise = "a method that the contract does not name gets 405 (or 404)"
    return [*found, Finding(kind, problem, promise, DECISIONS, exchange)]
