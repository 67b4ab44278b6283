"""What goes in comes out: text to the code point, numbers to the double."""

import json
import math
import re
import unicodedata
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import pytest
from hypothesis import given

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.covering.plan import respelled
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.run import Run
from contract_tests.checks.selections import shown_fields
from contract_tests.checks.updates import allowed, allowed_part
from contract_tests.generation.boundaries import edged_texts, good_values, packed_texts
from contract_tests.generation.corpus import EDGES, NUMBERS, PIECES, TEXTS, WHOLE
from contract_tests.generation.strategies import values
from contract_tests.spec.contract import Contract
from contract_tests.spec.field import Field

pytestmark = needs("update", "read")

# Updates with an awkward value in every field, where few requests may be sent.
ROWS = 26
# Has another form in capitals, in small letters and decomposed; so many characters of a text are alike.
ALIKE, LONG = "Äé Kit b", 300
# Every kind of escape in one text.
ESCAPED = "é 😀 / \u2028 \x00 A"


def _text_fields(contract: Contract) -> list[Field]:
    return [tried for tried in shown_fields(contract) if _texts(contract, tried)]


def _texts(contract: Contract, tried: Field) -> dict[str, str]:
    is_text = "string" in tried.types and not {"enum", "const", "format"} & tried.schema.keys()
    return {name: text for name, text in TEXTS.items() if is_text and contract.accepts_value(tried, text)}


def _number_fields(contract: Contract) -> list[Field]:
    return [tried for tried in shown_fields(contract) if _numbers(contract, tried)]


def _numbers(contract: Contract, tried: Field) -> list[float]:
    if "number" not in tried.types or {"enum", "const"} & tried.schema.keys():
        return []
    valid = [number for number in dict.fromkeys(NUMBERS) if contract.accepts_value(tried, number)]
    return valid or [number for number in good_values(contract, tried) if isinstance(number, float)]


def _cases_of_text(contract: Contract) -> list[Any]:
    cases = ((tried, *case) for tried in _text_fields(contract) for case in _texts(contract, tried).items())
    return [pytest.param(tried, text, id=f"{tried.name}-{name}") for tried, name, text in cases]


def _cases_of_number(contract: Contract) -> list[Any]:
    cases = ((tried, number) for tried in _number_fields(contract) for number in _numbers(contract, tried))
    return [pytest.param(tried, number, id=f"{tried.name}-{number!r}") for tried, number in cases]


def _round_trip(item: ItemUnderTest, tried: Field, value: object, token: str | None = None) -> None:
    item.tally[tried.name, "accepted"] += 1
    item.tally[tried.name, "fidelity"] += 1
    body = allowed_part(item, {tried.name: value})
    if body is None:  # the rules of the contract do not allow this value beside what the item has
        return
    item.make_visible(body)
    item.accepts(body, token=item.body(body, {tried.name: token}) if token is not None else None)


def _round_trip_any(run: Run, item: ItemUnderTest, tried: Field) -> None:
    @given(values(run.contract, replace(tried, is_nullable=False)))
    def reads_back(value: Any) -> None:
        _round_trip(item, tried, value)

    reads_back()


@needs("exact_text", _text_fields)
def test_awkward_values_of_all_fields_read_back_unchanged(run: Run, shared_item: ItemUnderTest) -> None:
    """x-promises/exact_text: text reads back to the code point, numbers to the double; here with every field at a time, over lines."""
    # What changes at an end, or as a whole, shows only where the text stands by itself: another share with each seed,
    # and as many that hold much.
    chance, contract = run.chance("awkward values"), run.contract
    rows: dict[str, list[Any]] = {}
    for tried in _text_fields(contract):
        alone = [text for name, text in _texts(contract, tried).items() if name in WHOLE]
        packed = packed_texts(contract, tried)
        dense = packed_texts(contract, tried, PIECES) * len(EDGES)
        edged = chance.sample(edged_texts(contract, tried, dense[: len(EDGES)]), min(len(dense), len(EDGES)))
        pairs = zip_longest([*packed, *edged], chance.sample(alone, len(alone)))
        rows[tried.name] = [text for pair in pairs for text in pair if text is not None]
    for tried in _number_fields(contract) if contract.promises_that("exact_numbers") else ():
        rows[tried.name] = chance.sample(valid := _numbers(contract, tried), len(valid))
    how = f"{contract.operation('update').body_type}{'; charset=utf-8' if contract.promises_that('strict_media_types') else ''}"
    for row in range(ROWS if run.is_brief else max(map(len, rows.values()))):
        body = allowed(
            shared_item, run.full_body("update", row) | {n: some[row % len(some)] for n, some in rows.items()}
        )
        shared_item.accepts(body, token=respelled(shared_item.body(body), "lines"), content_type=how)


