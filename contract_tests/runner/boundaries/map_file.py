"""
Keeps the map in `reports/boundaries.json`, from the first result on, and what a later run must know to go on from there.

The results are a plain list. Beside it `boundaries.run.json` says of which API and which contract they are, and whether
every limit was tried; a map that was broken off is continued, one that was finished never.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contract_tests.boundary_map.limit_result import LimitResult, MapRun
from contract_tests.errors import Refused
from contract_tests.report.folder import write_whole
from contract_tests.report.records import read_all, read_as

# What says which limit a result is about, and what it came to.
NEEDED = ("operation", "field", "constraint", "verdict")


@dataclass(frozen=True)
class MapFile:
    """The two files of a map."""

    path: Path

    @property
    def state_path(self) -> Path:
        """Where the state stands."""
        return self.path.with_suffix(".run.json")

    def begun(self, wanted: MapRun) -> tuple[MapRun, dict[str, LimitResult]] | None:
        """Return the state of a map of the same that was broken off, and the results that are not inconclusive."""
        try:
            state = read_as(MapRun, json.loads(self.state_path.read_text("utf-8")))
            results = read_map(self.path)
        except (OSError, ValueError, Refused):
            return None
        is_of_same = (state.target, state.contract, state.scope) == (wanted.target, wanted.contract, wanted.scope)
        if state.finished is not False or not is_of_same:
            return None
        return state, {result.key: result for result in results if result.verdict != "inconclusive"}

    def write(self, results: Iterable[LimitResult], state: MapRun) -> None:
        """Write both files, each in one step, so that a run that is killed leaves what it had."""
        entries = ",\n".join(json.dumps(asdict(result), allow_nan=False) for result in results)
        write_whole(self.path, f"[\n{entries}\n]\n" if entries else "[]\n")
        write_whole(self.state_path, json.dumps(asdict(state), indent=1) + "\n")


def read_map(path: Path) -> list[LimitResult]:
    """Read a map; Refused, with the name of the file, where it cannot be read or holds no map."""
    advice = "take a boundaries.json that make boundaries wrote"
    try:
        entries: Any = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}; make boundaries writes such a file") from None
    except ValueError as error:
        raise Refused(f"{path} is no JSON: {error}; {advice}") from None
    if not isinstance(entries, list):
        raise Refused(f"{path} holds no list of limits; {advice}")
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise Refused(f"{path}: entry {index} is no object; {advice}")
        missing = [name for name in NEEDED if not isinstance(entry.get(name), str)]
        if missing:
            older = "take a boundaries.json that this version of make boundaries wrote"
            raise Refused(f"{path}: entry {index} has no {' and no '.join(missing)}; {older}")
    return list(read_all(LimitResult, entries))
