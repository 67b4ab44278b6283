"""
What a run has made and borrowed, on disk, so that a later run can put it right after this one was killed.

One file a run in `.journal/`, readable by its owner only, one JSON object a line, written before and after each
request that makes or removes a persona. It never holds the key: a short salted hash tells accounts apart. The file is
locked while its run lives, and removed when nothing of the run is left.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

FOLDER = Path(__file__).parents[1] / ".journal"

# A create that was never answered is looked for again until so much time has passed: it may yet be done.
SURE_SECONDS = 600.0

Persona = dict[str, Any]


_open: set[Journal] = set()


class Journal:
    """What one run writes down as it goes."""

    def __init__(self, run: str, base_url: str, api_key: str, place: Path) -> None:
        """Begin the journal of a run, and lock it for as long as the run lives."""
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = place / f"{run}.jsonl"
        self._file = os.fdopen(_locked(self.path), "a", encoding="utf-8")
        self._lock = threading.Lock()
        began = datetime.now(UTC).isoformat(timespec="seconds")
        account = fingerprint(api_key, run)
        _open.add(self)
        self._write(run=run, base_url=same_form(base_url), account=account, pid=os.getpid(), began=began)

    def creating(self, name: str | None) -> None:
        """Note a create that is about to be sent."""
        self._write(creating=name, at=time.time())

    def created(self, persona_id: str, name: str | None) -> None:
        """Note a persona that has come to be."""
        self._write(created=persona_id, name=name)

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
        """Note the state of a persona that the run borrows; it is on the disk when this returns."""
        self._write(lent=persona, wrote={})
        os.fsync(self._file.fileno())
        place = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(place)  # a file that was just made is not found again without its folder
        finally:
            os.close(place)

    def wrote(self, digests: dict[str, list[str]]) -> None:
        """Note the hashes of what is written to a borrowed persona, or was read from it, by field."""
        self._write(wrote=digests)

    def restored(self, persona_id: str) -> None:
        """Note that a borrowed persona is as it was."""
        self._write(restored=persona_id)

    def close(self) -> None:
        """Let go of the journal; it stays on disk only if something of the run is left."""
        _open.discard(self)
        if not self._file.closed:
            if read(self.path).is_settled:
                self.path.unlink(missing_ok=True)
            self._file.close()

    def _write(self, **entry: Any) -> None:
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()


class NoJournal:
    """For a run against a mock that ends with the run."""

    def creating(self, name: str | None) -> None:
        """Note nothing."""

    def created(self, persona_id: str, name: str | None) -> None:
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


@dataclass(frozen=True)
class Unanswered:
    """A create whose outcome is not known."""

    name: str
    sent_at: float
    """In seconds since 1970."""

    @property
    def is_over(self) -> bool:
        """Whether so much time has passed that it makes nothing any more."""
        return time.time() - self.sent_at >= SURE_SECONDS


@dataclass
class Remains:
    """What a journal says is left of its run."""

    path: Path
    run: str = ""
    base_url: str = ""
    account: str = ""
    began_at: datetime | None = None
    alive: dict[str, str | None] = field(default_factory=dict)
    """The names of the personas that were made and not removed, by id."""
    unanswered: list[Unanswered] = field(default_factory=list)
    lent: Persona | None = None
    """The state of a borrowed persona that was not restored."""
    wrote: dict[str, set[str]] | None = None
    """The hashes of what the run has written to it, by field; None where an older release has not noted them."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to put right."""
        return not self.alive and not self.unanswered and self.lent is None

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is known to be left, and a create that was never answered may yet be done."""
        return not self.alive and self.lent is None and bool(self.unanswered)

    def belongs_to(self, base_url: str, api_key: str) -> bool:
        """Whether the run was against this API with this key."""
        return self.base_url == same_form(base_url) and self.account == fingerprint(api_key, self.run)


def read(path: Path) -> Remains:
    """Return what is left of a run; a last line that was cut off by a crash is passed over."""
    remains = Remains(path)
    for line in path.read_text("utf-8").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        _apply(remains, entry)
    return remains


def _apply(remains: Remains, entry: dict[str, Any]) -> None:
    if "run" in entry:
        remains.run, remains.base_url, remains.account = entry["run"], entry["base_url"], entry["account"]
        remains.began_at = datetime.fromisoformat(entry["began"]) if "began" in entry else None
    elif entry.get("creating") is not None:
        remains.unanswered.append(Unanswered(entry["creating"], entry.get("at", 0.0)))
    elif "created" in entry or "refused" in entry:
        name = entry.get("name", entry.get("refused"))
        known = next((create for create in remains.unanswered if create.name == name), None)
        if known is not None:
            remains.unanswered.remove(known)
        if "created" in entry:
            remains.alive[entry["created"]] = name
    elif "settled" in entry:
        remains.unanswered = [create for create in remains.unanswered if create.name != entry["settled"]]
    elif "removed" in entry:
        remains.alive.pop(entry["removed"], None)
    elif "lent" in entry:
        remains.lent = entry["lent"]
        remains.wrote = None if "wrote" not in entry else {}
    elif "wrote" in entry and remains.wrote is not None:
        for name, digests in entry["wrote"].items():
            remains.wrote.setdefault(name, set()).update(digests)
    elif "restored" in entry:
        remains.lent = None


def of_dead_runs(place: Path) -> Iterator[Remains]:
    """Yield what is left of each run that lives no more; its journal is locked until the next is asked for."""
    for path in sorted(place.glob("*.jsonl")):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            if _is_unlocked(descriptor) and path.exists():
                yield read(path)
        finally:
            os.close(descriptor)


def of_living_runs(place: Path) -> Iterator[Path]:
    """Yield the journal of each run that is alive on this machine."""
    for path in sorted(place.glob("*.jsonl")):
        with suppress(FileNotFoundError), path.open("rb") as file:
            if not _is_unlocked(file.fileno()):
                yield path


def of_all_runs(place: Path) -> Iterator[Remains]:
    """Yield what each journal says, whether its run is alive or not."""
    for path in sorted(place.glob("*.jsonl")):
        with suppress(FileNotFoundError):  # its run has just ended
            yield read(path)


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
    """Add a line to the journal of a dead run, which the caller has locked."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def fingerprint(api_key: str, run: str) -> str:
    """Return what tells two accounts apart and nothing of the key: four bytes of a salted hash."""
    return hashlib.blake2b(api_key.encode("utf-8"), digest_size=4, salt=run.encode("utf-8")[:16]).hexdigest()


def same_form(base_url: str) -> str:
    """Return a base URL as all spellings of it are compared."""
    url = httpx.URL(base_url)
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.path.rstrip('/')}"
