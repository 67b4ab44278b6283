"""What an API sends reaches nobody raw: every text of its own is spelled out, wherever a run shows it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from contract_tests.boundary_map.limit_result import LimitResult, TriedType, TriedValue
from contract_tests.boundary_map.text import print_map
from contract_tests.checks.findings import BROKEN, Finding
from contract_tests.checks.judge import Judge
from contract_tests.checks.observations import Observations
from contract_tests.foreign_text import LONGEST_SHOWN, shown
from contract_tests.report.snippets import drift_snippet
from contract_tests.runner.sweep import Swept
from contract_tests.self_tests.live_command import Command, verdict_of
from contract_tests.self_tests.transport.weather_server import Event, WeatherServer, weather_server
from contract_tests.spec.contract import ROOT, Addition, load_contract
from contract_tests.transport.cleared_output import ClearedStream
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.redaction import Redactor

# A title, a cleared screen, C1, a line turned round, nothing at all, a line begun anew, separators, half a surrogate.
NASTY = "\x1b]0;title\x07\x1b[2J\x9b31m\u202egnp\u2066\u200b\u2028\u2029\r\x00\x7f\ue000\u0378\udc80[red]x[/red][link=http://x]"
# What a header, and an address, can carry of it.
NASTY_HEADER = "\x1b[31m\x9b2J\x85x"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ue000\ud800-\udfff]")
SOME_TESTS = (
    "contract_tests/promises/test_first_look.py",
    "contract_tests/promises/test_listed_values.py",
    "contract_tests/promises/test_errors.py",
)

Plant = Callable[[Any], Any]


@given(st.text(st.characters()))
def test_shown_text_holds_what_can_be_seen(text: str) -> None:
    """Whatever comes, one line comes out, in characters that every terminal shows and UTF-8 carries."""
    line = shown(text)
    assert RAW.search(line) is None
    assert (line.isprintable(), line.encode() is not None) == (True, True)
    assert len(line) <= 10 * (LONGEST_SHOWN + 40)
    assert shown(line, len(line)) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [("\x1b", r"\x1b"), ("\u202e", r"\u202e"), ("\udc80", r"\udc80"), ("a\r\nb", r"a\r\nb"), ("\ufe0f", r"\ufe0f"), ("é [b]", "é [b]")],
)  # fmt: skip
def test_characters_are_spelled_as_python_spells_them(text: str, line: str) -> None:
    """A reader recognises the escape, and what can be seen stays as it is."""
    assert shown(text) == line


def _exchange(**changes: Any) -> Exchange:
    given: dict[str, Any] = {
        "method": "PATCH", "path": "/personas/x", "request_headers": (("x-api-key", "$API_KEY"),),
        "request_body": b"", "status": 200, "headers": {"content-type": NASTY}, "body": NASTY.encode("utf-8", "surrogatepass"),
    }  # fmt: skip
    return Exchange(**{**given, **changes})


def _swept() -> str:
    return "\n".join(Swept(removed=[NASTY], restored=[NASTY], left=[NASTY]).lines())


def _drift() -> str:
    notes = Observations()
    notes.add(Addition(f"#/components/schemas/Persona/properties/{NASTY}", NASTY, NASTY, is_listed=False))
    (drift,) = notes.drifts.values()
    return "\n".join([drift.headline, *drift.examples, drift_snippet(drift)])


def _map() -> str:
    values = (TriedValue(NASTY, True, "altered", NASTY),)
    types = (TriedType("string", NASTY, True, "altered", NASTY),)
    row = LimitResult(
        "updatePersona", "name", "enum", "altered", NASTY, values=values, types=types, curl_accepted=NASTY
    )
    out = io.StringIO()
    print_map(Console(file=out, width=400), [row])
    return out.getvalue()


SHOWN: dict[str, Callable[[], str]] = {
    "finding": lambda: str(Finding(BROKEN, NASTY, "a promise", "#/x", _exchange(), NASTY, NASTY)),
    "received": lambda: _exchange().received(),
    "sent": lambda: _exchange(path=f"/personas/{NASTY}", request_body=NASTY.encode("utf-8", "surrogatepass")).sent(),
    "curl": lambda: _exchange(request_headers=(("x-odd", NASTY_HEADER),), request_body=b"\x1b\xc2\x9b").curl(),
    "schema": lambda: "\n".join(map(str, Judge(load_contract()).success("getPersona", _exchange(body=json.dumps({"persona": NASTY}).encode())))),
    "drift": _drift,
    "sweep": _swept,
    "boundary map": _map,
}  # fmt: skip


@pytest.mark.parametrize("place", SHOWN)
def test_each_place_spells_it_out(place: str) -> None:
    """Whatever is made of a text of an API for a person holds nothing that moves a terminal or hides a character."""
    text = SHOWN[place]()
    assert RAW.search(text) is None, ascii(text)
    assert text.encode()


def test_snippet_is_yaml_of_the_very_name() -> None:
    """What a person copies into the contract names the field as the API does."""
    notes = Observations()
    name = NASTY.replace("\udc80", "")
    escaped = name.replace("/", "~1")
    notes.add(Addition(f"#/components/schemas/Persona/properties/{escaped}", name, 1, is_listed=False))
    (drift,) = notes.drifts.values()
    assert list(yaml.safe_load(drift_snippet(drift))) == [name]


@pytest.mark.parametrize("value", ['"$(touch /tmp/x)"', "`id`", "\x1b[2J", "it's $API_KEY \\ !"])
def test_header_in_a_curl_line_is_quoted(value: str, tmp_path: Path) -> None:
    """A line that a person pastes hands over the header as it was sent, and runs nothing else."""
    line = _exchange(request_headers=(("x-odd", value),)).curl().replace("curl", "printf '%s|'", 1)
    assert RAW.search(line) is None
    environment = {**os.environ, "API_KEY": "the-key"}
    output = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, check=True, cwd=tmp_path).stdout
    assert f"x-odd: {value.replace('$API_KEY', 'the-key')}".encode() in output.split(b"|")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_stream_never_fails_and_never_moves_a_terminal(encoding: str) -> None:
    """As the second line of defence, a stream writes every text in some way; colours are its own."""
    behind = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print(f"\x1b[31mred\x1b[0m {NASTY} ●", file=ClearedStream(behind, Redactor([])))
    behind.flush()
    written = behind.buffer.getvalue().decode(encoding)
    assert written.startswith("\x1b[31mred\x1b[0m ")
    assert RAW.search(written.replace("\x1b[31m", "").replace("\x1b[0m", "")) is None


@contextmanager
def planting(plant: Plant, added: list[tuple[str, str]]) -> Iterator[WeatherServer]:
    """Run an API whose JSON answers are changed by *plant*."""
    with weather_server() as server:
        ask = server.ask

        def planted(
            method: str, path: str, body: bytes, headers: dict[str, str]
        ) -> tuple[int, list[tuple[str, str]], bytes]:
            status, answered, content = ask(method, path, body, headers)
            return status, [*answered, *added], json.dumps(plant(json.loads(content))).encode() if content else content

        server.ask = planted  # type: ignore[method-assign]
        yield server


def _with(value: str) -> Plant:
    """Plant a text in what an API may add, and in what it may say of an error."""

    def plant(answer: Any) -> Any:
        if "error" in answer:
            answer["error"] |= {"message": value, "details": [{"field": value, "description": value}]}
        for persona in [answer.get("persona"), *answer.get("personas", ())]:
            if isinstance(persona, dict):
                persona[f"further {value}"] = {value: [value]}
        for voice in answer.get("voices", ())[-1:]:
            voice |= {"note": value}
        return {**answer, value: value}

    return plant


def _in_each(*fields: str) -> Plant:
    """Plant the text at the end of some fields of every persona."""

    def plant(answer: Any) -> Any:
        for persona in [answer.get("persona"), *answer.get("personas", ())]:
            if isinstance(persona, dict):
                persona |= {field: f"{persona.get(field)}{NASTY}" for field in fields}
        return answer

    return plant


def _voices(answer: Any) -> Any:
    for voice in answer.get("voices", ()):
        voice["voice_name"] += NASTY
        voice["supported_languages"] = [NASTY]
    return answer


PLANTS: dict[str, Plant] = {
    "additions and errors": _with(NASTY),
    "fields": _in_each("name", "resource_name", "update_time", "persona_prompt"),
    "ids": _in_each("id"),
    "voices": _voices,
    "tokens": lambda answer: {**answer, "next_page_token": NASTY},
    "codes": lambda answer: {"error": {"code": NASTY, "message": NASTY}} if "error" in answer else answer,
    "whole": lambda _answer: NASTY,
}


@pytest.mark.parametrize("plant", PLANTS)
def test_no_report_and_no_output_is_raw(plant: str, tmp_path: Path) -> None:
    """Wherever the API puts such a text, the run ends with a verdict, and neither its output nor a report holds it raw."""
    with planting(PLANTS[plant], [("x-odd", NASTY_HEADER), ("content-language", NASTY_HEADER)]) as server:
        command = Command(server, tmp_path / "journal", is_hurried=True)
        _, output = command.run(*SOME_TESTS, "-x" if plant == "whole" else "-q", MAX_REQUESTS="100")
    assert re.search("^verdict: (holds|violated|inconclusive|refused)", verdict_of(output)), output
    _require_plain(output)


def test_weather_and_redirects_are_not_raw(tmp_path: Path) -> None:
    """What a gateway says is as foreign: Retry-After, Location, a reason."""
    for event in (
        Event(429, headers={"retry-after": NASTY_HEADER}),
        Event(302, headers={"location": f"http://127.0.0.1:9/{NASTY_HEADER}"}),
        Event(503, headers={"content-type": NASTY_HEADER}, body=NASTY.replace("\udc80", "")),
    ):
        with weather_server(lambda seen, event=event: event if seen.number < 4 else None) as server:  # type: ignore[misc]
            _, output = Command(server, tmp_path / "journal", is_hurried=True).run(SOME_TESTS[2], MAX_REQUESTS="100")
        assert re.search("^verdict: (holds|violated|inconclusive|refused)", verdict_of(output)), output
        _require_plain(output)


def _require_plain(output: str) -> None:
    assert RAW.search(output) is None, ascii(output)
    reports = ROOT / "reports"
    for path in (reports / "junit.xml", *reports.glob("*.html"), *reports.glob("*.json")):
        found = RAW.search(path.read_text("utf-8"))
        assert found is None, f"{path}: {path.read_text('utf-8')[max(found.start() - 200, 0) : found.end() + 20]!a}"
