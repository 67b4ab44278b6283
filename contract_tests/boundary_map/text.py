"""What a person reads in the terminal: the table, a drawing of each limit that is not where it should be, the verdict."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich import box
from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from contract_tests.boundary_map.drawing import POINTS, STYLES, number_line
from contract_tests.boundary_map.limit_result import LimitResult, TriedType, TriedValue
from contract_tests.foreign_text import LONGEST_LINE, shown

VERDICT_STYLES = {"holds": "green", "no_limit": "green", "inconclusive": "magenta", "not_tried": "magenta"}
LONGEST_DECLARED = 24
LEGEND = "● accepted   ◆ accepted and altered   ○ refused   ┃ both too close together to draw"


def print_map(console: Console, results: Sequence[LimitResult]) -> None:
    """Print the table, the differences first, and a drawing of each of them."""
    console.print(_table(results))
    for result in results:
        if result.verdict == "not_tried" and result.problem:
            console.print(Text(shown(f"{result.key}, not tried: {result.problem}", LONGEST_LINE)), soft_wrap=True)
    findings = [result for result in results if result.is_finding]
    for result in findings:
        for part in _finding(result):
            console.print(part, soft_wrap=isinstance(part, Text))
    if any(result.points for result in findings):
        console.print(Text(f"\n{LEGEND}", "dim"))


def _table(results: Iterable[LimitResult]) -> Table:
    titles = ("operation", "field", "constraint", "declared", "last accepted", "first refused", "verdict")
    drawn = Table(*(Column(title, overflow="fold") for title in titles), box=box.SIMPLE_HEAD, pad_edge=False)
    drawn.add_column("tried", justify="right")
    for result in sorted(results, key=lambda result: result.rank):
        named = (result.operation, result.field, result.constraint, _declared(result.declared), *_observed(result))
        style = VERDICT_STYLES.get(result.verdict, "bold red")
        word = Text(result.verdict.replace("_", " "), style)
        drawn.add_row(*(Text(shown(cell)) for cell in named), word, Text(str(result.requests)))
    return drawn


def _declared(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} values"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST_DECLARED else f"{text[: LONGEST_DECLARED - 3]}..."


def _observed(result: LimitResult) -> tuple[str, str]:
    """Return the two neighbours of a limit; of values that are tried one by one, how many met each fate."""
    if result.unit is not None:
        beyond = (result.first_rejected, "") if result.first_altered is None else (result.first_altered, " altered")
        last, first = ("none" if value is None else repr(value) for value in (result.last_accepted, beyond[0]))
        return last, first + beyond[1]
    outcomes = Counter(each.outcome for each in (*result.values, *result.types))
    altered = f", {outcomes['altered']} altered" if outcomes["altered"] else ""
    return (f"({outcomes['accepted']} accepted{altered})", f"({outcomes['refused']} refused)") if outcomes else ("", "")


def _finding(result: LimitResult) -> Iterator[RenderableType]:
    """Yield what there is to say of a result that is not as the contract says."""
    yield Text.assemble("\n", (f"{result.key}: {result.verdict}", "bold"))
    yield Text(f"  {shown(result.text, LONGEST_LINE)}")
    yield from number_line(result)
    drawn = Table(box=None, pad_edge=False, show_header=False)
    for title, cells in _groups(result):
        drawn.add_row(Text(title), cells)
    if drawn.rows:
        yield Padding(drawn, (0, 0, 0, 2))
    departing = result.curl_rejected if result.verdict == "tighter" else result.curl_accepted
    for curl in dict.fromkeys((result.curl_accepted, result.curl_rejected) if result.points else (departing,)):
        if curl:
            yield Text(f"  {shown(curl, LONGEST_LINE)}", "dim")


def _groups(result: LimitResult) -> Iterator[tuple[str, RenderableType]]:
    """Yield the declared values, those that are accepted besides, and what became of each JSON type."""
    for declared, title in ((True, "declared"), (False, "not declared"), (None, "left open")):
        values = [each for each in result.values if each.declared is declared]
        told = [each for each in values if declared or each.outcome != "refused"]
        cells = [_cell(each.value, each, STYLES[each.outcome]) for each in told]
        if cells:
            yield title, Columns(cells, padding=(0, 2))
    for name in dict.fromkeys(each.type for each in result.types):
        tried = [each for each in result.types if each.type == name]
        yield name, Text("   ").join(_cell(each.sent, each, "bold red" if each.departs else "") for each in tried)


def _cell(value: Any, each: TriedValue | TriedType, style: str) -> Text:
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    reads = f" reads {json.dumps(each.reads, ensure_ascii=False)}" if each.outcome == "altered" else ""
    return Text(shown(f"{POINTS[each.outcome]} {said}{reads}"), style)


def verdict(results: Sequence[LimitResult], requests: int, contract: str) -> tuple[str, int]:
    """Sum a map up: return the last line, and the exit code; *contract* is the name of its file."""
    findings = [result for result in results if result.is_finding]
    unknown = [result for result in results if result.verdict == "inconclusive"]
    skipped = sum(result.verdict == "not_tried" for result in results)
    count = len(results) - skipped
    untried = f"; {skipped} could not be tried" if skipped else ""
    rest = f"; {len(unknown)} could not be judged" if unknown else ""
    if findings:
        kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(row.verdict for row in findings).items())
        verb = "is" if len(findings) == 1 else "are"
        said = f"{len(findings)} of {count} limits {verb} not where {contract} says: {kinds}{rest}{untried}."
        return f"verdict: violated. {said}", 1
    if unknown:
        said = f"{len(unknown)} of {count} limits could not be judged{untried}: {unknown[0].problem}"
        return f"verdict: inconclusive. {said}", 2
    if not count:
        return f"verdict: inconclusive. {contract} has no limit that could be tried{untried}.", 2
    return f"verdict: holds. {count} limits lie where {contract} says, found with {requests:,} requests{untried}.", 0
