"""
Gathers what a run found: what was tried, what broke, what is known.

A pytest plugin. Results of xdist's workers come in through their reports and their last message.
"""

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from contract_tests.checks.findings import KNOWN
from contract_tests.checks.known_divergences import Divergence
from contract_tests.checks.observations import Drift, Observations
from contract_tests.foreign_text import shown
from contract_tests.generation.bodies import untried_of_body
from contract_tests.report.classification import Classification
from contract_tests.report.issues import Issue, IssueKey, gather
from contract_tests.report.not_run import NotRun
from contract_tests.report.run_record import Start, UntriedParts
from contract_tests.spec.contract import Contract
from contract_tests.spec.promises import PROMISES
from contract_tests.transport.created_resources import CreatedResources

if TYPE_CHECKING:
    from contract_tests.report.shards import ShardFile

# The order in which kinds are reported.
ORDER = ("looser", "broken")
# What each worker of xdist counts by itself, besides its requests and observations.
COUNTED = ("made", "removed", "left", "most_alive", "deselected", "collected")


@dataclass(frozen=True)
class FirstRed:
    """The test that turned a run red."""

    test: str
    moment: float
    """On the monotonic clock, in seconds."""


class Outcomes:
    """
    What the tests of a run came to. It lives with the *known* divergences; of a run that *is_whole*, one that does not
    occur is gone. The verdict names the target of the *start*.
    """

    def __init__(
        self,
        contract: Contract,
        known: tuple[Divergence, ...] = (),
        *,
        is_whole: bool = False,
        start: Start | None = None,
    ) -> None:
        self.contract = contract
        self.known = known
        self.start = start or Start.now("", None)
        self.is_whole = is_whole
        self.issues: dict[IssueKey, Issue] = {}
        self.met: dict[int, dict[IssueKey, Issue]] = {}
        """What was found of each known divergence, by the number of its entry."""
        self.observations = Observations()
        self.tests: dict[str, str] = {}
        """What each test came to: passed, violated, inconclusive, skipped or errors."""
        self.skipped: dict[str, str] = {}
        """Why a test found nothing to try once it was begun."""
        self.inconclusive: list[str] = []
        self.first_red: FirstRed | None = None
        self.requests: Counter[str] = Counter()
        self.counted = 0
        """How many requests all processes of the run have sent together, also those that were broken off."""
        self.silent_workers = 0
        """How many workers of xdist have begun, and have not said what they have done."""
        self.uncollected: list[str] = []
        """The files that could not be collected."""
        self.made = 0
        self.removed = 0
        self.left: list[str] = []
        self.most_alive = 0
        self.not_run = NotRun()
        self.deselected = 0
        self.collected: list[str] = []
        """The tests that the contract gives, also those that a small budget leaves out."""
        self.is_interrupted = False
        self.shard: ShardFile | None = None
        """The file of what was found, where other machines run the other tests."""
        self.unwritten: dict[str, OSError] = {}
        """Why a report could not be written, by its name."""

    @cached_property
    def untried(self) -> UntriedParts:
        """The parts of the contract that the run says nothing about."""
        return untried_parts(self.contract)

    @property
    def not_tried(self) -> list[str]:
        """The tests that the run has left out because it ended early, or because the account does not allow them."""
        return [short_name(test) for test in (*self.not_run.not_tried, *self.not_run.forbidden)]

    @property
    def sent(self) -> int:
        """How many requests the run has sent."""
        return max(self.counted, self.requests.total())

    def came_to(self, what: str) -> int:
        """Count the tests that came to passed, which they do with what is known too, errors or another end."""
        return sum(came == what for came in self.tests.values())

    def note_end(self, created: CreatedResources, observations: Observations, *, left: list[str]) -> None:
        """Take over what a finished run has counted."""
        self.requests += created.requests
        self.made += len(created.made)
        self.most_alive += created.most_alive
        self.removed += len(created.removed & set(created.made))
        self.left += [shown(sentence) for sentence in left]
        self.observations.merge(observations.as_json())

    def pytest_configure(self, config: pytest.Config) -> None:
        """Let every `require` know what the run lives with."""
        handed = getattr(config, "workerinput", {}).get("outcomes", [])
        self.known = self.known or tuple(Divergence(**entry) for entry in handed)
        KNOWN.entries = self.known
        config.pluginmanager.register(Classification(self.contract, self.known), "classification")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker what the run lives with."""
        node.workerinput["outcomes"] = [asdict(entry) for entry in self.known]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be collected."""
        if report.failed:
            self.uncollected.append(report.nodeid or "the tests")

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Count the tests that the run leaves out."""
        self.deselected += len(items)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count what one test came to."""
        test = short_name(report.nodeid)
        for data in getattr(report, "findings", ()):
            gather(self.issues, data, test)
        for number, data in getattr(report, "met", ()):
            gather(self.met.setdefault(number, {}), data, test)
        if hasattr(report, "inconclusive"):
            self.inconclusive.append(f"{test}: {report.inconclusive}")
        self._count(test, report)
        if report.failed and self.first_red is None:
            self.first_red = FirstRed(test, time.monotonic())

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Note whether the tests came to their end; send what an xdist worker has counted to the process that reports."""
        self.is_interrupted = bool(session.shouldstop or session.shouldfail)
        worker = getattr(session.config, "workeroutput", None)
        if worker is not None:
            worker["outcomes"] = self.counts()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """Expect an xdist worker to say what it has counted."""
        self.silent_workers += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what an xdist worker has counted."""
        counts = getattr(node, "workeroutput", {}).get("outcomes")
        if counts is None:
            return
        self.silent_workers -= 1
        self.join(counts)

    def counts(self) -> dict[str, Any]:
        """Return what this process has counted by itself."""
        counted = {name: getattr(self, name) for name in COUNTED} | {"requests": dict(self.requests)}
        # As no other text an observation may hold half a surrogate, which does not go from process to process.
        return {**counted, "observations": json.dumps(self.observations.as_json())}

    def join(self, counts: dict[str, Any]) -> None:
        """Take over what another process has counted."""
        self.requests += Counter(counts["requests"])
        self.observations.merge(json.loads(counts["observations"]))
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + counts[name])

    def violations(self) -> list[Issue]:
        """List what the API breaks, what is known left out; looser first, as it is the contract that may be behind."""
        return sorted(self.issues.values(), key=lambda issue: ORDER.index(issue.kind))

    def drifts(self) -> list[tuple[Drift, Divergence | None]]:
        """List what goes beyond the contract, each with the entry that covers it where it is known."""
        return [
            (drift, next((entry for entry in self.known if entry.covers("drift", drift.where, drift.headline)), None))
            for drift in self.observations.drifts.values()
        ]

    def unmet(self) -> list[Divergence]:
        """List the known divergences that did not occur."""
        met = {*self.met, *(entry.number for _, entry in self.drifts() if entry)}
        return [entry for entry in self.known if entry.number not in met]

    def stale(self) -> list[Divergence]:
        """List the known divergences that a run which tried everything did not meet: they are gone."""
        # A test that ends at a new violation may end before it meets an old one.
        is_cut = self.is_interrupted or self.shard or self.deselected or self.inconclusive or self.not_tried
        if is_cut or self.issues or self.came_to("errors") or not self.is_whole:
            return []
        return [entry for entry in self.unmet() if not entry.documented]

    def _count(self, test: str, report: Any) -> None:
        if hasattr(report, "forbidden"):
            return  # counted as not run
        if getattr(report, "findings", ()):
            self.tests[test] = "violated"
        elif hasattr(report, "inconclusive"):
            self.tests.setdefault(test, "inconclusive")
        elif report.failed:
            self.tests[test] = "errors"
        elif report.skipped and not hasattr(report, "wasxfail"):
            self.tests.setdefault(test, "skipped")
            if isinstance(report.longrepr, tuple):
                self.skipped[test] = str(report.longrepr[2]).removeprefix("Skipped: ")
        elif report.when == "call":
            self.tests.setdefault(test, "passed")


def short_name(nodeid: str) -> str:
    """Return a test's id without the folders that its file is in; what stands in brackets may hold slashes too."""
    file, _, name = nodeid.partition("::")
    return f"{file.rpartition('/')[2]}::{name}"


def untried_parts(contract: Contract) -> UntriedParts:
    """List the parts of a contract that no run of the suite tries, each clause with the reason."""
    roles = [role for role in ("create", "update") if contract.has(role)]
    found = [*contract.untried, *(each for role in roles for each in untried_of_body(contract, role))]
    return UntriedParts(
        promises=tuple(sorted(PROMISES - contract.promises.keys())),
        clauses=tuple({each.pointer: each for each in found}.values()),
        operations=contract.resource.missing,
    )
