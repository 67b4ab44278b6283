"""Faults of the filters of a list: what they miss, and what they let pass; and of what a list shows of an item."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from unicodedata import normalize
from urllib.parse import quote

from contract_tests.checks.listing.queries import spells_any_name
from contract_tests.generation.boundaries import to_json
from contract_tests.mock_api.listing import Condition
from contract_tests.spec.field import Field

from .. import seams
from ..fault import CRUD_AND_LIST, LIST, Planted, fault, rows
from ..scene import Scene, first, needed
from ..seams import Api, Apply, Fields, Item, Page, Paging, by, maker
from ..usual import Shown, change, without
from ..witness import START, Witness
from .orders import ordered
from .pages import failing_to_read, listing_as, newer_items

Change = Callable[[list[Item], str], Iterable[Item]]
FOUND = "filters_find"
FAR_FUTURE = "2999-01-01T00:00:00Z"


def filtered(scene: Scene, field: str, value: str) -> str:
    """Return the query that filters by a field."""
    parameter, template = scene.contract.listing.filters[field]
    return f"{parameter}={quote(template.replace(f'{{{field}}}', value), safe='')}"


def text_filter(scene: Scene) -> str | None:
    """Return the text by which a list may be filtered, the one with a run's name if there is one."""
    texts = [tried.name for tried in scene.texts if tried.name in scene.contract.listing.filters]
    return next(iter(sorted(texts, key=lambda name: name != scene.contract.run_name)), None)


def _time_filter(scene: Scene) -> str:
    own = scene.contract.server_fields
    filters = scene.contract.listing.filters.items()
    return first(name for name, (_, text) in filters if {"<", ">"} & {*text} and name in own and own[name].is_time)


def _matching(change: Callable[[Condition, bool], bool]) -> Apply:
    return listing_as("matches", lambda matches, condition, item: change(condition, matches(condition, item)))


@fault("pagination", FOUND, needs=LIST)
def filter_ignored(scene: Scene) -> Planted:
    """Ignores a filter and lists every item."""
    witness = (scene.list(filtered(scene, needed(text_filter(scene)), "Nobody")),)
    return Planted(_matching(lambda condition, found: True), witness)


@fault("pagination", FOUND, needs=CRUD_AND_LIST)
def filter_misses_a_name_that_came_beside(scene: Scene) -> Planted:
    """Finds no item by a text that an update brought beside another field."""
    name, body = needed(text_filter(scene)), change(scene)
    wanted = scene.lawful({**body, name: "Beside"})
    needed(len(wanted) > 1)

    def brought(api: Api) -> set[str]:
        found: set[str] = set()
        note = lambda item, sent: name in sent and (found.add if len(sent) > 1 else found.discard)(item.id)
        seams.update_as(api, note)
        return found

    @by(seams.wrap, "resource.listing.matches", memory=brought)
    def apply(
        api: Api, lost: set[str], matches: Callable[[Condition, Item], bool], condition: Condition, item: Item
    ) -> bool:
        return matches(condition, item) and not (condition.field == name and item.id in lost)

    return Planted(apply, (scene.update(wanted), scene.list(filtered(scene, name, "Beside"))))


def _exact_filters(scene: Scene) -> list[Field]:
    """Return the fields of numbers, of few values and of listed ones by which a list may be filtered."""
    fields = [tried for tried in scene.fields.values() if tried.name in scene.contract.listing.filters]
    return [f for f in fields if not f.is_free or f.json_type != "string" or "enum" in f.schema]


@fault("pagination", FOUND, needs=CRUD_AND_LIST, each=_exact_filters)
def filter_passed_over(scene: Scene, tried: Field) -> Planted:
    """Ignores a filter by {field} and lists every item."""
    texts = [to_json(value).strip('"') for value in scene.good(tried)[:3]]
    ignored = _matching(lambda condition, found: found or condition.field == tried.name)
    return Planted(ignored, tuple(scene.list(filtered(scene, tried.name, text)) for text in texts))


