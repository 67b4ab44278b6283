"""
Figures beside a peer: both are measured in turn, A B A B, so that a busy machine slows both, and the ratio is what counts.

    contract-tests bench [suite | mock | growth | client | commands | faults | against ...]

Peers that are not on the machine are brought into .bench/ where that can be done; what is left out is said.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from contract_tests.api_key import ApiKey
from contract_tests.checks.shape import shape_of
from contract_tests.checks.typed_client import find_client
from contract_tests.errors import HOLDS, INCONCLUSIVE, Refused
from contract_tests.mock_api.process import running_mock
from contract_tests.report.folder import write_whole
from contract_tests.report.records import as_document, read_as, read_json
from contract_tests.report.run_record import RunRecord
from contract_tests.runner.configuration import Configuration, foreign_environment
from contract_tests.spec.contract import ROOT
from contract_tests.trials import faults
from contract_tests.trials.baseline import run_baseline
from contract_tests.trials.faults.scene import Scene
from contract_tests.trials.faults.usual import change, wrong
from contract_tests.trials.faults.witness import Step
from contract_tests.trials.field import free_port

ROUNDS = 3
# Where the table goes to a file.
WIDTH = 200
CACHE = ROOT / ".bench"
PRISM = "@stoplight/prism-cli@5.16.0"
LOAD_SECONDS = 2
CONNECTIONS = (1, 8, 64)
USUAL_CONNECTIONS = 8
ITEMS = (1_000, 9_000)  # the mock takes no more than 10,000
QUICK_REQUESTS = 1_100
READY_SECONDS = 30.0
CALLS, CLIENT_ROUNDS = 500, 9
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
class Figure:
    """One comparison: what was measured of either side, round by round."""

    name: str
    ours: str
    peer: str
    unit: str
    """s for seconds, which should be few; requests/s, which should be many."""
    of_ours: tuple[float, ...]
    of_peer: tuple[float, ...]
    beside: str = ""
    """What else a reader should know of the two."""

    @property
    def ratio(self) -> float:
        """The median of ours to the median of the peer."""
        return statistics.median(self.of_ours) / statistics.median(self.of_peer)


Side = Callable[[], float]
"""Does something once, and returns how much was measured."""
Rounds = tuple[tuple[float, ...], tuple[float, ...]]
"""What was measured of either side."""


@dataclass(frozen=True)
class Load:
    """What a load generator measured of one server."""

    per_second: float
    p50_ms: float
    p99_ms: float


def bench(configuration: Configuration, arguments: Sequence[str]) -> int:
    """
    Measure, print and keep the figures; return 0.

    Raises:
        Refused: No group of figures is called so.
    """
    if unknown := set(arguments) - GROUPS.keys():
        raise Refused(f"no figures are called {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    console, figures = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH), []
    for name in arguments or GROUPS:
        for figure in GROUPS[name](configuration):
            figures.append(figure)
            console.print(f"{figure.name}: {figure.ratio:.2f}", markup=False)
    console.print(_table(figures))
    rows = [asdict(figure) | {"ratio": figure.ratio} for figure in figures]
    write_whole(configuration.reports / "bench.json", as_document({"cores": os.cpu_count(), "figures": rows}))
    return 0


def _table(figures: Sequence[Figure]) -> Table:
    table = Table(
        "what", "", "median (least to most)", "beside", "median (least to most)", "ratio", "", box=None, pad_edge=False
    )
    for each in figures:
        of_both = (each.ours, _spread(each.of_ours, each.unit), each.peer, _spread(each.of_peer, each.unit))
        table.add_row(each.name, *of_both, f"{each.ratio:.2f}", each.beside)
    return table


def _spread(values: Sequence[float], unit: str) -> str:
    points = (min(values), statistics.median(values), max(values))
    low, middle, high = (f"{value:.3g}" if value < 1_000 else f"{value:,.0f}" for value in points)
    return f"{middle} {unit} ({low} to {high})"


def in_turn(ours: Side, peer: Side, rounds: int = ROUNDS) -> Rounds:
    """Measure both sides, one after the other, so many times."""
    pairs = [(ours(), peer()) for _ in range(rounds)]
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


def _seconds(
    command: Sequence[str], environment: Mapping[str, str] = MappingProxyType({}), root: Path = ROOT, also: int = HOLDS
) -> float:
    """Run Python on a command of the suite at *root* to its end and return its seconds; Refused where it fails."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], cwd=root, env={**foreign_environment(), **environment}, capture_output=True,
        text=True,
    )  # fmt: skip
    if done.returncode not in (HOLDS, also):
        said = (done.stdout + done.stderr).strip().splitlines() or ["it said nothing"]
        raise Refused(f"{' '.join(map(str, command))} exited with {done.returncode}: {said[-1]}")
    return time.perf_counter() - started


