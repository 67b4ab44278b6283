"""What earlier runs of the fuzzer found, kept by test: on this machine, and in a Redis where several share it."""

import hashlib
import sys
from collections.abc import Callable, Iterable
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import core
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase, MultiplexedDatabase

from contract_tests.errors import Refused

FOLDER, ANSWER_SECONDS = ".hypothesis/examples", 5
GONE = "HYPOTHESIS_DATABASE_URL: the Redis answers no more; the run goes on without it"


class Examples(ExampleDatabase):
    """
    The examples of each test, which are tried before new ones are drawn; also a plugin of pytest. Without the *url* of a
    Redis only this machine keeps them; the *seed* decides, with its name, what a test draws.

    Hypothesis keeps none where it is given a seed, and one key for all cases of a test, of which those that pass would
    remove what the others found. So the key holds the case, and the seed is set here.
    """

    def __init__(self, url: str, seed: int) -> None:
        super().__init__()
        own = DirectoryBasedExampleDatabase(FOLDER)
        self._kept = MultiplexedDatabase(own, shared_examples(url)) if url else own
        self._seed, self._test = seed, ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note which test draws, and with which seed."""
        self._test = item.nodeid
        core.threadlocal._hypothesis_global_random = Random(f"{self._seed} {self._test}")

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """Return what is kept of the test."""
        return self._kept.fetch(self._own(key))

    def save(self, key: bytes, value: bytes) -> None:
        """Keep an example of the test."""
        self._kept.save(self._own(key), value)

    def delete(self, key: bytes, value: bytes) -> None:
        """Forget an example of the test."""
        self._kept.delete(self._own(key), value)

    def _own(self, key: bytes) -> bytes:
        return hashlib.sha256(self._test.encode() + key).digest()


@cache
def shared_examples(url: str) -> ExampleDatabase:
    """Return the examples that a Redis holds, which is asked once; Refused where it does not answer, or lacks its package."""
    try:
        import redis
        from hypothesis.extra.redis import RedisExampleDatabase
    except ModuleNotFoundError:
        raise Refused("HYPOTHESIS_DATABASE_URL needs the package redis: pip install redis") from None
    try:
        server = redis.Redis.from_url(url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS)
        server.ping()
    except (redis.RedisError, ValueError, OSError):  # what they say may hold the password
        raise Refused("HYPOTHESIS_DATABASE_URL: no Redis answers there; start it, or correct the address") from None
    return _Guarded(RedisExampleDatabase(server), redis.RedisError)


class _Guarded(ExampleDatabase):
    """A database that may go away: from then on the run goes on without it, and says so once."""

    def __init__(self, examples: ExampleDatabase, failure: type[Exception]) -> None:
        super().__init__()
        self._examples, self._failure, self._is_there = examples, failure, True

    def fetch(self, key: bytes) -> Iterable[bytes]:
        return self._tried(lambda: [*self._examples.fetch(key)]) or []

    def save(self, key: bytes, value: bytes) -> None:
        self._tried(lambda: self._examples.save(key, value))

    def delete(self, key: bytes, value: bytes) -> None:
        self._tried(lambda: self._examples.delete(key, value))

    def _tried(self, action: Callable[[], Any]) -> Any:
        if not self._is_there:
            return None
        try:
            return action()
        except self._failure:
            self._is_there = False
            print(GONE, file=sys.__stderr__)
            return None
