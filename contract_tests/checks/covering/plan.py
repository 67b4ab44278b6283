"""What the plans of an update and of a create share: which row comes next, and the values that it holds."""

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import pytest

from contract_tests.checks.judge import Finding, Violation, require
from contract_tests.checks.run import Run
from contract_tests.checks.selections import listed_rule
from contract_tests.generation import contexts
from contract_tests.generation.boundaries import Boundary, to_json
from contract_tests.generation.contexts import LISTED, MIDDLE, NULL, UNSET, Unit, Values, held, is_left, sent
from contract_tests.generation.covering import VALUE, Draft, Row
from contract_tests.spec.resource import Role

Body = dict[str, Any]

# With few requests: the share kept for what comes later, how many are spared for a last row, how many there are uncounted.
KEPT, SPARED, LEFT_OF_FEW = {"update": 0.25, "create": 0.0}, 30, 1_200
# So many findings are told of one field, so many rows may come to nothing new, so many of the last pairs are looked at for each row.
MOST_FINDINGS, MOST_VAIN, MOST_LAST = 4, 12, 16
# So often the pairs that were given up are tried again: the item may suit them by then.
MOST_ROUNDS = 4
# A draft weighs every field, so that there are fewer of them where fields are many.
FIELDS_WEIGHED = 80
# What a row may not cost.
TOO_MUCH = 1_000
TEXT = re.compile(r'("(?:[^"\\]|\\.)*")')
# What a filter can hold.
PLAIN = re.compile(r"[\w -]+", re.ASCII)
# How many values are looked at for a row, how much a pair of one of them counts beside a pair of contexts, and what a request
# costs in pairs. A whole run comes to every pair; where few requests may be sent, values are tried in contexts that cost none.
WHOLE, BRIEF = (2, 2, 0.2), (6, 8, 30.0)


