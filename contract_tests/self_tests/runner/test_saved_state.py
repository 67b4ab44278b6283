"""What of a persona could not be given back to it: found in its answer, before anything is written."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from contract_tests.errors import Inconclusive, Refused
from contract_tests.runner.borrowed_resource import borrowed, rehearse
from contract_tests.runner.saved_state import InexactNumber, is_same_value, state_in
from contract_tests.self_tests.transport.shapes import PERSONAS
from contract_tests.spec.contract import load_contract
from contract_tests.transport.journal import Journal
from contract_tests.transport.leftovers import Borrowed, read
from contract_tests.transport.run_limits import RunLimits
from contract_tests.transport.target import Api, Target

CONTRACT = load_contract()
KEY = "Borrowed/4711=key-abcdefghijkl"
ITEM = "3zfmuDbVQsi4GaseDtiVcS"
FIELDS = {
    "id": '"3zfmuDbVQsi4GaseDtiVcS"', "resource_name": '"personas/3zfmuDbVQsi4GaseDtiVcS"', "name": '"Ann"',
    "create_time": '"2025-01-24T10:00:00Z"', "update_time": "null", "persona_prompt": '"Call."', "voice_name": '"aria"',
    "language_code": '"en-US"', "background_sound": '"office"', "wait_seconds": "0.5", "conversation_initiation": "null",
    "hold_music_timeout_seconds": "15.0", "tags": '["vip", 1.10]',
}  # fmt: skip


class Item:
    """An API that holds one persona, as JSON text by field, and takes whatever it is sent."""

    def __init__(self, **fields: str | None) -> None:
        self.fields = {name: text for name, text in {**FIELDS, **fields}.items() if text is not None}
        self.answer: str | None = None
        """What GET answers instead."""
        self.moved: dict[str, str] = {}
        """What any update changes beside what it is sent."""
        self.written: list[bytes] = []

    def shown(self) -> str:
        """Return the answer to GET."""
        if self.answer is not None:
            return self.answer
        members = ", ".join(f'"{name}": {text}' for name, text in self.fields.items())
        return f'{{"persona": {{{members}}}}}'

    def update(self, body: bytes) -> None:
        """Take every member as it is spelt."""
        self.written.append(body)
        sent = json.loads(body)
        self.fields |= {name: json.dumps(value) for name, value in sent.items()} | self.moved


@contextmanager
def _served(item: Item, place: Path) -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = item.shown().encode("utf-8", "surrogatepass")
            self.send_response_only(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_PATCH(self) -> None:
            item.update(self.rfile.read(int(self.headers["content-length"])))
            self.do_GET()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        journal = Journal("0badcafe", url, KEY, place)
        try:
            with Api(
                Target("an item", url, KEY), "0badcafe", PERSONAS, limits=RunLimits(journal=journal), borrowed_id=ITEM
            ) as api:
                yield api
        finally:
            server.shutdown()
            journal.close()


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("background_sound", '"backchanneling"', "which an update may not set"),
        ("background_sound", '"custom:3zfmuDbVQsi4GaseDtiVcS"', "which an update may not set"),
        ("conversation_initiation", '"agent_first"', "which an update may not set"),
        ("wait_seconds", "2.5", "which an update may not set"),
        ("wait_seconds", "0.05", "which an update may not set"),
        ("wait_seconds", '"0.5"', "which an update may not set"),
        ("wait_seconds", "true", "which an update may not set"),
        ("wait_seconds", "0.12345678901234567890123", "which is no double"),
        ("wait_seconds", "0.1234567890123456", "may lawfully read 0.12345679"),
        ("hold_music_timeout_seconds", "1e400", "which is no double"),
        ("hold_music_timeout_seconds", "1" * 400, "which is no double"),
        ("hold_music_timeout_seconds", "9007199254740993", "which is no double"),
        ("name", '"%s"' % ("n" * 300), "is of 300 characters, which an update may not set"),
        ("name", '""', "which an update may not set"),
        ("name", "null", "is not set, and null does not clear it"),
        ("name", None, "is not set, and null does not clear it"),
        ("name", '"contract-test-deadbeef-12"', "another run may have borrowed it"),
        ("name", '"contract-test-lent-deadbeef-1"', "another run may have borrowed it"),
        ("voice_name", "null", "is not set, and null does not clear it"),
        ("language_code", None, "is not set, and null does not clear it"),
        ("language_code", "[]", "which an update may not set"),
        ("persona_prompt", '""', "may lawfully read null"),
        ("persona_prompt", '"half a \\ud83d pair"', "half a surrogate pair"),
        ("persona_prompt", '"\\u0042orrowed/4711=key-abcdefghijkl"', "holds the key of the account"),
        ("persona_prompt", json.dumps(f"Say {KEY}."), "holds the key of the account"),
        ("persona_prompt", json.dumps(f"Say {KEY[:9]}."), "holds the key of the account"),
        ("persona_prompt", '"Say $API_KEY."', "holds the key of the account"),
        ("persona_prompt", '{"text": "Call."}', "which an update may not set"),
    ],
)
def test_field_that_cannot_be_restored_is_refused_by_name(
    tmp_path: Path, field: str, text: str | None, words: str
) -> None:
    """A value that no update can bring back exactly is named, and the persona is neither journaled nor written to."""
    item = Item(**{field: text})
    with _served(item, tmp_path) as api:
        with pytest.raises(Refused) as refused, borrowed(api, ITEM, CONTRACT, []):
            pass
        assert field in str(refused.value) and words in str(refused.value)
        assert item.written == []
        assert '"borrowed"' not in (tmp_path / "0badcafe.jsonl").read_text("utf-8")
        assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('{"persona": {"id": "another", "name": "Ann"}}', "it shows another item"),
        ('{"persona": {"id": "3zfmudbvqsi4gasedtivcs"}}', "it shows another item"),
        ('{"persona": {"id": "3zfmuDbVQsi4GaseDtiVcS", "name": "Ann", "name": "Bob"}}', "stands twice"),
        ('{"persona": {"id": "3zfmuDbVQsi4GaseDtiVcS", "tags": {"a": 1, "a": 2}}}', "stands twice"),
        ('{"persona": [], "persona": {"id": "3zfmuDbVQsi4GaseDtiVcS"}}', "stands twice"),
        ('{"persona": {"id": "3zfmuDbVQsi4GaseDtiVcS", "wait_seconds": NaN}}', "is no JSON"),
        ('{"persona": null}', "holds no item"),
        ("not JSON", "cannot be saved"),
    ],
)
def test_answer_that_shows_no_one_state_is_refused(tmp_path: Path, answer: str, words: str) -> None:
    """What can be read in two ways, or shows another item, is no state to go back to."""
    item = Item()
    item.answer = answer
    with _served(item, tmp_path) as api:
        with pytest.raises(Refused, match=words), borrowed(api, ITEM, CONTRACT, []):
            pass
        assert item.written == []


def test_answer_of_another_shape_is_no_state(tmp_path: Path) -> None:
    """What may be a gateway's answer says nothing about the persona, so nothing is borrowed."""
    item = Item()
    item.answer = '["persona"]'
    with _served(item, tmp_path) as api:
        with pytest.raises(Inconclusive), borrowed(api, ITEM, CONTRACT, []):
            pass
        assert item.written == []


