"""An API that openapi.yaml has fallen behind of: what is told of it, and the two ways to make the run green again."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.spec.contract import ROOT

API = "contract_tests.self_tests.differing_api"
WHY = {"date": "2026-11-22", "reason": "The page is behind."}
SNIPPET_PLACE = re.compile(r"# at (?P<place>#\S+?)(, in place of '?(?P<replaced>\w+)'?)?")
# The tests that show each of the five ways.
SHOWING = "first_look or field_limits or update_rules or typed_client or listing"
# Every test has its turn within so many requests.
BUDGET = 2_000
UPDATE_RESPONSES = "#/paths/~1personas~1{persona_id}/patch/responses"


@dataclass(frozen=True)
class Run:
    """What one run of the suite came to."""

    code: int
    last: str
    output: str
    told: dict[str, Any]
    """reports/run.json."""


def contract_run(
    folder: Path, api: RunningMock | None, known: Path | None = None, *arguments: str, budget: int = 0
) -> Run:
    environment = {k: v for k, v in os.environ.items() if k not in ("BASE_URL", "COVAL_API_KEY", "KNOWN_DIVERGENCES")}
    environment |= {"SEED": "7", "RATE": "0", "MAX_REQUESTS": str(budget)}
    if api is not None:
        environment |= {"BASE_URL": api.url, "COVAL_API_KEY": api.api_key}
    if known is not None:
        environment["KNOWN_DIVERGENCES"] = str(known)
    finished = subprocess.run(
        [sys.executable, "-m", "contract_tests", "run", "--", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    output = finished.stdout + finished.stderr
    report = folder / "reports/run.json"
    told = json.loads(report.read_text("utf-8")) if report.exists() else {}
    return Run(finished.returncode, (finished.stdout.rstrip().splitlines() or [""])[-1], output, told)


def copy_of_the_repository(folder: Path) -> Path:
    for name in ("contract_tests", "codegen", "generated_client"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("openapi.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def merge(contract: Any, snippet: str) -> None:
    """Do what a person does with a snippet: put its lines where its first line says."""
    found = SNIPPET_PLACE.fullmatch(snippet.partition("\n")[0])
    assert found is not None, snippet
    node = contract
    for step in found["place"].removeprefix("#/").split("/"):
        node = node[step.replace("~1", "/").replace("~0", "~")]
    node.pop(found["replaced"], None)
    node.update(yaml.safe_load(snippet))


@pytest.fixture(scope="module")
def api() -> Iterator[RunningMock]:
    """An API that differs in five ways."""
    with running_mock(module=API) as mock:
        yield mock


@pytest.fixture(scope="module")
def first(api: RunningMock, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run against it, with nothing known, of the tests that show the five ways."""
    return contract_run(copy_of_the_repository(tmp_path_factory.mktemp("first")), api, None, "-k", SHOWING)


