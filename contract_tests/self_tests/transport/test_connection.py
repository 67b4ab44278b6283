"""What becomes of an answer, whatever a server sends: an exchange within its time and size, or a failure."""

from __future__ import annotations

import gzip
import itertools
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator

import httpx
import pytest

from contract_tests.checks.findings import Finding
from contract_tests.checks.judge import BROKEN, Judge
from contract_tests.errors import Inconclusive
from contract_tests.self_tests.transport.raw_server import Script, answer, raw_server, trickled
from contract_tests.self_tests.transport.shapes import PERSONAS
from contract_tests.spec.contract import ROOT, load_contract
from contract_tests.transport.answers.json_reading import Unreadable, read_json
from contract_tests.transport.exchange import NOT_JSON, Exchange
from contract_tests.transport.network.connection import FLAW, LARGEST_ANSWER_BYTES, Connections
from contract_tests.transport.retry import Failure, Retries
from contract_tests.transport.run_limits import RunLimits
from contract_tests.transport.target import Api, Target

KEY = "Key-4711-abcdefgh"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
# Of an exchange that may take a second, on a machine that is busy.
SOON_SECONDS = 8.0


def _send(script: Script, timeout_seconds: float = 20.0, *, body: bytes = b"") -> httpx.Response | Failure:
    with raw_server(script) as url:
        connections = Connections(None, timeout_seconds)
        try:
            return connections.send(httpx.Request("GET", f"{url}/personas/voices", content=body))
        finally:
            connections.close()


def _flaw(script: Script) -> str:
    response = _send(script)
    assert isinstance(response, httpx.Response), response
    return str(response.extensions.get(FLAW, ""))


def _wait_long() -> bytes:
    time.sleep(30)
    return b""


ENDLESS: dict[str, Callable[[], Iterator[bytes]]] = {
    "no answer": lambda: iter(_wait_long, b"more"),
    "status line": lambda: trickled(answer(b"{}")),
    "headers": lambda: itertools.chain([HEAD], trickled(b"x-pad: " + b"a" * 600)),
    "body": lambda: itertools.chain([HEAD + b"content-length: 600\r\n\r\n"], trickled(b"a" * 600)),
    "chunks": lambda: itertools.chain([CHUNKED], trickled(b"1\r\na\r\n" * 100)),
    "one chunk": lambda: itertools.chain([CHUNKED + b"258\r\n"], trickled(b"a" * 600)),
    "1xx": lambda: itertools.chain.from_iterable(trickled(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01) for _ in range(99)),
    "1xx at full speed": lambda: itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 64),
}


@pytest.mark.parametrize("endless", ENDLESS.values(), ids=ENDLESS)
def test_exchange_ends_in_time(endless: Callable[[], Iterator[bytes]]) -> None:
    """TIMEOUT bounds the whole exchange, wherever in it the server takes its time."""
    began = time.monotonic()
    outcome = _send(lambda _: endless(), 1.0)
    assert isinstance(outcome, Failure), outcome
    assert outcome.is_late
    assert time.monotonic() - began < SOON_SECONDS


def test_request_that_nobody_reads_ends_in_time() -> None:
    """TIMEOUT bounds the sending too."""
    began = time.monotonic()
    outcome = _send(lambda _: iter(_wait_long, b"more"), 1.0, body=b"a" * 64_000_000)
    assert isinstance(outcome, Failure), outcome
    assert time.monotonic() - began < SOON_SECONDS


def test_packed_answer_is_unpacked() -> None:
    """gzip and deflate, in any number of members and layers, are read as they were meant."""
    text = b'{"voices": []}' * 5_000
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = {
        "gzip": gzip.compress(text, mtime=0),
        "GZIP ": gzip.compress(text[:70], mtime=0) + gzip.compress(text[70:], mtime=0),
        "deflate": zlib.compress(text),
        "deflate ": raw.compress(text) + raw.flush(),
        "deflate, gzip": gzip.compress(zlib.compress(text), mtime=0),
        "identity": text,
    }
    for coding, body in packed.items():
        response = _send(lambda _, c=coding, b=body: [answer(b, f"content-encoding: {c}")])  # type: ignore[misc]
        assert isinstance(response, httpx.Response)
        assert (response.content, FLAW in response.extensions) == (text, False), coding