# By the defect: what it does, a text, and whether a text is such a one.
MISSED: dict[str, tuple[str, str, Callable[[str], bool]]] = {
    "with_a_dash": ("Takes a text with a dash apart and finds no item by it.", "Two-part", lambda text: "-" in text),
    "with_a_conjunction": ("Takes AND in a text for the next condition.", "This AND that", lambda text: " AND " in text),
    "with_a_sign": ("Takes = in a text for a comparison.", "a=b", lambda text: "=" in text),
    "in_brackets": ("Takes brackets in a text for those of an expression.", "(a)", lambda text: "(" in text),
    "with_a_wildcard": ("Escapes * in a text.", "a*", lambda text: "*" in text),
    "with_a_plus": ("Decodes + in a text once more.", "a+b", lambda text: "+" in text),
    "with_a_space_at_the_end": ("Trims the text of a filter.", "a ", lambda text: text != text.strip()),
    "with_a_capital_inside_a_word": (
        "Begins each word of a filter alone with a capital.", "McAnn", lambda text: re.search("[a-z][A-Z]", text) is not None),
    "beyond_16_bits": ("Keeps texts in UTF-16 of one unit each.", "a😀", lambda text: max(text) > "\uffff"),
    "with_a_capital_beyond_ascii": (
        "Puts the text of a filter in small letters.", "É", lambda text: any(c > "\x7f" and c.isupper() for c in text)),
    "decomposed": ("Composes the text of a filter.", "e\u0301", lambda text: text != normalize("NFC", text)),
    "with_a_line_break": ("Reads a text to the end of its line.", "a\nb", lambda text: "\n" in text),
    "of_more_than_100_characters": ("Cuts the text of a filter.", "a" * 101, lambda text: len(text) > 100),
}  # fmt: skip


def _missing(text: str, is_missed: Callable[[str], bool], scene: Scene) -> Planted:
    name = needed(text_filter(scene))
    needed(scene.contract.accepts_value(scene.fields[name], text) and spells_any_name(scene.contract))
    missed = lambda condition, found: found and not (condition.field == name and is_missed(str(condition.value)))
    made = scene.create({**scene.item, name: text})
    return Planted(_matching(missed), (made, scene.list(filtered(scene, name, text))))


_table = {f"filter_misses_texts_{name}": row for name, row in MISSED.items()}
rows("pagination", (FOUND, "exact_text"), _table, CRUD_AND_LIST, make=_missing)


@maker(seams.wrap, "resource.listing.page")
def _before_filters(api: Api, change: Change, right: Paging, items: Iterable[Item], query: Fields) -> Page:
    """Change what there is to list where it is filtered by a value; *change* is told the items and the order."""
    listing = api.resource.listing
    is_filtered = any(condition.comparison == "=" for condition in listing.conditions(query))
    return right(change(list(items), listing.asked(query, "order") or "") if is_filtered else items, query)


def _by_name(scene: Scene, *orders: str, newer: int = 2) -> Witness:
    """Make items of other names and one of the same, and find them by the name."""
    name = needed(text_filter(scene))
    query = "&".join((filtered(scene, name, scene.item[name]), *(ordered(scene, one) for one in orders)))
    return (*newer_items(scene, newer), scene.list(query), scene.create(scene.item), scene.list(query))


_in_order: Shown = lambda scene: _by_name(scene, first(scene.contract.listing.orders))

rows("pagination", (FOUND,), {
    "filter_sees_the_newest_only": (
        "Filters what a page of ten would hold without the filter.",
        _before_filters(lambda items, order: sorted(items, key=lambda item: item.created_at)[-10:]),
        lambda scene: _by_name(scene, newer=10)),
    "filter_by_name_finds_nothing_in_an_order": (
        "Finds nothing by a name where an order is asked for.", _before_filters(lambda items, order: [] if order else items), _in_order),
    "filter_by_name_finds_no_new_item_in_an_order": (
        "Finds no item by a name before its first update where an order is asked for.",
        _before_filters(lambda items, order: [i for i in items if i.updated_at] if order else items), _in_order),
}, CRUD_AND_LIST)  # fmt: skip


