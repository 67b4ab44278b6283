"""
Two folders of files: where they differ, and how one takes the place of the other.

git cannot answer the first question: `git diff` sees no untracked files and `git status` no ignored ones.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# What importing, installing, type checking or linting a package may leave in its folder.
CACHES = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
BUILD_FOLDERS = frozenset({"build", "dist"})


@dataclass(frozen=True)
class Difference:
    """One file that is not as it should be."""

    kind: Literal["differs", "missing", "extra"]
    path: str


def differences(expected: Path, found: Path) -> list[Difference]:
    """Compare two folders, caches aside, byte by byte and in both directions; the one that is *found* may be missing."""
    wanted, present = set(_files(expected)), set(_files(found))
    changed = {path for path in wanted & present if not _is_same_file(expected / path, found / path)}
    return sorted(
        [Difference("differs", path) for path in changed]
        + [Difference("missing", path) for path in wanted - present]
        + [Difference("extra", path) for path in present - wanted],
        key=lambda difference: difference.path,
    )


def replace_tree(target: Path, fresh: Path, old: Path) -> None:
    """
    Put the folder *fresh* in the place of *target*, which goes to *old* and is put back when that fails. The target may be
    missing; all are on one file system.
    """
    if target.exists():
        shutil.move(target, old)
    try:
        os.rename(fresh, target)
    except BaseException:
        if old.exists():
            shutil.move(old, target)
        raise


def _files(folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        linked = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if not _is_left_behind(name, is_top=here == folder)]
        yield from ((here / name).relative_to(folder).as_posix() for name in [*names, *linked])


def _is_left_behind(name: str, *, is_top: bool) -> bool:
    return name in CACHES or (is_top and (name in BUILD_FOLDERS or name.endswith(".egg-info")))


def _is_same_file(one: Path, other: Path) -> bool:
    return not other.is_symlink() and one.read_bytes() == other.read_bytes()
