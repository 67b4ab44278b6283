"""
An API with weather, for the tests of what a run does to a live account: a mock behind a proxy that fails as it is told.

It keeps every request with the moment it came, and knows which personas were there before and which came to be.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from contract_tests.mock_api.process import RunningMock, running_mock


@dataclass(frozen=True)
class Event:
    """What becomes of one request instead of a plain answer."""

    status: int = 0
    """The status of a gateway's answer; 0 drops the connection."""
    is_done: bool = False
    """Whether the API behind has done what was asked all the same."""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "<html><h1>Service Unavailable</h1></html>"
    content_type: str = "text/html"
    is_cut: bool = False
    """Whether the connection is closed after half of the answer's body."""
    seconds: float = 0.0
    """How long it takes until anything is done."""
    seconds_after: float = 0.0
    """How long it takes from then until it is answered."""
    is_weather: bool = True
    """Whether anything fails; False only adds the headers, and the seconds, to the API's own answer."""


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    number: int
    """From 1."""
    moment: float
    method: str
    path: str
    body: bytes
    persona_id: str
    """The id in the path, decoded; empty without one."""


# Longer than any test lasts: a request that is never answered.
NEVER = Event(seconds=600)
NEVER_ANSWERED = Event(is_weather=False, seconds_after=600)

# Answers one request itself, on the wire.
Play = Callable[["Connection"], None]
Sky = Callable[[Seen], Event | Play | None]


def fair(_seen: Seen) -> Event | Play | None:
    """Let every request through."""
    return None


class WeatherServer:
    """The proxy, and what it has seen."""

    def __init__(self, mock: RunningMock, url: str, sky: Sky) -> None:
        self.mock = mock
        self.url = url
        self.sky = sky
        self.seen: list[Seen] = []
        self.made: set[str] = set()
        self.lock = threading.Lock()
        self.before = self.personas()

    def personas(self) -> dict[str, Any]:
        """Return every persona of the account by its id, asked of the API itself."""
        _, _, body = self.ask("GET", "/v1/personas?page_size=100", b"", {"x-api-key": self.mock.api_key})
        return {persona["id"]: persona for persona in json.loads(body)["personas"]}

    @property
    def alive(self) -> dict[str, Any]:
        """The personas that came to be and are there."""
        return {key: value for key, value in self.personas().items() if key not in self.before}

    @property
    def foreign_writes(self) -> list[Seen]:
        """The updates and removals of personas that no create of this server's time has made."""
        return [
            seen
            for seen in self.seen
            if seen.method not in ("GET", "POST")
            and seen.persona_id not in self.made
            and not seen.persona_id.startswith("contract-test-")
            and seen.path.split("?")[0] not in ("/v1/personas", "/v1/personas/voices")
        ]

    @property
    def is_as_before(self) -> bool:
        """Whether the account is as it was, to the last field."""
        return self.personas() == self.before

    def most_in_a_second(self) -> int:
        """Return how many requests came within one second, at most."""
        moments = sorted(seen.moment for seen in self.seen)
        return max(sum(start <= moment < start + 1 for moment in moments) for start in moments)

    def note(self, method: str, path: str, body: bytes) -> Seen:
        """Take down a request."""
        segments = urlsplit(path).path.strip("/").split("/")
        persona_id = unquote(segments[2]) if len(segments) > 2 else ""
        with self.lock:
            seen = Seen(len(self.seen) + 1, time.monotonic(), method, path, body, persona_id)
            self.seen.append(seen)
        return seen

    def ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask the API behind."""
        place = urlsplit(self.mock.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if method == "POST" and answer.status == 201:
            self.made.add(json.loads(content)["persona"]["id"])
        return answer.status, answer.getheaders(), content


class Connection(BaseHTTPRequestHandler):
    """One connection of a client to the proxy."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    weather: WeatherServer

    def handle_one_request(self) -> None:
        """Answer a request of any method, as the sky has it."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        event = self.weather.sky(self.weather.note(self.command, self.path, body)) or Event(is_weather=False)
        if not isinstance(event, Event):
            event(self)
            return
        time.sleep(event.seconds)
        if not event.is_weather or event.is_done:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            status, shown, content = self.weather.ask(self.command, self.path, body, headers)
        time.sleep(event.seconds_after)
        if event.is_weather and not event.status:
            self.close_connection = True
            return
        if event.is_weather:
            status, shown, content = event.status, [("content-type", event.content_type)], event.body.encode()
        self._answer(status, [*shown, *event.headers.items()], content, is_cut=event.is_cut)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, *, is_cut: bool) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if is_cut else content)
        self.close_connection |= is_cut
        self.wfile.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that was killed is part of the weather."""


@contextmanager
def weather_server(sky: Sky = fair, *mock_arguments: str) -> Iterator[WeatherServer]:
    """
    Run an API with weather for as long as the block lasts.

    Args:
        sky: What becomes of each request; it can be changed at any time.
        mock_arguments: Further arguments of the mock behind.
    """
    with running_mock(*mock_arguments) as mock:
        handler = type("Handler", (Connection,), {})
        with _Server(("127.0.0.1", 0), handler) as server:
            weather = WeatherServer(mock, f"http://127.0.0.1:{server.server_address[1]}/v1", sky)
            handler.weather = weather  # type: ignore[attr-defined]  # of the class that was just made
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            try:
                yield weather
            finally:
                server.shutdown()
                thread.join()
