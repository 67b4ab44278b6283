"""An API with weather, and a command that is aimed at it, each for one test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from contract_tests.checks.conditions import MARKS
from contract_tests.runner.hooks import RUN_MARKS
from contract_tests.self_tests.live_command import Command
from contract_tests.self_tests.transport.weather_server import WeatherServer, weather_server

# What takes minutes begins first: no worker is waited for at the end.
LONGEST = (
    "test_nasty_proxy.py",
    "test_drift.py",
    "test_borrowed_resource.py",
    "test_interruption.py",
    "test_client_load.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest before the others."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks of the promises: some tests here import their modules. A busy machine is no failure."""
    settings.register_profile("self-tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("self-tests")
    for name, meaning in {**RUN_MARKS, **MARKS}.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


@pytest.fixture
def server() -> Iterator[WeatherServer]:
    """An API with fair weather."""
    with weather_server() as server:
        yield server


@pytest.fixture
def command(server: WeatherServer, tmp_path: Path) -> Command:
    """The contract run, aimed at the server, its journal in a folder of its own."""
    return Command(server, tmp_path / "journal")
