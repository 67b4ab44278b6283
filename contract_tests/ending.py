"""How each command ends: with a last line on stdout and the exit code that goes with it, whatever has happened."""

from __future__ import annotations

import importlib
import os
import sys
import time
import traceback
from pathlib import Path

from contract_tests.configuration import own_key
from contract_tests.interruption import let_through
from contract_tests.secrecy import Secrecy, clear_files, cleared_output
from contract_tests.streams import steady_output
from contract_tests.watchdog import INTERRUPTED, Watchdog

ROOT = Path(__file__).parents[1]
# Where the tools of a run write.
WRITTEN = tuple(ROOT / name for name in ("reports", ".hypothesis", ".schemathesis", ".pytest_cache", ".journal"))
TRACEBACK = ROOT / "reports" / "suite-error.txt"
INCONCLUSIVE = 2


def run_command(module: str, verdict: str) -> int:
    """
    Import and run a command, and print a last line where it cannot do so itself.

    Args:
        module: What is imported; its `main` takes the arguments and returns the exit code.
        verdict: What the last line begins with.

    Returns:
        The exit code.
    """
    began = time.time()
    out, err = steady_output()
    Watchdog(lambda: f"{verdict}: inconclusive. The run was interrupted and broken off{_left()}.", out, err)
    secrecy = Secrecy([key := own_key()])
    with cleared_output(key):
        code = _run(module, verdict, secrecy)
        _clear_files(secrecy, began)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _run(module: str, verdict: str, secrecy: Secrecy) -> int:
    try:
        main = importlib.import_module(module).main
        with let_through():
            code: int = main(sys.argv[1:])
        return code
    except KeyboardInterrupt:
        _let_go()
        print(f"{verdict}: inconclusive. The run was interrupted{_left()}.")
        return INTERRUPTED
    except Exception as error:
        what = f"{type(error).__name__} in the suite itself, which says nothing about the API"
        place = _write_traceback(secrecy)
        _let_go()
        print(f"{verdict}: inconclusive. {what}; report it with {place}{_left()}.")
        return INCONCLUSIVE


def _write_traceback(secrecy: Secrecy) -> str:
    """Keep the traceback of the exception that is being handled, and say where."""
    text = secrecy.text(traceback.format_exc())
    try:
        TRACEBACK.parent.mkdir(exist_ok=True)
        TRACEBACK.write_text(text, "utf-8", "backslashreplace")
    except OSError:
        print(text, file=sys.stderr)
        return "the traceback above"
    return f"{TRACEBACK.relative_to(ROOT)}"


def _clear_files(secrecy: Secrecy, began: float) -> None:
    """Keep the key out of what the tools of this run have written."""
    try:
        clear_files(WRITTEN, secrecy, since=began)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}, so it was not searched for the key", file=sys.stderr)


def _let_go() -> None:
    """Close the journals that an exception has kept the run from closing."""
    journal = sys.modules.get("contract_tests.journal")  # imported by now, or nothing was made
    if journal is not None:
        journal.release_all()


def _left() -> str:
    """Say what this run has made and not removed, and what removes it; empty where nothing is left."""
    journal = sys.modules.get("contract_tests.journal")
    left = journal.left_by(os.getpid()) if journal is not None else []
    return f"; what is left of it stands in {', '.join(left)}: the next run or make sweep removes it" if left else ""
