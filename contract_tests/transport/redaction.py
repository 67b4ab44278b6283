"""Finds the key in a text: any eight or more of its characters in a row, in each form of an echo."""

import binascii
import re
from collections.abc import Iterable, Iterator
from functools import cache, cached_property

from contract_tests.transport import decoding
from contract_tests.transport.decoding import MOST_LAYERS, View, folded, lowered, without_escapes
from contract_tests.transport.structured_text import OWN_KEY, cleared

__all__ = ["OWN_KEY", "SHORTEST_SECRET", "Redactor", "make_public", "redactor_of", "replaced"]

# A shorter part of a key is likely to occur in any text, so nothing follows from finding it.
SHORTEST_SECRET = 8

# To accuse an API takes more than to hide a text: a longer part, of several characters.
SHORTEST_EVIDENCE = 10
EVIDENT_SHARE = 0.5
FEWEST_CHARACTERS = 5
# Everybody may read the contract, so a part of the key that stands there too is no secret; nor are these words.
OWN_WORDS = ("contract-test-", OWN_KEY)
_public: list[str] = []

# Each part that counts holds one of a few seeds, so that a text without any of them needs no closer look.
SEED = 6

_LOWER = bytes.maketrans(bytes(range(65, 91)), bytes(range(97, 123)))
_NO_MARK = bytes([*range(33), *range(127, 256)])
_STANDARD = bytes.maketrans(b"-_", b"+/")
_NO_BASE64 = bytes(sorted(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")))
_NO_HEX = bytes(sorted(set(range(256)) - set(b"0123456789abcdefABCDEF")))


class Redactor:
    """Replaces secrets in texts by OWN_KEY."""

    def __init__(self, secrets: Iterable[str], *, shortest_share: float = 0) -> None:
        """
        Prepare for some secrets; one shorter than SHORTEST_SECRET is looked for as a whole word. With *shortest_share*,
        the smallest part of a secret that counts, what is found is evidence: at least SHORTEST_EVIDENCE characters, not
        all alike.
        """
        self._given = given = tuple(secret for secret in secrets if secret)
        self._parts = {part for secret in given for part in _parts(secret, shortest_share)}
        self._lengths = {len(part) for part in self._parts}
        self._words = _whole_words([secret for secret in given if len(folded(secret)) < SHORTEST_SECRET])
        self._seeds = [seed.encode("utf-8") for seed in _seeds(self._parts)]
        self._is_ascii = all(part.isascii() for part in self._parts)

    @cached_property
    def evident(self) -> "Redactor":
        """What replaces only what can be nothing but the secrets."""
        return redactor_of(self._given, EVIDENT_SHARE)

    def text(self, text: str) -> str:
        """Return *text* without the secrets; the very same text where there is none."""
        places = self.places(text) if len(text) >= SHORTEST_SECRET or self._words is not None else []
        return replaced(text, places, OWN_KEY)

    def raw(self, data: bytes) -> bytes:
        """Return *data* without the secrets, JSON still being JSON; the very same bytes where there is none."""
        if self._words is None and (len(data) < SHORTEST_SECRET or not self._may_hold(data)):
            return data
        text = data.decode("utf-8", "surrogateescape")
        places = self.places(text)
        return cleared(text, places, self.text).encode("utf-8", "surrogateescape") if places else data

    def holds(self, text: str) -> bool:
        """Whether a secret stands in *text*."""
        return bool(self.places(text))

    def places(self, text: str) -> list[tuple[int, int]]:
        """Return where the secrets stand in *text*, from left to right, none inside another."""
        if self._words is None and not self._may_hold(text.encode("utf-8", "surrogatepass")):
            return []
        found: set[tuple[int, int]] = set()
        for view in decoding.layers(text):
            found.update(self._in_view(view.folded()))
            if self._words is not None:
                found.update(view.place(*match.span()) for match in self._words.finditer(view.text))
            for inner in decoding.digit_views(view, lambda said: any(part in said for part in self._parts)):
                found.update(self._in_view(inner))
        return _merged(found)

    def _in_view(self, view: View) -> Iterator[tuple[int, int]]:
        begin = end = -1
        for start in sorted({start for part in self._parts for start in _starts(view.text, part)}):
            if start >= end:
                if begin >= 0:
                    yield view.place(begin, end)
                begin = start
            longest = max(length for length in self._lengths if view.text[start : start + length] in self._parts)
            end = max(end, start + longest)
        if begin >= 0:
            yield view.place(begin, end)

    def _may_hold(self, data: bytes) -> bool:
        """Look quickly whether there is anything to look for; now and then it says so where there is nothing."""
        if not self._is_ascii:
            return True
        for _ in range(MOST_LAYERS + 1):
            reading = b"\n".join(_readings(data))
            if any(seed in reading for seed in self._seeds):
                return True
            if not any(begin in data for begin in decoding.ESCAPE_BEGINS):
                return False
            text = data.decode("utf-8", "surrogateescape")
            deeper = without_escapes(text)
            if deeper == text:
                return False
            data = deeper.encode("utf-8", "replace")
        return False


@cache
def redactor_of(secrets: tuple[str, ...], shortest_share: float = 0) -> Redactor:
    """Return what replaces some secrets, made once."""
    return Redactor(secrets, shortest_share=shortest_share)


def _spellings(secret: str) -> set[str]:
    """List what a view may show where the secret is: it may have escapes of its own, and be turned round."""
    found = {secret, secret.replace(" ", "+")}
    for _ in range(MOST_LAYERS):
        found |= {without_escapes(text) for text in found}
    found = {spelling for text in found for spelling in (folded(text), lowered(text))}
    return {spelling for text in found for spelling in (text, text[::-1]) if len(text) >= SHORTEST_SECRET}


def _parts(secret: str, shortest_share: float) -> set[str]:
    """List the parts of a secret that count; the whole of it where each part is a word that everybody may read."""
    found: set[str] = set()
    for text in _spellings(secret):
        least = max(SHORTEST_EVIDENCE, int(len(text) * shortest_share)) if shortest_share else SHORTEST_SECRET
        size = min(least, len(text))
        parts = {text[at : at + size] for at in range(len(text) - size + 1)}
        parts = {part for part in parts if part not in _public_text()}
        if shortest_share:
            parts = {part for part in parts if len(set(part)) >= FEWEST_CHARACTERS}
        found |= parts or ({text} if text not in _public_text() and not shortest_share else set())
    return found


def make_public(text: str) -> None:
    """Note a text that everybody may read, such as the contract: what stands there is no secret, though a key holds it."""
    if text not in _public:
        _public.append(text)
        _public_text.cache_clear()
        redactor_of.cache_clear()


@cache
def _public_text() -> str:
    return lowered("\n".join([*_public, *OWN_WORDS]))


def _seeds(parts: Iterable[str]) -> set[str]:
    """Choose few texts of which each part holds one, and which are in few other texts."""
    chosen: set[str] = set()
    for part in sorted(parts):
        inner = [part[at : at + SEED] for at in range(len(part) - SEED + 1)]
        if not chosen.intersection(inner):
            chosen.add(next((seed for seed in reversed(inner) if seed not in _public_text()), inner[-1]))
    return chosen


def _whole_words(secrets: list[str]) -> re.Pattern[str] | None:
    """Return what finds secrets that are too short for a part of them to be told from any text."""
    either = "|".join(map(re.escape, secrets))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])", re.IGNORECASE) if secrets else None


def _readings(data: bytes) -> Iterator[bytes]:
    """Yield what a text may say, read as it stands, as base64 and as hexadecimal digits, in one piece each."""
    if b"<wbr" in data:
        data = data.replace(b"<wbr>", b"").replace(b"<wbr/>", b"")
    yield data.translate(_LOWER, _NO_MARK)
    digits = data.translate(_STANDARD, _NO_BASE64)
    for skipped in range(4):
        part = digits[skipped:]
        yield binascii.a2b_base64(part + b"A" * (-len(part) % 4)).translate(_LOWER)
    if b"0x" in data or b"0X" in data:
        data = data.replace(b"0x", b"").replace(b"0X", b"")
    digits = data.translate(None, _NO_HEX)
    for skipped in range(2):
        part = digits[skipped:]
        yield bytes.fromhex(part[: len(part) // 2 * 2].decode("ascii")).translate(_LOWER)


def _starts(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _merged(places: set[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def replaced(text: str, places: Iterable[tuple[int, int]], stands: str) -> str:
    """Return a text with *stands* in some places of it; the very same text where there is none."""
    pieces, done = [], 0
    for start, end in places:
        pieces += [text[done:start], stands]
        done = end
    return "".join([*pieces, text[done:]]) if pieces else text
