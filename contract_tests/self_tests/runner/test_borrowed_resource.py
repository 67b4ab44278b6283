"""A persona that is borrowed with PERSONA_ID: one run at a time, nothing that cannot be restored, and nothing in silence."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract_tests.self_tests.live_command import Command, verdict_of, wait_for
from contract_tests.self_tests.transport.weather_server import Event, Seen, WeatherServer, fair

TESTS = (
    "contract_tests/promises/test_update_rules.py",
    "contract_tests/promises/test_listed_values.py",
    "-k",
    "null or voice or any",
)
UPDATES = ("contract_tests/promises/test_update_rules.py",)
FEW_TESTS = (*UPDATES, "-k", "null")
LENT = "7KqWm2ZtXc9RbLd4VyHs6N"


def _change(server: WeatherServer, **fields: Any) -> None:
    """Change the persona behind the run's back, as another user of the account does."""
    headers = {"x-api-key": server.mock.api_key, "content-type": "application/json"}
    status, _, body = server.ask("PATCH", f"/v1/personas/{LENT}", json.dumps(fields).encode(), headers)
    assert status == 200, body


def _state(server: WeatherServer) -> dict[str, str]:
    """Return each field of the persona as JSON text, asked of the API itself; the time of its update left out."""
    headers = {"x-api-key": server.mock.api_key}
    _, _, body = server.ask("GET", f"/v1/personas/{LENT}", b"", headers)
    shown = json.loads(body, parse_float=str, parse_int=str)["persona"]
    return {name: json.dumps(value) for name, value in shown.items() if name != "update_time"}


def _is_same_elsewhere(server: WeatherServer) -> bool:
    """Whether every other persona is as it was."""
    return {**server.personas(), LENT: None} == {**server.before, LENT: None}


def _writes(server: WeatherServer) -> list[Seen]:
    return [seen for seen in server.seen if seen.method != "GET"]


def _ended(process: subprocess.Popen[str], seconds: float = 120) -> str:
    output, _ = process.communicate(timeout=seconds)
    return output


@pytest.mark.parametrize("module", ["run", "boundaries"])
def test_second_run_is_refused_while_the_first_still_prepares(command: Command, tmp_path: Path, module: str) -> None:
    """Two runs a moment apart, the first at a slow pace: the second ends at once, and the first restores what it borrowed."""
    server = command.server
    _change(server, name="Anna's own", persona_prompt="  Not yours.\n", wait_seconds=0.7)
    before = _state(server)
    arguments = ("--folder", str(tmp_path / "map"), "--field", "wait_seconds")
    first = replace(command, module=module)
    given, rate = (FEW_TESTS, "1") if module == "run" else (arguments, "10")
    with first.start(*given, PERSONA_ID=LENT, RATE=rate) as process:
        wait_for(lambda: any(command.journal.glob("*")) or process.poll() is not None)
        time.sleep(1)
        for second, asked in (
            (command, FEW_TESTS),
            (command, ("--fuzz",)),
            (replace(command, module="boundaries"), ("--folder", str(tmp_path / "second"))),
        ):
            # With a key that the API does not know: it is refused before the API is asked anything.
            code, output = second.run(*asked, PERSONA_ID=LENT, COVAL_API_KEY="another-key-of-the-account")
            assert (code, f"ITEM_ID {LENT} is lent to run" in verdict_of(output)) == (4, True), output
            assert "since 20" in verdict_of(output) and "wait until it ends" in verdict_of(output), output
        assert process.poll() is None
        output = _ended(process)
    assert process.returncode in (0, 2), output
    assert _state(server) == before, output
    assert _is_same_elsewhere(server)
    assert list(command.journal.glob("*")) == [], output


