"""
A field goes in, the values at, just inside and just outside each of its limits come out, nested values among them.

Knows neither HTTP nor hypothesis. Whether a value is valid is not decided here: the contract decides, through
a JSON Schema library, so that a mistake in making a value cannot hide a mistake in judging it.
"""

import random
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from dataclasses import field as data
from itertools import cycle
from typing import Any

from contract_tests.generation import instances, keywords
from contract_tests.generation.candidate import NOT_JSON, Candidate, to_json, values_in
from contract_tests.generation.corpus import EDGES, PARTS
from contract_tests.generation.places import Place
from contract_tests.generation.texts import ALPHABETS, COMBINED
from contract_tests.generation.trying import candidates
from contract_tests.singles import nearest_single
from contract_tests.spec.contract import Contract, Field
from contract_tests.spec.document import steps
from contract_tests.spec.extensions import Untried

__all__ = [
    "ALPHABETS", "COMBINED", "NOT_JSON", "Boundary", "Untried", "boundaries", "good_values",
    "place_of", "plain_fault", "representatives", "to_json", "untried",
]  # fmt: skip

# Characters of a value that fit into a sentence.
LONGEST_SHOWN = 60

# The values that show most of what goes wrong, by their reasons: where few requests may be sent, these come first.
# `make faults BUDGET=300` measures what they are worth.
SMOKE = re.compile(
    # numbers and lengths: the limit, and just beyond it
    r"at-(m|exclusiveM)\w+|one-double-(below|above)-(m|exclusiveM)\w+|1e-06-(below|above)-m\w+|(0\.4|1)-(below-min|above-max)\w+|"
    r"m\w+imum[+-][01]|fraction|half-a-step-above-multiple-0|multiple-1|"
    r"zero|minus-one|billion|1000-times-maximum|token-NaN|m\w+imum-spelled-[\d.]+[eE]\S+|"
    r"empty|\d+-(ascii|four-byte|long)|at-limit-(of-spaces|with-combining)|over-unless-(composed|trimmed-right)|"
    r"over-in-bytes-only|twice-the-limit|"
    # patterns, formats, arrays, objects
    r"pattern-(letter-after|newline-after|middle-replaced|last-removed)|matching-0|no-\w[\w-]*-0|"
    r"empty-array|\d+-items|item-twice|\d+-contained|without-.*|unknown-property|\d+-properties|"
    # types
    r"array-1|boolean-0|(integer|number)-0|object-0|string-(0|3)"
)


@dataclass(frozen=True)
class Boundary(Candidate):
    """One value of one field, and what the contract says of it."""

    token: str = data(default="", repr=False)
    """The JSON text that is sent."""
    field: Field = data(kw_only=True)
    accepted: bool = data(kw_only=True)

    @property
    def clause(self) -> str:
        """The pointer that it is counted under: null belongs to the place of the field, all else to its schema."""
        return self.field.place if self.kind == "null" and not self.path else self.source

    @property
    def is_readable(self) -> bool:
        """Whether every JSON parser can read the value: NaN is no JSON, and 1e400 is beyond a double."""
        is_json = self.token not in NOT_JSON and not (self.path and "token-" in self.reason)
        numbers = (each for each in values_in(self.value) if isinstance(each, (int, float)))
        return is_json and all(abs(number) <= sys.float_info.max for number in numbers)

    @property
    def equivalence_class(self) -> str:
        """What is on trial, whichever value of the enum it is tried with: one value of a class stands for the others."""
        reason = self.reason.removesuffix(f"-{self.origin}") if self.origin else self.reason
        return self.path + ("part" if reason.startswith("part-") else reason)

    @property
    def shown(self) -> str:
        """The field and the value, short enough for a sentence."""
        name = self.field.name + self.path
        if isinstance(self.value, str) and len(self.value) > LONGEST_SHOWN:
            return f"{name} of {len(self.value)} characters ({self.reason})"
        return f"{name} {self.token if len(self.token) <= LONGEST_SHOWN else self.reason}"

    @property
    def name(self) -> str:
        """A readable, stable id: field, path inside it, reason, and what the contract expects."""
        place = self.field.name + self.path.replace("/", "-")
        return f"{place}-{self.reason}-{'accepted' if self.accepted else 'refused'}"


def boundaries(contract: Contract, tried: Field) -> list[Boundary]:
    """
    List the boundary values of a field and of the values inside it, one fault at a time.

    Returns:
        Each spelling once, valid and invalid values mixed; never empty. The contract decides which are valid.

    Source: JSON Schema 2020-12 Validation, section 6.
    """
    key = ("boundaries", tried.operation, place_of(contract, tried))
    found: list[Boundary] = contract.document.once(key, lambda: _boundaries(contract, tried))
    return [replace(boundary, field=tried) if boundary.field is not tried else boundary for boundary in found]


