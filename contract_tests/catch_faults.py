"""
The suite on trial: run it once per planted fault, and each run must turn red.

    python -m contract_tests.catch_faults

First the clean mock, which must be green, and one that always fails, which must be red: a suite that cannot tell these
apart would pass the rest by luck. Then each fault. Then false alarms: the clean mock with other seeds and in another
order, and lawful variants, each of which must stay green. Takes FAULT and SEEDS from the environment.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from contract_tests.contract import CONTRACT_FILE, ROOT
from contract_tests.mock_api import faults
from contract_tests.mock_api.contract import read_contract
from contract_tests.mock_api.process import running_mock

FAULTY_MOCK = "contract_tests.mock_api.faults"
REPORTS = ROOT / "reports"
HOLDS, VIOLATED, REFUSED = 0, 1, 4
CLEAN = ""
ALWAYS_FAILS = "always_fails"

# Beside the seed of the trial itself; the last of them also in another order.
FURTHER_SEEDS = 2

# Columns of the table where the output goes to a file.
WIDTH = 180

# Answers that take long are waited for side by side, and with fewer examples.
SLOW_VARIANTS = frozenset({"slow_answers"})
SLOW_ARGUMENTS = ("-n", "12", "--dist", "load")


@dataclass(frozen=True)
class Trial:
    """One run of the suite against one mock."""

    name: str
    """The fault or the variant; empty for the clean mock."""
    kind: str
    """clean, fault, variant or forced."""
    seed: int
    is_shuffled: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a trial came to."""

    name: str
    kind: str
    seed: int
    exit_code: int
    verdict: str
    caught_by: str
    """The first test that turned red; empty where none did."""
    seconds: float
    """From the moment the mock answers to the first red, or to the end of the run."""
    requests: int

    @property
    def is_right(self) -> bool:
        """Whether a fault was caught, and anything lawful was left in peace."""
        return self.exit_code == (VIOLATED if self.kind in ("fault", "forced") else HOLDS)


def main() -> int:
    """
    Put the suite on trial and say what came of it.

    Returns:
        0 when every fault was caught and nothing lawful was called one, 1 otherwise, 4 for a fault that is not known.
    """
    console = Console(highlight=False, width=WIDTH if not sys.stdout.isatty() else None)
    catalogue = faults.catalogue(read_contract(CONTRACT_FILE))
    wanted = os.environ.get("FAULT", "")
    if wanted and wanted not in catalogue:
        near = ", ".join(difflib.get_close_matches(wanted, catalogue, 3, 0.4)) or "see --list of the faulty mock"
        console.print(f"verdict: refused. No fault is called {wanted}; perhaps {near}.")
        return REFUSED
    seeds = range(1, int(os.environ.get("SEEDS") or 1) + 1)
    trials = list(_trials([wanted] if wanted else list(catalogue), seeds, is_whole=not wanted))
    outcomes = list(_run_all(trials, console))
    _write_reports(outcomes, catalogue)
    console.print(_table(outcomes, catalogue))
    return _conclude(outcomes, console)


def _trials(names: list[str], seeds: Iterable[int], *, is_whole: bool) -> Iterator[Trial]:
    """Yield what is run: the slowest first, so that no core is left alone with it at the end."""
    for seed in seeds:
        if is_whole:
            yield from (Trial(name, "variant", seed) for name in sorted(faults.variants(), key=_is_fast))
        yield Trial(CLEAN, "clean", seed)
        yield Trial(ALWAYS_FAILS, "forced", seed)
        if is_whole:
            yield from (Trial(CLEAN, "clean", 1000 * seed + n, is_shuffled=n > 1) for n in range(1, FURTHER_SEEDS + 1))
        yield from (Trial(name, "fault", seed) for name in names)


def _is_fast(variant: str) -> bool:
    return variant not in SLOW_VARIANTS


