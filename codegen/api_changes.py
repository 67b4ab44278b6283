"""
What callers of a client meet when its contract or its templates change.

griffe compares the names and signatures of the client that stands at a commit with those of the client that stands here;
mypy reads the examples and the tests of that commit with both, and what only the new one flags is told.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import griffe

from codegen.trees import differences
from contract_tests.errors import Refused

FOLDER = "generated_client"
# What callers touch; of the other modules, what the package hands on.
MODULES = frozenset({"client", "errors", "models", "pages", "resources"})
COLOUR = re.compile(r"\x1b\[\d+m")
EXAMPLES = "README_examples.py"


def client_changes(contract: Path, base: str) -> list[str]:
    """
    Say what breaks callers of the client beside a contract, by name; empty where none stands here or at *base*, the
    commit that callers know.
    """
    new = contract.absolute().parent / FOLDER
    with TemporaryDirectory(prefix="client-") as name:
        folder = Path(name)
        package = next((each.parent.name for each in new.glob("*/resources.py")), "")
        if not _take(new.parent, base, [FOLDER], folder) or not (folder / FOLDER / package / "resources.py").is_file():
            return []
        if not differences(folder / FOLDER, new):
            return []
        searched = ["git", "grep", "-lE", f"^(from|import) {package}", base, "--", "*.py", f":!{FOLDER}"]
        tests = subprocess.run(searched, cwd=new.parent, capture_output=True, text=True).stdout.split()
        _take(new.parent, base, [each.partition(":")[2] for each in tests], folder)
        blocks = re.findall(r"```python\n(.*?)```", (folder / FOLDER / "README.md").read_text("utf-8"), re.DOTALL)
        (folder / EXAMPLES).write_text("\n".join(blocks), "utf-8")
        files = [EXAMPLES, *(each.partition(":")[2] for each in tests)]
        known = set(_flagged(folder, folder / FOLDER, package, files))
        flagged = [each for each in _flagged(folder, new, package, files) if each not in known]
        return [*_broken_names(folder / FOLDER, new, package), *flagged]


def _take(root: Path, base: str, paths: Sequence[str], folder: Path) -> bool:
    """Take files out of a commit; False where it has none of them."""
    asked = subprocess.run(["git", "archive", base, "--", *paths], cwd=root, capture_output=True)
    if asked.returncode == 0:
        with tarfile.open(fileobj=io.BytesIO(asked.stdout)) as files:
            files.extractall(folder, filter="data")
    return asked.returncode == 0


def _broken_names(old: Path, new: Path, package: str) -> Iterator[str]:
    """Yield what griffe says of names that callers use."""
    before, after = (griffe.load(package, search_paths=[each], allow_inspection=False) for each in (old, new))
    handed_on = {str(each) for each in before.exports or ()}
    for found in griffe.find_breaking_changes(before, after):
        _, module, *names = found.obj.path.split(".")
        is_used = module in MODULES or (names and names[0] in handed_on)
        if is_used and found.kind is not griffe.BreakageKind.ATTRIBUTE_CHANGED_VALUE:
            told = COLOUR.sub("", found.explain(griffe.ExplanationStyle.ONE_LINE)).partition(": ")[2]
            yield f"{package}.{module}.{told}"


def _flagged(folder: Path, client: Path, package: str, files: Sequence[str]) -> list[str]:
    """Return what mypy says of some files with a client; what else they import is not looked at."""
    settings = ["--config-file=", "--follow-imports=skip", "--no-error-summary", "--explicit-package-bases"]
    command = [sys.executable, "-m", "mypy", *settings, "--cache-dir", str(folder / "cache"), str(client / package)]
    environment = {**os.environ, "MYPYPATH": str(client)}
    asked = subprocess.run([*command, *files], cwd=folder, env=environment, capture_output=True, text=True)
    if asked.returncode not in (0, 1) or asked.stderr:
        raise Refused(f"mypy could not read the examples of {client.name}: {(asked.stderr or asked.stdout).strip()}")
    found = (line.partition(": error: ") for line in asked.stdout.splitlines() if line.split(":")[0] in files)
    return [f"{_shown(folder, place)}: {problem}" for place, _, problem in found if problem]


def _shown(folder: Path, place: str) -> str:
    """Show a line of an example, which has no line number that anybody knows, and the place of any other."""
    file, _, number = place.partition(":")
    if file != EXAMPLES:
        return place
    return f"README, `{(folder / EXAMPLES).read_text('utf-8').splitlines()[int(number) - 1].strip()}`"
