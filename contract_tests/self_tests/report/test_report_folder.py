"""reports/ may be full, read-only, shared, or no folder at all: a command's verdict, code and clean-up stay the same."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from contract_tests.report import folder
from contract_tests.report.folder import Reports, alone, write_whole
from contract_tests.self_tests.checkout import Checkout, copied
from contract_tests.transport.cleared_output import clear_files
from contract_tests.transport.redaction import Redactor

RUN = ("contract_tests", "run", "--")
MAP = ("contract_tests", "boundaries")
FAULTS = ("contract_tests", "faults")
ONE_TEST = "contract_tests/promises/test_deletion.py::test_removed_item_is_gone"
GENERATED = "contract_tests/promises/test_schema_conformance.py::test_operation_conforms_to_its_schema[listVoices]"
SIX = 6
REPORTS_OF_A_RUN = ("run.json", "history.jsonl", "index.html", "junit.xml")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A copy of the repository, without reports."""
    return copied(tmp_path)


def _a_file(checkout: Checkout) -> None:
    checkout.reports.write_text("not a folder", "utf-8")


def _a_link_to_nothing(checkout: Checkout) -> None:
    checkout.reports.symlink_to(checkout.root / "nowhere" / "at" / "all")


def _folders_for_files(checkout: Checkout) -> None:
    for name in (*REPORTS_OF_A_RUN, "boundaries.json", "boundaries.html", "faults.json", "faults.html"):
        (checkout.reports / name / "inside").mkdir(parents=True)


def _read_only(checkout: Checkout) -> None:
    """Take a place that nobody can write to, root included."""
    checkout.reports.symlink_to("/proc/self/fdinfo")


@dataclass(frozen=True)
class Obstacle:
    """What is wrong with reports/."""

    name: str
    make: Callable[[Checkout], None]
    words: str
    """What the line about it says."""


OBSTACLES = (
    Obstacle("file", _a_file, "a file is where the folder should be; move it away"),
    Obstacle("dangling-link", _a_link_to_nothing, "the folder is a link that leads nowhere; remove the link"),
    Obstacle("folders-for-files", _folders_for_files, "a folder is where the file should be"),
    Obstacle("read-only", _read_only, "make the folder writable, then run again"),
)
by_obstacle = pytest.mark.parametrize("obstacle", OBSTACLES, ids=lambda obstacle: obstacle.name)


def _require_told(output: str, words: str) -> None:
    """One line says which report could not be written, why, and what to do; nothing else breaks."""
    told = [line for line in output.splitlines() if "not written:" in line]
    assert len(told) == 1, output
    assert words in told[0]
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output


@by_obstacle
def test_run_holds_whatever_reports_are(checkout: Checkout, obstacle: Obstacle) -> None:
    """The verdict, its code and the clean-up do not depend on where reports go."""
    obstacle.make(checkout)
    finished = checkout.run(*RUN, ONE_TEST)
    assert (finished.code, finished.verdict[:15]) == (0, "verdict: holds."), finished.output
    assert "all removed" in finished.output
    _require_told(finished.output, obstacle.words)
    assert all(name in finished.output for name in REPORTS_OF_A_RUN)


def test_run_is_refused_whatever_reports_are(checkout: Checkout) -> None:
    """A refusal is told in the same way, with its own code."""
    _a_file(checkout)
    finished = checkout.run(*RUN, SEED="many")
    assert (finished.code, finished.verdict[:17]) == (4, "verdict: refused."), finished.output
    _require_told(finished.output, OBSTACLES[0].words)


def test_page_of_a_refused_run_is_not_that_of_the_run_before(checkout: Checkout) -> None:
    """The command itself leaves the refusal above the earlier run, in run.json as on the page."""
    assert checkout.run(*RUN, ONE_TEST, SEED="7").code == 0
    assert checkout.run(*RUN, BASE_URL="https://me:word@127.0.0.1:9/v1", SEED="8").code == 4
    told = json.loads((checkout.reports / "run.json").read_text("utf-8"))
    assert (told["verdict"], told["seed"], told["earlier"]["verdict"]) == ("refused", 8, "holds")
    page = (checkout.reports / "index.html").read_text("utf-8")
    assert "must not hold a user or a password" in page
    assert page.index("The run was refused") < page.index("Earlier run") < page.index("The contract holds")
    assert "me:word" not in page + json.dumps(told)


def test_run_holds_on_a_full_disk(checkout: Checkout) -> None:
    """Where no file can be written the run ends as it would, and leaves neither halves nor drafts."""
    checkout.reports.mkdir()
    finished = checkout.run(*RUN, ONE_TEST, is_disk_full=True)
    assert (finished.code, finished.verdict[:15]) == (0, "verdict: holds."), finished.output
    assert "all removed" in finished.output
    _require_told(finished.output, "File too large; make room, then run again")
    assert list(checkout.reports.iterdir()) == []


@pytest.mark.parametrize("profile", ["quick", "thorough"])
def test_caches_that_cannot_be_written_do_not_matter(checkout: Checkout, profile: str) -> None:
    """pytest and hypothesis keep notes for later: without them a run comes to the same."""
    for name in (".pytest_cache", ".hypothesis"):
        (checkout.root / name).write_text("not a folder", "utf-8")
    finished = checkout.run(*RUN, GENERATED, ONE_TEST, PROFILE=profile)
    assert (finished.code, finished.verdict[:15]) == (0, "verdict: holds."), finished.output
    assert "Traceback" not in finished.output


