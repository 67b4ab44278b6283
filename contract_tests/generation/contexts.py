"""
What varies when a body is sent: the value on trial, what the item holds, what stands beside it, and what came before.

All of it comes from the contract, so that each contract has the levels that its own fields and promises give.
"""

import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import cycle, islice
from types import MappingProxyType
from typing import Any

from contract_tests.generation.boundaries import (
    Boundary,
    boundaries,
    edged_texts,
    good_values,
    packed_texts,
    representatives,
    to_json,
)
from contract_tests.generation.candidate import is_number
from contract_tests.generation.corpus import EDGES, NUMBERS, PIECES, WHOLE
from contract_tests.generation.covering import VALUE, Cover, Row
from contract_tests.singles import nearest_single
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field
from contract_tests.spec.resource import Role

Values = dict[str, tuple[Any, str]]
"""By field: a value and its JSON text."""

UNSET, LOW, HIGH, MIDDLE, FIRST, OTHER = "unset", "lowest", "highest", "middle", "first", "other"
ABSENT, NULL = "absent", "null"
ALONE, BARE, ALL, ONLY = "alone", "alone on a bare item", "all", "only"
CLEARED, RESET, WHILE_UNSET = "unset when refused", "cleared and set again", ", while unset"
LISTED = "x-values-from"
SPELLINGS = ("plain", "pretty", "lines", "escaped")  # of a body
# Where between the limits a number has as many digits as a double.
SHARES = (0.3141592653589793, 0.7182818284590452, 0.5772156649015329)
# A text that is longer is not sent with each of its characters escaped, nor beside another value.
LONG = 4_000
# Updates after which an item is old.
MANY = 20


@dataclass(frozen=True)
class Trial:
    """A class of values of one field, which are tried in turn."""

    field: Field
    unit: str
    faults: tuple[Boundary, ...] = ()
    """Values that are refused; empty for a class that is accepted."""
    level: str = ""
    """The level of the unit that it gives, where it is accepted."""
    is_unset: bool = False
    """Whether it is for items that hold nothing in the field: another branch of the code may judge there."""


@dataclass(frozen=True)
class Unit:
    """A field, or fields whose values other operations list together."""

    name: str
    fields: tuple[Field, ...]
    values: Mapping[str, list[Values]]
    """By level: the values that give it, which are sent in turn."""
    is_sized: bool = False
    """Whether levels differ in size, not only in value."""
    telling: Sequence[Values] = ()
    """Values between the limits that show most of what may be changed on the way."""

    @property
    def is_nullable(self) -> bool:
        """Whether every field of it takes null."""
        return all(tried.is_nullable for tried in self.fields)

    def level_of(self, item: Mapping[str, Any]) -> str:
        """Return the level that an item has."""
        shown = {tried.name: item.get(tried.name) for tried in self.fields}
        if None in shown.values():
            return UNSET
        for level, values in self.values.items():
            for name, (value, _) in values[0].items():
                is_it = _is_as_large(shown[name], value) if self.is_sized else shown[name] == value
                if is_it and level not in (MIDDLE, OTHER):
                    return level
        return MIDDLE if self.fields[0].is_free else OTHER


