"""
The contract run on a machine where the disk of its journal is full after some lines.

    python -m contract_tests.self_tests.full_disk LINES [arguments for pytest]
"""

from __future__ import annotations

import errno
import os
import sys

from contract_tests.runner.process.entry import main
from contract_tests.transport.journal import Journal

usual = Journal._append


def fill_after(lines: int) -> None:
    """Let the disk take so many lines and no more."""
    left = lines

    def append(self: Journal, line: bytes) -> OSError | None:
        nonlocal left
        left -= 1
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if left < 0 else usual(self, line)

    Journal._append = append  # type: ignore[method-assign]


if __name__ == "__main__":
    fill_after(int(sys.argv[1]))
    sys.argv[1:] = ["run", "--", *sys.argv[2:]]
    main()
