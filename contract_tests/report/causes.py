"""Why a test failed, as its exception tells it: the promises that were broken, or the assertion and its clause."""

from __future__ import annotations

import re
from typing import TypeVar

import pytest

from contract_tests.contract import load_contract
from contract_tests.report.entries import Told, tell_assertion

ErrorType = TypeVar("ErrorType", bound=BaseException)


def members(error: BaseException | None, kind: type[ErrorType]) -> list[ErrorType]:
    """Return the exceptions of a kind in *error*, its groups and its causes: hypothesis wraps what it finds."""
    if error is None:
        return []
    if isinstance(error, kind):
        return [error]
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else (error.__cause__ or error.__context__,)
    return [found for member in inner for found in members(member, kind)]


def failed_assertions(error: BaseException) -> list[BaseException]:
    """Return the assertions that *error* is, or consists of: hypothesis groups what it finds."""
    if isinstance(error, BaseExceptionGroup):
        return [found for member in error.exceptions for found in failed_assertions(member)]
    return [error] if isinstance(error, (AssertionError, pytest.fail.Exception)) else []


def told_assertion(item: pytest.Item, error: BaseException) -> Told:
    """Tell an assertion that failed by the clause that the test's docstring begins with."""
    problem = (str(error).splitlines() or ["an assertion failed"])[0]
    promise = " ".join((getattr(getattr(item, "obj", None), "__doc__", None) or item.name).split())
    return tell_assertion(problem, promise, clause_of(promise))


def clause_of(docstring: str) -> str:
    """
    Return the pointer that a test's docstring begins with, in whichever of the ways they begin.

    Args:
        docstring: Such as "#/security: ...", "Decision: ...", "updatePersona: ..." or "createPersona 201: ...".

    Returns:
        A pointer into openapi.yaml; #/x-decisions where the docstring names no place.
    """
    named = re.match(r"#/[^\s:;,]+", docstring)
    if named:
        return named.group()
    word = re.split(r"\W", docstring, maxsplit=1)[0]
    operation = load_contract().operations.get(word)
    return operation.pointer if operation is not None else "#/x-decisions"
