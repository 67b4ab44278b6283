"""
What may never be shown: the key, a leading part of it, and each form in which it may come back.

An API may echo the key anywhere. Its answers are cleared of the key before any tool sees them, and what a run prints
or writes is cleared once more, so that no report, database or traceback has to be trusted.
"""

from __future__ import annotations

import base64
import html
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

OWN_KEY = "$COVAL_API_KEY"
# A shorter key, or part of one, is likely to occur in any text, so nothing follows from finding it.
SHORTEST_SECRET = 8
SECRET_HEADERS = frozenset({"x-api-key", "authorization", "cookie", "api-key"})


class Secrecy:
    """Replaces secrets in texts by $COVAL_API_KEY."""

    def __init__(self, secrets: Iterable[str], *, shortest_share: float = 0) -> None:
        """
        Prepare for some secrets.

        Args:
            secrets: The key, and others that may not be shown; those that are too short to tell are passed over.
            shortest_share: The smallest leading part of a form that counts, as a share of it. Never less than
                SHORTEST_SECRET characters count.
        """
        self._forms: dict[str, list[str]] = {}
        for secret in secrets:
            for form in forms_of(secret):
                opening = form[: max(SHORTEST_SECRET, int(len(form) * shortest_share))]
                self._forms.setdefault(opening, []).append(form)
        openings = sorted(self._forms, key=len, reverse=True)
        self._openings = re.compile("|".join(map(re.escape, openings)) or r"(?!)")

    def text(self, text: str) -> str:
        """Return *text* without the secrets; the very same text where there is none."""
        pieces, kept_until = [], 0
        for match in self._openings.finditer(text):
            if match.start() >= kept_until:
                pieces += [text[kept_until : match.start()], OWN_KEY]
                kept_until = max(_end(text, match.start(), form) for form in self._forms[match.group()])
        return "".join([*pieces, text[kept_until:]]) if pieces else text

    def raw(self, data: bytes) -> bytes:
        """Return *data* without the secrets; the very same bytes where there is none."""
        text = data.decode("utf-8", "surrogateescape")
        cleared = self.text(text)
        return data if cleared is text else cleared.encode("utf-8", "surrogateescape")


@cache
def forms_of(secret: str) -> tuple[str, ...]:
    """
    List the forms in which a secret may be shown: as it is, escaped, in base64 wherever it begins, turned round.

    Args:
        secret: A key.

    Returns:
        The longest first; empty for a text that is too short to be told from any other.
    """
    if len(secret) < SHORTEST_SECRET:
        return ()
    shown = {secret, secret[::-1], secret.swapcase(), quote(secret, safe=""), quote_plus(secret)}
    shown |= {re.sub("%..", lambda code: code[0].lower(), quote(secret, safe="")), quote(quote(secret, safe=""))}
    shown |= {json.dumps(secret)[1:-1], html.escape(secret), repr(secret)[1:-1]}
    shown |= set(_in_base64(secret.encode("utf-8")))
    return tuple(sorted((form for form in shown if len(form) >= SHORTEST_SECRET), key=len, reverse=True))


def _in_base64(secret: bytes) -> Iterator[str]:
    """Yield what of a secret's base64 does not depend on its neighbours, for each of the three places it may begin at."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret).decode("ascii")
        stable = encoded[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        yield from (stable, stable.replace("+", "-").replace("/", "_"))
    yield base64.b64encode(secret).decode("ascii")


def _end(text: str, start: int, form: str) -> int:
    """Return where a form that begins at *start*, or its leading part, ends."""
    return start + len(os.path.commonprefix([text[start : start + len(form)], form]))


class ClearedStream(io.TextIOBase):
    """A text stream that shows no secret, and is in all else the stream behind it."""

    def __init__(self, stream: TextIO, secrecy: Secrecy) -> None:
        self._stream = stream
        self._secrecy = secrecy

    def write(self, text: str) -> int:
        """Write *text* without the secrets."""
        self._stream.write(self._secrecy.text(text))
        return len(text)

    def flush(self) -> None:
        """Send on what was written."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether a person watches."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the number of the file behind it."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Whether it takes text."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io declares an attribute that is read only here
        """The encoding of the stream behind it."""
        return self._stream.encoding

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def cleared_output(key: str) -> Iterator[None]:
    """Keep a key out of everything that this process prints, for as long as the block lasts."""
    secrecy = Secrecy([key])
    usual = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = ClearedStream(sys.stdout, secrecy), ClearedStream(sys.stderr, secrecy)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = usual


def clear_files(folders: Iterable[Path], secrecy: Secrecy, *, since: float) -> list[Path]:
    """
    Clear every file of some folders that was written since a moment.

    Args:
        folders: Where to look, deeply; those that are not there are passed over.
        secrecy: What to replace.
        since: In seconds since 1970.

    Returns:
        The files that held a secret.
    """
    found = []
    for path in (Path(place, name) for folder in folders for place, _, names in os.walk(folder) for name in names):
        with suppress(OSError):  # another run may remove what is its own, and what cannot be read is not of this run
            if path.is_file() and path.stat().st_mtime >= since - 1:
                found += [path] if _clear_file(path, secrecy) else []
    return found


def _clear_file(path: Path, secrecy: Secrecy) -> bool:
    data = path.read_bytes()
    cleared = secrecy.raw(data)
    if cleared is not data:
        try:
            path.write_bytes(cleared)
        except OSError:  # on a full disk: rather no file than one that holds the key
            path.unlink()
    return cleared is not data