def test_lock_is_of_the_item_whatever_the_address_is_called(command: Command) -> None:
    """127.0.0.1 and localhost are one machine, so their persona is one, too; another persona is free."""
    server = command.server
    with command.start(*FEW_TESTS, PERSONA_ID=LENT, RATE="2") as process:
        wait_for(lambda: any(command.journal.glob("*.lock")))
        other = server.url.replace("127.0.0.1", "localhost")
        code, output = command.run(*FEW_TESTS, PERSONA_ID=LENT, BASE_URL=other)
        assert (code, "is lent to run" in verdict_of(output)) == (4, True), output
        free = next(key for key in server.before if key != LENT)
        code, output = command.run(*FEW_TESTS, PERSONA_ID=free)
        assert code == 0, output
        process.kill()


@pytest.mark.parametrize("moment", ["in the rehearsal of the plan", "in the tests"])
@pytest.mark.parametrize("module", ["run", "sweep"])
def test_killed_run_is_followed_by_an_exact_restoration(command: Command, module: str, moment: str) -> None:
    """After kill -9 the lock is free, and the next run, or make sweep, restores every field before anything else."""
    server = command.server
    _change(
        server,
        name="  Zoë \U0001f600\u202e ",
        wait_seconds=0.1,
        hold_music_timeout_seconds=300,
        persona_prompt="\u0000",
    )
    before = _state(server)

    def is_due() -> bool:
        changed = _state(server) != before
        return changed if moment == "in the tests" else any(command.journal.glob("*.lock"))

    server.sky = lambda seen: Event(seconds=0.05, is_weather=False)
    with command.start(*TESTS, PERSONA_ID=LENT, RATE="5" if moment != "in the tests" else "0") as process:
        wait_for(is_due)
        process.kill()
    server.sky = fair
    written = len(_writes(server))
    arguments = FEW_TESTS if module == "run" else ()
    environment = {"PERSONA_ID": LENT} if module == "run" else {}
    code, output = replace(command, module=module).run(*arguments, **environment)
    assert code == 0, output
    if moment == "in the tests":
        assert "restored 1 of the personas that an earlier run had borrowed" in output
        first = json.loads(_writes(server)[written].body)
        assert {name: json.dumps(value) for name, value in first.items()}.items() <= _plain(before).items()
    assert _state(server) == before, output
    assert _is_same_elsewhere(server)
    assert list(command.journal.glob("*")) == [], output


def _plain(state: dict[str, str]) -> dict[str, str]:
    """Return a state as `_state` gives it, its numbers as JSON has them."""
    numbers = ("wait_seconds", "hold_music_timeout_seconds")
    return {name: text.strip('"') if name in numbers and text != "null" else text for name, text in state.items()}


def test_borrowed_persona_is_no_left_over_of_a_run(command: Command, tmp_path: Path) -> None:
    """make sweep ALL=1 elsewhere, where no journal tells of the loan, does not remove what a run has borrowed."""
    server = command.server
    server.sky = lambda seen: Event(seconds=0.05, is_weather=False)
    with command.start(*TESTS, PERSONA_ID=LENT) as process:
        wait_for(lambda: "contract-test-" in _state(server)["name"])
        process.kill()
    server.sky = fair
    elsewhere = replace(command, journal=tmp_path / "elsewhere", module="sweep")
    _, output = elsewhere.run(ALL="1", YES="1")
    assert LENT in server.personas(), output
    code, output = replace(command, module="sweep").run()
    assert code == 0, output
    assert {**server.before[LENT], "update_time": None} == {**server.personas()[LENT], "update_time": None}


@pytest.mark.parametrize("budget", [10, 12, 16, 25])
def test_borrowed_persona_is_restored_within_any_budget(command: Command, budget: int) -> None:
    """What restores the persona is held back from the budget before the first change."""
    server = command.server
    before = _state(server)
    code, output = command.run(*TESTS, PERSONA_ID=LENT, MAX_REQUESTS=str(budget))
    assert code == 2, output
    assert len(server.seen) <= budget
    assert _state(server) == before, output
    assert list(command.journal.glob("*")) == [], output


