"""HTTP and JSON around the update: media types, malformed bodies, other spellings, other methods, great size."""

from itertools import combinations
from typing import Any

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.creations import joined, made
from contract_tests.checks.item_under_test import ItemUnderTest, Rejection
from contract_tests.checks.judge import Judge, require
from contract_tests.checks.run import Run
from contract_tests.checks.selections import (
    changeable_fields,
    fields_with_faults,
    literal_paths,
    named_methods,
    text_fields,
)
from contract_tests.checks.updates import Body, allowed, another_value, other_values, plainly_spoilt
from contract_tests.checks.wrong_requests import (
    BEHIND,
    MARK,
    TELLING,
    WRONG_TYPE,
    Malformed,
    known_good,
    malformed,
    no_json,
    no_object,
    other_type,
    other_types,
)
from contract_tests.generation.boundaries import boundaries, good_values, to_json
from contract_tests.generation.candidate import is_number
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field
from contract_tests.spec.resource import Role

# A name, and what it reads as: a character beyond ASCII shows which charset the API has read.
ACCENTED = "contract test é"
# Beside the statuses of an invalid body.
TOO_LARGE = 413
GREAT_SIZE = 300_000
# Stands for the path of an item that is not there.
UNKNOWN = "unknown"
# As escapes that have no pair, and as the three bytes that UTF-8 does not allow.
SURROGATES = (b"\\ud800", b"\\udc00 \\ud800", b"a\\ud83d", b"\xed\xa0\x80")
# What names something in a language, a store or an expression.
ODD_BODY = dict.fromkeys(
    ("", " ", "__proto__", "constructor", "__class__", "$where", "a.b", "a[b]", "*", "\0", "x" * 300), 1
)
USUAL = ("PUT", "POST", "PATCH", "DELETE")
OVERRIDES = ("x-http-method-override", "x-method-override", "x-http-method")


def _is_told(run: Run, name: str) -> bool:
    """Whether few requests may be sent, and test_first_look.py has sent this one."""
    return run.is_brief and name in TELLING


@needs("update", "read", "strict_json", known_good)
@for_each("bodies", malformed, together=True)
def test_malformed_json_is_refused(run: Run, shared_item: ItemUnderTest, bodies: list[Malformed]) -> None:
    """x-promises/strict_json: malformed JSON is refused as invalid, and changes nothing."""
    if run.is_brief:  # each mistake once, alone or behind another field
        alike: dict[str, list[Malformed]] = {}
        for body in bodies:
            alike.setdefault(body.name.removesuffix(BEHIND), []).append(body)
        bodies = [run.chance(f"malformed {name}").choice(some) for name, some in alike.items() if name not in TELLING]
    shared_item.refuses(*(no_json(shared_item, body) for body in bodies))


@needs("update", "read", "strict_json", known_good)
@for_each("bodies", no_object, together=True)
def test_json_that_is_no_object_is_refused(run: Run, shared_item: ItemUnderTest, bodies: list[Malformed]) -> None:
    """x-promises/strict_json: JSON that is no object is refused as invalid, and changes nothing."""
    shared_item.refuses(*(no_json(shared_item, body) for body in bodies if not _is_told(run, body.name)))


@needs("update", "read", "strict_media_types", known_good)
@for_each("content_types", other_types, together=True)
def test_other_media_type_is_refused(run: Run, shared_item: ItemUnderTest, content_types: list[str]) -> None:
    """x-promises/strict_media_types: a body of another media type, an empty object too, is refused as invalid or with 415, and changes nothing."""
    wrongs = [other_type(shared_item, kind) for kind in content_types if not _is_told(run, kind)]
    if run.contract.accepts("update", {}):
        wrongs += [other_type(shared_item, kind, "{}") for kind in content_types[:2]]
    shared_item.refuses(*wrongs)


STORED = "the update is stored"


def _spellings_of_the_type(contract: Contract) -> list[str]:
    """Return other spellings of the update's media type: in any case, in quotes or not (RFC 9110, section 8.3.1)."""
    own = contract.operation("update").body_type
    charsets = ("; charset=utf-8", ";charset=UTF-8", " ; charset=utf-8", '; charset="utf-8"')
    capital = own.title().replace("/Json", "/JSON")
    return [capital, f"{capital}; charset=utf-8", *(f"{own}{charset}" for charset in charsets)]


def _accented(run: Run, item: ItemUnderTest) -> Body:
    """Return an update with a character beyond ASCII where a text takes one, else one of the known-good field."""
    texts = text_fields(run.contract, ACCENTED)
    if not texts:
        return allowed(item, known_good(run.contract))
    tried = min(texts, key=lambda field: field.name != run.contract.run_name)
    own = f"{run.api.run} é"
    return allowed(item, {tried.name: own if run.contract.accepts_value(tried, own) else ACCENTED})


