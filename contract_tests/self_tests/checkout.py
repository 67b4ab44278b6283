"""A copy of this repository, whose reports/ and caches a test may spoil, and the commands that are run in it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from contract_tests.spec.contract import ROOT

NEEDED = ("contract_tests", "generated_client", "openapi.yaml", "pyproject.toml")
OWN = ("BASE_URL", "COVAL_API_KEY", "SEED", "FAULT", "FIELD", "FRESH", "PERSONA_ID", "DRY_RUN", "PROFILE", "SELECTION")
LEAST_BYTES = 64


@dataclass(frozen=True)
class Finished:
    """What a command came to."""

    code: int
    output: str

    @property
    def verdict(self) -> str:
        """The last line."""
        return (self.output.rstrip().splitlines() or [""])[-1]


@dataclass(frozen=True)
class Checkout:
    """A copy of the files that a run needs."""

    root: Path

    @property
    def reports(self) -> Path:
        """Where its commands leave their reports."""
        return self.root / "reports"

    def start(self, *arguments: str, is_disk_full: bool = False, **environment: str) -> subprocess.Popen[str]:
        """Start a command: a module and its arguments."""
        clean = {name: value for name, value in os.environ.items() if name not in OWN}
        if is_disk_full:
            # Python itself would leave compiled modules cut short, and fail to read them.
            clean["PYTHONDONTWRITEBYTECODE"] = "1"
        return subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=self.root, env=clean | environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=_fill_disk if is_disk_full else None,
        )  # fmt: skip

    def run(self, *arguments: str, is_disk_full: bool = False, **environment: str) -> Finished:
        """Run a command to its end."""
        with self.start(*arguments, is_disk_full=is_disk_full, **environment) as process:
            output, _ = process.communicate(timeout=600)
        return Finished(process.returncode, output)


def copied(root: Path) -> Checkout:
    """Copy what a run needs into a folder."""
    for name in NEEDED:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, root / name, ignore=shutil.ignore_patterns("__pycache__", "self_tests"))
        else:
            shutil.copy(path, root / name)
    return Checkout(root)


def _fill_disk() -> None:
    """Let this process, and those that it starts, write no file but the few bytes with which Python tries a folder."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LEAST_BYTES, LEAST_BYTES))
