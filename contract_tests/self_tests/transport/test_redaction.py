"""The key in every form it may come back in: eight or more of its characters are replaced, and nothing else is broken."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import string
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contract_tests.checks.findings import BROKEN, Finding
from contract_tests.checks.judge import Judge
from contract_tests.spec.contract import CONTRACT_FILE, load_contract
from contract_tests.transport.cleared_output import ClearedStream, clear_files
from contract_tests.transport.exchange import Exchange
from contract_tests.transport.redaction import OWN_KEY, Redactor

KEY = "Wz9+qL/7vB=tR2x_Nf4-Kd81"
PART = 8
# Parts of these are words that occur in every report.
WORDS = ("aaaaaaaaaaaa", "contract-test-key", "violations", "default-src", "personas-list")

Encode = Callable[[str], str]

ENCODINGS: dict[str, Encode] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "other case": str.swapcase,
    "reversed": lambda key: key[::-1],
    "JSON": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "JSON, upper": lambda key: "".join(f"\\u{ord(c):04X}" for c in key),
    "JSON, slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "JSON, every other": lambda key: "".join(f"\\u{ord(c):04x}" if i % 2 else c for i, c in enumerate(key)),
    "JSON in JSON": lambda key: json.dumps("".join(f"\\u{ord(c):04x}" for c in key))[1:-1],
    "Python": lambda key: "".join(f"\\x{ord(c):02x}" for c in key),
    "URL": lambda key: quote(key, safe=""),
    "URL, every character": lambda key: "".join(f"%{ord(c):02x}" for c in key),
    "URL, twice": lambda key: quote(quote(key, safe=""), safe=""),
    "HTML": html.escape,
    "HTML, decimal": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "HTML, hexadecimal": lambda key: "".join(f"&#x{ord(c):X};" for c in key),
    "HTML, named": lambda key: key.replace("+", "&plus;").replace("/", "&sol;").replace("=", "&equals;").replace("_", "&lowbar;"),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64, second": lambda key: base64.b64encode(b"\x00" + key.encode() + b"..").decode(),
    "base64, third": lambda key: base64.b64encode(b"\x00\x00" + key.encode() + b".").decode(),
    "base64, upper case": lambda key: base64.b64encode(key.upper().encode()).decode(),
    "base64, URL-safe": lambda key: base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
    "base64 in a URL": lambda key: quote(base64.b64encode(key.encode()).decode(), safe=""),
    "base64 in lines": lambda key: base64.encodebytes(key.encode() * 4).decode(),
    "hex": lambda key: key.encode().hex(),
    "hex, upper": lambda key: key.encode().hex().upper(),
    "hex, spaces": lambda key: key.encode().hex(" "),
    "hex, colons": lambda key: key.encode().hex(":"),
    "hex, 0x": lambda key: ", ".join(f"0x{byte:02x}" for byte in key.encode()),
    "newline": lambda key: f"{key[:6]}\n{key[6:]}",
    "escaped newline": lambda key: f"{key[:6]}\\r\\n{key[6:]}",
    "white space": "\t ".join,
    "zero width": "\u200b".join,
    "line break": lambda key: f"{key[:6]}<wbr>{key[6:]}",
}  # fmt: skip


def _decoded(text: str) -> set[str]:
    """Return what a text may say, found by other means than those on trial: whole texts decoded by the libraries."""
    readings = {text}
    for _ in range(3):
        readings |= {html.unescape(reading) for reading in readings}
        readings |= {re.sub("%([0-9a-fA-F]{2})", lambda c: chr(int(c[1], 16)), reading) for reading in readings}
        readings |= {
            re.sub(r"\\(?:u00|x)([0-9a-fA-F]{2})", lambda c: chr(int(c[1], 16)), reading) for reading in readings
        }
        readings |= {
            reading.replace("\\r", "\r")
            .replace("\\n", "\n")
            .replace("\\/", "/")
            .replace("\\\\", "\\")
            .replace('\\"', '"')
            for reading in readings
        }
    for reading in list(readings):
        for run in re.findall(r"[A-Za-z0-9+/]{10,}", reading.replace("-", "+").replace("_", "/").replace("\n", "")):
            for skipped in range(4):
                part = run[skipped:]
                readings.add(base64.b64decode(part + "A" * (-len(part) % 4)).decode("latin-1"))
        for run in re.findall(r"[0-9a-f]{16,}", re.sub(r"0x|[ :,]", "", reading.lower())):
            readings |= {bytes.fromhex(part[: len(part) // 2 * 2]).decode("latin-1") for part in (run, run[1:])}
    return readings


def _parts_in(text: str, key: str) -> list[str]:
    parts = {key[at : at + PART].lower() for at in range(len(key) - PART + 1)}
    readings = ["".join(re.sub("<wbr>|\u200b", "", reading).split()).lower() for reading in _decoded(text)]
    return [part for part in parts for reading in readings if part in reading or part[::-1] in reading]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("part", [KEY, KEY[: len(KEY) // 2], KEY[len(KEY) // 2 :], KEY[5:13]], ids=["all", "first", "second", "eight"])  # fmt: skip
def test_each_encoding_of_a_part_is_replaced(part: str, encoding: str) -> None:
    """Any eight characters, in whichever letter case and encoding, are replaced; what stands around them stays."""
    text = f"before {ENCODINGS[encoding](part)} after"
    cleared = Redactor([KEY]).text(text)
    assert _parts_in(text, KEY) != [], "the test cannot find what it hides"
    assert (_parts_in(cleared, KEY), OWN_KEY in cleared) == ([], True), cleared
    assert (cleared.startswith("before "), cleared.endswith(" after")) == (True, True), cleared


KEYS = st.text(string.ascii_letters + string.digits + "+/=_-.~!$*", min_size=12, max_size=48)
AROUND = st.text(st.characters(codec="utf-8"), max_size=30)


@given(key=KEYS, encoding=st.sampled_from(sorted(ENCODINGS)), before=AROUND, after=AROUND, data=st.data())
def test_random_keys_are_replaced(key: str, encoding: str, before: str, after: str, data: st.DataObject) -> None:
    """Whatever the key, its part, the encoding and the text around it, no eight characters in a row are left."""
    public = CONTRACT_FILE.read_text("utf-8").lower()  # what everybody may read is no secret
    assume(not any(key[at : at + PART].lower() in public for at in range(len(key) - PART + 1)))
    start = data.draw(st.integers(0, len(key) - PART))
    end = data.draw(st.integers(start + PART, len(key)))
    cleared = Redactor([key]).text(f"{before}\n{ENCODINGS[encoding](key[start:end])}\n{after}")
    assert _parts_in(cleared.replace(OWN_KEY, "\n;\n"), key) == [], cleared


@given(key=KEYS, text=st.text())
def test_text_without_the_key_is_the_very_same(key: str, text: str) -> None:
    """Nothing is copied, let alone changed, where there is nothing to replace."""
    assume(not _parts_in(text, key))
    redactor = Redactor([key])
    assert redactor.text(text) is text
    raw = text.encode()
    assert redactor.raw(raw) is raw


@given(key=st.one_of(KEYS, st.sampled_from(WORDS)), encoding=st.sampled_from(sorted(ENCODINGS)), texts=st.lists(AROUND))
def test_json_stays_json(key: str, encoding: str, texts: list[str]) -> None:
    """An answer or a report that is JSON is JSON afterwards, with as many members."""
    told = {"violations": [*texts, *(f"{text}{ENCODINGS[encoding](key)}{text}" for text in texts)], "contract": "x"}
    for ascii_only in (True, False):
        cleared = Redactor([key]).raw(json.dumps(told, ensure_ascii=ascii_only).encode())
        assert len(json.loads(cleared)) == 2


@pytest.mark.parametrize("key", WORDS)
def test_reports_of_a_common_key_stay_whole(key: str, tmp_path: Path) -> None:
    """A key that is a word of the reports is replaced in their texts, and in nothing that they are made of."""
    page = (
        f"<html><head><meta content=\"default-src 'none'\"><style>.violations-table {{}}</style></head><body>"
        f'<h2 id="violations">Violations of {key}</h2>'
        f'<b data-copy="&#34;{key}\\n{key}&#34;">{key[:6]}<wbr>{key[6:]}</b></body></html>'
    )
    xml = f'<testsuites><testcase classname="contract_tests.violations" name="{key}"><failure>{key}</failure></testcase></testsuites>'
    (tmp_path / "run.json").write_text(json.dumps({"contract": {"title": key}, "violations": [], "at": 1}))
    (tmp_path / "history.jsonl").write_text(f'{{"verdict": "{key}"}}\n{{"seed": 1}}\n')
    (tmp_path / "index.html").write_text(page)
    (tmp_path / "junit.xml").write_text(xml)
    clear_files([tmp_path], Redactor([key]), since=0)
    run = json.loads((tmp_path / "run.json").read_text())
    assert sorted(run) == ["at", "contract", "violations"]
    assert [len(json.loads(line)) for line in (tmp_path / "history.jsonl").read_text().splitlines()] == [1, 1]
    ElementTree.fromstring((tmp_path / "junit.xml").read_text())
    cleared = (tmp_path / "index.html").read_text()
    assert '<h2 id="violations">' in cleared
    assert "<style>.violations-table {}</style>" in cleared
    copied = re.search('data-copy="([^"]*)"', cleared)
    assert copied is not None
    json.loads(html.unescape(copied[1]))


@pytest.mark.parametrize("size", [1, 3, 7, 40])
def test_key_in_pieces_is_not_printed(size: int) -> None:
    """Of a key that is written piece by piece no eight characters come out in a row."""
    for encoding in ("as it is", "upper case", "hex", "base64", "newline", "JSON"):
        behind = io.StringIO()
        stream = ClearedStream(behind, Redactor([KEY]))
        text = f"a line with {ENCODINGS[encoding](KEY)} and more\n"
        for at in range(0, len(text), size):
            stream.write(text[at : at + size])
        assert _parts_in(behind.getvalue(), KEY) == [], behind.getvalue()
        assert behind.getvalue().endswith(" and more\n")


@pytest.mark.parametrize(
    ("folder", "shown"),
    [("/tmp/rehearsal/", "/tmp/rehearsal/"), ("/tmp/rehearsal-token-42/", "/tmp/$ROOMS_TOKEN/")],
)
def test_own_folder_is_shown_unless_it_tells_the_key(folder: str, shown: str) -> None:
    """A folder that the user has named keeps a word of the key; elsewhere the word is replaced by the key's variable."""
    behind = io.StringIO()
    stream = ClearedStream(behind, Redactor(["rehearsal-token-42-abcXYZ"]), "$ROOMS_TOKEN", [folder])
    stream.write(f"map: {folder}boundaries.html\nechoed: rehearsal-to /tmp/rehearsal-token-42-abcXYZ\n")
    assert behind.getvalue() == f"map: {shown}boundaries.html\nechoed: $ROOMS_TOKEN /tmp/$ROOMS_TOKEN\n"


