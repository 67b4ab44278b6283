"""What the name and the text of a variable may be: one parser for each kind of value, which refuses in one line."""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import httpx

from contract_tests.errors import Refused
from contract_tests.transport.target import LOOPBACK_HOSTS

SHORTEST_KEY = 8
LAST_PORT = 65_535
PEERS = ("schemathesis", "schemathesis-with-hooks")
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


def shown(text: str) -> str:
    """Return a value as a message shows it: short, on one line, quoted."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}...")


def flag(name: str, text: str) -> bool:
    """Read yes or no."""
    said = text.strip().lower()
    if said not in TRUE | FALSE:
        raise Refused(f"{name} must be 1, true, yes or on, or 0, false, no, off or empty, not {shown(text)}")
    return said in TRUE


def number(
    kind: type, least: float, most: float, *, zero: str = "", is_above: bool = False, too_small: str = ""
) -> Parser:
    """Make the parser of a number; *zero* says what 0 means, *too_small* what is wrong with less than *least*."""
    what = "a whole number" if kind is int else "a number"
    smallest = Decimal(str(least))
    lowest = f"more than {least:,}" if is_above else f"at least {least:,}"
    may_be = f"{lowest} and at most {most:,}" + (f", or 0 for {zero}" if zero else "")
    form = re.compile(r"\d+" if kind is int else r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

    def parse(name: str, text: str) -> Any:
        # Compared as a decimal: as a double 1e-400 would be 0, which may mean no limit at all.
        given = None
        with suppress(InvalidOperation):  # an exponent beyond reason
            given = Decimal(text.strip()) if form.fullmatch(text.strip()) else None
        if given is not None and zero and given == 0:
            return kind(0)
        if given is not None and given < smallest and too_small:
            raise Refused(f"{name}={shown(text)[1:-1]} {too_small}; {may_be}")
        if given is None or given > most or given < smallest or (is_above and not kind(given)):
            raise Refused(f"{name} must be {what}, {may_be}, not {shown(text)}")
        return kind(given)

    return parse


def address(name: str, text: str) -> str:
    """Read the address of an API; its slashes at the end are dropped."""
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
        raise Refused(f"{name} must not hold a user or a password; the key has a variable of its own")
    if url.scheme not in ("http", "https") or not url.host:
        raise Refused(f"{name} {told} must begin with http:// or https:// and name a host")
    if url.port is not None and not 1 <= url.port <= LAST_PORT:
        raise Refused(f"{name} {told} names port {url.port}; ports go from 1 to {LAST_PORT}")
    if url.query or url.fragment:
        raise Refused(f"{name} {told} must end with its path")
    if url.scheme == "http" and url.host not in LOOPBACK_HOSTS:
        raise Refused(f"{name} {told} would send the key unencrypted; use https")
    return text.rstrip("/")


def key(name: str, text: str, *, is_login: bool = False) -> str:
    """Read a key; what is wrong with it is said without it."""
    if not text.isascii() or not text.isprintable() or text != text.strip():
        raise Refused(f"{name} holds a character that no header can carry; look for a space or a line break")
    if 0 < len(text) < SHORTEST_KEY:
        raise Refused(f"{name} has fewer than {SHORTEST_KEY} characters, so it could not be kept out of reports")
    if text and is_login and ":" not in text:
        raise Refused(f"{name} has no colon; the contract asks for HTTP basic, so put one between user and secret")
    return text


def item_id(name: str, text: str) -> str:
    """Read the id of an item."""
    if not text.isprintable() or set(text) & set("/ ?#%") or text.startswith("."):
        raise Refused(f"{name} {shown(text)} is no id of an item; take the last part of its path")
    return text


def word(name: str, text: str) -> str:
    """Read a name; whether there is something of that name, the command that looks for it says."""
    said = text.strip()
    if not said or not said.isprintable() or " " in said:
        raise Refused(f"{name} must be one name, not {shown(text)}")
    return said


def peer(name: str, text: str) -> str:
    """Read which other tool is tried."""
    if text.strip() not in PEERS:
        raise Refused(f"{name} must be {' or '.join(PEERS)}, not {shown(text)}")
    return text.strip()


def path(name: str, text: str) -> Path:
    """Read the path of a file or a folder, which need not be there."""
    if not text.strip() or "\0" in text:
        raise Refused(f"{name} must be a path, not {shown(text)}")
    return Path(text)


def existing_file(name: str, text: str) -> Path:
    """Read the path of a file that is there."""
    file = path(name, text)
    if not file.is_file():
        raise Refused(f"{name}: {shown(text)} is no file; name the file as it is seen from {Path.cwd()}")
    return file.absolute()


def paths(name: str, text: str) -> tuple[str, ...]:
    """Read one path or two, with a space between."""
    given = tuple(text.split())
    if not 1 <= len(given) <= 2:
        raise Refused(f"{name} must be one map or two, not {shown(text)}")
    return given


def folders(name: str, text: str) -> tuple[str, ...]:
    """Read the paths of folders that are there, with spaces between."""
    for each in text.split():
        if not Path(each).is_dir():
            raise Refused(f"{name}: {shown(each)} is no folder; name the folders of the reports of shards")
    return tuple(text.split())


def shard(name: str, text: str) -> tuple[int, int]:
    """Read which of several machines this is: a number, a slash, and how many there are."""
    found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text.strip(), re.ASCII)
    if not found or int(found[1]) > int(found[2]):
        raise Refused(f"{name} must be such as 2/8, the second of eight machines, not {shown(text)}")
    return int(found[1]), int(found[2])


def redis_address(name: str, text: str) -> str:
    """Read the address of a Redis; it may hold a password, so it is not repeated."""
    if not re.match(r"rediss?://\S+$|unix:///\S+$", text):
        raise Refused(f"{name} must begin with redis://, rediss:// or unix:// and name a host or a socket")
    return text


def close_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known variable that a name is probably meant to be; None for a known one, and for one far from all."""
    names = tuple(known)
    if name in names:
        return None
    spelt = _spelt(name)
    for each in names:
        own = _spelt(each)
        if (len(own) >= SPELT_NAME and spelt == own) or (len(own) >= LONG_NAME and _is_one_edit(spelt, own)):
            return each
    return None


def _spelt(name: str) -> str:
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
