"""The groups of figures but those of the client and of the size of a contract: each measures one checkout beside its peers."""

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from contract_tests.errors import INCONCLUSIVE
from contract_tests.runner.boundaries.map_file import read_map
from contract_tests.runner.configuration import Configuration, foreign_environment
from contract_tests.trials import faults
from contract_tests.trials.baseline import run_baseline
from contract_tests.trials.bench import servers
from contract_tests.trials.bench.comparison import NOTHING, Checkout, Figure, LeftOut, Rounds, in_turn, requests_of
from contract_tests.trials.bench.servers import LOAD_SECONDS, USUAL_CONNECTIONS, Load, Server, loaded
from contract_tests.trials.bench.size import FEW_FIELDS, MANY_FIELDS, sized_contract
from contract_tests.trials.faults.usual import wrong
from contract_tests.trials.faults.witness import Step

FIRST, PRISM = ("-k", "first_look"), "@stoplight/prism-cli@5.16.0"
BARE_ANSWER, CONNECTIONS = "a bare answer", (1, 64)
ITEMS, STEADY_REQUESTS = (1_000, 100_000), 200_000
QUICK_REQUESTS = 1_100
GROUP, CATALOGUE_SECONDS = "limits", 240
# So many halvings leave one of all doubles.
HALVINGS = 64.0


def suite(checkout: Checkout, most: int = 0) -> Iterator[Figure]:
    """The contract run, whole or with a small budget, beside `schemathesis run` with its defaults, on the same mock."""
    contract, cases = checkout.configuration.load_contract(), []
    with checkout.mocked() as mock, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        live = {"BASE_URL": mock.url, contract.key.env: mock.api_key, "RATE": "0", "MAX_REQUESTS": str(most)}
        told = {**live, "JOURNAL": f"{folder}/journal"} if most else {}
        ours = partial(checkout.seconds, *checkout.command("run", "--folder", folder), also=INCONCLUSIVE, told=told)

        def peer() -> float:
            run = run_baseline(contract, mock.url, mock.api_key, 1)
            cases.append(run.cases)
            return run.seconds

        of_ours, of_peer = in_turn(ours, peer, checkout.rounds)
        requests = requests_of(folder)
    per_request = statistics.median(of_ours) / requests / (statistics.median(of_peer) / cases[-1])
    beside = f"{requests:,} requests, {cases[-1]:,} cases: {per_request:.2f} per request"
    name = f"contract run of at most {most:,} requests" if most else "contract run"
    goal = "at most 0.5" if most else "at most 1.5"
    yield Figure(name, "the suite", "schemathesis run", "s", of_ours, of_peer, beside, goal)


