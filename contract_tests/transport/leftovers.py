"""What the journal of a run says is left of it; what can be read of a damaged one is followed, and nothing else."""

import hashlib
import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from contract_tests.transport.resource_shape import Item, ItemId, is_id

# A create that was never answered is looked for again until so much time has passed: it may yet be done.
SURE_SECONDS = 600.0


@dataclass(frozen=True)
class Unanswered:
    """A create whose outcome is not known."""

    name: str
    sent_at: float


@dataclass(frozen=True)
class Borrowed:
    """A borrowed item, as it was before the run changed it."""

    item_id: ItemId
    state: Item


@dataclass
class Remains:
    """What a journal says is left of its run."""

    path: Path
    run: str = ""
    base_url: str = ""
    account: str = ""
    began_at: datetime | None = None
    processes: tuple[int, ...] = ()
    """The process that has written it, and the one that had started that."""
    alive: dict[ItemId, str | None] = field(default_factory=dict)
    """The names of the items that were made and not removed, by id."""
    made: dict[ItemId, str] = field(default_factory=dict)
    """When each of them was made, as it said itself, by id; an older release has not noted it."""
    unanswered: list[Unanswered] = field(default_factory=list)
    borrowed: Borrowed | None = None
    wrote: dict[str, set[str]] | None = None
    """The hashes of what the run has written to it, by field; None where an older release has not noted them."""
    damage: str = ""
    """Why some of the journal cannot be read; empty where all of it was."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to put right."""
        return not self.alive and not self.unanswered and self.borrowed is None

    @property
    def has_account(self) -> bool:
        """Whether the journal says where its run has sent its requests."""
        return bool(self.run and self.base_url and self.account)

    def belongs_to(self, base_url: str, api_key: str) -> bool:
        """Whether the run was against this API with this key."""
        return self.base_url == same_form(base_url) and self.account == fingerprint(api_key, self.run)


def read(path: Path) -> Remains:
    """Return what is left of a run; a last line cut off by a crash was written before its request was sent."""
    remains = Remains(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # whoever opens a pipe would wait
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(0, "it is no file", str(path))
            *lines, cut = file.read().split(b"\n")
    except OSError as error:
        remains.damage = f"cannot be read ({error.strerror})"
        return remains
    lines += [cut] if not cut.startswith(b"{") or _entry(cut) is not None else []
    entries = [_entry(line) for line in lines if line.strip()]
    damaged = entries.count(None)
    remains.damage = f"has {damaged} line{'s' * (damaged > 1)} that cannot be read" if damaged else ""
    for entry in entries:
        if entry is not None:
            follow(remains, entry)
    return remains


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_name(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_id(value: Any) -> bool:
    return is_id(value) and (isinstance(value, int) or _is_text(value))


def _is_hashes(value: Any) -> bool:
    lists = value.values() if isinstance(value, dict) else [None]
    return all(isinstance(some, list) and all(isinstance(each, str) for each in some) for some in lists)


# What a line tells, by the member that tells its kind, and what its members must be.
KINDS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "run": {"run": lambda value: isinstance(value, str) and _is_id(value), "base_url": _is_text, "account": _is_text},
    "creating": {"creating": _is_name},
    "created": {"created": _is_id, "name": _is_name},
    "refused": {"refused": _is_name},
    "settled": {"settled": _is_name},
    "removed": {"removed": _is_id},
    "lent": {"lent": lambda value: isinstance(value, dict) and _is_id(value.get("id"))},  # of an older release
    "borrowed": {"borrowed": lambda value: isinstance(value, dict), "item_id": _is_id},
    "wrote": {"wrote": _is_hashes},
    "restored": {"restored": _is_id},
}


def _entry(line: bytes) -> dict[str, Any] | None:
    """Read one line; None for one that no run has written like that."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    members = next((members for kind, members in KINDS.items() if kind in entry), None)
    if members is None or not all(name in entry and is_right(entry[name]) for name, is_right in members.items()):
        return None
    return entry


def follow(remains: Remains, entry: dict[str, Any]) -> None:
    """Take in one line of a journal, as a run writes it."""
    match entry:
        case {"run": run, "base_url": base_url, "account": account}:
            remains.run, remains.base_url, remains.account = run, base_url, account
            with suppress(KeyError, TypeError, ValueError):
                remains.began_at = datetime.fromisoformat(entry["began"])
            processes = entry.get("processes")
            remains.processes = tuple(processes) if isinstance(processes, list) else ()
        case {"creating": str(name)}:
            sent_at = entry.get("at")  # an older release has not noted it
            remains.unanswered.append(Unanswered(name, sent_at if isinstance(sent_at, float) else 0.0))
        case {"created": _} | {"refused": _}:
            name = entry.get("name", entry.get("refused"))
            known = next((create for create in remains.unanswered if create.name == name), None)
            if known is not None:
                remains.unanswered.remove(known)
            if "created" in entry:
                remains.alive[entry["created"]] = name
                if isinstance(entry.get("made"), str):
                    remains.made[entry["created"]] = entry["made"]
        case {"settled": name}:
            remains.unanswered = [create for create in remains.unanswered if create.name != name]
        case {"removed": item_id}:
            remains.alive.pop(item_id, None)
        case {"borrowed": state, "item_id": item_id} | {"lent": {"id": item_id} as state}:
            remains.borrowed = Borrowed(item_id, state)
            remains.wrote = {} if _is_hashes(entry.get("wrote")) else None
        case {"wrote": wrote} if remains.wrote is not None:
            for name, digests in wrote.items():
                remains.wrote.setdefault(name, set()).update(digests)
        case {"restored": _}:
            remains.borrowed = None


def fingerprint(api_key: str, run: str) -> str:
    """Return what tells two accounts apart and nothing of the key: four bytes of a salted hash."""
    return hashlib.blake2b(api_key.encode("utf-8"), digest_size=4, salt=run.encode("utf-8")[:16]).hexdigest()


def same_form(base_url: str) -> str:
    """Return a base URL as all spellings of it are compared."""
    url = httpx.URL(base_url)
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.path.rstrip('/')}"
