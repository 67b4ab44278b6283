"""What a run costs against the size of its contract, and against the latency of the API: measured, and drawn in docs/cost.svg."""

import asyncio
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from contract_tests.errors import INCONCLUSIVE
from contract_tests.mock_api.__main__ import build_api
from contract_tests.mock_api.wire.server import forked_mock
from contract_tests.report.folder import write_whole
from contract_tests.runner.configuration import Configuration
from contract_tests.runner.new_contract import new_contract
from contract_tests.spec.contract import ROOT
from contract_tests.trials.bench.comparison import Checkout, Figure, requests_of
from contract_tests.trials.faults import seams

DRAWING, TEMPLATE = ROOT / "docs" / "cost.svg", Path(__file__).with_name("panels.svg.jinja")
FEW_FIELDS, MANY_FIELDS = 8, 200
FIELDS = (FEW_FIELDS, 20, 50)
# In turn; the first field is the name.
KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "minLength": 1, "maxLength": 100},
    "number": {"type": "number", "minimum": 0, "maximum": 10},
    "kind": {"type": "string", "enum": ["small", "medium", "large"]},
    "note": {"anyOf": [{"type": "string", "maxLength": 50}, {"type": "null"}], "x-on-null": "clear"},
}
LATENCIES_MS = (0, 20, 150)
WORKERS = (1, 16)
# One process that waits 150 ms for each answer takes some minutes.
LATE_REQUESTS = 1_100

Panel = tuple[str, str, dict[str, dict[int, float]]]  # its title, what varies, and the lines by their names
Cost = tuple[float, int]  # the seconds and the requests of one run


@contextmanager
def sized_contract(number: int) -> Iterator[Path]:
    """Lend a contract whose create and update have so many fields in their bodies."""
    document, kinds = yaml.safe_load(new_contract("things")), [*KINDS]
    fields = {f"{kinds[n % len(kinds)]}_{n}": KINDS[kinds[n % len(kinds)]] for n in range(1, number)}
    for name in ("ThingCreate", "ThingUpdate", "Thing"):
        schema = document["components"]["schemas"][name]
        kept = {n: known for n, known in schema["properties"].items() if n == "name" or "readOnly" in known}
        schema["properties"] = kept | fields
    for operation in (document["paths"]["/things"]["post"], document["paths"]["/things/{id}"]["patch"]):
        del operation["requestBody"]["content"]["application/json"]["example"]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder, f"{number}.yaml")
        file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
        yield file


def size(checkout: Checkout) -> Iterator[Figure]:
    """Measure each size and each latency once, and draw them."""
    sizes: dict[int, Cost] = {}
    for number in FIELDS:
        with sized_contract(number) as file:
            sizes[number] = _cost(checkout, file)
        yield _grown(f"{number} body fields", sizes[number], f"{FEW_FIELDS} body fields", sizes[FEW_FIELDS])
    late: dict[int, dict[int, Cost]] = {workers: {} for workers in WORKERS}
    for latency in LATENCIES_MS:
        for workers, costs in late.items():
            costs[latency] = _late_cost(checkout, latency / 1_000, workers)
            yield _grown(f"{latency} ms an answer, -n{workers}", costs[latency], "0 ms an answer", late[1][0])
    if checkout.root == ROOT:
        waits = {f"ARGS=-n{n}" if n > 1 else "one process": {ms: cost[0] for ms, cost in late[n].items()} for n in late}
        requests: Panel = ("Requests of a run", "fields of a body", {"": {n: cost[1] for n, cost in sizes.items()}})
        seconds = ("Seconds of a run", "fields of a body", {"": {n: cost[0] for n, cost in sizes.items()}})
        late_seconds = (f"Seconds of {LATE_REQUESTS:,} requests", "milliseconds for an answer", waits)
        write_whole(DRAWING, drawn(requests, seconds, late_seconds))


def drawn(*panels: Panel) -> str:
    """Return lines over their values as SVG, panel beside panel; both axes begin at 0."""
    tops = []
    for _, _, lines in panels:
        most = max(value for points in lines.values() for value in points.values())
        unit = 10 ** math.floor(math.log10(most))
        tops.append(next(unit * each for each in (1, 1.2, 1.6, 2, 4, 6, 8, 10) if unit * each >= most))
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(panels=panels, tops=tops)


def _grown(ours: str, cost: Cost, peer: str, least: Cost) -> Figure:
    beside = f"{cost[1]:,} requests against {least[1]:,}"
    return Figure("contract run", ours, peer, "s", cost[:1], least[:1], beside)


def _cost(checkout: Checkout, contract: Path, *arguments: str, **told: str) -> Cost:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        asked = replace(checkout, configuration=Configuration(contract=contract))
        command = asked.command("run", "--folder", folder, "--", *arguments)
        environment = {"SEED": "7", "JOURNAL": f"{folder}/journal", **told}
        return checkout.seconds(*command, also=INCONCLUSIVE, told=environment), requests_of(folder)


def _late_cost(checkout: Checkout, late_seconds: float, workers: int) -> Cost:
    """Run against a mock whose answers take so long."""

    async def late(send: Any, *answer: Any) -> None:
        await asyncio.sleep(late_seconds)
        await send(*answer)

    with sized_contract(FEW_FIELDS) as file:
        api = build_api(file)
        seams.wrap(api, "send", late)
        with forked_mock(api) as url:
            told = {"BASE_URL": url, "API_KEY": api.api_key.decode(), "RATE": "0", "MAX_REQUESTS": str(LATE_REQUESTS)}
            return _cost(checkout, file, *([f"-n{workers}"] if workers > 1 else []), **told)
