"""Starts the mock as a process of its own and ends it: for tests and tools, which are to meet it over HTTP only."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0
STOP_SECONDS = 5.0
LOOK_SECONDS = 0.25
OWN = ("MOCK_API_KEY",)
SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)


class MockStartError(Exception):
    """The mock did not start; the message is what it said."""


@dataclass(frozen=True)
class RunningMock:
    """A mock that answers."""

    url: str  # such as `http://127.0.0.1:8400/v1`
    api_key: str
    process: "subprocess.Popen[str]"


@contextmanager
def running_mock(*arguments: str, module: str = "contract_tests.mock_api", root: Path = ROOT) -> Iterator[RunningMock]:
    """
    Run a mock on a free port for as long as the block lasts, and never longer than this process.

    It is in a session of its own, so that a Ctrl-C reaches it only when whoever uses it is done. *module*, which
    announces itself as the mock does, is imported from *root*.
    """
    command = [sys.executable, "-m", module, "--port", "0", "--parent", str(os.getpid()), *arguments]
    # The mock needs no real key, so it gets none.
    environment = {name: value for name, value in os.environ.items() if name in OWN or not SECRET.search(name)}
    # A file takes any amount of stderr; a pipe that nobody reads would stop the mock.
    with (
        tempfile.TemporaryFile("w+") as stderr,
        subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
            text=True, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            said = _first_lines(process)
            if "key" not in said:
                raise MockStartError(_failure(process, stderr))
            yield RunningMock(said["mock"], said["key"], process)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _first_lines(process: "subprocess.Popen[str]") -> dict[str, str]:
    """Read `mock: URL` and `key: KEY`; less if the mock ends or is not ready in time."""
    assert process.stdout is not None
    timer = threading.Timer(START_SECONDS, process.kill)
    timer.start()
    try:
        lines = [process.stdout.readline().partition(":") for _ in range(4)]
    finally:
        timer.cancel()
    return {name: value.strip() for name, _, value in lines if value}


def _failure(process: "subprocess.Popen[str]", stderr: IO[str]) -> str:
    code = process.wait()
    stderr.seek(0)
    return f"the mock did not start (exit code {code}): {stderr.read().strip() or 'it said nothing'}"


def end_with_parent(parent: int) -> None:
    """
    End this process at once when its parent has ended, also when that one is killed and cannot say so. The parent
    itself has named its process id: it may have ended already.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        os._exit(0)  # nothing is kept that would have to be put away

    threading.Thread(target=watch, daemon=True).start()
