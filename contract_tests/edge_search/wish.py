"""What the person asks for, on the command line and in the environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contract_tests.__main__ import REPORTS
from contract_tests.errors import Refused
from contract_tests.settings import whole_number


@dataclass(frozen=True)
class Wish:
    """What the person asks for."""

    field: str | None
    operation: str | None
    fault: str | None
    is_fresh: bool
    is_plan: bool
    """Whether nothing is to be sent."""
    seed: int | None
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


def read_wish(arguments: list[str], environment: Mapping[str, str] = os.environ) -> Wish:
    """
    Read the command line and the environment.

    Raises:
        Refused: Something cannot be followed.
    """
    known = _read_arguments(arguments, environment)
    fault = environment.get("FAULT") or None
    if fault is not None and environment.get("BASE_URL"):
        raise Refused("FAULT is for the mock; leave BASE_URL or FAULT out")
    return Wish(
        known.field,
        known.operation,
        fault,
        known.fresh,
        environment.get("DRY_RUN") == "1",
        whole_number(environment, "SEED", 0) if environment.get("SEED") else None,
        whole_number(environment, "LONGEST", 0) or None,
        tuple(Path(path) for path in known.compare),
        known.folder,
    )


def _read_arguments(arguments: list[str], environment: Mapping[str, str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m contract_tests.edge_search", exit_on_error=False)
    parser.add_argument("--field", default=environment.get("FIELD") or None, help="only this field")
    parser.add_argument("--operation", help="only this operation")
    parser.add_argument("--fresh", action="store_true", default=environment.get("FRESH") == "1", help="begin anew")
    parser.add_argument("--folder", type=Path, default=REPORTS, help="where the map is kept")
    compared = (environment.get("COMPARE") or "").split()
    parser.add_argument("--compare", nargs="+", default=compared, metavar="MAP", help="what moved since this map")
    try:
        known, unknown = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise Refused(f"{error}; --help lists what can be said") from None
    if unknown or len(known.compare) > 2:
        raise Refused(f"{' '.join(unknown) or 'more than two maps'}: --help lists what can be said")
    return known
