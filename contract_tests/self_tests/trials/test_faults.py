"""The planted faults of any contract: each has a name, a clause that exists, and a witness that shows it."""

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

from contract_tests.mock_api.__main__ import announcement, assemble, build_api
from contract_tests.mock_api.process import MockStartError, running_mock
from contract_tests.runner.configuration import Configuration
from contract_tests.self_tests.forked_run import forked_run
from contract_tests.self_tests.planted_mock import planted_mock
from contract_tests.self_tests.trials.replay import Reply, pin, promised, replies
from contract_tests.spec.contract import Contract, load_contract
from contract_tests.trials import faults
from contract_tests.trials.bench.size import sized_contract
from contract_tests.trials.faults.company.pairs import pairs
from contract_tests.trials.faults.fault import Apply
from contract_tests.trials.faults.witness import Witness

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = ROOT / "contract_tests" / "self_tests" / "contracts"
MODULE = "contract_tests.trials.faults"
FILES = {file.stem: file for file in (ROOT / "openapi.yaml", *sorted(CONTRACTS.glob("*.yaml")))}
CATALOGUES = {name: faults.catalogue(load_contract(file)) for name, file in FILES.items()}
FAULTS = [(file, name) for file, catalogue in CATALOGUES.items() for name in catalogue]
VARIANTS = [(file, name) for file in FILES for name in faults.variants(load_contract(FILES[file]))]
OURS = CATALOGUES["openapi"]

FEWEST_FAULTS = {"openapi": 376}
FEWEST_IN_A_GROUP = 3
FEWEST_VARIANTS = 30

# Groups whose faults lie in words of errors, which the contract otherwise leaves open.
IN_WORDS = ("authentication", "secrets")

PLANTED = re.compile(r"planted|faulty|mutant|sabotage|import faults|from \.faults|mock_api\.faults|\bif fault\b")

NEW_FIELD = """\
        voice_speed:
          description: How fast the voice speaks. null clears it.
          anyOf: [{type: number, minimum: 0.25, maximum: 2}, {type: 'null'}]
          x-on-null: clear
"""


def answers(file: str, apply: Apply | None, witness: Witness) -> list[Reply]:
    scene = faults.scene_of(load_contract(FILES[file]))
    api = assemble(scene.api.contract)
    pin(api)
    if apply is not None:
        apply(api)
    return replies(scene, api, witness)


@cache
def clean_answers(file: str, witness: Witness) -> list[Reply]:
    return answers(file, None, witness)


def shown(file: str, group: str, given: list[Reply]) -> list[Any]:
    if group in IN_WORDS:
        return [(reply.status, reply.headers, reply.body) for reply in given]
    return promised(faults.scene_of(load_contract(FILES[file])), given)


def test_catalogue_is_large_and_every_group_has_its_share() -> None:
    """At least as many faults as were once written by hand, and at least three in each group."""
    for file, fewest in FEWEST_FAULTS.items():
        assert len(CATALOGUES[file]) >= fewest
    sizes = Counter(fault.group for fault in OURS.values())
    assert set(sizes) == set(faults.GROUPS)
    assert min(sizes.values()) >= FEWEST_IN_A_GROUP, sizes


def test_a_contract_to_begin_with_has_a_catalogue() -> None:
    """A list of which no order can be asked leaves out the faults of orders, and nothing else."""
    with sized_contract(8) as file:
        assert {fault.group for fault in faults.catalogue(load_contract(file)).values()} >= {"pagination", "limits"}


@pytest.mark.parametrize("file", FILES)
def test_faults_are_described(file: str) -> None:
    """Each name is snake_case after the name of a field, each summary a sentence in the third person; each clause exists."""
    contract = load_contract(FILES[file])
    for name, fault in CATALOGUES[file].items():
        assert fault.name == name
        assert re.fullmatch(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)+", name)
        assert re.fullmatch(r"[A-Z][a-z]*s( .+|)\.", fault.summary), fault.summary
        assert contract.document.has(fault.clause), (name, fault.clause)


