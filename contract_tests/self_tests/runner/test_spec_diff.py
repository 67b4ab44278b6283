"""spec-diff and release-check as a person runs them: in a repository, between two files, and where they are refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.report.folder import Reports
from contract_tests.report.html.diff_page import write_diff
from contract_tests.report.spec_diff import SpecDiff, as_changelog, as_text
from contract_tests.spec.change import Change
from contract_tests.spec.contract import CONTRACT_FILE, ROOT

CONTRACT = CONTRACT_FILE.read_text("utf-8")
TIGHTENED = CONTRACT.replace("      maximum: 2\n", "      maximum: 1.5\n")
LOOSENED = CONTRACT.replace("      maximum: 2\n", "      maximum: 3\n")
VERSION = "  version: 1.0.0\n"

HOSTILE = "<script>alert(1)</script> | `code` \x1b[31m\u202e"


def run(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run spec-diff in a folder; return its exit code, its last line and all that it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    finished = subprocess.run(
        [sys.executable, "-m", "contract_tests", "spec-diff", *arguments],
        cwd=folder, env={**clean, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in finished.stdout + finished.stderr
    return finished.returncode, (finished.stdout.rstrip().splitlines() or [""])[-1], finished.stdout


def git(folder: Path, *arguments: str) -> None:
    who = [
        "-c",
        "user.name=n",
        "-c",
        "user.email=n@example.com",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "tag.gpgsign=false",
    ]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A repository whose contract is released as v1.0.0."""
    (tmp_path / "openapi.yaml").write_text(CONTRACT, "utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "openapi.yaml")
    git(tmp_path, "commit", "-q", "-m", "Release")
    git(tmp_path, "tag", "v1.0.0")
    return tmp_path


def write(folder: Path, text: str, version: str = "1.0.0") -> None:
    (folder / "openapi.yaml").write_text(text.replace(VERSION, f"  version: {version}\n"), "utf-8")


def test_breaking_change_is_violated_until_the_version_says_so(released: Path) -> None:
    """A limit is tightened: both commands say what to do, and are content with the next major version."""
    write(released, TIGHTENED, "1.9.0")
    for arguments in ((), ("--release",)):
        code, last, output = run(released, *arguments)
        assert code == 1, output
        assert last == (
            "verdict: violated. 1 change since v1.0.0: 1 breaks callers; info.version moved from 1.0.0 to 1.9.0: "
            "make it 2.0.0 or higher, or take the change back."
        )
        assert "wait_seconds: maximum tightened from 2 to 1.5   openapi.yaml:343" in output
        assert "breaks callers who send: POST /personas body wait_seconds, PATCH /personas/{persona_id} body" in output
    write(released, TIGHTENED, "2.0.0")
    for arguments in ((), ("--release",)):
        assert run(released, *arguments)[0] == 0


def test_compatible_change_needs_a_minor_version_for_a_release(released: Path) -> None:
    """Nobody is hurt while it is worked on; a release says it."""
    write(released, LOOSENED)
    code, last, _ = run(released)
    assert (code, "1 change since v1.0.0: none breaks callers" in last) == (0, True), last
    code, last, _ = run(released, "--release")
    assert (code, "make it 1.1.0 or higher" in last) == (1, True), last
    write(released, LOOSENED, "1.1.0")
    assert run(released, "--release")[0] == 0


def test_unchanged_contract_holds(released: Path) -> None:
    write(released, "# A comment.\n" + CONTRACT)
    assert run(released)[:2] == (0, "verdict: holds. openapi.yaml says what v1.0.0 says.")


def test_without_a_tag_the_main_branch_is_known(released: Path) -> None:
    """A release is compared with nothing then, and says so."""
    git(released, "tag", "-d", "v1.0.0")
    write(released, TIGHTENED)
    code, last, _ = run(released)
    assert (code, "since main" in last) == (1, True), last
    code, last, _ = run(released, "--release")
    assert (code, last) == (
        0,
        "verdict: holds. openapi.yaml has no tag to be compared with, so nothing of it is released.",
    )


def test_two_files_are_compared(tmp_path: Path) -> None:
    """Without git too; the environment names them as the options do."""
    write(tmp_path, CONTRACT)
    (tmp_path / "theirs.yaml").write_text(TIGHTENED, "utf-8")
    code, last, _ = run(tmp_path, BASE="openapi.yaml", NEW="theirs.yaml")
    assert (code, "since openapi.yaml: 1 breaks callers" in last) == (1, True), last
    assert run(tmp_path, "--base", "theirs.yaml", "--contract", "openapi.yaml")[0] == 0


def test_earlier_overlay_is_read_with_the_earlier_contract(released: Path) -> None:
    """A promise that only the overlay makes is withdrawn in the overlay alone."""
    overlay = released / "ours.yaml"
    overlay.write_text("overlay: 1.0.0\nactions: [{target: $.x-promises, update: {atomic: ' It is.'}}]\n", "utf-8")
    git(released, "add", "ours.yaml")
    git(released, "commit", "-q", "-m", "Add overlay")
    overlay.write_text("overlay: 1.0.0\nactions: [{target: $.x-promises.atomic, remove: true}]\n", "utf-8")
    code, _, output = run(released, "--overlay", "ours.yaml", "--base", "HEAD")
    assert (code, "promise atomic: removed" in output) == (1, True), output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--base", "v9"), "BASE 'v9' is no file, and no commit of the repository of openapi.yaml"),
        (("--base", "--help"), "BASE '--help' is no file, and no commit"),
        (("--base", "empty"), "openapi.yaml does not stand in empty; name another commit with BASE, or a file"),
        (("--base", "notes.txt"), "notes.txt"),
        (("--new", "nowhere.yaml"), "'nowhere.yaml' is no file"),
        (("--contract", "nowhere.yaml"), "'nowhere.yaml' is no file"),
        (("--resource", "trees"), "has no resource 'trees'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_cannot_be_compared_is_refused(arguments: tuple[str, ...], says: str, released: Path) -> None:
    """A base that is not there, or is no contract, ends with 4 and a line that names it."""
    (released / "notes.txt").write_text("openapi: [", "utf-8")
    git(released, "checkout", "-q", "--orphan", "empty")
    git(released, "rm", "-q", "--cached", "openapi.yaml")
    git(released, "commit", "-q", "--allow-empty", "-m", "Nothing")
    code, last, output = run(released, *arguments)
    assert (code, last.startswith("verdict: refused."), says in last) == (4, True, True), output


def test_file_outside_of_git_needs_a_base(tmp_path: Path) -> None:
    write(tmp_path, CONTRACT)
    code, last, _ = run(tmp_path, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert (code, "name what callers know with BASE" in last) == (4, True), last


def test_reports_hold_the_comparison(released: Path) -> None:
    """A page for a person, Markdown for a forge, JSON for a program; the text goes to the terminal."""
    write(released, TIGHTENED)
    run(released)
    record = json.loads((released / "reports" / "spec-diff.json").read_text("utf-8"))
    assert (record["rating"], record["least_version"], record["says_enough"]) == ("breaking", "2.0.0", False)
    assert record["changes"] == [
        {
            "subject": "wait_seconds",
            "what": "maximum tightened from 2 to 1.5",
            "sends": "breaking",
            "reads": "none",
            "places": ["POST /personas body wait_seconds", "PATCH /personas/{persona_id} body wait_seconds"],
            "operations": ["POST /personas", "PATCH /personas/{persona_id}"],
            "line": "openapi.yaml:343",
        }
    ]
    page = (released / "reports" / "spec-diff.html").read_text("utf-8")
    assert "1 change, 1 breaking" in page
    assert "spec-diff.html" in (released / "reports" / "index.html").read_text("utf-8")
    summary = (released / "reports" / "spec-diff.md").read_text("utf-8").splitlines()
    assert summary[0] == "## openapi.yaml 1.0.0"
    assert summary[2].startswith("1 change since v1.0.0: 1 breaks callers")
    assert summary[-1].startswith("- `wait_seconds`: maximum tightened from 2 to 1.5. It breaks callers who send")


def test_job_on_github_shows_the_comparison(released: Path) -> None:
    """What other commands have added to the page of the job stays."""
    write(released, TIGHTENED)
    page = released / "page.md"
    page.write_text("before\n", "utf-8")
    run(released, GITHUB_STEP_SUMMARY=str(page))
    run(released, "--release", GITHUB_STEP_SUMMARY=str(page))
    assert page.read_text("utf-8") == "before\n" + (released / "reports" / "spec-diff.md").read_text("utf-8") + "\n\n"


def test_changelog_is_drafted_in_words_of_callers(released: Path) -> None:
    """The entry stands under the version that the changes ask for."""
    write(released, TIGHTENED)
    code, _, output = run(released, "--changelog")
    assert (code, output.splitlines()) == (
        0,
        [
            "## 2.0.0",
            "",
            "### Breaking",
            "",
            "- `wait_seconds`: maximum tightened from 2 to 1.5. It breaks callers who send: POST /personas, "
            "PATCH /personas/{persona_id}.",
        ],
    )


def test_text_of_others_cannot_leave_its_place(tmp_path: Path) -> None:
    """What a vendor wrote ends no line, opens no tag and no cell, and moves no cursor."""
    change = Change(HOSTILE, HOSTILE + "\n# End", "breaking", "none", (HOSTILE,), (HOSTILE,), "their.yaml:1")
    diff = SpecDiff(HOSTILE, "1", "their.yaml", HOSTILE, [change])
    write_diff(diff, Reports(tmp_path))
    page = (tmp_path / "spec-diff.html").read_text("utf-8")
    texts = [as_text(diff), as_changelog(diff), as_changelog(diff, HOSTILE, diff.sentence)]
    for text in (*texts, page):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert not any("\n# End" in text for text in texts)
    assert not any("<script>alert" in text for text in (*texts[1:], page))


def test_reports_that_cannot_be_written_cost_no_verdict(released: Path) -> None:
    (released / "reports").write_text("", "utf-8")
    code, last, output = run(released)
    assert (code, last) == (0, "verdict: holds. openapi.yaml says what v1.0.0 says."), output
    assert "spec-diff.json" in output
