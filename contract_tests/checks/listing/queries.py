"""What a list may be asked for, as the contract has it: pages, orders and filters; and what tests of them need."""

from contract_tests.checks.selections import birth_time
from contract_tests.spec.contract import Contract


def has_name_filter(contract: Contract) -> bool:
    """Whether a filter finds an item by the name of a run."""
    return contract.run_name in contract.listing.filters


def has_page_token(contract: Contract) -> bool:
    """Whether a token leads to the next page."""
    return contract.listing.paging.token is not None


def shows_every_item(contract: Contract) -> bool:
    """Whether the contract says how the pages are turned."""
    return bool(contract.listing.paging.shows_all)


FAR_PAST = "2001-01-01T00:00:00Z"


def times(contract: Contract) -> set[str]:
    """Return the times that the server sets."""
    return {name for name, own in contract.server_fields.items() if own.is_time}


def filters(contract: Contract) -> dict[str, str]:
    """Return the text of each filter, by its field."""
    return {name: text for name, (_, text) in contract.listing.filters.items()}


def later_filters(contract: Contract) -> list[str]:
    """Return the field by which a list is filtered to the items that were created after a time."""
    later = [n for n, text in filters(contract).items() if ">" in text and ">=" not in text and "<" not in text]
    return [name for name in later if name == birth_time(contract)]


def spells_any_name(contract: Contract) -> bool:
    """Whether a filter spells any name as it is: it is the name alone, or has it in quotes."""
    before, _, after = filters(contract)[str(contract.run_name)].partition(f"{{{contract.run_name}}}")
    return before + after == "" or before[-1:] == after[:1] == '"'


def refusals_of_list(contract: Contract) -> list[int]:
    """Return the statuses by which the list refuses a query."""
    return [status for status in (400, 422) if status in contract.operation("list").statuses]


def wrong_query(contract: Contract) -> dict[str, str]:
    """Return a query that the list refuses; empty where the contract refuses none."""
    whole = [(name, tried) for name, tried in contract.query_fields("list").items() if "integer" in tried.types]
    wrong = ({name: str(n)} for name, tried in whole for n in (0, -1) if not contract.accepts_value(tried, n))
    return next(wrong, {})
