"""known_divergences.yaml: what an entry must say, what it covers, and to which API it applies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract_tests.checks.judge import Judge
from contract_tests.checks.known_divergences import (
    PLACES,
    Divergence,
    DivergenceError,
    divergences_for,
    known_divergences,
    read_divergences,
)
from contract_tests.runner.new_contract import new_contract
from contract_tests.spec.contract import CONTRACT_FILE, load_contract
from contract_tests.transport.exchange import Exchange

CONTRACT = load_contract()
MAXIMUM = "#/components/schemas/WaitSeconds/maximum"
LOOSER = f"- {{kind: looser, clause: '{MAXIMUM}', date: 2026-11-22, reason: The page is behind.}}\n"


def read(folder: Path, text: str) -> tuple[Divergence, ...]:
    file = folder / "known.yaml"
    file.write_text(text, "utf-8")
    return read_divergences(CONTRACT, file)


def test_shipped_list_is_of_documents_alone_and_its_example_can_be_read(tmp_path: Path) -> None:
    """No API was asked for what is listed: each entry names a document, and one host; the commented entry works."""
    file = CONTRACT_FILE.parent / PLACES[1]
    text = file.read_text("utf-8")
    assert all(entry.documented and entry.target == "api.coval.dev" for entry in read_divergences(CONTRACT, file))
    assert known_divergences(CONTRACT, "http://127.0.0.1:8400/v1") == ()
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith(("# - ", "#   "))]
    entry = read(tmp_path, "\n".join(lines))[0]
    assert (entry.kind, entry.clause, entry.target) == ("looser", MAXIMUM, "api.coval.dev")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "known.yaml cannot be read"),
        ("kind: looser", "holds no list"),
        ("- looser", "entry 1: is no object"),
        (LOOSER.replace("kind: looser, ", ""), "entry 1: kind: is missing; write one of looser, broken, drift"),
        (LOOSER.replace("looser", "wider"), "entry 1: kind: is 'wider'"),
        (LOOSER.replace("date: 2026-11-22, ", ""), "entry 1: date: is missing; write the day"),
        (LOOSER.replace("2026-11-22", "22.11.2026"), "entry 1: date: is '22.11.2026'"),
        (LOOSER.replace("2026-11-22", "2026-11-31"), "entry 1: date: is '2026-11-31'"),
        (LOOSER.replace("2026-11-22", "2026"), "entry 1: date: is 2026, which is no text"),
        (LOOSER.replace("The page is behind.", "' '"), "entry 1: reason: is empty; say in a sentence why"),
        (LOOSER + LOOSER.replace("reason: The page is behind.", "reason: ''"), "entry 2: reason: is empty"),
        (LOOSER.replace(MAXIMUM, "WaitSeconds"), "entry 1: clause: is 'WaitSeconds'; copy the pointer"),
        (
            LOOSER.replace("maximum", "most"),
            "clause: openapi.yaml has nothing at #/components/schemas/WaitSeconds/most",
        ),
        (LOOSER.replace("reason", "because: x, reason"), "entry 1: because: is not known; it may hold kind, clause"),
        (LOOSER.replace("looser", "broken"), "entry 1: about: is missing, and a clause may be broken in two ways"),
        (LOOSER.replace("reason", "target: , reason"), "entry 1: target: is missing; write the host"),
        (LOOSER + LOOSER, "entry 2: clause: entry 1 says the same"),
    ],
)
def test_bad_entry_is_named_with_its_field_and_the_fix(tmp_path: Path, text: str, words: str) -> None:
    """A mistake is one line: the file, the entry, the field, what to write there."""
    with pytest.raises(DivergenceError) as error:
        read(tmp_path, text)
    assert words in str(error.value), str(error.value)
    assert "known.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_drift_may_name_a_place_that_the_contract_does_not_have_yet(tmp_path: Path) -> None:
    """A further field stands nowhere in openapi.yaml: that is what the entry is about."""
    text = LOOSER.replace("looser", "drift").replace(MAXIMUM, "#/components/schemas/Persona/properties/tags")
    assert read(tmp_path, text)[0].kind == "drift"


def test_entry_covers_its_clause_in_its_way_only() -> None:
    """Another kind, another clause or another headline under the same clause is not covered."""
    entry = Divergence(1, "broken", MAXIMUM, "2026-11-22", "why", about="answered 202")
    assert entry.covers("broken", MAXIMUM, "updatePersona answered 202 instead of 200")
    assert not entry.covers("broken", MAXIMUM, "updatePersona answered 204 instead of 200")
    assert not entry.covers("looser", MAXIMUM, "answered 202")
    assert not entry.covers("broken", "#/x-promises", "answered 202")


def test_entries_apply_to_their_host_and_never_to_the_mock() -> None:
    """Without a target an entry applies wherever BASE_URL leads; the mock of the run has no excuse."""
    anywhere = Divergence(1, "looser", MAXIMUM, "2026-11-22", "why")
    live = Divergence(2, "drift", MAXIMUM, "2026-11-22", "why", target="api.coval.dev")
    assert divergences_for((anywhere, live), "") == ()
    assert divergences_for((anywhere, live), "127.0.0.1:8400") == (anywhere,)
    assert divergences_for((anywhere, live), "api.coval.dev") == (anywhere, live)
    assert divergences_for((anywhere, live), "api.coval.dev:443") == (anywhere, live)


@pytest.mark.parametrize(
    ("sound", "is_known"),
    [("backchanneling", True), ("custom:3zfmuDbVQsi4GaseDtiVcS", True), ("silence", False), ("Office", False)],
)
def test_shipped_list_covers_what_the_live_api_documents_and_no_more(sound: str, is_known: bool) -> None:
    """A sound that the newest SDK lists is known at api.coval.dev; any other beyond the enum is a finding."""
    known = known_divergences(CONTRACT, "https://api.coval.dev/v1")
    body = json.dumps({"background_sound": sound}).encode()
    exchange = Exchange("PATCH", "/personas/1", (), body, 200, {}, b"{}")
    clause = "#/components/schemas/BackgroundSound/enum"
    found = Judge(CONTRACT).refusal("updatePersona", exchange, 400, promise="one of 20 values", clause=clause)
    assert found
    for finding in found:
        said = (finding.headline, finding.problem, finding.promise)
        assert any(entry.covers(finding.kind, finding.clause, *said) for entry in known) == is_known


def test_environment_names_the_file_and_the_api(tmp_path: Path) -> None:
    """KNOWN_DIVERGENCES takes the place of the file in the repository."""
    file = tmp_path / "known.yaml"
    file.write_text(LOOSER, "utf-8")
    known = known_divergences(CONTRACT, "https://api.coval.dev/v1", file)
    assert [entry.clause for entry in known] == [MAXIMUM]
    assert known_divergences(CONTRACT, "", file) == ()


def test_another_contract_in_the_folder_has_a_list_of_its_own(tmp_path: Path) -> None:
    """`make new-contract` writes a contract beside openapi.yaml, whose clauses it does not have."""
    for place in PLACES:
        (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / PLACES[1]).write_text(LOOSER, "utf-8")
    (tmp_path / "agents.yaml").write_text(new_contract("agents"), "utf-8")
    other = load_contract(tmp_path / "agents.yaml")
    assert known_divergences(other, "https://api.example.com/v1") == ()
    (tmp_path / PLACES[0]).write_text(LOOSER, "utf-8")
    with pytest.raises(DivergenceError, match=r"agents\.yaml has nothing at"):
        known_divergences(other, "https://api.example.com/v1")
