"""reports/index.html: what the last contract run came to, and the way to the other pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract_tests.report import boundary_page, fault_page
from contract_tests.report.page import PAGES, Fact, Page, links, write_page
from contract_tests.report.run_parts import ContractRun, Neighbour, PastRun
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

SHORT_HASH = 12


def write_index(folder: Path, own: Mapping[str, Any] | None = None) -> Path:
    """
    Write reports/index.html: one run, and below it what others have left beside it.

    Args:
        folder: Where reports are kept; each file that is missing leaves its part of the page out.
        own: What the command that writes the page has in memory, by the name of its file; the rest is read.

    Returns:
        The page.
    """
    known = {name: Stored(value) for name, value in (own or {}).items()}
    stored, boundaries, faults = (known.get(name) or read_json(folder / name) for name in (RUN, BOUNDARIES, FAULTS))
    history = read_lines(folder / HISTORY, LAST_RUNS)
    problems = [each.problem for each in (stored, history, boundaries, faults) if each.problem]
    if left := Row(stored.value).row("personas").texts("left"):
        problems.append(f"Personas left behind: {', '.join(left[:MOST_NAMED])}. make sweep removes them.")
    if stored.value is not None and not isinstance(stored.value, dict):
        problems.append(f"{RUN} does not hold the report of a run")
    neighbours = tuple(_neighbours(folder, boundaries, faults))
    run = ContractRun(Row(stored.value), neighbours, tuple(_history(history, Row(stored.value))))
    if isinstance(earlier := run.row.raw("earlier"), dict):
        run = replace(run, earlier=ContractRun(Row(earlier), facts=_facts(Row(earlier))))
    return write_page(folder, _head(run, folder, tuple(problems)), report=run)


def _head(run: ContractRun, folder: Path, problems: tuple[str, ...]) -> Page:
    return Page(NAME, run.headline, run.tone, run.sentence, _facts(run.row), problems, links(folder, NAME))


def _facts(row: Row) -> tuple[Fact, ...]:
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
        Fact("Selection", row.text("selection") if row.has("tests") else ""),
        Fact("Tests", ", ".join(tests)),
        Fact("Requests", whole(requests) if requests else ""),
        Fact("Personas", made if personas.has("made") and row.has("tests") else ""),
    )
    return tuple(fact for fact in facts if fact.value)


def _neighbours(folder: Path, boundaries: Stored, faults: Stored) -> Iterable[Neighbour]:
    if isinstance(boundaries.value, list):
        found = boundary_page.read_map(boundaries.value)
        first = " ".join(f"{limit.field}, {limit.constraint}: {limit.text}" for limit in found.findings[:2])
        first = first or f"{counted(len(found.limits), 'clause')} searched."
        run = boundary_page.run_of(boundaries.value, read_json(folder / boundary_page.RUN).value)
        yield _neighbour(folder, boundary_page.NAME, boundary_page.summary(found)[1], first, run)
    if isinstance(faults.value, list):
        trials = read_trials(faults.value)
        lawful = f"{len(trials.lawful) - len(trials.alarms)} of {counted(len(trials.lawful), 'lawful run')} green"
        sentence = ". ".join(filter(None, (trials.bars_text.rstrip("."), lawful))) + "."
        run = fault_page.run_of(faults.value)
        yield _neighbour(folder, fault_page.NAME, fault_page.summary(trials)[1], sentence, run)


def _neighbour(folder: Path, name: str, headline: str, sentence: str, run: Row) -> Neighbour:
    facts = (
        Fact("Under test", run.text("target") or "unknown"),
        Fact("Started", moment(run.text("started")) or "unknown"),
        Fact("Seed", run.text("seed") or "unknown"),
    )
    return Neighbour(PAGES[name], name if (folder / name).exists() else "", headline, sentence, facts)


def _history(stored: Stored, shown: Row) -> Iterable[PastRun]:
    """List the runs of the history; the one that the page shows is named as such, once."""
    is_named = False
    for row in reversed(as_rows(stored.value)):
        violations = row.raw("violations")
        count = len(violations) if isinstance(violations, (list, dict)) else row.count("violations")
        is_shown = not is_named and all(
            row.text(key) == shown.text(key) for key in ("started", "target", "seed", "seconds")
        )
        is_named = is_named or is_shown
        yield PastRun(
            moment(row.text("started")),
            row.text("target"),
            row.text("verdict"),
            whole(count),
            whole(row.count("requests")),
            duration(row.number("seconds")),
            row.text("seed"),
            is_shown=is_shown,
        )
