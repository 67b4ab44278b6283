"""Looks whether a limit of one field moves when all other fields are at their limits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contract_tests.boundary_map.limit_result import LimitResult, TriedTogether
from contract_tests.boundary_map.operations import CREATE
from contract_tests.boundary_map.probes import Outcome, Prober
from contract_tests.errors import Inconclusive
from contract_tests.generation.boundaries import good_values, place_of, to_json
from contract_tests.spec.contract import Contract, Field

GREATEST = "at their greatest"
LEAST = "at their least"

# A longest text where none is declared says nothing and costs time.
USUAL_LENGTH = 200


def crossed(prober: Prober, result: LimitResult, pair: Mapping[Any, Any]) -> LimitResult:
    """
    Try the two values of a limit again, with all other fields at their greatest and at their least. *pair* has the values
    that are sent for the last accepted and the first rejected, by how they are shown. The result holds what came out; its
    verdict says so where the limit moves. Source: the promise any_combination; without it nothing is tried.
    """
    if not prober.run.contract.promises_that("any_combination"):
        return result
    found = [*_cross(prober, result, pair, GREATEST), *_cross(prober, result, pair, LEAST)]
    result = replace(result, cross_field=tuple(found), **vars(prober.counts))
    moved = [each for each in found if each.alone != each.together]
    if not moved:
        return result
    verdict = "looser" if moved[0].alone == Outcome.REFUSED else "tighter"
    said = ", ".join(f"{each.value} is {each.together} with the other fields {each.others}" for each in moved)
    text = f"{result.text} The limit moves: {said}."
    return replace(result, verdict=result.verdict if result.is_finding else verdict, text=text)


def _cross(prober: Prober, result: LimitResult, pair: Mapping[Any, Any], where: str) -> list[TriedTogether]:
    """Try the pair with the other fields at one end; nothing follows where those are refused with a good value."""
    others = _extremes(prober, where)
    try:
        prober.control(others)
    except Inconclusive:
        prober.control()  # unless the API is to blame and not the combination, in which case this says so
        return []
    found = []
    for shown, sent in pair.items():
        together = prober.put(sent, others=others).outcome
        alone = Outcome.REFUSED if shown == result.first_rejected else Outcome.ACCEPTED
        # Whether a value is altered is told by the result itself.
        together = Outcome.ACCEPTED if together is Outcome.ALTERED else together
        found.append(TriedTogether(where, shown, str(alone), str(together)))
    return found


def _extremes(prober: Prober, where: str) -> dict[str, Any]:
    """Return the other fields at their greatest or least, as far as the contract allows them together."""
    contract, run, name = prober.run.contract, prober.run, prober.tried.name
    good = next(iter(prober.good_values()), None)
    whole = run.full_body(prober.role)
    found: dict[str, Any] = {}
    for other, tried in contract.fields(prober.role).items():
        is_kept = other == name or not tried.is_free or (prober.role == CREATE and other == contract.run_name)
        values = [] if is_kept else _extreme(contract, tried, is_greatest=where == GREATEST)
        for value in values:
            more = {**found, other: value}
            if contract.accepts_value(tried, value) and run.rules.lawful({}, {**whole, **more, name: good}):
                found = more
                break
    return found


def _extreme(contract: Contract, tried: Field, *, is_greatest: bool) -> list[Any]:
    """List the greatest or least values of a field, its longest or shortest texts, the furthest first."""
    schema = next((view.schema for view in place_of(contract, tried).views), {})
    goods = sorted(good_values(contract, tried), key=lambda value: len(to_json(value)), reverse=is_greatest)
    keyword = "maximum" if is_greatest else "minimum"
    if keyword in schema and "enum" not in schema:
        return [schema[keyword], *goods]
    if tried.json_type != "string" or schema.keys() & {"enum", "pattern", "format"}:
        return goods
    length = schema.get("maxLength", USUAL_LENGTH) if is_greatest else max(schema.get("minLength", 1), 1)
    return ["a" * length, *goods]