class Plan:
    """Makes the rows of one operation, each in the context in which it covers most pairs for its requests."""

    def __init__(self, run: Run, role: Role) -> None:
        self.run = run
        unlisted = {name: run.listed.unlisted(name) for name in run.listed.names}
        self.contexts = contexts.Contexts(run.contract, role, run.listed.combinations(), str(run.seed), unlisted)
        self.cover, self.units, self.trials = self.contexts.cover, self.contexts.units, self.contexts.trials
        self.type = run.contract.operation(role).body_type
        self.found: list[Finding] = []
        self.left = {*self.contexts.fields}
        self.most_drafts, self.cover.weight, self.price = BRIEF if run.is_brief else WHOLE
        self._began = run.api.created.requests.total()
        self._turns: Counter[str] = Counter()
        for each in run.judge.observations.attempts:  # what other tests have sent is not tried first
            if each.role == role and each.fault:
                self.count(self.contexts.of_fault(each.fault, each.item, each.body))
            elif each.role == role:
                self.count(self.contexts.of_each(each.item, each.body))

    def count(self, rows: Iterable[Row], context: Row | None = None) -> int:
        """Count the pairs of rows in one context, and return how many are new."""
        return sum(self.cover.take({**(context or {}), **row}) for row in rows)

    def try_fields(self, names: Collection[str]) -> None:
        """Send rows of some fields until every pair of them is covered, of the last until every pair is, or their share of the requests is spent."""
        self.left -= {*names}
        trials = [key for key, trial in self.trials.items() if trial.field.name in names or not self.left]
        note_pairs, role = self.run.judge.observations.note_pairs, self.contexts.role
        if self.run.is_brief and self._room() < 1:
            note_pairs(role, self.cover.masks)
            pytest.skip("the budget leaves no request for it")
        least = self._room() * KEPT[role] if self.run.is_brief else -math.inf
        self._send_rows(trials, least)
        for _ in range(0 if self.left or self.run.is_brief else MOST_ROUNDS):
            self.cover.reopen()
            if self.found or not any(self.cover.open_pairs()):
                break
            self._send_rows(trials, least)
        self.close()
        note_pairs(role, self.cover.masks)
        found, self.found = self.found, []
        require(found)

    def _send_rows(self, trials: list[str], least: float) -> None:
        vain = 0
        while self._room() > least and (row := self.next_row(trials)):
            vain = 0 if (covered := self.send(row)) else vain + 1
            if vain >= MOST_VAIN or len(self.found) >= MOST_FINDINGS:
                break
            if not covered:
                self.cover.give_up(row)

    def _room(self) -> int:
        """Return how many requests may still be sent; items that are there hold back those of their removal."""
        budget, sent = self.run.api.transport.limits.budget, self.run.api.created.requests.total() - self._began
        return budget.left - SPARED if budget.max_requests else LEFT_OF_FEW - sent

    def next_row(self, trials: list[str]) -> Row:
        """Return the row that covers most for its requests; empty where none covers any."""
        raise NotImplementedError

    def send(self, row: Row) -> int:
        """Send a row; return how many pairs it has covered first."""
        raise NotImplementedError

    def close(self) -> None:
        """Look at what the rows of a field have left."""

    def drafts(self, trials: list[str], base: Row, *, is_last: bool) -> list[Draft]:
        """Begin rows with the values on trial of whose pairs the largest share is open, *is_last* with pairs; once no field is left, with any that is open."""
        known = {name: share for name in trials if (share := self.cover.share_open(name))}
        most = max(1, min(self.most_drafts, FIELDS_WEIGHED // len(self.units)))
        some = sorted(self.cover.chance.sample([*known], len(known)), key=lambda name: -known[name])[:most]
        seeds: list[Row] = [{VALUE: name} for name in some]
        if is_last:
            seeds = [{VALUE: name, **dict([level])} for name in some for level in self.cover.open_with((VALUE, name))]
            pairs = [] if self.left else [*self.cover.open_pairs()]
            pairs = self.cover.chance.sample(pairs, min(len(pairs), self.most_drafts))
            seeds += [{VALUE: name, **dict(pair)} for pair in pairs for name in trials if VALUE not in dict(pair)]
            seeds = self.cover.chance.sample(seeds, min(len(seeds), MOST_LAST))
        return [draft for seed in seeds if (draft := Draft(self.cover, {**seed, **base})).is_possible]

    def completed(self, draft: Draft, costs: Mapping[str, Mapping[str, int]]) -> Draft:
        """Give a row a level of each factor that it lacks; of some factors those that do not cost too much."""
        for factor, known in costs.items():
            some = [n for n in known if known[n] < TOO_MUCH and self.contexts.can_be({**draft.row, factor: n})] or [""]
            is_needed = factor in ("after", "read") or not any(map(known.get, some))
            prices = {level: -self.price * cost for level, cost in known.items()}
            draft.choose(factor, some, prices.__getitem__, is_needed=is_needed)
        draft.choose("spelled")
        besides = self.cover.factors["beside"]
        draft.choose("beside", [level for level in besides if self.contexts.can_be({**draft.row, "beside": level})])
        draft.is_possible &= self.contexts.can_be(draft.row)
        own, kind = self.trials[draft.row[VALUE]].unit, draft.row.get("beside")
        others = [name for name in self._lefts if name != own]
        if kind in ("one", NULL):  # one brings a value and no other does, or at least one brings null
            free = [name for name in others if kind == NULL or self._lefts[name]]
            levels = {name: [NULL] if kind == NULL else [*self.units[name].values] for name in free}
            bests = [(*best, name) for name, some in levels.items() if (best := draft.best(sent(name), some))]
            if bests and not any(draft.row.get(sent(name)) in some for name, some in levels.items()):
                _, level, name = max(bests)
                draft.put(sent(name), level)
        for name in self.cover.chance.sample(others, len(others)):
            # Of equals one in which a value was not tried yet: the next row begins with it.
            beside = lambda level, name=name: 0.01 * self.cover.opens((held(name), level), self._bits[own])  # noqa: E731
            draft.choose(sent(name), self._lefts[name] if kind == "one" else (), beside)
        draft.choose("place")
        return draft

    @cached_property
    def _lefts(self) -> dict[str, list[str]]:
        """By unit that a body may bring beside another: the levels of not bringing it."""
        factors = {name: self.cover.factors.get(sent(name), ()) for name in self.units}
        return {name: [*filter(is_left, levels)] for name, levels in factors.items() if levels}

    @cached_property
    def _bits(self) -> dict[str, int]:
        """By unit: its values on trial."""
        units = {trial.unit for trial in self.trials.values()}
        return {u: sum(self.cover.bits[VALUE, n] for n, trial in self.trials.items() if trial.unit == u) for u in units}

    def turn(self, key: str, values: Sequence[Any]) -> Any:
        """Return the next of some values."""
        self._turns[key] += 1
        return values[(self._turns[key] - 1) % len(values)]

    def values(self, unit: Unit, level: str, row: Row, *, is_own: bool = False) -> Values:
        """Return the next values of a level, those on trial the most telling; for a list filtered by them, such as a filter can hold."""
        if level in (NULL, UNSET):
            texts = ["null", '""'] if unit.fields[0].clears_on_empty and level == NULL else ["null"]
            return {tried.name: (json.loads(text := self.turn(unit.name, texts)), text) for tried in unit.fields}
        name, is_telling = str(self.run.contract.run_name), is_own and level == MIDDLE and unit.telling
        some = unit.telling if is_telling else unit.values[level]
        if row.get("read") == "filter" and name == unit.name:
            some = [each for each in unit.values[level] if PLAIN.fullmatch(str(each[name][0]))] or some
        found: Values = self.turn(f"{unit.name} {level} {is_telling and 'telling'}", some)
        return dict(self.cover.chance.sample([*found.items()], len(found)))  # what is listed together, in either order

    def others(self, row: Row) -> Body:
        """Return what a body brings beside the value on trial."""
        levels = [(unit, row.get(sent(unit.name), "")) for unit in self.units.values()]
        known = [(unit, level) for unit, level in levels if level and not is_left(level)]
        is_telling = self.turn("telling", (True, False))
        bodies = [plain(self.values(unit, level, row, is_own=is_telling)) for unit, level in known]
        trial = self.trials[row[VALUE]]
        if row.get("beside") == NULL and trial.faults and trial.unit in self.units:  # what is listed together, too
            own = [f.name for f in self.units[trial.unit].fields if f.is_nullable and f.name != trial.field.name]
            bodies += [{self.turn(trial.unit, own): None}] if own else []
        return {name: value for body in self.cover.chance.sample(bodies, len(bodies)) for name, value in body.items()}

    def own(self, row: Row) -> tuple[Values, Boundary | None]:
        """Return the value on trial: valid ones, or the nearest of those that are refused."""
        trial = self.trials[row[VALUE]]
        if trial.faults:
            return {}, trial.faults[0]
        found = self.values(self.units[trial.unit], trial.level, row, is_own=True)
        return {n: value for n, value in found.items() if trial.level != NULL or n == trial.field.name}, None

    def rule(self, fault: Boundary) -> tuple[str, str]:
        """Return what the contract says of a value that is refused, and where."""
        if fault.keyword == LISTED:
            return listed_rule(self.run.contract, fault.field.name, self.contexts.role)
        return fault.field.promise, fault.source

    def options(self, row: Row) -> dict[str, Any]:
        """Return how a request is sent: what closes its connection is read over another."""
        options: dict[str, Any] = {"content_type": f"{self.type}; charset=utf-8"} if row["spelled"] == "charset" else {}
        return options | ({"headers": [("connection", "close")]} if row.get("read") == "connection" else {})

    def note(self, error: Violation, context: str) -> None:
        """Keep what a row has found, with its context, and go on."""
        for each in error.findings:
            problem = f"{context}: {each.problem}"
            self.found.append(replace(each, problem=problem, headline=each.headline or each.problem))


def plain(values: Values) -> Body:
    """Return values without their spelling."""
    return {name: value for name, (value, _) in values.items()}


def put(names: Collection[str], body: Body, row: Row) -> Body:
    """Return a body with some fields first or last."""
    own, rest = ({n: v for n, v in body.items() if (n in names) is is_own} for is_own in (True, False))
    return {**own, **rest} if row.get("place") == "first" else {**rest, **own}


def tokens(body: Body, values: Values) -> dict[str, str]:
    """Return the JSON text of each field, those on trial in their own spelling."""
    return {n: values[n][1] if n in values and value is values[n][0] else to_json(value) for n, value in body.items()}


def respelled(text: str, how: str) -> str:
    """Write a JSON text in another way: with white space, or without any and with every character of a text escaped."""
    parts = TEXT.split(text)  # every other part is a text
    if how == "pretty":
        parts[::2] = [re.sub("([{},:])", " \r\n\t\\1 \n", part) for part in parts[::2]]
    elif how == "lines":
        parts[::2] = [re.sub("([{,])", "\\1\r\n", part).replace(" ", "") for part in parts[::2]]
    elif how == "escaped" and len(text) <= contexts.LONG:
        parts[::2] = [part.replace(" ", "") for part in parts[::2]]
        units = [json.loads(part, strict=False).encode("utf-16-be", "surrogatepass").hex() for part in parts[1::2]]
        parts[1::2] = ['"' + re.sub("(....)", r"\\u\1", unit) + '"' for unit in units]
    return "".join(parts)
