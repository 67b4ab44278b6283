"""
Which items of the account are this run's own: the only ones that it may change and remove. An item is own if a read of
it shows the name of the run. Where a create could carry no name, the item is own if it was not there before; in a
resource without a list, if the create was answered with it. In doubt an item is not touched.
"""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from contract_tests.errors import Inconclusive, RunEnded
from contract_tests.transport.account import PAGES_OF_A_SEARCH, Account, Creation, answered, answered_at, earliest
from contract_tests.transport.journal import Journal
from contract_tests.transport.leftovers import SURE_SECONDS
from contract_tests.transport.resource_shape import Item, ItemId
from contract_tests.transport.run_limits import RequestBudget
from contract_tests.transport.write_guard import WriteGuard

# Requests held back for each living item: one removes it, one more for a removal that fails.
HELD_FOR_REMOVAL = 2
# A create is followed by a read that shows whose item it is.
HELD_FOR_CREATE = HELD_FOR_REMOVAL + 1
# A name is looked for, and what is found is removed.
HELD_FOR_SEARCH = 2
# At its end a run looks at the account, and once more if it had to remove what it found; a look turns so many pages.
HELD_FOR_LOOKS = 2
PAGES_OF_A_LOOK = 20
# A list may be behind, as #/x-promises/read_your_writes says: what it does not show is looked for again.
LOOK_AGAIN_AFTER = (0.5, 1.0, 2.0)
# Where this run has nothing in the account, a look for what it may have made goes back no further.
LONGEST_RUN = timedelta(days=1)

Get = Callable[..., httpx.Response]
"""Sends a GET of the run's own: path, query, and *is_reserved*, which spends what the budget holds back."""


