"""reports/boundaries.html: where each limit really lies, drawn beside where the contract says that it lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contract_tests.report.drawings import Drawing, drawings
from contract_tests.report.grids import Grid, Matrix, grids, matrices
from contract_tests.report.limits import FINDINGS, Limit
from contract_tests.report.page import Fact, Page, Tone, links, write_page
from contract_tests.report.repeating import ADVICE
from contract_tests.report.run_parts import Copied
from contract_tests.report.stored import Row, Stored, as_rows, read_json
from contract_tests.report.wording import counted, duration, moment, whole

NAME = "boundaries.html"
MAP = "boundaries.json"
RUN = "boundaries.run.json"
# What each row says of the run that made it.
OF_A_RUN = ("target", "started", "seed")

# What a reader came for stands first.
ORDER = (*FINDINGS, "inconclusive", "no_limit", "holds")

COUNTED_AS = {
    "looser": "looser",
    "tighter": "tighter",
    "altered": "altered",
    "inconclusive": "inconclusive",
    "no_limit": "without a limit",
    "holds": "as declared",
}


@dataclass(frozen=True)
class Moved:
    """A limit that lies elsewhere while other fields are at their limits."""

    where: str
    others: str
    value: str
    alone: str
    together: str


@dataclass(frozen=True)
class Map:
    """All that the page shows below its head."""

    limits: tuple[Limit, ...]
    drawings: tuple[Drawing, ...]
    grids: tuple[Grid, ...]
    matrices: tuple[Matrix, ...]
    moved: tuple[Moved, ...]
    together: int
    """How many values were tried while other fields were at their limits."""
    repeating: Copied | None = None
    """What comes before a line that repeats a request about a persona."""

    @property
    def findings(self) -> list[Limit]:
        """The limits that are not where the contract says."""
        return [limit for limit in self.limits if limit.is_finding]


def write_boundaries(rows: Any, folder: Path, state: dict[str, Any] | None = None) -> Path:
    """
    Write reports/boundaries.html.

    Args:
        rows: What edge_search keeps in boundaries.json: one object for each limit.
        folder: Where reports are kept.
        state: What was searched; boundaries.run.json says it, if it is there and of this map.

    Returns:
        The page.
    """
    found = read_map(rows)
    stored = Stored(state) if state is not None else read_json(folder / RUN)
    run = run_of(rows, stored.value)
    if line := run.text("repeating"):
        found = replace(found, repeating=Copied(line, "line that makes a persona", ADVICE))
    return write_page(folder, _head(found, run, stored.problem, folder), report=found)


def write_no_map(folder: Path, state: dict[str, Any]) -> Path:
    """
    Write reports/boundaries.html of a search that did not begin, above the map of the one before.

    Args:
        folder: Where reports are kept.
        state: The target, when it was, the verdict and its sentence.

    Returns:
        The page.
    """
    stored = read_json(folder / MAP)
    found, before, told = read_map(stored.value), run_of(stored.value, read_json(folder / RUN).value), Row(state)
    facts = (Fact("Under test", told.text("target")), Fact("Started", moment(told.text("started"))))
    known = (before.text("target"), moment(before.text("started")), f"seed {before.text('seed')}")
    page = Page(
        NAME,
        f"The search was {told.text('verdict')}",
        "doubt",
        told.text("sentence"),
        facts,
        (stored.problem,) if stored.problem else (),
        links(folder, NAME),
        earlier=", ".join(text for text in known if text) if found.limits else "",
    )
    return write_page(folder, page, report=found)


def run_of(rows: Any, state: Any) -> Row:
    """
    Return what is known of the run that made a map.

    Args:
        rows: The map; its rows say of what they are.
        state: What boundaries.run.json says. Two maps that are made at the same time leave rows and a state that do not
            belong together; such a state is not believed.
    """
    first = next(iter(as_rows(rows)), Row(None))
    own = {name: first.raw(name) for name in OF_A_RUN if first.has(name)}
    told = state if isinstance(state, dict) else {}
    return Row(told | own if all(told.get(name) == value for name, value in own.items()) else own)


def read_map(rows: Any) -> Map:
    """Sort the rows of a boundary map into what is drawn, differences first."""
    limits = [Limit(row, index) for index, row in enumerate(as_rows(rows), 1)]
    limits.sort(key=lambda limit: ORDER.index(limit.verdict) if limit.verdict in ORDER else len(FINDINGS))
    together = [(limit, row) for limit in limits for row in limit.row.rows("cross_field")]
    return Map(
        limits=tuple(limits),
        drawings=tuple(drawings(limits)),
        grids=tuple(grids(limits)),
        matrices=tuple(matrices(limits)),
        moved=tuple(_moved(limit, row) for limit, row in together if row.text("alone") != row.text("together")),
        together=len(together),
    )


def summary(found: Map) -> tuple[Tone, str]:
    """Say in a few words what a map shows."""
    unknown = sum(limit.verdict == "inconclusive" for limit in found.limits)
    if found.findings:
        return "bad", f"{len(found.findings)} of {counted(len(found.limits), 'clause')} not where the contract says"
    if unknown:
        return "doubt", f"{unknown} of {counted(len(found.limits), 'clause')} could not be found"
    if not found.limits:
        return "none", "No limit was searched"
    return "good", "Every limit lies where the contract says"


def _head(found: Map, run: Row, problem: str, folder: Path) -> Page:
    tone, headline = summary(found)
    counts = [(word, sum(limit.verdict == verdict for limit in found.limits)) for verdict, word in COUNTED_AS.items()]
    facts = (
        Fact("Under test", run.text("target")),
        Fact("Found", ", ".join(f"{count} {word}" for word, count in counts if count)),
        Fact("Started", moment(run.text("started"))),
        Fact("Took", duration(run.number("seconds"))),
        Fact("Requests", whole(run.count("requests") or sum(limit.row.count("requests") for limit in found.limits))),
        Fact("Seed", run.text("seed")),
    )
    problems = [problem] if problem else []
    if run.raw("finished") is False:
        problems.append("The search did not come to its end; the next run goes on from here.")
    sentence = (
        "Each limit was searched from both sides until the last accepted and the first refused value were neighbours."
    )
    shown = tuple(fact for fact in facts if fact.value)
    return Page(NAME, headline, tone, sentence, shown, tuple(problems), links(folder, NAME))


def _moved(limit: Limit, row: Row) -> Moved:
    where = f"{limit.operation} {limit.field} {limit.constraint}"
    return Moved(where, row.text("others"), row.text("value"), row.text("alone"), row.text("together"))
