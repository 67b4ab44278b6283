"""reports/index.html: what the last contract run came to, and the way to the other pages."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from contract_tests.boundary_map.limit_result import LimitResult, MapRun, run_of
from contract_tests.report.folder import Reports
from contract_tests.report.html import boundary_page, fault_page
from contract_tests.report.html.page import INDEX, Page, Tone, labels, write_page
from contract_tests.report.records import RecordType, Stored, read_all, read_as, read_json, read_lines
from contract_tests.report.repeating import needs_item
from contract_tests.report.run_record import HistoryLine, RunRecord, TrialRun
from contract_tests.report.wording import counted, duration, moment, whole

RUN = "run.json"
HISTORY = "history.jsonl"
FAULTS = "faults.json"

# Runs of the history that are shown, and items that are named.
LAST_RUNS = 20
MOST_NAMED = 10

TONES: dict[str, Tone] = {"holds": "good", "violated": "bad", "inconclusive": "doubt", "refused": "doubt"}
HEADLINES = {
    "holds": "The contract holds", "violated": "The contract is violated",
    "inconclusive": "The run is inconclusive", "refused": "The run was refused",
}  # fmt: skip


def write_index(
    reports: Reports,
    run: RunRecord | None = None,
    results: Sequence[LimitResult] | None = None,
    runs: Sequence[TrialRun] | None = None,
) -> None:
    """
    Write reports/index.html, one run and below it what others have left beside it; what is not given is read from the
    folder, and a file that is missing leaves its part of the page out.
    """
    folder = reports.path
    stored = Stored() if run else read_json(folder / RUN)
    limits = Stored() if results is not None else read_json(folder / boundary_page.MAP)
    trial = Stored() if runs is not None else read_json(folder / FAULTS)
    history = read_lines(folder / HISTORY, LAST_RUNS)
    run = run or read_as(RunRecord, stored.value)
    left = ", ".join(run.items.left[:MOST_NAMED])
    is_other = stored.value is not None and not isinstance(stored.value, dict)
    problems = (
        *(each.problem for each in (stored, history, limits, trial)),
        f"Items left behind: {left}. make sweep removes them." if left else "",
        f"{RUN} does not hold the report of a run" if is_other else "",
    )
    neighbours = [
        *_map(folder, results if results is not None else _listed(LimitResult, limits)),
        *_trial(runs if runs is not None else _listed(TrialRun, trial)),
    ]
    lines = read_all(HistoryLine, history.value)[::-1]
    own = (run.started, run.target, run.seed, run.seconds)
    shown = [number for number, line in enumerate(lines) if own == (line.started, line.target, line.seed, line.seconds)]
    sentence = run.sentence or ("" if run.verdict else "make contract writes it.")
    write_page(
        reports, Page(INDEX, headline_of(run), TONES.get(run.verdict, "none"), sentence, facts_of(run), problems),
        run=run, neighbours=neighbours,
        history=lines, shown=next(iter(shown), None), tones=TONES, headline_of=headline_of, facts_of=facts_of,
        needs_item=needs_item,
    )  # fmt: skip


def headline_of(run: RunRecord) -> str:
    """Say what a run came to, in a few words."""
    return HEADLINES.get(run.verdict, run.verdict.capitalize() or "No contract run yet")


def facts_of(run: RunRecord) -> dict[str, str]:
    """Return what stands in the head of a run."""
    contract, items, requests = run.contract, run.items, sum(run.requests.values())
    tests = [f"{whole(count)} {name.replace('_', ' ')}" for name, count in run.tests.items() if count]
    return {
        "Under test": run.target, "Contract": " ".join(filter(None, (contract.title, contract.version))),
        "Contract file, SHA-256": contract.sha256[:12], "Started": moment(run.started),
        "Took": duration(run.seconds), "Seed": "" if run.seed is None else str(run.seed),
        "Selection": run.selection if run.tests else "", "Tests": ", ".join(tests),
        "Requests": whole(requests) if requests else "",
        contract.resource.capitalize() or "Items": f"{whole(items.made)} made, {whole(items.removed)} removed" if run.came_to_a_test else "",
    }  # fmt: skip


def _listed(kind: type[RecordType], stored: Stored) -> Sequence[RecordType] | None:
    return read_all(kind, stored.value) if isinstance(stored.value, list) else None


def _map(folder: Path, results: Sequence[LimitResult] | None) -> Iterator[Page]:
    if results is None:
        return
    first = [result for result in sorted(results, key=lambda result: result.rank) if result.is_finding][:2]
    sentence = " ".join(f"{each.field}, {each.constraint}: {each.text}" for each in first)
    run = run_of(results, read_as(MapRun, read_json(folder / boundary_page.RUN).value))
    facts = {name: value or "unknown" for name, value in labels(run.target, run.started, run.seed).items()}
    sentence = sentence or f"{counted(len(results), 'clause')} searched."
    tone, headline = boundary_page.summary(results)
    yield Page(boundary_page.NAME, headline, tone, sentence, facts)


def _trial(runs: Sequence[TrialRun] | None) -> Iterator[Page]:
    if runs is None:
        return
    trials = fault_page.read_trials(runs)
    lawful = f"{len(trials.lawful) - len(trials.alarms)} of {counted(len(trials.lawful), 'lawful run')} green"
    sentence = ". ".join(filter(None, (trials.bars_text.rstrip("."), lawful))) + "."
    facts = {name: value or "unknown" for name, value in fault_page.labels_of(runs).items()}
    tone, headline = fault_page.summary(trials)
    yield Page(fault_page.NAME, headline, tone, sentence, facts)
