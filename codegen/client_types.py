"""The types of a contract as our models and methods write them, made of what openapi-python-client reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.properties import EnumProperty, ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol

from codegen.field_words import as_python, gathered, limits, plain, properties, words
from contract_tests.spec.document import Document

# What every model has besides its fields.
OF_MODELS = frozenset({"additional_properties", "from_dict", "to_dict"})


@dataclass(frozen=True)
class Argument:
    """A field of a model, or an argument of a method."""

    name: str
    wire: str
    type: str
    is_required: bool
    description: str
    """What a caller must know: the contract's words, the limits, and what None does."""
    limits: str
    """The limits as Python; empty where there are none."""
    maximum: float | None = None


@dataclass(frozen=True)
class Types:
    """The types of a contract."""

    openapi: GeneratorData
    document: Document

    @cached_property
    def enums(self) -> dict[str, EnumProperty]:
        """The enums, by class name."""
        return {str(each.class_info.name): each for each in self.openapi.enums if isinstance(each, EnumProperty)}

    @cached_property
    def models(self) -> dict[str, ModelProperty]:
        """The models that have fields, by class name."""
        named = {str(model.class_info.name): model for model in self.openapi.models}
        return {name: model for name, model in sorted(named.items()) if name not in self.mappings}

    @cached_property
    def mappings(self) -> dict[str, str]:
        """What stands for an object that names no fields, by class name."""
        found = {}
        for model in self.openapi.models:
            if not model.required_properties and not model.optional_properties:
                values = model.additional_properties
                inner = values.get_type_string().as_unembedded_code() if values else "Any"
                found[str(model.class_info.name)] = f"dict[str, {inner}]"
        return found

    def written(self, code: str) -> str:
        """Return a type as our models write it: the values of an enum beside its class, a dict for a nameless object."""
        names = {**self.mappings, **{name: f"{name} | {name}Value" for name in self.enums}}
        return re.sub(r"""'[^']*'|"[^"]*"|[A-Za-z_.]\w*""", lambda word: names.get(word[0], word[0]), code)

    def of(self, prop: PropertyProtocol) -> str:
        """Return the type of a property, None and Unset last."""
        parts = self.written(prop.get_type_string().as_unembedded_code()).split(" | ")
        last = [part for part in ("None", "Unset") if part in parts]
        return " | ".join([*(part for part in parts if part not in last), *last])

    def properties(self, model: ModelProperty | str) -> dict[str, PropertyProtocol]:
        """Return the properties of a model by the names of the contract: first what is required."""
        # What a reference became may not know its own properties yet; the model of its name does.
        name = model if isinstance(model, str) else str(model.class_info.name)
        known = self.models.get(name)
        found = [] if known is None else [*(known.required_properties or ()), *(known.optional_properties or ())]
        return {wire_name(each): each for each in found}

    def fields(self, model: ModelProperty) -> list[Argument]:
        """List the fields of a model: first what is required."""
        said = dict(properties(plain(model.data), self.document))
        return [self.argument(prop, said.get(wire, {})) for wire, prop in self.properties(model).items()]

    def argument(self, prop: PropertyProtocol, node: Any) -> Argument:
        """Return a property with what the contract says of it."""
        said = gathered(node, self.document)
        kind, bounds = self.of(prop), limits(said, self.document)
        told = words(said, bounds, "None" in kind)
        maximum = bounds.get("maximum")
        return Argument(python_name(prop), wire_name(prop), kind, prop.required, told, as_python(bounds), maximum)

    def attributes(self, kind: str, way: Iterable[str]) -> tuple[str, ...]:
        """Return the attributes of a model that the names on a way are called; empty where it has no such way."""
        found: list[str] = []
        for wire in way:
            prop = self.properties(kind).get(wire)
            if prop is None:
                return ()
            found.append(python_name(prop))
            kind = self.written(prop.get_type_string(no_optional=True).as_unembedded_code())
        return tuple(found)

    def result(self, kind: str, way: Iterable[str]) -> str:
        """Return the type of what the attributes on a way lead to."""
        for name in way:
            kind = self.of(next(each for each in self.properties(kind).values() if python_name(each) == name))
        return kind


def wire_name(prop: PropertyProtocol) -> str:
    """Return the name of a property in the contract."""
    return str(prop.name.get_untrusted_value())


def python_name(prop: PropertyProtocol) -> str:
    """Return the name of a property in Python."""
    return f"{prop.python_name}_" if prop.python_name in OF_MODELS else str(prop.python_name)
