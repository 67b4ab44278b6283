"""Opens the API that a map is made of: the one that BASE_URL names, or a mock, with a fault if one is asked for."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

from contract_tests import journal
from contract_tests.configuration import Configuration
from contract_tests.contract import Contract
from contract_tests.errors import Inconclusive, Refused
from contract_tests.interruption import held_back
from contract_tests.loan import borrowed
from contract_tests.mock_api.process import MockStartError
from contract_tests.opening import first_requests, put_right, try_loan
from contract_tests.run import Run
from contract_tests.target import Api, Target
from contract_tests.under_test import opened, shared_allowance, started_mock
from contract_tests.verdict import Judge, Violation

# Takes a line that a person reads.
Tell = Callable[[str], None]


@dataclass
class Session:
    """A run that a map is made with, and what it has cost so far."""

    run: Run
    sent: Counter[str]
    """The requests that were sent before the run, by operation."""
    settings: Configuration
    """What is asked for."""
    problem: str = ""
    """What the account has shown against the API besides the limits; empty where nothing."""

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self.sent.total() + self.run.api.ledger.requests.total()

    @property
    def spent(self) -> str:
        """The requests, with the budget and the pace that they keep to."""
        if not self.settings.is_live:
            return f"{self.requests:,} requests"
        most, rate = self.settings.max_requests, self.settings.requests_per_second
        budget, pace = f" of {most:,}" if most else "", f", {rate:g}/s" if rate else ""
        return f"{self.requests:,}{budget} requests{pace}"


def clean_mock(settings: Configuration) -> Configuration:
    """Return what is asked for, but of the mock as it should be."""
    return replace(settings, base_url="", fault=None)


@contextmanager
def opened_session(contract: Contract, asked: Configuration, seed: int, tell: Tell) -> Iterator[Session]:
    """
    Lend a run, and leave the account as it was.

    Args:
        contract: What the API is held to.
        asked: What is asked for.
        seed: Decides what is drawn.
        tell: Takes what was put right and what was left.

    Raises:
        Refused: The address, the key or the fault is wrong.
        Inconclusive: Nothing answers.
    """
    sent: Counter[str] = Counter()
    if not asked.is_live:
        with mock_api(contract, asked) as api, closed(contract, api, seed, sent, asked, tell) as session:
            yield session
        return
    asked.require_key()
    with shared_allowance(asked) as settings:
        sent.update(first_requests(settings))
        for line in put_right(settings, sent).lines():
            tell(line)
        try_loan(settings, sent)
        run_id = secrets.token_hex(4)
        try:
            with (
                opened(settings, run_id, is_name=contract.accepts_name) as api,
                closed(contract, api, seed, sent, settings, tell) as session,
            ):
                yield session
        finally:
            with held_back():
                journal.release_all()
                for line in put_right(settings, sent).lines():
                    tell(line)


@contextmanager
def mock_api(contract: Contract, settings: Configuration) -> Iterator[Api]:
    """
    Lend a mock that lives as long as the block.

    Raises:
        Refused: It did not start.
    """
    try:
        with started_mock(settings.fault) as mock:
            target = Target(settings.target, mock.url, mock.api_key)
            with Api(target, secrets.token_hex(4), is_name=contract.accepts_name) as api:
                yield api
    except MockStartError as error:
        raise Refused(str(error)) from None


@contextmanager
def closed(
    contract: Contract, api: Api, seed: int, sent: Counter[str], settings: Configuration, tell: Tell
) -> Iterator[Session]:
    """Lend a run whose personas are removed afterwards, and whose lent persona, if it has one, is restored."""
    left: list[str] = []
    try:
        with borrowed(api, api.lent_id, contract, left) if api.lent_id else nullcontext() as lent:
            session = Session(Run(api, Judge(contract, (api.target.api_key,)), seed, lent), sent, settings)
            yield session
    finally:
        with held_back():
            left += api.remove_all()
            for line in left:
                tell(f"LEFT BEHIND: {line}")
    try:
        session.run.require_own_account()
    except (Inconclusive, Violation) as surprise:
        session.problem = str(surprise).partition("\n")[0]
