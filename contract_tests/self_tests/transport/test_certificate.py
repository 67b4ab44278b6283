"""A certificate that is not trusted: refused before anything was sent, and said as it is when it comes in mid-run."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contract_tests.errors import RunEnded, TargetError
from contract_tests.self_tests.transport.shapes import PERSONAS
from contract_tests.self_tests.transport.test_target import BODY
from contract_tests.self_tests.transport.weather_server import WeatherServer
from contract_tests.transport.target import Api, Target

OPENSSL = (
    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost", "-days", "2",
)  # fmt: skip


@dataclass
class Secure:
    """A gateway that speaks TLS in front of an API."""

    url: str
    context: ssl.SSLContext
    folder: Path

    def show(self, name: str) -> None:
        """Show another certificate from the next connection on."""
        self.context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")


@pytest.fixture
def secure(server: WeatherServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Secure]:
    """An API behind TLS, whose certificate is trusted at first."""
    for name in ("trusted", "other"):
        files = ("-out", str(tmp_path / f"{name}.pem"), "-keyout", str(tmp_path / f"{name}.key"))
        subprocess.run([*OPENSSL, *files], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            status, _, content = server.ask(self.command, self.path, body, headers)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_DELETE = do_PATCH = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> tuple[ssl.SSLSocket, object]:
            connection, address = super().get_request()
            return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: a client that does not trust the certificate leaves."""

    with Server(("127.0.0.1", 0), Handler) as gateway:
        url = f"https://localhost:{gateway.server_address[1]}/v1"
        shown = Secure(url, context, tmp_path)
        shown.show("trusted")
        thread = threading.Thread(target=gateway.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield shown
        gateway.shutdown()
        thread.join()


def test_certificate_that_was_never_trusted_is_refused(secure: Secure, server: WeatherServer) -> None:
    """Before anything was answered the run is refused, and nothing is sent."""
    secure.show("other")
    with Api(Target("secure", secure.url, server.mock.api_key), "cert", PERSONAS) as api, pytest.raises(TargetError):
        api.send("GET", "/personas/voices")
    assert server.seen == []


def test_certificate_that_changes_ends_the_run(secure: Secure, server: WeatherServer) -> None:
    """In mid-run nothing follows from it, and what was made and cannot be removed is said to be left."""
    with Api(Target("secure", secure.url, server.mock.api_key), "cert", PERSONAS) as api:
        made = api.create(BODY.replace("fence", "cert")).item["id"]
        secure.show("other")
        with pytest.raises(RunEnded, match="not trusted any more"):
            api.read(made)
        with pytest.raises(RunEnded, match="not trusted any more"):
            api.send("GET", "/personas/voices")
        (of_made, of_others) = api.remove_all()
        assert (of_made.startswith(f"{made} (the certificate"), of_others.startswith("whatever else")) == (True, True)
        secure.show("trusted")
        assert api.remove_all() == []
    assert server.is_as_before