# -- The suite --------------------------------------------------------------------------------------------------------


def _suite(configuration: Configuration) -> Iterator[Figure]:
    """The contract run beside `schemathesis run` with its defaults, whole processes, on the same mock."""
    contract = configuration.load_contract()
    with (
        running_mock("--contract", str(contract.document.file)) as mock,
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
    ):
        live = {"BASE_URL": mock.url, contract.key.env: mock.api_key, "RATE": "0", "JOURNAL": f"{folder}/journal"}
        command = ("-m", "contract_tests", "run", *configuration.contract_arguments, "--folder", folder)
        whole, most = partial(_seconds, command), f"contract run of at most {QUICK_REQUESTS:,} requests"
        quick = partial(_seconds, command, {**live, "MAX_REQUESTS": str(QUICK_REQUESTS)}, also=INCONCLUSIVE)
        cases: list[int] = []

        def peer() -> float:
            run = run_baseline(contract, mock.url, mock.api_key, 1)
            cases.append(run.cases)
            return run.seconds

        for name, ours in (("contract run", whole), (most, quick)):
            of_ours, of_peer = in_turn(ours, peer)
            requests = sum(read_as(RunRecord, read_json(Path(folder) / "run.json").value).requests.values())
            per_request = statistics.median(of_ours) / requests / (statistics.median(of_peer) / cases[-1])
            beside = f"{requests:,} requests, {cases[-1]:,} cases: {per_request:.2f} per request"
            yield Figure(name, "the suite", "schemathesis run", "s", of_ours, of_peer, beside)


# -- The mock ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """An API that answers, and a scene of requests that its contract allows."""

    url: str
    key: str
    scene: Scene

    @property
    def _carried(self) -> ApiKey:
        return shape_of(self.scene.contract).key

    def made(self, number: int = 1) -> tuple[str, str]:
        """Make so many items; return the id of the last, and how the API answers an update of it."""
        shape, create, update = shape_of(self.scene.contract), self.scene.create(self.scene.item), self.update
        headers = {name: value.decode() for name, value in self._carried.headers(self.key)}
        query = self._carried.query(self.key)
        with httpx.Client(base_url=self.url, headers=headers, params=query, trust_env=False) as client:
            for _ in range(number):
                answer = client.request(create.method, create.path, content=create.body, headers=create.headers)
            item_id = str(shape.item_in(answer.json())[shape.id_name])
            path = update.path.replace("{id}", item_id)
            return item_id, client.request(update.method, path, content=update.body, headers=update.headers).text

    @property
    def update(self) -> Step:
        """A change of one field."""
        return self.scene.update(change(self.scene))

    def load(self, step: Step, item_id: str, connections: int = USUAL_CONNECTIONS) -> Load:
        """Let wrk send one request again and again."""
        headers = [*step.headers, *((name, value.decode()) for name, value in self._carried.headers(self.key))]
        lines = [f"wrk.method = {_lua(step.method)}", f"wrk.body = {_lua((step.body or b'').decode())}"]
        lines += [f"wrk.headers[{_lua(name)}] = {_lua(value)}" for name, value in headers]
        query = str(httpx.QueryParams(self._carried.query(self.key)))
        address = f"{self.url}{step.path.replace('{id}', item_id)}{query and f'?{query}'}"
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write("\n".join(lines))
            script.flush()
            said = subprocess.run(
                ["wrk", "-t1", f"-c{connections}", f"-d{LOAD_SECONDS}s", "--latency", "-s", script.name, address],
                capture_output=True, text=True, check=True,
            ).stdout  # fmt: skip
        return read_load(said)


@contextmanager
def _mocked(configuration: Configuration) -> Iterator[tuple[Server, int]]:
    if shutil.which("wrk") is None:
        raise Refused("wrk is not on this machine; install it (Debian: apt-get install wrk), or name other figures")
    contract = configuration.load_contract()
    with running_mock("--contract", str(contract.document.file)) as mock:
        yield Server(mock.url, mock.api_key, faults.scene_of(contract)), mock.process.pid