@pytest.fixture(scope="module")
def known(first: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five entries that a person would write."""
    told = [{"kind": v["kind"], "clause": v["clause"], "about": v["about"]} | WHY for v in first.told["violations"]]
    told += [{"kind": "drift", "clause": drift["clause"]} | WHY for drift in first.told["drift"]]
    file = tmp_path_factory.mktemp("known") / "known.yaml"
    file.write_text(yaml.safe_dump(told), "utf-8")
    return file


@pytest.fixture(scope="module")
def updated(first: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the snippets merged into openapi.yaml, and the client written anew."""
    folder = copy_of_the_repository(tmp_path_factory.mktemp("updated"))
    file = folder / "openapi.yaml"
    contract = yaml.safe_load(file.read_text("utf-8"))
    for told in first.told["violations"] + first.told["drift"]:
        merge(contract, told["snippet"])
    file.write_text(yaml.safe_dump(contract, sort_keys=False, allow_unicode=True), "utf-8")
    subprocess.run([sys.executable, "-m", "contract_tests", "client"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def later(api: RunningMock, known: Path, updated: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """The runs that follow, two at a time: with what is known, with an updated contract (in part), and with both, whole."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("known", "both")}
    copy_of_the_repository(folders["known"])
    shutil.copytree(updated, folders["both"], dirs_exist_ok=True)
    with ThreadPoolExecutor(2) as threads:
        runs = {
            "known": threads.submit(contract_run, folders["known"], api, known, budget=BUDGET),
            "updated": threads.submit(contract_run, updated, api, None, "-k", SHOWING),
            "both": threads.submit(contract_run, folders["both"], api, known),
        }
        return {name: run.result() for name, run in runs.items()}


def test_five_ways_are_five_entries(first: Run) -> None:
    """Two looser, one broken, two drifts, and nothing else, however many tests and values show them."""
    assert (first.code, first.last.startswith("verdict: violated. 2 looser, 1 broken, after")) == (1, True), (
        first.output
    )
    assert [(v["kind"], v["clause"]) for v in first.told["violations"]] == [
        ("looser", "#/components/schemas/BackgroundSound/enum"),
        ("looser", "#/components/schemas/WaitSeconds/maximum"),
        ("broken", UPDATE_RESPONSES),
    ]
    types = {drift["clause"].rpartition("/")[2]: sorted(drift["types"]) for drift in first.told["drift"]}
    assert types == {"tags": ["array of string"], "reviewer": ["null", "string"]}


def test_entry_tells_the_range_and_a_line_that_repeats_it(first: Run) -> None:
    """What was accepted, up to where, and the first request that showed it."""
    sound, wait, status = first.told["violations"]
    assert sound["headline"] == 'background_sound is accepted outside its enum of 20 values: "backchanneling"'
    assert re.fullmatch(
        r"wait_seconds is accepted beyond maximum 2: \d+ values tried and accepted, up to 3; 4 was refused",
        wait["headline"],
    )
    assert status["headline"] == "updatePersona answered 202 instead of 200"
    assert status["count"] > 100
    for entry in (sound, wait, status):
        method, answered = ("PATCH", "202") if entry is status or "PATCH" in entry["sent"] else ("POST", "201")
        assert entry["sent"].startswith(f"{method} /personas")
        assert entry["received"].startswith(answered)
        assert f"curl -sS -X {method}" in entry["curl"]
        assert entry["headline"] in first.output


def test_known_divergences_make_the_run_green(later: dict[str, Run]) -> None:
    """Five entries, and every other promise is still held to."""
    run = later["known"]
    assert (run.code, run.last.startswith("verdict: holds.")) == (0, True), run.output
    assert run.last.endswith("but for 5 known divergences.")
    assert (run.told["violations"], run.told["drift"]) == ([], [])
    assert sorted(entry["kind"] for entry in run.told["known"]) == ["broken", "drift", "drift", "looser", "looser"]
    assert all(entry["reason"] == WHY["reason"] for entry in run.told["known"])


def test_merged_snippets_make_the_run_green(later: dict[str, Run]) -> None:
    """The lines merged into openapi.yaml and the client written anew: nothing is beyond the contract any more."""
    run = later["updated"]
    assert (run.code, run.last.startswith("verdict: holds.")) == (0, True), run.output
    assert [run.told[name] for name in ("violations", "known", "drift")] == [[], [], []]
    # Every other test ran too, with the entries that are needed no more.
    assert [entry for entry in later["both"].told["violations"] if entry["kind"] != "stale"] == []
    assert (later["both"].told["known"], later["both"].told["drift"]) == ([], [])


def test_entry_that_no_longer_occurs_is_red(later: dict[str, Run]) -> None:
    """With the contract up to date the five entries are no longer true, and each is named."""
    run = later["both"]
    assert (run.code, run.last.startswith("verdict: violated. 5 known divergences no longer there")) == (1, True)
    assert [entry["kind"] for entry in run.told["violations"]] == ["stale"] * 5
    assert run.output.count("no longer occurs; remove it") == 5


def test_mock_follows_the_updated_contract(updated: Path) -> None:
    """The mock answers the status that its openapi.yaml names, and the client understands it."""
    run = contract_run(updated, None, None, "-k", "typed_client or update_rules")
    assert (run.code, run.last.startswith("verdict: holds.")) == (0, True), run.output
