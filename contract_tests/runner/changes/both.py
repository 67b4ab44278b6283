"""The run on the contract that callers know, on the same API, beside the run on the new one."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from contract_tests.errors import Refused
from contract_tests.report.outcomes import Outcomes
from contract_tests.report.run_record import Beside, RunRecord
from contract_tests.report.spec_diff import first_of
from contract_tests.runner.changes.base import read_base
from contract_tests.runner.configuration import SMALLEST_BUDGET, Configuration
from contract_tests.runner.handover import with_selection
from contract_tests.runner.mock_contract import written
from contract_tests.runner.under_test import started_mock
from contract_tests.spec.changes import compare
from contract_tests.spec.document import Document

FOLDER = "base"
# The client stands beside the new contract, so only that is held to it.
OF_THE_CLIENT = "test_typed_client.py"
# What a person need not read of the id of a test.
TEST = re.compile(r"^test_|\.py::\w+")


def halved(settings: Configuration) -> Configuration:
    """Give a run its half of the budget that it shares with another. Refused where that is too small, or in shards."""
    if settings.shard is not None:
        raise Refused("BASE compares whole runs; leave SHARD or BASE out")
    least = 2 * SMALLEST_BUDGET
    if settings.is_live and 0 < settings.max_requests < least:
        raise Refused(f"MAX_REQUESTS is shared by the runs on both contracts; with BASE it is at least {least}")
    return with_selection(replace(settings, max_requests=settings.max_requests // 2))


@contextmanager
def known_to_callers(settings: Configuration) -> Iterator[tuple[Document, Configuration]]:
    """Lend the contract that BASE names, and what holds the same API to it: the mock of the new one, where there is none."""
    assert settings.base is not None
    old = read_base(settings.base, settings.contract, settings.overlay)
    with ExitStack() as stack:
        copy = stack.enter_context(written(old, old.name))
        known = replace(settings, contract=copy, overlay=None, reports=settings.reports / FOLDER)
        if not settings.is_live and not settings.is_dry_run:
            mock = stack.enter_context(started_mock(settings))
            known = replace(known, base_url=mock.url, api_key=mock.api_key, journal_folder=copy.parent)
            known = replace(known, max_requests=0, requests_per_second=0)
        yield old, known


def beside(settings: Configuration, old: Document, before: Outcomes, run: RunRecord, now: Outcomes) -> Beside:
    """Say what tells two runs apart: their tests, and what their contracts say of each field and operation."""
    new = settings.load_contract()
    changes = compare(old, new.document, new.resource.name)
    told = [each for each in changes if each.worst != "documentation"]
    moved = tuple(f"{each.subject}: {each.what} ({first_of(each.places)})" for each in told)
    tests, others = ({t: None for t in run.collected if not t.startswith(OF_THE_CLIENT)} for run in (now, before))
    fresh, gone = tuple(t for t in tests if t not in others), tuple(t for t in others if t not in tests)
    return Beside(str(settings.base), moved, fresh, gone, run)


def lines(run: RunRecord) -> Iterator[str]:
    """Say both columns, and whether the API still honours what callers know."""
    if run.beside is None:
        return
    both = run.beside
    yield " what the edit means to the API ".center(80, "=")
    for name, was, now in both.rows(run):
        yield f"{name:<12}{was:<34}{now}"
    yield from (f"moved       {text}" for text in both.moved)
    for name, tests in (("gone", both.gone_tests), ("new", both.new_tests)):
        yield from [f"{name:<12}{first_of([TEST.sub('', test) for test in tests])}"] if tests else []
    yield from (f"{each.kind:<12}{each.headline}  {each.clause}" for each in both.run.violations)
    yield both.sentence
