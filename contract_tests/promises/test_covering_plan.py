"""Every class of value in every context: by what the item holds, what the body brings, what came before, how it is sent and read."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.creations import is_right, made, not_made, possible_new
from contract_tests.checks.item_under_test import Item, ItemUnderTest, Rejection, object_of
from contract_tests.checks.judge import Finding, Violation, require
from contract_tests.checks.run import Run
from contract_tests.checks.selections import fields_with_faults
from contract_tests.checks.updates import Body, allowed, allowed_part, plainly_spoilt, possible, spoilt
from contract_tests.generation.boundaries import Boundary, good_values, to_json
from contract_tests.generation.contexts import ABSENT, LONG, MANY, NULL, UNSET, Contexts, Unit, Values, held, sent
from contract_tests.generation.covering import VALUE, Draft, Row

# Where few requests may be sent: so much of what is left of them is kept for what comes later, and so many for what a last row
# needs; so many are left where nobody counts them. So many values of a class are refused in one context.
KEPT, SPARED, LEFT_OF_FEW, VALUES = {"update": 0.25, "create": 0.0}, 30, 400, 3
# So many findings are told of one field, so many rows may come to nothing new, so many values are looked at for each row.
MOST_FINDINGS, MOST_VAIN, MOST_DRAFTS = 4, 12, 4
# So many updates are refused before the item is read.
BATCH = 12
# How many requests bring about what is to come before a row, or read after it.
COSTS = {"list": 1, "filter": 1, "refused": 1, "other": 2, "removal": 2, "same": 2, "update": 2}
BEFORE = {
    "create": "its creation", "update": "another update", "same": "the same update", "refused": "a refused update",
    "list": "a list", "other": "an update of another item", "removal": "the removal of another item",
}  # fmt: skip
TEXT = re.compile(r'("(?:[^"\\]|\\.)*")')
# What a filter can hold.
PLAIN = re.compile(r"[\w -]+", re.ASCII)


def respelled(text: str, how: str) -> str:
    """Write a JSON text in another way: with white space, or without any and with every character of a text escaped."""
    parts = TEXT.split(text)  # every other part is a text
    if how == "pretty":
        parts[::2] = [re.sub("([{},:])", " \r\n\t\\1 \n", part) for part in parts[::2]]
    elif how == "escaped" and len(text) <= LONG:
        parts[::2] = [part.replace(" ", "") for part in parts[::2]]
        parts[1::2] = [f'"{_escaped(json.loads(part, strict=False))}"' for part in parts[1::2]]
    return "".join(parts)


def _escaped(text: str) -> str:
    return re.sub("(....)", r"\\u\1", text.encode("utf-16-be", "surrogatepass").hex())


def _options(row: Row, content_type: str) -> dict[str, Any]:
    """Return how a request is sent: what closes its connection is read over another."""
    options: dict[str, Any] = {"content_type": f"{content_type}; charset=utf-8"} if row["spelled"] == "charset" else {}
    return options | ({"headers": [("connection", "close")]} if row.get("read") == "connection" else {})


def _plain(values: Values) -> Body:
    return {name: value for name, (value, _) in values.items()}


def _put(names: Collection[str], body: Body, row: Row) -> Body:
    """Return a body with some fields first or last."""
    own, rest = ({n: v for n, v in body.items() if (n in names) is is_own} for is_own in (True, False))
    return {**own, **rest} if row.get("place") == "first" else {**rest, **own}


class Plan:
    """Makes the rows of one operation, each in the context in which it covers most pairs for its requests."""

    def __init__(self, run: Run, role: Any) -> None:
        self.run = run
        self.contexts = Contexts(run.contract, role, run.listed.combinations(), str(run.seed))
        self.cover, self.units, self.trials = self.contexts.cover, self.contexts.units, self.contexts.trials
        self.type = run.contract.operation(role).body_type
        self.found: list[Finding] = []
        self.left = {*self.contexts.fields}
        self._kept: float | None = None
        self._turns: Counter[str] = Counter()

    def try_field(self, name: str) -> None:
        """Send rows of one field until every pair of it is covered, or its share of the requests is spent."""
        trials = [key for key, trial in self.trials.items() if trial.field.name == name]
        self.left.discard(name)
        before, vain = self.run.api.created.requests.total(), 0
        most = self._share() if self.run.is_brief else math.inf
        while vain < MOST_VAIN and len(self.found) < MOST_FINDINGS and (row := self.next_row(trials)):
            if self.run.api.created.requests.total() - before >= most:
                break
            vain = 0 if (covered := self.send(row)) else vain + 1
            if not covered:
                self.cover.give_up(row)
        self.close()
        self.run.judge.observations.note_pairs(self.contexts.role, self.cover.masks)
        found, self.found = self.found, []
        require(found)

    def _share(self) -> float:
        """Return how many requests a field may take where few may be sent: its share of what the budget leaves."""
        budget = self.run.api.transport.limits.budget
        left = budget.left - SPARED if budget.max_requests else LEFT_OF_FEW
        self._kept = left * KEPT[self.contexts.role] if self._kept is None else self._kept
        share = (left - self._kept) / (len(self.left) + 1)
        return share if share >= 1 else pytest.skip("the budget leaves no request for it")

    def next_row(self, trials: list[str]) -> Row:
        """Return the row that covers most for its requests; empty where none covers any."""
        raise NotImplementedError

    def send(self, row: Row) -> int:
        """Send a row; return how many pairs it has covered first."""
        raise NotImplementedError

    def close(self) -> None:
        """Look at what the rows of a field have left."""

    def drafts(self, trials: list[str], base: Row) -> list[Draft]:
        """Begin rows with the values on trial that lack most; once no field is left, with any pair that is."""
        known = {name: self.cover.opens((VALUE, name)) for name in trials}
        some = sorted((name for name in trials if known[name]), key=lambda name: -known[name])[:MOST_DRAFTS]
        seeds: list[Row] = [{VALUE: name} for name in some]
        if not self.left:
            pairs = islice(self.cover.open_pairs(), MOST_DRAFTS)
            seeds += [{VALUE: name, **dict(pair)} for pair in pairs for name in trials if VALUE not in dict(pair)]
        return [draft for seed in seeds if (draft := Draft(self.cover, {**seed, **base})).is_possible]

    def completed(self, draft: Draft, afters: Collection[str], reads: Collection[str] = ()) -> Draft:
        """Give a row a level of each factor that it lacks."""
        draft.choose("after", afters, lambda level: -0.2 * COSTS.get(level, 0))
        draft.choose("read", reads, lambda level: -0.2 * COSTS.get(level, 0))
        draft.choose("spelled")
        draft.choose("beside")
        own, kind = self.trials[draft.row[VALUE]].unit, draft.row.get("beside")
        others = [unit for unit in self.units.values() if unit.name != own and sent(unit.name) in self.cover.factors]
        free = [unit for unit in others if kind == NULL or ABSENT in self.cover.factors[sent(unit.name)]]
        if kind in ("one", NULL):  # one brings a value and no other does, or at least one brings null
            levels = {unit.name: [NULL] if kind == NULL else [*unit.values] for unit in free}
            bests = [(*best, name) for name, some in levels.items() if (best := draft.best(sent(name), some))]
            if bests and not any(draft.row.get(sent(name)) in some for name, some in levels.items()):
                _, level, name = max(bests)
                draft.put(sent(name), level)
        trials = sum(self.cover.bits[VALUE, name] for name, trial in self.trials.items() if trial.unit == own)
        for unit in self.cover.chance.sample(others, len(others)):
            # Of equals one in which a value was not tried yet: the next row begins with it.
            beside = lambda level, name=unit.name: 0.01 * self.cover.opens((held(name), level), trials)  # noqa: E731
            draft.choose(sent(unit.name), [ABSENT] if kind == "one" and unit in free else (), beside)
        draft.choose("place")
        return draft

    def turn(self, key: str, values: Sequence[Any]) -> Any:
        """Return the next of some values."""
        self._turns[key] += 1
        return values[(self._turns[key] - 1) % len(values)]

    def values(self, unit: Unit, level: str, row: Row) -> Values:
        """Return the next values of a level; where a list is filtered by them, such as a filter can hold."""
        if level in (NULL, UNSET):
            texts = ["null", '""'] if unit.fields[0].clears_on_empty and level == NULL else ["null"]
            return {tried.name: (json.loads(text := self.turn(unit.name, texts)), text) for tried in unit.fields}
        name, some = str(self.run.contract.run_name), unit.values[level]
        if row.get("read") == "filter" and name == unit.name:
            some = [each for each in some if PLAIN.fullmatch(str(each[name][0]))] or some
        found: Values = self.turn(f"{unit.name} {level}", some)
        return found

    def others(self, row: Row) -> Body:
        """Return what a body brings beside the value on trial."""
        levels = [(unit, row.get(sent(unit.name), ABSENT)) for unit in self.units.values()]
        bodies = [_plain(self.values(unit, level, row)) for unit, level in levels if level != ABSENT]
        return {name: value for body in self.cover.chance.sample(bodies, len(bodies)) for name, value in body.items()}

    def own(self, row: Row) -> tuple[Values, Boundary | None]:
        """Return the value on trial: valid ones, or one that is refused."""
        trial = self.trials[row[VALUE]]
        if trial.faults:
            return {}, self.turn(row[VALUE], trial.faults)
        found = self.values(self.units[trial.unit], trial.level, row)
        return {n: value for n, value in found.items() if trial.level != NULL or n == trial.field.name}, None

    def note(self, error: Violation, context: str) -> None:
        """Keep what a row has found, with its context, and go on."""
        for each in error.findings:
            problem = f"{context}: {each.problem}"
            self.found.append(replace(each, problem=problem, headline=each.headline or each.problem))


@dataclass
class Lane:
    """An item, and what was sent to it."""

    item: ItemUnderTest
    updates: int = 0
    after: str = "create"

    @property
    def age(self) -> str:
        """How much was sent to it."""
        return "fresh" if not self.updates else "young" if self.updates < MANY else "old"


class Updates(Plan):
    """The rows of an update."""

    def __init__(self, run: Run, elder: ItemUnderTest) -> None:
        super().__init__(run, "update")
        self.lanes = [Lane(elder, 1, "update")]
        self.stack, self.guest = ExitStack(), ExitStack()
        self.stack.push(self.guest)
        self.bystander = self.stack.enter_context(run.item()) if run.lent is None else None
        self.batch, self.batch_lane = list[tuple[Rejection, str]](), self.lanes[0]
        # The item that the next row is sent to, None for a new one; what was sent last, and to which.
        self.lane: Lane | None = None
        self.just: tuple[Lane | None, str] = (None, "")

    def try_field(self, name: str) -> None:
        """Send rows of one field, first to an item that has seen many updates."""
        elder = self.lanes[0]
        while not self.run.is_brief and elder.age != "old":
            self.accept(elder, allowed(elder.item, self.run.full_body("update", elder.updates)))
        super().try_field(name)

    def next_row(self, trials: list[str]) -> Row:
        """Return the row that covers most for its requests, and note for which item; move one where none covers any."""
        for _ in range(MOST_VAIN):
            best: tuple[float, Row, Lane | None] = (0, {}, None)
            for lane in (*self.lanes, *([None] if self.bystander is not None else [])):
                for draft in self._drafts(trials, lane):
                    is_next = draft.row["after"] == "refused" and bool(self.batch) and lane is self.batch_lane
                    cost = 1 if is_next and self.trials[draft.row[VALUE]].faults else 2
                    cost += (0 if lane is not None else 2) + self.cost(draft.row["after"], lane)
                    score = draft.worth / (cost + COSTS.get(draft.row["read"], 0))
                    best = max(
                        best, (score if draft.is_telling or not self.left else 0, draft.row, lane), key=lambda b: b[0]
                    )
            if best[0]:
                self.lane = best[2]
                return best[1]
            self.flush()
            if not self._move(trials):
                break
        return {}

    def _drafts(self, trials: list[str], lane: Lane | None) -> Iterator[Draft]:
        name = "" if lane is None else str(lane.item.last.get(str(self.run.contract.run_name)))
        reads = [
            read for read in self.cover.factors["read"] if read != "filter" or lane is None or PLAIN.fullmatch(name)
        ]
        afters = [after for after in self.cover.factors["after"] if self.cost(after, lane) < len(COSTS)]
        held_levels = {} if lane is None else {held(n): unit.level_of(lane.item.last) for n, unit in self.units.items()}
        for draft in self.drafts(trials, {"age": "fresh" if lane is None else lane.age, **held_levels}):
            for unit in self.units if lane is None else ():
                draft.choose(held(unit))
            if {"after", "read"} <= self.completed(draft, afters, reads).row.keys() and draft.is_possible:
                yield draft

    def cost(self, after: str, lane: Lane | None) -> int:
        """Return how many requests bring about what is to come before a row."""
        if self.bystander is None and after in ("other", "removal"):
            return len(COSTS)  # the account allows no other item
        if after == ("create" if lane is None else lane.after) or (after, lane) == (self.just[1], lane):
            return 0
        if lane is not None and (after == self.just[1] == "list" or (after == "other" and self.just[1] == "update")):
            return 0 if self.just[0] is not lane else COSTS[after]
        return COSTS.get(after, len(COSTS)) if lane is not None or after in ("list", "other", "removal") else len(COSTS)

    def _move(self, trials: list[str]) -> bool:
        """Bring an item into a state in which a value was not tried yet; whether there is one."""
        mask, wanted, item = sum(self.cover.bits[VALUE, name] for name in trials), Body(), self.lanes[0].item
        for unit in self.units.values():
            opens = {
                n: self.cover.opens((held(unit.name), n), mask) for n in self.cover.factors.get(held(unit.name), ())
            }
            level = max(opens, key=opens.__getitem__, default=UNSET)
            wanted |= _plain(self.values(unit, level, {})) if opens.get(level) else {}
        body = allowed_part(item, wanted) if wanted else None
        if body is not None:
            self.accept(self.lanes[0], body)
        return body is not None

    def send(self, row: Row) -> int:
        """Send one row; return how many pairs it has covered first."""
        lane = self._born(row) if self.lane is None else self.lane
        if lane is None:
            return 0
        values, fault = self.own(row)
        if row["after"] != "same" and self.cost(row["after"], lane):
            self._disturb(row["after"], lane)
        if fault is not None:
            return self._refuse(lane, fault, row)
        self.flush()
        body = possible(lane.item, {**self.others(row), **_plain(values)})
        if body is None:
            return 0
        body = _put(values, body, row)
        tokens = {name: to_json(value) for name, value in body.items()}
        tokens |= {name: token for name, (value, token) in values.items() if body[name] is value}
        for _ in range(row["after"] == "same"):
            self.accept(lane, body, object_of(tokens))
        return self.accept(lane, body, respelled(object_of(tokens), row["spelled"]), row)

    def accept(self, lane: Lane, body: Body, text: str = "", row: Row | None = None) -> int:
        """Send an update that the contract allows, and read it in the way of its row."""
        self.flush()
        levels, context = {}, self._context(lane, row)
        if row is not None:
            levels = {**row, **self.contexts.levels(row[VALUE], lane.item.last, body)}
        try:
            lane.item.accepts(body, token=text or lane.item.body(body), **(_options(row, self.type) if row else {}))
            self.just = (lane, "update")
            if row is not None and row["read"] in ("list", "filter"):
                self.just = (None, "list")
                levels["read"] = row["read"] if self._is_listed(lane.item, row["read"]) else "alone"
        except Violation as error:
            self.note(error, context)
        lane.updates, lane.after = lane.updates + 1, "update"
        return self.cover.take(levels)

    def _refuse(self, lane: Lane, fault: Boundary, row: Row) -> int:
        others, covered, faults = self.others(row), 0, [fault]
        if self.batch and (lane is not self.batch_lane or len(self.batch) > BATCH):
            self.flush()
        known = self.trials[row[VALUE]].faults
        faults += known[:1] if fault is not known[0] else ()  # the nearest off point, in every context
        while len(faults) < min(VALUES, len(known)):
            faults.append(self.turn(row[VALUE], known))
        for fault in faults:
            rejection = spoilt(lane.item, fault, others, at=0 if row.get("place") == "first" else None)
            body, text = (
                json.loads(str(rejection.token), parse_int=float),
                respelled(str(rejection.token), row["spelled"]),
            )
            content_type = _options(row, self.type).get("content_type", "")
            self.batch.append((replace(rejection, token=text, content_type=content_type), self._context(lane, row)))
            covered += self.cover.take({**row, **self.contexts.levels(row[VALUE], lane.item.last, body)})
        lane.after, self.just, self.batch_lane = "refused", (lane, "refused"), lane
        return covered

    def flush(self) -> None:
        """Send the updates that are to be refused, and read once after them."""
        batch, self.batch = self.batch, []
        try:
            if batch:
                self.batch_lane.item.refuses(*(rejection for rejection, _ in batch))
        except Violation as error:
            self.note(error, batch[0][1])

    def _born(self, row: Row) -> Lane | None:
        """Make an item that holds what a row asks for; None where the contract allows none."""
        fields, body = self.run.contract.fields("create"), self.run.full_body()
        for unit in self.units.values():
            level = row.get(held(unit.name), UNSET)
            if level != UNSET and self.run.contract.run_name not in [tried.name for tried in unit.fields]:
                body |= {n: value for n, value in _plain(self.values(unit, level, {})).items() if n in fields}
        if not is_right(self.run, body):
            return None
        self.flush()
        self.guest.close()
        lane = Lane(self.guest.enter_context(self.run.item(**body)))
        self.just, self.lanes[1:] = (lane, "create"), [lane]
        return lane

    def _disturb(self, what: str, lane: Lane) -> None:
        """Send what is to come just before a row."""
        self.flush()
        try:
            if what == "list":
                require(self.run.judge.success("list", self.run.api.list()))
            elif what == "removal":
                with self.run.item(**self.run.full_body()):
                    pass
            elif what == "refused":
                lane.item.refuses(plainly_spoilt(lane.item, fields_with_faults(self.run.contract)[0]))
                lane.after = what
            elif what == "update":
                self.accept(lane, allowed(lane.item, {}))
            elif self.bystander is not None:
                unit = self.turn("other", [*self.units.values()])
                body = allowed_part(self.bystander, _plain(self.values(unit, self.turn("level", [*unit.values]), {})))
                if body is not None:
                    self.bystander.accepts(body)
        except Violation as error:
            self.note(error, f"before an update, {BEFORE[what]}")
        self.just = (lane if what in ("refused", "update") else None, what)

    def close(self) -> None:
        """Look whether the item that nothing is sent to is as it was."""
        self.flush()
        if self.bystander is not None:
            before, cause = self.bystander.last, self.run.api.read(self.bystander.item_id)
            self.found += self.bystander.unmoved(before, cause, "isolation")

    def _is_listed(self, item: ItemUnderTest, how: str) -> bool:
        """Hold a list, or a filtered one, to what reads have shown; whether it shows the item that was updated."""
        run, name = self.run, str(self.run.contract.run_name)
        text = str(item.last.get(name))
        if how == "filter" and not PLAIN.fullmatch(text):
            return False
        query = run.query(size=run.api.shape.paging.largest_size, where={name: text} if how == "filter" else {})
        known = [lane.item for lane in self.lanes] + ([self.bystander] if self.bystander is not None else [])
        seen: set[Any] = set()
        promise = "a list shows what a read shows"

        def look() -> list[Finding]:
            page = next(run.pages(1, **run.api.shape.newest_first, **query))
            shown = {run.api.shape.id_of(each): each for each in page.items}
            seen.update(shown)
            if item.item_id not in shown and how == "list" and run.is_last(page):
                return [run.judge.promised("list_shows_items", f"{item.item_id} is not listed", promise, page)]
            pairs = [(self._listed(each.last), shown[each.item_id]) for each in known if each.item_id in shown]
            return [each for last, listed in pairs for each in run.judge.shows(page, listed, last, promise)]

        run.at_last(look)
        return item.item_id in seen

    def _listed(self, last: Item) -> dict[str, tuple[Any, ...]]:
        reader = self.run.judge.reader
        return reader.untouched(last) | {name: (last.get(name),) for name in reader.moving}

    def _context(self, lane: Lane, row: Row | None) -> str:
        last = lane.item.last
        unset = [name for name, unit in self.units.items() if unit.level_of(last) == UNSET]
        holds = f" without {' and '.join(unset)}" if unset else ""
        return f"after {BEFORE[row['after'] if row else 'update']}, on an item of {lane.updates} updates{holds}"


class Creates(Plan):
    """The rows of a create."""

    after = "create"

    def next_row(self, trials: list[str]) -> Row:
        """Return the row that covers most for its requests; first one that is refused, or not, where that is to come before."""
        for after in ("create", "refused") if self.after == "create" else ("refused", "create"):
            drafts = [self.completed(draft, [after]) for draft in self.drafts(trials, {})]
            some = [
                draft for draft in drafts if draft.is_possible and (draft.is_telling or (not self.left and draft.worth))
            ]
            if some:
                row = max(some, key=lambda draft: draft.worth / (1 if self.trials[draft.row[VALUE]].faults else 3)).row
                first = [n for n, t in self.trials.items() if bool(t.faults) == (after == "refused")]
                if after == self.after or not first:
                    return row
                self.send(self.completed(Draft(self.cover, {VALUE: first[0]}), [self.after]).row)
                return row
        return {}

    def send(self, row: Row) -> int:
        """Send one row; return how many pairs it has covered first."""
        run, trial, (values, fault) = self.run, self.trials[row[VALUE]], self.own(row)
        name, own_name = trial.field.name, run.contract.run_name
        base = run.marked_body() if name == own_name else run.full_body()
        named = str(base.get(own_name or "")) or "\0"
        kept = {n: v for n, v in base.items() if n == own_name or (name == own_name and named in str(v))}
        good = base[name] if name == own_name else next(iter(good_values(run.contract, trial.field)), base.get(name))
        wanted = {**self.others(row), **kept, **({name: good} if fault is not None else _plain(values))}
        needed = {f.name: base[f.name] for f in self.contexts.fields.values() if f.is_required}
        body = possible_new(run, {**needed, **wanted}, wanted)
        if body is None:
            return 0
        body = _put({name, *values}, body, row)
        tokens = {n: to_json(value) for n, value in body.items()}
        tokens |= {n: token for n, (value, token) in values.items() if body[n] is value}
        tokens |= {name: fault.token} if fault is not None else {}
        text, options = respelled(object_of(tokens), row["spelled"]), _options(row, self.type)
        try:
            if fault is not None:
                is_plain, promise = fault.is_readable, trial.field.promise
                require(not_made(run, text, promise, fault.source, name, is_plain=is_plain, **options))
            else:
                require(made(run, body, run.api.send("POST", run.api.shape.list_path, body=text, **options)))
        except Violation as error:
            self.note(error, f"a create after {'a refused one' if self.after == 'refused' else 'another'}")
        covered = self.cover.take({**row, "after": self.after, **self.contexts.levels(row[VALUE], {}, body)})
        self.after = "refused" if fault is not None else "create"
        return covered


@pytest.fixture(scope="module")
def updates(run: Run, shared_item: ItemUnderTest) -> Iterator[Updates]:
    """The plan of the update, whose rows share what they have covered."""
    plan = Updates(run, shared_item)
    with plan.stack:
        yield plan


@pytest.fixture(scope="module")
def creates(run: Run) -> Creates:
    """The plan of the create."""
    return Creates(run, "create")


@pytest.mark.all_parameters
@pytest.mark.takes_the_rest
@needs("update", "read")
@for_each("name", lambda contract: contract.fields("update"))
def test_field_of_an_update_is_judged_alike_in_every_context(updates: Updates, name: str) -> None:
    """update, requestBody: the schema of the field decides, whatever the item holds, the body brings besides, and came before."""
    updates.try_field(name)


@pytest.mark.all_parameters
@pytest.mark.takes_the_rest
@needs("create", "create_stores_everything")
@for_each("name", lambda contract: contract.fields("create"))
def test_field_of_a_create_is_judged_alike_in_every_context(creates: Creates, name: str) -> None:
    """create, requestBody: the schema of the field decides, whatever the body brings besides, and came before."""
    creates.try_field(name)
