"""Wrong requests: updates that are no JSON object, of another media type, or of values that nobody lists; wrong keys."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from contract_tests.checks.item_under_test import ItemUnderTest, Rejection
from contract_tests.checks.judge import Finding, Judge
from contract_tests.checks.run import Run
from contract_tests.checks.selections import changeable_fields, free_fields, listed_rule, text_fields
from contract_tests.generation.boundaries import good_values, to_json
from contract_tests.spec.contract import Contract
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.resource_shape import ItemId

# Stands for a value while the text around it is written.
MARK = "\ue000"
# Right beside the statuses of an invalid body.
WRONG_TYPE = 415

NO_OBJECT = ("[]", "1.25", "true", "false", "null")
OTHER_TYPES = (
    "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded", "application/octet-stream",
    "multipart/form-data; boundary=x", "application/jsonp", "image/png",
    # Of JSON's kin: by suffix (RFC 6839), of the patches, and as JSON was called before RFC 4627.
    "application/vnd.api+json", "application/merge-patch+json", "application/json-patch+json", "application/ld+json",
    "text/json", "application/x-json", "text/x-json", "application/x-ndjson",
)  # fmt: skip
TEXTS = {
    "open-text": b'"contract', "raw-newline": b'"contract\ntest"}', "raw-nul": b'"contract\x00test"}',
    "bad-escape": b'"contract\\x"}', "short-escape": b'"contract\\u12"}', "bad-utf8": b'"contract\xff\xfe"}',
    "overlong-utf8": b'"contract\xc0\xaf"}', "latin-1": '"contract é"}'.encode("latin-1"),
}  # fmt: skip
# Numbers that JSON does not have, and what each would be as a careless parser reads it.
NUMBERS: dict[str, tuple[float, str]] = {
    "leading-zero": (1, "01"), "leading-point": (0.5, ".5"), "trailing-point": (1, "1."), "plus-sign": (1, "+1"),
    "hexadecimal": (1, "0x1"), "underscore": (10, "1_0"),
}  # fmt: skip
NULLS = {"python-none": "None", "capital-null": "NULL", "undefined": "undefined"}


# Ends the name of a body in which another field comes before the mistake.
BEHIND = "-behind-another"
# Of these bodies and media types, those that tell most: test_first_look.py sends them, and again only a long run.
TELLING = frozenset({
    "open-object", "trailing-comma", "trailing-text", "yaml", "empty", "open-brace", "raw-newline", "bad-utf8",
    "[]", "null", "text", "pair", "array", "text/plain", "application/x-www-form-urlencoded", "application/jsonp",
    "application/vnd.api+json", "text/json",
})  # fmt: skip


@dataclass(frozen=True)
class Malformed:
    """A body that is no JSON, or no object."""

    name: str
    token: bytes
    field: str | None = None
    """The field that it is about, where it looks like an object of one field."""


def known_good(contract: Contract) -> dict[str, Any]:
    """Return one field with a value that it surely takes, a number with a fraction where there is one; empty without any."""
    fields = changeable_fields(contract)
    by_type = [tried for kind in ("number", "integer", "string") for tried in fields if tried.json_type == kind]
    return {tried.name: good_values(contract, tried)[1] for tried in (by_type or fields)[:1]}


def malformed(contract: Contract) -> list[Malformed]:
    """Return bodies that are no JSON, each with one mistake."""
    [(field, value)] = known_good(contract).items()
    name, good = to_json(field), to_json(value)
    member = f"{name}: {good}"
    around = {
        "open-object": f"{{{member}", "open-object-after-comma": f"{{{member}, ", "closed-twice": f"{{{member}}}}}",
        "trailing-comma": f"{{{member},}}", "single-quotes": f"{{'{field}': {good}}}",
        "bare-key": f"{{{field}: {good}}}", "two-values": f"{{{member}}} {{}}",
        "two-lines": f"{{{member}}}\n{{{member}}}\n", "trailing-text": f"{{{member}}} x",
        "no-colon": f"{{{name} {good}}}", "no-value": f"{{{name}: }}", "comment": f"{{{member} /* a comment */}}",
        "comment-after": f"{{{member}}} /* a comment */",
    }  # fmt: skip
    others = {"form": f"{field}={value}", "yaml": f"{field}: {value}", "xml": f"<{field}>{value}</{field}>"}
    others |= {"empty": "", "spaces": "   ", "open-brace": "{", "comment-before": f"/* a comment */ {{{member}}}"}
    found = [Malformed(of, text.encode(), field) for of, text in around.items()]
    found += [Malformed(of, text.encode()) for of, text in others.items()]
    return [each for one in (*found, *_malformed_values(contract, field)) for each in (one, *_among(contract, one))]


def _among(contract: Contract, one: Malformed) -> Iterator[Malformed]:
    """Yield a body like it in which another field comes first: a reader may be strict with the first one only."""
    others = [tried for tried in free_fields(contract) if tried.name != one.field and not tried.is_required]
    for tried in others[-1:] if one.field is not None and one.token.startswith(b"{") else ():
        member = f"{{{to_json(tried.name)}: {to_json(good_values(contract, tried)[0])}, "
        yield Malformed(f"{one.name}{BEHIND}", member.encode() + one.token.removeprefix(b"{"), one.field)


def _malformed_values(contract: Contract, field: str) -> Iterator[Malformed]:
    numeric = [tried for tried in free_fields(contract) if {"number", "integer"} & {*tried.types}]
    for of, (value, spelling) in NUMBERS.items():
        for taker in [tried.name for tried in numeric if contract.accepts_value(tried, value)][:1]:
            yield Malformed(of, f"{{{to_json(taker)}: {spelling}}}".encode(), taker)
    nullable = [tried.name for tried in free_fields(contract) if tried.is_nullable] or [field]
    for of, word in NULLS.items():
        yield Malformed(of, f"{{{to_json(nullable[-1])}: {word}}}".encode(), nullable[-1])
    texts = text_fields(contract)
    for tried in [*texts[:1], *texts[1:][-1:]]:
        for of, text in TEXTS.items():
            name = of if tried is texts[0] else f"{of}-in-{tried.name}"
            yield Malformed(name, f"{{{to_json(tried.name)}: ".encode() + text, tried.name)


def no_object(contract: Contract) -> list[Malformed]:
    """Return JSON that is no object."""
    [(field, value)] = known_good(contract).items()
    name, member = to_json(field), to_json({field: value})
    tokens = {token: token for token in NO_OBJECT}
    tokens |= {"text": to_json(member), "pair": f"[[{name}, {to_json(value)}]]", "array": f"[{member}]", "name": name}
    return [Malformed(of, token.encode()) for of, token in tokens.items()]


def no_json(item: ItemUnderTest, body: Malformed) -> Rejection:
    """Return the update that sends a body; the other fields stand before it where an update is sent whole."""
    token = body.token
    if body.field is not None:
        before = item.body({}, {body.field: MARK}).partition(f"{to_json(body.field)}: {MARK}")[0]
        token = before.encode() + token.removeprefix(b"{")
    promise = "a body that is no JSON object (RFC 8259) is refused as invalid"
    clause = item.contract.pointer_of_promise("strict_json")
    return Rejection(token, promise, clause, about=f"the body ({body.name})")


def other_types(contract: Contract) -> list[str]:
    """Return the media types that no operation of the contract takes, those that tell most first."""
    named = frozenset().union(*(operation.body_types for operation in contract.operations.values()))
    other = [kind for kind in OTHER_TYPES if not any(fnmatch(kind.partition(";")[0], name) for name in named)]
    return sorted(other, key=lambda kind: kind not in TELLING)


def wrong_type(contract: Contract, content_type: str) -> tuple[str, str]:
    """Return what the contract says of a body of another media type, and where."""
    promise = f"a body sent as {content_type} is refused as invalid or with {WRONG_TYPE}"
    return promise, contract.pointer_of_promise("strict_media_types")


def other_type(item: ItemUnderTest, content_type: str, token: bytes | str | None = None) -> Rejection:
    """Return an update that is sent as another media type; a right one, unless another body is given."""
    statuses = (*item.contract.operation("update").refusals, WRONG_TYPE)
    promise, clause = wrong_type(item.contract, content_type)
    body = item.body(known_good(item.contract)) if token is None else token
    return Rejection(body, promise, clause, statuses=statuses, content_type=content_type)


def unlisted(item: ItemUnderTest, name: str, body: Mapping[str, Any]) -> Rejection:
    """Return an update that breaks the rule of a field whose values another operation lists."""
    return Rejection(item.body(body), *listed_rule(item.contract, name), about=to_json(body))


# -- Keys --------------------------------------------------------------------------------------------------------------

WRONG_KEY = "contract-test-wrong-key"


@dataclass(frozen=True)
class Key:
    """A key that is not the account's."""

    name: str
    spoil: Callable[[str], str | None]
    """Makes it from the right one; None sends no key."""
    statuses: tuple[int, ...] = (401,)
    promise: str | None = None
    """What the contract must promise for the key to be wrong."""


