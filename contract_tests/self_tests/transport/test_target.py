"""The fence around a run: what it lets through, what it refuses, and that the key stays secret."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from contract_tests.errors import NotAllowed, RunEnded, TargetError
from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.self_tests.transport.shapes import PERSONAS
from contract_tests.transport.journal import Journal, of_dead_runs, of_living_runs
from contract_tests.transport.network.connection import proxy_of
from contract_tests.transport.retry import retry_after_seconds
from contract_tests.transport.run_limits import RequestBudget
from contract_tests.transport.target import Api, Target
from contract_tests.transport.transport import AsyncGuardedTransport

PAGE_PERSONA = "3zfmuDbVQsi4GaseDtiVcS"
BODY = '{"name": "contract-test-fence-1", "voice_name": "aria", "language_code": "en-US"}'


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    """A mock with two personas that belong to somebody else."""
    with running_mock() as mock:
        yield mock


@pytest.fixture
def api(mock: RunningMock) -> Iterator[Api]:
    """A run that has made nothing yet."""
    with Api(Target("the mock", mock.url, mock.api_key), "fence", PERSONAS) as api:
        yield api


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT", "POST"])
def test_foreign_persona_is_never_written(api: Api, method: str) -> None:
    """A write to a persona that the run has not made is refused before it leaves."""
    with pytest.raises(TargetError, match="this run has not made that item"):
        api.send(method, f"/personas/{PAGE_PERSONA}", body="{}")
    with pytest.raises(TargetError):
        api.send(method, "/personas/%33zfmuDbVQsi4GaseDtiVcS", body="{}")
    assert sum(api.created.requests.values()) == 0


@pytest.mark.parametrize(
    "path", [f"/personas//{PAGE_PERSONA}", f"/x/../personas/{PAGE_PERSONA}", f"/personas/./{PAGE_PERSONA}"]
)
def test_detour_to_a_foreign_persona_is_refused(api: Api, path: str) -> None:
    """A path that a server may read as another one is refused as well."""
    with pytest.raises(TargetError):
        api.send("DELETE", path)
    assert sum(api.created.requests.values()) == 0


def test_whole_list_is_never_removed(api: Api) -> None:
    """DELETE on the list might end every persona of an account, so it is never sent."""
    with pytest.raises(TargetError):
        api.send("DELETE", "/personas")


def test_foreign_persona_may_be_read(api: Api) -> None:
    """Reading changes nothing, so it is free."""
    assert api.read(PAGE_PERSONA).status == 200


def test_own_persona_may_be_written_and_is_removed(api: Api) -> None:
    """What the run has made it may change, and it removes it at its end."""
    persona_id = api.create(BODY).item["id"]
    assert api.update(persona_id, '{"wait_seconds": 1}').status == 200
    assert list(api.created.alive) == [persona_id]
    assert api.remove_all() == []
    assert api.read(persona_id).status == 404
    assert list(api.created.alive) == []


def test_absent_id_may_be_written(api: Api) -> None:
    """An id of a form that no persona has is nobody's."""
    assert api.update(api.absent_id(), "{}").status == 404


def test_other_host_is_refused(api: Api) -> None:
    """The key goes to the API under test and nowhere else."""
    with pytest.raises(TargetError, match="under test"):
        httpx.Client(transport=api.transport).get("http://127.0.0.2:9/v1/personas")


def test_asynchronous_caller_stands_before_the_same_fence(api: Api, mock: RunningMock) -> None:
    """An asynchronous client is held back like any other."""

    async def write() -> None:
        async with httpx.AsyncClient(transport=AsyncGuardedTransport(api.transport)) as client:
            await client.delete(f"{mock.url}/personas/{PAGE_PERSONA}")

    with pytest.raises(TargetError):
        asyncio.run(write())


def test_exchange_shows_no_key(api: Api, mock: RunningMock) -> None:
    """Neither the key nor a part of it that was sent as a wrong key is in anything that a report shows."""
    for key in (mock.api_key, mock.api_key[:-1], mock.api_key + "x"):
        exchange = api.send("PATCH", f"/personas/{api.absent_id()}", body="{}", key=key)
        shown = f"{exchange!r} {exchange.sent()} {exchange.received()} {exchange.curl()}"
        assert mock.api_key[:-1] not in shown
    assert "$COVAL_API_KEY" in api.read(PAGE_PERSONA).curl()
    assert mock.api_key not in repr(api.target)


def test_repeating_line_names_variables(api: Api) -> None:
    """A run's personas are gone when its report is read, so the line takes one of the reader's."""
    persona_id = api.create(BODY).item["id"]
    line = api.update(persona_id, '{"wait_seconds": 2}').curl()
    api.remove_all()
    expected: Any = [
        "curl -sS -X PATCH", '"$BASE_URL"/personas/"$ITEM_ID"', '-H "x-api-key: $COVAL_API_KEY"',
        "--data-binary '{\"wait_seconds\": 2}'",
    ]  # fmt: skip
    assert all(part in line for part in expected), line


@pytest.mark.parametrize(
    "path",
    ["/personas/contract-test-x%2F..%2F3zfmuDbVQsi4GaseDtiVcS", "/personas/contract-test-x/y", "/x/contract-test-x"],
)
def test_absent_id_that_a_server_may_read_as_another_is_refused(api: Api, path: str) -> None:
    """An id that holds a path could lead to a persona that exists."""
    with pytest.raises(TargetError):
        api.send("DELETE", path)


