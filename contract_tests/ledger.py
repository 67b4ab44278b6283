"""What a run has made, removed and sent, in memory; shared by every connection of the run."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx


@dataclass
class Ledger:
    """The books of one run."""

    made: list[str] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    doubts: list[str] = field(default_factory=list)
    """The requests that got no answer from which anything follows."""
    pending: int = 0
    """How many creates are on their way."""
    pending_names: Counter[str] = field(default_factory=Counter)
    """The names of the creates that are on their way."""
    unsure_names: dict[str, float] = field(default_factory=dict)
    """The names of creates whose outcome is not known, with the time of the last, in seconds since 1970."""
    refused_marks: set[str] = field(default_factory=set)
    """The names of the run that creates held which the API has refused."""
    unclaimed: list[str] = field(default_factory=list)
    """The ids that a create was answered with, and that do not show what was sent: nobody knows whose they are."""
    creates: int = 0
    """How many creates were answered with success."""
    unaudited: int = 0
    """How many of them came after the last look at the account."""
    doubles: list[str] = field(default_factory=list)
    """The names under which the account showed one persona more than was asked for."""
    made_by_refusals: list[str] = field(default_factory=list)
    """The names of refused creates under which the account showed a persona."""
    late: list[str] = field(default_factory=list)
    """The ids that a create was answered with, and that a read after it did not show, though the list did."""
    missed: httpx.Response | None = None
    """Such a read."""
    undead: set[str] = field(default_factory=set)
    """The ids whose removal was answered with success, and that were there afterwards."""
    foreign: set[str] = field(default_factory=set)
    """The ids that show a name of this run, and were there before it."""
    evidence: httpx.Response | None = None
    """The page of the list that showed a persona which nobody had asked for."""
    first_made_at: datetime | None = None
    """When the first persona of this run was made, by the API's own clock."""
    readings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the API said of each persona of this run last."""
    most_alive: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def alive(self) -> list[str]:
        """The ids of the personas that this run has made and not removed."""
        return [persona_id for persona_id in self.made if persona_id not in self.removed]

    def add(self, persona_id: str) -> bool:
        """Note a persona that this run has made, and say whether it is new; the id of one that is gone may come again."""
        with self.lock:
            if persona_id in self.made and persona_id not in self.removed:
                return False
            self.removed.discard(persona_id)
            self.made += [persona_id] if persona_id not in self.made else []
            self.most_alive = max(self.most_alive, len(self.alive))
            return True

    def revive(self, persona_id: str) -> None:
        """Note that a persona is there although its removal was answered with success."""
        with self.lock:
            self.removed.discard(persona_id)
            self.undead.add(persona_id)
            self.most_alive = max(self.most_alive, len(self.alive))

    def remove(self, persona_id: str) -> bool:
        """Note that a persona is gone, and say whether it was one of this run's and alive."""
        with self.lock:
            was_alive = persona_id in self.made and persona_id not in self.removed
            self.removed.add(persona_id)
            return was_alive
