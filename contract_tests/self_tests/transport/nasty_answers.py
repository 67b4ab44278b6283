"""Nasty cases of how an API answers: without end, far too much, with control characters, or through a bad gateway."""

from __future__ import annotations

import json
import random
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from contract_tests.self_tests.transport.nasty_proxy import (
    ANY,
    CALM,
    NOT_HELD,
    VIOLATED,
    Answer,
    Case,
    Play,
    Reply,
    Turn,
    json_answer,
    page,
    persona_in,
    pieces,
)

MEBIBYTE = 1024 * 1024
MANY = (
    "contract_tests/promises/test_deletion.py",
    "contract_tests/promises/test_update_rules.py",
    "contract_tests/promises/test_identity.py",
    "-k",
    "not keepsake",
)
SOME = ("contract_tests/promises/test_deletion.py", "contract_tests/promises/test_identity.py", "-k", "item")
SHORT = {"TIMEOUT": "1"}
JSON = (("content-type", "application/json"),)
# Changes the title of a terminal, clears it, colours it, turns the text round, goes back to the start of the line.
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31m\x9b32m\u202edlrow\u2066\r\x00\x7fend"


def now_and_then(*answers: Callable[[Reply], Answer], period: int = 29, done: bool | None = None) -> Play:
    """
    Replace one answer in *period*, by each of these in turn.

    Args:
        answers: They take the API's own answer.
        period: One in so many requests.
        done: Whether the API does what was asked; None for every other time.
    """

    def play(turn: Turn) -> Answer:
        if not turn.is_due(period):
            return turn.forward()
        count = turn.seen.number // period
        is_done = bool(count % 2) if done is None else done
        reply = turn.forward() if is_done else json_answer(200, {"persona": {"id": "none"}})
        return answers[count % len(answers)](reply)

    return play


def after(number: int, answer: Callable[[Reply], Answer]) -> Play:
    """Replace each answer from one on."""
    return lambda turn: answer(turn.forward()) if turn.seen.number > number else turn.forward()


def on(kind: str, answer: Callable[[Reply], Answer]) -> Play:
    """Replace each answer to one kind of request, after it was done."""
    return lambda turn: answer(turn.forward()) if turn.kind == kind else turn.forward()


def slow_head(_reply: Reply) -> Iterator[bytes]:
    """Write a header without end, a byte at a time."""
    return pieces(0.2, b"HTTP/1.1 200 OK\r\nx-slow: ", b"a")


def slow_body(_reply: Reply) -> Iterator[bytes]:
    """Write a body without end, a byte at a time."""
    return pieces(0.2, Reply(200, JSON).head(length=3_000), b" ")


def endless_chunks(_reply: Reply) -> Iterator[bytes]:
    """Write chunks without end, as fast as they are read."""
    head = Reply(200, (*JSON, ("transfer-encoding", "chunked"))).head(length=None)
    return pieces(0.001, head, b"100000\r\n" + b" " * MEBIBYTE + b"\r\n", 20_000)


