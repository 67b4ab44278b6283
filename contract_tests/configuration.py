"""
The one reader of the environment: what a person asks for, as one frozen object that is handed down.

Every variable has one parser, and every command reads all of them, so that a value that is not understood is refused
before anything is sent, whichever command it was meant for. No other module looks a variable up.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import httpx

from contract_tests.errors import Refused
from contract_tests.fence import MOST_PERSONAS
from contract_tests.journal import FOLDER
from contract_tests.target import LOOPBACK_HOSTS, TIMEOUT_SECONDS

MAX_REQUESTS = 2_000
RATE = 5.0
PORT = 8400
# A smaller budget would end before a single persona was made, tried and removed.
SMALLEST_BUDGET = 10
# So many personas does the busiest test need at a time, and one more for one whose removal failed.
SMALLEST_CAP = 12
SHORTEST_KEY = 8
LAST_PORT = 65_535
PEERS = ("schemathesis",)
WHOLE, LIVE = "whole", "live"

# So much of a value is repeated to the person who gave it.
SHOWN_CHARACTERS = 60
# A name this long (letters and digits) that differs from another program's variable in one letter is hardly chance.
LONG_NAME = 6
# A name this long that differs from another program's in case and underscores only is hardly chance either.
SPELT_NAME = 5

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"", "0", "false", "no", "off"})

Parser = Callable[[str, str], Any]
"""Takes a variable's name and its text; raises Refused."""


@dataclass(frozen=True)
class Configuration:
    """What a command is asked to do; without arguments, what it does when nothing is asked."""

    base_url: str = ""
    """Of the API that is there already, without a slash at its end; empty for the mock."""
    api_key: str = field(default="", repr=False)
    """Empty where none is given."""
    seed: int | None = None
    minutes: float | None = None
    max_requests: int = MAX_REQUESTS
    """0 for no limit."""
    requests_per_second: float = RATE
    """0 for no limit."""
    timeout_seconds: float = TIMEOUT_SECONDS
    most_personas: int = MOST_PERSONAS
    lent_id: str | None = None
    """The persona that an account which may make none lends."""
    is_dry_run: bool = False
    """Whether nothing is to be sent to the API under test, or by a sweep of everything, nothing but reads."""
    sweeps_all: bool = False
    is_agreed: bool = False
    """Whether what a sweep would ask is answered with yes."""
    fault: str | None = None
    seeds: int = 1
    budget: int = 0
    peer: str | None = None
    share: float = 1.0
    mutant: str = ""
    is_fresh: bool = False
    only_field: str | None = None
    compared: tuple[str, ...] = ()
    longest: int | None = None
    port: int = PORT
    journal: str = str(FOLDER)
    known_divergences: str | None = None

    # What a command decides for its run.
    selection: str = WHOLE
    """whole, or live: a share of the tests."""
    profile: str = "quick"
    """How much hypothesis tries."""
    allowance_file: str | None = None
    """In which the parts and the processes of one run count their requests together."""
    rehearsal_file: str | None = None
    """In which a run that only counts leaves its counts."""

    @property
    def is_live(self) -> bool:
        """Whether the API is there already; the mock is started for the run, and has no limits."""
        return bool(self.base_url)

    @property
    def is_brief(self) -> bool:
        """Whether few requests may be sent."""
        return self.selection == LIVE

    @property
    def target(self) -> str:
        """What a person calls the API under test."""
        if self.is_live:
            return self.base_url
        return "the mock" if self.fault is None else f"the mock with the fault {self.fault}"

    @property
    def journal_folder(self) -> Path:
        """Where the journals of live runs are kept."""
        return Path(self.journal)

    def require_key(self) -> str:
        """
        Return the key of the account.

        Raises:
            Refused: There is none.
        """
        if not self.api_key:
            raise Refused("COVAL_API_KEY is not set; export the key of the account that BASE_URL belongs to")
        return self.api_key


def read_configuration(environment: Mapping[str, str] = os.environ) -> Configuration:
    """
    Read what the environment asks for.

    Raises:
        Refused: A value is not understood, two of them contradict each other, or a name is misspelt. The message is
            one line that names the variable.
    """
    for name in environment:
        if meant := close_name(name):
            raise Refused(f"{name} is not a variable of this suite; perhaps {meant} was meant")
    values = {}
    for name, (field_name, parser) in VARIABLES.items():
        if name in environment:
            text = environment[name]
            if not text and parser not in (_flag, _key):
                raise Refused(f"{name} is set and empty; give it a value, or unset it")
            values[field_name] = parser(name, text)
    configuration = Configuration(**values)
    if configuration.fault is not None:
        if configuration.is_live:
            raise Refused("FAULT is for the mock; leave BASE_URL or FAULT out")
        _require_fault(configuration.fault)
    return configuration