def test_short_key_is_compared_whole() -> None:
    """A key of fewer than eight characters is replaced where it stands as a word, and no part of it is."""
    assert Redactor(["s3cret"]).text("the s3cret is s3cre or xs3cretx") == f"the {OWN_KEY} is s3cre or xs3cretx"


@pytest.mark.parametrize("encoding", ["as it is", "upper case", "hex", "JSON", "base64", "HTML, decimal", "newline"])
def test_echo_in_any_form_is_a_finding(encoding: str) -> None:
    """#/x-promises/no_leaks: an answer that carries half of the key, in any form, breaks the promise."""
    judge = Judge(load_contract(), (KEY,))
    assert judge.leaks(_answer(f'{{"note": "{ENCODINGS[encoding](KEY[:14])}"}}')) != []


@pytest.mark.parametrize("key", WORDS)
def test_common_key_accuses_nobody(key: str) -> None:
    """A key that is made of ordinary words, or of one letter, is no evidence when an answer holds such a word."""
    judge = Judge(load_contract(), (key,))
    ordinary = '{"personas": [{"name": "contract-test-0badf00d-12", "persona_prompt": "aaaaaaaaaaaaaaaaaaaaaaaa"}], "violations": 0}'
    if key != "violations":
        assert judge.leaks(_answer(ordinary)) == []
    body = ordinary.encode()
    if key != "violations":
        assert Redactor([key], shortest_share=0.5).raw(body) is body


def test_findings_hold_no_part_of_the_key() -> None:
    """What a finding says of an answer is cleared of each part of the key, though the answer is judged with it."""
    exchange = _answer(f'{{"id": "{KEY[3:12]}"}}')
    finding = Finding(BROKEN, f"id reads {KEY[3:12].upper()}", "ids stay", "#/x", exchange)
    assert _parts_in(str(finding), KEY) == []


def test_large_texts_take_no_time() -> None:
    """A megabyte that holds no secret is looked through in less than a second or two, whatever it is made of."""
    redactor = Redactor([KEY])
    for text in ("a" * 1_000_000, "\\u0041" * 160_000, "QUJD" * 250_000, "4142" * 250_000, "%41&amp;" * 100_000):
        began = time.process_time()
        assert redactor.text(text) is text
        assert time.process_time() - began < 4


def _answer(body: str) -> Exchange:
    headers = {"content-type": "application/json"}
    return Exchange("GET", "/personas", (), b"", 200, headers, body.encode(), secrets=(KEY,))
