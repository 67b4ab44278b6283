"""
The lines that would bring openapi.yaml up to date, where the contract is what is behind.

Each says in its first line where it goes, as a JSON pointer, and is merged there by hand: nothing edits the contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from contract_tests.contract import Contract, Schema
from contract_tests.drift import Drift
from contract_tests.foreign_text import LAYOUT, LONGEST_LINE, shown
from contract_tests.report.entries import Entry, as_limit

UPPER = ("maximum", "exclusiveMaximum", "maxLength")
LOWER = ("minimum", "exclusiveMinimum", "minLength")
TRIED = "the {side} {what} tried that was accepted; `make boundaries` finds where acceptance flips"
# A value that nobody would add to an enum: where it is accepted the enum holds nothing together.
NONSENSE = "contract-test-unknown"
OPEN_FORM = "custom:"
UNDOCUMENTED = "Seen in answers and not documented."
LINE_WIDTH = 110


def drift_snippet(drift: Drift) -> str:
    """
    Write the property, or the response, that would make a drift part of the contract.

    Args:
        drift: What was seen, and where openapi.yaml would name it.

    Returns:
        YAML with the place in its first line.
    """
    parent, _, name = drift.where.rpartition("/")
    if drift.types:
        return _snippet(parent, {_unescape(name): inferred_schema(drift.types)})
    return _snippet(parent, {name: {"description": UNDOCUMENTED}})


def entry_snippet(contract: Contract, entry: Entry, refused: Sequence[float]) -> str | None:
    """
    Write what would make a violation lawful.

    Args:
        contract: What openapi.yaml says now.
        entry: An entry of the report.
        refused: The numbers or lengths that were refused for the same clause.

    Returns:
        YAML with the place in its first line; None where a change of the contract would be no cure.
    """
    parent, _, keyword = entry.clause.rpartition("/")
    if entry.kind == "broken":
        return _response_snippet(contract, entry)
    if contract.field_of(entry.clause) is None:
        return None
    if keyword in UPPER or keyword in LOWER:
        return _limit_snippet(parent, keyword, entry.sizes, refused)
    return _enum_snippet(parent, contract.at(parent), entry.values) if keyword == "enum" else None


def inferred_schema(types: Sequence[str]) -> dict[str, Any]:
    """
    Infer the schema of a field from the JSON types of its values.

    Args:
        types: As `drift.json_type` names them.

    Returns:
        One type, or anyOf several, null last; without a type where nothing but null was seen.
    """
    named = [name for name in types if name != "null"]
    if "number" in named:
        named = [name for name in named if name != "integer"]
    arrays = [name for name in named if name.startswith("array")]
    if len(arrays) > 1:
        named = [*(name for name in named if name not in arrays), _common_array(arrays)]
    if not named:
        return {"description": UNDOCUMENTED}
    branches = [_type_schema(name) for name in named]
    if "null" in types:
        branches.append({"type": "null"})
    return branches[0] if len(branches) == 1 else {"anyOf": branches}


def _common_array(names: list[str]) -> str:
    """Return what several arrays are together: an empty one is of whatever the others are of."""
    of = [name for name in names if name != EMPTY_ARRAY]
    return of[0] if len(of) == 1 else EMPTY_ARRAY


EMPTY_ARRAY = "array"


def _type_schema(name: str) -> dict[str, Any]:
    if not name.startswith("array"):
        return {"type": name}
    item = name.removeprefix("array").removeprefix(" of ")
    return {"type": "array", "items": _type_schema(item) if item and item != "null" else {}}


def _limit_snippet(pointer: str, keyword: str, sizes: Sequence[float], refused: Sequence[float]) -> str | None:
    """Move a limit to the farthest value that was accepted, unless one that is nearer was refused."""
    if not sizes:
        return None
    is_upper = keyword in UPPER
    farthest = max(sizes) if is_upper else min(sizes)
    if any(size <= farthest if is_upper else size >= farthest for size in refused):
        return None
    word = keyword.replace("exclusiveM", "m")
    what = "length" if "Length" in keyword else "value"
    comment = TRIED.format(side="largest" if is_upper else "smallest", what=what)
    removed = f", in place of {keyword}" if word != keyword else ""
    return f"# at {pointer}{removed}\n{word}: {as_limit(farthest)}  # {comment}"


def _enum_snippet(pointer: str, schema: Schema, values: Sequence[str]) -> str | None:
    added = [value for value in values if not value.startswith(OPEN_FORM)]
    if NONSENSE in added or not added:
        return None
    return _snippet(pointer, {"enum": [*schema["enum"], *added]})


def _response_snippet(contract: Contract, entry: Entry) -> str | None:
    """Give an operation's success the status that it was answered with, all else as it stands."""
    if not entry.clause.endswith("/responses") or not entry.status or not 200 <= entry.status < 300:
        return None
    responses = contract.at(entry.clause)
    success = next(status for status in responses if str(status).startswith("2"))
    return _snippet(entry.clause, {str(entry.status): responses[success]}, f", in place of '{success}'")


def _snippet(pointer: str, lines: Mapping[str, Any], how: str = "") -> str:
    text = _as_yaml(lines, allow_unicode=True)
    if shown(text, len(text), keep=LAYOUT) != text:
        text = _as_yaml(lines, allow_unicode=False)
    return f"# at {shown(pointer + how, LONGEST_LINE)}\n{text.rstrip()}"


def _as_yaml(lines: Mapping[str, Any], *, allow_unicode: bool) -> str:
    text: str = yaml.dump(
        lines, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=LINE_WIDTH, default_flow_style=None
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Writes what stands in two places twice, instead of once with an anchor."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _unescape(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