def _run_all(trials: list[Trial], console: Console) -> Iterator[Outcome]:
    """Run every trial, as many at a time as there are cores, each in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    # What takes long to load is loaded once, and each trial begins with it.
    context.set_forkserver_preload(["contract_tests.conftest", "contract_tests.__main__", "pytest", "allpairspy"])
    started = time.monotonic()
    with context.Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        for count, outcome in enumerate(pool.imap_unordered(run_trial, trials), 1):
            mark = "right" if outcome.is_right else "WRONG"
            what = outcome.caught_by or outcome.verdict
            console.print(f"{count:>4}/{len(trials)} {mark} {outcome.kind:<7} {outcome.name or '-'}: {what}")
            yield outcome
    console.print(f"{len(trials)} runs in {time.monotonic() - started:.0f} s")


def run_trial(trial: Trial) -> Outcome:
    """
    Run the contract suite against one mock, its output kept in a file.

    Args:
        trial: Which mock, and how the suite is started.

    Returns:
        What it came to.
    """
    from contract_tests.__main__ import PROMISES, run_pytest

    option = {"fault": "--fault", "forced": "--fault", "variant": "--variant"}.get(trial.kind)
    arguments = [option, trial.name] if option else []
    folder = REPORTS / "faults"
    folder.mkdir(parents=True, exist_ok=True)
    label = f"{trial.kind}-{trial.name or 'clean'}-{trial.seed}"
    os.chdir(ROOT)
    with running_mock(*arguments, module=FAULTY_MOCK) as mock, _into(folder / f"{label}.txt"):
        os.environ |= {"BASE_URL": mock.url, "COVAL_API_KEY": mock.api_key, "SEED": str(trial.seed)}
        os.environ |= {"MAX_REQUESTS": "0", "RATE": "0"}
        started = time.monotonic()
        options = ["-p", "no:cacheprovider", f"--junitxml={os.devnull}", *_options(trial)]
        outcomes, pytest_code = run_pytest(trial.seed, PROMISES, options)
        ended = outcomes.first_red.moment if outcomes.first_red else time.monotonic()
        verdict, exit_code = outcomes.verdict(pytest_code)
        print(verdict)
    red = outcomes.first_red.test if outcomes.first_red else ""
    sent = sum(outcomes.requests.values())
    return Outcome(trial.name, trial.kind, trial.seed, exit_code, verdict, red, ended - started, sent)


def _options(trial: Trial) -> list[str]:
    if trial.kind in ("fault", "forced"):
        return ["-x"]
    if trial.name in SLOW_VARIANTS:
        os.environ["PROFILE"] = "live"
        return list(SLOW_ARGUMENTS)
    return ["--shuffle"] if trial.is_shuffled else []


@contextlib.contextmanager
def _into(path: Path) -> Iterator[None]:
    """Send what this process prints, and what its children print, into a file."""
    with path.open("w", encoding="utf-8") as file:
        kept = os.dup(1), os.dup(2)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)


def _table(outcomes: list[Outcome], catalogue: dict[str, faults.Fault]) -> Table:
    table = Table("fault", "caught by", "seconds", "requests", box=None, pad_edge=False)
    for outcome in sorted(
        outcomes,
        key=lambda outcome: (outcome.kind, list(catalogue).index(outcome.name) if outcome.name in catalogue else 0),
    ):
        if outcome.kind == "fault":
            caught = outcome.caught_by or f"SURVIVED: {catalogue[outcome.name].summary}"
            table.add_row(outcome.name, caught, f"{outcome.seconds:.1f}", str(outcome.requests))
    return table


def _conclude(outcomes: list[Outcome], console: Console) -> int:
    caught = [outcome for outcome in outcomes if outcome.kind == "fault" and outcome.is_right]
    planted = [outcome for outcome in outcomes if outcome.kind == "fault"]
    lawful = [outcome for outcome in outcomes if outcome.kind in ("clean", "variant")]
    wrong = [outcome for outcome in outcomes if not outcome.is_right]
    median = statistics.median(outcome.seconds for outcome in caught) if caught else 0
    console.print(
        f"{len(caught)} of {len(planted)} faults caught; median {median:.1f} s from the mock's start to the first red"
    )
    console.print(f"{sum(o.is_right for o in lawful)} of {len(lawful)} lawful runs green")
    for outcome in wrong:
        console.print(f"wrong: {outcome.kind} {outcome.name or 'clean'}, seed {outcome.seed}: {outcome.verdict}")
    return 1 if wrong else 0


def _write_reports(outcomes: list[Outcome], catalogue: dict[str, faults.Fault]) -> None:
    rows = []
    for outcome in outcomes:
        fault = catalogue.get(outcome.name)
        about = {"group": fault.group, "summary": fault.summary, "clause": fault.clause} if fault else {}
        rows.append({**asdict(outcome), **about, "is_right": outcome.is_right})
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "faults.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
