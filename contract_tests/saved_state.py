"""
The state of a borrowed resource, exactly as an answer shows it, and what of it an update could not bring back.

Pure: an answer or a state goes in, values or sentences come out. An item whose state cannot be restored to the last
value by what the contract promises is not borrowed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from contract_tests.contract import Contract, Field
from contract_tests.drift import brief
from contract_tests.fence import NAME_PREFIX
from contract_tests.secrecy import OWN_KEY, Secrecy
from contract_tests.verdict import Judge

State = dict[str, Any]

# The one field that every update may move.
MOVING = frozenset({"update_time"})
NAME_OF_A_RUN = re.compile(re.escape(NAME_PREFIX) + r"(lent-)?[0-9a-f]{8}-\d+")


class InexactNumber(str):
    """A number of an answer, as it is spelt, that is no double: what is sent back would be another."""


def state_in(body: bytes, item_id: str) -> State:
    """
    Read an item as an answer shows it.

    Args:
        body: The answer, the key replaced.
        item_id: The id that was asked for.

    Returns:
        Every field of the item, also those that the contract does not name.

    Raises:
        ValueError: It is no JSON that can be read in one way only, or shows another item.
    """
    try:
        answer = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_members,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_no_number,
        )
    except RecursionError:
        raise ValueError("it is nested too deep to be read") from None
    item = answer.get("persona") if isinstance(answer, dict) else None
    if not isinstance(item, dict):
        raise ValueError("it holds no persona")
    if item.get("id") != item_id:
        raise ValueError("it shows another persona")
    return item


def unrestorable(contract: Contract, state: State, key: str) -> dict[str, str]:
    """
    Say which fields could not be given back what they hold.

    Args:
        contract: What the API is held to.
        state: The item before it is changed.
        key: The key of the account.

    Returns:
        Why, by field; empty when one update restores all of it.
    """
    fields = contract.fields("updatePersona")
    judge, secrecy = Judge(contract), Secrecy([key])
    found = {name: _problem(field, state.get(name), judge, secrecy) for name, field in fields.items()}
    found = {name: problem for name, problem in found.items() if problem}
    if not found and not contract.accepts("updatePersona", restoring_body(contract, state)):
        found = dict.fromkeys(fields, "is not valid beside the other fields")
    return found


def restoring_body(contract: Contract, state: State) -> State:
    """Return the update that brings back every field that an update may change."""
    return {name: state.get(name) for name in contract.fields("updatePersona")}


def differing(one: Mapping[str, Any], other: Mapping[str, Any], names: Iterable[str] = ()) -> list[str]:
    """List the fields, or those of *names*, that two states do not have in common; null and absent are one."""
    compared = set(names) or (one.keys() | other.keys()) - MOVING
    return sorted(name for name in compared if not is_same_value(one.get(name), other.get(name)))


def is_same_value(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: true is not 1, and -0.0 is not 0, but 15 and 15.0 are one number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same_value(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same_value, one, other))
    if _is_number(one) and _is_number(other):
        return repr(float(one)) == repr(float(other))
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return one is other  # null, true, false


def _problem(field: Field, value: Any, judge: Judge, secrecy: Secrecy) -> str:
    """Say why an update could not bring back a value; empty where it could."""
    if value is None:
        return "" if field.is_nullable and field.clears_on_null else "is not set, and null does not clear it"
    if isinstance(value, InexactNumber):
        return f"is {brief(str(value))}, which is no double"
    text = json.dumps(value, ensure_ascii=False)
    if not _is_unicode(text):
        return "holds half a surrogate pair, which UTF-8 cannot carry"
    if OWN_KEY in text or secrecy.text(text) != text or secrecy.text(str(value)) != str(value):
        return f"holds the key of the account (or {OWN_KEY}, which stands for it)"
    if not judge.contract.accepts_value(field, value):
        return f"is {brief(value)}, which an update may not set"
    if field.name == "name" and NAME_OF_A_RUN.match(value):
        return f"is {brief(value)}, as a run names a persona: another run may have borrowed it"
    others = [each for each in judge.expected_reading(field.name, value, value) if not is_same_value(each, value)]
    return f"is {brief(value)}, and may lawfully read {brief(others[0])} once it is sent back" if others else ""


def _members(pairs: list[tuple[str, Any]]) -> State:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice in one object")
    return members


def _number(token: str) -> int | float | InexactNumber:
    """Return a number if it is a double, however it is spelt."""
    number = float(token)
    with suppress(ArithmeticError):  # an exponent that decimal cannot hold
        if math.isfinite(number) and Decimal(token) == Decimal(repr(number)):
            return number if set(token) & set(".eE") or token == "-0" else int(token)
    return InexactNumber(token)


def _no_number(token: str) -> float:
    raise ValueError(f"{token} is no JSON")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
