"""A resource and a server that share nothing with the mock: the clean one holds, and each planted fault is caught."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from contract_tests.runner.configuration import Configuration
from contract_tests.self_tests.forked_run import CONTEXT, Ended, forked_run
from contract_tests.self_tests.spec import orders_server
from contract_tests.self_tests.spec.orders_server import FAULTS, KEY

CONTRACT = Path(__file__).with_name("orders.yaml")

# One fault for each of some promises, and the file that catches it; the shop knows more of each kind.
BREAKS = {
    "price-of-10000": "first_look",
    "city-left-out": "covering_plan",
    "zip-not-anchored": "covering_plan",
    "express-without-day": "constraints",
    "text-trimmed": "fidelity",
    "page-repeats": "pages",
    "gone-reads": "deletion",
    "token-by-prefix": "authentication",
    "wrong-code": "errors",
    "touches-other": "isolation",
}


@contextmanager
def served(fault: str = "") -> Iterator[str]:
    """Run the shop in a forked process; yield its URL."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    process = CONTEXT.Process(target=orders_server.serve, args=(listener, fault), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/shop"
    finally:
        listener.close()
        process.kill()
        process.join()


def held(url: str, folder: Path, promises: tuple[str, ...] = (), *arguments: str) -> Ended:
    """Run the suite against the shop within the budget of a live run, and require that nothing is left there."""
    asked = Configuration(
        contract=CONTRACT, base_url=url, api_key=KEY, key_name="SHOP_TOKEN", seed=1, requests_per_second=0
    )
    ended = forked_run(asked, folder, promises, *arguments)
    listed = httpx.get(f"{url}/orders", headers={"x-shop-token": KEY}, trust_env=False)
    assert listed.json()["data"] == [], ended.text[-3000:]
    assert "Traceback" not in ended.text
    assert "error of the suite" not in ended.verdict
    return ended


def test_clean_server_holds(tmp_path: Path) -> None:
    with served() as url:
        ended = held(url, tmp_path)
    assert ended.exit_code == 0, ended.text[-3000:]
    assert ended.verdict.startswith("verdict: holds.")


@pytest.mark.parametrize("fault", BREAKS)
def test_planted_fault_is_caught(fault: str, tmp_path: Path) -> None:
    with served(fault) as url:
        ended = held(url, tmp_path, (BREAKS[fault],), "-x")
    assert ended.exit_code == 1, f"{FAULTS[fault]}\n{ended.text[-3000:]}"
    assert ended.verdict.startswith("verdict: violated.")