def _mock(configuration: Configuration) -> Iterator[Figure]:
    """The mock beside a bare answer of the same server, and beside Prism where it can be had."""
    with _mocked(configuration) as (mock, pid), ExitStack() as stack:
        item_id, answer = mock.made()
        peers = {"a bare answer": stack.enter_context(_bare(answer))}
        if program := _prism():
            command = (program, "mock", "-p", "{port}", "-h", "127.0.0.1", str(mock.scene.contract.document.file))
            peers["Prism"] = stack.enter_context(_running(*command))
        else:
            print("left out: Prism, which npm cannot bring here")
        usual = f"{USUAL_CONNECTIONS} connections"
        sent = [(f"update, {number} connections", mock.update, number) for number in CONNECTIONS]
        sent += [(f"read, {usual}", mock.scene.read(), USUAL_CONNECTIONS)]
        sent += [(f"refused update, {usual}", wrong(mock.scene), USUAL_CONNECTIONS)]
        for name, url in peers.items():
            for what, step, number in sent:
                figure, load = _beside(mock, replace(mock, url=url), step, item_id, number)
                tail = f"p50 {load.p50_ms:.2f} ms, p99 {load.p99_ms:.2f} ms, {_mebibytes(pid)}"
                yield Figure(what, "the mock", name, "requests/s", *figure, tail)


def _beside(
    ours: Server, peer: Server, step: Step, item_id: str, connections: int, peer_id: str = ""
) -> tuple[Rounds, Load]:
    """Load both servers in turn; return the rounds, and the last load of ours."""
    loads: list[Load] = []

    def load() -> float:
        loads.append(ours.load(step, item_id, connections))
        return loads[-1].per_second

    return in_turn(load, lambda: peer.load(step, peer_id or item_id, connections).per_second), loads[-1]


def _growth(configuration: Configuration) -> Iterator[Figure]:
    """An update where the mock holds many items, beside one where it holds a few."""
    with _mocked(configuration) as (few, few_pid):
        first, _ = few.made()
        for number in ITEMS:
            with _mocked(configuration) as (many, pid):
                item_id, _ = many.made(number)
                rounds, _ = _beside(many, few, many.update, item_id, USUAL_CONNECTIONS, first)
                beside = f"{_mebibytes(pid)} against {_mebibytes(few_pid)}"
                yield Figure("update", f"{number:,} items more", "a few items", "requests/s", *rounds, beside)


def _lua(text: str) -> str:
    """Write a text as Lua reads it: each byte that is not plain as an escape."""
    plain = {*b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ./:-_*+=,{}[]"}
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03}" for byte in text.encode()) + '"'


def read_load(said: str) -> Load:
    """Read what wrk has printed."""
    per_second = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
    return Load(per_second, *(_milliseconds(said, part) for part in ("50", "99")))


def _milliseconds(said: str, part: str) -> float:
    number, unit = re.findall(rf"^\s+{part}%\s+([\d.]+)(us|ms|s)$", said, re.MULTILINE)[0]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1_000.0}[unit]


def _mebibytes(pid: int) -> str:
    """Return the memory of a process; empty where the system does not tell."""
    try:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return ""
    return f"{int(found[1]) // 1024} MiB" if found else ""


def _prism() -> Path | None:
    """Return the program, which npm brings where it is not there yet; None where that cannot be done."""
    program = CACHE / "node_modules/.bin/prism"
    if not program.exists() and (npm := shutil.which("npm")):
        CACHE.mkdir(exist_ok=True)
        subprocess.run([npm, "install", "--silent", "--prefix", CACHE, PRISM], capture_output=True, timeout=300)
    return program if program.exists() else None


def _bare(answer: str) -> AbstractContextManager[str]:
    return _running(sys.executable, "-c", BARE, "{port}", answer)


