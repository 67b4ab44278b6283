"""
The lines that would bring a contract up to date, where the contract is what is behind.

Each says in its first line where it goes, as a JSON pointer, and is merged there by hand: nothing edits the contract.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from contract_tests.boundary_map.limit_result import COUNTS, LOWER, UPPER
from contract_tests.checks.observations import Drift
from contract_tests.foreign_text import LAYOUT, LONGEST_LINE, shown
from contract_tests.report.issues import Issue, as_limit
from contract_tests.spec.contract import Contract, Schema

TRIED = "the {side} {what} tried that was accepted; `make boundaries` finds where acceptance flips"
# A value of no sense: where it is accepted, the API does not check the enum at all.
NONSENSE = "contract-test-unknown"
OPEN_FORM = "custom:"
UNDOCUMENTED = "Seen in answers and not documented."
LINE_WIDTH = 110


def drift_snippet(drift: Drift) -> str:
    """Write the property, or the response, that would make a drift part of the contract; line one names the place."""
    parent, _, name = drift.where.rpartition("/")
    if drift.types:
        return _snippet(parent, {name.replace("~1", "/").replace("~0", "~"): inferred_schema(drift.types)})
    return _snippet(parent, {name: {"description": UNDOCUMENTED}})


def issue_snippet(contract: Contract, issue: Issue, refused: Sequence[float]) -> str:
    """
    Write what would make a violation lawful, its place in the first line; empty where a change would be no cure.
    *refused* are the numbers or lengths that were refused for the same clause.
    """
    parent, _, keyword = issue.clause.rpartition("/")
    if issue.kind == "broken":
        return _response_snippet(contract, issue)
    if contract.field_of(issue.clause) is None:
        return ""
    if keyword in UPPER or keyword in LOWER:
        return _limit_snippet(parent, keyword, issue.sizes, refused)
    return _enum_snippet(parent, contract.at(parent), issue.values) if keyword == "enum" else ""


def inferred_schema(types: Sequence[str]) -> dict[str, Any]:
    """Infer the schema of a field from the types of its values, as `json_type` names them; null stands last."""
    named = [name for name in types if name != "null"]
    if "number" in named:
        named = [name for name in named if name != "integer"]
    arrays = [name for name in named if name.startswith("array")]
    if len(arrays) > 1:  # an empty one is of whatever the others are of
        of = [name for name in arrays if name != "array"]
        named = [*(name for name in named if name not in arrays), of[0] if len(of) == 1 else "array"]
    if not named:
        return {"description": UNDOCUMENTED}
    branches = [_type_schema(name) for name in named]
    if "null" in types:
        branches.append({"type": "null"})
    return branches[0] if len(branches) == 1 else {"anyOf": branches}


def _type_schema(name: str) -> dict[str, Any]:
    if not name.startswith("array"):
        return {"type": name}
    item = name.removeprefix("array").removeprefix(" of ")
    return {"type": "array", "items": _type_schema(item) if item and item != "null" else {}}


def _limit_snippet(pointer: str, keyword: str, sizes: Sequence[float], refused: Sequence[float]) -> str:
    """Move a limit to the farthest value that was accepted, unless one that is nearer was refused."""
    if not sizes:
        return ""
    outwards = 1 if keyword in UPPER else -1
    farthest = outwards * max(outwards * size for size in sizes)
    if any(outwards * size <= outwards * farthest for size in refused):
        return ""
    word = keyword.replace("exclusiveM", "m")
    what = "size" if keyword in COUNTS else "value"
    comment = TRIED.format(side="largest" if outwards > 0 else "smallest", what=what)
    removed = f", in place of {keyword}" if word != keyword else ""
    return f"# at {pointer}{removed}\n{word}: {as_limit(farthest)}  # {comment}"


def _enum_snippet(pointer: str, schema: Schema, values: Sequence[str]) -> str:
    added = [value for value in values if not value.startswith(OPEN_FORM)]
    if NONSENSE in added or not added:
        return ""
    return _snippet(pointer, {"enum": [*schema["enum"], *added]})


def _response_snippet(contract: Contract, issue: Issue) -> str:
    """Give an operation's success the status that it was answered with, all else as it stands."""
    status = issue.plainest["status"]
    if not issue.clause.endswith("/responses") or not 200 <= status < 300:
        return ""
    responses = contract.at(issue.clause)
    success = next(status for status in responses if str(status).startswith("2"))
    return _snippet(issue.clause, {str(status): responses[success]}, f", in place of '{success}'")


def _snippet(pointer: str, lines: Mapping[str, Any], how: str = "") -> str:
    style: Any = {"Dumper": _Dumper, "sort_keys": False, "width": LINE_WIDTH, "default_flow_style": None}
    text: str = yaml.dump(lines, allow_unicode=True, **style)
    if shown(text, len(text), keep=LAYOUT) != text:
        text = yaml.dump(lines, allow_unicode=False, **style)
    return f"# at {shown(pointer + how, LONGEST_LINE)}\n{text.rstrip()}"


class _Dumper(yaml.SafeDumper):
    """Writes what stands in two places twice, instead of once with an anchor."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