class Ownership:
    """Tells the items of one run from all others; what the run knows is compared with the account again and again."""

    def __init__(self, guard: WriteGuard, get: Get, journal: Journal, budget: RequestBudget) -> None:
        self._guard = guard
        self._shape = guard.shape
        self._created = guard.created
        self._get = get
        self._journal = journal
        self._budget = budget
        self._has_created = False
        self._before: frozenset[ItemId] | None = None  # the ids that the account showed before the first create
        self._is_large = False
        self._held = 0  # requests that the looks of this run hold back
        self._alive_at_audit = 0
        self._why_no_more = ""
        # The first is for what a removal needs, the second for what is asked in the middle of a run.
        self._account = Account(guard.run, guard.shape, get)
        self._account_now = Account(guard.run, guard.shape, functools.partial(get, is_reserved=False))

    def prepare(self, request: httpx.Request) -> Creation:
        """Look at the account where that is due, hold back what a create makes necessary, and note that it is sent."""
        if self._why_no_more:
            raise RunEnded(self._why_no_more)
        name, content = self._guard.sent_name(request), request.content.decode("utf-8", "replace")
        own = self._account.marks(name) if isinstance(name, str) else frozenset()
        marks = own | self._account.marks(content)
        before = None
        if not self._has_created:
            self._budget.reserve(HELD_FOR_LOOKS)
            self._held += HELD_FOR_LOOKS
            self._has_created = True
            before = self._before = self._all_ids()
        self._audit()
        if not marks:  # where no create carries a name, each would need a walk through the whole list
            before = self._before if self._shape.run_name is None else self._all_ids()
        self._budget.reserve(HELD_FOR_CREATE)
        creation = Creation(name if own else min(marks, default=None), marks, before)
        self._journal.creating(creation.name)
        return creation

    @contextmanager
    def pending(self, creation: Creation) -> Iterator[None]:
        """Let a look at the account pass over what a create in another thread is about to claim."""
        names = self._created.pending_names
        with self._created.lock:
            names.update(creation.marks)
        try:
            yield
        finally:
            with self._created.lock:
                names.subtract(creation.marks)
            self._budget.hold(-HELD_FOR_CREATE)

    def note_answer(self, creation: Creation, response: httpx.Response) -> list[ItemId]:
        """Claim what an answered create has made; return what it does not name, so that nobody else can remove it."""
        if not 200 <= response.status_code < 300:
            self._journal.note(refused=creation.name)
            self._created.refused_marks |= creation.marks
            return []
        self._created.creates += 1
        self._created.unaudited += 1
        shown_id = self._shape.id_of(self.item_of(response))
        is_new = shown_id is not None and shown_id not in self._created.alive
        if shown_id is not None and is_new and self._claim_if_own(shown_id, creation, response):
            return []
        found = self._search(creation)
        if found:
            if shown_id in found:
                self._created.late.append(shown_id)
            return [item_id for item_id in found if item_id != shown_id]
        self.note_unsure(creation.name)
        if shown_id is not None and shown_id not in self._created.made:
            self._created.unclaimed.append(shown_id)
        shown = "no id" if shown_id is None else f"the id {str(shown_id)[:60]!r}, which shows something else"
        self._why_no_more = f"a create was answered with {shown}, and what it made is not to be found"
        return []

    def claim(self, item_id: ItemId, name: Any, item: Item | None = None) -> bool:
        """Take an item for one of this run's, once it is known to be; say whether it was new."""
        is_new = self._created.add(item_id)
        if is_new:
            made = (item or {}).get(self._shape.created_field or "")
            noted = name if isinstance(name, str) else None
            self._journal.note(created=item_id, name=noted, made=str(made) if made else None)
            self._budget.hold(HELD_FOR_REMOVAL)
            self._created.first_made_at = earliest((self._created.first_made_at, self._account.made_at(item or {})))
        return is_new

    def claim_made_by(self, creation: Creation) -> list[ItemId]:
        """Claim what shows the mark of a create and is not claimed yet, and return the ids."""
        found = self._account.made_by(creation) if creation.marks else []
        fresh = [item for item in found if self._id(item) not in self._created.made and self._is_new(item)]
        return [self._id(item) for item in fresh if self.claim(self._id(item), creation.name, item)]

    def claim_unanswered(self, creation: Creation) -> list[ItemId] | None:
        """Claim what a create has made that was not answered; the ids, or None where that cannot be told."""
        if creation.name is None:
            now = self._all_ids() if creation.before is not None else None
            is_unchanged = now is not None and now <= (creation.before or frozenset()) | set(self._created.made)
            return [] if is_unchanged else None
        # Even if it is sent again and answered, the first may yet make an item, which is looked for at the end.
        self._journal.creating(creation.name)
        self.note_unsure(creation.name)
        if any(self._created.pending_names[mark] > 1 for mark in creation.marks):
            return None  # another create of this name is on its way, and may have made what is found
        if not self._shape.can("list"):
            return None
        return self.claim_made_by(creation)

    def note_unsure(self, name: str | None) -> None:
        """Remember to look at the end for the items of a name, and hold back what that takes."""
        if name is None and self._shape.run_name is None:
            self._created.unnamed += 1
        if name is not None:
            more = 0 if name in self._created.unsure_names else HELD_FOR_SEARCH
            self._created.unsure_names[name] = time.time()
            self._budget.hold(more)
            self._held += more

    def note_removed(self, item_id: ItemId) -> None:
        """Note that an item is gone."""
        if self._created.remove(item_id):
            self._journal.note(removed=item_id)
            self._budget.hold(-HELD_FOR_REMOVAL)

    def note_reading(self, item_id: ItemId, response: httpx.Response) -> None:
        """Remember what the API said last of an item of this run; after an empty answer nothing is known of it."""
        if item_id in self._created.made or item_id == self._guard.borrowed_id:
            self._created.readings.pop(item_id, None)
            if item := self.item_of(response):
                self._created.readings[item_id] = item

    def item_of(self, response: httpx.Response) -> Item:
        """Return the item that an answer shows; empty where it shows none, or is no success."""
        return self._shape.item_in(answered(response)) if response.status_code < 300 else {}

    def look(self) -> None:
        """Look through the account for the items of this run; Inconclusive where the list is not seen to its end."""
        if not self._has_created:
            return
        if not self._shape.can("list"):
            if self._created.unsure_names:
                names = ", ".join(self._created.unsure_names)
                raise Inconclusive(
                    f"no answer came to the creation of {names}, and without a list it cannot be looked for"
                )
            return
        if self._created.unsure_names:
            time.sleep(sum(LOOK_AGAIN_AFTER))  # the list may be behind what was done a moment ago
        began = time.time()
        self._reconcile(self._account)
        for name, sent_at in list(self._created.unsure_names.items()):
            if began - sent_at >= SURE_SECONDS:
                del self._created.unsure_names[name]
                self._journal.note(settled=name)

    def release(self) -> None:
        """Give back what the looks of this run held back."""
        self._budget.hold(-self._held)
        self._held = 0

    def _search(self, creation: Creation) -> list[ItemId]:
        """Claim what an answered create has made, as soon as the list shows it."""
        if not self._shape.can("list"):
            return []
        for pause in LOOK_AGAIN_AFTER:
            if made := self.claim_made_by(creation):
                return made
            time.sleep(pause if creation.marks else 0)
        return self.claim_made_by(creation)

    def _audit(self) -> None:
        """Look at the account before too much could be alive, were each create done twice or no removal done."""
        created = self._created
        is_first = created.unaudited == created.creates == 1
        most_alive = self._alive_at_audit + created.unaudited * (2 if created.duplicates else 1)
        if not is_first and most_alive < self._guard.most_items:
            return
        with suppress(Inconclusive):  # what the list is worth, its own tests tell
            if self._shape.can("list"):
                self._reconcile(self._account_now)
        created.unaudited = 0
        self._alive_at_audit = len(created.alive)
        if len(created.duplicates) > 1 and len(created.duplicates) >= created.creates:
            raise RunEnded(f"each of {created.creates} creates has made two {self._shape.name}, so no more are made")

    def _all_ids(self) -> frozenset[ItemId] | None:
        """Return every id that the account shows; None where it shows too many, or none can be had."""
        if self._is_large or not self._shape.can("list"):
            return None  # turning its pages again would tell no more
        with suppress(Inconclusive):
            listing = self._account_now.listed(PAGES_OF_A_SEARCH)
            self._is_large = not listing.is_complete
            return frozenset(map(self._id, listing.items)) if listing.is_complete else None
        return None

    def _claim_if_own(self, item_id: ItemId, creation: Creation, answer: httpx.Response) -> bool:
        """Read the item that a create was answered with, and claim it if it is the one that was made."""
        response = self._get(self._shape.path_of(item_id)) if self._shape.can("read") else answer
        item = self.item_of(response)
        was_there = creation.before is not None and item_id in creation.before
        is_dated = self._account.made_at(item) is not None and self._created.first_made_at is not None
        is_older = is_dated and not self._is_recent(item)
        if self._shape.id_of(item) != item_id or was_there or is_older:
            self._created.missed = response
            return False
        is_own = bool(self._account.marks_of(item)) if creation.marks else self._is_own_unmarked(item, creation, answer)
        if is_own:
            self.claim(item_id, creation.name, item)
            self.note_reading(item_id, response)
        return is_own

    def _is_own_unmarked(self, item: Item, creation: Creation, answer: httpx.Response) -> bool:
        """Whether an item that carries no name of the run, and was not there before, is what a create has made."""
        if self._shape.run_name is not None and self._shape.created_field is not None:
            return creation.before is not None and self._is_recent(item)
        since = earliest((self._created.first_made_at, answered_at(answer)))
        if since is not None and self._account.made_at(item) is not None:
            return self._account.was_made_since(item, since)
        return creation.before is not None or not self._shape.can("list")

    def _is_recent(self, item: Item) -> bool:
        return self._account.was_made_since(item, self._created.first_made_at)

    def _is_new(self, item: Item) -> bool:
        """Whether an item is proved to be no older than this run."""
        if self._created.first_made_at is not None:
            return self._is_recent(item)
        return self._before is not None and self._id(item) not in self._before

    def _reconcile(self, account: Account) -> None:
        """Hold the books of the run against what the account shows."""
        created = self._created
        since = created.first_made_at or datetime.now(UTC) - LONGEST_RUN
        listing = account.listed(PAGES_OF_A_LOOK, dict(self._shape.newest_first), since)
        for item in listing.items:
            item_id, marks = self._id(item), account.marks_of(item)
            if item_id in created.removed:
                if item_id in created.made and self._is_there(item_id):
                    created.revive(item_id)
                    self._journal.note(created=item_id, name=min(marks, default=None), made=None)
                    self._budget.hold(HELD_FOR_REMOVAL)
                    created.evidence = created.evidence or listing.last_page
            elif marks and item_id not in created.made and not any(created.pending_names[mark] for mark in marks):
                self._take_stray(item, marks, listing.last_page)
        if not listing.is_complete:
            raise Inconclusive("the list of the account was not seen to its end")

    def _is_there(self, item_id: ItemId) -> bool:
        if not self._shape.can("read"):
            return False  # the list may be behind, and nothing else can tell
        return self._shape.id_of(self.item_of(self._get(self._shape.path_of(item_id)))) == item_id

    def _take_stray(self, item: Item, marks: frozenset[str], page: httpx.Response) -> None:
        """Claim an item that bears a name of this run and that nobody knew of, and note how it came to be."""
        created = self._created
        unsure = next((name for name in created.unsure_names if marks & self._account.marks(name)), None)
        if not self._is_new(item):
            created.foreign.add(self._id(item))  # a create, or an update, may have reached what it was not sent to
        elif unsure is not None:
            self.claim(self._id(item), unsure, item)
        elif self.claim(self._id(item), min(marks), item):
            (created.made_by_refusals if marks & created.refused_marks else created.duplicates).append(min(marks))
            created.evidence = created.evidence or page

    def _id(self, item: Item) -> ItemId:
        item_id: ItemId = item[self._shape.id_name]
        return item_id
