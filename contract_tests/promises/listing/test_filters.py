"""Filters of a list: they find what has a value, leave out what has not, and hold on later pages and in each order."""

from datetime import datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest

from contract_tests.checks.conditions import for_each, needs
from contract_tests.checks.item_under_test import ItemUnderTest
from contract_tests.checks.judge import Finding, Judge, parse_time, require
from contract_tests.checks.listing import pages, queries
from contract_tests.checks.run import Run
from contract_tests.checks.updates import allowed, another_value, rename
from contract_tests.spec.contract import Contract

pytestmark = needs("create", "list")

# Names, of which @ is one that no other item has: what joins, ends or widens an expression of some language of filters,
# or of a query string. Quotation marks and backslashes are left out: no contract says how a filter spells them.
PLAIN_NAMES = ("@ with spaces", "@ é Ü", "@ 語", "@-dashed_and.dotted", "@ a😀", "@ e\u0301x ﬁ", "@ McAnn")
NAMES = (
    *PLAIN_NAMES, "@ AND b OR c NOT d and e or f IN g", "@=b", "@ != c > d <= e", "(@)", "[@] {b}", "@: b, c; d | e ~ f",
    "*@*", "%@_?", "@&b=c#d", "@+e%20f%", "'@'", "@''`b`", "@/b", "@ ", "  @", "@ a\nb", "@ a\tb\r\nc", "@ שלום\u200f\u200b",
)  # fmt: skip
# All of them at once, but for the space at an end, which hides what a filter does with other ends.
ALL_NAMES = (
    "('*@ AND b=c OR d>e: f, g; [h] {i}|~ j+k%20l%_?&m=n#o/p*')", "@ ", "@ 語 McAÉa😀 e\u0301x ﬁ שלום\u200f\u200b\ta\r\nb\nc",
)  # fmt: skip
LONGEST_NAME = 400
# What the greatest names are filled with: the first that the contract allows.
FILLINGS = ("% _*&+#' ", "a")


def _equal_filters(contract: Contract) -> list[str]:
    """Return the fields that a list is filtered by to those that have exactly a value; times are compared in another way."""
    return [name for name, text in queries.filters(contract).items() if ">" not in text and "<" not in text]


@needs("filters_find")
@for_each("name", _equal_filters)
def test_filter_finds_the_item_of_that_value(run: Run, family: pages.Family, name: str) -> None:
    """x-promises/filters_find: a filter by a field finds the item that has exactly this value, however many are newer."""
    for index, member in enumerate(family):
        pages.require_found(run, [member], name, size=1 if index % 2 == 0 else pages.LARGEST)


@needs("update", "read", "filters_find", "exact_text", queries.has_name_filter)
@for_each("texts", lambda contract: NAMES if queries.spells_any_name(contract) else PLAIN_NAMES, together=True)
def test_filter_finds_a_name_of_any_characters(run: Run, family: pages.Family, texts: list[str]) -> None:
    """x-promises/filters_find: a filter by a name finds the item of exactly that name, now that it has this name."""
    for text in ALL_NAMES if run.is_brief and len(texts) == len(NAMES) else texts:
        if rename(run, text, family[3]):
            pages.require_found(run, family[3:4], str(run.contract.run_name))


@needs("update", "read", "filters_find", queries.has_name_filter)
def test_filter_finds_every_item_of_a_name(run: Run, family: pages.Family) -> None:
    """x-promises/filters_find: a filter by a name finds the item of exactly that name: each that has it, in any order, on small pages, and at its greatest length."""
    name = str(run.contract.run_name)
    most = int(run.contract.fields("update")[name].schema.get("maxLength", LONGEST_NAME))
    length = max(min(most, LONGEST_NAME) - len(run.api.new_name()) - 2, 0)
    fillings = FILLINGS if queries.spells_any_name(run.contract) else FILLINGS[1:]
    texts = [f"@{(filling * length)[:length]}." for filling in fillings]
    is_renamed = any(rename(run, text, *family) for text in (*texts, "@"))
    assert is_renamed, "the name of a run is one that the contract allows"
    for order in (None, *run.contract.listing.orders):
        pages.require_found(run, family, name, order=order)
    for size in (1, 3, 4, 5):  # the last page is full, or holds two, or one
        pages.require_found(run, family, name, size=size)


@pytest.mark.many_requests
@needs("filters_find", queries.has_name_filter)
def test_filter_finds_an_item_that_was_never_updated(run: Run) -> None:
    """x-promises/filters_find: a filter by a name finds the item of exactly that name, in any order, also before its first update."""
    with run.item(**run.full_body()) as item:
        for order in (None, *run.contract.listing.orders):
            pages.require_found(run, [item], str(run.contract.run_name), order=order)


def _require_left_out(run: Run, item: ItemUnderTest, name: str, text: str, problem: str, *promise: str) -> None:
    def look() -> list[Finding]:
        shown = pages.walk(run, where={name: text})
        return shown.unfound(problem, *promise) if item.item_id in shown.ids else []

    run.at_last(look)


@needs("filters_find", "update", "read", queries.has_name_filter)
def test_filter_leaves_out_other_names(run: Run, family: pages.Family) -> None:
    """list, parameters: a filter keeps only what matches; names without a letter in common do not."""
    name, problem = str(run.contract.run_name), "a filter shows an item of quite another name"
    family[0].accepts(allowed(family[0], {name: "qqqqqqqqqqqq"}))
    _require_left_out(run, family[0], name, f"zzzz{run.api.run}zzzz", problem)


