"""
The table of single changes through Redocly's diff, kept as redocly_column.yaml beside the table.

    npm install --prefix /tmp/redocly @redocly/cli@2.77.0
    python -m contract_tests.self_tests.spec.redocly_column /tmp/redocly/node_modules/.bin/redocly
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from contract_tests.self_tests.spec.test_changes import REDOCLY, TABLE, Rated
from contract_tests.self_tests.spec.test_edits import LOADER


def bump_of(redocly: str, rated: Rated, folder: Path) -> str:
    """Return which part of the version a change asks for: major, minor, patch or none."""
    for name, text in zip(("old.json", "new.json"), rated.sides, strict=True):
        # As JSON: its YAML parser refuses openapi.yaml, where a list of several lines ends at the indent of its key.
        (folder / name).write_text(json.dumps(yaml.load(text, LOADER), default=str), "utf-8")
    command = [redocly, "diff", "old.json", "new.json", "--format", "json"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return str(json.loads(said.stdout).get("bump", "none"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        column = {rated.name: bump_of(sys.argv[1], rated, Path(scratch)) for rated in TABLE}
    REDOCLY.write_text(yaml.safe_dump(column, sort_keys=False, width=200), "utf-8")