def _changed(key: str, other: str, end: str) -> str:
    """Return a key in another form; where that is the same, with another end."""
    return other if other != key else f"{key}{end}"


KEYS = (
    Key("missing", lambda _key: None),
    Key("empty", lambda _key: ""),
    Key("wrong", lambda _key: WRONG_KEY),
    Key("truncated", lambda key: key[:-1]),
    Key("first-character", lambda key: key[:1]),
    Key("first-half", lambda key: key[: max(len(key) // 2, 1)]),
    Key("extended", lambda key: f"{key}x"),
    Key("prefixed", lambda key: f"x{key}"),
    Key("doubled", lambda key: key + key),
    Key("other-case", lambda key: _changed(key, key.swapcase(), "X"), promise="exact_keys"),
    Key("last-changed", lambda key: key[:-1] + ("a" if key[-1] != "a" else "b")),
    Key("bearer", lambda key: f"Bearer {key}"),
    Key("quoted", lambda key: f'"{key}"'),
    Key("wildcard", lambda _key: "*"),
    Key("percent", lambda _key: "%"),
    Key("null-word", lambda _key: "null"),
    Key("sql", lambda _key: "' OR '1'='1"),
    Key("list", lambda key: f"{WRONG_KEY}, {key}"),
    Key("first-of-a-list", lambda key: f"{key}, {WRONG_KEY}"),
    # A server in front may refuse the header itself: RFC 9110, section 5.5, calls such bytes obsolete.
    Key("beyond-ascii", lambda _key: "contract-test-ключ-鍵", (400, 401)),
    Key("long", lambda _key: "contract-test-" + "x" * 1_000),
    Key("space-inside", lambda key: f"{key[: len(key) // 2]} {key[len(key) // 2 :]}"),
    Key("spaced", lambda key: f" {key} "),
    Key("reversed", lambda key: _changed(key, key[::-1], "-")),
)


def wrong_keys(contract: Contract, *names: str) -> list[Key]:
    """Return the keys that are wrong for a contract: those of some names, or all."""
    # HTTP strips spaces around a header; a script whose variable is unset sends a scheme alone, but no basic one.
    kind = contract.key.kind
    left_out = {"empty"} if kind == "basic" else set()
    left_out |= set() if kind in ("query", "basic") else {"spaced"}
    keys = [key for key in KEYS if key.name not in left_out and key.name in (names or (key.name,))]
    return [key for key in keys if key.promise is None or contract.promises_that(key.promise)]


def call_wrongly(run: Run, name: str, item_id: ItemId, key: Key) -> tuple[Exchange, list[Finding]]:
    """Call an operation with a wrong key, and judge the answer: 401 in its shape, and nothing in it that was sent as a key."""
    spoilt = key.spoil(run.api.target.api_key)
    exchange = run.call(name, item_id, spoilt)
    is_refused_before = exchange.status == 400 and 400 in key.statuses
    found = [] if is_refused_before else run.judge.answer(name, exchange, *key.statuses)
    stranger = Judge(run.contract, (spoilt,) if spoilt is not None else ())
    return exchange, found + [finding for finding in stranger.leaks(exchange) if finding not in found]
