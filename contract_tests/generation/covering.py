"""
Counts which pairs of levels the rows of a test have covered, and says which level a next row should have.

A level is one class of what varies, such as an item whose price is at its maximum. Rows that cover all pairs are a
covering array. allpairspy is not used: there a row does not depend on the row before it, while here an update begins
with what the last one left; rows cost the same there, while a list or a new item costs requests here; and a budget
must end the rows where the most pairs are covered. So rows are made one at a time, greedily, as AETG does
(Cohen et al., IEEE TSE 23:7, 1997), each from what the item holds.
"""

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import combinations

Level = tuple[str, str]
"""A factor and its level."""
Row = dict[str, str]
"""By factor: its level."""
Beside = Callable[[str], float]

AHEAD = 0.001
NOTHING = 0.3  # what covers no pair is worth less, what covers one is worth more
VALUE = "value"
"""The factor whose pairs count more: the value on trial."""


class Cover:
    """
    The pairs of levels that are possible, and those that rows have covered.

    Args:
        factors: The levels of each factor.
        fits: Whether two levels may stand in one row: factor, level, other factor, other level. Asked in both orders.
        chance: Decides between levels that add as much.
    """

    def __init__(
        self, factors: Mapping[str, Sequence[str]], fits: Callable[[str, str, str, str], bool], chance: random.Random
    ) -> None:
        self.factors, self.chance = factors, chance
        levels = [(factor, level) for factor, some in factors.items() for level in some]
        self.bits = {level: 1 << index for index, level in enumerate(levels)}
        self._fitting = dict.fromkeys(levels, 0)
        for one, two in combinations(levels, 2):
            if one[0] != two[0] and fits(*one, *two) and fits(*two, *one):
                self._fitting[one] |= self.bits[two]
                self._fitting[two] |= self.bits[one]
        self._open = dict(self._fitting)
        self._covered = dict.fromkeys(levels, 0)
        self.weight = 2  # of a pair of a value on trial, beside one of other factors
        self.values = sum(bit for (factor, _), bit in self.bits.items() if factor == VALUE)

    @property
    def possible(self) -> int:
        """How many pairs there are."""
        return sum(mask.bit_count() for mask in self._fitting.values()) // 2

    @property
    def covered(self) -> int:
        """How many pairs the rows have covered."""
        return sum(mask.bit_count() for mask in self._covered.values()) // 2

    @property
    def masks(self) -> int:
        """The covered pairs as bits, to be joined with those of another process; each pair has two."""
        size = len(self.bits)
        return sum(mask << size * index for index, mask in enumerate(self._covered.values()))

    def join(self, masks: int) -> None:
        """Take over what another process has covered."""
        size = len(self.bits)
        for index, level in enumerate(self.bits):
            self._covered[level] |= masks >> size * index & (1 << size) - 1

    def lacking(self, level: Level) -> int:
        """Return how many pairs of a level are not covered."""
        return (self._fitting[level] & ~self._covered[level]).bit_count()

    def open_pairs(self) -> Iterator[tuple[Level, Level]]:
        """Yield the pairs that were neither covered nor given up."""
        yield from ((one, two) for one in self._open for two in self.open_with(one) if one < two)

    def open_with(self, level: Level) -> list[Level]:
        """Return the levels of which the pair with another was neither covered nor given up."""
        mask = self._open[level]
        return [other for other, bit in self.bits.items() if mask & bit] if mask else []

    def fits(self, level: Level, mask: int) -> bool:
        """Whether a level may stand in a row."""
        return level in self._fitting and mask & ~self._fitting[level] == 0

    def gain(self, level: Level, mask: int) -> int:
        """Return what a level adds to a row: the pairs that no row has covered, by their weight."""
        new = self._open[level] & mask
        return new.bit_count() + (self.weight - 1) * (new & self.values).bit_count()

    def opens(self, level: Level, others: int = -1) -> int:
        """Return how many pairs of a level, with some others, were neither covered nor given up."""
        return (self._open.get(level, 0) & others).bit_count()

    def share_open(self, value: str) -> float:
        """Return which share of the pairs of a value on trial was neither covered nor given up, from 0 to 1."""
        return self.opens((VALUE, value)) / max(1, self._fitting[VALUE, value].bit_count())

    def ahead(self, value: str, level: Level) -> int:
        """Return how many pairs of a value on trial a row with this level can still cover."""
        return (self._open[VALUE, value] & self._fitting[level]).bit_count()

    def take(self, row: Row) -> int:
        """Count the pairs of a row that was sent, and return how many are new."""
        before = self.covered
        for level, mask in self._pairs(row):
            self._covered[level] |= self._fitting[level] & mask
            self._open[level] &= ~mask
        return self.covered - before

    def give_up(self, row: Row) -> None:
        """Ask for one pair of a row no more: it was tried, and came to another row."""
        open_pairs = [
            (one, two) for one, two in combinations(row.items(), 2) if self._open.get(one, 0) & self.bits.get(two, 0)
        ]
        for one, two in self.chance.sample(open_pairs, min(1, len(open_pairs))):
            self._open[one] &= ~self.bits[two]
            self._open[two] &= ~self.bits[one]

    def reopen(self) -> None:
        """Ask once more for what was given up: another row may come to it."""
        self._open = {level: mask & ~self._covered[level] for level, mask in self._fitting.items()}

    def _pairs(self, row: Row) -> list[tuple[Level, int]]:
        known = [level for level in row.items() if level in self.bits]
        mask = sum(self.bits[level] for level in known)
        return [(level, mask) for level in known]


class Draft:
    """A row in the making."""

    def __init__(self, cover: Cover, row: Row) -> None:
        self.cover = cover
        self.row: Row = {}
        self.is_possible = True
        self.worth = 0
        """How many pairs no row has covered, by their weight."""
        self._mask = 0
        for factor, level in row.items():
            self.put(factor, level)

    @property
    def is_telling(self) -> bool:
        """Whether it covers a pair of its value on trial first."""
        return bool(self.cover.opens((VALUE, self.row[VALUE]), self._mask))

    def put(self, factor: str, level: str) -> None:
        """Give the row a level."""
        self.row[factor] = level
        if (factor, level) in self.cover.bits:
            self.is_possible &= self.cover.fits((factor, level), self._mask)
            gain = self.cover.gain((factor, level), self._mask)
            self.worth += self.cover.weight * gain if factor == VALUE else gain
            self._mask |= self.cover.bits[factor, level]

    def best(
        self, factor: str, among: Collection[str] = (), beside: Beside = lambda _level: 0
    ) -> tuple[float, str] | None:
        """Return the level, of all or *among* some, that adds most, and how much; *beside* decides between equals."""
        cover, found = self.cover, []
        for level in cover.factors.get(factor, ()):
            if (not among or level in among) and cover.fits((factor, level), self._mask):
                # What it leaves for the factors that come later decides between equals.
                ahead = AHEAD * cover.ahead(self.row[VALUE], (factor, level))
                found.append(
                    (cover.gain((factor, level), self._mask) + beside(level) + ahead, cover.chance.random(), level)
                )
        return (max(found)[0], max(found)[2]) if found else None

    def choose(
        self, factor: str, among: Collection[str] = (), beside: Beside = lambda _level: 0, *, is_needed: bool = True
    ) -> None:
        """Give the row the level that adds most, unless it has one; none where none may stand in it, or is worth its price."""
        best = None if factor in self.row else self.best(factor, among, beside)
        if best is not None and (is_needed or best[0] > NOTHING):
            self.put(factor, best[1])
