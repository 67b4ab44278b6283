"""A run that several machines do together: no test twice, none lost, one verdict, and what broke on one is tried first on the others."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contract_tests.errors import Refused
from contract_tests.report.html.run_page import RUN
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.records import read_as
from contract_tests.report.regressions import FILE
from contract_tests.report.run_record import RunRecord
from contract_tests.report.shards import SHARD, ShardFile, merged
from contract_tests.runner.configuration import foreign_environment
from contract_tests.spec.contract import ROOT, load_contract

HOLDS, VIOLATED, INCONCLUSIVE, REFUSED = 0, 1, 2, 4
TESTS = [str(ROOT / f"contract_tests/promises/test_{name}.py") for name in ("deletion", "update_rules", "first_look")]
SHARDS = 3
# One case fails with large numbers, the other never; each notes which it was given.
TEST = """
from pathlib import Path
import pytest
from hypothesis import given, strategies
@pytest.mark.parametrize("limit", [1_000_000, float("inf")])
def test_it(limit):
    @given(strategies.integers())
    def check(number):
        with Path(f"{limit}.txt").open("a") as file:
            print(number, file=file)
        assert number < limit
    check()
"""
SIMPLEST = "1000000"
# What one machine finds besides, and what ends it and the Redis then.
MORE = """
def test_more():
    assert False, "more than the others"
