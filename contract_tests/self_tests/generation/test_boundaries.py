"""The values that are tried: close to each limit, on both sides, and judged by the contract."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.generation.boundaries import Boundary, boundaries, good_values, representatives, untried
from contract_tests.self_tests.generation.things import contract_of, tried_values
from contract_tests.singles import nearest_single
from contract_tests.spec.contract import load_contract

CONTRACT = load_contract()
KNOWN = Path(__file__).with_name("known_boundaries.txt")
FIELDS = CONTRACT.fields("update")


def _by_reason(name: str) -> dict[str, Boundary]:
    return {boundary.reason: boundary for boundary in boundaries(CONTRACT, FIELDS[name])}


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6))
def test_number_limits_have_their_neighbouring_doubles(low: float, width: float) -> None:
    """Whatever the limits, the last valid double and the first invalid one are tried on both sides."""
    high = low + width
    contract, tried = contract_of({"type": "number", "minimum": low, "maximum": high})
    sides = {boundary.value: boundary.accepted for boundary in boundaries(contract, tried) if boundary.kind == "number"}
    assert sides[low]
    assert sides[high]
    assert not sides[math.nextafter(low, -math.inf)]
    assert not sides[math.nextafter(high, math.inf)]


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6))
def test_exclusive_limits_are_invalid_themselves(low: float, width: float) -> None:
    """An exclusive limit is tried and expected to be refused, its inner neighbour to be accepted."""
    contract, tried = contract_of({"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + width})
    sides = {boundary.value: boundary.accepted for boundary in boundaries(contract, tried) if boundary.kind == "number"}
    assert not sides[low]
    assert not sides[low + width]
    assert sides[math.nextafter(low, math.inf)]


@given(low=st.integers(0, 300), width=st.integers(0, 300))
def test_lengths_are_tried_on_both_sides_in_code_points(low: int, width: int) -> None:
    """Whatever the limits, a text of the limit and one a code point beyond are tried, in every alphabet."""
    contract, tried = contract_of({"type": "string", "minLength": low, "maxLength": low + width})
    texts = {b.value: b.accepted for b in boundaries(contract, tried) if b.kind == "length"}
    for character in "aé語😀":
        assert texts[character * (low + width)]
        assert not texts[character * (low + width + 1)]
        assert texts[character * low]
        assert not low or not texts[character * (low - 1)]


@given(low=st.integers(-1000, 1000), width=st.integers(0, 1000))
def test_whole_number_limits_are_tried_on_both_sides(low: int, width: int) -> None:
    """A whole number is tried at each limit and one beyond it, and a fraction is refused."""
    contract, tried = contract_of({"type": "integer", "minimum": low, "maximum": low + width})
    sides = {boundary.value: boundary.accepted for boundary in boundaries(contract, tried) if boundary.kind == "number"}
    assert sides[low]
    assert sides[low + width]
    assert not sides[low - 1]
    assert not sides[low + width + 1]
    assert not sides[low + 0.5]


def test_single_precision_neighbours_are_tried() -> None:
    """The closest single-precision numbers beyond each limit are among the values."""
    reasons = _by_reason("wait_seconds")
    assert reasons["one-single-above-maximum"].value == 2.000000238418579
    assert reasons["one-single-below-minimum"].value == 0.09999999403953552
    assert not reasons["one-single-below-minimum"].accepted


def test_length_is_not_counted_in_other_units() -> None:
    """Texts that are too long only in bytes, in UTF-16 or until composed are told apart from texts that are too long."""
    reasons = _by_reason("name")
    assert reasons["over-in-bytes-by-one"].accepted
    assert reasons["over-in-utf16-by-one"].accepted
    assert reasons["over-in-utf16-only"].accepted
    assert not reasons["over-unless-composed"].accepted
    assert not reasons["over-unless-trimmed-right"].accepted
    assert len(reasons["over-in-utf16-by-one"].value) == 200


@pytest.mark.parametrize("name", FIELDS)
def test_every_json_type_is_tried(name: str) -> None:
    """Each field is sent each JSON type that it does not have, and null."""
    tokens = [boundary.token for boundary in boundaries(CONTRACT, FIELDS[name]) if len(boundary.token) < 300]
    kinds = {type(json.loads(token)) for token in tokens}
    assert {bool, list, dict, type(None)} <= kinds
    assert kinds & {int, float}


@pytest.mark.parametrize("name", FIELDS)
def test_ids_are_unique(name: str) -> None:
    """Two values with one id could not be told apart in a report."""
    names = [boundary.name for boundary in boundaries(CONTRACT, FIELDS[name])]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", [name for name, tried in FIELDS.items() if tried.is_free])
def test_good_values_are_valid_and_differ(name: str) -> None:
    """Values that are valid beyond doubt are valid, and there are two of them."""
    values = good_values(CONTRACT, FIELDS[name])
    assert len({json.dumps(value) for value in values}) == len(values) >= 2
    assert all(CONTRACT.accepts("update", {name: value}) for value in values)


@given(st.floats(-1e30, 1e30))
def test_nearest_single_is_the_shortest_name_of_a_single(value: float) -> None:
    """The result names the same single as the value, and no shorter decimal does."""
    found = nearest_single(value)
    assert struct.pack("f", found) == struct.pack("f", value)
    digits = len(f"{found!r}".partition("e")[0].replace("-", "").replace(".", "").strip("0"))
    shorter = [float(f"{value:.{size}g}") for size in range(1, digits)]
    assert all(struct.pack("f", other) != struct.pack("f", value) for other in shorter)


def test_known_singles_are_named_in_short() -> None:
    """0.8 reads back as 0.8, never as 0.800000011920929."""
    assert [nearest_single(value) for value in (0.8, 0.1, 2.0, 1 / 3)] == [0.8, 0.1, 2.0, 0.33333334]


@pytest.mark.parametrize("name", FIELDS)
def test_every_class_of_values_has_one_representative(name: str) -> None:
    """Where few values may be sent, none that differs in kind is left out, and none is tried with every enum value."""
    values = boundaries(CONTRACT, FIELDS[name])
    chosen = representatives(values, random.Random(7))
    assert [value.equivalence_class for value in chosen] == list(dict.fromkeys(v.equivalence_class for v in values))
    enum = [value for value in FIELDS[name].schema.get("enum", ()) if value is not None]
    for value in enum:
        ends = [v.equivalence_class for v in values if v.reason == f"capital-{value}"]
        assert ends in ([], ["capital"]), f"{name}: capital-{value} stands in the class {ends}"


def test_plausible_words_are_no_class_together() -> None:
    """One word that an enum has come to allow tells nothing of the next, so each is tried."""
    values = boundaries(CONTRACT, FIELDS["background_sound"])
    words = [value.reason for value in values if value.reason.startswith("word-")]
    assert len(words) > 10
    assert set(words) <= {value.reason for value in representatives(values, random.Random(7))}


def test_no_value_of_the_personas_is_lost() -> None:
    """Ids stand in documents and in known divergences, so each names the value that it has always named."""
    found = set()
    for role in ("update", "create"):
        for tried in CONTRACT.fields(role).values():
            for value in boundaries(CONTRACT, tried):
                digest = hashlib.sha256(value.token.encode("utf-8", "surrogatepass")).hexdigest()
                found.add(f"{value.name} {digest[:12]}")
    assert set(KNOWN.read_text("utf-8").splitlines()) <= found


def _refused(schema: dict[str, Any]) -> list[Any]:
    return [value.value for value in tried_values(schema) if not value.accepted]


def test_equal_items_are_tried_apart() -> None:
    """An array with two equal items that are no neighbours is refused as one with neighbours is."""
    refused = _refused({"type": "array", "maxItems": 8, "uniqueItems": True, "items": {"type": "string"}})
    assert any(len(value) == 3 and value[0] == value[2] != value[1] for value in refused if isinstance(value, list))


def test_items_after_the_first_are_tried() -> None:
    """For each keyword of the items, an array has a bad item after good ones, in the middle or at the end."""
    items = {"type": "string", "minLength": 1, "maxLength": 9}
    tried = tried_values({"type": "array", "items": items})
    later = {value.source.rpartition("/")[2]: value for value in tried if value.path in ("/1", "/2")}
    assert later.keys() == {"type", "minLength", "maxLength"}
    assert {value.path for value in later.values()} == {"/1", "/2"}
    assert not any(value.accepted for value in later.values())


@pytest.mark.parametrize(
    ("pattern", "tried"),
    [("^[A-Z]{2}[0-9]$", {"wide-letter", "arabic-digit"}), (r"^[A-Z]\d$", set()), ("^.{3}$", set())],
)
def test_characters_beside_ascii_are_tried(pattern: str, tried: set[str]) -> None:
    """A digit of another script and a letter of full width are tried where the pattern surely refuses them."""
    found = {value.reason.removeprefix("pattern-") for value in tried_values({"type": "string", "pattern": pattern})}
    assert found & {"wide-letter", "arabic-digit"} == tried


@pytest.mark.parametrize(
    ("name", "keyword", "limit"),
    [("email", "maxLength", 254), ("email", "maxLength", 120), ("email", "maxLength", 70), ("email", "minLength", 20),
     ("hostname", "maxLength", 253), ("hostname", "maxLength", 132), ("uri", "maxLength", 2_083)],
)  # fmt: skip
def test_lengths_of_a_format_are_tried_on_both_sides(name: str, keyword: str, limit: int) -> None:
    """A text of the format is as long as the limit, and one of the same format is one beyond it."""
    schema = {"type": "string", "format": name, keyword: limit}
    sizes = {len(value.value): value.accepted for value in tried_values(schema) if value.kind == "length"}
    assert sizes[limit]
    assert not sizes[limit + 1 if keyword == "maxLength" else limit - 1]
    assert untried(*contract_of(schema)) == []


@pytest.mark.parametrize("pattern", ["^https://", r"^https://hooks\.example\.com/"])
def test_text_of_a_format_and_a_pattern_is_beyond_doubt(pattern: str) -> None:
    """What is right has a host and no second slash in a row, what is wrong breaks the pattern or is known to be wrong."""
    schema = {"type": "string", "format": "uri", "pattern": pattern, "maxLength": 512}
    tried = [value for value in tried_values(schema) if isinstance(value.value, str)]
    right = [value.value for value in tried if value.accepted]
    assert {511, 512} <= {len(text) for text in right}
    assert all(re.match(r"https://(hooks\.)?example\.com[:/]", text) and text.count("//") == 1 for text in right)
    in_doubt = [value for value in tried if re.search(pattern, value.value) and len(value.value) <= 512]
    assert {value.value for value in in_doubt if not value.accepted} <= {"https://exa mple.com/a"}


@pytest.mark.parametrize(("name", "limit"), [("date-time", 64), ("email", 5), ("uri", 7)])
def test_length_that_no_text_of_a_format_has_is_named(name: str, limit: int) -> None:
    """A limit that the texts of a format do not reach is not tried, and named."""
    contract, tried = contract_of({"type": "string", "format": name, "maxLength": limit})
    assert f"{tried.place}/maxLength" in [entry.pointer for entry in untried(contract, tried)]
