"""How every command ends that cannot come to a verdict of its own: one line that says why, and its exit code."""

from __future__ import annotations

from collections.abc import Callable

from contract_tests.errors import Inconclusive, Refused, TargetError
from contract_tests.foreign_text import LONGEST_LINE, shown

HOLDS, VIOLATED, INCONCLUSIVE, REFUSED = 0, 1, 2, 4


def concluded(
    command: Callable[[], int],
    *,
    word: str = "verdict",
    interrupted: str | None = None,
    report: Callable[[str, int], None] | None = None,
) -> int:
    """
    Run a command.

    Args:
        command: Returns its exit code.
        word: What its last line begins with.
        interrupted: What is said after Ctrl-C; None where whoever has called the command says it.
        report: Takes that line and the exit code before the line is printed.

    Raises:
        KeyboardInterrupt: The command was interrupted, and nothing is to be said here.

    Returns:
        The exit code: of the command, or of what has ended it.
    """
    try:
        return command()
    except KeyboardInterrupt:
        line, exit_code = f"{word}: inconclusive. {interrupted or 'The run was interrupted'}.", INCONCLUSIVE
        if interrupted is None:
            if report is not None:
                report(line, exit_code)
            raise
    except Inconclusive as error:
        line, exit_code = f"{word}: inconclusive. {error}", INCONCLUSIVE
    except (Refused, TargetError) as error:
        line, exit_code = f"{word}: refused. {error}", REFUSED
    if report is not None:
        report(line, exit_code)
    print(shown(line, LONGEST_LINE))
    return exit_code
