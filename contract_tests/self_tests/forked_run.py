"""A contract run in a process forked from this one, which has loaded the suite already: many short runs cost little."""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from contract_tests.mock_api.__main__ import build_api
from contract_tests.mock_api.process import RunningMock
from contract_tests.mock_api.wire.server import forked_mock
from contract_tests.runner import contract_run, under_test
from contract_tests.runner.configuration import LIVE, Configuration

SECONDS = 300.0
CONTEXT = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    exit_code: int | None
    text: str

    @property
    def verdict(self) -> str:
        """The last line that says it."""
        return next((line for line in reversed(self.text.splitlines()) if line.startswith("verdict: ")), "")


def forked_run(configuration: Configuration, folder: Path, promises: tuple[str, ...] = (), *arguments: str) -> Ended:
    """
    Run a share of the tests of some promises, as a live run with a small budget does.

    Args:
        configuration: What is asked for; without a base URL the mock is forked too.
        folder: Where the run leaves what it writes.
        promises: The names of their files; empty for all.
        arguments: For pytest.
    """
    transcript = folder / "transcript.txt"
    process = CONTEXT.Process(target=_run, args=(configuration, transcript, promises, arguments))
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
    process.join()
    return Ended(process.exitcode, transcript.read_text("utf-8", "replace"))


def _run(configuration: Configuration, transcript: Path, promises: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    """Run in this process, which is a forked one, and end it."""
    descriptor = os.open(transcript, os.O_CREAT | os.O_WRONLY)
    for number in (1, 2):
        os.dup2(descriptor, number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
    os.chdir(transcript.parent)
    patch = pytest.MonkeyPatch()  # of this process, which ends with the run
    patch.setattr(under_test, "started_mock", _forked_mock)
    patch.setattr(contract_run, "with_selection", lambda asked: replace(asked, selection=LIVE))
    if promises:
        patch.setattr(contract_run, "PROMISES", promises)
    code = 99
    try:
        code = contract_run.run(configuration, [*arguments])
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)


@contextmanager
def _forked_mock(settings: Configuration) -> Iterator[RunningMock]:
    api = build_api(settings.contract)
    with forked_mock(api) as url:
        yield RunningMock(url, api.api_key.decode(), None)  # type: ignore[arg-type]  # nobody asks for the process
