"""An update by the generated client, sync and async, beside one by httpx alone and by the vendor's client, in processor time."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from contract_tests.checks.typed_client import FOLDER
from contract_tests.spec.contract import ROOT
from contract_tests.trials.bench.comparison import Checkout, Figure, LeftOut, Side, in_turn
from contract_tests.trials.bench.servers import BARE, Server, brought, running

CALLS, ROUNDS_EACH = 500, 3
VENDOR_CLIENT, CALLERS = ROOT / "codegen" / "vendor_client.yaml", Path(__file__).with_name("callers.yaml")
# Says when it is ready, makes the call as often as each line that it reads says, and writes the processor time that this took.
REPEATED = """
import asyncio, json, sys, time
globals().update(json.loads(sys.argv[1]))
exec(setup)
exec(f"async def repeat(times):\\n    for _ in range(times): {call}")
with asyncio.Runner() as runner:
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.process_time()
        runner.run(repeat(int(line)))
        print(time.process_time() - started, flush=True)
"""


def client(checkout: Checkout) -> Iterator[Figure]:
    """Measure the client of a checkout; every side gets the same answer of a bare server."""
    contract = checkout.configuration.load_contract()
    beside = contract.document.file.parent if checkout.root == ROOT else checkout.root
    with checkout.mocked() as mock:
        server = Server.of(mock, contract)
        item_id, answer = server.made()
    with running(sys.executable, "-c", BARE, "{port}", answer) as url, ExitStack() as stack:
        step = server.update
        given = {
            "url": url, "key": server.key, "item_id": item_id, "sent": json.loads(step.body or b"{}"),
            "method": step.method, "address": f"{url}{step.path.replace('{id}', item_id)}", "headers": dict(step.headers),
            "contract": str(contract.document.file), "folder": str(beside / FOLDER),
        }  # fmt: skip
        sides = {
            name: stack.enter_context(_repeated(sys.executable, {**given, **caller}))
            for name, caller in yaml.safe_load(CALLERS.read_text("utf-8")).items()
        }
        pairs = [("", "typed", "plain", "httpx alone"), (", async", "typed, async", "plain, async", "httpx alone")]
        vendor = yaml.safe_load(VENDOR_CLIENT.read_text("utf-8")) if VENDOR_CLIENT.exists() else {"operation": ""}
        if vendor["operation"] in contract.operations:
            python = _interpreter(vendor["package"])
            sides["vendor"] = stack.enter_context(_repeated(python, {**given, **vendor}))
            pairs.append(("", "typed", "vendor", vendor["package"]))
        for name, one, other, peer in pairs:
            rounds = in_turn(sides[one], sides[other], ROUNDS_EACH * checkout.rounds)
            goal = {"plain": "at most 0.75", "vendor": "at most 0.90"}.get(other, "")
            yield Figure(f"{CALLS} updates{name}", "the client", peer, "s", *rounds, goal=goal)


def _interpreter(package: str) -> Path:
    """Return a Python that has a package, in an environment of its own."""
    python, uv = f"{package}/bin/python", (sys.executable, "-m", "uv")
    install = (*uv, "pip", "install", "-q", "--python", python, package)
    return brought(python, (*uv, "venv", "-q", "--clear", "--python", sys.executable, package), install)


@contextmanager
def _repeated(python: str | Path, given: dict[str, object]) -> Iterator[Side]:
    """Lend what makes a call many times and returns the processor time that this took; LeftOut where it cannot start."""
    command = [str(python), "-c", REPEATED, json.dumps(given)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        asked, answers = process.stdin, process.stdout
        assert asked is not None and answers is not None and process.stderr is not None

        def side() -> float:
            print(CALLS, file=asked, flush=True)
            return float(answers.readline())

        if not answers.readline():
            raise LeftOut(f"calls by {python}, which says {process.stderr.read().strip().splitlines()[-1:]}")
        yield side