@fault("pagination", FOUND, "create_stores_everything", needs=CRUD_AND_LIST)
def filter_finds_one_of_a_name(scene: Scene) -> Planted:
    """Keeps an index of names in which each stands once."""
    name = needed(text_filter(scene))
    once = lambda items, order: {item.fields.get(name): item for item in items}.values()
    return Planted(_before_filters(once), _by_name(scene))


@fault("pagination", FOUND, needs=LIST)
def filter_by_time_in_no_zone(scene: Scene) -> Planted:
    """Passes over the zone of a time that it filters by."""
    name = _time_filter(scene)

    def condition(read: Callable[..., Condition], text: str, parameter: str) -> Condition:
        found = read(text, parameter)
        return replace(found, value=found.value.replace(tzinfo=UTC)) if found.field == name else found

    query = filtered(scene, name, START.astimezone(timezone(timedelta(hours=9))).isoformat())
    return Planted(listing_as("condition", condition), (scene.list(query),))


@fault("pagination", FOUND, needs=LIST)
def filter_by_time_forgotten_in_another_order(scene: Scene) -> Planted:
    """Ignores a filter by a time where the list is ordered by another field."""
    name, listing = _time_filter(scene), scene.contract.listing
    other = first(order for order in listing.orders if order.lstrip("-") != name)

    @by(seams.wrap, "resource.listing.conditions")
    def apply(api: Api, right: Callable[[Fields], list[Condition]], query: Fields) -> list[Condition]:
        is_lost = query.get(listing.order or "") == other
        return [each for each in right(query) if not (is_lost and each.field == name)]

    query = filtered(scene, name, FAR_FUTURE)
    return Planted(apply, (scene.list(f"{query}&{ordered(scene, other)}"),))


@fault("pagination", FOUND, needs=LIST)
def filter_by_time_turned_round(scene: Scene) -> Planted:
    """Keeps the older items where the younger are asked for."""
    name = _time_filter(scene)
    turned = lambda condition, found: found != (condition.field == name)
    return Planted(_matching(turned), (scene.list(filtered(scene, name, FAR_FUTURE)),))


@fault("pagination", FOUND, needs=LIST)
def unreadable_filter_answered_500(scene: Scene) -> Planted:
    """Fails on a filter that it cannot read."""
    return Planted(failing_to_read("condition"), (scene.list(filtered(scene, _time_filter(scene), "yesterday")),))


@fault("pagination", "list_shows_items", needs=CRUD_AND_LIST, each=lambda scene: scene.long_texts[:1])
def cut_in_lists(scene: Scene, tried: Field) -> Planted:
    """Shows the first 500 characters of {field} in lists."""

    def cut(item: Item) -> Item:
        return item._replace(fields={n: v[:500] if n == tried.name and v else v for n, v in item.fields.items()})

    witness = (scene.update(scene.lawful({tried.name: "long " * 200})), scene.list())
    return Planted(lambda api: seams.list_item_as(api, cut), witness)


@fault("pagination", "list_shows_items", needs=LIST)
def list_shows_fewer_fields(scene: Scene) -> Planted:
    """Leaves some fields, though they are set, out of lists."""
    required = scene.contract.document.required(scene.contract.resource.item_pointer)
    left_out = {tried.name for tried in (*scene.long_texts, *scene.numbers) if tried.name not in required}
    needed(left_out & scene.item.keys())
    fewer = lambda item: item._replace(fields=without(item.fields, *left_out))
    return Planted(lambda api: seams.list_item_as(api, fewer), (scene.list(),))


@fault("pagination", "list_shows_items", needs=LIST)
def list_fills_in_what_was_cleared(scene: Scene) -> Planted:
    """Shows the first value of an enum in lists where an item has none."""
    tried = first([tried for tried in scene.clearing if "enum" in tried.schema])
    filled = {tried.name: tried.schema["enum"][0]}
    show = lambda item: item._replace(fields={**item.fields, **filled}) if item.fields.get(tried.name) is None else item
    return Planted(lambda api: seams.list_item_as(api, show), (scene.update({tried.name: None}), scene.list()))
