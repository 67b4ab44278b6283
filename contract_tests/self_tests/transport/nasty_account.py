"""Nasty cases of what an account holds: foreign ids, doubled and lost creates, dead removals, lists that tell lies."""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from contract_tests.self_tests.live_command import LISTING
from contract_tests.self_tests.transport.nasty_proxy import (
    ANY,
    CALM,
    NOT_HELD,
    OTHER_RUNS,
    VICTIM,
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

CREATION = (
    "contract_tests/promises/test_creation.py",
    "contract_tests/promises/test_deletion.py",
    "-k",
    "required or smallest_item or sent_before or one_body or one_create or removed_item or go_together_are_stored",
)
REFUSED = ("contract_tests/promises/test_creation.py", "-k", "required or (treated and name)")
MAKING = (
    "contract_tests/promises/test_creation.py",
    "contract_tests/promises/test_deletion.py",
    "contract_tests/promises/test_identity.py",
    "-k",
    "item and not refused",
)
WIDE = (
    "contract_tests/promises/test_creation.py",
    "contract_tests/promises/test_identity.py",
    "contract_tests/promises/test_deletion.py",
    *LISTING,
)
FEW_PERSONAS = {"MAX_PERSONAS": "12"}
PAGING = (
    *LISTING[:-1],
    "contract_tests/promises/test_deletion.py",
    "-k",
    "page or listed or removal",
)
ONE = ("contract_tests/promises/test_deletion.py", "-k", "removed_item_is_gone")
SHORT = {"TIMEOUT": "1"}

AS_SENT = object()
AS_IT_IS = object()


def foreign(
    shown: Any = AS_IT_IS, victim: str = VICTIM, period: int = 3, status: int = 201, *, is_done: bool = False
) -> Play:
    """
    Answer one create in *period* with a foreign persona's id.

    Args:
        shown: The name that reads show of it.
        victim: Its id.
        period: 1 for every create.
        status: Of the answer.
        is_done: Whether a persona is made all the same.
    """

    def is_meant(turn: Turn) -> bool:
        if turn.kind != "create":
            return False
        if shown is AS_SENT:
            return not str(turn.sent.get("name")).startswith("contract-test-")
        return "name" in turn.sent and turn.nth % period == 0

    def play(turn: Turn) -> Answer:
        if is_meant(turn):
            turn.notes["sent"] = turn.sent.get("name")
            if is_done:
                turn.forward()
            known = turn.server.before[victim]
            return json_answer(status, {"persona": {**known, **turn.sent, "id": victim}})
        reply = turn.forward()
        if shown is AS_IT_IS or (shown is AS_SENT and "sent" not in turn.notes):
            return reply
        name = turn.notes["sent"] if shown is AS_SENT else shown
        return _with_personas(reply, lambda item: {**item, "name": name} if item["id"] == victim else item)

    return play


def renamed(change: Callable[[str], Any], period: int = 2) -> Play:
    """Do each create, and answer one in *period* with another id."""

    def play(turn: Turn) -> Answer:
        reply = turn.forward()
        if turn.kind != "create" or reply.status != 201 or turn.nth % period:
            return reply
        persona = persona_in(reply)
        return reply.with_json({"persona": {**persona, "id": change(persona["id"])}})

    return play


def create_answered(answer: Callable[[Reply], Answer], period: int = 1) -> Play:
    """Do each create, and answer one in *period* in another way."""

    def play(turn: Turn) -> Answer:
        reply = turn.forward()
        is_meant = turn.kind == "create" and reply.status == 201 and turn.nth % period == 0
        return answer(reply) if is_meant else reply

    return play


def create_doubled(period: int = 1) -> Play:
    """Send one create in *period* twice."""

    def play(turn: Turn) -> Answer:
        if turn.kind == "create" and turn.nth % period == 0:
            turn.forward()
        return turn.forward()

    return play


def create_undone(turn: Turn) -> Answer:
    """Do one create in three not at all, and answer with a made-up id."""
    if turn.kind != "create" or turn.nth % 3 or "name" not in turn.sent:
        return turn.forward()
    made_up = "".join(secrets.choice(string.ascii_letters) for _ in range(22))
    return json_answer(201, {"persona": {**turn.server.before[VICTIM], **turn.sent, "id": made_up}})


def second_of_a_name_fails(turn: Turn) -> Answer:
    """Answer the second create of each name with 503, and do it not."""
    names = turn.notes.setdefault("names", [])
    if turn.kind == "create":
        names.append(turn.sent.get("name"))
        if names.count(names[-1]) == 2:
            return page(503)
    return turn.forward()


def removal_answered(answer: Reply, period: int = 1, *, is_done: bool = False) -> Play:
    """Answer one removal in *period* of a persona that is there in another way, done or not."""

    def play(turn: Turn) -> Answer:
        is_meant = turn.kind == "removal" and turn.nth % period == 0
        if is_meant and turn.seen.persona_id in turn.server.personas():
            if is_done:
                turn.forward()
            return answer
        return turn.forward()

    return play


def removal_hangs(period: int) -> Play:
    """Never answer one removal in *period*, and do it not."""

    def play(turn: Turn) -> Answer:
        return pieces(600, b"", b"", 1) if turn.kind == "removal" and turn.nth % period == 0 else turn.forward()

    return play


def in_use_after_a_write(turn: Turn) -> Answer:
    """Answer a removal with 409 for 300 ms after the last write to the persona."""
    written = turn.notes.setdefault("written", {})
    if turn.kind == "removal" and time.monotonic() - written.get(turn.seen.persona_id, 0) < 0.3:
        return json_answer(409, {"error": {"code": "CONFLICT", "message": "A run uses this persona."}})
    reply = turn.forward()
    if turn.kind in ("create", "update"):
        written[persona_in(reply).get("id")] = time.monotonic()
    return reply


def list_answered(change: Callable[[Turn, dict[str, Any]], dict[str, Any]]) -> Play:
    """Alter each page of the list."""

    def play(turn: Turn) -> Answer:
        if turn.kind != "list":
            return turn.forward()
        reply = turn.forward(_without_made_up_token(turn.seen.path))
        return reply.with_json(change(turn, json.loads(reply.body))) if reply.status == 200 else reply

    return play


def lagging(seconds: float, *, loses: bool = False) -> Play:
    """Show no persona in a list until it is so old; perhaps drop each fourth create after it was done."""

    def play(turn: Turn) -> Answer:
        made = turn.notes.setdefault("made", {})
        reply = turn.forward()
        if turn.kind == "create" and reply.status == 201:
            made[persona_in(reply)["id"]] = time.monotonic()
            return None if loses and turn.nth % 4 == 0 else reply
        if turn.kind != "list":
            return reply
        now = time.monotonic()
        return _with_personas(reply, lambda item: item if now - made.get(item["id"], 0) >= seconds else None)

    return play


def list_shows_removed(turn: Turn) -> Answer:
    """Show what was removed in every list."""
    removed = turn.notes.setdefault("removed", {})
    if turn.kind == "removal":
        removed.update({key: item for key, item in turn.server.personas().items() if key == turn.seen.persona_id})
    reply = turn.forward()
    if turn.kind != "list" or reply.status != 200:
        return reply
    wanted = parse_qs(urlsplit(turn.seen.path).query).get("filter", [""])[0]
    gone = [item for item in removed.values() if not wanted or f'"{item["name"]}"' in wanted]
    document = json.loads(reply.body)
    there = {item["id"] for item in document["personas"]}
    document["personas"] += [item for item in gone if item["id"] not in there]
    return reply.with_json(document)


def _with_personas(reply: Reply, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Reply:
    """Alter each persona of an answer; None leaves it out of a list."""
    try:
        document = json.loads(reply.body)
    except ValueError:
        return reply
    if "personas" in document:
        document["personas"] = [item for each in document["personas"] if (item := change(each)) is not None]
    elif "persona" in document:
        document["persona"] = change(document["persona"])
    return reply.with_json(document)


def _without_made_up_token(path: str) -> str:
    """Take a page token of the proxy's own out of a query."""
    parts = urlsplit(path)
    query = [item for item in parse_qsl(parts.query, keep_blank_values=True) if not item[1].startswith("again-")]
    return f"{parts.path}?{urlencode(query)}" if query else parts.path


def _late(reply: Reply) -> Iterator[bytes]:
    return pieces(2.5, b"", reply.head(length=len(reply.body)) + reply.body, 1)


def _without(name: str, persona: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in persona.items() if key != name}


EMPTY = json_answer(200, {})
AT_ONCE = (("retry-after", "0"),)
NOT_FOUND = json_answer(404, {"error": {"code": "NOT_FOUND", "message": "No persona has this id."}})
INTERNAL = json_answer(500, {"error": {"code": "INTERNAL", "message": "Something went wrong."}})

FOREIGN = (
    Case("foreign-always", "Every create is answered with the id of one ordinary persona.", foreign(period=1), NOT_HELD),
    Case("foreign-null-name", "A foreign id, whose persona shows null as its name.", foreign(None), NOT_HELD, tests=CREATION),
    Case("foreign-empty-name", "A foreign id, whose persona shows an empty name.", foreign(""), NOT_HELD, tests=CREATION),
    Case(
        "foreign-name-as-sent",
        "A create that must be refused is answered with a foreign id, whose persona shows the name that was sent.",
        foreign(AS_SENT), NOT_HELD, tests=REFUSED, environment={"MAX_REQUESTS": "0"},
    ),
    Case("foreign-plain-name", "A foreign id, whose persona shows its own name.", foreign(), NOT_HELD, tests=CREATION),
    Case(
        "foreign-name-of-another-run", "A foreign id, whose persona is named as another run names its own.",
        foreign(victim=OTHER_RUNS), NOT_HELD, tests=CREATION,
    ),
    Case(
        "foreign-and-made", "A persona is made, and the answer carries the id of another.",
        foreign(is_done=True), NOT_HELD, tests=CREATION,
    ),
    Case("foreign-with-200", "A foreign id with 200 instead of 201.", foreign(None, status=200), NOT_HELD, tests=CREATION),
    *(
        Case(f"id-{name}", f"A persona is made, and its id is answered {how}.", renamed(change), NOT_HELD, tests=CREATION)
        for name, how, change in (
            ("other-case", "in the other case", str.swapcase),
            ("foreign-other-case", "as a foreign one in the other case", lambda _: VICTIM.swapcase()),
            ("with-slash", "with a slash behind a foreign one", lambda _: f"{VICTIM}/x"),
            ("with-dots", "as a detour to a foreign one", lambda _: f"../personas/{VICTIM}"),
            ("dots", "as two dots", lambda _: ".."),
            ("percent", "as a foreign one with a percent escape", lambda _: "%33" + VICTIM[1:]),
            ("with-query", "as a foreign one with a query behind it", lambda _: f"{VICTIM}?x=1"),
            ("empty", "empty", lambda _: ""),
            ("number", "as a number", lambda _: 5),
            ("null", "as null", lambda _: None),
        )
    ),
)  # fmt: skip

CREATES = (
    Case(
        "create-without-id", "Each create is done and answered without an id.",
        create_answered(lambda reply: reply.with_json({"persona": _without("id", persona_in(reply))})),
        NOT_HELD, tests=CREATION,
    ),
    Case(
        "create-without-envelope", "Each create is done and answered with the bare persona.",
        create_answered(lambda reply: reply.with_json(persona_in(reply))), NOT_HELD, tests=WIDE,
        environment=FEW_PERSONAS,
    ),
    Case(
        "create-html", "Each create is done and answered 201 with a page.",
        create_answered(lambda _: page(201, "Created")), NOT_HELD, tests=CREATION,
    ),
    Case(
        "create-empty", "Each create is done and answered 201 with nothing.",
        create_answered(lambda _: Reply(201)), NOT_HELD, tests=CREATION,
    ),
    Case(
        "create-twice", "Each create is done twice.",
        create_doubled(), frozenset({VIOLATED}), tests=WIDE, environment=FEW_PERSONAS,
    ),
    Case(
        "create-every-seventh-twice", "Every seventh create is done twice.",
        create_doubled(7), NOT_HELD, tests=MAKING,
    ),
    Case(
        "create-done-429", "Every third create is done and answered 429.",
        create_answered(lambda _: page(429, "Too Many Requests", AT_ONCE), 3), tests=CREATION,
    ),
    Case(
        "create-done-429-always", "Each create is done and answered 429.",
        create_answered(lambda _: page(429, "Too Many Requests", AT_ONCE)), NOT_HELD, tests=CREATION,
    ),
    Case("create-done-502", "Every third create is done and answered 502.", create_answered(lambda _: page(502), 3), tests=CREATION),
    Case(
        "create-done-html-500", "Every third create is done and answered 500 with a page.",
        create_answered(lambda _: page(500), 3), tests=CREATION,
    ),
    Case("create-done-dropped", "Every third create is done and dropped.", create_answered(lambda _: None, 3), tests=CREATION),
    Case(
        "create-done-late", "Every fifth create is done at once and answered after the time-out.",
        create_answered(_late, 5), tests=CREATION, environment=SHORT,
    ),
    Case("create-undone", "Every third create is answered 201 with a made-up id, and nothing is made.", create_undone, NOT_HELD, tests=CREATION),
    Case(
        "second-of-a-name-503", "The second create of each name is not done and answered 503.",
        second_of_a_name_fails, tests=("contract_tests/promises/test_deletion.py", "-k", "one_body"),
    ),
)  # fmt: skip

REMOVALS = (
    Case(
        "removal-dead", "Each removal is answered 200, and nothing is removed.",
        removal_answered(EMPTY), frozenset({VIOLATED}), may_leave=True, tests=WIDE, environment=FEW_PERSONAS,
    ),
    Case(
        "removal-fifth-dead", "Every fifth removal is answered 200, and nothing is removed.",
        removal_answered(EMPTY, 5), NOT_HELD, may_leave=True, tests=PAGING,
    ),
    Case(
        "removal-in-use", "A removal is answered 409 for 300 ms after the last write.", in_use_after_a_write,
        tests=("contract_tests/promises/test_deletion.py", "contract_tests/promises/test_identity.py"),
    ),
    Case(
        "removal-done-html-500", "Every third removal is done and answered 500 with a page.",
        removal_answered(page(500), 3, is_done=True),
    ),
    Case(
        "removal-says-404", "Each removal is answered 404, and nothing is removed.",
        removal_answered(NOT_FOUND), NOT_HELD, may_leave=True,
    ),
    Case(
        "removal-fourth-hangs", "Every fourth removal is never answered and not done.",
        removal_hangs(4), environment=SHORT, may_leave=True,
    ),
    Case(
        "removal-hangs", "No removal is ever answered or done.",
        removal_hangs(1), environment=SHORT, may_leave=True, tests=ONE, most_seconds=240,
    ),
)  # fmt: skip

LISTS = (
    Case(
        "list-500", "Each list is answered 500.",
        lambda turn: INTERNAL if turn.kind == "list" else turn.forward(), NOT_HELD, tests=PAGING,
    ),
    Case(
        "list-500-create-dropped", "Each list is answered 500, and every fourth create is done and dropped.",
        lambda turn: INTERNAL if turn.kind == "list" else create_answered(lambda _: None, 4)(turn),
        NOT_HELD, tests=CREATION, may_leave=True,
    ),
    Case(
        "list-same-token", "Each page of the list names the same next page.",
        list_answered(lambda _, document: {**document, "next_page_token": "again-and-again"}), NOT_HELD, tests=PAGING,
    ),
    Case(
        "list-new-token", "Each page of the list names a new next page.",
        list_answered(lambda turn, document: {**document, "next_page_token": f"again-{turn.seen.number}"}),
        NOT_HELD, tests=PAGING,
    ),
    Case("list-lags", "A list shows a persona one second late.", lagging(1.0), ANY, tests=PAGING),
    Case(
        "list-lags-create-dropped", "A list shows a persona one second late, and every fourth create is done and dropped.",
        lagging(1.0, loses=True), CALM, tests=("contract_tests/promises/test_creation.py", "-k", "smallest_item or sent_before or go_together_are_stored"),
    ),
    Case("list-shows-removed", "Each list shows what was removed.", list_shows_removed, NOT_HELD, tests=PAGING),
)  # fmt: skip

ACCOUNT_CASES = (*FOREIGN, *CREATES, *REMOVALS, *LISTS)
