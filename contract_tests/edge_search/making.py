"""Makes a map: goes on with one that was broken off, writes each row down at once, and sums it up."""

from __future__ import annotations

import hashlib
import secrets
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from rich.console import Console

from contract_tests import item_lock, plan
from contract_tests.configuration import Configuration
from contract_tests.contract import CONTRACT_FILE, Contract, load_contract
from contract_tests.edge_search import text
from contract_tests.edge_search.map_file import MapFile, State, Subject
from contract_tests.edge_search.progress import shown
from contract_tests.edge_search.row import Row
from contract_tests.edge_search.session import Session, clean_mock, opened_session
from contract_tests.edge_search.survey import NOT_TRIED, Survey, Task, tasks
from contract_tests.edge_search.wish import Wish
from contract_tests.errors import Inconclusive, Refused
from contract_tests.foreign_text import LONGEST_LINE
from contract_tests.foreign_text import shown as seen
from contract_tests.interruption import ENDING
from contract_tests.report.folder import Reports
from contract_tests.report.pages import report_map
from contract_tests.report.repeating import ADVICE, making_line, needs_item

# Code points of the longest text, where no limit is declared: on this machine, and over a network.
LONGEST_HERE = 1_048_576
LONGEST_AWAY = 65_536
MAP = "boundaries.json"
INCONCLUSIVE = 2


@dataclass(frozen=True)
class Work:
    """What there is to do."""

    contract: Contract
    settings: Configuration
    """What is asked of every command."""
    wish: Wish
    todo: list[Task]
    known: dict[str, Row]
    """The rows that a run before has made."""
    kept: MapFile
    reports: Reports

    def say(self, console: Console, line: str) -> None:
        """Print a line as it is."""
        console.print(seen(line, LONGEST_LINE), soft_wrap=True, markup=False, highlight=False)


def make_map(console: Console, wish: Wish, settings: Configuration) -> int:
    """
    Make a map.

    Args:
        console: Where it is printed.
        wish: What is asked of the map.
        settings: What is asked of every command.

    Returns:
        The exit code.

    Raises:
        Refused: The map cannot begin.
        Inconclusive: Nothing answers.
    """
    # Before the plan is rehearsed, too: a second run that borrows the same persona is to end at once.
    lent_id = None if settings.is_dry_run else settings.lent_id
    with item_lock.held(settings.journal_folder, settings.base_url, lent_id):
        return _make_map(console, wish, settings)


def _make_map(console: Console, wish: Wish, settings: Configuration) -> int:
    contract = load_contract()
    kept = MapFile(wish.folder / MAP)
    digest = hashlib.sha256(CONTRACT_FILE.read_bytes()).hexdigest()
    subject = Subject(settings.target, digest, wish.scope)
    state, known = (None if wish.is_fresh else kept.begun(subject)) or (begun(subject), {})
    state = replace(state, seed=state.seed if settings.seed is None else settings.seed, repeating=making_line(contract))
    work = Work(contract, settings, wish, chosen(contract, wish), known, kept, Reports(wish.folder))
    work.say(console, f"under test: {subject.target}   seed: {state.seed}   {len(work.todo)} limits")
    if known:
        since = f"goes on with the map that was begun at {state.started}"
        work.say(console, f"{since}: {len(known)} limits kept; FRESH=1 begins anew")
    if settings.is_dry_run or settings.is_live:
        show_plan(work)
    if settings.is_dry_run:
        work.say(console, "DRY_RUN=1: this is the plan; nothing was sent")
        return 0
    rows: list[Row] = []
    with opened_session(contract, settings, state.seed, lambda line: work.say(console, line)) as session:
        state = search(console, work, session, state, rows)
        counted = session.requests
    state = with_cleaning(state, rows, session.requests - counted)
    keep(work, rows, state)
    if session.problem and state.exit_code == 0:
        state = replace(state, verdict=f"verdict: inconclusive. {session.problem}.", exit_code=INCONCLUSIVE)
    return finish(console, work, rows, state)


