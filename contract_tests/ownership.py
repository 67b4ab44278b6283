"""
Which personas of the account are this run's own: the only ones that it may change and remove.

Owned is what shows a name of the run on a read of its own, or, where a create could carry none, what was not there
before. In doubt a persona is not touched. The books of the run are held against the account again and again, because
a create may be done twice, or never be answered, and a removal may remove nothing.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx

from contract_tests.account import (
    PAGES_OF_A_LOOK,
    PAGES_OF_A_SEARCH,
    Account,
    Creation,
    Item,
    answered,
    earliest,
    is_id,
    made_at,
    was_made_since,
)
from contract_tests.errors import Inconclusive, RunEnded
from contract_tests.fence import Fence, path_of, sent_name
from contract_tests.journal import Journal, NoJournal
from contract_tests.pace import Allowance
from contract_tests.remains import SURE_SECONDS

# Requests held back for each living persona: one removes it, one more for a removal that fails.
HELD_FOR_REMOVAL = 2
# A create is followed by a read that shows whose persona it is.
HELD_FOR_CREATE = HELD_FOR_REMOVAL + 1
# A name is looked for, and what is found is removed.
HELD_FOR_SEARCH = 2
# At its end a run looks at the account, and once more if it had to remove what it found.
HELD_FOR_LOOKS = 2
# A list may be behind, as #/x-decisions/concurrency says: what it does not show is looked for again.
LOOK_AGAIN_AFTER = (0.5, 1.0, 2.0)
# Where this run has nothing in the account, a look for what it may have made goes back no further.
LONGEST_RUN = timedelta(days=1)


class Get(Protocol):
    """Sends a GET of the run's own below the base URL; *is_reserved* spends what the budget holds back."""

    def __call__(self, path: str, params: dict[str, str] | None = None, *, is_reserved: bool = True) -> httpx.Response:
        """Send it."""


