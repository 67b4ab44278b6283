"""How far info.version must move for what a change means to callers. Source: Semantic Versioning 2.0.0, 4 and 6 to 8."""

import re

from contract_tests.spec.change import Rating

SEMANTIC = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?", re.ASCII)


def least_version(base: str, worst: Rating) -> str:
    """Return the lowest version that says what changed since *base*; below 1.0 a minor version may break callers."""
    numbers = _numbers(base)
    if numbers is None or worst in ("documentation", "none"):
        return base
    major, minor, patch = numbers
    if worst == "breaking":
        return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
    return f"{major}.{minor + 1}.0" if major else f"0.{minor}.{patch + 1}"


def says_enough(base: str, new: str, worst: Rating) -> bool:
    """Whether a version has moved far enough; one that is not semantic, such as a date, must have moved at all."""
    least, told = _numbers(least_version(base, worst)), _numbers(new)
    if least is None or told is None:
        return base != new or worst in ("documentation", "none")
    return told >= least


def _numbers(version: str) -> tuple[int, int, int] | None:
    found = SEMANTIC.fullmatch(version)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))