@pytest.mark.parametrize(("file", "name"), FAULTS)
def test_fault_changes_an_answer(file: str, name: str) -> None:
    """What the contract promises of the answers to the witness differs; the clean mock makes the items and never fails."""
    fault = CATALOGUES[file][name]
    clean = clean_answers(file, fault.witness)
    assert {reply.status for reply in clean[:2]} <= {200, 201}, clean[:2]
    assert all(reply.status < 500 for reply in clean)
    assert shown(file, fault.group, answers(file, fault.apply, fault.witness)) != shown(file, fault.group, clean)


@pytest.mark.parametrize("file", FILES)
def test_fault_in_company_is_silent_alone(file: str) -> None:
    """What a fault in company does wrong, it does in company only: the same value sent to a new item is answered as ever."""
    for fault, alone in list(pairs(faults.scene_of(load_contract(FILES[file]))))[::3]:
        assert answers(file, fault.apply, alone) == clean_answers(file, alone), fault.name


@pytest.mark.parametrize("file", FILES)
def test_pinned_mock_answers_the_same_twice(file: str) -> None:
    """Two clean mocks answer a witness alike, and planting faults, here every fifth, leaves a mock that is built afterwards as it was."""
    for fault in list(CATALOGUES[file].values())[::10]:
        assert answers(file, None, fault.witness) == clean_answers(file, fault.witness), fault.name
    for fault in list(CATALOGUES[file].values())[::5]:
        fault.apply(assemble(faults.scene_of(load_contract(FILES[file])).api.contract))
    assert answers(file, None, fault.witness) == clean_answers(file, fault.witness)


def test_new_field_brings_its_own_faults(tmp_path: Path) -> None:
    """A nullable number that is added to openapi.yaml brings the faults of its limits, and they can be observed."""
    text = FILES["openapi"].read_text("utf-8").replace("x-seeds: ", f"x-seeds: {ROOT}/")
    update = "        hold_music_timeout_seconds:\n          description: Hang up"
    assert text.count(update) == 1
    FILES["edited"] = tmp_path / "openapi.yaml"
    FILES["edited"].write_text(text.replace(update, NEW_FIELD + update), "utf-8")
    catalogue = faults.catalogue(load_contract(FILES["edited"]))
    brought = [fault for name, fault in catalogue.items() if name not in OURS]
    assert {fault.name for fault in brought} >= {"voice_speed_minimum_exclusive", "voice_speed_maximum_an_ulp_wider"}
    assert len(brought) >= 10
    for fault in brought:
        clean, faulty = (answers("edited", apply, fault.witness) for apply in (None, fault.apply))
        assert shown("edited", fault.group, clean) != shown("edited", fault.group, faulty), fault.name


def test_no_promise_no_fault(tmp_path: Path) -> None:
    """What a contract does not promise is no fault: without its promises only the clauses of its schemas are left."""
    text, _, _ = FILES["openapi"].read_text("utf-8").partition("\nx-promises:")
    text = text.replace("x-seeds: ", f"x-seeds: {ROOT}/")
    file = tmp_path / "openapi.yaml"
    file.write_text(text, "utf-8")
    contract: Contract = load_contract(file)
    left = faults.catalogue(contract)
    assert len(left) < len(OURS)
    assert not {fault.clause for fault in left.values() if fault.clause.startswith("#/x-promises")}


@pytest.mark.parametrize(("file", "name"), VARIANTS)
def test_variant_differs_from_the_mock(file: str, name: str) -> None:
    """A variant answers otherwise than the mock does, or takes longer."""
    variant = faults.variants(load_contract(FILES[file]))[name]
    started = time.perf_counter()
    given = answers(file, variant.apply, variant.witness)
    seconds = time.perf_counter() - started
    assert given != clean_answers(file, variant.witness) or seconds > 0.3
    assert all(reply.status < 500 for reply in given)


def test_names_tell_faults_from_variants() -> None:
    """Nothing is called a fault and lawful."""
    lawful = {name for file, name in VARIANTS if file == "openapi"}
    assert len(lawful) >= FEWEST_VARIANTS
    assert not lawful & OURS.keys()
    assert faults.ALWAYS_FAILS not in OURS


def test_mock_knows_nothing_of_faults() -> None:
    """The mock reads as the correct API: no module outside the catalogue speaks of it."""
    for file in sorted((ROOT / "contract_tests/mock_api").rglob("*.py")):
        assert not PLANTED.search(file.read_text("utf-8")), file


