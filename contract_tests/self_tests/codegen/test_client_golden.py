"""
What each template writes, kept beside these tests: whatever moves in one, or in the generator, shows as a diff.

golden/notes.yaml has what openapi.yaml has not. Of the modules that are nearly the same in each client, what differs
from generated_client is kept. After a change that is meant, `python -m contract_tests.self_tests.codegen.test_client_golden`
writes the golden files anew, and git shows what moved.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from codegen.generate import OWN_CLIENT, TEMPLATES, generate
from contract_tests.spec.contract import ROOT

GOLDEN = Path(__file__).with_name("golden")
OWN_PACKAGE, PACKAGE = "coval_personas", "notes_api_client"
# Of a template that is not a module of the same name.
WRITTEN = {"package_init.py": f"{PACKAGE}/__init__.py", "README.md": "README.md", "pyproject.toml": "pyproject.toml"}
NEARLY_THE_SAME = {
    "async_connections.py",
    "client.py",
    "connections.py",
    "errors.py",
    "pages.py",
    "types.py",
    "wire.py",
}
NAMES = sorted(template.name.removesuffix(".jinja") for template in TEMPLATES.iterdir())


def written(client: Path, name: str) -> str:
    """Return what a template has written of golden/notes.yaml, or how it differs from what it has of openapi.yaml."""
    text = (client / WRITTEN.get(name, f"{PACKAGE}/{name}")).read_text("utf-8")
    if name not in NEARLY_THE_SAME:
        return text
    own = (ROOT / OWN_CLIENT / OWN_PACKAGE / name).read_text("utf-8")
    lines = difflib.unified_diff(own.splitlines(), text.splitlines(), lineterm="", n=0)
    return "".join(f"{line}\n" for line in lines if not line.startswith(("---", "+++", "@@")))


@pytest.fixture(scope="module")
def notes() -> Iterator[Path]:
    """The client of golden/notes.yaml."""
    with TemporaryDirectory() as folder:
        generate(GOLDEN / "notes.yaml", Path(folder) / "notes", "notes")
        yield Path(folder) / "notes"


@pytest.mark.parametrize("name", NAMES)
def test_template_writes_what_is_kept(name: str, notes: Path) -> None:
    """A template that changes, or a generator that hands it something else, shows here line by line."""
    kept = (GOLDEN / f"{name}.golden").read_text("utf-8")
    is_written = written(notes, name)
    moved = difflib.unified_diff(kept.splitlines(), is_written.splitlines(), "kept", "written", lineterm="")
    if is_written != kept:
        pytest.fail("\n".join(moved), pytrace=False)


def test_no_golden_file_is_left_over() -> None:
    """Each golden file belongs to a template."""
    assert NAMES == sorted(file.name.removesuffix(".golden") for file in GOLDEN.glob("*.golden"))


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        generate(GOLDEN / "notes.yaml", Path(made) / "notes", "notes")
        for each in NAMES:
            (GOLDEN / f"{each}.golden").write_text(written(Path(made) / "notes", each), "utf-8")
