"""The servers that are measured, the mock and its peers, and what wrk measures of one of them."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from contract_tests.checks.shape import shape_of
from contract_tests.errors import Refused
from contract_tests.mock_api.process import RunningMock
from contract_tests.spec.contract import ROOT, Contract
from contract_tests.trials import faults
from contract_tests.trials.bench.comparison import Checkout, LeftOut
from contract_tests.trials.faults.scene import Scene
from contract_tests.trials.faults.usual import change
from contract_tests.trials.faults.witness import Step
from contract_tests.trials.field import free_port

CACHE = ROOT / ".bench"
LOAD_SECONDS, USUAL_CONNECTIONS = 2, 8
READY_SECONDS = 30.0
# What uvicorn alone can do on this machine: it reads the body and answers what the mock would.
BARE = """
import sys, uvicorn
answer = sys.argv[2].encode()
start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]}
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send(start)
    await send({"type": "http.response.body", "body": answer})
uvicorn.run(app, port=int(sys.argv[1]), interface="asgi3", http="httptools", loop="uvloop", ws="none", lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False)
"""


@dataclass(frozen=True)
class Load:
    """What wrk measured of one server."""

    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Server:
    """An API that answers, and a scene of requests that its contract allows."""

    url: str
    key: str
    scene: Scene
    pid: int

    @classmethod
    def of(cls, mock: RunningMock, contract: Contract) -> Self:
        """Return a mock of a contract."""
        return cls(mock.url, mock.api_key, faults.scene_of(contract), mock.process.pid)

    @property
    def update(self) -> Step:
        """A change of one field."""
        return self.scene.update(change(self.scene))

    def _request(self, step: Step, item_id: str) -> httpx.Request:
        key, url = shape_of(self.scene.contract).key, self.url + step.path.replace("{id}", item_id)
        headers = [*step.headers, *((name, value.decode()) for name, value in key.headers(self.key))]
        return httpx.Request(step.method, url, params=key.query(self.key) or None, headers=headers, content=step.body)

    def send(self, step: Step, item_id: str = "") -> httpx.Response:
        """Send one request."""
        with httpx.Client(trust_env=False) as client:
            return client.send(self._request(step, item_id))

    def made(self) -> tuple[str, str]:
        """Make an item; return its id, and how the API answers an update of it."""
        shape = shape_of(self.scene.contract)
        item_id = str(shape.item_in(self.send(self.scene.create(self.scene.item)).json())[shape.id_name])
        return item_id, self.send(self.update, item_id).text

    def load(self, step: Step, item_id: str = "", connections: int = USUAL_CONNECTIONS) -> Load:
        """Let wrk send one request again and again."""
        request = self._request(step, item_id)
        lines = [f"wrk.method = {_lua(step.method)}", f"wrk.body = {_lua((step.body or b'').decode())}"]
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}  # wrk sets it
        lines += [f"wrk.headers[{_lua(name)}] = {_lua(value)}" for name, value in headers.items()]
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write("\n".join(lines))
            script.flush()
            options = ("-t1", f"-c{connections}", f"-d{LOAD_SECONDS}s", "--latency", "-s", script.name)
            command = ("wrk", *options, str(request.url))
            return read_load(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    @property
    def mebibytes(self) -> float:
        """The memory of its process; 0 where the system does not tell."""
        status = Path(f"/proc/{self.pid}/status")
        found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text() if status.exists() else "")
        return int(found[1]) / 1024 if found else 0.0


@contextmanager
def loaded(checkout: Checkout, *arguments: str) -> Iterator[Server]:
    """Run the mock of a checkout for wrk; LeftOut where that is not on this machine."""
    if shutil.which("wrk") is None:
        raise LeftOut("what wrk sends, which is not on this machine (Debian: apt-get install wrk)")
    with checkout.mocked(*arguments) as mock:
        yield Server.of(mock, checkout.configuration.load_contract())


def _lua(text: str) -> str:
    """Write a text as Lua reads it: each byte that is not plain as an escape."""
    plain = {*b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ./:-_*+=,{}[]"}
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03}" for byte in text.encode()) + '"'


def read_load(said: str) -> Load:
    """Read what wrk has printed."""
    per_second = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
    tails = re.findall(r"^\s+(?:50|99)%\s+([\d.]+)(us|ms|s)$", said, re.MULTILINE)
    return Load(per_second, *(float(number) * {"us": 0.001, "ms": 1.0, "s": 1_000.0}[unit] for number, unit in tails))


def brought(program: str, *commands: Sequence[str]) -> Path:
    """Return a program in .bench/, brought there by some commands where it is not; LeftOut where they cannot."""
    CACHE.mkdir(exist_ok=True)
    for command in () if (CACHE / program).exists() else commands:
        try:
            subprocess.run(command, cwd=CACHE, capture_output=True, timeout=300, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise LeftOut(f"{program}, which cannot be brought here: {error}") from None
    return CACHE / program


@contextmanager
def running(program: str | Path, *arguments: str) -> Iterator[str]:
    """Run a server at a free port until it is not needed, and yield its URL; Refused where it does not answer."""
    port = str(free_port())
    command = [program, *(port if argument == "{port}" else argument for argument in arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + READY_SECONDS
        try:
            while True:
                with suppress(httpx.HTTPError):
                    httpx.get(url, timeout=5, trust_env=False)
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Refused(f"{program} did not answer at {url}")
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
