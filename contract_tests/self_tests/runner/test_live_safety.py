"""What a run does to a live account, whatever happens to it: nothing is left, nothing foreign is touched, limits hold."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from contract_tests.self_tests.live_command import LISTING, Command, require_untouched, verdict_of, wait_for
from contract_tests.self_tests.transport.weather_server import NEVER, NEVER_ANSWERED, Event, Seen, fair

SOME_TESTS = (
    "contract_tests/promises/test_deletion.py",
    "contract_tests/promises/test_update_rules.py",
    "-k",
    "not keepsake",
)
FEW_TESTS = ("contract_tests/promises/test_deletion.py",)


def test_clean_run_leaves_nothing(command: Command) -> None:
    """After a run the account is as it was, and the run says what it sent."""
    code, output = command.run(*SOME_TESTS)
    assert (code, verdict_of(output).startswith("verdict: holds.")) == (0, True), output
    assert f"{len(command.server.seen)}  requests in all" in output
    assert command.server.made
    require_untouched(command, output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_leaves_nothing(command: Command, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the run with exit code 2, after the personas were removed."""
    with command.start(*SOME_TESTS) as process:
        wait_for(lambda: len(command.server.seen) > 40)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, "interrupted" in verdict_of(output)) == (2, True), output
    require_untouched(command, output)


@pytest.mark.parametrize("module", ["run", "sweep"])
def test_next_run_removes_what_a_killed_one_left(command: Command, module: str) -> None:
    """After kill -9 the next run, or make sweep, removes what is left: also a create that was never answered."""
    server = command.server

    def swallow(seen: Seen) -> Event | None:
        # The API makes the persona of the eighth create, and its answer never comes.
        creates = sum(past.method == "POST" for past in server.seen)
        return NEVER_ANSWERED if seen.method == "POST" and creates == 8 else None

    server.sky = swallow
    with command.start(*LISTING, "contract_tests/promises/test_deletion.py") as process:
        wait_for(lambda: len(server.made) >= 8)
        process.kill()
    assert server.alive
    server.sky = fair
    arguments = FEW_TESTS if module == "run" else ()
    code, output = replace(command, module=module).run(*arguments)
    assert (code, "that an earlier run had left" in output) == (0, True), output
    require_untouched(command, output)


def test_living_run_is_left_alone(command: Command) -> None:
    """Two runs against one account at the same time: neither removes what the other has made."""
    command.server.sky = lambda seen: Event(seconds=0.05, is_weather=False)
    with command.start(*SOME_TESTS) as process:
        wait_for(lambda: len(command.server.made) >= 2)
        swept_code, swept = replace(command, module="sweep").run()
        output, _ = process.communicate(timeout=120)
    assert (swept_code, "removed" in swept) == (0, False), swept
    assert (process.returncode, verdict_of(output).startswith("verdict: holds.")) == (0, True), output
    require_untouched(command, output)


def test_sweep_of_all_removes_what_no_journal_knows(command: Command, tmp_path: Path) -> None:
    """make sweep ALL=1 removes whatever runs have made, from whatever machine, and says so first."""
    server = command.server

    def changes_a_living_one(seen: Seen) -> bool:
        return seen.method == "PATCH" and seen.persona_id in server.alive

    server.sky = lambda seen: NEVER if changes_a_living_one(seen) else None
    with command.start(*SOME_TESTS) as process:
        wait_for(lambda: any(changes_a_living_one(seen) for seen in server.seen))
        process.kill()
    command.server.sky = fair
    elsewhere = replace(command, module="sweep", journal=tmp_path / "elsewhere")
    _, output = elsewhere.run()
    assert command.server.alive, output
    code, output = elsewhere.run(ALL="1", YES="1")
    assert (code, "ALL=1: " in output) == (0, True), output
    assert command.server.is_as_before, output
    assert command.server.foreign_writes == [], output


@pytest.mark.parametrize("budget", [30, 61])
def test_budget_is_kept_and_what_is_missing_is_said(command: Command, budget: int) -> None:
    """When the budget ends the run says what was not tried, removes what it made, and is inconclusive."""
    code, output = command.run(*SOME_TESTS, MAX_REQUESTS=str(budget))
    assert (code, verdict_of(output).startswith("verdict: inconclusive.")) == (2, True), output
    assert "tests were not tried: test_" in verdict_of(output)
    assert len(command.server.seen) > budget / 2
    require_untouched(command, output, budget)


def test_workers_share_the_budget_and_the_pace(command: Command) -> None:
    """The workers of xdist together keep to one budget and one pace."""
    code, output = command.run("--rehearsal", "/dev/null", "--", *SOME_TESTS, "-n", "2", MAX_REQUESTS="50", RATE="20")
    assert code == 2, output
    assert 15 <= command.server.most_in_a_second() <= 21
    require_untouched(command, output, 50)


def _every_tenth(seen: Seen) -> Event | None:
    """Fail every tenth request in one of many ways, some after the API has done what was asked."""
    events = (
        Event(503), Event(502, is_done=True), Event(429, headers={"retry-after": "0"}), Event(0), Event(0, is_done=True),
        Event(500, body='{"message": null}', is_done=True),
    )  # fmt: skip
    if seen.number == 50:
        return Event(0, is_done=True, seconds=1.5)
    return events[seen.number // 10 % len(events)] if seen.number % 10 == 0 else None


def test_run_whose_every_tenth_request_fails_is_never_violated(command: Command) -> None:
    """Bad weather says nothing about the API, and what it hides is found and removed."""
    command.server.sky = _every_tenth
    code, output = command.run(
        *SOME_TESTS,
        *LISTING,
        "contract_tests/promises/test_concurrency.py",
        TIMEOUT="1",
    )
    assert (code in (0, 2), "violated" in verdict_of(output)) == (True, False), output
    assert "waiting" in output
    require_untouched(command, output)


def test_limit_of_rate_is_waited_out(command: Command) -> None:
    """429 with Retry-After: 1 did nothing, so any request is sent again after a second, and the verdict is unchanged."""
    command.server.sky = lambda seen: Event(429, headers={"retry-after": "1"}) if seen.number % 20 == 0 else None
    code, output = command.run(*FEW_TESTS)
    assert (code, verdict_of(output).startswith("verdict: holds.")) == (0, True), output
    moments = [seen.moment for seen in command.server.seen]
    assert moments[20] - moments[19] >= 0.95
    assert "waiting 1 s" in output
    require_untouched(command, output)


def test_storm_ends_the_run(command: Command) -> None:
    """Where nothing is answered any more the run ends, inconclusive with the reason, and the journal keeps the rest."""
    command.server.sky = lambda seen: Event(503, headers={"retry-after": "0"}) if seen.number > 40 else None
    code, output = command.run(*SOME_TESTS)
    assert (code, "20 requests in a row got no answer" in verdict_of(output)) == (2, True), output
    assert "could not be removed" in output or "left behind" in output
    command.server.sky = fair
    code, output = replace(command, module="sweep").run()
    assert code == 0, output
    require_untouched(command, output)
