"""What a run has made, removed and sent, in memory; shared by every connection of the run."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from contract_tests.transport.resource_shape import Item, ItemId


@dataclass
class CreatedResources:
    """Everything a run knows of the items that it made."""

    made: list[ItemId] = field(default_factory=list)
    alive: dict[ItemId, None] = field(default_factory=dict)
    """The ids of those that it has not removed; a mapping, because each request asks for one of them."""
    removed: set[ItemId] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    doubts: list[str] = field(default_factory=list)
    """The requests that got no answer from which anything follows."""
    pending: int = 0
    pending_names: Counter[str] = field(default_factory=Counter)
    unsure_names: dict[str, float] = field(default_factory=dict)
    """The names of creates whose outcome is not known, with the time of the last, in seconds since 1970."""
    refused_marks: set[str] = field(default_factory=set)
    """The names of the run that creates held which the API has refused."""
    unclaimed: list[ItemId] = field(default_factory=list)
    """The ids that a create was answered with, and that do not show what was sent: nobody knows whose they are."""
    creates: int = 0
    unaudited: int = 0
    """How many of them came after the last look at the account."""
    duplicates: list[str] = field(default_factory=list)
    """The names under which the account showed one item more than was asked for."""
    made_by_refusals: list[str] = field(default_factory=list)
    """The names of refused creates under which the account showed an item."""
    late: list[ItemId] = field(default_factory=list)
    """The ids that a create was answered with, and that a read after it did not show, though the list did."""
    missed: httpx.Response | None = None
    """Such a read."""
    not_removed: set[ItemId] = field(default_factory=set)
    """The ids whose removal was answered with success, and that were there afterwards."""
    foreign: set[ItemId] = field(default_factory=set)
    """The ids that show a name of this run, and were there before it."""
    evidence: httpx.Response | None = None
    """The page of the list that showed an item which nobody had asked for."""
    first_made_at: datetime | None = None
    """When the first item of this run was made, by the API's own clock."""
    readings: dict[ItemId, Item] = field(default_factory=dict)
    most_alive: int = 0
    absent: set[ItemId] = field(default_factory=set)
    """The ids that the run has made up, and that no item has."""
    unnamed: int = 0
    """How many creates got no answer and carried no name, so that what they made cannot be found."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, item_id: ItemId) -> bool:
        """Note an item that this run has made, and say whether it is new; the id of one that is gone may come again."""
        with self.lock:
            if item_id in self.alive:
                return False
            self.alive[item_id] = None
            self.removed.discard(item_id)
            self.made += [item_id] if item_id not in self.made else []
            self.most_alive = max(self.most_alive, len(self.alive))
            return True

    def revive(self, item_id: ItemId) -> None:
        """Note that an item is there although its removal was answered with success."""
        with self.lock:
            self.removed.discard(item_id)
            self.alive[item_id] = None
            self.not_removed.add(item_id)
            self.most_alive = max(self.most_alive, len(self.alive))

    def remove(self, item_id: ItemId) -> bool:
        """Note that an item is gone, and say whether it was one of this run's and alive."""
        with self.lock:
            was_alive = item_id in self.alive
            self.alive.pop(item_id, None)
            self.removed.add(item_id)
            return was_alive
