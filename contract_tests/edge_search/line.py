"""The values of one field in their order, what became of those that were tried, and where acceptance ends along them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from contract_tests.boundaries import nearest_single
from contract_tests.edge_search.alterations import Altered
from contract_tests.edge_search.probes import Answer, Outcome, Prober
from contract_tests.edge_search.row import JsonObject
from contract_tests.edge_search.search import Flip, find_flips, limit_among, pin
from contract_tests.edge_search.spaces import Doubles, Number, Space, flips_in_single_precision
from contract_tests.errors import Inconclusive

# So many altered values are sent again, to tell what is always altered from what is lost now and then.
ALTERED_ASKED_AGAIN = 3

UPPER = ("maximum", "exclusiveMaximum")

LOWER = ("minimum", "exclusiveMinimum")


@dataclass
class Line:
    """The values of one field in their order, and what became of those that were tried."""

    space: Space
    send: Callable[[Number], Answer]
    answers: dict[int, Answer] = field(default_factory=dict)
    keeps_doubles: bool = False
    """Whether a number is known to read back as the very double that was sent."""

    def answer(self, ordinal: int) -> Answer:
        """Try a value, once."""
        if ordinal not in self.answers:
            self.answers[ordinal] = self.answer_anew(ordinal)
        return self.answers[ordinal]

    def answer_anew(self, ordinal: int) -> Answer:
        """Try a value, also where it was tried before."""
        return self._strictly(ordinal, self.send(self.space.value(ordinal)))

    def is_accepted(self, ordinal: int) -> bool:
        """Whether a value is accepted, altered or not."""
        return self.answer(ordinal).outcome is not Outcome.REFUSED

    def is_kept(self, ordinal: int) -> bool:
        """Whether a value is accepted and reads back as it was sent."""
        return self.answer(ordinal).outcome is Outcome.ACCEPTED

    def expect_doubles(self) -> None:
        """
        Take a reading in single precision for an alteration from now on, if the API keeps doubles elsewhere.

        Single precision is lawful, and 2 is the nearest to each double just above 2; where other doubles are kept,
        a value that reads as 2 was moved there.
        """
        readings = [(self.space.value(ordinal), self.answers[ordinal].reads) for ordinal in self.of(Outcome.ACCEPTED)]
        self.keeps_doubles = any(value == reads != nearest_single(value) for value, reads in readings)
        for ordinal, answer in self.answers.items():
            self.answers[ordinal] = self._strictly(ordinal, answer)

    def is_in_single_precision(self, ordinal: int, declared: float) -> bool:
        """
        Whether a value is the declared limit to an API that reads numbers in single precision.

        Source: openapi.yaml, #/x-decisions/numbers.
        """
        is_same = isinstance(self.space, Doubles) and nearest_single(self.space.value(ordinal)) == declared
        return is_same and not self.keeps_doubles and bool(self.answer(ordinal).reads == declared)

    def _strictly(self, ordinal: int, answer: Answer) -> Answer:
        """Return the answer, as an alteration where another double was read than was sent."""
        is_kept = not self.keeps_doubles or answer.reads == self.space.value(ordinal)
        return answer if is_kept or answer.outcome is Outcome.REFUSED else replace(answer, outcome=Outcome.ALTERED)

    def of(self, outcome: Outcome) -> list[int]:
        """List the tried values with an outcome, from the inside outwards."""
        return sorted(ordinal for ordinal, answer in self.answers.items() if answer.outcome is outcome)

    def cases(self) -> list[Altered]:
        """List the altered values, from the inside outwards."""
        return [Altered(self.space.value(each), self.answers[each].reads) for each in self.of(Outcome.ALTERED)]


@dataclass(frozen=True)
class Edge:
    """Where acceptance ends along a line."""

    limit: Flip | None
    altered_from: Flip | None
    """Where values begin to be altered, if all that lie further out are."""
    flips: list[Flip]
    is_start_accepted: bool
    """Whether the declared limit itself is accepted."""
    first: int
    last: int

    @property
    def last_kept(self) -> int | None:
        """The outermost value before the edge that is accepted, and kept if keeping ends before acceptance does."""
        if self.altered_from is not None:
            return self.altered_from.inner
        return self.limit.inner if self.limit is not None else None


def find_edge(line: Line, samples: Iterable[int], start: int) -> Edge:
    """
    Search a line.

    Args:
        line: What is searched.
        samples: The values to begin with.
        start: The declared limit, or a good value where none is declared.
    """
    tried = sorted({*samples, start})
    flips = find_flips(line.space, line.is_accepted, tried)
    is_start_accepted = line.is_accepted(start)
    limit = limit_among(flips, start, is_accepted=is_start_accepted)
    if isinstance(line.space, Doubles):
        line.expect_doubles()
    kept, altered = line.of(Outcome.ACCEPTED), line.of(Outcome.ALTERED)
    is_one_stretch = bool(kept and altered) and kept[-1] < altered[0]
    altered_from = pin(line.space, line.is_kept, kept[-1], altered[0]) if is_one_stretch else None
    return Edge(limit, altered_from, flips, is_start_accepted, tried[0], tried[-1])


def confirm(line: Line, prober: Prober, edge: Edge) -> None:
    """
    Ask again for the two values of a limit that is not where it should be.

    Raises:
        Inconclusive: The answer is another one now.
    """
    doubted = [ordinal for flip in (*edge.flips, edge.altered_from) if flip for ordinal in (flip.inner, flip.outer)]
    for ordinal in dict.fromkeys([*doubted, *line.of(Outcome.ALTERED)[:ALTERED_ASKED_AGAIN]]):
        before, again = line.answers[ordinal], line.answer_anew(ordinal)
        if again.outcome is not before.outcome:
            value = line.space.value(ordinal)
            raise Inconclusive(f"{prober.tried.name} {value} was {before.outcome} first and {again.outcome} later")


def unit_of(space: Space, edge: Edge) -> str:
    """Say what the neighbours of a limit are neighbours of: doubles, or numbers in single precision."""
    flip = edge.altered_from or edge.limit
    if isinstance(space, Doubles) and flip is not None:
        one, other = space.value(flip.inner), space.value(flip.outer)
        return "single" if flips_in_single_precision(one, other) else space.unit
    return space.unit


def as_hole(line: Line, first: int, last: int, *, is_accepted: bool, edge: Edge) -> JsonObject:
    """Return a hole as it stands in the map, its values ascending."""
    value = line.space.value
    low, high = sorted((value(first), value(last)))
    below, above = (first - 1, last + 1) if value(first) <= value(last) else (last + 1, first - 1)
    is_open = {ordinal: not edge.first <= ordinal <= edge.last for ordinal in (below, above)}
    return {
        "outcome": str(Outcome.ACCEPTED if is_accepted else Outcome.REFUSED),
        "first": low,
        "last": high,
        "before": None if is_open[below] else value(below),
        "after": None if is_open[above] else value(above),
    }


def points_of(line: Line) -> list[JsonObject]:
    """List the values that were tried, ascending, as they stand in the map."""
    listed: list[JsonObject] = []
    for ordinal, answer in line.answers.items():
        point: JsonObject = {"value": line.space.value(ordinal), "outcome": str(answer.outcome)}
        listed.append(point | ({"reads": answer.reads} if answer.outcome is Outcome.ALTERED else {}))
    return sorted(listed, key=lambda point: point["value"])
