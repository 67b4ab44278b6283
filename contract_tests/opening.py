"""What every command does before it tests an API that is there already, and again at its end."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from contract_tests import journal
from contract_tests.errors import Refused
from contract_tests.probe import probe
from contract_tests.settings import ALLOWANCE, Settings, opened
from contract_tests.sweep import Swept, sweep


@contextmanager
def shared_allowance() -> Iterator[None]:
    """Let the probe, the run and the workers of xdist spend one budget at one pace."""
    with tempfile.NamedTemporaryFile(prefix="contract-tests-") as file:
        os.environ[ALLOWANCE] = file.name
        try:
            yield
        finally:
            del os.environ[ALLOWANCE]


def first_requests(settings: Settings) -> Counter[str]:
    """Send the requests that a run begins with; how many, by operation."""
    with opened(settings, secrets.token_hex(4)) as api:
        probe(api, settings)
        return api.ledger.requests


def put_right(settings: Settings, sent: Counter[str]) -> Swept:
    """Put right what runs that live no more have left, and count the requests."""
    swept = sweep(settings)
    sent.update(swept.requests)
    return swept


def require_free(settings: Settings) -> None:
    """Refuse to borrow a persona that another run has not given back, and whose state would be saved wrongly."""
    for remains in journal.of_all_runs():
        if remains.lent is not None and remains.lent["id"] == settings.lent_id:
            raise Refused(f"PERSONA_ID {settings.lent_id} is lent to run {remains.run}: see {remains.path}")
