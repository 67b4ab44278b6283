"""What a field may read as after an accepted update, and whether what an answer shows is that."""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from contract_tests.generation.candidate import is_number
from contract_tests.singles import nearest_single
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field

# Where exact numbers are not promised, a reading may differ by so much of the value.
NUMBER_TOLERANCE = 1e-6

# A time that was sent reads back at least so exactly, if it was sent so exactly.
FINEST_KEPT = timedelta(milliseconds=1)

Readings = dict[str, tuple[Any, ...]]
"""By field: what it may read as; None is null or left out."""


@dataclass(frozen=True)
class Reader:
    """Knows what the fields of an item may read as."""

    contract: Contract

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The fields that a body may bring, those of the update first."""
        return self.contract.fields("create") | self.contract.fields("update")

    @cached_property
    def _times(self) -> frozenset[str]:
        document = self.contract.document
        places = document.properties(self.contract.resource.item_pointer).items()
        shown = {name for name, place in places if document.resolve(place)[1].get("format") == "date-time"}
        sent = {name for name, tried in self.fields.items() if tried.schema.get("format") == "date-time"}
        return frozenset(shown | sent)

    @cached_property
    def steady(self) -> frozenset[str]:
        """The fields of an item that no update moves but one that names them."""
        server = self.contract.server_fields
        return frozenset(n for n in self.contract.item_fields if n not in server or server[n].changes == "never")

    @cached_property
    def moving(self) -> tuple[str, ...]:
        """The fields that the server moves with each update that changes something."""
        return tuple(name for name, of in self.contract.server_fields.items() if of.changes == "on-update")

    @cached_property
    def moving_times(self) -> tuple[str, ...]:
        """Those of the moving fields that are times."""
        return tuple(name for name in self.moving if self.contract.server_fields[name].is_time)

    def made_of_others(self, item: Mapping[str, Any]) -> Readings:
        """Return what the fields with an x-template read as beside the others; what need not be answered may be left out."""
        required = self.contract.document.required(self.contract.resource.item_pointer)
        made = {n: of.filled(item) for n, of in self.contract.server_fields.items() if of.template is not None}
        return {name: (text,) if name in required else (text, None) for name, text in made.items()}

    @cached_property
    def birth_times(self) -> tuple[str, ...]:
        """The times that the server sets once."""
        return tuple(n for n, of in self.contract.server_fields.items() if of.changes == "never" and of.is_time)

    def after_update(self, name: str, before: Any, sent: Any) -> tuple[Any, ...]:
        """
        Return what a field may read as after an accepted update that brought it, by what it read as before.

        Source: x-on-null, x-on-empty, #/x-promises/exact_numbers.
        """
        tried = self.fields.get(name)
        if sent is None:
            return (before if tried is not None and tried.on_null == "keep" else None,)
        if sent == "" and tried is not None and tried.clears_on_empty:
            return ("", None)
        if is_number(sent) and tried is not None and tried.schema.get("format") == "float":
            return (sent, nearest_single(sent))
        # Nobody says whether a PATCH merges an object or replaces it.
        if isinstance(sent, dict) and isinstance(before, dict) and self.contract.operation("update").method == "PATCH":
            return (sent, _overlaid(before, sent))
        return (sent,)

    def after_create(self, body: Mapping[str, Any]) -> Readings:
        """Return what each field of a new item may read as; of a null, as of what is left out, nothing is promised."""
        return self.after({}, {name: value for name, value in body.items() if value is not None})

    def after(self, before: Mapping[str, Any], body: Mapping[str, Any]) -> Readings:
        """Return what each field that an update names may read as; what is only written is not read."""
        return {
            name: self.after_update(name, before.get(name), value)
            for name, value in body.items()
            if name in self.fields and not self.fields[name].is_write_only
        }

    def untouched(self, before: Mapping[str, Any], named: Mapping[str, Any] | None = None) -> Readings:
        """Return what the fields read as that an update does not name."""
        return {name: (before.get(name),) for name in self.steady if named is None or name not in named}

    def updated(self, before: Mapping[str, Any], body: Mapping[str, Any]) -> Readings:
        """Return what the fields read as after an update, those that it names and those that it does not."""
        return self.untouched(before, body) | self.after(before, body)

    def unmoved(self, before: Mapping[str, Any]) -> Readings:
        """Return what all fields read as after a request that may change nothing."""
        expected = self.untouched(before)
        births = tuple(before[name] for name in self.birth_times if before.get(name) is not None)
        for name in self.moving:
            moved = before.get(name)
            # Before the first update it may be told, or not.
            is_unset = moved is None or any(same_instant(birth, moved) for birth in births)
            expected[name] = (moved, None, *births) if is_unset else (moved,)
        return expected

    def is_same(self, name: str, shown: Any, expected: Any) -> bool:
        """Whether a field shows what it is expected to, as exactly as the contract promises."""
        if name not in self._times:
            return self._agrees(shown, expected)
        is_kept = name in self.fields and name not in self.contract.server_fields
        return same_instant(shown, expected, FINEST_KEPT if is_kept else None)

    def _agrees(self, shown: Any, expected: Any) -> bool:
        if isinstance(shown, bool) or isinstance(expected, bool):
            return shown is expected
        if isinstance(shown, dict) and isinstance(expected, dict):
            # A server may add fields, and leave out what is null.
            return all(self._agrees(shown.get(name), value) for name, value in expected.items())
        if isinstance(shown, list) and isinstance(expected, list):
            return len(shown) == len(expected) and all(map(self._agrees, shown, expected))
        if bool(shown == expected):
            return True
        if is_number(shown) and is_number(expected) and not self.contract.promises_that("exact_numbers"):
            return math.isclose(shown, expected, rel_tol=NUMBER_TOLERANCE)
        if isinstance(shown, str) and isinstance(expected, str) and not self.contract.promises_that("exact_text"):
            return unicodedata.normalize("NFC", shown.strip()) == unicodedata.normalize("NFC", expected.strip())
        return False


def _overlaid(before: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for name, value in sent.items():
        inner = before.get(name)
        merged[name] = _overlaid(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def parse_time(text: str) -> tuple[datetime, timedelta]:
    """
    Read an RFC 3339 time: cut to microseconds, and the resolution that it was printed in.

    One without an offset, which RFC 3339 does not know, is read as UTC: its format is judged elsewhere.

    Source: RFC 3339, section 5.6.
    """
    match = re.fullmatch(r"(.{19})(?:\.(\d+))?(.*)", text.upper())
    assert match is not None, f"{text!r} is no RFC 3339 time"
    seconds, fraction, zone = match.groups(default="")
    # A leap second, and the year 0, which datetime does not know.
    whole = re.sub(r"^0000", "0001", seconds).replace(":60", ":59")
    moment = datetime.fromisoformat(whole + (f".{fraction[:6]:0<6}" if fraction else "") + (zone or "Z"))
    return moment, timedelta(seconds=float(Decimal(1).scaleb(-min(len(fraction), 6))))


def until_next(text: str) -> float:
    """Return after how many seconds a time can show another moment; whole seconds may be printed with zeros behind them."""
    is_whole = re.fullmatch(r".{19}(\.0+)?[^.]*", text) is not None
    return 1.0 if is_whole else float(parse_time(text)[1].total_seconds())


def same_instant(one: Any, other: Any, finest: timedelta | None = None) -> bool:
    """Whether two times are the same, as far as the coarser of them shows; as the finer does, down to *finest*."""
    if not isinstance(one, str) or not isinstance(other, str):
        return one is None and other is None
    try:
        (first, first_step), (second, second_step) = parse_time(one), parse_time(other)
    except (AssertionError, ValueError):
        return one == other
    step = max(first_step, second_step) if finest is None else max(min(first_step, second_step), finest)
    return abs(first - second) < step


def is_earlier(one: str, other: str) -> bool:
    """Whether a time is earlier than another beyond what their resolutions hide."""
    (first, first_step), (second, second_step) = parse_time(one), parse_time(other)
    return first + max(first_step, second_step) <= second if first_step != second_step else first < second
