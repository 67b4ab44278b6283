"""What a run has made, removed and sent, in memory; shared by every connection of the run."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


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
    unsure_names: set[str] = field(default_factory=set)
    """The names of creates whose outcome is not known."""
    unclaimed: list[str] = field(default_factory=list)
    """The ids that a create was answered with, and that show a persona of another name: nobody knows whose they are."""
    readings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the API said of each persona of this run last."""
    most_alive: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def alive(self) -> list[str]:
        """The ids of the personas that this run has made and not removed."""
        return [persona_id for persona_id in self.made if persona_id not in self.removed]

    def add(self, persona_id: str) -> bool:
        """Note a persona that this run has made, and say whether it is new."""
        with self.lock:
            if persona_id in self.made:
                return False
            self.made.append(persona_id)
            self.most_alive = max(self.most_alive, len(self.alive))
            return True

    def remove(self, persona_id: str) -> bool:
        """Note that a persona is gone, and say whether it was one of this run's and alive."""
        with self.lock:
            was_alive = persona_id in self.made and persona_id not in self.removed
            self.removed.add(persona_id)
            return was_alive
