"""Tells what moved between two maps: of two versions of an API, or of staging and production."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from contract_tests.boundary_map.limit_result import LimitResult, TriedType, TriedValue
from contract_tests.foreign_text import shown
from contract_tests.transport.write_guard import NAME_PREFIX

COMPARED = (
    "declared", "last_accepted", "first_rejected", "first_altered", "unit", "altered", "holes", "cross_field", "verdict",
)  # fmt: skip
LONGEST_SHOWN = 70
# Each run names its items otherwise.
OWN_NAME = re.compile(rf"{NAME_PREFIX}\w+-\d+")
ABSENT = "not in this map"
NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Move:
    """Something that one map says otherwise than another."""

    row: str
    """Operation, field and constraint."""
    what: str
    old: str
    new: str


def moves(old: Iterable[LimitResult], new: Iterable[LimitResult]) -> list[Move]:
    """List what moved between the rows of two maps; requests and samples are no such things."""
    before, after = ({row.key: _said(row) for row in rows} for rows in (old, new))
    found = []
    for key in dict.fromkeys([*before, *after]):
        one, other = before.get(key), after.get(key)
        if one is None or other is None:
            found.append(Move(key, "row", *(ABSENT if said is None else said["verdict"] for said in (one, other))))
            continue
        for name in dict.fromkeys([*one, *other]):
            was, now = one.get(name, NOT_TRIED), other.get(name, NOT_TRIED)
            if was != now:
                found.append(Move(key, _shown(name), _shown(was), _shown(now)))
    return found


def table(found: Iterable[Move]) -> RenderableType:
    """Draw what moved, a row once for all that moved of it."""
    drawn = Table("limit", "what", "old", "new", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in drawn.columns:
        column.overflow = "fold"
    last = None
    for move in found:
        drawn.add_row(*(Text(text) for text in ("" if move.row == last else move.row, move.what, move.old, move.new)))
        last = move.row
    return drawn


def _said(row: LimitResult) -> dict[str, Any]:
    """Return what a row says, by the names of its fields and by the values that were tried one by one."""
    said = {name: getattr(row, name) for name in COMPARED}
    tried: tuple[TriedValue | TriedType, ...] = (*row.values, *row.types)
    for each in tried:
        reads = f" as {_text(each.reads)}" if each.outcome == "altered" else ""
        said[_text(each.sent if isinstance(each, TriedType) else each.value)] = f"{each.outcome}{reads}"
    return said


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return "none" if value is None else value
    return json.dumps(value, ensure_ascii=False, default=vars)


def _shown(value: object) -> str:
    text = shown(OWN_NAME.sub("contract-test-...", _text(value)))
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
