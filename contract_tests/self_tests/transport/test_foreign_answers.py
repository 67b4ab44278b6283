"""Answers that are not the API's own: what comes now and then is weather, and what comes every time is the API's."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from contract_tests.checks.findings import Violation
from contract_tests.checks.item_under_test import Rejection
from contract_tests.checks.judge import Judge
from contract_tests.checks.run import Run
from contract_tests.errors import Inconclusive
from contract_tests.self_tests.live_command import LISTING, Command, require_untouched, verdict_of
from contract_tests.self_tests.transport.shapes import PERSONAS
from contract_tests.self_tests.transport.weather_server import Event, Seen, WeatherServer, fair, weather_server
from contract_tests.spec.contract import load_contract
from contract_tests.transport.run_limits import RunLimits
from contract_tests.transport.target import Api, Target

PAGE = "<html><h1>Something is wrong here</h1></html>"
CONTRACT = load_contract()

FOREIGN: dict[str, Event] = {
    **{f"page of {status}": Event(status) for status in (500, 507, 511, 520, 525, 530, 598, 599, 408, 425, 403, 404, 401)},
    "maintenance": Event(200, body=PAGE),
    "nothing": Event(200, body="", content_type="application/json"),
    "redirect": Event(302, headers={"location": "https://login.example.com/"}, body=""),
    "gateway's JSON": Event(500, body='{"message": null}', content_type="application/json"),
    "firewall's JSON": Event(403, body='{"message": "Forbidden"}', content_type="application/json"),
    "other JSON": Event(500, body='{"errorCode": 7}', content_type="application/json"),
    "captcha": Event(405),
    "Kong's JSON": Event(404, body='{"message": "no Route matched", "request_id": "a"}', content_type="application/json"),
    "204": Event(204, body=""),
    "status 999": Event(999),
    "no gzip": Event(200, body="{}", content_type="application/json", headers={"content-encoding": "gzip"}),
    "half an answer": Event(is_weather=False, is_cut=True),
    "nested": Event(200, body="[" * 5_000, content_type="application/json"),
    "502": Event(502),
    "drop": Event(0),
}  # fmt: skip
SOME_TESTS = (
    "contract_tests/promises/test_deletion.py",
    "contract_tests/promises/test_update_rules.py",
    "-k",
    "not keepsake",
)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[WeatherServer]:
    """An API with weather, for all tests here that need no command."""
    with weather_server() as server:
        yield server


@pytest.fixture
def run(shared_server: WeatherServer) -> Iterator[Run]:
    """A run against it in fair weather, which leaves nothing."""
    shared_server.sky = fair
    target = Target("a server", shared_server.url, shared_server.mock.api_key)
    with Api(target, "foreign", PERSONAS, timeout_seconds=10, limits=RunLimits()) as api:
        yield Run(api, Judge(CONTRACT), 1)
        shared_server.sky = fair
        assert api.remove_all() == []
    assert shared_server.is_as_before
    assert shared_server.foreign_writes == []


def _some_of_everything(run: Run, index: int) -> Iterator[Callable[[], object]]:
    """Yield what the tests of a run do."""
    limit, body = "#/components/schemas/WaitSeconds", "#/x-promises/strict_json"
    with run.item() as subject:
        yield lambda: subject.accepts({"wait_seconds": 0.25 + index / 16})
        yield lambda: subject.refuses(Rejection('{"wait_seconds": 9}', "a limit", limit))
        yield lambda: subject.refuses(Rejection("{", "JSON", body))
        yield subject.read
        yield lambda: run.api.list(page_size="2")


@pytest.mark.parametrize("event", FOREIGN.values(), ids=FOREIGN)
def test_every_ninth_answer_is_no_violation(shared_server: WeatherServer, run: Run, event: Event) -> None:
    """An answer that does not come again says nothing about the API, whatever it looks like."""
    numbers = itertools.count()

    def sky(_seen: Seen) -> Event | None:
        turn, number = divmod(next(numbers), 9)
        return (replace(event, is_done=event.is_weather and turn % 2 == 0)) if number == 8 else None

    shared_server.sky = sky
    doubts = 0
    for index in range(8):
        with suppress(Inconclusive):
            for step in _some_of_everything(run, index):
                try:
                    step()
                except Inconclusive:
                    doubts += 1
    assert next(numbers) > 60
    assert doubts <= 8


ALWAYS: dict[str, Event] = {name: event for name, event in FOREIGN.items() if name not in ("502", "drop")}


@pytest.mark.parametrize("event", ALWAYS.values(), ids=ALWAYS)
def test_same_answer_to_one_body_is_a_violation(shared_server: WeatherServer, run: Run, event: Event) -> None:
    """What comes every time, while other requests are answered well, is the API's own doing."""
    with run.item() as subject:
        shared_server.sky = lambda seen: event if b"soon" in seen.body else None
        with pytest.raises(Violation):
            subject.refuses(Rejection('{"wait_seconds": "soon"}', "a number", "#/components/schemas/WaitSeconds/type"))
        sent = len(shared_server.seen)
        with pytest.raises(Violation):
            subject.refuses(Rejection('{"wait_seconds": "soon"}', "a number", "#/components/schemas/WaitSeconds/type"))
        assert len(shared_server.seen) - sent <= 4, "what is known already is not proved again"
        shared_server.sky = fair


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", ["page of 500", "nothing", "maintenance"])
def test_operation_that_always_answers_so_is_a_violation(
    shared_server: WeatherServer, run: Run, method: str, name: str
) -> None:
    """An operation that does what it should and never says so is found, also where it cannot be sent again."""
    subject = run.create()
    event = replace(FOREIGN[name], is_done=True)
    operations: dict[str, Callable[[], object]] = {
        "GET": subject.read,
        "POST": run.create,
        "PATCH": lambda: subject.accepts({"wait_seconds": 1.5 if subject.last.get("wait_seconds") == 1 else 1}),
        "DELETE": lambda: judged_removal(run, personas.pop()),
    }
    personas = [run.create().item_id for _ in range(8)] if method == "DELETE" else []
    shared_server.sky = lambda seen: (
        event if seen.method == method and "voices" not in seen.path and "?" not in seen.path else None
    )
    found = None
    for _ in range(8):
        try:
            operations[method]()
        except Violation as violation:
            found = violation
            break
        except Inconclusive:
            continue
    assert found is not None


