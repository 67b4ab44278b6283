"""Makes a map: goes on with one that was broken off, writes each result down at once, and sums it up."""

import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, RenderableColumn, TextColumn, TimeElapsedColumn

from contract_tests.boundary_map import text
from contract_tests.boundary_map.limit_result import LimitResult, MapRun
from contract_tests.boundary_map.survey import NOT_TRIED, Survey, Task, tasks
from contract_tests.errors import INCONCLUSIVE, Inconclusive, Refused
from contract_tests.foreign_text import LONGEST_LINE, shown
from contract_tests.report.folder import Reports
from contract_tests.report.pages import report_map
from contract_tests.report.repeating import ADVICE, making_line, needs_item
from contract_tests.runner import item_lock, plan
from contract_tests.runner.boundaries.map_file import MapFile
from contract_tests.runner.boundaries.session import Session, opened_session
from contract_tests.runner.configuration import Configuration
from contract_tests.transport.interruption import ENDING

# Code points of the longest text, where no limit is declared: on this machine, and over a network.
LONGEST_HERE = 1_048_576
LONGEST_AWAY = 65_536
MAP = "boundaries.json"


def make_map(console: Console, settings: Configuration) -> int:
    """Make a map, print it, and return the exit code."""
    # Before the plan is rehearsed, too: a second run that borrows the same item is to end at once.
    borrowed_id = None if settings.is_dry_run else settings.borrowed_id
    with item_lock.held(settings.journal_folder, settings.base_url, borrowed_id):
        kept = MapFile(settings.reports / MAP)
        new = _begun(settings)
        state, known = (None if settings.is_fresh else kept.begun(new)) or (new, {})
        seed = state.seed if settings.seed is None else settings.seed
        state = replace(state, seed=seed, repeating=making_line(settings.load_contract()))
        todo = _chosen(settings)
        return _Making(console, settings, todo, known, kept, state, Reports(settings.reports)).make()


