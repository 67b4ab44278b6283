"""The client as a wheel: it is built without a network, and works where nothing is but what it says that it needs."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from codegen.trees import differences
from contract_tests.mock_api.process import running_mock
from contract_tests.spec.contract import ROOT

SMOKE = """
import asyncio, importlib.metadata, sys
import coval_personas
from coval_personas import AsyncCoval, Coval, NotFoundError
assert coval_personas.__file__.startswith(sys.prefix), coval_personas.__file__
assert importlib.metadata.version("coval-personas") == coval_personas.__version__
with Coval(validate=True) as coval:
    persona = coval.personas.create(name="Ann", voice_name="aria", language_code="en-US")
    persona = coval.personas.update(persona.id, wait_seconds=0.8, background_sound="office")
    assert persona.wait_seconds == 0.8 and persona.id in [each.id for each in coval.personas.list(page_size=1)]
    coval.personas.delete(persona.id)
    try:
        coval.personas.get(persona.id)
    except NotFoundError as error:
        print(sys.version_info[:2], error.code)
async def list_all():
    async with AsyncCoval() as coval:
        assert [each.id async for each in coval.personas.list(page_size=1)] and await coval.personas.voices.list()
asyncio.run(list_all())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make wheel` builds."""
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "generated_client"
    shutil.copytree(ROOT / "generated_client", source, ignore=shutil.ignore_patterns("__pycache__"))
    uv = shutil.which("uv") or str(ROOT / ".venv/bin/uv")
    subprocess.run([uv, "build", "-q", "--offline", "--no-cache", str(source), "-o", str(folder)], check=True)
    assert differences(ROOT / "generated_client", source) == []
    (built,) = folder.glob("*.whl")
    assert len(list(folder.glob("*.tar.gz"))) == 1
    return built


def test_wheel_says_what_a_package_index_shows(wheel: Path) -> None:
    """Name, version, what it is, licence, author, URL, Pythons, README, and that it is typed."""
    with zipfile.ZipFile(wheel) as files:
        names = files.namelist()
        metadata = files.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert "coval_personas/py.typed" in names
    for line in (
        "Name: coval-personas", "Version: 1.0.0", "License-Expression: MIT", "Requires-Python: >=3.11",
        "Project-URL: Documentation, https://docs.coval.dev", "Requires-Dist: httpx>=0.27,<0.29",
        "Summary: A typed client of the Coval Personas API. Change the simulated callers that test a voice agent.",
    ):  # fmt: skip
        assert line in metadata.splitlines()
    assert metadata.endswith((ROOT / "generated_client/README.md").read_text("utf-8"))


def _pythons() -> dict[str, str]:
    """The Pythons of this machine that the client is for, by version."""
    found = {}
    for version in (f"3.{minor}" for minor in range(11, 15)):
        # Beside this one, other versions stand where a version manager keeps them.
        beside = Path(sys.base_prefix).parent.glob(f"*/bin/python{version}")
        candidates = [sys.executable, shutil.which(f"python{version}"), *map(str, sorted(beside))]
        working = (path for path in candidates if path and _version_of(path) == version)
        if (path := next(working, None)) is not None:
            found[version] = path
    return found


def _version_of(python: str) -> str:
    command = [python, "-c", "import sys; print('%s.%s' % sys.version_info[:2])"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


PYTHONS = _pythons()


@pytest.mark.parametrize("version", PYTHONS)
def test_wheel_works_in_an_empty_environment(version: str, wheel: Path, tmp_path: Path) -> None:
    """With the wheel and what it requires, and nothing else, calls reach the mock and come back typed."""
    subprocess.run([PYTHONS[version], "-m", "venv", "--without-pip", str(tmp_path)], check=True)
    (packages,) = tmp_path.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(packages)
    for name in _required("httpx", set()):
        _copy_distribution(name, packages)
    with running_mock() as mock:
        environment = {"COVAL_API_KEY": mock.api_key, "COVAL_BASE_URL": mock.url, "PATH": os.environ["PATH"]}
        command = [str(tmp_path / "bin/python"), "-I", "-W", "error", "-c", SMOKE]
        said = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (said.stdout.strip(), said.stderr) == (f"({version.replace('.', ', ')}) NOT_FOUND", "")


def _required(name: str, seen: set[str]) -> set[str]:
    """Return a distribution and all that it requires; all of them are Python alone."""
    if name not in seen:
        seen.add(name)
        for line in importlib.metadata.requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                _required(re.sub(r"[-_.]+", "-", needed.name).lower(), seen)
    return seen


def _copy_distribution(name: str, packages: Path) -> None:
    found = importlib.metadata.distribution(name)
    for file in found.files or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            target = packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(found.locate_file(file)), target)