def _require_stored(
    item: ItemUnderTest, body: Body, *refusals: int, promise: str = STORED, mark: str = "", **options: Any
) -> None:
    """Send a right update in an unusual way, such as behind a mark: it is stored, or answered with one of the refusals."""
    item.make_visible(body)
    exchange = item.send(mark + item.body(body), **options)
    require(item.judge.success("update", exchange, *refusals))
    if exchange.was_accepted:
        shown = item.read()
        require(item.judge.shows(exchange, shown, item.judge.reader.after(shown, body), promise))


@needs("update", "read", "strict_media_types", known_good)
@for_each("types", _spellings_of_the_type, together=True)
def test_json_with_a_charset_is_json(run: Run, item: ItemUnderTest, types: list[str]) -> None:
    """x-promises/strict_media_types: parameters such as a charset change nothing, and the type counts in any case."""
    for content_type in types:
        _require_stored(item, _accented(run, item), content_type=content_type)


# How a body may arrive, by the headers, with the statuses by which a server may refuse it so; and in which parts an
# answer may leave.
WAYS: dict[str, tuple[dict[str, str], tuple[int, ...]]] = {
    "in-parts": ({}, ()),
    "chunked": ({"transfer-encoding": "chunked"}, (411, 501)),
    "expecting-100": ({"expect": "100-continue"}, (417,)),
    "on-a-closing-connection": ({"connection": "close"}, ()),
    "answered-packed": ({"accept-encoding": "gzip, deflate;q=0.5"}, ()),
    "type-in-capitals": ({"CONTENT-TYPE": ""}, ()),
}


def _options(run: Run, way: str, role: Role) -> dict[str, Any]:
    of_the_type = run.contract.operation(role).body_type
    headers = [(name, value or of_the_type) for name, value in WAYS[way][0].items()]
    return {"headers": headers, "in_parts": True} | ({"content_type": None} if "CONTENT-TYPE" in WAYS[way][0] else {})


def _long_texts(run: Run, role: Role) -> Body:
    """Return a text of some kB for each field of a body that takes one, of different characters so that it packs badly."""
    text = "".join(run.chance("a long text").choices([chr(code) for code in range(48, 591)], k=6_000))
    fields = run.contract.fields(role).values()
    return {f.name: text for f in fields if f.is_free and "string" in f.types and run.contract.accepts_value(f, text)}


@pytest.mark.all_parameters
@needs("update", "read", known_good)
@pytest.mark.parametrize("way", WAYS)
def test_body_is_read_whole_however_it_arrives(run: Run, item: ItemUnderTest, way: str) -> None:
    """
    update, requestBody: a body is as long as Content-Length or its chunks say (RFC 9112, sections 6 and 7.1), whether
    or not it waits for 100 (RFC 9110, section 10.1.1), the connection ends (RFC 9112, section 9.6), or the answer is packed.
    """
    body = allowed(item, _long_texts(run, "update") | known_good(run.contract))
    promise = f"the update is stored, with its body {way}"
    _require_stored(item, body, *WAYS[way][1], promise=promise, **_options(run, way, "update"))


@needs("create", "read")
@pytest.mark.parametrize("way", WAYS)
def test_body_of_a_create_is_read_whole_however_it_arrives(run: Run, way: str) -> None:
    """create, requestBody: a body is as long as Content-Length or its chunks say (RFC 9112, sections 6 and 7.1)."""
    body = joined(run, _long_texts(run, "create"))
    path = run.contract.operation("create").path
    exchange = run.api.send("POST", path, body=to_json(body), **_options(run, way, "create"))
    require(made(run, body, exchange) if exchange.status not in WAYS[way][1] else run.judge.leaks(exchange))


@needs("update", "read", "strict_media_types", known_good)
def test_body_without_a_media_type_is_read_or_refused(run: Run, item: ItemUnderTest) -> None:
    """x-promises/strict_media_types: a body without a Content-Type is read as JSON, or refused as invalid or with 415."""
    refusals = (*run.contract.operation("update").refusals, WRONG_TYPE)
    _require_stored(item, allowed(item, known_good(run.contract)), *refusals, content_type=None)


@needs("update", "read", "strict_json", known_good)
def test_body_behind_a_byte_order_mark_is_read_or_refused(run: Run, item: ItemUnderTest) -> None:
    """x-promises/strict_json: a reader may ignore a byte order mark, or treat it as an error (RFC 8259, section 8.1)."""
    refusals = run.contract.operation("update").refusals
    _require_stored(item, allowed(item, known_good(run.contract)), *refusals, mark="\ufeff")


