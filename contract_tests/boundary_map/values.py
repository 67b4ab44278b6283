"""Makes results of the map from inputs that are tried one by one: enums, types, null, patterns, formats, lists."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from contract_tests.boundary_map import inputs
from contract_tests.boundary_map.alterations import Altered
from contract_tests.boundary_map.inputs import MOST_NAMED, Input, Tried
from contract_tests.boundary_map.limit_result import LimitResult, Verdict
from contract_tests.boundary_map.operations import LIST
from contract_tests.boundary_map.probes import Outcome, Prober
from contract_tests.boundary_map.slots import declared_types, slots_of
from contract_tests.errors import Inconclusive
from contract_tests.generation.boundaries import good_values, to_json

LISTED = "x-values-from"


def _declared(prober: Prober, constraint: str) -> Any:
    """Return what the contract says of a value, by all branches of its schema, as a result shows it."""
    slots = slots_of(prober.run.contract, prober.tried)
    schemas = [slot.schema for slot in slots if slot.path == prober.slot.path]
    if constraint in GROUPS:
        named = [word for word in GROUPS[constraint] if any(word in schema for schema in schemas)]
        return ", ".join(named) or constraint
    keyword = "enum" if constraint == "const" else constraint
    said = [schema[keyword] for schema in schemas if keyword in schema]
    if constraint in ("enum", "const"):
        return list({to_json(value): value for values in said for value in values if value is not None}.values())
    return said[0] if len(said) == 1 else " or ".join(dict.fromkeys(map(str, said)))


GROUPS = {
    "properties": (
        "required", "properties", "additionalProperties", "propertyNames", "minProperties", "maxProperties",
        "dependentRequired",
    ),
    "items": ("uniqueItems", "contains", "minContains", "maxContains"),
}  # fmt: skip


def _inputs_for(prober: Prober, constraint: str, example: str | None) -> tuple[Any, list[Input]]:
    """Return what the contract says of the values of a constraint, as a result shows it, and the values to try."""
    contract, tried = prober.run.contract, prober.tried
    if example is not None:
        return "date-time", inputs.time_inputs(example)
    if constraint == "nullable":
        return tried.is_nullable, [Input(None, tried.is_nullable)]
    if constraint == LISTED:
        shown = f"listed by {tried.values_from.operation_id}" if tried.values_from is not None else None
        return shown, list(inputs.listed_inputs(contract, tried, prober.run.listed))
    if constraint == "type" and prober.role == LIST:
        return tried.json_type, inputs.query_inputs(contract, tried)
    found = inputs.boundary_inputs(contract, prober.slot, constraint)
    if constraint == "multipleOf":
        tokens = {to_json(each.value) for each in found}
        beside = inputs.decimals_beside_a_multiple(contract, prober.slot)
        found += [each for each in beside if to_json(each.value) not in tokens]
    if constraint != "type":
        return _declared(prober, constraint), _own(found, prober)
    prober.control()
    own = _own(found, prober)
    if prober.slot.path:
        return " or ".join(prober.slot.view.types), own
    return declared_types(tried), [Input(prober.good, True), *own, *inputs.spellings(contract, prober.slot)]


def _own(found: list[Input], prober: Prober) -> list[Input]:
    """Put a name of this run where a new item could get its name, so that it is found; leave out what would give it another."""
    if not prober.is_run_name:
        return found
    goods, name = good_values(prober.run.contract, prober.tried), to_json(prober.good or prober.run.api.new_name())
    own = []
    for each in found:
        text = to_json(each.value)
        for good in goods:
            text = text.replace(to_json(good), name)
        if not each.is_declared or name in text:
            own.append(replace(each, value=json.loads(text), token=text))
    return own


def values_result(prober: Prober, constraint: str, example: str | None = None) -> LimitResult:
    """Try the values of a keyword one by one, and make a result of them; *example* is a filter that holds a time."""
    said, wanted = _inputs_for(prober, constraint, example)
    found = _try_all(prober, wanted)
    changed = [Altered(prober.slot.read(each.input.value), each.answer.reads) for each in found if each.is_changed]
    name = _null_alteration(found) if constraint == "nullable" else prober.alteration(changed)
    # One that departs from the contract, if there is one, is what a person repeats.
    telling = sorted(found, key=lambda each: not each.departs)
    curls = {each.answer.outcome is Outcome.REFUSED: each.answer.exchange.curl() for each in reversed(telling)}
    is_by_type = constraint in ("type", "nullable")
    return prober.result(
        constraint,
        _judge(found),
        _sentence(found, name),
        declared=said,
        altered=name,
        values=() if is_by_type else tuple(each.as_value() for each in found),
        types=tuple(each.as_type() for each in found) if is_by_type else (),
        curl_accepted=curls.get(False),
        curl_rejected=curls.get(True),
    )


def _try_all(prober: Prober, wanted: Iterable[Input]) -> list[Tried]:
    def tried(each: Input) -> Tried:
        return Tried(each, prober.send(each.value, token=each.token, others=each.others))

    prober.control()
    found = [tried(each) for each in wanted]
    prober.control()
    for each in [each for each in found if each.departs][:MOST_NAMED]:
        before, again = each.answer.outcome, tried(each.input).answer.outcome
        if again is not before:
            raise Inconclusive(f"{prober.slot.name} {each.shown} was {before} first and {again} later")
    return found


def _judge(found: list[Tried]) -> Verdict:
    """Hold what became of values to what the contract says of them."""
    if any(each.is_missing for each in found):
        return "tighter"
    if any(each.is_changed and each.input.is_declared is not False for each in found):
        return "altered"
    if any(each.is_added and not each.is_changed for each in found):
        return "looser"
    return "altered" if any(each.is_added for each in found) else "holds"


def _sentence(found: list[Tried], altered: str | None) -> str:
    if [each.input.value for each in found] == [None]:
        return _null_sentence(found[0], altered)
    accepted = sum(each.answer.outcome is Outcome.ACCEPTED and each.input.is_declared is True for each in found)
    refused = sum(each.answer.outcome is Outcome.REFUSED and each.input.is_declared is False for each in found)
    said = [f"Accepted as declared: {accepted}. Refused as declared: {refused}"]
    free = sum(each.input.is_declared is None and each.answer.outcome is Outcome.REFUSED for each in found)
    said += [f"Refused where either is right: {free}"] if free else []
    groups = {
        "Refused, though declared": [each for each in found if each.is_missing],
        "Accepted, though not declared": [each for each in found if each.is_added],
        f"Reads back {altered}": [each for each in found if each.is_changed],
    }
    said += [f"{words}: {_named(group)}" for words, group in groups.items() if group]
    return f"{'. '.join(said)}."


def _null_sentence(null: Tried, altered: str | None) -> str:
    if null.answer.outcome is Outcome.REFUSED:
        return f"null is refused{', though declared' if null.is_missing else ''}."
    if altered is not None:
        return f"null is accepted, and the field is {altered}."
    effect = "the field is cleared" if null.answer.reads is None else "the field stays as it is"
    return f"null is accepted{', though not declared' if null.is_added else ''}, and {effect}."


def _named(group: list[Tried]) -> str:
    more = f" and {len(group) - MOST_NAMED} more" if len(group) > MOST_NAMED else ""
    return ", ".join(each.shown for each in group[:MOST_NAMED]) + more


def _null_alteration(found: list[Tried]) -> str | None:
    """Say what null did, where it did not do what x-on-null says."""
    if not any(each.is_changed for each in found):
        return None
    reads = found[0].answer.reads
    return "cleared, where null is to leave it" if reads is None else f"{to_json(reads)}, where null is to clear it"