def test_packed_answer_reaches_a_client_unpacked_once() -> None:
    """A client that asks for gzip, as the generated one does, finds what was packed, and the header that says so."""
    packed = answer(gzip.compress(b'{"voices": []}'), "content-encoding: gzip")
    with raw_server(lambda _: [packed]) as url, _api(url) as api, httpx.Client(transport=api.transport) as client:
        response = client.get(f"{url}/personas/voices")
        assert (response.json(), response.headers["content-encoding"]) == ({"voices": []}, "gzip")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"voices": []}', "said to be gzip and is not"),
        (gzip.compress(b"a" * 1000, mtime=0)[:-9], "its gzip breaks off"),
        (gzip.compress(b"a" * 1000, mtime=0) + b"rubbish", "said to be gzip and is not"),
    ],
)
def test_gzip_that_is_none_is_a_flaw(body: bytes, words: str) -> None:
    """An answer that is not packed as it says is an answer that cannot be read, and no exception."""
    assert words in _flaw(lambda _: [answer(body, "content-encoding: gzip")])


def test_great_answer_is_read_to_the_limit() -> None:
    """More than the documented size is not read."""
    size = LARGEST_ANSWER_BYTES + 16_000_000
    pieces = itertools.repeat(b" " * 1_000_000, size // 1_000_000)
    head = HEAD + b"content-length: %d\r\n\r\n" % size
    assert "longer than 67,108,864 bytes" in _flaw(lambda _: itertools.chain([head], pieces))


BOMB = """
import gzip, resource, zlib
import httpx
from contract_tests.transport.network.connection import Connections
from contract_tests.self_tests.transport.raw_server import answer, raw_server
packer = zlib.compressobj(1, wbits=31)
bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(500)) + packer.flush()
layers = gzip.compress(bomb, 1)
before, said = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
for data, coding in ((bomb, "gzip"), (layers, "gzip, gzip")):
    with raw_server(lambda _: [answer(data, f"content-encoding: {coding}")]) as url:
        said.append(Connections(None, 60).send(httpx.Request("GET", url)).extensions["flaw"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, *said, sep="|")
"""


def test_bomb_takes_little_memory() -> None:
    """Half a gigabyte that is packed into two is unpacked to the limit, a little at a time."""
    done = subprocess.run([sys.executable, "-c", BOMB], cwd=ROOT, capture_output=True, text=True, check=True)
    kilobytes, *said = done.stdout.strip().split("|")
    assert all("longer than 67,108,864 bytes" in flaw for flaw in said), said
    assert int(kilobytes) < 400_000


NO_HTTP: dict[str, bytes] = {
    "no status line": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "status 000": b"HTTP/1.1 000 Nothing\r\n\r\n",
    "status of letters": b"HTTP/1.1 abc OK\r\n\r\n",
    "length of letters": HEAD + b"content-length: many\r\n\r\n{}",
    "negative length": HEAD + b"content-length: -1\r\n\r\n{}",
    "length of 5000 digits": HEAD + b"content-length: " + b"1" * 5000 + b"\r\n\r\n{}",
    "two lengths": HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "bad chunk": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "chunk that is longer": CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "half an answer": HEAD + b"content-length: 20\r\n\r\n{}",
    "half a chunk": CHUNKED + b"20\r\n{}",
    "header without a colon": HEAD + b"nonsense\r\n\r\n{}",
    "header name that is no ASCII": HEAD + "grüße: 1\r\n\r\n{}".encode(),
    "NUL in a header": HEAD + b"x-a: a\0b\r\n\r\n{}",
    "5000 headers": HEAD + b"".join(b"x-%d: %030d\r\n" % (n, n) for n in range(5_000)) + b"\r\n{}",
}


@pytest.mark.parametrize("data", NO_HTTP.values(), ids=NO_HTTP)
def test_answer_that_is_no_http_is_a_flaw(data: bytes) -> None:
    """What a server sends against RFC 9112 is an answer with a flaw, and no exception."""
    assert _flaw(lambda _: [data]) != ""


def test_dropped_connection_is_a_failure() -> None:
    """A server that closes without a byte has answered nothing."""
    assert isinstance(_send(lambda _: []), Failure)


ODD: dict[str, bytes] = {
    "nested": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"persona":' * 100_000,
    "a little too deep": b"[" * 101 + b"]" * 101,
    "400 digits": b'{"voices": %s}' % (b"9" * 400),
    "5000 digits": b'{"voices": %s}' % (b"9" * 5_000),
    "beyond double": b'{"voices": 1e999}',
    "NaN": b'{"voices": NaN}',
    "Infinity": b'{"voices": -Infinity}',
    "half a surrogate for a name": b'{"voices": [], "\\ud800": 1}',
    "NUL": b'{"voices": "\0"}',
    "no UTF-8": b'{"voices": "\xff"}',
    "BOM": b'\xef\xbb\xbf{"voices": []}',
    "UTF-16": '{"voices": []}'.encode("utf-16"),
    "UTF-16 without a mark": '{"voices": []}'.encode("utf-16-le"),
    "two": b"{} {}",
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_json_that_no_client_reads_is_a_finding(body: bytes) -> None:
    """Whatever is in a body, it is judged: a finding, and no exception of a parser."""
    with pytest.raises(Unreadable):
        read_json(body)
    with raw_server(lambda _: [answer(body)]) as url, _api(url) as api:
        exchange = api.send("GET", "/personas/voices")
        assert exchange.json is NOT_JSON
        found = Judge(load_contract()).success("listVoices", exchange)
    assert [finding.kind for finding in found] == [BROKEN]
    assert "says that it is JSON and is not what a client can read" in found[0].problem


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"a": 1, "a": 2}', "1e308", "9" * 300, "[" * 100 + "]" * 100])
def test_json_that_clients_read_is_read(text: str) -> None:
    """RFC 8259 allows half a surrogate, a name twice, great numbers and some depth."""
    read_json(text.encode())


HEADERS: dict[str, bytes] = {
    "no ASCII": b"x-a: gr\xfc\xdfe\r\n",
    "cookies": b"set-cookie: \xff=;;;expires=never\r\nset-cookie: a\r\n",
    "location": b"location: http://[nonsense\r\n",
    "a charset that nobody knows": b"content-type: application/json; charset=base64\r\n",
    "retry-after": b"retry-after: \xb2 minutes ago\r\n",
}


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found", b"999 \xff", b"500 "])
@pytest.mark.parametrize("lines", HEADERS.values(), ids=HEADERS)
def test_odd_headers_are_an_exchange(monkeypatch: pytest.MonkeyPatch, lines: bytes, status: bytes) -> None:
    """No header, however odd, ends in an exception; what it came to can be shown."""
    monkeypatch.setattr(Retries, "pause", lambda *_: None)
    error = b'{"error": {"code": "INTERNAL", "message": "%s"}}' % KEY.encode()
    data = b"HTTP/1.1 %s\r\n%scontent-length: %d\r\n\r\n%s" % (status, lines, len(error), error)
    with raw_server(lambda _: [data]) as url, _api(url) as api:
        try:
            exchange = api.send("GET", "/personas/voices")
        except Inconclusive:
            assert status in (b"302 Found", b"999 \xff")
        else:
            assert str(exchange.status).encode() == status[:3]
            assert KEY not in exchange.received()
            assert Judge(load_contract()).success("listVoices", exchange)


def test_findings_keep_excerpts() -> None:
    """A finding keeps both ends of a long answer, and still says how long it was."""
    body = b'{"voices": "' + b"ab\n" * 2_000_000 + b'"}'
    exchange = Exchange("GET", "/personas/voices", (), b"", 200, {"content-type": "application/json"}, body)
    found = Judge(load_contract()).success("listVoices", exchange)
    assert found
    for finding in found:
        assert len(finding.exchange.body) < 10_000
        assert finding.exchange.response is None
        assert "6000014 characters" in str(finding)
        again = Finding(BROKEN, "", "", "", finding.exchange)
        assert again.exchange.body == finding.exchange.body


def test_long_error_is_searched_in_time() -> None:
    """What looks for internals does not take longer and longer with the length of an answer."""
    body = b"SELECT a.b.c " * 400_000
    exchange = Exchange("GET", "/personas/voices", (), b"", 500, {"content-type": "text/plain"}, body)
    began = time.monotonic()
    assert Judge(load_contract()).answer("listVoices", exchange)
    assert time.monotonic() - began < SOON_SECONDS


def _api(url: str) -> Api:
    limits = RunLimits(most_attempts=6)
    return Api(Target("a server", url, KEY), "odd", PERSONAS, timeout_seconds=5, limits=limits)
