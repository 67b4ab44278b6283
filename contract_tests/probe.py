"""The harmless request or two that every run against an API begins with: is it there, and is the key right?"""

from __future__ import annotations

import dataclasses

from contract_tests.configuration import Configuration
from contract_tests.errors import Inconclusive, Refused
from contract_tests.exchange import Exchange
from contract_tests.foreign_text import shown
from contract_tests.target import Api

# An API that is not there is noticed soon.
ATTEMPTS = 3
# What OpenSSL says, in capitals, of an answer that is no TLS.
NO_TLS = (
    "WRONG_VERSION_NUMBER",
    "WRONG VERSION NUMBER",
    "RECORD LAYER FAILURE",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
)
# What h11 says of bytes that begin no HTTP answer, such as a TLS alert.
NO_HTTP = ("illegal request line", "illegal status line")


def probe(api: Api, settings: Configuration) -> None:
    """
    Ask the API for its voices, and for the persona that is lent, if one is.

    Raises:
        Refused: The address, the path, the key or the persona is wrong.
        Inconclusive: Nothing answers there.
        TargetError: Its certificate is not trusted.
    """
    transport = api.transport
    usual, transport.means = (
        transport.means,
        dataclasses.replace(transport.means, most_attempts=ATTEMPTS, is_first_look=True),
    )
    try:
        _probe_voices(api, settings.base_url)
        if settings.lent_id is not None:
            _probe_lent(api, settings.lent_id)
    finally:
        transport.means = usual


def _probe_voices(api: Api, base_url: str) -> None:
    try:
        exchange = api.voices()
    except Inconclusive as error:
        if base_url.startswith("https:") and any(words in str(error).upper() for words in NO_TLS):
            raise Refused(f"{base_url} does not answer as https; try http") from None
        is_no_http = base_url.startswith("http:") and any(words in str(error) for words in NO_HTTP)
        hint = "; what came is no HTTP, so try https" if is_no_http else ""
        raise Inconclusive(f"{base_url} gives no answer: {error}{hint}") from None
    if exchange.status == 400 and base_url.startswith("http://") and _says_https(exchange):
        raise Refused(f"{base_url} does not answer as http; try https")
    if exchange.status in (401, 403):
        raise Refused(f"{base_url} answered {exchange.status}: the key in COVAL_API_KEY is not valid there")
    if 300 <= exchange.status < 400:
        place = shown(exchange.headers.get("location", "another address"), 200)
        raise Refused(f"{base_url} sends its callers on to {place}; nothing was sent there. Name the right BASE_URL")
    if _is_page(exchange) or (exchange.status == 404 and not api.list_personas(page_size="1").was_accepted):
        raise Refused(f"{base_url} has no /personas/voices; BASE_URL must end like https://api.coval.dev/v1")


def _says_https(exchange: Exchange) -> bool:
    """Whether a web server answers in plain text that it expects TLS, as nginx, Apache and Go's do."""
    return b"https" in exchange.body[:2_000].lower()


def _probe_lent(api: Api, lent_id: str) -> None:
    exchange = api.get(lent_id)
    if exchange.status == 404 or (exchange.was_accepted and exchange.persona.get("id") != lent_id):
        raise Refused(f"PERSONA_ID {lent_id}: the account has no such persona")
    if not exchange.was_accepted:
        raise Inconclusive(f"PERSONA_ID {lent_id}: GET answered {exchange.status}, so its state cannot be saved")


def _is_page(exchange: Exchange) -> bool:
    """Whether a web server has answered, and not the API."""
    return exchange.was_accepted and exchange.media_type == "text/html"
