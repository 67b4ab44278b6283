"""The harmless request or two that every run against an API begins with: is it there, and is the key right?"""

import dataclasses
import secrets
from collections import Counter

from contract_tests.errors import Inconclusive, Refused
from contract_tests.foreign_text import shown
from contract_tests.runner.configuration import Configuration
from contract_tests.runner.under_test import opened
from contract_tests.transport import journal
from contract_tests.transport.resource_shape import ItemId
from contract_tests.transport.target import Api

# An API that is not there is noticed soon.
ATTEMPTS = 3
# What OpenSSL says, in capitals, of an answer that is no TLS.
NO_TLS = (
    "WRONG_VERSION_NUMBER", "WRONG VERSION NUMBER", "RECORD LAYER FAILURE", "RECORD_LAYER_FAILURE", "HTTP_REQUEST",
)  # fmt: skip
# What h11 says of bytes that begin no HTTP answer, such as a TLS alert.
NO_HTTP = ("illegal request line", "illegal status line")


def first_requests(settings: Configuration) -> Counter[str]:
    """Send the requests that a run begins with, once its journal can be written; how many, by operation."""
    journal.require_writable(settings.journal_folder)
    with opened(settings, secrets.token_hex(4), is_noted=False) as api:
        probe(api, settings)
        return api.created.requests


def probe(api: Api, settings: Configuration) -> None:
    """Send a read that is known to be good, and read the borrowed item, if one is named."""
    transport = api.transport
    usual = transport.limits
    transport.limits = dataclasses.replace(usual, most_attempts=ATTEMPTS, is_first_look=True)
    try:
        _probe_address(api, settings.base_url)
        if api.borrowed_id is not None:
            _probe_borrowed(api, api.borrowed_id)
    finally:
        transport.limits = usual


def _probe_address(api: Api, base_url: str) -> None:
    path = next(iter(api.shape.control_paths), api.shape.path_of(api.shape.unused_id))
    try:
        exchange = api.send("GET", path)
    except Inconclusive as error:
        if base_url.startswith("https:") and any(words in str(error).upper() for words in NO_TLS):
            raise Refused(f"{base_url} does not answer as https; try http") from None
        is_no_http = base_url.startswith("http:") and any(words in str(error) for words in NO_HTTP)
        hint = "; what came is no HTTP, so try https" if is_no_http else ""
        raise Inconclusive(f"{base_url} gives no answer: {error}{hint}") from None
    asks_for_https = exchange.status == 400 and b"https" in exchange.body[:2_000].lower()  # nginx, Apache and Go
    if asks_for_https and base_url.startswith("http://"):
        raise Refused(f"{base_url} does not answer as http; try https")
    if exchange.status in (401, 403):
        key = f"the key in {api.shape.key.env} is not valid there"
        asks = key if api.shape.key.kind != "none" else "it asks for a key, and the contract names none"
        raise Refused(f"{base_url} answered {exchange.status}: {asks}")
    if 300 <= exchange.status < 400:
        place = shown(exchange.headers.get("location", "another address"), 200)
        raise Refused(f"{base_url} sends its callers on to {place}; nothing was sent there. Name the right BASE_URL")
    is_page = exchange.was_accepted and exchange.media_type == "text/html"
    if is_page or (exchange.status == 404 and not _has_list(api)):
        list_path = api.shape.list_path
        example = "" if base_url.endswith(list_path) else f"; it is what comes before {list_path}"
        raise Refused(f"{base_url} has no {path.partition('?')[0]}; correct BASE_URL{example}")


def _has_list(api: Api) -> bool:
    """Whether the resource is there: its list, or where it has none, a missing item that is answered as the API does."""
    if not api.shape.can("list"):
        exchange = api.read(api.shape.unused_id)
        body = exchange.json
        is_error = isinstance(body, dict) and any(each.is_shape_of(body) for each in api.shape.error_shapes)
        return exchange.status == 404 and is_error
    one = {api.shape.paging.size: "1"} if api.shape.paging.size is not None else {}
    return api.list(**one).was_accepted


def _probe_borrowed(api: Api, borrowed_id: ItemId) -> None:
    exchange = api.read(borrowed_id)
    if exchange.status == 404 or (exchange.was_accepted and exchange.item.get(api.shape.id_name) != borrowed_id):
        raise Refused(f"ITEM_ID {borrowed_id}: the account has no such item among its {api.shape.name}")
    if not exchange.was_accepted:
        raise Inconclusive(f"ITEM_ID {borrowed_id}: GET answered {exchange.status}, so its state cannot be saved")