def named_target(environment: Mapping[str, str] = os.environ) -> str:
    """Return what a run was to be aimed at, also where it is refused: the address without what may be secret in it."""
    address = re.split("[?#]", environment.get("BASE_URL", ""))[0]
    return re.sub(r"^(\w+://)?.*@", r"\1", address) or "the mock"


def named_seed(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return the seed that a run was to have, also where it is refused; None where none can be read."""
    text = environment.get("SEED", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def own_key(environment: Mapping[str, str] = os.environ) -> str:
    """Return the key as it is given, good or bad: it must not be shown, even where it is refused."""
    return environment.get("COVAL_API_KEY", "")


def plain(configuration: Configuration) -> dict[str, Any]:
    """Return a configuration as texts and numbers, which another process can make one of: `Configuration(**plain)`."""
    return dataclasses.asdict(configuration)


def foreign_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment without what it asks of this suite, for a process that is told in another way."""
    return {name: value for name, value in environment.items() if name not in VARIABLES}


def close_name(name: str) -> str | None:
    """
    Return the variable that a name is probably meant to be.

    Args:
        name: Any variable of an environment.

    Returns:
        None for a variable of the suite itself, and for one that is not close to any.
    """
    if name in VARIABLES:
        return None
    spelt = _spelt(name)
    for known in VARIABLES:
        own = _spelt(known)
        if (len(own) >= SPELT_NAME and spelt == own) or (len(own) >= LONG_NAME and _is_one_edit(spelt, own)):
            return known
    return None


def _spelt(name: str) -> str:
    """Return what is left of a name when case and underscores do not count."""
    return name.upper().replace("_", "").replace("-", "")


def _is_one_edit(one: str, other: str) -> bool:
    """Whether one letter was added, left out or taken for another, or two neighbours changed places."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1 or one == other:
        return False
    same = len(os.path.commonprefix([short, long]))
    if short == long[:same] + long[same : same + 2][::-1] + long[same + 2 :]:
        return True
    return short[same + (len(short) == len(long)) :] == long[same + 1 :]


def shown(text: str) -> str:
    """Return a value as a message shows it: short, on one line, quoted."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}...")


