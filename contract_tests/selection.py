"""Which tests a run has, and in which order."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

# What tells much for few requests comes first: where something is broken, the first seconds tell.
PROMISES = (
    "first_look", "errors", "authentication", "deletion", "isolation", "listing", "protocol", "concurrency",
    "combinations", "typed_client", "identity", "update_rules", "voices", "fidelity", "field_limits", "persistence",
    "creation", "state_machine", "schema_conformance",
)  # fmt: skip

# Of a test with many parameters a run with few requests takes so many, and one in so many of the rest.
FEW = 2
SHARE = 8


def files_of(promises: Iterable[str]) -> list[str]:
    """Return the paths of the files that hold some promises."""
    return [str(Path(__file__).with_name(f"test_{promise}.py")) for promise in promises]


def sharpest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put the tests marked sharp before all others: where something is broken, the first requests tell."""
    return sorted(items, key=lambda item: item.get_closest_marker("sharp") is None)


def shuffled(items: list[pytest.Item], seed: int) -> list[pytest.Item]:
    """
    Shuffle the files, and the tests inside each file: a file shares a persona, so its tests stay together.

    Args:
        items: The tests.
        seed: Decides the order.

    Returns:
        The same tests in another order.
    """
    chance = random.Random(seed)
    by_file: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.nodeid.partition("::")[0], []).append(item)
    files = list(by_file.values())
    chance.shuffle(files)
    return [item for file in files for item in chance.sample(file, len(file))]


def live(items: list[pytest.Item], seed: int) -> list[pytest.Item]:
    """
    Choose the tests of a run that may send few requests.

    Args:
        items: All tests.
        seed: Decides which values of a long list are tried; another seed tries others.

    Returns:
        Every test marked sharp or few_requests, none marked many_requests, and a share of the parameters of the rest.
    """
    chance = random.Random(f"{seed} live")
    by_function: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("many_requests") is None:
            by_function.setdefault(item.nodeid.partition("[")[0], []).append(item)
    chosen = set()
    for group in by_function.values():
        marks = {mark.name for mark in group[0].iter_markers()}
        is_kept = bool(marks & {"sharp", "few_requests", "all_parameters"}) or len(group) <= FEW
        chosen |= set(group if is_kept else chance.sample(group, FEW + len(group) // SHARE))
    return [item for item in items if item in chosen]


def whole(items: list[pytest.Item]) -> list[pytest.Item]:
    """Choose the tests of a run that may send as many requests as it likes: all that do not stand for others."""
    return [item for item in items if item.get_closest_marker("few_requests") is None]