"""
KILL = """
import os, signal
def test_the_end():
    os.kill({}, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
"""
MORE_TESTS = {False: (), True: ("test_more.py",)}


def _command(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """Run a command in a folder: its exit code, and what it printed."""
    known = foreign_environment() | {"PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-m", "contract_tests", *words]
    done = subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _run_of(folder: Path) -> RunRecord:
    return read_as(RunRecord, json.loads((folder / RUN).read_text("utf-8")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a run in shards (1, 2, 3), of the same run as one (0), and of what the shards make together (merged)."""
    folder, fault = tmp_path_factory.mktemp("shards"), {"SEED": "7", "FAULT": "name_length_in_bytes"}
    for number in range(SHARDS + 1):
        shard = {"SHARD": f"{number}/{SHARDS}"} if number else {}
        code, said = _command(folder, "run", "--folder", str(number), "--", *TESTS, **fault, **shard)
        assert code in (HOLDS, VIOLATED), said
    code, said = _command(folder, "report", "--folder", "merged", "--merge", "3 1 2")
    assert (code, said[:12]) == (VIOLATED, "## violated:"), said
    return folder


def test_shards_share_the_tests_of_a_run(folder: Path) -> None:
    """Each test is run by one shard, and what the shards make together is the whole run."""
    whole, together = _run_of(folder / "0"), _run_of(folder / "merged")
    parts = [_run_of(folder / str(number)) for number in range(1, SHARDS + 1)]
    assert sum(sum(part.tests.values()) for part in parts) == sum(together.tests.values()) == sum(whole.tests.values())
    assert all(part.came_to_a_test for part in parts)
    assert together.requests.keys() == whole.requests.keys()
    assert sum(together.requests.values()) == sum(sum(part.requests.values()) for part in parts)


def test_shards_come_to_the_verdict_of_the_whole_run(folder: Path) -> None:
    """The same tests pass, and the same clauses are broken."""
    whole, together = _run_of(folder / "0"), _run_of(folder / "merged")
    assert (together.verdict, together.tests, together.exit_code) == (whole.verdict, whole.tests, whole.exit_code)
    assert {issue.clause for issue in together.violations} == {issue.clause for issue in whole.violations}
    assert sum(issue.count for issue in together.violations) == sum(issue.count for issue in whole.violations)
    assert {each.clause: each for each in together.clauses} == {each.clause: each for each in whole.clauses}


def test_shards_leave_what_they_found_as_a_test(folder: Path) -> None:
    """Each shard that found something, and the run that they make, leave a file of the same tests."""
    assert (folder / "merged" / FILE).read_text("utf-8").count("\ndef test_") == len(
        _run_of(folder / "merged").violations
    )


def test_shard_that_is_lacking_leaves_the_verdict_open(folder: Path) -> None:
    """What holds in two shards of three says nothing about the third; what is broken is broken."""
    red = next(number for number in (1, 2, 3) if _run_of(folder / str(number)).violations)
    other, lacking = {1, 2, 3} - {red}
    outcomes, _ = merged([str(folder / str(number)) for number in (red, other)], load_contract())
    assert outcomes.not_run.reason == f"1 shard of 3 came to no end: {lacking}"
    assert outcomes.issues


def test_killed_shard_has_left_what_it_found(tmp_path: Path) -> None:
    """A shard writes at each test that turns red, so what it has reported is in the run that the shards make."""
    contract = load_contract()
    command = [sys.executable, "-m", "contract_tests", "run", "--folder", "1", "--", *TESTS]
    known = foreign_environment() | {"PYTHONPATH": str(ROOT), "SHARD": "1/2", "FAULT": "update_forgotten"}
    with subprocess.Popen(command, cwd=tmp_path, env=known, stdout=subprocess.DEVNULL) as killed:
        deadline = time.monotonic() + 60
        while not (tmp_path / "1" / SHARD).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        killed.kill()
    ShardFile(tmp_path / "2" / SHARD, Outcomes(contract), 2, 2).write(HOLDS)
    code, said = _command(tmp_path, "report", "--merge", "1 2")
    assert (code, "### broken" in said) == (VIOLATED, True), said


@pytest.mark.parametrize(
    ("numbers", "words"), [(((1, 2), (1, 2)), "1/2, 1/2"), (((1, 2), (2, 3)), "1/2, 2/3")], ids=["twice", "of two runs"]
)
def test_shards_that_are_not_of_one_run_are_refused(
    tmp_path: Path, numbers: tuple[tuple[int, int], ...], words: str
) -> None:
    """A verdict of shards that do not belong together would be one of nothing."""
    folders = [tmp_path / str(index) for index, _ in enumerate(numbers)]
    for folder, shard in zip(folders, numbers, strict=True):
        ShardFile(folder / SHARD, Outcomes(load_contract()), *shard).write(HOLDS)
    with pytest.raises(Refused, match=words):
        merged([str(folder) for folder in folders], load_contract())


def test_folder_without_a_shard_is_refused(tmp_path: Path) -> None:
    """The message names the folder and says where shards leave their reports."""
    code, said = _command(tmp_path, "report", "--merge", ".")
    assert (code, "holds no shard.json" in said) == (REFUSED, True), said


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a Redis, and its process."""
    program = shutil.which("redis-server")
    if program is None:
        assert not os.environ.get("REQUIRE_REDIS"), ".ci/run installs redis-server"
        pytest.skip("there is no redis-server")
    socket = tmp_path / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 10
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        yield f"unix://{socket}", process
        process.kill()


def _fuzzed(folder: Path, shard: str, *more: str, **environment: str) -> tuple[int, str, list[str]]:
    """Fuzz the written test as one machine: the exit code, the output, and the numbers that the case which fails was given."""
    folder.mkdir(exist_ok=True)
    (folder / "test_written.py").write_text(TEST, "utf-8")
    words = ["fuzz", "--minutes", "0.01", "--", "test_written.py", *more]
    code, said = _command(folder, *words, SHARD=shard, SEED="7", **environment)
    tried = folder / "1000000.txt"
    numbers = tried.read_text("utf-8").split()
    tried.unlink()
    return code, said, numbers


def test_what_broke_on_one_machine_is_tried_first_on_another(tmp_path: Path, redis: tuple[str, object]) -> None:
    """The Redis keeps the simplest number that failed, and another machine with another seed begins with it."""
    code, said, _ = _fuzzed(tmp_path / "one", "1/8", HYPOTHESIS_DATABASE_URL=redis[0])
    assert (code, "shard: 1/8" in said) == (VIOLATED, True), said
    code, said, tried = _fuzzed(tmp_path / "two", "2/8", HYPOTHESIS_DATABASE_URL=redis[0])
    assert (code, tried[0]) == (VIOLATED, SIMPLEST), said


def test_eight_shards_and_one_redis_are_one_run(tmp_path: Path, redis: tuple[str, subprocess.Popen[bytes]]) -> None:
    """
    Each of the seven tries first what the first has found; one of them finds more, and is killed together with the Redis.

    What all have reported is the verdict of one whole run, and what the killed one found is a part of it.
    """
    url = {"HYPOTHESIS_DATABASE_URL": redis[0]}
    assert _fuzzed(tmp_path / "1", "1/8", **url)[0] == VIOLATED
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "test_more.py").write_text(MORE + KILL.format(redis[1].pid), "utf-8")
    with ThreadPoolExecutor(7) as machines:
        tried = [machines.submit(_fuzzed, tmp_path / str(n), f"{n}/8", *MORE_TESTS[n == 5], **url) for n in range(2, 9)]
        ended = [machine.result() for machine in tried]
    assert [numbers[0] for _, _, numbers in ended] == [SIMPLEST] * 7
    assert [code for code, _, _ in ended] == [VIOLATED] * 3 + [-signal.SIGKILL] + [VIOLATED] * 3, ended
    folders = [f"{number}/reports" for number in range(1, 9)]
    code, said = _command(tmp_path, "report", "--merge", " ".join(folders))
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "test_more.py").write_text(MORE, "utf-8")
    assert _fuzzed(tmp_path / "whole", "1/1", *MORE_TESTS[True])[0] == VIOLATED
    together, whole = _run_of(tmp_path / "reports"), _run_of(tmp_path / "whole" / "reports")
    assert (code, together.verdict, whole.verdict) == (VIOLATED, "violated", "violated"), said
    assert {each.about for each in together.violations} == {each.about for each in whole.violations}
    assert any("more than the others" in each.about for each in together.violations), said


def test_fuzzing_goes_on_from_what_earlier_runs_found(tmp_path: Path) -> None:
    """What failed is tried first, with each later seed, and no case that passes makes another forget it."""
    first = _fuzzed(tmp_path, "1/8")[2]
    assert first[0] != SIMPLEST
    for shard in ("2/8", "3/8"):
        assert _fuzzed(tmp_path, shard)[2][0] == SIMPLEST


def test_fuzzing_repeats_with_a_seed(tmp_path: Path) -> None:
    """Two machines that have found nothing draw the same with one seed, and something else with another."""
    one, two, other = (_fuzzed(tmp_path / name, shard)[2] for name, shard in (("a", "1/8"), ("b", "1/8"), ("c", "2/8")))
    assert one == two != other


def test_redis_that_goes_away_ends_no_run(tmp_path: Path, redis: tuple[str, subprocess.Popen[bytes]]) -> None:
    """The run goes on without it, says so, and keeps what it finds on its own machine."""
    folder, url = tmp_path / "one", redis[0]
    folder.mkdir()
    (folder / "pid.txt").write_text(str(redis[1].pid), "utf-8")
    kill = "import os, signal\nos.kill(int(Path('pid.txt').read_text()), signal.SIGKILL)\n"
    (folder / "test_written.py").write_text(TEST.replace("from hypothesis", f"{kill}from hypothesis", 1), "utf-8")
    code, said = _command(folder, "fuzz", "--minutes", "0.01", "--", "test_written.py", HYPOTHESIS_DATABASE_URL=url)
    assert (code, said.count("the Redis answers no more")) == (VIOLATED, 1), said
    assert [*(folder / ".hypothesis").rglob("*")]


def test_redis_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The message names the variable and shows nothing of the address, which may hold a password."""
    url = "redis://:pass-word@127.0.0.1:1"
    code, said = _command(tmp_path, "fuzz", "--", "test_written.py", HYPOTHESIS_DATABASE_URL=url)
    assert (code, "pass-word" in said) == (REFUSED, False), said
    assert said.rstrip().startswith("verdict: refused. HYPOTHESIS_DATABASE_URL: no Redis answers"), said
