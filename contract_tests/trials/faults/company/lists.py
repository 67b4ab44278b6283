"""Faults of a list in company: what goes wrong with it only beside another parameter, or after another call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from contract_tests.mock_api.app import Api
from contract_tests.mock_api.listing import Page
from contract_tests.mock_api.rules import Fields
from contract_tests.mock_api.store import Item

from .. import seams
from ..fault import CRUD, Fault, generator
from ..scene import NoPlace, Scene, first, needed
from ..state.pagination import filtered, listing_of, text_filter
from ..usual import change, without, wrong
from ..witness import Step, Witness
from .calls import Calls

Holds = Callable[[Scene, Calls, Fields], bool]
Change = Callable[[Scene, Page, Fields], Page]
Query = Callable[[Scene], str]


@dataclass(frozen=True)
class Condition:
    """When a list goes wrong."""

    words: str
    holds: Holds
    query: Query = lambda scene: ""
    before: Callable[[Scene], Witness] = lambda scene: ()


@dataclass(frozen=True)
class Deviation:
    """What goes wrong with a list."""

    words: str
    promise: str
    change: Change
    """Returns the page that is shown; it is told the right one, and the query."""
    conditions: tuple[str, ...]
    query: Query = lambda scene: ""


def _asked(role: str) -> Holds:
    return lambda scene, calls, query: calls.api.resource.listing.asked(query, role) is not None


def _after(role: str, *, is_refused: bool) -> Holds:
    def holds(scene: Scene, calls: Calls, query: Fields) -> bool:
        last = calls.last_write()
        return last is not None and (last.role, last.is_refused) == (role, is_refused)

    return holds


def _size(scene: Scene, size: int) -> str:
    name = needed(listing_of(scene).paging.size).name
    return f"{name}={size}"


def _one_by_token(scene: Scene) -> str:
    return needed(listing_of(scene).paging.token) and _size(scene, 1)


def _by_text(scene: Scene) -> str:
    name = needed(text_filter(scene))
    return filtered(scene, name, scene.item[name])


def _renamed(scene: Scene) -> Witness:
    name = needed(text_filter(scene))
    return (scene.update(scene.lawful({name: "Renamed"})), scene.update(scene.lawful({name: scene.item[name]})))


def _removal(scene: Scene) -> Witness:
    needed(scene.contract.has("remove"))
    return (scene.create(scene.bystander), scene.remove("{new}"))


def _matches(is_so: Callable[[list[Item]], bool]) -> Holds:
    def holds(scene: Scene, calls: Calls, query: Fields) -> bool:
        listing = calls.api.resource.listing
        conditions = listing.conditions(query)
        found = [i for i in calls.api.resource.store.all() if all(listing.matches(each, i) for each in conditions)]
        return bool(conditions) and is_so(found)

    return holds


CONDITIONS = {
    "ordered": Condition("where it is ordered", _asked("order"),
                         lambda scene: f"{needed(listing_of(scene).order)}={first(listing_of(scene).orders)}"),
    "sized": Condition("where a page has a size", _asked("page_size"), lambda scene: _size(scene, 2)),
    "after_a_removal": Condition("after a removal", _after("remove", is_refused=False), before=_removal),
    "after_refused": Condition("after an update that was refused", _after("update", is_refused=True),
                               before=lambda scene: (wrong(scene),)),
    "after_an_update": Condition("after an update", _after("update", is_refused=False),
                                 before=lambda scene: (scene.update(change(scene)),)),
    "renamed": Condition("where the item was changed before", _matches(lambda items: any(i.version > 1 for i in items)),
                         before=_renamed),
    "namesakes": Condition("where two items have the text", _matches(lambda items: len(items) > 1),
                           before=lambda scene: (scene.create(scene.item),)),
}  # fmt: skip


def _items(change_items: Callable[[list[Item]], list[Item]]) -> Change:
    return lambda scene, page, query: Page(change_items(list(page.items)), page.next_token)


def _fewer_fields(scene: Scene, page: Page, query: Fields) -> Page:
    name = first(scene.clearing).name
    return Page([item._replace(fields=without(item.fields, name)) for item in page.items], page.next_token)


def _not_found(scene: Scene, page: Page, query: Fields) -> Page:
    return Page([], None) if listing_of(scene).filters[text_filter(scene) or ""][0] in query else page


def _turned(scene: Scene, page: Page, query: Fields) -> Page:
    return page if listing_of(scene).order in query else Page(list(page.items)[::-1], page.next_token)


DEVIATIONS = {
    "lacks_its_last": Deviation("Leaves the last item out of a page", "whole_list",
                                _items(lambda items: items[:-1] or items), ("ordered", "sized", "after_a_removal")),
    "repeats_its_first": Deviation("Shows the first item of a page twice", "whole_list",
                                   _items(lambda items: [*items, *items[:1]]), ("ordered", "after_refused")),
    "turned": Deviation("Lists the oldest first", "newest_first", _turned, ("sized", "after_a_removal", "after_an_update")),
    "has_no_token": Deviation("Gives no token of a next page", "whole_list",
                              lambda scene, page, query: Page(page.items, None),
                              ("ordered", "after_an_update"), _one_by_token),
    "lacks_a_field": Deviation("Leaves a field out of a list", "list_shows_items", _fewer_fields,
                               ("ordered", "sized", "after_refused"), lambda scene: first(scene.clearing).name[:0]),
    "finds_nothing": Deviation("Finds nothing by a text", "filters_find", _not_found,
                               ("ordered", "sized", "renamed", "namesakes"), _by_text),
}  # fmt: skip


@generator
def lists_in_company(scene: Scene) -> Iterator[Fault]:
    """Yield the faults of the list of a contract."""
    for name, deviation in DEVIATIONS.items():
        if scene.contract.has(*CRUD, "list") and scene.contract.promises_that(deviation.promise):
            for each in deviation.conditions:
                with suppress(NoPlace):
                    yield _fault(scene, f"list_{name}_{each}", deviation, CONDITIONS[each])


def _fault(scene: Scene, name: str, deviation: Deviation, condition: Condition) -> Fault:
    query = "&".join(part for part in (deviation.query(scene), condition.query(scene)) if part)
    summary = f"{deviation.words}, {condition.words}."
    clause, apply = scene.contract.pointer_of_promise(deviation.promise), partial(_plant, scene, deviation, condition)
    step: Step = scene.list(query)
    return Fault(name, "company", summary, clause, apply, (*condition.before(scene), step))


def _plant(scene: Scene, deviation: Deviation, condition: Condition, api: Api) -> None:
    calls = Calls(api)

    def page(right: Callable[[Iterable[Item], Fields], Page], items: Iterable[Item], query: Fields) -> Page:
        found = right(items, query)
        return deviation.change(scene, found, query) if condition.holds(scene, calls, query) else found

    seams.wrap(api, "resource.listing.page", page)
    calls.listen()
