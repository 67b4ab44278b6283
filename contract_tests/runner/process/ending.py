"""How every command ends: a last line on stdout and the exit code that goes with it, whatever has happened."""

import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from contract_tests.errors import HOLDS, INCONCLUSIVE, REFUSED, Inconclusive, Refused, TargetError
from contract_tests.foreign_text import LONGEST_LINE, shown
from contract_tests.runner.configuration import REPORTS, own_key
from contract_tests.runner.process.streams import steady_output
from contract_tests.runner.process.watchdog import Watchdog
from contract_tests.transport import journal
from contract_tests.transport.cleared_output import clear_files, cleared_output
from contract_tests.transport.interruption import let_through
from contract_tests.transport.redaction import Redactor

# Where the tools of a run write, beside its reports.
WRITTEN = [Path(name) for name in (".hypothesis", ".schemathesis", ".pytest_cache", ".journal")]
TRACEBACK = "suite-error.txt"

Told = Callable[[str, int], None]
"""Takes the last line and the exit code of a command that could not come to an end of its own."""


def run_command_line(arguments: Sequence[str]) -> int:
    """Run the command that a command line names, and return the exit code."""
    began = time.time()
    out, err = steady_output()
    Watchdog(lambda: f"verdict: inconclusive. The run was interrupted and broken off{_left()}.", out, err)
    try:
        from contract_tests.runner.command_line import parsed

        asked = parsed(arguments)
    except Refused as error:
        return _end(f"verdict: refused. {error}", REFUSED)
    if asked is None:
        return HOLDS  # it was asked for help, which is printed
    variable, api_key = own_key(given=asked.given)
    redactor = Redactor([api_key])
    folder = asked.given.get("FOLDER")
    reports = Path(folder or REPORTS)
    with cleared_output(api_key, variable, [f"{reports}/"] if folder else []):
        code = concluded(asked.run, asked.tell, redactor, reports)
        try:
            clear_files([reports, *WRITTEN], redactor, since=began)
        except OSError as error:
            print(f"{error.filename}: {error.strerror}, so it was not searched for the key", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def concluded(command: Callable[[], int], tell: Told, redactor: Redactor, reports: Path = REPORTS) -> int:
    """Run a command; print its last line, after *tell* has taken it, where it cannot come to one of its own."""
    try:
        with let_through():
            return command()
    except KeyboardInterrupt:
        journal.release_all()  # which an exception has kept the run from doing
        line, code = f"verdict: inconclusive. The run was interrupted{_left()}.", INCONCLUSIVE
    except Inconclusive as error:
        line, code = f"verdict: inconclusive. {error}", INCONCLUSIVE
    except (Refused, TargetError) as error:
        line, code = f"verdict: refused. {error}", REFUSED
    except Exception as error:
        what = f"{type(error).__name__} in the suite itself, which says nothing about the API"
        place = _write_traceback(redactor, reports)
        journal.release_all()
        return _end(f"verdict: inconclusive. {what}; report it with {place}{_left()}.", INCONCLUSIVE)
    try:
        tell(line, code)
    except Exception:
        print(f"the reports could not be written; see {_write_traceback(redactor, reports)}", file=sys.stderr)
    return _end(line, code)


def _end(line: str, code: int) -> int:
    print(shown(line, LONGEST_LINE))
    return code


def _write_traceback(redactor: Redactor, reports: Path) -> str:
    """Keep the traceback of the exception that is being handled, and say where."""
    text = redactor.text(traceback.format_exc())
    try:
        reports.mkdir(parents=True, exist_ok=True)
        (reports / TRACEBACK).write_text(text, "utf-8", "backslashreplace")
    except OSError:
        print(text, file=sys.stderr)
        return "the traceback above"
    return str(reports / TRACEBACK)


def _left() -> str:
    """Say what this run has made and not removed, and what removes it; empty where nothing is left."""
    left = journal.left_by(os.getpid())
    return f"; what is left of it stands in {', '.join(left)}: the next run or make sweep removes it" if left else ""
