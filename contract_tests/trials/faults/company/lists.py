"""Faults of a list in company: what goes wrong with it only beside another parameter, or after another call."""

from collections.abc import Callable, Iterable
from functools import partial

from .. import seams
from ..fault import CRUD_AND_LIST, Planted, rows
from ..scene import Scene, first, needed
from ..seams import Api, Fields, Item, Page, Paging, curried
from ..state.filters import filtered, text_filter
from ..state.pages import by_token, page_size
from ..usual import change, removal_of_another, without, wrong
from ..witness import Witness
from .calls import Calls

Holds = Callable[[Scene, Calls, Fields], bool]
Change = Callable[[Scene, Page, Fields], Page]  # returns the page that is shown; is told the right one, and the query
Ask = Callable[[Scene], tuple[Witness, str]]  # returns what comes before, and a part of the query


def _asked(role: str) -> Holds:
    return lambda scene, calls, query: calls.api.resource.listing.asked(query, role) is not None


def _after(role: str, *, is_refused: bool) -> Holds:
    return lambda scene, calls, query: any((c.role, c.is_refused) == (role, is_refused) for c in calls.writes()[:1])


def _renamed(scene: Scene) -> tuple[Witness, str]:
    name = needed(text_filter(scene))
    return tuple(scene.update(scene.lawful({name: text})) for text in ("Renamed", scene.item[name])), ""


@curried
def _matches(is_so: Callable[[list[Item]], bool], scene: Scene, calls: Calls, query: Fields) -> bool:
    listing = calls.api.resource.listing
    conditions = listing.conditions(query)
    found = [i for i in calls.api.resource.store.all() if all(listing.matches(each, i) for each in conditions)]
    return bool(conditions) and is_so(found)


# By the name: when a list goes wrong, the same in code, and what is asked to bring it about.
CONDITIONS: dict[str, tuple[str, Holds, Ask]] = {
    "ordered": (
        "where it is ordered", _asked("order"),
        lambda scene: ((), f"{needed(scene.contract.listing.order)}={first(scene.contract.listing.orders)}")),
    "sized": ("where a page has a size", _asked("page_size"), lambda scene: ((), f"{page_size(scene).name}=2")),
    "after_a_removal": (
        "after a removal", _after("remove", is_refused=False), lambda scene: (removal_of_another(scene), "")),
    "after_refused": (
        "after an update that was refused", _after("update", is_refused=True), lambda scene: ((wrong(scene),), "")),
    "after_an_update": (
        "after an update", _after("update", is_refused=False), lambda scene: ((scene.update(change(scene)),), "")),
    "renamed": ("where the item was changed before", _matches(lambda items: any(i.version > 1 for i in items)), _renamed),
    "namesakes": (
        "where two items have the text", _matches(lambda items: len(items) > 1), lambda scene: ((scene.create(scene.item),), "")),
}  # fmt: skip


def _items(change_items: Callable[[list[Item]], list[Item]]) -> Change:
    return lambda scene, page, query: Page(change_items(list(page.items)), page.next_token)


def _fewer_fields(scene: Scene, page: Page, query: Fields) -> Page:
    name = first(scene.clearing).name
    return Page([item._replace(fields=without(item.fields, name)) for item in page.items], page.next_token)


def _by_text(scene: Scene) -> str:
    name = needed(text_filter(scene))
    return filtered(scene, name, scene.item[name])


# By the name: what goes wrong, the promise that is broken, how, the query that is asked besides, and the conditions.
DEVIATIONS: dict[str, tuple[str, str, Change, Callable[[Scene], str], tuple[str, ...]]] = {
    "lacks_its_last": (
        "Leaves the last item out of a page", "whole_list", _items(lambda items: items[:-1] or items), lambda scene: "",
        ("ordered", "sized", "after_a_removal")),
    "repeats_its_first": (
        "Shows the first item of a page twice", "whole_list", _items(lambda items: [*items, *items[:1]]), lambda scene: "",
        ("ordered", "after_refused")),
    "turned": (
        "Lists the oldest first", "newest_first",
        lambda scene, page, query: page if scene.contract.listing.order in query
        else Page(list(page.items)[::-1], page.next_token),
        lambda scene: "", ("sized", "after_a_removal", "after_an_update")),
    "has_no_token": (
        "Gives no token of a next page", "whole_list", lambda scene, page, query: Page(page.items, None),
        lambda scene: by_token(scene) and f"{page_size(scene).name}=1", ("ordered", "after_an_update")),
    "lacks_a_field": (
        "Leaves a field out of a list", "list_shows_items", _fewer_fields, lambda scene: first(scene.clearing).name[:0],
        ("ordered", "sized", "after_refused")),
    "finds_nothing": (
        "Finds nothing by a text", "filters_find",
        lambda scene, page, query: Page([], None)
        if scene.contract.listing.filters[text_filter(scene) or ""][0] in query else page,
        _by_text, ("ordered", "sized", "renamed", "namesakes")),
}  # fmt: skip


def _in_company(wrongly: Change, besides: Callable[[Scene], str], holds: Holds, ask: Ask, scene: Scene) -> Planted:
    before, asked = ask(scene)
    shown = (*before, scene.list("&".join(part for part in (besides(scene), asked) if part)))
    return Planted(partial(_plant, scene, wrongly, holds), shown)


def _plant(scene: Scene, wrongly: Change, holds: Holds, api: Api) -> None:
    calls = Calls(api)

    def page(right: Paging, items: Iterable[Item], query: Fields) -> Page:
        found = right(items, query)
        return wrongly(scene, found, query) if holds(scene, calls, query) else found

    seams.wrap(api, "resource.listing.page", page)
    calls.listen()


for _name, (_words, _promise, _wrongly, _besides, _conditions) in DEVIATIONS.items():
    _chosen = {condition: CONDITIONS[condition] for condition in _conditions}
    _table = {
        f"list_{_name}_{c}": (f"{_words}, {when}.", _wrongly, _besides, *of) for c, (when, *of) in _chosen.items()
    }
    rows("company", (_promise,), _table, CRUD_AND_LIST, make=_in_company)