def search(console: Console, work: Work, session: Session, state: State, rows: list[Row]) -> State:
    """
    Make all rows, and write each down at once.

    Args:
        console: Where the progress is shown.
        work: What there is to do.
        session: The run that the rows are made with.
        state: How far the map has come.
        rows: Filled with the rows.

    Returns:
        How far it has come now.
    """
    started = time.monotonic()
    is_interrupted = False
    try:
        with ExitStack() as stack:
            survey = Survey(session.run, longest(work, session), stack)
            for row in shown(console, session, survey, work.todo, work.known):
                rows.append(row)
                keep(work, rows, advanced(state, session, started))
    except KeyboardInterrupt:
        is_interrupted = True
    except Inconclusive:
        is_interrupted = ENDING.is_asked  # and the clean-up of a probe got no answer
        if not is_interrupted:
            raise
    is_finished = not is_interrupted and not any((row.problem or "").startswith(NOT_TRIED) for row in rows)
    state = replace(advanced(state, session, started), finished=is_finished)
    line, code = text.verdict(rows, state.requests)
    if is_interrupted:
        line = f"verdict: inconclusive. Interrupted after {len(rows)} limits; the same command goes on from there."
    state = replace(state, verdict=line, exit_code=INCONCLUSIVE if is_interrupted else code)
    keep(work, rows, state)
    return state


def with_cleaning(state: State, rows: list[Row], requests: int) -> State:
    """Return a state that counts what the removal at the end has sent too, in its last line as well."""
    state = replace(state, requests=state.requests + requests)
    is_over = state.finished or "Interrupted" not in state.verdict
    return replace(state, verdict=text.verdict(rows, state.requests)[0]) if is_over else state


def keep(work: Work, rows: list[Row], state: State) -> None:
    """Write down what is known; a folder that takes nothing costs the map only its being continued."""
    with work.reports.attempt(MAP):
        work.kept.write(rows, state)


def finish(console: Console, work: Work, rows: list[Row], state: State) -> int:
    """Print the map, write its page, and say what it comes to."""
    text.print_map(console, rows)
    if needs_item(row.curl_accepted or row.curl_rejected or "" for row in rows if row.is_finding):
        work.say(console, ADVICE)
        work.say(console, f"  {state.repeating}")
    report_map(work.reports, [row.as_json() | state.label for row in rows], asdict(state))
    complaints = work.reports.complaints()
    for line in complaints or [f"map: {work.kept.path.with_suffix('.html')}, {work.kept.path.name}"]:
        work.say(console, line)
    work.say(console, state.verdict)
    return state.exit_code


def chosen(contract: Contract, wish: Wish) -> list[Task]:
    """
    List the rows to make.

    Raises:
        Refused: No field or operation has the name that was asked for.
    """
    found = tasks(contract)
    for what, asked, names in (
        ("operation", wish.operation, [task.tried.operation for task in found]),
        ("field", wish.field, [task.tried.name for task in found]),
    ):
        if asked is not None and asked not in names:
            raise Refused(f"no {what} is called {asked}; there are {', '.join(dict.fromkeys(names))}")
    return [
        task
        for task in found
        if wish.field in (None, task.tried.name) and wish.operation in (None, task.tried.operation)
    ]


def show_plan(work: Work) -> None:
    """Make the same map of a mock, in silence, and print what it took."""
    mock = clean_mock(work.settings)
    with opened_session(work.contract, mock, 0, lambda _line: None) as session, ExitStack() as stack:
        survey = Survey(session.run, longest(work, session), stack)
        for task in work.todo:
            if task.key not in work.known:
                survey.row(task)
    ledger = session.run.api.ledger
    rehearsal = plan.Rehearsal(ledger.requests, len(ledger.made), ledger.most_alive, 0, "")
    plan.show_counts(work.settings, rehearsal)
    budget = work.settings.max_requests if work.settings.is_live else 0
    if 0 < budget < session.requests:
        print("  the budget ends before the map does; the same command goes on from there")


def longest(work: Work, session: Session) -> int:
    """Return how many code points of a text are tried at most where no limit is declared."""
    is_here = session.run.api.target.is_loopback and (
        not work.settings.is_live or not work.settings.requests_per_second
    )
    return work.wish.longest or (LONGEST_HERE if is_here else LONGEST_AWAY)


def begun(subject: Subject) -> State:
    """Return the state of a map that is about to begin."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return State(subject.target, subject.contract, subject.scope, secrets.randbelow(2**32), now)


def advanced(state: State, session: Session, started: float) -> State:
    """Return a state with what this run has added to it."""
    seconds = round(state.seconds + time.monotonic() - started, 2)
    return replace(state, seconds=seconds, requests=state.requests + session.requests)
