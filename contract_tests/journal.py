"""
What a run has made and borrowed, on disk, so that a later run can put it right after this one was killed.

One file a run in `.journal/`, readable by its owner only, one JSON object a line, written before and after each
request that makes or removes a persona. It never holds the key: a short salted hash tells accounts apart. The file is
locked while its run lives, and removed when nothing of the run is left.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contract_tests.errors import Refused, RunEnded
from contract_tests.interruption import held_back
from contract_tests.remains import Persona, Remains, fingerprint, follow, read, same_form

FOLDER = Path(__file__).parents[1] / ".journal"


_open: set[Journal] = set()
# The folders that this process keeps journals in.
_places: set[Path] = set()

# What is noted before it is done, and not done where it cannot be noted.
ANNOUNCED = frozenset({"creating", "lent"})


class Journal:
    """
    What one run writes down as it goes.

    Where the disk is full nothing more is made. What has been made can still be removed: the removals are noted in
    memory, and a later run finds what the file still names gone.
    """

    def __init__(self, run: str, base_url: str, api_key: str, place: Path) -> None:
        """
        Begin the journal of a run, and lock it for as long as the run lives.

        Raises:
            OSError: It cannot be written.
        """
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _places.add(place)
        self.path = place / f"{run}.jsonl"
        self._remains = Remains(self.path)
        self._descriptor = _locked(self.path)
        self._lock = threading.Lock()
        began = datetime.now(UTC).isoformat(timespec="seconds")
        account = fingerprint(api_key, run)
        _open.add(self)
        processes = [os.getpid(), os.getppid()]
        problem = self._write(run=run, base_url=same_form(base_url), account=account, processes=processes, began=began)
        if problem is not None:
            self.close()
            raise OSError(problem.errno, problem.strerror, str(self.path))

    def creating(self, name: str | None) -> None:
        """
        Note a create that is about to be sent.

        Raises:
            RunEnded: It cannot be noted, so it must not be sent.
        """
        problem = self._write(creating=name, at=time.time())
        if problem is not None:
            raise RunEnded(f"{self.path} cannot be written ({problem.strerror}), so nothing more is made")

    def created(self, persona_id: str, name: str | None, made: str | None) -> None:
        """Note a persona that has come to be, whose name was noted before, and when it was made, as it says itself."""
        self._write(created=persona_id, name=name, made=made)

    def refused(self, name: str | None) -> None:
        """Note that a create has made nothing."""
        self._write(refused=name)

    def settled(self, name: str) -> None:
        """Note that no persona of a name is left, however often it was sent."""
        self._write(settled=name)

    def removed(self, persona_id: str) -> None:
        """Note that a persona is gone."""
        self._write(removed=persona_id)

    def lent(self, persona: Persona) -> None:
        """
        Note the state of a persona that the run borrows; it is on the disk when this returns.

        Raises:
            RunEnded: It cannot be noted, so the persona must not be changed.
        """
        problem = self._write(lent=persona, wrote={})
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

    def wrote(self, digests: dict[str, list[str]]) -> None:
        """Note the hashes of what is written to a borrowed persona, or was read from it, by field."""
        self._write(wrote=digests)

    def restored(self, persona_id: str) -> None:
        """Note that a borrowed persona is as it was."""
        self._write(restored=persona_id)

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

    def _write(self, **entry: Any) -> OSError | None:
        """Note a line, in memory in any case unless it announces something; why it is not on the disk."""
        with held_back(), self._lock:
            problem = self._append(json.dumps(entry).encode("ascii") + b"\n")
            if problem is None or not ANNOUNCED & entry.keys():
                follow(self._remains, entry)
            return problem

    def _append(self, line: bytes) -> OSError | None:
        """Write a line, all of it or nothing."""
        written = 0
        try:
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            return error
        return None


class NoJournal:
    """For a run against a mock that ends with the run."""

    def creating(self, name: str | None) -> None:
        """Note nothing."""

    def created(self, persona_id: str, name: str | None, made: str | None) -> None:
        """Note nothing."""

    def refused(self, name: str | None) -> None:
        """Note nothing."""

    def settled(self, name: str) -> None:
        """Note nothing."""

    def removed(self, persona_id: str) -> None:
        """Note nothing."""

    def lent(self, persona: Persona) -> None:
        """Note nothing."""

    def wrote(self, digests: dict[str, list[str]]) -> None:
        """Note nothing."""

    def restored(self, persona_id: str) -> None:
        """Note nothing."""

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
    for path in sorted(place.glob("*.jsonl")):
        yield read(path)


def left_by(process: int) -> list[str]:
    """List the journals of this process, or of one that it has started, that say that something is left."""
    noted = [remains for place in sorted(_places) for remains in of_all_runs(place)]
    return [str(left.path) for left in noted if process in left.processes and not left.is_settled]


def put_away(remains: Remains) -> str:
    """
    Remove the journal of a dead run that is settled, or that no command can follow.

    Returns:
        Where it was set aside, for a person to look at; empty where all of it was read and followed.
    """
    path = remains.path
    try:
        if remains.is_settled and not remains.damage:
            path.unlink(missing_ok=True)
            return ""
        damage = remains.damage or "does not say whose it is"
        aside = _free_name(path.with_suffix(".damaged"))
        path.rename(aside)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"journal {path} cannot be put away: {error.strerror}"
    return f"journal {path} {damage}; what could be read was followed, and the file is kept as {aside}"


def _free_name(path: Path) -> Path:
    """Return a name that nothing bears yet."""
    number = 1
    free = path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def require_writable(place: Path) -> None:
    """
    Require that a journal can be written, before anything is sent.

    Raises:
        Refused: The folder cannot be made, or takes no file.
    """
    _places.add(place)
    probe = place / f"{os.getpid()}.probe"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"\n" * 4096)
        probe.unlink()
    except OSError as error:
        with suppress(OSError):
            probe.unlink()
        raise Refused(f"JOURNAL {place}: {error.strerror}; without a journal nothing is sent") from None


def release_all() -> None:
    """Let go of every journal of this process, where an interruption has kept a run from doing so itself."""
    for journal in list(_open):
        journal.close()


def _locked(path: Path) -> int:
    """Make and lock a journal; once more if another run has taken the empty file for one that is settled."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return descriptor
        os.close(descriptor)


def _is_unlocked(descriptor: int) -> bool:
    """Lock a journal, if no living run does."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def note(path: Path, **entry: Any) -> None:
    """Add a line to the journal of a dead run, which the caller has locked; on a full disk the next run does it again."""
    with suppress(OSError), path.open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(entry) + "\n")  # the last line may have been cut off by a crash
