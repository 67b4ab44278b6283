"""A journal that cannot be written, or cannot be read: nothing is made that is not noted, and what can be read is followed."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from contract_tests.errors import RunEnded
from contract_tests.self_tests.live_command import Command, require_untouched, verdict_of, wait_for
from contract_tests.self_tests.transport.weather_server import NEVER, fair
from contract_tests.transport import journal
from contract_tests.transport.journal import Journal, of_all_runs, of_dead_runs, of_living_runs, put_away
from contract_tests.transport.leftovers import read

TESTS = ("contract_tests/promises/test_deletion.py", "contract_tests/promises/test_update_rules.py")
RUN = "0123abcd"
NAME = f"contract-test-{RUN}-"


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 11])
def test_disk_that_fills_ends_the_run(command: Command, lines: int) -> None:
    """A run whose journal takes no more makes nothing more, removes what it made, and says what has happened."""
    code, output = replace(command, module="contract_tests.self_tests.full_disk").run(str(lines), *TESTS)
    assert code == 2, output
    assert "No space left on device" in verdict_of(output)
    assert f"After {len(command.server.seen):,} request" in verdict_of(output), output
    assert "nothing is sent" not in output
    assert "None" not in verdict_of(output)
    assert len(command.server.made) <= lines
    require_untouched(command, output)


def test_folder_that_cannot_be_written_is_refused(command: Command, tmp_path: Path) -> None:
    """Without a place for a journal nothing is sent at all."""
    place = tmp_path / "file"
    place.write_text("no folder", "utf-8")
    code, output = replace(command, journal=place / "journal").run(*TESTS)
    assert (code, "without a journal nothing is sent" in verdict_of(output)) == (4, True), output
    assert command.server.seen == []


def test_kill_while_a_place_is_tried_leaves_nothing(tmp_path: Path) -> None:
    """A process that ends at its first byte of a journal's place, which is tried before a run, has left no file there."""
    end = "signal.signal(signal.SIGXFSZ, signal.SIG_DFL); resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
    code = f"import resource, signal, sys; from pathlib import Path; from {journal.__name__} import require_writable; {end}"
    died = subprocess.run(
        [sys.executable, "-c", f"{code}; require_writable(Path(sys.argv[1]))", str(tmp_path)], check=False
    )
    assert died.returncode == -signal.SIGXFSZ
    assert list(tmp_path.iterdir()) == []


def test_line_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What a full disk has taken of a line is taken back, and the removal is known all the same."""
    journal = Journal(RUN, "http://127.0.0.1:8400/v1", "Key-4711-abc", tmp_path)
    journal.creating(f"{NAME}1")
    journal.note(created="abc", name=f"{NAME}1", made=None)
    size, limits = journal.path.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 7, limits[1]))
    try:
        with pytest.raises(RunEnded, match="nothing more is made"):
            journal.creating(f"{NAME}2")
        journal.note(removed="abc")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert journal.path.stat().st_size == size
    assert (read(journal.path).alive, read(journal.path).damage) == ({"abc": f"{NAME}1"}, "")
    journal.close()
    assert not journal.path.exists()


DAMAGES: dict[str, bytes] = {
    "no UTF-8": b"\xff\xfe\x00 what is this",
    "no JSON": b"{'created': 1}",
    "a number": b"17",
    "a list": b'["created", "abc"]',
    "nothing": b"null",
    "a text": b'"created"',
    "no kind": b'{"name": "x"}',
    "run without its members": b'{"run": "0123abcd"}',
    "created without a name": b'{"created": "abc"}',
    "an id that is true": b'{"created": true, "name": "x"}',
    "an id that is a list": b'{"created": [5], "name": "x"}',
    "an id that is empty": b'{"created": "", "name": "x"}',
    "an id that is a path": b'{"created": "../voices", "name": "x"}',
    "an id with a lone surrogate": b'{"created": "\\ud800", "name": "x"}',
    "a name that is a list": b'{"creating": []}',
    "lent a text": b'{"lent": "abc"}',
    "lent no id": b'{"lent": {}}',
    "a deep nest": b"[" * 100_000 + b"]" * 100_000,
    "a long number": b"9" * 5_000,
}


@pytest.mark.parametrize("place", [0, 2, -1])
def test_damaged_lines_are_passed_over_and_kept(tmp_path: Path, place: int) -> None:
    """Whatever stands between the lines of a journal, the others are followed and the file is kept."""
    journal = Journal(RUN, "http://127.0.0.1:8400/v1", "Key-4711-abc", tmp_path)
    journal.creating(f"{NAME}1")
    journal.note(created="abc", name=f"{NAME}1", made=None)
    journal.creating(f"{NAME}2")
    journal.close()
    whole = journal.path.read_bytes().splitlines()
    for name, damage in DAMAGES.items():
        lines = [*whole]
        lines.insert(place if place >= 0 else len(lines), damage)
        journal.path.write_bytes(b"\n".join([*lines, b""]))
        (remains,) = of_dead_runs(tmp_path)
        assert remains.alive == {"abc": f"{NAME}1"}, name
        assert [create.name for create in remains.unanswered] == [f"{NAME}2"], name
        assert (remains.has_account, remains.damage) == (True, "has 1 line that cannot be read"), name
        remains.alive.clear()
        remains.unanswered.clear()
        said = put_away(remains)
        (kept,) = tmp_path.glob(f"{RUN}.damaged*")
        assert str(kept) in said
        assert (kept.read_bytes().splitlines(), journal.path.exists()) == (lines, False)
        kept.unlink()


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _empty(path: Path) -> None:
    path.touch()


def _without_run(path: Path) -> None:
    path.write_text('{"creating": "contract-test-0123abcd-1"}\n', "utf-8")


def _garbage(path: Path) -> None:
    path.write_bytes(os.urandom(200).replace(b"\n", b"") + b"\n")


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("module", ["run", "sweep"])
def test_nothing_in_a_journals_place_stops_a_command(command: Command, module: str) -> None:
    """A folder, a pipe, a loop, garbage or an empty file where a journal should be: set aside, said, and passed over."""
    wrong: tuple[Callable[[Path], None], ...] = (_folder, _pipe, _empty, _without_run, _garbage, _loop)
    command.server.sky = lambda seen: NEVER if seen.method == "DELETE" else None
    with command.start(*TESTS) as process:
        wait_for(lambda: any(seen.method == "DELETE" for seen in command.server.seen))
        process.kill()
    command.server.sky = fair
    (journal,) = command.journal.glob("*.jsonl")
    with journal.open("ab") as file:
        file.write(b"\n" + b"\n".join(DAMAGES.values()) + b"\n")
    for number, make in enumerate(wrong):
        make(command.journal / f"{number}.jsonl")
    assert len(list(of_all_runs(command.journal))) == len(wrong) + 1
    assert list(of_living_runs(command.journal)) == []
    code, output = replace(command, module=module).run(*(TESTS if module == "run" else ()))
    assert code == 0, output
    assert "that an earlier run had left" in output
    set_aside = [path for path in command.journal.iterdir() if path.suffix == ".damaged"]
    assert len(set_aside) == len(wrong)  # all of them but the empty file, and the damaged journal
    assert all(re.search(rf"^journal .* kept as {re.escape(str(path))}$", output, re.MULTILINE) for path in set_aside)
    for path in set_aside:
        path.rmdir() if path.is_dir() else path.unlink()
    require_untouched(command, output)
