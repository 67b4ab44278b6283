"""
One change of a contract, what it means to those who send and to those who read, and how far info.version must move.

Where fewer values are valid, a sender may be refused and a reader meets nothing new; where more are valid, it is the
other way round. docs/contract-changes.md has the rules and what they are worth.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

Rating: TypeAlias = Literal["breaking", "compatible", "documentation", "none"]
Effect: TypeAlias = Literal["fewer", "more", "other", "added", "words"]
Side: TypeAlias = Literal["send", "read", "both"]

# Worst first; none is for callers whom a change does not touch.
RATINGS: tuple[Rating, ...] = ("breaking", "compatible", "documentation", "none")
# What an effect means to senders and to readers.
EFFECTS: Mapping[Effect, tuple[Rating, Rating]] = {
    "fewer": ("breaking", "compatible"),
    "more": ("compatible", "breaking"),
    "other": ("breaking", "breaking"),
    "added": ("compatible", "compatible"),
    "words": ("documentation", "documentation"),
}

UPPER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"})
LOWER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"})
# Each value of the first format is one of the second.
WIDER_FORMATS = frozenset({("int32", "int64"), ("float", "double")})
# What no caller's program depends on, or what only the suite and the mock read.
WORDS = frozenset({
    "description", "summary", "title", "example", "examples", "externalDocs", "tags", "$comment", "readOnly", "writeOnly",
    "xml", "links", "discriminator", "$id", "$anchor", "$defs", "contact", "license", "termsOfService",
})  # fmt: skip
# What is promised besides limits: more of it hurts nobody, less of it does. Any other extension is somebody else's.
PROMISED = frozenset({
    "x-on-null", "x-on-empty", "x-changes", "x-template", "x-error-code", "x-error-fields", "x-list-role", "x-filters",
    "x-key-env", "default", "callbacks", "webhooks",
})  # fmt: skip

# How a value is written in a request: another way is another request.
FORMS = frozenset({"style", "explode", "encoding"})

LONGEST_SAID, ROUNDING = 60, 1e-9
ABSENT: Any = object()
# Source: Semantic Versioning 2.0.0, 4 and 6 to 8.
SEMANTIC = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?", re.ASCII)


@dataclass(frozen=True)
class Change:
    """One change of a contract, wherever callers meet it."""

    subject: str
    """The field, parameter, status, operation or promise."""
    what: str
    sends: Rating
    reads: Rating
    places: tuple[str, ...]
    operations: tuple[str, ...] = ()
    """None for what stands for all of them."""
    line: str = ""
    """The file and the line: of the new file, or of the old for what is no longer there."""

    @property
    def worst(self) -> Rating:
        """The rating for callers who do both."""
        return worst_of((self.sends, self.reads))


@dataclass(frozen=True)
class Spot:
    """A part of both documents, as callers meet it."""

    old: str
    """The pointer into the old document; empty where it has no such part."""
    new: str
    side: Side
    operation: str = ""
    part: str = ""
    """Of the operation: its body, an answer, a parameter."""
    fields: str = ""

    def field(self, name: str, old: str, new: str) -> "Spot":
        """Return a field of an object, or the elements of an array."""
        dot = "." if self.fields and not name.startswith("[") else ""
        return replace(self, old=old, new=new, fields=f"{self.fields}{dot}{name}")

    @property
    def place(self) -> str:
        """Where a caller meets it, such as `PATCH /things/{id} body owner.tags[]`."""
        return " ".join(filter(None, (self.operation, self.part, self.fields))) if self.operation else "the whole API"

    @property
    def subject(self) -> str:
        """What a person calls it."""
        return self.fields.rpartition(".")[2] or self.part or self.operation or "the contract"


def worst_of(ratings: Iterable[Rating]) -> Rating:
    """Return the worst of some ratings; none of none."""
    return min(ratings, key=RATINGS.index, default="none")


def judged(word: str, was: Any, now: Any, side: Side) -> tuple[str, Effect]:
    """Say what became of a keyword that stands on its own, ABSENT where it does not stand, and what follows."""
    happened = f"added: {said(now)}" if was is ABSENT else f"dropped, was {said(was)}" if now is ABSENT else ""
    if word == "deprecated":
        return "deprecated" if now is True else "no longer deprecated", "added"
    is_foreign = word.startswith("x-") and word not in PROMISED | {"x-values-from"}
    if word in WORDS or is_foreign or (word == "default" and side == "read"):
        return f"{word} {'added' if was is ABSENT else 'dropped' if now is ABSENT else 'changed'}", "words"
    if word in PROMISED and happened:
        return f"{word} {happened}", "added" if was is ABSENT else "other"
    if happened and word in FORMS:
        return f"{word} {happened}", "other"
    if happened:
        return f"{word} {happened}", "fewer" if was is ABSENT else "more"
    effect = _moved(word, was, now)
    how = {"fewer": "tightened", "more": "loosened"}.get(effect, "changed")
    return f"{word} {how} from {said(was)} to {said(now)}", effect


def _moved(word: str, was: Any, now: Any) -> Effect:
    """Say what follows from another value of a limit."""
    numbers = all(isinstance(value, (int, float)) for value in (was, now))
    if word in UPPER | LOWER and numbers:
        return "fewer" if (now < was) == (word in UPPER) else "more"
    if word == "multipleOf" and numbers and was and now:
        is_multiple = [abs(one / other - round(one / other)) < ROUNDING for one, other in ((now, was), (was, now))]
        return "fewer" if is_multiple[0] else "more" if is_multiple[1] else "other"
    if word == "format":
        return "more" if (was, now) in WIDER_FORMATS else "fewer" if (now, was) in WIDER_FORMATS else "other"
    if word == "uniqueItems":
        return "fewer" if now else "more"
    return "other"


def said(value: Any) -> str:
    """Write a value of a contract so that a line can hold it."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SAID else f"{text[:LONGEST_SAID]}..."


def least_version(base: str, worst: Rating) -> str:
    """Return the lowest version that says what changed since *base*; below 1.0 a minor version may break callers."""
    numbers = _numbers(base)
    if numbers is None or worst in ("documentation", "none"):
        return base
    major, minor, patch = numbers
    if worst == "breaking":
        return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
    return f"{major}.{minor + 1}.0" if major else f"0.{minor}.{patch + 1}"


def says_enough(base: str, new: str, worst: Rating) -> bool:
    """Whether a version has moved far enough; one that is not semantic, such as a date, must have moved at all."""
    least, told = _numbers(least_version(base, worst)), _numbers(new)
    if least is None or told is None:
        return base != new or worst in ("documentation", "none")
    return told >= least


def _numbers(version: str) -> tuple[int, int, int] | None:
    found = SEMANTIC.fullmatch(version)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))