@pytest.mark.parametrize(
    "shape",
    [lambda key: f"call with {key}", lambda key: key[:12], lambda _key: "$API_KEY"],
    ids=["whole", "beginning", "stand-in"],
)
def test_persona_that_holds_the_key_is_not_borrowed(command: Command, shape: Callable[[str], str]) -> None:
    """Answers are cleared of the key, so a prompt that holds it could not be restored: refused before any write."""
    server = command.server
    _change(server, persona_prompt=shape(server.mock.api_key))
    before = _state(server)
    code, output = command.run(*FEW_TESTS, PERSONA_ID=LENT)
    assert code == 4, output
    assert "persona_prompt holds the key of the account" in verdict_of(output)
    assert "nothing was changed" in verdict_of(output)
    assert server.mock.api_key[:12] not in output
    assert (_writes(server), _state(server) == before) == ([], True)
    assert list(command.journal.glob("*")) == [], output


def test_api_that_refuses_what_it_holds_is_not_trusted_with_a_persona(command: Command) -> None:
    """A state that the API does not take back ends the run before anything was changed: a voice that was retired."""
    server = command.server
    before = _state(server)
    retired = Event(400, body='{"error": {"code": "INVALID_ARGUMENT", "message": "no such voice"}}')
    server.sky = lambda seen: retired if seen.method == "PATCH" else None
    code, output = command.run(*FEW_TESTS, PERSONA_ID=LENT)
    assert (code, "an update refuses the state that it has" in verdict_of(output)) == (4, True), output
    assert (len(_writes(server)), _state(server) == before) == (1, True)
    assert list(command.journal.glob("*")) == [], output


def test_state_that_changes_before_it_is_lent_is_looked_at_again(command: Command) -> None:
    """What cannot be restored is refused at the moment of the loan, too, after the plan was rehearsed."""
    server = command.server
    key = server.mock.api_key

    def plant(seen: Seen) -> Event | None:
        reads = sum(past.method == "GET" and past.persona_id == LENT for past in server.seen)
        if seen.method == "GET" and seen.persona_id == LENT and reads == 5:
            _change(server, persona_prompt=key)
        return None

    server.sky = plant
    code, output = command.run(*FEW_TESTS, PERSONA_ID=LENT)
    assert (code, verdict_of(output).startswith("verdict: refused.")) == (4, True), output
    assert "persona_prompt holds the key of the account" in output
    assert len(_writes(server)) == 1
    assert _state(server)["persona_prompt"] == json.dumps(key)
    assert list(command.journal.glob("*")) == [], output


def test_change_that_another_makes_after_a_crash_is_left_alone(command: Command) -> None:
    """What somebody has changed since a run was killed is theirs: it is kept, and said until a person has looked."""
    server = command.server
    before = _state(server)
    server.sky = lambda seen: Event(seconds=0.05, is_weather=False)
    with command.start(*TESTS, PERSONA_ID=LENT) as process:
        wait_for(lambda: _state(server)["wait_seconds"] != before["wait_seconds"])
        process.kill()
    server.sky = fair
    _change(server, persona_prompt="Written by hand, the day after.")
    for module in ("sweep", "run"):
        arguments = FEW_TESTS if module == "run" else ()
        code, output = replace(command, module=module).run(*arguments, PERSONA_ID=LENT)
        assert code == (2 if module == "sweep" else 4), output
        left = f"LEFT BEHIND: item {LENT} is not as it was lent: persona_prompt, of which somebody else has changed"
        assert left in output
        assert _state(server) == {**before, "persona_prompt": '"Written by hand, the day after."'}, output
    named = re.search(r"its state stands in (\S+\.jsonl): put it right by hand, then remove that file", output)
    assert named is not None, output
    Path(named[1]).unlink()
    code, output = command.run(*FEW_TESTS, PERSONA_ID=LENT)
    assert code == 0, output
    assert list(command.journal.glob("*")) == [], output
