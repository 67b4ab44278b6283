"""Faults of texts: of their lengths, of what is taken for a text, of great bodies, and of characters that are lost."""

import html
import json
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from .. import seams
from ..fault import CRUD, Fault, OnField, Predicate, generator
from ..scene import Scene, is_text, needed
from ..seams import Api, Refusal, maker

# The width of a column, and of a text that has no limit.
COLUMN = 255
WIDTH = 10_000
COLUMN_BYTES = 65_535
_is_text: Predicate = lambda value: isinstance(value, str)

# What is turned into text: the defect, the types that are turned, how, and values that show it.
TURNED: tuple[tuple[str, str, tuple[type, ...], Callable[[Any], str], tuple[Any, ...]], ...] = (
    ("as_number", "Turns a number into text for {}.", (int, float), str, (1.5, 12345.5, 12345678901234.5)),
    ("joins_a_list", "Joins a list to one {}.", (list,), lambda v: "\n".join(map(str, v)), (["Ask.", "Again."],)),
    ("written_from_an_object", "Turns an object into text for {}.", (dict,), json.dumps, ({"value": "x"},)),
    ("takes_booleans", "Stores true and false as {}.", (bool,), str, (True,)),
)


def _printed_anew(text: str) -> str:
    with suppress(ValueError, RecursionError):
        return json.dumps(json.loads(text), ensure_ascii=False) if text[:1] in "{[" else text
    return text


