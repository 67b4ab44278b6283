"""The JSON Schema keywords that are tried, and what of a contract cannot be tried, by its place."""

from collections.abc import Iterator

from contract_tests.generation.arrays import MOST_ITEMS
from contract_tests.generation.instances import good_values, is_sent
from contract_tests.generation.objects import MOST_PROPERTIES
from contract_tests.generation.places import MOST_VIEWS, Place, View, schemas_of
from contract_tests.generation.texts import FORMATS, LENGTHS, LONGEST, NUMBER_FORMATS
from contract_tests.spec.document import TEXT_FORMATS, Schema
from contract_tests.spec.extensions import Untried

TRIED = frozenset(
    (
        "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "items", "prefixItems",
        "contains", "minContains", "maxContains", "properties", "required", "additionalProperties", "minProperties",
        "maxProperties", "propertyNames", "dependentRequired", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
        "$ref", "readOnly", "discriminator",
    )
)  # fmt: skip

# They ask nothing of a value that is sent.
NOTES = frozenset(
    (
        "title", "description", "default", "deprecated", "examples", "example", "writeOnly", "externalDocs", "xml",
        "contentEncoding", "contentMediaType", "$comment", "$id", "$anchor", "$defs", "$schema",
    )
)  # fmt: skip

# The greatest sizes that are sent.
GREATEST = {
    "minLength": LONGEST, "maxLength": LONGEST, "minItems": MOST_ITEMS, "maxItems": MOST_ITEMS,
    "minProperties": MOST_PROPERTIES, "maxProperties": MOST_PROPERTIES,
}  # fmt: skip


def untried_of(place: Place) -> list[Untried]:
    """List what cannot be tried of a value and of the values inside it, one entry a pointer, in the order of the contract."""
    return list({found.pointer: found for found in _untried(place)}.values())


def untried_at(place: Place) -> list[Untried]:
    """List what cannot be tried of a value itself, the values inside it left out."""
    schemas = [each for view in place.views for each in schemas_of(view.place)]
    return list({entry.pointer: entry for each in schemas for entry in _of_schema(*each)}.values())


def _untried(place: Place) -> Iterator[Untried]:
    if place.is_repeated:
        return
    views = place.views
    if views and is_sent(place) and not good_values(place):
        yield Untried(place.pointers[0], "no valid value was found, so nothing inside it is tried")
    if len(views) >= MOST_VIEWS:
        yield Untried(place.pointers[0], f"of its combinations of branches only {MOST_VIEWS} are tried")
    for view in views:
        for pointer, schema in schemas_of(view.place):
            yield from _of_schema(pointer, schema)
        yield from _of_lengths(view)
        for keyword in view.inner:
            for child in view.children(keyword).values():
                yield from _untried(child) if keyword != "properties" or is_sent(child) else ()


def _of_schema(pointer: str, schema: Schema) -> Iterator[Untried]:
    for keyword, value in schema.items():
        where = f"{pointer}/{keyword}"
        if keyword not in TRIED | NOTES and not keyword.startswith("x-"):
            yield Untried(where, f"the keyword {keyword} is not known")
        elif keyword == "format" and value not in (*FORMATS, *TEXT_FORMATS, *NUMBER_FORMATS):
            yield Untried(where, f"the format {value} is not known, so no text is judged by it")
        elif keyword in GREATEST and value > GREATEST[keyword]:
            yield Untried(where, f"{value} is more than the {GREATEST[keyword]} that are sent")


def _of_lengths(view: View) -> Iterator[Untried]:
    name = view.schema.get("format", "")
    for keyword in LENGTHS if name in FORMATS and not view.schema.keys() & {"pattern", "enum"} else ():
        limit = view.schema.get(keyword)
        missing = None if limit is None or limit > LONGEST else FORMATS[name].missing_length(keyword, limit)
        if missing is not None:
            yield Untried(view.source(keyword), f"no text of {missing} characters in the format {name} is known")