def plain_fault(contract: Contract, tried: Field) -> Boundary:
    """Return the first value of a field that is invalid beyond doubt, in single precision, too; refuse a field without one."""
    for value in boundaries(contract, tried):
        is_single = isinstance(value.value, float) and contract.accepts_value(tried, nearest_single(value.value))
        if not value.accepted and not is_single:
            return value
    raise contract.document.error(tried.place, "allows every value, so none is at fault; name its type")


def representatives(values: Iterable[Boundary], chance: random.Random) -> list[Boundary]:
    """Choose one value of each equivalence class of each field, in the order in which the classes first occur."""
    classes: dict[tuple[str, str], list[Boundary]] = {}
    for value in values:
        classes.setdefault((value.field.name, value.equivalence_class), []).append(value)
    return [chance.choice(some) for some in classes.values()]


def good_values(contract: Contract, tried: Field) -> list[Any]:
    """
    List values of a field that are valid beyond doubt, at least two where the schema allows two.

    Returns:
        Values well inside the limits, each different from the next; empty where none was found, which `untried` names,
        and for a field whose values another operation lists.
    """
    return [] if not tried.is_free else instances.good_values(place_of(contract, tried))


def packed_texts(contract: Contract, tried: Field, parts: Iterable[str] = ()) -> list[str]:
    """Join awkward texts, as many at once as a field takes: what changes in the middle of a text shows in few requests."""
    packed = [""]
    for text in parts or (f"|{text}|" for text in PARTS.values()):
        if contract.accepts_value(tried, packed[-1] + text):
            packed[-1] += text
        elif contract.accepts_value(tried, text):
            packed.append(text)
    return [text for text in packed if text and contract.accepts_value(tried, text)]


def edged_texts(contract: Contract, tried: Field, texts: Iterable[str]) -> list[str]:
    """Put what may be taken off an end around texts, each in front of one and behind another, where a field takes that."""
    ends = zip(texts, cycle(EDGES), cycle((*EDGES[1:], EDGES[0])), strict=False)
    edged = [(text, f"{first}{text}{last}") for text, first, last in ends]
    return [long if contract.accepts_value(tried, long) else text for text, long in edged]


def untried(contract: Contract, tried: Field) -> list[Untried]:
    """List what of a field cannot be tried, one entry a pointer: unknown keywords, schemas that no value was found for."""
    return keywords.untried_of(place_of(contract, tried))


def place_of(contract: Contract, tried: Field) -> Place:
    """Return the place of a field's value."""
    return Place(contract.document, (tried.place,), name=tried.name)


def _boundaries(contract: Contract, tried: Field) -> list[Boundary]:
    found: dict[str, Boundary] = {}
    taken: Counter[tuple[str, str]] = Counter()
    for candidate in candidates(place_of(contract, tried), is_free=tried.is_free):
        token = candidate.text
        is_json = not (candidate.kind == "number" and candidate.reason.startswith("token-"))
        accepted = is_json and contract.accepts_value(tried, candidate.value)
        # A query carries text, in which the spelling of a number counts.
        is_other_text = candidate.token is not None and "/parameters/" in tried.place
        is_doubtful = is_other_text or (candidate.is_wrong_or_doubtful and accepted)
        if token in found or is_doubtful or not _is_judged(contract, candidate):
            continue
        taken[candidate.path, candidate.reason] += 1
        count = taken[candidate.path, candidate.reason]
        # Two branches of a schema may bring one reason twice, with different values.
        reason = candidate.reason if count == 1 else f"{candidate.reason}-{count}"
        is_smoke = candidate.is_smoke or SMOKE.fullmatch(candidate.reason) is not None
        judged = {**vars(candidate), "reason": reason, "token": token, "is_smoke": is_smoke}
        found[token] = Boundary(**judged, field=tried, accepted=accepted)
    return list(found.values())


def _is_judged(contract: Contract, candidate: Candidate) -> bool:
    """Whether the contract promises how such a text is counted and kept."""
    if candidate.kind != "length":
        return True
    text = candidate.value
    for step in steps(candidate.path):
        text = text[int(step)] if isinstance(text, list) else text[step]
    if "\x00" in text and not contract.promises_that("exact_text"):
        return False
    is_at_a_limit = candidate.keyword in ("minLength", "maxLength")
    return text.isascii() or not is_at_a_limit or contract.promises_that("lengths_in_code_points")