# By the name of the fault: what the API does to a text, what it is, and a text that shows it. A text that would be
# left empty stays, so that no length is broken.
STORED: dict[str, tuple[Callable[[str], str], str, str]] = {
    "text_trimmed": (str.strip, "Strips spaces at either end of a text.", "  Ask.  "),
    "right_to_left_text_trimmed": (
        lambda t: t.rstrip() if t and unicodedata.bidirectional(t[0]) in ("R", "AL") else t,
        "Strips spaces behind a text that begins with a right-to-left character.", "שלום "),
    "text_loses_its_last_newline": (lambda t: t.removesuffix("\n"), "Drops a newline at the end.", "Ask.\n"),
    "text_composed": (lambda t: unicodedata.normalize("NFC", t), "Normalises text to NFC.", "e\u0301"),
    "text_made_compatible": (lambda t: unicodedata.normalize("NFKC", t), "Normalises text to NFKC.", "ﬁ ①"),
    "nul_removed": (lambda t: t.replace("\x00", ""), "Removes NUL from text.", "a\x00b"),
    "text_ends_at_nul": (lambda t: t.partition("\x00")[0], "Cuts a text at the first NUL.", "a\x00b"),
    "control_characters_removed": (
        lambda t: "".join(c for c in t if c in "\t\r\n" or unicodedata.category(c) != "Cc"),
        "Removes control characters but tab and the ends of lines.", "a\x07b\x1bc"),
    "emoji_replaced": (
        lambda t: "".join("?" if ord(c) > 0xFFFF else c for c in t),
        "Replaces every character beyond U+FFFF by a question mark.", "smile 😀"),
    "text_escaped_for_html": (html.escape, "Escapes text for HTML before it is stored.", "Tom & <Jerry>"),
    "tags_removed": (lambda t: re.sub(r"<[a-zA-Z/][^>]*>", "", t), "Removes what looks like a tag.", "<b>Ask</b>"),
    "line_ends_unified": (lambda t: re.sub("\r\n?", "\n", t), "Turns every end of a line into a newline.", "a\r\nb\rc"),
    "spaces_collapsed": (lambda t: re.sub(r"[ \t]{2,}", " ", t), "Collapses runs of white space.", "a  b\t c"),
    "direction_marks_removed": (
        lambda t: re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", t),
        "Removes marks of the direction of writing.", "left \u200fright\u200e"),
    "mark_at_the_end_removed": (
        lambda t: t.rstrip("\u200e\u200f"), "Removes marks of the direction of writing at the end.", "left\u200f"),
    "variables_expanded": (
        lambda t: re.sub(r"\$[A-Z_]+", "", t), "Expands what looks like a variable of a shell.", "for $NAME alone"),
    "zero_width_characters_removed": (
        lambda t: re.sub("[\u200b\u200c\u200d\ufeff]", "", t), "Removes characters without width.", "a\u200bb\ufeffc"),
    "text_read_as_latin_1": (
        lambda t: t.encode("utf-8", "replace").decode("latin-1"),
        "Stores the bytes of a text and reads them back as Latin-1.", "café"),
    "percent_decoded": (unquote, "Decodes what looks percent-encoded.", "100%25 of it"),
    "backslashes_unescaped": (lambda t: t.replace("\\n", "\n").replace("\\\\", "\\"), "Unescapes line ends.", "a\\nb"),
    "apostrophe_doubled": (lambda t: t.replace("'", "''"), "Doubles apostrophes, as for SQL.", "Tom's"),
    "canonical_singletons_replaced": (
        lambda t: t.translate({0x2126: "Ω", 0x212A: "K", 0x212B: "Å"}), "Replaces Ohm, Kelvin and Angstrom.", "\u2126"),
    "jamo_composed": (
        lambda t: re.sub("[\u1100-\u11ff]+", lambda jamo: unicodedata.normalize("NFC", jamo[0]), t),
        "Composes conjoining jamo to syllables.", "\u1112\u1161\u11ab"),
    "final_sigma_lost": (lambda t: t.replace("ς", "σ"), "Folds the case of a final sigma.", "ὀδός"),
    "quotes_around_a_text_removed": (
        lambda t: t[1:-1] if len(t) > 2 and t[0] + t[-1] in ('""', "''", "``", "“”") else t,
        "Takes a text in quotation marks for a quoted one.", '"Ask."'),
    "formula_escaped": (
        lambda t: f"'{t}" if t[:1] in "=+-@" else t, "Puts an apostrophe before what a spreadsheet calculates.", "=1+1"),
    "doubled_delimiters_halved": (lambda t: re.sub(r"([\"'`%$|])\1", r"\1", t), "Makes one delimiter of two.", "100%% ''a''"),
    "addresses_linked": (
        lambda t: re.sub(r"((?:https?://|mailto:)\S+)", r"<\1>", t), "Puts addresses in brackets.", "http://example.com"),
    "emphasis_removed": (lambda t: re.sub(r"\*\*(.+?)\*\*", r"\1", t), "Removes marks of emphasis.", "a **b** c"),
    "shortcodes_replaced": (lambda t: t.replace(":smile:", "😄"), "Replaces shortcodes by emoji.", "a :smile:"),
    "dates_read_as_times": (
        lambda t: f"{t}T00:00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", t) else t, "Turns a date into a time.", "2025-01-24"),
    "templates_filled": (lambda t: re.sub(r"\{\{.*?\}\}", "", t), "Fills marks of a template.", "a {{ name }} b"),
    "literal_nul_removed": (lambda t: t.replace("\\u0000", ""), "Removes what would be an escape of NUL.", "a\\u0000b"),
    "mixed_spaces_at_the_end_removed": (
        lambda t: re.sub(r"(?<=\S)(?:[\r\n]+[ \t]+)$", "", t), "Strips spaces that follow a line end, at the end.", "Ask.\n "),
    "json_printed_anew": (_printed_anew, "Stores a text that is JSON as JSON.", '{"a":[1,2]}'),
    "host_in_small_letters": (
        lambda t: re.sub(r"(?i)^https?://[^/\s]+", lambda host: host[0].lower(), t), "Folds the case of a host.", "HTTP://Example.com/A"),
    "parent_folders_removed": (lambda t: t.replace("../", ""), "Removes steps to a parent folder.", "a/../../b"),
    "secrets_masked": (lambda t: re.sub(r"\b(\d{4}[ -]?){4}\b", "****", t), "Masks numbers of cards.", "4111 1111 1111 1111"),
}  # fmt: skip