def test_answer_that_is_nested_deep_is_no_state() -> None:
    """No depth of an answer ends the run in an error of the parser."""
    with pytest.raises(ValueError, match="nested too deep"):
        state_in(b"[" * 100_000, ITEM, PERSONAS)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"persona_prompt": '"\\u0000 \\ud83d\\ude00 e\\u0301 \\u202e\\r\\n"', "name": '" Ann "'},
        {"persona_prompt": "null", "background_sound": None, "wait_seconds": None, "hold_music_timeout_seconds": "null"},
        {"wait_seconds": "1", "hold_music_timeout_seconds": "3e2"},
        {"wait_seconds": "0.10", "tags": "0.12345678901234567890123"},
    ],
)  # fmt: skip
def test_item_is_restored_to_the_last_value(tmp_path: Path, fields: dict[str, str | None]) -> None:
    """After a loan each field holds what it held, compared as JSON, with nothing left in the journal."""
    item = Item(**fields)
    before = state_in(item.shown().encode(), ITEM, PERSONAS)
    left: list[str] = []
    with _served(item, tmp_path) as api:
        with borrowed(api, ITEM, CONTRACT, left) as saved:
            assert read(tmp_path / "0badcafe.jsonl").borrowed == Borrowed(ITEM, before) == Borrowed(ITEM, saved)
            rehearse(api, ITEM, saved, CONTRACT)
            changes = {"name": "other", "wait_seconds": 2, "persona_prompt": None, "background_sound": "bus"}
            assert api.update(ITEM, json.dumps(changes)).status == 200
        assert read(tmp_path / "0badcafe.jsonl").is_settled
    after = state_in(item.shown().encode(), ITEM, PERSONAS)
    assert left == []
    assert {name: after.get(name) for name in before} == before
    assert {name: repr(after.get(name)) for name in before} == {name: repr(value) for name, value in before.items()}


