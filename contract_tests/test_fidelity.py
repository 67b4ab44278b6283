"""What goes in comes out: text to the code point, numbers to the double."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.boundaries import to_json
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field, load_contract
from contract_tests.strategies import numbers, texts
from contract_tests.subject import Subject

CONTRACT = load_contract()
FIELDS = {
    name: tried
    for name, tried in CONTRACT.fields("updatePersona").items()
    if name not in (VOICE_FIELD, LANGUAGE_FIELD) and "enum" not in tried.schema
}
TEXT_FIELDS = [tried for tried in FIELDS.values() if tried.json_type == "string"]
NUMBER_FIELDS = [tried for tried in FIELDS.values() if tried.json_type == "number"]

TEXTS = {
    "spaces-around": "  two spaces around  ",
    "only-spaces": "   ",
    "inner-spaces": "two  spaces   inside",
    "tabs": "\ta\tb\t",
    "newlines": "\na\nb\n",
    "carriage-returns": "a\r\nb\rc\r\n",
    "nul": "a\x00b",
    "nul-around": "\x00a\x00",
    "controls": "".join(chr(code) for code in range(1, 32)),
    "delete-and-c1": "\x7f\x80\x85\x9f",
    "no-break-space": "\u00a0a\u00a0",
    "line-separators": "a\u2028b\u2029c",
    "byte-order-mark": "\ufeffa\ufeff",
    "zero-width": "a\u200bb\u200cc\u200dd",
    "variation-selectors": "\u2764\ufe0f \u270c\ufe0e \ufe0f",
    "invisible": "a\u00adb\u2060c\u034fd\u180ee\u3164f\u2061",
    "isolates": "\u2066a\u2067b\u2068c\u2069 \u202ad\u202c",
    "tags": "\U000e0001\U000e0061\U000e007f a\U000e0100",
    "wide-spaces": "\u3000a\u2003b\u2009c\u202fd\u205f",
    "right-to-left": "a\u202eb\u200f\u05d0\u061c",
    "composed": "é Å ﬁ",
    "decomposed": "e\u0301 A\u030a fi",
    "compatibility": "ﬁ ① ㎏ Ⅷ ｆｕｌｌ",
    "marks-in-other-order": "a\u0323\u0307 a\u0307\u0323",
    "emoji": "😀 👍🏽 👨‍👩‍👧‍👦 🇩🇪",
    "astral": "𝒳 𐍈 \U0010ffff",
    "noncharacters": "\ufffe\uffff\ufdd0",
    "replacement": "\ufffd ? \ufffd",
    "private-use": "\ue000\uf8ff",
    "cases": "MiXeD CaSe ß ẞ İ ı ŉ ſ",
    "cjk": "日本語 中文 한국어",
    "quotes": "\"double\" 'single' `back` “curly”",
    "backslashes": "a\\b \\n \\u0041 \\\\",
    "html": "<b>&amp; &lt;i&gt;</b><script>x</script>",
    "percent": "100%25 %00 %s %d {0} ${x} #{y} {{z}}",
    "sql": "'; DROP TABLE personas; --",
    "json-in-text": '{"name": null}',
    "slashes": "a/b // \\/ </x>",
    "plus": "a+b c%20d",
    "looks-like-null": "null",
    "looks-like-true": "true",
    "looks-like-number": "007",
    "looks-like-exponent": "1e5",
    "looks-like-time": "2025-01-24T10:00:00Z",
    "undefined": "undefined",
    "one-letter": "a",
    "email": "Zoë.O'Neil+test@example.com",
}
NUMBERS = (
    0.8, 0.1, 0.3, 0.7, 1.1, 1.3, 1.7, 0.55, 0.123456, 1.23456789, 0.30000000000000004, 1 / 3, 2 / 3, 1.9999999,
    0.1 + 0.2, 1, 2, 5, 5.5, 7.25, 15, 59.99, 99.9, 100, 123.456, 299.9, 299.999999, 33.333333333333336, 60, 120, 250,
    16.1, 0.15, 0.95, 1.005, 64.3,
)  # fmt: skip


def _cases(tried: list[Field], values: dict[str, Any]) -> list[Any]:
    """Pair each field with each value that the contract allows in it."""
    return [
        pytest.param(each, value, id=f"{each.name}-{name}")
        for each in tried
        for name, value in values.items()
        if CONTRACT.accepts_value(each, value)
    ]


def _round_trip(subject: Subject, tried: Field, value: object, token: str | None = None) -> None:
    subject.tally[tried.name, "accepted"] += 1
    subject.tally[tried.name, "fidelity"] += 1
    subject.make_visible({tried.name: value})
    subject.accepts({tried.name: value}, token=token)


@pytest.mark.parametrize(("tried", "text"), _cases(TEXT_FIELDS, TEXTS))
def test_text_reads_back_unchanged(shared_subject: Subject, tried: Field, text: str) -> None:
    """Decision: every character is an ordinary one; text reads back unchanged, without normalisation."""
    _round_trip(shared_subject, tried, text)


@pytest.mark.parametrize("tried", TEXT_FIELDS, ids=lambda tried: tried.name)
def test_escaped_text_is_the_same_text(shared_subject: Subject, tried: Field) -> None:
    """RFC 8259, section 7: a character may be escaped, one beyond U+FFFF as a pair of surrogates."""
    text = "é 😀 / \u2028 \x00 A"
    token = json.dumps({tried.name: text}).replace("/", "\\/").replace(" A", " \\u0041")
    _round_trip(shared_subject, tried, text, token)


@pytest.mark.parametrize(("tried", "number"), _cases(NUMBER_FIELDS, {repr(n): n for n in dict.fromkeys(NUMBERS)}))
def test_number_reads_back_unchanged(shared_subject: Subject, tried: Field, number: float) -> None:
    """Decision: a number reads back as the same double, or as the nearest single printed in its shortest form."""
    _round_trip(shared_subject, tried, number)


@pytest.mark.parametrize("tried", TEXT_FIELDS, ids=lambda tried: tried.name)
def test_any_text_reads_back_unchanged(shared_subject: Subject, tried: Field) -> None:
    """Decision: strings read back unchanged, whatever characters they hold."""

    @given(texts(tried.schema))
    def reads_back(text: str) -> None:
        _round_trip(shared_subject, tried, text)

    reads_back()


@pytest.mark.parametrize("tried", NUMBER_FIELDS, ids=lambda tried: tried.name)
def test_any_number_reads_back_unchanged(shared_subject: Subject, tried: Field) -> None:
    """#/components/schemas: every number between the limits is valid and is stored as it is."""

    @given(numbers(tried.schema))
    def reads_back(number: float) -> None:
        _round_trip(shared_subject, tried, number)

    reads_back()


@given(data=st.data())
def test_texts_of_two_fields_do_not_mix(shared_subject: Subject, data: st.DataObject) -> None:
    """updatePersona: each field stores its own text."""
    body = {tried.name: data.draw(texts(tried.schema), tried.name) for tried in TEXT_FIELDS}
    shared_subject.accepts(body, token=to_json(body))