def test_read_that_may_be_taken_for_a_write_is_refused(api: Api) -> None:
    """A header can turn a GET into a DELETE, so with it a GET is held to the rules of writes."""
    with pytest.raises(TargetError):
        api.send("GET", f"/personas/{PAGE_PERSONA}", headers=[("X-HTTP-Method-Override", "DELETE")])
    assert sum(api.created.requests.values()) == 0


@pytest.mark.parametrize(
    "name", ["Friendly Customer", "contract-test-", "contract-test-other-1", " contract-test-fence-1"]
)
def test_new_persona_has_a_name_of_the_run(api: Api, name: str) -> None:
    """By its name a persona is known to be the run's, so none is made under another that the contract allows."""
    with pytest.raises(TargetError, match="does not begin with contract-test-fence-"):
        api.create(BODY.replace("contract-test-fence-1", name))
    assert sum(api.created.requests.values()) == 0


def test_no_more_personas_are_alive_than_the_cap_allows(mock: RunningMock) -> None:
    """A run that forgot to remove its personas would fill an account; beyond the cap no create leaves."""
    with Api(Target("the mock", mock.url, mock.api_key), "fence", PERSONAS, most_items=2) as api:
        made = [api.create(BODY).item["id"] for _ in range(2)]
        with pytest.raises(TargetError, match="exist"):
            api.create(BODY)
        assert list(api.created.alive) == made
        assert api.remove_all() == []


def test_lent_persona_is_changed_and_nothing_else_is(mock: RunningMock) -> None:
    """Where one persona is lent, none is made or removed, and only that one may be changed."""
    with Api(Target("the mock", mock.url, mock.api_key), "fence", PERSONAS, borrowed_id=PAGE_PERSONA) as api:
        assert api.update(PAGE_PERSONA, "{}").status == 200
        for method, path in (("POST", "/personas"), ("DELETE", f"/personas/{PAGE_PERSONA}")):
            with pytest.raises(NotAllowed):
                api.send(method, path, body=BODY)
        assert api.remove_all() == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("0", 0), ("soon", None), ("-1", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("²", None)],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """RFC 9110, section 10.2.3: Retry-After is a number of seconds, or a date, which may lie in the past."""
    assert retry_after_seconds(text) == seconds


@pytest.mark.parametrize(
    ("variables", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy.invalid:3128"}, "http://proxy.invalid:3128"),
        ({"HTTPS_PROXY": "http://proxy.invalid:3128", "NO_PROXY": "api.invalid"}, None),
        ({"ALL_PROXY": "proxy.invalid:3128"}, "http://proxy.invalid:3128"),
    ],
)
def test_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], proxy: str | None
) -> None:
    """HTTPS_PROXY, ALL_PROXY and NO_PROXY count as httpx has them."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = proxy_of("https://api.invalid/v1")
    assert (found and str(found.url)) == proxy


def test_budget_holds_back_what_the_cleaning_needs() -> None:
    """What removes a persona is held back, so that a budget which ends never leaves one."""
    budget = RequestBudget(max_requests=10)
    budget.reserve(4)
    for _ in range(6):
        budget.take()
    with pytest.raises(RunEnded):
        budget.take()
    for _ in range(4):
        budget.take(is_reserved=True)
    with pytest.raises(RunEnded):
        budget.take(is_reserved=True)
    assert budget.sent == 10
    budget.close()


def test_pace_is_one_for_all_threads_and_openers(tmp_path: Path) -> None:
    """Whoever opens the same budget, in whatever thread or process, sends in turn, at the one pace."""
    openers = [RequestBudget(requests_per_second=50, file=str(tmp_path / "budget")) for _ in range(3)]
    began = time.monotonic()
    with ThreadPoolExecutor(9) as threads:
        list(threads.map(lambda number: openers[number % 3].take(), range(21)))
    assert 20 / 50 <= time.monotonic() - began
    assert openers[0].sent == 21
    for opener in openers:
        opener.close()


def test_living_runs_and_other_accounts_are_left_alone(tmp_path: Path) -> None:
    """A journal is followed only after its run has died, and only with the address and the key of its account."""
    journal = Journal("0123abcd", "http://127.0.0.1:8400/v1/", "Key-4711", tmp_path)
    journal.creating("contract-test-0123abcd-1")
    journal.note(created="abc", name="contract-test-0123abcd-1", made=None)
    journal.creating("contract-test-0123abcd-2")
    assert list(of_dead_runs(tmp_path)) == []
    assert list(of_living_runs(tmp_path)) == [journal.path]
    journal.close()
    remains = next(of_dead_runs(tmp_path))
    assert remains.alive == {"abc": "contract-test-0123abcd-1"}
    assert [create.name for create in remains.unanswered] == ["contract-test-0123abcd-2"]
    assert remains.belongs_to("http://127.0.0.1:8400/v1", "Key-4711")
    assert not remains.belongs_to("http://127.0.0.1:8400/v1", "Key-4712")
    assert not remains.belongs_to("http://127.0.0.1:8401/v1", "Key-4711")


class _Peers(BaseHTTPRequestHandler):
    """Answers each request with the address and the name of its client."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"persona": {"id": f"{self.client_address[1]} {self.headers['user-agent']}"}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def test_reader_apart_is_another_client_that_keeps_its_connection() -> None:
    """A cache that a server keeps for a connection, or for a client, is seen by reading over two that stay open."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Peers) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with Api(Target("peers", address, "abcdefgh1234"), "peers", PERSONAS) as api:
            seen = [
                api.read(PAGE_PERSONA, apart=apart).item["id"].split(" ", 1) for apart in (False, True, False, True)
            ]
        server.shutdown()
    assert seen[0] == seen[2]
    assert seen[1] == seen[3]
    assert all(one != other for one, other in zip(seen[0], seen[1], strict=True))
