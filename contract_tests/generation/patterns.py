"""The texts that a pattern or a format allows, near misses of them, and their lengths at the limits."""

import re
from collections.abc import Iterator
from itertools import islice

import jsonschema_rs

from contract_tests.generation.candidate import Candidate, sizes_around
from contract_tests.generation.instances import good_values
from contract_tests.generation.library import library_values
from contract_tests.generation.places import View
from contract_tests.generation.texts import FORMATS, LENGTHS, LONGEST, format_candidates, length_candidates
from contract_tests.spec.document import TEXT_FORMATS

# A longer text that matches a pattern takes the library too long to find.
LONGEST_FOUND = 2_000

# Like characters, of which a pattern may allow so many; so many of such runs are looked at, and so many characters put in.
RUNS = re.compile("[A-Z]+|[a-z]+|[0-9]+|.", re.DOTALL)
MOST_RUNS, MOST_REPEATED = 6, 256
# The printable characters of ASCII.
PRINTABLE = range(0x20, 0x7F)

# Engines differ lawfully on whether these stand for ASCII alone.
DEPENDS_ON_ENGINE = re.compile(r"\\[dDwWbB]")


def string_candidates(view: View) -> Iterator[Candidate]:
    """Yield texts at the length limits; with a pattern or a format only texts that it allows, and near misses of it."""
    name = view.schema.get("format", "")
    if name in FORMATS:
        yield from format_candidates(view)
    if "pattern" in view.schema:
        yield from (each for each in pattern_candidates(view) if name not in FORMATS or _is_certain(view, each.value))
    if "pattern" in view.schema or name in FORMATS:
        yield from _other_lengths(view)
    elif name in ("", *TEXT_FORMATS):
        yield from length_candidates(view.schema)


def _is_certain(view: View, text: str) -> bool:
    """Whether a text of a format is a known one, or wrong whatever the format says: libraries differ on what is made of one."""
    limits = {key: limit for key, limit in view.schema.items() if key in ("pattern", *LENGTHS)}
    return text in _goods(view) or not jsonschema_rs.validator_for(limits).is_valid(text)


def pattern_candidates(view: View) -> Iterator[Candidate]:
    """Yield valid texts, and what differs from one by a character."""
    goods = _goods(view)
    for index, text in enumerate(goods):
        yield Candidate("pattern", f"matching-{index}", text, "pattern")
    if not goods:
        return
    text = max(goods, key=len)
    half = len(text) // 2
    for reason, miss in {
        "letter-after": f"{text}a", "letter-before": f"a{text}", "digit-after": f"{text}0", "digit-before": f"0{text}",
        "space-after": f"{text} ", "space-before": f" {text}", "newline-after": f"{text}\n", "dash-after": f"{text}-",
        "newline-and-more": f"{text}\n{text}", "first-removed": text[1:], "last-removed": text[:-1],
        "first-replaced": f"!{text[1:]}", "last-replaced": f"{text[:-1]}!", "middle-replaced": f"{text[:half]}!{text[half + 1:]}",
        "accented": f"{text[:-1]}é", "upper": text.upper(), "lower": text.lower(), "twice": text * 2, "empty": "",
    }.items():  # fmt: skip
        if miss != text:
            yield Candidate("pattern", f"pattern-{reason}", miss, "pattern")
    yield from _at_the_edges(view, text)
    if not DEPENDS_ON_ENGINE.search(view.schema["pattern"]):
        wide = re.sub("[a-zA-Z]", lambda letter: chr(ord(letter[0]) + 0xFEE0), text, count=1)
        for reason, miss in (("arabic-digit", re.sub("[0-9]", "\u0663", text, count=1)), ("wide-letter", wide)):
            if miss != text:
                yield Candidate("pattern", f"pattern-{reason}", miss, "pattern", is_wrong_or_doubtful=True)


def _goods(view: View) -> list[str]:
    return [text for text in good_values(view.place) if isinstance(text, str)][:2]


