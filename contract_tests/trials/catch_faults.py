"""
The suite on trial: run it once per planted fault, and each run must turn red.

    contract-tests faults

First the clean mock, which must be green, and one that always fails, which must be red: a suite that cannot tell these
apart would pass the rest by luck. Then each fault. Then false alarms: lawful variants of the mock, and the clean mock
with other seeds and in another order, each of which must stay green.
A fault is tried first with the test that caught it before: caught_by.yaml names it, and FRESH=1 leaves each test in its
place and, for the whole catalogue, writes the file anew.
PEER=schemathesis lets `schemathesis run` try the same faults. DRY_RUN=1 counts the runs and starts none.
"""

import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from contract_tests.errors import Refused
from contract_tests.report.folder import Reports
from contract_tests.report.pages import report_faults
from contract_tests.report.records import read_all
from contract_tests.report.run_record import TrialRun
from contract_tests.runner.configuration import OWN_CONTRACT, Configuration
from contract_tests.spec.contract import Contract
from contract_tests.trials import faults
from contract_tests.trials.baseline import CAUGHT, WITH_HOOKS, BaselineOutcome, try_faults
from contract_tests.trials.fork_server import Outcome, Trial, run_trials

# False alarms are looked for with the first seed, in every way; with the others in the clean mock alone.
FIRST_SEED = 1

# Beside the seed of the trial itself; the last of them also in another order.
FURTHER_SEEDS = 2

# The suite does not catch each fault of these yet, so they are tried only where they are named.
BY_NAME_ONLY = ("company",)
# Lawful variants that a mock has at the same time. Each group is a whole run, and what is lawful one by one is lawful
# together; where a group turns red, its members are tried one by one.
TOGETHER = 12
SLOW_VARIANTS = frozenset({"slow_answers", "in_use_after_a_write"})

# One more than there are cores: lists are waited for, and times to pass.
AT_ONCE = (os.cpu_count() or 1) + 1

# The share of the faults that a run with a small budget has to catch.
SHARE_WITHIN_A_BUDGET = 0.8

# The test that caught each fault when the suite ran in its own order.
CAUGHT_BY = Path(__file__).with_name("caught_by.yaml")

# Columns of the table where the output goes to a file.
WIDTH = 180

Baseline = dict[str, BaselineOutcome]


def faults_command(configuration: Configuration, arguments: list[str]) -> int:
    """Put the suite on trial; return 0 when every fault was caught and nothing lawful was called one, 1 otherwise."""
    console = Console(highlight=False, width=WIDTH if not sys.stdout.isatty() else None)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    contract = configuration.load_contract()
    catalogue = faults.catalogue(contract)
    wanted, budget = configuration.fault, configuration.budget
    if wanted == faults.ALWAYS_FAILS:
        raise Refused(f"FAULT: {wanted} is tried beside every fault; name one of the catalogue")
    if unknown := set(arguments) - set(faults.GROUPS):
        named = ", ".join(sorted(unknown))
        raise Refused(f"no group of faults is called {named}; there are {', '.join(faults.GROUPS)}")
    tried = arguments or [group for group in faults.GROUPS if group not in BY_NAME_ONLY]
    some = [name for name, fault in catalogue.items() if fault.group in tried]
    names = [wanted] if wanted else some[:: round(1 / configuration.share)]
    first = FIRST_SEED if configuration.seed is None else configuration.seed
    groups = None if wanted or arguments else grouped(faults.variants(contract))
    trials = list(_trials(names, groups, range(first, first + configuration.seeds), budget))
    if not (configuration.is_fresh or budget):
        earlier = read_caught_by()
        trials = [replace(trial, first_test=earlier.get(trial.name, "")) for trial in trials]
    if configuration.is_dry_run:
        print(f"DRY_RUN=1: {len(trials)} runs, each against a mock of its own; nothing was sent")
        return 0
    outcomes = list(_run_all(configuration, trials, console))
    outcomes += _run_all(configuration, _one_by_one(outcomes), console)
    baseline = _baseline(configuration, names, console) if configuration.peer else {}
    complaints = _write_report(configuration, started, outcomes, baseline)
    if configuration.is_fresh and not budget and contract.document.file == OWN_CONTRACT:
        write_caught_by(outcomes, catalogue)
    console.print(_table(outcomes, catalogue, baseline))
    if baseline:
        caught = sum(found.result == CAUGHT for found in baseline.values())
        alone = "alone" if configuration.peer != WITH_HOOKS else "with our hooks"
        console.print(f"schemathesis run {alone}: {caught} of {len(baseline)} caught")
    for complaint in complaints:
        console.print(complaint, markup=False, soft_wrap=True)
    return _conclude(outcomes, configuration, console)


