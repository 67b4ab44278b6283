"""The mock survives what clients send: over raw sockets, where no library corrects a request before it leaves."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from contract_tests.mock_api.process import RunningMock, running_mock

PAGE_PERSONA = "3zfmuDbVQsi4GaseDtiVcS"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back over a raw socket."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error, after a look at its shape."""
        document = json.loads(self.body)
        assert set(document) == {"error"}
        assert {"code", "message"} <= set(document["error"]) <= {"code", "message", "details"}
        error: dict[str, Any] = document["error"]
        return error


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock() as running:
        yield running


def connect(mock: RunningMock) -> socket.socket:
    address = urlsplit(mock.url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def receive(connection: socket.socket) -> Answer:
    """Read one answer, interim ones left out."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        assert part, f"closed after {received!r}"
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    whole = bytearray(body)
    while len(whole) < int(headers.get("content-length", 0)):
        part = connection.recv(65536)
        assert part, "closed within a body"
        whole += part
    return Answer(int(first.split()[1]), headers, bytes(whole))


def head_of(mock: RunningMock, *lines: str, method: str = "PATCH", path: str = f"/v1/personas/{PAGE_PERSONA}") -> bytes:
    given = [f"{method} {path} HTTP/1.1", "Host: mock", f"X-API-Key: {mock.api_key}", "Content-Type: application/json"]
    return "\r\n".join([*given, *lines, "", ""]).encode()


def exchange(mock: RunningMock, *parts: bytes) -> Answer:
    with connect(mock) as connection:
        for part in parts:
            connection.sendall(part)
        return receive(connection)


def resident_mebibytes(mock: RunningMock) -> float:
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(mock.process.pid)], capture_output=True, text=True, check=True)
    return int(said.stdout) / 1024


@pytest.mark.parametrize(
    "request_head",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /v1/personas HTTP/9.9\r\n\r\n",
        b"GET /v1/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"CONNECT mock:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PATCH /v1/personas/x HTTP/1.1\r\nContent-Length: five\r\n\r\nhello",
        b"PATCH /v1/personas/x HTTP/1.1\r\nContent-Length: -5\r\n\r\nhello",
        b"PATCH /v1/personas/x HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"PATCH /v1/personas/x HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PATCH /v1/personas/x HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"PATCH /v1/personas/x HTTP/1.1\r\nX-API-Key\r\n\r\n",
        b"GET /v1/personas HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % number for number in range(500)) + b"\r\n",
        b"GET /v1/personas HTTP/1.1\r\nh: " + b"x" * 2 * MEBIBYTE,
        b"GET /v1/" + b"x" * 2 * MEBIBYTE,
    ],
    ids=lambda value: repr(value)[2:60],
)
def test_broken_request_is_answered_and_closed(mock: RunningMock, request_head: bytes) -> None:
    """What is no HTTP gets 400 in the one shape, and the connection ends."""
    with connect(mock) as connection:
        with suppress(ConnectionError):  # the answer may come before the request is out
            connection.sendall(request_head)
        try:
            answer = receive(connection)
        except ConnectionResetError:
            assert len(request_head) > MEBIBYTE  # the answer may be lost to a client that goes on sending
            return
        assert (answer.status, answer.error["code"]) == (400, "INVALID_ARGUMENT")


def test_body_in_chunks_is_read(mock: RunningMock) -> None:
    """A chunked body is a body, however small its chunks and whatever trailers it has."""
    body = json.dumps({"persona_prompt": "x" * 2000}).encode()
    chunks = b"".join(b"1;ext=1\r\n%c\r\n" % byte for byte in body)
    answer = exchange(mock, head_of(mock, "Transfer-Encoding: chunked"), chunks, b"0\r\nTrailer: x\r\n\r\n")
    assert json.loads(answer.body)["persona"]["persona_prompt"] == "x" * 2000


def test_broken_chunk_is_refused(mock: RunningMock) -> None:
    """A chunk whose size is no number gets 400."""
    assert (
        exchange(mock, head_of(mock, "Transfer-Encoding: chunked"), b'zz\r\n{"name"').error["code"]
        == "INVALID_ARGUMENT"
    )


def test_trailers_without_end_are_refused(mock: RunningMock) -> None:
    """Trailers count among the headers, of which there may be 200."""
    trailers = b"".join(b"t%d: x\r\n" % number for number in range(500))
    assert exchange(mock, head_of(mock, "Transfer-Encoding: chunked"), b"2\r\n{}\r\n0\r\n", trailers).status == 400


def test_body_is_invited_by_100_continue(mock: RunningMock) -> None:
    """A client that expects 100-continue gets it, or 413 without it where the body would be too long."""
    with connect(mock) as connection:
        connection.sendall(head_of(mock, "Expect: 100-continue", "Content-Length: 2"))
        assert receive(connection).status == 100
        connection.sendall(b"{}")
        assert receive(connection).status == 200
    assert exchange(mock, head_of(mock, "Expect: 100-continue", "Content-Length: 50000000")).status == 413


def test_content_length_that_is_too_short_ends_the_connection(mock: RunningMock) -> None:
    """The request gets an answer for what was its body; what follows is no request and ends the connection."""
    with connect(mock) as connection:
        connection.sendall(head_of(mock, "Content-Length: 8") + b'{"name": "cut off"}')
        answer = receive(connection)
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert connection.recv(100) == b""


def test_idle_connection_stays_open(mock: RunningMock) -> None:
    """A client may go on after a pause, longer than the 5 seconds that uvicorn allows."""
    with connect(mock) as connection:
        for pause_seconds in (5.5, 0):
            connection.sendall(head_of(mock, method="GET"))
            assert receive(connection).status == 200
            time.sleep(pause_seconds)


def test_two_requests_at_once_are_answered_in_order(mock: RunningMock) -> None:
    """Pipelined requests are answered one after the other, also after one that is refused."""
    refused = head_of(mock, "Content-Length: 1") + b"["
    listing = head_of(mock, method="GET", path="/v1/personas/voices")
    with connect(mock) as connection:
        connection.sendall(refused)
        first = receive(connection)
        connection.sendall(listing)
        assert [first.status, receive(connection).status] == [400, 200]
        connection.sendall(listing.replace(b"/voices", b"") + listing)
        received = b""
        while received.count(b"HTTP/1.1 200") < 2 or b"haruka" not in received:
            received += connection.recv(65536)
        assert received.index(b'"personas"') < received.index(b'"voices"')


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
def test_upgrade_is_not_taken(mock: RunningMock, upgrade: str) -> None:
    """A client that offers another protocol is answered in this one."""
    lines = ["Connection: Upgrade, HTTP2-Settings", f"Upgrade: {upgrade}", "HTTP2-Settings: AAMAAABkAAQAAP__"]
    assert exchange(mock, head_of(mock, *lines, method="GET")).status == 200
    assert exchange(mock, head_of(mock, *lines, "Content-Length: 2"), b"{}").status == 200


def test_slow_request_is_ended() -> None:
    """A head or a body that does not come in time gets 408, and a body left out altogether too; others go on."""
    with running_mock("--timeout-seconds", "0.5") as mock, ExitStack() as stack:
        slow = [stack.enter_context(connect(mock)) for _ in range(4)]
        slow[0].sendall(head_of(mock)[:50])
        slow[1].sendall(head_of(mock, "Content-Length: 20") + b"{")
        slow[2].sendall(head_of(mock, "Transfer-Encoding: chunked") + b"5\r\n{")
        slow[3].sendall(head_of(mock, "Content-Length: 20"))
        assert exchange(mock, head_of(mock, method="GET")).status == 200
        answers = [receive(connection) for connection in slow]
        assert [(answer.status, answer.error["code"]) for answer in answers] == [(408, "REQUEST_TIMEOUT")] * 4
        assert exchange(mock, head_of(mock, "Content-Length: 2"), b"{}").status == 200


def test_memory_stays_bounded(mock: RunningMock) -> None:
    """Bodies of 50 MB get 413 and 2,000 idle connections get nothing; neither keeps memory, and the mock goes on."""
    before = resident_mebibytes(mock)
    piece = b"x" * MEBIBYTE
    for _ in range(3):
        declared = head_of(mock, f"Content-Length: {50 * MEBIBYTE}")
        assert exchange(mock, declared, *[piece] * 50).status == 413
        chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
        assert exchange(mock, head_of(mock, "Transfer-Encoding: chunked"), *[chunk] * 50, b"0\r\n\r\n").status == 413
    assert resident_mebibytes(mock) - before < 60
    with ExitStack() as stack:
        allow_open_files(4096)
        for _ in range(2000):
            stack.enter_context(connect(mock))
        assert exchange(mock, head_of(mock, "Content-Length: 2"), b"{}").status == 200
        assert resident_mebibytes(mock) - before < 150


def store_prompts(mock: RunningMock, count: int, prompt: str) -> list[str]:
    """Make personas with long prompts; their ids."""
    ids = []
    for number in range(count):
        fields = {"name": f"Long {number}", "voice_name": "aria", "language_code": "en-US", "persona_prompt": prompt}
        body = json.dumps(fields).encode()
        answer = exchange(mock, head_of(mock, f"Content-Length: {len(body)}", method="POST", path="/v1/personas"), body)
        ids.append(json.loads(answer.body)["persona"]["id"])
    return ids


def test_clients_that_never_read_take_no_memory() -> None:
    """20 clients ask for 20 MB each and read nothing: memory is bounded, others are answered, and they are let go."""
    with running_mock("--timeout-seconds", "2") as mock, ExitStack() as stack:
        store_prompts(mock, 3, "x" * 7_000_000)
        before = resident_mebibytes(mock)
        greedy = [stack.enter_context(connect(mock)) for _ in range(20)]
        for connection in greedy:
            connection.sendall(head_of(mock, "Connection: close", method="GET", path="/v1/personas"))
        for _ in range(20):
            assert exchange(mock, head_of(mock, "Content-Length: 2"), b"{}").status == 200
        assert resident_mebibytes(mock) - before < 200
        time.sleep(7)  # none is waited for longer than the time limit, once others have been
        assert max(rest_of(connection) for connection in greedy) < 20_000_000
        assert len(exchange(mock, head_of(mock, method="GET", path="/v1/personas")).body) > 20_000_000
        assert resident_mebibytes(mock) - before < 200


def rest_of(connection: socket.socket) -> int:
    """Count what is still to be read until the connection ends."""
    count = 0
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            count += len(part)
    return count


def test_slow_reader_gets_the_whole_answer() -> None:
    """A client that reads on, however slowly, is served to the end, though that takes longer than the time limit."""
    prompt = "HTTP/1.1 200 OK " * 400_000  # no piece of a body is taken for the head of an answer
    with running_mock("--timeout-seconds", "1") as mock:
        (persona_id,) = store_prompts(mock, 1, prompt)
        with connect(mock) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
            connection.sendall(head_of(mock, method="GET", path=f"/v1/personas/{persona_id}"))
            received = bytearray()
            began = time.monotonic()
            while b"\r\n\r\n" not in received or not received.endswith(b"}}"):
                part = connection.recv(128 * 1024)
                assert part, f"closed after {len(received)} bytes"
                received += part
                time.sleep(0.02)
        assert time.monotonic() - began > 1
        body = bytes(received).partition(b"\r\n\r\n")[2]
        assert json.loads(body)["persona"]["persona_prompt"] == prompt


def allow_open_files(number: int) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        pytest.skip("too few open files allowed")
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


def test_clients_that_leave_are_forgotten(mock: RunningMock) -> None:
    """A client that leaves in the middle of a head or a body harms nobody and changes nothing."""
    for sent in (
        head_of(mock)[:30],
        head_of(mock, "Content-Length: 20") + b'{"name": "gone',
        head_of(mock, "Content-Length: 2"),
    ):
        with connect(mock) as connection:
            connection.sendall(sent)
    assert b"gone" not in exchange(mock, head_of(mock, method="GET")).body
