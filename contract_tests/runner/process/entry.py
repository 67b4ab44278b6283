"""Where every command begins: signals are taken before anything is imported that takes long."""

import os
import sys

from contract_tests.transport.interruption import ENDING, held_back, pass_signals_by, take_signals


def main() -> None:
    """Run the command that the command line names, and exit with its code."""
    take_signals()
    with held_back():  # all but the command itself: an import that is broken off may swallow the interruption
        from contract_tests.runner.process.ending import run_command_line

        code = run_command_line(sys.argv[1:])
        pass_signals_by()
    if ENDING.is_asked:
        os._exit(code)  # a request that hangs in another thread is not waited for
    sys.exit(code)
