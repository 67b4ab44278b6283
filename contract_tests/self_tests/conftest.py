"""An API with weather, and a command that is aimed at it, each for one test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.self_tests.live_command import Command
from contract_tests.self_tests.weather_server import WeatherServer, weather_server


@pytest.fixture
def server() -> Iterator[WeatherServer]:
    """An API with fair weather."""
    with weather_server() as server:
        yield server


@pytest.fixture
def command(server: WeatherServer, tmp_path: Path) -> Command:
    """The contract run, aimed at the server, its journal in a folder of its own."""
    return Command(server, tmp_path / "journal")
