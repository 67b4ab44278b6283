"""Hypothesis strategies for whole bodies, made from the contract and its boundaries."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from contract_tests.boundaries import Boundary, boundaries, to_json
from contract_tests.contract import JSON_TYPES, LANGUAGE_FIELD, VOICE_FIELD, Contract, Field, Schema

Voices = Mapping[str, list[str]]

# Long enough for every kind of character to occur, short enough for a person to read the example.
TEXT_SIZE = 40


def texts(schema: Schema) -> st.SearchStrategy[str]:
    """Texts of any characters that UTF-8 can carry, inside the length limits of *schema*."""
    min_size = schema.get("minLength", 0)
    max_size = min(schema.get("maxLength", TEXT_SIZE), max(TEXT_SIZE, min_size))
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=min_size, max_size=max_size)


def numbers(schema: Schema) -> st.SearchStrategy[float]:
    """Doubles inside the limits of *schema*, the limits among them."""
    return st.floats(
        min_value=schema.get("minimum", schema.get("exclusiveMinimum")),
        max_value=schema.get("maximum", schema.get("exclusiveMaximum")),
        exclude_min="exclusiveMinimum" in schema,
        exclude_max="exclusiveMaximum" in schema,
        allow_nan=False,
        allow_infinity=False,
    )


def integers(schema: Schema) -> st.SearchStrategy[int]:
    """Whole numbers inside the limits of *schema*."""
    return st.integers(schema.get("minimum", -sys.maxsize), schema.get("maximum", sys.maxsize))


def values(tried: Field) -> st.SearchStrategy[Any]:
    """Valid values of a field, null among them where the contract allows it."""
    schema = tried.schema
    chosen = st.sampled_from(schema["enum"]) if "enum" in schema else BY_TYPE[tried.json_type](schema)
    return st.none() | chosen if tried.is_nullable else chosen


@st.composite
def valid_bodies(draw: st.DrawFn, contract: Contract, voices: Voices) -> dict[str, Any]:
    """Bodies of updatePersona that the contract allows: any fields together, the voice always with its language."""
    fields = contract.fields("updatePersona")
    free = [tried for name, tried in fields.items() if name not in (VOICE_FIELD, LANGUAGE_FIELD)]
    chosen = draw(st.lists(st.sampled_from(free), unique_by=lambda tried: tried.name, max_size=len(free)))
    body = {tried.name: draw(values(tried)) for tried in chosen}
    if draw(st.booleans()):
        voice = draw(st.sampled_from(sorted(voices)))
        body |= {VOICE_FIELD: voice, LANGUAGE_FIELD: draw(st.sampled_from(voices[voice]))}
    return body


@st.composite
def spoilt_bodies(draw: st.DrawFn, contract: Contract, voices: Voices) -> tuple[Boundary, str]:
    """Bodies, as JSON text, that are valid but for one field; the value at fault comes first, anywhere in the body."""
    body = draw(valid_bodies(contract, voices))
    tried = draw(st.sampled_from(list(contract.fields("updatePersona").values())))
    fault = draw(st.sampled_from([value for value in boundaries(contract, tried) if not value.accepted]))
    items = [f"{to_json(name)}: {to_json(value)}" for name, value in body.items() if name != tried.name]
    items.insert(draw(st.integers(0, len(items))), f"{to_json(tried.name)}: {fault.token}")
    return fault, f"{{{', '.join(items)}}}"


BY_TYPE: dict[str, Callable[[Schema], st.SearchStrategy[Any]]] = {
    "string": texts,
    "number": numbers,
    "integer": integers,
    "boolean": lambda _schema: st.booleans(),
    "array": lambda _schema: st.just([]),
    "object": lambda _schema: st.just({}),
}
assert set(BY_TYPE) == set(JSON_TYPES)
