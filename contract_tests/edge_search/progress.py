"""What moves while a map is made: a bar on a terminal, a line for each row elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Task as ProgressTask
from rich.text import Text

from contract_tests.edge_search.row import Row
from contract_tests.edge_search.session import Session
from contract_tests.edge_search.survey import Survey, Task


def shown(console: Console, session: Session, survey: Survey, todo: list[Task], known: dict[str, Row]) -> Iterator[Row]:
    """
    Yield the rows, and show how far the search has come.

    Args:
        console: Where it is shown.
        session: Counts the requests.
        survey: Makes the rows.
        todo: What is to be made.
        known: The rows of an earlier run, which are taken as they are.
    """
    rows = ((task, known.get(task.key)) for task in todo)
    if not console.is_terminal:
        yield from _in_lines(console, session, survey, rows)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Spent(session),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        bar = progress.add_task("", total=len(todo))
        for task, row in rows:
            progress.update(bar, description=task.key)
            yield survey.row(task) if row is None else row
            progress.advance(bar)


class Spent(ProgressColumn):
    """The requests that were sent, as they are at the moment, with the budget and the pace."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def render(self, task: ProgressTask) -> Text:
        """Return the column."""
        return Text(self.session.spent)


def _in_lines(
    console: Console, session: Session, survey: Survey, rows: Iterable[tuple[Task, Row | None]]
) -> Iterator[Row]:
    for task, row in rows:
        made = survey.row(task) if row is None else row
        yield made
        sent = "kept from the map before" if row is not None else f"{session.requests:>6,} requests so far"
        console.print(f"{task.key:<50} {made.verdict:<12} {sent}", markup=False, highlight=False, soft_wrap=True)
