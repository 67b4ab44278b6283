"""
Mutation testing of the mock, with the contract suite as its judge: whatever is changed, some test must turn red.

    contract-tests mutants

The catalogue of faults tries what a person thought of; this tries every small change of the code that answers. A change
that survives is a hole in the suite, or breaks no promise: then it stands in equivalent_mutants.yaml with its reason.

Takes MINUTES, SHARE and SEED (a part of all mutants), MUTANT (one, by its id), FRESH=1 (forget earlier results) and
DRY_RUN=1 (count them and try none) from the environment. Exits with 0 when none survived, 1 otherwise, 2 when not all
were tried, 4 for wrong usage.
"""

import hashlib
import importlib.util
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from rich.table import Table

import contract_tests
from contract_tests.errors import HOLDS, INCONCLUSIVE, REFUSED, VIOLATED, Refused
from contract_tests.mock_api.process import MockStartError
from contract_tests.runner.configuration import Configuration
from contract_tests.trials.fork_server import TIME_IS_OVER, Outcome, Trial, run_trials
from contract_tests.trials.mutations import MODULES, Mutation, mutations
from contract_tests.trials.reached import Reached

PACKAGE = "contract_tests.mock_api"
EQUIVALENT_FILE = Path(__file__).with_name("equivalent_mutants.yaml")
REPORT = "mutants.json"
TRANSCRIPTS = "mutants"
KILLED = "killed"
NOT_STARTED = "did not start"
TIMED_OUT = "timed out"
UNCLEAR = "inconclusive"
SURVIVED = "survived"
EQUIVALENT = "equivalent"
UNREACHED = "not reached"
NOT_ALIVE = (KILLED, NOT_STARTED, TIMED_OUT)
OUTCOMES = (KILLED, NOT_STARTED, TIMED_OUT, UNCLEAR, SURVIVED, EQUIVALENT, UNREACHED)

# A mutant whose run takes so many times as long as the first, in which lines are noted, hangs, which nobody overlooks.
HANGS = 4
FIRST_SEED = 1
TOO_LATE = "no time was left to begin"

WIDTH = 180  # columns where the output goes to a file


@dataclass(frozen=True)
class MutantTrial(Trial):
    """One run of the suite against one mutant; against an unchanged copy where no mutation is given."""

    mutation: Mutation | None = None
    reached: Reached | None = None  # notes the lines that are run, of a mock without a mutation
    ends_at: float = float("inf")  # on the monotonic clock, in seconds: a trial that begins later is none

    @property
    def must_be_red(self) -> bool:
        """Whether the suite has something to find."""
        return self.mutation is not None

    @property
    def transcript(self) -> str:
        """The file that keeps what the run prints, in the folder of the reports."""
        return f"{TRANSCRIPTS}/{self.mutation.id if self.mutation else 'clean'}.txt"

    @contextmanager
    def mock(self, configuration: Configuration) -> Iterator[tuple[str, str]]:
        """Run the mutant."""
        if time.monotonic() > self.ends_at:
            raise MockStartError(TOO_LATE)
        changed = {self.mutation.module: self.mutation.source} if self.mutation else {}
        if self.reached:
            sys.settrace(self.reached.trace)
        with mutated_mock(changed, configuration.contract) as mock:
            sys.settrace(None)  # the mock, which was forked a moment ago, keeps it
            yield mock


@dataclass(frozen=True)
class Result:
    """What became of one mutant."""

    id: str
    outcome: str
    by: str  # the test that turned red, or what the mock said when it did not start
    seconds: float
    source: str  # a digest of the mutated module: a result holds as long as the module stays what it was
    suite: str  # a digest of the tests: a mutant that survived them is tried again when they change


@contextmanager
def mutated_mock(changed: Mapping[str, str], contract: Path) -> Iterator[tuple[str, str]]:
    """Run the mock with other sources of some modules, by name; yield its URL and key. MockStartError: it does not start."""
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if f"{name}.".startswith(f"{PACKAGE}.")}
    try:
        api = _loaded(changed, contract)
        with importlib.import_module(f"{PACKAGE}.wire.server").forked_mock(api) as url:
            yield url, api.api_key.decode()
    finally:
        sys.modules.update(kept)
        contract_tests.mock_api = kept[PACKAGE]  # type: ignore[attr-defined]  # what imports by itself had set


