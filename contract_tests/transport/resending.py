"""Whether a write whose outcome is not known may be sent again: the API is read first, and what it shows decides."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from contract_tests.transport.account import answered
from contract_tests.transport.ownership import Get, Ownership
from contract_tests.transport.resource_shape import Item, ItemId
from contract_tests.transport.retry import Failure
from contract_tests.transport.write_guard import WriteGuard

# Set on a create: a Creation.
CREATION = "creation"


class Resending:
    """Decides whether a write of unknown outcome may be sent again; *remove* says whether an item is gone."""

    def __init__(self, guard: WriteGuard, ownership: Ownership, get: Get, remove: Callable[[ItemId], bool]) -> None:
        self._guard = guard
        self._shape = guard.shape
        self._ownership = ownership
        self._get = get
        self._remove = remove

    def may_send_again(self, request: httpx.Request, before: Item | None, failure: Failure) -> bool:
        """
        Say whether a write may be sent again. A PUT does the same once or twice (RFC 9110, 9.2.2). An update of an item
        of this run that was answered, by whomever, is not under way any more, and the item takes no harm.
        """
        item_id = self._guard.item_id(request)
        is_update = request.method == self._shape.methods.get("update")
        is_own_update = is_update and item_id in self._guard.created.made
        if failure.answer is not None and (request.method == "PUT" or is_own_update):
            return True
        return self._was_not_done(request, before, failure)

    def _was_not_done(self, request: httpx.Request, before: Item | None, failure: Failure) -> bool:
        """Read whether a write was done; true only where the API shows that it was not, and will hardly be yet."""
        if CREATION in request.extensions:
            made = self._ownership.claim_unanswered(request.extensions[CREATION])
            gone = None if made is None else [self._remove(item_id) for item_id in made]  # each is tried
            return gone is not None and all(gone) and not failure.is_late
        item_id = self._guard.item_id(request)
        is_update = request.method == self._shape.methods.get("update")
        if item_id is None or not (is_update or request.method == "DELETE"):
            return False
        if self._guard.is_absent(item_id):
            return True  # no item has this id, so the request does nothing however often it comes
        if not self._shape.can("read"):
            return False
        shown = self._get(self._shape.path_of(item_id))
        if is_update:
            item = self._shape.item_in(answered(shown)) if shown.status_code < 300 else {}
            return before is not None and item == before and not failure.is_late
        if shown.status_code == 404:
            self._ownership.note_removed(item_id)
        return 200 <= shown.status_code < 300
