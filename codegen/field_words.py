"""What the contract says of a field besides its type: its limits, and what a caller must know, in words."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from contract_tests.spec.document import Document

LIMITS = (
    "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "uniqueItems",
)  # fmt: skip


def plain(schema: Any) -> dict[str, Any]:
    """Return a schema of the generator as the contract writes it."""
    found: dict[str, Any] = schema.model_dump(by_alias=True, exclude_none=True, exclude_unset=True, mode="json")
    return found


def parameter(nodes: Mapping[tuple[str, str], Any], place: str, wire: str) -> dict[str, Any]:
    """Return the schema of a parameter, with what is said of the parameter itself."""
    node = nodes.get((place, wire), {})
    words = {"description": node["description"]} if "description" in node else {}
    return {"allOf": [node.get("schema", {})], **words}


def properties(node: Any, document: Document) -> Iterator[tuple[str, Any]]:
    """Yield the properties that a schema names, by itself, by $ref or by allOf."""
    node = _resolved(node, document)
    for part in node.get("allOf", ()):
        yield from properties(part, document)
    yield from node.get("properties", {}).items()


def _resolved(node: Any, document: Document) -> dict[str, Any]:
    while isinstance(node, dict) and isinstance(node.get("$ref"), str):
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**document.at(node["$ref"]), **beside}
    return node if isinstance(node, dict) else {}


def gathered(node: Any, document: Document) -> dict[str, Any]:
    """Gather what a schema says of a value that is not null: what stands outside counts before what it wraps."""
    said = _resolved(node, document)
    others = [
        part for part in said.get("anyOf", said.get("oneOf", ())) if _resolved(part, document).get("type") != "null"
    ]
    inner = [*said.get("allOf", ()), *(others if len(others) == 1 else ())]
    found: dict[str, Any] = {}
    for part in inner:
        found |= gathered(part, document)
    return found | said


def limits(said: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """Return the limits of a value, and under `items` those of what it holds; an enum's values are its limits."""
    found = {name: said[name] for name in LIMITS if name in said and "enum" not in said}
    items = limits(gathered(said["items"], document), document) if isinstance(said.get("items"), dict) else {}
    return {**found, **({"items": items} if items else {})}


def as_python(limits: Mapping[str, Any]) -> str:
    """Return limits as the Python that makes them; empty where there are none."""
    if not limits:
        return ""
    parts = [
        f"{re.sub('([A-Z])', lambda one: '_' + one[0].lower(), name)}="
        + (as_python(value) if isinstance(value, dict) else repr(value))
        for name, value in limits.items()
    ]
    return f"Limits({', '.join(parts)})"


def words(said: Mapping[str, Any], limits: Mapping[str, Any], is_nullable: bool) -> str:
    """Say in words what a caller must know of a field."""
    parts = [str(said.get("description", "")).strip()]
    parts += [each for each in _limit_words(limits) if each[:-1].lower() not in parts[0].lower()]
    if "x-on-null" in said and "null" not in parts[0]:
        parts.append("None clears it." if said["x-on-null"] == "clear" else "None leaves it as it is.")
    parts[0] = re.sub(r"\bnull\b", "None", parts[0]) if is_nullable else parts[0]
    if said.get("deprecated"):
        parts.append("Deprecated.")
    return " ".join(part for part in parts if part)


def _limit_words(limits: Mapping[str, Any]) -> Iterator[str]:
    if limits.get("minLength") == 1 and "maxLength" not in limits:
        yield "Not empty."
        limits = {name: limit for name, limit in limits.items() if name != "minLength"}
    ranges = (
        (limits.get("minimum"), limits.get("maximum"), ""),
        (limits.get("minLength"), limits.get("maxLength"), " characters"),
        (limits.get("minItems"), limits.get("maxItems"), " items"),
    )
    for low, high, unit in ranges:
        if low is not None and high is not None:
            yield f"{low} to {high}{unit}."
        elif low is not None or high is not None:
            yield f"At least {low}{unit}." if high is None else f"At most {high}{unit}."
    for keyword, sentence in (
        ("exclusiveMinimum", "More than {}."), ("exclusiveMaximum", "Less than {}."), ("multipleOf", "A multiple of {}."),
        ("pattern", "Matches `{}`."), ("uniqueItems", "No item twice."),
    ):  # fmt: skip
        if limits.get(keyword) not in (None, False):
            yield sentence.format(limits[keyword])


def wrapped(text: str, indent: int = 0, hanging: int = 0) -> str:
    """Break a text into lines of a docstring; what would end the docstring or escape in it is masked."""
    safe = re.sub(r'"(?=""|$)', r'\\"', str(text).strip().replace("\\", "\\\\"))
    lines = textwrap.wrap(
        " ".join(safe.split()), 116 - indent - hanging, break_long_words=False, break_on_hyphens=False
    )
    return ("\n" + " " * (indent + hanging)).join(lines)