def _exact_filters(contract: Contract) -> list[str]:
    """Return the fields that only an equal value can be meant by: those of few values, numbers, and listed ones."""
    fields = contract.fields("update")
    found = [fields[name] for name in _equal_filters(contract) if name in fields]
    return [f.name for f in found if not f.is_free or f.json_type != "string" or {"enum", "const"} & {*f.schema}]


@needs("filters_find", "update", "read")
@for_each("name", _exact_filters)
def test_filter_leaves_out_other_values(run: Run, family: pages.Family, name: str) -> None:
    """x-promises/filters_find: a filter by a field does not show an item that has another value in it."""
    tried, (one, other) = run.contract.fields("update")[name], family[:2]
    one.accepts(another_value(one, tried))
    if one.last.get(name) == other.last.get(name):
        other.accepts(another_value(other, tried))
    text = pages.spelled(one.last.get(name))
    if text is None or pages.spelled(other.last.get(name)) in (None, text):
        pytest.skip(f"two items cannot be told apart by their {name}")
    problem = f"a filter by the {name} {text!r} shows an item whose {name} is {other.last.get(name)!r}"
    promise = "a filter shows the items that have this value, and no others"
    _require_left_out(run, other, name, text, problem, promise)


def _in_zone(moment: datetime, hours: int = 0) -> str:
    return moment.astimezone(timezone(timedelta(hours=hours))).isoformat(timespec="seconds").replace("+00:00", "Z")


@needs("filters_find")
@for_each("name", queries.later_filters)
def test_filter_by_time_keeps_the_later(run: Run, family: pages.Family, name: str) -> None:
    """list, x-filters: `>` keeps what is later than the time, in whatever zone it is written, and only that."""
    middle, moments = family[2].last[name], [parse_time(member.last[name])[0] for member in family]
    # An hour later in a zone whose clocks show an earlier time, and the other way round; then each as most would write it.
    later, earlier = max(moments) + timedelta(hours=1), min(moments) - timedelta(hours=1)

    def look() -> list[Finding]:
        found: list[Finding] = []
        for text in ("2999-01-01T00:00:00Z", _in_zone(later, -11), _in_zone(later)):
            shown = pages.walk(run, where={name: text})
            is_shown = any(member.item_id in shown.ids for member in family)
            found += shown.unfound(f"items of a {name} after {text} are listed") if is_shown else []
        for text in (queries.FAR_PAST, _in_zone(earlier, 13), _in_zone(earlier)):
            shown = pages.walk(run, where={name: text})
            found += shown.unfound(f"items of a {name} after {text} are missing") if shown.missing(family) else []
        shown = pages.walk(run, where={name: middle})
        for moment, step in (parse_time(item[name]) for item in shown.items if item.get(name) is not None):
            if moment + step < parse_time(middle)[0]:
                found += shown.unfound(f"{moment} is not after {middle}")
        return found

    run.at_last(look)


@pytest.mark.all_parameters
@needs("filters_find")
@for_each("name,order", lambda contract: product(queries.later_filters(contract), (*contract.listing.orders, None)))
def test_later_pages_keep_the_filter_and_the_order(
    run: Run, family: pages.Family, name: str, order: str | None
) -> None:
    """list, parameters: filter and order, which are sent with every page, hold for every page, not only for the first."""
    times = [member.last[name] for member in family]
    if len({parse_time(text)[0] for text in times}) < len(times):
        pytest.skip(f"the API prints the same {name} for items that were made one after the other")

    def look() -> tuple[pages.Walk, list[Finding]]:
        is_by_it = order is not None and order.lstrip("-") == name
        shown = pages.walk(run, size=1 if is_by_it else 2, order=order, where={name: times[1]})
        found = shown.out_of_order(order)
        if family[0].item_id in shown.ids:
            found += shown.unfound("a later page shows what the filter leaves out")
        if shown.missing(family[2:]):
            found += shown.unfound("the pages do not show all that the filter keeps")
        return shown, found

    run.at_last(lambda: pages.unless_moved(run, look))


# Any text may be sent where the schema says no more than that: none of these may be a failure.
UNREADABLE = ('no_such_field="x"', "contract", 'name="', '>"yesterday"', '"2025-01-01T00:00:00"')


def _unreadable(contract: Contract) -> list[Any]:
    listing, fields = contract.listing, contract.query_fields("list")
    parameters = dict.fromkeys(parameter for parameter, template in listing.filters.values() if template[0] != "{")
    texts = [*product(parameters, UNREADABLE)]
    if listing.order is not None:
        unknown = ("no_such_field", *(f"--{order.lstrip('-')}" for order in listing.orders[:1]))
        texts += [(listing.order, text) for text in unknown]
    return [
        pytest.param(parameter, text, id=f"{parameter}-{text}".replace('"', ""))
        for parameter, text in texts
        if contract.accepts_value(fields[parameter], text)
    ]


@pytest.mark.all_parameters
@for_each("parameter,text", _unreadable)
def test_query_that_cannot_be_read_is_refused_or_passed_over(run: Run, judge: Judge, parameter: str, text: str) -> None:
    """list, responses: a text that says nothing to the API is refused, or the list comes; it is no failure."""
    exchange = run.api.list(**run.query(size=pages.nearest_size(run, 5)), **{parameter: text})
    require(judge.success("list", exchange, *(queries.refusals_of_list(run.contract) or (400, 422))))
