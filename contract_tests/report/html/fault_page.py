"""reports/faults.html: which planted fault was caught by which test, and what stayed green as it must."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from contract_tests.report.folder import Reports
from contract_tests.report.html.page import Page, Tone, labels, write_page
from contract_tests.report.run_record import TrialRun
from contract_tests.report.wording import counted, duration, whole

NAME = "faults.html"
# Columns of the drawing of how soon faults are caught, and its height in pixels.
INTERVALS = 48
HEIGHT = 76


@dataclass(frozen=True)
class PlantedFault:
    """One fault over all the seeds that it was tried with."""

    about: TrialRun
    """The first of its runs, which says what the fault is."""
    caught: int
    """How many seeds caught it."""
    seeds: int
    tests: list[str]
    """Those that turned red first, each once."""
    seconds: float | None
    """The median from the mock's start to the first red."""
    requests: float
    baseline: TrialRun | None
    """The run beside which another tool tried the fault, where one did."""

    @property
    def is_caught(self) -> bool:
        """Whether every seed caught it."""
        return self.caught == self.seeds


@dataclass(frozen=True)
class Trials:
    """All that the page shows below its head."""

    faults: list[PlantedFault]
    lawful: list[TrialRun]
    """The runs that must be green."""

    @property
    def alarms(self) -> list[TrialRun]:
        """The lawful runs that turned red."""
        return [run for run in self.lawful if not run.is_right]

    @property
    def seconds(self) -> list[float]:
        """How soon each caught fault was caught, ascending."""
        return sorted(fault.seconds for fault in self.faults if fault.is_caught and fault.seconds is not None)

    @property
    def median(self) -> str:
        """The median of them."""
        return duration(statistics.median(self.seconds)) if self.seconds else ""

    @property
    def bars(self) -> list[tuple[float, float, float]]:
        """Where the bar of each interval begins and how wide it is, in percent, and its height in pixels."""
        if len(self.seconds) < 2 or self.seconds[-1] <= 0:
            return []
        counts = [0] * INTERVALS
        for value in self.seconds:
            counts[min(int(value / self.seconds[-1] * INTERVALS), INTERVALS - 1)] += 1
        width, scale = 100 / INTERVALS, HEIGHT / max(counts)
        return [
            (round(index * width + 0.1, 3), round(width - 0.2, 3), round(max(count * scale, 2), 1))
            for index, count in enumerate(counts)
            if count
        ]

    @property
    def bars_text(self) -> str:
        """What the drawing shows, in words."""
        if not self.seconds:
            return ""
        tenth, slowest = (duration(v) for v in (self.seconds[int(0.9 * (len(self.seconds) - 1))], self.seconds[-1]))
        return f"Half of the faults within {self.median}, nine in ten within {tenth}, the last after {slowest}."


def write_faults(runs: Sequence[TrialRun], reports: Reports) -> None:
    """Write reports/faults.html of a trial, one entry for each run of the suite."""
    trials = read_trials(runs)
    words = [fault.baseline.baseline for fault in trials.faults if fault.baseline]
    facts = labels_of(runs) | {
        "Faults caught": f"{whole(sum(fault.is_caught for fault in trials.faults))} of {whole(len(trials.faults))}",
        "Lawful runs green": f"{len(trials.lawful) - len(trials.alarms)} of {len(trials.lawful)}",
        "Median to the first red": trials.median,
        "Caught by the baseline": f"{words.count('caught')} of {len(words)}" if words else "",
    }
    how = "The suite runs once against each mock with a planted fault; a run that stays green is a gap in the suite."
    tone, headline = summary(trials)
    write_page(reports, Page(NAME, headline, tone, how, facts), report=trials)


def labels_of(runs: Sequence[TrialRun]) -> dict[str, str]:
    """Say of which target a trial is, when it began and with which seeds."""
    first = runs[0] if runs else TrialRun()
    seeds = dict.fromkeys(str(run.seed) for run in runs if run.kind == "fault" and run.seed is not None)
    return labels(first.target, first.started, None) | {"Seed": ", ".join(seeds)}


def summary(trials: Trials) -> tuple[Tone, str]:
    """Say in a few words what a trial came to."""
    survived = sum(not fault.is_caught for fault in trials.faults)
    wrong = [f"{survived} of {counted(len(trials.faults), 'fault')} survived"] if survived else []
    wrong += [counted(len(trials.alarms), "false alarm")] if trials.alarms else []
    if wrong:
        return "bad", ", ".join(wrong)
    if not trials.faults:
        return "none", "No fault was tried"
    all_caught = f"All {len(trials.faults)} planted faults caught"
    return "good", all_caught if len(trials.faults) > 1 else "The planted fault was caught"


def read_trials(runs: Sequence[TrialRun]) -> Trials:
    """Sort the runs of a trial into faults and lawful runs; any other, such as a forced failure, is left out."""
    by_name: dict[str, list[TrialRun]] = defaultdict(list)
    for run in runs:
        if run.kind == "fault":
            by_name[run.name].append(run)
    faults = sorted(by_name.values(), key=lambda found: (found[0].group, found[0].name))
    lawful = [run for run in runs if run.kind in ("clean", "variant")]
    lawful.sort(key=lambda run: (run.is_right, run.kind == "clean", run.name))
    return Trials([_fault(found) for found in faults], lawful)


def _fault(runs: list[TrialRun]) -> PlantedFault:
    seconds = [run.seconds for run in runs if run.seconds is not None]
    return PlantedFault(
        about=runs[0], caught=sum(run.is_right for run in runs), seeds=len(runs),
        tests=list(dict.fromkeys(run.caught_by for run in runs if run.caught_by)),
        seconds=statistics.median(seconds) if seconds else None,
        requests=statistics.median(run.requests for run in runs),
        baseline=next((run for run in runs if run.baseline), None),
    )  # fmt: skip