@dataclass
class _Making:
    """A map that is being made."""

    console: Console
    settings: Configuration
    todo: list[Task]
    known: dict[str, LimitResult]
    """The results that a run before has made."""
    kept: MapFile
    state: MapRun
    """How far the map has come."""
    reports: Reports
    results: list[LimitResult] = field(default_factory=list)

    def make(self) -> int:
        self.say(f"under test: {self.state.target}   seed: {self.state.seed}   {len(self.todo)} limits")
        if self.known:
            since = f"goes on with the map that was begun at {self.state.started}"
            self.say(f"{since}: {len(self.known)} limits kept; FRESH=1 begins anew")
        if self.settings.is_dry_run or self.settings.is_live:
            self.show_plan()
        if self.settings.is_dry_run:
            self.say("DRY_RUN=1: this is the plan; nothing was sent")
            return 0
        with opened_session(self.settings, self.state.seed or 0, self.say) as session:
            is_over = self.search(session)
            counted = session.requests
        # The removal at the end has sent some, too.
        self.state = replace(self.state, requests=self.state.requests + session.requests - counted)
        if is_over:
            self.state = replace(self.state, verdict=self.verdict()[0])
        self.keep()
        if session.problem and self.state.exit_code == 0:
            line = f"verdict: inconclusive. {session.problem}."
            self.state = replace(self.state, verdict=line, exit_code=INCONCLUSIVE)
        self.finish()
        return self.state.exit_code

    def say(self, line: str) -> None:
        self.console.print(shown(line, LONGEST_LINE), soft_wrap=True, markup=False, highlight=False)

    def show_plan(self) -> None:
        """Make the same map of a mock, in silence, and print what it took."""
        mock = replace(self.settings, base_url="", fault=None)
        with opened_session(mock, 0, lambda _line: None) as session, ExitStack() as stack:
            survey = Survey(session.run, self.longest(session), stack)
            for task in self.todo:
                if task.key not in self.known:
                    survey.result(task)
        created = session.run.api.created
        rehearsal = plan.Rehearsal(created.requests, len(created.made), created.most_alive, 0)
        plan.show_counts(self.settings, rehearsal)
        budget = self.settings.max_requests if self.settings.is_live else 0
        if 0 < budget < session.requests:
            print("  the budget ends before the map does; the same command goes on from there")

    def longest(self, session: Session) -> int:
        """Return how many code points of a text are tried at most where no limit is declared."""
        is_paced = self.settings.is_live and self.settings.requests_per_second
        is_here = session.run.api.target.is_loopback and not is_paced
        return self.settings.longest or (LONGEST_HERE if is_here else LONGEST_AWAY)

    def search(self, session: Session) -> bool:
        """Make all results, and write each down at once; return whether it was left to come to its end."""
        before, started, is_interrupted = self.state, time.monotonic(), False

        def advance() -> None:
            seconds = round((before.seconds or 0) + time.monotonic() - started, 2)
            self.state = replace(before, seconds=seconds, requests=before.requests + session.requests)

        try:
            with ExitStack() as stack:
                survey = Survey(session.run, self.longest(session), stack)
                for result in self.watched(survey, session):
                    self.results.append(result)
                    advance()
                    self.keep()
        except KeyboardInterrupt:
            is_interrupted = True
        except Inconclusive:
            is_interrupted = ENDING.is_asked  # and the clean-up of a probe got no answer
            if not is_interrupted:
                raise
        advance()
        is_cut = is_interrupted or any((result.problem or "").startswith(NOT_TRIED) for result in self.results)
        line, code = self.verdict()
        if is_interrupted:
            said = f"Interrupted after {len(self.results)} limits; the same command goes on from there."
            line, code = f"verdict: inconclusive. {said}", INCONCLUSIVE
        self.state = replace(self.state, finished=not is_cut, verdict=line, exit_code=code)
        self.keep()
        return not is_interrupted

    def watched(self, survey: Survey, session: Session) -> Iterator[LimitResult]:
        """Yield the results, with a bar on a terminal and a line for each elsewhere; those that are known as they are."""
        is_bar = self.console.is_terminal
        named, counted = TextColumn("{task.description}", markup=False), MofNCompleteColumn()
        columns = (named, BarColumn(bar_width=24), counted, RenderableColumn(session), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True, disable=not is_bar) as progress:
            bar = progress.add_task("", total=len(self.todo))
            for task in self.todo:
                progress.update(bar, description=task.key)
                result = self.known.get(task.key) or survey.result(task)
                yield result
                progress.advance(bar)
                if not is_bar:
                    sent = f"{session.requests:>6,} requests so far"
                    sent = "kept from the map before" if task.key in self.known else sent
                    self.say(f"{task.key:<50} {result.verdict:<12} {sent}")

    def verdict(self) -> tuple[str, int]:
        return text.verdict(self.results, self.state.requests, self.settings.load_contract().name)

    def labelled(self) -> list[LimitResult]:
        """Return the results, each with what tells which run made it."""
        state = self.state
        return [replace(each, target=state.target, started=state.started, seed=state.seed) for each in self.results]

    def keep(self) -> None:
        """Write down what is known; a folder that takes nothing costs the map only its being continued."""
        with self.reports.attempt(MAP):
            self.kept.write(self.labelled(), self.state)

    def finish(self) -> None:
        """Print the map, write its page, and say what it comes to."""
        text.print_map(self.console, self.results)
        if needs_item(each.curl_accepted or each.curl_rejected or "" for each in self.results if each.is_finding):
            self.say(ADVICE)
            self.say(f"  {self.state.repeating}")
        report_map(self.reports, self.labelled(), self.state)
        page = self.kept.path.with_suffix(".html")
        for line in (*(self.reports.complaints() or [f"map: {page}, {self.kept.path.name}"]), self.state.verdict):
            self.say(line)


def _chosen(settings: Configuration) -> list[Task]:
    contract = settings.load_contract()
    found = tasks(contract)
    field_name, operation = settings.only_field, settings.only_operation
    if operation is not None and contract.has(operation):
        operation = contract.operation(operation).operation_id
    for what, asked, names in (
        ("operation", operation, [task.tried.operation for task in found]),
        ("field", field_name, [task.tried.name for task in found]),
    ):
        if asked is not None and asked not in names:
            raise Refused(f"no {what} is called {asked}; there are {', '.join(dict.fromkeys(names))}")
    return [t for t in found if field_name in (None, t.tried.name) and operation in (None, t.tried.operation)]


def _begun(settings: Configuration) -> MapRun:
    files = [settings.contract, *([settings.overlay] if settings.overlay else [])]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    longest = f"up to {settings.longest}" if settings.longest else None
    parts = (settings.resource, settings.only_operation, settings.only_field, longest)
    scope = " ".join(part for part in parts if part) or "everything"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return MapRun(settings.target, digest, scope, secrets.randbelow(2**32), now, seconds=0, finished=False)
