"""What the person asks of a map, on the command line and in the environment."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from contract_tests.__main__ import REPORTS
from contract_tests.configuration import Configuration
from contract_tests.errors import Refused


@dataclass(frozen=True)
class Wish:
    """What the person asks for."""

    field: str | None
    operation: str | None
    is_fresh: bool
    longest: int | None
    """How many code points of a text are tried at most where no limit is declared."""
    compare: tuple[Path, ...]
    folder: Path
    """Where the map is kept."""

    @property
    def scope(self) -> str:
        """What the map is limited to."""
        longest = f"up to {self.longest}" if self.longest else None
        return " ".join(part for part in (self.operation, self.field, longest) if part) or "everything"


def read_wish(arguments: list[str], configuration: Configuration) -> Wish:
    """
    Read the command line; what it leaves open, the environment says.

    Raises:
        Refused: Something cannot be followed.
    """
    known = _read_arguments(arguments, configuration)
    compared = tuple(Path(path) for path in known.compare)
    return Wish(known.field, known.operation, known.fresh, configuration.longest, compared, known.folder)


def _read_arguments(arguments: list[str], configuration: Configuration) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m contract_tests.edge_search", exit_on_error=False)
    parser.add_argument("--field", default=configuration.only_field, help="only this field")
    parser.add_argument("--operation", help="only this operation")
    parser.add_argument("--fresh", action="store_true", default=configuration.is_fresh, help="begin anew")
    parser.add_argument("--folder", type=Path, default=REPORTS, help="where the map is kept")
    compared = configuration.compared
    parser.add_argument("--compare", nargs="+", default=compared, metavar="MAP", help="what moved since this map")
    try:
        known, unknown = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise Refused(f"{error}; --help lists what can be said") from None
    if unknown or len(known.compare) > 2:
        raise Refused(f"{' '.join(unknown) or 'more than two maps'}: --help lists what can be said")
    return known
