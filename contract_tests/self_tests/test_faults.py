"""The catalogue of planted faults: each has a name, a clause that exists, and a witness that shows it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract_tests.mock_api import faults
from contract_tests.mock_api.__main__ import assemble
from contract_tests.mock_api.contract import Contract, read_contract
from contract_tests.mock_api.faults.fault import Apply
from contract_tests.mock_api.faults.witness import Reply, Witness, pin, promised, replies
from contract_tests.mock_api.process import MockStartError, running_mock

ROOT = Path(__file__).resolve().parents[2]
MODULE = "contract_tests.mock_api.faults"
CONTRACT = read_contract(ROOT / "openapi.yaml")
CATALOGUE = faults.catalogue(CONTRACT)
VARIANTS = faults.variants()

FEWEST_FAULTS = 120
FEWEST_IN_A_GROUP = 3
FEWEST_VARIANTS = 12

# Groups whose faults lie in words of errors, which the contract otherwise leaves open.
IN_WORDS = ("authentication", "secrets")

PLANTED = re.compile(r"planted|faulty|mutant|sabotage|import faults|from \.faults|mock_api\.faults|\bif fault\b")

NEW_FIELD = """\
        voice_speed:
          description: How fast the voice speaks. null clears it.
          anyOf: [{type: number, minimum: 0.25, maximum: 2}, {type: 'null'}]
          x-on-null: clear
