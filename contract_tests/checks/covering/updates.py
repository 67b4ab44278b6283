"""The covering plan of an update: items that have seen much or little, and rows that are sent to the one that suits them."""

import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from contract_tests.checks.account_findings import listed_otherwise
from contract_tests.checks.covering.plan import MOST_VAIN, PLAIN, TOO_MUCH, Body, Plan, plain, put, respelled, tokens
from contract_tests.checks.creations import not_made, possible_new, wrong_values
from contract_tests.checks.item_under_test import ItemUnderTest, Rejection, object_of
from contract_tests.checks.judge import Finding, Violation, require
from contract_tests.checks.run import Run
from contract_tests.checks.selections import fields_with_faults
from contract_tests.checks.updates import allowed, allowed_part, plainly_spoilt, possible, spoilt
from contract_tests.generation.boundaries import Boundary, to_json
from contract_tests.generation.contexts import ALL, BARE, CLEARED, LISTED, MANY, MIDDLE, RESET, UNSET, held, left, sent
from contract_tests.generation.covering import VALUE, Draft, Row

# How many requests bring about what comes before a row, or read after it.
COSTS = {
    "refused": 2, "update": 2, "same": 2, "list": 1, "filter": 1, "client": 2, "other": 2, "creation": 2,
    "refused creation": 1, "removal": 1, "unreadable": 1, "unknown": 1, "namesake": 2, CLEARED: 4, RESET: 3,
}  # fmt: skip
# So many values of a class are refused in one context, so many updates before the item is read.
VALUES, BATCH = 2, 12
# So many items are kept that were only made so that something was made.
MOST_SPARES = 2
WORDS = {
    "create": "after its creation", "update": "after another update", "same": "after the same update", "refused": "after a refused update",
    "list": ", a list", "other": ", an update of another item", "creation": ", a creation", "refused creation": ", a refused creation",
    "removal": ", the removal of another item", "unreadable": ", a body that is no JSON", "unknown": ", an update of what is not there",
    "namesake": ", its name given to another item",
}  # fmt: skip


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
        self.spares: list[ItemUnderTest] = []
        self.batch, self.batch_lane = list[tuple[Rejection, str]](), self.lanes[0]
        # The item that the next row is sent to, None for a new one; what was sent last, and to which.
        self.lane: Lane | None = None
        self.just: tuple[Lane | None, str] = (None, "")

    def try_fields(self, names: Collection[str]) -> None:
        """Send rows of some fields, first to an item that has seen many updates."""
        elder = self.lanes[0]
        while not self.run.is_brief and elder.age != "old":
            self.accept(elder, allowed(elder.item, self.run.full_body("update", elder.updates)))
        super().try_fields(names)

    def next_row(self, trials: list[str]) -> Row:
        """Return the row that covers most for its requests, and note for which item; move one where none covers any."""
        for _ in range(MOST_VAIN):
            for is_last in (False, True):
                best: tuple[float, Row, Lane | None] = (0, {}, None)
                for lane in (*self.lanes, *([None] if self.bystander is not None else [])):
                    for draft in self._drafts(trials, lane, is_last=is_last):
                        worth = draft.worth / self._cost(draft.row, lane) if draft.is_telling or not self.left else 0
                        best = max(best, (worth, draft.row, lane), key=lambda each: each[0])
                if best[0]:
                    self.lane = best[2]
                    return best[1]
            self.flush()
            is_open = any(self.cover.opens((VALUE, name)) for name in trials)
            if not self._move(trials) and not is_open and (self.left or not any(self.cover.open_pairs())):
                break
        return {}

    def _drafts(self, trials: list[str], lane: Lane | None, *, is_last: bool) -> Iterator[Draft]:
        name = "" if lane is None else str(lane.item.last.get(str(self.run.contract.run_name)))
        is_plain = lane is None or PLAIN.fullmatch(name)
        costs = {
            "after": {level: self._cost_after(level, lane) for level in self.cover.factors["after"]},
            "read": {n: COSTS.get(n, 0) for n in self.cover.factors["read"] if n != "filter" or is_plain},
            "before": {level: self._cost_before(level, lane) for level in self.cover.factors["before"]},
        }
        held_levels = {} if lane is None else {held(n): unit.level_of(lane.item.last) for n, unit in self.units.items()}
        base = {"age": "fresh" if lane is None else lane.age, **held_levels}
        for draft in self.drafts(trials, base, is_last=is_last):
            for unit in self.units if lane is None else ():
                draft.choose(held(unit))
            costs["state"] = {n: self._cost_state(n, draft.row) for n in self.cover.factors["state"]}
            row = self.completed(draft, costs).row
            can_be = [costs[factor].get(row.get(factor, ""), TOO_MUCH) < TOO_MUCH for factor in ("after", "read")]
            if draft.is_possible and all(can_be) and costs["before"].get(row.get("before", ""), 0) < TOO_MUCH:
                yield draft

    def _cost(self, row: Row, lane: Lane | None) -> int:
        """Return how many requests a row takes, as far as rows differ."""
        is_next = row["after"] == "refused" and bool(self.batch) and lane is self.batch_lane
        cost = (1 if is_next and self.trials[row[VALUE]].faults else 2) + (2 if lane is None else 0)
        before = self._cost_before(row["before"], lane) if "before" in row else 0
        state = self._cost_state(row.get("state", ""), row)
        return cost + (state or self._cost_after(row["after"], lane)) + before + COSTS.get(row["read"], 0)

    def _cost_state(self, state: str, row: Row) -> int:
        """Return how many requests bring a state about; where few may be sent, and where a row is refused, one that is there will do."""
        is_there = state == CLEARED and (self.run.is_brief or self.trials[row[VALUE]].faults)
        return 0 if is_there else TOO_MUCH if state and self.run.is_brief else COSTS.get(state, 0)

    def _cost_after(self, after: str, lane: Lane | None) -> int:
        if after == ("create" if lane is None else lane.after):
            return 0
        return TOO_MUCH if lane is None else COSTS.get(after, TOO_MUCH)

    def _cost_before(self, before: str, lane: Lane | None) -> int:
        """Return how many requests bring about what is sent just before a row."""
        last, what = self.just
        if before == what or (last is not lane and before == {"update": "other", "create": "creation"}.get(what)):
            return 0
        if before in ("list", "unreadable", "unknown"):
            return COSTS[before]
        if self.bystander is None:
            return TOO_MUCH  # the account allows no other item
        name = str(self.run.contract.run_name)
        if before == "namesake" and lane is not None and self.bystander.last.get(name) == lane.item.last.get(name):
            return 0
        return COSTS[before] + (2 if before == "removal" and not self.spares else 0)

    def _move(self, trials: list[str]) -> bool:
        """Bring an item into a state in which a value was not tried yet; whether there is one."""
        # The elder, at the end by turns with a younger one: what is left may be of young items.
        lane = self.lanes[0] if self.left else self.turn("moved", self.lanes)
        mask, wanted, item = sum(self.cover.bits[VALUE, name] for name in trials), Body(), lane.item
        mask, opens = mask if self.left else -1, self.cover.opens
        for name, unit in self.units.items():
            levels = self.cover.factors.get(held(name), ())
            lacking = {n: opens((held(name), n), mask) + opens((sent(name), left(n)), mask) for n in levels}
            if UNSET in lacking:
                lacking[UNSET] += opens(("beside", BARE), mask) + opens(("state", CLEARED), mask)
                own = [key for key in trials if self.trials[key].unit == name]
                lacking[UNSET] += sum(opens((VALUE, key)) for key in own if self.trials[key].is_unset)
                bits = sum(self.cover.bits[VALUE, key] for key in own if unit.level_of(item.last) == UNSET)
                lacking[levels[-1]] += opens(("state", RESET), bits)
            some = [level for level, lacks in lacking.items() if lacks]
            level = self.cover.chance.choices(some, [lacking[n] for n in some])[0] if some else UNSET
            if name == self.run.contract.run_name and not lacking.get(level) and opens(("read", "filter"), mask):
                level = MIDDLE  # a name that a filter can hold
                lacking |= {level: 1}
            wanted |= plain(self.values(unit, level, {"read": "filter"})) if lacking.get(level) else {}
        body = allowed_part(item, wanted) if wanted else None
        if body is not None:
            self.accept(lane, body)
        return body is not None

    def send(self, row: Row) -> int:
        """Send one row; return how many pairs it has covered first."""
        lane = self._born(row) if self.lane is None else self.lane
        if lane is None:
            return 0
        values, fault = self.own(row)
        if self._cost_state(row.get("state", ""), row) and not self._restate(row, lane):
            return 0
        if row["after"] in ("refused", "update") and row["after"] != lane.after:
            self._bring(row["after"], lane)
        is_due = "before" in row and (row["read"] == "client" or bool(self._cost_before(row["before"], lane)))
        if fault is not None:
            return self._refuse(lane, fault, row, is_due=is_due)
        self.flush()
        body = possible(lane.item, {**self.others(row), **plain(values)})
        if body is None:
            return 0
        body = put(values, body, row)
        text = object_of(tokens(body, values))
        if row["after"] == "same":
            self.accept(lane, body, text)
        if row["read"] == "client":
            self.found += self.run.judge.success("read", self.run.api.read(lane.item.item_id, apart=True))
        if is_due:
            self._bring(row["before"], lane)
        return self.accept(lane, body, respelled(text, row["spelled"]), row)

    def accept(self, lane: Lane, body: Body, text: str = "", row: Row | None = None) -> int:
        """Send an update that the contract allows, and read it in the way of its row."""
        self.flush()
        context, item, rows = self._context(lane, row), lane.item, [*self.contexts.of_each(lane.item.last, body)]
        if row is not None:
            rows.append(self.contexts.levels(row[VALUE], item.last, body))
        how = {factor: level for factor, level in (row or {}).items() if factor != VALUE}
        self.just = (lane, "update")
        try:
            item.accepts(body, token=text or item.body(body), **(self.options(row) if row else {}))
            if row is not None and row["read"] == "client":
                require(item.unmoved(item.last, promise="read_your_writes", apart=True))
            if row is not None and row["read"] in ("list", "filter"):
                self.just = (lane, "list")
                how["read"] = row["read"] if self._is_listed(item, row["read"]) else "alone"
        except Violation as error:
            self.note(error, context)
        lane.updates, lane.after = lane.updates + 1, "update"
        return self.count(rows, how)

    def _restate(self, row: Row, lane: Lane) -> bool:
        """Clear a field, or all where a row brings all, and set it again where it asks for that; whether that may be."""
        item, units = lane.item, self.contexts.clearable if row["beside"] == ALL else [self.trials[row[VALUE]].unit]
        names = [tried.name for unit in units for tried in self.units[unit].fields]
        was = {name: item.last[name] for name in names if item.last.get(name) is not None}
        cleared, again = possible(item, dict.fromkeys(names)), possible(item, was) if row["state"] == RESET else {}
        if cleared is None or again is None:
            return False
        self.flush()
        for body in (cleared, again) if again else (cleared,):
            self.found += self.run.judge.success("update", item.send(item.body(body)))
        lane.updates, lane.after, self.just = lane.updates + 1, "update", (lane, "update")
        return True

    def _refuse(self, lane: Lane, fault: Boundary, row: Row, *, is_due: bool) -> int:
        others, covered, faults = self.others(row), 0, [fault]
        if self.batch and (lane is not self.batch_lane or len(self.batch) > BATCH):
            self.flush()
        known, at = self.trials[row[VALUE]].faults, 0 if row.get("place") == "first" else None
        faults += [self.turn(row[VALUE], known[1:]) for _ in known[1:VALUES] if row.get("state") != RESET]
        for index, each in enumerate(faults):
            rejection, context = spoilt(lane.item, each, others, at=at), self._context(lane, row)
            body = json.loads(str(rejection.token), parse_int=float)
            if each.keyword == LISTED:
                promise, clause = self.rule(each)
                rejection = replace(rejection, promise=promise, clause=clause, field_name=None, counted="")
            text, how = respelled(str(rejection.token), row["spelled"]), self.options(row).get("content_type", "")
            rejection = replace(rejection, token=text, content_type=how)
            first = partial(self._bring, row["before"], lane) if is_due and not index else None
            again = [(rejection, context)] if row["after"] == "same" else []
            self.batch += [(replace(rejection, first=first), context), *again]
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
        """Make an item that holds what a row asks for, as far as may be; None where the contract allows none."""
        fields, body = self.run.contract.fields("create"), self.run.full_body()
        for unit in self.units.values():
            level = row.get(held(unit.name), UNSET)
            if level != UNSET and self.run.contract.run_name not in [tried.name for tried in unit.fields]:
                body |= {n: value for n, value in plain(self.values(unit, level, {})).items() if n in fields}
        found = possible_new(self.run, body, ())
        if found is None:
            return None
        self.flush()
        del self.lanes[1:]  # also where the next one cannot be made
        self.guest.close()
        lane = Lane(self.guest.enter_context(self.run.item(**found)))
        self.just, self.lanes[1:] = (lane, "create"), [lane]
        return lane

    def _bring(self, what: str, lane: Lane) -> None:
        try:
            if what == "refused":
                self.flush()
                lane.item.refuses(plainly_spoilt(lane.item, fields_with_faults(self.run.contract)[0]))
                lane.after = what
            elif what == "update":
                self.accept(lane, allowed(lane.item, {}))
            else:
                require(self._beside(what, lane) or [])
        except Violation as error:
            self.note(error, f"before an update{WORDS[what]}")
        self.just = (lane, what)

    def _beside(self, what: str, lane: Lane) -> list[Finding] | None:
        run, judge, other = self.run, self.run.judge, self.bystander
        if what == "list":
            return judge.success("list", run.api.list())
        if what == "unreadable":
            exchange, said = run.api.update(lane.item.item_id, '{"'), "the body is a JSON object"
            clause = run.contract.pointer_of_promise("strict_json")
            return judge.refusal("update", exchange, promise=said, clause=clause, about="a body that is no JSON")
        if what == "unknown":
            return judge.answer("update", run.api.update(self._absent, to_json(run.full_body("update"))), 404)
        if what == "refused creation":
            fault = wrong_values(run.contract)[0]
            text = object_of(tokens(run.full_body(), {}) | {fault.field.name: fault.token})
            return not_made(run, text, fault.field.promise, fault.source, fault.field.name, is_plain=False)
        if what in ("creation", "removal"):
            if what == "creation" or not self.spares:
                self.spares.append(self.stack.enter_context(run.item(**run.full_body())))
            if what == "removal" or (len(self.spares) > MOST_SPARES and run.contract.has("remove")):
                run.remove(self.spares.pop().item_id)
        elif other is not None:
            unit, name = self.turn("other", [*self.units.values()]), str(run.contract.run_name)
            wanted = plain(self.values(unit, self.turn("level", [*unit.values]), {}))
            body = allowed_part(other, {name: lane.item.last.get(name)} if what == "namesake" else wanted)
            if body is not None:
                other.accepts(body)
        return None

    @cached_property
    def _absent(self) -> Any:
        return self.run.api.absent_id()

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

        def look() -> list[Finding]:
            page = next(run.pages(1, **run.api.shape.newest_first, **query))
            seen.update(run.api.shape.id_of(each) for each in page.items)
            return listed_otherwise(run, known, page.items, page, is_whole=how == "list")

        run.at_last(look)
        return item.item_id in seen

    def _context(self, lane: Lane, row: Row | None) -> str:
        unset = [name for name, unit in self.units.items() if unit.level_of(lane.item.last) == UNSET]
        holds = f" without {' and '.join(unset)}" if unset else ""
        before = WORDS.get(row.get("before", ""), "") if row else ""
        return f"{WORDS[row['after'] if row else 'update']}{before}, on an item of {lane.updates} updates{holds}"
