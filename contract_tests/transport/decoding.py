"""A text, and what it says once its escapes are undone, each character with the place that it came from."""

import binascii
import html
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

# How often escapes are undone: JSON in JSON in a URL takes three.
MOST_LAYERS = 4

ESCAPE = re.compile(
    r"\\(?:u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-3]?[0-7]{1,2}|[^\n])"
    r"|%[0-9a-fA-F]{2}"
    r"|&(?:#[xX][0-9a-fA-F]{1,20}|#[0-9]{1,20}|[A-Za-z][A-Za-z0-9]{1,31});?"
)
ESCAPE_BEGINS = (b"\\", b"%", b"&")
CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}

# What leaves no mark between two characters: white space, controls, formats, variation selectors, and the tag that only
# lets a line break.
_UNMARKED = (
    r"\s\x00-\x20\x7f-\xa0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f"
    r"\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e01ef"
)
UNMARKED = re.compile(rf"(?:<wbr/?>|[{_UNMARKED}])+")
BETWEEN_DIGITS = re.compile(rf"(?:0[xX](?=[0-9a-fA-F])|[{_UNMARKED}:,;.=|_-])+")

BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{10,}")
HEX_RUN = re.compile(r"[0-9a-fA-F]{16,}")
TO_STANDARD = str.maketrans("-_", "+/")


@dataclass(frozen=True)
class View:
    """A text in another spelling."""

    text: str
    starts: Sequence[int]
    """Where each character begins in the text as it stands."""
    ends: Sequence[int]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the place of a part in the text as it stands."""
        return self.starts[start], self.ends[end - 1]

    def replaced(self, pattern: re.Pattern[str], reading: Callable[[str], str] = lambda _match: "") -> "View":
        """Return the view with each match read otherwise, or left out; the very same where none is."""
        texts: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        done = 0
        for match in pattern.finditer(self.text):
            said = reading(match.group())
            if said == match.group():
                continue
            begin, end = match.span()
            texts += [self.text[done:begin], said]
            starts += [*self.starts[done:begin], *[self.starts[begin]] * len(said)]
            ends += [*self.ends[done:begin], *[self.ends[end - 1]] * len(said)]
            done = end
        if not texts:
            return self
        return View("".join([*texts, self.text[done:]]), [*starts, *self.starts[done:]], [*ends, *self.ends[done:]])

    def folded(self) -> "View":
        """Return the view in lower case, without what leaves no mark."""
        bare = self.replaced(UNMARKED)
        return View(lowered(bare.text), bare.starts, bare.ends)


def layers(text: str) -> Iterator[View]:
    """Yield a text as it stands, then with its escapes undone, again and again until there are none."""
    view = View(text, range(len(text)), range(1, len(text) + 1))
    yield view
    for _ in range(MOST_LAYERS):
        deeper = view.replaced(ESCAPE, unescaped)
        if deeper is view:
            return
        view = deeper
        yield view


def folded(text: str) -> str:
    """Return a text in lower case, without what leaves no mark."""
    return lowered(UNMARKED.sub("", text))


def lowered(text: str) -> str:
    """Return a text in lower case, of the same length."""
    return text.replace("\u0130", "i").lower()  # the only letter that becomes two


def without_escapes(text: str) -> str:
    """Undo the outermost escapes of a text."""
    return ESCAPE.sub(lambda match: unescaped(match.group()), text)


def unescaped(escape: str) -> str:
    """Return what one escape stands for; the escape itself where it stands for nothing."""
    if escape[0] == "%":
        code = int(escape[1:], 16)
        return chr(code) if code < 0x80 else escape
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[1] in "uUx" and len(escape) > 2:
        code = int(escape[2:].strip("{}"), 16)
        return chr(code) if code <= sys.maxunicode else escape
    if escape[1] in "01234567":
        return chr(int(escape[1:], 8))
    return CONTROLS.get(escape[1], escape[1])


def digit_views(view: View, is_wanted: Callable[[str], bool]) -> Iterator[View]:
    """Yield what runs of base64 and of hexadecimal digits say in lower case, from each digit that they may begin at."""
    bare = view.replaced(UNMARKED)
    for run in BASE64_RUN.finditer(bare.text):
        digits = run.group().translate(TO_STANDARD)
        for skipped in range(4):
            part = digits[skipped:]
            said = binascii.a2b_base64(part + "A" * (-len(part) % 4))
            begins = (run.start() + skipped + at * 4 // 3 for at in range(len(said)))
            yield from _said(bare, run.end(), said, begins, is_wanted)
    bare = view.replaced(BETWEEN_DIGITS)
    for run in HEX_RUN.finditer(bare.text):
        for skipped in range(2):
            part = run.group()[skipped:]
            said = bytes.fromhex(part[: len(part) // 2 * 2])
            begins = (run.start() + skipped + 2 * at for at in range(len(said)))
            yield from _said(bare, run.end(), said, begins, is_wanted)


def _said(bare: View, end: int, said: bytes, begins: Iterable[int], is_wanted: Callable[[str], bool]) -> Iterator[View]:
    text = lowered(said.decode("latin-1"))
    if is_wanted(text):
        places = [bare.place(min(begin, end - 1), min(begin + 2, end)) for begin in begins]
        yield View(text, [start for start, _ in places], [stop for _, stop in places])
