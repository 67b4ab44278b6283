"""Opens the API that a map is made of: the one that BASE_URL names, or a mock, with a fault if one is asked for."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from contract_tests import journal
from contract_tests.contract import Contract
from contract_tests.errors import Refused
from contract_tests.loan import borrowed
from contract_tests.mock_api.process import MockStartError, running_mock
from contract_tests.opening import first_requests, put_right, shared_allowance, try_loan
from contract_tests.run import Run
from contract_tests.settings import Settings, opened, read_key
from contract_tests.target import Api, Target
from contract_tests.verdict import Judge

FAULTY_MOCK = "contract_tests.mock_api.faults"

# Takes a line that a person reads.
Tell = Callable[[str], None]


@dataclass
class Session:
    """A run that a map is made with, and what it has cost so far."""

    run: Run
    sent: Counter[str]
    """The requests that were sent before the run, by operation."""
    settings: Settings | None = None
    """Those of BASE_URL; None for the mock."""

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self.sent.total() + self.run.api.ledger.requests.total()

    @property
    def spent(self) -> str:
        """The requests, with the budget and the pace that they keep to."""
        budget = f" of {self.settings.max_requests:,}" if self.settings and self.settings.max_requests else ""
        pace = (
            f", {self.settings.requests_per_second:g}/s" if self.settings and self.settings.requests_per_second else ""
        )
        return f"{self.requests:,}{budget} requests{pace}"


def target_name(settings: Settings | None, fault: str | None) -> str:
    """Return how a person calls the API that is searched."""
    if settings is not None:
        return settings.base_url
    return "the mock" if fault is None else f"the mock with the fault {fault}"


@contextmanager
def opened_session(
    contract: Contract, settings: Settings | None, fault: str | None, seed: int, tell: Tell
) -> Iterator[Session]:
    """
    Lend a run, and leave the account as it was.

    Args:
        contract: What the API is held to.
        settings: Those of BASE_URL; None for the mock.
        fault: The fault that is planted in the mock.
        seed: Decides what is drawn.
        tell: Takes what was put right and what was left.

    Raises:
        Refused: The address, the key or the fault is wrong.
        Inconclusive: Nothing answers.
    """
    sent: Counter[str] = Counter()
    if settings is None:
        with mock_api(contract, fault) as api, closed(contract, api, seed, sent, settings, tell) as session:
            yield session
        return
    read_key(os.environ)
    with shared_allowance():
        sent.update(first_requests(settings))
        for line in put_right(settings, sent).lines():
            tell(line)
        try_loan(settings, sent)
        run_id = secrets.token_hex(4)
        with (
            opened(settings, run_id, is_name=contract.accepts_name) as api,
            closed(contract, api, seed, sent, settings, tell) as session,
        ):
            yield session
        journal.release_all()
        for line in put_right(settings, sent).lines():
            tell(line)


@contextmanager
def mock_api(contract: Contract, fault: str | None) -> Iterator[Api]:
    """
    Lend a mock that lives as long as the block.

    Raises:
        Refused: There is no such fault.
    """
    arguments = ("--fault", fault) if fault is not None else ()
    try:
        with running_mock(*arguments, module=FAULTY_MOCK) as mock:
            target = Target("the mock", mock.url, mock.api_key)
            with Api(target, secrets.token_hex(4), is_name=contract.accepts_name) as api:
                yield api
    except MockStartError as error:
        raise Refused(str(error)) from None


@contextmanager
def closed(
    contract: Contract, api: Api, seed: int, sent: Counter[str], settings: Settings | None, tell: Tell
) -> Iterator[Session]:
    """Lend a run whose personas are removed afterwards, and whose lent persona, if it has one, is restored."""
    left: list[str] = []
    try:
        with borrowed(api, api.lent_id, contract, left) if api.lent_id else nullcontext() as lent:
            yield Session(Run(api, Judge(contract, (api.target.api_key,)), seed, lent), sent, settings)
    finally:
        left += api.remove_all()
        for line in left:
            tell(f"LEFT BEHIND: {line}")
