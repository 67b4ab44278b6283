"""Where a fault in company is planted: a field, and the fields beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contract_tests.spec.field import Field

from ..scene import Scene, first


@dataclass(frozen=True)
class Place:
    """A field on trial."""

    scene: Scene
    tried: Field

    @property
    def name(self) -> str:
        """The name of the field."""
        return self.tried.name

    @cached_property
    def clearing(self) -> list[Field]:
        """The other fields that the item has and null clears, those that follow first."""
        scene = self.scene
        some = (f for f in scene.clearing if f.name in scene.item)
        return self._following(f for f in some if scene.rules.lawful(scene.item, {f.name: None}))

    @cached_property
    def changing(self) -> list[Field]:
        """The other fields that can be given another value alone, those that follow first."""
        return self._following(f for f in self.scene.free if self.scene.change(f).keys() == {f.name})

    @cached_property
    def other(self) -> str:
        """The other field that conditions mean; NoPlace where there is none."""
        return first(self.clearing).name

    def _following(self, fields: Iterable[Field]) -> list[Field]:
        names = list(self.scene.fields)
        start = names.index(self.name)
        return sorted((f for f in fields if f != self.tried), key=lambda f: (names.index(f.name) - start) % len(names))


def limits(tried: Field) -> list[Any]:
    """Return the values of a field that stand at its limits."""
    schema = tried.schema
    numbers = [schema[word] for word in ("maximum", "minimum") if word in schema]
    texts = ["a" * schema["maxLength"]] if "maxLength" in schema and "enum" not in schema else []
    return [*numbers, *texts, *schema.get("enum", ())[-1:]]


def is_limit(tried: Field, value: Any) -> bool:
    """Whether a value of a field stands at a limit; a text by its length."""
    if isinstance(value, str) and "enum" not in tried.schema:
        return len(value) == tried.schema.get("maxLength")
    return value in limits(tried)
