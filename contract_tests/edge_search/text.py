"""What a person reads in the terminal: the table, a drawing of each limit that is not where it should be, the verdict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich import box
from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from contract_tests.edge_search.drawing import POINTS, STYLES, number_line
from contract_tests.edge_search.row import FINDINGS, Row
from contract_tests.foreign_text import LONGEST_LINE, shown

ORDER = (*FINDINGS, "inconclusive", "no_limit", "holds")
VERDICT_STYLES = {"holds": "green", "no_limit": "green", "inconclusive": "magenta"}
LONGEST_DECLARED = 24
LEGEND = "● accepted   ◆ accepted and altered   ○ refused   ┃ both too close together to draw"


def print_map(console: Console, rows: Sequence[Row]) -> None:
    """Print the table, the differences first, and a drawing of each of them."""
    console.print(table(rows))
    findings = [row for row in rows if row.is_finding]
    for row in findings:
        for part in finding(row):
            console.print(part, soft_wrap=isinstance(part, Text))
    if any(row.points for row in findings):
        console.print(Text(f"\n{LEGEND}", "dim"))


def table(rows: Iterable[Row]) -> Table:
    """Draw declared against observed."""
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("operation", "field", "constraint", "declared", "last accepted", "first refused", "verdict"):
        drawn.add_column(title, overflow="fold")
    drawn.add_column("tried", justify="right")
    for row in sorted(rows, key=lambda row: ORDER.index(row.verdict)):
        cells = [
            re.sub("Personas?$", "", row.operation),
            row.field,
            row.constraint,
            declared(row.declared),
            *observed(row),
        ]
        style = VERDICT_STYLES.get(row.verdict, "bold red")
        drawn.add_row(
            *(Text(shown(cell)) for cell in cells), Text(row.verdict.replace("_", " "), style), Text(str(row.requests))
        )
    return drawn


def declared(value: Any) -> str:
    """Return what is declared, short enough for a column."""
    if isinstance(value, list):
        return f"{len(value)} values"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST_DECLARED else f"{text[: LONGEST_DECLARED - 3]}..."


def observed(row: Row) -> tuple[str, str]:
    """Return the two neighbours of a limit; of values that are tried one by one, how many met each fate."""
    if row.unit is not None:
        last = number(row.last_accepted)
        beyond = number(row.first_rejected) if row.first_altered is None else f"{number(row.first_altered)} altered"
        return last, beyond
    outcomes = Counter(each["outcome"] for each in (*row.values, *row.types))
    altered = f", {outcomes['altered']} altered" if outcomes["altered"] else ""
    return (f"({outcomes['accepted']} accepted{altered})", f"({outcomes['refused']} refused)") if outcomes else ("", "")


def number(value: Any) -> str:
    """Return a number in full, one without an end as none."""
    return "none" if value is None else repr(value)


def finding(row: Row) -> Iterator[RenderableType]:
    """Yield what there is to say of a row that is not as the contract says."""
    yield Text.assemble("\n", (f"{row.operation} {row.field} {row.constraint}: {row.verdict}", "bold"))
    yield Text(f"  {shown(row.text, LONGEST_LINE)}")
    if row.points:
        yield from number_line(row)
    if row.values:
        yield Padding(grid(row.values), (0, 0, 0, 2))
    if row.types:
        yield Padding(matrix(row.types), (0, 0, 0, 2))
    departing = {"tighter": row.curl_rejected}.get(row.verdict, row.curl_accepted)
    for curl in dict.fromkeys(filter(None, (row.curl_accepted, row.curl_rejected) if row.points else (departing,))):
        yield Text(f"  {shown(curl, LONGEST_LINE)}", "dim")


def grid(values: Iterable[dict[str, Any]]) -> RenderableType:
    """List the declared values, then those that are accepted besides; the rest is refused rightly."""
    groups: dict[bool | None, list[Text]] = {True: [], False: [], None: []}
    for each in values:
        if each["declared"] is True or each["outcome"] != "refused":
            reads = f" reads {each['reads']!r}" if "reads" in each else ""
            cell = f"{POINTS[each['outcome']]} {each['value']}{reads}"
            groups[each["declared"]].append(Text(shown(cell), STYLES[each["outcome"]]))
    titles = {True: "declared", False: "not declared", None: "left open"}
    drawn = Table(box=None, pad_edge=False, show_header=False)
    for key, cells in groups.items():
        if cells:
            drawn.add_row(Text(titles[key]), Columns(cells, padding=(0, 2)))
    return drawn


def matrix(types: Iterable[dict[str, Any]]) -> Table:
    """Draw what became of each JSON type, those that depart from the contract marked."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    by_type: dict[str, list[dict[str, Any]]] = {}
    for each in types:
        by_type.setdefault(each["type"], []).append(each)
    for name, tried in by_type.items():
        drawn.add_row(Text(name), Text("   ").join(type_cell(each) for each in tried))
    return drawn


def type_cell(each: dict[str, Any]) -> Text:
    """Return one value and what became of it."""
    is_right = each["declared"] is None or each["declared"] == (each["outcome"] == "accepted")
    reads = f" reads {each['reads']!r}" if "reads" in each else ""
    return Text(shown(f"{POINTS[each['outcome']]} {each['sent']}{reads}"), "" if is_right else "bold red")


def verdict(rows: Sequence[Row], requests: int) -> tuple[str, int]:
    """
    Sum a map up.

    Returns:
        The last line, and the exit code.
    """
    findings = [row for row in rows if row.is_finding]
    unknown = [row for row in rows if row.verdict == "inconclusive"]
    rest = f"; {len(unknown)} could not be judged" if unknown else ""
    if findings:
        kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(row.verdict for row in findings).items())
        verb = "is" if len(findings) == 1 else "are"
        return (
            f"verdict: violated. {len(findings)} of {len(rows)} limits {verb} not where openapi.yaml says: {kinds}{rest}.",
            1,
        )
    if unknown:
        return (
            f"verdict: inconclusive. {len(unknown)} of {len(rows)} limits could not be judged: {unknown[0].problem}",
            2,
        )
    return f"verdict: holds. {len(rows)} limits lie where openapi.yaml says, found with {requests:,} requests.", 0
