"""Texts of one kind, one of each length, and the units in which a length can be counted."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from contract_tests.boundary_map.alterations import Altered
from contract_tests.boundary_map.axis import Side
from contract_tests.boundary_map.axis_search import Edge
from contract_tests.boundary_map.probes import Outcome
from contract_tests.generation.boundaries import ALPHABETS, COMBINED

ASCII = "ascii"
FOUR_BYTE = "four-byte"
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
    "code_points": "code points", "utf16": "UTF-16 units", "bytes": "bytes", "composed": "composed characters",
    "trimmed": "characters without the spaces at either end",
}  # fmt: skip


@dataclass(frozen=True)
class Alphabet:
    """Texts of one kind, one of each length."""

    name: str
    prefix: str
    """What every text begins with that is long enough: a run name tells which run has made the item."""

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
    edge: Edge

    @property
    def last(self) -> int | None:
        """The outermost length that is accepted, and kept if keeping ends before acceptance does."""
        return None if self.edge.flip is None else self.length(self.edge.flip.inner)

    @property
    def beyond(self) -> int | None:
        """The first length that is refused, or altered where those begin earlier."""
        return None if self.edge.flip is None else self.length(self.edge.flip.outer)

    def length(self, ordinal: int) -> int:
        """Return the length that an ordinal stands for."""
        return int(self.edge.search.axis.value(ordinal))

    def cases(self) -> list[Altered]:
        """List the altered texts."""
        return [Altered(self.alphabet.text(int(case.sent)), case.reads) for case in self.edge.search.cases()]

    def curl(self, length: int | None) -> str | None:
        """Return the shell line that sends the text of a length, where one was sent."""
        return None if length is None else self.edge.search.curl(self.edge.search.axis.ordinal(length))


def count(found: list[Found], side: Side) -> tuple[str, int | None, int | None]:
    """Find the unit in which all alphabets flip at one length, with the neighbours in it."""
    flipping = [(each.alphabet.text, each.last, each.beyond) for each in found]
    for unit, size in UNITS.items() if all(last is not None for _, last, _ in flipping) else ():
        # Seen from the inside: the greatest length that is accepted, and the least beyond it.
        last = max(side * size(text(last)) for text, last, _ in flipping if last is not None)
        beyond = min(side * size(text(beyond)) for text, _, beyond in flipping if beyond is not None)
        if last < beyond:
            return unit, side * last, side * beyond
    first = found[0]
    kept = (first.length(each) for each in first.edge.search.of(Outcome.ACCEPTED))
    return "code_points", max(kept, key=side.__mul__, default=None) if first.last is None else first.last, first.beyond
