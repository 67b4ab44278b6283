"""The fence around a run: what it lets through, what it refuses, and that the key stays secret."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from contract_tests.errors import TargetError
from contract_tests.mock_api.process import RunningMock, running_mock
from contract_tests.target import Api, Target
from contract_tests.transport import AsyncFencedTransport

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
    with Api(Target("the mock", mock.url, mock.api_key), "fence") as api:
        yield api


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT", "POST"])
def test_foreign_persona_is_never_written(api: Api, method: str) -> None:
    """A write to a persona that the run has not made is refused before it leaves."""
    with pytest.raises(TargetError, match="this run has not made that persona"):
        api.send(method, f"/personas/{PAGE_PERSONA}", body="{}")
    with pytest.raises(TargetError):
        api.send(method, "/personas/%33zfmuDbVQsi4GaseDtiVcS", body="{}")
    assert sum(api.ledger.requests.values()) == 0


@pytest.mark.parametrize(
    "path", [f"/personas//{PAGE_PERSONA}", f"/x/../personas/{PAGE_PERSONA}", f"/personas/./{PAGE_PERSONA}"]
)
def test_detour_to_a_foreign_persona_is_refused(api: Api, path: str) -> None:
    """A path that a server may read as another one is refused as well."""
    with pytest.raises(TargetError):
        api.send("DELETE", path)
    assert sum(api.ledger.requests.values()) == 0


def test_whole_list_is_never_removed(api: Api) -> None:
    """DELETE on the list might end every persona of an account, so it is never sent."""
    with pytest.raises(TargetError):
        api.send("DELETE", "/personas")


def test_foreign_persona_may_be_read(api: Api) -> None:
    """Reading changes nothing, so it is free."""
    assert api.get(PAGE_PERSONA).status == 200


def test_own_persona_may_be_written_and_is_removed(api: Api) -> None:
    """What the run has made it may change, and it removes it at its end."""
    persona_id = api.create(BODY).persona["id"]
    assert api.update(persona_id, '{"wait_seconds": 1}').status == 200
    assert api.ledger.alive == [persona_id]
    assert api.remove_all() == []
    assert api.get(persona_id).status == 404
    assert api.ledger.alive == []


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
        async with httpx.AsyncClient(transport=AsyncFencedTransport(api.transport)) as client:
            await client.delete(f"{mock.url}/personas/{PAGE_PERSONA}")

    with pytest.raises(TargetError):
        asyncio.run(write())


def test_exchange_shows_no_key(api: Api, mock: RunningMock) -> None:
    """Neither the key nor a part of it that was sent as a wrong key is in anything that a report shows."""
    for key in (mock.api_key, mock.api_key[:-1], mock.api_key + "x"):
        exchange = api.send("PATCH", f"/personas/{api.absent_id()}", body="{}", key=key)
        shown = f"{exchange!r} {exchange.sent()} {exchange.received()} {exchange.curl()}"
        assert mock.api_key[:-1] not in shown
    assert "$COVAL_API_KEY" in api.get(PAGE_PERSONA).curl()
    assert mock.api_key not in repr(api.target)


def test_repeating_line_names_variables(api: Api) -> None:
    """A run's personas are gone when its report is read, so the line takes one of the reader's."""
    persona_id = api.create(BODY).persona["id"]
    line = api.update(persona_id, '{"wait_seconds": 2}').curl()
    api.remove_all()
    expected: Any = [
        "curl -sS -X PATCH", '"$BASE_URL"/personas/"$PERSONA_ID"', '-H "x-api-key: $COVAL_API_KEY"',
        "--data-binary '{\"wait_seconds\": 2}'",
    ]  # fmt: skip
    assert all(part in line for part in expected), line