def _loaded(changed: Mapping[str, str], contract: Path) -> Any:
    try:
        for module, source in changed.items():
            spec: Any = importlib.util.find_spec(f"{PACKAGE}.{module.replace('/', '.')}")
            loaded = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
            exec(compile(source, spec.origin, "exec"), vars(loaded))
        return importlib.import_module(f"{PACKAGE}.__main__").build_api(contract)
    except pytest.exit.Exception:  # it hangs, and its time is over
        raise
    except (Exception, SystemExit) as error:
        raise MockStartError(f"the mock did not start: {type(error).__name__}: {error}") from None


def read_equivalents(file: Path = EQUIVALENT_FILE) -> dict[str, str]:
    """Read why each mutant that a person has looked at breaks no promise, by its id; Refused where it cannot be read."""
    try:
        groups = yaml.safe_load(file.read_text("utf-8"))
        return {each: group["reason"] for group in groups for ids in group["mutants"].values() for each in ids}
    except (OSError, ValueError, yaml.YAMLError, TypeError, LookupError, AttributeError) as error:
        said = " ".join(str(error).split())
        raise Refused(
            f"{file.name}: {said}; write groups of a reason and of mutants, which are ids by module"
        ) from None


def selected(known: list[Mutation], settings: Configuration) -> list[Mutation]:
    """Choose what to try, in an order that the seed decides: a run that is cut short has seen a bit of all."""
    if settings.mutant:
        chosen = [mutation for mutation in known if mutation.id.startswith(settings.mutant)]
        if not chosen:
            raise Refused(f"MUTANT={settings.mutant} is no id; reports/mutants.json has them")
        return chosen
    seed = FIRST_SEED if settings.seed is None else settings.seed
    places = {mutation: int(_digest(f"{seed} {mutation.id}"), 16) / 16**16 for mutation in known}
    return sorted((each for each in known if places[each] < settings.share), key=places.__getitem__)


def mutants(settings: Configuration, arguments: list[str]) -> int:
    """Try the mutants that are asked for, and return the exit code; an interrupted run keeps what it has found."""
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDTH)
    equivalents = read_equivalents()
    known = list(mutations())
    stale = equivalents.keys() - {mutation.id for mutation in known}
    wanted = selected(known, settings)
    suite, report = _suite_digest(settings.contract), settings.reports / REPORT
    results = {} if settings.is_fresh or settings.mutant else _earlier_results(report, known, suite)
    asked = [each for each in wanted if each.id not in results and (each.id not in equivalents or settings.mutant)]
    console.print(f"{len(known)} mutants, {len(wanted)} of them wanted, {len(asked)} to try")
    if settings.is_dry_run:
        console.print("DRY_RUN=1: nothing was tried")
        return HOLDS
    for result in _try_all(settings, asked, suite, console) if asked else ():
        results[result.id] = result
        _write_report(report, known, results, equivalents)
    _write_report(report, known, results, equivalents)
    found = {each.id: EQUIVALENT if each.id in equivalents else results[each.id].outcome for each in wanted
             if each.id in results or each.id in equivalents}  # fmt: skip
    _show(known, found, results, console)
    for each in sorted(stale, key=str):
        console.print(f"{EQUIVALENT_FILE.name}: no mutation is left of {each}; take the entry out or correct it")
    return _conclude(len(wanted), Counter(found.values()), len(stale), console)


def _try_all(settings: Configuration, asked: list[Mutation], suite: str, console: Console) -> Iterator[Result]:
    ends_at = float("inf") if settings.minutes is None else time.monotonic() + 60 * settings.minutes
    reached = Reached()
    [clean] = run_trials(settings, [MutantTrial("clean", reached=reached)], 1)
    _check_clean(clean)
    limit = math.ceil(HANGS * clean.seconds)
    trials: list[Trial] = []
    for each in asked:
        if reached.holds(each):
            trials.append(MutantTrial("mutant", mutation=each, limit_seconds=limit, ends_at=ends_at))
        else:
            yield Result(each.id, UNREACHED, "", 0, _digest(each.source), suite)
    begun = (each for each in run_trials(settings, trials, os.cpu_count() or 1) if each.verdict != TOO_LATE)
    for count, outcome in enumerate(begun, 1):
        mutation = outcome.trial.mutation  # type: ignore[attr-defined]  # every trial here is a MutantTrial
        result = _result(outcome, mutation, suite)
        told = f"{result.id} {result.outcome:<13} {mutation}  {result.by}"
        console.print(f"{count:>4}/{len(trials)} {told}", soft_wrap=True)
        yield result


