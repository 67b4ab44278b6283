"""What every command does before it tests an API that is there already, and again at its end."""

from __future__ import annotations

import secrets
from collections import Counter

from contract_tests import journal
from contract_tests.configuration import Configuration
from contract_tests.contract import load_contract
from contract_tests.errors import Inconclusive, Refused
from contract_tests.loan import borrowed, rehearse
from contract_tests.probe import probe
from contract_tests.sweep import Swept, sweep
from contract_tests.under_test import opened


def first_requests(settings: Configuration) -> Counter[str]:
    """Send the requests that a run begins with, once its journal can be written; how many, by operation."""
    journal.require_writable(settings.journal_folder)
    with opened(settings, secrets.token_hex(4), is_noted=False) as api:
        probe(api, settings)
        return api.ledger.requests


def put_right(settings: Configuration, sent: Counter[str]) -> Swept:
    """Put right what runs that live no more have left, and count the requests."""
    swept = sweep(settings)
    sent.update(swept.requests)
    return swept


def try_loan(settings: Configuration, sent: Counter[str]) -> None:
    """
    Borrow the persona of PERSONA_ID, if one is named, send it its own state, and give it back.

    Raises:
        Refused: It is lent to another run, or could not be restored.
        Inconclusive: No answer came.
    """
    if settings.lent_id is None:
        return
    left: list[str] = []
    contract = load_contract()
    with opened(settings, secrets.token_hex(4)) as api:
        try:
            with borrowed(api, settings.lent_id, contract, left) as saved:
                rehearse(api, saved, contract)
        except (Refused, Inconclusive) as error:
            left.insert(0, str(error))
            raise type(error)(". LEFT BEHIND: ".join(left)) from None
        finally:
            sent.update(api.ledger.requests)
    if left:
        raise Refused(f"LEFT BEHIND: {left[0]}")
