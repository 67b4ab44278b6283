"""One request and its answer, and how both are shown to a person: in a line each, and as a shell line that repeats it."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx

from contract_tests.foreign_text import shown
from contract_tests.transport.answers.json_reading import Unreadable, read_json
from contract_tests.transport.redaction import OWN_KEY, redactor_of
from contract_tests.transport.resource_shape import ItemId, ResourceShape

# A shell line holds so many bytes of a body as they are.
LONG_BODY_BYTES = 200
# A longer call is not written into a test.
LONGEST_CALL = 4_000
# So much is kept of each end of an answer that somebody reads later.
KEPT_BYTES = 4096
# What a shell takes as it stands between double quotes.
SAFE_IN_QUOTES = re.compile(r"[\w .,:;/+*=?&@%()<>{}|~^#'\[\]-]*", re.ASCII)
# What a long body repeats: one character, or the opening of a nested value.
RUN = r"(.{1,8}?)\1{23,}"
BYTE_RUN = re.compile(RUN.encode(), re.DOTALL)
# The variable that stands for the item, in a shell line.
ITEM = '"$ITEM_ID"'
# Headers that every request has; a line that repeats a request does without them.
USUAL_HEADERS = frozenset({"host", "accept", "user-agent", "content-length", "connection", "accept-encoding"})


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    method: str
    path: str
    """Path and query below the base URL."""
    request_headers: tuple[tuple[str, str], ...]
    """As sent, the key replaced by OWN_KEY."""
    request_body: bytes = field(repr=False)
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    item_id: ItemId | None = None
    """The id in the path, where it is one that this run has made."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no line about this exchange may show, wherever the API echoes it."""
    response: httpx.Response | None = field(default=None, repr=False, compare=False)
    """The answer as httpx has it, for tools that judge by themselves."""
    flaw: str = ""
    """What is wrong with the answer as HTTP, so that no client can read it; empty for a whole one."""
    cut_bytes: int = 0
    """How many bytes of the body are left out in its middle."""
    shape: ResourceShape = field(default=ResourceShape(), repr=False, compare=False)
    """The resource, which tells where its items stand in an answer."""
    earlier: tuple["Exchange", ...] = field(default=(), repr=False, compare=False)
    """The creation of its item and the latest writes to it, as far as they are kept; of a list, the latest creations."""

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
    def item(self) -> dict[str, Any]:
        """The item in the answer; empty where there is none."""
        return self.shape.item_in(self.json)

    @property
    def items(self) -> list[Any]:
        """The items in the answer of a list; empty where there is no list."""
        return self.shape.items_in(self.json) or []

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

    def excerpt(self) -> "Exchange":
        """Return the exchange as a report needs it: of a long answer both ends, so that many of them take little room."""
        cut = len(self.body) - 2 * KEPT_BYTES
        if cut <= 0:
            return self
        body = self.body[:KEPT_BYTES] + self.body[-KEPT_BYTES:]
        return replace(self, body=body, cut_bytes=self.cut_bytes + cut, response=None)

    def curl(self) -> str:
        """Return a shell line that repeats the request; the address, the key and the item are variables."""
        told = [(name, self.hide(value)) for name, value in self.request_headers if name not in USUAL_HEADERS]
        headers = [self._header_option(name, value) for name, value in told]
        method = [] if self.method == "GET" else ["-X", shlex.quote(self.method)]
        parts = ["curl", "-sS", *method, f'"$BASE_URL"{self._quoted_path()}', *headers]
        if not self.request_body:
            return " ".join(parts)
        text = self.request_body.decode("utf-8", "surrogateescape")
        is_plain = shown(text) is text and len(self.request_body) <= LONG_BODY_BYTES
        if is_plain:
            return " ".join([*parts, "--data-binary", shlex.quote(text)])
        program = f"import sys; sys.stdout.buffer.write({_expression(self.request_body)})"
        return f"python3 -c {shlex.quote(program)} | " + " ".join([*parts, "--data-binary", "@-"])

    def calls(self) -> list[str]:
        """Return what sends that which came before and then this request, in a written test; empty where it is too long."""
        steps = [*self.earlier, self]
        ids = dict.fromkeys(step.item_id for step in steps if step.item_id is not None)
        places = {quote(str(own), safe="", errors="surrogatepass"): f"ITEM_{number}" for number, own in enumerate(ids)}
        calls = [step._call(places) for step in steps]
        return calls if max(map(len, calls)) <= LONGEST_CALL else []

    def names(self, text: str) -> bool:
        """Whether a text names an item of this run, which no written test has."""
        ids = {str(step.item_id) for step in (*self.earlier, self) if step.item_id is not None}
        return any(re.search(rf"(?<!\w){re.escape(own)}(?!\w)", text) for own in ids)

    def _call(self, places: Mapping[str, str]) -> str:
        path, mark, query = self.path.partition("?")
        path = "/".join(places.get(segment, segment) for segment in path.split("/"))
        headers = [header for header in self.request_headers if header[0] not in USUAL_HEADERS]
        told = f"{self.method!r}, {f'{path}{mark}{query}'!r}, {headers!r}, {_expression(self.request_body)}"
        return f"api.send({self.hide(told)})"

    @property
    def _key(self) -> str:
        return f"${self.shape.key.env}"

    def _header_option(self, name: str, value: str) -> str:
        if (name, value) == ("authorization", f"Basic {OWN_KEY}"):
            return f'-u "{self._key}"'
        return f"-H {_quote_header(f'{name}: {value}', self._key)}"

    def _quoted_path(self) -> str:
        path, mark, query = self.path.partition("?")
        own = None if self.item_id is None else quote(str(self.item_id), safe="", errors="surrogatepass")
        path = "/".join(ITEM if segment == own else segment for segment in path.split("/"))
        parts = re.split(f"({re.escape(ITEM)}|{re.escape(OWN_KEY)})", f"{path}{mark}{query}")
        variables = {ITEM: ITEM, OWN_KEY: f'"{self._key}"'}
        return "".join(variables.get(part) or (_quoted(part) if part else "") for part in parts)

    def hide(self, text: str) -> str:
        """Return a text of this exchange without the secrets."""
        return redactor_of(self.secrets).text(text)


