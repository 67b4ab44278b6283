"""reports/faults.html: which planted fault was caught by which test, and what stayed green as it must."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contract_tests.report.page import Fact, Link, Page, Tone, links, write_page
from contract_tests.report.stored import Row, as_rows
from contract_tests.report.trials import Trials, read_trials
from contract_tests.report.wording import counted, moment, whole

NAME = "faults.html"


def write_faults(rows: Any, folder: Path) -> Path:
    """
    Write reports/faults.html.

    Args:
        rows: What catch_faults keeps in faults.json: one object for each run of the suite.
        folder: Where reports are kept.

    Returns:
        The page.
    """
    trials = read_trials(rows)
    return write_page(folder, _head(trials, run_of(rows), links(folder, NAME)), report=trials)


def run_of(rows: Any) -> Row:
    """Return what the rows of a trial say of it as a whole: its target, when it began, its seeds."""
    found = as_rows(rows)
    first = next(iter(found), Row(None))
    seeds = dict.fromkeys(row.text("seed") for row in found if row.text("kind") == "fault" and row.has("seed"))
    return Row({"target": first.text("target"), "started": first.text("started"), "seed": ", ".join(seeds)})


def summary(trials: Trials) -> tuple[Tone, str]:
    """Say in a few words what a trial came to."""
    survived = sum(not fault.is_caught for fault in trials.faults)
    wrong = [f"{survived} of {counted(len(trials.faults), 'fault')} survived"] if survived else []
    wrong += [counted(len(trials.alarms), "false alarm")] if trials.alarms else []
    if wrong:
        return "bad", ", ".join(wrong)
    if not trials.faults:
        return "none", "No fault was tried"
    return "good", f"All {len(trials.faults)} planted faults caught" if len(
        trials.faults
    ) > 1 else "The planted fault was caught"


def _head(trials: Trials, run: Row, ways: tuple[Link, ...]) -> Page:
    tone, headline = summary(trials)
    caught = sum(fault.is_caught for fault in trials.faults)
    facts = [
        Fact("Under test", run.text("target")),
        Fact("Started", moment(run.text("started"))),
        Fact("Seed", run.text("seed")),
        Fact("Faults caught", f"{whole(caught)} of {whole(len(trials.faults))}"),
        Fact("Lawful runs green", f"{len(trials.lawful) - len(trials.alarms)} of {len(trials.lawful)}"),
        Fact("Median to the first red", trials.median),
    ]
    peers = [fault.peer for fault in trials.faults if fault.peer]
    if peers:
        share = f"{sum(peer.word == 'caught' for peer in peers)} of {len(peers)}"
        facts.append(Fact("Caught by the peer alone", share))
    sentence = (
        "The suite runs once against each mock with a planted fault; a run that stays green is a hole in the suite."
    )
    return Page(NAME, headline, tone, sentence, tuple(fact for fact in facts if fact.value), links=ways)