class Ownership:
    """
    Tells the personas of one run from all others.

    Args:
        fence: What the run may send, and its books.
        get: Sends what has to be read.
        journal: Where it stands on disk what the run has made.
        allowance: The budget, which holds back what the removal will need.
    """

    def __init__(self, fence: Fence, get: Get, journal: Journal | NoJournal, allowance: Allowance) -> None:
        self._fence = fence
        self._ledger = fence.ledger
        self._get = get
        self._journal = journal
        self._allowance = allowance
        self._has_created = False
        self._before: frozenset[str] | None = None  # the ids that the account showed before the first create
        self._is_large = False
        self._held = 0  # requests that the looks of this run hold back
        self._alive_at_audit = 0
        self._why_no_more = ""
        # The first is for what a removal needs, the second for what is asked in the middle of a run.
        self._account = Account(fence.run, lambda path, query: get(path, query))
        self._account_now = Account(fence.run, lambda path, query: get(path, query, is_reserved=False))

    def prepare(self, request: httpx.Request) -> Creation:
        """
        Look at the account where that is due, hold back what a create makes necessary, and note that it is sent.

        Raises:
            RunEnded: Nothing more may be made.
        """
        if self._why_no_more:
            raise RunEnded(self._why_no_more)
        creation = self._creation(sent_name(request), request.content.decode("utf-8", "replace"))
        if not self._has_created:
            self._allowance.reserve(HELD_FOR_LOOKS)
            self._held += HELD_FOR_LOOKS
            self._has_created = True
            self._before = self._all_ids()
            creation = dataclasses.replace(creation, before=self._before)
        self._audit()
        if not creation.marks:
            creation = dataclasses.replace(creation, before=self._all_ids())
        self._allowance.reserve(HELD_FOR_CREATE)
        self._journal.creating(creation.name)
        return creation

    @contextmanager
    def pending(self, creation: Creation) -> Iterator[None]:
        """Let a look at the account pass over what a create in another thread is about to claim."""
        names = self._ledger.pending_names
        with self._ledger.lock:
            names.update(creation.marks)
        try:
            yield
        finally:
            with self._ledger.lock:
                names.subtract(creation.marks)
            self._allowance.hold(-HELD_FOR_CREATE)

    def note_answer(self, creation: Creation, response: httpx.Response) -> list[str]:
        """
        Find the persona that an answered create has made; where it cannot be found, nothing more is made.

        Returns:
            The ids of what it has made and does not name, so that nobody else can remove it.

        Raises:
            Inconclusive: It could not be looked for.
        """
        if not 200 <= response.status_code < 300:
            self._journal.refused(creation.name)
            self._ledger.refused_marks |= creation.marks
            return []
        self._ledger.creates += 1
        self._ledger.unaudited += 1
        shown_id = _created_id(response)
        if shown_id is not None and shown_id not in self._ledger.alive and self._claim_if_own(shown_id, creation):
            return []
        found = self._search(creation)
        if found:
            if shown_id in found:
                self._ledger.late.append(shown_id)
            return [persona_id for persona_id in found if persona_id != shown_id]
        self.note_unsure(creation.name)
        if shown_id is not None and shown_id not in self._ledger.made:
            self._ledger.unclaimed.append(shown_id)
        shown = "no id" if shown_id is None else f"the id {shown_id[:60]!r}, which shows something else"
        self._why_no_more = f"a create was answered with {shown}, and what it made is not to be found"
        return []

    def claim(self, persona_id: str, name: Any, item: Item | None = None) -> bool:
        """Take a persona for one of this run's, once it is known to be; say whether it was new."""
        is_new = self._ledger.add(persona_id)
        if is_new:
            made = (item or {}).get("create_time")
            self._journal.created(persona_id, name if isinstance(name, str) else None, str(made) if made else None)
            self._allowance.hold(HELD_FOR_REMOVAL)
            self._ledger.first_made_at = earliest((self._ledger.first_made_at, made_at(item or {})))
        return is_new

    def claim_made_by(self, creation: Creation) -> list[str]:
        """
        Take what a create has made, and nobody knew of, for this run's own; the ids.

        Raises:
            Inconclusive: The list was not answered.
        """
        found = self._account.made_by(creation) if creation.marks else []
        fresh = [item for item in found if item["id"] not in self._ledger.made and self._is_new(item)]
        return [item["id"] for item in fresh if self.claim(item["id"], creation.name, item)]

    def claim_unanswered(self, creation: Creation) -> list[str] | None:
        """
        Take what a create that was not answered has made for this run's own.

        Returns:
            The ids, empty where it has made nothing so far; None where that cannot be told.

        Raises:
            Inconclusive: The list was not answered.
        """
        if creation.name is None:
            return [] if creation.before is not None and creation.before == self._all_ids() else None
        # Even if it is sent again and answered, the first may yet make a persona, which is looked for at the end.
        self._journal.creating(creation.name)
        self.note_unsure(creation.name)
        if any(self._ledger.pending_names[mark] > 1 for mark in creation.marks):
            return None  # another create of this name is on its way, and may have made what is found
        return self.claim_made_by(creation)

    def note_unsure(self, name: str | None) -> None:
        """Remember to look at the end for the personas of a name, and hold back what that takes."""
        if name is not None:
            is_known = name in self._ledger.unsure_names
            self._ledger.unsure_names[name] = time.time()
            self._allowance.hold(0 if is_known else HELD_FOR_SEARCH)
            self._held += 0 if is_known else HELD_FOR_SEARCH

    def note_removed(self, persona_id: str) -> None:
        """Note that a persona is gone."""
        if self._ledger.remove(persona_id):
            self._journal.removed(persona_id)
            self._allowance.hold(-HELD_FOR_REMOVAL)

    def note_reading(self, persona_id: str, response: httpx.Response) -> None:
        """Remember what the API said of a persona of this run last."""
        if persona_id in self._ledger.made or persona_id == self._fence.lent_id:
            self._ledger.readings[persona_id] = persona_of(response)

    def look(self) -> None:
        """
        Look through the account for the personas of this run, those that it did not know of among them.

        A create that was never answered is let go once a look finds nothing of it and none can come any more.

        Raises:
            Inconclusive: The list was not answered, or not seen to its end.
        """
        if not self._has_created:
            return
        if self._ledger.unsure_names:
            time.sleep(sum(LOOK_AGAIN_AFTER))  # the list may be behind what was done a moment ago
        began = time.time()
        self._reconcile(self._account)
        for name, sent_at in list(self._ledger.unsure_names.items()):
            if began - sent_at >= SURE_SECONDS:
                del self._ledger.unsure_names[name]
                self._journal.settled(name)

    def release(self) -> None:
        """Give back what the looks of this run held back."""
        self._allowance.hold(-self._held)
        self._held = 0

    def _search(self, creation: Creation) -> list[str]:
        """Claim what an answered create has made, as soon as the list shows it."""
        for pause in LOOK_AGAIN_AFTER:
            if made := self.claim_made_by(creation):
                return made
            time.sleep(pause if creation.marks else 0)
        return self.claim_made_by(creation)

    def _creation(self, name: Any, content: str = "") -> Creation:
        own = self._account.marks(name) if isinstance(name, str) else frozenset()
        marks = own | self._account.marks(content)
        return Creation(name if own else min(marks, default=None), marks)

    def _audit(self) -> None:
        """
        Look at the account before more could be alive than may be, were each create done twice or no removal done.

        Raises:
            RunEnded: Each create has made two.
        """
        ledger = self._ledger
        is_first = ledger.unaudited == ledger.creates == 1
        most_alive = self._alive_at_audit + ledger.unaudited * (2 if ledger.doubles else 1)
        if not is_first and most_alive < self._fence.most_personas:
            return
        with suppress(Inconclusive):  # what the list is worth, its own tests tell
            self._reconcile(self._account_now)
        ledger.unaudited = 0
        self._alive_at_audit = len(ledger.alive)
        if len(ledger.doubles) > 1 and len(ledger.doubles) >= ledger.creates:
            raise RunEnded(f"each of {ledger.creates} creates has made two personas, so no more are made")

    def _all_ids(self) -> frozenset[str] | None:
        """Return every id that the account shows; None where it shows too many, or none can be had."""
        if self._is_large:
            return None  # turning its pages again would tell no more
        with suppress(Inconclusive):
            listing = self._account_now.listed(PAGES_OF_A_SEARCH)
            self._is_large = not listing.is_complete
            return frozenset(item["id"] for item in listing.items) if listing.is_complete else None
        return None

    def _claim_if_own(self, persona_id: str, creation: Creation) -> bool:
        """Read the persona that a create was answered with, and claim it if it is the one that was made."""
        response = self._get(path_of(persona_id))
        item = persona_of(response)
        was_there = creation.before is not None and persona_id in creation.before
        if item.get("id") != persona_id or was_there or not self._may_be_new(item):
            self._ledger.missed = response
            return False
        if creation.marks:
            is_own = bool(self._account.marks_of(item))
        else:
            is_own = creation.before is not None and self._is_recent(item)
        if is_own:
            self.claim(persona_id, creation.name, item)
            self.note_reading(persona_id, response)
        return is_own

    def _may_be_new(self, item: Item) -> bool:
        """Whether nothing says that a persona was there before this run."""
        is_known = made_at(item) is not None and self._ledger.first_made_at is not None
        return self._is_recent(item) or not is_known

    def _is_recent(self, item: Item) -> bool:
        return was_made_since(item, self._ledger.first_made_at)

    def _is_new(self, item: Item) -> bool:
        """Whether a persona is proved to be no older than this run."""
        if self._ledger.first_made_at is not None:
            return self._is_recent(item)
        return self._before is not None and item["id"] not in self._before

    def _reconcile(self, account: Account) -> None:
        """Hold the books of the run against what the account shows."""
        ledger = self._ledger
        since = ledger.first_made_at or datetime.now(UTC) - LONGEST_RUN
        listing = account.listed(PAGES_OF_A_LOOK, {"order_by": "-create_time"}, since)
        for item in listing.items:
            persona_id, marks = item["id"], account.marks_of(item)
            if persona_id in ledger.removed:
                if persona_id in ledger.made and persona_of(self._get(path_of(persona_id))).get("id") == persona_id:
                    self._revive(persona_id, marks)
                    ledger.evidence = ledger.evidence or listing.last_page
            elif marks and persona_id not in ledger.made and not any(ledger.pending_names[mark] for mark in marks):
                self._take_stray(item, marks, listing.last_page)
        if not listing.is_complete:
            raise Inconclusive("the list of the account was not seen to its end")

    def _revive(self, persona_id: str, marks: frozenset[str]) -> None:
        """Note that a persona is there although its removal was answered with success."""
        self._ledger.revive(persona_id)
        self._journal.created(persona_id, min(marks, default=None), None)
        self._allowance.hold(HELD_FOR_REMOVAL)

    def _take_stray(self, item: Item, marks: frozenset[str], page: httpx.Response) -> None:
        """Claim a persona that bears a name of this run and that nobody knew of, and note how it came to be."""
        ledger = self._ledger
        unsure = next((name for name in ledger.unsure_names if marks & self._account.marks(name)), None)
        if not self._is_new(item):
            ledger.foreign.add(item["id"])  # a create, or an update, may have reached what it was not sent to
        elif unsure is not None:
            self.claim(item["id"], unsure, item)
        elif self.claim(item["id"], min(marks), item):
            (ledger.made_by_refusals if marks & ledger.refused_marks else ledger.doubles).append(min(marks))
            ledger.evidence = ledger.evidence or page


def persona_of(response: httpx.Response) -> dict[str, Any]:
    """Return the persona that an answer shows; empty where it shows none."""
    answer = answered(response) if response.status_code < 300 else None
    persona = answer.get("persona") if isinstance(answer, dict) else None
    return persona if isinstance(persona, dict) else {}


def _created_id(response: httpx.Response) -> str | None:
    created = persona_of(response).get("id")
    return created if is_id(created) else None
