"""The state of a borrowed resource, exactly as an answer shows it, and what of it an update could not bring back."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from contract_tests.checks.judge import Judge
from contract_tests.checks.observations import brief
from contract_tests.spec.contract import Contract, Field
from contract_tests.spec.field import json_type
from contract_tests.transport.redaction import OWN_KEY, Redactor
from contract_tests.transport.resource_shape import ItemId, ResourceShape
from contract_tests.transport.write_guard import NAME_PREFIX

State = dict[str, Any]

NAME_OF_A_RUN = re.compile(re.escape(NAME_PREFIX) + r"(lent-)?[0-9a-f]{8}-\d+")


class InexactNumber(str):
    """A number of an answer, as it is spelt, that is no double: what is sent back would be another."""


def state_in(body: bytes, item_id: ItemId, shape: ResourceShape) -> State:
    """Read every field of an item; ValueError where the answer can be read in two ways, or shows another item."""
    text = body.decode("utf-8")
    try:
        answer = json.loads(
            text, object_pairs_hook=_members, parse_float=_number, parse_int=_number, parse_constant=_no_number
        )
    except RecursionError:
        raise ValueError("it is nested too deep to be read") from None
    item = shape.item_in(answer)
    if not item:
        raise ValueError("it holds no item")
    if item.get(shape.id_name) != item_id:
        raise ValueError("it shows another item")
    return item


def unrestorable(contract: Contract, state: State, key: str) -> dict[str, str]:
    """Say which fields could not be given back what they hold, and why; empty when one update restores all of it."""
    fields = contract.fields("update")
    judge, redactor = Judge(contract), Redactor([key])
    found = {name: _problem(field, state.get(name), judge, redactor) for name, field in fields.items()}
    found = {name: problem for name, problem in found.items() if problem}
    if not found and not contract.accepts("update", restoring_body(contract, state)):
        found = dict.fromkeys(fields, "is not valid beside the other fields")
    return found


def restoring_body(contract: Contract, state: State) -> State:
    """Return the update that brings back every field that an update may change."""
    return {name: state.get(name) for name in contract.fields("update")}


def differing(
    contract: Contract, one: Mapping[str, Any], other: Mapping[str, Any], names: Iterable[str] = ()
) -> list[str]:
    """List the fields, or those of *names*, that two states do not have in common; null and absent are one."""
    moving = {field.name for field in contract.server_fields.values() if field.changes != "never"}
    compared = set(names) or (one.keys() | other.keys()) - moving
    return sorted(name for name in compared if not is_same_value(one.get(name), other.get(name)))


def is_same_value(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: true is not 1, and -0.0 is not 0, but 15 and 15.0 are one number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same_value(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same_value, one, other))
    if {json_type(one), json_type(other)} <= {"integer", "number"}:
        return repr(float(one)) == repr(float(other))
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return one is other  # null, true, false


def _problem(field: Field, value: Any, judge: Judge, redactor: Redactor) -> str:
    if field.is_write_only:
        return "is never shown"
    if value is None:
        return "" if field.is_nullable and field.clears_on_null else "is not set, and null does not clear it"
    if isinstance(value, InexactNumber):
        return f"is {brief(str(value))}, which is no double"
    text = json.dumps(value, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half a surrogate pair, which UTF-8 cannot carry"
    if OWN_KEY in text or redactor.text(text) != text or redactor.text(str(value)) != str(value):
        return f"holds the key of the account (or {OWN_KEY}, which stands for it)"
    if not judge.contract.accepts_value(field, value):
        return f"is {brief(value)}, which an update may not set"
    if field.name == judge.contract.run_name and NAME_OF_A_RUN.match(value):
        return f"is {brief(value)}, as a run names an item: another run may have borrowed it"
    others = [each for each in judge.reader.after_update(field.name, value, value) if not is_same_value(each, value)]
    return f"is {brief(value)}, and may lawfully read {brief(others[0])} once it is sent back" if others else ""


def _members(pairs: list[tuple[str, Any]]) -> State:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice in one object")
    return members


def _number(token: str) -> int | float | InexactNumber:
    number = float(token)
    with suppress(ArithmeticError):  # an exponent that decimal cannot hold
        if math.isfinite(number) and Decimal(token) == Decimal(repr(number)):
            return number if set(token) & set(".eE") or token == "-0" else int(token)
    return InexactNumber(token)


def _no_number(token: str) -> float:
    raise ValueError(f"{token} is no JSON")