def endless_hints(_reply: Reply) -> Iterator[bytes]:
    """Write interim answers without end, and never the answer."""
    return pieces(0.05, b"", b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n")


def too_short(reply: Reply) -> Iterator[bytes]:
    """Announce more than is written, and keep the connection open."""
    return pieces(600, reply.head(length=len(reply.body) + 100) + reply.body, b"", 1)


def open_end(reply: Reply) -> Iterator[bytes]:
    """Announce no length, and keep the connection open."""
    return pieces(600, reply.head(length=None) + reply.body, b"", 1)


def half(reply: Reply) -> Iterator[bytes]:
    """Write half the body, and close the connection."""
    return iter([reply.head(length=len(reply.body)) + reply.body[: len(reply.body) // 2]])


def gzip_bomb(_reply: Reply) -> Answer:
    """Write 1 MB of gzip that holds 1 GB."""
    return Reply(200, (*JSON, ("content-encoding", "gzip")), _bomb())


def no_gzip(reply: Reply) -> Answer:
    """Say that a plain answer is gzip."""
    return replace(reply, headers=(*reply.headers, ("content-encoding", "gzip")))


def nested(_reply: Reply) -> Answer:
    """Answer with an array in an array, 100,000 deep."""
    return Reply(200, JSON, b'{"persona": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def with_digits(count: int) -> Callable[[Reply], Answer]:
    """Answer with a number of so many digits."""

    def answer(reply: Reply) -> Answer:
        body = json.dumps({"persona": {**persona_in(reply), "wait_seconds": "here"}})
        return Reply(200, JSON, body.replace('"here"', "9" * count).encode())

    return answer


def huge(_reply: Reply) -> Answer:
    """Answer with 80 MB of text."""

    def written() -> Iterator[bytes]:
        yield Reply(200, JSON).head(length=80 * MEBIBYTE + 2) + b'"'
        for _ in range(80):
            yield b"x" * MEBIBYTE
        yield b'"'

    return written()


def nothing(_reply: Reply) -> Answer:
    """Answer 200 with nothing."""
    return Reply(200)


def dropped(_reply: Reply) -> Answer:
    """Answer not at all."""
    return None


def pages(*statuses: int, headers: tuple[tuple[str, str], ...] = ()) -> tuple[Callable[[Reply], Answer], ...]:
    """Return what answers with a page, for each status."""
    return tuple(lambda _, status=status: page(status, headers=headers) for status in statuses)


def renamed(turn: Turn) -> Answer:
    """Show control characters in the name of each persona that was updated."""
    updated = turn.notes.setdefault("updated", set())
    reply = turn.forward()
    if turn.kind == "update":
        updated.add(turn.seen.persona_id)
    if reply.status != 200 or turn.kind not in ("read", "update") or turn.seen.persona_id not in updated:
        return reply
    return reply.with_json({"persona": {**persona_in(reply), "name": ESCAPES + "\ud800"}})


def odd_id(turn: Turn) -> Answer:
    """Answer each update with an id of control characters."""
    reply = turn.forward()
    if turn.kind != "update" or reply.status != 200:
        return reply
    return reply.with_json({"persona": {**persona_in(reply), "id": ESCAPES + "\udfff", "resource_name": ESCAPES}})


def odd_field(turn: Turn) -> Answer:
    """Show two unknown fields, whose names are control characters, in every persona."""
    reply = turn.forward()
    persona = persona_in(reply)
    further = {f"tag {ESCAPES}": ESCAPES, "half \ud800": ["\udfff", ESCAPES]}
    return reply.with_json({"persona": {**persona, **further}}) if persona else reply


def odd_error(turn: Turn) -> Answer:
    """Answer each error of the API with another status and with control characters in its message."""
    reply = turn.forward()
    if reply.status < 400 or turn.seen.number < 5:
        return reply
    error = {
        "code": f"A{ESCAPES}",
        "message": ESCAPES + "\ud800",
        "details": [{"field": ESCAPES, "description": ESCAPES}],
    }
    return json_answer(422, {"error": error})


def raw_error(turn: Turn) -> Answer:
    """Answer each error of the API with another status and with bare control characters, in JSON or in plain text."""
    reply = turn.forward()
    if reply.status < 400 or turn.seen.number < 5:
        return reply
    if turn.seen.number % 2:
        return Reply(422, (("content-type", "text/plain"),), ESCAPES.encode())
    error = {"code": "A\x9b32m\u202e", "message": "\x9b32m\u202edlrow\u2066\x7f"}
    return Reply(422, JSON, json.dumps({"error": error}, ensure_ascii=False).encode())


def odd_reason(turn: Turn) -> Answer:
    """Write control characters as the reason of each answer to an update."""
    reply = turn.forward()
    return replace(reply, reason=ESCAPES.replace("\r", "").encode()) if turn.kind == "update" else reply


def random_mix(seed: int) -> Play:
    """Spoil six answers in a hundred, as a seeded chance has it."""

    def play(turn: Turn) -> Answer:
        chance: random.Random = turn.notes.setdefault("chance", random.Random(seed))
        if turn.seen.number < 8 or chance.random() > 0.06:
            return turn.forward()
        is_done, which = chance.random() < 0.5, chance.choice(MIX)
        reply = turn.forward() if is_done else json_answer(503, {})
        if which is None:
            time.sleep(0.3)
            return reply if is_done else turn.forward()
        return which(reply)

    return play


def one_body_fails(turn: Turn) -> Answer:
    """Answer each update to the longest wait with a page and 500, and do it not."""
    return page(500) if turn.kind == "update" and turn.sent.get("wait_seconds") == 2 else turn.forward()


@cache
def _bomb() -> bytes:
    """Return 1 GB of spaces as gzip: after a full flush equal pieces are compressed equally."""
    piece = b" " * MEBIBYTE
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    squeezed = squeezer.compress(piece) + squeezer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(1024):
        check = zlib.crc32(piece, check)
    end = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS).flush()
    size = (1024 * MEBIBYTE) & 0xFFFFFFFF
    return (
        b"\x1f\x8b\x08"
        + bytes(6)
        + b"\xff"
        + squeezed * 1024
        + end
        + check.to_bytes(4, "little")
        + size.to_bytes(4, "little")
    )


FIREWALL = page(403, "Access denied. Your request was blocked. Ray ID: 8f1e")
MAINTENANCE = page(200, "We'll be back soon")
REDIRECT = page(302, "Found", (("location", "/login?next=%2Fv1"),))
MIX: tuple[Callable[[Reply], Answer] | None, ...] = (
    *pages(500, 502, 503, 504, 520, 522, 524, 598),
    half,
    dropped,
    nothing,
    None,
    None,
)

ENDLESS = (
    *(
        Case(f"endless-{name}", does, now_and_then(answer, period=19), environment=SHORT, tests=SOME)
        for name, does, answer in (
            ("head", "Now and then a header comes byte by byte.", slow_head),
            ("body", "Now and then a body comes byte by byte.", slow_body),
            ("chunks", "Now and then chunks come without end.", endless_chunks),
            ("hints", "Now and then 103 comes again and again.", endless_hints),
            ("length", "Now and then a body is shorter than its announced length.", too_short),
            ("open", "Now and then a body has no end, as the connection stays open.", open_end),
        )
    ),
    Case("endless-always", "From the tenth answer on every body comes byte by byte.", after(9, slow_body),
         NOT_HELD, may_leave=True, environment=SHORT, tests=SOME),
)  # fmt: skip

BOMBS = (
    *(
        Case(f"bomb-{name}", does, now_and_then(answer, period=13, done=True), ANY, tests=SOME)
        for name, does, answer in (
            ("gzip", "Now and then 1 MB of gzip holds 1 GB.", gzip_bomb),
            ("no-gzip", "Now and then a plain body is said to be gzip.", no_gzip),
            ("nested", "Now and then the JSON is nested 100,000 deep.", nested),
            ("400-digits", "Now and then a number has 400 digits.", with_digits(400)),
            ("5000-digits", "Now and then a number has 5,000 digits.", with_digits(5_000)),
            ("80-mb", "Now and then an answer has 80 MB.", huge),
        )
    ),
    *(
        Case(f"bomb-{name}-always", f"Each update is answered {how}.", on("update", answer), NOT_HELD)
        for name, how, answer in (
            ("gzip", "with 1 MB of gzip that holds 1 GB", gzip_bomb),
            ("nested", "with JSON nested 100,000 deep", nested),
            ("no-gzip", "as gzip that is none", no_gzip),
            ("80-mb", "with 80 MB", huge),
        )
    ),
    Case(
        "bomb-nested-create", "Each create is answered with JSON nested 100,000 deep.", on("create", nested), NOT_HELD
    ),
)

OUTPUT = (
    Case("escape-name", "Names show control characters.", renamed, NOT_HELD, tests=MANY),
    Case("escape-id", "Ids show control characters.", odd_id, NOT_HELD, tests=MANY),
    Case("escape-field", "Unknown fields have control characters in their names.", odd_field, ANY),
    Case("escape-error", "Errors have another status, and control characters in code and message.", odd_error,
         NOT_HELD, tests=("contract_tests/promises/test_deletion.py", "contract_tests/promises/test_errors.py")),
    Case("escape-error-raw", "Errors have another status, and their bodies hold bare control characters.", raw_error,
         NOT_HELD, tests=("contract_tests/promises/test_deletion.py", "contract_tests/promises/test_errors.py")),
    Case("escape-retry-after", "Now and then a limit of rate asks to wait for control characters.",
         now_and_then(lambda _: page(429, headers=(("retry-after", "1\x1b[31m\u202e"),)), done=False), tests=MANY),
    Case("escape-location", "Now and then a redirect leads to control characters.",
         now_and_then(lambda _: page(302, headers=(("location", "/\x1b[31m\u202e"),)), done=False), tests=MANY),
    Case("escape-redirect-always", "Each update is redirected to control characters.",
         on("update", lambda _: page(302, headers=(("location", "/\x1b]0;x\x07\u202e"),))), NOT_HELD),
    Case("escape-reason", "The reason of an answer is control characters.", odd_reason, NOT_HELD | CALM),
)  # fmt: skip

GATEWAYS = (
    Case("gateway-busy", "Now and then 502, 503 or 504.", now_and_then(*pages(502, 503, 504)), tests=MANY),
    Case("gateway-520", "Now and then one of 520 to 530.", now_and_then(*pages(*range(520, 531)), period=17), tests=MANY),
    Case("gateway-page-500", "Now and then a page with 500, 507, 511, 598 or 599.",
         now_and_then(*pages(500, 507, 511, 598, 599), period=23), tests=MANY),
    Case("gateway-408", "Now and then 408.", now_and_then(*pages(408), done=False), tests=MANY),
    Case("gateway-425", "Now and then 425.", now_and_then(*pages(425), done=False), tests=MANY),
    Case("gateway-429", "Now and then 429 with Retry-After: 0.",
         now_and_then(*pages(429, headers=(("retry-after", "0"),)), done=False), tests=MANY),
    Case("gateway-firewall", "Now and then a firewall's page with 403.", now_and_then(lambda _: FIREWALL, done=False), tests=MANY),
    Case("gateway-maintenance", "Now and then a page with 200.", now_and_then(lambda _: MAINTENANCE), tests=MANY),
    Case("gateway-empty", "Now and then an empty 200.", now_and_then(nothing), tests=MANY),
    Case("gateway-redirect", "Now and then a redirect to a login.", now_and_then(lambda _: REDIRECT, done=False), tests=MANY),
    Case("gateway-half", "Now and then half a body.", now_and_then(half), tests=MANY),
    Case("gateway-drop", "Now and then no answer.", now_and_then(dropped), tests=MANY),
    *(
        Case(f"gateway-mix-{seed}", "Six answers in a hundred are spoilt in one of many ways.", random_mix(seed), tests=MANY)
        for seed in (1, 2, 3)
    ),
)  # fmt: skip

SYSTEMATIC = (
    Case("always-page-500", "One body of updatePersona is always answered 500 with a page.", one_body_fails,
         frozenset({VIOLATED}), tests=("contract_tests/promises/test_field_limits.py", "-k", "wait_seconds"),
         environment={"MAX_REQUESTS": "0"}),
    Case("always-empty", "updatePersona always answers an empty 200.", on("update", nothing), frozenset({VIOLATED}), tests=MANY),
)  # fmt: skip

ANSWER_CASES = (*ENDLESS, *BOMBS, *OUTPUT, *GATEWAYS, *SYSTEMATIC)
