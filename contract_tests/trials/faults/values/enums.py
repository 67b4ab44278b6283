"""Faults of enums: compared carelessly, with a value too few or too many, spelled otherwise."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from unicodedata import combining, normalize

from contract_tests.spec.field import Field

from .. import seams
from ..fault import CRUD, Fault, OnField, Planted, fault, generator
from ..scene import Body, Scene, needed
from ..seams import Api, Item, by

# Words that YAML 1.1, or a careless program, takes for something else.
WORDS = frozenset(("off", "on", "yes", "no", "none", "null", "true", "false"))


@generator
def faults_of_enums(scene: Scene) -> Iterator[Fault]:
    """Yield the faults of each enum of texts."""
    is_stored = scene.contract.has(*CRUD) and scene.contract.promises_that("read_your_writes")
    for tried in (*scene.enums, *(f for f in scene.of_create if "enum" in f.schema and f.types == ("string",))):
        values = [value for value in tried.schema["enum"] if isinstance(value, str)]
        on = OnField(scene, tried, "enums", f"{tried.pointer}/enum", lambda value: isinstance(value, str))
        yield from _careless(on, values)
        yield from _further(on, values)
        if is_stored and tried in scene.enums:
            yield from _stored(on, values)


def _without_accents(text: str) -> str:
    return "".join(each for each in normalize("NFD", text) if not combining(each))


def _careless(on: OnField, values: list[str]) -> Iterator[Fault]:
    name, last = on.tried.name, values[-1]
    other = replace(on, concerns=lambda value: isinstance(value, str) and value not in values)

    def matching(reading: Callable[[str], str]) -> Callable[[str], bool]:
        return lambda value: reading(value) in map(reading, values)

    summary = f"Accepts any text of at most 100 characters as {name}."
    yield from other.wider("open_to_any_text", summary, lambda v: 0 < len(v) <= 100, "unknown-value")
    summary = f"Accepts the values of {name} in any case."
    yield from other.wider("in_any_case", summary, matching(str.lower), last.upper(), last.title())
    summary = f"Accepts the values of {name} with spaces around them."
    yield from other.wider("in_any_padding", summary, matching(str.strip), f" {last}")
    summary = f"Accepts the values of {name} with accents, as many a database compares texts."
    accented = [v.replace("o", "\u00f6").replace("a", "\u00e1") for v in values]
    folded = [text for value, text in zip(values, accented, strict=True) if text != value][:1]
    yield from other.wider("in_any_accents", summary, matching(_without_accents), *folded)
    yield from on.tighter("without_its_last_value", f"Takes {last} for no value of {name}.", lambda v: v == last, last)
    summary = f"Accepts the beginning of a value of {name}."
    is_start = lambda v: v and any(s.startswith(v) for s in values)
    yield from other.wider("by_its_beginning", summary, is_start, last[:-1])
    dashes = [value.replace("-", "_") for value in values if "-" in value]
    summary = f"Takes an underscore for a dash in {name}."
    yield from on.read("with_underscores", summary, lambda v: v.replace("_", "-"), *dashes[:1])
    underscores = [value.replace("_", "-") for value in values if "_" in value]
    summary = f"Takes a dash for an underscore in {name}."
    yield from on.read("with_dashes", summary, lambda v: v.replace("-", "_"), *underscores[:1])
    if on.tried.is_nullable:
        yield from on.read("empty_is_null", f"Takes an empty text for no {name}.", lambda v: v or None, "")


def _further(on: OnField, values: list[str]) -> Iterator[Fault]:
    name = on.tried.name
    more = [value for value in on.tried.schema.get("x-try", ()) if isinstance(value, str) and value not in values]
    summary = f"Accepts {''.join(more[:1])} as {name}, which the contract does not have."
    yield from on.wider("takes_a_further_value", summary, lambda v: v == more[0], *more[:1])
    named = [value for value in more if ":" in value][:1]
    prefix = "".join(named).partition(":")[0] + ":"
    summary = f"Accepts values of {name} that begin with {prefix} and are not in the contract."
    yield from on.wider("takes_values_with_a_prefix", summary, lambda v: v.startswith(prefix), *named)


@fault("enums", "read_your_writes", each=lambda scene: scene.enums)
def extension_of_the_stored_taken(scene: Scene, tried: Field) -> Planted:
    """Takes a text that begins with the stored {field} and a dash for the stored one."""
    name, values = tried.name, tried.schema["enum"]

    @by(seams.read_update_as)
    def apply(api: Api, item: Item, body: Body) -> Body:
        stored, new = item.fields.get(name), body.get(name)
        is_met = stored is not None and new not in values and str(new).startswith(f"{stored}-")
        return {**body, name: stored} if is_met else body

    value = needed(scene.item.get(name))
    return Planted(apply, (scene.update({name: f"{value}-2"}),), f"{tried.pointer}/enum")


def _stored(on: OnField, values: list[str]) -> Iterator[Fault]:
    name = on.tried.name
    words = [value for value in values if value in WORDS][:1]
    of_word = replace(on, concerns=lambda value: value in words)
    summary = f"Stores a word of {name} as false, as YAML 1.1 reads it."
    yield from of_word.stored("word_is_false", summary, lambda v: False, *words)
    summary = f"Takes a word of {name} for no value and clears the field."
    yield from of_word.stored("word_clears", summary, lambda v: None, *words)
    summary = f"Answers the name of a constant instead of the value of {name}: an underscore for a dash."
    dashed = [value for value in values if "-" in value]
    yield from on.stored("answered_with_underscores", summary, lambda v: v.replace("-", "_"), *dashed[:1])