def _trials(names: list[str], groups: list[tuple[str, ...]] | None, seeds: range, budget: int) -> Iterator[Trial]:
    """Yield what is run, with *groups* a whole run; what takes longest first, so that no core ends alone with it."""
    for seed in seeds:
        if not budget and (groups is not None or seed == seeds[0]):
            yield Trial("clean", seed=seed)
        yield Trial("forced", ("always_fails",), seed)
        if groups is not None and not budget and seed == FIRST_SEED:
            yield from (Trial("variant", group, seed, is_slow=bool(SLOW_VARIANTS & {*group})) for group in groups)
            for number in range(1, FURTHER_SEEDS + 1):
                yield Trial("clean", seed=1000 * seed + number, is_shuffled=number == FURTHER_SEEDS)
        yield from (Trial("fault", (name,), seed, budget=budget) for name in names)


def grouped(variants: dict[str, faults.Fault]) -> list[tuple[str, ...]]:
    """Put the lawful variants into groups whose members can be had at the same time."""
    groups: list[list[str]] = [[name] for name in variants if name in SLOW_VARIANTS]
    for name in [name for name in variants if name not in SLOW_VARIANTS]:
        fitting = (each for each in groups if len(each) < TOGETHER and not _refuse(variants, each, name))
        group = next(fitting, [])
        if not group:
            groups.append(group)
        group.append(name)
    return [tuple(group) for group in groups]


def _refuse(variants: dict[str, faults.Fault], group: list[str], name: str) -> bool:
    apart = {*SLOW_VARIANTS, *variants[name].never_with}
    return any(other in apart or name in variants[other].never_with for other in group)


def read_caught_by() -> dict[str, str]:
    """Return the test that caught each fault before."""
    return {name: test for test, names in yaml.safe_load(CAUGHT_BY.read_text("utf-8")).items() for name in names}


def write_caught_by(outcomes: list[Outcome], catalogue: Collection[str]) -> None:
    """Keep the test that caught each fault first; of the faults of the catalogue that were not tried, what was kept before."""
    tests = {name: test for name, test in read_caught_by().items() if name in catalogue}
    tests |= {outcome.trial.name: outcome.caught_by for outcome in outcomes if outcome.trial.kind == "fault"}
    found: dict[str, list[str]] = {}
    for test, name in sorted((test, name) for name, test in tests.items() if test):
        found.setdefault(test, []).append(name)
    CAUGHT_BY.write_text(yaml.safe_dump(found, width=118, default_flow_style=None, allow_unicode=True), "utf-8")


def _one_by_one(outcomes: list[Outcome]) -> list[Trial]:
    """List the trials that say which member of a group of variants was called a fault."""
    wrong = [outcome.trial for outcome in outcomes if len(outcome.trial.names) > 1 and not outcome.is_right]
    return [Trial("variant", (name,), trial.seed) for trial in wrong for name in trial.names]


def _run_all(configuration: Configuration, trials: list[Trial], console: Console) -> Iterator[Outcome]:
    """Run the trials, some at a time, and show how far they are."""
    if not trials:
        return
    started = time.monotonic()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("trials", total=len(trials))
        for count, outcome in enumerate(run_trials(configuration, trials, AT_ONCE), 1):
            progress.advance(task)
            mark = "right" if outcome.is_right else "WRONG"
            what = outcome.caught_by or outcome.verdict
            line = f"{count:>4}/{len(trials)} {mark} {outcome.trial.kind:<7} {outcome.trial.name}: {what}"
            if not outcome.is_right or not console.is_terminal:
                progress.console.print(line, markup=False)
            yield outcome
    console.print(f"{len(trials)} runs in {time.monotonic() - started:.0f} s")


def _baseline(configuration: Configuration, names: list[str], console: Console) -> Baseline:
    outcomes = {}
    for name, outcome in try_faults(configuration, names, seed=1):
        outcomes[name] = outcome
        console.print(f"{len(outcomes):>4}/{len(names)} {outcome.result:<7} {name}: {outcome.by}", markup=False)
    return outcomes


