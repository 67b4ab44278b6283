"""The key of a live account: wherever the API echoes it, nothing that a run prints or writes shows it."""

from __future__ import annotations

import base64
import io
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from contract_tests.self_tests.live_command import Command, require_untouched, verdict_of
from contract_tests.self_tests.transport.weather_server import Event, Seen, WeatherServer, weather_server
from contract_tests.spec.contract import ROOT
from contract_tests.transport.cleared_output import ClearedStream, clear_files
from contract_tests.transport.redaction import Redactor

KEY = 'Sec+ret/"4711=Key-abcdefghijkl'
NOT_OURS = {".venv", ".git", "generated_client"}
# Each in another place; the run stops at none of them.
SOME_TESTS = (
    "contract_tests/promises/test_update_rules.py",
    "contract_tests/promises/test_fidelity.py",
    "-k",
    "null or any_number",
)


def _forms(key: str) -> list[str]:
    encoded = [base64.b64encode(bytes(before) + key.encode()).decode()[4:-4] for before in range(3)]
    return [key, key[:8], quote(key, safe=""), base64.b64encode(key.encode()).decode(), *encoded]


def _files_with(forms: list[str], *folders: Path) -> list[str]:
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not NOT_OURS & set(path.relative_to(folder).parts):
                data = path.read_bytes()
                found += [f"{path}: {form}" for form in forms if form.encode() in data]
    return found


@pytest.fixture
def echoing(monkeypatch: pytest.MonkeyPatch) -> Iterator[WeatherServer]:
    """An API with a key that occurs nowhere else."""
    monkeypatch.setenv("MOCK_API_KEY", f"Echo/{secrets.token_urlsafe(18)}+")
    with weather_server() as server:
        yield server


def test_echoed_key_is_found_nowhere(echoing: WeatherServer, tmp_path: Path) -> None:
    """The API echoes the key in bodies, headers, errors and redirects: no report, database or output shows it."""
    key = echoing.mock.api_key
    shown = f"{key} {base64.b64encode(key.encode()).decode()} {quote(key, safe='')} {key[:8]}"

    with weather_server() as elsewhere:
        events = (
            Event(headers={"x-echo": shown}, is_weather=False),
            Event(400, body=f'{{"error": {{"code": "INVALID_ARGUMENT", "message": "{shown}"}}}}'),
            Event(200, body=f"<html>{shown}</html>"),
            Event(302, headers={"location": f"{elsewhere.url}/personas?key={quote(key, safe='')}"}),
            Event(500, body=shown),
        )

        def echo(seen: Seen) -> Event | None:
            return None if seen.number < 5 or seen.number % 3 else events[seen.number // 3 % len(events)]

        echoing.sky = echo
        command = Command(echoing, tmp_path / "journal")
        code, output = command.run(
            *SOME_TESTS, "--showlocals", "--tb=long", "--hypothesis-profile=thorough", MAX_REQUESTS="600"
        )
        assert elsewhere.seen == []
    assert (code, "the answer carries the caller's key" in output) == (1, True), output
    assert [form for form in _forms(key) if form in output] == []
    assert _files_with(_forms(key), ROOT, tmp_path) == []


@pytest.mark.parametrize("form", [KEY, KEY[:8], KEY[:-1], quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode()])
def test_each_form_of_the_key_is_replaced(form: str) -> None:
    """The key, its leading part, its base64 and its URL-encoded form are replaced in any text, as often as they come."""
    assert Redactor([KEY]).text(f"{form}{form} after {form}") == "$API_KEY$API_KEY after $API_KEY"


@pytest.mark.parametrize("before", [b"", b":", b"me:", b"someone:"])
@pytest.mark.parametrize("after", [b"", b":", b":password"])
def test_key_among_others_in_base64_is_replaced(before: bytes, after: bytes) -> None:
    """Wherever in a text the key begins, nothing of it can be read from the text's base64."""
    cleared = Redactor([KEY]).text(base64.b64encode(before + KEY.encode() + after).decode())
    assert "$API_KEY" in cleared
    assert [form for form in _forms(KEY) if form in cleared] == []


def test_text_without_the_key_is_left_alone() -> None:
    """Whatever holds no secret is the very same text, and an answer's words are not taken for a part of the key."""
    text = "a text of no interest, Sec+ret"
    assert Redactor([KEY]).text(text) is text
    ordinary = '{"personas": []}'
    assert Redactor(["personas-abcdefghijkl"], shortest_share=0.5).text(ordinary) is ordinary


def test_stream_and_files_are_cleared(tmp_path: Path) -> None:
    """What is printed, and what another tool has written, is cleared of the key."""
    behind = io.StringIO()
    print(f"key {KEY}", file=ClearedStream(behind, Redactor([KEY])))
    assert behind.getvalue() == "key $API_KEY\n"
    (tmp_path / "report.bin").write_bytes(b"\xff" + KEY.encode())
    assert clear_files([tmp_path, tmp_path / "absent"], Redactor([KEY]), since=0) == [tmp_path / "report.bin"]
    assert (tmp_path / "report.bin").read_bytes() == b"\xff$API_KEY"


def test_journal_holds_no_key(command: Command) -> None:
    """The journal of a killed run tells accounts apart without the key, and only its owner may read it."""
    with command.start("contract_tests/promises/listing/test_pages.py") as process:
        while not command.server.made:
            assert process.poll() is None, verdict_of(process.communicate()[0])
        process.kill()
    journal = next(command.journal.glob("*.jsonl"))
    assert _files_with(_forms(command.server.mock.api_key), command.journal) == []
    assert journal.stat().st_mode & 0o077 == 0
    command.run("contract_tests/promises/test_deletion.py", "-k", "unknown")
    require_untouched(command, "the journal was followed")
