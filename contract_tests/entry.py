"""
Where each command begins: signals are taken before anything is imported that takes long.

So whoever presses Ctrl-C in the first moment gets a verdict too, and no traceback.
"""

from __future__ import annotations

import os
import sys

from contract_tests.interruption import ENDING, held_back, pass_signals_by, take_signals


def enter(module: str, verdict: str = "verdict") -> None:
    """
    Run the command of this process, and exit with its code.

    Args:
        module: What is imported; its `main` takes the arguments and returns the exit code.
        verdict: What the last line on stdout begins with.
    """
    take_signals()
    with held_back():  # all but `main` itself: an import that is broken off may swallow the interruption
        from contract_tests.ending import run_command

        code = run_command(module, verdict)
        pass_signals_by()
    if ENDING.is_asked:
        os._exit(code)  # a request that hangs in another thread is not waited for
    sys.exit(code)