@pytest.mark.parametrize("name", ["page of 500", "nothing", "maintenance"])
def test_update_that_is_done_and_always_answered_so_is_a_violation(
    shared_server: WeatherServer, run: Run, name: str
) -> None:
    """One body is enough: an update that was answered may be sent again, as it does the same twice."""
    with run.item() as subject:
        event = replace(FOREIGN[name], is_done=True)
        shared_server.sky = lambda seen: event if b"1.75" in seen.body else None
        with pytest.raises(Violation):
            subject.accepts({"wait_seconds": 1.75})
        shared_server.sky = fair


REFUSED_BODY = '{"wait_seconds": "soon"}'
SHAPES: dict[str, Event] = {
    "captcha": Event(405),
    "page of 415": Event(415),
    "page of 501": Event(501),
    "Apigee's JSON": Event(403, body='{"fault": {"faultstring": "denied"}}', content_type="application/json"),
    "Kong's JSON": FOREIGN["Kong's JSON"],
    "Azure's JSON": Event(401, body='{"statusCode": 401, "message": "denied"}', content_type="application/json"),
    "a detail": Event(404, body='{"detail": "Not Found"}', content_type="application/json"),
    "204": Event(204, body=""),
}


def _once(event: Event, method: str) -> Callable[[Seen], Event | None]:
    """Return a sky with one cloud, for the next request of a method."""
    left = [event]
    return lambda seen: left.pop() if left and seen.method == method else None


@pytest.mark.parametrize("event", SHAPES.values(), ids=SHAPES)
def test_one_answer_of_a_gateway_is_no_violation(shared_server: WeatherServer, run: Run, event: Event) -> None:
    """A documented operation answers an error in the documented shape, whatever the status; all else is asked again."""
    with run.item() as subject:
        shared_server.sky = _once(event, "GET")
        subject.read()
        shared_server.sky = _once(event, "PATCH")
        subject.accepts({"wait_seconds": 1.25})
        shared_server.sky = fair


def _refuse(run: Run, shared_server: WeatherServer, body: str) -> int:
    """Let a body be refused, which has to be a violation; the number of requests that this took."""
    with run.item() as subject:
        begun = len(shared_server.seen)
        try:
            subject.refuses(Rejection(body, "a number", "#/components/schemas/WaitSeconds/type"))
        except Violation:
            return len(shared_server.seen) - begun
        except Inconclusive as doubt:  # which would count as skipped
            pytest.fail(f"not proven: {doubt}")
    pytest.fail("not found")


