"""
The contract run on a machine where the disk of its journal is full after some lines.

    python -m contract_tests.self_tests.full_disk LINES [arguments of the contract run]
"""

from __future__ import annotations

import errno
import os

from contract_tests.__main__ import main as run
from contract_tests.entry import enter
from contract_tests.journal import Journal

usual = Journal._append


def main(arguments: list[str]) -> int:
    """Run the contract tests on such a disk."""
    left = int(arguments[0])

    def append(self: Journal, line: bytes) -> OSError | None:
        nonlocal left
        left -= 1
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if left < 0 else usual(self, line)

    Journal._append = append  # type: ignore[method-assign]
    return run(arguments[1:])


if __name__ == "__main__":
    enter("contract_tests.self_tests.full_disk")