@pytest.mark.many_requests
@needs("exact_text")
@for_each("tried,text", _cases_of_text)
def test_text_reads_back_unchanged(run: Run, shared_item: ItemUnderTest, tried: Field, text: str) -> None:
    """x-promises/exact_text: every character is an ordinary one; text reads back unchanged, without normalisation."""
    _round_trip(shared_item, tried, text)


def _nearly_alike(contract: Contract, tried: Field) -> list[Any]:
    """Return values of which each is hardly another than one before: by case, form, an end, or the last digits."""
    if "string" in tried.types:
        small = ALIKE.lower()
        some = (ALIKE, ALIKE.upper(), small, f"{small} ", small, unicodedata.normalize("NFD", small))
        long = "x" * (min(tried.schema.get("maxLength", LONG), LONG) - 1)
        return [text for text in (*some, f"{long}a", f"{long}b") if contract.accepts_value(tried, text)]
    middle = sum(_numbers(contract, tried)[:2]) / 2
    steps = (0, math.ulp(middle), 2**-23 * middle, 1e-4 * middle, 1e-3 * middle)
    return [middle + step for step in steps if contract.accepts_value(tried, middle + step)]


def _exact_fields(contract: Contract) -> list[Field]:
    texts = _text_fields(contract) if contract.promises_that("exact_text") else []
    return [*texts, *(_number_fields(contract) if contract.promises_that("exact_numbers") else [])]


@needs("read_your_writes")
@for_each("fields", _exact_fields, together=True)
def test_value_that_hardly_differs_is_stored(run: Run, item: ItemUnderTest, fields: list[Field]) -> None:
    """x-promises/read_your_writes: an update is stored, however near its value is to the stored one."""
    for row in zip_longest(*(_nearly_alike(run.contract, tried) for tried in fields)):
        values = {tried.name: value for tried, value in zip(fields, row, strict=True) if value is not None}
        if body := allowed_part(item, values):
            item.accepts(body)


@needs("exact_text")
@for_each("tried", lambda contract: [f for f in _text_fields(contract) if contract.accepts_value(f, ESCAPED * 2)])
def test_escaped_text_is_the_same_text(run: Run, shared_item: ItemUnderTest, tried: Field) -> None:
    """update, requestBody: a character of a JSON text may be escaped, with small digits or capitals, one beyond U+FFFF as a pair of surrogates."""
    token = json.dumps(ESCAPED).replace("/", "\\/").replace(" A", " \\u0041")
    capitals = re.sub(r"\\u\w{4}", lambda escape: f"\\u{escape[0][2:].upper()}", token)
    _round_trip(shared_item, tried, ESCAPED * 2, token[:-1] + capitals[1:])


@pytest.mark.many_requests
@needs("exact_numbers")
@for_each("tried,number", _cases_of_number)
def test_number_reads_back_unchanged(run: Run, shared_item: ItemUnderTest, tried: Field, number: float) -> None:
    """x-promises/exact_numbers: a number reads back as the same double, or as the nearest single where its format is float."""
    _round_trip(shared_item, tried, number)


@needs("exact_text")
@for_each("tried", _text_fields)
def test_any_text_reads_back_unchanged(run: Run, shared_item: ItemUnderTest, tried: Field) -> None:
    """x-promises/exact_text: strings read back unchanged, whatever characters they hold."""
    _round_trip_any(run, shared_item, tried)


@needs("exact_numbers")
@for_each("tried", _number_fields)
def test_any_number_reads_back_unchanged(run: Run, shared_item: ItemUnderTest, tried: Field) -> None:
    """update, requestBody: every number between the limits is valid and is stored as it is."""
    _round_trip_any(run, shared_item, tried)
