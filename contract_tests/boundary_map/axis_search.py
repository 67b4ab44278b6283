"""The search along one axis: what became of the values that were tried, and where acceptance ends."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from contract_tests.boundary_map.alterations import Altered
from contract_tests.boundary_map.axis import Axis, Doubles, Number
from contract_tests.boundary_map.limit_result import Hole, Point
from contract_tests.boundary_map.probes import Answer, Outcome, Prober
from contract_tests.boundary_map.search import Flip, Stretch, find_flips, holes, limit_among, pin
from contract_tests.errors import Inconclusive
from contract_tests.singles import nearest_single

# So many altered values are sent again, to tell what is always altered from what is lost now and then.
ALTERED_ASKED_AGAIN = 3


@dataclass
class AxisSearch:
    """The values of one field in their order, and what became of those that were tried."""

    axis: Axis
    send: Callable[[Number], Answer]
    answers: dict[int, Answer] = field(default_factory=dict)
    is_exact: bool = True
    """Whether the contract promises that numbers read back as the very double that was sent, or the nearest single."""
    keeps_doubles: bool = False
    """Whether a number is known to read back as the very double that was sent."""

    def answer(self, ordinal: int) -> Answer:
        """Try a value, once."""
        if ordinal not in self.answers:
            self.answers[ordinal] = self.answer_anew(ordinal)
        return self.answers[ordinal]

    def answer_anew(self, ordinal: int) -> Answer:
        """Try a value, also where it was tried before."""
        return self._strictly(ordinal, self.send(self.axis.value(ordinal)))

    def is_accepted(self, ordinal: int) -> bool:
        """Whether a value is accepted, altered or not."""
        return self.answer(ordinal).outcome is not Outcome.REFUSED

    def is_kept(self, ordinal: int) -> bool:
        """Whether a value is accepted and reads back as it was sent."""
        return self.answer(ordinal).outcome is Outcome.ACCEPTED

    def expect_doubles(self) -> None:
        """
        Take a reading in single precision for an alteration from now on, if the API keeps doubles elsewhere. Single
        precision is lawful, and 2 is the nearest to each double just above 2; where other doubles are kept, a value that
        reads as 2 was moved there.
        """
        readings = [(self.axis.value(ordinal), self.answers[ordinal].reads) for ordinal in self.of(Outcome.ACCEPTED)]
        self.keeps_doubles = self.is_exact and any(value == reads != nearest_single(value) for value, reads in readings)
        for ordinal, answer in self.answers.items():
            self.answers[ordinal] = self._strictly(ordinal, answer)

    def is_in_single_precision(self, ordinal: int, declared: float) -> bool:
        """Whether a value is the declared limit to an API that reads in single precision. Source: the promise exact_numbers."""
        is_same = isinstance(self.axis, Doubles) and nearest_single(self.axis.value(ordinal)) == declared
        return is_same and not self.keeps_doubles and bool(self.answer(ordinal).reads == declared)

    def _strictly(self, ordinal: int, answer: Answer) -> Answer:
        """Return the answer, as an alteration where another double was read than was sent."""
        is_kept = not self.keeps_doubles or answer.reads == self.axis.value(ordinal)
        return answer if is_kept or answer.outcome is Outcome.REFUSED else replace(answer, outcome=Outcome.ALTERED)

    def of(self, outcome: Outcome) -> list[int]:
        """List the tried values with an outcome, from the inside outwards."""
        return sorted(ordinal for ordinal, answer in self.answers.items() if answer.outcome is outcome)

    def cases(self) -> list[Altered]:
        """List the altered values, from the inside outwards."""
        return [Altered(self.axis.value(each), self.answers[each].reads) for each in self.of(Outcome.ALTERED)]

    def curl(self, ordinal: int | None) -> str | None:
        """Return the shell line that sends a value that was tried."""
        return None if ordinal is None or ordinal not in self.answers else self.answers[ordinal].exchange.curl()

    def points(self) -> list[Point]:
        """List the values that were tried, ascending, as they stand in the map."""
        answers = ((self.axis.value(ordinal), answer) for ordinal, answer in self.answers.items())
        listed = [
            Point(value, str(answer.outcome), answer.reads if answer.outcome is Outcome.ALTERED else None)
            for value, answer in answers
        ]
        return sorted(listed, key=lambda point: point.value or 0)


@dataclass(frozen=True)
class Edge:
    """Where acceptance ends along a search."""

    search: AxisSearch
    limit: Flip | None
    altered_from: Flip | None
    """Where values begin to be altered, if all that lie further out are."""
    flips: list[Flip]
    is_start_accepted: bool
    """Whether the declared limit itself is accepted."""
    first: int
    last: int

    @property
    def flip(self) -> Flip | None:
        """Where values stop to be accepted and kept."""
        return self.altered_from or self.limit

    @property
    def unit(self) -> str:
        """What the neighbours of the limit are neighbours of: doubles, or numbers in single precision."""
        axis = self.search.axis
        if isinstance(axis, Doubles) and self.flip is not None:
            one, other = (nearest_single(axis.value(each)) for each in (self.flip.inner, self.flip.outer))
            return "single" if one != other else axis.unit
        return axis.unit

    def holes(self) -> list[Hole]:
        """List the stretches that are not treated as their side of the limit is, as they stand in the map."""
        return [self._hole(each) for each in holes(self.flips, self.limit, self.first, self.last)]

    def _hole(self, stretch: Stretch) -> Hole:
        axis, around = self.search.axis, (stretch.first - 1, stretch.first, stretch.last, stretch.last + 1)
        values = [axis.value(each) if self.first <= each <= self.last else None for each in around]
        return Hole("accepted" if stretch.is_accepted else "refused", *values[:: axis.side])

    def confirm(self, prober: Prober) -> None:
        """Ask again for the values around a limit that is misplaced; nothing follows from another answer."""
        search, flips = self.search, [flip for flip in (*self.flips, self.altered_from) if flip]
        doubted = [ordinal for flip in flips for ordinal in (flip.inner, flip.outer)]
        for ordinal in dict.fromkeys([*doubted, *search.of(Outcome.ALTERED)[:ALTERED_ASKED_AGAIN]]):
            before, again = search.answers[ordinal], search.answer_anew(ordinal)
            if again.outcome is not before.outcome:
                value = search.axis.value(ordinal)
                raise Inconclusive(f"{prober.tried.name} {value} was {before.outcome} first and {again.outcome} later")


def find_edge(search: AxisSearch, samples: Iterable[int], start: int) -> Edge:
    """Find where acceptance ends; *start* is the declared limit, or a good value where none is declared."""
    tried = sorted({*samples, start})
    flips = find_flips(search.axis, search.is_accepted, tried)
    is_start_accepted = search.is_accepted(start)
    limit = limit_among(flips, start, is_accepted=is_start_accepted)
    if isinstance(search.axis, Doubles):
        search.expect_doubles()
    kept, altered = search.of(Outcome.ACCEPTED), search.of(Outcome.ALTERED)
    is_one_stretch = bool(kept and altered) and kept[-1] < altered[0]
    altered_from = pin(search.axis, search.is_kept, kept[-1], altered[0]) if is_one_stretch else None
    return Edge(search, limit, altered_from, flips, is_start_accepted, tried[0], tried[-1])
