"""
Writes and reads the JSON files of reports/ through frozen dataclasses, whatever state a file is in.

A file may come from an older release, an interrupted run or a person. A key that is missing or of another type reads as
empty, so that the rest can still be shown; a file that cannot be read is named.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

RecordType = TypeVar("RecordType")


@dataclass(frozen=True)
class Stored:
    """What a file held, and why not all of it."""

    value: Any = None
    problem: str = ""
    """A sentence that names the file; empty where the file is whole or missing."""


def read_as(kind: type[RecordType], value: object) -> RecordType:
    """
    Build a record from a JSON value; a text takes any value, where another type is wrong the field is empty or None, and
    anything but an object reads as an empty one. The fields of *kind* have defaults and are texts, numbers, flags, JSON
    values, records, or tuples or dicts of them.
    """
    found = value if isinstance(value, dict) else {}
    return kind(**{name: _as(hint, found[name]) for name, hint in _hints(kind).items() if name in found})


def read_all(kind: type[RecordType], value: object) -> tuple[RecordType, ...]:
    """Build a record from each object of a JSON list; anything else has none."""
    entries = value if isinstance(value, list) else []
    return tuple(read_as(kind, entry) for entry in entries if isinstance(entry, dict))


_hints: Callable[[Any], dict[str, Any]] = cache(get_type_hints)


def _as(hint: Any, value: object) -> Any:
    if hint in READERS:
        return READERS[hint](value)
    if isinstance(hint, type):  # of a record
        return read_as(hint, value)
    inner = get_args(hint)
    if isinstance(hint, UnionType):
        return _as(inner[0], value) if _is_of(inner[0], value) else None
    if get_origin(hint) is dict:
        pairs = value.items() if isinstance(value, dict) else ()
        return {str(name): int(count) for name, each in pairs if (count := as_number(each)) is not None}
    if isinstance(inner[0], type) and inner[0] not in READERS:
        return read_all(inner[0], value)
    entries = value if isinstance(value, list) else [value] if isinstance(value, str) and value else []
    return tuple(_as(inner[0], each) for each in entries)


def _is_of(hint: Any, value: object) -> bool:
    """Whether a field that may be None takes a value; a text takes any."""
    if hint in (int, float):
        return as_number(value) is not None
    return isinstance(value, dict if is_dataclass(hint) else bool if hint is bool else object) and value is not None


def as_number(value: object) -> float | None:
    """Return a finite number as it is, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) <= sys.float_info.max else None


def as_json(value: object) -> str:
    """Write a value as JSON, numbers at full precision."""
    return json.dumps(value, ensure_ascii=False, default=str)


def as_document(value: object) -> str:
    """Write a report as JSON that a person can read too."""
    return json.dumps(value, indent=1, ensure_ascii=False)


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else as_json(value)


READERS: dict[Any, Any] = {
    Any: lambda value: value, str: _text, int: lambda value: int(as_number(value) or 0),
    float: lambda value: as_number(value) or 0, bool: lambda value: value is True,
}  # fmt: skip


def read_json(path: Path) -> Stored:
    """Read one JSON file; None without a problem where there is no such file."""
    try:
        return Stored(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return Stored()
    except (OSError, ValueError, RecursionError) as error:
        return Stored(problem=f"{path.name} cannot be read: {_reason(error)}")


def read_lines(path: Path, last: int) -> Stored:
    """Read the *last* lines of a file of JSON lines: those that can be read, and how many cannot."""
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
