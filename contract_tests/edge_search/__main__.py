"""
The boundary map, as `make boundaries` makes it.

    python -m contract_tests.edge_search [--field NAME] [--operation NAME] [--fresh] [--compare OLD [NEW]] [--folder DIR]

Takes BASE_URL, COVAL_API_KEY, SEED, FAULT, FIELD, FRESH, COMPARE and LONGEST from the environment. The last line on
stdout is the verdict; the exit code is 0 every limit holds, 1 one does not, 2 inconclusive or interrupted, 4 refused.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import secrets
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from contract_tests.__main__ import INCONCLUSIVE, REFUSED, REPORTS, Refused, _whole_number
from contract_tests.contract import CONTRACT_FILE, Contract, ContractError, load_contract
from contract_tests.edge_search import comparison, text
from contract_tests.edge_search.map_file import MapError, MapFile, State, Subject, read_map
from contract_tests.edge_search.progress import shown
from contract_tests.edge_search.row import Row
from contract_tests.edge_search.session import opened_api, target_name
from contract_tests.edge_search.survey import NOT_TRIED, Survey, Task, tasks
from contract_tests.run import Run
from contract_tests.target import Api, Inconclusive, TargetError
from contract_tests.verdict import Judge

# Code points of the longest text, where no limit is declared: on this machine, and over a network.
LONGEST_HERE = 1_048_576
LONGEST_AWAY = 65_536
WIDTH_OF_A_FILE = 160
MOVED = 1
MAP = "boundaries.json"


@dataclass(frozen=True)
class Wish:
    """What the person asks for."""

    field: str | None
    operation: str | None
    fault: str | None
    is_fresh: bool
    seed: int | None
    longest: int | None
    compare: tuple[Path, ...]
    folder: Path
    """Where the map is kept."""

    @property
    def scope(self) -> str:
        """What the map is limited to."""
        longest = f"up to {self.longest}" if self.longest else None
        return " ".join(part for part in (self.operation, self.field, longest) if part) or "everything"


def main(arguments: list[str]) -> int:
    """
    Make a map, or compare two.

    Args:
        arguments: The command line.

    Returns:
        The exit code.
    """
    console = terminal()
    try:
        wish = read_wish(arguments)
        return compare(console, wish) if wish.compare else make_map(console, wish)
    except Inconclusive as error:
        console.print(f"verdict: inconclusive. {error}", soft_wrap=True, markup=False, highlight=False)
        return INCONCLUSIVE
    except (Refused, ContractError, TargetError, MapError) as error:
        console.print(f"verdict: refused. {error}", soft_wrap=True, markup=False, highlight=False)
        return REFUSED
    except KeyboardInterrupt:
        console.print("verdict: inconclusive. Interrupted before the map was begun.")
        return INCONCLUSIVE


def terminal() -> Console:
    """Return where the map is printed: as wide as the terminal, and wide enough where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_OF_A_FILE)


def read_wish(arguments: list[str]) -> Wish:
    """
    Read the command line and the environment.

    Raises:
        Refused: Something cannot be followed.
    """
    parser = argparse.ArgumentParser("python -m contract_tests.edge_search", exit_on_error=False)
    parser.add_argument("--field", default=os.environ.get("FIELD") or None)
    parser.add_argument("--operation", default=None)
    parser.add_argument("--fresh", action="store_true", default=os.environ.get("FRESH") == "1")
    parser.add_argument("--compare", nargs="+", type=Path, default=(os.environ.get("COMPARE") or "").split())
    parser.add_argument("--folder", type=Path, default=REPORTS)
    try:
        known, unknown = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise Refused(f"{error}; --help lists what can be said") from None
    if unknown or len(known.compare) > 2:
        raise Refused(f"{' '.join(unknown) or 'more than two maps'}: --help lists what can be said")
    return Wish(
        known.field, known.operation, os.environ.get("FAULT") or None, known.fresh,
        _whole_number("SEED", 0) if os.environ.get("SEED") else None,
        _whole_number("LONGEST", 0) or None,
        tuple(Path(path) for path in known.compare), known.folder,
    )  # fmt: skip


def compare(console: Console, wish: Wish) -> int:
    """Print what moved between two maps; the second is the last one made unless another is named."""
    old, new = (*wish.compare, wish.folder / MAP)[:2]
    found = comparison.moves(read_map(old), read_map(new))
    if not found:
        console.print(f"verdict: holds. Nothing moved from {old} to {new}.", soft_wrap=True)
        return 0
    console.print(comparison.table(found))
    count = len({move.row for move in found})
    console.print(f"verdict: violated. {count} limit{'s' * (count > 1)} moved from {old} to {new}.", soft_wrap=True)
    return MOVED


