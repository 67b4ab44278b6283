"""docs/writing-a-contract.md is the reference of the contract language, and the suite reads it that way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from contract_tests.mock_api.__main__ import build_api
from contract_tests.spec.contract import load_contract
from contract_tests.spec.promises import PROMISES
from contract_tests.spec.validation import PLACES

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/writing-a-contract.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
EXAMPLE = BLOCKS[0]


def first_cells(heading: str) -> set[str]:
    """List the names in the first column of the tables under a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([\w-]+)", section, re.MULTILINE))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.partition(":")[0])
def test_every_block_is_yaml(block: str) -> None:
    assert isinstance(yaml.safe_load(block), dict)


def test_example_is_valid_openapi() -> None:
    assert [fault.message for fault in OpenAPIV31SpecValidator(yaml.safe_load(EXAMPLE)).iter_errors()] == []


def test_example_loads(tmp_path: Path) -> None:
    file = tmp_path / "contacts.yaml"
    file.write_text(EXAMPLE, "utf-8")
    contract = load_contract(file)
    assert contract.resource.name == "contacts"
    assert contract.resource.missing == ()
    assert (contract.run_name, contract.fields("update")["age"].on_null) == ("name", "clear")
    assert contract.untried == ()


def test_mock_begins_with_the_seeds_of_the_example(tmp_path: Path) -> None:
    (tmp_path / "contacts.yaml").write_text(f"x-seeds: seeds.yaml\n{EXAMPLE}", "utf-8")
    seeds = next(block for block in BLOCKS if block.startswith("contacts:"))
    (tmp_path / "seeds.yaml").write_text(seeds.partition("listCountries:")[0], "utf-8")
    api = build_api(tmp_path / "contacts.yaml")
    assert [item.fields["name"] for item in api.resources[0].store.all()] == ["Ada"]


def test_overlay_of_the_example_applies(tmp_path: Path) -> None:
    contract_file, overlay_file = tmp_path / "contacts.yaml", tmp_path / "ours.yaml"
    contract_file.write_text(EXAMPLE.partition("x-promises:")[0].replace(", x-on-null: clear", ""), "utf-8")
    overlay_file.write_text(BLOCKS[-1], "utf-8")
    contract = load_contract(contract_file, overlay=overlay_file)
    assert contract.fields("update")["age"].on_null == "clear"
    assert set(contract.promises) == {"atomic"}


def test_every_promise_is_explained() -> None:
    assert first_cells("Promises") == PROMISES


def test_every_extension_is_explained() -> None:
    assert {name for name in PLACES if f"`{name}" not in TEXT} == set()


def test_every_extension_of_a_table_is_known() -> None:
    named = first_cells("Fields of an item") | first_cells("Lists") | first_cells("Errors and keys")
    assert {name for name in named if name.startswith("x-")} <= PLACES.keys()
