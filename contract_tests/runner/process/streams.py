"""Output that never fails: a closed terminal, a full disk or a reader that has gone must not end a run."""

import io
import os
import select
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class SteadyFile(io.FileIO):
    """A file that takes whatever is written, and drops what the system does not take."""

    def write(self, data: "ReadableBuffer", /) -> int:
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
    """Make stdout and stderr unable to fail; return copies of their descriptors, as pytest turns 1 and 2 elsewhere."""
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
    file = io.BufferedWriter(SteadyFile(descriptor, "w", closefd=False))
    if usual is None:
        return io.TextIOWrapper(file, "utf-8", "backslashreplace")
    stream = cast("io.TextIOWrapper", usual)
    how: Any = {"line_buffering": stream.line_buffering, "write_through": stream.write_through}
    return io.TextIOWrapper(file, stream.encoding, "backslashreplace", **how)
