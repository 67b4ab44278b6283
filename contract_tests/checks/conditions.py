"""
What a test takes from the contract, as decorators: the cases it is tried with, the operations and promises it needs.

They only mark a test. The plugin in `runner` evaluates the marks while it collects, with the contract of the run.
A test that the contract gives nothing to do is left out of the run; it is not skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from contract_tests.spec.contract import Contract

Condition = Callable[["Contract"], object]
"""What must be true of a contract for a test to be run; anything that counts as true is."""

# The names of the marks; `pytest -m` takes them, and the plugin registers them.
CASES = "contract_cases"
NEEDS = "contract_needs"
NO_CASES = "contract_no_cases"

MARKS = {
    CASES: "is tried with each of the cases that the contract gives",
    NEEDS: "needs operations, promises, or anything else of the contract",
    NO_CASES: "stands for a test that the contract gives no case",
}


def _name_of(value: Any) -> str | None:
    return str(value.name) if hasattr(value, "name") else None


def for_each(
    names: str,
    cases: Callable[[Contract], Iterable[Any]],
    *,
    ids: Callable[[Any], str | None] = _name_of,
    together: bool = False,
) -> pytest.MarkDecorator:
    """
    Try a test with each case that the contract gives, like `pytest.mark.parametrize`.

    Args:
        names: The arguments of the test, separated by commas.
        cases: Returns one value a case, or a tuple where there are several names; `pytest.param` is allowed. It is
            called once per collection and only if all conditions of the test are met, so it may take them for granted.
            Without cases the test is left out.
        ids: Names a value; as for `parametrize`, it is called for each value of a case. By default the value's name.
        together: Whether the test takes a list of cases: each by itself, or all in one where few requests may be sent.
    """
    return pytest.mark.contract_cases(names, cases, ids, together)


def needs(*wanted: str | Condition) -> pytest.MarkDecorator:
    """
    Leave a test out where the contract lacks something.

    Args:
        wanted: Operations by their role (create, read, update, remove, list), names in `x-promises`, and conditions.
            A condition may take the operations and the promises for granted.
    """
    return pytest.mark.contract_needs.with_args(*wanted)  # called with one function, a mark would mark that
