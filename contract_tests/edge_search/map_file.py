"""
Keeps the map in `reports/boundaries.json`, from the first row on, and what a later run must know to go on from there.

The rows are a plain list. Beside it `boundaries.run.json` says of which API and which contract they are, and whether
every row was tried; a map that was broken off is continued, one that was finished never.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contract_tests.edge_search.row import Row, from_json
from contract_tests.errors import Refused
from contract_tests.report.boundary_page import OF_A_RUN
from contract_tests.report.folder import write_whole


class MapError(Refused):
    """A file that should hold a map holds none."""


@dataclass(frozen=True)
class Subject:
    """What a map is about; only a map of the very same is continued."""

    target: str
    """The address of the API, or the mock and its fault."""
    contract: str
    """The SHA-256 of openapi.yaml."""
    scope: str
    """The field that the map is limited to, or everything."""


@dataclass(frozen=True)
class State:
    """How far a map has come."""

    target: str
    contract: str
    scope: str
    seed: int
    started: str
    seconds: float = 0
    requests: int = 0
    finished: bool = False
    """Whether every row was tried."""
    verdict: str = ""
    """The last line that was printed."""
    exit_code: int = 2
    repeating: str = ""
    """The shell line that comes before one that repeats a request."""

    @property
    def label(self) -> dict[str, Any]:
        """What each row says of the run that made it."""
        return {name: getattr(self, name) for name in OF_A_RUN}

    @property
    def subject(self) -> Subject:
        """What the map is about."""
        return Subject(self.target, self.contract, self.scope)


@dataclass(frozen=True)
class MapFile:
    """The two files of a map."""

    path: Path

    @property
    def state_path(self) -> Path:
        """Where the state stands."""
        return self.path.with_suffix(".run.json")

    def begun(self, subject: Subject) -> tuple[State, dict[str, Row]] | None:
        """
        Return a map that was broken off, to be continued.

        Args:
            subject: What the new run is about.

        Returns:
            Its state and the rows of which something is known; None where there is nothing to go on from.
        """
        try:
            state = State(**json.loads(self.state_path.read_text("utf-8")))
            rows = read_map(self.path)
        except (OSError, ValueError, TypeError, MapError):
            return None
        if state.finished or state.subject != subject:
            return None
        return state, {row.key: row for row in rows if row.verdict != "inconclusive"}

    def write(self, rows: Iterable[Row], state: State) -> None:
        """Write both files, each in one step, so that a run that is killed leaves what it had."""
        labelled = (row.as_json() | state.label for row in rows)
        entries = ",\n".join(json.dumps(row, allow_nan=False) for row in labelled)
        write_whole(self.path, f"[\n{entries}\n]\n" if entries else "[]\n")
        write_whole(self.state_path, json.dumps(asdict(state), indent=1) + "\n")


def read_map(path: Path) -> list[Row]:
    """
    Read a map.

    Raises:
        MapError: The file cannot be read or holds no map; the message names it and says what is wrong.
    """
    try:
        entries: Any = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise MapError(f"{path} cannot be read: {error.strerror}; make boundaries writes such a file") from None
    except ValueError as error:
        raise MapError(f"{path} is no JSON: {error}; take a boundaries.json that make boundaries wrote") from None
    if not isinstance(entries, list):
        raise MapError(f"{path} holds no list of limits; take a boundaries.json that make boundaries wrote")
    return [_row(path, index, entry) for index, entry in enumerate(entries)]


def _row(path: Path, index: int, entry: object) -> Row:
    if not isinstance(entry, Mapping):
        raise MapError(f"{path}: entry {index} is no object; take a boundaries.json that make boundaries wrote")
    try:
        return from_json({name: value for name, value in entry.items() if name not in OF_A_RUN})
    except TypeError as error:
        said = str(error).replace("Row.__init__()", f"entry {index}")
        raise MapError(f"{path}: {said}; take a boundaries.json that this version of make boundaries wrote") from None
