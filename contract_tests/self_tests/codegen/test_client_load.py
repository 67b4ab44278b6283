"""10,000 calls from 32 threads and from 500 tasks: right answers, few connections, none left, and flat memory."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import pytest
from coval_personas import AsyncCoval, Coval

from contract_tests.mock_api.process import RunningMock, running_mock

CALLS = 10_000
THREADS, TASKS = 32, 500
# After the first tenth of the calls; if each call left something behind, there would be at least so many more.
MOST_OBJECTS = CALLS // 4
MOST_BYTES = 30_000_000


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    """The mock."""
    with running_mock() as running:
        yield running


def sockets(peer: str) -> int:
    """Count the connections of this process to a port."""
    wanted = f":{int(peer.rpartition(':')[2].partition('/')[0]):04X}"
    lines = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    established = [line.split() for line in lines if line.split()[2].endswith(wanted)]
    return sum(fields[3] == "01" for fields in established)


def _apart(work: Callable[[str, str], None], mock: RunningMock) -> None:
    """Work in a process of its own: what other tests have left in this one would hide what the calls leave."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(work, mock.api_key, mock.url).result()


def test_threads_share_a_client(mock: RunningMock) -> None:
    """Each of 32 threads gets the answers to its own calls; close() leaves no connection."""
    _apart(_from_threads, mock)


def _from_threads(api_key: str, url: str) -> None:
    with Coval(api_key, url) as coval, ThreadPoolExecutor(THREADS) as pool:
        made = list(pool.map(lambda number: _created(coval, number), range(THREADS)))

        def update(number: int) -> bool:
            wait_seconds = 0.1 + number % 1000 / 1000
            persona = coval.personas.update(made[number % THREADS], wait_seconds=wait_seconds)
            return (persona.id, persona.wait_seconds) == (made[number % THREADS], wait_seconds)

        first = list(pool.map(update, range(CALLS // 10)))
        before = memory()
        rest = list(pool.map(update, range(CALLS - CALLS // 10)))
        assert before.is_flat()
        assert all(first) and all(rest)
        assert sockets(url) <= THREADS
        list(pool.map(coval.personas.delete, made))
    assert sockets(url) == 0


def _created(coval: Coval, number: int) -> str:
    return coval.personas.create(name=f"Load {number}", voice_name="aria", language_code="en-US").id


def test_tasks_share_a_client(mock: RunningMock) -> None:
    """Each of 500 tasks gets the answers to its own calls; close() leaves no connection."""
    _apart(_from_tasks, mock)


def _from_tasks(api_key: str, url: str) -> None:
    asyncio.run(_tasks(api_key, url))
    assert sockets(url) == 0


async def _tasks(api_key: str, url: str) -> None:
    numbers = count()
    async with AsyncCoval(api_key, url) as coval:
        made = (await coval.personas.create(name="Load", voice_name="aria", language_code="en-US")).id

        async def work(calls: int) -> bool:
            is_right = True
            for _ in range(calls):
                name = f"Load {next(numbers)}"
                is_right &= (await coval.personas.update(made, name=name)).name == name
            return is_right

        assert all(await asyncio.gather(*(work(CALLS // TASKS // 10) for _ in range(TASKS))))
        before = memory()
        assert all(await asyncio.gather(*(work(CALLS // TASKS * 9 // 10) for _ in range(TASKS))))
        assert before.is_flat()
        assert sockets(url) <= 100
        for number in range(100):  # a call that is cancelled, wherever it is, leaves no connection for another to find
            cancelled = asyncio.create_task(coval.personas.update(made, name="Cancelled"))
            await asyncio.sleep(number % 8 / 5000)
            cancelled.cancel()
            await asyncio.wait([cancelled])
            assert (await coval.personas.update(made, name=f"Load {number}")).name == f"Load {number}"
        assert sockets(url) <= 100
        await coval.personas.delete(made)


@dataclass(frozen=True)
class Memory:
    """What a process holds."""

    objects: int
    bytes: int

    def is_flat(self) -> bool:
        """Whether it holds no more now than what does not grow with the calls."""
        now = memory()
        return now.objects - self.objects < MOST_OBJECTS and now.bytes - self.bytes < MOST_BYTES


def memory() -> Memory:
    gc.collect()
    return Memory(
        len(gc.get_objects()), int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    )
