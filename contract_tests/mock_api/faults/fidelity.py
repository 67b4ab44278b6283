"""Faults of text and numbers that do not read back as they were sent."""

from __future__ import annotations

import html
import re
import struct
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote

from ..app import Api
from . import seams
from .fault import Apply, fault
from .witness import get, patch

TEXT = "#/x-decisions/text"
NUMBERS = "#/x-decisions/numbers"


def _text(api: Api, change: Callable[[str], str]) -> None:
    """Change the texts that are free."""
    seams.store_text_as(api, change, "name", "persona_prompt")


def _shown(text: str) -> Callable[[Apply], Apply]:
    """Register a fault that a prompt of this text shows."""
    return fault("fidelity", TEXT, patch({"persona_prompt": text}), get())


@_shown("  Ask.  ")
def text_trimmed(api: Api) -> None:
    """Strips spaces at either end of a text; a text of spaces alone stays."""
    _text(api, lambda text: text.strip() or text)


@_shown("Ask.\n")
def text_loses_its_last_newline(api: Api) -> None:
    """Drops the newline at the end of a text."""
    _text(api, lambda text: text.removesuffix("\n") or text)


@_shown("e\u0301")
def text_composed(api: Api) -> None:
    """Normalises text to NFC."""
    _text(api, lambda text: unicodedata.normalize("NFC", text))


@_shown("ﬁ ①")
def text_made_compatible(api: Api) -> None:
    """Normalises text to NFKC, so that a ligature becomes two letters."""
    _text(api, lambda text: unicodedata.normalize("NFKC", text))


@_shown("a\x00b")
def nul_removed(api: Api) -> None:
    """Removes NUL from text."""
    _text(api, lambda text: text.replace("\x00", "") or text)


@_shown("a\x00b")
def text_ends_at_nul(api: Api) -> None:
    """Cuts a text at the first NUL."""
    _text(api, lambda text: text.partition("\x00")[0] or text)


@_shown("a\x07b\x1bc")
def control_characters_removed(api: Api) -> None:
    """Removes control characters but tab and the ends of lines."""
    _text(api, lambda text: "".join(c for c in text if c in "\t\r\n" or unicodedata.category(c) != "Cc") or text)


@_shown("smile 😀")
def emoji_replaced(api: Api) -> None:
    """Replaces every character beyond U+FFFF by a question mark."""
    _text(api, lambda text: "".join("?" if ord(c) > 0xFFFF else c for c in text))


@_shown("Tom & <Jerry>")
def text_escaped_for_html(api: Api) -> None:
    """Escapes text for HTML before it is stored."""
    _text(api, html.escape)


@_shown("<b>Ask</b> twice")
def tags_removed(api: Api) -> None:
    """Removes what looks like an HTML tag."""
    _text(api, lambda text: re.sub(r"<[a-zA-Z/][^>]*>", "", text) or text)


@_shown("a\r\nb\rc")
def line_ends_unified(api: Api) -> None:
    """Turns every end of a line into a newline."""
    _text(api, lambda text: text.replace("\r\n", "\n").replace("\r", "\n"))


@_shown("a  b\t c")
def spaces_collapsed(api: Api) -> None:
    """Collapses runs of white space to one space."""
    _text(api, lambda text: re.sub(r"[ \t]{2,}", " ", text))


@_shown("left \u200fright\u200e")
def direction_marks_removed(api: Api) -> None:
    """Removes marks of the direction of writing."""
    _text(api, lambda text: re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", text) or text)


@_shown("a\u200bb\ufeffc")
def zero_width_characters_removed(api: Api) -> None:
    """Removes characters without width."""
    _text(api, lambda text: re.sub("[\u200b\u200c\u200d\ufeff]", "", text) or text)


@_shown("café")
def text_read_as_latin_1(api: Api) -> None:
    """Stores the bytes of a text and reads them back as Latin-1."""
    _text(api, lambda text: text.encode("utf-8", "replace").decode("latin-1"))


@_shown("100%25 of it")
def percent_decoded(api: Api) -> None:
    """Decodes what looks percent-encoded."""
    _text(api, lambda text: unquote(text) or text)


@_shown("a\\nb")
def backslashes_unescaped(api: Api) -> None:
    """Reads a backslash and an n as a newline."""
    _text(api, lambda text: text.replace("\\n", "\n").replace("\\\\", "\\"))


@_shown("Tom's")
def apostrophe_doubled(api: Api) -> None:
    """Doubles apostrophes, as for SQL."""
    _text(api, lambda text: text.replace("'", "''"))


@fault("fidelity", TEXT, patch({"name": "smith"}), get())
def name_capitalised(api: Api) -> None:
    """Capitalises the first letter of a name."""
    seams.store_text_as(api, lambda text: text[:1].upper() + text[1:], "name")


@fault("fidelity", NUMBERS, patch({"wait_seconds": 0.8}), get())
def numbers_in_single_precision_printed_long(api: Api) -> None:
    """Stores single precision and prints it as a double: 0.8 reads back as 0.800000011920929."""
    single = struct.Struct("f")
    seams.store_number_as(api, lambda v: single.unpack(single.pack(v))[0], "wait_seconds", "hold_music_timeout_seconds")


@fault("fidelity", NUMBERS, patch({"wait_seconds": 0.123}), get())
def numbers_rounded_to_hundredths(api: Api) -> None:
    """Rounds numbers to two decimals, as a column of type NUMERIC(5, 2) does."""
    seams.store_number_as(api, lambda v: round(v, 2), "wait_seconds", "hold_music_timeout_seconds")


@fault("fidelity", NUMBERS, patch({"wait_seconds": 0.1239}), get())
def numbers_cut_to_milliseconds(api: Api) -> None:
    """Stores whole milliseconds and drops the rest."""
    seams.store_number_as(api, lambda v: int(v * 1000) / 1000, "wait_seconds", "hold_music_timeout_seconds")


@fault("fidelity", NUMBERS, patch({"wait_seconds": 0.8}), get())
def numbers_in_half_precision(api: Api) -> None:
    """Stores numbers in half precision."""
    half = struct.Struct("e")
    seams.store_number_as(api, lambda v: half.unpack(half.pack(v))[0], "wait_seconds", "hold_music_timeout_seconds")


@fault(
    "fidelity", "#/components/schemas/HoldMusicTimeoutSeconds/type", patch({"hold_music_timeout_seconds": 15.5}), get()
)
def hold_music_timeout_loses_its_fraction(api: Api) -> None:
    """Stores hold_music_timeout_seconds as an integer."""
    seams.store_number_as(api, int, "hold_music_timeout_seconds")
