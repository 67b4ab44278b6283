"""
The suite in the field: REST servers that nobody here wrote, each held to a contract written from its own documentation.

    contract-tests field [NAME ...]

Each folder of field_servers/ is one server: server.yaml says how to install and start it, beside it stand its contract
and its known divergences. It gets an environment of its own in .field/, its data a folder that is thrown away.
The exit code is the worst of all runs: 4 refused, 1 violated, 2 inconclusive, 0 every contract holds.
"""

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from rich.console import Console
from rich.table import Table

from contract_tests.errors import Refused
from contract_tests.runner.configuration import Configuration, foreign_environment

RUNS = {"contract": "run", "boundaries": "boundaries"}
WORST_FIRST = (4, 1, 2, 0)
VERDICT = re.compile(r"^verdict: (\w+)(.*)$", re.MULTILINE)
BY_KIND = re.compile(r"\b(\d+) (?:broken|looser)\b")
LIMITS = re.compile(r"\b(\d+) of \d+ limits\b")
ROOT = Path(__file__).resolve().parents[2]
SERVERS = Path(__file__).with_name("field_servers")
CACHE = ROOT / ".field"
READY_SECONDS = 300.0
STOP_SECONDS = 10.0
# Below the ports that systems give to clients.
PORTS = range(20_000, 30_000)

# Runs the server in a process group of its own, and ends that group when the server ends or when this process is gone,
# killed or not: then the pipe is closed.
KEEPER = """
import os, signal, subprocess, sys, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def end():
    os.killpg(0, signal.SIGTERM)
    try:
        server.wait(5)
    finally:
        os.killpg(0, signal.SIGKILL)
threading.Thread(target=lambda: (server.wait(), end()), daemon=True).start()
sys.stdin.read()
end()
"""


@dataclass(frozen=True)
class FieldServer:
    """One server, as its server.yaml describes it; `{folder}` and `{port}` stand for what a start chooses."""

    name: str
    python: str  # the file that pins every package
    start: list[str]
    ready: str  # a URL that answers with success when the server is ready
    base_url: str
    contract: str
    before: list[list[str]] = field(default_factory=list)  # commands that end before the server starts
    environment: dict[str, str] = field(default_factory=dict)  # all that they are told, beside PATH and HOME
    run: dict[str, str] = field(default_factory=dict)  # variables of the runs, such as API_KEY and MAX_REQUESTS

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return SERVERS / self.name

    @property
    def programs(self) -> Path:
        """Where its environment keeps its commands."""
        return CACHE / self.name / "venv" / "bin"


def names() -> list[str]:
    """List the servers that are described."""
    return sorted(file.parent.name for file in SERVERS.glob("*/server.yaml"))


def read_server(name: str) -> FieldServer:
    """Read a server's description; refused: there is no such server."""
    if name not in names():
        raise Refused(f"no field server is called {name}; there are {', '.join(names())}")
    settings: dict[str, Any] = yaml.safe_load((SERVERS / name / "server.yaml").read_text("utf-8"))
    return FieldServer(name, **settings)


def install(server: FieldServer) -> None:
    """Bring exactly the pinned packages into the server's own environment, unless they are there."""
    pins = (server.folder / server.python).read_text("utf-8")
    marker = CACHE / server.name / "installed.txt"
    if marker.exists() and marker.read_text("utf-8") == pins:
        return
    started = time.monotonic()
    print(f"{server.name}: installing {len(pins.splitlines())} packages into {server.programs.parent}", flush=True)
    shutil.rmtree(marker.parent, ignore_errors=True)
    uv = (sys.executable, "-m", "uv")
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, server.programs.parent], check=True)
    python = server.programs / "python"
    pinned = server.folder / server.python
    subprocess.run([*uv, "pip", "sync", "-q", "--compile-bytecode", "--python", python, pinned], check=True)
    marker.write_text(pins, "utf-8")
    print(f"{server.name}: installed in {time.monotonic() - started:.1f} s", flush=True)