def make_map(console: Console, wish: Wish) -> int:
    """Make a map, or go on with one that was broken off."""
    contract = load_contract()
    todo = chosen(contract, wish)
    kept = MapFile(wish.folder / MAP)
    digest = hashlib.sha256(CONTRACT_FILE.read_bytes()).hexdigest()
    subject = Subject(target_name(wish.fault), digest, wish.scope)
    begun = None if wish.is_fresh else kept.begun(subject)
    state, known = begun or (new_state(subject, wish), {})
    if wish.seed is not None:
        state = replace(state, seed=wish.seed)
    console.print(f"under test: {subject.target}   seed: {state.seed}   {len(todo)} limits", soft_wrap=True)
    if known:
        console.print(
            f"goes on with the map that was begun at {state.started}: {len(known)} limits kept; FRESH=1 begins anew"
        )
    rows: list[Row] = []
    with opened_api(wish.fault) as api:
        state = search(console, Work(api, contract, kept, todo, known, wish.longest), state, rows)
    return finish(console, kept, rows, state)


@dataclass(frozen=True)
class Work:
    """What a search needs."""

    api: Api
    contract: Contract
    kept: MapFile
    todo: list[Task]
    known: dict[str, Row]
    longest: int | None


def search(console: Console, work: Work, state: State, rows: list[Row]) -> State:
    """
    Make all rows, writing each down at once, and remove every persona that this took.

    Args:
        console: Where the progress is shown.
        work: What is searched, and where it is kept.
        state: How far the map has come.
        rows: Filled with the rows.

    Returns:
        How far it has come now.
    """
    api, started = work.api, time.monotonic()
    longest = work.longest or (LONGEST_HERE if api.target.is_loopback else LONGEST_AWAY)
    is_interrupted = False
    try:
        with ExitStack() as stack:
            run = Run(api, Judge(work.contract, (api.target.api_key,)), state.seed)
            survey = Survey(run, longest, stack)
            for row in shown(console, api.ledger, survey, work.todo, work.known):
                rows.append(row)
                work.kept.write(rows, timed(state, api, started))
    except KeyboardInterrupt:
        is_interrupted = True
    finally:
        left = api.remove_all()
        if left:
            console.print(f"could not be removed: {', '.join(left)}")
    is_finished = not is_interrupted and not any((row.problem or "").startswith(NOT_TRIED) for row in rows)
    state = replace(timed(state, api, started), finished=is_finished)
    line, code = text.verdict(rows, state.requests)
    if is_interrupted:
        line = f"verdict: inconclusive. Interrupted after {len(rows)} limits; the same command goes on from there."
    state = replace(state, verdict=line, exit_code=INCONCLUSIVE if is_interrupted else code)
    work.kept.write(rows, state)
    return state


def finish(console: Console, kept: MapFile, rows: list[Row], state: State) -> int:
    """Print the map, write its page, and say what it comes to."""
    text.print_map(console, rows)
    if page := written_page(rows, kept.path.parent):
        console.print(f"map: {kept.path}   page: {page}", soft_wrap=True)
    else:
        console.print(f"map: {kept.path}", soft_wrap=True)
    console.print(state.verdict, soft_wrap=True, markup=False)
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
        task for task in found
        if wish.field in (None, task.tried.name) and wish.operation in (None, task.tried.operation)
    ]  # fmt: skip


def new_state(subject: Subject, wish: Wish) -> State:
    """Return the state of a map that is about to begin."""
    seed = secrets.randbelow(2**32) if wish.seed is None else wish.seed
    return State(subject.target, subject.contract, subject.scope, seed, datetime.now(UTC).isoformat(timespec="seconds"))


def timed(state: State, api: Api, started: float) -> State:
    """Return a state with what this run has added to it."""
    seconds = round(state.seconds + time.monotonic() - started, 2)
    return replace(state, seconds=seconds, requests=state.requests + sum(api.ledger.requests.values()))


def written_page(rows: list[Row], folder: Path) -> Path | None:
    """Write boundaries.html, where there is something that draws it."""
    try:
        pages = importlib.import_module("contract_tests.report.pages")
    except ModuleNotFoundError:
        return None
    path: Path = pages.write_boundaries([row.as_json() for row in rows], folder)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
