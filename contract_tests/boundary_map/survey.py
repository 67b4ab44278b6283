"""Goes through every constraint of every field, one by one, and stops for nothing but the person who started it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

from contract_tests.boundary_map import inputs, values
from contract_tests.boundary_map.lengths import length_result
from contract_tests.boundary_map.limit_result import LimitResult, Verdict
from contract_tests.boundary_map.numbers import NUMBER_LIMITS, SIZE_LIMITS, NotMapped, number_result
from contract_tests.boundary_map.operations import CREATE, LIST, UPDATE, CreateProber, QueryProber, UpdateProber
from contract_tests.boundary_map.probes import Prober
from contract_tests.boundary_map.slots import Slot, declared_types, slots_of
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.run import Run
from contract_tests.errors import Inconclusive, NotAllowed, RunEnded, TargetError
from contract_tests.generation.boundaries import untried
from contract_tests.spec.contract import Contract, Field
from contract_tests.spec.resource import Role

# How the problem of a result begins that a later run has still to try.
NOT_TRIED = "not tried"
# How the problem of a result begins that no run can try.
NOT_MAPPED = "cannot be mapped"
LENGTHS = ("minLength", "maxLength")
# Results in turn to which the API gave no answer; what follows would get none either.
MOST_UNANSWERED = 3
# After these nothing is known of a limit; the last where no item can be made or read.
UNJUDGED = (Inconclusive, NotAllowed, TargetError, AssertionError)


@dataclass(frozen=True)
class Task:
    """A constraint to search."""

    role: Role
    slot: Slot
    constraint: str
    example: str | None = None
    """A value from the contract, where the search needs one."""
    problem: str = ""
    """Why it cannot be mapped; empty where it can."""

    @property
    def tried(self) -> Field:
        """The field whose values are tried."""
        return self.slot.field

    @property
    def key(self) -> str:
        """What tells this task from all others."""
        return f"{self.tried.operation} {self.slot.name} {self.constraint}"


def tasks(contract: Contract) -> list[Task]:
    """List what is searched, in the order of the contract, each constraint once."""
    found = [*_body_tasks(contract, UPDATE), *_body_tasks(contract, CREATE), *_query_tasks(contract)]
    return list({task.key: task for task in reversed(found)}.values())[::-1]


def _body_tasks(contract: Contract, role: Role) -> Iterator[Task]:
    for tried in contract.fields(role).values() if contract.has(role) else ():
        slots = slots_of(contract, tried)
        taken: set[tuple[str, str]] = set()
        for slot in slots:
            # The type of the field itself comes once for all its branches.
            for constraint in (*_constraints(contract, slot, len(slots)), *(["type"] if slot.path else [])):
                # Values that are tried one by one are those of all branches together.
                if _is_axis(contract, slot, constraint) or (slot.path, constraint) not in taken:
                    yield Task(role, slot, constraint)
                taken.add((slot.path, constraint))
        for own in slots[:1]:
            yield from (Task(role, own, constraint) for constraint in ("type", "nullable"))
            for entry in untried(contract, tried) if tried.is_free else ():
                yield Task(role, own, entry.pointer.rpartition("/")[2], problem=entry.why)


def _query_tasks(contract: Contract) -> Iterator[Task]:
    for tried in contract.query_fields(LIST).values() if contract.has(LIST) else ():
        for slot in slots_of(contract, tried)[:1]:
            if slot.json_type in ("integer", "number"):
                yield from (Task(LIST, slot, constraint) for constraint in (*_number_limits(slot), "type"))
            elif "enum" in slot.schema:
                yield Task(LIST, slot, "enum")
            elif slot.json_type == "string":
                yield from (Task(LIST, slot, name) for name in LENGTHS if name in slot.schema)
            examples = contract.parameter_examples(LIST, tried.name)
            times = [str(example) for example in examples if inputs.RFC_3339.search(str(example))]
            yield from (Task(LIST, slot, "format", example) for example in times[:1])


def _constraints(contract: Contract, slot: Slot, slots: int) -> list[str]:
    """List the constraints of a value; those of a number and a plain text that are not declared are searched for, too."""
    schema, is_alone = slot.schema, slots == 1
    if not slot.field.is_free:
        return [values.LISTED]
    if "enum" in schema:
        return ["const" if "const" in slot.field.schema and not slot.path else "enum"]
    if slot.json_type in ("integer", "number"):
        found = _number_limits(slot) if is_alone else [name for name in NUMBER_LIMITS if name in schema]
        return [*found, *(["multipleOf"] if "multipleOf" in schema else [])]
    if slot.json_type == "string":
        worded = [
            word for word in ("pattern", "format") if word in schema and inputs.boundary_inputs(contract, slot, word)
        ]
        lengths = [name for name in LENGTHS if name in schema or (is_alone and not worded)]
        return [*worded, *lengths]
    groups = [word for word in ("items", "properties") if inputs.boundary_inputs(contract, slot, word)]
    return [*(name for name in SIZE_LIMITS if name in schema), *groups]


def _is_axis(contract: Contract, slot: Slot, constraint: str) -> bool:
    """Whether a limit is searched along an axis; the others are tried value by value."""
    if constraint not in LENGTHS:
        return constraint in (*NUMBER_LIMITS, *SIZE_LIMITS)
    return "pattern" not in slot.schema and not (
        "format" in slot.schema and inputs.boundary_inputs(contract, slot, "format")
    )


def _number_limits(slot: Slot) -> list[str]:
    halves = (NUMBER_LIMITS[:2], NUMBER_LIMITS[2:])
    return [next((name for name in half if name in slot.schema), half[0]) for half in halves]


@dataclass
class Survey:
    """Makes the results, with one item for all updates."""

    run: Run
    longest: int
    """How many code points of a text are tried at most where no limit is declared."""
    stack: ExitStack
    unanswered: int = 0
    """How many results in turn could not be judged."""
    ended: str = ""
    """Why nothing further is tried."""

    @cached_property
    def subject(self) -> ItemUnderTest:
        """The item on which updates are tried."""
        return self.stack.enter_context(self.run.lend())

    def result(self, task: Task) -> LimitResult:
        """Make one result; inconclusive where the API's answers say nothing."""
        if task.problem:
            return _unknown(task, f"{NOT_MAPPED}: {task.problem}", "not_tried")
        if self.ended:
            return _unknown(task, f"{NOT_TRIED}: {self.ended}")
        try:
            result = self._make(task)
        except NotMapped as error:
            return _unknown(task, f"{NOT_MAPPED}: {error}", "not_tried")
        except RunEnded as error:
            self.ended = str(error)
            return _unknown(task, f"{NOT_TRIED}: {error}")
        except UNJUDGED as error:
            self.unanswered += 1
            if self.unanswered == MOST_UNANSWERED:
                self.ended = f"{MOST_UNANSWERED} limits before it could not be judged: {error}".partition("\n")[0]
            return _unknown(task, str(error).partition("\n")[0])
        self.unanswered = 0
        return result

    def _make(self, task: Task) -> LimitResult:
        contract = self.run.contract
        if task.role == CREATE and not contract.has("remove") and not self.run.api.target.is_loopback:
            raise NotMapped("the contract has no operation that removes an item, so none is made")
        prober: Prober
        if task.role == UPDATE:
            prober = UpdateProber(self.run, task.slot, self.subject)
        else:
            prober = (CreateProber if task.role == CREATE else QueryProber)(self.run, task.slot)
        result = self._search(prober, task)
        failed = ", ".join(f"{count} with {status}" for status, count in prober.failures.items())
        note = f" The API failed on some of the values, which is no refusal: {failed}."
        return replace(result, text=result.text + note) if failed else result

    def _search(self, prober: Prober, task: Task) -> LimitResult:
        constraint, contract = task.constraint, self.run.contract
        chance = self.run.chance(task.key)
        if constraint in (*NUMBER_LIMITS, *SIZE_LIMITS):
            return number_result(prober, constraint, chance)
        if _is_axis(contract, task.slot, constraint):
            return length_result(prober, constraint, chance, self.longest)
        is_keyword = task.example is None and constraint not in ("nullable", "type", values.LISTED)
        if is_keyword and not inputs.boundary_inputs(contract, task.slot, constraint):
            raise NotMapped(_no_value(task.slot, constraint))
        result = values.values_result(prober, constraint, task.example)
        if constraint in LENGTHS and result.verdict == "holds" and not _has_neighbours(task, result):
            return replace(result, verdict="not_tried", problem=f"{NOT_MAPPED}: {_no_value(task.slot, constraint)}")
        return result