class Contexts:
    """
    The factors of an operation, and which of their levels may meet.

    Args:
        contract: What is under test.
        role: create or update.
        listed: Sets of values that other operations list, and that go together; without them nothing can be sent.
        seed: Decides which values of a class come first.
        unlisted: By field: values that its schema allows and nobody lists.
    """

    def __init__(
        self,
        contract: Contract,
        role: Role,
        listed: Iterable[Mapping[str, Any]] = (),
        seed: str = "",
        unlisted: Mapping[str, Sequence[Any]] = MappingProxyType({}),
    ) -> None:
        self.contract = contract
        self.role = role
        self._listed = [*listed]
        self._unlisted = unlisted
        self._seed = seed
        self.is_whole = role == "update" and contract.operation(role).method == "PUT"
        self.cover = Cover(dict(self._factors()), self._fits, random.Random(f"{seed} {role}"))

    @cached_property
    def fields(self) -> dict[str, Field]:
        """The fields of the body."""
        return self.contract.fields(self.role)

    @cached_property
    def units(self) -> dict[str, Unit]:
        """What a body brings together, or leaves out together."""
        free = [tried for tried in self.fields.values() if tried.is_free and good_values(self.contract, tried)]
        found = {tried.name: _unit(self.contract, tried) for tried in free}
        listed = tuple(tried for tried in self.fields.values() if not tried.is_free)
        if listed:
            names = [tried.name for tried in listed]
            rows = [{n: (row[n], to_json(row[n])) for n in names if n in row} for row in self._listed]
            others = [row for row in rows if not row.items() & rows[0].items()] if rows else []
            # Without an answer of the API, the levels have names and no values.
            levels = {FIRST: rows[:1] or [{}], OTHER: others or rows[1:] or [{}]}
            found[listed[0].name] = Unit(listed[0].name, listed, levels)
        return found

    @cached_property
    def trials(self) -> dict[str, Trial]:
        """The classes of values on trial, by name."""
        found: dict[str, Trial] = {}
        unit_of = {tried.name: unit for unit in self.units.values() for tried in unit.fields}
        for name, tried in self.fields.items():
            unit = unit_of.get(name)
            levels = self._levels(unit) if unit is not None and name == unit.name else []
            if self.role == "create" and len(levels) > 2:  # as many rows for an update stand for a create, too
                levels = levels[::2]
            levels += [NULL] if unit is not None and tried.is_nullable and self.role == "update" else []
            found |= {f"{name} {level}": Trial(tried, unit.name, level=level) for level in levels if unit is not None}
            chance = random.Random(f"{self._seed} {self.role} {name}")
            unit_name = unit.name if unit is not None else name
            wrong = [value for value in boundaries(self.contract, tried) if not value.accepted]
            further = representatives((value for value in wrong if not value.is_smoke), chance)
            chosen = [value for value in wrong if value.is_smoke] + chance.sample(further, len(further))
            chosen.sort(key=self._how_hidden)
            for fault in [*chosen, *self._not_listed(tried)]:
                key = f"{name} against {_what_is_wrong(fault)}"
                for is_unset in (False, True) if name in self.clearable else (False,):
                    own = key + WHILE_UNSET if is_unset else key
                    known = found[own].faults if own in found else ()
                    found[own] = Trial(tried, unit_name, (*known, fault), is_unset=is_unset)
        return found

    @cached_property
    def _classes(self) -> dict[tuple[str, str], list[str]]:
        """By field and JSON text of a value that is refused, as any other spelling of it reads: its classes."""
        found: dict[tuple[str, str], list[str]] = {}
        for name, trial in self.trials.items():
            for fault in trial.faults:
                found.setdefault((trial.field.name, json.dumps(json.loads(fault.token, parse_int=float))), []).append(
                    name
                )
        return found

    def _how_hidden(self, fault: Boundary) -> tuple[bool, float]:
        """Put first what would be right, were it read as another type, then what is nearest to its limit and cannot be rounded to it."""
        value, limit, accepts = fault.value, fault.field.schema.get(fault.keyword), self.contract.accepts_value
        with suppress(ValueError, OverflowError):
            if fault.keyword == "type":
                read = json.loads(value) if isinstance(value, str) else str(value) if is_number(value) else None
                return not (read is not None and accepts(fault.field, read)), 0
            if is_number(value) and is_number(limit):
                is_rounded = isinstance(value, float) and accepts(fault.field, nearest_single(value))
                return True, math.inf if is_rounded else abs(value - limit)
        return True, math.inf if is_number(value) else 0

    def _not_listed(self, tried: Field) -> list[Boundary]:
        if tried.is_free:
            return []
        values = self._unlisted.get(tried.name, [None])  # without an answer of the API, the class has no value
        return [
            Boundary("listed", "not-listed", v, LISTED, to_json(v), source=tried.place, field=tried, accepted=False)
            for v in values
        ]

    @cached_property
    def marked(self) -> str | None:
        """The field that carries the name of the run where the field that should is on trial; see Run.marked_body."""
        for name, tried in self.fields.items():
            is_text = name != self.contract.run_name and "string" in tried.types and tried.is_free
            if is_text and self.contract.accepts_value(tried, "text (contract-test-0)"):
                return name
        return None

    @cached_property
    def clearable(self) -> list[str]:
        """The units that null clears, and an item shows."""
        shown = [unit for unit in self.units.values() if not any(tried.is_write_only for tried in unit.fields)]
        return [unit.name for unit in shown if all(tried.on_null == "clear" for tried in unit.fields)]

    def can_be(self, row: Row) -> bool:
        """Whether a row may be: what its item holds, and of every field at once what another client is to see after something else."""
        own, after = self.trials[row[VALUE]].unit, row.get("after")
        is_bare = all(row.get(held(n)) == UNSET for n in self.clearable if n != own)
        if BARE in self.cover.factors["beside"] and row.get("beside") == (ALONE if is_bare else BARE):
            return False
        state, is_unset = row.get("state"), row.get(held(own)) == UNSET
        if state == CLEARED and not (is_unset and after in ("refused", None)):
            return False
        if state == RESET and (is_unset or after not in ("update", None)):
            return False
        if row.get("read") != "client" or not ("before" in row or "state" in row) or not self._is_free:
            return True
        return row.get("beside", ALL) == ALL and not any(level == NULL or is_left(level) for level in row.values())

    @cached_property
    def _is_free(self) -> bool:
        """Whether valid values may stand beside each other."""
        return self.is_whole or self.role == "create" or self.contract.promises_that("any_combination")

    @cached_property
    def _is_repeatable(self) -> bool:
        return self.contract.promises_that("idempotent_update")

    def _levels(self, unit: Unit) -> list[str]:
        """Return the levels that a body can bring; the name of the run leaves some room in a text, and not none."""
        return [level for level in unit.values if level in (MIDDLE, HIGH) or not self._is_named(unit)]

    def _is_optional(self, unit: Unit) -> bool:
        return not (self.is_whole or self._is_named(unit) or any(tried.is_required for tried in unit.fields))

    def _is_named(self, unit: Unit) -> bool:
        """Whether it is the name of an item that is made, which is always there."""
        return self.role == "create" and unit.name == self.contract.run_name

    def _factors(self) -> Iterator[tuple[str, list[str]]]:
        is_update, promises = self.role == "update", self.contract.promises_that
        yield VALUE, [*self.trials]
        for unit in self.units.values():
            absent, null = [ABSENT] if self._is_optional(unit) else [], [NULL] if unit.is_nullable else []
            if is_update and not any(tried.is_write_only for tried in unit.fields):
                levels = [*([UNSET] if unit.name in self.clearable else []), *unit.values]
                yield held(unit.name), levels
                absent = [left(level) for level in levels if absent]
            yield sent(unit.name), [*absent, *self._levels(unit), *null]
        null = [NULL] if any(unit.is_nullable for unit in self.units.values()) else []
        bare = [BARE] if is_update and len(self.clearable) > 2 else []
        yield "beside", [*([] if self.is_whole else [ALONE, "one", *bare]), ALL, *null]
        yield "place", ["first", "last", *([ONLY] if is_update and not self.is_whole else [])]
        yield "spelled", [*SPELLINGS, *(["charset"] if promises("strict_media_types") else [])]
        yield "after", ["create", "refused", *(["update", "same"] if is_update else [])]
        if is_update:
            yield "state", [CLEARED, RESET] if self.clearable else []
            yield "before", [*self._befores()]
            yield "age", ["fresh", "young", "old"]
            yield "read", ["alone", "connection", *self._reads()]

    def _befores(self) -> Iterator[str]:
        """Yield what may be sent just before a row, to another item or to none."""
        has, promises = self.contract.has, self.contract.promises_that
        yield from ("other", "creation") if has("create") else ()
        yield from ["refused creation"] if has("create") and self._refuses_a_create else []
        yield from ["list"] if has("list") else []
        yield from ["removal"] if has("remove") else []
        yield from ["unreadable"] if promises("strict_json") else []
        yield from ["unknown"] if self.contract.operation("update").names(404) else []
        is_named = self.contract.run_name in self.fields and has("create") and promises("create_stores_everything")
        yield from ["namesake"] if is_named and 409 not in self.contract.operation("create").statuses else []

    @property
    def _refuses_a_create(self) -> bool:
        known = self.contract.fields("create").values()
        return any(not value.accepted for tried in known for value in boundaries(self.contract, tried))

    def _reads(self) -> Iterator[str]:
        contract, promises = self.contract, self.contract.promises_that
        if contract.has("list") and promises("list_shows_items"):
            yield from ["list", *(["filter"] if contract.run_name in contract.listing.filters else [])]
        yield from ["client"] if promises("read_your_writes") else []

    def _fits(self, factor: str, level: str, other: str, its: str) -> bool:
        """Whether two levels may meet in one row; asked for both orders."""
        if factor == VALUE:
            trial = self.trials[level]
            is_own = bool(trial.faults) and trial.field.name == self.contract.run_name and self.role == "create"
            if is_own and self.marked and (other == sent(self.marked) or (other == "beside" and its in (ALONE, "one"))):
                return False
            if trial.is_unset and (other, its) in (("after", "create"), ("age", "fresh")):
                return False
            if trial.is_unset and other == held(trial.unit):
                return its == UNSET
            if other == sent(trial.unit) or (trial.faults and other == "read" and its != "alone"):
                return False
            if other == "after" and its == "same" and not (trial.faults or self._is_repeatable):
                return False
            if other == "state":
                hidden = next((n for n, t in self.trials.items() if t.faults and t.field == trial.field), level)
                return trial.unit in self.clearable and (its == CLEARED or not trial.faults or level == hidden)
            return bool(trial.faults) or self._is_free or not _is_company(other, its)
        if factor == "state" and other in ("after", "age", "before"):
            return its not in ("create", "same", "fresh", "unreadable", "update" if level == CLEARED else "refused")
        is_once = other == "after" and its == "same" and not self._is_repeatable
        if factor == "read" and level != "alone" and (is_once or not (self._is_free or not _is_company(other, its))):
            return False
        if factor == "place" and level == ONLY and other.endswith(SENT):
            return is_left(its)
        if other.endswith(SENT) and is_left(its) and factor == held(other.removesuffix(SENT)):
            return its == left(level)
        if (factor, level) == ("beside", NULL) and (other == VALUE or (other.endswith(SENT) and its != NULL)):
            own = self.trials[its].unit if other == VALUE else other.removesuffix(SENT)
            if not any(unit.is_nullable for unit in self.units.values() if unit.name != own):
                return False
        if factor == "beside" and other == "place" and self.role == "update":
            return (its == ONLY) == (level in (ALONE, BARE))
        if factor == "beside" and other.endswith(SENT):
            name = other.removesuffix(SENT)
            can_leave = self._is_optional(self.units[name])
            if level == BARE and name in self.clearable:
                return its == left(UNSET)
            if level in (ALONE, BARE):
                return is_left(its) or (not can_leave and its != NULL)
            return level == NULL or (its != NULL and (level != ALL or not is_left(its)))
        if level == BARE and its in ("fresh", "create"):
            return False
        if factor == "age" and other == "after":
            return its not in (("update", "same") if level == "fresh" else ("create",))
        if other.endswith(SENT):
            its = its.removeprefix(left("")) if is_left(its) else ""
        is_new = self.role == "update" and (factor, level) in (("age", "fresh"), ("after", "create"))
        if is_new and its and other.endswith((HELD, SENT)):
            unit = self.units[other.removesuffix(HELD).removesuffix(SENT)]
            is_made = all(tried.name in self.contract.fields("create") for tried in unit.fields)
            return its != UNSET and is_made and (unit.name != self.contract.run_name or its == MIDDLE)
        return True

    def of_fault(self, name: str, item: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Row]:
        """Yield the levels of a body that one value spoils, for each class that the value is of."""
        is_unset = item.get(name) is None
        for each in self._classes.get((name, json.dumps(body[name])), ()):
            if self.trials[each].is_unset <= is_unset:
                yield self.levels(each, item, body)

    def of_each(self, item: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Row]:
        """Yield the levels of a valid body, for each value that it brings: all of them are to be stored."""
        for unit in self.units.values():
            some = {tried.name: body[tried.name] for tried in unit.fields if tried.name in body}
            nulls = [f"{name} {NULL}" for name, value in some.items() if value is None]
            for name in nulls or [f"{unit.name} {unit.level_of(some)}"]:
                if name in self.trials:
                    yield self.levels(name, item, body)

    def levels(self, trial: str, item: Mapping[str, Any], body: Mapping[str, Any]) -> Row:
        """Return the levels that a body has in truth, on an item as it is."""
        own, row = self.trials[trial], {VALUE: trial}
        extras, names = [], {own.field.name}
        for unit in self.units.values():
            row[held(unit.name)] = unit.level_of(item)
            if unit.name == own.unit:
                names |= {tried.name for tried in unit.fields}
                continue
            some = {tried.name: body[tried.name] for tried in unit.fields if tried.name in body}
            is_null = None in some.values() or any(v == "" and self.fields[n].clears_on_empty for n, v in some.items())
            level = NULL if is_null else unit.level_of(some) if some else ABSENT
            is_held = not some and held(unit.name) in self.cover.factors
            row[sent(unit.name)] = left(row[held(unit.name)]) if is_held else level
            extras += [level] if self._is_optional(unit) or level == NULL or self.is_whole else []
        valued = len(extras) - extras.count(ABSENT)
        row["beside"] = NULL if NULL in extras else {0: ALONE, 1: "one", len(extras): ALL}.get(valued, "some")
        unset = [row[sent(name)] == left(UNSET) for name in self.clearable if name != own.unit]
        if row["beside"] == ALONE and all(unset) and BARE in self.cover.factors["beside"]:
            row["beside"] = BARE
        order = [name in names for name in body]
        row["place"] = ONLY if all(order) else "first" if order[0] else "last" if order[-1] else "between"
        return row


