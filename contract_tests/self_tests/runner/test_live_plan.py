"""Before and around a live run: its plan, its refusals, and the one persona that an account lends."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from contract_tests.self_tests.live_command import Command, require_untouched, verdict_of, wait_for
from contract_tests.self_tests.transport.weather_server import NEVER, Event, Seen, WeatherServer, fair

SOME_TESTS = ("contract_tests/promises/test_update_rules.py", "contract_tests/promises/test_deletion.py")
LENT_TESTS = (
    "contract_tests/promises/test_update_rules.py",
    "contract_tests/promises/test_creation.py",
    "-k",
    "null or voice or smallest",
)
FORBIDDEN = Event(403, body='{"error": {"code": "PERMISSION_DENIED", "message": "This key may not create."}}')


def _planned(output: str) -> Counter[str]:
    lines = re.findall(r"^ +([\d,]+)  ((?:GET|POST|PATCH|PUT|DELETE) \S+)$", output, re.MULTILINE)
    return Counter({operation: int(number.replace(",", "")) for number, operation in lines})


def test_dry_run_sends_nothing_and_counts_what_a_run_sends(command: Command) -> None:
    """DRY_RUN=1 sends not even a probe, and each count is within a tenth of what the run then sends."""
    code, output = command.run(*SOME_TESTS, DRY_RUN="1", SEED="4", RATE="5", COVAL_API_KEY="")
    planned = _planned(output)
    assert (code, command.server.seen) == (0, []), output
    assert "at most 2,000 requests (MAX_REQUESTS), at most 5 a second (RATE): about" in output
    assert re.search(r"makes \d+ personas, named contract-test-<run>-<number>, at most \d+ at a time", output)
    code, output = command.run(*SOME_TESTS, SEED="4")
    assert code == 0, output
    sent = Counter(seen.method for seen in command.server.seen)
    for method, number in sent.items():
        counted = sum(count for operation, count in planned.items() if operation.startswith(f"{method} "))
        assert abs(counted - number) <= number / 10, (method, counted, number)


def test_run_says_its_plan_and_keeps_its_pace(command: Command) -> None:
    """A live run prints its plan first, and sends never more than RATE requests in a second."""
    code, output = command.run(*SOME_TESTS, MAX_REQUESTS="30", RATE="20")
    assert (code, output.index("plan for http://") < output.index("under test:")) == (2, True), output
    assert "the budget ends before" in output
    assert 15 <= command.server.most_in_a_second() <= 21
    require_untouched(command, output, 30)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"MAX_REQUESTS": "9"}, "MAX_REQUESTS=9 ends before anything is tried"),
        ({"MAX_REQUESTS": "some"}, "MAX_REQUESTS must be a whole number"),
        ({"RATE": "fast"}, "RATE must be a number"),
        ({"RATE": "-1"}, "RATE must be a number"),
        ({"TIMEOUT": "0"}, "TIMEOUT must be a number, at least 0.01"),
        ({"PERSONA_ID": "a/b"}, "is no id of an item"),
        ({"BASE_URL": "https://me:word@127.0.0.1:9/v1"}, "must not hold a user or a password"),
        ({"COVAL_API_KEY": "short"}, "fewer than 8 characters"),
    ],
)
def test_wrong_variable_is_refused_before_anything_is_sent(
    command: Command, environment: dict[str, str], words: str
) -> None:
    """A variable that cannot be followed is named in one line; nothing is sent."""
    code, output = command.run(**environment)
    assert (code, words in verdict_of(output)) == (4, True), output
    assert "Traceback" not in output
    assert command.server.seen == []


@pytest.mark.parametrize(
    ("environment", "event", "words"),
    [
        ({"PERSONA_ID": "nobody"}, None, "the account has no such item among its personas"),
        ({}, Event(301, headers={"location": "https://example.invalid/v1"}), "sends its callers on to"),
        ({}, Event(200), "correct BASE_URL; it is what comes before /personas"),
        ({}, Event(401, body='{"message": "Unauthorized"}'), "the key in COVAL_API_KEY is not valid there"),
    ],
)
def test_wrong_account_is_refused_after_the_probe(
    command: Command, environment: dict[str, str], event: Event | None, words: str
) -> None:
    """What the first answer shows to be wrong ends the run: nothing but reads was sent."""
    command.server.sky = lambda seen: event
    code, output = command.run(**environment)
    assert (code, words in verdict_of(output)) == (4, True), output
    assert "Traceback" not in output
    assert len(command.server.seen) <= 2
    assert {seen.method for seen in command.server.seen} == {"GET"}


def _may_not_create(seen: Seen) -> Event | None:
    return FORBIDDEN if seen.method == "POST" else None


def _lent(server: WeatherServer) -> str:
    """Return the id of the persona of the account that has the most fields unset."""
    unset: dict[str, Any] = {
        persona_id: sum(value is None for value in persona.values()) for persona_id, persona in server.before.items()
    }
    return max(unset, key=lambda persona_id: int(unset[persona_id]))


def _without_time(personas: dict[str, Any]) -> dict[str, Any]:
    return {key: {**persona, "update_time": None} for key, persona in personas.items()}


def test_lent_persona_is_restored(command: Command) -> None:
    """PERSONA_ID lends one persona: it alone is changed, never removed, and reads at the end as it did before."""
    server = command.server
    server.sky = _may_not_create
    lent = _lent(server)
    code, output = command.run(*LENT_TESTS, PERSONA_ID=lent)
    assert (code, verdict_of(output).startswith("verdict: holds.")) == (0, True), output
    assert "tests were not tried: ITEM_ID lends one item, so none is made" in verdict_of(output)
    assert f"changes persona {lent}" not in output or "restores it" in output
    assert {(seen.method, seen.persona_id) for seen in server.foreign_writes} == {("PATCH", lent)}
    assert _without_time(server.personas()) == _without_time(server.before)
    assert list(command.journal.glob("*")) == []


def test_lent_persona_is_restored_by_the_next_run_after_a_crash(command: Command) -> None:
    """After kill -9 the next run restores what was lent, before it borrows again; a second run may not borrow it too."""
    server = command.server
    lent = _lent(server)
    server.sky = lambda seen: NEVER if seen.method == "PATCH" and server.personas() != server.before else None
    with command.start(*LENT_TESTS, PERSONA_ID=lent) as process:
        wait_for(lambda: sum(seen.method == "PATCH" for seen in server.seen) > 1)
        code, output = command.run(*LENT_TESTS, PERSONA_ID=lent)
        assert (code, "is lent to run" in verdict_of(output)) == (4, True), output
        process.kill()
    server.sky = fair
    assert _without_time(server.personas()) != _without_time(server.before)
    code, output = command.run("contract_tests/promises/test_update_rules.py", "-k", "null", PERSONA_ID=lent)
    assert (code, "restored 1 of the personas that an earlier run had borrowed" in output) == (0, True), output
    assert _without_time(server.personas()) == _without_time(server.before)
    assert list(command.journal.glob("*")) == []


def test_lent_persona_that_cannot_be_restored_is_said_loudly(command: Command) -> None:
    """A restoration that the API refuses is no green run, and the saved state stays."""
    server = command.server
    lent = _lent(server)

    def refuse_the_third(seen: Seen) -> Event | None:
        updates = sum(past.method == "PATCH" for past in server.seen)
        return Event(400) if seen.method == "PATCH" and updates > 2 else None

    server.sky = refuse_the_third
    code, output = command.run(
        "contract_tests/promises/test_update_rules.py", "-k", "together or null or nothing", PERSONA_ID=lent
    )
    assert f"item {lent} is not as it was lent: " in output
    assert code in (1, 2), output
    assert len(list(command.journal.glob("*"))) == 1