def boundaries(checkout: Checkout) -> Iterator[Figure]:
    """What it takes to find the limit of a number, beside a search that halves all doubles."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        took = checkout.seconds(*checkout.command("boundaries", "--fresh", "--folder", folder))
        found = read_map(Path(folder) / "boundaries.json")
    numbers = tuple(float(each.requests) for each in found if each.unit == "double")
    mean = sum(each.requests for each in found) / len(found)
    beside = f"{len(found)} limits of any kind: {mean:.0f} each, {took:.0f} s in all"
    yield Figure("the limit of a number", "make boundaries", "halving", "requests", numbers, (HALVINGS,), beside)


def mock(checkout: Checkout) -> Iterator[Figure]:
    """The mock beside a bare answer of the same server, and beside Prism where it can be had."""
    with loaded(checkout) as ours, ExitStack() as stack:
        item_id, answer = ours.made()
        bare = servers.running(sys.executable, "-c", servers.BARE, "{port}", answer)
        peers = {BARE_ANSWER: stack.enter_context(bare)}
        try:
            prism = servers.brought("node_modules/.bin/prism", ("npm", "install", "--silent", "--prefix", ".", PRISM))
            arguments = ("mock", "-p", "{port}", "-h", "127.0.0.1", str(ours.scene.contract.document.file))
            peers[PRISM.rpartition("/")[2]] = stack.enter_context(servers.running(prism, *arguments))
        except LeftOut as missing:
            print(f"left out: {missing}")
        steps = {"update": ours.update, "read": ours.scene.read(), "refused update": wrong(ours.scene)}
        sent = [(what, step, USUAL_CONNECTIONS) for what, step in steps.items()]
        for name, url in peers.items():
            for what, step, number in sent + [("update", ours.update, n) for n in CONNECTIONS if name == BARE_ANSWER]:
                rounds, loads = _beside(checkout, ours, replace(ours, url=url), step, item_id, number)
                told = f"p50 {loads[-1].p50_ms:.2f} ms, p99 {loads[-1].p99_ms:.2f} ms, {ours.mebibytes:.0f} MiB"
                is_usual = (what, number) == ("update", USUAL_CONNECTIONS)
                goal = ("at least 0.7" if name == BARE_ANSWER else "at least 10") if is_usual else ""
                yield Figure(f"{what}, {number} connections", "the mock", name, "requests/s", *rounds, told, goal)
                if is_usual and name == BARE_ANSWER:
                    tails = (tuple(each.p99_ms for each in loads), tuple(each.p50_ms for each in loads))
                    yield Figure(f"{what}, {number} connections", "p99 of the mock", "its p50", "ms", *tails)


def _beside(
    checkout: Checkout, ours: Server, peer: Server, step: Step, item_id: str, connections: int, peer_id: str = ""
) -> tuple[Rounds, list[Load]]:
    """Load both servers in turn; return the rounds, and the loads of ours."""
    loads: list[Load] = []

    def load() -> float:
        loads.append(ours.load(step, item_id, connections))
        return loads[-1].per_second

    return in_turn(load, lambda: peer.load(step, peer_id or item_id, connections).per_second, checkout.rounds), loads


def growth(checkout: Checkout) -> Iterator[Figure]:
    """The memory of the mock after many requests; an update where it holds many items, or its contract has many fields."""
    with loaded(checkout) as few:
        first, _ = few.made()
        before, sent = few.mebibytes, 0.0
        while sent < STEADY_REQUESTS:
            sent += few.load(few.update, first).per_second * LOAD_SECONDS
        told = (f"after {STEADY_REQUESTS:,} requests", "before", "MiB")
        yield Figure("memory of the mock", *told, (few.mebibytes,), (before,))
        for number in ITEMS:
            with loaded(checkout, "--max-items", str(number)) as many:
                item_id, _ = many.made()
                created = many.scene.create(many.scene.item)
                while many.send(created).is_success:
                    many.load(created)
                rounds, _ = _beside(checkout, many, few, many.update, item_id, USUAL_CONNECTIONS, first)
                beside = f"{many.mebibytes:.0f} MiB against {few.mebibytes:.0f} MiB"
            yield Figure("update", f"{number:,} items", "a few items", "requests/s", *rounds, beside)
    with sized_contract(FEW_FIELDS) as small, sized_contract(MANY_FIELDS) as large, ExitStack() as stack:
        of_both = [replace(checkout, configuration=Configuration(contract=file)) for file in (large, small)]
        many, few = (stack.enter_context(loaded(each)) for each in of_both)
        (item_id, answer), (first, other) = many.made(), few.made()
        rounds, _ = _beside(checkout, many, few, many.update, item_id, USUAL_CONNECTIONS, first)
    told = (f"{MANY_FIELDS} body fields", f"{FEW_FIELDS} body fields", "requests/s")
    yield Figure("update", *told, *rounds, f"answers of {len(answer):,} bytes against {len(other):,}")


def commands(checkout: Checkout) -> Iterator[Figure]:
    """What a person waits for, beside the start of Python with the library that it cannot do without."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        client = (*checkout.command("client")[:6], "--out", f"{folder}/client")
        yield replace(_started(checkout, "writing the client", "make client", *client), goal="at most 3 s")
        package = next(Path(folder, "client").glob("*/__init__.py")).parent
        imported = (sys.executable, "-c", f"import {package.name}")
        yield _started(checkout, "import", package.name, *imported, told={"PYTHONPATH": str(package.parent)})


def _started(checkout: Checkout, name: str, ours: str, *command: str, told: Mapping[str, str] = NOTHING) -> Figure:
    bare_start = partial(checkout.seconds, sys.executable, "-c", "import httpx")
    rounds = in_turn(partial(checkout.seconds, *command, told=told), bare_start, checkout.rounds)
    return Figure(name, ours, "import httpx", "s", *rounds)


def cold(checkout: Checkout) -> Iterator[Figure]:
    """A clone, its environment and the first tests, beside the same tests where all is there; uv has the packages."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{foreign_environment()['PATH']}"  # where make looks for uv
    make = ("make", "contract", f"ARGS={' '.join(FIRST)}")
    with tempfile.TemporaryDirectory(prefix="bench-") as reports:

        def cloned() -> float:
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                clone = checkout.seconds("git", "clone", "-q", ".", folder)
                return clone + checkout.seconds(*make, folder=Path(folder), told={"PATH": path, "MAKEFLAGS": ""})

        there = partial(checkout.seconds, *checkout.command("run", "--folder", reports, "--", *FIRST))
        rounds = in_turn(cloned, there, checkout.rounds)
    yield Figure("to a first verdict", "from a clone", "the first tests", "s", *rounds, goal="at most 15 s")


def fault_trials(checkout: Checkout) -> Iterator[Figure]:
    """The trial of one group of faults beside contract runs."""
    catalogue = faults.catalogue(checkout.configuration.load_contract())
    number = sum(each.group == GROUP for each in catalogue.values())
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        trial, run = checkout.command("faults", GROUP), checkout.command("run", "--folder", folder)
        rounds = in_turn(lambda: number / checkout.seconds(*trial), lambda: 1 / checkout.seconds(*run), 1)
    name = f"faults of {GROUP}, {number} of {len(catalogue)}"
    goal = f"at least {len(catalogue) / CATALOGUE_SECONDS:.1f} /s"
    yield Figure(name, "make faults, faults", "make contract, runs", "/s", *rounds, goal=goal)