HELD, SENT = " held", " sent"


def left(level: str) -> str:
    """Name the level of what a body does not bring, by what the item holds."""
    return f"{ABSENT} beside {level}"


def is_left(level: str) -> bool:
    """Whether a level is one of what a body does not bring."""
    return level.startswith(ABSENT)


def _is_company(factor: str, level: str) -> bool:
    """Whether a level is one of bodies that bring more than the value on trial."""
    if factor.endswith(SENT):
        return not is_left(level)
    return level not in {"beside": (ALONE, BARE), "place": (ONLY,)}.get(factor, (level,))


def held(unit: str) -> str:
    """Name the factor of what an item holds."""
    return unit + HELD


def sent(unit: str) -> str:
    """Name the factor of what a body brings beside the value on trial."""
    return unit + SENT


def _unit(contract: Contract, tried: Field) -> Unit:
    """Sort the valid values of a field: at either limit, by number, by length or by place in the enum, and between."""
    good = good_values(contract, tried)
    numbers = [number for number in NUMBERS if contract.accepts_value(tried, number)]
    limits = [(each.value, each.token) for each in boundaries(contract, tried) if each.accepted and each.is_readable]
    texts, others = ([(v, to_json(v)) for v in some] for some in (_awkward_texts(contract, tried), [*good, *numbers]))
    pairs = [*texts, *limits, *others]
    alike = [(value, token) for value, token in pairs if _kind(value) == _kind(good[0])]
    longest = tried.schema.get("maxLength", LONG)
    values = [(value, token) for value, token in alike if not isinstance(value, str) or len(value) <= longest]
    values = [(v, token) for v, token in values if not (v == "" and tried.clears_on_empty)]
    sizes = [_size(value) for value, _ in values]
    is_sized = "enum" not in tried.schema and min(sizes) < max(sizes)
    if not is_sized:
        values = [(value, to_json(value)) for value in good]
        sizes = [*range(len(values))]
    found: dict[str, list[Values]] = {LOW: [], MIDDLE: [], HIGH: []}
    least, most = min(sizes), max(sizes)
    for value, size in zip(values, sizes, strict=True):
        level = LOW if _is_as_large(size, least) else HIGH if _is_as_large(size, most) else MIDDLE
        found[level].append({tried.name: value})
    unit = Unit(tried.name, (tried,), {level: some for level, some in found.items() if some}, is_sized)
    telling = [v for v in _telling(contract, tried, least, most) if unit.level_of({tried.name: v}) == MIDDLE]
    return replace(unit, telling=[{tried.name: (value, to_json(value))} for value in telling])


