"""Hashes of what a run has sent to its borrowed item or read from it, to tell the changes of others from its own."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from contract_tests.singles import nearest_single

Digests = dict[str, list[str]]


@dataclass
class WrittenValues:
    """The values of each field that a run has sent or been shown."""

    digests: dict[str, set[str]] = field(default_factory=dict)

    def sent(self, body: bytes) -> Digests:
        """Add the fields of a body that is about to be sent, and return what is new."""
        with suppress(ValueError, RecursionError, TypeError):
            pairs = json.loads(body, object_pairs_hook=_Pairs)
            return self._add(pairs) if isinstance(pairs, _Pairs) else {}
        return {}

    def shown(self, item: dict[str, Any]) -> Digests:
        """Add what an answer shows of the fields that were sent before, and return what is new."""
        return self._add((name, item.get(name)) for name in list(self.digests))

    def knows(self, name: str, value: Any) -> bool:
        """Whether a value of a field is one that the run has sent or been shown."""
        return not self.digests.get(name, set()).isdisjoint(_digests(value))

    def _add(self, pairs: Iterable[tuple[str, Any]]) -> Digests:
        new: Digests = {}
        for name, value in pairs:
            known = self.digests.setdefault(name, set())
            fresh = [digest for digest in _digests(value) if digest not in known]
            known.update(fresh)
            if fresh:
                new[name] = new.get(name, []) + fresh
        return new


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, in their order, also those of one name."""


def _digests(value: Any) -> Iterator[str]:
    """Yield the hash of a value; of a number also that of its nearest single-precision value."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with suppress(OverflowError):
            number = float(value)
            yield _hash(repr(number))
            if math.isfinite(number):
                yield _hash(repr(nearest_single(number)))
        return
    yield _hash(json.dumps(value, sort_keys=True))


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8"), digest_size=8).hexdigest()