@pytest.mark.parametrize(
    ("variant", "version", "header"),
    [
        ("connections_closed", "HTTP/1.1", (b"connection", b"close")),
        ("answers_in_chunks", "HTTP/1.1", (b"transfer-encoding", b"chunked")),
        ("answers_of_http_1_0", "HTTP/1.0", (b"connection", b"close")),
        ("header_names_in_another_case", "HTTP/1.1", (b"cONTENT-tYPE", b"application/json")),
    ],
)
def test_variant_of_the_transport_serves(variant: str, version: str, header: tuple[bytes, bytes]) -> None:
    """What changes the connection starts and answers over HTTP."""
    with running_mock("--variant", variant, module=MODULE) as mock:
        answer = httpx.get(f"{mock.url}/personas", headers={"x-api-key": mock.api_key})
        assert answer.status_code == 200
        assert answer.json()["personas"]
        assert (answer.http_version, header in answer.headers.raw) == (version, True)
        assert ("connection" in answer.headers) == (header[0] == b"connection")
        assert ("content-length" in answer.headers) != (header[0] == b"transfer-encoding")


@pytest.mark.parametrize(
    ("file", "variant", "tests"),
    [
        # Where pages have an offset, what somebody makes between two of them shows an item on both.
        ("bookings", "items_of_others_come_and_go", ("first_look", "pages_follow")),
        # Errors that differ by chance say nothing of an item.
        ("openapi", "errors_name_the_request", ("authentication", "which_items_exist")),
    ],
)
def test_what_no_single_answer_tells_is_no_violation(
    file: str, variant: str, tests: tuple[str, str], tmp_path: Path
) -> None:
    """What differs between answers for another reason than the one on trial is no violation."""
    contract, (promise, words) = load_contract(FILES[file]), tests
    with planted_mock(contract, "variant", variant) as mock:
        asked = Configuration(
            contract=FILES[file], base_url=mock.url, api_key=mock.api_key, requests_per_second=0, max_requests=0
        )
        ended = forked_run(asked, tmp_path, (promise,), "-k", words)
    assert ended.exit_code == 0, ended.text


def test_faulty_mock_serves_and_announces_itself() -> None:
    """A fault is served over HTTP, by a process that announces itself as the mock does."""
    with running_mock("--fault", "name_length_one_more", module=MODULE) as mock:
        headers = {"x-api-key": mock.api_key}
        voice = {"voice_name": "aria", "language_code": "en-US"}
        made = httpx.post(f"{mock.url}/personas", json={"name": "a", **voice}, headers=headers).json()["persona"]
        answer = httpx.patch(f"{mock.url}/personas/{made['id']}", json={"name": "a" * 201}, headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize("name", ["wait_seconds_rounded_not_last", "wait_seconds_null_ignored_beside_null"])
def test_fault_that_depends_on_calls_announces_itself(name: str) -> None:
    """Before the first call there is none that a fault could depend on."""
    contract = load_contract()
    api = build_api(contract.document.file)
    faults.catalogue(contract)[name].apply(api)
    api.url = "http://localhost"
    assert "curl" in announcement(api)


def test_mock_that_always_fails_still_lists_values() -> None:
    """The special fault answers 500 in the documented shape to everything but the values that other operations list."""
    with running_mock("--fault", faults.ALWAYS_FAILS, module=MODULE) as mock:
        headers = {"x-api-key": mock.api_key}
        answer = httpx.get(f"{mock.url}/personas", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL")
        assert httpx.get(f"{mock.url}/personas/voices", headers=headers).status_code == 200


def test_unknown_name_is_refused_with_close_ones() -> None:
    """An unknown name is one line with close matches, and exit code 4."""
    with (
        pytest.raises(MockStartError, match=r"exit code 4\).*name_length_one_more"),
        running_mock("--fault", "name_length_one_mor", module=MODULE),
    ):
        pass


def test_list_has_a_line_for_each_fault() -> None:
    """--list prints name, group, clause and sentence, with tabs between."""
    done = subprocess.run(
        [sys.executable, "-m", MODULE, "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines == [[f.name, f.group, f.clause, f.summary] for f in OURS.values()]
