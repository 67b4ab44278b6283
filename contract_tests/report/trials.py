"""The rows of faults.json, read for a page: each fault over all its seeds, each lawful run, and how soon faults showed."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contract_tests.report.page import Tone
from contract_tests.report.stored import Row, as_rows
from contract_tests.report.wording import duration, whole

# Columns of the drawing of how soon faults are caught, and its height in pixels.
INTERVALS = 48
HEIGHT = 76

PEER_TONES: dict[str, Tone] = {"caught": "good", "missed": "none"}


@dataclass(frozen=True)
class Peer:
    """What another tool made of a fault."""

    word: str
    by: str

    @property
    def tone(self) -> Tone:
        """How it is marked."""
        return PEER_TONES.get(self.word, "doubt")


@dataclass(frozen=True)
class PlantedFault:
    """One fault over all the seeds that it was tried with."""

    name: str
    group: str
    summary: str
    clause: str
    runs: tuple[Row, ...]

    @property
    def is_caught(self) -> bool:
        """Whether every seed caught it."""
        return all(run.raw("is_right") is True for run in self.runs)

    @property
    def seeds(self) -> str:
        """How many of the seeds caught it."""
        return f"{sum(run.raw('is_right') is True for run in self.runs)} of {len(self.runs)}"

    @property
    def _tests(self) -> list[str]:
        return list(dict.fromkeys(run.text("caught_by") for run in self.runs if run.has("caught_by")))

    @property
    def caught_by(self) -> str:
        """The test that turned red first."""
        return next(iter(self._tests), "")

    @property
    def further_tests(self) -> int:
        """How many other tests did so with other seeds."""
        return max(len(self._tests) - 1, 0)

    @property
    def median_seconds(self) -> float | None:
        """From the mock's start to the first red."""
        seconds = [value for run in self.runs if (value := run.number("seconds")) is not None]
        return statistics.median(seconds) if seconds else None

    @property
    def seconds(self) -> str:
        """The same as a text."""
        return "" if self.median_seconds is None else f"{self.median_seconds:.1f}"

    @property
    def requests(self) -> str:
        """Requests until the first red."""
        return whole(statistics.median(run.count("requests") for run in self.runs))

    @property
    def peer(self) -> Peer | None:
        """What another tool made of it, where one was asked."""
        return next((_peer(run) for run in self.runs if run.raw("peer") is not None), None)


@dataclass(frozen=True)
class Group:
    """The faults of one subject."""

    name: str
    faults: tuple[PlantedFault, ...]

    @property
    def title(self) -> str:
        """Its name in words."""
        return self.name.replace("_", " ").capitalize()

    @property
    def share(self) -> str:
        """How many of its faults were caught."""
        return f"{sum(fault.is_caught for fault in self.faults)} of {len(self.faults)} caught"

    @property
    def is_caught(self) -> bool:
        """Whether all of them were."""
        return all(fault.is_caught for fault in self.faults)

    @property
    def median(self) -> str:
        """How soon they were caught."""
        seconds = [fault.median_seconds for fault in self.faults if fault.median_seconds is not None]
        return duration(statistics.median(seconds)) if seconds else ""


@dataclass(frozen=True)
class LawfulRun:
    """A run that must be green."""

    name: str
    summary: str
    word: str
    tone: Tone
    detail: str
    seed: str
    seconds: str
    requests: str


@dataclass(frozen=True)
class Bar:
    """One column of the drawing, in percent of its width and in pixels."""

    x: float
    width: float
    height: float