"""


def pointed_at(contract: Contract, pointer: str) -> Any:
    """Follow a JSON pointer (RFC 6901), through lists too."""
    node: Any = contract.document
    for part in pointer.removeprefix("#/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        node = node[int(name)] if isinstance(node, list) else node[name]
    return node


def answers(apply: Apply | None, witness: Witness, contract: Contract = CONTRACT) -> list[Reply]:
    api = assemble(contract)
    pin(api)
    if apply is not None:
        apply(api)
    return replies(api, witness)


@cache
def clean_answers(witness: Witness) -> list[Reply]:
    return answers(None, witness)


def shown(fault: faults.Fault, given: list[Reply]) -> list[Any]:
    return (
        [(reply.status, reply.headers, reply.body) for reply in given] if fault.group in IN_WORDS else promised(given)
    )


def test_catalogue_is_large_and_every_group_has_its_share() -> None:
    """At least 120 faults, and at least three in each group."""
    assert len(CATALOGUE) >= FEWEST_FAULTS
    sizes = Counter(fault.group for fault in CATALOGUE.values())
    assert set(sizes) == set(faults.GROUPS)
    assert min(sizes.values()) >= FEWEST_IN_A_GROUP, sizes


@pytest.mark.parametrize("name", CATALOGUE)
def test_fault_is_described(name: str) -> None:
    """The name is snake_case, the summary a sentence in the third person, and the clause exists."""
    fault = CATALOGUE[name]
    assert fault.name == name
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", name)
    assert re.fullmatch(r"[A-Z][a-z]*s( .+|)\.", fault.summary), fault.summary
    assert pointed_at(CONTRACT, fault.clause) is not None


@pytest.mark.parametrize("name", CATALOGUE)
def test_fault_changes_an_answer(name: str) -> None:
    """What the contract promises of the answers to the witness differs; the clean mock answers the same twice."""
    fault = CATALOGUE[name]
    clean = clean_answers(fault.witness)
    assert answers(None, fault.witness) == clean
    assert shown(fault, answers(fault.apply, fault.witness)) != shown(fault, clean)


def test_clean_mock_refuses_and_accepts_in_witnesses() -> None:
    """The pinned mock is the mock: it makes the personas of the witness, and never fails."""
    for fault in CATALOGUE.values():
        first, second, *others = clean_answers(fault.witness)
        assert (first.status, second.status) == (201, 201)
        assert all(reply.status < 500 for reply in others), fault.name


def test_faults_do_not_outlive_their_mock() -> None:
    """Planting every fault leaves a mock that is built afterwards as it was."""
    witness = CATALOGUE["every_tenth_update_lost"].witness
    before = answers(None, witness)
    for fault in CATALOGUE.values():
        fault.apply(assemble(CONTRACT))
    assert answers(None, witness) == before


def test_new_field_brings_its_own_faults(tmp_path: Path) -> None:
    """A nullable number that is added to openapi.yaml brings the faults of its limits, and they can be observed."""
    text = (ROOT / "openapi.yaml").read_text("utf-8")
    update = "        hold_music_timeout_seconds:\n          description: Hang up"
    assert text.count(update) == 1
    file = tmp_path / "openapi.yaml"
    file.write_text(text.replace(update, NEW_FIELD + update), "utf-8")
    contract = read_contract(file)
    brought = [fault for name, fault in faults.catalogue(contract).items() if name not in CATALOGUE]
    assert {fault.name for fault in brought} >= {"voice_speed_minimum_exclusive", "voice_speed_maximum_an_ulp_wider"}
    assert len(brought) >= 10
    for fault in brought:
        assert pointed_at(contract, fault.clause) is not None
        clean, faulty = (answers(apply, fault.witness, contract) for apply in (None, fault.apply))
        assert promised(clean) != promised(faulty), fault.name


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_differs_from_the_mock(name: str) -> None:
    """A variant answers otherwise than the mock does, or takes longer."""
    started = time.perf_counter()
    given = answers(VARIANTS[name].apply, VARIANTS[name].witness)
    seconds = time.perf_counter() - started
    assert given != clean_answers(VARIANTS[name].witness) or seconds > 0.3
    assert all(reply.status < 500 for reply in given)


def test_names_tell_faults_from_variants() -> None:
    """Nothing is called a fault and lawful."""
    assert len(VARIANTS) >= FEWEST_VARIANTS
    assert not VARIANTS.keys() & CATALOGUE.keys()
    assert faults.ALWAYS_FAILS not in CATALOGUE


def test_mock_knows_nothing_of_faults() -> None:
    """The mock reads as the correct API: no module outside the catalogue speaks of it."""
    for file in sorted((ROOT / "contract_tests/mock_api").glob("*.py")):
        assert not PLANTED.search(file.read_text("utf-8")), file


@pytest.mark.parametrize("variant", ["connections_closed", "answers_in_chunks"])
def test_variant_of_the_transport_serves(variant: str) -> None:
    """What changes the connection starts and answers over HTTP."""
    with running_mock("--variant", variant, module=MODULE) as mock:
        answer = httpx.get(f"{mock.url}/personas", headers={"x-api-key": mock.api_key})
        assert answer.status_code == 200
        assert answer.json()["personas"]
        connection, coding = (answer.headers.get(name) for name in ("connection", "transfer-encoding"))
        assert (connection, coding) == (("close", None) if variant == "connections_closed" else (None, "chunked"))


def test_faulty_mock_serves_and_announces_itself() -> None:
    """A fault is served over HTTP, by a process that announces itself as the mock does."""
    with running_mock("--fault", "refusal_answered_422", module=MODULE) as mock:
        headers = {"x-api-key": mock.api_key}
        assert httpx.post(f"{mock.url}/personas", json={}, headers=headers).status_code == 422


def test_mock_that_always_fails_still_lists_voices() -> None:
    """The special fault answers 500 in the documented shape to everything but the list of voices."""
    with running_mock("--fault", faults.ALWAYS_FAILS, module=MODULE) as mock:
        headers = {"x-api-key": mock.api_key}
        answer = httpx.get(f"{mock.url}/personas", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL")
        assert httpx.get(f"{mock.url}/personas/voices", headers=headers).status_code == 200


def test_unknown_name_is_refused_with_close_ones() -> None:
    """An unknown name is one line with close matches, and exit code 4."""
    with (
        pytest.raises(MockStartError, match=r"exit code 4\).*refusal_answered_422"),
        running_mock("--fault", "refusal_answerd_422", module=MODULE),
    ):
        pass


def test_list_has_a_line_for_each_fault() -> None:
    """--list prints name, group, clause and sentence, with tabs between."""
    done = subprocess.run(
        [sys.executable, "-m", MODULE, "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines == [[f.name, f.group, f.clause, f.summary] for f in CATALOGUE.values()]
