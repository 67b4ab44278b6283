"""Whether a write whose outcome is not known may be sent again: the API is read first, and what it shows decides."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from contract_tests.transport.ownership import Get, Ownership
from contract_tests.transport.resource_shape import Item, ItemId
from contract_tests.transport.retry import Failure
from contract_tests.transport.write_guard import WriteGuard

# Set on a create: a Creation.
CREATION = "creation"


@dataclass(frozen=True)
class Resending:
    """Decides whether a write of unknown outcome may be sent again; *remove* says whether an item is gone."""

    guard: WriteGuard
    ownership: Ownership
    get: Get
    remove: Callable[[ItemId], bool]

    def may_send_again(self, request: httpx.Request, before: Item | None, failure: Failure) -> bool:
        """
        Say whether a write may be sent again. A PUT does the same once or twice (RFC 9110, 9.2.2). An update of an item
        of this run that was answered, by whomever, is not under way any more, and the item takes no harm. Any other
        write only where the API shows that it was not done, and will hardly be yet.
        """
        shape, item_id = self.guard.shape, self.guard.item_id(request)
        is_update = request.method == shape.methods.get("update")
        if failure.answer is not None and (
            request.method == "PUT" or (is_update and item_id in self.guard.created.made)
        ):
            return True
        if CREATION in request.extensions:
            made = self.ownership.claim_unanswered(request.extensions[CREATION])
            gone = None if made is None else [self.remove(item_id) for item_id in made]  # each is tried
            return gone is not None and all(gone) and not failure.is_late
        if item_id is None or not (is_update or request.method == "DELETE"):
            return False
        if self.guard.is_absent(item_id):
            return True  # no item has this id, so the request does nothing however often it comes
        if not shape.can("read"):
            return False
        shown = self.get(shape.path_of(item_id))
        if is_update:
            return before is not None and self.ownership.item_of(shown) == before and not failure.is_late
        if shown.status_code == 404:
            self.ownership.note_removed(item_id)
        return 200 <= shown.status_code < 300
