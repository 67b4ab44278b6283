"""
Reads what earlier commands left in reports/, whatever state it is in.

A page is written from files that an older release, an interrupted run or a person may have left behind. What is missing
or of another shape reads as empty, so that the rest can still be shown; a file that cannot be read is named.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One JSON object, read key by key; a key that is missing or of another type reads as empty."""

    value: Any

    def raw(self, key: str) -> Any:
        """Return the value of a key as it stands, or None."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def has(self, key: str) -> bool:
        """Whether the key is there and says something."""
        return self.raw(key) not in (None, "", [], {})

    def text(self, key: str) -> str:
        """Return a text; anything else as JSON, and null as nothing."""
        value = self.raw(key)
        if value is None:
            return ""
        return value if isinstance(value, str) else as_json(value)

    def number(self, key: str) -> float | None:
        """Return a finite number, or None."""
        return as_number(self.raw(key))

    def count(self, key: str) -> int:
        """Return a whole number, or 0."""
        value = as_number(self.raw(key))
        return 0 if value is None else int(value)

    def row(self, key: str) -> Row:
        """Return an object inside this one."""
        return Row(self.raw(key))

    def rows(self, key: str) -> list[Row]:
        """Return the objects of a list."""
        return as_rows(self.raw(key))

    def texts(self, key: str) -> list[str]:
        """Return the entries of a list as texts; a single text as a list of one."""
        value = self.raw(key)
        if isinstance(value, str):
            return [value] if value else []
        entries = value if isinstance(value, list) else []
        return [entry if isinstance(entry, str) else as_json(entry) for entry in entries]

    def counts(self, key: str) -> list[tuple[str, int]]:
        """Return an object of numbers as pairs, the greatest first."""
        value = self.raw(key)
        pairs = value.items() if isinstance(value, dict) else ()
        numbers = [(str(name), as_number(count)) for name, count in pairs]
        return sorted(((name, int(count)) for name, count in numbers if count is not None), key=lambda pair: -pair[1])


@dataclass(frozen=True)
class Stored:
    """What a file held, and why not all of it."""

    value: Any = None
    problem: str = ""
    """A sentence that names the file; empty where there is nothing to complain of, also where there is no file."""


def as_number(value: object) -> float | None:
    """Return a finite number as it is, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) <= sys.float_info.max else None


def as_rows(value: object) -> list[Row]:
    """Return the objects of a list, and none where it is no list."""
    return [Row(entry) for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def as_json(value: object) -> str:
    """Write a value as JSON, numbers at full precision."""
    return json.dumps(value, ensure_ascii=False, default=str)


def read_json(path: Path) -> Stored:
    """
    Read one JSON file.

    Args:
        path: Such as reports/run.json.

    Returns:
        What it holds; None without a problem where there is no such file.
    """
    try:
        return Stored(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return Stored()
    except (OSError, ValueError, RecursionError) as error:
        return Stored(problem=f"{path.name} cannot be read: {_reason(error)}")


def read_lines(path: Path, last: int) -> Stored:
    """
    Read the last lines of a file of JSON lines.

    Args:
        path: Such as reports/history.jsonl.
        last: How many lines are wanted at most.

    Returns:
        The objects that could be read, in the order of the file, and how many lines could not.
    """
    try:
        lines = [line for line in path.read_text("utf-8", errors="replace").splitlines() if line.strip()][-last:]
    except FileNotFoundError:
        return Stored([])
    except OSError as error:
        return Stored([], f"{path.name} cannot be read: {_reason(error)}")
    found, broken = [], 0
    for line in lines:
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            broken += 1
    return Stored(found, f"{path.name}: {broken} of its last {len(lines)} lines cannot be read" if broken else "")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
