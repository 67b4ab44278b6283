"""
The lock of a borrowed resource: one run at a time, on this machine, may borrow an item.

A file beside the journals, locked with flock before anything is sent, so that a second run is refused at once and
the lock is free as soon as its run is dead.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx

from contract_tests.errors import Refused
from contract_tests.remains import same_form
from contract_tests.target import LOOPBACK_HOSTS

_held: set[Path] = set()
"""The locks of this process."""


@contextmanager
def held(place: Path, base_url: str, item_id: str | None) -> Iterator[None]:
    """
    Hold the lock of an item for as long as the block lasts; inside a block that holds it, do nothing.

    Args:
        place: The folder of the journals.
        base_url: The address of the API.
        item_id: The item; None for a run that borrows none.

    Raises:
        Refused: Another run has it, or the folder cannot be written.
    """
    path = place / f"lent-{_digest(base_url, item_id or '')}.lock"
    if item_id is None or path in _held:
        yield
        return
    try:
        descriptor = _locked(path, item_id)
    except OSError as error:
        raise Refused(f"JOURNAL {path}: {error.strerror}; without a lock nothing is borrowed") from None
    _held.add(path)
    try:
        yield
    finally:
        _held.discard(path)
        with suppress(OSError):  # a later run takes it over
            path.unlink(missing_ok=True)
        os.close(descriptor)


def remove_stale(place: Path) -> None:
    """Remove the lock files that killed runs have left."""
    for path in place.glob("lent-*.lock"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(descriptor, path):
                    path.unlink()
            finally:
                os.close(descriptor)


def is_same_api(one: str, other: str) -> bool:
    """Whether two addresses are known to be of one API."""
    return _address(one) == _address(other)


def _digest(base_url: str, item_id: str) -> str:
    # Not of the key: two keys of one account reach the same item.
    return hashlib.blake2b(f"{_address(base_url)} {item_id}".encode(), digest_size=8).hexdigest()


def _address(base_url: str) -> str:
    """Return an address in the one form that all its spellings have in common."""
    url = httpx.URL(same_form(base_url))
    host = url.host.rstrip(".")
    return str(url.copy_with(host="localhost" if host in LOOPBACK_HOSTS else host))


def _locked(path: Path, item_id: str) -> int:
    """Make and lock a file; once more where the run that had it has just removed it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                _sign(descriptor)
                return descriptor
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise Refused(f"PERSONA_ID {item_id} is lent to run {holder}; wait until it ends, or end it") from None
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one of a path."""
    with suppress(FileNotFoundError):
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    return False


def _sign(descriptor: int) -> None:
    """Write down who holds the lock."""
    began = datetime.now(UTC).isoformat(timespec="seconds")
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "began": began}).encode(), 0)


def _holder(descriptor: int) -> str:
    """Say who holds the lock."""
    with suppress(ValueError, KeyError, TypeError):
        signed = json.loads(os.pread(descriptor, 1_000, 0))
        return f"{int(signed['pid'])} (its process on this machine), since {datetime.fromisoformat(signed['began'])}"
    return "that has just begun"
