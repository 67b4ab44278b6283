"""Whole bodies of any contract: valid ones, and ones with exactly one fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.generation.library import matching_texts
from contract_tests.generation.listed import listed_rows
from contract_tests.generation.strategies import classes, valid_bodies
from contract_tests.spec.contract import Contract, load_contract

ROOT = Path(__file__).parents[3]
FILES = [ROOT / "openapi.yaml", *sorted((ROOT / "contract_tests/self_tests/contracts").glob("*.yaml"))]
CASES = [(file, role) for file in FILES for role in ("create", "update") if load_contract(file).has(role)]
NAMED = pytest.mark.parametrize(("file", "role"), CASES, ids=[f"{file.stem}-{role}" for file, role in CASES])
ANSWERS: dict[str, Any] = {
    "listVoices": {"voices": [{"voice_name": "aria", "supported_languages": ["en-US", "en-GB"]}, {"voice_name": "leo", "supported_languages": ["de-DE"]}]},
    "listRooms": {"rooms": [{"id": "0b1f4c52-6d0e-4f43-9a57-2d1d1c0f4a11", "bed_types": ["double", "twin"]}, {"id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "bed_types": ["single"]}]},
}  # fmt: skip


def rows_of(contract: Contract, role: str) -> list[list[dict[str, Any]]]:
    return listed_rows(contract.fields(role), ANSWERS)


@NAMED
def test_valid_bodies_are_valid(file: Path, role: str) -> None:
    """A body breaks neither the schema nor a rule across fields, and what is listed stands in one row."""
    contract = load_contract(file)
    rows = rows_of(contract, role)

    @given(valid_bodies(contract, rows, role))
    def is_valid(body: dict[str, Any]) -> None:
        assert contract.accepts(role, body)
        assert all(rule.is_met(body) for rule in contract.constraints)
        for group in rows:
            listed = {name: body[name] for name in body.keys() & group[0].keys()}
            assert not listed or listed in group

    is_valid()


def test_rows_follow_what_is_given() -> None:
    """A value that depends on another field stands only beside the values that the same element lists."""
    assert rows_of(load_contract(), "update") == [
        [
            {"voice_name": "aria", "language_code": "en-US"},
            {"voice_name": "aria", "language_code": "en-GB"},
            {"voice_name": "leo", "language_code": "de-DE"},
        ]
    ]


def test_special_texts_are_of_every_class() -> None:
    """A class holds what it is named for, so that a store that treats only these characters otherwise is seen."""
    members = {"NFC": "\u212b", "NFD": "é", "NFKC": "ﬁ", "combining": "\u0301", "length by case": "ß", "R": "\u05d0"}
    assert all(character in classes()[name] for name, character in members.items())
    assert all(1 <= len(text) for found in classes().values() for text in found)


def test_values_are_found_inside_a_test_too() -> None:
    """hypothesis begins no search inside a test; a value that is first asked for there is found, and not missed from then on."""
    inside: list[list[str]] = []

    @settings(max_examples=1)
    @given(st.none())
    def ask(_: None) -> None:
        inside.append(matching_texts(r"^[0-9]{4}$", 1))

    ask()
    assert inside[0] == matching_texts(r"^[0-9]{4}$", 1) != []