class NotJson:
    """The marker for an answer that is not JSON."""

    def __repr__(self) -> str:
        return "not JSON"


NOT_JSON = NotJson()


def _quote_header(line: str, key: str) -> str:
    """Quote a header's line for a shell, the variable that holds the key left to the shell."""
    if SAFE_IN_QUOTES.fullmatch(line.replace(OWN_KEY, "")):
        return f'"{line.replace(OWN_KEY, key)}"'
    pieces = [_quoted(piece) if piece else "" for piece in line.split(OWN_KEY)]
    return f'"{key}"'.join(pieces)


def _quoted(text: str) -> str:
    if shown(text) is text:
        return shlex.quote(text)
    spelled = re.sub(rb"[^0-9A-Za-z]", lambda byte: b"\\x%02x" % ord(byte[0]), text.encode("utf-8", "backslashreplace"))
    return f"$'{spelled.decode()}'"


def _shorten(text: str, left_out: int = 0) -> str:
    text = re.sub(RUN, lambda run: f"{run[1]}...({len(run[0]) // len(run[1])} times)...", text)
    return shown(text, left_out=left_out)


def _expression(body: bytes) -> str:
    """Return bytes in Python, runs of one character written as a product."""
    pieces: list[str] = []
    done = 0
    for run in BYTE_RUN.finditer(body):
        pieces += [repr(body[done : run.start()])] if run.start() > done else []
        pieces.append(f"{run[1]!r}*{len(run[0]) // len(run[1])}")
        done = run.end()
    return "+".join(pieces + [repr(body[done:])] * (done < len(body) or not body))