def _at_the_edges(view: View, text: str) -> Iterator[Candidate]:
    """Yield what each run of like characters may just be and just not: how long, how short, and which character ends it."""
    for number, run in enumerate(islice(RUNS.finditer(text), MOST_RUNS)):
        before, last, after = text[: run.end() - 1], run[0][-1], text[run.end() :]
        ways: dict[str, Iterator[str]] = {
            "longer": (f"{before}{last}{last * more}{after}" for more in range(1, MOST_REPEATED)),
            "shorter": (f"{text[: run.end() - less]}{after}" for less in range(1, len(run[0]) + 1)),
        }
        if last.isascii() and last.isalnum():
            later, earlier = range(ord(last) + 1, PRINTABLE.stop), range(ord(last) - 1, PRINTABLE.start - 1, -1)
            ways["later"] = (f"{before}{chr(code)}{after}" for code in later)
            ways["earlier"] = (f"{before}{chr(code)}{after}" for code in earlier)
        for how, others in ways.items():
            yield from _up_to_the_first_wrong(view, text, others, f"{number}-{how}")


def _up_to_the_first_wrong(view: View, text: str, others: Iterator[str], reason: str) -> Iterator[Candidate]:
    """Yield the first of some texts that is wrong, and the one before it, if that is another than *text*."""
    allowed = text
    for other in others:
        if not view.place.is_valid(other):
            yield Candidate("pattern", f"pattern-{reason}", other, _too_long_or_short(view, other))
            break
        allowed = other
    if allowed != text:
        yield Candidate("pattern", f"matching-{reason}", allowed, "pattern")


def _too_long_or_short(view: View, text: str) -> str:
    """Return the keyword that a text breaks: its pattern, if its length does not."""
    if len(text) > view.schema.get("maxLength", len(text)):
        return "maxLength"
    return "minLength" if len(text) < view.schema.get("minLength", 0) else "pattern"


def _other_lengths(view: View) -> Iterator[Candidate]:
    """Yield texts at the length limits that break nothing else; a limit that nothing else lets one reach has none."""
    schema = view.schema
    known = FORMATS.get(schema.get("format", ""))
    most = LONGEST if known is None else known.most
    for keyword in LENGTHS:
        limit = schema.get(keyword)
        if limit is None or limit > LONGEST:
            continue
        step = 1 if known is None else known.step
        sizes = sorted({each for size in sizes_around(limit) for each in (size - size % step, size + -size % step)})
        # Within the limit, a text may be too long for its format all the same.
        for size in (size for size in sizes if not most < size <= limit):
            found = _matching(view, size) if "pattern" in schema else FORMATS[schema["format"]].of_length(size)
            for text in found:
                yield Candidate("length", f"{size}-long", text, keyword)


def _matching(view: View, size: int) -> list[str]:
    """Return a text of a length that matches the pattern, if one is found: a known one with a run longer or shorter, or a new one."""
    pattern, known = view.schema["pattern"], FORMATS.get(view.schema.get("format", ""))
    is_matching = jsonschema_rs.validator_for({"pattern": pattern}).is_valid
    if known is not None:
        # The last word of a path may be as long as it likes.
        longer = (text.ljust(size, "a") for text in _goods(view) if text.count("/") > 2)
        return [text for text in (*known.of_length(size), *longer) if len(text) == size and is_matching(text)][:1]
    for text in _goods(view):
        for run in islice(RUNS.finditer(text), MOST_RUNS):
            length = max(0, len(run[0]) + size - len(text))
            other = f"{text[: run.start()]}{run[0][:length].ljust(length, run[0][-1])}{text[run.end() :]}"
            if len(other) == size and is_matching(other):
                return [other]
    wanted = {"type": "string", "pattern": pattern, "minLength": size, "maxLength": size}
    return library_values(view.place.document, wanted, 1) if size <= LONGEST_FOUND else []
