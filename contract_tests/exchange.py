"""One request and its answer, and how both are shown to a person: in a line each, and as a shell line that repeats it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx

from contract_tests.foreign_text import shown
from contract_tests.reading import Unreadable, read_json
from contract_tests.secrecy import OWN_KEY, secrecy_of

# A shell line holds so many bytes of a body as they are.
LONG_BODY_BYTES = 200
# So much is kept of each end of an answer that somebody reads later.
KEPT_BYTES = 4096
# What a shell takes as it stands between double quotes.
SAFE_IN_QUOTES = re.compile(r"[\w .,:;/+*=?&@%()<>{}|~^#'\[\]-]*", re.ASCII)
# Bytes of what a long body repeats: one character, or the opening of a nested value.
RUN_UNITS = range(1, 9)
# Headers that every request has; a line that repeats a request does without them.
USUAL_HEADERS = frozenset({"host", "accept", "user-agent", "content-length", "connection", "accept-encoding"})


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    """Path and query below the base URL."""
    request_headers: tuple[tuple[str, str], ...]
    """As sent, the key replaced by $COVAL_API_KEY."""
    request_body: bytes = field(repr=False)
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    persona_id: str | None = None
    """The id in the path, where it is one that this run has made."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no line about this exchange may show, wherever the API echoes it."""
    response: httpx.Response | None = field(default=None, repr=False, compare=False)
    """The answer as httpx has it, for tools that judge by themselves."""
    flaw: str = ""
    """What is wrong with the answer as HTTP, so that no client can read it; empty for a whole one."""
    cut_bytes: int = 0
    """How many bytes of the body are left out in its middle."""

    @cached_property
    def json(self) -> Any:
        """The decoded answer, or NOT_JSON."""
        return NOT_JSON if self.unreadable else self._reading

    @property
    def unreadable(self) -> str:
        """Why no client can read the answer as JSON; empty where it can."""
        return self.flaw or (str(self._reading) if isinstance(self._reading, Unreadable) else "")

    @cached_property
    def _reading(self) -> Any:
        try:
            return read_json(self.body)
        except Unreadable as error:
            return error

    @property
    def persona(self) -> dict[str, Any]:
        """The persona in the answer; empty where there is none."""
        answer = self.json
        persona = answer.get("persona") if isinstance(answer, dict) else None
        return persona if isinstance(persona, dict) else {}

    @property
    def was_accepted(self) -> bool:
        """Whether the API says that it did what was asked."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The answer's media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def sent(self) -> str:
        """Return the request as one line, long bodies cut in the middle."""
        body = _shorten(self.hide(self.request_body.decode("utf-8", "backslashreplace")))
        return f"{self.method} {shown(self.hide(self.path))}  {body}".rstrip()

    def received(self) -> str:
        """Return the answer as one line, long bodies cut in the middle."""
        kept = self.excerpt()
        return f"{self.status}  {_shorten(self.hide(kept.body.decode('utf-8', 'backslashreplace')), kept.cut_bytes)}"

    def excerpt(self) -> Exchange:
        """Return the exchange as a report needs it: of a long answer both ends, so that many of them take little room."""
        cut = len(self.body) - 2 * KEPT_BYTES
        if cut <= 0:
            return self
        body = self.body[:KEPT_BYTES] + self.body[-KEPT_BYTES:]
        return replace(self, body=body, cut_bytes=self.cut_bytes + cut, response=None)

    def curl(self) -> str:
        """
        Return a shell line that repeats the request.

        The address, the key and the persona are variables: the personas of a run are gone when its report is read.
        """
        path = self.path
        if self.persona_id is not None:
            path = path.replace(quote(self.persona_id, safe="", errors="surrogatepass"), '"$PERSONA_ID"')
        told = [(name, self.hide(value)) for name, value in self.request_headers if name not in USUAL_HEADERS]
        headers = [f"-H {_quote_header(f'{name}: {value}')}" for name, value in told]
        method = [] if self.method == "GET" else ["-X", shlex.quote(self.method)]
        parts = ["curl", "-sS", *method, f'"$BASE_URL"{_quote_path(path)}', *headers]
        if not self.request_body:
            return " ".join(parts)
        text = self.request_body.decode("utf-8", "surrogateescape")
        is_plain = shown(text) is text and len(self.request_body) <= LONG_BODY_BYTES
        if is_plain:
            return " ".join([*parts, "--data-binary", shlex.quote(text)])
        return f"python3 -c {shlex.quote(_printing(self.request_body))} | " + " ".join([*parts, "--data-binary", "@-"])

    def hide(self, text: str) -> str:
        """Return a text of this exchange without the secrets."""
        return secrecy_of(self.secrets).text(text)


class NotJson:
    """The marker for an answer that is not JSON."""

    def __repr__(self) -> str:
        return "not JSON"


NOT_JSON = NotJson()


def _quote_header(line: str) -> str:
    """Quote a header's line for a shell, the variable that holds the key left to the shell."""
    if SAFE_IN_QUOTES.fullmatch(line.replace(OWN_KEY, "")):
        return f'"{line}"'
    pieces = [_quoted(piece) if piece else "" for piece in line.split(OWN_KEY)]
    return f'"{OWN_KEY}"'.join(pieces)


def _quoted(text: str) -> str:
    """Quote a text for a shell, what cannot be seen spelled out."""
    if shown(text) is text:
        return shlex.quote(text)
    return "$'" + "".join(_spelled(byte) for byte in text.encode("utf-8", "backslashreplace")) + "'"


def _spelled(byte: int) -> str:
    character = chr(byte)
    return character if character.isalnum() and byte < 0x80 else f"\\x{byte:02x}"


def _quote_path(path: str) -> str:
    return "".join(
        part if part == '"$PERSONA_ID"' else _quoted(part) if part else ""
        for part in _split_keeping(path, '"$PERSONA_ID"')
    )


def _split_keeping(text: str, separator: str) -> list[str]:
    before, found, after = text.partition(separator)
    return [before, found, after] if found else [before]


def _shorten(text: str, left_out: int = 0) -> str:
    text = re.sub(r"(.{1,8}?)\1{23,}", lambda run: f"{run[1]}...({len(run[0]) // len(run[1])} times)...", text)
    return shown(text, left_out=left_out)


def _printing(body: bytes) -> str:
    """Return a Python program that prints *body*, runs of one character written as a product."""
    pieces: list[str] = []
    rest = body
    while rest:
        unit = next((rest[:size] for size in RUN_UNITS if rest.startswith(rest[:size] * 24)), b"")
        if unit:
            count = 24
            while rest.startswith(unit, count * len(unit)):
                count += 1
            pieces.append(f"{unit!r}*{count}")
            rest = rest[count * len(unit) :]
        else:
            end = next((i for i in range(1, len(rest)) if _starts_run(rest, i)), len(rest))
            pieces.append(repr(rest[:end]))
            rest = rest[end:]
    return f"import sys; sys.stdout.buffer.write({'+'.join(pieces)})"


def _starts_run(body: bytes, at: int) -> bool:
    return any(body.startswith(body[at : at + size] * 24, at) for size in RUN_UNITS)
