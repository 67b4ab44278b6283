"""How examples are drawn is the same on every machine."""

from __future__ import annotations

import os
import subprocess
import sys

# Draws numbers as a contract run with this seed would.
DRAWS = """
import sys, hypothesis, hypothesis.core, hypothesis.strategies as st
import contract_tests.runner.hooks
hypothesis.settings.load_profile("quick")
hypothesis.core.global_force_seed = int(sys.argv[1])
drawn = []
hypothesis.given(st.integers())(lambda number: drawn.append(number))()
print(drawn)
"""


def _drawn(seed: str, environment: dict[str, str]) -> str:
    known = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, "-c", DRAWS, seed]
    return subprocess.run(command, env={**known, **environment}, check=True, capture_output=True, text=True).stdout


def test_in_ci_a_seed_draws_what_it_draws_elsewhere_and_another_draws_other_values() -> None:
    """hypothesis draws the same for every seed where CI is set, unless it is told otherwise."""
    in_ci = {"CI": "true"}
    first = _drawn("1", in_ci)
    assert first == _drawn("1", {})
    assert first != _drawn("2", in_ci)
