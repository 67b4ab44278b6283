"""What callers know of a contract: a file, or the same file at a commit, such as the last tag or the main branch."""

import subprocess
from pathlib import Path

from contract_tests.errors import Refused
from contract_tests.spec.document import Document, read_document
from contract_tests.spec.overlay import overlaid

MAIN_BRANCHES = ("main", "master", "origin/main", "origin/master")


def read(file: Path, overlay: Path | None) -> Document:
    """Read a contract, with what an overlay adds."""
    document = read_document(file)
    return document if overlay is None else overlaid(document, overlay)


def usual_base(file: Path, *, is_release: bool) -> str | None:
    """Return the last tag, else the main branch; None for a release without a tag before it."""
    tag = _git(file, "describe", "--tags", "--abbrev=0")
    if tag or is_release:
        return tag
    for branch in MAIN_BRANCHES:
        if _git(file, "rev-parse", "--verify", "--quiet", f"{branch}^{{commit}}"):
            return branch
    raise Refused(f"{file.name} is in no git repository with a tag or a main branch; name what callers know with BASE")


def read_base(base: str, file: Path, overlay: Path | None) -> Document:
    """Read what callers know: a file, or the contract and its overlay as they were at a commit."""
    if Path(base).is_file():
        return read(Path(base), overlay)
    commit = _git(file, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if commit is None:
        raise Refused(f"BASE {base!r} is no file, and no commit of the repository of {file.name}; name one of the two")
    text = _git(file, "show", f"{commit}:./{file.name}")
    if text is None:
        raise Refused(f"{file.name} does not stand in {base}; name another commit with BASE, or a file")
    document = read_document(Path(f"{base.rpartition('/')[2]}:{file.name}"), text)
    said = _git(overlay, "show", f"{commit}:./{overlay.name}") if overlay is not None else None
    return document if overlay is None or said is None else overlaid(document, overlay, said)


def _git(file: Path, *arguments: str) -> str | None:
    """Ask git in the folder of a file; None where there is no git, or it has no answer."""
    try:
        asked = subprocess.run(["git", *arguments], cwd=file.absolute().parent, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return asked.stdout.decode("utf-8", "replace").strip("\n") or None
