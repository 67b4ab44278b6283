"""
What a run has made and borrowed, on disk, so that a later run can put it right after this one was killed: one locked
file a run, one JSON object a line, written before and after each request that makes or removes an item. It never holds
the key.
"""

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from contract_tests.errors import Refused, RunEnded
from contract_tests.transport.interruption import held_back
from contract_tests.transport.leftovers import Remains, fingerprint, follow, read, same_form
from contract_tests.transport.resource_shape import Item, ItemId

_open: set["Journal"] = set()
# The folders that this process keeps journals in.
_places: set[Path] = set()
# What is noted before it is done, and not done where it cannot be noted.
ANNOUNCED = frozenset({"creating", "borrowed"})


class Journal:
    """
    What one run writes down as it goes. On a full disk nothing more is made; removals are noted in memory, and a later
    run finds what the file still names gone.
    """

    def __init__(self, run: str, base_url: str, api_key: str, place: Path) -> None:
        """Begin the journal of a run, and lock it for as long as the run lives; OSError where it cannot be written."""
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _places.add(place)
        self.path = place / f"{run}.jsonl"
        self._remains = Remains(self.path)
        self._descriptor = locked(self.path)
        self._lock = threading.Lock()
        began = datetime.now(UTC).isoformat(timespec="seconds")
        account = fingerprint(api_key, run)
        _open.add(self)
        processes = [os.getpid(), os.getppid()]
        problem = self.note(run=run, base_url=same_form(base_url), account=account, processes=processes, began=began)
        if problem is not None:
            self.close()
            raise OSError(problem.errno, problem.strerror, str(self.path))

    def creating(self, name: str | None) -> None:
        """Note a create that is about to be sent; RunEnded where it cannot be noted, so it must not be sent."""
        problem = self.note(creating=name, at=time.time())
        if problem is not None:
            raise RunEnded(f"{self.path} cannot be written ({problem.strerror}), so nothing more is made")

    def borrowed(self, item_id: ItemId, item: Item) -> None:
        """Note the state of a borrowed item, on the disk when this returns; RunEnded where it cannot be noted."""
        problem = self.note(borrowed=item, item_id=item_id, wrote={})
        try:
            os.fsync(self._descriptor)
            place = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(place)  # a file that was just made is not found again without its folder
            finally:
                os.close(place)
        except OSError as error:
            problem = problem or error
        if problem is not None:
            raise RunEnded(f"{self.path} cannot be written ({problem.strerror}), so nothing is borrowed")

    def close(self) -> None:
        """Let go of the journal; it stays on disk only if something of the run is left."""
        with held_back(), self._lock:
            _open.discard(self)
            if self._descriptor >= 0:
                if self._remains.is_settled:
                    with suppress(OSError):  # a later run finds it settled
                        self.path.unlink(missing_ok=True)
                os.close(self._descriptor)
                self._descriptor = -1

    def note(self, **entry: Any) -> OSError | None:
        """
        Note what has happened, by the kinds of lines in leftovers.py; in memory in any case, unless it announces
        something. Return why it is not on the disk.
        """
        with held_back(), self._lock:
            problem = self._append(json.dumps(entry).encode("ascii") + b"\n")
            if problem is None or not ANNOUNCED & entry.keys():
                follow(self._remains, entry)
            return problem

    def _append(self, line: bytes) -> OSError | None:
        written = 0
        try:
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            return error
        return None


class NoJournal(Journal):
    """For a run against a mock that ends with the run: it notes nothing."""

    def __init__(self) -> None:
        pass

    def note(self, **_entry: Any) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def of_dead_runs(place: Path) -> Iterator[Remains]:
    """Yield what is left of each run that lives no more; its journal is locked until the next is asked for."""
    for path in sorted(place.glob("*.jsonl")):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        except FileNotFoundError:
            continue
        except OSError:
            yield read(path)  # which says why it cannot be read
            continue
        try:
            if _is_unlocked(descriptor) and path.exists():
                yield read(path)
        finally:
            os.close(descriptor)


def of_living_runs(place: Path) -> Iterator[Path]:
    """Yield the journal of each run that is alive on this machine."""
    for path in sorted(place.glob("*.jsonl")):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                if not _is_unlocked(descriptor):
                    yield path
            finally:
                os.close(descriptor)


def of_all_runs(place: Path) -> Iterator[Remains]:
    """Yield what each journal says, whether its run is alive or not."""
    yield from map(read, sorted(place.glob("*.jsonl")))


def left_by(process: int) -> list[str]:
    """List the journals of this process, or of one that it has started, that say that something is left."""
    noted = [remains for place in sorted(_places) for remains in of_all_runs(place)]
    return [str(left.path) for left in noted if process in left.processes and not left.is_settled]


def put_away(remains: Remains) -> str:
    """Remove the journal of a dead run that is settled, or set aside one that no command can follow, and say where."""
    path = remains.path
    try:
        if remains.is_settled and not remains.damage:
            path.unlink(missing_ok=True)
            return ""
        damage = remains.damage or "does not say whose it is"
        names = (path.with_suffix(f".damaged{number}") for number in ("", *(f"-{each}" for each in range(2, 1_000))))
        aside = next(name for name in names if not os.path.lexists(name))
        path.rename(aside)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"journal {path} cannot be put away: {error.strerror}"
    return f"journal {path} {damage}; what could be read was followed, and the file is kept as {aside}"


def require_writable(place: Path) -> None:
    """Require that a journal can be written, before anything is sent."""
    _places.add(place)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryFile(dir=place) as probe:  # without a name, so a kill here leaves nothing
            probe.write(b"\n" * 4096)
    except OSError as error:
        raise Refused(f"JOURNAL {place}: {error.strerror}; without a journal nothing is sent") from None


def release_all() -> None:
    """Let go of every journal of this process, where an interruption has kept a run from doing so itself."""
    for journal in list(_open):
        journal.close()


def locked(path: Path, *, waits: bool = True) -> int:
    """Make and lock a file; once more if another run has just removed it. BlockingIOError where another has the lock."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            if is_at(descriptor, path):
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one of a path."""
    with suppress(FileNotFoundError):
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    return False


def _is_unlocked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def note(path: Path, **entry: Any) -> None:
    """Add a line to the journal of a dead run, which the caller has locked; on a full disk the next run does it again."""
    with suppress(OSError), path.open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(entry) + "\n")  # the last line may have been cut off by a crash