@dataclass(frozen=True)
class Trials:
    """All that the page shows below its head."""

    faults: tuple[PlantedFault, ...]
    lawful: tuple[LawfulRun, ...]

    @property
    def has_seeds(self) -> bool:
        """Whether some fault was tried with more than one seed."""
        return any(len(fault.runs) > 1 for fault in self.faults)

    @property
    def has_peer(self) -> bool:
        """Whether another tool was tried beside the suite."""
        return any(fault.peer for fault in self.faults)

    @property
    def groups(self) -> list[Group]:
        """The faults by group, in the order in which they came."""
        return _groups(self.faults)

    @property
    def survivors(self) -> list[Group]:
        """The faults that a seed did not catch."""
        return _groups(fault for fault in self.faults if not fault.is_caught)

    @property
    def alarms(self) -> list[LawfulRun]:
        """The lawful runs that turned red."""
        return [run for run in self.lawful if run.tone != "good"]

    @property
    def seconds(self) -> list[float]:
        """How soon each caught fault was caught, ascending."""
        found = [fault.median_seconds for fault in self.faults if fault.is_caught]
        return sorted(value for value in found if value is not None)

    @property
    def median(self) -> str:
        """The median of them."""
        return duration(statistics.median(self.seconds)) if self.seconds else ""

    @property
    def slowest(self) -> str:
        """The greatest of them."""
        return duration(self.seconds[-1]) if self.seconds else ""

    @property
    def median_x(self) -> float:
        """Where the median stands, in percent."""
        return round(100 * statistics.median(self.seconds) / self.seconds[-1], 2)

    @property
    def bars(self) -> list[Bar]:
        """How many faults were caught in each interval; empty where there are too few to draw."""
        if len(self.seconds) < 2 or self.seconds[-1] <= 0:
            return []
        counts = [0] * INTERVALS
        for value in self.seconds:
            counts[min(int(value / self.seconds[-1] * INTERVALS), INTERVALS - 1)] += 1
        width = 100 / INTERVALS
        scale = HEIGHT / max(counts)
        return [
            Bar(round(index * width + 0.1, 3), round(width - 0.2, 3), round(max(count * scale, 2), 1))
            for index, count in enumerate(counts)
            if count
        ]

    @property
    def bars_text(self) -> str:
        """What the drawing shows, in words."""
        if not self.seconds:
            return ""
        tenth = self.seconds[int(0.9 * (len(self.seconds) - 1))]
        return f"Half of the faults within {self.median}, nine in ten within {duration(tenth)}, the last after {self.slowest}."


def read_trials(rows: Any) -> Trials:
    """Sort the runs of a trial into faults and lawful runs; what is neither, such as a forced failure, is left out."""
    by_name: dict[str, list[Row]] = defaultdict(list)
    read = as_rows(rows)
    for row in read:
        if row.raw("kind") == "fault":
            by_name[row.text("name")].append(row)
    faults = tuple(
        PlantedFault(name, runs[0].text("group"), runs[0].text("summary"), runs[0].text("clause"), tuple(runs))
        for name, runs in sorted(by_name.items(), key=lambda item: (item[1][0].text("group"), item[0]))
    )
    lawful = [_lawful(row) for row in read if row.raw("kind") in ("clean", "variant")]
    return Trials(faults, tuple(sorted(lawful, key=lambda run: (run.tone == "good", run.name == "clean", run.name))))


def _groups(faults: Iterable[PlantedFault]) -> list[Group]:
    by_group: dict[str, list[PlantedFault]] = defaultdict(list)
    for fault in faults:
        by_group[fault.group or "faults"].append(fault)
    return [Group(name, tuple(members)) for name, members in by_group.items()]


def _lawful(row: Row) -> LawfulRun:
    is_green = row.raw("is_right") is True
    return LawfulRun(
        row.text("name") or "clean",
        row.text("summary"),
        "Green" if is_green else "Called faulty",
        "good" if is_green else "bad",
        "" if is_green else row.text("caught_by") or row.text("verdict"),
        row.text("seed"),
        "" if row.number("seconds") is None else f"{row.number('seconds'):.1f}",
        whole(row.count("requests")),
    )


def _peer(run: Row) -> Peer:
    raw = run.raw("peer")
    if isinstance(raw, bool):
        return Peer("caught" if raw else "missed", run.text("peer_by"))
    if isinstance(raw, dict):
        return Peer(run.row("peer").text("peer") or run.row("peer").text("verdict"), run.row("peer").text("by"))
    return Peer(run.text("peer"), run.text("peer_by"))
