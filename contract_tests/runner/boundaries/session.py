"""Opens the API that a map is made of: the one that BASE_URL names, or a mock, with a fault if one is asked for."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from rich.text import Text

from contract_tests.checks.account_findings import require_own_account
from contract_tests.checks.judge import Judge, Violation
from contract_tests.checks.run import Run
from contract_tests.checks.shape import shape_of
from contract_tests.errors import Inconclusive, Refused
from contract_tests.mock_api.process import MockStartError
from contract_tests.runner.borrowed_resource import borrowed, try_borrowing
from contract_tests.runner.configuration import Configuration
from contract_tests.runner.preflight import first_requests
from contract_tests.runner.sweep import put_right
from contract_tests.runner.under_test import opened, shared_budget, started_mock
from contract_tests.transport import journal
from contract_tests.transport.interruption import held_back
from contract_tests.transport.target import Api, Target

Tell = Callable[[str], None]
"""Takes a line that a person reads."""


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
        return self.sent.total() + self.run.api.created.requests.total()

    def __rich__(self) -> Text:
        """Return the requests at the moment, with the budget and the pace that they keep to."""
        if not self.settings.is_live:
            return Text(f"{self.requests:,} requests")
        most, rate = self.settings.max_requests, self.settings.requests_per_second
        budget, pace = f" of {most:,}" if most else "", f", {rate:g}/s" if rate else ""
        return Text(f"{self.requests:,}{budget} requests{pace}")


@contextmanager
def opened_session(asked: Configuration, seed: int, tell: Tell) -> Iterator[Session]:
    """Lend a run, and leave the account as it was; *tell* takes what was put right and what was left."""
    sent: Counter[str] = Counter()
    if not asked.is_live:
        with _mock_api(asked) as api, _closed(api, seed, sent, asked, tell) as session:
            yield session
        return
    asked.require_key()
    with shared_budget(asked) as settings:
        sent.update(first_requests(settings))
        put_right(settings, sent, tell)
        try_borrowing(settings, sent)
        try:
            with (
                opened(settings, secrets.token_hex(4), is_name=settings.load_contract().accepts_name) as api,
                _closed(api, seed, sent, settings, tell) as session,
            ):
                yield session
        finally:
            with held_back():
                journal.release_all()
                put_right(settings, sent, tell)


@contextmanager
def _mock_api(settings: Configuration) -> Iterator[Api]:
    try:
        with started_mock(settings) as mock:
            target = Target(settings.target, mock.url, mock.api_key)
            # What is made there ends with it, so its names need not tell who made them.
            with Api(
                target, secrets.token_hex(4), shape_of(settings.load_contract()), is_name=lambda _name: False
            ) as api:
                yield api
    except MockStartError as error:
        raise Refused(str(error)) from None


@contextmanager
def _closed(api: Api, seed: int, sent: Counter[str], settings: Configuration, tell: Tell) -> Iterator[Session]:
    """Lend a run whose items are removed afterwards, and whose lent item, if it has one, is restored."""
    left: list[str] = []
    contract = settings.load_contract()
    try:
        with borrowed(api, api.borrowed_id, contract, left) if api.borrowed_id else nullcontext() as lent:
            session = Session(Run(api, Judge(contract, (api.target.api_key,)), seed, lent), sent, settings)
            yield session
    finally:
        with held_back():
            for line in [*left, *api.remove_all()]:
                tell(f"LEFT BEHIND: {line}")
    try:
        require_own_account(session.run)
    except (Inconclusive, Violation) as surprise:
        session.problem = str(surprise).partition("\n")[0]