@pytest.mark.parametrize(
    "moved", [{"background_sound": '"bus"'}, {"tags": "[]"}, {"create_time": '"2026-01-01T00:00:00Z"'}]
)
def test_api_that_moves_more_than_it_is_sent_is_found_by_the_rehearsal(tmp_path: Path, moved: dict[str, str]) -> None:
    """An update with the state that is there may move nothing but the time; what else it has moved is said."""
    item = Item()
    item.moved = moved
    left: list[str] = []
    with (
        _served(item, tmp_path) as api,
        pytest.raises(Refused, match=next(iter(moved))),
        borrowed(api, ITEM, CONTRACT, left) as saved,
    ):
        rehearse(api, ITEM, saved, CONTRACT)
    assert len(left) == 1 and f"is not as it was lent: {next(iter(moved))}; its state stands in" in left[0]
    before = state_in(Item().shown().encode(), ITEM, PERSONAS)
    assert read(tmp_path / "0badcafe.jsonl").borrowed == Borrowed(ITEM, before)


def test_what_somebody_else_wrote_last_is_left_alone(tmp_path: Path) -> None:
    """A field that shows what the run has neither sent nor read is another's: it is kept and named, the rest restored."""
    item = Item()
    left: list[str] = []
    with _served(item, tmp_path) as api, borrowed(api, ITEM, CONTRACT, left):
        api.update(ITEM, '{"name": "of the run", "wait_seconds": 2, "persona_prompt": "of the run"}')
        item.fields["persona_prompt"] = '"of somebody else"'
    assert (item.fields["name"], item.fields["wait_seconds"]) == ('"Ann"', "0.5")
    assert item.fields["persona_prompt"] == '"of somebody else"'
    assert "persona_prompt, of which somebody else has changed persona_prompt since" in left[0]


def test_value_that_the_api_has_altered_is_not_taken_for_anothers(tmp_path: Path) -> None:
    """An API that stores another value than it was sent, and shows it, gets the saved one back."""
    item = Item()
    left: list[str] = []
    with _served(item, tmp_path) as api, borrowed(api, ITEM, CONTRACT, left):
        api.update(ITEM, '{"name": "  of the run  "}')
        item.fields["name"] = '"of the run"'
        api.read(ITEM)
    assert (left, item.fields["name"]) == ([], '"Ann"')


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (15, 15.0, True), (True, 1, False), (False, 0, False), (0.0, -0.0, False), (None, False, False), ("1", 1, False),
        (0.1, 0.1, True), (0.1, 0.10000000000000002, False), ([1, {"a": None}], [1.0, {"a": None}], True), ("e\u0301", "é", False),
        ({"a": 1}, {"a": 1, "b": None}, False), (InexactNumber("1e400"), "1e400", True), ([], {}, False), ("", None, False),
    ],
)  # fmt: skip
def test_values_are_compared_as_json(one: Any, other: Any, is_same: bool) -> None:
    """Type and value count; how a number is spelt does not."""
    assert is_same_value(one, other) is is_same
    assert is_same_value(other, one) is is_same


def test_journal_of_an_older_release_is_read(tmp_path: Path) -> None:
    """Its loan is known without a word of what the run has written, so all of it is restored."""
    lines = [{"run": "0badcafe", "base_url": "http://127.0.0.1:1/v1", "account": "00", "pid": 1, "began": "2026-01-01"}]
    file = tmp_path / "0badcafe.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in [*lines, {"lent": {"id": ITEM}}]) + "\n", "utf-8")
    remains = read(file)
    assert (remains.borrowed, remains.wrote) == (Borrowed(ITEM, {"id": ITEM}), None)