@needs("read")
def test_answers_are_json(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """read, list, responses: the media type that the contract names, also when the caller asks for nothing in particular, or for a packed answer."""
    operation = run.contract.operation("read")
    named = next(filter(None, map(operation.answer_type, operation.successes)), "application/json")
    headers = [("accept", "*/*"), ("accept", named), ("accept-encoding", "gzip")]
    for header in headers:
        require(judge.success("read", run.api.send("GET", item.path, headers=[header])))
    if run.contract.has("list"):
        for header in headers[::2]:
            exchange = run.api.send("GET", run.api.shape.list_path, headers=[header])
            require(judge.success("list", exchange))
    if operation.names(404):
        absent = run.api.shape.path_of(run.api.absent_id())
        require(judge.answer("read", run.api.send("GET", absent, headers=headers[:1]), 404))


def _of_each_type(contract: Contract) -> list[Field]:
    found = {tried.types: tried for tried in changeable_fields(contract)[::-1] if len(good_values(contract, tried)) > 1}
    return list(found.values())


def _two_values(contract: Contract, tried: Field) -> tuple[Any, Any]:
    """Return two values of a field, whose sum is one too where they are numbers."""
    numbers = [b.value for b in boundaries(contract, tried) if b.accepted and is_number(b.value) and b.value]
    good = good_values(contract, tried)
    pairs = [(good[1], good[0]), *combinations(sorted(numbers, key=abs), 2)] if numbers else []
    sums = (pair for pair in pairs if pair[0] != pair[1] and contract.accepts_value(tried, pair[0] + pair[1]))
    return next(sums, (good[1], good[0]))


@needs("update", "read", "strict_json")
@for_each("tried", _of_each_type)
def test_duplicate_name_gets_a_documented_answer(run: Run, judge: Judge, item: ItemUnderTest, tried: Field) -> None:
    """x-promises/strict_json: a body that names a field twice is refused as invalid, or one of the values counts."""
    field, (value, other) = tried.name, _two_values(run.contract, tried)
    twice = f"{to_json(value)}, {to_json(field)}: {to_json(other)}"
    for is_first in (None, True, False):  # alone, then before and after other fields, of which each counts
        item.make_visible({field: value})
        before = item.last
        beside = {} if is_first is None else {n: v for n, v in other_values(item).items() if n != field}
        body = allowed(item, {field: value, **beside} if is_first else {**beside, field: value})
        exchange = item.send(item.body(body, {field: twice}))
        require(judge.success("update", exchange, *run.contract.operation("update").refusals))
        if not exchange.was_accepted:
            require(item.unmoved(before, exchange))
            continue
        expected = judge.reader.updated(before, body)
        expected[field] += judge.reader.after_update(field, before.get(field), other)
        require(judge.shows(exchange, item.read(), expected, "one of the values that were sent is stored"))


@needs("update", "read", "exact_text")
@for_each("tried", lambda contract: text_fields(contract)[:2])
def test_lone_surrogate_gets_a_documented_answer(run: Run, item: ItemUnderTest, tried: Field) -> None:
    """x-promises/exact_text: a lone surrogate may be refused as invalid, alone or beside other fields; it never makes the API or the item fail."""
    spelled = {tried.name: f'"{MARK}"'}
    bodies = [item.body(beside, spelled).encode() for beside in ({}, allowed(item, run.full_body("update")))]
    for index, text in enumerate(SURROGATES):
        for body in bodies[index % 2 :][:1] if run.is_brief else bodies:
            exchange = item.send(body.replace(MARK.encode(), text))
            require(run.judge.success("update", exchange, *run.contract.operation("update").refusals))
    item.read()


@needs("update", "read", lambda contract: contract.accepts("update", ODD_BODY))
def test_odd_property_gets_a_documented_answer(run: Run, judge: Judge, item: ItemUnderTest) -> None:
    """update, responses: a property of an odd name may be refused, or is passed over; it changes nothing, and never makes the API fail."""
    before = item.last
    exchange = item.send(item.body(ODD_BODY))
    require(judge.success("update", exchange, *run.contract.operation("update").refusals))
    require(
        judge.shows(
            exchange, item.read(), judge.reader.updated(before, {}), "only the fields that are sent are changed"
        )
    )


def _flat(contract: Contract) -> list[Field]:
    """Return the fields that take neither an array nor an object, texts first."""
    flat = [tried for tried in contract.fields("update").values() if not {"array", "object"} & {*tried.types}]
    return sorted(flat, key=lambda tried: tried.json_type != "string")


def _require_refused(item: ItemUnderTest, tried: Field, keyword: str, token: str) -> None:
    """Send a value that breaks one limit by far: it is refused as invalid, or as too large."""
    statuses = (*item.contract.operation("update").refusals, TOO_LARGE)
    item.refuses(Rejection(token, tried.promise, f"{tried.pointer}/{keyword}", statuses=statuses))


@needs("update", "read", _flat)
@pytest.mark.parametrize("depth", [100, 1_000, 20_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
def test_deep_nesting_is_refused(run: Run, item: ItemUnderTest, opened: str, closed: str, depth: int) -> None:
    """update, requestBody: a nested value is of the wrong type, however deep, so it is refused."""
    tried = _flat(run.contract)[0]
    nested = f"{opened * depth}{'1' if opened != '[' else ''}{closed * depth}"
    _require_refused(item, tried, "type", item.body({}, {tried.name: nested}))


def _limited(contract: Contract) -> list[Field]:
    fields = contract.fields("update").values()
    return [f for f in fields if f.json_type == "string" and f.schema.get("maxLength", GREAT_SIZE) < GREAT_SIZE]


@needs("update", "read", _limited)
def test_great_body_is_refused(run: Run, item: ItemUnderTest) -> None:
    """update, requestBody: a text of 300,000 characters is refused like one that is too long by one, or as too large."""
    tried = _limited(run.contract)[0]
    _require_refused(item, tried, "maxLength", item.body({tried.name: "a" * GREAT_SIZE}))


def _unnamed_calls(contract: Contract) -> list[tuple[str, str]]:
    """Return paths, each with the usual methods that it does not have: a parser in front refuses others in words of its own."""
    found = []
    every, literals, of_list = contract.resource.item_path, literal_paths(contract), contract.operation("create").path
    for path in (every, UNKNOWN, *(operation.path for operation in literals), of_list):
        named = named_methods(contract, every if path == UNKNOWN else path)
        usual = ("PATCH", "PUT") if path == of_list else USUAL  # a DELETE of it might remove everything
        found += [(path, method) for method in usual if method not in named]
    return found


@needs("read", "named_methods_only")
@for_each("calls", _unnamed_calls, ids=" ".join, together=True)
def test_unnamed_method_does_nothing(run: Run, shared_item: ItemUnderTest, calls: list[tuple[str, str]]) -> None:
    """x-promises/named_methods_only: a method that is not named gets 405 or 404, whatever its body: of an update, of a create, or wrong."""
    before, absent, found = shared_item.last, run.api.absent_id(), []
    bodies, wrongs = [run.full_body(index=1)], []
    if run.contract.has("update"):
        changes: Body = {}
        for tried in [*text_fields(run.contract)[:1], *changeable_fields(run.contract)[-1:]]:
            changes |= another_value(shared_item, tried)
        bodies.append(changes)
        wrongs = [plainly_spoilt(shared_item, tried).token for tried in fields_with_faults(run.contract)[:1]]
    tokens = [*(shared_item.body(body) for body in bodies), *wrongs]
    paths = {run.contract.resource.item_path: shared_item.path, UNKNOWN: run.api.shape.path_of(absent)}
    exchange = run.api.read(absent)
    for path, method in calls:
        if not run.api.shape.is_list(path) or run.api.target.is_loopback:  # it might reach items of others
            wide = tokens if path not in (UNKNOWN, run.api.shape.list_path) else tokens[:1]
            for body in wide if method != "DELETE" else [None]:
                exchange = run.api.send(method, paths.get(path, path), body=body)
                found += run.judge.unnamed_method(exchange)
    if run.contract.operation("read").names(404):
        found += run.judge.answer("read", run.api.read(absent), 404)
    require(found + shared_item.unmoved(before, exchange))


@needs("read", "update", "named_methods_only", known_good)
@needs(lambda c: "POST" not in named_methods(c, c.resource.item_path))
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT"])
def test_post_is_not_overridden_by_a_header(run: Run, item: ItemUnderTest, method: str) -> None:
    """x-promises/named_methods_only: POST on an item is not in the contract, whatever other headers say."""
    before, token = item.last, item.body(known_good(run.contract))
    exchange = item.send(token, method="POST", headers=[(name, method) for name in OVERRIDES])
    require(item.judge.unnamed_method(exchange) + item.unmoved(before, exchange))


@needs("read")
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT"])
def test_method_is_not_overridden_by_a_header(run: Run, judge: Judge, item: ItemUnderTest, method: str) -> None:
    """read: a GET reads, whatever other headers say."""
    before = item.last
    exchange = run.api.send("GET", item.path, headers=[(name, method) for name in OVERRIDES[:2]])
    require(judge.success("read", exchange) + item.unmoved(before, exchange))