def _check_clean(outcome: Outcome) -> None:
    """Refuse to go on where the suite says no to an unchanged copy: it would kill every mutant."""
    if outcome.exit_code != HOLDS:
        raise Refused(f"the suite is not green on the mock as it should be ({outcome.verdict}); run make contract")


def _result(outcome: Outcome, mutation: Mutation, suite: str) -> Result:
    what = {HOLDS: SURVIVED, VIOLATED: KILLED}.get(outcome.exit_code, UNCLEAR)
    if outcome.verdict == TIME_IS_OVER:
        what = TIMED_OUT
    elif outcome.exit_code == REFUSED and not outcome.requests:
        what = NOT_STARTED
    by = outcome.caught_by or ("" if what == SURVIVED else outcome.verdict.splitlines()[-1])
    return Result(mutation.id, what, by, round(outcome.seconds, 1), _digest(mutation.source), suite)


def _earlier_results(report: Path, known: list[Mutation], suite: str) -> dict[str, Result]:
    """Read the results that still hold: of a killed mutant until its module changes, of a survivor until the tests do."""
    try:
        rows = json.loads(report.read_text("utf-8"))["results"]
        read = [Result(**row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    sources = {mutation.id: _digest(mutation.source) for mutation in known}
    return {
        result.id: result
        for result in read
        if sources.get(result.id) == result.source and (result.suite == suite or result.outcome in NOT_ALIVE)
    }


def _write_report(file: Path, known: Iterable[Mutation], results: dict[str, Result], listed: Collection[str]) -> None:
    rows = []
    for mutation in known:
        row = {"id": mutation.id, **asdict(mutation), "outcome": EQUIVALENT if mutation.id in listed else "not tried"}
        del row["source"]
        if result := results.get(mutation.id):
            row |= {"outcome": result.outcome, "by": result.by}
        rows.append(row)
    file.parent.mkdir(parents=True, exist_ok=True)
    report = {"mutants": rows, "results": [asdict(result) for result in results.values()]}
    file.write_text(json.dumps(report, indent=1, ensure_ascii=False), "utf-8")


def _show(known: Iterable[Mutation], found: dict[str, str], results: dict[str, Result], console: Console) -> None:
    table = Table("module", *OUTCOMES, box=None, pad_edge=False)
    by_id = {mutation.id: mutation for mutation in known}
    counts = Counter((by_id[each].module, outcome) for each, outcome in found.items())
    for module in MODULES:
        table.add_row(module, *(str(counts[module, outcome]) for outcome in OUTCOMES))
    console.print(table)
    for each, outcome in found.items():
        if outcome == SURVIVED:
            console.print(f"survived {each}  {by_id[each].operator}  {by_id[each]}", soft_wrap=True)


def _conclude(wanted: int, counts: Counter[str], stale: int, console: Console) -> int:
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
    tried = f"{counts.total()} of {wanted} mutants: {told or 'none tried'}"
    if counts[SURVIVED] or stale:
        outdated = f"; {stale} entries of {EQUIVALENT_FILE.name} are outdated" if stale else ""
        console.print(f"verdict: violated. {tried}{outdated}.", soft_wrap=True)
        return VIOLATED
    if counts.total() < wanted:
        console.print(f"verdict: inconclusive. {tried}; run it again to go on.", soft_wrap=True)
        return INCONCLUSIVE
    console.print(f"verdict: holds. {tried}.", soft_wrap=True)
    return HOLDS


def _suite_digest(contract: Path) -> str:
    files = [contract, *sorted(Path(__file__).parents[1].joinpath("promises").rglob("test_*.py"))]
    return _digest("".join(file.read_text("utf-8") for file in files))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
