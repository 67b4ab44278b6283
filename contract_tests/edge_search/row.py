"""One row of the boundary map: a limit as it is declared, and as it was found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from dataclasses import field as data
from typing import Any, Literal

from contract_tests.edge_search.probes import Counts

Verdict = Literal["holds", "looser", "tighter", "altered", "no_limit", "inconclusive"]
FINDINGS = ("looser", "tighter", "altered")

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """What the map says of one constraint of one field; as JSON, the keys are these."""

    operation: str
    field: str
    constraint: str
    """The JSON Schema keyword; format where values are judged by examples."""
    verdict: Verdict
    text: str
    """What was found, in a sentence or two."""
    declared: Any = None
    last_accepted: Any = None
    """The outermost value that is accepted and reads back as it was sent, or its length in *unit*."""
    first_rejected: Any = None
    """The first that is refused; None where nothing is."""
    first_altered: Any = None
    """The first that is accepted and reads back otherwise, where those lie beyond the others."""
    unit: str | None = None
    altered: str | None = None
    requests: int = 0
    controls: int = 0
    read_backs: int = 0
    holes: list[JsonObject] = data(default_factory=list)
    problem: str | None = None
    """Why nothing follows, where nothing does."""
    confidence: str | None = None
    points: list[JsonObject] = data(default_factory=list)
    values: list[JsonObject] = data(default_factory=list)
    types: list[JsonObject] = data(default_factory=list)
    cross_field: list[JsonObject] = data(default_factory=list)
    curl_accepted: str | None = None
    curl_rejected: str | None = None

    @property
    def key(self) -> str:
        """What tells this row from all others."""
        return f"{self.operation} {self.field} {self.constraint}"

    @property
    def is_finding(self) -> bool:
        """Whether the API is not as the contract says."""
        return self.verdict in FINDINGS

    def counting(self, counts: Counts) -> Row:
        """Return the row with the requests that it took."""
        return replace(self, requests=counts.requests, controls=counts.controls, read_backs=counts.read_backs)

    def as_json(self) -> JsonObject:
        """Return the row as it stands in boundaries.json."""
        return asdict(self)


def from_json(entry: JsonObject) -> Row:
    """
    Read a row.

    Raises:
        TypeError: The entry is none.
    """
    return Row(**entry)
