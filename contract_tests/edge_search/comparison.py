"""Tells what moved between two maps: of two versions of an API, or of staging and production."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from contract_tests.edge_search.row import Row
from contract_tests.fence import NAME_PREFIX
from contract_tests.foreign_text import shown

COMPARED = (
    "declared", "last_accepted", "first_rejected", "first_altered", "unit", "altered", "holes", "cross_field", "verdict",
)  # fmt: skip
LONGEST_SHOWN = 70
# Each run names its personas otherwise.
OWN_NAME = re.compile(rf"{NAME_PREFIX}\w+-\d+")
ABSENT = "not in this map"


@dataclass(frozen=True)
class Move:
    """Something that one map says otherwise than another."""

    row: str
    """Operation, field and constraint."""
    what: str
    old: str
    new: str


def moves(old: Iterable[Row], new: Iterable[Row]) -> list[Move]:
    """
    List what moved.

    Args:
        old: The rows of one map.
        new: Those of another.

    Returns:
        A move for each thing that differs, in the order of the maps; requests and samples are no such things.
    """
    before, after = {row.key: row for row in old}, {row.key: row for row in new}
    found = []
    for key in dict.fromkeys([*before, *after]):
        if key not in before or key not in after:
            found.append(Move(key, "row", _presence(before.get(key)), _presence(after.get(key))))
        else:
            found += _row_moves(key, before[key], after[key])
    return found


def table(found: Iterable[Move]) -> RenderableType:
    """Draw what moved, a row once for all that moved of it."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("limit", "what", "old", "new"):
        drawn.add_column(title, overflow="fold")
    last = None
    for move in found:
        drawn.add_row(*(Text(text) for text in ("" if move.row == last else move.row, move.what, move.old, move.new)))
        last = move.row
    return drawn


def _row_moves(key: str, old: Row, new: Row) -> list[Move]:
    """Compare a row with its later self."""
    found = [
        Move(key, name, _shown(getattr(old, name)), _shown(getattr(new, name)))
        for name in COMPARED
        if getattr(old, name) != getattr(new, name)
    ]
    for kind, name in (("values", "value"), ("types", "sent")):
        before, after = _outcomes(getattr(old, kind), name), _outcomes(getattr(new, kind), name)
        for value in dict.fromkeys([*before, *after]):
            if before.get(value) != after.get(value):
                found.append(Move(key, value, before.get(value, "not tried"), after.get(value, "not tried")))
    return found


def _outcomes(listed: list[dict[str, Any]], name: str) -> dict[str, str]:
    return {_shown(each[name]): _outcome(each) for each in listed}


def _presence(row: Row | None) -> str:
    return ABSENT if row is None else row.verdict


def _shown(value: object) -> str:
    text = shown(OWN_NAME.sub("contract-test-...", _text(value)))
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _text(value: object) -> str:
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value, ensure_ascii=False)


def _outcome(each: dict[str, Any]) -> str:
    return f"{each['outcome']} as {_shown(each['reads'])}" if "reads" in each else str(each["outcome"])
