"""reports/boundaries.html: where each limit really lies, drawn beside where the contract says that it lies."""

from collections.abc import Sequence
from dataclasses import dataclass

from contract_tests.boundary_map.limit_result import LimitResult, MapRun, run_of
from contract_tests.report.folder import Reports
from contract_tests.report.html.drawings import Drawing, drawings
from contract_tests.report.html.limits import Limit, Matrix, matrices
from contract_tests.report.html.page import Page, Tone, in_a_line, labels, write_page
from contract_tests.report.records import read_all, read_as, read_json
from contract_tests.report.run_record import RunRecord
from contract_tests.report.wording import counted, duration, whole

NAME = "boundaries.html"
MAP = "boundaries.json"
RUN = "boundaries.run.json"

COUNTED_AS = {
    "looser": "looser", "tighter": "tighter", "altered": "altered", "inconclusive": "inconclusive",
    "not_tried": "not tried", "no_limit": "without a limit", "holds": "as declared",
}  # fmt: skip


@dataclass(frozen=True)
class Map:
    """All that the page shows below its head."""

    limits: list[Limit]
    drawings: list[Drawing]
    matrices: list[Matrix]


def write_boundaries(results: Sequence[LimitResult], reports: Reports, state: MapRun) -> None:
    """Write reports/boundaries.html; *state* is what boundaries.run.json says, if it is of this map."""
    run = run_of(results, state)
    tone, headline = summary(results)
    verdicts = [result.verdict for result in results]
    counts = [f"{verdicts.count(verdict)} {word}" for verdict, word in COUNTED_AS.items() if verdict in verdicts]
    facts = labels(run.target, run.started, run.seed) | {
        "Took": duration(run.seconds),
        "Requests": whole(run.requests or sum(result.requests for result in results)),
        "Found": ", ".join(counts),
    }
    unfinished = "The search did not come to its end; the next run goes on from here."
    how = "Each limit was searched from both sides until the last accepted and the first refused value were neighbours."
    page = Page(NAME, headline, tone, how, facts, [unfinished] if run.finished is False else ())
    write_page(reports, page, report=read_map(results), repeating=run.repeating)


def write_no_map(reports: Reports, refused: RunRecord) -> None:
    """Write reports/boundaries.html of a search that did not begin, above the map of the one before."""
    stored = read_json(reports.path / MAP)
    results = read_all(LimitResult, stored.value)
    before = run_of(results, read_as(MapRun, read_json(reports.path / RUN).value))
    page = Page(
        NAME, f"The search was {refused.verdict}", "doubt", refused.sentence,
        labels(refused.target, refused.started, None), (stored.problem,),
        in_a_line(before.target, before.started, before.seed) if results else "",
    )  # fmt: skip
    write_page(reports, page, report=read_map(results), repeating="")


def read_map(results: Sequence[LimitResult]) -> Map:
    """Sort a boundary map into what is drawn, differences first."""
    limits = [Limit(result, f"limit-{index}") for index, result in enumerate(results, 1)]
    limits.sort(key=lambda limit: limit.result.rank)
    return Map(limits, list(drawings(limits)), list(matrices(limits)))


def summary(results: Sequence[LimitResult]) -> tuple[Tone, str]:
    """Say in a few words what a map shows."""
    found = sum(result.is_finding for result in results)
    unknown = sum(result.verdict == "inconclusive" for result in results)
    clauses = counted(len(results), "clause")
    if found:
        return "bad", f"{found} of {clauses} not where the contract says"
    if unknown:
        return "doubt", f"{unknown} of {clauses} could not be found"
    return ("good", "Every limit lies where the contract says") if results else ("none", "No limit was searched")
