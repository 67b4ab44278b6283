"""The last line of a run: its verdict and one sentence, with the exit code that follows."""

from collections import Counter

import pytest

from contract_tests.errors import HOLDS, INCONCLUSIVE, REFUSED, VIOLATED
from contract_tests.report.outcomes import ORDER, Outcomes
from contract_tests.report.wording import counted, some_of


def verdict(outcomes: Outcomes, exit_code: int) -> tuple[str, int]:
    """Return the last line of a run, and its exit code; *exit_code* is what pytest came to."""
    word, sentence = _violated(outcomes) or _inconclusive(outcomes, exit_code) or _holds(outcomes, exit_code)
    code = {"holds": HOLDS, "violated": VIOLATED, "inconclusive": INCONCLUSIVE, "refused": REFUSED}[word]
    return f"verdict: {word}. {sentence}", code


def _violated(outcomes: Outcomes) -> tuple[str, str] | None:
    stale = outcomes.stale()
    if not outcomes.issues and not stale:
        return None
    kinds = Counter(issue.kind for issue in outcomes.violations())
    parts = [f"{kinds[kind]} {kind}" for kind in ORDER if kinds[kind]]
    parts += [f"{counted(len(stale), 'known divergence')} no longer there"] if stale else []
    parts += [_own_errors(outcomes)] if outcomes.came_to("errors") else []
    return "violated", f"{', '.join(parts)}, after {_sent(outcomes)}.{_not_run(outcomes)}"


def _inconclusive(outcomes: Outcomes, exit_code: int) -> tuple[str, str] | None:
    items = some_of(len(outcomes.left), outcomes.contract.resource.name)
    left = f"{items} could not be removed or restored: {', '.join(outcomes.left)}"
    sent, not_run = _sent(outcomes), _not_run(outcomes)
    if exit_code == pytest.ExitCode.INTERRUPTED and not outcomes.not_run.reason and not outcomes.uncollected:
        rest = f"; {left}; the next run or make sweep puts that right" if outcomes.left else ""
        return "inconclusive", f"The run was interrupted after {sent}{rest}."
    if failure := _own_failure(outcomes, exit_code):
        report = "which says nothing about the API; report it with reports/junit.xml and the seed of this run"
        return "inconclusive", f"After {sent} {failure}, {report}.{not_run}"
    if outcomes.not_run.reason:
        return "inconclusive", f"After {sent} {outcomes.not_run.reason}.{not_run}"
    if outcomes.inconclusive:
        reasons = Counter(each.partition(": ")[2] for each in outcomes.inconclusive)
        why = f"{'' if len(reasons) == 1 else ', most often'}: {reasons.most_common(1)[0][0]}"
        return "inconclusive", f"{counted(reasons.total(), 'test')} got no answer that says anything{why}."
    return ("inconclusive", f"{left}.") if outcomes.left else None


def _holds(outcomes: Outcomes, exit_code: int) -> tuple[str, str]:
    if exit_code == pytest.ExitCode.OK and outcomes.came_to("passed"):
        against = f" against {outcomes.start.target}" if outcomes.start.target else ""
        known = len(outcomes.known) - len(outcomes.unmet())
        beside = f" but for {counted(known, 'known divergence')}" if known else ""
        drifts = sum(entry is None for _, entry in outcomes.drifts())
        beside += f"; {counted(drifts, 'drift')}" if drifts else ""
        says = f"every answer is as {outcomes.contract.name} says{beside}"
        tests = f"{counted(outcomes.came_to('passed'), 'test')}{against} sent {counted(outcomes.sent, 'request')}"
        return "holds", f"{tests}, and {says}.{_not_run(outcomes)}"
    if outcomes.uncollected:
        named = ", ".join(outcomes.uncollected)
        return "refused", f"{named}, which ARGS names, could not be collected; see above."
    return "refused", "No test was run; see the lines above and the ARGS that were given."


def _sent(outcomes: Outcomes) -> str:
    number = counted(outcomes.sent, "request")
    return f"{number} to {outcomes.start.target}" if outcomes.start.target else number


def _not_run(outcomes: Outcomes) -> str:
    """Say what was left out: tests of this run, and parts of the contract; one sentence each."""
    sentences = [outcomes.not_run.sentence(), outcomes.untried.sentence()]
    return "".join(f" {text[:1].upper()}{text[1:]}." for text in sentences if text)


def _own_failure(outcomes: Outcomes, exit_code: int) -> str:
    """Say what went wrong in the suite itself; empty where nothing did."""
    if exit_code == pytest.ExitCode.INTERNAL_ERROR:
        return "pytest ended in an error of the suite itself"
    own = [file for file in outcomes.uncollected if "contract_tests/" in file]
    if own:
        return f"{', '.join(own)} could not be collected, an error of the suite itself"
    return _own_errors(outcomes) if outcomes.came_to("errors") else ""


def _own_errors(outcomes: Outcomes) -> str:
    return f"{counted(outcomes.came_to('errors'), 'test')} ended in an error of the suite itself"
