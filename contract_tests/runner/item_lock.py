"""The lock of a borrowed resource, free as soon as its run is dead: one run at a time, on this machine, has an item."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx

from contract_tests.errors import Refused
from contract_tests.transport.journal import locked
from contract_tests.transport.leftovers import same_form
from contract_tests.transport.resource_shape import ItemId
from contract_tests.transport.target import LOOPBACK_HOSTS

_held: set[Path] = set()


@contextmanager
def held(place: Path, base_url: str, item_id: ItemId | None) -> Iterator[None]:
    """Hold the lock of an item for as long as the block lasts; inside such a block, and for None, do nothing."""
    # Not of the key: two keys of one account reach the same item.
    digest = hashlib.blake2b(f"{address(base_url)} {item_id or ''}".encode(), digest_size=8).hexdigest()
    path = place / f"lent-{digest}.lock"
    if item_id is None or path in _held:
        yield
        return
    began = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = locked(path, waits=False)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "began": began}).encode())
    except BlockingIOError:
        raise Refused(f"ITEM_ID {item_id} is lent to run {_holder(path)}; wait until it ends, or end it") from None
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
            descriptor = locked(path, waits=False)
            try:
                path.unlink()
            finally:
                os.close(descriptor)


def address(base_url: str) -> str:
    """Return an address of an API in the one form that all its spellings have in common."""
    url = httpx.URL(same_form(base_url))
    host = url.host.rstrip(".")
    return str(url.copy_with(host="localhost" if host in LOOPBACK_HOSTS else host))


def _holder(path: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        signed = json.loads(path.read_bytes())
        return f"{int(signed['pid'])} (its process on this machine), since {datetime.fromisoformat(signed['began'])}"
    return "that has just begun"
