"""
The folder that a command leaves its reports in: it may be full, read-only, shared with another run, or no folder at all.

Each file is written whole under a name of its own and then put in its place, so that two runs never mix in one file.
What cannot be written is told in a line; it costs a command neither its verdict nor its exit code.
"""

import errno
import fcntl
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

# Another run holds the folder for the part of a second in which it writes; a report is not worth a longer wait.
LONGEST_WAIT_SECONDS = 10.0

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass
class Reports:
    """The reports of one command, and those of them that could not be written."""

    path: Path
    unwritten: dict[str, OSError] = field(default_factory=dict)
    """Why a report could not be written, by its name."""

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Go on without a report that cannot be written, and note why."""
        try:
            yield
        except OSError as error:
            self.unwritten[name] = error

    def write(self, name: str, text: str) -> None:
        """Put a whole file in its place, or note why it cannot be written."""
        with self.attempt(name):
            write_whole(self.path / name, text)

    def complaints(self) -> list[str]:
        """Say which reports could not be written, why, and what to do: one line for each reason."""
        by_reason: dict[str, list[str]] = defaultdict(list)
        for name, error in self.unwritten.items():
            by_reason[_reason(self.path, error)].append(name)
        return [f"{self.path}: {_listed(names)} not written: {reason}" for reason, names in by_reason.items()]


def write_whole(path: Path, text: str) -> None:
    """
    Put a whole file in the place of the one before; until it is whole, that one stays. Its folder is made if it is not
    there, and half a surrogate pair is spelled as JSON spells it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(path)
    try:
        draft.write_bytes(text.encode("utf-8", "backslashreplace"))
        draft.replace(path)
    except BaseException:
        discard(draft)
        raise


def draft_of(path: Path) -> Path:
    """Return a name beside a file that no other process uses."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def discard(draft: Path) -> None:
    """Remove what was begun and is of no use."""
    with suppress(OSError):
        draft.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """
    Keep other commands from changing the reports of a folder for as long as the block lasts. Where the folder cannot be
    held the block runs all the same: each file is whole without it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        _wait_for(held)
        yield
    finally:
        os.close(held)  # which lets it go


def _wait_for(descriptor: int) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    with suppress(OSError):  # a file system without locks
        while time.monotonic() < deadline:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.01)


def _reason(folder: Path, error: OSError) -> str:
    """Say why a report could not be written, and what to do."""
    if folder.is_symlink() and not folder.exists():
        return "the folder is a link that leads nowhere; remove the link, or make what it points to"
    if folder.exists() and not folder.is_dir():
        return "a file is where the folder should be; move it away"
    said = error.strerror or str(error)
    if error.errno == errno.EISDIR:
        return f"a folder is where the file should be ({said}); move it away"
    if error.errno in FULL:
        return f"{said}; make room, then run again"
    return f"{said}; make the folder writable, then run again"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