@contextmanager
def running(server: FieldServer) -> Iterator[str]:
    """Run a server on a free port of the loopback interface, with data that end with it; yield its base URL."""
    with tempfile.TemporaryDirectory(prefix=f"field-{server.name}-", ignore_cleanup_errors=True) as folder:
        values = {"folder": folder, "port": str(free_port())}
        environment = {"PATH": f"{server.programs}:{os.defpath}", "HOME": folder, "LANG": "C.UTF-8"}
        environment |= {name: _filled(text, values) for name, text in server.environment.items()}
        log = CACHE / server.name / "server.log"
        with log.open("w") as output:
            for command in server.before:
                line = _command(server, command, values)
                subprocess.run(line, env=environment, cwd=folder, stdout=output, stderr=output, check=True)
            keeper = [sys.executable, "-c", KEEPER, *_command(server, server.start, values)]
            streams: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": output, "stderr": output}
            with subprocess.Popen(keeper, env=environment, cwd=folder, start_new_session=True, **streams) as process:
                try:
                    _wait(server, process, _filled(server.ready, values), log)
                    yield _filled(server.base_url, values)
                finally:
                    assert process.stdin is not None
                    process.stdin.close()
                    process.wait(STOP_SECONDS)
                    print(f"{server.name}: stopped", flush=True)


def free_port() -> int:
    """Name a port of the loopback interface that is free now, and that no client is given by the system meanwhile."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Refused(f"no port of 127.0.0.1 from {PORTS[0]} to {PORTS[-1]} is free")


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _command(server: FieldServer, words: list[str], values: dict[str, str]) -> list[str]:
    return [str(server.programs / words[0]), *(_filled(word, values) for word in words[1:])]


def _wait(server: FieldServer, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    print(f"{server.name}: starting, {url}", flush=True)
    started = time.monotonic()
    while time.monotonic() < started + READY_SECONDS:
        if process.poll() is not None:
            raise Refused(f"{server.name} ended with exit code {process.returncode} before it was ready; see {log}")
        with suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5, trust_env=False).is_success:
                print(f"{server.name}: ready after {time.monotonic() - started:.1f} s", flush=True)
                return
        time.sleep(0.2)
    raise Refused(f"{server.name} was not ready within {READY_SECONDS:.0f} s; see {log}")


# -- Trying the servers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """How one run against one server ended."""

    server: str
    run: str
    verdict: str
    violations: int
    exit_code: int
    seconds: float


def field_trial(configuration: Configuration, arguments: Sequence[str]) -> int:
    """Run the contract and the map of each server that is named, else of all; return the worst exit code."""
    outcomes: list[Outcome] = []
    for server in [read_server(name) for name in arguments or names()]:
        outcomes.extend(try_server(server))
    show(outcomes)
    codes = {outcome.exit_code for outcome in outcomes}
    return next((code for code in WORST_FIRST if code in codes), 1)


def try_server(server: FieldServer) -> list[Outcome]:
    """Install and start a server, and aim each run at it; one that does not start is an outcome of its own."""
    try:
        install(server)
        with running(server) as base_url:
            return [aim(server, run, name, base_url) for run, name in RUNS.items()]
    except (Refused, subprocess.CalledProcessError) as error:
        print(f"{server.name}: {error}")
        return [Outcome(server.name, "start", "refused", 0, 4, 0)]


def aim(server: FieldServer, run: str, name: str, base_url: str) -> Outcome:
    """Run one command of the suite against the server, show what it prints, and keep it in .field/."""
    print(f"{server.name}: {run}", flush=True)
    kept = CACHE / server.name
    asked = {"CONTRACT": str(server.folder / server.contract), "BASE_URL": base_url, "JOURNAL": str(kept / "journal")}
    environment = {**foreign_environment(), **asked, "RATE": "0", "MAX_REQUESTS": "0", **server.run}
    command = [sys.executable, "-m", "contract_tests", name, "--folder", str(kept / "reports")]
    started, log = time.monotonic(), kept / f"{run}.log"
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True}
    with log.open("w") as output, subprocess.Popen(command, cwd=ROOT, env=environment, **streams) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            output.write(line)
    return outcome(server.name, run, log.read_text(), process.returncode, time.monotonic() - started)


def outcome(server: str, run: str, printed: str, exit_code: int, seconds: float) -> Outcome:
    """Read the verdict out of what a run has printed."""
    verdicts = VERDICT.findall(printed)
    word, sentence = verdicts[-1] if verdicts else ("none", "")
    counts = LIMITS.findall(sentence) or BY_KIND.findall(sentence)
    violations = sum(map(int, counts)) if word == "violated" else 0
    return Outcome(server, run, word, violations, exit_code, seconds)


def show(outcomes: Sequence[Outcome]) -> None:
    """Print the table."""
    table = Table("server", "run", "verdict", "violations", "exit code", "seconds")
    for each in outcomes:
        counts = (str(each.violations), str(each.exit_code), f"{each.seconds:.0f}")
        table.add_row(each.server, each.run, each.verdict, *counts)
    Console(width=100).print(table)
