"""Looks whether a limit of one field moves when all other fields are at their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contract_tests.boundaries import good_values
from contract_tests.contract import LANGUAGE_FIELD, VOICE_FIELD, Field
from contract_tests.edge_search.probes import CREATE, NAME_FIELD, Outcome, Prober
from contract_tests.edge_search.row import JsonObject, Row, Verdict
from contract_tests.errors import Inconclusive

GREATEST = "at their greatest"
LEAST = "at their least"

# A longest text where none is declared says nothing and costs time.
USUAL_LENGTH = 200


def crossed(prober: Prober, row: Row, pair: Mapping[Any, Any]) -> Row:
    """
    Try the two values of a limit again, with all other fields at their greatest and at their least.

    Args:
        prober: Tries values of the field.
        row: What was found with the field alone.
        pair: What is sent for the last accepted and for the first rejected value, by what the row shows of them.

    Returns:
        The row, with what came out; its verdict says so where the limit moves.
    """
    found = [*_cross(prober, row, pair, GREATEST), *_cross(prober, row, pair, LEAST)]
    moved = [each for each in found if each["alone"] != each["together"]]
    crossed_row = replace(row, cross_field=found).counting(prober.counts)
    if not moved:
        return crossed_row
    verdict: Verdict = "looser" if moved[0]["alone"] == Outcome.REFUSED else "tighter"
    said = ", ".join(f"{each['value']} is {each['together']} with the other fields {each['others']}" for each in moved)
    return replace(
        crossed_row, verdict=row.verdict if row.is_finding else verdict, text=f"{row.text} The limit moves: {said}."
    )


def _cross(prober: Prober, row: Row, pair: Mapping[Any, Any], where: str) -> list[JsonObject]:
    """Try the pair with the other fields at one end; nothing follows where those are refused with a good value."""
    others = extremes(prober, where)
    try:
        prober.control(others)
    except Inconclusive:
        prober.control()  # unless the API is to blame and not the combination, in which case this says so
        return []
    found = []
    for shown, sent in pair.items():
        together = prober.send(sent, others=others).outcome
        alone = Outcome.REFUSED if shown == row.first_rejected else Outcome.ACCEPTED
        # Whether a value is altered is told by the row itself.
        together = Outcome.ACCEPTED if together is Outcome.ALTERED else together
        found.append({"others": where, "value": shown, "alone": str(alone), "together": str(together)})
    return found


def extremes(prober: Prober, where: str) -> dict[str, Any]:
    """Return the other fields at their greatest or least; voice, language and a new persona's name stay good."""
    fields = prober.run.contract.fields(prober.tried.operation)
    kept = {VOICE_FIELD, LANGUAGE_FIELD, prober.tried.name, *([NAME_FIELD] if prober.tried.operation == CREATE else [])}
    return {name: extreme(each, is_greatest=where == GREATEST) for name, each in fields.items() if name not in kept}


def extreme(tried: Field, *, is_greatest: bool) -> Any:
    """Return the greatest or least value of a field, its longest or shortest text."""
    schema = tried.schema
    if "enum" in schema:
        values = [value for value in schema["enum"] if value is not None]
        return max(values, key=len) if is_greatest else min(values, key=len)
    if tried.json_type == "string":
        return "a" * (schema.get("maxLength", USUAL_LENGTH) if is_greatest else max(schema.get("minLength", 1), 1))
    return schema.get("maximum" if is_greatest else "minimum", good_values(tried)[0])