def _table(outcomes: list[Outcome], catalogue: dict[str, faults.Fault], baseline: Baseline) -> Table:
    """Show the faults in the order of the catalogue: one seed's outcome of each, a survivor's before any other."""
    table = Table("fault", "group", "caught by", "seconds", "requests", box=None, pad_edge=False)
    if baseline:
        table.add_column("schemathesis run")
    shown: dict[str, Outcome] = {}
    for outcome in outcomes:
        name = outcome.trial.name
        if outcome.trial.kind == "fault" and (name not in shown or not outcome.is_right):
            shown[name] = outcome
    for name, fault in catalogue.items():
        if outcome := shown.get(name):  # type: ignore[assignment]
            caught = outcome.caught_by if outcome.is_right else f"SURVIVED: {fault.summary}"
            beside = [baseline[name].result] if name in baseline else []
            caught = escape(caught)  # the id of a test may look like markup
            table.add_row(name, fault.group, caught, f"{outcome.seconds:.1f}", str(outcome.requests), *beside)
    return table


def _conclude(outcomes: list[Outcome], configuration: Configuration, console: Console) -> int:
    budget = configuration.budget
    planted = [outcome for outcome in outcomes if outcome.trial.kind == "fault"]
    caught = [outcome for outcome in planted if outcome.is_right]
    others = [outcome for outcome in outcomes if outcome.trial.kind != "fault"]
    seeds = len({outcome.trial.seed for outcome in planted})
    times = f" with each of {seeds} seeds" if seeds > 1 else ""
    within = f" within {budget} requests" if budget else ""
    number = len({outcome.trial.name for outcome in planted})
    console.print(f"{number} faults{times}: {len(caught)} of {len(planted)} caught{within}")
    if caught and (configuration.is_fresh or budget):
        seconds = statistics.median(outcome.seconds for outcome in caught)
        requests = statistics.median(outcome.requests for outcome in caught)
        console.print(f"median to the first red: {seconds:.2f} s after the mock is up, {requests:.0f} requests")
    elif caught:
        known = sum(outcome.caught_by == outcome.trial.first_test for outcome in caught)
        console.print(f"{known} by the test that caught it before, which was run first")
    kinds = Counter(outcome.trial.kind for outcome in others if outcome.is_right)
    variants = {name for outcome in others if outcome.trial.kind == "variant" for name in outcome.trial.names}
    console.print(
        f"{kinds['clean']} clean runs green; {len(variants)} lawful variants in {kinds['variant']} runs green; "
        f"{kinds['forced']} runs that had to fail red"
    )
    wrong = [outcome for outcome in outcomes if not outcome.is_right]
    for outcome in wrong:
        where = configuration.reports / outcome.trial.transcript
        line = f"wrong: {outcome.trial.kind} {outcome.trial.name}, seed {outcome.trial.seed}: {outcome.verdict} {where}"
        console.print(line, markup=False)
    if budget:
        enough = len(caught) >= SHARE_WITHIN_A_BUDGET * len(planted)
        return 0 if enough and all(outcome.is_right for outcome in others) else 1
    return 1 if wrong else 0


def _write_report(configuration: Configuration, started: str, outcomes: list[Outcome], baseline: Baseline) -> list[str]:
    run = {"target": "the mock, with planted faults", "started": started}
    contract = configuration.load_contract()
    rows = [_row(outcome, contract, baseline) | run for outcome in outcomes]
    reports = Reports(configuration.reports)
    report_faults(reports, read_all(TrialRun, rows))
    return reports.complaints()


def _row(outcome: Outcome, contract: Contract, baseline: Baseline) -> dict[str, Any]:
    trial, about = outcome.trial, {}
    if fault := faults.catalogue(contract).get(trial.name):
        about = {"group": fault.group, "summary": fault.summary, "clause": fault.clause}
    if trial.kind == "variant":
        about["summary"] = " ".join(faults.variants(contract)[name].summary for name in trial.names)
    if trial.kind == "fault" and (found := baseline.get(trial.name)):
        about |= {"baseline": found.result, "baseline_by": found.by}
    told = {name: getattr(outcome, name) for name in ("is_right", "caught_by", "requests", "verdict", "exit_code")}
    seconds = round(outcome.seconds, 3)
    return {"name": trial.name, "kind": trial.kind, "seed": trial.seed, "seconds": seconds, **told, **about}