def _telling(contract: Contract, tried: Field, least: Any, most: Any) -> list[Any]:
    """Return values that hold most of what is known to be changed: a text of many parts, numbers of many digits."""
    if "string" in tried.types and contract.promises_that("exact_text"):
        dense, whole = packed_texts(contract, tried, PIECES), packed_texts(contract, tried)
        joined = "".join((*whole, *dense))
        texts = [joined] if len(whole) == 1 and contract.accepts_value(tried, joined) else dense
        return edged_texts(contract, tried, islice(cycle(texts), len(EDGES)))
    is_number = "number" in tried.types and contract.promises_that("exact_numbers")
    numbers = [least + (most - least) * share for share in SHARES if is_number]
    return [number for number in numbers if math.isfinite(number) and contract.accepts_value(tried, number)]


def _awkward_texts(contract: Contract, tried: Field) -> list[str]:
    """Return texts of every kind: by turns many in one, and one that matters as a whole."""
    if not contract.promises_that("exact_text") or "string" not in tried.types:
        return []
    by_turns = zip(cycle(packed_texts(contract, tried) or [""]), WHOLE.values())
    return [text for pair in by_turns for text in pair if contract.accepts_value(tried, text)]


def _what_is_wrong(fault: Boundary) -> str:
    """Name the class of a value that is refused: each may be judged by code of its own."""
    if fault.kind == "null" and not fault.path:
        return fault.kind
    if fault.keyword == "type" and not fault.path:
        return f"type, as {_kind(fault.value)}"
    if isinstance(fault.value, (int, float)) and fault.value < 0:
        return f"{fault.keyword}, below zero"
    return "enum, of no value" if fault.kind == fault.keyword == "enum" and not fault.origin else fault.keyword


def _kind(value: Any) -> str:
    """Return what values are compared as: two of another kind have no order."""
    return "number" if is_number(value) else type(value).__name__


def _size(value: Any) -> Any:
    return len(value) if isinstance(value, (str, list, dict)) else value


def _is_as_large(shown: Any, value: Any) -> bool:
    return _kind(shown) == _kind(value) and math.isclose(_size(shown), _size(value), rel_tol=1e-7)
