"""Which tests a run has, and in which order: what the contract gives a test to do, and what the budget allows."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from contract_tests.checks.conditions import CASES, NEEDS, NO_CASES
from contract_tests.spec.contract import Contract
from contract_tests.spec.resource import ROLES

# What finds much for its time comes first: where something is broken, the first seconds tell.
PROMISES = (
    "first_look", "deletion", "pages", "orders", "filters", "listed_items", "persistence", "errors", "identity", "isolation", "update_rules", "protocol", "authentication",
    "listed_values", "constraints", "concurrency", "creation", "fidelity", "typed_client", "combinations", "covering_plan",
    "covering_creates", "field_limits", "long_lived", "state_machine", "schema_conformance",
)  # fmt: skip

# Of a test with many parameters a run with few requests takes so many, and one in so many of the rest.
FEW = 2
SHARE = 8


def files_of(promises: Iterable[str]) -> list[str]:
    """Return the paths of the files that hold some promises."""
    files = {file.stem: str(file) for file in Path(__file__).parents[1].joinpath("promises").rglob("test_*.py")}
    return [files[f"test_{promise}"] for promise in promises]


def sharpest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put the tests marked sharp before all others: where something is broken, the first requests tell."""
    return sorted(items, key=lambda item: item.get_closest_marker("sharp") is None)


def shuffled(items: list[pytest.Item], seed: int) -> list[pytest.Item]:
    """Shuffle the files, and the tests inside each file: a file shares an item, so its tests stay together."""
    chance = random.Random(seed)
    by_file: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.nodeid.partition("::")[0], []).append(item)
    files = list(by_file.values())
    chance.shuffle(files)
    return [item for file in files for item in chance.sample(file, len(file))]


def live(items: list[pytest.Item], seed: int) -> list[pytest.Item]:
    """Choose and order the tests of a run that may send few requests; *seed* decides which values of a long list are tried."""
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
    kept = [item for item in items if item in chosen]
    return sorted(kept, key=lambda item: item.get_closest_marker("takes_the_rest") is not None)


def _gives_all(contract: Contract, marks: Iterable[pytest.Mark]) -> bool:
    """Whether a contract has what a test needs: operations, promises and conditions, which may take both for granted."""
    wanted = [each for mark in marks if mark.name == NEEDS for each in mark.args]
    names = [each for each in wanted if isinstance(each, str)]
    if not all(contract.has(name) if name in ROLES else contract.promises_that(name) for name in names):
        return False
    return all(each(contract) for each in wanted if not isinstance(each, str))


class Collection:
    """Collects the tests that the contract gives something to do; *is_brief* where few requests may be sent."""

    def __init__(self, contract: Contract, *, is_brief: bool = False) -> None:
        self._contract = contract
        self._is_brief = is_brief

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Module | pytest.Class, name: str, obj: object) -> Any:
        """Collect no test whose conditions are not met; its cases are not asked for."""
        if not (collector.istestfunction(obj, name) or collector.istestclass(obj, name)):
            return None
        own = getattr(obj, "pytestmark", [])
        marks = [*(own if isinstance(own, list) else [own]), *collector.iter_markers()]
        is_for_few_requests = any(mark.name == "few_requests" for mark in marks)
        is_left_out = (is_for_few_requests and not self._is_brief) or not _gives_all(self._contract, marks)
        return [] if is_left_out else None

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Any:
        """Take out what stands for a test without cases."""
        report: Any = yield
        for item in [each for each in report.result or () if isinstance(each, pytest.Item)]:
            if item.get_closest_marker(NO_CASES) is not None:
                report.result.remove(item)
        return report

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give a test its cases."""
        for mark in metafunc.definition.iter_markers(CASES):
            names, cases, ids, together = mark.args
            found = list(cases(self._contract))
            if together and found:
                single = [pytest.param([case], id=ids(case) or str(case)) for case in found]
                found = [pytest.param(found, id="together")] if self._is_brief else single
            count = len([name for name in names.split(",") if name.strip()])
            none = pytest.param(*[None] * count, id="no case", marks=getattr(pytest.mark, NO_CASES))
            metafunc.parametrize(names, found or [none], ids=ids)
