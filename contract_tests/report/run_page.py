"""reports/index.html: what the last contract run came to, and the way to the other pages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from contract_tests.report import boundary_page, fault_page
from contract_tests.report.page import PAGES, Fact, Page, Tone, links, write_page
from contract_tests.report.run_parts import TONES, ContractRun, Neighbour, PastRun
from contract_tests.report.stored import Row, Stored, as_rows, read_json, read_lines
from contract_tests.report.trials import read_trials
from contract_tests.report.wording import counted, duration, moment, whole

NAME = "index.html"
RUN = "run.json"
HISTORY = "history.jsonl"
BOUNDARIES = "boundaries.json"
FAULTS = "faults.json"

# Runs of the history that are shown, and personas that are named.
LAST_RUNS = 20
MOST_NAMED = 10

HEADLINES = {
    "holds": "The contract holds",
    "violated": "The contract is violated",
    "inconclusive": "The run is inconclusive",
    "refused": "The run could not begin",
}
NO_RUN = "No contract run yet"

SHORT_HASH = 12


def write_index(folder: Path) -> Path:
    """
    Write reports/index.html from what lies beside it.

    Args:
        folder: Where reports are kept; each file that is missing leaves its part of the page out.

    Returns:
        The page.
    """
    stored = read_json(folder / RUN)
    history = read_lines(folder / HISTORY, LAST_RUNS)
    others = read_json(folder / BOUNDARIES), read_json(folder / FAULTS)
    problems = [each.problem for each in (stored, history, *others) if each.problem]
    if left := Row(stored.value).row("personas").texts("left"):
        problems.append(f"Personas left behind: {', '.join(left[:MOST_NAMED])}. make sweep removes them.")
    if stored.value is not None and not isinstance(stored.value, dict):
        problems.append(f"{RUN} does not hold the report of a run")
    run = ContractRun(Row(stored.value), tuple(_neighbours(folder, *others)), tuple(_history(history)))
    return write_page(folder, _head(run, folder, tuple(problems)), report=run)


def _head(run: ContractRun, folder: Path, problems: tuple[str, ...]) -> Page:
    row = run.row
    verdict = row.text("verdict")
    headline = HEADLINES.get(verdict, verdict.capitalize() if verdict else NO_RUN)
    sentence = row.text("sentence") or ("" if verdict else "make contract writes it.")
    contract, personas = row.row("contract"), row.row("personas")
    tests = [f"{whole(count)} {name.replace('_', ' ')}" for name, count in row.counts("tests") if count]
    made = f"{whole(personas.count('made'))} made, {whole(personas.count('removed'))} removed"
    requests = sum(count for _, count in row.counts("requests"))
    facts = (
        Fact("Under test", row.text("target")),
        Fact("Contract", " ".join(filter(None, (contract.text("title"), contract.text("version"))))),
        Fact("openapi.yaml, SHA-256", contract.text("sha256")[:SHORT_HASH]),
        Fact("Started", moment(row.text("started"))),
        Fact("Took", duration(row.number("seconds"))),
        Fact("Seed", row.text("seed")),
        Fact("Selection", row.text("selection")),
        Fact("Tests", ", ".join(tests)),
        Fact("Requests", whole(requests) if requests else ""),
        Fact("Personas", made if personas.has("made") else ""),
    )
    shown = tuple(fact for fact in facts if fact.value)
    return Page(NAME, headline, TONES.get(verdict, "none"), sentence, shown, problems, links(folder, NAME))


def _neighbours(folder: Path, boundaries: Stored, faults: Stored) -> Iterable[Neighbour]:
    if isinstance(boundaries.value, list):
        found = boundary_page.read_map(boundaries.value)
        tone, headline = boundary_page.summary(found)
        first = " ".join(f"{limit.field}, {limit.constraint}: {limit.text}" for limit in found.findings[:2])
        first = first or f"{counted(len(found.limits), 'clause')} searched."
        yield _neighbour(folder, boundary_page.NAME, tone, headline, first)
    if isinstance(faults.value, list):
        trials = read_trials(faults.value)
        tone, headline = fault_page.summary(trials)
        lawful = f"{len(trials.lawful) - len(trials.alarms)} of {counted(len(trials.lawful), 'lawful run')} green"
        yield _neighbour(
            folder,
            fault_page.NAME,
            tone,
            headline,
            ". ".join(filter(None, (trials.bars_text.rstrip("."), lawful))) + ".",
        )


def _neighbour(folder: Path, name: str, tone: Tone, headline: str, sentence: str) -> Neighbour:
    return Neighbour(PAGES[name], name if (folder / name).exists() else "", tone, headline, sentence)


def _history(stored: Stored) -> Iterable[PastRun]:
    for row in reversed(as_rows(stored.value)):
        violations = row.raw("violations")
        count = len(violations) if isinstance(violations, (list, dict)) else row.count("violations")
        yield PastRun(
            moment(row.text("started")),
            row.text("target"),
            row.text("verdict"),
            whole(count),
            whole(row.count("requests")),
            duration(row.number("seconds")),
            row.text("seed"),
        )
