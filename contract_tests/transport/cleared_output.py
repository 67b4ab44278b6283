"""Keeps the key out of what this process prints, and out of the files that it leaves."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

from contract_tests.foreign_text import LAYOUT, shown
from contract_tests.transport.redaction import OWN_KEY, Redactor, replaced
from contract_tests.transport.structured_text import SHOWN_ATTRIBUTES, cleared, cleared_markup

# A stream looks back so many characters for the beginning of what it is given the rest of.
REMEMBERED = 400
COLOURS = re.compile(r"(\x1b\[[0-9;]*m)")
TERMINAL_CONTROLS = re.compile(r"(\x1b\[(?:[0-9;]*[mKABCDG]|\?25[hl])|\r)")
JOURNALS = ".journal"


class ClearedStream:
    """A text stream that shows no secret and no control character, and is in all else the stream behind it."""

    def __init__(
        self, stream: TextIO, redactor: Redactor, stands: str = OWN_KEY, own_texts: Iterable[str] = ()
    ) -> None:
        """Put *stands* where a secret stands, but leave *own_texts*, which hold no more of it than chance may."""
        self._stream = stream
        self._redactor = redactor
        self._stands = stands
        own = "|".join(re.escape(text) for text in own_texts if text and not redactor.evident.holds(text))
        self._own = re.compile(own) if own else None
        self._before = ""
        """What was written last: a secret may come in pieces."""

    def write(self, text: str) -> int:
        """Write *text* without the secrets; of one that comes in pieces, no more than the first few characters show."""
        told = _harmless(self._cleared(text), is_terminal=self._stream.isatty())
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(told.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write some texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _cleared(self, text: str) -> str:
        before, self._before = self._before, (self._before + text)[-REMEMBERED:]
        whole, begin = before + text, len(before)
        own = [match.span() for match in self._own.finditer(whole)] if self._own is not None else []
        secret = [
            (start, end)
            for start, end in self._redactor.places(whole)
            if end > begin and not any(first <= start and end <= last for first, last in own)
        ]
        return replaced(text, [(max(start - begin, 0), end - begin) for start, end in secret], self._stands)


def _harmless(text: str, *, is_terminal: bool) -> str:
    """Spell out controls, but for colours, and on a terminal for what moves the cursor of a bar or a line in progress."""
    if text.isprintable():
        return text
    pieces = (TERMINAL_CONTROLS if is_terminal else COLOURS).split(text)
    pieces[::2] = [shown(piece, sys.maxsize, keep=LAYOUT) for piece in pieces[::2]]  # the others are kept
    return "".join(pieces)


@contextmanager
def cleared_output(key: str, variable: str, own_texts: Iterable[str] = ()) -> Iterator[None]:
    """
    Keep a key out of everything that this process prints, for as long as the block lasts: the *variable* that holds it is
    printed in its place. *own_texts*, such as a path, are what the user has written on the command line, and may be shown.
    """
    redactor, stands, own = Redactor([key]), f"${variable}", tuple(own_texts)
    streams: Any = [ClearedStream(stream, redactor, stands, own) for stream in (sys.stdout, sys.stderr)]
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        yield


def clear_files(folders: Iterable[Path], redactor: Redactor, *, since: float) -> list[Path]:
    """Clear every file below some folders that was written since a moment; return those that held a secret."""
    found = []
    for path in (Path(place, name) for folder in folders for place, _, names in os.walk(folder) for name in names):
        with suppress(OSError):  # another run may remove what is its own, and what cannot be read is not of this run
            if path.is_file() and path.stat().st_mtime >= since - 1:
                found += [path] if _clear_file(path, redactor) else []
    return found


def _clear_file(path: Path, redactor: Redactor) -> bool:
    data = path.read_bytes()
    # A journal tells what is to be removed: it is cleared of nothing that may be a part of an id by chance.
    redactor = redactor.evident if path.parent.name == JOURNALS else redactor
    text = data.decode("utf-8", "surrogateescape")
    places = redactor.places(text)
    if not places:
        return False
    if path.suffix in (".html", ".xml"):
        attributes = SHOWN_ATTRIBUTES if path.suffix == ".html" else None
        changed = cleared_markup(text, places, redactor.text, attributes)
    else:
        changed = cleared(text, places, redactor.text, keeps_own_names=True)
    try:
        path.write_bytes(changed.encode("utf-8", "surrogateescape"))
    except OSError:  # on a full disk: rather no file than one that holds the key
        path.unlink()
    return changed != text