def _no_value(slot: Slot, constraint: str) -> str:
    if constraint not in LENGTHS:
        return "no value is known that tells whether it holds"
    word = "format" if "format" in slot.schema else "pattern"
    limit = slot.schema[constraint]
    return f"no text of the {word} {slot.schema[word]} was made that has {limit} characters, or one beyond them"


def _has_neighbours(task: Task, result: LimitResult) -> bool:
    """Whether a text at a limit of the length was tried, and one beyond it, where one can be."""
    limit = task.slot.schema[task.constraint]
    texts = [(task.slot.read(each.value), each.declared) for each in result.values]
    tried = {(len(text), declared) for text, declared in texts if isinstance(text, str)}
    beyond = limit + 1 if task.constraint == "maxLength" else limit - 1
    return (limit, True) in tried and (beyond < 0 or (beyond, False) in tried)


def _unknown(task: Task, problem: str, verdict: Verdict = "inconclusive") -> LimitResult:
    tried = task.tried
    told = {"type": declared_types(tried), "nullable": tried.is_nullable}
    return LimitResult(
        tried.operation, task.slot.name, task.constraint, verdict, f"Not known: {problem}",
        declared=told.get(task.constraint, task.slot.schema.get(task.constraint)), problem=problem,
    )  # fmt: skip