def test_what_is_proven_of_one_body_is_not_of_another_request(shared_server: WeatherServer, run: Run) -> None:
    """A page that one body always gets says nothing about the same page elsewhere, when it comes once."""
    event = FOREIGN["page of 500"]
    shared_server.sky = lambda seen: event if b"soon" in seen.body else None
    _refuse(run, shared_server, REFUSED_BODY)
    shared_server.sky = fair
    with run.item() as subject:
        shared_server.sky = _once(event, "GET")
        subject.read()
        shared_server.sky = _once(event, "PATCH")
        subject.accepts({"wait_seconds": 1.25})
        shared_server.sky = fair


def test_known_page_is_proven_sooner_of_another_body(shared_server: WeatherServer, run: Run) -> None:
    """An API that answers all that it refuses with one page does not cost six requests and their controls each time."""
    event = FOREIGN["page of 500"]
    shared_server.sky = lambda seen: event if b"soon" in seen.body else None
    first = _refuse(run, shared_server, REFUSED_BODY)
    begun = len(shared_server.seen)
    second = _refuse(run, shared_server, '{"wait_seconds": "sooner"}')
    later = shared_server.seen[begun:]
    assert sum(seen.method == "PATCH" for seen in later) == 3
    assert sum("voices" in seen.path or "page_size=1" in seen.path for seen in later) >= 2, "never without controls"
    assert second <= 7 < first


def test_known_page_in_an_outage_is_no_violation(shared_server: WeatherServer, run: Run) -> None:
    """A page that is known of one body says nothing of another while the controls get it too."""
    event = FOREIGN["page of 403"]
    shared_server.sky = lambda seen: event if b"soon" in seen.body else None
    _refuse(run, shared_server, REFUSED_BODY)
    shared_server.sky = fair
    with run.item() as subject:
        transport = run.api.transport
        usual, transport.limits = transport.limits, replace(transport.limits, most_attempts=3)
        shared_server.sky = lambda _: event
        with pytest.raises(Inconclusive):
            subject.read()
        shared_server.sky, transport.limits = fair, usual


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"detail": "boom", "request_id": "ID"}', "application/json"),
        ("<html>Something went wrong. Reference: ID</html>", "text/html"),
    ],
    ids=["JSON", "page"],
)
def test_same_answer_with_another_id_each_time_is_a_violation(
    shared_server: WeatherServer, run: Run, body: str, content_type: str
) -> None:
    """The id of a request does not hide that the API always answers so."""

    def sky(seen: Seen) -> Event | None:
        event = Event(500, body=body.replace("ID", str(uuid.uuid4())), content_type=content_type)
        return event if b"soon" in seen.body else None

    shared_server.sky = sky
    _refuse(run, shared_server, REFUSED_BODY)
    shared_server.sky = fair


def judged_removal(run: Run, persona_id: str) -> None:
    found = run.judge.success("deletePersona", run.api.remove(persona_id))
    if found:
        raise Violation(found)


def test_outage_is_no_violation(shared_server: WeatherServer, run: Run) -> None:
    """Where the control is answered no better, nothing follows."""
    with run.item() as subject:
        shared_server.sky = lambda _: Event(500)
        with pytest.raises(Inconclusive):
            subject.read()
        shared_server.sky = fair
        assert run.api.transport.ended == "", "one request does not end the run"


def test_persona_that_may_be_removed_is_not_missed(shared_server: WeatherServer, run: Run) -> None:
    """404 after a removal of unknown outcome says nothing about the reading."""
    subject = run.create()
    lost = iter([Event(0, is_done=True)] + [Event(0)] * 8)
    shared_server.sky = lambda seen: next(lost, None) if seen.persona_id == subject.item_id else None
    with pytest.raises(Inconclusive):
        run.api.remove(subject.item_id)
    shared_server.sky = fair
    with pytest.raises(Inconclusive, match="after a removal"):
        subject.read()


def test_run_through_a_mixing_proxy_is_never_violated(command: Command) -> None:
    """Every thirtieth answer is replaced, each time in another way: holds or inconclusive, and nothing is left."""
    events = [replace(event, is_done=index % 2 == 0) for index, event in enumerate(FOREIGN.values())]

    def sky(seen: Seen) -> Event | None:
        return events[seen.number // 30 % len(events)] if seen.number > 30 and seen.number % 30 == 0 else None

    command.server.sky = sky
    code, output = command.run(*SOME_TESTS, *LISTING, RATE="0")
    assert (code in (0, 2), "violated" in verdict_of(output)) == (True, False), output
    require_untouched(command, output)
