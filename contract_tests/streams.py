"""
Output that never fails: a closed terminal, a full disk or a reader that has gone must not end a run.

The verdict, its exit code and the clean-up do not depend on where the output goes; what cannot be written is dropped.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class SteadyFile(io.FileIO):
    """A file that takes whatever is written, and drops what the system does not take."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, wait where the reader is slow, and never fail."""
        while True:
            try:
                written = super().write(data)
            except OSError:
                return memoryview(data).nbytes
            if written is not None:
                return written
            select.select([], [self], [], 1.0)  # the terminal was made not to block


def steady_output() -> tuple[int, int]:
    """
    Make stdout and stderr of this process unable to fail, and see that stdin is there.

    Returns:
        The file descriptors behind them. They are copies: pytest's capture turns 1 and 2 elsewhere during a test.
    """
    for descriptor in (0, 1, 2):
        _open(descriptor)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, closefd=False)
    out, err = os.dup(1), os.dup(2)
    sys.stdout, sys.stderr = _steady(sys.stdout, out), _steady(sys.stderr, err)
    return out, err


def _open(descriptor: int) -> None:
    """Open a standard stream that was closed when the process began; otherwise the next file would take its place."""
    try:
        os.fstat(descriptor)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        os.dup2(opened, descriptor)
        if opened != descriptor:
            os.close(opened)


def _steady(usual: TextIO | None, descriptor: int) -> TextIO:
    """Return a stream like the usual one, which may have been closed; no text is beyond what it can encode."""
    if usual is None:
        return _text(descriptor, "utf-8", is_by_line=False)
    stream = cast("io.TextIOWrapper", usual)
    return _text(descriptor, stream.encoding, is_by_line=stream.line_buffering, is_unbuffered=stream.write_through)


def _text(descriptor: int, encoding: str, *, is_by_line: bool, is_unbuffered: bool = False) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(SteadyFile(descriptor, "w", closefd=False)),
        encoding,
        "backslashreplace",
        line_buffering=is_by_line,
        write_through=is_unbuffered,
    )
