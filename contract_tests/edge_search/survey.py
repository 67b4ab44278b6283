"""Goes through every constraint of every field, row by row, and stops for nothing but the person who started it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Contract, Field
from contract_tests.edge_search import cases, values
from contract_tests.edge_search.lengths import length_row
from contract_tests.edge_search.limits import number_row
from contract_tests.edge_search.line import LOWER, UPPER
from contract_tests.edge_search.operations import CreateProber, QueryProber, UpdateProber
from contract_tests.edge_search.probes import BODIES, UPDATE, Prober
from contract_tests.edge_search.row import Row
from contract_tests.errors import Inconclusive, NotAllowed, RunEnded, TargetError
from contract_tests.run import Run
from contract_tests.subject import Subject

LIST = "listPersonas"
# How the problem of a row begins that a later run has still to try.
NOT_TRIED = "not tried"
# Rows in turn to which the API gave no answer; what follows would get none either.
MOST_UNANSWERED = 3


@dataclass(frozen=True)
class Task:
    """A row to make."""

    tried: Field
    constraint: str
    example: str | None = None
    """A value from the contract, where the row needs one."""

    @property
    def key(self) -> str:
        """What tells this row from all others."""
        return f"{self.tried.operation} {self.tried.name} {self.constraint}"


def tasks(contract: Contract) -> list[Task]:
    """List the rows of the map, in the order of the contract."""
    found = [
        Task(tried, constraint)
        for operation in BODIES
        for tried in contract.fields(operation).values()
        for constraint in constraints(tried)
    ]
    for tried in contract.query_fields(LIST).values():
        if tried.json_type in ("integer", "number"):
            found += [Task(tried, constraint) for constraint in (*number_limits(tried), "type")]
        times = [
            example for example in contract.parameter_examples(LIST, tried.name) if cases.RFC_3339.search(str(example))
        ]
        found += [Task(tried, "format", example) for example in times[:1]]
    return found


def constraints(tried: Field) -> list[str]:
    """List the constraints of a body's field; a limit that is not declared is searched for, too."""
    if tried.name == LANGUAGE_FIELD:
        return ["format", "type", "nullable"]
    if tried.name == VOICE_FIELD or "enum" in tried.schema:
        return ["enum", "type", "nullable"]
    if tried.json_type in ("integer", "number"):
        return [*number_limits(tried), "type", "nullable"]
    return [*(["minLength", "maxLength"] if tried.json_type == "string" else []), "type", "nullable"]


def number_limits(tried: Field) -> list[str]:
    """List a lower and an upper limit of a number, by the keyword that declares it."""
    return [next((name for name in names if name in tried.schema), names[0]) for names in (LOWER, UPPER)]


@dataclass
class Survey:
    """Makes rows, with one persona for all updates."""

    run: Run
    longest: int
    """How many code points of a text are tried at most where no limit is declared."""
    stack: ExitStack
    unanswered: int = 0
    """How many rows in turn could not be judged."""
    ended: str = ""
    """Why no further row is tried."""

    @cached_property
    def subject(self) -> Subject:
        """The persona on which updates are tried."""
        return self.stack.enter_context(self.run.lend())

    def row(self, task: Task) -> Row:
        """Make one row; inconclusive where the API's answers say nothing."""
        if self.ended:
            return inconclusive(task, f"{NOT_TRIED}: {self.ended}")
        try:
            row = self.make(task)
        except RunEnded as error:
            self.ended = str(error)
            return inconclusive(task, f"{NOT_TRIED}: {error}")
        except (
            Inconclusive,
            NotAllowed,
            TargetError,
            AssertionError,
        ) as error:  # the last where no persona can be made or read
            self.unanswered += 1
            if self.unanswered == MOST_UNANSWERED:
                self.ended = f"{MOST_UNANSWERED} limits before it could not be judged: {error}".partition("\n")[0]
            return inconclusive(task, str(error).partition("\n")[0])
        self.unanswered = 0
        return row

    def make(self, task: Task) -> Row:
        """Search for one constraint."""
        prober = self.prober(task.tried)
        row = self.search(prober, task)
        failed = ", ".join(f"{count} with {status}" for status, count in prober.failures.items())
        note = f" The API failed on some of the values, which is no refusal: {failed}."
        return replace(row, text=row.text + note) if failed else row

    def search(self, prober: Prober, task: Task) -> Row:
        """Search as the constraint asks for."""
        constraint = task.constraint
        chance = self.run.chance(task.key)
        if constraint in (*LOWER, *UPPER):
            return number_row(prober, constraint, chance)
        if constraint in ("minLength", "maxLength"):
            return length_row(prober, constraint, chance, self.longest)
        if task.example is not None:
            return values.time_row(prober, task.example)
        return self.row_of_values(prober, constraint)

    def row_of_values(self, prober: Prober, constraint: str) -> Row:
        """Try values one by one."""
        contract = self.run.contract
        if constraint == "enum":
            return values.voice_row(prober) if prober.tried.name == VOICE_FIELD else values.enum_row(prober, contract)
        makers: Mapping[str, Callable[[], Row]] = {
            "format": lambda: values.language_row(prober),
            "nullable": lambda: values.null_row(prober),
            "type": lambda: (
                values.type_row(prober, contract)
                if prober.tried.operation in BODIES
                else values.integer_text_row(prober)
            ),
        }
        return makers[constraint]()

    def prober(self, tried: Field) -> Prober:
        """Return what tries values of a field."""
        if tried.operation == UPDATE:
            return UpdateProber(self.run, tried, self.subject)
        return CreateProber(self.run, tried) if tried.operation in BODIES else QueryProber(self.run, tried)


def inconclusive(task: Task, problem: str) -> Row:
    """Return the row of a constraint of which nothing is known."""
    tried = task.tried
    told = {"type": cases.declared_type(tried), "nullable": tried.is_nullable}
    return Row(
        tried.operation, tried.name, task.constraint, "inconclusive", f"Not known: {problem}",
        declared=told.get(task.constraint, tried.schema.get(task.constraint)), problem=problem,
    )  # fmt: skip