@generator
def faults_of_texts(scene: Scene) -> Iterator[Fault]:
    """Yield the faults of each text: of an update, and of the fields that only a create has."""
    for tried in (*scene.fields.values(), *scene.of_create):
        if tried.is_free and is_text(tried):
            if "maxLength" in tried.schema:
                yield from _of_greatest_length(OnField(scene, tried, "limits", f"{tried.pointer}/maxLength", _is_text))
            least = "minLength" if tried.schema.get("minLength") else "type"
            yield from _of_least_length(OnField(scene, tried, "limits", f"{tried.pointer}/{least}", _is_text))
        for defect, summary, kinds, turn, values in TURNED if tried in scene.texts else ():
            is_turned = lambda value, kinds=kinds: type(value) in kinds  # true and false are no numbers
            on = OnField(scene, tried, "types", scene.clause(tried, "type"), is_turned)
            yield from on.read(defect, summary.format(tried.name), turn, *values)


def _of_greatest_length(on: OnField) -> Iterator[Fault]:
    name, most = on.tried.name, on.tried.schema["maxLength"]
    of, width = f"the greatest length of {name}, {most}", COLUMN if most < COLUMN else most + 50

    def counted(count: Callable[[str], int]) -> Callable[[str], bool]:
        return lambda v: len(v) > most >= count(v)

    summary = f"Accepts one character beyond {of}."
    yield from on.wider("length_one_more", summary, lambda v: len(v) == most + 1, "a" * (most + 1))
    yield from on.wider("length_unlimited", f"Ignores {of}.", lambda v: len(v) > most, "a" * (most * 2 + 1))
    summary = f"Accepts {name} up to {width} characters, the width of its column."
    yield from on.wider("length_of_a_column", summary, lambda v: most < len(v) <= width, "a" * width)
    summary, is_short = f"Trims before it compares with {of}.", counted(lambda text: len(text.strip()))
    yield from on.wider("length_after_trimming", summary, is_short, "a" * most + " ")
    yield from on.tighter("length_exclusive", f"Refuses {of}, itself.", lambda v: len(v) >= most, "a" * most)
    summary = f"Cuts what is longer than {most} characters and accepts it."
    yield from on.read("cut_to_length", summary, lambda v: v[:most], "a" * (most + 1))
    if on.scene.contract.promises_that("lengths_in_code_points"):
        summary = f"Counts a letter and its accent as one character of {name}."
        is_short = counted(lambda text: len(unicodedata.normalize("NFC", text)))
        yield from on.wider("length_counted_when_composed", summary, is_short, "e\u0301" * (most // 2 + 1))
        is_long = lambda v: len(v.encode("utf-8", "replace")) > most
        yield from on.tighter("length_in_bytes", f"Counts {of}, in bytes of UTF-8.", is_long, "é" * most)
        is_long = lambda v: len(v.encode("utf-16-le", "replace")) // 2 > most
        yield from on.tighter("length_in_utf16", f"Counts {of}, in UTF-16 units.", is_long, "😀" * most)


def _of_least_length(on: OnField) -> Iterator[Fault]:
    least = on.tried.schema.get("minLength", 0)
    if not least:
        yield from on.tighter("needs_a_character", f"Refuses an empty {on.tried.name}.", lambda v: not v, "")
        return
    summary = f"Accepts one character less than {least}."
    yield from on.wider("length_one_less", summary, lambda v: len(v) == least - 1, "a" * (least - 1))
    summary = f"Refuses a text of just {least}."
    yield from on.tighter("length_one_more_needed", summary, lambda v: len(v) == least, "a" * least)
    summary = f"Trims before it asks for at least {least}."
    yield from on.tighter("length_needed_after_trimming", summary, lambda v: len(v.strip()) < least, " " * least)


@generator
def faults_of_long_texts(scene: Scene) -> Iterator[Fault]:
    """Yield the limits that texts without a limit, and bodies with such texts, have all the same."""
    needed(scene.contract.has(*CRUD))
    for tried in scene.long_texts:
        name, on = tried.name, OnField(scene, tried, "limits", f"{tried.pointer}/type", _is_text)
        summary = f"Refuses {name} of more than 10,000 characters, a limit that nothing documents."
        yield from on.tighter("refused_beyond_10000", summary, lambda v: len(v) > WIDTH, "a" * (WIDTH + 1))
        summary = f"Cuts {name} after 255 characters, the width of its column."
        yield from on.stored("cut_after_255", summary, lambda v: v[:COLUMN], "a" * (COLUMN + 1))
        on = OnField(scene, tried, "size", scene.clause(tried, "type"), _is_text)
        summary = f"Stores the first 4,096 characters of {name}."
        yield from on.stored("cut_after_4096", summary, lambda v: v[:4096], "a" * 5_000)
        summary = f"Refuses {name} of more than 4,000 bytes."
        is_long = lambda v: len(v.encode("utf-8", "replace")) > 4000
        yield from on.tighter("of_4000_bytes_at_most", summary, is_long, "😀" * 1_001)
        summary = f"Stores the first 65,535 bytes of {name}, the width of its column."
        yield from on.stored("loses_its_end", summary, _cut_to_64_kib, "a" * 65_537)
        summary = f"Cuts {name} after 65,535 bytes where it has fewer characters."
        cut = lambda v: _cut_to_64_kib(v) if len(v) < COLUMN_BYTES else v
        yield from on.stored("cut_by_bytes", summary, cut, "日" * 21_846)
        if tried == scene.long_texts[0]:
            summary = f"Refuses a body of more than 64 KiB, though {name} has no limit."
            yield from on.planted("body_of_64_kib_at_most", summary, _longest(64 * 1024, 400), "a" * 65_537)
    for tried in [f for f in scene.texts if "maxLength" in f.schema and scene.long_texts][:1]:
        on = OnField(scene, tried, "size", f"{tried.pointer}/maxLength")
        summary = f"Fails on a body of more than 256 KiB, such as a great {tried.name}."
        yield from on.planted("great_body_answered_500", summary, _longest(256 * 1024, 500), "a" * 300_000)


def _cut_to_64_kib(text: str) -> str:
    return text if len(text) < 16_000 else text.encode()[:COLUMN_BYTES].decode("utf-8", "ignore")


@maker(seams.wrap, "bodies.read")
async def _longest(api: Api, size: int, status: int, read: Callable[..., Awaitable[bytes]], *told: Any) -> bytes:
    body = await read(*told)
    if len(body) > size:
        raise Refusal(status, "The request body is not valid.")
    return body


@generator
def faults_of_characters(scene: Scene) -> Iterator[Fault]:
    """Yield the texts that read back otherwise than they were sent."""
    needed(scene.texts and scene.contract.has(*CRUD) and scene.contract.promises_that("exact_text"))
    clause, names = scene.contract.pointer_of_promise("exact_text"), [tried.name for tried in scene.texts]
    for name, (change, summary, shown) in STORED.items():
        tried = next((f for f in scene.texts if scene.contract.accepts_value(f, shown)), scene.texts[0])
        apply = lambda api, change=change: seams.store_values_as(api, seams.of_texts(change), *names)
        yield Fault(name, "fidelity", summary, clause, apply, scene.shows({tried.name: shown}))
    on = OnField(scene, scene.texts[0], "fidelity", clause, _is_text)
    summary = f"Capitalises the first letter of {on.tried.name}."
    yield from on.stored("capitalised", summary, lambda v: v[:1].upper() + v[1:], "smith")
