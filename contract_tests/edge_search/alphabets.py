"""Texts of one kind, one of each length, and the units in which a length can be counted."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from contract_tests.boundaries import ALPHABETS, COMBINED
from contract_tests.edge_search.alterations import Altered
from contract_tests.edge_search.line import Edge, Line
from contract_tests.edge_search.probes import Outcome
from contract_tests.edge_search.spaces import Side

ASCII = "ascii"

COMBINING = "combining"

SPACED = "spaced"

# Each way to count a text, the right one first.
UNITS: dict[str, Callable[[str], int]] = {
    "code_points": len,
    "utf16": lambda text: len(text.encode("utf-16-le")) // 2,
    "bytes": lambda text: len(text.encode("utf-8")),
    "composed": lambda text: len(unicodedata.normalize("NFC", text)),
    "trimmed": lambda text: len(text.strip()),
}

WORDS = {
    "code_points": "code points",
    "utf16": "UTF-16 units",
    "bytes": "bytes",
    "composed": "composed characters",
    "trimmed": "characters without the spaces at either end",
}


@dataclass(frozen=True)
class Alphabet:
    """Texts of one kind, one of each length."""

    name: str
    prefix: str
    """What every text begins with that is long enough: where personas come from must be seen by their names."""

    def text(self, length: int) -> str:
        """Return the text of so many code points."""
        rest = max(length - len(self.prefix), 0)
        start = self.prefix[:length]
        if self.name == COMBINING:
            return start + (COMBINED * rest)[:rest]
        if self.name == SPACED:
            return start + ("a" * (rest - 1) + " " if rest else "")
        return start + ALPHABETS[self.name] * rest


NAMES = (*ALPHABETS, COMBINING, SPACED)


@dataclass(frozen=True)
class Found:
    """The search of one alphabet."""

    alphabet: Alphabet
    line: Line
    edge: Edge

    @property
    def last(self) -> int | None:
        """The outermost length that is accepted and kept."""
        return None if self.edge.last_kept is None else self.length(self.edge.last_kept)

    @property
    def beyond(self) -> int | None:
        """The first length that is refused, or altered where those begin earlier."""
        flip = self.edge.altered_from or self.edge.limit
        return None if flip is None else self.length(flip.outer)

    def length(self, ordinal: int) -> int:
        """Return the length that an ordinal stands for."""
        return int(self.line.space.value(ordinal))

    def cases(self) -> list[Altered]:
        """List the altered texts."""
        sent = [
            (self.alphabet.text(self.length(each)), self.line.answers[each]) for each in self.line.of(Outcome.ALTERED)
        ]
        return [Altered(text, answer.reads) for text, answer in sent]


def count(found: list[Found], side: Side) -> tuple[str, int | None, int | None]:
    """
    Find the unit in which all alphabets flip at one length.

    Returns:
        The unit, the outermost accepted and the innermost refused length in it; code points where no unit fits.
    """
    flipping = [each for each in found if each.last is not None and each.beyond is not None]
    for unit, size in UNITS.items():
        last = [size(each.alphabet.text(each.last)) for each in flipping if each.last is not None]
        beyond = [size(each.alphabet.text(each.beyond)) for each in flipping if each.beyond is not None]
        if len(flipping) == len(found) and side * max(last, key=side.__mul__) < side * min(beyond, key=side.__mul__):
            return unit, max(last, key=side.__mul__), min(beyond, key=side.__mul__)
    kept = [found[0].length(each) for each in found[0].line.of(Outcome.ACCEPTED)]
    last_ascii = found[0].last if found[0].last is not None else max(kept, key=side.__mul__, default=None)
    return "code_points", last_ascii, found[0].beyond