@pytest.mark.parametrize("obstacle", [OBSTACLES[0], OBSTACLES[2]], ids=lambda obstacle: obstacle.name)
def test_map_comes_to_its_end_whatever_reports_are(checkout: Checkout, obstacle: Obstacle) -> None:
    """The boundary map is printed and judged though none of it can be kept."""
    obstacle.make(checkout)
    finished = checkout.run(*MAP, "--field", "wait_seconds", "--operation", "updatePersona", SEED="7")
    assert (finished.code, finished.verdict[:15]) == (0, "verdict: holds."), finished.output
    _require_told(finished.output, obstacle.words)


def test_map_comes_to_its_end_on_a_full_disk(checkout: Checkout) -> None:
    """The same where no file can be written."""
    finished = checkout.run(*MAP, "--field", "name", "--operation", "updatePersona", is_disk_full=True, SEED="7")
    assert (finished.code, finished.verdict[:15]) == (0, "verdict: holds."), finished.output
    _require_told(finished.output, "make room, then run again")


@pytest.mark.parametrize("obstacle", [OBSTACLES[0], OBSTACLES[2]], ids=lambda obstacle: obstacle.name)
def test_faults_are_caught_whatever_reports_are(checkout: Checkout, obstacle: Obstacle) -> None:
    """A trial of the suite comes to the same without its transcripts and its page."""
    obstacle.make(checkout)
    finished = checkout.run(*FAULTS, FAULT="name_cut_to_length", BUDGET="300")
    assert finished.code == 0, finished.output
    assert "1 of 1 caught" in finished.output
    _require_told(finished.output, obstacle.words)


def test_runs_that_share_reports_do_not_mix(checkout: Checkout) -> None:
    """Six runs at once: each ends as it would alone, each stands in the history, and every file is of one run."""
    running = [checkout.start(*RUN, ONE_TEST, SEED=str(seed)) for seed in range(1, SIX + 1)]
    with ThreadPoolExecutor(SIX) as threads:
        outputs = list(threads.map(lambda process: process.communicate(timeout=600)[0], running))
    for process, output in zip(running, outputs, strict=True):
        assert process.returncode == 0, output
        assert "Traceback" not in output
        assert "not written" not in output
    lines = (checkout.reports / "history.jsonl").read_text("utf-8").splitlines()
    assert sorted(json.loads(line)["seed"] for line in lines) == list(range(1, SIX + 1))
    told = json.loads((checkout.reports / "run.json").read_text("utf-8"))
    page = (checkout.reports / "index.html").read_text("utf-8")
    assert f"<dt>Seed</dt><dd>{told['seed']}</dd>" in page
    assert told["seed"] == json.loads(lines[-1])["seed"]
    assert page.count("this run</div>") == 1
    assert len(ElementTree.parse(checkout.reports / "junit.xml").findall(".//testcase")) == 1
    assert sorted(path.name for path in checkout.reports.iterdir()) == sorted(REPORTS_OF_A_RUN)


def test_runs_add_to_one_history(tmp_path: Path) -> None:
    """What many write at the same time under the lock is all there."""
    path = tmp_path / "reports" / "lines"

    def add(number: int) -> None:
        with alone(path.parent):
            before = path.read_text("utf-8") if path.exists() else ""
            write_whole(path, f"{before}{number}\n")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(100)))
    assert sorted(map(int, path.read_text("utf-8").split())) == list(range(100))


def test_folder_that_stays_held_is_not_waited_for_forever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was stopped while it wrote keeps no other from its reports."""
    monkeypatch.setattr(folder, "LONGEST_WAIT_SECONDS", 0.05)
    with alone(tmp_path), alone(tmp_path):
        write_whole(tmp_path / "run.json", "{}")
    assert (tmp_path / "run.json").read_text("utf-8") == "{}"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EDQUOT])
def test_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A write that fails in its middle leaves the file of before, and nothing besides; the line says what failed."""
    path = tmp_path / "run.json"
    write_whole(path, "before")
    reports = Reports(tmp_path)

    def fails(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", fails)
    with reports.attempt("run.json"):
        write_whole(path, "after")
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]
    assert path.read_text("utf-8") == "before"
    (line,) = reports.complaints()
    assert re.fullmatch(rf"{tmp_path}: run.json not written: {os.strerror(number)}; make .*, then run again", line)


def test_reports_that_fail_alike_are_one_line(tmp_path: Path) -> None:
    """A reason is told once, with all the reports that it kept from being written."""
    reports = Reports(tmp_path)
    for name, number in (("a", errno.ENOSPC), ("b", errno.ENOSPC), ("c", errno.EISDIR)):
        with reports.attempt(name):
            raise OSError(number, os.strerror(number))
    assert [line.partition(": ")[2].partition(" not")[0] for line in reports.complaints()] == ["a and b", "c"]


def test_key_that_cannot_be_cleared_from_a_file_takes_the_file_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk no report is better than one that holds the key; what was removed meanwhile is passed over."""
    key = "Self-Test-Key-4711"
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_text(key, "utf-8")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")

    def fails(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", fails)
    clear_files([tmp_path, tmp_path / "missing", tmp_path / "deep" / "log"], Redactor([key]), since=0)
    assert list((tmp_path / "deep").iterdir()) == []