def _flag(name: str, text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise Refused(f"{name} must be 1, true, yes or on, or 0, false, no, off or empty, not {shown(text)}")
    return word in TRUE


def _number_parser(
    kind: type, least: float, most: float, *, zero: str = "", is_above: bool = False, too_small: str = ""
) -> Parser:
    """
    Make the parser of a number.

    Args:
        kind: int for whole numbers, float for any.
        least: The smallest number.
        most: The largest number.
        zero: What 0 means, where it is allowed beside these.
        is_above: Whether *least* itself is too small.
        too_small: What is wrong with a smaller number, after the variable and the value.
    """
    what = "a whole number" if kind is int else "a number"
    smallest = Decimal(str(least))
    lowest = f"more than {least:,}" if is_above else f"at least {least:,}"
    may_be = f"{lowest} and at most {most:,}" + (f", or 0 for {zero}" if zero else "")
    form = re.compile(r"\d+" if kind is int else r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

    def parse(name: str, text: str) -> Any:
        # Compared as a decimal: as a double 1e-400 would be 0, which may mean no limit at all.
        number = _decimal(text.strip()) if form.fullmatch(text.strip()) else None
        if number is not None and zero and number == 0:
            return kind(0)
        if number is not None and number < smallest and too_small:
            raise Refused(f"{name}={shown(text)[1:-1]} {too_small}; {may_be}")
        if number is None or number > most or number < smallest or (is_above and not kind(number)):
            raise Refused(f"{name} must be {what}, {may_be}, not {shown(text)}")
        return kind(number)

    return parse


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond reason
        return None


def _url(name: str, text: str) -> str:
    # What a person gives may hold a password in the wrong place, which is not repeated.
    told = shown(text) if "@" not in text else "as it is given"
    if not text.isprintable() or " " in text:
        raise Refused(f"{name} {told} holds a space or a line break; take it out")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        why = "" if "@" in text else f": {str(error)[:SHOWN_CHARACTERS]}"
        raise Refused(f"{name} {told} is no URL{why}") from None
    if url.userinfo:
        raise Refused(f"{name} must not hold a user or a password; the key comes from COVAL_API_KEY")
    if url.scheme not in ("http", "https") or not url.host:
        raise Refused(f"{name} {told} must begin with http:// or https:// and name a host")
    if url.port is not None and not 1 <= url.port <= LAST_PORT:
        raise Refused(f"{name} {told} names port {url.port}; ports go from 1 to {LAST_PORT}")
    if url.query or url.fragment:
        raise Refused(f"{name} {told} must end with its path")
    if url.scheme == "http" and url.host not in LOOPBACK_HOSTS:
        raise Refused(f"{name} {told} would send the key unencrypted; use https")
    return text.rstrip("/")


def _key(name: str, text: str) -> str:
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise Refused(f"{name} holds a character that no header can carry; look for a space or a line break")
    if 0 < len(text) < SHORTEST_KEY:
        raise Refused(f"{name} has fewer than {SHORTEST_KEY} characters, so it could not be kept out of reports")
    return text


def _id(name: str, text: str) -> str:
    if not text.isprintable() or set(text) & set("/ ?#%") or text.startswith("."):
        raise Refused(f"{name} {shown(text)} is no id of a persona; take the last part of its resource name")
    return text


def _word(name: str, text: str) -> str:
    """Read a name; whether there is something of that name, the command that looks for it says."""
    word = text.strip()
    if not word or not word.isprintable() or " " in word:
        raise Refused(f"{name} must be one name, not {shown(text)}")
    return word


def _one_of(names: Iterable[str]) -> Parser:
    known = tuple(names)

    def parse(name: str, text: str) -> str:
        if text.strip() not in known:
            raise Refused(f"{name} must be {' or '.join(known)}, not {shown(text)}")
        return text.strip()

    return parse


def _path(name: str, text: str) -> str:
    if not text.strip():
        raise Refused(f"{name} must be a path, not {shown(text)}")
    return text


def _paths(name: str, text: str) -> tuple[str, ...]:
    paths = tuple(text.split())
    if not 1 <= len(paths) <= 2:
        raise Refused(f"{name} must be one map or two, not {shown(text)}")
    return paths


_BUDGET = _number_parser(
    int, SMALLEST_BUDGET, 1_000_000_000, zero="no limit", too_small="ends before anything is tried"
)
_CAP = _number_parser(int, SMALLEST_CAP, 10_000, too_small="is fewer than the tests need at a time")

VARIABLES: dict[str, tuple[str, Parser]] = {
    "BASE_URL": ("base_url", _url),
    "COVAL_API_KEY": ("api_key", _key),
    "SEED": ("seed", _number_parser(int, 0, 10**18)),
    "MINUTES": ("minutes", _number_parser(float, 0, 100_000, is_above=True)),
    "MAX_REQUESTS": ("max_requests", _BUDGET),
    "RATE": ("requests_per_second", _number_parser(float, 0.01, 100_000, zero="no pace")),
    "TIMEOUT": ("timeout_seconds", _number_parser(float, 0.01, 3_600)),
    "MAX_PERSONAS": ("most_personas", _CAP),
    "PERSONA_ID": ("lent_id", _id),
    "DRY_RUN": ("is_dry_run", _flag),
    "ALL": ("sweeps_all", _flag),
    "YES": ("is_agreed", _flag),
    "FAULT": ("fault", _word),
    "SEEDS": ("seeds", _number_parser(int, 1, 10_000)),
    "BUDGET": ("budget", _BUDGET),
    "PEER": ("peer", _one_of(PEERS)),
    "SHARE": ("share", _number_parser(float, 0, 1, is_above=True)),
    "MUTANT": ("mutant", _word),
    "FRESH": ("is_fresh", _flag),
    "FIELD": ("only_field", _word),
    "COMPARE": ("compared", _paths),
    "LONGEST": ("longest", _number_parser(int, 1, 1 << 24)),
    "PORT": ("port", _number_parser(int, 0, LAST_PORT)),
    "JOURNAL": ("journal", _path),
    "KNOWN_DIVERGENCES": ("known_divergences", _path),
}
DECIDED = {"selection", "profile", "allowance_file", "rehearsal_file"}
assert {name for name, _ in VARIABLES.values()} == {each.name for each in dataclasses.fields(Configuration)} - DECIDED


def _require_fault(name: str) -> None:
    """
    Refuse a fault that nobody planted.

    Raises:
        Refused: With the names that are close to it.
    """
    # Imported where it is asked for: the catalogue takes as long as the rest of a command's start.
    from contract_tests.contract import CONTRACT_FILE
    from contract_tests.mock_api import faults
    from contract_tests.mock_api.contract import read_contract
    from contract_tests.mock_api.errors import StartError
    from contract_tests.mock_api.faults.__main__ import checked

    try:
        checked(name, [*faults.catalogue(read_contract(CONTRACT_FILE)), faults.ALWAYS_FAILS], "fault")
    except StartError as error:
        raise Refused(f"FAULT: {error}") from None