@contextmanager
def _running(program: str | Path, *arguments: str) -> Iterator[str]:
    """Run a server at a free port until it is not needed, and yield its URL; Refused where it does not answer."""
    port = free_port()
    command = [program, *(str(port) if argument == "{port}" else argument for argument in arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + READY_SECONDS
        try:
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Refused(f"{program} did not answer at {url}")
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return bool(httpx.get(url, timeout=5, trust_env=False).status_code)
    except httpx.HTTPError:
        return False


# -- The client -------------------------------------------------------------------------------------------------------


def _client(configuration: Configuration) -> Iterator[Figure]:
    """A typed update beside the same request by httpx alone, sync and async, in processor time, of one bare answer."""
    contract = configuration.load_contract()
    if (package := find_client(contract)) is None:
        print("left out: the client, which `make client` writes beside the contract")
        return
    with running_mock("--contract", str(contract.document.file)) as mock:
        server = Server(mock.url, mock.api_key, faults.scene_of(contract))
        item_id, answer = server.made()
    step = server.update
    sent = json.loads(step.body or b"{}")
    with _bare(answer) as url, asyncio.Runner() as runner:
        address = f"{url}{step.path.replace('{id}', item_id)}"
        for name, kind, http in (("", "CLIENT", httpx.Client), (", async", "ASYNC_CLIENT", httpx.AsyncClient)):
            client, plain = package.client(url, server.key, kind), http(headers=dict(step.headers), trust_env=False)
            update = partial(package.method(client, "update"), item_id, **package.arguments("update", sent))
            ask = partial(plain.request, step.method, address, json=sent)
            rounds = in_turn(
                lambda call=update: runner.run(_processor_seconds(call, lambda updated: updated)),  # type: ignore[misc]
                lambda call=ask: runner.run(_processor_seconds(call, httpx.Response.json)),  # type: ignore[misc]
                CLIENT_ROUNDS,
            )
            yield Figure(f"{CALLS} updates{name}", "the client", "httpx alone", "s", *rounds)
            for close in (client.close, plain.close if isinstance(plain, httpx.Client) else plain.aclose):
                runner.run(_answer_of(close))


async def _processor_seconds(call: Callable[[], Any], read: Callable[[Any], object]) -> float:
    started = time.process_time()
    for _ in range(CALLS):
        read(await _answer_of(call))
    return time.process_time() - started


async def _answer_of(call: Callable[[], Any]) -> Any:
    answer = call()
    return await answer if inspect.isawaitable(answer) else answer


# -- Commands ---------------------------------------------------------------------------------------------------------


def _commands(configuration: Configuration) -> Iterator[Figure]:
    """What a person waits for, beside the start of Python with the library that it cannot do without."""
    command, told = ("-m", "contract_tests"), configuration.contract_arguments
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        client = (*command, "client", *told[:2], "--out", f"{folder}/client")
        yield _started("writing the client", "make client", client)
        package = next(Path(folder, "client").glob("*/__init__.py")).parent
        yield _started("import", package.name, ("-c", f"import {package.name}"), {"PYTHONPATH": str(package.parent)})
        first = (*command, "run", *told, "--folder", folder, "--", "-k", "first_look")
        yield _started("to a first verdict", "the first tests", first)


def _started(
    name: str, ours: str, command: Sequence[str], environment: Mapping[str, str] = MappingProxyType({})
) -> Figure:
    bare = partial(_seconds, ("-c", "import httpx"))
    return Figure(name, ours, "import httpx", "s", *in_turn(partial(_seconds, command, environment), bare))


def _faults(configuration: Configuration) -> Iterator[Figure]:
    """The trial of one group of faults beside one contract run."""
    told = configuration.contract_arguments
    group, catalogue = "limits", faults.catalogue(configuration.load_contract())
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        trial = partial(_seconds, ("-m", "contract_tests", "faults", *told, group))
        run = partial(_seconds, ("-m", "contract_tests", "run", *told, "--folder", folder))
        of_both = in_turn(trial, run, rounds=1)
    number = sum(each.group == group for each in catalogue.values())
    beside = f"{number / of_both[0][0]:.1f} faults a second"
    yield Figure(f"{number} faults of {group}", "make faults", "a contract run", "s", *of_both, beside)


def _against(configuration: Configuration) -> Iterator[Figure]:
    """The checkout beside another commit of it, AGAINST=ref; nothing without one."""
    if configuration.against is None:
        return
    tree = CACHE / "against"
    git = ("git", "-C", ROOT, "worktree")
    subprocess.run([*git, "remove", "--force", tree], capture_output=True)
    added = subprocess.run(
        [*git, "add", "--force", "--detach", tree, configuration.against], capture_output=True, text=True
    )
    if added.returncode:
        raise Refused(f"AGAINST: {configuration.against} is no commit of this repository: {added.stderr.strip()}")
    try:
        for name, command in (
            ("contract run", ("-m", "contract_tests", "run")),
            ("boundary map", ("-m", "contract_tests", "boundaries", "--fresh")),
            ("writing the client", ("-m", "contract_tests", "client", "--", "--check")),
        ):
            of_both = in_turn(partial(_seconds, command), partial(_seconds, command, root=tree))
            yield Figure(name, "this checkout", configuration.against, "s", *of_both)
    finally:
        subprocess.run([*git, "remove", "--force", tree], capture_output=True)


GROUPS: dict[str, Callable[[Configuration], Iterator[Figure]]] = {
    "suite": _suite, "mock": _mock, "growth": _growth, "client": _client, "commands": _commands, "faults": _faults,
    "against": _against,
}  # fmt: skip
