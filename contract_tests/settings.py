"""What the environment asks of a run against an API that is there already: how many requests, how fast, on whose account."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from contract_tests.errors import Refused
from contract_tests.fence import MOST_PERSONAS
from contract_tests.journal import Journal
from contract_tests.pace import Allowance
from contract_tests.target import LOOPBACK_HOSTS, TIMEOUT_SECONDS, Api, Target
from contract_tests.transport import Means
from contract_tests.weather import Weather

MAX_REQUESTS = 2_000
RATE = 5.0
# A smaller budget would end before a single persona was made, tried and removed.
SMALLEST_BUDGET = 10
# So many personas does the busiest test need at a time, and one more for one whose removal failed.
SMALLEST_CAP = 12
SHORTEST_KEY = 8
# The file in which the processes of one run count their requests.
ALLOWANCE = "ALLOWANCE_FILE"


@dataclass(frozen=True)
class Settings:
    """What BASE_URL and the variables beside it say."""

    base_url: str
    """Without a slash at its end."""
    max_requests: int
    """0 for no limit."""
    requests_per_second: float
    """0 for no limit."""
    timeout_seconds: float
    most_personas: int
    lent_id: str | None
    """The persona that an account which may make none lends."""

    def allowance(self) -> Allowance:
        """Open the budget of the run."""
        return Allowance(self.max_requests, self.requests_per_second, os.environ.get(ALLOWANCE))


def read_settings(environment: Mapping[str, str]) -> Settings | None:
    """
    Read the settings of a run against BASE_URL.

    Returns:
        None without a BASE_URL: a run against the mock that it starts has no limits.

    Raises:
        Refused: A variable cannot be followed.
    """
    base_url = environment.get("BASE_URL", "")
    if not base_url:
        return None
    _require_url(base_url)
    budget = whole_number(environment, "MAX_REQUESTS", MAX_REQUESTS)
    if 0 < budget < SMALLEST_BUDGET:
        raise Refused(
            f"MAX_REQUESTS={budget} ends before anything is tried; at least {SMALLEST_BUDGET}, or 0 for no limit"
        )
    cap = whole_number(environment, "MAX_PERSONAS", MOST_PERSONAS)
    if cap < SMALLEST_CAP:
        raise Refused(f"MAX_PERSONAS={cap} is fewer than the tests need at a time; at least {SMALLEST_CAP}")
    lent_id = environment.get("PERSONA_ID") or None
    if lent_id is not None and (not lent_id.isprintable() or set(lent_id) & set("/ ?#%") or lent_id.startswith(".")):
        raise Refused(f"PERSONA_ID {lent_id!r} is no id of a persona; take the last part of its resource name")
    return Settings(
        base_url.rstrip("/"),
        budget,
        _number(environment, "RATE", RATE),
        _number(environment, "TIMEOUT", TIMEOUT_SECONDS, can_be_zero=False),
        cap,
        lent_id,
    )


def read_key(environment: Mapping[str, str]) -> str:
    """
    Read the key of the account.

    Raises:
        Refused: There is none, or no header could carry it, or it is too short to be kept out of what is printed.
    """
    key = environment.get("COVAL_API_KEY", "")
    if not key:
        raise Refused("COVAL_API_KEY is not set; export the key of the account that BASE_URL belongs to")
    if not key.isascii() or not key.isprintable() or key != key.strip():
        raise Refused("COVAL_API_KEY holds a character that no header can carry; look for a space or a line break")
    if len(key) < SHORTEST_KEY:
        raise Refused(f"COVAL_API_KEY has fewer than {SHORTEST_KEY} characters, so it could not be kept out of reports")
    return key


@contextmanager
def opened(
    settings: Settings, run: str, *, is_name: Callable[[str], bool] = bool, weather: Weather | None = None
) -> Iterator[Api]:
    """
    Lend an API that keeps to the settings and writes down what it makes.

    Args:
        settings: What the environment asks for.
        run: The name of the run, eight hexadecimal digits.
        is_name: Whether a new persona may have a name by the contract.
        weather: Where the waiting is told.

    Raises:
        Refused: COVAL_API_KEY cannot be used.
    """
    target = Target(settings.base_url, settings.base_url, read_key(os.environ))
    try:
        journal = Journal(run, target.base_url, target.api_key)
    except OSError as error:
        raise Refused(f"JOURNAL {error.filename}: {error.strerror}; without a journal nothing is sent") from None
    allowance = settings.allowance()
    means = Means(allowance, weather or Weather(), journal)
    try:
        with Api(
            target,
            run,
            timeout_seconds=settings.timeout_seconds,
            means=means,
            most_personas=settings.most_personas,
            lent_id=settings.lent_id,
            is_name=is_name,
        ) as api:
            yield api
    finally:
        journal.close()
        allowance.close()


def whole_number(environment: Mapping[str, str], variable: str, default: int) -> int:
    """
    Read a whole number, 0 or more.

    Raises:
        Refused: It is something else.
    """
    text = environment.get(variable) or str(default)
    if not text.isascii() or not text.isdigit():
        raise Refused(f"{variable} must be a whole number, not {text!r}")
    return int(text)


def _number(environment: Mapping[str, str], variable: str, default: float, *, can_be_zero: bool = True) -> float:
    text = environment.get(variable) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0 or (number == 0 and not can_be_zero):
        least = "0 or more" if can_be_zero else "more than 0"
        raise Refused(f"{variable} must be a number, {least}, not {text!r}")
    return number


def _require_url(text: str) -> None:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise Refused(f"BASE_URL {text!r} is no URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Refused(f"BASE_URL {text!r} must begin with http:// or https:// and name a host")
    if url.userinfo:
        raise Refused("BASE_URL must not hold a user or a password; the key comes from COVAL_API_KEY")
    if url.query or url.fragment:
        raise Refused(f"BASE_URL {text!r} must end with its path")
    if url.scheme == "http" and url.host not in LOOPBACK_HOSTS:
        raise Refused(f"BASE_URL {text} would send the key unencrypted; use https")
